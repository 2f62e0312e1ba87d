"""Who is believed to answer for a key: proof of the true root, and denials by the root set."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from p2psip_min import procedures
from p2psip_min.attacks.answering import FalseDenial, FalseRecord
from p2psip_min.defences import Defences
from p2psip_min.errors import DropReason, NotFound, RequestTimedOut, RootReason
from p2psip_min.ids import NodeID, ResourceID
from p2psip_min.overlay import Node, Overlay
from p2psip_min.procedures.survey import survey
from p2psip_min.routing.forwarding import Decision, Drop
from p2psip_min.trace import MessageDropped, MessageSent, ResponderRejected
from p2psip_min.wire.address import IpAddressPort
from p2psip_min.wire.codec import encode
from p2psip_min.wire.data import SingleValue
from p2psip_min.wire.header import Envelope
from p2psip_min.wire.kinds import TURN_SERVICE, TurnServer
from p2psip_min.wire.messages import MessageCode, PingReq, ProbeAns, ProbeReq, UpdateReq
from p2psip_min.wire.security import UNSIGNED, UNSIGNED_BLOCK, encode_security
from p2psip_min.wire.statements import EXP_PROBE, stated_table, table_statement
from tests.crafting import Hand, close_all, drops, small, trace_of

SENT = encode(TurnServer(1, IpAddressPort("10.0.0.1", 3478)))
INVENTED = encode(TurnServer(1, IpAddressPort("10.6.6.6", 666)))
FORGED = SingleValue(True, INVENTED)


@pytest.fixture(autouse=True)
def closing() -> Iterator[None]:
    """End the overlays of a test."""
    yield
    close_all()


class Case:
    """A record that was stored while all was well, a reader, and mallory on the reader's way."""

    def __init__(self, *defences: str, routing: str = "recursive", peers: int = 24) -> None:
        self.overlay: Overlay = small(peers, routing=routing, defences=Defences().having(*defences))
        self.reader, self.mallory = self._cast()
        self.root = self.overlay.root(self.place)
        self.overlay.put(self.owner.name, TURN_SERVICE, SENT)

    def _cast(self) -> tuple[Node, Node]:
        for owner in self.overlay.peers():
            self.owner, self.place = owner, ResourceID(self.overlay.place_of(owner.name, TURN_SERVICE))
            for reader in self.overlay.peers():
                way = self.overlay.route(reader.name, self.place)
                if len(way) > 1 and owner not in way:
                    return reader, way[-2]
        raise AssertionError("everybody is next to everything")

    def invent(self) -> Case:
        self.overlay.make_hostile(self.mallory.name, FalseRecord(FORGED).equip)
        return self

    def deny(self) -> Case:
        self.overlay.make_hostile(self.mallory.name, FalseDenial().equip)
        return self

    def get(self) -> bytes:
        (value,) = self.overlay.get(self.reader.name, self.owner.name, TURN_SERVICE)
        return value

    def rejected(self) -> list[tuple[bytes, str]]:
        return [(event.responder, event.reason) for event in trace_of(self.overlay).select(ResponderRejected)]


@pytest.mark.parametrize("routing", ["recursive", "iterative"])
def test_undefended_a_reader_believes_who_is_on_the_way(routing: str) -> None:
    assert Case(routing=routing).invent().get() == INVENTED
    with pytest.raises(NotFound):
        Case(routing=routing).deny().get()


@pytest.mark.parametrize("routing", ["recursive", "iterative"])
def test_who_answers_in_its_own_name_is_found_out_and_the_true_root_asked(routing: str) -> None:
    case = Case("true-root", "message-signature", routing=routing).invent()
    assert case.get() == SENT
    assert case.rejected() == [(case.mallory.node_id, RootReason.BETTER_CLAIM)]
    denied = Case("true-root", "message-signature", routing=routing).deny()
    assert denied.get() == SENT


def test_a_proof_of_the_root_says_nothing_about_an_answer_in_the_roots_name() -> None:
    case = Case("true-root").invent()
    assert case.get() == INVENTED
    assert case.rejected() == []


def test_a_message_signature_alone_says_who_answered_and_not_whether_it_may() -> None:
    assert Case("message-signature").invent().get() == INVENTED


@pytest.mark.parametrize("defences", [("record-signature", "access-control"), ("access-control",)])
def test_nobody_else_can_write_what_the_owner_has_to_sign(defences: tuple[str, ...]) -> None:
    with pytest.raises(NotFound):
        Case(*defences).invent().get()


@pytest.mark.parametrize("routing", ["recursive", "iterative"])
def test_a_denial_counts_when_the_root_set_says_so(routing: str) -> None:
    assert Case("root-set-denial", routing=routing).deny().get() == SENT
    case = Case("root-set-denial", "replicas", routing=routing)
    case.overlay.advance(2.0)
    assert case.deny().get() == SENT


