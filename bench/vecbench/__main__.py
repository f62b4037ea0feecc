"""The Python part of bench/run, which has made everything ready."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from . import clustered, sizes
from .benchmark import Benchmark, log
from .options import parse
from .server import Cluster
from .source import exact_neighbours, open_source

RESULTS = Path(__file__).resolve().parent.parent / "results"


def main() -> None:
    args = parse()
    # The cluster must go whichever way this ends.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("run: terminated"))
    settings = {"shared_buffers": args.shared_buffers}
    folder = Path(args.results) if args.results else RESULTS
    if args.sizes:
        with Cluster(args.folder, args.bindir, **settings) as cluster:
            sizes.run(cluster, args.sizes, args.metric or "l2",
                      folder / (args.name or "sizes"), log)
        return

    if args.clustered:
        args.source = clustered.make(Path(args.kept), *args.clustered,
                                     args.metric or "l2", log)
        args.metric = args.metric or "l2"
    log("reading", Path(args.source).name)
    try:
        source = open_source(args.source, args.queries, args.truth,
                             args.metric, args.rows)
    except (OSError, ValueError) as error:
        sys.exit(f"run: {error}")
    if source.queries is None:
        sys.exit("run: the source has no queries")
    if source.truth is None:
        log("finding the exact neighbours")
        source.truth = exact_neighbours(source)
    with Cluster(args.folder, args.bindir, **settings) as cluster:
        Benchmark(args, source, cluster, folder).run()


main()
