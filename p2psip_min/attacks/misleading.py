"""Attacks by a peer that leads requests astray: to the dead, and to its own kind (draft 11.2, 11.5)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any, ClassVar, cast

from p2psip_min.attacks.forwarding import is_request
from p2psip_min.ids import RING, NodeID, ResourceID, to_int
from p2psip_min.routing.forwarding import DELIVER, Decision, Forward
from p2psip_min.routing.topology.base import TopologyPlugin
from p2psip_min.seams import Coalition, Forwarding, PeerParts
from p2psip_min.wire.header import Envelope, decode_destinations


class DeadReferral:
    """KB-7: names next hops that do not exist, each as near to the key as one could wish."""

    breaks: ClassVar[tuple[str, ...]] = ("names_whom_it_would_send_to",)
    """The clauses of the seams that a node with this topology does not keep."""

    def equip(self, parts: PeerParts, coalition: Coalition) -> PeerParts:
        """Sit on the tables as those see them who ask; the node's own messages go by the true ones."""
        return replace(parts, topology=cast(TopologyPlugin, _Inventing(parts.topology)))


@dataclass(slots=True)
class _Inventing:
    """Whoever asks is sent to a Node-ID just before the key that nobody has."""

    inner: TopologyPlugin

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def next_hop(self, key: bytes, exclude: Collection[bytes] = ()) -> NodeID | None:
        return next(node for n in range(1, RING) if (node := NodeID.from_int((to_int(key) - n) % RING)) not in exclude)


class Capture:
    """KB-5 and KB-6: sends requests to the colluder nearest to the key, and answers as if responsible for every key.

    What comes by a request that is passed on (KB-5) it passes on to a colluder that it is linked with, and who asks it
    for the next hop (KB-6) is told that colluder. A colluder that is the nearest itself keeps the request.
    """

    breaks: ClassVar[tuple[str, ...]] = (
        "forwards_towards_the_destination",
        "changes_nothing_but_the_way",
        "answers_arrive_over_it",
        "passes_contents_on_as_they_are",
        "names_whom_it_would_send_to",
    )
    """The clauses of the seams that a node with these parts does not keep."""

    def equip(self, parts: PeerParts, coalition: Coalition) -> PeerParts:
        """Sit on the forwarding, and on the tables as others see them."""
        nearest = _Nearest(parts, coalition)
        return replace(
            parts,
            topology=cast(TopologyPlugin, _Naming(parts.topology, nearest)),
            forwarding=_Capturing(parts.forwarding, nearest),
        )


@dataclass(slots=True)
class _Nearest:
    """Which colluder gets a key: the nearest of those that the node can reach, itself among them."""

    parts: PeerParts
    coalition: Coalition

    def __call__(self, key: bytes) -> NodeID:
        topology, best = self.parts.topology, self.parts.topology.node_id
        for node in self.coalition.members:
            if self.parts.links.connected(node) and topology.closer(node, best, key):
                best = node
        return best


@dataclass(slots=True)
class _Naming:
    """Whoever asks is sent to a colluder."""

    inner: TopologyPlugin
    nearest: _Nearest

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def next_hop(self, key: bytes, exclude: Collection[bytes] = ()) -> NodeID | None:
        found = self.nearest(key)
        return None if found == self.inner.node_id or found in exclude else found


@dataclass(slots=True)
class _Capturing:
    """A request for somebody else's key goes to a colluder, or no farther."""

    inner: Forwarding
    nearest: _Nearest

    def decide(self, envelope: Envelope, previous_hop: NodeID | None, now: float) -> Decision:
        decision = self.inner.decide(envelope, previous_hop, now)
        if previous_hop is None or not isinstance(decision, Forward) or not is_request(envelope):
            return decision
        target = decode_destinations(envelope.destinations)[-1]
        if not isinstance(target, ResourceID):
            return decision
        colluder = self.nearest(target)
        return DELIVER if colluder == self.nearest.parts.topology.node_id else Forward(colluder, decision.message)
