"""The tables of bench/planner."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .clustered import STEP, Mixture
from .plancells import KINDS, TABLES, WHOLE
from .table import HEADER, TRAILER, copy_in, encode_vectors, identifier

SEED = 20260202
QUERIES = 100


def encode(ids, a, b, kind, vectors) -> bytes:
    """Rows (id, a, b, kind int, v vector) in COPY's binary format."""
    row = np.zeros(len(ids), dtype=[
        ("fields", ">i2"),
        ("ints", [("length", ">i4"), ("value", ">i4")], (4,)),
        ("v_length", ">i4"), ("dims", ">i2"), ("unused", ">i2"),
        ("x", ">f4", (vectors.shape[1],))])
    row["fields"], row["ints"]["length"] = 5, 4
    for number, column in enumerate((ids, a, b, kind)):
        row["ints"]["value"][:, number] = column
    row["dims"], row["x"] = vectors.shape[1], vectors
    row["v_length"] = 4 + 4 * vectors.shape[1]
    return row.tobytes()


def fill(connection, name: str, rows: int, dims: int) -> None:
    connection.execute(f"CREATE TABLE {name} (id int, a int, b int, "
                       f"kind int, v vector({dims}))")
    mixture = Mixture(rows, dims)
    with connection.cursor() as cursor, cursor.copy(
            f"COPY {name} FROM STDIN (FORMAT binary)") as copy:
        copy.write(HEADER)
        for start in range(0, rows, STEP):
            count = min(STEP, rows - start)
            random = np.random.default_rng([SEED, start])
            a, b = random.integers(0, WHOLE, (2, count))
            kind = random.integers(0, KINDS, count)
            vectors = mixture.rows(0, start, count)
            for first in range(0, count, 10_000):
                part = slice(first, min(first + 10_000, count))
                ids = np.arange(part.start, part.stop) + start
                copy.write(encode(ids, a[part], b[part], kind[part],
                                  vectors[part]))
        copy.write(TRAILER)
    connection.execute(f"CREATE TABLE {name}_queries (id int, v vector({dims}))")
    with connection.cursor() as cursor:
        copy_in(cursor, identifier(name, "_queries"), encode_vectors,
                mixture.rows(1, 0, QUERIES))


def make(connection, tables: set[str], log: Callable[..., None]) -> None:
    """Make those of the tables that are not there."""
    connection.execute("CREATE EXTENSION IF NOT EXISTS vecfeat")
    connection.execute("CREATE EXTENSION IF NOT EXISTS pg_prewarm")
    connection.execute("SET maintenance_work_mem = '256MB'")
    connection.execute(f"""
        CREATE TABLE IF NOT EXISTS kinds AS
        SELECT id, (id * 7919) % {KINDS} AS grade
        FROM generate_series(0, {KINDS - 1}) id""")
    connection.execute("CREATE UNIQUE INDEX IF NOT EXISTS kinds_id "
                       "ON kinds (id)")
    connection.execute("VACUUM ANALYZE kinds")
    for name, (rows, dims) in TABLES.items():
        there, = connection.execute("SELECT to_regclass(%s) IS NOT NULL",
                                    [name + "_v"]).fetchone()
        if there or name not in tables:
            continue
        log(f"making {name}: {rows:,} × {dims}")
        connection.execute(f"DROP TABLE IF EXISTS {name}, {name}_queries")
        fill(connection, name, rows, dims)
        connection.execute(f"ALTER TABLE {name} ADD PRIMARY KEY (id)")
        for column in ("a", "kind"):
            connection.execute(f"CREATE INDEX {name}_{column} ON {name} "
                               f"({column})")
        where = f"WHERE a < {WHOLE // 10}" if name == "partial" else ""
        connection.execute(f"CREATE INDEX {name}_v ON {name} USING ivf (v) "
                           f"{where}")
        for table in (name, name + "_queries"):
            connection.execute(f"VACUUM ANALYZE {table}")
    connection.execute("""
        SELECT sum(pg_prewarm(c.oid)) FROM pg_class c
        WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'i')
        """)
