"""The command line of bench/run; standard library only, for it is judged
before anything is installed."""

from __future__ import annotations

import argparse
import os
import re

METRICS = ("l2", "cosine", "ip")
PEERS = ("vecfeat", "hnsw", "ivfflat")
SIZES = (128, 384, 768, 1024, 1536)

ABOUT = """Measure vecfeat's ivf beside pgvector's hnsw and ivfflat.

SOURCE is a folder with base.npy (or .npy.gz) and query.npy, an .fvecs file
or an HDF5 file of ann-benchmarks; --clustered makes a set.  Results go to
bench/results/NAME.json, .md and .svg.
"""


def words(text: str) -> list[str]:
    return [word for word in text.split(",") if word]


def peers(text: str) -> list[str]:
    names = words(text)
    if not names or set(names) - set(PEERS):
        raise argparse.ArgumentTypeError(
            f"{text!r}: a list of {', '.join(PEERS)}")
    return names


def targets(text: str) -> list[float]:
    return sorted(float(word) for word in words(text))


def counts(text: str) -> list[int]:
    return [int(word) for word in words(text)]


def shape(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d+)[xX](\d+)", text.replace(",", ""))
    if not match or 0 in map(int, match.groups()):
        raise argparse.ArgumentTypeError(f"{text!r} is not ROWSxDIMENSIONS")
    return int(match[1]), int(match[2])


def parser() -> argparse.ArgumentParser:
    result = argparse.ArgumentParser(
        prog="bench/run", description=ABOUT,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    add = result.add_argument
    add("source", metavar="SOURCE", nargs="?")
    add("--queries", metavar="FILE.fvecs", help="of an .fvecs source")
    add("--truth", metavar="FILE.ivecs", help="of an .fvecs source")
    add("--clustered", metavar="ROWSxDIM", type=shape,
        help="a clustered set of that size instead of SOURCE")
    add("--sizes", nargs="?", metavar="ROWS", type=int, const=20_000,
        help="only build indexes of so many rows (20,000) at "
        f"{', '.join(map(str, SIZES))} dimensions, and print bytes a row")
    add("--name", help="of the results (the source's)")
    add("--results", metavar="FOLDER", help="bench/results")
    add("--rows", metavar="N", type=int, help="only the first N rows")
    add("--metric", choices=METRICS)
    add("--peers", type=peers, default=list(PEERS), metavar="LIST",
        help=f"{','.join(PEERS)}; those that are installed")
    add("--targets", metavar="LIST", default=[0.90, 0.95, 0.99], type=targets,
        help="recall to tune to (0.90,0.95,0.99)")
    add("--clients", metavar="LIST", default=[1, 2], type=counts,
        help="numbers of clients (1,2)")
    add("--rounds", type=int, default=5,
        help="in each the peers take turns (5)")
    add("--seconds", type=int, default=10,
        help="of searching for each figure in each round (10)")
    add("--curve", type=int, default=8, metavar="N",
        help="settings of each peer in the plot (8, 0 for the targets only)")
    add("--inserts", type=int, default=2000, metavar="N",
        help="single-row INSERTs a round (2000, 0 for no writes)")
    add("--copy", type=int, default=100_000, metavar="N",
        help="rows of the COPY (100,000)")
    add("--vacuum", action=argparse.BooleanOptionalAction, default=True,
        help="VACUUM after deleting every tenth row")
    add("--patience", type=int, default=1200, metavar="SECONDS",
        help="after which a VACUUM is given up (1200)")
    add("--cold", type=int, default=3, metavar="ROUNDS",
        help="of cold starts (3, 0 for none)")
    add("--plain", type=int, default=5, metavar="ROUNDS",
        help="of the search on plain arrays beside the index's (5, 0 for none)")
    add("--lists", type=int, default=0,
        help="of the ivf index (its own choice)")
    add("--ivf-memory", metavar="LIST", type=words, default=["64MB", "2GB"],
        help="maintenance_work_mem to build ivf with, each in turn (64MB,2GB)")
    add("--peer-memory", metavar="LIST", type=words, default=["2GB"],
        help="the same for pgvector's (2GB)")
    add("--workers", type=int, default=1,
        help="parallel workers of builds, beside the backend itself (1)")
    add("--serial", action="store_true",
        help="also build without parallel workers")
    add("--shared-buffers", default="4GB")
    add("--folder", default="/dev/shm",
        help="where the cluster lives (/dev/shm: in memory)")
    # bench/run says these
    for name in ("--bindir", "--sources", "--disk", "--kept"):
        add(name, help=argparse.SUPPRESS)
    return result


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    asked = parser()
    args = asked.parse_args(arguments)
    if sum(map(bool, (args.source, args.clustered, args.sizes))) != 1:
        asked.error("one of SOURCE, --clustered and --sizes is needed")
    for path in filter(None, (args.source, args.queries, args.truth)):
        if not os.path.exists(path):
            asked.error(f"{path}: no such file or folder")
    if args.rounds < 1 or args.seconds < 1:
        asked.error("--rounds and --seconds are at least 1")
    return args


if __name__ == "__main__":
    parse()
