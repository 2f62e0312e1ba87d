"""What those may do who rightly belong to the overlay (draft 5.2, 11.3, 11.5): CR-3, four peers and four abuses."""

from __future__ import annotations

from typing import Any, ClassVar

from lab.scenarios.base import declare
from lab.scenarios.records import Published, RecordsStage
from lab.text import Word
from p2psip_min.attacks.holders import OldAnswers, RecordForgery, UpdateIgnored
from p2psip_min.attacks.storage import RecordDiscard
from p2psip_min.errors import LocalProtocolError
from p2psip_min.ids import ResourceID
from p2psip_min.overlay import Node

STORES, TURNS, UPDATES, READS = 2.0, 15.0, 16.0, 30.0
"""Virtual seconds of the story."""

EACH = 2
"""Records that each of the four is responsible for."""

Candidate = tuple[Node, int, ResourceID]


class InsidersStage(RecordsStage):
    """Four peers with valid identities each abuse what they are responsible for, in a way of their own."""

    acts: ClassVar[tuple[tuple[str, type[Any]], ...]] = (
        ("discards records", RecordDiscard),
        ("ignores updates", UpdateIgnored),
        ("changes records", RecordForgery),
        ("answers with old versions", OldAnswers),
    )
    mid_story: ClassVar[bool] = True

    def cast(self) -> None:
        """Find four peers that are responsible for others' records, and are not each other's replicas."""
        ranges: dict[str, list[Candidate]] = {}
        for owner, place, resource in self.possible():
            root = self.overlay.root(resource)
            if root is not owner:
                ranges.setdefault(root.name, []).append((owner, place, resource))
        self.cast_as: dict[str, Node] = {}
        chosen: list[Candidate] = []
        for name, found in ranges.items():
            if len(self.cast_as) == len(self.acts):
                break
            taken = [node.name for node in self.cast_as.values()]
            fit = [each for each in found if not {each[0].name, *self._holders(each[2])} & {*taken}][:EACH]
            clear = not any(name in (each[0].name, *self._holders(each[2])) for each in chosen)
            if len(fit) == EACH and clear:
                self.cast_as[self.acts[len(taken)][0]] = self.overlay.node(name)
                chosen += fit
        if len(self.cast_as) < len(self.acts):
            raise LocalProtocolError("no four peers have records of their own: take more peers or another seed")
        self.people = {node.node_id: act for act, node in self.cast_as.items()}
        self.numbers = {"records": len(chosen), **self.numbers}
        self.choose_records(chosen, tuple(self.cast_as.values()))

    def _holders(self, resource: ResourceID) -> list[str]:
        root = self.overlay.root(resource)
        replicas = root.peer.topology.replicas(resource, 2)
        return [root.name, *(self.overlay.node(replica).name for replica in replicas)]

    def attackers(self) -> tuple[Node, ...]:
        """The four."""
        return tuple(self.cast_as.values())

    def attack(self) -> None:
        """All four turn."""
        for act, kind in self.acts:
            self.overlay.turn(self.cast_as[act].name, kind().equip, act)

    async def story(self) -> None:
        """PUT by every owner, the turn, PUT again, GET by others."""
        await self.until(STORES)
        await self.publish(self.records)
        await self.until(TURNS)
        if self.setting.attack:
            self.attack()
        await self.until(UPDATES)
        await self.publish(self.records)
        await self.until(READS)
        await self.read_all()

    def spoilt(self) -> list[Published]:
        """The records of which the reader did not get the newest version."""
        return [each for each in self.records if each.read != each.version]

    def figure(self) -> float:
        """The share of the abuses that had their effect, counted by record."""
        return self.share(self.spoilt())

    def facts(self) -> tuple[str, ...]:
        """Whose abuse had an effect, by the peer that is responsible, and how many stores were acknowledged."""
        roots = [self.overlay.root(each.resource) for each in self.spoilt()]
        acts = sum(node in roots for node in self.cast_as.values())
        return f"{acts} of {len(self.acts)}", super().facts()[1]


CR_3 = declare(
    "CR-3",
    title="Insiders with valid identities",
    attacker="four peers that are responsible for others' records",
    preset="none",
    defence=("record-signature", "replicas", "write-quorum", "read-quorum"),
    decoys=("tls", "link-auth", "message-signature"),
    metric="abuses that have their effect, of 1",
    unit="share of abuses",
    span=(0.0, 1.0),
    whole=0,
    word=Word.LOST,
    least_peers=24,
    numbers={},
    rows=("peers whose abuse had an effect", "honest PUTs accepted"),
    notes={"baseline": "the four do what they should", "attacked": "they discard, ignore, change and hold back"},
    stage=InsidersStage,
)

SCENARIOS = (CR_3,)
