"""A verdict is a comparison: several runs of one seed in which only the named thing differs (draft 6, 11).

    baseline          nobody attacks, defence off        honest_baseline   honest service then
    attacked          attack, defence off
    defended          attack, the named defence on       honest_defended   honest service with the defence, no attack
    decoy             attack, the protection that looks right on

It *holds* when the attack does harm, the defence takes most of it away, the decoy does not, and honest users do not pay
with their service while nobody attacks. What service they get *while* somebody attacks is told beside it: a defence may
keep false things out and let nothing through. The bounds were fixed before any run. It takes ``SEEDS`` seeds, each
run in every column, so that columns are compared in pairs; fewer are a quick look.
"""

from __future__ import annotations

import enum
import hashlib
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from lab.estimates import SHARE, Estimate, estimate

SEEDS = 20
"""How many paired seeds make a verdict."""


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

    ``facts`` is what people want to know beside the figure, in words; ``measures`` are more numbers, each by its name:
    what a detector found and missed, how long it took. A number that nothing was counted for is left out.
    """

    figure: float
    honest: float
    costs: Costs
    digest: str
    facts: tuple[str, ...] = ()
    measures: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """All columns of one threat: means over its seeds, and their 95 % ``intervals`` by name.

    ``harm`` is what the attack spoils and ``left`` what the defence leaves of it, both paired by seed and counted in
    the metric's unit; ``share_left`` is their ratio, 0 where there is no harm. ``costs`` is what the defence adds to
    the honest workload, a mean. ``served_attacked`` and ``served_defended`` are the shares of honest operations that
    worked under attack, without and with the defence; no bound is on them. ``measures`` are further numbers by column
    and name, means over the seeds that have them. ``near`` names the bounds that the seeds do not clear for certain:
    the 95 % interval of the distance to it has both signs; ``close`` says that there is one. ``quick`` says that there
    were fewer seeds than a verdict takes.
    """

    id: str
    base: str
    routing: str
    metric: str
    unit: str
    seeds: tuple[int, ...]
    quick: bool
    baseline: float
    attacked: float
    defended: float
    decoy: float
    honest_baseline: float
    honest_defended: float
    served_attacked: float
    served_defended: float
    harm: float
    left: float
    share_left: float
    costs: Costs
    standing: Standing
    holds: bool
    close: bool
    near: tuple[str, ...]
    digest: str
    intervals: Mapping[str, tuple[float, float]]
    measures: Mapping[str, Mapping[str, float]]

    def to_json(self) -> dict[str, object]:
        """The verdict as plain values, keys in declaration order."""
        return asdict(self)

    def figure(self, name: str) -> Estimate:
        """One of the figures that have an interval."""
        return Estimate(getattr(self, name), *self.intervals[name])


def standing(
    span: tuple[float, float],
    bounds: Bounds = USUAL,
    *,
    baseline: float,
    attacked: float,
    defended: float,
    decoy: float,
    honest_baseline: float,
    honest_defended: float,
) -> Standing:
    """What the comparison comes to, never more than the row claims; ``span`` is the metric's range, worst last."""
    best, worst = span
    sign = 1.0 if worst > best else -1.0
    harm = sign * (attacked - baseline)
    left = sign * (defended - baseline)
    if not (
        harm >= bounds.harm * abs(worst - best)
        and sign * (decoy - baseline) >= bounds.decoy * harm
        and honest_defended >= honest_baseline * (1 - bounds.honest)
    ):
        return Standing.FAILS
    if bounds.standing is Standing.OPEN:
        return Standing.OPEN
    if left > bounds.defence * harm:
        return Standing.FAILS
    return bounds.standing


