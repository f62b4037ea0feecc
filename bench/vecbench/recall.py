"""Does a scan find what ivf.recall asks for, and at what price?  The Python
part of bench/recall."""

from __future__ import annotations

import datetime
import json
import os
import signal
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psycopg

from . import batch, machine, nearest, recallreport, recallsets, table
from .benchmark import log
from .nearest import Truth
from .peers import OPERATORS
from .recalloptions import parse
from .recallsets import Set, generator
from .server import Cluster

TARGETS = (0.80, 0.90, 0.95, 0.99)
QUERIES = 1000          # for k > 1; k = 1 takes all that are held out
DEPTHS = (1, 10, 100)
DEEP = 1000
FEW = 300               # where a filter keeps a thousandth
NOISY = 100_000         # numbers of queries with noise begin there,
FOREIGN = 200_000       # and of those like foreign rows

# what a filter keeps: of its own, a share of the rows, and by where they are
FILTERS = {"a tenth": "mark < 100", "a hundredth": "mark < 10",
           "a thousandth": "mark < 1", "halfspace": "side",
           "cluster": "cell = 1"}
CORRELATED = ("halfspace", "cluster")
# these take scans far, so they are asked for at fewer targets
FILTER_TARGETS = {"a hundredth": (0.95,), "a thousandth": (0.95,),
                  "halfspace": (0.80, 0.95), "cluster": (0.80, 0.95)}
CELLS = 20

ASK = """
CREATE OR REPLACE FUNCTION ask(first int, last int)
RETURNS TABLE (came bytea, leaves float8, entries float8, byte_codes float8,
               us float8)
LANGUAGE plpgsql AS $$
DECLARE
    q vector;
    begun timestamptz;
    near_ids int[];
BEGIN
    FOR i IN first .. last LOOP
        SELECT v INTO q FROM queries WHERE id = i;
        begun := clock_timestamp();
        SELECT array_agg(id) INTO near_ids FROM ({statement}) AS near;
        us := extract(epoch FROM clock_timestamp() - begun) * 1e6;
        SELECT s.lists_read, s.entries, s.byte_codes
        INTO leaves, entries, byte_codes FROM ivf_last_scan() AS s;
        came := array_send(coalesce(near_ids, '{{}}'));
        RETURN NEXT;
    END LOOP;
END $$
"""


@dataclass
class Answer:
    """What came for each of some queries, and what their scans did."""

    came: list[np.ndarray]
    lists: np.ndarray
    entries: np.ndarray
    byte_codes: np.ndarray
    us: np.ndarray

    @property
    def work(self) -> float:
        return float(self.entries.mean() + self.byte_codes.mean())


