"""What is measured, one function for each figure."""

import os
import re
import subprocess
import threading
import time
from pathlib import Path
from statistics import mean

import numpy as np

from . import table
from .peers import OPERATORS
from .source import distances

K = 10


class BackendMemory(threading.Thread):
    """Peak memory of a backend and its parallel workers, sampled: private
    pages (RssAnon) and dynamic shared memory. The buffer cache is neither."""

    def __init__(self, pid, interval=0.02):
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

    def __init__(self, cluster, database, log):
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


def build(cluster, peer, metric, memory, workers, log):
    """Build the index anew; return how long it took and what it used."""
    notices = []
    with cluster.connect(peer.database) as connection:
        connection.execute("DROP INDEX IF EXISTS items_v")
        connection.add_notice_handler(
            lambda notice: notices.append(notice.message_primary))
        connection.execute("CHECKPOINT")
        connection.execute(f"SET maintenance_work_mem = '{memory}'")
        if workers is not None:
            connection.execute(
                f"SET max_parallel_maintenance_workers = {workers}")
        load = os.getloadavg()[0]
        with Progress(cluster, peer.database, log), \
                BackendMemory(connection.info.backend_pid) as used:
            start = time.monotonic()
            connection.execute(peer.create_index(metric))
            seconds = time.monotonic() - start
        size, = connection.execute(
            "SELECT pg_relation_size('items_v')").fetchone()
        workers, = connection.execute(
            "SHOW max_parallel_maintenance_workers").fetchone()
    return {"statement": peer.create_index(metric), "memory_setting": memory,
            "workers_setting": int(workers), "seconds": round(seconds, 2),
            "peak_private_bytes": used.private,
            "private_bytes_before": used.before,
            "peak_dynamic_shared_bytes": used.shared,
            "peak_bytes": used.total, "index_bytes": size,
            "load_before": load, "notices": notices}


def query(metric, parameter):
    return (f"SELECT id FROM items ORDER BY v {OPERATORS[metric]} "
            f"(SELECT v FROM items_queries WHERE id = {parameter}) LIMIT {K}")


def answer(cluster, peer, source, setting, ids, counters=False):
    """Ask the queries of these numbers; return recall@10 and, where the
    extension tells, what the scans did on average.

    A row counts when its exact distance is at most the true 10th, so that
    it does not matter which of several rows at the same distance comes out.
    """
    hits, told = 0, []
    with cluster.connect(peer.database) as connection:
        if setting is not None:
            connection.execute(f"SET {peer.setting} = {setting}")
        statement = query(source.metric, "%s::int")
        plan = "\n".join(row[0] for row in connection.execute(
            "EXPLAIN (COSTS off) " + statement, [0]))
        if "Index Scan using items_v" not in plan:
            raise RuntimeError(f"{peer.name} does not use its index:\n{plan}")
        counters = counters and peer.counters and connection.execute(
            "SELECT to_regproc(%s) IS NOT NULL", [peer.counters]).fetchone()[0]
        for i in ids:
            found = connection.execute(statement, [i], prepare=True).fetchall()
            if counters:
                cursor = connection.execute(f"SELECT * FROM {peer.counters}()")
                told.append(dict(zip((c.name for c in cursor.description),
                                     cursor.fetchone())))
            tenth = distances(source, source.queries[i],
                              source.truth[i][:K]).max()
            got = distances(source, source.queries[i], [r[0] for r in found])
            # Both are float8 and by the same formula; the sums of another
            # number of rows may still differ in the last bit.
            hits += (got <= tenth + 1e-12 * abs(tenth)).sum()
    result = {"setting": setting, "recall": float(hits / (len(ids) * K)),
              "plan": plan}
    if told:
        result["per_query"] = {
            name: mean(float(row[name]) for row in told)
            for name, value in told[0].items()
            if not isinstance(value, (bool, str, type(None)))}
    return result


