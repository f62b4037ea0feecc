"""Searching: recall, queries/s, latency, settings that reach a recall."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from statistics import mean

import numpy as np

from .peers import OPERATORS, Peer
from .server import Cluster
from .source import Source, distances

K = 10


def query(metric: str, parameter: str) -> str:
    return (f"SELECT id FROM items ORDER BY v {OPERATORS[metric]} "
            f"(SELECT v FROM items_queries WHERE id = {parameter}) LIMIT {K}")


def bare_query(parameter: str) -> str:
    """A query that reads the same vector and returns as many rows, by the
    primary key: what any index leaves to the client, the protocol and the
    executor."""
    return (f"SELECT id FROM items WHERE id >= (SELECT id FROM items_queries "
            f"WHERE id = {parameter} AND vector_norm(v) >= 0) "
            f"ORDER BY id LIMIT {K}")


# What is told of a scan, as far as it can be averaged.
COUNTED = ("lists_read", "entries", "byte_codes", "heap_rows")


def answer(cluster: Cluster, peer: Peer, source: Source, setting: int | None,
           ids: Iterable[int], counters: bool = False) -> dict:
    """Ask the queries of these numbers; return recall@10 and, where the
    extension tells, what the scans did on average.

    Nothing is timed here, so all processors ask.
    """
    parts = np.array_split(np.asarray(ids), len(os.sched_getaffinity(0)))
    with ThreadPoolExecutor(len(parts)) as pool:
        done = list(pool.map(
            lambda part: ask(cluster, peer, source, setting, part, counters),
            parts))
    hits = [hit for part, _, _ in done for hit in part]
    told = [counts for _, part, _ in done for counts in part]
    result = {"setting": setting, "value": peer.value(setting),
              "recall": sum(hits) / (K * len(hits)),
              "plan": done[0][2]}
    if told:
        result["per_query"] = {name: mean(float(row[name]) for row in told)
                               for name in COUNTED}
    return result


def ask(cluster: Cluster, peer: Peer, source: Source, setting: int | None,
        ids: np.ndarray, counters: bool) -> tuple[list[int], list[dict], str]:
    """How many of the rows found for each query are right, what each scan
    did, and the plan.

    A row counts when its exact distance is at most the true 10th, so that
    it does not matter which of several rows at the same distance comes out.
    """
    hits, told = [], []
    statement = query(source.metric, "%s::int")
    with cluster.connect(peer.database) as connection:
        if setting is not None:
            connection.execute(f"SET {peer.setting} = {peer.value(setting)}")
        plan = "\n".join(row[0] for row in connection.execute(
            "EXPLAIN (COSTS off) " + statement, [0]))
        if "Index Scan using items_v" not in plan:
            raise RuntimeError(f"{peer.name} does not use its index:\n{plan}")
        for i in map(int, ids):
            found = connection.execute(statement, [i], prepare=True).fetchall()
            if counters and peer.counters:
                cursor = connection.execute(f"SELECT * FROM {peer.counters}()")
                told.append(dict(zip((c.name for c in cursor.description),
                                     cursor.fetchone())))
            tenth = distances(source, source.queries[i],
                              source.truth[i][:K]).max()
            got = distances(source, source.queries[i], [r[0] for r in found])
            # Both are float8 and by the same formula; the sums of another
            # number of rows may still differ in the last bit.
            hits.append(int((got <= tenth + 1e-12 * abs(tenth)).sum()))
    return hits, told, plan


def tune(recall_at: Callable[[int], float], target: float, lowest: int,
         highest: int) -> int | None:
    """The smallest setting that reaches the target, taking recall to rise
    with it; None when even the highest does not."""
    high = lowest
    while recall_at(high) < target:
        if high == highest:
            return None
        lowest, high = high + 1, min(max(1, 2 * high), highest)
    while lowest < high:
        middle = (lowest + high) // 2
        if recall_at(middle) < target:
            lowest = middle + 1
        else:
            high = middle
    return high


def curve(lowest: int, highest: int, count: int) -> list[int]:
    """So many settings from lowest to highest, in a geometric series."""
    lowest = max(1, lowest)
    steps = np.geomspace(lowest, max(lowest, highest), count)
    return sorted({int(round(step)) for step in steps})


def pgbench(cluster: Cluster, peer: Peer, script: str, *args,
            one_processor: bool = False, **settings) -> dict:
    """Run a pgbench script, prepared; return its figures, latencies of
    single transactions among them."""
    file = cluster.folder / f"{peer.name}.sql"
    file.write_text(script)
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(dir=cluster.folder) as folder:
        with cluster.one_processor() if one_processor else nullcontext():
            done = subprocess.run(
                [cluster.bindir / "pgbench", "-n", "-M", "prepared",
                 "-f", file, "--log", f"--log-prefix={folder}/t",
                 *map(str, args)],
                text=True, capture_output=True, stdin=subprocess.DEVNULL,
                env=cluster.environment(peer.database, **settings))
        rate = re.search(r"tps = ([\d.]+) \(without initial", done.stdout)
        if done.returncode or not rate:
            raise RuntimeError("pgbench failed\n" + done.stdout + done.stderr)
        # client, transaction, microseconds, ...
        times = [int(line.split()[2]) / 1e3
                 for log in Path(folder).iterdir()
                 for line in log.read_text().splitlines()]
    p50, p95, p99 = np.percentile(times, [50, 95, 99])
    return {"rate": float(rate[1]), "transactions": len(times),
            "p50_ms": p50, "p95_ms": p95, "p99_ms": p99, "load_before": load}


def search_rate(cluster: Cluster, peer: Peer, metric: str,
                setting: int | None, queries: int, clients: int,
                seconds: int, one_processor: bool = False) -> dict:
    """Queries/s and latencies of so many clients that ask random ones of the
    first queries."""
    settings = {} if setting is None else {peer.setting: peer.value(setting)}
    return random_rate(cluster, peer, query(metric, ":id"), queries, clients,
                       seconds, one_processor, **settings)


def bare_rate(cluster: Cluster, peer: Peer, queries: int, clients: int,
              seconds: int, one_processor: bool = False) -> dict:
    """The same of queries that have no use for an index of vectors."""
    return random_rate(cluster, peer, bare_query(":id"), queries, clients,
                       seconds, one_processor)


def random_rate(cluster: Cluster, peer: Peer, statement: str, queries: int,
                clients: int, seconds: int, one_processor: bool,
                **settings) -> dict:
    script = f"\\set id random(0, {queries - 1})\n{statement};\n"
    return pgbench(cluster, peer, script, "-c", clients, "-j", clients,
                   "-T", seconds, one_processor=one_processor, **settings)
