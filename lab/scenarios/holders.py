"""What those who hold records may do (draft 5.3, 7.2.10, 11.5): ST-11 to ST-15."""

from __future__ import annotations

from typing import Any, ClassVar

from lab.scenarios.base import Deed, declare
from lab.scenarios.records import RECORDS, RecordsStage
from lab.text import Word
from p2psip_min.attacks.holders import OldAnswers, PoisonedRepair, RecordForgery, UpdateIgnored
from p2psip_min.attacks.storage import RecordDiscard
from p2psip_min.errors import LocalProtocolError
from p2psip_min.overlay import Node

STORES, TURNS, UPDATES, READS = 2.0, 15.0, 16.0, 30.0
"""Virtual seconds of the story."""


class RootStage(RecordsStage):
    """Mallory is responsible for others' records; they publish a first version, she may turn, a second one, a read."""

    mallory: Node

    def cast(self) -> None:
        """Choose a peer with enough records of others in its range."""
        overlay = self.overlay
        ranges: dict[str, list[Any]] = {node.name: [] for node in overlay.peers()}
        for owner, place, resource in self.possible():
            root = overlay.root(resource)
            if root is not owner:
                ranges[root.name].append((owner, place, resource))
        most = max(len(found) for found in ranges.values())
        fit = [node for node in overlay.peers() if len(ranges[node.name]) >= min(RECORDS, most)]
        self.mallory = fit[int(overlay.rng("cast").random() * len(fit))]
        self.people[self.mallory.node_id] = "mallory"
        self.choose_records(ranges[self.mallory.name], (self.mallory,))

    def attackers(self) -> tuple[Node, ...]:
        """Mallory."""
        return (self.mallory,)

    async def story(self) -> None:
        """PUT by every owner, perhaps the turn, PUT again by those who have something new, GET by others."""
        await self.until(STORES)
        await self.publish(self.first())
        await self.until(TURNS)
        if self.setting.attack and self.mid_story:
            self.attack()
        await self.until(UPDATES)
        await self.publish(self.second())
        await self.until(READS)
        await self.read_all()

    def first(self) -> list[Any]:
        """Whose records are there from the beginning."""
        return self.records

    def second(self) -> list[Any]:
        """Who publishes again."""
        return self.records


class IgnoredStage(RootStage):
    """Half of the records are updated after mallory turned, the other half are new then."""

    mid_story: ClassVar[bool] = True

    def attack(self) -> None:
        """Mallory nods at whatever comes."""
        self.overlay.turn(self.mallory.name, UpdateIgnored().equip, "ignores updates")

    def first(self) -> list[Any]:
        """Every other one."""
        return self.records[::2]

    def figure(self) -> float:
        """The share of reads that got an old version, or nothing."""
        return self.share([each for each in self.records if each.read != each.version])


class ForgedStage(RootStage):
    """Mallory changes what she hands out."""

    def attack(self) -> None:
        """Mallory begins to forge."""
        self.overlay.turn(self.mallory.name, RecordForgery().equip, "changes records")

    def figure(self) -> float:
        """The share of reads that took what no owner ever wrote."""
        return self.share([each for each in self.records if each.read == 0])


class DiscardStage(RootStage):
    """Mallory throws away what she holds, once it is there."""

    mid_story: ClassVar[bool] = True
    deeds: ClassVar[tuple[Deed, ...]] = (
        Deed(name="discard", label="Discard the records", help="the responsible peer turns bad now"),
        *RecordsStage.deeds,
    )
    turned = False

    def attack(self) -> None:
        """Mallory empties her store."""
        if not self.turned:
            self.turned = True
            self.overlay.turn(self.mallory.name, RecordDiscard().equip, "discards records")

    def second(self) -> list[Any]:
        """Nobody: what is there once shall stay."""
        return []

    def figure(self) -> float:
        """The share of the last reads that found nothing."""
        return self.share([each for each in self.records if each.read is None])

    def check_deed(self, name: str, node: Node | None) -> None:
        """Only the untrusted base has hostile peers."""
        super().check_deed(name, node)
        if name == "discard":
            if self.turned:
                raise LocalProtocolError(f"{self.mallory.name} has nothing left to discard")
            self.permit()

    def do(self, name: str, node: Node | None) -> None:
        """Discard, read, or what every stage can."""
        if name == "discard":
            self.attack()
        else:
            super().do(name, node)


class OldAnswersStage(RootStage):
    """All records but one have an old version, which mallory prefers to a forged one."""

    def attack(self) -> None:
        """Mallory begins to remember."""
        self.overlay.turn(self.mallory.name, OldAnswers().equip, "answers with old versions")

    def second(self) -> list[Any]:
        """All but one."""
        return self.records[1:]

    def figure(self) -> float:
        """The share of reads that took a version which is not the newest, or which no owner wrote."""
        return self.share([each for each in self.records if each.read not in (None, each.version)])


