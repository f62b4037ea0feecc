"""Exact neighbours of held-out queries, and how many of the rows that came
are among them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .source import Source, distances, unit

MARGIN = 50             # candidates beside the wanted ones, for rounding
STEP = 20_000           # rows scored at a time
QUERIES = 500           # and queries
# up to so many products float8 is used all the way
MOST_PRODUCTS = 2e11


@dataclass
class Truth:
    """Row numbers and distances of the nearest rows, nearest first."""

    ids: np.ndarray
    distances: np.ndarray


def find(base: np.ndarray, queries: np.ndarray, metric: str, k: int) -> Truth:
    """The k nearest rows of each query."""
    products = float(len(base)) * len(queries) * base.shape[1]
    dtype = "f8" if products <= MOST_PRODUCTS else "f4"
    k = min(k, len(base))
    ids = np.empty((len(queries), k), dtype="i8")
    found = np.empty((len(queries), k))
    for start in range(0, len(queries), QUERIES):
        part = queries[start:start + QUERIES]
        candidates = score(base, part, metric, min(k + MARGIN, len(base)),
                           dtype)
        for i, those in enumerate(candidates):
            far = distances(Source("", metric, base), part[i], those)
            order = np.lexsort((those, far))[:k]
            ids[start + i], found[start + i] = those[order], far[order]
    return Truth(ids, found)


def score(base: np.ndarray, queries: np.ndarray, metric: str, wanted: int,
          dtype: str) -> np.ndarray:
    """Row numbers of so many rows of the least distances, in no order."""
    queries = prepared(queries, metric, dtype)
    best = np.full((len(queries), 0), np.inf, dtype=dtype)
    best_ids = np.zeros((len(queries), 0), dtype="i8")
    for start in range(0, len(base), max(STEP, wanted)):
        rows = prepared(base[start:start + max(STEP, wanted)], metric, dtype)
        far = -2 * (queries @ rows.T)
        if metric == "l2":
            far += (rows * rows).sum(axis=1)
        if best.shape[1] < wanted:
            place = np.broadcast_to(np.arange(len(rows)), far.shape)
        else:
            far, place = below(far, best.max(axis=1))
        best = np.hstack([best, far])
        best_ids = np.hstack([best_ids, place + start])
        if best.shape[1] > wanted:
            part = np.argpartition(best, wanted - 1, axis=1)[:, :wanted]
            best = np.take_along_axis(best, part, axis=1)
            best_ids = np.take_along_axis(best_ids, part, axis=1)
    return best_ids


def below(far: np.ndarray, limit: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What is below each row's limit, with its column: as few columns as
    the fullest row takes, infinity where a row has fewer."""
    row, column = np.nonzero(far < limit[:, None])
    count = np.bincount(row, minlength=len(far))
    at = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
    shape = len(far), int(count.max(initial=0))
    values = np.full(shape, np.inf, dtype=far.dtype)
    places = np.zeros(shape, dtype="i8")
    values[row, at], places[row, at] = far[row, column], column
    return values, places


def prepared(rows: np.ndarray, metric: str, dtype: str) -> np.ndarray:
    rows = np.asarray(rows, dtype=dtype)
    if metric == "cosine":
        rows = unit(rows).astype(dtype) if dtype == "f4" else \
            rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return rows


def recalls(base: np.ndarray, queries: np.ndarray, metric: str, truth: Truth,
            k: int, came: list[np.ndarray]) -> np.ndarray:
    """The share of the k nearest, of each query, among the rows that came.

    A row counts when its exact distance is at most that of the true k-th: it
    does not matter which of several rows at the same distance comes.
    """
    k = min(k, truth.ids.shape[1])
    counts = np.array([len(ids) for ids in came])
    query = np.repeat(np.arange(len(came)), counts)
    ids = np.concatenate(came).astype("i8")
    width = len(base) + 1
    known = (np.arange(len(came))[:, None] * width
             + truth.ids[:len(came), :k]).ravel()
    right = np.isin(query * width + ids, known)
    kth = truth.distances[:len(came), k - 1]
    for i in np.unique(query[~right]):
        first, last = np.searchsorted(query, [i, i + 1])
        here = first + np.flatnonzero(~right[first:last])
        far = distances(Source("", metric, base), queries[i], ids[here])
        # sums of another number of rows may differ in the last bits
        right[here] = far <= kth[i] + 1e-10 * abs(kth[i])
    hits = np.bincount(query, weights=right, minlength=len(came))
    return np.minimum(hits, k) / k

