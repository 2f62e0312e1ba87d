"""What clients may do to records by writing (draft 5.3, 7.2.8, 7.2.9): ST-2, ST-3, ST-4, ST-6, ST-10."""

from __future__ import annotations

from typing import Any, ClassVar

from lab.scenarios.base import declare
from lab.scenarios.clients import ATTACKS, READS, REGISTERS, REGISTERS_AGAIN, ClientStage
from lab.text import Word
from p2psip_min import procedures
from p2psip_min import trace as events
from p2psip_min.attacks.initiative import Initiative
from p2psip_min.attacks.writing import InvalidStore, Junk, RecordOverwrite, RecordPollution, RecordRemoval
from p2psip_min.ids import ResourceID
from p2psip_min.wire.address import IpAddressPort
from p2psip_min.wire.codec import encode
from p2psip_min.wire.data import ArrayEntry, DictionaryEntry, SingleValue
from p2psip_min.wire.kinds import (
    CERTIFICATE_BY_USER,
    SIP_REGISTRATION,
    TURN_SERVICE,
    AccessPolicy,
    DataModel,
    KindSpec,
    TurnServer,
)


class WritingStage(ClientStage):
    """Owners register, mallory writes, the reader reads, owners register again."""

    async def story(self) -> None:
        """PUT by all owners, GET of all, PUT again."""
        await self.until(REGISTERS)
        await self.register_all()
        await self.until(READS)
        await self.read_all()
        await self.until(REGISTERS_AGAIN)
        await self.register_all()


class OverwriteStage(WritingStage):
    """Mallory reads the owners' registrations and puts her own contact over theirs."""

    def plan(self) -> Initiative:
        """She leads the owners' callers to herself."""
        return RecordOverwrite(ATTACKS, self.places, SIP_REGISTRATION, self.contact(self.mallory))

    def figure(self) -> float:
        """How many of the owners' entries some holder replaced by mallory's value."""
        forged = self.contact(self.mallory)
        replaced = self.trace.select(events.RecordReplaced, since=self.start)
        return float(len({(event.resource, event.key) for event in replaced if event.value == forged}))

    def facts(self) -> tuple[str, ...]:
        """Whom the reader would call, and how the honest PUTs fared."""
        own = {self.contact_of(user) for user in self.owners}
        read = [event.contact for event in self.trace.select(events.Resolved, since=self.start)]
        return f"{sum(contact in own for contact in read)} of {len(self.owners)}", self.worked("register")

    def contact_of(self, user: str) -> str:
        """What an owner has registered."""
        done = self.trace.select(events.Registered, node=self.overlay.node(user).node_id)
        return next((event.contact for event in done), "")


ST_2 = declare(
    "ST-2",
    title="A client overwrites others' records",
    attacker="mallory, an enrolled client",
    preset="none",
    defence=("access-control",),
    decoys=("record-signature",),
    metric="foreign writes accepted, of 3",
    unit="records",
    span=(0.0, 3.0),
    whole=3,
    word=Word.FORGED,
    least_peers=1,
    numbers={},
    rows=("names that lead to their owners", "honest PUTs accepted"),
    notes={"baseline": "mallory writes nothing", "attacked": "mallory puts her contact over the owners'"},
    stage=OverwriteStage,
)


UNREGISTERS, WATCHES, COMES_BACK = 15.0, 22.0, 30.0
"""When two of the owners remove their registrations, mallory looks, and they register again."""


class RemovalStage(WritingStage):
    """Mallory removes what others have registered; two of them have removed it once themselves, and come back."""

    users: ClassVar[tuple[str, ...]] = ("alice", "bob", "carol", "dave", "erin", "mallory")
    owners: ClassVar[tuple[str, ...]] = ("alice", "bob", "carol", "dave")
    reader: ClassVar[str] = "erin"

    def plan(self) -> Initiative:
        """A tombstone for everybody's record, each one's own where she has seen it."""
        return RecordRemoval(ATTACKS, self.places, SIP_REGISTRATION, WATCHES)

    async def story(self) -> None:
        """PUT by all, DELETE and PUT by two, GET of all, PUT by all."""
        await self.until(REGISTERS)
        await self.register_all()
        leaving = [self.overlay.phone(user) for user in self.owners[2:]]
        await self.until(UNREGISTERS)
        await self.each("unregister", [phone.unregister() for phone in leaving])
        await self.until(COMES_BACK)
        await self.each("register", [phone.register() for phone in leaving])
        await self.until(READS)
        await self.read_all()
        await self.until(REGISTERS_AGAIN)
        await self.register_all()

    def figure(self) -> float:
        """How many of the owners' records were removed after everybody was back."""
        removed = self.trace.select(events.RecordRemoved, since=self.start)
        return float(len({event.resource for event in removed if event.t >= ATTACKS}))

    def facts(self) -> tuple[str, ...]:
        """How many names the reader found, and how honest removals fared."""
        return self.worked("resolve"), self.worked("unregister")


