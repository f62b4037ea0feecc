"""The sets on which bench/recall measures: rows, held-out queries, and rows
to insert later."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .clustered import Mixture
from .source import read_array

SEED = 20260202
HELD_OUT = 4000         # queries
FONTS = Path("/usr/share/fonts")
GLYPH = 16              # pixels a side
GLYPH_SIZES = (11, 14)  # of type
LAST_CHARACTER = 0x10000


@dataclass
class Set:
    name: str
    what: str
    metric: str
    base: np.ndarray
    queries: np.ndarray
    more: np.ndarray | None = None      # like the base, to be inserted;
                                        # with it, noisy queries, too
    filters: bool = False               # filtered queries, too
    deep: bool = False                  # k = 1,000, too


def generator(name: str) -> np.random.Generator:
    return np.random.default_rng([SEED, *name.encode()])


def split(name: str, what: str, metric: str, rows: np.ndarray,
          queries: np.ndarray | None = None, count: int | None = None,
          more: bool = False, **options) -> Set:
    """A set of shuffled rows: as many as are missing of the queries are
    taken out, and of the rest, with more, three in thirteen."""
    order = generator(name).permutation(len(rows))
    have = 0 if queries is None else len(queries)
    taken = max(0, HELD_OUT - have)
    held = rows[order[:taken]]
    if queries is not None:
        held = np.concatenate([queries[:HELD_OUT], held]).astype(rows.dtype)
        held = held[generator(name).permutation(len(held))]
    rest = order[taken:]
    if count is None:
        count = len(rest) * 10 // 13 if more else len(rest)
    later = rows[rest[count:count + count * 3 // 10]] if more else None
    return Set(name, what, metric, rows[np.sort(rest[:count])], held, later,
               **options)


def made(name: str, what: str, make: Callable, rows: int,
         metric: str = "l2", more: bool = False, **options) -> Set:
    """A set of made rows: make(random, n) returns n of them."""
    total = rows + HELD_OUT + (rows * 3 // 10 if more else 0)
    everything = np.asarray(make(generator(name), total), dtype="f4")
    return split(name, what, metric, everything, count=rows, more=more,
                 **options)


def uniform(dims: int) -> Callable:
    return lambda random, n: random.random((n, dims))


def gaussian(dims: int) -> Callable:
    return lambda random, n: random.standard_normal((n, dims))


def tight(random: np.random.Generator, n: int) -> np.ndarray:
    """Many clusters that are far smaller than what is between them."""
    centres = random.standard_normal((3000, 32))
    return centres[random.integers(0, len(centres), n)] \
        + 1e-3 * random.standard_normal((n, 32))


def unequal(random: np.random.Generator, n: int) -> np.ndarray:
    """Few large and many small clusters, of scales that differ a
    thousandfold."""
    weight = 1 / np.arange(1, 501) ** 1.2
    centres = 3 * random.standard_normal((500, 24))
    spread = 10 ** random.uniform(-2.5, 0.5, 500)
    cluster = random.choice(500, n, p=weight / weight.sum())
    return centres[cluster] \
        + spread[cluster, None] * random.standard_normal((n, 24))


def duplicates(random: np.random.Generator, n: int) -> np.ndarray:
    """Half of the rows are copies, some of them of the same row hundreds of
    times."""
    rows = random.standard_normal((n, 8)) @ random.standard_normal((8, 48))
    weight = 1 / np.arange(1, 5001)
    copies = random.choice(5000, n // 2, p=weight / weight.sum())
    rows[-(n // 2):] = rows[copies]
    return rows


def norms(random: np.random.Generator, n: int) -> np.ndarray:
    """Directions in clusters, lengths that differ tenfold."""
    centres = random.standard_normal((200, 48))
    rows = centres[random.integers(0, 200, n)] \
        + 0.7 * random.standard_normal((n, 48))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows * random.lognormal(0, 0.6, (n, 1))


def mixture(rows: int, dims: int) -> Callable:
    """Clusters in subspaces, as embeddings are."""
    return lambda random, n: Mixture(rows, dims).rows(0, 0, n)


def glyphs() -> np.ndarray:
    """Distinct images of the characters of the system's TrueType fonts."""
    from PIL import Image, ImageDraw, ImageFont
    images = []
    for path in sorted(FONTS.rglob("*.ttf")):
        for size in GLYPH_SIZES:
            font = ImageFont.truetype(
                str(path), size, layout_engine=ImageFont.Layout.BASIC)
            missing = bytes(font.getmask("\uffff"))
            for code in range(0x21, LAST_CHARACTER):
                if 0xd800 <= code < 0xf900:
                    continue
                mask = font.getmask(chr(code))
                if bytes(mask) == missing or not mask.getbbox():
                    continue
                image = Image.new("L", (GLYPH, GLYPH))
                ImageDraw.Draw(image).text((GLYPH / 2, GLYPH / 2), chr(code),
                                           fill=255, font=font, anchor="mm")
                images.append(np.asarray(image, dtype="u1").ravel())
    return np.unique(images, axis=0)


