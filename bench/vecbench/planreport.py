"""What bench/planner found, as JSON and as Markdown."""

from __future__ import annotations

import json
from pathlib import Path

TWICE, FLOOR = 2, 0.3       # a chosen plan is good up to so many times the best
                            # one's time, or so many ms more


def good(cell: dict) -> bool:
    chosen, best = cell["chosen_ms"], cell["best_ms"]
    return chosen is not None and (chosen <= TWICE * best
                                   or chosen <= best + FLOOR)


def summary(cells: list[dict]) -> str:
    count = sum(map(good, cells))
    return (f"{count} of {len(cells)} cells good, "
            f"{100 * count / max(1, len(cells)):.1f} %")


def number(ms: float | None) -> str:
    return "given up" if ms is None else f"{ms:,.3g}" if ms < 100 \
        else f"{ms:,.0f}"


def groups(cells: list[dict]) -> list[str]:
    lines = ["| queries | table | cells | good | worst of the good |",
             "|---|---|---:|---:|---:|"]
    names = list(dict.fromkeys((c["group"], c["table"]) for c in cells))
    for group, table in names:
        here = [c for c in cells if (c["group"], c["table"]) == (group, table)]
        fine = [c for c in here if good(c)]
        worst = max((c["chosen_ms"] / c["best_ms"] for c in fine), default=0)
        lines.append(f"| {group} | {table} | {len(here)} | {len(fine)} "
                     f"| {worst:.2f} × |")
    return lines


def bad(cells: list[dict]) -> list[str]:
    lines = ["| queries | table | query | random_page_cost | chosen, ms | "
             "best, ms | chosen | best |", "|---|---|---|---|---:|---:|---|---|"]
    for c in cells:
        if not good(c):
            lines.append(
                f"| {c['group']} | {c['table']} | {c['query']} "
                f"| {c['random_page_cost']} | {number(c['chosen_ms'])} "
                f"| {number(c['best_ms'])} | {c['chosen']} | {c['best']} |")
    return lines


def about(result: dict) -> str:
    return (f"{result['server'].split(' on ')[0]}; {result['machine']['cpus']}"
            f" × {result['machine']['cpu']}; {result['made'][:10]}.")


def short(result: dict) -> str:
    cells = result["cells"]
    return "\n".join([f"**{summary(cells)}.** {about(result)}", ""]
                     + groups(cells))


def markdown(result: dict) -> str:
    return "\n".join(["# Plans", "", short(result), "", "## The other cells",
                      ""] + bad(result["cells"])) + "\n"


def write(result: dict, path: Path) -> None:
    path.with_suffix(".json").write_text(
        json.dumps(result, indent=1, ensure_ascii=False) + "\n")
    path.with_suffix(".md").write_text(markdown(result))
