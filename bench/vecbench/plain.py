"""The search inside of the index beside the same on plain arrays."""

from __future__ import annotations

import argparse
import os
import subprocess
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType

import numpy as np

from .machine import cpu_seconds
from .peers import OPERATORS, Peer
from .search import K
from .server import Cluster
from .source import Source

STEP = 50_000           # rows written at a time


class PlainArrays:
    """bench/plain, with a set in memory; a context manager."""

    def __init__(self, args: argparse.Namespace, source: Source,
                 tested: range, lists: int) -> None:
        folder = Path(args.sources) / "bench" / "plain"
        subprocess.run(["make", "-s", f"-j{os.cpu_count()}", "-C", folder],
                       check=True, stdin=subprocess.DEVNULL)
        self.files = tempfile.TemporaryDirectory(dir=args.folder,
                                                 prefix="vecbench-plain-")
        files = Path(self.files.name)
        with open(files / "rows", "wb") as out:
            for start in range(0, len(source.base), STEP):
                np.asarray(source.base[start:start + STEP],
                           dtype="f4").tofile(out)
        np.asarray(source.queries[:len(tested)], dtype="f4").tofile(
            files / "queries")
        np.ascontiguousarray(source.truth[:len(tested), :K],
                             dtype="i4").tofile(files / "truth")
        self.process = subprocess.Popen(
            [folder / "build" / "plain", files / "rows", files / "queries",
             files / "truth", str(source.dimensions), source.metric,
             str(lists)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True)

    def __enter__(self) -> PlainArrays:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.process.stdin.close()
        self.process.wait()
        self.files.cleanup()

    def told(self) -> dict[str, float]:
        """The next line of name=value."""
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("the search on plain arrays ended")
        return {name: float(value) for name, value in
                (word.split("=") for word in line.split())}

    def search(self, probes: int) -> dict[str, float]:
        """CPU microseconds a query and recall, over all queries."""
        self.process.stdin.write(f"{probes}\n")
        self.process.stdin.flush()
        return self.told()


def loop(statement: str, queries: int, rounds: int) -> str:
    """A loop in the server, that no client and no parser has a part in."""
    return f"""DO $$
DECLARE q record;
BEGIN
  FOR i IN 1 .. {rounds} LOOP
    FOR q IN SELECT id, v FROM items_queries WHERE id < {queries} LOOP
      PERFORM {statement};
    END LOOP;
  END LOOP;
END $$"""


def server_cpu(cluster: Cluster, peer: Peer, metric: str, setting: int,
               queries: int) -> dict[str, float]:
    """CPU microseconds of the backend for a query, and for one with the same
    executor nodes on the primary key: what is not the index's."""
    nearest = f"id FROM items ORDER BY v {OPERATORS[metric]} q.v LIMIT {K}"
    first = f"id FROM items WHERE id >= q.id ORDER BY id LIMIT {K}"
    with cluster.connect(peer.database) as connection:
        connection.execute("SET plan_cache_mode = force_generic_plan")
        connection.execute(f"SET {peer.setting} = {peer.value(setting)}")
        pid = connection.info.backend_pid

        def cpu(statement: str) -> float:
            connection.execute(loop(statement, queries, 1))
            before = cpu_seconds(pid)
            connection.execute(loop(statement, queries, 3))
            return (cpu_seconds(pid) - before) / (3 * queries) * 1e6

        return {"query_us": cpu(nearest), "executor_us": cpu(first)}


def compare(cluster: Cluster, peer: Peer, source: Source, tested: range,
            points: Iterable[dict], args: argparse.Namespace,
            log: Callable[..., None]) -> list[dict]:
    """Both at every tuned setting, in alternation: arrays read the same number
    of lists for every query, as many as the index does on average."""
    with cluster.connect(peer.database) as connection:
        lists, = connection.execute(
            "SELECT lists FROM ivf_info('items_v')").fetchone()
    found = [{"target": point["target"], "setting": point["setting"],
              "probes": max(1, round(point["per_query"]["lists_read"])),
              "entries": point["per_query"]["entries"],
              "recall": point["recall"], "lists": lists, "runs": []}
             for point in points if point["setting"] is not None]
    with PlainArrays(args, source, tested, lists) as arrays:
        built = arrays.told()
        log(f"plain arrays: {built['lists']:.0f} lists in "
            f"{built['build_s']:.1f} s")
        for _ in range(args.plain):
            for point in found:
                arrays_run = arrays.search(point["probes"])
                run = server_cpu(cluster, peer, source.metric,
                                 point["setting"], len(tested))
                point["runs"].append(run | {
                    "plain_" + name: value
                    for name, value in arrays_run.items()})
    return found
