"""The tables and queries of bench/planner; standard library only."""

from __future__ import annotations

from dataclasses import dataclass

# name: rows, dimensions
TABLES = {
    "small": (1_000, 128),
    "medium": (20_000, 128),
    "large": (300_000, 128),
    "wide": (100_000, 768),         # 3 kB a vector: stored out of line
    "flat": (300_000, 3),
    "partial": (100_000, 128),      # its index has the tenth with a < 100,000
}
WHOLE = 1_000_000                   # columns a and b are below it, at random
KINDS = 1_000

LIMITS = (1, 10, 100, 1000, None)
SELECTIVITIES = (0.5, 0.1, 0.01, 1e-3, 1e-4, 1e-6)
# a has a btree, b has none
FILTERS = [("", 1.0)] + [(f"{column} < {int(share * WHOLE)}", share)
                         for share in SELECTIVITIES for column in "ab"]
PAGE_COSTS = ("4", "1.1")

QUERY = "SELECT id FROM {table} {where} ORDER BY {distance} {limit}"
# a distance that no index is for, to have the plans that don't use ivf
PLAIN, BARE = "v <-> {q}", "l2_distance(v, {q})"


@dataclass(frozen=True)
class Query:
    group: str
    table: str
    name: str
    sql: str                        # with {distance}, or its own operator
    settings: tuple[tuple[str, str], ...] = ()

    @property
    def key(self) -> str:
        return f"{self.group} | {self.table} | {self.name}"


def text(limit: int | None) -> str:
    return f"LIMIT {limit}" if limit else ""


def nearest(group, table, limits=LIMITS, filters=FILTERS, **settings):
    for where, _ in filters:
        for limit in limits:
            yield Query(group, table,
                        f"{where or 'all rows'}, {text(limit) or 'no LIMIT'}",
                        QUERY.format(table=table,
                                     where=where and "WHERE " + where,
                                     distance="{distance}",
                                     limit=text(limit)),
                        tuple(settings.items()))


def joins():
    for table in ("medium", "large", "wide"):
        for outer in (1, 10, 100):
            for limit in (1, 10, 100):
                yield Query("LATERAL", table, f"{outer} × LIMIT {limit}", f"""
                    SELECT q.id, near.id
                    FROM (SELECT * FROM {table}_queries
                          WHERE id < {outer}) q,
                        LATERAL (SELECT i.id FROM {table} i
                                 ORDER BY i.v <-> q.v LIMIT {limit}) near""")
        for share in (500, 100, 10, 1):
            for limit in (1, 10, 100, None):
                name = f"{share} of 1000 kinds, {text(limit) or 'no LIMIT'}"
                yield Query("join that filters", table, name, f"""
                    SELECT i.id FROM {table} i JOIN kinds k ON k.id = i.kind
                    WHERE k.grade < {share}
                    ORDER BY {{distance}} {text(limit)}""")
                if limit in (10, None):
                    yield Query("semi-join", table, name, f"""
                        SELECT i.id FROM {table} i
                        WHERE i.kind IN (SELECT id FROM kinds
                                         WHERE grade < {share})
                        ORDER BY {{distance}} {text(limit)}""")
        for limit in (1, 10, 100):
            yield Query("nearest, then join", table, text(limit), f"""
                SELECT near.id, k.grade
                FROM (SELECT id, kind FROM {table}
                      ORDER BY {{distance}} {text(limit)}) near
                    JOIN kinds k ON k.id = near.kind""")


def queries():
    few = [FILTERS[0]] + [f for f in FILTERS if f[1] in (0.1, 0.01, 1e-4)]
    for table in ("small", "medium", "large", "wide"):
        yield from nearest("filter and LIMIT", table)
    partial = [(f"a < {n}", n / WHOLE) for n in (500_000, 100_000, 50_000,
                                                 5_000, 500)]
    yield from nearest("partial index", "partial", filters=partial)
    yield from joins()
    for table in ("flat", "medium", "large"):
        yield from nearest("exact", table, filters=few, **{"ivf.recall": "1"})
    yield from nearest("3 dimensions", "flat", filters=few)
    for recall in ("0.5", "0.999"):
        yield from nearest(f"recall {recall}", "large", filters=few,
                           **{"ivf.recall": recall})
    for probes in ("1", "30"):
        yield from nearest(f"ivf.probes {probes}", "large", filters=few,
                           **{"ivf.probes": probes})
