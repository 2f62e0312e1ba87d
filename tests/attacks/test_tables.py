"""Tables that others write: by false answers, in others' names, and what a node wants to see first."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest

from p2psip_min import procedures
from p2psip_min.attacks.tables import FakeTable, ForgedWrites, beside
from p2psip_min.defences import Defences
from p2psip_min.errors import DropReason, JoinRefused
from p2psip_min.ids import NodeID
from p2psip_min.overlay import Overlay
from p2psip_min.routing.learning import AnyWrite, FirstHand, SignedWrites, VerifiedEntries
from p2psip_min.routing.topology.chord import Chord
from p2psip_min.trace import MessageDropped, MessageSent
from p2psip_min.transport.plain import PlainLinks
from p2psip_min.wire.messages import ErrorCode, LeaveReq, MessageCode, UpdateReq
from p2psip_min.wire.security import UNSIGNED_BLOCK, encode_security
from tests.crafting import Hand, close_all, drops, small, trace_of, unlinked
from tests.routing.topology_suite import make_ids


@pytest.fixture(autouse=True)
def closing() -> Iterator[None]:
    """End the overlays of a test."""
    yield
    close_all()


class Case:
    """Mallory with as many ports as she likes, and a neighbor of hers."""

    def __init__(self, *defences: str) -> None:
        self.overlay: Overlay = small(24, defences=Defences().having(*defences))
        self.mallory, *_ = self.overlay.peers()
        self.victim = self.overlay.node(self.mallory.peer.topology.neighbors()[0])
        self.ports = count(7000)

    def ends(self, name: NodeID) -> Any:
        address = (self.mallory.address[0], next(self.ports))
        return PlainLinks(self.overlay.network, address, name), address

    def ask(self) -> None:
        self.overlay.run(procedures.ask_for_table(self.victim.peer, self.mallory.node_id))
        self.overlay.advance(20)

    def strangers(self) -> list[NodeID]:
        return [node for node in self.victim.peer.topology.neighbors() if node not in self.overlay.nodes]


def test_beside_is_a_few_steps_away_also_over_the_end_of_the_ring() -> None:
    assert beside(NodeID(bytes(15) + b"\x05"), 2) == bytes(15) + b"\x07"
    assert beside(NodeID(bytes(16)), -1) == b"\xff" * 16


# --- a false answer ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("defences", [(), ("link-auth",), ("periodic-refresh",), ("responder-check",)])
def test_who_asks_for_a_table_learns_of_invented_nodes(defences: tuple[str, ...]) -> None:
    case = Case(*defences)
    case.overlay.make_hostile(case.mallory.name, FakeTable(case.ends).equip)
    case.ask()
    assert len(case.strangers()) == 6
    assert len(case.victim.peer.topology.neighbors()) == 6


@pytest.mark.parametrize("defence", ["verified-entries", "signed-updates", "message-signature"])
def test_an_invented_node_has_no_certificate(defence: str) -> None:
    case = Case(defence)
    before = case.victim.peer.topology.neighbors()
    case.overlay.make_hostile(case.mallory.name, FakeTable(case.ends).equip)
    case.ask()
    assert case.victim.peer.topology.neighbors() == before


def test_nobody_is_lied_to_who_did_not_ask() -> None:
    case = Case()
    case.overlay.make_hostile(case.mallory.name, FakeTable(case.ends).equip)
    truth = case.mallory.peer.topology
    assert truth.make_full_update(0.0) == truth._inner.make_full_update(0.0)
    case.overlay.advance(20)
    assert case.strangers() == []


def test_an_invented_node_is_asked_for_its_signature_and_does_not_answer() -> None:
    case = Case("verified-entries")
    case.overlay.make_hostile(case.mallory.name, FakeTable(case.ends).equip)
    case.ask()
    pings = list(trace_of(case.overlay).select(MessageSent, node=case.victim.node_id, code=MessageCode.PING_REQ))
    assert {event.next_hop for event in pings} == {beside(case.victim.node_id, step) for step in (1, 2, 3, -1, -2, -3)}


def test_a_real_neighbor_enters_once_it_has_answered() -> None:
    case = Case("verified-entries")
    other = case.overlay.node(case.victim.peer.topology.neighbors()[1])
    case.victim.peer.topology.remove(other.node_id, 0.0)
    assert other.node_id not in case.victim.peer.topology.table()
    case.ask()
    assert other.node_id in case.victim.peer.topology.neighbors()
    assert other.node_id in case.victim.peer.verified


def test_who_has_left_shows_again_who_it_is() -> None:
    case = Case("verified-entries")
    case.victim.peer.verified[case.mallory.node_id] = None
    case.overlay.leave(case.mallory.name)
    assert case.mallory.node_id not in case.victim.peer.verified


# --- writes in others' names ------------------------------------------------------------------------------------------


def forging(*defences: str) -> tuple[Case, ForgedWrites]:
    case = Case(*defences)
    attack = ForgedWrites(case.ends)
    case.overlay.make_hostile(case.mallory.name, attack.equip)
    case.overlay.advance(3)
    return case, attack


@pytest.mark.parametrize("defences", [(), ("periodic-refresh",), ("verified-entries",)])
def test_forged_good_byes_and_updates_are_carried_out(defences: tuple[str, ...]) -> None:
    case, attack = forging(*defences)
    assert len(attack.sent) == 12
    assert attack.taken == attack.sent
    assert len(case.strangers()) == (0 if defences == ("verified-entries",) else 1)


@pytest.mark.parametrize("defence", ["signed-updates", "message-signature"])
def test_nobody_signs_for_another(defence: str) -> None:
    case = Case(defence)
    before = case.overlay.snapshot()
    attack = ForgedWrites(case.ends)
    case.overlay.make_hostile(case.mallory.name, attack.equip)
    case.overlay.advance(3)
    assert len(attack.sent) == 12
    assert attack.taken == {}
    assert case.overlay.snapshot() == before
    dropped = trace_of(case.overlay).select(MessageDropped, reason=DropReason.NOT_ADJACENT)
    assert sum(1 for _ in dropped) == 12


@pytest.mark.parametrize(
    "body", [UpdateReq(Chord(make_ids(1, 1)[0]).make_full_update(0.0)), LeaveReq(make_ids(1, 1)[0])]
)
def test_where_updates_are_signed_an_unsigned_one_is_dropped(body: Any) -> None:
    case = Case("signed-updates")
    hand = Hand(case.overlay, case.mallory.name)
    data = hand.message((case.victim.node_id,), body, transaction_id=5, security=encode_security(UNSIGNED_BLOCK))
    hand.send(case.victim, data)
    assert drops(case.overlay, case.victim, 5) == [DropReason.UNSIGNED]


@pytest.mark.parametrize(("defences", "enters"), [((), True), (("signed-updates",), False)])
def test_who_never_attached_is_not_heard(defences: tuple[str, ...], enters: bool) -> None:
    overlay = small(32, defences=Defences().having(*defences))
    one, other = unlinked(overlay)
    overlay.driver.call(lambda: other.peer.links.learn(one.node_id, one.address))
    hand = Hand(overlay, other.name)
    answers = hand.ask(one, UpdateReq(other.peer.topology.make_full_update(0.0)))
    topology = one.peer.topology
    assert isinstance(topology, Chord)
    assert (other.node_id in topology.linked()) == enters
    assert [answer.code for answer in answers] == [MessageCode.UPDATE_ANS if enters else MessageCode.ERROR]
    if not enters:
        assert answers[0].body.error_code == ErrorCode.FORBIDDEN
        overlay.run(procedures.attach(other.peer, (one.node_id,), next_hop=one.node_id))
        hand.ask(one, UpdateReq(other.peer.topology.make_full_update(0.0)))
        assert other.node_id in topology.linked()


# --- honest life under each -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("defence", ["signed-updates", "verified-entries", "periodic-refresh"])
def test_a_ring_grows_and_shrinks_under_each(defence: str) -> None:
    with Overlay(peers=6, seed=4, grown=True, defences=Defences().having(defence)) as overlay:
        overlay.add_peer("dora")
        overlay.advance(60)
        gone = overlay.peers()[2]
        overlay.crash(overlay.peers()[4].name)
        overlay.leave(gone.name)
        overlay.advance(1300)
        ring = [node.node_id for node in overlay.peers()]
        assert len(ring) == 5
        for node in overlay.peers():
            twin = Chord(node.node_id)
            twin.settle(ring)
            assert node.peer.topology.snapshot() == twin.snapshot()


def test_a_peer_that_cannot_show_itself_is_not_admitted() -> None:
    with Overlay(peers=4, seed=4, defences=Defences().having("verified-entries"), maintenance=False) as overlay:
        stranger = overlay.new_peer("dora")
        stranger.peer.handlers = {code: h for code, h in stranger.peer.handlers.items() if code != MessageCode.PING_REQ}
        with pytest.raises(JoinRefused):
            overlay.run(overlay.join(stranger))
        assert all(stranger.node_id not in node.peer.topology.table() for node in overlay.peers())


# --- the rules --------------------------------------------------------------------------------------------------------


def test_the_rules_say_what_they_want_to_see() -> None:
    assert (AnyWrite().admits(False), AnyWrite().admits(True)) == (True, True)
    assert (SignedWrites().admits(False), SignedWrites().admits(True)) == (False, True)
    assert FirstHand().spacings == 0
    assert MessageCode.PING_ANS in VerifiedEntries.signed_codes


def test_an_entry_is_plausible_near_us_or_at_the_beginning_of_its_range() -> None:
    ids = make_ids(400, 61)
    plausible, others = 0, 0
    for me in ids[::20]:
        table = Chord(me)
        table.settle(ids)
        assert all(table.plausible_entry(node, 8.0) for node in table.table())
        far = [node for node in ids if node not in table.table() and node != me]
        plausible += sum(table.plausible_entry(node, 8.0) for node in far)
        others += len(far)
    assert 0 < plausible < others / 4, "most others would be no first peers of their ranges"
