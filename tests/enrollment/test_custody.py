"""Who is convicted by forwarders' signed words, who is only suspected, and why nobody can be framed (draft 7.2.12)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from p2psip_min.attacks.discarding import AnswerDiscard, DeniedDiscard, RequestDiscard
from p2psip_min.attacks.forwarding import WrongHop
from p2psip_min.attacks.misleading import Capture
from p2psip_min.attacks.tampering import PutTampering
from p2psip_min.defences import preset
from p2psip_min.enrollment.evidence import Court, Offence, Proof
from p2psip_min.errors import ErrorAnswer, RemoteFault, ReportReason, RequestTimedOut, SuspicionReason
from p2psip_min.ids import NodeID, ResourceID
from p2psip_min.overlay import Node, Overlay
from p2psip_min.procedures.custody import look_into
from p2psip_min.procedures.report import court_of
from p2psip_min.routing.custody import KEPT_FOR, MEMORY, CustodyPolicy, Passages, Said, suspected, vouches
from p2psip_min.trace import MessageDelivered, MessageSent, NodeExcluded, SuspectNamed
from p2psip_min.wire.address import IpAddressPort
from p2psip_min.wire.codec import encode
from p2psip_min.wire.custody import CustodyStatement, Word, question, statement_in
from p2psip_min.wire.evidence import Exhibit
from p2psip_min.wire.header import open_envelope
from p2psip_min.wire.kinds import TURN_SERVICE, TurnServer
from p2psip_min.wire.message import encode_contents
from p2psip_min.wire.messages import ErrorCode, MessageCode, PingReq
from tests.crafting import Silent, close_all, equip_forwarding, small, trace_of

ALL = ("message-signature", "answer-receipts", "hop-receipts", "checkable-evidence")


@pytest.fixture(autouse=True)
def closing() -> Iterator[None]:
    """End the overlays of a test."""
    yield
    close_all()


# --- the rule ---------------------------------------------------------------------------------------------------------

X, Y, K = (NodeID(bytes((n,)) * 16) for n in (1, 2, 9))
KEY = ResourceID(K)
PASSED = Said(X, 7, KEY, Word.PASSED_ON, b"d")
GOOD = Said(Y, 7, KEY, Word.ARRIVED, b"d")


def nearer(one: bytes, other: bytes, key: bytes) -> bool:
    return one > other


def test_who_has_passed_a_request_on_shows_that_it_came_to_somebody_nearer() -> None:
    assert vouches(GOOD, PASSED, nearer)
    assert not vouches(None, PASSED, nearer)
    assert not vouches(replace(GOOD, signer=X), PASSED, nearer)
    assert not vouches(replace(GOOD, signer=NodeID(bytes(16))), PASSED, nearer)
    assert vouches(replace(GOOD, signer=NodeID(bytes(16)), word=Word.ENDED), PASSED, nearer)
    assert not vouches(replace(GOOD, word=Word.KEPT), PASSED, nearer)
    assert not vouches(replace(GOOD, transaction_id=8), PASSED, nearer)
    assert not vouches(replace(GOOD, resource=ResourceID(X)), PASSED, nearer)
    assert not vouches(replace(GOOD, digest=b"e"), PASSED, nearer)


def test_what_is_suspected_follows_from_the_digests() -> None:
    kept = replace(PASSED, word=Word.KEPT)
    assert suspected(b"d", None, None) is SuspicionReason.SILENT
    assert suspected(b"d", kept, None) is SuspicionReason.DROPS
    assert suspected(b"d", kept, GOOD) is SuspicionReason.DROPS
    assert suspected(b"d", kept, replace(GOOD, digest=b"e")) is SuspicionReason.MODIFIES
    assert suspected(b"d", replace(kept, word=Word.ENDED), None) is None


# --- the memory -------------------------------------------------------------------------------------------------------


def test_only_requests_are_remembered_for_a_minute_and_for_who_knows_their_key() -> None:
    overlay = small(8)
    node = overlay.peers()[0]
    key = next(key for n in range(99) if overlay.root(key := ResourceID.of(f"{n}")) is not node)
    overlay.lookup(node.name, key)
    memory = Passages()
    sent = next(event for event in trace_of(overlay).select(MessageSent) if event.code == MessageCode.PING_REQ)
    answer = next(event for event in trace_of(overlay).select(MessageDelivered) if event.code == MessageCode.PING_ANS)
    request = open_envelope(sent.message)
    memory.arrived(open_envelope(answer.message), 0.0)
    assert memory.recall(request.transaction_id, key, 1.0) is None
    memory.arrived(request, 0.0)
    memory.passed(open_envelope(answer.message), X)  # the same transaction
    memory.ended(open_envelope(answer.message))
    memory.passed(request, Y)
    found = memory.recall(request.transaction_id, key, KEPT_FOR - 0.1)
    assert found is not None
    assert (list(found.hops), found.ended) == ([Y], False)
    assert memory.recall(request.transaction_id, ResourceID.of("another"), 1.0) is None
    assert memory.recall(request.transaction_id, key, KEPT_FOR) is None
    for number in range(MEMORY):
        other = open_envelope(sent.message)
        other.transaction_id = number
        memory.arrived(other, 1.0)
    assert memory.recall(request.transaction_id, key, 1.0) is None
    assert CustodyPolicy().start() is None


# --- in an overlay ----------------------------------------------------------------------------------------------------


def long_way(*names: str) -> tuple[Overlay, Node, list[Node], ResourceID]:
    """An overlay with a server, who looks for a key in it, and the peers on its way, the last one responsible."""
    overlay = small(24, defences=preset("none").having(*names), servers=1, maintenance=True)
    for number in range(100):
        key = ResourceID.of(f"key {number}")
        for node in overlay.peers():
            way = overlay.route(node.name, key)
            if len(way) >= 3:
                return overlay, node, way, key
    raise AssertionError("all ways are short")


def lost(overlay: Overlay, reader: Node, key: ResourceID) -> int:
    """Send a request that may get lost; its transaction."""
    before = len(trace_of(overlay))
    with suppress(RemoteFault):
        overlay.run(reader.peer.request((key,), PingReq()))
    sent = trace_of(overlay).select(MessageSent, since=before, node=reader.node_id)
    return next(event.transaction_id for event in sent if event.code == MessageCode.PING_REQ)


def words(overlay: Overlay, asker: Node, node: Node, key: ResourceID, transaction: int) -> tuple[Exhibit, Any]:
    """What a node says became of a request: to be shown, and read."""
    body = question(key, transaction, fate=True, now=0, expires=2**62)
    received = overlay.run(asker.peer.request((node.node_id,), body))
    return Exhibit(encode_contents(body), received.envelope.data), statement_in(received.body)


def court(overlay: Overlay) -> Court:
    return overlay.exclusion.docket.court


def excluded(overlay: Overlay) -> list[str]:
    return [overlay.node(NodeID(event.excluded)).name for event in trace_of(overlay).select(NodeExcluded)]


def suspects(overlay: Overlay) -> set[tuple[str, str]]:
    named = trace_of(overlay).select(SuspectNamed)
    return {(overlay.node(NodeID(event.suspect)).name, event.reason) for event in named}


def test_the_honest_show_where_a_request_went_and_are_never_guilty() -> None:
    overlay, reader, way, key = long_way(*ALL)
    transaction = lost(overlay, reader, key)
    for node, expected in zip(way, [Word.PASSED_ON] * (len(way) - 1) + [Word.ENDED], strict=True):
        shown, statement = words(overlay, reader, node, key, transaction)
        assert statement.word == expected
        assert court(overlay).judge(node.node_id, (shown,), overlay.now) is ReportReason.NOTHING_WRONG
    assert overlay.run(look_into(reader.peer, transaction, key)) == way[-1].node_id
    assert suspects(overlay) == set()


NEIGHBORS: dict[str, Callable[[], Any]] = {
    "drops": lambda: RequestDiscard().equip,
    "drops answers": lambda: AnswerDiscard().equip,
    "drops and denies": lambda: DeniedDiscard().equip,
    "sends back": lambda: WrongHop().equip,
    "captures": lambda: Capture().equip,
    "changes": lambda: PutTampering().equip,
    "silent": lambda: equip_forwarding(lambda inner: Silent(inner, 10**6)),
}


@pytest.mark.parametrize("name", NEIGHBORS)
@pytest.mark.parametrize("place", [0, 1])
def test_whatever_a_neighbor_does_no_honest_peer_signs_what_convicts_it(name: str, place: int) -> None:
    overlay, reader, way, key = long_way(*ALL)
    mallory = way[place]
    overlay.make_hostile(mallory.name, NEIGHBORS[name]())
    transaction = lost(overlay, reader, key)
    judge = court(overlay)
    for node in overlay.peers():
        if node in (mallory, reader):
            continue
        for asker in (reader, way[-1]):
            try:
                shown, _ = words(overlay, asker, node, key, transaction)
            except RemoteFault:
                continue
            assert not isinstance(judge.judge(node.node_id, (shown,), overlay.now), Proof)
    overlay.run(look_into(reader.peer, lost(overlay, reader, key), key))
    overlay.advance(10.0)
    assert excluded(overlay) == ([mallory.name] if name == "drops and denies" else [])


def test_who_swallows_and_denies_it_is_excluded_by_everybody_and_the_request_gets_there() -> None:
    overlay, reader, way, key = long_way(*ALL)
    overlay.make_hostile(way[1].name, DeniedDiscard().equip)
    assert overlay.lookup(reader.name, key) == way[-1].node_id
    assert excluded(overlay) == [way[1].name]
    assert suspects(overlay) == {(way[1].name, SuspicionReason.LIES)}
    overlay.advance(15.0)
    assert set(overlay.followers()) == set(overlay.peers()) - {way[1]}


def test_who_swallows_and_does_not_lie_is_suspected_and_no_more() -> None:
    overlay, reader, way, key = long_way(*ALL)
    overlay.make_hostile(way[1].name, RequestDiscard().equip)
    with pytest.raises(RequestTimedOut):
        overlay.lookup(reader.name, key)
    assert excluded(overlay) == []
    assert suspects(overlay) == {(way[1].name, SuspicionReason.DROPS)}


@pytest.mark.parametrize("missing", ALL)
def test_three_quarters_of_it_convict_nobody(missing: str) -> None:
    overlay, reader, way, key = long_way(*(name for name in ALL if name != missing))
    overlay.make_hostile(way[1].name, DeniedDiscard().equip)
    with pytest.raises(RequestTimedOut):
        overlay.lookup(reader.name, key)
    overlay.advance(30.0)
    assert excluded(overlay) == []


def lie(overlay: Overlay, reader: Node, way: list[Node], key: ResourceID) -> tuple[Exhibit, int]:
    """What somebody says who has swallowed a request."""
    transaction = lost(overlay, reader, key)
    shown, statement = words(overlay, reader, way[1], key, transaction)
    assert statement == CustodyStatement(Word.PASSED_ON, statement.digest)
    return shown, transaction


def test_a_lie_convicts_its_author_for_a_minute_and_nobody_else() -> None:
    overlay, reader, way, key = long_way(*ALL)
    overlay.make_hostile(way[1].name, DeniedDiscard().equip)
    shown, _ = lie(overlay, reader, way, key)
    found = court(overlay).judge(way[1].node_id, (shown,), overlay.now)
    assert isinstance(found, Proof)
    assert found.offence is Offence.NOT_PASSED_ON
    assert court_of(reader.peer).judge(way[1].node_id, (shown,), overlay.now) == found
    assert court(overlay).judge(way[0].node_id, (shown,), overlay.now) is ReportReason.NOT_THE_ACCUSED
    later = overlay.now + KEPT_FOR + 1.0
    assert court(overlay).judge(way[1].node_id, (shown,), later) is ReportReason.NOTHING_WRONG
    without = replace(court(overlay), nearer=Court.__dataclass_fields__["nearer"].default)
    assert without.judge(way[1].node_id, (shown,), overlay.now) is ReportReason.NOTHING_WRONG


def test_an_accuser_who_changes_what_was_said_or_asked_shows_nothing() -> None:
    overlay, reader, way, key = long_way(*ALL)
    transaction = lost(overlay, reader, key)
    shown, _ = words(overlay, reader, way[0], key, transaction)
    accused, judge = way[0].node_id, court(overlay).judge
    other = encode_contents(question(key, transaction + 1, fate=True, now=0, expires=2**62))
    assert judge(accused, (Exhibit(other, shown.answer),), overlay.now) is ReportReason.OTHER_REQUEST
    envelope = open_envelope(shown.answer)
    for at in range(envelope.body_offset + 60, len(shown.answer), 97):
        spoilt = bytearray(shown.answer)
        spoilt[at] ^= 1
        assert not isinstance(judge(accused, (Exhibit(shown.request, bytes(spoilt)),), overlay.now), Proof)


def test_the_word_of_one_who_has_been_excluded_since_is_held_against_nobody() -> None:
    overlay, reader, way, key = long_way(*ALL)
    transaction = lost(overlay, reader, key)
    shown, statement = words(overlay, reader, way[0], key, transaction)
    assert statement.word == Word.PASSED_ON
    overlay.driver.call(lambda: overlay.exclusion._exclude(way[1].node_id, float("inf")))
    overlay.advance(5.0)
    assert court(overlay).judge(way[0].node_id, (shown,), overlay.now) is ReportReason.NOTHING_WRONG


def test_nobody_is_told_of_a_request_that_he_does_not_know() -> None:
    overlay, reader, way, key = long_way(*ALL)
    transaction = lost(overlay, reader, key)
    for about, place in ((transaction + 1, key), (transaction, ResourceID.of("another"))):
        with pytest.raises(ErrorAnswer) as refused:
            words(overlay, reader, way[0], place, about)
        assert refused.value.code == ErrorCode.NOT_FOUND
    overlay.advance(KEPT_FOR)
    with pytest.raises(ErrorAnswer):
        words(overlay, reader, way[0], key, transaction)
    assert overlay.run(look_into(reader.peer, transaction, key)) is None


def test_who_changes_requests_is_found_where_their_digests_begin_to_differ() -> None:
    signed = ("message-signature", "access-control", "answer-receipts", "hop-receipts")
    overlay, _, _, _ = long_way(*signed)
    for owner in overlay.peers():
        place = ResourceID(overlay.place_of(owner.name, TURN_SERVICE))
        way = overlay.route(owner.name, place)
        if len(way) >= 3:
            break
    overlay.make_hostile(way[1].name, PutTampering().equip)
    with pytest.raises(RemoteFault):
        overlay.put(owner.name, TURN_SERVICE, encode(TurnServer(1, IpAddressPort("10.0.0.1", 1000))))
    assert suspects(overlay) == {(way[1].name, SuspicionReason.MODIFIES)}
    assert excluded(overlay) == []
