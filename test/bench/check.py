"""Checks a result of bench/run on a tiny set; prints TAP.

    check.py RESULT     without .json, .md, .svg
"""

from __future__ import annotations

import json
import math
import sys
import xml.etree.ElementTree as xml
from pathlib import Path

ROWS, DIMS = 6000, 32
cases = 0


def case(good: bool, name: str) -> None:
    global cases
    cases += 1
    print(f"{'ok' if good else 'not ok'} {cases} - {name}")


def positive(run: dict, *keys: str) -> bool:
    return all(isinstance(run.get(key), (int, float))
               and math.isfinite(run[key]) and run[key] > 0 for key in keys)


def check_about(about: dict, text: str) -> None:
    case(about["rows"] == ROWS and about["dimensions"] == DIMS
         and about["metric"] == "l2" and about["server"].startswith("Postgre")
         and about["versions"].keys() == {"vecfeat"}
         and about["simd"] in ("portable", "avx2", "avx512", "avx512vnni", "neon")
         and positive(about, "cpus", "memory_bytes", "tested", "tuned"),
         "the result says what was measured, with what, on what")
    host = Path("/proc/sys/kernel/hostname").read_text().strip()
    case(not any(path in text for path in ("/tmp", "/dev/shm", "/home",
                                           "/root", str(Path.cwd())))
         and f'"{host}"' not in text,
         "the result names no path of the machine and not the machine")


def check_peer(peer: dict) -> None:
    builds = peer["builds"]
    case([b["workers_setting"] for b in builds] == [0, 1]
         and all(positive(b, "seconds", "peak_bytes", "index_bytes",
                          "wal_bytes") for b in builds)
         and all(b["index_bytes"] > ROWS * DIMS
                 and b["wal_bytes"] > b["index_bytes"] / 2 for b in builds),
         "builds: time, memory, bytes, WAL; in one and two processes")
    points = {str(p["target"]): p for p in peer["points"]}
    tuned = {t["setting"]: t["recall"] for t in peer["tuning"]}
    setting = points["0.95"]["setting"]
    case(points.keys() == {"-", "0.95"} and setting > 1
         and tuned[setting] >= 0.95 > tuned[setting - 1]
         and tuned[setting] - 0.05 < points["0.95"]["recall"] <= 1,
         "the least setting that reaches the target, recall on other queries")
    case(all(positive(p["per_query"], "lists_read", "entries", "byte_codes",
                      "heap_rows") for p in peer["points"]),
         "what a scan reads")
    runs = [run for p in peer["points"] for n in ("1", "2")
            for run in p["runs"][n]]
    case(len(runs) == 4
         and all(positive(r, "rate", "p50_ms", "p95_ms", "p99_ms")
                 and r["p50_ms"] <= r["p95_ms"] <= r["p99_ms"]
                 and r["transactions"] > 10 for r in runs),
         "queries/s and latencies, with one and two clients")
    case(len(peer["curve"]) >= 2
         and all(positive(p["runs"]["1"][0], "rate") and 0 < p["recall"] <= 1
                 for p in peer["curve"]), "the settings of the plot")
    case(all(len(peer[kind]) == 1
             and positive(peer[kind][0], "rate", "wal_bytes_per_row")
             for kind in ("insert", "copy")), "INSERT and COPY")
    vacuum, = peer["vacuum"]
    case(positive(vacuum, "seconds", "wal_bytes")
         and abs(vacuum["deleted"] - ROWS / 10) < ROWS / 100, "VACUUM")
    cold, = peer["cold"]
    case(positive(cold, "seconds") and cold["queries"] == 100
         and "posix_fadvise" in cold["dropped"], "cold start")


def check_plain(points: list[dict]) -> None:
    runs = [(p, r) for p in points for r in p["runs"]]
    case(len(points) == len(runs) == 1
         and all(positive(r, "query_us", "executor_us", "plain_us")
                 and r["executor_us"] < r["query_us"] for _, r in runs),
         "the search on plain arrays and the index's")
    case(all(abs(r["plain_recall"] - p["recall"]) < 0.1 for p, r in runs),
         "plain arrays have about the recall of the index")


def check_files(result: Path) -> None:
    text = result.with_suffix(".md").read_text()
    tables = [block for block in text.split("\n\n") if block.startswith("|")]
    case(len(tables) == 5
         and all(len({line.count("|") for line in block.splitlines()}) == 1
                 for block in tables)
         and all(words in text for words in (
             "queries/s at 0.95, 2 clients", "COPY, rows/s", "cold start",
             "VACUUM", "D/8 + 18 + D + 28", "plain arrays", "p99")),
         "Markdown: all tables, all their rows of the same length")
    labels = {"".join(element.itertext()).strip() for element
              in xml.parse(result.with_suffix(".svg")).iter()
              if element.tag.endswith("}text")}
    case({"vecfeat", "recall@10"} <= labels, "the plot, with its labels")


def main() -> None:
    path = Path(sys.argv[1])
    text = path.with_suffix(".json").read_text()
    result = json.loads(text)
    check_about(result["about"], text)
    check_peer(result["peers"]["vecfeat"])
    check_plain(result["plain"])
    check_files(path)
    print(f"1..{cases}")


main()
