"""The Python part of bench/planner: is the plan chosen a fast one?"""

from __future__ import annotations

import argparse
import json
import signal
import statistics
import sys
import time
from contextlib import nullcontext
from datetime import datetime, timezone
from pathlib import Path

from . import plancells
from .plancells import BARE, PAGE_COSTS, PLAIN, Query
from .planreport import good

RESULTS = Path(__file__).resolve().parent.parent / "results"

# A plan is given up when a run takes so many times the best one's median and
# so many milliseconds more: it is known to be bad then.
GIVE_UP, GRACE = 5, 20
LONGEST = 60_000                    # ms, of any run
FAST, FAST_RUNS = 20, 9             # ms; runs of plans as fast as that
SLOW_RUNS = 3

OFF = {
    "ivf": ("seqscan", "bitmapscan", "sort"),
    "table": ("indexscan", "bitmapscan", "indexonlyscan"),
    "bitmap": ("seqscan", "indexscan", "indexonlyscan"),
    "index": ("seqscan", "bitmapscan"),
    "others": (),
}


def log(*words) -> None:
    print(time.strftime("%H:%M:%S"), *words, flush=True)


def shape(plan: dict) -> str:
    """A plan's nodes and the indexes they use: plans of one shape do the
    same."""
    name = plan["Node Type"]
    if "Index Name" in plan:
        name += " " + plan["Index Name"]
    elif "Relation Name" in plan:
        name += " " + plan["Relation Name"]
    if plan.get("Order By"):
        name += " ordered"
    below = [shape(child) for child in plan.get("Plans", [])]
    return f"{name}({', '.join(below)})" if below else name


