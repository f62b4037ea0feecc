"""Bytes a row at several dimensions, beside the formula of the design."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from . import build, report, table
from .clustered import Mixture
from .options import SIZES
from .peers import known
from .server import Cluster
from .source import Source

LIMIT = 1.15            # times the formula


def formula(dims: int) -> float:
    """A row's bytes: sign code and its factors, byte code and its own."""
    return dims / 8 + 18 + dims + 28


def run(cluster: Cluster, rows: int, metric: str, results: Path,
        log: Callable[..., None]) -> None:
    """Build an index of so many made rows at each of SIZES."""
    peer = known(rows, 0, ["256MB"], [])["vecfeat"]
    with cluster.connect() as connection:
        connection.execute(f"CREATE DATABASE {peer.database}")
    with cluster.connect(peer.database) as connection:
        connection.execute("CREATE EXTENSION vecfeat")
    found = []
    for dims in SIZES:
        source = Source("sizes", metric, Mixture(rows, dims).rows(
            0, 0, rows))
        with cluster.connect(peer.database) as connection:
            table.load(connection, "items", source)
        log(f"building with {dims} dimensions")
        built = build.build(cluster, peer, metric, "256MB", 1, log)
        bytes_row = built["index_bytes"] / rows
        found.append({"dimensions": dims, "rows": rows,
                      "bytes_a_row": bytes_row, "formula": formula(dims),
                      "ratio": bytes_row / formula(dims), "limit": LIMIT,
                      "build": built})
    results.parent.mkdir(parents=True, exist_ok=True)
    results.with_suffix(".json").write_text(json.dumps(found, indent=1) + "\n")
    text = report.sizes(found)
    results.with_suffix(".md").write_text(text)
    print(text)
    if any(size["ratio"] > LIMIT for size in found):
        raise SystemExit(f"run: more than {LIMIT} times the formula")
