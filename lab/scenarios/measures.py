"""Numbers beside a metric: what a detector found, whom it took for one it should find, and how long it took.

``detection`` is for what names somebody: who was named, and who should have been. ``alarms`` is for what only cries:
how often it cried where nothing was wrong, and how often it kept silent where something was. A share of nothing is left
out, so that no run says 1 of 0.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

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


def alarms(*, false: int, missed: int, wrong: int) -> Iterator[Measure]:
    """``false alarms``, a number; ``missed``: of what was ``wrong`` the share that raised none."""
    yield FALSE_ALARMS, float(false)
    if wrong:
        yield MISSED, missed / wrong
