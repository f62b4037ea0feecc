"""One run: which measurements, in which order, in alternation."""

from __future__ import annotations

import argparse
import json
import subprocess
import time
from functools import cache
from pathlib import Path

from . import build, cold, machine, plain, report, search, table, writes
from .peers import Peer, known
from .plot import draw
from .server import Cluster
from .source import Source

TESTED = 1000           # queries that recall is measured on; the rest tune
COLD_TARGET = 0.95
ON_ONE = "1 on the server's processor"


def log(*what) -> None:
    print(time.strftime("%H:%M:%S"), *what, flush=True)


def commit_of(folder: Path) -> str:
    try:
        return subprocess.run(
            ["git", "-c", "safe.directory=*", "describe", "--always",
             "--dirty", "--abbrev=12"], cwd=folder, text=True, check=True,
            capture_output=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown commit"         # no git, or no clone


class Benchmark:
    """Gathers the result, and writes it after every step."""

    def __init__(self, args: argparse.Namespace, source: Source,
                 cluster: Cluster, folder: Path) -> None:
        self.args, self.source, self.cluster = args, source, cluster
        self.tested = range(min(TESTED, len(source.queries) // 2))
        self.tuned = range(len(self.tested), len(source.queries))
        self.results = folder / (args.name or source.name)
        peers = known(len(source.base), args.lists, args.ivf_memory,
                      args.peer_memory)
        self.peers = [peers[name] for name in args.peers
                      if self.available(peers[name])]
        self.result = {"about": self.about(),
                       "peers": {peer.name: {} for peer in self.peers}}

    def run(self) -> None:
        for step in (self.load, self.build, self.tune):
            for peer in self.peers:
                step(peer)
        self.search()
        if self.args.plain:
            self.compare_plain()
        if self.args.cold:
            self.start_cold()
        if self.args.inserts:
            self.write()
            if self.args.vacuum:
                self.vacuum()
        print(report.markdown(self.result))

    @property
    def mine(self) -> Peer | None:
        """The peer in whose database the same is measured without an
        index of vectors."""
        return next((p for p in self.peers if p.method == "ivf"), None)

    def save(self) -> None:
        """Keep what is known so far."""
        self.results.parent.mkdir(parents=True, exist_ok=True)
        self.results.with_name(self.results.name + ".json").write_text(
            json.dumps(self.result, indent=1) + "\n")
        report.write(self.result, self.results)
        draw(self.result, self.results)

    def available(self, peer: Peer) -> bool:
        with self.cluster.connect() as connection:
            there, = connection.execute(
                "SELECT count(*) FROM pg_available_extensions "
                "WHERE name = %s", [peer.extension]).fetchone()
        if not there:
            log(f"{peer.name} is left out: no extension \"{peer.extension}\"")
        return bool(there)

    def about(self) -> dict:
        with self.cluster.connect() as connection:
            server, = connection.execute("SELECT version()").fetchone()
        return {"source": self.source.name, "rows": len(self.source.base),
                "dimensions": self.source.dimensions,
                "metric": self.source.metric, "tested": len(self.tested),
                "tuned": len(self.tuned),
                "server": server.partition(" on ")[0], "versions": {},
                "settings": self.cluster.settings,
                # where things lie on the machine is nobody's business
                "options": {k: v for k, v in vars(self.args).items() if k not
                            in ("source", "folder", "bindir", "sources",
                                "disk", "kept", "results", "queries",
                                "truth")},
                "in_memory": str(self.args.folder).startswith("/dev/shm"),
                "cpu_clock": machine.cpu_clock(),
                "commit": commit_of(Path(__file__).parent),
                "date": time.strftime("%Y-%m-%d %H:%M")} | machine.about()

    def load(self, peer: Peer) -> None:
        log(f"{peer.name}: loading {len(self.source.base):,} rows")
        with self.cluster.connect() as connection:
            connection.execute(f"CREATE DATABASE {peer.database}")
            # Where most lists are read, the planner may be right to sort the
            # table: what is measured is the index.
            connection.execute(f"ALTER DATABASE {peer.database} "
                               "SET enable_seqscan = off")
        with self.cluster.connect(peer.database) as connection:
            connection.execute(f"CREATE EXTENSION {peer.extension}")
            connection.execute("CREATE EXTENSION pg_prewarm")
            version, = connection.execute(
                "SELECT extversion FROM pg_extension WHERE extname = %s",
                [peer.extension]).fetchone()
            versions = self.result["about"]["versions"]
            versions[{"vector": "pgvector"}.get(peer.extension,
                                                peer.extension)] = version
            if peer.method == "ivf":
                # asking for it loads the library
                connection.execute("SELECT '[1]'::vector")
                self.result["about"]["simd"], = connection.execute(
                    "SHOW ivf.simd").fetchone()
            start = time.monotonic()
            table.load(connection, "items", self.source)
            seconds = time.monotonic() - start
            size, = connection.execute(
                "SELECT pg_table_size('items')").fetchone()
        self.result["peers"][peer.name] |= {
            "load_seconds": round(seconds, 2), "table_bytes": size}
        self.save()

    def build(self, peer: Peer) -> None:
        builds = self.result["peers"][peer.name]["builds"] = []
        # The last build stays: the one with most memory and workers.
        for workers in [0] * self.args.serial + [self.args.workers]:
            for memory in peer.memory:
                log(f"{peer.name}: building with {memory}, {1 + workers} "
                    f"process{'es' * (workers > 0)}")
                builds.append(build.build(self.cluster, peer,
                                          self.source.metric, memory,
                                          workers, log))
                log(f"{peer.name}: {builds[-1]['seconds']} s, "
                    f"{builds[-1]['index_bytes'] / 1e6:.1f} MB")
                self.save()

    def prewarm(self, peer: Peer) -> None:
        with self.cluster.connect(peer.database) as connection:
            connection.execute(
                "SELECT pg_prewarm(oid) FROM pg_class WHERE relkind IN "
                "('r', 'i', 't') AND relname LIKE 'items%' "
                "OR oid = (SELECT reltoastrelid FROM pg_class "
                "WHERE oid = 'items'::regclass AND reltoastrelid <> 0)")

    def tune(self, peer: Peer) -> None:
        """Find the settings that reach the targets on the queries for
        tuning, then the recall that they give on the others."""
        self.prewarm(peer)
        mine = self.result["peers"][peer.name]
        mine["tuning"], mine["points"], mine["curve"] = [], [], []

        @cache
        def recall_at(setting: int) -> float:
            found = search.answer(self.cluster, peer, self.source, setting,
                                  self.tuned)["recall"]
            log(f"{peer.name}: {peer.setting} = {peer.value(setting)}: "
                f"{found:.4f}")
            mine["tuning"].append({"setting": setting,
                                   "value": peer.value(setting),
                                   "recall": found})
            return found

        def answer(setting: int | None) -> dict:
            return search.answer(self.cluster, peer, self.source, setting,
                                 self.tested, counters=True)

        mine["points"].append({"target": "-"} | answer(None))
        lowest = peer.lowest
        for target in self.args.targets:
            setting = search.tune(recall_at, target, lowest, peer.highest)
            found = {"setting": None, "recall": None}
            if setting is not None:
                found, lowest = answer(setting), setting
                log(f"{peer.name}: {target}: {peer.setting} = "
                    f"{peer.value(setting)}, recall {found['recall']:.4f}")
            mine["points"].append({"target": target} | found)
            self.save()
        if self.args.curve:
            # from recall a little below the targets to a little above
            first = next((point["setting"] for point in mine["points"]
                          if point["setting"] is not None), peer.lowest)
            for setting in search.curve(
                    max(peer.lowest, first // 2),
                    min(peer.highest, 3 * lowest // 2), self.args.curve):
                mine["curve"].append(answer(setting))
            self.save()

    def search(self) -> None:
        """Queries/s: neighbours in time are compared, so the peers take turns
        at each target."""
        mine = {peer: self.result["peers"][peer.name] for peer in self.peers}
        points = [(peer, point) for peer in self.peers
                  for point in mine[peer]["points"]
                  if point["recall"] is not None]
        # Where client and server take turns, both on processors of their own,
        # each processor sleeps meanwhile, and what is measured with a single
        # client is for a good part how long it takes to wake up.
        ways = [(str(n), n, False) for n in self.args.clients]
        if 1 in self.args.clients:
            ways.insert(ways.index(("1", 1, False)) + 1, (ON_ONE, 1, True))
        points.sort(key=lambda pair: str(pair[1]["target"]))
        bare = self.result.setdefault("bare", {"search": {}})["search"]

        def rate(peer: Peer, point: dict, clients: int, seconds: int,
                 one_processor: bool = False) -> dict:
            return search.search_rate(
                self.cluster, peer, self.source.metric, point["setting"],
                len(self.tested), clients, seconds, one_processor)

        for turn in range(self.args.rounds):
            log(f"searching, round {turn + 1} of {self.args.rounds}")
            for way, clients, one_processor in ways:
                for peer, point in points:
                    point.setdefault("runs", {}).setdefault(way, []).append(
                        rate(peer, point, clients, self.args.seconds,
                             one_processor))
                if self.mine:
                    bare.setdefault(way, []).append(search.bare_rate(
                        self.cluster, self.mine, len(self.tested), clients,
                        self.args.seconds, one_processor))
            self.save()
        for turn in range(min(3, self.args.rounds) * bool(self.args.curve)):
            log(f"searching for the plot, round {turn + 1}")
            for step in range(self.args.curve):
                for peer in self.peers:
                    for point in mine[peer]["curve"][step:step + 1]:
                        point.setdefault("runs", {"1": []})["1"].append(
                            rate(peer, point, 1, min(3, self.args.seconds)))
        self.save()

    def compare_plain(self) -> None:
        """The search inside of the index beside that on plain arrays."""
        for peer in self.peers:
            if peer.method == "ivf" and self.source.metric != "ip":
                log("searching plain arrays")
                self.result["plain"] = plain.compare(
                    self.cluster, peer, self.source, self.tested,
                    self.result["peers"][peer.name]["points"], self.args, log)
                self.save()

    def start_cold(self) -> None:
        points = [(peer, point) for peer in self.peers
                  for point in self.result["peers"][peer.name]["points"]
                  if point["target"] == COLD_TARGET
                  and point["recall"] is not None]
        with self.cluster.on_disk(self.args.disk):
            for turn in range(self.args.cold):
                log(f"cold starts, round {turn + 1} of {self.args.cold}")
                for peer, point in points:
                    self.result["peers"][peer.name].setdefault(
                        "cold", []).append(cold.start(
                            self.cluster, peer, self.source.metric,
                            point["setting"], len(self.tested)))
        self.save()

    def write(self) -> None:
        inserts, rounds = self.args.inserts, min(3, self.args.rounds)
        first, singles = len(self.source.base), 2 * rounds * inserts
        rows = writes.new_rows(self.source, singles + self.args.copy)
        bare = self.result["bare"]
        for peer in self.peers:
            writes.prepare_inserts(self.cluster, peer, self.source.dimensions,
                                   rows[:singles], first)
            self.prewarm(peer)
        if self.mine:
            writes.prepare_bare(self.cluster, self.mine, first)
        for turn in range(rounds):
            log(f"inserting, round {turn + 1} of {rounds}")
            for kind, one_processor in (("insert", False),
                                        ("insert_on_one", True)):
                for peer in self.peers:
                    self.result["peers"][peer.name].setdefault(
                        kind, []).append(writes.insert(
                            self.cluster, peer, inserts, one_processor))
                if self.mine:
                    bare.setdefault(kind, []).append(writes.insert(
                        self.cluster, self.mine, inserts, one_processor,
                        "items_bare", "items_bare_id"))
            self.save()
        for peer in self.peers if self.args.copy else []:
            log(f"{peer.name}: COPY of {self.args.copy:,} rows")
            self.result["peers"][peer.name]["copy"] = [
                writes.copy(self.cluster, peer, rows[singles:],
                            first + singles)]
            self.save()
        if self.args.copy and self.mine:
            bare["copy"] = [writes.copy(self.cluster, self.mine,
                                        rows[singles:], first + singles,
                                        "items_bare")]
            self.save()

    def vacuum(self) -> None:
        for peer in self.peers:
            log(f"{peer.name}: deleting and VACUUM")
            self.result["peers"][peer.name]["vacuum"] = [
                writes.vacuum(self.cluster, peer, peer.memory[-1],
                              self.args.patience)]
            self.save()
