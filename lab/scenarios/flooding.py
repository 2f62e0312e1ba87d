"""What clients may do with more than their share of records (draft 5.3, 7.2.10, 11.7): ST-7, ST-8, ST-9."""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

from lab.scenarios.base import declare
from lab.scenarios.clients import ATTACKS, READS, REGISTERS, REGISTERS_AGAIN, ClientStage
from lab.text import Word
from p2psip_min import procedures
from p2psip_min import trace as events
from p2psip_min.attacks.applicants import NamesTaken
from p2psip_min.attacks.flooding import NameSquat, Spam, VictimsContact
from p2psip_min.attacks.initiative import Initiative
from p2psip_min.devices import Device
from p2psip_min.ids import ResourceID
from p2psip_min.wire.data import DictionaryEntry
from p2psip_min.wire.kinds import IANA_KINDS, SIP_REGISTRATION, AccessPolicy, DataModel, KindSpec
from p2psip_min.wire.messages import MessageCode

ROUNDS = 2
"""Seconds for which everybody calls, once a second."""


class VictimStage(ClientStage):
    """Mallory's name is popular: everybody calls it. She has it lead to bob."""

    users: ClassVar[tuple[str, ...]] = (
        "alice", "bob", "mallory", "carol", "dave", "erin", "frank", "grace", "heidi",
    )  # fmt: skip
    owners: ClassVar[tuple[str, ...]] = ("bob",)
    callers: ClassVar[tuple[str, ...]] = users[3:]

    def plan(self) -> Initiative:
        """Her own name, and bob's contact."""
        return VictimsContact(ATTACKS, self.place("bob"), self.place("mallory"), SIP_REGISTRATION)

    async def story(self) -> None:
        """Bob registers, alice has her name lead to him, which he likes; mallory registers; everybody calls mallory."""
        overlay = self.overlay
        await self.until(REGISTERS)
        await self.register_all()
        overlay.phone("bob").agree_to(overlay.aor("alice"))
        await self.perform("forward", overlay.phone("alice").forward_to(overlay.aor("bob")))
        await self.until(ATTACKS)
        if not self.setting.attack:
            await self.perform("register", overlay.phone("mallory").register())
        await self.until(READS)
        calling = [self._calls(user, number) for user in self.callers for number in range(ROUNDS)]
        await self.each("call", calling)
        await self.until(READS + 30)
        await self.perform("call", overlay.phone("carol").call(overlay.aor("alice")))

    async def _calls(self, user: str, second: int) -> None:
        await asyncio.sleep(second)
        await self.overlay.phone(user).call(self.overlay.aor("mallory"))

    def figure(self) -> float:
        """How many connections a second bob was asked for while everybody called mallory."""
        asked = self.trace.select(
            events.MessageDelivered, since=self.start, node=self.overlay.node("bob").node_id,
            code=int(MessageCode.APP_ATTACH_REQ),
        )  # fmt: skip
        return round(sum(READS <= event.t < READS + 30 for event in asked) / ROUNDS, 6)

    def facts(self) -> tuple[str, ...]:
        """How the calls fared, and what of honest forwarding was accepted."""
        return self.worked("call"), self.worked("forward")


ST_7 = declare(
    "ST-7",
    title="A popular name leads to a victim",
    attacker="mallory, an enrolled client with a popular name",
    preset="none",
    defence=("contact-consent",),
    decoys=("record-signature", "access-control"),
    metric="connections a second at bob's phone, of 6",
    unit="connections/s",
    span=(0.0, 6.0),
    whole=0,
    word=Word.FLOODED,
    least_peers=1,
    numbers={},
    rows=("calls answered", "honest forwarding accepted"),
    notes={"baseline": "mallory registers her own phone", "attacked": "mallory registers bob's"},
    stage=VictimStage,
)

NOTICE = KindSpec(0xF0000022, "NOTICE", DataModel.DICTIONARY, AccessPolicy.NODE_ID_MATCH, max_count=8, max_size=100)
"""A short text under any name, a part for each node; a Kind for private use."""

OBJECTS = 192
NOTICES = 2


