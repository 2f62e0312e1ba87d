"""Who writes into others' routing tables (draft 5.2, 7.2.8): RM-1, by a false answer; RM-2, in others' names."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from lab.scenarios.base import Stage, declare
from lab.text import Word
from p2psip_min import procedures
from p2psip_min.attacks.tables import FakeTable, ForgedWrites
from p2psip_min.ids import NodeID, ResourceID
from p2psip_min.overlay import Node
from p2psip_min.transport.link import Links
from p2psip_min.transport.network import Address
from p2psip_min.transport.plain import PlainLinks
from p2psip_min.transport.tls import TlsIdentity
from p2psip_min.transport.tls_links import TlsLinks

ASKS, WRITES, LOOKS, MEASURES = 2.0, 3.0, 12.0, 30.0
"""Virtual seconds of the story."""

FIRST_PORT = 7000

VICTIMS = 3


class TablesStage(Stage):
    """Mallory is any peer, and the nearest of her neighbors are her victims."""

    users: ClassVar[tuple[str, ...]] = ()

    def cast(self) -> None:
        """Draw mallory; choose what her victims look for."""
        overlay = self.overlay
        living = overlay.peers()
        self.mallory = living[int(overlay.rng("cast").random() * len(living))]
        self.people[self.mallory.node_id] = "mallory"
        self.victims = [overlay.node(each) for each in self.mallory.peer.topology.neighbors()[:VICTIMS]]
        # What each of them looks for lies right before its nearest neighbor but mallory: false entries do most there.
        me = self.mallory.node_id
        near = [next(one for one in each.peer.topology.neighbors() if one != me) for each in self.victims]
        self.keys = [ResourceID(NodeID.from_int(int.from_bytes(one, "big") - 1)) for one in near]
        self.subject = self.keys[0]
        self.resources = {key: f"{overlay.node(one).name}'s place" for key, one in zip(self.keys, near, strict=True)}
        self.ports = iter(range(FIRST_PORT, FIRST_PORT + 1000))

    def attackers(self) -> tuple[Node, ...]:
        """Mallory."""
        return (self.mallory,)

    def ends(self, name: NodeID) -> tuple[Links, Address]:
        """Links on another port of mallory's machine, under any name, and with her own certificate."""
        overlay, own = self.overlay, self.mallory.peer.parts.identity
        address = (self.mallory.address[0], next(self.ports))
        if not overlay.defences.link_protection.tls:
            return PlainLinks(overlay.network, address, name), address
        identity = TlsIdentity(roots=overlay.provider.roots_pem, certificate=own.certificate_pem(), key=own.key_pem())
        return TlsLinks(overlay.network, address, name, identity=identity, check=lambda *_: None), address

    async def lookups(self) -> None:
        """The victims look for something, by their tables."""
        pairs = zip(self.victims, self.keys, strict=True)
        await asyncio.gather(*(self.perform("lookup", procedures.ping(each.peer, key)) for each, key in pairs))

    def entries(self) -> list[NodeID]:
        """The victims' neighbor tables."""
        return [node for each in self.victims for node in each.peer.topology.neighbors()]

    def invented(self) -> int:
        """How many of the victims' neighbors do not exist."""
        return sum(node not in self.overlay.nodes for node in self.entries())

    def found(self) -> str:
        """How many lookups were answered."""
        lookups = [operation for operation in self.operations if operation.name == "lookup"]
        return f"{sum(each.ok for each in lookups)} of {len(lookups)}"


class FakeTableStage(TablesStage):
    """Three peers ask mallory for her table."""

    def attack(self) -> None:
        """Mallory begins to lie."""
        self.overlay.turn(self.mallory.name, FakeTable(self.ends).equip, "answers with a false table")

    async def story(self) -> None:
        """Tables are asked for, and used."""
        mallory = self.mallory.node_id
        await self.until(ASKS)
        asking = [self.perform("table", procedures.ask_for_table(each.peer, mallory)) for each in self.victims]
        await asyncio.gather(*asking)
        await self.until(LOOKS)
        await self.lookups()
        await self.until(MEASURES)

    def figure(self) -> float:
        """The share of the victims' neighbors that do not exist."""
        return round(self.invented() / max(1, len(self.entries())), 6)

    def facts(self) -> tuple[str, ...]:
        """How many entries are false, and how the lookups went."""
        return f"{self.invented()} of {len(self.entries())}", self.found()


class ForgedWritesStage(TablesStage):
    """Mallory writes to all her neighbors in others' names."""

    mid_story: ClassVar[bool] = True

    def cast(self) -> None:
        """Nobody was written to yet."""
        super().cast()
        self.writes: ForgedWrites | None = None

    def attack(self) -> None:
        """Mallory begins to write."""
        self.writes = ForgedWrites(self.ends)
        self.overlay.turn(self.mallory.name, self.writes.equip, "writes in others' names")

    async def story(self) -> None:
        """Calm, the writes, and lookups by tables that were written to."""
        await self.until(WRITES)
        if self.setting.attack:
            self.attack()
        await self.until(LOOKS)
        await self.lookups()
        await self.until(MEASURES)

    def figure(self) -> float:
        """The share of the forged writes that were carried out."""
        return round(len(self.writes.taken) / len(self.writes.sent), 6) if self.writes and self.writes.sent else 0.0

    def facts(self) -> tuple[str, ...]:
        """How many writes were carried out, and how the lookups went."""
        done = f"{len(self.writes.taken)} of {len(self.writes.sent)}" if self.writes else "0 of 0"
        return done, self.found()


RM_1 = declare(
    "RM-1",
    title="A peer answers with a false table",
    attacker="a peer that its neighbors ask for its table",
    preset="none",
    defence=("verified-entries",),
    decoys=("tls",),
    claims=(("message-signature",), ("signed-updates",), ("tls", "link-auth")),
    metric="invented neighbors, of 1",
    unit="share of entries",
    span=(0.0, 1.0),
    whole=0,
    word=Word.FORGED,
    least_peers=4,
    numbers={},
    rows=("invented neighbors", "lookups answered"),
    notes={"baseline": "mallory tells her table", "attacked": "mallory names nodes that do not exist"},
    stage=FakeTableStage,
)

RM_2 = declare(
    "RM-2",
    title="A peer writes into others' tables",
    attacker="a peer that speaks in others' names",
    preset="none",
    defence=("signed-updates",),
    decoys=("periodic-refresh",),
    claims=(("message-signature",),),
    metric="forged writes carried out, of 1",
    unit="share of writes",
    span=(0.0, 1.0),
    whole=0,
    word=Word.FORGED,
    least_peers=4,
    numbers={},
    rows=("forged writes carried out", "lookups answered"),
    notes={"baseline": "everybody speaks for itself", "attacked": "mallory says good-bye in others' names"},
    stage=ForgedWritesStage,
)

SCENARIOS = (RM_1, RM_2)
