"""No ring, but several hops: nearest by XOR as the full mesh, and routed as in Kademlia.

Everybody knows everybody, so who has a key is never in doubt. But messages go only to a few contacts of each bucket (a
bucket has the nodes whose Node-IDs differ from ours in the same bit first): what forwarders do shows here too. Where a
contact is lost, the next node of its bucket is named as a candidate, and is none before it is linked with.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

from p2psip_min.ids import NodeID, to_int
from p2psip_min.routing.topology.base import Changes
from p2psip_min.routing.topology.fullmesh import FullMesh

CONTACTS = 2
"""How many nodes of each bucket are linked with."""

NEAREST = 3
"""How many of the nearest nodes are linked with, whatever their buckets."""


class Buckets(FullMesh):
    """One node's contacts, and beside them everybody's Node-IDs."""

    def __init__(self, node_id: NodeID) -> None:
        super().__init__(node_id)
        self._linked: dict[NodeID, None] = {}
        self._wanted: set[NodeID] = set()

    def _rebuild(self) -> None:
        super()._rebuild()
        self._wanted = self._contacts(self._nearest)
        self._table = tuple(sorted(self._contacts([node for node in self._nearest if node in self._linked])))

    def neighbors(self) -> tuple[NodeID, ...]:
        """The nearest few."""
        return super().neighbors()[:NEAREST]

    def _contacts(self, nodes: Sequence[NodeID]) -> set[NodeID]:
        """Whom we link with of these, who come nearest first."""
        buckets: dict[int, list[NodeID]] = {}
        me = to_int(self.node_id)
        # Those nearest to us in a bucket, so that not everybody of one region goes through the same node of another.
        for node in nodes:
            buckets.setdefault((to_int(node) ^ me).bit_length(), []).append(node)
        return {node for bucket in buckets.values() for node in bucket[:CONTACTS]}.union(nodes[:NEAREST])

    def next_hop(self, key: bytes, exclude: Collection[bytes] = ()) -> NodeID | None:
        """The contact nearest to ``key``."""
        if self.responsible(key):
            return None
        target = to_int(key)
        left = [node for node in self._table if node not in exclude]
        return min(left, key=lambda node: to_int(node) ^ target, default=None)

    def _add(self, node: NodeID) -> Changes:
        if node == self.node_id or node in self._linked:
            return super()._add(node)
        self._linked[node] = None
        changes = super()._add(node)
        self._rebuild()
        return changes

    def _named(self, changes: Changes) -> Changes:
        missing = sorted(self._wanted - self._linked.keys())
        named = super()._named(changes)
        return replace(named, candidates=tuple(dict.fromkeys((*named.candidates, *missing))))

    def remove(self, node: NodeID, now: float) -> Changes:
        """Out of its bucket, whose next node is named."""
        self._linked.pop(node, None)
        return super().remove(node, now)

    def unreachable(self, candidate: NodeID, now: float) -> Changes:
        """The same: another of its bucket will do."""
        return self.remove(candidate, now)

    def settle(self, ring: Sequence[NodeID], choose: Callable[[Sequence[NodeID]], NodeID] | None = None) -> None:
        """Contacts as they would have been found."""
        super().settle(ring, choose)
        self._linked = dict.fromkeys(sorted(self._wanted))
        self._rebuild()

    def make_full_update(self, now: float) -> bytes:
        """Everybody, linked with or not."""
        return b"".join(sorted(self._peers))

    def updates_for(self, changes: Changes, now: float) -> list[tuple[NodeID, bytes]]:
        """The new ones."""
        update = self.make_full_update(now)
        return [(node, update) for node in changes.gained]

    def periodic_updates(self, now: float) -> list[tuple[NodeID, bytes]]:
        """Everybody."""
        return [(node, self.make_full_update(now)) for node in self._nearest]
