"""Recall against queries/s, as SVG."""

from __future__ import annotations

from pathlib import Path
from statistics import median

import matplotlib

matplotlib.use("Agg")

from matplotlib import pyplot                           # noqa: E402
from matplotlib import ticker                           # noqa: E402

COLOURS = {"vecfeat": "#d1495b", "hnsw": "#00798c", "ivfflat": "#8d6a9f"}
LEAST_RECALL = 0.8      # what is below is of no interest


def points(peer: dict) -> list[tuple[float, float]]:
    """(recall, queries/s with one client), by recall."""
    found = [(point["recall"], median(run["rate"] for run in runs))
             for point in peer.get("curve", []) + peer.get("points", [])
             if (runs := point.get("runs", {}).get("1"))]
    return sorted({recall: rate for recall, rate in found
                   if recall >= LEAST_RECALL}.items())


def draw(result: dict, path: Path) -> None:
    """Write PATH.svg, where there is something to draw."""
    about = result["about"]
    curves = {name: found for name, peer in result["peers"].items()
              if len(found := points(peer)) > 1}
    if not curves:
        return
    # text stays text, and two runs with the same figures the same file
    settings = {"svg.fonttype": "none", "svg.hashsalt": "vecbench",
                "font.family": "sans-serif", "font.size": 10}
    with pyplot.rc_context(settings):
        figure, axes = pyplot.subplots(figsize=(7, 4.2))
        for name, found in curves.items():
            recall, rate = zip(*found)
            colour = COLOURS[name]
            axes.plot(recall, rate, marker="o", markersize=4, linewidth=1.8,
                      color=colour)
            axes.annotate(name, (recall[0], rate[0]), xytext=(0, 7),
                          textcoords="offset points", color=colour,
                          fontweight="bold", va="bottom")
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter(
            ticker.FuncFormatter(lambda y, _: f"{y:,.0f}"))
        axes.yaxis.set_minor_formatter(ticker.NullFormatter())
        axes.set_xlim(right=1.005)
        axes.margins(y=0.12)
        axes.set_xlabel("recall@10")
        axes.set_ylabel("queries/s, one client (log scale)")
        axes.set_title(
            f"{about['source']}: {about['rows']:,} × {about['dimensions']}",
            loc="left", fontsize=11)
        axes.grid(True, color="#dddddd", linewidth=0.6)
        axes.set_axisbelow(True)
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
        figure.tight_layout()
        figure.savefig(path.with_name(path.name + ".svg"),
                       facecolor="white", metadata={"Date": None})
        pyplot.close(figure)
