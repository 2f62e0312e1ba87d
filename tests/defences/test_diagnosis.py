"""Finding out where requests get lost: who is named, rightly or not, and what is found without anybody to blame."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from p2psip_min import procedures
from p2psip_min import trace as events
from p2psip_min.attacks.discarding import AnswerDiscard, RequestDiscard, SelectiveDiscard
from p2psip_min.attacks.forwarding import is_request
from p2psip_min.attacks.misleading import Capture, DeadReferral
from p2psip_min.clock import milliseconds
from p2psip_min.defences import Defences
from p2psip_min.errors import DropReason, ErrorAnswer, RequestTimedOut, SuspicionReason
from p2psip_min.ids import NodeID, ResourceID
from p2psip_min.overlay import Overlay
from p2psip_min.procedures.diagnose import EXPIRATION
from p2psip_min.routing.forwarding import Decision, Drop, Forward
from p2psip_min.seams import Coalition, Forwarding, PeerParts
from p2psip_min.wire.header import Envelope
from p2psip_min.wire.messages import (
    DiagnosticExtension,
    DiagnosticsRequest,
    ErrorCode,
    MessageCode,
    PathTrackReq,
    ProbeReq,
    StoreReq,
)
from tests.crafting import Hand, Silent, close_all, equip_forwarding, patched, small, trace_of
from tests.defences.test_ways import long_way


@pytest.fixture(autouse=True)
def closing() -> Iterator[None]:
    """End the overlays of a test."""
    yield
    close_all()


def suspects(overlay: Overlay) -> list[tuple[str, str]]:
    """Who was named, by name and reason."""
    named = trace_of(overlay).select(events.SuspectNamed)
    return [(overlay.node(NodeID(event.suspect)).name, event.reason) for event in named]


@dataclass(slots=True)
class Modifying:
    """Spoils the contents of requests that it passes on."""

    inner: Forwarding

    def decide(self, envelope: Envelope, previous_hop: NodeID | None, now: float) -> Decision:
        decision = self.inner.decide(envelope, previous_hop, now)
        if previous_hop is not None and isinstance(decision, Forward) and is_request(envelope):
            data = decision.message
            return Forward(decision.next_hop, patched(data, len(data) - 1, bytes((data[-1] ^ 1,))))
        return decision


@dataclass(slots=True)
class Wary:
    """Drops requests, but not those that come straight from who made them: they may be probes."""

    inner: Forwarding

    def decide(self, envelope: Envelope, previous_hop: NodeID | None, now: float) -> Decision:
        decision = self.inner.decide(envelope, previous_hop, now)
        if envelope.via and isinstance(decision, Forward) and is_request(envelope):
            return Drop(DropReason.DISCARDED)
        return decision


ATTACKS: dict[str, tuple[Callable[[ResourceID], Any], str]] = {
    "drops requests": (lambda key: RequestDiscard().equip, SuspicionReason.DROPS),
    "drops answers": (lambda key: AnswerDiscard().equip, SuspicionReason.DROPS),
    "drops what is for one key": (lambda key: SelectiveDiscard(key).equip, SuspicionReason.DROPS),
    "modifies": (lambda key: equip_forwarding(Modifying), SuspicionReason.DROPS),
    "says nothing": (lambda key: equip_forwarding(lambda inner: Silent(inner, 10**6)), SuspicionReason.SILENT),
    "names nobody": (lambda key: DeadReferral().equip, SuspicionReason.MISLEADS),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_who_is_at_fault_is_named_and_nobody_else(name: str) -> None:
    attack, reason = ATTACKS[name]
    overlay, reader, mallory, key = long_way("path-diagnosis", "message-signature")
    overlay.make_hostile(mallory.name, attack(key))
    found = overlay.run(procedures.diagnose(reader.peer, key))
    assert suspects(overlay) == [(mallory.name, reason)]
    assert found.suspicion is not None
    assert found.responder == overlay.root(key).node_id


def test_who_sends_requests_elsewhere_is_named() -> None:
    overlay, reader, mallory, key = long_way("message-signature")
    root = overlay.root(key)

    def elsewhere(parts: PeerParts, coalition: Coalition) -> PeerParts:
        """Capture requests, and name next hops as if nothing were wrong."""
        return replace(Capture().equip(parts, coalition), topology=parts.topology)

    overlay.make_hostile(mallory.name, elsewhere)
    found = overlay.run(procedures.diagnose(reader.peer, key))
    assert suspects(overlay) == [(mallory.name, SuspicionReason.MISROUTES)]
    assert found.responder == root.node_id


def test_a_lookup_that_got_lost_is_answered_after_all() -> None:
    overlay, reader, mallory, key = long_way("path-diagnosis")
    overlay.make_hostile(mallory.name, RequestDiscard().equip)
    assert overlay.lookup(reader.name, key) == overlay.root(key).node_id
    assert suspects(overlay) == [(mallory.name, SuspicionReason.DROPS)]


def test_nothing_is_looked_into_where_nothing_fails() -> None:
    overlay, reader, _, key = long_way("path-diagnosis")
    overlay.lookup(reader.name, key)
    sent = trace_of(overlay).select(events.MessageSent, code=int(MessageCode.PATH_TRACK_REQ))
    assert not list(sent)


def test_a_silent_root_is_suspected_and_no_answer_is_invented() -> None:
    overlay, reader, _, key = long_way("path-diagnosis")
    root = overlay.root(key)
    overlay.make_hostile(root.name, equip_forwarding(lambda inner: Silent(inner, 10**6)))
    with pytest.raises(RequestTimedOut):
        overlay.lookup(reader.name, key)
    assert suspects(overlay) == [(root.name, SuspicionReason.SILENT)]


def test_an_error_is_an_answer() -> None:
    overlay, reader, _, key = long_way()
    overlay.root(key).peer.handlers = {
        code: handler for code, handler in overlay.root(key).peer.handlers.items() if code != MessageCode.PROBE_REQ
    }
    found = overlay.run(procedures.diagnose(reader.peer, key, ProbeReq(())))
    assert (found.responder, found.suspicion) == (overlay.root(key).node_id, None)


def test_a_store_is_not_tried_again() -> None:
    overlay, reader, mallory, key = long_way()
    overlay.make_hostile(mallory.name, RequestDiscard().equip)
    overlay.run(procedures.diagnose(reader.peer, key, StoreReq(key, 0, ())))
    assert not list(trace_of(overlay).select(events.MessageSent, code=int(MessageCode.STORE_REQ)))
    assert suspects(overlay) == [(mallory.name, SuspicionReason.DROPS)]


# --- false suspicions, and missing ones -------------------------------------------------------------------------------


def test_in_an_honest_overlay_that_loses_packets_hardly_anybody_is_named() -> None:
    overlay = small(24)
    overlay.network.loss = 0.1
    walks = 0
    for number in range(40):
        node, key = overlay.peers()[number % 24], ResourceID.of(f"key {number}")
        if not node.peer.topology.responsible(key):
            walks += 1
            overlay.run(procedures.diagnose(node.peer, key))
    assert walks > 30
    assert len(suspects(overlay)) <= walks * 0.05


def test_who_has_crashed_is_suspected_like_who_is_silent_and_that_is_why_nothing_follows() -> None:
    overlay, reader, victim, key = long_way()
    overlay.crash(victim.name)
    found = overlay.run(procedures.diagnose(reader.peer, key))
    assert found.responder == overlay.root(key).node_id
    named = {name for name, _ in suspects(overlay)}
    way = {node.name for node in overlay.route(reader.name, key)} | {victim.name}
    assert named <= way
    assert victim.node_id not in overlay.roles.hostile


def test_who_behaves_towards_probes_is_not_found_and_nobody_else_is_blamed() -> None:
    overlay, reader, mallory, key = long_way("path-diagnosis")
    overlay.make_hostile(mallory.name, equip_forwarding(Wary))
    assert overlay.lookup(reader.name, key) == overlay.root(key).node_id, "the answer is found all the same"
    assert {name for name, _ in suspects(overlay)} <= {mallory.name, overlay.route(reader.name, key)[0].name}


# --- the peer that is asked -------------------------------------------------------------------------------------------


def question(now: float, **changed: Any) -> PathTrackReq:
    times = {"expiration": milliseconds(now + EXPIRATION), "timestamp_initiated": milliseconds(now), "dm_flags": 0}
    return PathTrackReq(ResourceID.of("key"), DiagnosticsRequest(**times | changed))


def test_a_peer_names_its_next_hop_and_when_it_was_asked() -> None:
    overlay = small(8)
    one, other, *_ = overlay.peers()
    answer = overlay.run(one.peer.request((other.node_id,), question(0.0))).body
    key = ResourceID.of("key")
    assert answer.next_hop == (other.peer.topology.next_hop(key) or other.node_id)
    told = answer.response
    assert told.timestamp_initiated == milliseconds(0.0)
    assert milliseconds(0.0) < told.timestamp_received < milliseconds(1.0)
    assert told.expiration == told.timestamp_received + 1000 * int(EXPIRATION)
    assert told.hop_counter == 99
    assert told.diagnostics == ()


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"expiration": milliseconds(0.0)}, ErrorCode.MESSAGE_EXPIRED),
        ({"dm_flags": 0b10}, ErrorCode.FORBIDDEN),
        ({"extensions": (DiagnosticExtension(0xF000, b""),)}, ErrorCode.FORBIDDEN),
    ],
)
def test_what_is_too_old_or_asks_for_facts_is_refused(changed: dict[str, Any], code: ErrorCode) -> None:
    overlay = small(4)
    one, other, *_ = overlay.peers()
    with pytest.raises(ErrorAnswer) as refused:
        overlay.run(one.peer.request((other.node_id,), question(0.0, **changed)))
    assert refused.value.code == code


def test_who_has_not_joined_has_nothing_to_tell() -> None:
    overlay = small(4)
    one, other, *_ = overlay.peers()
    other.peer.joined = False
    assert Hand(overlay, one.name).error(other, question(0.0)) == ErrorCode.NOT_FOUND


def test_the_policy_is_off_unless_it_is_named() -> None:
    assert not Defences().diagnosis.follows_up
    assert Defences().having("path-diagnosis").diagnosis.follows_up
