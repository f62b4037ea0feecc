"""The indexes that are compared."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from .server import pg_config_value

OPERATORS = {"l2": "<->", "cosine": "<=>", "ip": "<#>"}


@dataclass
class Peer:
    """An extension with an index method and the setting that trades speed
    for recall."""

    name: str
    extension: str
    method: str
    setting: str                # what is tuned ...
    lowest: int                 # ... from here ...
    highest: int                # ... to here
    memory: list[str]           # maintenance_work_mem of each build
    options: str = ""           # WITH (...)
    counters: str | None = None     # function: what the last scan did

    @property
    def database(self):
        # Type and operator names collide: a database for each.
        return f"bench_{self.name}"

    def create_index(self, metric):
        return (f"CREATE INDEX items_v ON items USING {self.method} "
                f"(v vector_{metric}_ops){self.options}")


def vecfeat(lists, memory):
    return Peer("vecfeat", "vecfeat", "ivf", "ivf.probes", 1, 1_000_000,
                memory, f" WITH (lists = {lists})" if lists else "",
                "ivf_last_scan")


def pgvector(memory):
    # m = 16 and ef_construction = 64, its defaults. Below LIMIT's 10 an
    # hnsw scan returns fewer rows than asked for.
    return Peer("pgvector", "vector", "hnsw", "hnsw.ef_search", 10, 1000,
                memory)


def install_vecfeat(tree, folder, pg_config="pg_config"):
    """Build this tree in a copy and install it; return the server settings
    that find it.

    From PostgreSQL 18 on it is installed into a folder of its own. Older
    servers find extensions only in their own folders.
    """
    copy, root = Path(folder) / "source", Path(folder) / "root"
    shutil.copytree(tree, copy, ignore=shutil.ignore_patterns(
        ".git", ".build", ".venv", "results", "node_modules", "cluster",
        "tmp_check", "*.o", "*.so", "*.bc"))
    version = pg_config_value(pg_config, "--version")       # PostgreSQL 18.1
    private = int(version.split()[1].split(".")[0].rstrip("develbtarc")) >= 18
    make = ["make", "-s", f"PG_CONFIG={pg_config}"]
    subprocess.run([*make, f"-j{os.cpu_count()}"], cwd=copy, check=True)
    subprocess.run([*make, "install", *([f"DESTDIR={root}"] * private)],
                   cwd=copy, check=True)
    if not private:
        return {}
    share = pg_config_value(pg_config, "--sharedir")
    library = pg_config_value(pg_config, "--pkglibdir")
    # The server, another user's, reads it.
    subprocess.run(["chmod", "-R", "a+rX", folder], check=True)
    return {"extension_control_path": f"'{root}{share}:$system'",
            "dynamic_library_path": f"'{root}{library}:$libdir'"}