class Bench:
    def __init__(self, connection, tables: set[str], times: dict) -> None:
        self.connection = connection
        self.times = times          # (query's key, shape) -> ms, or None
        self.run("SET max_parallel_workers_per_gather = 0")
        self.run("SET jit = off")
        self.vectors = {
            table: [row[0] for row in connection.execute(
                f"SELECT v::text FROM {table}_queries ORDER BY id LIMIT 9")]
            for table in tables}

    def run(self, sql: str):
        return self.connection.execute(sql)

    def settings(self, query: Query, page_cost: str, off: tuple[str, ...]):
        parts = [f"SET LOCAL random_page_cost = {page_cost}"]
        parts += [f"SET LOCAL {name} = {value}"
                  for name, value in query.settings]
        parts += [f"SET LOCAL enable_{name} = off" for name in off]
        return ";".join(parts)

    def explain(self, query: Query, *, distance=PLAIN, page_cost="4", off=(),
                number=0, analyze=False, timeout=0) -> dict | None:
        """The plan, run where analyze is said; None if that takes longer than
        timeout ms."""
        import psycopg
        sql = query.sql
        if "{distance}" in sql:
            q = f"'{self.vectors[query.table][number]}'"
            sql = sql.replace("{distance}", distance.replace("{q}", q))
        options = "ANALYZE, TIMING OFF, " if analyze else ""
        self.run("BEGIN;" + self.settings(query, page_cost, off))
        try:
            self.run(f"SET LOCAL statement_timeout = {int(timeout)}")
            return self.run(f"EXPLAIN ({options}FORMAT JSON) {sql}"
                            ).fetchone()[0][0]
        except psycopg.errors.QueryCanceled:
            return None
        finally:
            try:
                self.run("ROLLBACK")
            except psycopg.errors.QueryCanceled:
                # the time was over between the two
                self.run("ROLLBACK")

    def measure(self, query: Query, plan: dict, best: float | None) -> float | None:
        """Median of the times in ms; None: given up."""
        timeout = LONGEST if best is None else best * GIVE_UP + GRACE
        times: list[float] = []
        runs = SLOW_RUNS
        # The first run warms up.
        number = -1
        while number < runs:
            done = self.explain(query, number=max(number, 0), analyze=True,
                                timeout=timeout, **plan)
            if done is None:
                return None
            if number >= 0:
                times.append(done["Execution Time"])
            elif done["Execution Time"] < FAST:
                runs = FAST_RUNS
            number += 1
        return statistics.median(times)

    def plans(self, query: Query) -> dict[str, dict]:
        """The plans there are, by shape, those first that the planner takes
        for the cheapest."""
        found: dict[str, dict] = {}
        cost: dict[str, float] = {}
        ways = [dict(page_cost=cost) for cost in PAGE_COSTS]
        distances = [PLAIN]
        if "{distance}" in query.sql:
            distances.append(BARE)
        for distance in distances:
            for off in OFF.values():
                ways.append(dict(distance=distance, off=off))
        for way in ways:
            plan = self.explain(query, **way)["Plan"]
            found.setdefault(shape(plan), way)
            cost.setdefault(shape(plan), plan["Total Cost"])
        return {name: found[name] for name in sorted(found, key=cost.get)}

    def time_plans(self, query: Query) -> dict[str, float | None]:
        key, ways = query.key, self.plans(query)
        known = self.times.setdefault(key, {})
        # fast ones first, as they say when to give up the others
        for name in ways:
            if name not in known:
                done = [t for t in known.values() if t is not None]
                known[name] = self.measure(query, ways[name],
                                           min(done, default=None))
        return {name: known[name] for name in ways}

    def again(self, query: Query, times: dict, chosen: str) -> None:
        """Measure a plan that seems bad once more, and the best beside it:
        other work on the machine may have met one of them."""
        ways = self.plans(query)
        best = min(t for t in times.values() if t is not None)
        for name in (chosen, min(times, key=lambda n: times[n] or LONGEST)):
            done = self.measure(query, ways[name], best)
            if done is not None:
                times[name] = min(done, times[name] or done)

    def cells(self, query: Query) -> list[dict]:
        times = self.time_plans(query)
        result = []
        for page_cost in PAGE_COSTS:
            plan = self.explain(query, page_cost=page_cost)["Plan"]
            chosen = shape(plan)
            for attempt in range(2):
                best = min((t, name) for name, t in times.items()
                           if t is not None)
                cell = {
                    "group": query.group, "table": query.table,
                    "query": query.name, "random_page_cost": page_cost,
                    "chosen": chosen, "chosen_ms": times[chosen],
                    "best": best[1], "best_ms": best[0],
                    "cost": [plan["Startup Cost"], plan["Total Cost"]],
                    "rows": plan["Plan Rows"]}
                if good(cell) or attempt:
                    break
                self.again(query, times, chosen)
            self.times[query.key].update(times)
            result.append(cell)
        return result


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench/planner", description=__doc__)
    add = parser.add_argument
    add("--reuse", metavar="FILE.json",
        help="take times from the results of an earlier run, on the same data")
    add("--only", metavar="TEXT", help="only queries with TEXT in their name, "
        "as 'exact | flat'")
    add("--results", metavar="FILE", help="without its suffix "
        "(bench/results/planner)", default=str(RESULTS / "planner"))
    add("--dsn", help="use this server, which has vecfeat; tables that an "
        "earlier run made there are taken as they are")
    add("--shared-buffers", default="4GB")
    add("--folder", default="/dev/shm",
        help="where the cluster lives (/dev/shm: in memory)")
    add("--bindir", help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> None:
    args = options()
    # only now what may not be installed when --help is asked for
    import psycopg
    from . import plandata, planreport
    from .machine import about
    from .server import Cluster

    signal.signal(signal.SIGTERM, lambda *_: sys.exit("planner: terminated"))
    times = {}
    if args.reuse:
        times = json.loads(Path(args.reuse).read_text())["times"]
    queries = [query for query in plancells.queries()
               if not args.only or args.only in query.key]
    tables = {query.table for query in queries}
    cluster = nullcontext() if args.dsn else Cluster(
        args.folder, args.bindir, shared_buffers=args.shared_buffers)
    with cluster:
        with (psycopg.connect(args.dsn, autocommit=True) if args.dsn
              else cluster.connect()) as connection:
            plandata.make(connection, tables, log)
            bench = Bench(connection, tables, times)
            cells = []
            for query in queries:
                cells += bench.cells(query)
                if len(cells) % 50 == 0:
                    log(len(cells), "cells of", len(PAGE_COSTS) * len(queries))
            version, = connection.execute("SELECT version()").fetchone()
    result = {"made": datetime.now(timezone.utc).isoformat(timespec="minutes"),
              "machine": about(), "server": version, "cells": cells,
              "times": times}
    planreport.write(result, Path(args.results))
    log(planreport.summary(cells))


if __name__ == "__main__":
    main()
