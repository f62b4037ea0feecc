"""A private PostgreSQL cluster that lives as long as a measurement."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import psycopg

T = TypeVar("T")

SETTINGS = {
    # Unix socket only: nothing of the machine's own clusters is met.
    "listen_addresses": "''",
    "max_connections": "50",
    # Nothing else happens at the same time.
    "max_wal_size": "'2GB'",
    "checkpoint_timeout": "'1h'",
    "autovacuum": "off",
    "jit": "off",
}


class Cluster:
    """Context manager: a new cluster in a folder below base, removed after.

    The server runs as postgres when this process is root's, as it refuses to
    run as root.
    """

    def __init__(self, base: str, bindir: str, **settings: str) -> None:
        self.bindir = Path(bindir)
        self.settings = SETTINGS | settings
        self.base = base

    def __enter__(self) -> Cluster:
        self.folder = Path(tempfile.mkdtemp(prefix="vecbench-", dir=self.base))
        self.data = self.folder / "data"
        try:
            self._own(self.folder)
            self._run("initdb", "-D", self.data, "-U", "postgres",
                      "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
            settings = self.settings | {
                "unix_socket_directories": f"'{self.folder}'"}
            with open(self.data / "postgresql.conf", "a") as conf:
                conf.writelines(f"{k} = {v}\n" for k, v in settings.items())
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_) -> None:
        if (self.data / "postmaster.pid").exists():
            self.stop("immediate", check=False)
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self) -> None:
        self._run("pg_ctl", "-D", self.data, "-l", self.folder / "log", "-w",
                  "-t", "120", "start")

    def stop(self, mode: str = "fast", check: bool = True) -> None:
        # A fast stop ends with a checkpoint, of all of shared_buffers.
        self._run("pg_ctl", "-D", self.data, "-m", mode, "-t", "600", "-w",
                  "stop", check=check)

    @staticmethod
    def _own(path: Path) -> None:
        if os.geteuid() == 0:
            shutil.chown(path, "postgres", "postgres")

    def _run(self, program: str, *args, check: bool = True) -> None:
        command = [self.bindir / program, *args]
        if os.geteuid() == 0:
            command = ["runuser", "-u", "postgres", "--", *command]
        # The server would keep a pipe open that it inherits.
        with tempfile.TemporaryFile("w+") as said:
            done = subprocess.run(command, cwd="/", stdout=said,
                                  stderr=subprocess.STDOUT,
                                  stdin=subprocess.DEVNULL)
            said.seek(0)
            output = said.read()
        if check and done.returncode:
            log = self.folder / "log"
            raise RuntimeError(
                f"{program} failed\n{output}"
                + (log.read_text()[-5000:] if log.exists() else ""))

    @contextmanager
    def on_disk(self, base: str) -> Iterator[None]:
        """The same cluster from a copy of its files below base; what happens
        to it there is forgotten."""
        self.stop()
        memory, folder = self.data, None
        try:
            folder = Path(tempfile.mkdtemp(prefix="vecbench-", dir=base))
            self._own(folder)
            subprocess.run(["cp", "-a", memory, folder / "data"], check=True)
            self.data = folder / "data"
            self.start()
            yield
        finally:
            if (self.data / "postmaster.pid").exists():
                self.stop("immediate", check=False)
            self.data = memory
            if folder:
                shutil.rmtree(folder, ignore_errors=True)
            self.start()

    @contextmanager
    def one_processor(self) -> Iterator[None]:
        """Sessions that are begun, and what this process starts, run on the
        same processor: they have it from whoever forks them, so none begins
        elsewhere."""
        postmaster = int(
            (self.data / "postmaster.pid").read_text().splitlines()[0])
        both = {pid: os.sched_getaffinity(pid) for pid in (0, postmaster)}
        processor = {min(both[0] & both[postmaster])}
        try:
            for pid in both:
                os.sched_setaffinity(pid, processor)
            yield
        finally:
            for pid, before in both.items():
                os.sched_setaffinity(pid, before)

    def connect(self, database: str = "postgres") -> psycopg.Connection:
        return psycopg.connect(host=str(self.folder), user="postgres",
                               dbname=database, autocommit=True)

    def wal_during(self, work: Callable[[], T]) -> tuple[T, int]:
        """Run work(); return its result and the bytes of WAL written."""
        with self.connect() as connection:
            before, = connection.execute(
                "SELECT pg_current_wal_insert_lsn()").fetchone()
            result = work()
            size, = connection.execute(
                "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), %s)"
                "::bigint", [before]).fetchone()
        return result, size

    def environment(self, database: str, **settings) -> dict[str, str]:
        """The environment in which pgbench finds this cluster, settings
        made."""
        options = " ".join(f"-c {k}={v}" for k, v in settings.items())
        return os.environ | {"PGHOST": str(self.folder), "PGUSER": "postgres",
                             "PGDATABASE": database, "PGOPTIONS": options}
