"""Exercises of 06, replay: beat the time stamp, write the rule, say who could have kept a PUT, guard the nonces.

What a student writes runs inside a live overlay: ``accept`` sits in front of every peer's store, a delay is a hostile
peer's patience.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from lab.checks import Check, State, note
from lab.exercises.answers import number, raised, untouched
from lab.scenarios import scenario, setting
from lab.scenarios.replay import ReplayStage
from lab.told import Told, told
from p2psip_min import trace as events
from p2psip_min.clock import virtual
from p2psip_min.errors import StoreReason
from p2psip_min.ids import ResourceID
from p2psip_min.storage.policies import GenerationCounter
from p2psip_min.storage.store import Store
from p2psip_min.storage.validation import Accepted, Rejected, refuse
from p2psip_min.storage.values import key_of
from p2psip_min.transport.driver import Driver
from p2psip_min.wire.codes import MessageCode
from p2psip_min.wire.messages import StoreReq

ACCEPT = "accept(new, held, now)"
BEAT = "Beat the time stamp"
CAPTURE = "Who could have captured it?"
FRESH = "fresh(nonce, issued, used, now)"

NOTEBOOK_06 = (BEAT, ACCEPT, CAPTURE, FRESH)


@dataclass(frozen=True, slots=True)
class Put:
    """What a StoreReq claims: when its owner made it (virtual s by the owner's clock), which version it replaces."""

    written: float
    replaces: int


@dataclass(frozen=True, slots=True)
class Held:
    """What the storing peer has: when its owner made it (virtual s by the owner's clock), which version it is."""

    written: float
    version: int


Accept = Callable[[Put, Held | None, float], bool | None]


@dataclass(slots=True)
class Judge:
    """Asks a student's rule, and remembers what it said."""

    accept: Accept
    slow: float
    answers: list[bool] = field(default_factory=list)
    failed: Exception | None = None
    silent: bool = False

    def refuses(self, new: Put, held: Held | None, now: float) -> bool:
        try:
            answer = self.accept(new, held, now)
        except Exception as error:  # a student's function may raise anything, and the overlay must not stop for it
            self.failed = self.failed or error
            return True
        self.silent = self.silent or untouched(answer)
        self.answers.append(bool(answer))
        return not answer


class Gate:
    """A store with a student's rule in front of it; copies come from a peer that has asked, so they pass."""

    def __init__(self, inner: Store, judge: Judge) -> None:
        self._inner, self._judge = inner, judge

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def __len__(self) -> int:
        return len(self._inner)

    def accept(self, request: StoreReq, *, now: float, **context: Any) -> Accepted | Rejected:
        """Ask the rule about every value, then the store itself."""
        held = {(record.kind, record.key): record for record in self._records(request.resource)}
        for group in request.kind_data if request.replica_number == 0 else ():
            for stored in group.values:
                old = held.get((group.kind, key_of(stored.value)))
                new = Put(virtual(stored.storage_time) - self._judge.slow, group.generation_counter)
                have = old and Held(virtual(old.stored.storage_time) - self._judge.slow, old.generation)
                if self._judge.refuses(new, have, now):
                    return refuse(StoreReason.DATA_TOO_OLD, group.kind)
        return self._inner.accept(request, now=now, **context)

    def _records(self, resource: ResourceID) -> list[Any]:
        return [record for record in self._inner.records() if record.resource == resource]


@dataclass(frozen=True, slots=True)
class NamesVersion(GenerationCounter):
    """Writers name the version that they replace; whether that matters is the student's decision."""

    def verdict(self, claimed: int, held: int) -> StoreReason | None:
        """Never a reason."""
        return None


class GatedStage(ReplayStage):
    """RP-2, told faster and longer, with a student's rule at every peer."""

    judge: Judge

    def cast(self) -> None:
        """The same roles, and the rule everywhere."""
        super().cast()
        for node in self.overlay.peers():
            parts = node.peer.parts
            gate: Any = Gate(parts.store, self.judge)
            node.peer.equip(replace(parts, store=gate))

    async def story(self) -> None:
        """PUT v1, move, PUT v2 soon after, a resend, GET; much later alice refreshes her registration."""
        alice, bob = self.overlay.phone("alice"), self.overlay.phone("bob")
        resent = 2.0 + self.numbers["resend-after"]
        await self.until(2.0)
        await self.perform("register", alice.register())
        await self.until(4.0)
        await self.move("alice", self.second_home)
        await self.until(5.0)
        await self.perform("register", alice.register())
        await self.until(resent + 5.0)
        await self.perform("resolve", bob.resolve(self.overlay.aor("alice")))
        await self.until(resent + 75.0)
        await self.perform("register", alice.register())


_RULE_RUNS = ((11, 6.0, 0.0), (12, 34.0, 25.0), (13, 90.0, 0.0))
"""Seed, mallory's patience, and how many seconds alice's clock is slow."""


def accepts(accept: Accept) -> Check:
    """Whether the rule lets alice's own PUTs in and keeps mallory's resends out, at every peer of three overlays."""
    for seed, after, slow in _RULE_RUNS:
        judge = Judge(accept, slow)
        stage = _gated(judge, seed, after)
        try:
            stage.overlay.run(stage.story())
            rolled_back, stores = stage.figure(), [each.ok for each in stage.operations if each.name == "register"]
        finally:
            stage.overlay.close()
        if judge.failed is not None:
            hint = " When nothing is held yet, held is None." if "NoneType" in str(judge.failed) else ""
            return note(ACCEPT, State.FAILED, raised(judge.failed) + hint)
        if judge.silent:
            return note(ACCEPT, State.OPEN, "The rule returns nothing yet: True lets a PUT in, False keeps it out.")
        if not stores[0]:
            return note(ACCEPT, State.FAILED, "Alice's first PUT was refused. What is held then?")
        if not all(stores):
            why = f" Her clock is {slow:.0f} s slow, and she does not know." if slow else ""
            return note(ACCEPT, State.FAILED, f"A later PUT of alice's own was refused.{why}")
        if rolled_back:
            return note(
                ACCEPT,
                State.FAILED,
                f"Mallory's resend was let in: it was {after + slow:.0f} s old by alice's clock. Age does not tell "
                "it from an honest PUT. What does the peer have that is newer?",
            )
    return note(ACCEPT, State.PASSED, "Three overlays, slow clocks, short and long waits: no rollback, no honest loss.")


def _gated(judge: Judge, seed: int, after: float) -> GatedStage:
    chosen = scenario("RP-2")
    ground = setting(chosen, peers=16, seed=seed, numbers={"resend-after": after})
    ground = replace(ground, defences=replace(ground.defences, version=NamesVersion()))
    stage = type("Gated", (GatedStage,), {"judge": judge})
    made: GatedStage = stage(chosen, ground, Driver())
    return made


def beats_time_stamp(delay: float | None, window: float = 60.0) -> Check:
    """Whether mallory, resending ``delay`` seconds after the capture, rolls alice back under a time stamp window."""
    if delay is None:
        return note(BEAT, State.OPEN, "Give mallory a delay in seconds, such as delay = 10.")
    if not number(delay):
        return note(BEAT, State.FAILED, f"A delay is a number of seconds, such as delay = 10, and not {delay!r}.")
    outcome = told(delay=delay, defence=("time-stamp",), window=window).outcome
    if outcome.figure and outcome.facts[0] == "v1":
        return note(BEAT, State.PASSED, f"Resent after {delay:g} s, {window:g} s allowed: bob reads v1.")
    if outcome.figure:
        return note(BEAT, State.FAILED, "The copies fell, but bob had read already. A little sooner.")
    if delay > window:
        return note(BEAT, State.FAILED, f"The resend is older than the window of {window:g} s, so it is refused.")
    return note(BEAT, State.FAILED, "Then v1 is not the older one yet, or bob has read already. See the times.")


def captured(forwarders: Callable[[Told], Any]) -> Check:
    """Whether the function names the nodes that had alice's PUTs in their hands, in either routing style."""
    for seed in (17, 18):
        for routing in ("recursive", "iterative"):
            story = told(routing=routing, attack=False, seed=seed)
            wanted = {
                story.names[event.node]
                for event in story.trace.select(events.MessageForwarded, code=int(MessageCode.STORE_REQ))
            }
            try:
                answer = forwarders(story)
            except Exception as error:  # a student's function may raise anything
                return note(CAPTURE, State.FAILED, raised(error))
            if untouched(answer):
                return note(CAPTURE, State.OPEN, "The function returns nothing yet: return a set of names.")
            if not isinstance(answer, set | frozenset | list | tuple):
                return note(CAPTURE, State.FAILED, f"Return a set of names, and not {answer!r}.")
            if set(answer) - wanted:
                return note(CAPTURE, State.FAILED, f"With {routing} routing it names nodes that never passed a PUT on.")
            if wanted - set(answer):
                return note(CAPTURE, State.FAILED, f"With {routing} routing it misses nodes that passed a PUT on.")
    return note(CAPTURE, State.PASSED, "Recursive: everybody on the way. Iterative: nobody, it goes straight there.")


Fresh = Callable[[str, Mapping[str, float], set[str], float], bool | None]


def fresh_nonces(fresh: Fresh, lifetime: float = 60.0) -> Check:
    """Whether the rule takes a nonce once, in its time, and only if the server made it."""
    issued = {"n1": 0.0, "n2": 100.0, "n3": 100.0}
    desk: tuple[tuple[str, float, set[str], bool, str], ...] = (
        ("n1", 1.0, set(), True, "An honest client, 1 s after it got its nonce, was sent away."),
        ("n2", 100.0 + lifetime - 0.5, {"n1"}, True, "An honest client, slow but in time, was sent away."),
        ("n1", 2.0, {"n1"}, False, "A request that was sent again enrolled somebody. Its nonce had served already."),
        (
            "n3",
            100.0 + lifetime + 1.0,
            set(),
            False,
            "A request held back for over a minute enrolled somebody.",
        ),
        ("n9", 3.0, set(), False, "A nonce that the server never made was taken."),
    )
    for nonce, now, used, wanted, words in desk:
        try:
            answer = fresh(nonce, dict(issued), set(used), now)
        except Exception as error:  # a student's function may raise anything
            return note(FRESH, State.FAILED, raised(error))
        if untouched(answer):
            return note(FRESH, State.OPEN, "The rule returns nothing yet: True takes a nonce, False does not.")
        if bool(answer) is not wanted:
            return note(FRESH, State.FAILED, words)
    return note(FRESH, State.PASSED, "Made here, unused, not too old: a request can be neither resent nor delayed.")
