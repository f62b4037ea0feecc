"""Reading sets of vectors: base rows, queries, and the exact answers."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

# How the ann-benchmarks files name their metrics.
HDF5_METRICS = {"euclidean": "l2", "angular": "cosine", "dot": "ip"}


@dataclass
class Source:
    """Vectors as found on disk, in whatever element type they have there."""

    name: str
    metric: str
    base: np.ndarray
    queries: np.ndarray | None = None
    truth: np.ndarray | None = None     # row numbers, nearest first

    @property
    def dimensions(self) -> int:
        return self.base.shape[1]


def read_array(folder: Path, name: str) -> np.ndarray | None:
    """The array NAME.npy or NAME.npy.gz of a folder, None without one."""
    plain, packed = folder / f"{name}.npy", folder / f"{name}.npy.gz"
    if plain.exists():
        return np.load(plain, mmap_mode="r")
    if packed.exists():
        with gzip.open(packed) as stream:
            return np.load(stream)
    return None


def read_vecs(path: Path | str, dtype: str) -> np.ndarray:
    """An .fvecs or .ivecs file: rows of an int32 count and as many values."""
    raw = np.memmap(path, dtype="<i4", mode="r")
    if len(raw) == 0 or raw[0] <= 0 or len(raw) % (raw[0] + 1):
        raise ValueError(f"{path}: not an .fvecs/.ivecs file")
    rows = raw.reshape(-1, raw[0] + 1)
    if (rows[:, 0] != raw[0]).any():
        raise ValueError(f"{path}: rows of different lengths")
    return rows[:, 1:].view(dtype)


def open_source(path: Path | str, queries: str | None = None,
                truth: str | None = None, metric: str | None = None,
                rows: int | None = None) -> Source:
    """Open a folder of .npy[.gz] arrays, an .fvecs file (queries and truth
    in files of their own) or an ann-benchmarks HDF5 file.

    With fewer rows than there are, the stored truth no longer holds and is
    left out; exact_neighbours() makes it anew.
    """
    path = Path(path)
    if not path.exists():
        raise ValueError(f"{path}: no such file or folder")
    if path.is_dir():
        base = read_array(path, "base")
        if base is None:
            raise ValueError(f"{path}: no base.npy or base.npy.gz")
        source = Source(path.name, metric or "l2", base,
                        read_array(path, "query"), read_array(path, "gt"))
    elif path.suffix in (".hdf5", ".h5"):
        import h5py
        with h5py.File(path) as file:
            stored = HDF5_METRICS.get(file.attrs.get("distance"))
            if not (metric or stored):
                raise ValueError(f"{path}: unknown metric, use --metric")
            source = Source(path.stem, metric or stored, file["train"][:rows],
                            *(file[k][:] if k in file else None
                              for k in ("test", "neighbors")))
            complete = len(source.base) == len(file["train"])
        if not complete or source.metric != stored:
            source.truth = None
    elif path.suffix == ".fvecs":
        source = Source(path.stem, metric or "l2", read_vecs(path, "<f4"))
    else:
        raise ValueError(f"{path}: neither a folder, .fvecs nor .hdf5")
    if queries:
        source.queries = read_vecs(queries, "<f4")
        source.truth = None
    if truth:
        source.truth = read_vecs(truth, "<i4")
    if rows and rows < len(source.base):
        source.base = source.base[:rows]
        source.truth = None
    check_truth(source)
    return source


def check_truth(source: Source) -> None:
    """A truth made for another metric or other rows would spoil every figure
    silently: its distances must at least ascend."""
    if source.truth is None:
        return
    if source.queries is None or len(source.truth) != len(source.queries):
        raise ValueError("truth and queries differ in length")
    for query, ids in zip(source.queries[:20], source.truth[:20]):
        distance = distances(source, query, ids)
        if (np.diff(distance) < -1e-5 * np.abs(distance[1:])).any():
            raise ValueError(f"the stored truth is not by {source.metric}: "
                             "use --metric")


def distances(source: Source, query: np.ndarray,
              ids: np.ndarray | list[int]) -> np.ndarray:
    """Exact distances of a query to some base rows. L2 is left squared, the
    inner product is negated; less is nearer in all three."""
    rows = np.asarray(source.base[ids], dtype="f8")
    query = np.asarray(query, dtype="f8")
    if source.metric == "l2":
        return ((rows - query) ** 2).sum(axis=1)
    product = (rows * query).sum(axis=1)
    if source.metric == "ip":
        return -product
    norm = np.sqrt((rows ** 2).sum(axis=1)) * np.sqrt((query ** 2).sum())
    with np.errstate(invalid="ignore", divide="ignore"):
        # A zero vector's distance is NaN, which sorts last.
        return np.where(norm > 0, 1 - product / norm, np.inf)


def exact_neighbours(source: Source, k: int = 100,
                     progress: Callable = lambda x, **_: x) -> np.ndarray:
    """Row numbers of the k nearest base rows of each query, nearest first,
    ties to the lower number.

    A float4 matrix product finds somewhat more than k candidates, float8
    ranks them.
    """
    queries = unit(source.queries) if source.metric == "cosine" \
        else np.asarray(source.queries, dtype="f4")
    wanted = min(len(source.base), k + 50)
    # so many rows that their scores take some tens of megabytes
    step = max(wanted, 20_000_000 // len(queries))
    best = np.empty((len(queries), 0), dtype="f4")
    best_ids = np.empty((len(queries), 0), dtype="i8")
    for start in progress(range(0, len(source.base), step),
                          desc="exact neighbours", unit="block"):
        rows = source.base[start:start + step]
        rows = unit(rows) if source.metric == "cosine" \
            else np.asarray(rows, dtype="f4")
        score = -2 * (queries @ rows.T)
        if source.metric == "l2":
            score += (rows * rows).sum(axis=1)
        # Only the best of the block join the best so far.
        keep = min(wanted, len(rows))
        part = np.argpartition(score, keep - 1, axis=1)[:, :keep]
        best = np.hstack([best, np.take_along_axis(score, part, axis=1)])
        best_ids = np.hstack([best_ids, part + start])
        keep = min(wanted, best.shape[1])
        part = np.argpartition(best, keep - 1, axis=1)[:, :keep]
        best = np.take_along_axis(best, part, axis=1)
        best_ids = np.take_along_axis(best_ids, part, axis=1)
    truth = np.empty((len(queries), min(k, len(source.base))), dtype="i4")
    for i, ids in enumerate(best_ids):
        order = np.lexsort((ids, distances(source, source.queries[i], ids)))
        truth[i] = ids[order[:k]]
    return truth


def unit(vectors: np.ndarray) -> np.ndarray:
    """Rows as float4, scaled to length 1; zero rows stay zero."""
    vectors = np.asarray(vectors, dtype="f8")
    norm = np.sqrt((vectors ** 2).sum(axis=1, keepdims=True))
    return (vectors / np.where(norm > 0, norm, 1)).astype("f4")