def tune(recall_at, target, lowest, highest):
    """The smallest setting that reaches the target, taking recall to rise
    with it; None when even the highest does not."""
    high = lowest
    while recall_at(high) < target:
        if high == highest:
            return None
        lowest, high = high + 1, min(2 * high, highest)
    while lowest < high:
        middle = (lowest + high) // 2
        if recall_at(middle) < target:
            lowest = middle + 1
        else:
            high = middle
    return high


def pgbench(cluster, peer, script, *args, **settings):
    """Run a pgbench script, prepared; return its figures."""
    file = cluster.folder / f"{peer.name}.sql"
    file.write_text(script)
    load = os.getloadavg()[0]
    done = subprocess.run(
        [cluster.bindir / "pgbench", "-n", "-M", "prepared", "-f", file,
         *map(str, args)], check=False, text=True, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, env=cluster.environment(peer.database,
                                                        **settings))
    rate = re.search(r"tps = ([\d.]+) \(without initial", done.stdout)
    latency = re.search(r"latency average = ([\d.]+) ms", done.stdout)
    if done.returncode or not rate:
        raise RuntimeError("pgbench failed\n" + done.stdout + done.stderr)
    return {"rate": float(rate[1]), "latency_ms": float(latency[1]),
            "load_before": load}


def search_rate(cluster, peer, metric, setting, queries, clients, seconds):
    """Queries/s of so many clients that ask random ones of the first
    queries."""
    script = (f"\\set id random(0, {queries - 1})\n"
              + query(metric, ":id") + ";\n")
    settings = {} if setting is None else {peer.setting: setting}
    return pgbench(cluster, peer, script, "-c", clients, "-j", clients,
                   "-T", seconds, **settings)


def new_rows(source, count, seed=1):
    """Vectors like the base's but not among them: base rows with a tenth of
    each dimension's spread as noise."""
    random = np.random.default_rng(seed)
    sample = np.sort(random.integers(len(source.base), size=count))
    rows = np.asarray(source.base[sample], dtype="f4")
    random.shuffle(rows)
    noise = random.standard_normal(rows.shape, dtype="f4")
    return rows + noise * rows.std(axis=0) / 10


def wal_of(cluster, work):
    """Run work(); return its result and the bytes of WAL written."""
    with cluster.connect() as connection:
        before, = connection.execute(
            "SELECT pg_current_wal_insert_lsn()").fetchone()
        result = work()
        size, = connection.execute(
            "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), %s)::bigint",
            [before]).fetchone()
    return result, size


def prepare_inserts(cluster, peer, dimensions, rows, first_id):
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


def insert_rate(cluster, peer, count):
    """Rows/s of single-row INSERT transactions, one client."""
    script = ("WITH n AS MATERIALIZED "
              "(SELECT nextval('items_new_id')::int AS id) "
              "INSERT INTO items SELECT id, v FROM n JOIN items_new "
              "USING (id);\n")
    before = row_count(cluster, peer)
    result, wal = wal_of(cluster, lambda: pgbench(
        cluster, peer, script, "-c", 1, "-t", count))
    if row_count(cluster, peer) != before + count:
        raise RuntimeError("INSERT did not insert every row")
    return result | {"wal_bytes_per_row": wal / count}


def row_count(cluster, peer):
    # Counting through the primary key would need a vacuumed table to be
    # fast; the table is in memory.
    with cluster.connect(peer.database) as connection:
        return connection.execute("SELECT count(*) FROM items").fetchone()[0]


def copy_rate(cluster, peer, rows, first_id):
    """Rows/s of one COPY into the indexed table."""
    def work():
        with cluster.connect(peer.database) as connection:
            with connection.cursor() as cursor:
                start = time.monotonic()
                table.copy_in(cursor, table.identifier("items"),
                              table.encode_vectors, rows, first_id)
                return time.monotonic() - start
    load = os.getloadavg()[0]
    seconds, wal = wal_of(cluster, work)
    return {"rate": len(rows) / seconds, "wal_bytes_per_row": wal / len(rows),
            "load_before": load}
