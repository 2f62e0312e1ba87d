"""What a bootstrap node may do to those who join through it (draft 11.3, 11.5): EN-3, it hands out wrong peers."""

from __future__ import annotations

from typing import ClassVar

from lab.scenarios.base import Stage, declare
from lab.text import Word
from p2psip_min import trace as events
from p2psip_min.attacks.bootstrap import WrongPeers
from p2psip_min.devices import Device
from p2psip_min.overlay import Node
from p2psip_min.wire.codes import MessageCode

RETURNERS = 4
LEAVE, COME_BACK = 2.0, 10.0
"""Virtual seconds of the story."""


class BootstrapStage(Stage):
    """Mallory has the first of the bootstrap nodes that the configuration names; others join through it."""

    mallory: Node

    def cast(self) -> None:
        """Who is there from the beginning, and who comes back."""
        overlay = self.overlay
        first, *_ = overlay.provider.configuration.bootstrap_nodes
        self.mallory = next(node for node in overlay.peers() if node.address == first)
        self.people[self.mallory.node_id] = "mallory"

    def attackers(self) -> tuple[Node, ...]:
        """Mallory."""
        return (self.mallory,)

    def some_peers(self, count: int) -> list[Node]:
        """Peers that are no bootstrap nodes, by the dice."""
        entrances = self.overlay.provider.configuration.bootstrap_nodes
        dice = self.overlay.rng("cast")
        others = [node for node in self.overlay.peers() if node.address not in entrances]
        return [others.pop(int(dice.random() * len(others))) for _ in range(count)]


class WrongPeersStage(BootstrapStage):
    """Four peers leave and come back through the bootstrap nodes; the first of these leads them to a wrong place."""

    users: ClassVar[tuple[str, ...]] = ()

    def cast(self) -> None:
        """Choose who comes back."""
        super().cast()
        self.returners = [Device.of(self.overlay, node) for node in self.some_peers(RETURNERS)]

    def attack(self) -> None:
        """Mallory begins to mislead."""
        self.overlay.turn(self.mallory.name, WrongPeers().equip, "hands out wrong peers")

    async def story(self) -> None:
        """All leave, then all come back, one after the other."""
        await self.until(LEAVE)
        for device in self.returners:
            await self.perform("leave", device.leave())
        await self.until(COME_BACK)
        for device in self.returners:
            await self.perform("join", device.join())

    def figure(self) -> float:
        """How many got in late or not at all."""
        return float(sum(not self._at_first(device) for device in self.returners))

    def _at_first(self, device: Device) -> bool:
        """Whether it is in, and the first peer that it asked to admit it did: a wrong one says no to that."""
        asked: set[int] = set()
        for event in self.trace.events[self.start :]:
            if event.node == device.node_id and event.t >= COME_BACK:
                if isinstance(event, events.NodeJoined):
                    return len(asked) == 1
                if isinstance(event, events.MessageSent) and event.code == MessageCode.JOIN_REQ:
                    asked.add(event.transaction_id)
        return False

    def facts(self) -> tuple[str, ...]:
        """How many are in, and what a join took them."""
        joins = [operation for operation in self.operations if operation.name == "join"]
        mean = sum(join.delay for join in joins) / max(1, len(joins))
        return f"{sum(join.ok for join in joins)} of {len(joins)}", f"{mean:.1f} s"


EN_3 = declare(
    "EN-3",
    title="A bootstrap node hands out wrong peers",
    attacker="the first bootstrap node of the configuration",
    preset="none",
    defence=("compared-bootstraps",),
    decoys=("retry",),
    claims=(("known-peers",),),
    metric="joins that fail or need another try, of 4",
    unit="joins",
    span=(0.0, 4.0),
    whole=4,
    word=Word.FAILED,
    least_peers=8,
    numbers={},
    rows=("peers that got back in", "mean time of a join"),
    notes={"baseline": "mallory leads everybody right", "attacked": "mallory leads those who join astray"},
    stage=WrongPeersStage,
)

SCENARIOS = (EN_3,)
"""The threats of this family."""