ST_3 = declare(
    "ST-3",
    title="A client removes others' records",
    attacker="mallory, an enrolled client",
    preset="none",
    defence=("signed-tombstone",),
    decoys=("log-in-removal",),
    metric="removals by others accepted, of 4",
    unit="records",
    span=(0.0, 4.0),
    whole=4,
    word=Word.LOST,
    least_peers=1,
    numbers={},
    rows=("names found", "honest removals accepted"),
    notes={"baseline": "mallory removes nothing", "attacked": "mallory stores tombstones, new ones and old ones"},
    stage=RemovalStage,
)


class PollutionStage(WritingStage):
    """Mallory adds false entries to the owners' registrations."""

    def plan(self) -> Initiative:
        """Three false contacts under each name."""
        return RecordPollution(ATTACKS, self.places, SIP_REGISTRATION, [self.contact(self.mallory)] * 3)

    def _results(self) -> list[bool]:
        """Whether each value that the reader took is the owner's own."""
        keys: dict[bytes, bytes] = {self.place(user): bytes(self.overlay.node(user).node_id) for user in self.owners}
        reader = self.overlay.node(self.reader).node_id
        read = self.trace.select(events.ValueRead, since=self.start, node=reader)
        return [event.key == keys[event.resource] for event in read if event.resource in keys]

    def figure(self) -> float:
        """The share of false ones among the values that the reader took as true."""
        results = self._results()
        return round(1 - sum(results) / len(results), 6) if results else 0.0

    def facts(self) -> tuple[str, ...]:
        """How many contacts were read, and how the honest PUTs fared."""
        results = self._results()
        return f"{sum(results)} true, {len(results) - sum(results)} false", self.worked("register")


ST_6 = declare(
    "ST-6",
    title="A client publishes false objects",
    attacker="mallory, an enrolled client",
    preset="none",
    defence=("access-control",),
    decoys=("record-signature",),
    metric="false values among those read, of 1",
    unit="share of values",
    span=(0.0, 1.0),
    whole=0,
    word=Word.FORGED,
    least_peers=1,
    numbers={},
    rows=("contacts read", "honest PUTs accepted"),
    notes={"baseline": "mallory writes nothing", "attacked": "mallory adds three contacts to each name"},
    stage=PollutionStage,
)

TURN_DIRECTORY = KindSpec(
    0xF0000021, "TURN-DIRECTORY", DataModel.DICTIONARY, AccessPolicy.NODE_ID_MATCH, max_count=32, max_size=100
)
"""One record for all TURN servers of an overlay, a part for each (draft 7.2.8); a Kind for private use."""


ALTERS, LOOKS = 120.0, 220.0
"""When mallory alters the others' parts, and when somebody reads the record."""


class SharedStage(ClientStage):
    """Four servers offer the same service under one name; one of them alters the others' parts."""

    def options(self) -> dict[str, Any]:
        """The overlay has a Kind for the shared record."""
        return {"kinds": (TURN_DIRECTORY,)}

    def cast(self) -> None:
        """The record is nobody's: its name is the service's."""
        super().cast()
        self.shared = ResourceID.of(self.overlay.aor("TURN"))
        self.subject, self.resources = self.shared, {self.shared: self.overlay.aor("TURN")}
        self.providers = (*self.owners, "mallory")

    def part(self, user: str) -> DictionaryEntry:
        """What a server writes about itself."""
        node = self.overlay.node(user)
        return DictionaryEntry(bytes(node.node_id), True, encode(TurnServer(1, IpAddressPort(node.address[0], 3478))))

    def plan(self) -> Initiative:
        """The others' parts shall lead to her."""
        return RecordOverwrite(ALTERS, (self.shared,), TURN_DIRECTORY.id, self.part("mallory").value)

    async def offer(self, users: tuple[str, ...]) -> None:
        """Servers write their parts, one after the other: each store names the version that it replaces."""
        for user in users:
            peer = self.overlay.node(user).peer
            await self.perform("store", procedures.store(peer, self.shared, TURN_DIRECTORY.id, (self.part(user),)))

    async def story(self) -> None:
        """PUT by all four, GET, PUT again."""
        await self.until(REGISTERS)
        await self.offer(self.providers)
        await self.until(LOOKS)
        reader = self.overlay.node(self.reader).peer
        await self.perform("fetch", procedures.fetch(reader, self.shared, TURN_DIRECTORY.id))
        await self.offer(self.owners)

    def figure(self) -> float:
        """How many of the others' parts some holder replaced by mallory's."""
        part = self.part("mallory")
        replaced = self.trace.select(events.RecordReplaced, since=self.start, resource=self.shared)
        return float(len({event.key for event in replaced if event.value == part.value and event.key != part.key}))

    def facts(self) -> tuple[str, ...]:
        """How many parts the reader finds as they should be, and how the honest PUTs fared."""
        right = {(self.part(user).key, self.part(user).value) for user in self.providers}
        read = self.trace.select(events.ValueRead, since=self.start, resource=self.shared)
        return f"{sum((event.key, event.value) in right for event in read)} of 4", self.worked("store")


