"""The indexes that are compared."""

from __future__ import annotations

import math
from dataclasses import dataclass

STEPS_TO_HALVE = 20     # steps of a recall that halve what is missed

OPERATORS = {"l2": "<->", "cosine": "<=>", "ip": "<#>"}


@dataclass(frozen=True)
class Peer:
    """An extension with an index method and the setting that trades speed
    for recall."""

    name: str
    extension: str
    method: str
    setting: str                    # what is tuned, in steps ...
    lowest: int                     # ... from here ...
    highest: int                    # ... to here
    memory: tuple[str, ...]         # maintenance_work_mem of each build
    options: str = ""               # WITH (...)
    counters: str | None = None     # function: what the last scan did

    def value(self, step: int | None) -> float | int | None:
        """The setting's value at a step: steps are as many as searches need,
        that is, even where the setting is a number, and where it is a recall,
        even in the logarithm of what is missed."""
        if step is None or not self.setting.endswith(".recall"):
            return step
        return round(1 - 0.5 * 2 ** (-step / STEPS_TO_HALVE), 4)

    @property
    def database(self) -> str:
        # Names of types and operators collide, and what one index does to
        # the table must not disturb the others: a database for each.
        return f"bench_{self.name}"

    def create_index(self, metric: str) -> str:
        return (f"CREATE INDEX items_v ON items USING {self.method} "
                f"(v vector_{metric}_ops){self.options}")


def known(rows: int, lists: int, ivf_memory: list[str],
          peer_memory: list[str]) -> dict[str, Peer]:
    """All peers, for a table of so many rows."""
    root = max(1, round(math.sqrt(rows)))
    return {peer.name: peer for peer in (
        Peer("vecfeat", "vecfeat", "ivf", "ivf.recall", 0, 200,
             tuple(ivf_memory), f" WITH (lists = {lists})" if lists else "",
             "ivf_last_scan"),
        # m = 16 and ef_construction = 64, its defaults.  Below LIMIT's 10 an
        # hnsw scan returns fewer rows than asked for.
        Peer("hnsw", "vector", "hnsw", "hnsw.ef_search", 10, 1000,
             tuple(peer_memory)),
        Peer("ivfflat", "vector", "ivfflat", "ivfflat.probes", 1, root,
             tuple(peer_memory), f" WITH (lists = {root})"))}
