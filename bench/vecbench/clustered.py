"""Made sets: a mixture of clusters of different sizes and spreads, each in
a subspace of few dimensions, as embeddings are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.lib.format import open_memmap

from .source import Source, exact_neighbours

SEED = 20260101
STEP = 50_000           # rows made at a time
ROWS_PER_CLUSTER = 250
INTRINSIC = 16          # dimensions in which a cluster extends
QUERIES = 2000          # at most


class Mixture:
    """Rows of a mixture; row number i depends on the size of the set and on
    i alone."""

    def __init__(self, rows: int, dims: int) -> None:
        random = np.random.default_rng([SEED, rows, dims])
        clusters = max(2, min(rows // ROWS_PER_CLUSTER, 20_000))
        inner = min(INTRINSIC, dims)
        self.dims, self.inner = dims, inner
        # Centres lie in few dimensions too, or all were equally far apart.
        basis = random.standard_normal((2 * inner, dims), dtype="f4")
        self.centres = random.standard_normal(
            (clusters, 2 * inner), dtype="f4") @ basis / np.sqrt(2 * inner)
        # A few clusters hold many of the rows.
        weight = 1 / np.arange(1, clusters + 1) ** 0.7
        self.share = np.cumsum(weight / weight.sum())
        self.spread = random.lognormal(-0.3, 0.4, clusters).astype("f4")
        # Neighbours share an extent, in one of a handful of subspaces.
        self.spaces = random.standard_normal((64, inner, dims), dtype="f4") \
            / np.sqrt(np.float32(inner))

    def rows(self, stream: int, start: int, count: int) -> np.ndarray:
        """Rows start to start + count of a stream (0 base, 1 queries); start
        is a multiple of STEP."""
        random = np.random.default_rng([SEED, stream, start])
        cluster = np.searchsorted(self.share, random.random(count))
        cluster = np.minimum(cluster, len(self.share) - 1)
        result = random.standard_normal((count, self.dims), dtype="f4")
        result *= 0.05
        inner = random.standard_normal((count, self.inner), dtype="f4")
        space = cluster % len(self.spaces)
        for number in np.unique(space):
            here = space == number
            result[here] += inner[here] @ self.spaces[number]
        result *= self.spread[cluster, None]
        return result + self.centres[cluster]


def write_base(folder: Path, rows: int, dims: int,
               log: Callable[..., None]) -> None:
    mixture = Mixture(rows, dims)
    base = open_memmap(folder / "base.npy", mode="w+", dtype="f4",
                       shape=(rows, dims))
    for start in range(0, rows, STEP):
        count = min(STEP, rows - start)
        base[start:start + count] = mixture.rows(0, start, count)
        if start // STEP % 20 == 19:
            log(f"  {start + count:,} rows")
            base.flush()
    base.flush()
    queries = min(QUERIES, max(20, rows // 10))
    np.save(folder / "query.npy", mixture.rows(1, 0, queries))


def make(kept: Path, rows: int, dims: int, metric: str,
         log: Callable[..., None]) -> Path:
    """The folder of a made set, kept from run to run; its name is the
    set's."""
    folder = kept / "sets" / f"clustered-{rows}x{dims}-{metric}"
    # The exact neighbours are written last.
    if (folder / "gt.npy").exists():
        return folder
    log(f"making {rows:,} clustered rows of {dims} dimensions")
    folder.mkdir(parents=True, exist_ok=True)
    write_base(folder, rows, dims, log)
    log("finding the exact neighbours")
    base = np.load(folder / "base.npy", mmap_mode="r")
    queries = np.load(folder / "query.npy")
    np.save(folder / "gt.npy", exact_neighbours(
        Source(folder.name, metric, base, queries)))
    return folder
