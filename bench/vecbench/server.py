"""A private PostgreSQL cluster that lives as long as a measurement."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import psycopg

SETTINGS = {
    # Unix socket only: nothing of the machine's own clusters is met.
    "listen_addresses": "''",
    "max_connections": "50",
    # Everything stays in memory, nothing else happens at the same time.
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

    def __init__(self, base, pg_config="pg_config", **settings):
        self.bindir = Path(pg_config_value(pg_config, "--bindir"))
        self.settings = SETTINGS | settings
        self.base = base
        self.folder = None

    def __enter__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="vecbench-", dir=self.base))
        try:
            if os.geteuid() == 0:
                shutil.chown(self.folder, "postgres", "postgres")
            data = self.folder / "data"
            self._run("initdb", "-D", data, "-U", "postgres", "-A", "trust",
                      "-E", "UTF8", "--locale=C", "--no-sync")
            settings = self.settings | {
                "unix_socket_directories": f"'{self.folder}'"}
            with open(data / "postgresql.conf", "a") as conf:
                conf.writelines(f"{k} = {v}\n" for k, v in settings.items())
            self._run("pg_ctl", "-D", data, "-l", self.folder / "log", "-w",
                      "-t", "120", "start")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if (self.folder / "data" / "postmaster.pid").exists():
            self._run("pg_ctl", "-D", self.folder / "data", "-m", "immediate",
                      "stop", check=False)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _run(self, program, *args, check=True):
        command = [self.bindir / program, *args]
        if os.geteuid() == 0:
            command = ["runuser", "-u", "postgres", "--", *command]
        done = subprocess.run(command, cwd="/", text=True,
                              stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)
        if check and done.returncode:
            log = self.folder / "log"
            raise RuntimeError(f"{program} failed\n{done.stdout}"
                               + (log.read_text() if log.exists() else ""))

    def connect(self, database="postgres"):
        return psycopg.connect(host=str(self.folder), user="postgres",
                               dbname=database, autocommit=True)

    def environment(self, database, **settings):
        """The environment in which pgbench finds this cluster, settings
        made."""
        options = " ".join(f"-c {k}={v}" for k, v in settings.items())
        return os.environ | {"PGHOST": str(self.folder), "PGUSER": "postgres",
                             "PGDATABASE": database, "PGOPTIONS": options}


def pg_config_value(pg_config, option):
    return subprocess.run([pg_config, option], check=True, text=True,
                          stdout=subprocess.PIPE).stdout.strip()
