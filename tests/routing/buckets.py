"""A third overlay algorithm, for tests: nearest by XOR as the full mesh, but routed in several hops, as in Kademlia.

Everybody knows everybody, so who has a key is never in doubt. But messages go only to a few contacts of each bucket (a
bucket has the nodes whose Node-IDs differ from ours in the same bit first): what forwarders do shows here too.
"""

from __future__ import annotations

from collections.abc import Collection

from p2psip_min.ids import NodeID, to_int
from p2psip_min.routing.topology.base import Changes
from tests.routing.fullmesh import FullMesh

CONTACTS = 2
"""How many nodes of each bucket are linked with."""

NEAREST = 3
"""How many of the nearest nodes are linked with, whatever their buckets."""


class Buckets(FullMesh):
    """One node's contacts, and beside them everybody's Node-IDs."""

    def neighbors(self) -> tuple[NodeID, ...]:
        return super().neighbors()[:NEAREST]

    def table(self) -> tuple[NodeID, ...]:
        buckets: dict[int, list[NodeID]] = {}
        me = to_int(self.node_id)
        # Those nearest to us in a bucket, so that not everybody of one region goes through the same node of another.
        nearest = super().neighbors()
        for node in nearest:
            buckets.setdefault((to_int(node) ^ me).bit_length(), []).append(node)
        contacts = {node for bucket in buckets.values() for node in bucket[:CONTACTS]}
        return tuple(sorted(contacts.union(nearest[:NEAREST])))

    def next_hop(self, key: bytes, exclude: Collection[bytes] = ()) -> NodeID | None:
        if self.responsible(key):
            return None
        left = [node for node in self.table() if node not in exclude]
        return self._ranked(key, left)[0] if left else None

    def make_full_update(self, now: float) -> bytes:
        return b"".join(sorted(self._peers))

    def updates_for(self, changes: Changes, now: float) -> list[tuple[NodeID, bytes]]:
        update = self.make_full_update(now)
        return [(node, update) for node in changes.gained]

    def periodic_updates(self, now: float) -> list[tuple[NodeID, bytes]]:
        return [(node, self.make_full_update(now)) for node in super().neighbors()]
