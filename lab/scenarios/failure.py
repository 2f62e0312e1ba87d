"""Data that should outlive its holders (draft 7.2.10): ST-17, many nodes fail at once."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from lab.scenarios.base import declare
from lab.scenarios.records import RecordsStage
from lab.text import Word
from p2psip_min import procedures
from p2psip_min.attacks.outage import MassFailure

STORES, FAILURE, READS = 2.0, 20.0, (720.0, 800.0, 880.0)
"""Virtual seconds of the story; an update interval lies between the failure and the first reads."""


class FailureStage(RecordsStage):
    """Owners publish; a share of the peers fails at once, responsible for all that is published; survivors read.

    That the central server goes down with them is a part of the threat, in every run: members have to do without it
    (Req. 1). With ``outage`` 0 it stays up.
    """

    mid_story: ClassVar[bool] = True

    def cast(self) -> None:
        """Draw who fails, and take records that lie in their ranges; owners live on, or not."""
        overlay = self.overlay
        living, dice = overlay.peers(), overlay.rng("failing")
        count = max(1, round(self.numbers["share"] * len(living)))
        self.failing = [living.pop(int(dice.random() * len(living))) for _ in range(count)]
        records = [each for each in self.possible() if overlay.root(each[2]) in self.failing]
        self.choose_records([each for each in records if each[0] not in self.failing], self.failing)

    def attack(self) -> None:
        """Stop them; nobody means it."""
        for node in self.failing:
            self.overlay.roles.faulty[node.node_id] = "loses its power"
        MassFailure.of(partial(procedures.crash, node.peer) for node in self.failing).strike()

    async def story(self) -> None:
        """PUT, the failure, a while in which the overlay can mend itself; GET by one survivor after the other."""
        await self.until(STORES)
        await self.publish(self.records)
        await self.until(FAILURE)
        if self.numbers["outage"]:
            self.overlay.operations.turn_off()
        if self.setting.attack:
            self.attack()
        for moment in READS:
            await self.until(moment)
            await self.search()

    async def search(self) -> None:
        """Have somebody else look for whatever was not found so far: only what nobody finds is lost."""
        dice = self.overlay.rng("searching")
        for each in self.records:
            if each.read is None:
                survivors = [node for node in self.overlay.peers() if node not in (each.reader, each.owner)]
                await self.perform("fetch", self.read(each))
                each.reader = survivors[int(dice.random() * len(survivors))]

    def figure(self) -> float:
        """The share of the records that nobody finds any more."""
        return self.share([each for each in self.records if each.read != each.version])

    def facts(self) -> tuple[str, ...]:
        """How many of the peers failed, beside what the reads found."""
        failed = sum(not node.alive for node in self.failing)
        return (*super().facts(), f"{failed} of {self.setting.peers}")


ST_17 = declare(
    "ST-17",
    title="Many peers fail at once, and the server",
    attacker="nobody: a power cut, a worm, an update",
    preset="none",
    defence=("replicas",),
    decoys=("central-backup",),
    claims=(("salted-places",), ("owner-audit",)),
    metric="records lost, of 1 that failed peers held",
    unit="share of records",
    span=(0.0, 1.0),
    whole=0,
    word=Word.LOST,
    least_peers=6,
    numbers={"share": 0.25, "outage": 1.0},
    rows=("records read", "honest PUTs accepted", "peers that failed"),
    notes={"baseline": "only the central server fails", "attacked": "a quarter of the peers fails as well"},
    stage=FailureStage,
)

SCENARIOS = (ST_17,)
