"""Attacks by a bootstrap node on those who join through it (draft 11.3, 11.5).

Whoever joins asks for the peer that has to admit it, by a message for the one key that nobody else asks for over its
own link. All that a newcomer learns begins with the answer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import Any, ClassVar, cast

from p2psip_min.ids import Destination, NodeID, ResourceID
from p2psip_min.routing.forwarding import Decision, Deliver, Forward
from p2psip_min.routing.topology.base import NOTHING, Changes, TopologyPlugin
from p2psip_min.seams import Coalition, Forwarding, PeerParts
from p2psip_min.transport.network import Address
from p2psip_min.wire.header import (
    NODE_PREFIX,
    Envelope,
    decode_destinations,
    encode_destinations,
    first_destination,
    open_envelope,
    reroute,
)

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


class Corner:
    """EN-2: a bootstrap node and its accomplices show those who join through it nobody but themselves.

    Each of them is equipped; guests are those for whom one of them has begun. They share what they know of them.
    """

    breaks: ClassVar[tuple[str, ...]] = ()
    """None: members are served as they should be."""

    def equip(self, parts: PeerParts, coalition: Coalition) -> PeerParts:
        """Sit on the forwarding, and show guests other tables."""
        guests: dict[NodeID, ResourceID] = coalition.notes.setdefault("guests", {})
        topology = _CornerTopology(parts.topology, guests, coalition.members)
        forwarding = _CornerForwarding(parts.forwarding, topology, guests)
        return replace(parts, topology=cast(TopologyPlugin, topology), forwarding=forwarding)


@dataclass(slots=True)
class _CornerForwarding:
    """Hands what guests ask of the overlay to the accomplice who has the best claim to it among them."""

    inner: Forwarding
    topology: _CornerTopology
    guests: dict[NodeID, ResourceID]

    def decide(self, envelope: Envelope, previous_hop: NodeID | None, now: float) -> Decision:
        if previous_hop is None:
            return self.inner.decide(envelope, previous_hop, now)
        guest = first_destination(envelope.via)[0] if envelope.via else previous_hop
        key = decode_destinations(envelope.destinations)[-1]
        if not isinstance(key, ResourceID) or not isinstance(guest, NodeID) or not envelope.code & 1:
            return self.inner.decide(envelope, previous_hop, now)
        if guest not in self.guests and not self.topology.begins(guest, previous_hop, key):
            return self.inner.decide(envelope, previous_hop, now)
        self.guests[guest] = key
        host = self.topology.host(key)
        if host == self.topology.node_id:
            return Deliver()
        way = encode_destinations((host, key))
        led = reroute(envelope, envelope.ttl, envelope.via, way)
        return self.inner.decide(open_envelope(led), previous_hop, now)


class _CornerTopology:
    """Tells guests of accomplices only, and members nothing of guests."""

    def __init__(self, inner: TopologyPlugin, guests: dict[NodeID, ResourceID], members: list[NodeID]) -> None:
        self._inner = inner
        self._guests = guests
        self._members = members

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def begins(self, guest: NodeID, previous_hop: NodeID, key: ResourceID) -> bool:
        """Whether this is the first message of somebody who joins through this node."""
        if guest != previous_hop or guest in self._inner.table() or guest in self._members:
            return False
        return key == algorithm(self._inner, guest).admitting_key()

    def host(self, key: ResourceID) -> NodeID:
        """The accomplice with the best claim."""
        return reduce(lambda one, other: other if self._inner.closer(other, one, key) else one, self._members)

    def responsible(self, key: bytes) -> bool:
        return key in self._guests or self._inner.responsible(key)

    def admit(self, joining: NodeID, now: float) -> Changes:
        return NOTHING if joining in self._guests else self._inner.admit(joining, now)

    def on_update(self, sender: NodeID, update: bytes, now: float) -> Changes:
        return NOTHING if sender in self._guests else self._inner.on_update(sender, update, now)

    def make_full_update(self, now: float) -> bytes:
        """What a ring of accomplices would say; members who ask for it know better already."""
        alone = algorithm(self._inner, self._inner.node_id)
        alone.settle(sorted(self._members))
        return alone.make_full_update(now)
