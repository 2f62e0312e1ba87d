"""Attacks by a bootstrap node on those who join through it (draft 11.3, 11.5).

Whoever joins asks for the peer that has to admit it, by a message for the one key that nobody else asks for over its
own link. All that a newcomer learns begins with the answer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import ClassVar, cast

from p2psip_min.ids import Destination, NodeID, ResourceID
from p2psip_min.routing.forwarding import Decision, Forward
from p2psip_min.routing.topology.base import TopologyPlugin
from p2psip_min.seams import Coalition, Forwarding, PeerParts
from p2psip_min.transport.network import Address
from p2psip_min.wire.header import NODE_PREFIX, Envelope, encode_destinations, reroute

Steer = Callable[[Envelope, NodeID, ResourceID], Decision]
"""What becomes of a message by which a node begins to join; the node, and the key whose peer has to admit it."""


@dataclass(slots=True)
class Steering:
    """Forwards as it should, but for the first message of those who come to join."""

    inner: Forwarding
    topology: TopologyPlugin
    steer: Steer

    def decide(self, envelope: Envelope, previous_hop: NodeID | None, now: float) -> Decision:
        if previous_hop is not None and previous_hop not in self.topology.table():
            # The overlay algorithm is no secret: another instance of it says which key this node has to ask for.
            key = algorithm(self.topology, previous_hop).admitting_key()
            if envelope.destinations.endswith(encode_destinations((key,))):
                return self.steer(envelope, previous_hop, key)
        return self.inner.decide(envelope, previous_hop, now)


def algorithm(topology: TopologyPlugin, node_id: NodeID) -> TopologyPlugin:
    """The overlay algorithm as another node has it, with nothing in its tables."""
    make = cast("Callable[[NodeID], TopologyPlugin]", type(topology))
    return make(node_id)


def redirected(envelope: Envelope, previous_hop: NodeID, *way: Destination) -> Forward:
    """The message on another way, the sender in its via list as if nothing were."""
    assert isinstance(way[0], NodeID)
    via = envelope.via + NODE_PREFIX + previous_hop
    return Forward(way[0], reroute(envelope, envelope.ttl - 1, via, encode_destinations(way)))


@dataclass(slots=True)
class FakeOverlay:
    """EN-1: hands those who join on to ``entry``, a peer of an overlay of the attacker's own."""

    breaks: ClassVar[tuple[str, ...]] = ()
    """None: members are served as they should be."""
    entry: NodeID
    address: Address

    def equip(self, parts: PeerParts, coalition: Coalition) -> PeerParts:
        """Sit on the forwarding of a bootstrap node, and know the way to the other overlay."""
        parts.links.learn(self.entry, self.address)

        def steer(envelope: Envelope, guest: NodeID, key: ResourceID) -> Decision:
            return redirected(envelope, guest, self.entry, key)

        return replace(parts, forwarding=Steering(parts.forwarding, parts.topology, steer))


@dataclass(slots=True)
class WrongPeers:
    """EN-3: hands those who join on to a peer that can't admit them; ``misled`` says whom to whom."""

    breaks: ClassVar[tuple[str, ...]] = ()
    """None: members are served as they should be."""
    misled: dict[NodeID, NodeID] = field(default_factory=dict)

    def equip(self, parts: PeerParts, coalition: Coalition) -> PeerParts:
        """Sit on the forwarding of a bootstrap node."""
        topology = parts.topology

        def steer(envelope: Envelope, guest: NodeID, key: ResourceID) -> Decision:
            wrong = reduce(lambda one, other: one if topology.closer(other, one, key) else other, topology.table())
            self.misled[guest] = wrong
            return redirected(envelope, guest, wrong)

        return replace(parts, forwarding=Steering(parts.forwarding, topology, steer))