class SpamStage(ClientStage):
    """Users publish a few notices; mallory publishes very many."""

    def options(self) -> dict[str, Any]:
        """The overlay has a Kind that anybody may use under any name."""
        return {"kinds": (NOTICE,)}

    def plan(self) -> Initiative:
        """The same text under as many names as the numbers say."""
        names = [ResourceID.of(f"offer {number}") for number in range(int(self.numbers["objects"]))]
        return Spam(ATTACKS, names, NOTICE.id, b"buy")

    async def publish(self) -> None:
        """Every owner publishes his notices."""
        await self.each("store", [self._publish(user, n) for user in self.owners for n in range(NOTICES)])

    async def _publish(self, user: str, number: int) -> None:
        peer = self.overlay.node(user).peer
        place = ResourceID.of(f"notice {number} of {user}")
        await procedures.store(peer, place, NOTICE.id, (DictionaryEntry(bytes(peer.node_id), True, b"lost: a cat"),))

    async def story(self) -> None:
        """Notices, spam, notices again; registrations at both times."""
        for when in (REGISTERS, REGISTERS_AGAIN + 50.0):
            await self.until(when)
            await self.register_all()
            await self.publish()

    def figure(self) -> float:
        """How many of mallory's objects were accepted."""
        return float(self.assault.published) if isinstance(self.assault, Spam) else 0.0

    def facts(self) -> tuple[str, ...]:
        """How the load is spread, and how the honest PUTs fared."""
        held = [sum(record.kind == NOTICE.id for record in kept) for kept in self.overlay.records().values()]
        most, mean = max(held), sum(held) / len(held)
        stores = [operation.ok for operation in self.operations]
        return f"{mean:.1f} notices, {most} at most", f"{sum(stores)} of {len(stores)}"


ST_8 = declare(
    "ST-8",
    title="A client publishes very many objects",
    attacker="mallory, an enrolled client",
    preset="none",
    defence=("publication-account",),
    decoys=("peer-quota",),
    metric="spam objects accepted",
    unit="objects",
    span=(0.0, float(OBJECTS)),
    whole=0,
    word=Word.FLOODED,
    least_peers=1,
    numbers={"objects": float(OBJECTS)},
    rows=("held per peer", "honest PUTs accepted"),
    notes={"baseline": "mallory publishes nothing", "attacked": "mallory publishes one text under 192 names"},
    stage=SpamStage,
)


class SquatStage(ClientStage):
    """Mallory is there before those whose names are popular: in the overlay, and at the enrollment server."""

    users: ClassVar[tuple[str, ...]] = ("alice", "bob", "carol", "dave", "erin", "mallory")
    owners: ClassVar[tuple[str, ...]] = ("alice", "bob", "carol", "dave")
    reader: ClassVar[str] = "erin"
    newcomers: ClassVar[tuple[str, ...]] = ("frank", "grace", "heidi", "ivan")

    def cast(self) -> None:
        """Four have enrolled and not registered yet, four will enroll."""
        super().cast()
        overlay = self.overlay
        self.devices = [Device(overlay, user) for user in self.newcomers]
        self.names = NamesTaken(
            visitor=overlay.operations.errand(overlay.free_address()),
            password="mallory's",
            configuration=overlay.provider.configuration,
            names=[overlay.aor(user) for user in self.newcomers],
            keys=[overlay.provider.key(f"mallory {number}") for number in range(len(self.newcomers))],
        )

    def plan(self) -> Initiative:
        """As many entries under each name as the Kind allows."""
        most = IANA_KINDS[SIP_REGISTRATION].max_count
        return NameSquat(REGISTERS, self.places, SIP_REGISTRATION, self.contact(self.mallory), most)

    async def story(self) -> None:
        """The holders come when mallory is done; those who could register are called."""
        await self.until(REGISTERS)
        if self.setting.attack:
            await self.names.run()
        await self.until(REGISTERS_AGAIN)
        await self.each("enroll", [device.enroll() for device in self.devices])
        await self.register_all()
        await self.until(REGISTERS_AGAIN + 10)
        await self.read_all()

    def figure(self) -> float:
        """How many names their holders could not enroll under, or register."""
        return float(sum(not each.ok for each in self.operations if each.name in ("enroll", "register")))

    def facts(self) -> tuple[str, ...]:
        """How the holders fared at the enrollment server, and in the overlay."""
        return self.worked("enroll"), self.worked("register")


ST_9 = declare(
    "ST-9",
    title="A client takes all popular names",
    attacker="mallory, an enrolled client, before the names' holders",
    preset="none",
    defence=("access-control", "strong-identity"),
    decoys=("first-come",),
    claims=(("key-quota", "strong-identity"),),
    metric="names refused to their holders, of 8",
    unit="names",
    span=(0.0, 8.0),
    whole=8,
    word=Word.TAKEN,
    least_peers=1,
    numbers={},
    rows=("holders enrolled", "registrations by holders accepted"),
    notes={"baseline": "mallory takes no name", "attacked": "mallory enrolls under four names and fills four others"},
    stage=SquatStage,
)

SCENARIOS = (ST_7, ST_8, ST_9)
