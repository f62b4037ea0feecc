"""The first queries of a server that has just been started."""

from __future__ import annotations

import os
import time

from .machine import drop_page_cache
from .peers import Peer
from .search import query
from .server import Cluster

FIRST = 100             # queries


def start(cluster: Cluster, peer: Peer, metric: str, setting: int,
          queries: int) -> dict:
    """Start the server anew, with nothing of its files in memory as far as
    the machine allows, and ask the first queries, one after the other."""
    cluster.stop()
    dropped = drop_page_cache(cluster.data)
    cluster.start()
    load = os.getloadavg()[0]
    statement = query(metric, "%s::int")
    queries = min(FIRST, queries)
    with cluster.connect(peer.database) as connection:
        connection.execute(f"SET {peer.setting} = {peer.value(setting)}")
        begin = time.monotonic()
        for i in range(queries):
            connection.execute(statement, [i], prepare=True).fetchall()
        seconds = time.monotonic() - begin
    return {"seconds": seconds, "queries": queries, "setting": setting,
            "dropped": dropped, "load_before": load}
