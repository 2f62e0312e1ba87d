"""What can be done in another user's name (draft 7.2.5): ID-4, a client registers and calls as somebody else."""

from __future__ import annotations

from typing import ClassVar

from lab.scenarios.base import Deed, Stage, declare
from lab.text import Word
from p2psip_min import trace as events
from p2psip_min.attacks.stolen import StolenName
from p2psip_min.errors import NotFound
from p2psip_min.ids import ResourceID
from p2psip_min.overlay import Node
from p2psip_min.wire.codec import decode
from p2psip_min.wire.kinds import SipRegistration

REGISTERS, CALLS, STEALS, CHECKS = 2.0, 6.0, 12.0, 40.0
"""Virtual seconds of the story."""


class StolenNameStage(Stage):
    """Alice registers and calls her friends; mallory registers and calls them in alice's name."""

    users: ClassVar[tuple[str, ...]] = ("alice", "bob", "carol", "dave", "mallory")
    deeds: ClassVar[tuple[Deed, ...]] = ()

    def cast(self) -> None:
        """The friends are who is called."""
        overlay = self.overlay
        self.owner = "alice"
        self.subject = ResourceID.of(overlay.aor("alice"))
        self.resources = {self.subject: overlay.aor("alice")}
        self.friends = ("bob", "carol", "dave")
        self.stolen = StolenName(overlay.aor("alice"), [overlay.aor(friend) for friend in self.friends], STEALS)
        self.people[overlay.node("mallory").node_id] = "mallory"

    def attackers(self) -> tuple[Node, ...]:
        """Mallory, who is a client."""
        return (self.overlay.node("mallory"),)

    def attack(self) -> None:
        """Mallory waits for her moment."""
        self.overlay.turn("mallory", self.stolen.equip, "says that she is alice")

    async def story(self) -> None:
        """Everybody registers, alice calls her friends; later each of these looks her up."""
        overlay = self.overlay
        await self.until(REGISTERS)
        for user in ("alice", *self.friends):
            await self.perform("register", overlay.phone(user).register())
        await self.until(CALLS)
        for friend in self.friends:
            await self.perform("call", overlay.phone("alice").call(overlay.aor(friend)))
        await self.until(CHECKS)
        for friend in self.friends:
            await self.perform("resolve", self._resolve(friend))

    async def _resolve(self, friend: str) -> None:
        routes = await self.overlay.phone(friend).resolve(self.overlay.aor("alice"))
        if not any(self.overlay.node("alice").node_id in route for route in routes):
            raise NotFound("alice is not among those who are called alice")

    def believed(self) -> int:
        """How many of the friends took a record of mallory's for alice's."""
        mallory = self.overlay.node("mallory").node_id
        readers = {
            event.node
            for event in self.trace.select(events.ValueRead, since=self.start, resource=self.subject)
            if event.exists and mallory in decode(SipRegistration, event.value).destination_list
        }
        return len(readers)

    def figure(self) -> float:
        """Calls and records that were taken for alice's."""
        return float(len(self.stolen.taken) + self.believed())

    def harmed_since(self) -> float | None:
        """When mallory's first call was taken."""
        mallory = self.overlay.node("mallory").node_id
        calls = self.trace.select(events.CallSetUp, since=self.start, node=mallory)
        return next((event.t for event in calls), None)

    def facts(self) -> tuple[str, ...]:
        """Both, each by itself."""
        return f"{len(self.stolen.taken)} of 3", f"{self.believed()} of 3"


ID_4 = declare(
    "ID-4",
    title="A user says that she is another one",
    attacker="a client with an identity of its own",
    preset="none",
    defence=("access-control", "caller-auth"),
    decoys=("unique-names",),
    metric="calls and records taken for alice's, of 6",
    unit="calls and records",
    span=(0.0, 6.0),
    whole=6,
    word=Word.FORGED,
    least_peers=1,
    numbers={},
    rows=("calls taken for alice's", "friends who believe mallory's record"),
    notes={"baseline": "mallory is who she is", "attacked": "mallory registers and calls as alice"},
    stage=StolenNameStage,
)

SCENARIOS = (ID_4,)
