"""The command line of bench/recall; standard library only, for it is judged
before anything is installed."""

from __future__ import annotations

import argparse
from pathlib import Path

RESULTS = Path(__file__).resolve().parent.parent / "results"
STAGES = ("plain", "noise", "filters", "changed")

ABOUT = """Measure whether scans find what ivf.recall asks for, on many kinds
of data, and what that costs beside a fixed number of lists.

FOLDER holds the folders sift-photos and gloss-lsa, of base.npy (or .npy.gz)
and query.npy; without it only made sets are measured.  Results go to
bench/results/recall.json, .md and three .svg; sets that are not asked for
keep theirs.
"""


def parse() -> argparse.Namespace:
    asked = argparse.ArgumentParser(
        prog="bench/recall", description=ABOUT,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    add = asked.add_argument
    add("folder", metavar="FOLDER", nargs="?", type=Path,
        help="with sift-photos and gloss-lsa")
    add("--sets", metavar="LIST", type=lambda text: text.split(","),
        help="only these (default: all)")
    add("--stages", metavar="LIST", type=lambda text: text.split(","),
        default=list(STAGES), help=f"only these of {','.join(STAGES)}")
    add("--batch", action="store_true",
        help="only time many searches in one statement, and their memory")
    add("--report", action="store_true",
        help="only write .md and .svg anew from .json")
    add("--results", metavar="PATH", type=Path, default=RESULTS / "recall",
        help="of the results, without .json (bench/results/recall)")
    add("--shared-buffers", default="2GB")
    for name in ("--bindir", "--sources"):
        add(name, help=argparse.SUPPRESS)
    args = asked.parse_args()
    if args.folder and not args.folder.is_dir():
        asked.error(f"{args.folder}: no such folder")
    return args


if __name__ == "__main__":
    parse()
