"""Finding badly behaving nodes and getting rid of them (draft 7.2.12): DT-1, DT-2, DT-3."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, ClassVar

from lab.scenarios.base import CONVICTION, declare
from lab.scenarios.measures import Measure, detection, exclusion
from lab.scenarios.records import RECORDS, Published, RecordsStage
from lab.text import Word
from p2psip_min import procedures
from p2psip_min.attacks.framing import FalseReports
from p2psip_min.attacks.holders import OldAnswers, RecordForgery
from p2psip_min.attacks.malfunction import BitRot
from p2psip_min.enrollment.docket import REPORTS
from p2psip_min.ids import NodeID, ResourceID
from p2psip_min.overlay import Node
from p2psip_min.seams import Coalition
from p2psip_min.wire.kinds import TURN_SERVICE

SIGNED = ("message-signature", "record-signature", "replicas")
"""What is on in every column: without signatures nobody can tell who behaves badly."""


class ExclusionStage(RecordsStage):
    """Owners publish; some of the peers that hold their records go wrong; readers read on, round after round."""

    mid_story: ClassVar[bool] = True
    turned: ClassVar[float]
    """When they go wrong, in virtual seconds."""
    bad: list[Node]
    moments: list[tuple[float, int]]
    """When records were read, and how many of these reads were spoiled."""

    def choose_bad(self, count: int) -> None:
        """Draw the peers that go wrong, and take records that they are responsible for, of others and for others."""
        overlay, dice = self.overlay, self.overlay.rng("bad")
        ranges: dict[str, list[Any]] = {node.name: [] for node in overlay.peers()}
        for owner, place, resource in self.possible():
            ranges[overlay.root(resource).name].append((owner, place, resource))
        each = -(-int(self.numbers.get("records", RECORDS)) // count)
        pool, chosen = overlay.peers(), list[Any]()
        self.bad = []
        while pool and len(self.bad) < count:
            node = pool.pop(int(dice.random() * len(pool)))
            # None of them holds a copy of what another one is responsible for.
            mine = [one for one in ranges[node.name] if not self._held(one).intersection(self.bad)]
            if len(mine) > each and not any(node in self._held(one) for one in chosen):
                self.bad.append(node)
                chosen += mine[: each + 1]
        self.choose_records([one for one in chosen if one[0] not in self.bad], self.bad)
        self.spoiled = self.asked = 0
        self.moments = []

    def _held(self, record: tuple[Node, int, ResourceID]) -> set[Node]:
        """Who has copies of a record."""
        root = self.overlay.root(record[2])
        return {self.overlay.node(node) for node in root.peer.topology.replicas(record[2], 2)}

    async def rounds(self, moments: Sequence[float], records: Sequence[Published]) -> None:
        """Have these records read at each of these moments, and count the reads that did not get the newest version."""
        for moment in moments:
            await self.until(moment)
            await self.read_all(records)
            spoiled = sum(each.read != each.version for each in records)
            self.moments.append((moment, spoiled))
            self.spoiled += spoiled
            self.asked += len(records)

    def culprits(self) -> frozenset[bytes]:
        """Those who go wrong, on purpose or not."""
        return frozenset(node.node_id for node in self.bad) if self.setting.attack else frozenset()

    def measures(self) -> Iterator[Measure]:
        """Whom the sentences hit, how soon, what was spoiled before the last of those who should be hit was out."""
        if not self.has(*CONVICTION):
            return
        out, wanted = self.excluded(), self.culprits()
        yield from detection(out, wanted)
        yield from exclusion(out, wanted, self.turned)
        if wanted:
            last = max(out.get(node, math.inf) for node in wanted)
            yield "reads spoiled before exclusion", float(sum(count for t, count in self.moments if t <= last))

    def figure(self) -> float:
        """The share of all reads that were spoiled."""
        return round(self.spoiled / self.asked, 6) if self.asked else 0.0

    def facts(self) -> tuple[str, ...]:
        """How many of the bad were excluded, and after how long, and how many others."""
        out, names = self.excluded(), [node.node_id for node in self.bad]
        times = [t - self.turned for node, t in out.items() if node in names]
        others = sum(node not in names for node in out)
        after = f" after {max(times):.1f} s" if times else ""
        return f"{len(times)} of {len(names)}{after}", str(others)


VICTIMS = 2
"""Against how many honest peers mallory's voters vote; she knows nothing of them."""


