"""Building an index: time, memory, bytes."""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Callable
from pathlib import Path

from .peers import Peer
from .server import Cluster


class BackendMemory(threading.Thread):
    """Peak memory of a backend and its parallel workers, sampled: private
    pages (RssAnon) and dynamic shared memory. The buffer cache is neither."""

    def __init__(self, pid: int, interval: float = 0.02) -> None:
        super().__init__(daemon=True)
        self.pid, self.interval = pid, interval
        self.private = self.shared = self.total = 0
        self.done = threading.Event()
        self.before = self.sample([pid])[0]

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.done.set()
        self.join()

    def run(self):
        pids, looked = [self.pid], 0
        while not self.done.wait(self.interval):
            # Workers come and go seldom, and finding them is slower.
            if time.monotonic() - looked > 0.3:
                pids, looked = [self.pid, *self.workers()], time.monotonic()
            private, shared = self.sample(pids)
            self.private = max(self.private, private)
            self.shared = max(self.shared, shared)
            self.total = max(self.total, private + shared)

    def workers(self):
        title = f"parallel worker for PID {self.pid}".encode()
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                if title in path.read_bytes():
                    yield int(path.parent.name)
            except OSError:
                pass                    # ended in the meantime

    @staticmethod
    def sample(pids):
        private, segments = 0, {}
        for pid in pids:
            try:
                status = Path(f"/proc/{pid}/status").read_text()
                maps = Path(f"/proc/{pid}/maps").read_text()
            except OSError:
                continue
            match = re.search(r"RssAnon:\s+(\d+) kB", status)
            private += int(match[1]) * 1024 if match else 0
            for name in set(re.findall(r"/dev/shm/PostgreSQL\.\d+", maps)):
                try:
                    segments[name] = os.stat(name).st_blocks * 512
                except OSError:
                    pass
        return private, sum(segments.values())


class Progress(threading.Thread):
    """Says once a minute how far a CREATE INDEX is."""

    def __init__(self, cluster: Cluster, database: str,
                 log: Callable[..., None]) -> None:
        super().__init__(daemon=True)
        self.connection, self.log = cluster.connect(database), log
        self.done = threading.Event()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.done.set()
        self.join()
        self.connection.close()

    def run(self):
        while not self.done.wait(60):
            # A method may count rows, blocks or both in a phase.
            for phase, *counts in self.connection.execute(
                    "SELECT phase, tuples_done, tuples_total, blocks_done, "
                    "blocks_total FROM pg_stat_progress_create_index"):
                self.log(f"  {phase}:", *(
                    f"{done / total:.0%} of the {what}" for what, done, total
                    in zip(("rows", "blocks"), counts[::2], counts[1::2])
                    if total))


def build(cluster: Cluster, peer: Peer, metric: str, memory: str,
          workers: int, log: Callable[..., None]) -> dict:
    """Build the index anew; return how long it took and what it used."""
    notices: list[str | None] = []
    statement = peer.create_index(metric)
    with cluster.connect(peer.database) as connection:
        connection.execute("DROP INDEX IF EXISTS items_v")
        connection.add_notice_handler(
            lambda notice: notices.append(notice.message_primary))
        connection.execute("CHECKPOINT")
        connection.execute(f"SET maintenance_work_mem = '{memory}'")
        connection.execute(
            f"SET max_parallel_maintenance_workers = {workers}")
        # or the server gives none to a small table, however large its vectors
        connection.execute(f"ALTER TABLE items SET (parallel_workers = "
                           f"{workers})")
        load = os.getloadavg()[0]

        def work() -> float:
            start = time.monotonic()
            connection.execute(statement)
            return time.monotonic() - start

        with Progress(cluster, peer.database, log), \
                BackendMemory(connection.info.backend_pid) as used:
            seconds, wal = cluster.wal_during(work)
        connection.execute("ALTER TABLE items RESET (parallel_workers)")
        size, = connection.execute(
            "SELECT pg_relation_size('items_v')").fetchone()
    return {"statement": statement, "memory_setting": memory,
            "workers_setting": workers, "seconds": round(seconds, 3),
            "peak_private_bytes": used.private,
            "private_bytes_before": used.before,
            "peak_dynamic_shared_bytes": used.shared,
            "peak_bytes": used.total, "index_bytes": size, "wal_bytes": wal,
            "load_before": load, "notices": notices}
