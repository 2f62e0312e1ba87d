"""Attacks by a peer that does not pass on what it should (draft 5.2, 11.2, 11.5, Figure 6)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar

from p2psip_min.attacks.forging import Pen, answered
from p2psip_min.attacks.forwarding import is_request
from p2psip_min.clock import milliseconds
from p2psip_min.errors import DropReason
from p2psip_min.ids import NodeID
from p2psip_min.routing.forwarding import Decision, Deliver, Drop, Forward
from p2psip_min.seams import Coalition, Forwarding, PeerParts
from p2psip_min.wire.custody import CustodyStatement, Word, digest_of, question_in, told
from p2psip_min.wire.evidence import receipt_for
from p2psip_min.wire.header import Envelope
from p2psip_min.wire.messages import DiagnosticsResponse, MessageCode, PathTrackAns


class RequestDiscard:
    """KB-1: acknowledges requests on the link, as everybody does, and passes none of them on."""

    breaks: ClassVar[tuple[str, ...]] = (
        "forwards_towards_the_destination",
        "changes_nothing_but_the_way",
        "answers_arrive_over_it",
        "passes_contents_on_as_they_are",
    )
    """The clauses of the seams that a node with this forwarding does not keep."""

    def equip(self, parts: PeerParts, coalition: Coalition) -> PeerParts:
        """Sit on the node's forwarding."""
        return replace(parts, forwarding=_Discarding(parts.forwarding, requests=True))


class DeniedDiscard(RequestDiscard):
    """KB-1: swallows requests too, and says to who asks after one that it was passed on, under the node's own name."""

    def equip(self, parts: PeerParts, coalition: Coalition) -> PeerParts:
        """Sit on the node's forwarding, and answer before the node does."""
        return replace(parts, forwarding=_Denying(_Discarding(parts.forwarding, requests=True), parts, Pen(parts)))


@dataclass(slots=True)
class _Denying:
    """Remembers what it has swallowed, for those who ask."""

    inner: Forwarding
    parts: PeerParts
    pen: Pen
    swallowed: dict[int, Envelope] = field(default_factory=dict)

    def decide(self, envelope: Envelope, previous_hop: NodeID | None, now: float) -> Decision:
        decision = self.inner.decide(envelope, previous_hop, now)
        if isinstance(decision, Drop) and decision.reason is DropReason.DISCARDED:
            self.swallowed[envelope.transaction_id] = envelope
        message = self.pen.read(envelope) if envelope.code == MessageCode.PATH_TRACK_REQ else None
        if message is None or previous_hop is None or not isinstance(decision, Deliver):
            return decision
        about = question_in(message.body)
        lost = self.swallowed.get(about.transaction_id) if about is not None and about.fate else None
        if lost is None:
            return decision
        own, request = self.parts.identity.node_id, message.body.request
        lie = told(CustodyStatement(Word.PASSED_ON, digest_of(lost)))
        times = DiagnosticsResponse(
            request.expiration, request.timestamp_initiated, milliseconds(now), envelope.ttl, lie
        )
        receipt = receipt_for(message, milliseconds(now))
        answer = answered(self.pen, message, previous_hop, PathTrackAns(own, times), own, (receipt,))
        self.parts.links.send(previous_hop, answer)
        return Drop(DropReason.DISCARDED)


class AnswerDiscard:
    """KB-2: passes requests on and lets their answers disappear, so that what was asked is done and nobody knows."""

    breaks: ClassVar[tuple[str, ...]] = ("answers_arrive_over_it", "passes_contents_on_as_they_are")
    """The clauses of the seams that a node with this forwarding does not keep."""

    def equip(self, parts: PeerParts, coalition: Coalition) -> PeerParts:
        """Sit on the node's forwarding."""
        return replace(parts, forwarding=_Discarding(parts.forwarding, requests=False))


@dataclass(slots=True)
class _Discarding:
    """Drops others' requests, or others' answers."""

    inner: Forwarding
    requests: bool

    def decide(self, envelope: Envelope, previous_hop: NodeID | None, now: float) -> Decision:
        decision = self.inner.decide(envelope, previous_hop, now)
        if previous_hop is not None and isinstance(decision, Forward) and is_request(envelope) is self.requests:
            return Drop(DropReason.DISCARDED)
        return decision


class QueryDiscard:
    """KB-3: gives no answer to those who look for something, asks and passes on what it likes, and answers Pings."""

    breaks: ClassVar[tuple[str, ...]] = (*RequestDiscard.breaks, "names_whom_it_would_send_to")
    """The clauses of the seams that a node with this forwarding does not keep."""

    def equip(self, parts: PeerParts, coalition: Coalition) -> PeerParts:
        """Sit on the node's forwarding."""
        return replace(parts, forwarding=_Silent(_Discarding(parts.forwarding, requests=True)))


@dataclass(slots=True)
class _Silent:
    """Does not hear RouteQueries."""

    inner: Forwarding

    def decide(self, envelope: Envelope, previous_hop: NodeID | None, now: float) -> Decision:
        if previous_hop is not None and envelope.code == MessageCode.ROUTE_QUERY_REQ:
            return Drop(DropReason.DISCARDED)
        return self.inner.decide(envelope, previous_hop, now)


@dataclass(slots=True)
class SelectiveDiscard:
    """KB-13: swallows the requests for one record, and is the best of peers to everybody else."""

    breaks: ClassVar[tuple[str, ...]] = ()
    """It keeps every clause: those who are not its victim see nothing."""
    resource: bytes

    def equip(self, parts: PeerParts, coalition: Coalition) -> PeerParts:
        """Sit on the node's forwarding."""
        return replace(parts, forwarding=_Choosy(parts.forwarding, self.resource))


@dataclass(slots=True)
class _Choosy:
    """Drops requests for one record; where they go stands in clear for every forwarder."""

    inner: Forwarding
    resource: bytes

    def decide(self, envelope: Envelope, previous_hop: NodeID | None, now: float) -> Decision:
        decision = self.inner.decide(envelope, previous_hop, now)
        if previous_hop is not None and isinstance(decision, Forward) and envelope.destinations.endswith(self.resource):
            return Drop(DropReason.DISCARDED)
        return decision