class ReplicasStage(RootStage):
    """Whoever could choose Node-IDs holds all copies of others' records, on consecutive places, or some of them."""

    def cast(self) -> None:
        """Choose three peers that hold the same records, and turn as many of them as is asked for, replicas first."""
        overlay = self.overlay
        sets: dict[tuple[str, ...], list[Any]] = {}
        for owner, place, resource in self.possible():
            root = overlay.root(resource)
            held_by = (root, *[overlay.node(node) for node in root.peer.topology.replicas(resource, 2)])
            if owner not in held_by:
                sets.setdefault(tuple(node.name for node in held_by), []).append((owner, place, resource))
        most = max(len(found) for found in sets.values())
        fit = sorted(names for names, found in sets.items() if len(found) >= min(RECORDS, most))
        names = fit[int(overlay.rng("cast").random() * len(fit))]
        root, *replicas = [overlay.node(name) for name in names]
        self.coalition = [*replicas, root][: int(self.numbers["hostile"])]
        self.people = {node.node_id: f"mallory {number}" for number, node in enumerate(self.coalition, 1)}
        self.choose_records(sets[names], (root, *replicas))

    def attackers(self) -> tuple[Node, ...]:
        """The coalition."""
        return tuple(self.coalition)

    def attack(self) -> None:
        """All of them begin to remember, and to bring what they remember."""
        for node in self.coalition:
            self.overlay.turn(node.name, PoisonedRepair(10.0).equip, "holds and brings old versions")

    def figure(self) -> float:
        """The share of reads that took a version which is not the newest, or which no owner wrote."""
        return self.share([each for each in self.records if each.read not in (None, each.version)])


ROWS = ("reads of the newest version", "honest PUTs accepted")
ROOT = "the peer that is responsible for the records"

ST_11 = declare(
    "ST-11",
    title="A responsible peer ignores updates",
    attacker=ROOT,
    preset="none",
    defence=("write-quorum", "read-quorum"),
    decoys=("replicas",),
    claims=(("salted-places",),),
    metric="stale or missing reads, of 1",
    unit="share of reads",
    span=(0.0, 1.0),
    whole=0,
    word=Word.STALE,
    least_peers=6,
    numbers={},
    rows=ROWS,
    notes={"baseline": "mallory stores what she acknowledges", "attacked": "mallory acknowledges and stores nothing"},
    stage=IgnoredStage,
)

ST_12 = declare(
    "ST-12",
    title="A responsible peer changes records",
    attacker=ROOT,
    preset="none",
    defence=("record-signature",),
    decoys=("replicas",),
    metric="altered values believed, of 1",
    unit="share of reads",
    span=(0.0, 1.0),
    whole=0,
    word=Word.FORGED,
    least_peers=4,
    numbers={},
    rows=ROWS,
    notes={"baseline": "mallory hands out what she holds", "attacked": "mallory changes what she hands out"},
    stage=ForgedStage,
)

ST_13 = declare(
    "ST-13",
    title="A responsible peer discards records",
    attacker=ROOT,
    preset="none",
    defence=("replicas", "read-quorum"),
    decoys=("record-signature",),
    claims=(("salted-places",),),
    metric="reads that find nothing, of 1",
    unit="share of reads",
    span=(0.0, 1.0),
    whole=0,
    word=Word.LOST,
    least_peers=4,
    numbers={},
    rows=("records that can be read", "honest PUTs accepted"),
    notes={"baseline": "mallory keeps what she should", "attacked": "mallory empties her store"},
    stage=DiscardStage,
)

ST_14 = declare(
    "ST-14",
    title="A responsible peer answers with old versions",
    attacker=ROOT,
    preset="none",
    defence=("record-signature", "replicas", "read-quorum"),
    decoys=("record-signature",),
    claims=(("record-signature", "salted-places"), ("record-signature", "rising-time", "replicas", "read-quorum")),
    metric="wrong or stale answers believed, of 1",
    unit="share of reads",
    span=(0.0, 1.0),
    whole=0,
    word=Word.STALE,
    least_peers=4,
    numbers={},
    rows=ROWS,
    notes={"baseline": "mallory answers truly", "attacked": "mallory answers with the first version that she had"},
    stage=OldAnswersStage,
)

ST_15 = declare(
    "ST-15",
    title="Holders of copies answer falsely and poison repair",
    attacker="all three holders of the records, on consecutive places",
    preset="draft",
    defence=("rising-time", "salted-places"),
    decoys=("read-quorum",),
    metric="wrong or stale answers believed, of 1",
    unit="share of reads",
    span=(0.0, 1.0),
    whole=0,
    word=Word.STALE,
    least_peers=6,
    numbers={"hostile": 3.0, "records": 5.0},
    rows=ROWS,
    notes={"baseline": "all holders are honest", "attacked": "the holders agree on the first version"},
    stage=ReplicasStage,
)

SCENARIOS = (ST_11, ST_12, ST_13, ST_14, ST_15)
