"""What hostile holders do: they nod, forge, and answer with what once was true."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from p2psip_min import procedures
from p2psip_min.attacks.holders import OldAnswers, PoisonedRepair, RecordForgery, UpdateIgnored
from p2psip_min.defences import preset
from p2psip_min.errors import NotFound, RequestTimedOut, StoreReason
from p2psip_min.ids import ResourceID
from p2psip_min.overlay import Node, Overlay
from p2psip_min.seams import Equip
from p2psip_min.storage.redundancy import RootsWord, WriteQuorum
from p2psip_min.trace import RecordStored, StoreAcknowledged, StoreRejected, ValueRejected
from p2psip_min.wire.address import IpAddressPort
from p2psip_min.wire.codec import encode
from p2psip_min.wire.kinds import TURN_SERVICE, TurnServer
from tests.crafting import close_all, small, trace_of


@pytest.fixture(autouse=True)
def closing() -> Iterator[None]:
    """End the overlays of a test."""
    yield
    close_all()


def value(number: int) -> bytes:
    return encode(TurnServer(1, IpAddressPort("10.0.0.1", number)))


class Case:
    """An owner, the holders of its record, and a reader who is none of them."""

    def __init__(self, *defences: str, without: str = "", base: str = "none", peers: int = 24) -> None:
        chosen = preset(base).having(*defences)
        self.overlay: Overlay = small(peers, defences=chosen.without(without) if without else chosen)
        nodes = self.overlay.peers()
        for owner in nodes:
            place = self.overlay.place_of(owner.name, TURN_SERVICE)
            root = self.overlay.root(place)
            holders = [root.node_id, *root.peer.topology.replicas(place, 2)]
            if owner.node_id not in holders:
                break
        self.owner, self.place, self.root = owner, ResourceID(place), root
        self.replicas = [self.overlay.node(holder) for holder in holders[1:]]
        self.reader = next(node for node in nodes if node is not owner and node.node_id not in holders)

    def turn(self, equip: Equip, *nodes: Node) -> None:
        for node in nodes or (self.root,):
            self.overlay.make_hostile(node.name, equip)

    def put(self, number: int) -> None:
        self.overlay.put(self.owner.name, TURN_SERVICE, value(number))
        self.overlay.advance(2.0)

    def get(self) -> int:
        (found,) = self.overlay.run(procedures.fetch(self.reader.peer, self.place, TURN_SERVICE))
        server = found.stored.value.value
        return int.from_bytes(server[-2:], "big")


def test_who_ignores_updates_acknowledges_them_with_rising_counters_and_copies_nothing() -> None:
    case = Case("replicas")
    case.put(1000)
    case.turn(UpdateIgnored().equip)
    case.put(2000)
    acknowledged = [event.generation for event in trace_of(case.overlay).select(StoreAcknowledged)]
    assert acknowledged == [1, 2]
    assert case.get() == 1000
    assert not [event for event in trace_of(case.overlay).select(RecordStored) if event.value == value(2000)]


@pytest.mark.parametrize("names", [(), ("replicas",), ("read-quorum",), ("replicas", "read-quorum"), ("write-quorum",)])
def test_half_a_defence_leaves_readers_with_the_old_version(names: tuple[str, ...]) -> None:
    case = Case(*names)
    case.put(1000)
    case.turn(UpdateIgnored().equip)
    case.put(2000)
    assert case.get() == 1000


@pytest.mark.parametrize("names", [("write-quorum", "read-quorum"), ("salted-places",)])
@pytest.mark.parametrize("base", ["none", "reload"])
def test_who_ignores_updates_is_outvoted(names: tuple[str, ...], base: str) -> None:
    case = Case(*names, base=base)
    case.put(1000)
    case.turn(UpdateIgnored().equip)
    case.put(2000)
    assert case.get() == 2000


def test_a_store_does_not_count_when_too_few_holders_have_it() -> None:
    case = Case("write-quorum")
    case.put(1000)
    case.turn(UpdateIgnored().equip, case.root, *case.replicas)
    case.put(2000)  # three nods are three confirmations
    for replica in case.replicas:
        case.overlay.crash(replica.name)
    with pytest.raises(RequestTimedOut):
        case.put(3000)


def test_write_policies() -> None:
    assert (RootsWord().holders, RootsWord().needed) == (1, 1)
    assert (WriteQuorum(2).holders, WriteQuorum(2).needed) == (3, 2)
    assert [preset("none").having(*names).copies for names in ((), ("replicas",), ("write-quorum",))] == [0, 2, 2]


@pytest.mark.parametrize("preset_name", ["none", "reload", "hardened"])
def test_a_write_quorum_needs_no_more_holders_than_there_are(preset_name: str) -> None:
    for peers in (1, 2, 3):
        overlay = small(peers, defences=preset(preset_name).having("write-quorum"), clients=("alice",))
        overlay.register("alice")
        overlay.register("alice")


def test_an_honest_store_is_one_version_at_every_holder() -> None:
    for names in (("write-quorum",), ("write-quorum", "replicas"), ("write-quorum", "version-counter", "rising-time")):
        case = Case(*names)
        for number in (1000, 2000, 3000):
            case.put(number)
        held = [
            (record.stored.storage_time, record.stored.value.value)
            for holder in (case.root, *case.replicas)
            for record in holder.peer.store.records()
            if record.resource == case.place
        ]
        assert len(held) == 3
        assert len(set(held)) == 1


def test_a_forged_value_is_believed_unsigned_and_refused_signed() -> None:
    case = Case()
    case.put(1000)
    case.turn(RecordForgery().equip)
    assert case.get() == 1001
    case = Case("record-signature")
    case.put(1000)
    case.turn(RecordForgery().equip)
    with pytest.raises(NotFound):
        case.get()
    assert [event.reason for event in trace_of(case.overlay).select(ValueRejected)] == ["value's signature is wrong"]


def test_an_old_answer_is_the_owner_s_own_and_only_other_holders_or_a_memory_tell() -> None:
    for names, found in (
        ((), 1000),
        (("record-signature",), 1000),
        (("record-signature", "replicas"), 1000),
        (("record-signature", "replicas", "read-quorum"), 2000),
        (("record-signature", "salted-places"), 2000),
    ):
        case = Case(*names)
        case.turn(OldAnswers().equip)
        case.put(1000)
        case.put(2000)
        assert case.get() == found, names


def test_without_an_old_version_the_answer_is_forged() -> None:
    case = Case()
    case.turn(OldAnswers().equip)
    case.put(1000)
    assert case.get() == 1001


@pytest.mark.parametrize(
    ("names", "hostile", "found"),
    [
        (("replicas",), 1, 1000),
        (("replicas", "read-quorum"), 1, 1000),
        (("replicas", "record-signature", "read-quorum"), 1, 1000),
        (("replicas", "record-signature", "rising-time"), 1, 2000),
        (("replicas", "record-signature", "rising-time"), 2, 2000),
        (("replicas", "record-signature", "rising-time"), 3, 1000),
        (("replicas", "record-signature", "rising-time", "read-quorum"), 3, 1000),
        (("replicas", "record-signature", "rising-time", "salted-places"), 3, 2000),
    ],
)
def test_a_single_holder_poisons_repair_unless_times_rise_and_three_on_one_place_own_it(
    names: tuple[str, ...], hostile: int, found: int
) -> None:
    case = Case(*names)
    case.turn(PoisonedRepair(5.0).equip, *[*case.replicas, case.root][:hostile])
    case.put(1000)
    case.put(2000)
    case.overlay.advance(20.0)
    assert case.get() == found


def test_a_poisoned_copy_is_refused_as_too_old() -> None:
    case = Case("replicas", "record-signature", "rising-time")
    case.turn(PoisonedRepair(5.0).equip, case.replicas[0])
    case.put(1000)
    case.put(2000)
    case.overlay.advance(20.0)
    assert {event.reason for event in trace_of(case.overlay).select(StoreRejected)} == {StoreReason.DATA_TOO_OLD}
