"""An overlay without an attacker: alice registers, bob looks her up and calls."""

from __future__ import annotations

from typing import ClassVar

from lab.scenarios.base import Deed, Scenario, Stage
from lab.text import Word
from p2psip_min import procedures
from p2psip_min.ids import ResourceID
from p2psip_min.overlay import Node

REGISTERS, LOOKS, CALLS = 2.0, 6.0, 10.0
"""Virtual seconds of the story."""


class TourStage(Stage):
    """What the overlay is for."""

    deeds: ClassVar[tuple[Deed, ...]] = (
        Deed(name="lookup", label="Look alice up", help="bob, or the chosen node, asks who is responsible for her"),
        Deed(name="call", label="Bob calls alice", help="bob looks alice up and calls her"),
        *Stage.deeds,
    )

    def cast(self) -> None:
        """Alice owns the record that the story is about."""
        self.owner = "alice"
        resource = ResourceID.of(self.overlay.aor("alice"))
        self.subject, self.resources = resource, {resource: self.overlay.aor("alice")}

    async def story(self) -> None:
        """A PUT, a lookup, a GET with a call."""
        alice, bob = self.overlay.phone("alice"), self.overlay.phone("bob")
        await self.until(REGISTERS)
        await self.perform("register", alice.register())
        await self.until(LOOKS)
        await self.perform("lookup", procedures.ping(bob.peer, ResourceID(self.subject)))
        await self.until(CALLS)
        await self.perform("call", bob.call(self.overlay.aor("alice")))

    def figure(self) -> float:
        """The share of operations that failed."""
        return round(1 - self.honest(), 6)

    def do(self, name: str, node: Node | None) -> None:
        """Look up, call, or what every stage can."""
        who = node or self.overlay.node("bob")
        if name == "lookup":
            who.peer.spawn(self.perform("lookup", procedures.ping(who.peer, ResourceID(self.subject))), "lookup")
        elif name == "call":
            bob = self.overlay.phone("bob")
            bob.peer.spawn(self.perform("call", bob.call(self.overlay.aor("alice"))), "call")
        else:
            super().do(name, node)


TOUR = Scenario(
    id="",
    title="Overlay in a box",
    section="draft 3",
    attacker="nobody",
    bases=("trusted", "untrusted"),
    routing=("recursive", "iterative"),
    preset="reload",
    defence=(),
    decoys=(),
    metric="operations that fail, of 1",
    unit="share of operations",
    span=(0.0, 1.0),
    whole=0,
    word=Word.FAILED,
    least_peers=1,
    numbers={},
    rows=(),
    notes={},
    stage=TourStage,
)
