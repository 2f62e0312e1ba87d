"""What outlives its holders: replicas, salted places, an owner who looks after his records; and a central backup."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab.scenarios import run, scenario, setting
from p2psip_min import procedures
from p2psip_min.defences import preset
from p2psip_min.enrollment.archive import FIND, KEEP, Archive, pack, place, unpack
from p2psip_min.errors import Malformed, NotFound, RemoteFault
from p2psip_min.ids import ResourceID
from p2psip_min.overlay import Node, Overlay
from p2psip_min.storage.redundancy import CentralBackup, NoAudit, NoBackup, OwnerAudit
from p2psip_min.trace import RecordMissed
from p2psip_min.wire.address import IpAddressPort
from p2psip_min.wire.codec import encode
from p2psip_min.wire.data import SingleValue, StoredData, StoreKindData
from p2psip_min.wire.kinds import IANA_KINDS, TURN_SERVICE, TurnServer
from p2psip_min.wire.messages import StoreReq
from p2psip_min.wire.security import UNSIGNED
from tests.crafting import close_all, small, trace_of

PLACE = ResourceID(b"r" * 16)


@pytest.fixture(autouse=True)
def closing() -> Iterator[None]:
    """End the overlays of a test."""
    yield
    close_all()


def value(number: int) -> bytes:
    return encode(TurnServer(1, IpAddressPort("10.0.0.1", number)))


def entry(number: int, resource: ResourceID = PLACE) -> bytes:
    stored = StoredData(1, 60, SingleValue(True, value(number)), UNSIGNED)
    return pack(StoreReq(resource, 0, (StoreKindData(TURN_SERVICE, 0, (stored,)),)), b"certificate")


class Case:
    """An owner, the root of its record and somebody who reads it."""

    def __init__(self, *defences: str, servers: int = 1, base: str = "none") -> None:
        self.overlay: Overlay = small(12, defences=preset(base).having(*defences), servers=servers)
        nodes = self.overlay.peers()
        self.owner: Node = next(
            node for node in nodes if self.overlay.root(self.overlay.place_of(node.name, TURN_SERVICE)) is not node
        )
        self.place = self.overlay.place_of(self.owner.name, TURN_SERVICE)
        self.root = self.overlay.root(self.place)
        self.reader = next(node for node in nodes if node not in (self.owner, self.root))
        self.overlay.put(self.owner.name, TURN_SERVICE, value(1000))

    def get(self) -> bytes:
        (found,) = self.overlay.run(procedures.fetch(self.reader.peer, self.place, TURN_SERVICE))
        return found.stored.value.value

    def lose(self) -> None:
        self.overlay.driver.call(lambda: self.root.peer.store.drop(self.place, self.overlay.now))


# --- the owner's audit ------------------------------------------------------------------------------------------------


def test_an_audit_finds_what_is_missing_and_stores_it_again() -> None:
    case = Case("owner-audit")
    case.overlay.advance(700.0)
    assert not list(trace_of(case.overlay).select(RecordMissed))
    case.lose()
    case.overlay.advance(400.0)
    (missed,) = trace_of(case.overlay).select(RecordMissed)
    assert (missed.node, missed.resource) == (case.owner.node_id, case.place)
    assert case.get() == value(1000)


def test_an_audit_ends_with_the_record_s_lifetime_and_brings_nothing_removed_back() -> None:
    case = Case("owner-audit")
    case.overlay.remove(case.owner.name, TURN_SERVICE)
    case.overlay.advance(400.0)
    with pytest.raises(NotFound):
        case.get()
    case.overlay.advance(4000.0)
    assert case.owner.peer.published == {}
    assert not list(trace_of(case.overlay).select(RecordMissed))


def test_without_an_audit_what_is_lost_stays_lost() -> None:
    case = Case()
    case.lose()
    case.overlay.advance(400.0)
    with pytest.raises(NotFound):
        case.get()
    assert case.owner.peer.published == {}


# --- the central backup -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("base", ["none", "reload"])
def test_a_backup_is_there_while_its_server_is(base: str) -> None:
    case = Case("central-backup", base=base)
    case.overlay.servers_on()
    case.overlay.put(case.owner.name, TURN_SERVICE, value(2000))
    for replica in case.overlay.peers():
        case.overlay.driver.call(lambda node=replica: node.peer.store.drop(case.place, case.overlay.now))
    assert case.get() == value(2000)
    case.overlay.servers_off()
    with pytest.raises(NotFound):
        case.get()


def test_where_there_is_no_server_nothing_is_kept_and_nobody_minds() -> None:
    case = Case("central-backup", servers=0)
    assert case.get() == value(1000)
    case.lose()
    with pytest.raises(NotFound):
        case.get()


def test_an_archive_keeps_the_last_of_each_place() -> None:
    archive = Archive(IANA_KINDS)
    assert archive.find(place(PLACE, TURN_SERVICE)) is None
    assert (archive.keep(entry(1)), archive.keep(entry(2))) == (b"kept", b"kept")
    assert archive.find(place(PLACE, TURN_SERVICE)) == entry(2)
    request, certificate = unpack(entry(2), IANA_KINDS)
    assert (request.resource, certificate) == (PLACE, b"certificate")


@pytest.mark.parametrize("cut", [0, 3, 4, 20])
def test_an_entry_that_is_none_is_malformed(cut: int) -> None:
    with pytest.raises(Malformed):
        Archive(IANA_KINDS).keep(entry(1)[:cut])


def test_the_pages_take_what_is_posted_and_say_no_to_the_rest() -> None:
    overlay = small(2, defences="none", servers=1)
    overlay.servers_on()
    errand = overlay.operations.errand(overlay.peers()[0].address)
    assert overlay.run(errand.bring(KEEP, entry(1))) == b"kept"
    assert overlay.run(errand.bring(FIND, place(PLACE, TURN_SERVICE))) == entry(1)
    with pytest.raises(RemoteFault, match="404"):
        overlay.run(errand.bring(FIND, b"nothing"))
    with pytest.raises(RemoteFault, match="405"):
        overlay.run(errand._get(KEEP))


def test_policies() -> None:
    assert (NoAudit().every, OwnerAudit(60.0).every) == (0.0, 60.0)
    assert (NoBackup().central, CentralBackup().central) == (False, True)


# --- ST-17 ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["replicas", "write-quorum", "salted-places", "owner-audit"])
def test_each_of_these_alone_brings_most_records_through_a_mass_failure(name: str) -> None:
    chosen = scenario("ST-17")
    figures = [run(chosen, setting(chosen, seed=seed).with_defences((name,))).figure for seed in (1, 2, 7)]
    assert sum(figures) / 3 <= 0.2


def test_a_backup_saves_what_failed_peers_held_while_its_server_is_up() -> None:
    chosen = scenario("ST-17")
    up, down = (setting(chosen, peers=12, numbers={"outage": outage}) for outage in (0.0, 1.0))
    found = [
        run(chosen, each.with_defences(names)).figure for each in (up, down) for names in ((), ("central-backup",))
    ]
    assert found == [1.0, 0.0, 1.0, 1.0]


@pytest.mark.parametrize("name", ["central-backup", "read-quorum", "record-signature", "reader-memory"])
def test_these_alone_bring_none_through(name: str) -> None:
    chosen = scenario("ST-17")
    assert run(chosen, setting(chosen).with_defences((name,))).figure == 1.0


def test_more_failures_lose_more() -> None:
    chosen = scenario("ST-17")
    shares = (0.1, 0.25, 0.6)
    lost = [
        sum(
            run(chosen, setting(chosen, seed=seed, numbers={"share": share}).with_defences(("replicas",))).figure
            for seed in (1, 2, 3)
        )
        for share in shares
    ]
    assert lost == sorted(lost)
    assert lost[-1] > lost[0]
