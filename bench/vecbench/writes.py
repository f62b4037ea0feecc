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


def row_count(cluster: Cluster, peer: Peer) -> int:
    with cluster.connect(peer.database) as connection:
        return connection.execute("SELECT count(*) FROM items").fetchone()[0]


def insert(cluster: Cluster, peer: Peer, count: int) -> dict:
    """Rows/s of single-row INSERT transactions, one client."""
    script = ("WITH n AS MATERIALIZED "
              "(SELECT nextval('items_new_id')::int AS id) "
              "INSERT INTO items SELECT id, v FROM n JOIN items_new "
              "USING (id);\n")
    before = row_count(cluster, peer)
    result, wal = cluster.wal_during(lambda: pgbench(
        cluster, peer, script, "-c", 1, "-t", count))
    if row_count(cluster, peer) != before + count:
        raise RuntimeError("INSERT did not insert every row")
    return result | {"wal_bytes_per_row": wal / count}


def copy(cluster: Cluster, peer: Peer, rows: np.ndarray,
         first_id: int) -> dict:
    """Rows/s of one COPY into the indexed table."""
    def work() -> float:
        with cluster.connect(peer.database) as connection:
            with connection.cursor() as cursor:
                start = time.monotonic()
                table.copy_in(cursor, table.identifier("items"),
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
