"""What clients may do beyond what an owner has allowed them (draft 7.2.8, 7.2.11): ST-1, ST-5."""

from __future__ import annotations

from typing import Any, ClassVar

from lab.scenarios.base import declare
from lab.scenarios.clients import ATTACKS, READS, REGISTERS, REGISTERS_AGAIN, ClientStage
from lab.text import Word
from p2psip_min import procedures
from p2psip_min.attacks.delegates import GrantExceeded, Overstep
from p2psip_min.attacks.initiative import Initiative
from p2psip_min.attacks.reading import RestrictedRead
from p2psip_min.clock import milliseconds
from p2psip_min.overlay import Node
from p2psip_min.wire.codec import encode
from p2psip_min.wire.data import DictionaryEntry
from p2psip_min.wire.grants import Grant, Operations, grant_key
from p2psip_min.wire.kinds import GRANT, SIP_REGISTRATION, AccessPolicy, DataModel, KindSpec

PASSED_ON = "a grant for somebody else"
"""What mallory does for eve, who is to gain by it."""


class RestrictedStage(ClientStage):
    """Owners let one friend read where they are; mallory asks too."""

    def plan(self) -> Initiative:
        """Where each of them is."""
        return RestrictedRead(ATTACKS, self.places, SIP_REGISTRATION)

    async def story(self) -> None:
        """PUT for one reader, GET by him, PUT again."""
        for user in self.owners:
            self.overlay.allow(user, self.reader)
        await self.until(REGISTERS)
        await self.register_all()
        await self.until(READS)
        await self.read_all()
        await self.until(REGISTERS_AGAIN)
        await self.register_all()

    def figure(self) -> float:
        """How many of the owners' Node-IDs mallory has read in a registration."""
        got = self.assault.got if isinstance(self.assault, RestrictedRead) else {}
        found = [
            any(bytes(self.overlay.node(user).node_id) in value for value in got.get(self.place(user), ()))
            for user in self.owners
        ]
        return float(sum(found))

    def harmed_since(self) -> float | None:
        """Mallory reads when she asks."""
        return ATTACKS if self.figure() else None

    def facts(self) -> tuple[str, ...]:
        """How many names the friend could resolve, and how the honest PUTs fared."""
        return self.worked("resolve"), self.worked("register")


ST_1 = declare(
    "ST-1",
    title="A client reads restricted records",
    attacker="mallory, an enrolled client whom nobody has allowed to read",
    preset="none",
    defence=("readers-list",),
    decoys=("client-read-check",),
    claims=(("value-encryption",),),
    metric="restricted records read, of 3",
    unit="records",
    span=(0.0, 3.0),
    whole=3,
    word=Word.READ,
    least_peers=1,
    numbers={},
    rows=("names that the friend resolves", "honest PUTs accepted"),
    notes={"baseline": "mallory asks for nothing", "attacked": "mallory fetches with software of her own"},
    stage=RestrictedStage,
)


GREETING, BOOKINGS, DIARY = (
    KindSpec(kind, name, DataModel.DICTIONARY, AccessPolicy.USER_CHAIN_ACL, max_count=16, max_size=100)
    for kind, name in ((0xF0000041, "GREETING"), (0xF0000042, "BOOKINGS"), (0xF0000043, "DIARY"))
)
"""What alice lets others write to, and what not; Kinds for private use."""

OWNS, GRANTS, WRITES, LOOKS, OVERSTEPS, EXPIRES, LATE, REVOKES, LAST, ENDS = (
    5.0, 50.0, 110.0, 150.0, 170.0, 200.0, 230.0, 240.0, 280.0, 320.0,
)  # fmt: skip
"""Virtual seconds of the story of grants."""

LONG = 9000.0


