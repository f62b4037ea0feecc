"""Many searches in one statement: time beside single ones, and memory."""

from __future__ import annotations

import re
import threading
import time
from pathlib import Path
from statistics import median

import psycopg

from . import table
from .benchmark import log
from .clustered import Mixture
from .server import Cluster

ROWS, DIMS = 100_000, 64
QUERIES = 1000
RESCANS = 100_000
ROUNDS = 7
NEAR = ("SELECT id, v <-> {q} AS distance FROM items ORDER BY v <-> {q} "
        "LIMIT 10")
LATERAL = ("SELECT count(*), sum(distance) FROM {queries} AS q "
           "CROSS JOIN LATERAL (" + NEAR.format(q="q.v") + ") AS near")


def load(connection: psycopg.Connection) -> None:
    made = Mixture(ROWS, DIMS)
    connection.execute("DROP TABLE IF EXISTS items, queries")
    for name, rows in (("items", made.rows(0, 0, ROWS)),
                       ("queries", made.rows(1, 0, QUERIES))):
        connection.execute(
            f"CREATE TABLE {name} (id int PRIMARY KEY, v vector({DIMS}))")
        with connection.cursor() as cursor:
            table.copy_in(cursor, psycopg.sql.Identifier(name),
                          table.encode_vectors, rows)
    connection.execute("CREATE INDEX items_v ON items USING ivf (v)")
    connection.execute("VACUUM ANALYZE items")
    connection.execute("ANALYZE queries")


def lateral(connection: psycopg.Connection) -> float:
    begun = time.monotonic()
    connection.execute(LATERAL.format(queries="queries")).fetchall()
    return (time.monotonic() - begun) / QUERIES * 1e6


def single(connection: psycopg.Connection, vectors: list[str]) -> float:
    statement = NEAR.format(q="%s::vector")
    begun = time.monotonic()
    for vector in vectors:
        connection.execute(statement, [vector, vector],
                           prepare=True).fetchall()
    return (time.monotonic() - begun) / QUERIES * 1e6


def inside(connection: psycopg.Connection) -> float:
    """The single query, prepared, in a loop of the server's own: what it
    takes without a client."""
    took, = connection.execute("SELECT single_queries()").fetchone()
    return took / QUERIES


SINGLE = """
CREATE OR REPLACE FUNCTION single_queries() RETURNS float8
LANGUAGE plpgsql AS $$
DECLARE
    asked vector[] := ARRAY(SELECT v FROM queries ORDER BY id);
    q vector;
    found record;
    begun timestamptz := clock_timestamp();
BEGIN
    FOREACH q IN ARRAY asked LOOP
        SELECT count(*), sum(distance) INTO found FROM ({near}) AS near;
    END LOOP;
    RETURN extract(epoch FROM clock_timestamp() - begun) * 1e6;
END $$
"""


def private_kilobytes(pid: int) -> int:
    return int(re.search(r"RssAnon:\s+(\d+)", Path(
        f"/proc/{pid}/status").read_text())[1])


def memory(connection: psycopg.Connection) -> dict:
    """A backend's private pages while it searches anew a hundred thousand
    times, and its contexts before and after."""
    contexts = ("SELECT sum(total_bytes)::bigint "
                "FROM pg_backend_memory_contexts")
    pid = connection.info.backend_pid
    statement = LATERAL.format(
        queries="(SELECT q.v FROM generate_series(1, "
        f"{RESCANS // QUERIES}), queries AS q OFFSET 0)")
    lateral(connection)
    connection.execute(contexts).fetchone()
    before, = connection.execute(contexts).fetchone()
    samples: list[int] = []
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.2):
            samples.append(private_kilobytes(pid))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        connection.execute(statement).fetchall()
    finally:
        done.set()
        watcher.join()
    after, = connection.execute(contexts).fetchone()
    tenth = max(1, len(samples) // 10)
    return {"rescans": RESCANS, "samples": len(samples),
            "first_tenth_kb": max(samples[:tenth]),
            "last_tenth_kb": max(samples[-tenth:]),
            "contexts_before": before, "contexts_after": after}


def run(cluster: Cluster) -> dict:
    with cluster.connect() as connection:
        load(connection)
        connection.execute(SINGLE.format(near=NEAR.format(q="q")))
        connection.execute("SET max_parallel_workers_per_gather = 0")
        plan = "\n".join(line for line, in connection.execute(
            "EXPLAIN " + LATERAL.format(queries="queries")))
        if "Index Scan using items_v" not in plan:
            raise RuntimeError(f"the index is not used:\n{plan}")
        vectors = [v for v, in connection.execute(
            "SELECT v::text FROM queries ORDER BY id")]
        figures: dict[str, list[float]] = {
            "lateral": [], "single": [], "inside": []}
        for _ in range(ROUNDS):
            figures["lateral"].append(lateral(connection))
            figures["single"].append(single(connection, vectors))
            figures["inside"].append(inside(connection))
        result = {"rows": ROWS, "dimensions": DIMS, "queries": QUERIES,
                  "us": {name: median(runs)
                         for name, runs in figures.items()}, "runs": figures}
        log("batch:", result["us"])
        result["memory"] = memory(connection)
        log("memory:", result["memory"])
    return result
