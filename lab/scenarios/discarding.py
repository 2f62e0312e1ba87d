"""What a peer on the way swallows (draft 5.2, 11.2): requests, KB-1; answers, KB-2; queries, KB-3; one name, KB-13."""

from __future__ import annotations

import asyncio
import math
from typing import Any, ClassVar

from lab.scenarios.base import declare
from lab.scenarios.forwarding import READERS, OnTheWayStage
from lab.scenarios.ways import in_words
from lab.text import Word
from p2psip_min import procedures
from p2psip_min import trace as events
from p2psip_min.attacks.discarding import AnswerDiscard, DeniedDiscard, QueryDiscard, RequestDiscard, SelectiveDiscard
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


class RequestsStage(DiscardingStage):
    """Here mallory denies it, and it is seen whom those who look into it suspect, and whom the server excludes."""

    discard = DeniedDiscard

    def facts(self) -> tuple[str, ...]:
        """How many requests arrived, how many ended at mallory, who was suspected how often, and who was excluded."""
        suspects = [event.suspect for event in self.trace.select(events.SuspectNamed, since=self.start)]
        right = suspects.count(self.mallory.node_id)
        out = {event.excluded: event.t for event in self.trace.select(events.NodeExcluded, since=self.start)}
        excluded = ", ".join(
            f"{'mallory' if node == self.mallory.node_id else 'another'} after {t - LOOKS:.1f} s"
            for node, t in out.items()
        )
        return *super().facts(), f"{right} of mallory, {len(suspects) - right} of others", excluded or "nobody"


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
        """How often somebody asked mallory in vain, how long a lookup took, and where its ways met again."""
        asked = self._count(events.MessageDropped, reason=DropReason.DISCARDED)
        delays = sorted(each.delay for each in self.operations)
        return str(asked), f"{delays[len(delays) // 2]:.1f} s", in_words(self.shared())


ROUNDS = 4
REGISTER, TURNS, CALLS, PAUSE = 2.0, 6.0, 8.0, 5.0
"""Virtual seconds of the story of KB-13; ``PAUSE`` is between two rounds of calls."""

WAIT = 15.0
"""Seconds until a request counts as failed, the longest that a caller waits."""


class SelectiveStage(OnTheWayStage):
    """Two callers call alice and two others, peers look for this and that, and only alice can't be reached."""

    users: ClassVar[tuple[str, ...]] = ("alice", "bob", "carol", "dave", "erin")
    callers: ClassVar[tuple[str, ...]] = ("bob", "carol")
    mid_story: ClassVar[bool] = True

    def cast(self) -> None:
        """Both callers live behind mallory, everybody else with peers beyond her reach."""
        super().cast()
        overlay = self.overlay
        away = [node for node in overlay.peers() if node not in self.homes and node is not self.mallory]
        for turn, user in enumerate(self.users):
            homes = self.homes if user in self.callers else away
            overlay.attach_client(user, homes[turn % len(homes)].name)

    def attack(self) -> None:
        """Mallory cuts alice off."""
        self.overlay.turn(self.mallory.name, SelectiveDiscard(self.subject).equip, "swallows requests for alice")

    async def story(self) -> None:
        """Registrations, then rounds of calls while others look for other things."""
        await self.until(REGISTER)
        callees = [user for user in self.users if user not in self.callers]
        for user in callees:
            await self.perform("register", self.overlay.phone(user).register())
        await self.until(TURNS)
        if self.setting.attack:
            self.attack()
        await self.until(CALLS)
        await asyncio.gather(self._look_around(), *(self._call(user, callees) for user in self.callers))

    async def _call(self, caller: str, callees: list[str]) -> None:
        for _ in range(ROUNDS):
            for callee in callees:
                await self.perform(f"call {callee}", self.overlay.phone(caller).call(self.overlay.aor(callee)))
            await asyncio.sleep(PAUSE)

    async def _look_around(self) -> None:
        """What else goes on: every peer looks for something now and then."""
        dice = self.overlay.rng("look around")
        for _ in range(ROUNDS):
            for node in self.overlay.peers():
                key = ResourceID(dice.getrandbits(128).to_bytes(16, "big"))
                await self.perform("lookup", procedures.ping(node.peer, key))
            await asyncio.sleep(PAUSE)

    def figure(self) -> float:
        """The delay within which 95 % of the calls to alice were set up, in seconds; failed ones took all the time."""
        delays = sorted(
            min(each.delay, WAIT) if each.ok else WAIT for each in self.operations if each.name == "call alice"
        )
        return round(delays[math.ceil(0.95 * len(delays)) - 1], 6) if delays else 0.0

    def facts(self) -> tuple[str, ...]:
        """How alice's callers fared, and how everybody else did."""
        victim = [each.ok for each in self.operations if each.name == "call alice"]
        others = [each.ok for each in self.operations if each.name != "call alice"]
        return f"{sum(victim)} of {len(victim)}", f"{sum(others)} of {len(others)}"


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
    defence=("path-diagnosis",),
    claims=(
        ("disjoint-paths",),
        ("other-way",),
        ("hop-watch",),
        ("message-signature", "answer-receipts", "hop-receipts", "checkable-evidence"),
    ),
    decoys=("message-signature",),
    notes={"baseline": "mallory forwards honestly", "attacked": "mallory swallows requests, and denies it"},
    stage=RequestsStage,
    **DECLARED | {"rows": (*DECLARED["rows"], "suspicions", "excluded")},
)

KB_2 = declare(
    "KB-2",
    title="A peer on the way drops answers",
    defence=("other-way",),
    claims=(("direct-response",), ("disjoint-paths",), ("hop-watch",), ("path-diagnosis",)),
    decoys=("same-way",),
    notes={"baseline": "mallory forwards honestly", "attacked": "mallory swallows answers"},
    stage=AnswersStage,
    **DECLARED,
)

KB_3 = declare(
    "KB-3",
    title="A peer stays silent in lookups",
    defence=("disjoint-paths",),
    claims=(("several-next-hops",),),
    decoys=("longer-timeout",),
    notes={"baseline": "mallory answers", "attacked": "mallory answers no query and passes none on"},
    stage=SilentStage,
    **DECLARED
    | {
        "metric": "lookups not done in 5 s, of 1",
        "word": Word.FAILED,
        "rows": ("asked in vain", "median lookup", "hops that ways share"),
    },
)

KB_13 = declare(
    "KB-13",
    title="A peer on the way cuts one user off",
    attacker="the peer on most ways to alice's record",
    preset="none",
    defence=("hop-watch",),
    claims=(("other-way",), ("disjoint-paths",)),
    decoys=("global-rate",),
    metric="95th percentile of the set-up delay of calls to alice, in seconds",
    unit="seconds",
    span=(0.0, WAIT),
    whole=0,
    word=Word.LOST,
    least_peers=6,
    numbers={},
    rows=("calls to alice set up", "what else succeeded"),
    notes={"baseline": "mallory forwards honestly", "attacked": "mallory swallows requests for alice, and no others"},
    stage=SelectiveStage,
)

SCENARIOS = (KB_1, KB_2, KB_3, KB_13)
