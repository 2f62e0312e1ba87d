"""Other ways to a key than the best one, so that who sits on the best can be gone around (draft 11.2, 11.5).

1. A way has a number, 0 the best. On way n every forwarder takes its n-th best next hop, so two ways part at once.
2. Only a next hop that brings the message nearer is a choice: whatever is chosen, a way ends, and at the same place.
3. Who knows the responsible peer for sure sends straight to it, not to somebody on the best way who does so too.
4. Where there are fewer choices the last one is taken. So ways may meet, and do where one peer is all that is left.
"""

from __future__ import annotations

from collections.abc import Collection

from p2psip_min.ids import NodeID
from p2psip_min.routing.forwarding import Forwarder
from p2psip_min.routing.topology.base import TopologyPlugin
from p2psip_min.wire.header import Envelope
from p2psip_min.wire.options import wanted_way


def advances(topology: TopologyPlugin, node: NodeID, key: bytes) -> bool:
    """Whether a message for ``key`` is nearer to its end at ``node`` than here, as far as this node can be sure.

    It may lie beyond the key if it is responsible for it: that is sure of a neighbor with no gap before it.
    """
    if topology.nearer(node, topology.node_id, key):
        return True
    before, after = topology.snapshot()
    return node in (*after, *before[:-1]) and node == topology.owner(key)


def choices(topology: TopologyPlugin, key: bytes, count: int, exclude: Collection[bytes] = ()) -> list[NodeID]:
    """Up to ``count`` next hops for ``key``, the best first, each nearer to it than this node."""
    found: list[NodeID] = []
    seen = dict.fromkeys(exclude)
    while len(found) < count:
        node = topology.next_hop(key, seen)
        if node is None:
            break
        seen[node] = None
        if advances(topology, node, key):
            found.append(node)
    return found


def straight(topology: TopologyPlugin, key: bytes, exclude: Collection[bytes] = ()) -> NodeID | None:
    """The peer that is responsible for ``key``, where this node knows it for sure and can send to it."""
    owner = topology.owner(key)
    sure = owner not in exclude and advances(topology, owner, key) and owner in topology.table()
    return owner if sure else None


def next_hop_on(topology: TopologyPlugin, key: bytes, way: int, exclude: Collection[bytes] = ()) -> NodeID | None:
    """The next hop for ``key`` on a way; None where there is none at all."""
    best = topology.next_hop(key, exclude)
    if best is None or not way:
        return best
    if (owner := straight(topology, key, exclude)) is not None:
        return owner
    found = choices(topology, key, way + 1, exclude)
    return found[-1] if found else best


class WayForwarder(Forwarder):
    """Forwards each request on the way that it asks for."""

    def _next_hop(self, envelope: Envelope, key: bytes, previous_hop: NodeID | None) -> NodeID | None:
        way = wanted_way(envelope.options) if envelope.options else 0
        topology = self.topology
        return next_hop_on(topology, key, way, self._astray(topology, key, envelope.via, previous_hop))
