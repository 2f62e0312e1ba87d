"""A verdict is a comparison: one seed, several runs in which only the named thing differs (draft 6, 11).

    baseline          nobody attacks, defence off        honest_baseline   honest service then
    attacked          attack, defence off
    defended          attack, the named defence on       honest_defended   honest service with the defence, no attack
    decoy             attack, the protection that looks right on

It *holds* when the attack does harm, the defence takes most of it away, the decoy does not, and honest users do not pay
with their service. The bounds below were fixed before any run.
"""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Callable
from dataclasses import asdict, dataclass


class Standing(enum.StrEnum):
    """What a comparison comes to: the defence holds, only dampens, or leaves the threat open; or the claim fails."""

    HOLDS = "holds"
    DAMPENED = "dampened"
    OPEN = "open"
    FAILS = "fails"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What a comparison must show, as shares; a row with others than these has a ``reason``.

    ``harm`` of the metric's range is what an attack must spoil at least; ``defence`` of that harm is what the named
    defence may leave, ``decoy`` what the decoy must leave; ``honest`` service may fall by that share of its baseline.
    ``standing`` is what the row claims: DAMPENED where the defence takes a part of the harm only, OPEN where nobody
    claims that it helps.
    """

    harm: float = 0.25
    defence: float = 0.20
    decoy: float = 0.80
    honest: float = 0.01
    standing: Standing = Standing.HOLDS
    reason: str = ""


USUAL = Bounds()
"""The bounds of every row that states no others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """What the workload costs: message ``bytes`` on all hops, ``hops``, ``signatures`` made, ``delay`` in seconds.

    TLS counts as a constant for each record (RFC 8446 §5.2), never as measured ciphertext, which differs between runs.
    """

    bytes: int
    hops: int
    signatures: int
    delay: float

    def __sub__(self, other: Costs) -> Costs:
        return Costs(
            bytes=self.bytes - other.bytes,
            hops=self.hops - other.hops,
            signatures=self.signatures - other.signatures,
            delay=round(self.delay - other.delay, 6),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One run: the metric's figure, the share of honest operations that succeeded, the costs, the trace's digest.

    ``facts`` is what people want to know beside the figure, in words.
    """

    figure: float
    honest: float
    costs: Costs
    digest: str
    facts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """All columns of one threat on one seed; ``costs`` is what the defence adds to the honest workload."""

    id: str
    base: str
    routing: str
    metric: str
    unit: str
    span: tuple[float, float]
    baseline: float
    attacked: float
    defended: float
    decoy: float
    honest_baseline: float
    honest_defended: float
    costs: Costs
    holds: bool
    digest: str

    def to_json(self) -> dict[str, object]:
        """The verdict as plain values, keys in declaration order; the metric's range is the catalogue's affair."""
        return {name: value for name, value in asdict(self).items() if name != "span"}


def holds(
    span: tuple[float, float],
    bounds: Bounds = USUAL,
    *,
    baseline: float,
    attacked: float,
    defended: float,
    decoy: float,
    honest_baseline: float,
    honest_defended: float,
) -> bool:
    """Whether the comparison shows what the row of the catalogue claims; ``span`` is the metric's range, worst last."""
    best, worst = span
    sign = 1.0 if worst > best else -1.0
    harm = sign * (attacked - baseline)
    return (
        harm >= bounds.harm * abs(worst - best)
        and sign * (defended - baseline) <= bounds.defence * harm
        and sign * (decoy - baseline) >= bounds.decoy * harm
        and honest_defended >= honest_baseline * (1 - bounds.honest)
    )


COLUMNS = ("baseline", "attacked", "defended", "decoy", "honest")
"""The runs of one verdict, in order; "honest" is the named defence without an attack."""


def judge(
    run: Callable[[str], Outcome],
    *,
    id: str,
    base: str,
    routing: str,
    metric: str,
    unit: str,
    span: tuple[float, float],
    bounds: Bounds = USUAL,
) -> Verdict:
    """Run every column and compare."""
    outcomes = {column: run(column) for column in COLUMNS}
    figures = {column: outcomes[column].figure for column in ("baseline", "attacked", "defended", "decoy")}
    honest = {
        "honest_baseline": outcomes["baseline"].honest,
        "honest_defended": outcomes["honest"].honest,
    }
    digest = hashlib.sha256("".join(outcome.digest for outcome in outcomes.values()).encode()).hexdigest()
    return Verdict(
        id=id,
        base=base,
        routing=routing,
        metric=metric,
        unit=unit,
        span=span,
        **figures,
        **honest,
        costs=outcomes["honest"].costs - outcomes["baseline"].costs,
        holds=holds(span, bounds, **figures, **honest),
        digest=digest,
    )
