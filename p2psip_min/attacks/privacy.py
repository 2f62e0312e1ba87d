"""Attacks on what is nobody else's business: who reads what, and who talks to whom (draft 7.2.11, 11.6)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import ClassVar

from p2psip_min.errors import LinkRefused, Malformed, RemoteFault
from p2psip_min.ids import NodeID, ResourceID
from p2psip_min.routing.forwarding import Decision
from p2psip_min.seams import Coalition, Forwarding, NodeView, PeerParts
from p2psip_min.wire.codec import decode
from p2psip_min.wire.data import FetchKindResponse, StoredDataSpecifier
from p2psip_min.wire.header import Envelope
from p2psip_min.wire.kinds import BLINDED_REGISTRATION, KNOWN_KINDS, SIP_REGISTRATION, SipRegistration
from p2psip_min.wire.message import decode_message
from p2psip_min.wire.messages import FetchReq, MessageCode

REGISTRATIONS = (SIP_REGISTRATION, BLINDED_REGISTRATION)
CARRIERS = (MessageCode.STORE_REQ, MessageCode.FETCH_ANS)


@dataclass(slots=True)
class Curious:
    """PR-3: a peer does all that it should, and reads the registrations in what it passes on and stores.

    ``read`` is what it understood, by the node that registered, and ``since`` when it understood it first.
    """

    breaks: ClassVar[tuple[str, ...]] = ()
    """It keeps every clause: nobody notices a reader."""
    read: dict[bytes, SipRegistration] = field(default_factory=dict)
    since: dict[bytes, float] = field(default_factory=dict)

    def equip(self, parts: PeerParts, coalition: Coalition) -> PeerParts:
        """Sit on the node's forwarding, where everything passes."""
        return replace(parts, forwarding=_Reading(parts.forwarding, self))

    def look(self, envelope: Envelope, now: float) -> None:
        """Read whatever registrations a message carries in clear."""
        try:
            body = decode_message(envelope, KNOWN_KINDS).body
        except Malformed:
            return
        groups = body.kind_data if envelope.code == MessageCode.STORE_REQ else body.kind_responses
        for value in (value for group in groups if group.kind in REGISTRATIONS for value in group.values):
            try:
                self.read[value.value.key] = decode(SipRegistration, value.value.value)
            except Malformed:
                continue
            self.since.setdefault(value.value.key, now)


@dataclass(slots=True)
class _Reading:
    """Forwards as it should, with open eyes."""

    inner: Forwarding
    reader: Curious

    def decide(self, envelope: Envelope, previous_hop: NodeID | None, now: float) -> Decision:
        if previous_hop is not None and envelope.code in CARRIERS:
            self.reader.look(envelope, now)
        return self.inner.decide(envelope, previous_hop, now)


@dataclass(slots=True)
class Harvest:
    """PR-2: a client asks for the registrations of everybody whose name it knows, and keeps what they tell.

    ``places`` are where their records lie, ``kinds`` under which Kinds; each of ``moves`` has another peer serve the
    client, so that none sees more than ``stay`` seconds of it. ``where`` is how users are reached, ``when`` their
    registrations were made (ms since 1970); both by place.
    """

    breaks: ClassVar[tuple[str, ...]] = ()
    """It keeps what the seams ask of store and forwarding."""
    places: Sequence[ResourceID]
    kinds: Sequence[int]
    moves: Sequence[Callable[[], Awaitable[object]]] = ()
    pause: float = 1.0
    stay: float = 5.5
    where: dict[bytes, SipRegistration] = field(default_factory=dict)
    when: dict[bytes, int] = field(default_factory=dict)

    def equip(self, parts: PeerParts, coalition: Coalition) -> PeerParts:
        """Act for the node."""
        return replace(parts, agent=self)

    async def run(self, view: NodeView) -> None:
        """Ask for one after the other, through one peer after the other."""
        wanted = tuple(StoredDataSpecifier(kind, 0, None, ()) for kind in self.kinds)
        moves, moved = iter(self.moves), view.now()
        for place in self.places:
            if view.now() - moved >= self.stay:
                moved = view.now()
                await _go_on(moves)
            with suppress(RemoteFault):
                answer = await view.request((place,), FetchReq(place, wanted))
                for group in answer.body.kind_responses:
                    self._keep(place, group)
            await view.sleep(self.pause)

    def _keep(self, place: bytes, group: FetchKindResponse) -> None:
        for stored in group.values:
            self.when[place] = stored.storage_time
            with suppress(Malformed):
                self.where[place] = decode(SipRegistration, stored.value.value)


async def _go_on(moves: Iterator[Callable[[], Awaitable[object]]]) -> None:
    """To the next peer, if there is one and it serves."""
    for move in moves:
        with suppress(RemoteFault, LinkRefused):
            await move()
            return
