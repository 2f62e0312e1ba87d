"""Attacks by a peer on the way that answers in the place of who is responsible (draft 5.2 second issue, 11.2)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import ClassVar

from p2psip_min.attacks.forging import Pen, answered
from p2psip_min.clock import milliseconds
from p2psip_min.ids import NodeID
from p2psip_min.routing.forwarding import Decision, Forward
from p2psip_min.routing.topology.base import TopologyPlugin
from p2psip_min.seams import Coalition, Forwarding, PeerParts
from p2psip_min.wire.data import FetchKindResponse, StoredDataValue
from p2psip_min.wire.header import Envelope
from p2psip_min.wire.messages import FetchAns, FetchReq, MessageCode, RouteQueryAns

LIFETIME = 3600

Lie = Callable[[FetchReq, float], FetchAns]
"""What is answered to a Fetch, by its body and the virtual second."""


class FalseRecord:
    """KB-10: answers every Fetch that it should pass on with a record of its own making, ``content``."""

    breaks: ClassVar[tuple[str, ...]] = ("passes_contents_on_as_they_are", "names_whom_it_would_send_to")
    """The clauses of the seams that a node with this forwarding does not keep."""

    def __init__(self, content: StoredDataValue) -> None:
        self.content = content

    def equip(self, parts: PeerParts, coalition: Coalition) -> PeerParts:
        """Sit on the node's forwarding."""
        pen = Pen(parts)

        def lie(asked: FetchReq, now: float) -> FetchAns:
            kinds = [each.kind for each in asked.specifiers]
            sealed = [pen.seal(asked.resource, kind, self.content, milliseconds(now), LIFETIME) for kind in kinds]
            return FetchAns(
                tuple(FetchKindResponse(kind, 1, (each,)) for kind, each in zip(kinds, sealed, strict=True))
            )

        return replace(parts, forwarding=Answering(parts.forwarding, parts.topology, pen, lie))


class FalseDenial:
    """KB-11: answers every Fetch that it should pass on as if there were nothing to find."""

    breaks: ClassVar[tuple[str, ...]] = ("passes_contents_on_as_they_are", "names_whom_it_would_send_to")
    """The clauses of the seams that a node with this forwarding does not keep."""

    def equip(self, parts: PeerParts, coalition: Coalition) -> PeerParts:
        """Sit on the node's forwarding."""

        def lie(asked: FetchReq, now: float) -> FetchAns:
            return FetchAns(tuple(FetchKindResponse(each.kind, 0, ()) for each in asked.specifiers))

        return replace(parts, forwarding=Answering(parts.forwarding, parts.topology, Pen(parts), lie))


class Answering:
    """Answers in the name of whoever should; asked by RouteQuery where to go, it says: to me."""

    def __init__(self, inner: Forwarding, topology: TopologyPlugin, pen: Pen, lie: Lie) -> None:
        self.inner = inner
        self.topology = topology
        self.pen = pen
        self.lie = lie

    def decide(self, envelope: Envelope, previous_hop: NodeID | None, now: float) -> Decision:
        decision = self.inner.decide(envelope, previous_hop, now)
        asked = envelope.code == MessageCode.FETCH_REQ and isinstance(decision, Forward)
        if previous_hop is None or not (asked or envelope.code == MessageCode.ROUTE_QUERY_REQ):
            return decision
        message = self.pen.read(envelope)
        if message is None:
            return decision
        if not asked:
            mine = RouteQueryAns(self.topology.node_id)
            return Forward(previous_hop, answered(self.pen, message, previous_hop, mine, self.topology.node_id))
        name = self.topology.owner(message.body.resource)
        return Forward(previous_hop, answered(self.pen, message, previous_hop, self.lie(message.body, now), name))
