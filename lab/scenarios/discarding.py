"""What a peer on the way may swallow (draft 5.2, 11.2): KB-1, requests; KB-2, their answers; KB-3, what is asked."""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

from lab.scenarios.base import declare
from lab.scenarios.forwarding import READERS, OnTheWayStage
from lab.text import Word
from p2psip_min import procedures
from p2psip_min import trace as events
from p2psip_min.attacks.discarding import AnswerDiscard, QueryDiscard, RequestDiscard
from p2psip_min.errors import DropReason
from p2psip_min.ids import ResourceID
from p2psip_min.wire.messages import MessageCode

LOOKS = 2.0
"""Virtual seconds of the story."""


class DiscardingStage(OnTheWayStage):
    """Peers behind mallory look for alice's record at once, and mallory passes nothing on."""

    users: ClassVar[tuple[str, ...]] = ()
    discard: ClassVar[type[RequestDiscard | AnswerDiscard | QueryDiscard]] = RequestDiscard

    def attack(self) -> None:
        """Mallory swallows what she should pass on."""
        self.overlay.turn(self.mallory.name, self.discard().equip, "passes nothing on")

    async def story(self) -> None:
        """Lookups by those behind mallory."""
        await self.until(LOOKS)
        place = ResourceID(self.subject)
        readers = self.homes[:READERS]
        await asyncio.gather(*(self.perform("lookup", procedures.ping(node.peer, place)) for node in readers))

    def figure(self) -> float:
        """The share of lookups that got no answer."""
        return round(1 - self.honest(), 6)

    def _count(self, event: type[events.Event], **wanted: Any) -> int:
        return sum(1 for _ in self.trace.select(event, since=self.start, **wanted))

    def facts(self) -> tuple[str, ...]:
        """How many requests arrived, and how many messages ended at mallory."""
        arrived = self._count(events.MessageDelivered, node=self.root.node_id, code=int(MessageCode.PING_REQ))
        return str(arrived), str(self._count(events.MessageDropped, reason=DropReason.DISCARDED))


class AnswersStage(DiscardingStage):
    """Here mallory passes requests on, and keeps what comes back."""

    discard = AnswerDiscard


PATIENCE = 5.0
"""Seconds that a caller waits for the other one to be found, and then hangs up."""


class SilentStage(DiscardingStage):
    """Whoever looks for something gets no answer from mallory, on the way or when she is asked herself."""

    discard = QueryDiscard

    def figure(self) -> float:
        """The share of lookups that did not end in time."""
        in_time = sum(each.ok and each.delay <= PATIENCE for each in self.operations)
        return round(1 - in_time / max(1, len(self.operations)), 6)

    def facts(self) -> tuple[str, ...]:
        """How often somebody asked mallory in vain, and how long a lookup took."""
        asked = self._count(events.MessageDropped, reason=DropReason.DISCARDED)
        delays = sorted(each.delay for each in self.operations)
        return str(asked), f"{delays[len(delays) // 2]:.1f} s"


DECLARED: dict[str, Any] = {
    "attacker": "the peer on most ways to alice's record",
    "preset": "none",
    "metric": "lookups without an answer, of 1",
    "unit": "share of lookups",
    "span": (0.0, 1.0),
    "whole": 0,
    "word": Word.LOST,
    "least_peers": 6,
    "numbers": {},
    "rows": ("requests that arrived", "messages swallowed"),
}

KB_1 = declare(
    "KB-1",
    title="A peer on the way drops requests",
    defence=("disjoint-paths",),
    claims=(("other-way",),),
    decoys=("message-signature",),
    notes={"baseline": "mallory forwards honestly", "attacked": "mallory swallows requests"},
    stage=DiscardingStage,
    **DECLARED,
)

KB_2 = declare(
    "KB-2",
    title="A peer on the way drops answers",
    defence=("other-way",),
    claims=(("disjoint-paths",),),
    decoys=("same-way",),
    notes={"baseline": "mallory forwards honestly", "attacked": "mallory swallows answers"},
    stage=AnswersStage,
    **DECLARED,
)

KB_3 = declare(
    "KB-3",
    title="A peer stays silent in lookups",
    defence=("disjoint-paths",),
    decoys=("longer-timeout",),
    notes={"baseline": "mallory answers", "attacked": "mallory answers no query and passes none on"},
    stage=SilentStage,
    **DECLARED
    | {"metric": "lookups not done in 5 s, of 1", "word": Word.FAILED, "rows": ("asked in vain", "median lookup")},
)

SCENARIOS = (KB_1, KB_2, KB_3)
