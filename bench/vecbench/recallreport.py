"""What bench/recall found, as Markdown and plots."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

from matplotlib import pyplot                           # noqa: E402
from matplotlib import ticker                           # noqa: E402

from .report import METRIC_NAMES, section               # noqa: E402

COLOURS = {0.80: "#8d6a9f", 0.90: "#00798c", 0.95: "#d1495b", 0.99: "#edae49"}
SHOWN = ("sift-photos", "gloss-lsa", "uniform-8", "norms")
SET_COLOURS = ("#d1495b", "#00798c", "#8d6a9f", "#edae49")
K = 10


def write(result: dict, path: Path) -> None:
    path.with_suffix(".md").write_text(markdown(result))
    attained(result, path)
    cost(result, path)
    spread(result, path)


# Markdown --------------------------------------------------------------------

def markdown(result: dict) -> str:
    about = result["about"]
    parts = ["### Recall asked for and found",
             f"{about['server']}, vecfeat {about['extension']}; "
             f"{about['cpus']} × {about['cpu']}, "
             f"{about['memory_bytes'] / 2**30:.0f} GiB; {about['date']}. "
             "Recall counts, ± its standard error, of queries that are not "
             "in the table; lists, entries, byte codes and their sum, the "
             "work, are means. *fixed* is the work of a fixed `ivf.probes` "
             "of the same recall. Times are of one query in the server, two "
             "at a time."]
    cells = [(name, cell) for name, found in result["sets"].items()
             for cell in found["cells"]]
    missed = [(name, cell) for name, cell in cells if faults(cell)]
    parts.append(f"{len(cells) - len(missed)} of {len(cells)} cells are as "
                 f"they should be; {len(missed)} miss:")
    parts += section("", ["set", "kind", "k", "asked", "recall", "least",
                          "work of fixed", "misses"], misses(missed))
    for name, found in result["sets"].items():
        parts.append(f"#### {name}: {found['rows']:,} × "
                     f"{found['dimensions']}, "
                     f"{METRIC_NAMES[found['metric']]}")
        parts.append(f"{found['what'].capitalize()}; {found['lists']:,} "
                     f"lists, built in {found['build_seconds']:.1f} s.")
        parts += section("", ["queries", "k", "asked", "recall", "least",
                              "lists", "entries", "byte codes", "fixed",
                              "work of fixed", "median, 95 %, µs", ""],
                         rows(found))
    if "batch" in result:
        parts += of_batch(result["batch"])
    return "\n\n".join(parts) + "\n"


def faults(cell: dict) -> list[str]:
    return [*["recall"] * (not cell["reached"]),
            *["work"] * (not cell.get("cheap", True)),
            *["rows"] * bool(cell.get("short", 0))]


def ratio(cell: dict) -> str:
    return (f"{cell['ratio']:.2f} × (at most {cell['most']:.2f})"
            if "ratio" in cell else "")


def misses(found: list[tuple[str, dict]]) -> Iterator[list[str]]:
    for name, cell in found:
        yield [name, cell["kind"], str(cell["k"]), f"{cell['target']:.2f}",
               f"{cell['recall']:.4f}", f"{cell['least']:.4f}", ratio(cell),
               ", ".join(faults(cell))]


def rows(found: dict) -> Iterator[list[str]]:
    for cell in found["cells"]:
        kind = cell["kind"]
        if "kept" in cell:
            kind += f", {100 * cell['kept']:.1f} % kept"
        yield [f"{kind} ({cell['queries']:,})", str(cell["k"]),
               f"{cell['target']:.2f}",
               f"{cell['recall']:.4f} ± {cell['error']:.4f}",
               f"{cell['least']:.4f}", f"{cell['lists']:.1f}",
               f"{cell['entries']:,.0f}", f"{cell['byte_codes']:,.0f}",
               f"{cell['fixed_work']:,.0f}" if "fixed_work" in cell else "",
               ratio(cell), f"{cell['us']:,.0f}, {cell['us_95']:,.0f}",
               "**misses: " + ", ".join(faults(cell)) + "**"
               if faults(cell) else "passes"]


def of_batch(batch: dict) -> Iterator[str]:
    us, memory = batch["us"], batch["memory"]
    yield (f"#### Many searches in one statement: {batch['rows']:,} × "
           f"{batch['dimensions']}")
    yield (f"A search takes {us['lateral']:,.0f} µs in one statement of "
           f"{batch['queries']:,} (`LATERAL`), {us['inside']:,.0f} µs as a "
           f"prepared statement in a loop of the server's, and "
           f"{us['single']:,.0f} µs as one that a client sends each time. "
           f"During {memory['rescans']:,} searches in one statement the "
           "backend's private memory was at most "
           f"{memory['first_tenth_kb']:,} kB in the first tenth of the time "
           f"and {memory['last_tenth_kb']:,} kB in the last; its memory "
           f"contexts had {memory['contexts_before']:,} bytes before and "
           f"{memory['contexts_after']:,} after.")


# Plots -----------------------------------------------------------------------

def plain(found: dict, k: int = K) -> list[dict]:
    return [cell for cell in found["cells"]
            if cell["kind"] == "plain" and cell["k"] == k]


class Plot:
    """Context manager: so many axes side by side, written to a file."""

    def __init__(self, path: Path, name: str, columns: int,
                 size: tuple[float, float], **options) -> None:
        self.path = path.with_name(f"{path.name}-{name}.svg")
        self.columns, self.size, self.options = columns, size, options
        # text stays text, and two runs with the same figures the same file
        self.context = pyplot.rc_context({
            "svg.fonttype": "none", "svg.hashsalt": "vecbench",
            "font.family": "sans-serif", "font.size": 10})

    def __enter__(self) -> list:
        self.context.__enter__()
        self.figure, axes = pyplot.subplots(
            1, self.columns, figsize=self.size, squeeze=False, **self.options)
        for one in axes[0]:
            one.grid(True, color="#dddddd", linewidth=0.6)
            one.set_axisbelow(True)
            for side in ("top", "right"):
                one.spines[side].set_visible(False)
        return list(axes[0])

    def __exit__(self, *error) -> None:
        self.figure.tight_layout()
        self.figure.savefig(self.path, facecolor="white",
                            metadata={"Date": None})
        pyplot.close(self.figure)
        self.context.__exit__(*error)


def attained(result: dict, path: Path) -> None:
    """For each set a dot where recall came to, for each that was asked."""
    sets = {name: cells for name, found in result["sets"].items()
            if (cells := plain(found))}
    if not sets:
        return
    with Plot(path, "attained", 1, (7, 1 + 0.28 * len(sets))) as (axes,):
        for target, colour in COLOURS.items():
            axes.axvline(target, color=colour, linewidth=0.8, alpha=0.6)
            axes.scatter([cell["recall"] for cells in sets.values()
                          for cell in cells if cell["target"] == target],
                         [i for i, cells in enumerate(sets.values())
                          for cell in cells if cell["target"] == target],
                         color=colour, s=28, label=f"{target:.2f} asked for")
        axes.set_yticks(range(len(sets)), list(sets))
        axes.invert_yaxis()
        axes.set_xlim(right=1.005)
        axes.set_xlabel(f"recall@{K} found")
        axes.legend(frameon=False, fontsize=8, loc="lower left")


def cost(result: dict, path: Path) -> None:
    """Recall against the share of entries read, and against time."""
    sets = [name for name in SHOWN if name in result["sets"]]
    if not sets:
        return
    with Plot(path, "cost", 2, (8, 3.6)) as axes:
        for name, colour in zip(sets, SET_COLOURS):
            found = result["sets"][name]
            cells = plain(found)
            asked = [cell["recall"] for cell in cells]
            axes[0].plot(asked, [100 * cell["entries"] / found["rows"]
                                 for cell in cells],
                         marker="o", markersize=4, color=colour, label=name)
            axes[1].plot(asked, [cell["us"] for cell in cells],
                         marker="o", markersize=4, color=colour)
        for one, what in zip(axes, ("entries read, % of the table",
                                    "a query's median time, µs")):
            one.set_yscale("log")
            one.yaxis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5)))
            one.yaxis.set_major_formatter(
                ticker.FuncFormatter(lambda y, _: f"{y:g}"))
            one.yaxis.set_minor_formatter(ticker.NullFormatter())
            one.set_xlabel(f"recall@{K}")
            one.set_ylabel(what + " (log scale)")
        axes[0].legend(frameon=False, fontsize=8)


def spread(result: dict, path: Path) -> None:
    """How lists read and recall differ between the queries of a set."""
    sets = {name: cell for name, found in result["sets"].items()
            for cell in plain(found) if cell["target"] == 0.95}
    if not sets:
        return
    with Plot(path, "spread", 2, (8, 1 + 0.28 * len(sets)),
              sharey=True) as axes:
        for i, cell in enumerate(sets.values()):
            mean = cell["lists"]
            _, low, middle, high, _ = cell["lists_spread"]
            axes[0].plot([low / mean, high / mean], [i, i], color="#00798c",
                         linewidth=4, solid_capstyle="round")
            axes[0].plot(middle / mean, i, "o", color="black", markersize=4)
            _, fifth, tenth, quarter, half = cell["recall_spread"]
            axes[1].plot([fifth, half], [i, i], color="#d1495b", linewidth=4,
                         solid_capstyle="round")
            axes[1].plot(tenth, i, "o", color="black", markersize=4)
        axes[0].set_yticks(range(len(sets)), list(sets))
        axes[0].invert_yaxis()
        axes[0].set_xlabel("lists read, times their mean:\n"
                           "the middle 80 % of queries, and the median")
        axes[1].set_xlabel(f"recall@{K} of single queries at 0.95:\nfrom the "
                           "5 % with the least to the median; dots: 10 %")
