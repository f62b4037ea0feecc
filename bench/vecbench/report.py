"""A result as Markdown: one table in the form of the targets, then details."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median

Row = list[str]


def markdown(result: dict) -> str:
    """The report of a result as Benchmark gathers it, complete or not."""
    parts = [ratios(result)]
    parts += section("Search", SEARCH_HEAD, searches(result))
    parts += section("Build", BUILD_HEAD, builds(result))
    parts += section("Writes", WRITE_HEAD, writes(result))
    parts += section("What a scan reads, on average", *counters(result))
    return "\n\n".join(parts) + "\n"


def ratios(result: dict) -> str:
    """What was measured where, and the table in the form of the targets."""
    about = result["about"]
    title = (f"### {about['source']}: {about['rows']:,} × "
             f"{about['dimensions']}, {METRIC_NAMES[about['metric']]}")
    head = ["", *(name if name == "vecfeat" else f"{name} | ×"
                  for name in result["peers"])]
    return "\n\n".join([title, conditions(about),
                        *section("", head, summary(result))])


METRIC_NAMES = {"l2": "L2", "cosine": "cosine", "ip": "inner product"}


def conditions(about: dict) -> str:
    versions = ", ".join(f"{name} {version}" for name, version
                         in about["versions"].items())
    return (f"{about['server']}, {versions} (`ivf.simd` "
            f"{about.get('simd', 'unknown')}, {about['commit']}); "
            f"{about['cpus']} × {about['cpu']}, "
            f"{about['memory_bytes'] / 2**30:.0f} GiB; {about['date']}. "
            f"Recall@10 of {about['tested']:,} queries, settings found on "
            f"{about['tuned']:,} others. "
            f"{'Data in memory' if about['in_memory'] else 'Data on disk'}; "
            f"medians of {about['options']['rounds']} rounds.")


def write(result: dict, path: Path) -> None:
    path.with_name(path.name + ".md").write_text(markdown(result))


def section(title: str, head: Row, rows: Iterator[Row] | list[Row]
            ) -> list[str]:
    """A title and a table; nothing without rows."""
    rows = list(rows)
    if not rows:
        return []
    return ([f"**{title}**"] if title else []) + [table(head, rows)]


def table(head: Row, rows: list[Row]) -> str:
    columns = " | ".join(head).count("|") + 1
    lines = [" | ".join(head), "|".join(["---"] + ["---:"] * (columns - 1)),
             *(" | ".join(row) for row in rows)]
    return "\n".join(f"| {line} |".replace("|  |", "| |") for line in lines)


# The table of ratios ---------------------------------------------------------

def summary(result: dict) -> Iterator[Row]:
    """A row for each figure, and for each other index how many times better
    vecfeat is (for bytes: how many times as large)."""
    def row(title: str, figure: Callable[[dict], float | None],
            text: Callable[[float], str],
            ratio: Callable[[float, float], float],
            given_up: Sequence[str] = ()) -> Iterator[Row]:
        figures = {name: figure(peer)
                   for name, peer in result["peers"].items()}
        if any(value is not None for value in figures.values()):
            yield [title, *(cell(name, figures, text, ratio,
                                 ">&nbsp;" * (name in given_up))
                            for name in figures)]

    for target in result["about"]["options"]["targets"]:
        for way in ways(result):
            yield from row(f"queries/s at {target:.2f}, {client_words(way)}",
                           lambda peer: rate(peer, target, way), number, more)
    yield from row("build, s", lambda peer: last_build(peer, "seconds"),
                   decimal, less)
    yield from row("peak memory of the build, MB",
                   lambda peer: last_build(peer, "peak_bytes", 1e6), decimal,
                   less)
    yield from row("WAL of the build, MB",
                   lambda peer: last_build(peer, "wal_bytes", 1e6), decimal,
                   less)
    yield from row("index, MB",
                   lambda peer: last_build(peer, "index_bytes", 1e6), decimal,
                   share)
    for kind, title in ADDED.items():
        yield from row(f"{title}, rows/s",
                       lambda peer: middle(peer, kind, "rate"), number, more)
    given_up = [name for name, peer in result["peers"].items()
                if any(run["given_up"] for run in peer.get("vacuum", []))]
    yield from row("VACUUM of a tenth, s",
                   lambda peer: middle(peer, "vacuum", "seconds"), decimal,
                   less, given_up)
    yield from row("first queries after a cold start, s",
                   lambda peer: middle(peer, "cold", "seconds"), decimal,
                   less)
    yield from bare_rows(result)
    width = len(result["peers"])
    for line in own_rows(result):
        yield line + [" | "] * (width - 1)


ADDED = {"insert": "INSERT",
         "insert_on_one": "INSERT, client on the server's processor",
         "copy": "COPY"}


def bare_rows(result: dict) -> Iterator[Row]:
    """What the same statements do without an index of vectors: an index that
    costs nothing would be that many times better than the others."""
    bare = result.get("bare", {})
    targets = result["about"]["options"]["targets"]
    lines = [(f"without the index: ten rows by the primary key, queries/s, "
              f"{client_words(way)} "
              f"(× at {' … '.join(f'{target:.2f}' for target in targets)})",
              median(run["rate"] for run in runs),
              [lambda peer, target=target, way=way: rate(peer, target, way)
               for target in targets])
             for way, runs in bare.get("search", {}).items()]
    lines += [(f"without the index: {title}, rows/s",
               median(run["rate"] for run in bare[kind]),
               [lambda peer, kind=kind: middle(peer, kind, "rate")])
              for kind, title in ADDED.items() if kind in bare]
    for title, most, theirs in lines:
        cells = []
        for name, peer in result["peers"].items():
            found = [figure(peer) for figure in theirs]
            times = " … ".join(f"{decimal(most / value)}" if value else "–"
                               for value in found)
            cells.append(number(most) if name == "vecfeat" else
                         f" | {times} ×")
        yield [title, *cells]


def own_rows(result: dict) -> Iterator[Row]:
    """What has no peer: size by the formula, plain arrays."""
    about = result["about"]
    size = last_build(result["peers"].get("vecfeat", {}), "index_bytes")
    if size:
        dims = about["dimensions"]
        expected = about["rows"] * (dims / 8 + 18 + dims + 28)
        yield ["index, of D/8 + 18 + D + 28 bytes a row",
               f"{size / expected:.2f} ×"]
    for point in result.get("plain", []):
        runs = point["runs"]
        target = "default" if point["target"] == "-" else point["target"]
        yield [f"CPU of a query inside of the index, of plain arrays' "
               f"({target}, {median(r['plain_us'] for r in runs):.0f} µs)",
               f"{median(inside(r) / r['plain_us'] for r in runs):.2f} ×"]


def inside(run: dict) -> float:
    return run["query_us"] - run["executor_us"]


def cell(name: str, figures: dict[str, float | None],
         text: Callable[[float], str],
         ratio: Callable[[float, float], float], least: str) -> str:
    """A figure and its ratio; least goes before what is a lower bound."""
    mine, theirs = figures.get("vecfeat"), figures[name]
    shown = "–" if theirs is None else least + text(theirs)
    if name == "vecfeat":
        return shown
    times = f"{least}{decimal(ratio(mine, theirs))} ×" if mine and theirs else ""
    return f"{shown} | {times}"


def more(mine: float, theirs: float) -> float:
    return mine / theirs


def less(mine: float, theirs: float) -> float:
    return theirs / mine


share = more            # how large, not how much better


def number(value: float) -> str:
    return f"{value:,.0f}"


def decimal(value: float) -> str:
    """Three figures, and all before the point."""
    return f"{value:.3g}" if value < 100 else number(value)


def ways(result: dict) -> list[str]:
    """How many clients searched, and where."""
    return list(dict.fromkeys(
        way for peer in result["peers"].values()
        for point in peer.get("points", []) for way in point.get("runs", {})))


def client_words(way: str) -> str:
    clients, _, where = way.partition(" ")
    return (f"{clients} client{'s' * (clients != '1')}"
            + f" {where}" * bool(where))


def rate(peer: dict, target: float, way: str) -> float | None:
    for point in peer.get("points", []):
        runs = point.get("runs", {}).get(way)
        if point["target"] == target and runs:
            return median(run["rate"] for run in runs)
    return None


def last_build(peer: dict, key: str, unit: float = 1) -> float | None:
    done = peer.get("builds")
    return done[-1][key] / unit if done else None


def middle(peer: dict, kind: str, key: str) -> float | None:
    runs = peer.get(kind)
    return median(run[key] for run in runs) if runs else None


# Details ---------------------------------------------------------------------

SEARCH_HEAD = ["index", "target", "setting", "recall@10", "clients",
               "queries/s", "least–most", "p50 ms", "p95 ms", "p99 ms"]
BUILD_HEAD = ["index", "maintenance_work_mem", "processes", "s", "peak MB",
              "index MB", "of the vectors", "WAL MB"]
WRITE_HEAD = ["index", "", "rows/s or s", "least–most", "WAL bytes a row"]


def target_name(point: dict) -> str:
    return "default" if point["target"] == "-" else f"{point['target']:.2f}"


def setting(point: dict) -> str:
    value = point.get("value", point["setting"])
    return "default" if value is None else str(value)


def searches(result: dict) -> Iterator[Row]:
    for name, peer in result["peers"].items():
        for point in peer.get("points", []):
            if point["recall"] is None:
                yield [name, target_name(point), "not reached", *[""] * 7]
            for clients, runs in point.get("runs", {}).items():
                if not runs:
                    continue
                rates = [run["rate"] for run in runs]
                yield [name, target_name(point),
                       setting(point),
                       f"{point['recall']:.4f}", clients,
                       number(median(rates)), spread(rates, number),
                       *(f"{median(r[f'{p}_ms'] for r in runs):.2f}"
                         for p in ("p50", "p95", "p99"))]


def spread(values: list[float], text: Callable[[float], str]) -> str:
    return f"{text(min(values))}–{text(max(values))}"


def builds(result: dict) -> Iterator[Row]:
    raw = result["about"]["rows"] * result["about"]["dimensions"] * 4
    for name, peer in result["peers"].items():
        for built in peer.get("builds", []):
            yield [name, built["memory_setting"],
                   str(1 + built["workers_setting"]),
                   f"{built['seconds']:.1f}",
                   number(built["peak_bytes"] / 1e6),
                   f"{built['index_bytes'] / 1e6:.1f}",
                   f"{built['index_bytes'] / raw:.2f}",
                   number(built["wal_bytes"] / 1e6)]


def writes(result: dict) -> Iterator[Row]:
    for kind, title, key, text in (
            *((kind, f"{title}, rows/s", "rate", number)
              for kind, title in ADDED.items()),
            ("vacuum", "VACUUM, s", "seconds", decimal),
            ("cold", "first queries, cold, s", "seconds", decimal)):
        for name, peer in result["peers"].items():
            runs = peer.get(kind)
            if runs:
                values = [run[key] for run in runs]
                wal = median(wal_a_row(run) for run in runs)
                yield [name, title, text(median(values)),
                       spread(values, text), number(wal) if wal else ""]


def wal_a_row(run: dict) -> float:
    if "deleted" in run:
        return run["wal_bytes"] / max(1, run["deleted"])
    return run.get("wal_bytes_per_row", 0)


def counters(result: dict) -> tuple[Row, list[Row]]:
    told = [(target_name(point), point["per_query"])
            for peer in result["peers"].values()
            for point in peer.get("points", []) if point.get("per_query")]
    names = list(told[0][1]) if told else []
    return (["target", *(name.replace("_", " ") for name in names)],
            [[target, *(f"{counts[name]:,.1f}" for name in names)]
             for target, counts in told])


def sizes(found: list[dict]) -> str:
    """The table of bench/run --sizes."""
    return table(
        ["dimensions", "rows", "bytes a row", "D/8 + 18 + D + 28", "×",
         "at most"],
        [[str(size["dimensions"]), number(size["rows"]),
          f"{size['bytes_a_row']:.1f}", f"{size['formula']:.0f}",
          f"{size['ratio']:.3f}", f"{size['limit']:.2f}"]
         for size in found]) + "\n"