class UnidentifiedStage(ExclusionStage):
    """Mallory's liars forge what they hold, and others of hers, who behave, have the votes."""

    STORES, TURNS, ROUNDS = 2.0, 15.0, tuple(20.0 + 15 * number for number in range(8))
    turned: ClassVar[float] = TURNS

    def cast(self) -> None:
        """The liars hold the records; the voters do nothing but vote."""
        self.choose_bad(int(self.numbers["liars"]))
        readers = [each.reader for each in self.records]
        rest = [node for node in self.overlay.peers() if node not in self.bad and node not in readers]
        dice = self.overlay.rng("voters")
        count = min(int(self.numbers["voters"]), len(rest))
        self.voters = [rest.pop(int(dice.random() * len(rest))) for _ in range(count)]
        dice = self.overlay.rng("victims")
        others = [node for node in self.overlay.peers() if node not in (*self.bad, *self.voters)]
        self.victims = [others.pop(int(dice.random() * len(others))) for _ in range(min(VICTIMS, len(others)))]
        self.people = {node.node_id: f"liar {number}" for number, node in enumerate(self.bad, 1)}

    def attackers(self) -> tuple[Node, ...]:
        """Liars and voters."""
        return (*self.bad, *self.voters)

    def attack(self) -> None:
        """The liars begin to lie, the voters to vote: for the liars, and against two whom the dice have chosen."""
        for node in self.bad:
            if self.numbers["old"]:
                self.overlay.turn(node.name, OldAnswers().equip, "answers with old versions")
            else:
                self.overlay.turn(node.name, RecordForgery().equip, "changes records")
        victims = tuple(node.node_id for node in self.victims)
        friends = tuple(node.node_id for node in self.bad)
        for node in self.voters:
            self.overlay.turn(node.name, _voice(self, node, victims, friends, words_only=True).equip, "votes for liars")

    async def story(self) -> None:
        """PUT, the turn, and eight rounds of GETs; with old versions another PUT, and owners who look after theirs."""
        await self.until(self.STORES)
        await self.publish(self.records)
        await self.until(self.TURNS)
        if self.setting.attack:
            self.attack()
        if not self.numbers["old"]:
            await self.rounds(self.ROUNDS, self.records)
            return
        await self.publish(self.records)
        for moment in self.ROUNDS:
            for each in self.records:
                own = procedures.fetch(each.owner.peer, each.resource, TURN_SERVICE)
                await self.perform("look after it", own)
            await self.rounds((moment,), self.records)


class MalfunctionStage(ExclusionStage):
    """Disks fail for a minute and are mended; then those whose disks failed want to read like everybody else."""

    STORES, BREAKS, ROUNDS = 2.0, 15.0, tuple(20.0 + 15 * number for number in range(4))
    MENDED, LATER = 75.0, tuple(200.0 + 30 * number for number in range(3))
    turned: ClassVar[float] = BREAKS

    def cast(self) -> None:
        """Few peers have bad disks; what their users read later lies elsewhere."""
        self.choose_bad(int(self.numbers["faulty"]))
        self.early = self.records
        elsewhere = [
            each
            for each in self.possible()
            if not {each[0], self.overlay.root(each[2]), *self._held(each)}.intersection(self.bad)
        ]
        self.choose_records(elsewhere, self.bad)
        self.late = self.records
        for number, each in enumerate(self.late):
            each.reader = self.bad[number % len(self.bad)]
        self.records = [*self.early, *self.late]
        self.resources = {each.resource: f"{each.owner.name}'s TURN server" for each in self.records}
        self.people = {node.node_id: f"faulty {number}" for number, node in enumerate(self.bad, 1)}
        self.faults = {node.name: BitRot() for node in self.bad}

    def attack(self) -> None:
        """The disks fail; nobody means it, so it happens on any base."""
        for node in self.bad:
            self.overlay.roles.faulty[node.node_id] = "has a failing disk"
            node.peer.equip(self.faults[node.name].equip(node.peer.parts, Coalition()))

    async def story(self) -> None:
        """PUT; the faults, and rounds of GETs; repair, a while, and rounds of GETs by those who were faulty."""
        await self.until(self.STORES)
        await self.publish(self.records)
        await self.until(self.BREAKS)
        if self.setting.attack:
            self.attack()
        await self.rounds(self.ROUNDS, self.early)
        await self.until(self.MENDED)
        for fault in self.faults.values():
            fault.mended = True
        await self.rounds(self.LATER, self.late)


