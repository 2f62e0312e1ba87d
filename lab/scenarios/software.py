"""Software errors, likelier to be found than cryptography to be broken (draft 11.4): CR-2, crafted messages.

The lenient parser has two errors that were planted for this story, and each message is made for one of them. What a
parser makes of any bytes at all is no story but a property, which tests look at.
"""

from __future__ import annotations

from typing import ClassVar

from lab.scenarios.base import Stage, declare
from lab.text import Word
from p2psip_min import trace as events
from p2psip_min.attacks.software import Crafted
from p2psip_min.ids import ResourceID, overlay_hash
from p2psip_min.overlay import Node

REGISTERS, SENDS, CALLS = 2.0, 5.0, 20.0
"""Virtual seconds of the story."""

CASES = 8


class CraftedStage(Stage):
    """Mallory, a client, sends eight peers a message each that no program makes; alice and bob go about their day."""

    users: ClassVar[tuple[str, ...]] = ("alice", "bob", "mallory")
    mid_story: ClassVar[bool] = True

    def cast(self) -> None:
        """Draw the eight from those who serve nobody in this story and hold neither record."""
        overlay = self.overlay
        self.owner = "alice"
        resource = ResourceID.of(overlay.aor("alice"))
        self.subject, self.resources = resource, {resource: overlay.aor("alice")}
        needed = {overlay.root(ResourceID.of(overlay.aor(user))).node_id for user in self.users}
        needed |= {peer for user in self.users for peer in overlay.node(user).peer.topology.table()}
        living, dice = overlay.peers(), overlay.rng("cast")
        pool = [node for node in living if node.node_id not in needed] or living
        self.targets = [pool.pop(int(dice.random() * len(pool))) for _ in range(min(CASES, len(pool)))]
        alice, sequence = overlay.node("alice").node_id, overlay.provider.configuration.sequence
        names = [target.node_id for target in self.targets]
        self.crafted = Crafted(alice, names, overlay_hash(overlay.name), sequence)
        self.people[overlay.node("mallory").node_id] = "mallory"

    def attackers(self) -> tuple[Node, ...]:
        """Mallory."""
        return (self.overlay.node("mallory"),)

    def attack(self) -> None:
        """Mallory begins to send."""
        self.overlay.turn("mallory", self.crafted.equip, "sends crafted messages")

    async def story(self) -> None:
        """Alice and bob register, mallory sends, bob calls alice."""
        alice, bob = self.overlay.phone("alice"), self.overlay.phone("bob")
        await self.until(REGISTERS)
        for phone in (alice, bob):
            await self.perform("register", phone.register())
        await self.until(SENDS)
        if self.setting.attack:
            self.attack()
        await self.until(CALLS)
        await self.perform("call", bob.call(self.overlay.aor("alice")))

    def crashed(self) -> list[float]:
        """When peers went down to whom a message was sent."""
        names = {target.node_id for target in self.targets}
        return [event.t for event in self.trace.select(events.NodeCrashed, since=self.start) if event.node in names]

    def passed(self) -> list[float]:
        """When messages were taken as alice's that she has not sent."""
        alice = self.overlay.node("alice").node_id
        sent = {event.transaction_id for event in self.trace.select(events.MessageSent, node=alice)}
        taken = self.trace.select(events.MessageDelivered, since=self.start, signer=alice)
        return [event.t for event in taken if event.code & 1 and event.transaction_id not in sent]

    def figure(self) -> float:
        """The share of the messages that crashed a peer or got past its check."""
        return round((len(self.crashed()) + len(self.passed())) / len(self.targets), 6)

    def harmed_since(self) -> float | None:
        """When the first one did."""
        return min((*self.crashed(), *self.passed()), default=None)

    def facts(self) -> tuple[str, ...]:
        """How many peers went down, and how many messages counted as alice's."""
        return str(len(self.crashed())), str(len(self.passed()))


CR_2 = declare(
    "CR-2",
    title="Messages that exploit software errors",
    attacker="a client that makes two kinds of message by hand, each for an error planted in the lenient parser",
    preset="draft",
    defence=("strict-parser",),
    decoys=("longer-keys",),
    metric="crafted messages that crash a peer or pass a check, of 1",
    unit="share of messages",
    span=(0.0, 1.0),
    whole=0,
    word=Word.FAILED,
    least_peers=6,
    numbers={},
    rows=("peers that went down", "messages that counted as alice's"),
    notes={"baseline": "mallory is quiet", "attacked": "mallory sends what no program makes"},
    stage=CraftedStage,
)

SCENARIOS = (CR_2,)
