"""Where calls end up (draft 11.2, third bullet): KB-12, a peer on the way points callers to its own phone."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from lab.scenarios.base import declare
from lab.scenarios.forwarding import OnTheWayStage
from lab.text import Word
from p2psip_min import trace as events
from p2psip_min.attacks.answering import FalseContact

REGISTERS, CALLS = 2.0, 10.0
"""Virtual seconds of the story."""


class FalseContactStage(OnTheWayStage):
    """Alice registers; four others, whose ways to her record pass mallory, call her."""

    users: ClassVar[tuple[str, ...]] = ("alice", "bob", "carol", "dave", "erin")

    def cast(self) -> None:
        """Give mallory a phone, and the callers peers behind her."""
        super().cast()
        self.phone = self.overlay.give_phone(self.mallory.name)
        self.callers = self.users[1:]
        for number, caller in enumerate(self.callers):
            self.overlay.attach_client(caller, self.homes[number % len(self.homes)].name)

    def attack(self) -> None:
        """Mallory begins to point to her phone."""
        self.overlay.turn(self.mallory.name, FalseContact().equip, "points callers to her phone")

    async def story(self) -> None:
        """A PUT, then the calls."""
        alice = self.overlay.aor("alice")
        await self.until(REGISTERS)
        await self.perform("register", self.overlay.phone("alice").register())
        await self.until(CALLS)
        await asyncio.gather(*(self.perform("call", self.overlay.phone(each).call(alice)) for each in self.callers))

    def figure(self) -> float:
        """The share of calls that mallory's phone was asked to take."""
        return round(len(self.phone.calls) / len(self.callers), 6)

    def harmed_since(self) -> float | None:
        """When the first call was set up with somebody else than alice."""
        alice = self.overlay.node("alice").node_id
        calls = self.trace.select(events.CallSetUp, since=self.start)
        return next((event.t for event in calls if event.remote != alice), None)

    def facts(self) -> tuple[str, ...]:
        """How many calls reached alice, and how many came about at all."""
        calls = [operation for operation in self.operations if operation.name == "call"]
        reached = len(self.overlay.phone("alice").calls)
        return f"{reached} of {len(calls)}", f"{sum(call.ok for call in calls)} of {len(calls)}"


KB_12 = declare(
    "KB-12",
    title="A peer on the way points callers elsewhere",
    attacker="a peer on the way of the callers' GETs",
    preset="none",
    defence=("record-signature", "access-control", "callee-auth"),
    decoys=("contact-syntax",),
    claims=(("callee-auth",), ("record-signature", "access-control")),
    metric="calls that reach the wrong device, of 1",
    unit="share of calls",
    span=(0.0, 1.0),
    whole=0,
    word=Word.FORGED,
    least_peers=6,
    numbers={},
    rows=("calls that reach alice", "calls set up"),
    notes={"baseline": "mallory passes GETs on", "attacked": "mallory answers with a contact of her own"},
    stage=FalseContactStage,
)

SCENARIOS = (KB_12,)