class FramedStage(ExclusionStage):
    """A handful of mallory's peers accuse honest ones by all means; the accused go on publishing and reading."""

    STORES, TURNS, ROUNDS = 2.0, 5.0, (40.0, 50.0)
    turned: ClassVar[float] = TURNS

    def cast(self) -> None:
        """Draw who accuses, and whom; the records are the accused's."""
        overlay, dice = self.overlay, self.overlay.rng("framing")
        living = overlay.peers()
        self.bad = [living.pop(int(dice.random() * len(living))) for _ in range(int(self.numbers["accusers"]))]
        count = min(int(self.numbers["accused"]), len(living) - 1)
        self.accused = [living.pop(int(dice.random() * len(living))) for _ in range(count)]
        self.people = {node.node_id: f"accuser {number}" for number, node in enumerate(self.bad, 1)}
        self.choose_records([each for each in self.possible() if each[0] in self.accused], self.bad)
        self.spoiled = self.asked = 0
        self.moments = []

    def attackers(self) -> tuple[Node, ...]:
        """The accusers."""
        return tuple(self.bad)

    def attack(self) -> None:
        """Every one of them accuses all of the others' list."""
        targets = tuple(node.node_id for node in self.accused)
        for node in self.bad:
            self.overlay.turn(node.name, _voice(self, node, targets).equip, "accuses honest peers")

    async def story(self) -> None:
        """PUT, the accusations, GET."""
        await self.until(self.STORES)
        await self.publish(self.records)
        await self.until(self.TURNS)
        if self.setting.attack:
            self.attack()
        await self.rounds(self.ROUNDS, self.records)

    def figure(self) -> float:
        """The share of the accused that the server excluded."""
        out = self.excluded()
        return round(sum(node.node_id in out for node in self.accused) / len(self.accused), 6)

    def facts(self) -> tuple[str, ...]:
        """How many were excluded, and how many reads got what they should."""
        out = self.excluded()
        banned = sum(node.node_id in out for node in self.accused)
        return f"{banned} of {len(self.accused)}", f"{self.asked - self.spoiled} of {self.asked}"


def _voice(
    stage: ExclusionStage,
    node: Node,
    targets: Sequence[NodeID],
    friends: Sequence[NodeID] = (),
    *,
    words_only: bool = False,
) -> FalseReports:
    """What one of mallory's nodes has to say; it reaches the server as any node does."""
    overlay = stage.overlay

    bring = partial(overlay.operations.errand(node.address).bring, REPORTS)
    return FalseReports(bring, overlay.surroundings.overlay, targets, friends, words_only)


DT_1 = declare(
    "DT-1",
    title="A hostile node stays unidentified",
    attacker="two peers that change records, and six that vote for them",
    preset="none",
    ground=SIGNED,
    defence=("answer-receipts", "checkable-evidence"),
    decoys=("majority-vote",),
    claims=(("answer-receipts", "graduated-exclusion"),),
    metric="reads spoiled, of 1",
    unit="share of reads",
    span=(0.0, 1.0),
    whole=0,
    word=Word.FAILED,
    least_peers=12,
    numbers={"liars": 2.0, "voters": 6.0, "records": 6.0, "old": 0.0},
    rows=("hostile peers excluded", "other peers excluded"),
    notes={"baseline": "all holders are honest", "attacked": "two holders forge, and nobody says so"},
    stage=UnidentifiedStage,
)

DT_2 = declare(
    "DT-2",
    title="Faulty nodes do harm",
    attacker="nobody: a failing disk",
    preset="none",
    ground=SIGNED,
    defence=("answer-receipts", "graduated-exclusion"),
    decoys=("first-complaint",),
    claims=(("answer-receipts", "checkable-evidence"),),
    metric="reads spoiled, of 1",
    unit="share of reads",
    span=(0.0, 1.0),
    whole=0,
    word=Word.FAILED,
    least_peers=12,
    numbers={"faulty": 1.0, "records": 4.0},
    rows=("faulty peers excluded", "other peers excluded"),
    notes={"baseline": "no disk fails", "attacked": "a disk fails for a minute"},
    stage=MalfunctionStage,
)

DT_3 = declare(
    "DT-3",
    title="Honest nodes are framed",
    attacker="three peers that accuse four others",
    preset="none",
    ground=(*SIGNED, "first-complaint"),
    defence=("answer-receipts", "checkable-evidence"),
    decoys=("complaint-count", "majority-vote"),
    claims=(("answer-receipts", "graduated-exclusion"),),
    metric="accused peers excluded, of 1",
    unit="share of peers",
    span=(0.0, 1.0),
    whole=0,
    word=Word.FAILED,
    least_peers=12,
    numbers={"accusers": 3.0, "accused": 4.0, "records": 4.0},
    rows=("honest peers excluded", "reads of the newest version"),
    notes={"baseline": "nobody lies to the server", "attacked": "one complaint is enough"},
    stage=FramedStage,
)

SCENARIOS = (DT_1, DT_2, DT_3)
