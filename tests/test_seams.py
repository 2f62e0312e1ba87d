"""The seams: honest parts keep every clause, each attack breaks those that it names, an agent has but its view."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, ClassVar

import pytest

from p2psip_min import attacks
from p2psip_min.attacks.answering import FalseContact, FalseDenial, FalseRecord
from p2psip_min.attacks.bootstrap import Corner, FakeOverlay, WrongPeers
from p2psip_min.attacks.delegates import GrantExceeded, Overstep
from p2psip_min.attacks.discarding import AnswerDiscard, DeniedDiscard, QueryDiscard, RequestDiscard, SelectiveDiscard
from p2psip_min.attacks.eclipse import KeyEclipse
from p2psip_min.attacks.flooding import NameSquat, Spam, VictimsContact
from p2psip_min.attacks.forwarding import StoreReplay, WrongHop
from p2psip_min.attacks.framing import FalseReports
from p2psip_min.attacks.holders import OldAnswers, PoisonedRepair, RecordForgery, UpdateIgnored
from p2psip_min.attacks.identity import Churn, JoinLeave, Placement, Recruiter, Whitewash
from p2psip_min.attacks.initiative import Initiative
from p2psip_min.attacks.malfunction import BitRot
from p2psip_min.attacks.misleading import Capture, DeadReferral
from p2psip_min.attacks.pairing import Impostor
from p2psip_min.attacks.privacy import Curious, Harvest
from p2psip_min.attacks.reading import RestrictedRead
from p2psip_min.attacks.replay import StoreDelay
from p2psip_min.attacks.software import Crafted
from p2psip_min.attacks.stolen import StolenName
from p2psip_min.attacks.storage import RecordDiscard
from p2psip_min.attacks.tables import FakeTable, ForgedWrites
from p2psip_min.attacks.tampering import GetTampering, PutTampering
from p2psip_min.attacks.watching import Watcher
from p2psip_min.attacks.writing import InvalidStore, Junk, RecordOverwrite, RecordPollution, RecordRemoval
from p2psip_min.errors import (
    EnrollmentReason,
    EnrollmentRefused,
    JoinReason,
    JoinRefused,
    LocalProtocolError,
    TrustedBase,
)
from p2psip_min.ids import NodeID, ResourceID
from p2psip_min.seams import Coalition, NodeView, PeerParts
from p2psip_min.trace import MessageSent
from p2psip_min.view import View
from p2psip_min.wire.data import DictionaryEntry, SingleValue
from p2psip_min.wire.kinds import SIP_REGISTRATION, TURN_SERVICE
from p2psip_min.wire.messages import MessageCode, PingReq
from tests.crafting import Hand, close_all, small, trace_of
from tests.seam_suite import check_forwarding, check_store


@pytest.fixture(autouse=True)
def closing() -> Iterator[None]:
    """End the overlays of a test."""
    yield
    close_all()


def honest(parts: PeerParts, coalition: Coalition) -> PeerParts:
    """No attack."""
    return parts


SOMEWHERE = ResourceID.of("somewhere")
ENTRY = DictionaryEntry(b"key", True, b"x")


class Nowhere:
    """Links that lead to nobody."""

    def __getattr__(self, name: str) -> Any:
        return lambda *_: False


def nowhere(name: NodeID) -> Any:
    """Ends for an attacker who has a port, but no line."""
    return Nowhere(), ("10.9.9.9", 1)


class NoMachine:
    """A device that never gets in."""

    node_id: NodeID | None = None

    async def enroll(self) -> NodeID:
        raise EnrollmentRefused(EnrollmentReason.REVOKED)

    async def come(self) -> bool:
        raise JoinRefused(JoinReason.FORBIDDEN)

    async def leave(self) -> None:
        raise AssertionError("it is not in")

    def crash(self) -> None:
        raise AssertionError("it is not in")


def nobodys() -> Recruiter:
    """A person without keys, whom nothing can be given."""
    return Recruiter(NoIdentities(), lambda got: NoMachine(), lambda one, other, key: False, lambda key: SOMEWHERE)  # type: ignore[arg-type]


class NoIdentities:
    """Enrollment that is closed."""

    keys: ClassVar[list[Any]] = []
    got: ClassVar[list[Any]] = []

    async def once(self, *wanted: NodeID) -> bool:
        return False


async def unheard(report: bytes) -> None:
    """A server that nobody listens to."""


INSIDERS: dict[type, Callable[[], Any]] = {
    StoreReplay: lambda: StoreReplay(after=20.0),
    RecordDiscard: RecordDiscard,
    Curious: Curious,
    Watcher: Watcher,
    Harvest: lambda: Harvest([SOMEWHERE], [TURN_SERVICE]),
    Crafted: lambda: Crafted(NodeID(b"\x07" * 16), [NodeID(b"\x08" * 16)] * 2, 7, 1),
    Impostor: lambda: Impostor(NodeID(b"\x07" * 16), [((NodeID(b"\x08" * 16),), PingReq())]),
    KeyEclipse: lambda: KeyEclipse((SOMEWHERE,)),
    FalseReports: lambda: FalseReports(unheard, 0, ()),
    BitRot: BitRot,
    WrongPeers: WrongPeers,
    Corner: Corner,
    StolenName: lambda: StolenName("alice@example.org", ["bob@example.org"], at=10.0),
    Placement: lambda: Placement(nobodys(), [None]),
    JoinLeave: lambda: JoinLeave(nobodys(), SOMEWHERE, tries=3),
    Whitewash: lambda: Whitewash(nobodys(), stay=10.0, until=100.0),
    Churn: lambda: Churn(NoMachine(), times=3, stay=1.0, away=1.0),
    FakeOverlay: lambda: FakeOverlay(NodeID(b"x" * 16), ("10.100.0.1", 6084)),
    WrongHop: WrongHop,
    StoreDelay: lambda: StoreDelay(after=20.0),
    PutTampering: PutTampering,
    GetTampering: GetTampering,
    FalseRecord: lambda: FalseRecord(SingleValue(True, b"")),
    FalseDenial: FalseDenial,
    FalseContact: FalseContact,
    FakeTable: lambda: FakeTable(nowhere),
    ForgedWrites: lambda: ForgedWrites(nowhere),
    UpdateIgnored: UpdateIgnored,
    RecordForgery: RecordForgery,
    OldAnswers: OldAnswers,
    PoisonedRepair: lambda: PoisonedRepair(5.0),
    RequestDiscard: RequestDiscard,
    DeniedDiscard: DeniedDiscard,
    AnswerDiscard: AnswerDiscard,
    Initiative: lambda: Initiative(0.0),
    RecordOverwrite: lambda: RecordOverwrite(0.0, (SOMEWHERE,), SIP_REGISTRATION, b"x"),
    RecordPollution: lambda: RecordPollution(0.0, (SOMEWHERE,), SIP_REGISTRATION, (b"x", b"y")),
    RecordRemoval: lambda: RecordRemoval(0.0, (SOMEWHERE,), SIP_REGISTRATION, 0.0),
    GrantExceeded: lambda: GrantExceeded(0.0, SOMEWHERE, (Overstep("x", 0.0, SIP_REGISTRATION, ENTRY, True),)),
    RestrictedRead: lambda: RestrictedRead(0.0, (SOMEWHERE,), SIP_REGISTRATION),
    Spam: lambda: Spam(0.0, (SOMEWHERE,), TURN_SERVICE, b"x"),
    NameSquat: lambda: NameSquat(0.0, (SOMEWHERE,), SIP_REGISTRATION, b"x", 2),
    VictimsContact: lambda: VictimsContact(0.0, SOMEWHERE, SOMEWHERE, SIP_REGISTRATION),
    InvalidStore: lambda: InvalidStore(0.0, (Junk(SOMEWHERE, TURN_SERVICE, SingleValue(True, b"x")),)),
    QueryDiscard: QueryDiscard,
    SelectiveDiscard: lambda: SelectiveDiscard(bytes(16)),
    DeadReferral: DeadReferral,
    Capture: Capture,
}
"""How to make each attack from inside a node."""


def modules() -> Iterator[Any]:
    """The package of the attacks, module by module."""
    for found in pkgutil.iter_modules(attacks.__path__):
        yield importlib.import_module(f"{attacks.__name__}.{found.name}")


def test_every_insider_is_on_the_bench() -> None:
    found = {
        one
        for module in modules()
        for one in vars(module).values()
        if isinstance(one, type) and hasattr(one, "equip") and one.__module__ == module.__name__
    }
    assert found == set(INSIDERS)


def test_honest_parts_keep_every_clause() -> None:
    assert check_store(lambda: honest) == []
    assert check_forwarding(lambda: honest) == []


@pytest.mark.parametrize("attack", INSIDERS, ids=lambda attack: attack.__name__)
def test_an_attack_breaks_what_it_says_and_nothing_else(attack: type) -> None:
    make = INSIDERS[attack]
    broken = (*check_store(lambda: make().equip), *check_forwarding(lambda: make().equip))
    assert broken == attack.breaks  # type: ignore[attr-defined]


def test_an_identity_cannot_be_exchanged() -> None:
    overlay = small(2)
    one, other = overlay.peers()
    with pytest.raises(LocalProtocolError):
        overlay.turn(one.name, lambda parts, _: replace(parts, identity=other.peer.parts.identity))


def test_the_base_decides_who_can_be_hostile() -> None:
    trusted = small(2, base="trusted")
    trusted.add_client("alice")
    with pytest.raises(TrustedBase):
        trusted.make_hostile(trusted.peers()[0].name, RecordDiscard().equip)
    trusted.make_hostile("alice", honest)
    mixed = small(4, trusted=2)
    vouched = [node for node in mixed.peers() if node.node_id in mixed.roles.trusted]
    assert len(vouched) == 2
    for node in mixed.peers():
        if node in vouched:
            with pytest.raises(TrustedBase):
                mixed.make_hostile(node.name, RecordDiscard().equip)
        else:
            mixed.make_hostile(node.name, RecordDiscard().equip, "discard")
    assert len(mixed.coalition.members) == 2
    assert set(mixed.roles.hostile.values()) == {"discard"}


class Curious:
    """An agent that does all that its view allows."""

    def __init__(self) -> None:
        self.seen: list[Any] = []

    async def run(self, view: NodeView) -> None:
        self.seen.append(view.routing_table())
        self.seen.append(view.now())
        await view.sleep(1.5)
        self.seen.append(view.now())
        received = await view.request((view.routing_table()[0],), PingReq())
        self.seen.append(received.signer)
        self.seen.append(view.send(view.routing_table()[0], b"anything"))
        self.seen.append(view.send(view.node_id, b"nobody is linked with himself"))
        self.seen.append(view.rng.getrandbits(8) < 256)


def test_an_agent_sees_and_does_what_its_own_node_could() -> None:
    overlay = small(4)
    node = overlay.peers()[0]
    agent = Curious()
    overlay.make_hostile(node.name, lambda parts, _: replace(parts, agent=agent))
    overlay.advance(5)
    table = node.peer.topology.table()
    assert agent.seen == [table, 0.0, 1.5, table[0], True, False, True]


def test_an_agent_ends_with_its_node() -> None:
    overlay = small(2)
    agent = Curious()
    overlay.make_hostile(overlay.peers()[0].name, lambda parts, _: replace(parts, agent=agent))
    overlay.crash(overlay.peers()[0].name)
    overlay.advance(5)
    assert len(agent.seen) < 3
    assert not overlay.loop.pending_tasks


def test_a_view_shows_nothing_else() -> None:
    shown = {name for name in dir(View) if not name.startswith("_")}
    assert shown | {"node_id", "rng"} == {name for name in dir(NodeView) if not name.startswith("_")} | {
        "node_id",
        "rng",
    }


def test_a_view_routes_what_was_made_by_hand() -> None:
    overlay = small(8)
    node, *_, far = overlay.peers()
    data = Hand(overlay, node.name).message((ResourceID(far.node_id),), PingReq(), transaction_id=99)
    overlay.driver.call(lambda: View(node.peer).route(data))
    overlay.advance(2)
    assert any(trace_of(overlay).select(MessageSent, node=far.node_id, code=MessageCode.PING_ANS, transaction_id=99))
