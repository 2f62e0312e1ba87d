"""How a peer may lead requests astray (draft 11.5): KB-5 and KB-6, to its own kind; KB-7, to the dead."""

from __future__ import annotations

import asyncio
from functools import reduce
from typing import Any, ClassVar

from lab.scenarios.base import declare
from lab.scenarios.discarding import PATIENCE
from lab.scenarios.forwarding import READERS, OnTheWayStage
from lab.scenarios.ways import in_words
from lab.text import Word
from p2psip_min import procedures
from p2psip_min import trace as events
from p2psip_min.attacks.misleading import Capture, DeadReferral
from p2psip_min.errors import DropReason
from p2psip_min.ids import ResourceID
from p2psip_min.overlay import Node

LOOKS = 2.0
"""Virtual seconds of the story."""


class MisleadingStage(OnTheWayStage):
    """Peers behind mallory look for alice's record at once."""

    users: ClassVar[tuple[str, ...]] = ()

    async def story(self) -> None:
        """Lookups by those behind mallory."""
        await self.until(LOOKS)
        place = ResourceID(self.subject)
        await asyncio.gather(
            *(self.perform("lookup", procedures.ping(node.peer, place)) for node in self.homes[:READERS])
        )


class CaptureStage(MisleadingStage):
    """Mallory has a friend of whom she is the only one to speak, and the friend answers for alice's place."""

    def cast(self) -> None:
        """The friend is whom mallory knows with the best claim to the place: neither root nor replica."""
        super().cast()
        topology = self.mallory.peer.topology
        holders = {self.root.node_id, *self.root.peer.topology.replicas(self.subject, 2)}
        known = [node for node in topology.table() if node not in holders]
        best = reduce(lambda one, other: one if topology.closer(one, other, self.subject) else other, known)
        self.friend = self.overlay.node(best)
        self.homes = [node for node in self.homes if node is not self.friend]
        self.people[self.friend.node_id] = "her friend"

    def attackers(self) -> tuple[Node, ...]:
        """Mallory and her friend."""
        return self.mallory, self.friend

    def attack(self) -> None:
        """Both turn."""
        for node in self.attackers():
            self.overlay.turn(node.name, Capture().equip, "keeps requests in the family")

    def _responders(self) -> list[bytes]:
        return [event.responder for event in self.trace.select(events.LookupCompleted, since=self.start)]

    def figure(self) -> float:
        """The share of lookups that did not end at the responsible peer."""
        right = self._responders().count(self.root.node_id)
        return round(1 - right / max(1, len(self.operations)), 6)

    def facts(self) -> tuple[str, ...]:
        """Where the lookups ended, and how many hops their ways had in common."""
        found = self._responders()
        right = found.count(self.root.node_id)
        return str(right), str(len(found) - right), in_words(self.shared())


class DeadReferralStage(MisleadingStage):
    """Mallory names nodes that nobody is."""

    def attack(self) -> None:
        """Mallory invents next hops."""
        self.overlay.turn(self.mallory.name, DeadReferral().equip, "names nodes that do not exist")

    def figure(self) -> float:
        """The share of lookups that did not end in time."""
        in_time = sum(each.ok and each.delay <= PATIENCE for each in self.operations)
        return round(1 - in_time / max(1, len(self.operations)), 6)

    def facts(self) -> tuple[str, ...]:
        """How many requests to nodes that do not exist arrived where they would be, and how long a lookup took."""
        dead = self.trace.select(events.MessageDropped, since=self.start, reason=DropReason.NODE_ABSENT)
        delays = sorted(each.delay for each in self.operations)
        return str(sum(1 for _ in dead)), f"{delays[len(delays) // 2]:.1f} s"


DECLARED: dict[str, Any] = {
    "preset": "none",
    "unit": "share of lookups",
    "span": (0.0, 1.0),
    "whole": 0,
    "least_peers": 6,
    "numbers": {},
}

CAPTURE: dict[str, Any] = DECLARED | {
    "attacker": "the peer on most ways to alice's record, and a friend of hers",
    "metric": "lookups that end elsewhere than at the responsible peer, of 1",
    "word": Word.FORGED,
    "rows": ("lookups that ended right", "lookups captured", "hops that ways share"),
    "stage": CaptureStage,
}

KB_5 = declare(
    "KB-5",
    title="A peer on the way passes requests on to a colluder",
    defence=("message-signature", "disjoint-paths"),
    decoys=("progress-check",),
    notes={"baseline": "mallory forwards honestly", "attacked": "mallory's friend answers for alice's place"},
    **CAPTURE,
)

KB_6 = declare(
    "KB-6",
    title="A peer sends an iterative lookup on to a colluder",
    defence=("message-signature", "progress-check", "disjoint-paths"),
    claims=(("message-signature", "disjoint-paths"),),
    decoys=("iterative-lookup",),
    notes={"baseline": "mallory names honestly", "attacked": "mallory names her friend, who answers for alice's place"},
    **CAPTURE,
)

KB_7 = declare(
    "KB-7",
    title="A peer names next hops that do not exist",
    attacker="the peer on most ways to alice's record",
    defence=("several-next-hops",),
    claims=(("disjoint-paths",),),
    decoys=("same-way",),
    metric="lookups not done in 5 s, of 1",
    word=Word.FAILED,
    rows=("requests to nobody", "median lookup"),
    notes={"baseline": "mallory names honestly", "attacked": "mallory names nodes that do not exist"},
    stage=DeadReferralStage,
    **DECLARED,
)

SCENARIOS = (KB_5, KB_6, KB_7)
