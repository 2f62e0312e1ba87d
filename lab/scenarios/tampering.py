"""What a peer on the way may do to what it passes on (draft 11.2): KB-8, it changes PUTs; KB-9, answers to GETs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from lab.scenarios.base import declare
from lab.scenarios.measures import Measure, suspicion
from lab.scenarios.records import RECORDS, Published, RecordsStage
from lab.text import Word
from p2psip_min import trace as events
from p2psip_min.attacks.tampering import GetTampering, PutTampering
from p2psip_min.errors import SuspicionReason
from p2psip_min.ids import ResourceID
from p2psip_min.overlay import Node

STORES, READS = 2.0, 15.0
"""Virtual seconds of the story."""

CONSIDERED = 200
"""Of how many possible records those are taken that have mallory on their way."""


class BehindStage(RecordsStage):
    """Mallory is the last peer on most ways: PUTs and GETs of eight records pass her, and she holds none of them."""

    mallory: Node

    def cast(self) -> None:
        """Find the busiest peer, the records that owners store through it, and readers who ask through it."""
        possible = self.possible()[:CONSIDERED]
        ways = [self._inside(owner, resource) for owner, _, resource in possible]
        passed = Counter(way[-1].name for way in ways if way)
        self.mallory = self.overlay.node(max(passed, key=lambda name: passed[name]))
        self.people[self.mallory.node_id] = "mallory"
        readers = self.overlay.peers()
        turn = int(self.overlay.rng("readers").random() * len(readers))
        readers = readers[turn:] + readers[:turn]
        self.records = []
        for (owner, place, resource), way in zip(possible, ways, strict=True):
            if len(self.records) == RECORDS:
                break
            if way and way[-1] is self.mallory and not self._holds(resource):
                for reader in readers:
                    if reader is not owner and self.mallory in self._inside(reader, resource):
                        self.records.append(Published(owner, place, resource, reader))
                        readers.remove(reader)
                        readers.append(reader)
                        break
        self.resources = {each.resource: f"{each.owner.name}'s TURN server" for each in self.records}
        self.subject = self.records[0].resource

    def _inside(self, start: Node, resource: ResourceID) -> list[Node]:
        return self.overlay.route(start.name, resource)[:-1]

    def _holds(self, resource: ResourceID) -> bool:
        return self.mallory.node_id in self.overlay.root(resource).peer.topology.replicas(resource, 2)

    def attackers(self) -> tuple[Node, ...]:
        """Mallory."""
        return (self.mallory,)

    async def story(self) -> None:
        """PUT by every owner, GET by every reader."""
        await self.until(STORES)
        await self.publish(self.records)
        await self.until(READS)
        await self.read_all()


class PutTamperingStage(BehindStage):
    """Mallory changes PUTs."""

    def attack(self) -> None:
        """Mallory begins to change what owners store."""
        self.overlay.turn(self.mallory.name, PutTampering().equip, "changes PUTs")

    def facts(self) -> tuple[str, ...]:
        """How the reads and PUTs went, and how often mallory and others were suspected of changing them."""
        named = self.trace.select(events.SuspectNamed, since=self.start, reason=SuspicionReason.MODIFIES)
        suspects = [event.suspect for event in named]
        right = suspects.count(self.mallory.node_id)
        return *super().facts(), f"{right} of mallory, {len(suspects) - right} of others"

    def figure(self) -> float:
        """The share of records of which the responsible peer stored what their owner did not send."""
        stored = self.trace.select(events.RecordStored, since=self.start, replica=0)
        values = {event.resource: event.value for event in stored}
        return self.share([each for each in self.records if values.get(each.resource, each.value(1)) != each.value(1)])

    def measures(self) -> Iterator[Measure]:
        """Whom those suspect of changing PUTs who find out who did it."""
        if self.has("hop-receipts"):
            named = self.trace.select(events.SuspectNamed, since=self.start, reason=SuspicionReason.MODIFIES)
            yield from suspicion([event.suspect for event in named], self.culprits())


class GetTamperingStage(BehindStage):
    """Mallory changes the answers to GETs."""

    def attack(self) -> None:
        """Mallory begins to change what readers get."""
        self.overlay.turn(self.mallory.name, GetTampering().equip, "changes answers")

    def figure(self) -> float:
        """The share of reads that took what no owner ever wrote."""
        return self.share([each for each in self.records if each.read == 0])


ROWS = ("reads of the owner's value", "PUTs acknowledged")
ON_THE_WAY = "a peer on the way of PUTs and GETs"

KB_8 = declare(
    "KB-8",
    title="A peer on the way changes PUTs",
    attacker=ON_THE_WAY,
    preset="none",
    defence=("message-signature", "access-control"),
    decoys=("tls",),
    claims=(("access-control",), ("message-signature", "access-control", "answer-receipts", "hop-receipts")),
    metric="records stored changed, of 1",
    unit="share of records",
    span=(0.0, 1.0),
    whole=0,
    word=Word.FORGED,
    least_peers=6,
    numbers={},
    rows=(*ROWS, "suspected of changing PUTs"),
    notes={"baseline": "mallory passes PUTs on as they are", "attacked": "mallory changes the PUTs that she passes on"},
    stage=PutTamperingStage,
)

KB_9 = declare(
    "KB-9",
    title="A peer on the way changes answers to GETs",
    attacker=ON_THE_WAY,
    preset="none",
    defence=("record-signature", "access-control"),
    decoys=("holder-signature", "message-signature"),
    metric="changed answers believed, of 1",
    unit="share of reads",
    span=(0.0, 1.0),
    whole=0,
    word=Word.FORGED,
    least_peers=6,
    numbers={},
    rows=ROWS,
    notes={
        "baseline": "mallory passes answers on as they are",
        "attacked": "mallory changes the answers she passes on",
    },
    stage=GetTamperingStage,
)

SCENARIOS = (KB_8, KB_9)