def folder(path: Path, metric: str, **options) -> Set:
    rows, queries = read_array(path, "base"), read_array(path, "query")
    if rows is None or queries is None:
        raise ValueError(f"{path}: no base.npy[.gz] and query.npy[.gz]")
    return split(path.name, "given", metric, rows, queries, **options)


def part_of(path: Path) -> Set:
    """A fifth of a set, with rows left to insert."""
    rows, queries = read_array(path, "base"), read_array(path, "query")
    return split(f"{path.name}-part", "200,000 rows of it", "l2", rows,
                 queries, 200_000, more=True)


def known(given: Path | None) -> dict[str, Callable[[], Set]]:
    """How each set is made, by name; given is the folder of sift-photos and
    gloss-lsa, if there is one."""
    result: dict[str, Callable[[], Set]] = {}
    n = 100_000

    def add(name: str, what: str, make: Callable, rows: int = n,
            **options) -> None:
        result[name] = lambda: made(name, what, make, rows, **options)

    if given:
        photos, glosses = given / "sift-photos", given / "gloss-lsa"
        if photos.exists():
            result["sift-photos-part"] = lambda: part_of(photos)
        if glosses.exists():
            result["gloss-lsa"] = lambda: folder(glosses, "cosine", more=True,
                                                 filters=True)
    result["glyphs"] = lambda: split(
        "glyphs", "characters of fonts, 16 × 16 pixels", "l2", glyphs(),
        more=True, filters=True)
    for dims in 3, 5, 8:
        add(f"uniform-{dims}", "uniform in a cube", uniform(dims),
            deep=dims == 3, more=dims == 8, filters=dims == 8)
        add(f"gaussian-{dims}", "one normal distribution", gaussian(dims))
    add("uniform-32", "uniform in a cube", uniform(32))
    add("tight", "3,000 tight clusters far apart", tight, deep=True)
    add("unequal", "clusters of very different sizes and scales", unequal,
        more=True)
    add("duplicates", "half of the rows are copies of others", duplicates)
    add("norms", "clusters of directions, norms that differ tenfold", norms,
        metric="ip", more=True, filters=True)
    add("small-2000", "a mixture", mixture(2000, 64), 2000)
    add("small-20000", "a mixture", mixture(20_000, 64), 20_000, deep=True)
    if given and (given / "sift-photos").exists():
        result["sift-photos"] = lambda: folder(given / "sift-photos", "l2")
    return result


def noisy(random: np.random.Generator, queries: np.ndarray,
          nearest: np.ndarray) -> np.ndarray:
    """The queries with noise as long as the median distance to the nearest
    row; nearest are those rows."""
    scale = np.median(np.linalg.norm(
        np.asarray(queries, dtype="f8") - nearest, axis=1))
    noise = random.standard_normal(queries.shape)
    return (queries + scale / np.sqrt(queries.shape[1]) * noise).astype("f4")


def foreign(random: np.random.Generator, base: np.ndarray,
            n: int) -> np.ndarray:
    """Rows unlike those of base, where few of these are: thirty clusters,
    beside some of its rows."""
    base = np.asarray(base[:50_000], dtype="f8")
    spread = base.std(axis=0)
    centres = base[random.integers(0, len(base), 30)] \
        + 2 * spread * random.standard_normal((30, base.shape[1]))
    rows = centres[random.integers(0, 30, n)]
    return (rows + 0.3 * spread * random.standard_normal(rows.shape)
            ).astype("f4")
