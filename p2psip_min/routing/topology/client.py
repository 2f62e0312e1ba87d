"""The topology of a client: it routes for nobody and sends everything through its peer (RFC 6940 §4.2)."""

from __future__ import annotations

from collections.abc import Collection

from p2psip_min.ids import NodeID


class ClientTopology:
    """A node outside the ring with one or more peers that serve it, the preferred one first."""

    def __init__(self, node_id: NodeID) -> None:
        self.node_id = node_id
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
