"""Attackers who enroll, join and leave as everybody may."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from lab.scenarios.person import digest_of
from p2psip_min.attacks.applicants import Enrolled, ManyIdentities
from p2psip_min.attacks.identity import Churn, JoinLeave, Placement, Recruiter, Whitewash
from p2psip_min.defences import Defences
from p2psip_min.devices import Device
from p2psip_min.enrollment.certificates import Credential
from p2psip_min.ids import NodeID, ResourceID, distance
from p2psip_min.overlay import Overlay
from p2psip_min.seams import Equip
from tests.crafting import close_all, small

TARGET = ResourceID.of("alice@overlay.example.org")


@pytest.fixture(autouse=True)
def closing() -> Iterator[None]:
    """End the overlays of a test."""
    yield
    close_all()


class Person:
    """Mallory in a small overlay: a client, an account, keys and machines."""

    def __init__(self, *names: str, keys: int = 20, equip: Equip | None = None) -> None:
        self.overlay = small(12, defences=Defences().having(*names), servers=1)
        self.overlay.add_client("mallory")
        provider = self.overlay.provider
        account, password = provider.open_account("mallory")
        self.many = ManyIdentities(
            visitors=[self.overlay.operations.errand(self.overlay.free_address()) for _ in range(4)],
            account=account,
            password=password,
            configuration=provider.configuration,
            keys=[provider.key(f"mallory {number}") for number in range(keys)],
        )
        self.equip = equip
        self.devices: list[Device] = []
        closer = self.overlay.peers()[0].peer.topology.closer
        self.recruiter = Recruiter(self.many, self.machine, closer, digest_of)

    def machine(self, got: Enrolled) -> Device:
        """A device for an identity."""
        configuration = self.many.configuration
        credential = Credential(
            node_ids=(got.node_id,), user="", certificate=got.certificate, private_key=got.key,
            chain=configuration.roots,
        )  # fmt: skip
        name = f"machine{len(self.devices)}"
        self.devices.append(Device.holding(self.overlay, name, configuration, credential, equip=self.equip))
        return self.devices[-1]

    def carry_out(self, plot: Any, seconds: float) -> Overlay:
        """Let it act for a while."""
        self.overlay.make_hostile("mallory", plot.equip)
        self.overlay.advance(seconds)
        return self.overlay


def inside(overlay: Overlay) -> set[NodeID]:
    """Who holds the target."""
    root = overlay.root(TARGET)
    return {root.node_id, *root.peer.topology.replicas(TARGET, 2)}


# --- recruiting -------------------------------------------------------------------------------------------------------


def test_a_wish_is_granted_where_wishes_are_heard() -> None:
    person = Person()
    machine = person.overlay.run(person.recruiter.recruit(NodeID(TARGET)))
    assert machine is not None
    assert machine.node_id == TARGET


def test_where_digests_of_keys_count_the_best_key_is_taken() -> None:
    person = Person("hashed-node-ids", keys=100)
    machine = person.overlay.run(person.recruiter.recruit(NodeID(TARGET)))
    assert machine is not None
    assert machine.node_id is not None
    drawn = Person("server-node-ids").overlay.peers()
    nearest = min(distance(TARGET, node.node_id) for node in drawn)
    assert distance(TARGET, machine.node_id) < nearest


def test_where_the_server_draws_neither_helps() -> None:
    person = Person("server-node-ids", keys=100)
    machine = person.overlay.run(person.recruiter.recruit(NodeID(TARGET)))
    assert machine is not None
    assert machine.node_id != TARGET
    assert machine.node_id == person.many.got[0].node_id


def test_without_identities_there_are_no_machines() -> None:
    person = Person("identity-cap", "strong-identity")
    assert person.overlay.run(person.recruiter.recruit(NodeID(TARGET))) is None
    assert person.devices == []


# --- what she does with them ------------------------------------------------------------------------------------------


def test_three_machines_own_a_place_that_can_be_chosen() -> None:
    person = Person()
    wishes = [NodeID.from_int(int.from_bytes(TARGET, "big") + step) for step in range(3)]
    plot = Placement(person.recruiter, wishes)
    overlay = person.carry_out(plot, 30.0)
    assert plot.done
    assert inside(overlay) == set(wishes)


def test_any_place_will_do_for_many() -> None:
    person = Person("server-node-ids")
    overlay = person.carry_out(Placement(person.recruiter, [None] * 6), 60.0)
    assert len(overlay.peers()) == 18


def watching(person: Person, tries: int) -> JoinLeave:
    """An attacker who looks where she is."""
    plot = JoinLeave(person.recruiter, TARGET, tries)
    person.equip = plot.watch
    return plot


def test_one_join_is_enough_where_places_can_be_chosen() -> None:
    person = Person()
    plot = watching(person, 10)
    overlay = person.carry_out(plot, 60.0)
    assert (plot.inside, plot.joins) == (True, 1)
    assert person.devices[0].node_id in inside(overlay)


def test_where_they_are_drawn_it_takes_more_and_then_she_stays() -> None:
    person = Person("server-node-ids", keys=60)
    plot = watching(person, 20)
    overlay = person.carry_out(plot, 300.0)
    assert plot.inside
    assert plot.joins == len(person.devices)
    assert [device.is_peer for device in person.devices] == [False] * (plot.joins - 1) + [True]
    assert person.devices[-1].node_id in inside(overlay)


def test_an_attacker_who_has_had_enough_stops() -> None:
    person = Person("server-node-ids", keys=60)
    plot = JoinLeave(person.recruiter, TARGET, tries=2, copies=-1)
    person.equip = plot.watch
    person.carry_out(plot, 60.0)
    assert (plot.done, plot.inside, plot.joins) == (True, False, 2)


@pytest.mark.parametrize(("names", "comings"), [((), 3), (("probation",), 1), (("identity-cap", "strong-identity"), 0)])
def test_washing_white_takes_an_identity_each_time(names: tuple[str, ...], comings: int) -> None:
    person = Person(*names)
    plot = Whitewash(person.recruiter, stay=10.0, until=45.0)
    person.carry_out(plot, 120.0)
    assert plot.done
    assert len(person.devices) == comings


def test_a_phone_comes_and_goes_as_often_as_it_is_told() -> None:
    person = Person()
    phone = Device(person.overlay, "phone")
    plot = Churn(phone, times=3, stay=1.0, away=2.0)
    person.carry_out(plot, 60.0)
    assert (plot.comings, plot.admitted, phone.is_peer) == (3, 3, False)


def test_an_agent_of_these_acts_beside_its_node_and_changes_none_of_its_parts() -> None:
    person = Person()
    makers: list[Callable[[], Any]] = [
        lambda: Placement(person.recruiter, []),
        lambda: JoinLeave(person.recruiter, TARGET, 1),
        lambda: Whitewash(person.recruiter, 1.0, 0.0),
    ]
    parts = person.overlay.node("mallory").peer.parts
    for make in makers:
        plot = make()
        after = plot.equip(parts, person.overlay.coalition)
        changed = [name for name in parts.__dataclass_fields__ if getattr(parts, name) is not getattr(after, name)]
        assert changed == ["agent"]
