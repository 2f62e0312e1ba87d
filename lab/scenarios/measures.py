"""Numbers beside a metric: what a detector found, whom it took for one it should find, and how long it took.

``detection`` is for what names somebody: who was named, and who should have been; ``suspicion`` and ``exclusion`` are
of that kind. ``alarms`` is for what only cries: how often it did where nothing was wrong, and how often it kept silent
where something was. A share of nothing is left out, so that no run says 1 of 0.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

Measure = tuple[str, float]
"""A number and what it is called."""

PRECISION, RECALL = "precision", "recall"
FALSE_ALARMS, MISSED = "false alarms", "missed"


def detection(named: Collection[bytes], wanted: Collection[bytes]) -> Iterator[Measure]:
    """``precision``: the share of those named that should be; ``recall``: of those who should be, the share named."""
    right = len(set(named) & set(wanted))
    if named:
        yield PRECISION, right / len(set(named))
    if wanted:
        yield RECALL, right / len(set(wanted))


def suspicion(named: Sequence[bytes], culprits: Collection[bytes]) -> Iterator[Measure]:
    """What suspicions are worth, each time that somebody was ``named``."""
    yield from detection(named, culprits)
    yield "suspicions of honest nodes", float(sum(node not in culprits for node in named))


def exclusion(out: Mapping[bytes, float], culprits: Collection[bytes], since: float) -> Iterator[Measure]:
    """What sentences do; ``out`` says when each was excluded, and ``since`` when those who should be went wrong."""
    times = [t for node, t in out.items() if node in culprits]
    if culprits:
        yield "culprits excluded", len(times) / len(culprits)
    if times:
        yield "seconds to exclusion", sum(times) / len(times) - since
    yield "honest nodes excluded", float(len(out) - len(times))


def alarms(*, false: int, missed: int, wrong: int) -> Iterator[Measure]:
    """``false alarms``, a number; ``missed``: of what was ``wrong`` the share that raised none."""
    yield FALSE_ALARMS, float(false)
    if wrong:
        yield MISSED, missed / wrong
