"""Asking forwarders what became of a request, and showing to the server who lied about it (draft 7.2.12, 11.2).

``routing.custody`` has the rules. What costs messages happens only once a request has failed.
"""

from __future__ import annotations

import asyncio

from p2psip_min import trace as events
from p2psip_min.clock import milliseconds
from p2psip_min.enrollment.conviction import Wanted
from p2psip_min.enrollment.evidence import Proof
from p2psip_min.errors import ErrorAnswer, LinkRefused, RemoteFault, RequestTimedOut, SuspicionReason
from p2psip_min.exchange import Later, Received
from p2psip_min.ids import NodeID, ResourceID
from p2psip_min.peer import Peer
from p2psip_min.procedures.configure import DOCUMENT_WAIT
from p2psip_min.procedures.diagnose import EXPIRATION, STEP_WAIT, reached, times
from p2psip_min.procedures.diagnose import on_path_track as on_plain_path_track
from p2psip_min.procedures.report import accuse, court_of
from p2psip_min.routing.custody import Said, suspected
from p2psip_min.routing.diagnosis import Suspicion
from p2psip_min.wire.custody import CustodyQuestion, CustodyStatement, Word, question, question_in, statement_in, told
from p2psip_min.wire.evidence import Exhibit, Plea
from p2psip_min.wire.message import encode_contents
from p2psip_min.wire.messages import ErrorCode, PathTrackAns

WORD_WAIT = 3.0
"""Seconds that a next hop is given for its word, less than who asks us waits for ours."""

MOST_STEPS = 16
"""How far a request is followed."""


def on_path_track(peer: Peer, received: Received) -> PathTrackAns | Later:
    """Say what became of a request, to whoever knows its transaction; else what anybody may know."""
    about = None if peer.passages is None else question_in(received.body)
    if about is None:
        return on_plain_path_track(peer, received)
    return Later(_word(peer, received, about))


async def _word(peer: Peer, received: Received, about: CustodyQuestion) -> PathTrackAns:
    resource = received.body.destination
    assert peer.passages is not None
    passage = peer.passages.recall(about.transaction_id, resource, peer.now())
    if passage is None or received.body.request.expiration <= milliseconds(peer.now()):
        raise ErrorAnswer(ErrorCode.NOT_FOUND, b"no such request")
    word, hop = Word.ENDED if passage.ended else Word.ARRIVED, peer.node_id
    onward: tuple[Exhibit, ...] = ()
    if about.fate and not passage.ended:
        word, mine = Word.KEPT, Said(peer.node_id, about.transaction_id, resource, Word.PASSED_ON, passage.digest)
        for hop in reversed(passage.hops):
            exhibit = await _asked(peer, hop, resource, about.transaction_id, fate=False)
            if exhibit is not None and court_of(peer).vouched(mine, (exhibit,), peer.now()):
                word, onward = Word.PASSED_ON, (exhibit,)
                break
    return PathTrackAns(hop, times(peer, received, told(CustodyStatement(word, passage.digest, onward))))


async def _asked(peer: Peer, node: NodeID, resource: ResourceID, transaction_id: int, *, fate: bool) -> Exhibit | None:
    """What ``node`` says to the question; None when it does not answer in time, or with an error."""
    now = peer.now()
    body = question(resource, transaction_id, fate=fate, now=milliseconds(now), expires=milliseconds(now + EXPIRATION))
    try:
        async with asyncio.timeout(STEP_WAIT if fate else WORD_WAIT):
            received = await peer.request((node,), body, next_hop=node)
    except (RemoteFault, LinkRefused, TimeoutError):
        return None
    return Exhibit(encode_contents(body), received.envelope.data)


async def look_into(peer: Peer, transaction_id: int, resource: ResourceID) -> Suspicion | NodeID | None:
    """Follow a request of ours by the words of those whom it passed; who lies about it is reported to the server.

    Whom to suspect, or where the request ended; None when the trail was lost.
    """
    before = peer.configuration.sequence
    trail = await _followed(peer, transaction_id, resource)
    suspicion = trail if isinstance(trail, Suspicion) else None
    if suspicion is not None and suspicion.reason is not SuspicionReason.LIES and peer.configuration.sequence != before:
        return None  # somebody was excluded meanwhile, and his word is no good to those who have it
    if suspicion is not None:
        peer.emit(events.SuspectNamed(peer.now(), peer.node_id, 0, suspicion.suspect, suspicion.reason))
    return trail


async def _followed(peer: Peer, transaction_id: int, resource: ResourceID) -> Suspicion | NodeID | None:
    passage = None if peer.passages is None else peer.passages.recall(transaction_id, resource, peer.now())
    if passage is None or not passage.hops:
        return None
    made, node, court = passage.digest, next(reversed(passage.hops)), court_of(peer)
    for _ in range(MOST_STEPS):
        shown = await _asked(peer, node, resource, transaction_id, fate=True)
        statement = None if shown is None else court.statement(node, shown, peer.now())
        said = None if shown is None else court.said(node, shown, peer.now())
        if shown is None or statement is None or said is None:
            return Suspicion(node, SuspicionReason.SILENT)
        if said.digest != made:
            return Suspicion(node, SuspicionReason.MODIFIES)
        following = statement.answer.body.next_hop
        if said.word == Word.PASSED_ON:
            if isinstance(court.judge(node, (shown,), peer.now()), Proof):
                if peer.defences.conviction.wants is Wanted.EVIDENCE:
                    accuse(peer, node, Plea.EVIDENCE, (shown,))
                return Suspicion(node, SuspicionReason.LIES)
            onward = statement_in(statement.answer.body)
            if onward is None or not court.vouched(said, onward.onward, peer.now()):
                return None  # whose word it is has been excluded meanwhile
            if court.said(following, onward.onward[0], peer.now()) is None:
                return Suspicion(node, SuspicionReason.MISLEADS)
            if not await reached(peer, following, node):
                return None
            node = following
            continue
        after = None
        if said.word == Word.KEPT and following != node and await reached(peer, following, node):
            shown = await _asked(peer, following, resource, transaction_id, fate=False)
            after = None if shown is None else court.said(following, shown, peer.now())
        reason = suspected(made, said, after)
        return node if reason is None else Suspicion(node, reason)
    return None


async def cleared(peer: Peer, transaction_id: int, resource: ResourceID) -> bool:
    """Look into a request that failed; whether somebody was excluded meanwhile, so that it is worth another try."""
    before = peer.configuration.sequence
    trail = await look_into(peer, transaction_id, resource)
    if peer.configuration.sequence == before and peer.defences.conviction.wants is Wanted.EVIDENCE:
        # Others may be on the same track: then it is cut off under our feet, and we see nobody to suspect.
        if trail is not None and not (isinstance(trail, Suspicion) and trail.reason is SuspicionReason.LIES):
            return False
        try:
            await peer.configuration_taken(DOCUMENT_WAIT)
        except RequestTimedOut:
            return False
    return peer.configuration.sequence != before
