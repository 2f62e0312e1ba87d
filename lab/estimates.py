"""Means of few figures with their 95 % intervals, by Student."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

_STUDENT = (
    *(12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228),
    *(2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086),
    *(2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042),
)
"""The two-sided 95 % point of Student's distribution, from 1 degree of freedom; beyond 30 it is nearly normal."""
_NORMAL = 1.960


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean and its 95 % interval; one figure has none, and is its own."""

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.mean:.3g}" if self.low == self.high else f"{self.mean:.3g} [{self.low:.3g}, {self.high:.3g}]"


ANYWHERE = (-math.inf, math.inf)
"""The range of what may have any value."""

SHARE = (0.0, 1.0)
"""The range of a share."""


def estimate(figures: Sequence[float], span: tuple[float, float] = ANYWHERE) -> Estimate:
    """The mean of independent figures, one or more, with its interval, cut to where a figure can be: in ``span``."""
    mean = statistics.fmean(figures)
    half = 0.0
    if len(figures) > 1:
        freedom = len(figures) - 1
        student = _STUDENT[freedom - 1] if freedom <= len(_STUDENT) else _NORMAL
        half = student * math.sqrt(statistics.fmean([(each - mean) ** 2 for each in figures]) / freedom)
    low, high = max(mean - half, min(*span, *figures)), min(mean + half, max(*span, *figures))
    return Estimate(round(mean, 6), round(low, 6), round(high, 6))
