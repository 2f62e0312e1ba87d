"""The topology of a client: it routes for nobody and sends everything through its peer (RFC 6940 §4.2)."""

from __future__ import annotations

from collections.abc import Collection

from p2psip_min.ids import NodeID, ResourceID
from p2psip_min.routing.topology.base import TopologyPlugin


class ClientTopology:
    """A node outside the overlay with one or more peers that serve it, the preferred one first.

    ``algorithm`` is a plug-in that never joins: a client must know how the overlay places things, and no more.
    """

    def __init__(self, node_id: NodeID, algorithm: TopologyPlugin) -> None:
        self.node_id = node_id
        self._algorithm = algorithm
        self.peers: list[NodeID] = []

    def serve_by(self, peer: NodeID) -> None:
        """Prefer ``peer`` from now on."""
        if peer in self.peers:
            self.peers.remove(peer)
        self.peers.insert(0, peer)

    def responsible(self, key: bytes) -> bool:
        """Never: a client stores nothing."""
        return False

    def next_hop(self, key: bytes, exclude: Collection[bytes] = ()) -> NodeID | None:
        """The first serving peer that is not excluded; the client itself when there is none."""
        for peer in self.peers:
            if peer not in exclude:
                return peer
        return None

    def nearer(self, one: bytes, other: bytes, key: bytes) -> bool:
        """As the overlay's peers see it."""
        return self._algorithm.nearer(one, other, key)

    def owner(self, resource: bytes) -> NodeID:
        """Nobody that it knows: who stores what is its peer's affair."""
        return self.node_id

    def closer(self, one: bytes, other: bytes, key: bytes) -> bool:
        """Whether ``one`` has a better claim to ``key`` than ``other``."""
        return self._algorithm.closer(one, other, key)

    def next_holder(self, resource: bytes, holders: tuple[NodeID, ...]) -> ResourceID | NodeID:
        """Where to ask for the holder of ``resource`` after ``holders``."""
        return self._algorithm.next_holder(resource, holders)

    def snapshot(self) -> tuple[tuple[NodeID, ...], tuple[NodeID, ...]]:
        """Nobody on either side."""
        return (), ()

    def table(self) -> tuple[NodeID, ...]:
        """The serving peers."""
        return tuple(self.peers)