def test_what_is_not_there_is_denied_by_all_of_the_root_set() -> None:
    overlay = small(16, defences=Defences().having("root-set-denial"))
    reader, owner = overlay.peers()[0], overlay.peers()[9]
    with pytest.raises(NotFound):
        overlay.get(reader.name, owner.name, TURN_SERVICE)
    place = overlay.place_of(owner.name, TURN_SERVICE)
    root = overlay.root(place)
    asked = {root.node_id, *root.peer.topology.replicas(place, 2)} - {reader.node_id}
    answers = trace_of(overlay).select(MessageSent, code=MessageCode.FETCH_ANS)
    assert asked <= {event.node for event in answers}


def test_where_the_root_set_is_silent_nothing_is_denied() -> None:
    overlay = small(2, defences=Defences().having("root-set-denial"))
    one, other = overlay.peers()
    overlay.crash(other.name)
    place = next(
        ResourceID.of(f"key {number}")
        for number in range(99)
        if not one.peer.topology.responsible(ResourceID.of(f"key {number}"))
    )
    with pytest.raises(RequestTimedOut):
        overlay.run(procedures.fetch(one.peer, place, TURN_SERVICE))


class Mute:
    """Forwards and answers as it should, but states nothing about its tables."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    def decide(self, envelope: Envelope, previous_hop: NodeID | None, now: float) -> Decision:
        if envelope.code == MessageCode.PROBE_REQ:
            return Drop(DropReason.DISCARDED)
        return self.inner.decide(envelope, previous_hop, now)  # type: ignore[no-any-return]


def test_where_nobody_around_a_key_answers_nobody_is_believed() -> None:
    overlay = small(2, defences=Defences().having("true-root", "message-signature"))
    one, other = overlay.peers()
    overlay.make_hostile(other.name, lambda parts, _: replace(parts, forwarding=Mute(parts.forwarding)))
    key = next(key for number in range(99) if not one.peer.topology.responsible(key := ResourceID.of(f"key {number}")))
    with pytest.raises(RequestTimedOut, match="nobody around the key"):
        overlay.run(procedures.ping(one.peer, key))
    (rejected,) = trace_of(overlay).select(ResponderRejected)
    assert (rejected.responder, rejected.reason) == (other.node_id, RootReason.NO_WITNESS)


# --- statements -------------------------------------------------------------------------------------------------------


def test_a_probed_node_states_its_neighbors_under_its_signature_though_nothing_else_is_signed() -> None:
    overlay = small(24, defences=Defences().having("true-root"))
    one, other = overlay.peers()[0], overlay.node(overlay.peers()[0].peer.topology.neighbors()[0])
    answer = overlay.run(one.peer.request((other.node_id,), ProbeReq((EXP_PROBE,))))
    assert stated_table(answer.body)[:6] == other.peer.topology.neighbors()
    assert answer.certificate is not None
    ping = overlay.run(one.peer.request((other.node_id,), PingReq()))
    assert ping.message.security.signature == UNSIGNED


def test_a_statement_that_nobody_signed_is_dropped() -> None:
    overlay = small(4, defences=Defences().having("true-root"))
    victim, liar = overlay.peers()[:2]
    hand = Hand(overlay, liar.name)
    body = ProbeAns((table_statement((liar.node_id,)),))
    hand.send(
        victim, hand.message((victim.node_id,), body, transaction_id=77, security=encode_security(UNSIGNED_BLOCK))
    )
    assert drops(overlay, victim, 77) == [DropReason.UNSIGNED]


def test_a_survey_from_a_client_finds_the_owner_too() -> None:
    with Overlay(peers=24, clients=("bob",), seed=5, servers=0, maintenance=False, defences=Defences()) as overlay:
        for number in range(5):
            key = ResourceID.of(f"key {number}")
            found = overlay.run(survey(overlay.node("bob").peer, key))
            assert found.owner() == overlay.root(key).node_id


def test_a_survey_goes_around_who_is_down() -> None:
    overlay = small(24)
    key = ResourceID.of("key")
    reader = next(node for node in overlay.peers() if len(overlay.route(node.name, key)) > 2)
    overlay.crash(overlay.route(reader.name, key)[-2].name)
    found = overlay.run(survey(reader.peer, key))
    assert found.owner() == overlay.root(key).node_id
    assert not list(trace_of(overlay).select(MessageDropped, node=reader.node_id, reason=DropReason.MALFORMED))


def test_updates_are_not_signed_for_it() -> None:
    assert UpdateReq.code not in Defences().having("true-root").signed_codes()
    assert Defences().signed_codes() == frozenset()