ST_4 = declare(
    "ST-4",
    title="One of several owners alters another's part",
    attacker="mallory, who has a part in the record too",
    preset="none",
    defence=("own-part",),
    decoys=("one-list",),
    metric="writes to others' parts accepted, of 3",
    unit="parts",
    span=(0.0, 3.0),
    whole=3,
    word=Word.FORGED,
    least_peers=1,
    numbers={},
    rows=("parts that are right", "honest PUTs accepted"),
    notes={"baseline": "mallory writes her own part", "attacked": "mallory puts her part over the others'"},
    stage=SharedStage,
)

TOO_LONG = 4000
"""Bytes of a value that is longer than its Kind allows, and short enough for a message."""

CENTURY = 100 * 365 * 86_400


class InvalidStage(WritingStage):
    """Mallory stores under her own name what is malformed or invalid."""

    users: ClassVar[tuple[str, ...]] = ("alice", "bob", "carol", "dave", "mallory")

    def junk(self) -> tuple[Junk, ...]:
        """What no storing peer should take."""
        name = self.place("mallory")
        key = bytes(self.mallory.node_id)
        good = self.contact(self.mallory)
        server = ResourceID.of(key + b"\x01")

        def entry(value: bytes, exists: bool = True) -> DictionaryEntry:
            return DictionaryEntry(key, exists, value)

        return (
            Junk(name, SIP_REGISTRATION, entry(b"\xff" * 40)),
            Junk(name, SIP_REGISTRATION, entry(good[:-3])),
            Junk(name, SIP_REGISTRATION, entry(b"\x07" + good[1:])),
            Junk(name, SIP_REGISTRATION, entry(good + bytes(TOO_LONG))),
            Junk(name, SIP_REGISTRATION, entry(good), CENTURY),
            Junk(name, SIP_REGISTRATION, entry(good, exists=False), CENTURY),
            Junk(name, CERTIFICATE_BY_USER, ArrayEntry(0, True, b"no certificate")),
            Junk(server, TURN_SERVICE, SingleValue(True, b"no server")),
        )

    def plan(self) -> Initiative:
        """One after the other."""
        return InvalidStore(ATTACKS, self.junk())

    def figure(self) -> float:
        """How many of them were stored."""
        return float(self.accepted())

    def facts(self) -> tuple[str, ...]:
        """How many values of mallory's are held, and how the honest PUTs fared."""
        own = {self.place("mallory"), ResourceID.of(bytes(self.mallory.node_id) + b"\x01")}
        held = sum(record.resource in own for records in self.overlay.records().values() for record in records)
        return f"{held} values", self.worked("register")


ST_10 = declare(
    "ST-10",
    title="A client stores malformed and invalid data",
    attacker="mallory, an enrolled client, under her own name",
    preset="none",
    defence=("validation",),
    decoys=("reader-validation",),
    metric="invalid objects stored, of 8",
    unit="objects",
    span=(0.0, 8.0),
    whole=8,
    word=Word.INVALID,
    least_peers=1,
    numbers={},
    rows=("held of mallory's", "honest PUTs accepted"),
    notes={"baseline": "mallory stores nothing", "attacked": "mallory stores what is no value of its Kind"},
    stage=InvalidStage,
)

SCENARIOS = (ST_2, ST_3, ST_4, ST_6, ST_10)
