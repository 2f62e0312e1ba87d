"""The exercise of 04, trusted base: a quota that stops spam and lets honest users publish.

The rule stands in front of every peer's store, in overlays with other seeds, other spammers and busier honest users.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from lab.checks import Check, State, note
from lab.exercises.answers import raised, untouched
from lab.scenarios import scenario, setting
from lab.scenarios.clients import ATTACKS
from lab.scenarios.flooding import NOTICE, SpamStage
from p2psip_min.attacks.flooding import Spam
from p2psip_min.attacks.initiative import Initiative
from p2psip_min.errors import StoreReason
from p2psip_min.ids import ResourceID
from p2psip_min.storage.access import place_of
from p2psip_min.storage.store import Store
from p2psip_min.storage.validation import Accepted, Rejected, refuse
from p2psip_min.transport.driver import Driver
from p2psip_min.wire.messages import StoreReq

QUOTA = "quota(offer, here, everywhere)"

NOTEBOOK_04 = (QUOTA,)

BUSY = 14
"""Notices of the busiest honest user."""

LET_IN = 0.2
"""The share of the spam that a quota may let in."""


@dataclass(frozen=True, slots=True)
class Offer:
    """An object that somebody wants stored.

    ``own`` says that it lies at the place of its publisher's own name, ``again`` that he has it stored there already
    and only refreshes it.
    """

    own: bool
    again: bool


Quota = Callable[[Offer, int, int], bool | None]


@dataclass(slots=True)
class Ledger:
    """Asks a student's rule, and keeps everybody's account: which objects he has anywhere but at his own place."""

    quota: Quota
    entered: dict[str, set[tuple[bytes, int, bytes]]] = field(default_factory=dict)
    failed: Exception | None = None
    silent: bool = False

    def allows(self, offer: Offer, here: int, everywhere: int) -> bool:
        """What the rule says; a rule that raises allows nothing, and the overlay goes on."""
        try:
            answer = self.quota(offer, here, everywhere)
        except Exception as error:  # a student's function may raise anything, and the overlay must not stop for it
            self.failed = self.failed or error
            return False
        self.silent = self.silent or untouched(answer)
        return bool(answer)


class Counter:
    """A store with a student's quota in front of it."""

    def __init__(self, inner: Store, ledger: Ledger) -> None:
        self._inner, self._ledger = inner, ledger

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def __len__(self) -> int:
        return len(self._inner)

    def accept(self, request: StoreReq, **context: Any) -> Accepted | Rejected:
        """Ask the rule about every value that would be taken, then the store itself."""
        coming = list(self._coming(request, context))
        for user, entry, again in coming:
            own = request.resource == place_of(user)
            mine = self._ledger.entered.setdefault(user, set())
            here = sum(record.signer == user for record in self._inner.records())
            if not self._ledger.allows(Offer(own, again), here, len(mine)):
                return refuse(StoreReason.OVER_QUOTA, entry[1])
        taken = self._inner.accept(request, **context)
        if isinstance(taken, Accepted):
            for user, entry, _ in coming:
                if request.resource != place_of(user):
                    self._ledger.entered[user].add(entry)
        return taken

    def _coming(
        self, request: StoreReq, context: dict[str, Any]
    ) -> Iterator[tuple[str, tuple[bytes, int, bytes], bool]]:
        circumstances = {name: value for name, value in context.items() if name not in ("transaction_id", "replicas")}
        changes = self._inner.judge(request, **circumstances)
        for change in () if isinstance(changes, Rejected) else changes:
            for key, new, old in change.entries:
                yield new.user, (bytes(request.resource), change.kind, key), old is not None


@dataclass(frozen=True, slots=True)
class Named:
    """Values are signed, so that a publisher has a name; how much he may publish is the student's decision."""

    names_writer = True
    booked = False
    limit = 0


class QuotaStage(SpamStage):
    """ST-8 with a student's rule at every peer, busier users, and spam on one peer or on all."""

    ledger: Ledger
    notices: int
    narrow: bool

    def cast(self) -> None:
        """The same roles, and the rule everywhere."""
        super().cast()
        for node in self.overlay.peers():
            parts = node.peer.parts
            counter: Any = Counter(parts.store, self.ledger)
            node.peer.equip(replace(parts, store=counter))

    def plan(self) -> Initiative:
        """Names everywhere, or only such as lie with one peer."""
        names = (ResourceID.of(f"offer {number}") for number in range(4000))
        first = self.overlay.root(ResourceID.of("offer 0"))
        chosen = [name for name in names if not self.narrow or self.overlay.root(name) is first]
        return Spam(ATTACKS, chosen[: int(self.numbers["objects"])], NOTICE.id, b"buy")

    async def publish(self) -> None:
        """Every owner publishes his notices; the first of them has many."""
        counts = {user: self.notices if user == self.owner else 2 for user in self.owners}
        await self.each("store", [self._publish(user, n) for user, count in counts.items() for n in range(count)])


_STORIES = ((21, 2, 120, False), (22, BUSY, 150, False), (23, 5, 100, True))
"""Seed, notices of the busiest user, spam objects, whether all of them lie with one peer."""


def quota(rule: Quota) -> Check:
    """Whether the rule serves honest users, and lets at most a fifth of the spam in, in overlays it has not seen."""
    shares = []
    for seed, notices, objects, narrow in _STORIES:
        ledger = Ledger(rule)
        stage = _staged(ledger, seed, notices, objects, narrow)
        try:
            stage.overlay.run(stage.story())
            let_in, done = stage.figure() / objects, list(stage.operations)
        finally:
            stage.overlay.close()
        if ledger.failed is not None:
            return note(QUOTA, State.FAILED, raised(ledger.failed))
        if ledger.silent:
            return note(QUOTA, State.OPEN, "The rule returns nothing yet: True lets an object in, False keeps it out.")
        if fault := _honest_fault(done, notices):
            return note(QUOTA, State.FAILED, fault)
        if let_in > LET_IN:
            where = "all with one peer" if narrow else "spread over all peers"
            return note(
                QUOTA,
                State.FAILED,
                f"{let_in:.0%} of mallory's objects were let in; they lay {where}. What does a peer see of the others?",
            )
        shares.append(let_in)
    return note(QUOTA, State.PASSED, f"Honest users lost nothing; of the spam {max(shares):.0%} at most got in.")


def _honest_fault(done: list[Any], notices: int) -> str:
    """What honest users could not do, in words that do not show the test; empty where all went well."""
    names = [each.name for each in done if not each.ok]
    if "register" in names:
        return "Somebody's own registration was refused. Does a quota have to count what lies at one's own place?"
    half = len([each for each in done if each.name == "store"]) // 2
    stores = [each.ok for each in done if each.name == "store"]
    if not all(stores[:half]):
        return f"An honest user with {notices} notices was turned away. How many does the busiest have?"
    if not all(stores):
        return "Honest users published, and were refused when they refreshed the same objects. What says that of them?"
    return ""


def _staged(ledger: Ledger, seed: int, notices: int, objects: int, narrow: bool) -> QuotaStage:
    chosen = scenario("ST-8")
    ground = setting(chosen, base="trusted", peers=16, seed=seed, numbers={"objects": float(objects)})
    ground = replace(ground, defences=replace(ground.defences, quota=Named()))
    stage = type("Judged", (QuotaStage,), {"ledger": ledger, "notices": notices, "narrow": narrow})
    made: QuotaStage = stage(chosen, ground, Driver())
    return made
