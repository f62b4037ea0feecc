"""Writing into an indexed table."""

from __future__ import annotations

import os
import time

import numpy as np
from psycopg.errors import QueryCanceled

from . import table
from .peers import Peer
from .search import pgbench
from .server import Cluster
from .source import Source


def new_rows(source: Source, count: int, seed: int = 1) -> np.ndarray:
    """Vectors like the base's but not among them: base rows with a tenth of
    each dimension's spread as noise."""
    random = np.random.default_rng(seed)
    sample = np.sort(random.integers(len(source.base), size=count))
    rows = np.asarray(source.base[sample], dtype="f4")
    random.shuffle(rows)
    noise = random.standard_normal(rows.shape, dtype="f4")
    return rows + noise * rows.std(axis=0) / 10


def prepare_inserts(cluster: Cluster, peer: Peer, dimensions: int,
                    rows: np.ndarray, first_id: int) -> None:
    """The table that single-row INSERTs take their vectors from, and the
    sequence that numbers them."""
    with cluster.connect(peer.database) as connection:
        connection.execute(f"CREATE TABLE items_new "
                           f"(id int PRIMARY KEY, v vector({dimensions}))")
        with connection.cursor() as cursor:
            table.copy_in(cursor, table.identifier("items_new"),
                          table.encode_vectors, rows, first_id)
        connection.execute("VACUUM (ANALYZE) items_new")
        connection.execute(f"CREATE SEQUENCE items_new_id MINVALUE 0 "
                           f"START {first_id}")


def prepare_bare(cluster: Cluster, peer: Peer, first_id: int) -> None:
    """A copy of the table without the vector index: what is written into it
    costs what any index leaves to the rest of the server."""
    with cluster.connect(peer.database) as connection:
        connection.execute("CREATE TABLE items_bare (LIKE items)")
        connection.execute("INSERT INTO items_bare SELECT * FROM items")
        connection.execute("ALTER TABLE items_bare ADD PRIMARY KEY (id)")
        connection.execute("VACUUM (ANALYZE) items_bare")
        connection.execute(f"CREATE SEQUENCE items_bare_id MINVALUE 0 "
                           f"START {first_id}")


def row_count(cluster: Cluster, peer: Peer, name: str) -> int:
    with cluster.connect(peer.database) as connection:
        return connection.execute(
            f"SELECT count(*) FROM {name}").fetchone()[0]


def insert(cluster: Cluster, peer: Peer, count: int, one_processor: bool,
           name: str = "items", sequence: str = "items_new_id") -> dict:
    """Rows/s of single-row INSERT transactions, one client."""
    script = (f"WITH n AS MATERIALIZED "
              f"(SELECT nextval('{sequence}')::int AS id) "
              f"INSERT INTO {name} SELECT id, v FROM n JOIN items_new "
              f"USING (id);\n")
    before = row_count(cluster, peer, name)
    result, wal = cluster.wal_during(lambda: pgbench(
        cluster, peer, script, "-c", 1, "-t", count,
        one_processor=one_processor))
    if row_count(cluster, peer, name) != before + count:
        raise RuntimeError("INSERT did not insert every row")
    return result | {"wal_bytes_per_row": wal / count}


def copy(cluster: Cluster, peer: Peer, rows: np.ndarray,
         first_id: int, name: str = "items") -> dict:
    """Rows/s of one COPY into a table."""
    def work() -> float:
        with cluster.connect(peer.database) as connection:
            with connection.cursor() as cursor:
                start = time.monotonic()
                table.copy_in(cursor, table.identifier(name),
                              table.encode_vectors, rows, first_id)
                return time.monotonic() - start
    load = os.getloadavg()[0]
    seconds, wal = cluster.wal_during(work)
    return {"rate": len(rows) / seconds, "rows": len(rows),
            "seconds": seconds, "wal_bytes_per_row": wal / len(rows),
            "load_before": load}


def vacuum(cluster: Cluster, peer: Peer, memory: str,
           patience: int) -> dict:
    """Seconds of a VACUUM of the table after every tenth row was deleted:
    heap, primary key and index.  With given_up set it would have taken
    longer."""
    with cluster.connect(peer.database) as connection:
        deleted = connection.execute(
            "DELETE FROM items WHERE id % 10 = 3").rowcount
        connection.execute(f"SET maintenance_work_mem = '{memory}'")
        connection.execute(f"SET statement_timeout = '{patience}s'")
        load = os.getloadavg()[0]

        def work() -> tuple[float, bool]:
            start = time.monotonic()
            given_up = False
            try:
                connection.execute(
                    "VACUUM (INDEX_CLEANUP on, PARALLEL 0) items")
            except QueryCanceled:
                given_up = True
            return time.monotonic() - start, given_up

        (seconds, given_up), wal = cluster.wal_during(work)
    return {"seconds": seconds, "given_up": given_up, "deleted": deleted,
            "wal_bytes": wal, "load_before": load}
