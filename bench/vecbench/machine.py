"""What a run should say of the machine, and the page cache."""

from __future__ import annotations

import os
import platform
import subprocess
from pathlib import Path


def about() -> dict:
    """Processor, cores and memory; nothing that tells whose machine it is."""
    models = [line.partition(":")[2].strip() for line
              in Path("/proc/cpuinfo").read_text().splitlines()
              if line.startswith("model name")]
    return {"cpu": models[0] if models else platform.machine(),
            "cpus": len(os.sched_getaffinity(0)),
            "memory_bytes": os.sysconf("SC_PAGE_SIZE")
            * os.sysconf("SC_PHYS_PAGES"),
            "kernel": platform.release()}


def drop_page_cache(folder: Path) -> str:
    """Have the kernel forget the files of a folder, and as root all files;
    returns what was done.  What runs below this machine, if it is a virtual
    one, may still hold them."""
    # dirty pages are not dropped
    subprocess.run(["sync", "--file-system", folder], check=True)
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            fd = os.open(path, os.O_RDONLY)
            try:
                os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
            finally:
                os.close(fd)
    try:
        Path("/proc/sys/vm/drop_caches").write_text("3\n")
    except OSError:
        return "posix_fadvise(DONTNEED) on the cluster's files"
    return ("posix_fadvise(DONTNEED) on the cluster's files and "
            "/proc/sys/vm/drop_caches")


def cpu_seconds(pid: int) -> float:
    """CPU time of a process: by the scheduler, in ns, where the kernel tells,
    else in its ticks."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9
    except OSError:
        stat = Path(f"/proc/{pid}/stat").read_text()
        fields = stat.rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def cpu_clock() -> str:
    """Where cpu_seconds() has it from."""
    return "schedstat" if Path("/proc/self/schedstat").exists() else "stat"