class DelegateStage(ClientStage):
    """Alice lets carol and mallory write some of her record; mallory does more than that."""

    users: ClassVar[tuple[str, ...]] = ("alice", "carol", "dave", "mallory", "eve")
    owners: ClassVar[tuple[str, ...]] = ("alice",)
    mid_story: ClassVar[bool] = True
    accomplice: GrantExceeded | None = None
    key: procedures.Key | None = None

    def options(self) -> dict[str, Any]:
        """The overlay has Kinds that can be shared."""
        return {"kinds": (GREETING, BOOKINGS, DIARY)}

    def attackers(self) -> tuple[Node, ...]:
        """Mallory, and eve, to whom she passes on what she has."""
        return (self.mallory, self.overlay.node("eve"))

    def plan(self) -> Initiative:
        """What mallory may not: another Kind, alice's entry, a removal, passing on, and two writes too late."""
        own, hers = (bytes(self.overlay.node(user).node_id) for user in ("mallory", "alice"))
        given = Grant(self.overlay.aor("eve").encode(), GREETING.id, False, Operations.WRITE, milliseconds(LONG))
        passed_on = DictionaryEntry(grant_key(self.mallory.node_id, 0), True, encode(given))
        return GrantExceeded(
            OVERSTEPS,
            self.place("alice"),
            (
                Overstep("another Kind", OVERSTEPS, DIARY.id, DictionaryEntry(own, True, b"mine")),
                Overstep("the owner's entry", OVERSTEPS, GREETING.id, DictionaryEntry(hers, True, b"mine")),
                Overstep("a removal", OVERSTEPS, GREETING.id, DictionaryEntry(own, False, b"")),
                Overstep(PASSED_ON, OVERSTEPS, GRANT, passed_on),
                Overstep("after the end", LATE, GREETING.id, DictionaryEntry(own, True, b"still here")),
                Overstep("after revocation", LAST, BOOKINGS.id, DictionaryEntry(own, True, b"still here"), True),
            ),
            self.key,
        )

    def attack(self) -> None:
        """Mallory begins, and eve waits for what she gets."""
        super().attack()
        entry = DictionaryEntry(bytes(self.overlay.node("eve").node_id), True, b"eve's")
        step = Overstep("an accomplice", EXPIRES - 5, GREETING.id, entry)
        self.accomplice = GrantExceeded(EXPIRES - 5, self.place("alice"), (step,))
        self.overlay.turn("eve", self.accomplice.equip, "GrantExceeded")

    async def story(self) -> None:
        """Alice stores, grants and revokes; carol and mallory write what they may; dave reads."""
        alice, aor = self.overlay.node("alice").peer, self.overlay.aor
        await self.until(OWNS)
        for kind in (GREETING, BOOKINGS, DIARY):
            entry = DictionaryEntry(bytes(alice.node_id), True, b"alice's")
            await self.perform("store", procedures.store(alice, self.place("alice"), kind.id, (entry,)))
        await self.until(GRANTS)
        for number, (user, kind, until) in enumerate(
            (("carol", GREETING, LONG), ("mallory", GREETING, EXPIRES), ("mallory", BOOKINGS, LONG))
        ):
            await self.perform("grant", self._grant(user, kind.id, number, until))
        await self.until(WRITES)
        for user, kind in (("carol", GREETING), ("mallory", GREETING), ("mallory", BOOKINGS)):
            peer = self.overlay.node(user).peer
            writing = procedures.write_for(peer, aor("alice"), kind.id, f"{user}'s".encode(), key=self.key)
            await self.perform("delegate", writing)
        await self.until(LOOKS)
        reader = self.overlay.node(self.reader).peer
        await self.perform("fetch", procedures.fetch(reader, self.place("alice"), GREETING.id))
        await self.until(OVERSTEPS - 1)
        if self.setting.attack:
            self.attack()
        await self.until(REVOKES)
        await self.perform("revoke", procedures.revoke(alice, aor("alice"), 2))
        await self.until(ENDS)
        entry = DictionaryEntry(bytes(alice.node_id), True, b"alice's again")
        await self.perform("store", procedures.store(alice, self.place("alice"), GREETING.id, (entry,)))
        await self.perform("fetch", procedures.fetch(reader, self.place("alice"), GREETING.id))

    async def _grant(self, user: str, kind: int, number: int, until: float) -> None:
        alice, aor = self.overlay.node("alice").peer, self.overlay.aor
        key = await procedures.grant(alice, aor("alice"), aor(user), kind, number=number, until=until)
        self.key = self.key or key

    def _done(self) -> list[str]:
        plans = (self.assault, self.accomplice)
        return [name for each in plans if isinstance(each, GrantExceeded) for name in each.done if name != PASSED_ON]

    def figure(self) -> float:
        """How many things outside the grants were accepted."""
        return float(len(self._done()))

    def facts(self) -> tuple[str, ...]:
        """How alice's own writes fared, and those that she allowed."""
        return self.worked("store"), self.worked("delegate")


ST_5 = declare(
    "ST-5",
    title="A delegate exceeds his grant",
    attacker="mallory, whom alice lets write some of her record for a while",
    preset="none",
    defence=("signed-grants",),
    decoys=("shared-key",),
    metric="operations outside the grant accepted, of 6",
    unit="operations",
    span=(0.0, 6.0),
    whole=6,
    word=Word.EXCEEDED,
    least_peers=1,
    numbers={},
    rows=("alice's own writes accepted", "permitted writes accepted"),
    notes={"baseline": "mallory does what she may", "attacked": "mallory does what she may not, and eve with her"},
    stage=DelegateStage,
)

SCENARIOS = (ST_1, ST_5)