def near(
    span: tuple[float, float], bounds: Bounds, runs: Sequence[Mapping[str, Outcome]], harm: Sequence[float]
) -> tuple[str, ...]:
    """The names of the bounds from which the runs' distance may be on either side, as its 95 % interval has it.

    ``runs`` are the outcomes by column, one mapping a seed, and ``harm`` what the attack spoils in each.
    """
    sign = 1.0 if span[1] > span[0] else -1.0
    pairs = list(zip(runs, harm, strict=True))
    room = {
        "harm": [each - bounds.harm * abs(span[1] - span[0]) for each in harm],
        "defence": [
            bounds.defence * spoilt - sign * (run["defended"].figure - run["baseline"].figure) for run, spoilt in pairs
        ],
        "decoy": [
            sign * (run["decoy"].figure - run["baseline"].figure) - bounds.decoy * spoilt for run, spoilt in pairs
        ],
        "honest": [run["honest"].honest - (1 - bounds.honest) * run["baseline"].honest for run in runs],
    }
    if bounds.standing is Standing.OPEN:
        del room["defence"]
    found = {name: estimate(distances) for name, distances in room.items()}
    return tuple(name for name, each in found.items() if each.low < 0 < each.high)


COLUMNS = ("baseline", "attacked", "defended", "decoy", "honest")
"""The runs of one verdict, in order; "honest" is the named defence without an attack."""


def judge(
    runs: Mapping[int, Mapping[str, Outcome]],
    *,
    id: str,
    base: str,
    routing: str,
    metric: str,
    unit: str,
    span: tuple[float, float],
    bounds: Bounds = USUAL,
) -> Verdict:
    """Compare what was run: the outcome of every column, by seed."""
    outcomes = {column: [by_column[column] for by_column in runs.values()] for column in COLUMNS}
    best, worst = span
    sign = 1.0 if worst > best else -1.0

    def more(column: str) -> list[float]:
        pairs = zip(outcomes[column], outcomes["baseline"], strict=True)
        return [sign * (one.figure - calm.figure) for one, calm in pairs]

    compared = {
        **{name: estimate([run.figure for run in outcomes[name]], span) for name in COLUMNS[:4]},
        "honest_baseline": estimate([run.honest for run in outcomes["baseline"]], SHARE),
        "honest_defended": estimate([run.honest for run in outcomes["honest"]], SHARE),
    }
    width = abs(worst - best)
    harm, left = (estimate(more(column), (-width, width)) for column in ("attacked", "defended"))
    shown = standing(span, bounds, **{name: each.mean for name, each in compared.items()})
    served = {
        f"served_{column}": estimate([run.honest for run in outcomes[column]], SHARE)
        for column in ("attacked", "defended")
    }
    figures = {**compared, **served, "harm": harm, "left": left}
    unclear = near(span, bounds, tuple(runs.values()), more("attacked"))
    return Verdict(
        id=id,
        base=base,
        routing=routing,
        metric=metric,
        unit=unit,
        seeds=tuple(runs),
        quick=len(runs) < SEEDS,
        **{name: each.mean for name, each in figures.items()},
        share_left=round(left.mean / harm.mean, 6) if harm.mean else 0.0,
        costs=_mean_costs(outcomes["honest"], outcomes["baseline"]),
        standing=shown,
        holds=shown is not Standing.FAILS,
        close=bool(unclear),
        near=unclear,
        digest=pooled([run.digest for by_column in runs.values() for run in by_column.values()]),
        intervals={name: (each.low, each.high) for name, each in figures.items()},
        measures={name: means for name in COLUMNS if (means := mean_measures(outcomes[name]))},
    )


def mean_measures(runs: Sequence[Outcome]) -> dict[str, float]:
    """The named numbers of several runs: of each name the mean over the runs that have it."""
    found: dict[str, list[float]] = {}
    for outcome in runs:
        for name, value in outcome.measures:
            found.setdefault(name, []).append(value)
    return {name: round(statistics.fmean(values), 6) for name, values in found.items()}


def pooled(digests: Sequence[str]) -> str:
    """One digest for several runs, in their order."""
    return hashlib.sha256("".join(digests).encode()).hexdigest()


def _mean_costs(defended: Sequence[Outcome], calm: Sequence[Outcome]) -> Costs:
    """What the defence adds to the honest workload, a mean over the seeds, in whole bytes, hops and signatures."""
    more = [with_it.costs - without.costs for with_it, without in zip(defended, calm, strict=True)]
    return Costs(
        bytes=round(statistics.fmean([each.bytes for each in more])),
        hops=round(statistics.fmean([each.hops for each in more])),
        signatures=round(statistics.fmean([each.signatures for each in more])),
        delay=round(statistics.fmean([each.delay for each in more]), 6),
    )
