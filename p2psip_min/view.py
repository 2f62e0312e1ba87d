"""What an agent sees of its own node, and through which it acts: nothing else reaches it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from p2psip_min.exchange import Received
from p2psip_min.ids import Destination, NodeID
from p2psip_min.peer import Peer
from p2psip_min.seams import Random
from p2psip_min.wire.header import open_envelope


class View:
    """The ``NodeView`` of one node."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer
        self.node_id = peer.node_id
        self.rng: Random = peer.rng

    def now(self) -> float:
        """Seconds of virtual time."""
        return self._peer.now()

    async def sleep(self, seconds: float) -> None:
        """Wait in virtual time."""
        await asyncio.sleep(seconds)

    def send(self, next_hop: NodeID, message: bytes) -> bool:
        """Give bytes to the link with ``next_hop``; False when there is none."""
        return self._peer.links.send(next_hop, message)

    def route(self, message: bytes) -> None:
        """Send a finished message on its way by the node's own tables."""
        self._peer.originate(message, open_envelope(message).transaction_id)

    def routing_table(self) -> tuple[NodeID, ...]:
        """The node's own table."""
        return self._peer.topology.table()

    async def request(
        self, destinations: Sequence[Destination], body: Any, *, certificates: tuple[bytes, ...] = ()
    ) -> Received:
        """Send a request signed by the node, with ``certificates`` (DER) of values' signers; wait for the answer."""
        return await self._peer.request(destinations, body, certificates=certificates)
