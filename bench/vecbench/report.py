"""The measurements as text."""

from statistics import median


def lines(result):
    """The report of a result as bench/run gathers it, complete or not."""
    about = result["about"]
    yield f"{about['source']}: {about['rows']:,} rows of " \
          f"{about['dimensions']} dimensions, {about['metric']}; " \
          f"{about['tested']:,} queries measured, others tuned on"
    yield f"{about['server']}; " + ", ".join(
        f"{name} {version}" for name, version in about["versions"].items())
    yield f"{about['cpus']} x {about['cpu']}; {about['commit']}; " \
          f"{about['date']}"
    yield from table("Build", builds(result))
    yield from table("Search", searches(result))
    yield from table("Scan, on average over the queries", counters(result))
    yield from table("Writes into the indexed table", writes(result))


def table(title, rows):
    """Rows of cells under a title, columns aligned; nothing without rows."""
    head, *rows = [[str(cell) for cell in row] for row in rows]
    if not rows:
        return
    width = [max(map(len, column)) for column in zip(head, *rows)]
    yield ""
    yield title
    for row in [head, *rows]:
        yield "  ".join(
            cell.ljust(w) if i == 0 else cell.rjust(w)
            for i, (cell, w) in enumerate(zip(row, width))).rstrip()


def builds(result):
    yield ("index", "memory setting", "workers", "seconds", "peak MB",
           "index MB", "of the vectors")
    raw = result["about"]["rows"] * result["about"]["dimensions"] * 4
    for name, peer in result["peers"].items():
        for build in peer.get("builds", []):
            yield (name, build["memory_setting"],
                   f"0-{build['workers_setting']}"
                   if build["workers_setting"] else "0",
                   f"{build['seconds']:.1f}",
                   f"{build['peak_bytes'] / 1e6:.0f}",
                   f"{build['index_bytes'] / 1e6:.1f}",
                   f"{build['index_bytes'] / raw:.2f}")


def searches(result):
    yield ("index", "target", "setting", "recall@10", "clients", "queries/s",
           "least", "most", "ms")
    for name, peer in result["peers"].items():
        for point in peer.get("points", []):
            if point["recall"] is None:
                yield (name, point["target"], "not reached", *[""] * 6)
            for clients, runs in point.get("runs", {}).items():
                rates = [run["rate"] for run in runs]
                yield (name, point["target"],
                       point["setting"] or "default",
                       f"{point['recall']:.4f}", clients,
                       f"{median(rates):.0f}", f"{min(rates):.0f}",
                       f"{max(rates):.0f}",
                       f"{median(r['latency_ms'] for r in runs):.3f}")


def counters(result):
    names = list(dict.fromkeys(
        name for peer in result["peers"].values()
        for point in peer.get("points", [])
        for name in point.get("per_query", {})))
    yield ("index", "target", *names)
    for name, peer in result["peers"].items():
        for point in peer.get("points", []):
            if told := point.get("per_query"):
                yield (name, point["target"],
                       *(f"{told[n]:.1f}" if n in told else ""
                         for n in names))


def writes(result):
    yield ("index", "kind", "rows/s", "least", "most", "WAL bytes/row")
    for name, peer in result["peers"].items():
        for kind in ("insert", "copy"):
            runs = peer.get(kind)
            if runs:
                rates = [run["rate"] for run in runs]
                yield (name, kind.upper(), f"{median(rates):.0f}",
                       f"{min(rates):.0f}", f"{max(rates):.0f}",
                       f"{median(r['wal_bytes_per_row'] for r in runs):.0f}")
