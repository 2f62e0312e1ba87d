"""Attacks by a peer that changes what it passes on (draft 11.2, first bullet)."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from p2psip_min.attacks.forging import Pen, changed, refilled, rewritten
from p2psip_min.ids import NodeID
from p2psip_min.routing.forwarding import Decision, Forward
from p2psip_min.seams import Coalition, Forwarding, PeerParts
from p2psip_min.wire.header import Envelope
from p2psip_min.wire.messages import FetchAns, MessageCode

FETCH = (MessageCode.FETCH_REQ, MessageCode.FETCH_ANS)


class PutTampering:
    """KB-8: changes the values in every StoreReq that it passes on."""

    breaks: ClassVar[tuple[str, ...]] = ("passes_contents_on_as_they_are",)
    """The clauses of the seams that a node with this forwarding does not keep."""

    def equip(self, parts: PeerParts, coalition: Coalition) -> PeerParts:
        """Sit on the node's forwarding."""
        return replace(parts, forwarding=_PutTampering(parts.forwarding, Pen(parts)))


class _PutTampering:
    """Forwards as it should, but not what it should."""

    def __init__(self, inner: Forwarding, pen: Pen) -> None:
        self.inner = inner
        self.pen = pen

    def decide(self, envelope: Envelope, previous_hop: NodeID | None, now: float) -> Decision:
        decision = self.inner.decide(envelope, previous_hop, now)
        if envelope.code != MessageCode.STORE_REQ or previous_hop is None or not isinstance(decision, Forward):
            return decision
        message = self.pen.read(envelope)
        if message is None:
            return decision
        groups = refilled(self.pen, message.body.resource, message.body.kind_data, changed)
        body = replace(message.body, kind_data=groups)
        return Forward(decision.next_hop, rewritten(self.pen, message, decision.message, body))


class GetTampering:
    """KB-9: changes the values in every answer to a Fetch that it passes back."""

    breaks: ClassVar[tuple[str, ...]] = ("passes_contents_on_as_they_are",)
    """The clauses of the seams that a node with this forwarding does not keep."""

    def equip(self, parts: PeerParts, coalition: Coalition) -> PeerParts:
        """Sit on the node's forwarding."""
        return replace(parts, forwarding=_GetTampering(parts.forwarding, Pen(parts)))


class _GetTampering:
    """Remembers what was asked, since an answer does not say what it is about."""

    def __init__(self, inner: Forwarding, pen: Pen) -> None:
        self.inner = inner
        self.pen = pen
        self.asked: dict[int, bytes] = {}

    def decide(self, envelope: Envelope, previous_hop: NodeID | None, now: float) -> Decision:
        decision = self.inner.decide(envelope, previous_hop, now)
        passes = previous_hop is not None and isinstance(decision, Forward)
        message = self.pen.read(envelope) if passes and envelope.code in FETCH else None
        if message is None or not isinstance(decision, Forward):
            return decision
        if envelope.code == MessageCode.FETCH_REQ:
            self.asked[envelope.transaction_id] = message.body.resource
            return decision
        resource = self.asked.get(envelope.transaction_id, b"")
        groups = refilled(self.pen, resource, message.body.kind_responses, changed)
        return Forward(decision.next_hop, rewritten(self.pen, message, decision.message, FetchAns(groups)))