class Measurement:
    """A set in a table of a private server, with an index that has nothing
    but defaults."""

    def __init__(self, cluster: Cluster, data: Set) -> None:
        self.cluster, self.data = cluster, data
        self.base = data.base
        self.random = generator(data.name + " marks")
        self.cells: list[dict] = []
        self.curve: list[dict] = []
        self.threads = len(os.sched_getaffinity(0))

    # the table

    def load(self) -> None:
        dims = self.base.shape[1]
        self.marks = self.mark(self.base, self.random)
        with self.cluster.connect() as connection:
            connection.execute("DROP TABLE IF EXISTS items, queries")
            connection.execute(
                f"CREATE TABLE items (id int, v vector({dims}), mark int, "
                "side bool, cell int)")
            connection.execute(
                f"CREATE TABLE queries (id int PRIMARY KEY, v vector({dims}))")
            self.insert(connection, self.base, self.marks, 0)
            self.ask_of(connection, self.data.queries, 0)
            connection.execute("VACUUM ANALYZE items")
            connection.execute("ANALYZE queries")
            connection.execute("SET max_parallel_maintenance_workers = 1")
            begun = datetime.datetime.now()
            connection.execute(
                "CREATE INDEX items_v ON items USING ivf (v "
                f"vector_{self.data.metric}_ops)")
            self.seconds = (datetime.datetime.now() - begun).total_seconds()
            connection.execute("CHECKPOINT")
            self.lists, = connection.execute(
                "SELECT lists FROM ivf_info('items_v')").fetchone()

    def mark(self, rows: np.ndarray, random: np.random.Generator) -> dict:
        """What the filters ask for: a number, the side of a plane, and which
        of some rows is nearest."""
        rows = np.asarray(rows, dtype="f4")
        if not hasattr(self, "plane"):
            self.plane = random.standard_normal(rows.shape[1])
            self.edge = np.quantile(rows @ self.plane, 0.8)
            self.seeds = rows[random.integers(0, len(rows), CELLS)]
        far = -2 * (rows @ self.seeds.T) + (self.seeds ** 2).sum(axis=1)
        return {"mark": random.permutation(len(rows)) % 1000,
                "side": rows @ self.plane > self.edge,
                "cell": far.argmin(axis=1)}

    @staticmethod
    def insert(connection: psycopg.Connection, rows: np.ndarray, marks: dict,
               first: int) -> None:
        def encode(ids: np.ndarray, vectors: np.ndarray) -> bytes:
            here = ids - first
            row = np.zeros(len(ids), dtype=[
                ("vector", "V%d" % (18 + 4 * vectors.shape[1])),
                ("mark_length", ">i4"), ("mark", ">i4"),
                ("side_length", ">i4"), ("side", "i1"),
                ("cell_length", ">i4"), ("cell", ">i4")])
            pair = table.encode_vectors(ids, vectors)
            row["vector"] = np.frombuffer(pair, dtype=row.dtype["vector"])
            row["mark_length"] = row["cell_length"] = 4
            row["side_length"] = 1
            for name, values in marks.items():
                row[name] = values[here]
            raw = row.view("u1").reshape(len(ids), -1)
            raw[:, 1] = 5       # fields, not 2
            return raw.tobytes()

        with connection.cursor() as cursor:
            table.copy_in(cursor, psycopg.sql.Identifier("items"), encode,
                          rows, first)

    @staticmethod
    def ask_of(connection: psycopg.Connection, queries: np.ndarray,
               first: int) -> None:
        with connection.cursor() as cursor:
            table.copy_in(cursor, psycopg.sql.Identifier("queries"),
                          table.encode_vectors, queries, first)

    # asking

    def answer(self, k: int, count: int, first: int = 0,
               recall: float | None = None, probes: int = 0,
               where: str = "true") -> Answer:
        parts = [part for part in np.array_split(
            np.arange(first, first + count), self.threads) if len(part)]
        statement = (f"SELECT id FROM items WHERE {where} "
                     f"ORDER BY v {OPERATORS[self.data.metric]} %s LIMIT {k}")
        with self.cluster.connect() as connection:
            connection.execute(ASK.format(statement=statement % "q"))
        with ThreadPoolExecutor(len(parts)) as pool:
            done = list(pool.map(lambda part: self.part(
                statement, part, recall, probes), parts))
        rows = [row for part in done for row in part]
        figures = np.array([row[1:] for row in rows])
        return Answer([np.frombuffer(row[0][20:], ">i4")[1::2]
                       for row in rows], *figures.T)

    def part(self, statement: str, ids: np.ndarray, recall: float | None,
             probes: int) -> list[tuple]:
        with self.cluster.connect() as connection:
            for name, value in (
                    ("enable_seqscan", "off"),
                    ("plan_cache_mode", "force_generic_plan"),
                    ("max_parallel_workers_per_gather", 0),
                    ("ivf.probes", probes)):
                connection.execute(f"SET {name} = {value}")
            if recall is not None:
                connection.execute(f"SET ivf.recall = {recall}")
            plan = "\n".join(line for line, in connection.execute(
                "EXPLAIN " + statement % (
                    f"(SELECT v FROM queries WHERE id = {ids[0]})")))
            if "Index Scan using items_v" not in plan:
                raise RuntimeError(f"the index is not used:\n{plan}")
            return connection.cursor(binary=True).execute(
                "SELECT * FROM ask(%s::int, %s::int)",
                [int(ids[0]), int(ids[-1])]).fetchall()

    # measuring

    def cell(self, kind: str, k: int, target: float, answer: Answer,
             recalls: np.ndarray, allowed: float, errors: int = 2,
             **more) -> dict:
        mean = float(recalls.mean())
        error = float(recalls.std(ddof=1) / np.sqrt(len(recalls)))
        least = target - allowed - errors * error
        result = {
            "kind": kind, "k": k, "target": target, "queries": len(recalls),
            "recall": mean, "error": error, "least": least,
            "reached": mean >= least,
            "lists": float(answer.lists.mean()),
            "entries": float(answer.entries.mean()),
            "byte_codes": float(answer.byte_codes.mean()),
            "work": answer.work,
            "us": float(np.median(answer.us)),
            "us_95": float(np.quantile(answer.us, 0.95)),
            "lists_spread": np.quantile(
                answer.lists, [0, 0.1, 0.5, 0.9, 1]).tolist(),
            "recall_spread": np.quantile(
                recalls, [0.01, 0.05, 0.1, 0.25, 0.5]).tolist(), **more}
        self.cells.append(result)
        log(f"  {kind}, k {k}, {target:.2f}: {mean:.4f} ± {error:.4f}, "
            f"{result['lists']:.1f} lists"
            + ("" if result["reached"] else "  MISSED"))
        return result

    def plain(self) -> None:
        """Queries like the rows, and the same recall with fixed probes."""
        queries = self.data.queries
        depth = DEEP if self.data.deep else max(DEPTHS)
        log("finding the exact neighbours")
        self.truth = nearest.find(self.base, queries[:QUERIES],
                                  self.data.metric, depth)
        others = nearest.find(self.base, queries[QUERIES:], self.data.metric,
                              1)
        first = Truth(np.concatenate([self.truth.ids[:, :1], others.ids]),
                      np.concatenate([self.truth.distances[:, :1],
                                      others.distances]))
        for k in (*DEPTHS, DEEP) if self.data.deep else DEPTHS:
            truth = first if k == 1 else self.truth
            asked = queries if k == 1 else queries[:QUERIES]
            cells = []
            for target in TARGETS:
                answer = self.answer(k, len(asked), recall=target)
                cells.append(self.cell(
                    "plain", k, target, answer,
                    self.recalls(asked, truth, k, answer), 0.01))
            if k < DEEP:
                self.compare(cells, asked, truth, k)

    def recalls(self, queries: np.ndarray, truth: Truth, k: int,
                answer: Answer) -> np.ndarray:
        return nearest.recalls(self.base, queries, self.data.metric, truth, k,
                               answer.came)

    def compare(self, cells: list[dict], queries: np.ndarray, truth: Truth,
                k: int) -> None:
        """Adds to cells the work of fixed probes for the same recall."""
        highest = max(cell["recall"] for cell in cells)
        # from somewhat less recall than the least to somewhat more than the
        # most
        found, probes = [], max(1, int(0.5 * cells[0]["lists"]))
        while True:
            answer = self.answer(k, len(queries), probes=probes)
            recall = float(self.recalls(queries, truth, k, answer).mean())
            found.append((recall, answer.work))
            self.curve.append({"k": k, "probes": probes, "recall": recall,
                               "work": answer.work,
                               "us": float(np.median(answer.us))})
            if recall >= highest or probes >= self.lists:
                break
            probes = min(self.lists, max(probes + 1, round(probes * 1.4)))
        # between two settings work goes as a power of what is missed
        least = 1 / (2 * k * len(queries))
        missed = np.maximum(least, 1 - np.array([r for r, _ in found]))
        missed = np.minimum.accumulate(missed)
        work = np.log([w for _, w in found])
        for cell in cells:
            same = np.exp(np.interp(-np.log(max(least, 1 - cell["recall"])),
                                    -np.log(missed), work))
            cell["fixed_work"] = float(same)
            cell["ratio"] = cell["work"] / float(same)
            cell["most"] = 1.40 if k == 1 else 1.15
            cell["cheap"] = cell["ratio"] <= cell["most"]

    def filtered(self, k: int = 10) -> None:
        queries = self.data.queries[:QUERIES]
        marks = self.marks
        keeps = {"a tenth": marks["mark"] < 100,
                 "a hundredth": marks["mark"] < 10,
                 "a thousandth": marks["mark"] < 1,
                 "halfspace": marks["side"], "cluster": marks["cell"] == 1}
        for name, where in FILTERS.items():
            kept = np.flatnonzero(keeps[name])
            truth = nearest.find(self.base[kept], queries, self.data.metric,
                                 k)
            truth.ids = kept[truth.ids]
            for target in FILTER_TARGETS.get(name, TARGETS):
                asked = queries[:FEW] if name == "a thousandth" else queries
                answer = self.answer(k, len(asked), recall=target,
                                     where=where)
                short = sum(len(ids) < min(k, len(kept))
                            for ids in answer.came)
                correlated = name in CORRELATED
                self.cell(f"filter: {name}", k, target, answer,
                          self.recalls(asked, truth, k, answer),
                          0.05 if correlated else 0.01,
                          0 if correlated else 2,
                          kept=len(kept) / len(self.base), short=short)

    def noise(self, k: int = 10) -> None:
        queries = self.data.queries[:QUERIES]
        close = nearest.find(self.base, queries, "l2", 1).ids[:, 0]
        queries = recallsets.noisy(self.random, queries, self.base[close])
        with self.cluster.connect() as connection:
            self.ask_of(connection, queries, NOISY)
        self.asked_anew("noise", k, queries, NOISY, 0.03, 0)

    def asked_anew(self, kind: str, k: int, queries: np.ndarray, first: int,
                   allowed: float, errors: int) -> None:
        truth = nearest.find(self.base, queries, self.data.metric, k)
        for target in TARGETS:
            answer = self.answer(k, len(queries), first, recall=target)
            self.cell(kind, k, target, answer,
                      self.recalls(queries, truth, k, answer), allowed,
                      errors)

    def changed(self, k: int = 10) -> None:
        """Three tenths more rows, from where the first ones came; then the
        same from elsewhere instead."""
        before = self.base
        queries = self.data.queries[:QUERIES]
        self.add(self.data.more)
        self.asked_anew("30 % more", k, queries, 0, 0.01, 2)
        self.base = before
        self.load()
        alien = recallsets.foreign(self.random, before,
                                   len(before) * 3 // 10 + QUERIES)
        self.add(alien[QUERIES:])
        self.asked_anew("30 % foreign", k, queries, 0, 0.05, 0)
        with self.cluster.connect() as connection:
            self.ask_of(connection, alien[:QUERIES], FOREIGN)
        self.asked_anew("30 % foreign, queries like them", k, alien[:QUERIES],
                        FOREIGN, 0.05, 0)

    def add(self, rows: np.ndarray) -> None:
        with self.cluster.connect() as connection:
            self.insert(connection, rows, self.mark(rows, self.random),
                        len(self.base))
        self.base = np.concatenate([self.base, rows])

    def run(self, stages: list[str], keep: Callable[[dict], None]) -> None:
        """Measures, and hands over what there is after every stage."""
        data = self.data
        log(f"{data.name}: {len(data.base):,} × {data.base.shape[1]}")
        self.load()
        result = {"what": data.what, "metric": data.metric,
                  "rows": len(data.base), "dimensions": data.base.shape[1],
                  "lists": self.lists, "build_seconds": self.seconds,
                  "cells": self.cells, "curve": self.curve}
        for name, measure, here in (
                ("plain", self.plain, True),
                ("noise", self.noise, data.more is not None),
                ("filters", self.filtered, data.filters),
                ("changed", self.changed, data.more is not None)):
            if here and name in stages:
                measure()
                keep(result)


def about(cluster: Cluster) -> dict:
    with cluster.connect() as connection:
        version, = connection.execute(
            "SELECT 'PostgreSQL ' || current_setting('server_version')"
        ).fetchone()
        extension, = connection.execute(
            "SELECT extversion FROM pg_extension WHERE extname = 'vecfeat'"
        ).fetchone()
    return {"server": version, "extension": extension,
            "date": f"{datetime.datetime.now():%Y-%m-%d %H:%M}",
            **machine.about()}


def main() -> None:
    args = parse()
    # The cluster must go whichever way this ends.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("recall: terminated"))
    sets = recallsets.known(args.folder)
    unknown = set(args.sets or []) - set(sets)
    if unknown:
        sys.exit(f"recall: no set {', '.join(sorted(unknown))} among "
                 f"{', '.join(sets)}")
    path = args.results.with_suffix(".json")
    result = json.loads(path.read_text()) if path.exists() else {"sets": {}}
    if args.report:
        recallreport.write(result, args.results)
        return
    with Cluster("/dev/shm", args.bindir,
                 shared_buffers=args.shared_buffers) as cluster:
        with cluster.connect() as connection:
            connection.execute("CREATE EXTENSION vecfeat")
        result["about"] = about(cluster)
        path.parent.mkdir(parents=True, exist_ok=True)
        if args.batch:
            result["batch"] = batch.run(cluster)
            keep(result, args.results)
            return
        for name in args.sets or sets:
            before = result["sets"].pop(name, {"cells": []})["cells"]

            def note(found: dict) -> None:
                result["sets"][name] = found | {"cells": found["cells"] + [
                    cell for cell in before
                    if stage_of(cell) not in args.stages]}
                keep(result, args.results)

            Measurement(cluster, sets[name]()).run(args.stages, note)


def stage_of(cell: dict) -> str:
    kind = cell["kind"]
    return "filters" if kind.startswith("filter") else \
        "changed" if kind.startswith("30 %") else kind


def keep(result: dict, path: Path) -> None:
    path.with_suffix(".json").write_text(json.dumps(result, indent=1) + "\n")
    recallreport.write(result, path)


if __name__ == "__main__":
    main()
