"""What a measured figure is, and how two pieces of work are compared on a machine that others use too.

Times are CPU seconds of this process, user and system. Floor and figure are measured in turn, several times; the pair
with the middle ratio is reported. The garbage collector runs before and rests during both, as in timeit: when it comes
is chance. It stays on only where memory is measured too (tls_1000).
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One figure against its floor; ``holds``: ``ratio`` keeps to ``limit``, and so does what a note adds."""

    name: str
    figure: float
    unit: str
    floor: float
    ratio: float
    limit: float
    holds: bool
    at_least: bool = False
    notes: tuple[str, ...] = ()

    def as_json(self) -> dict[str, str | float | bool]:
        """The seven fields of the report."""
        return {
            "name": self.name,
            "figure": round(self.figure, 6),
            "unit": self.unit,
            "floor": round(self.floor, 6),
            "ratio": round(self.ratio, 4),
            "limit": self.limit,
            "holds": self.holds,
        }


def at_most(name: str, figure: float, unit: str, floor: float, limit: float, *notes: str, also: bool = True) -> Row:
    """A cost: holds when it is at most ``limit`` times its floor, and ``also``."""
    ratio = figure / floor
    return Row(
        name=name, figure=figure, unit=unit, floor=floor, ratio=ratio, limit=limit, holds=ratio <= limit and also,
        notes=notes,
    )  # fmt: skip


def at_least(
    name: str, figure: float, unit: str, floor: float, ratio: float, limit: float, *notes: str, also: bool = True
) -> Row:
    """A speed: holds when ``ratio`` reaches ``limit``, and ``also``."""
    return Row(
        name=name, figure=figure, unit=unit, floor=floor, ratio=ratio, limit=limit, holds=ratio >= limit and also,
        at_least=True, notes=notes,
    )  # fmt: skip


def cpu(work: Callable[[], T]) -> tuple[float, T]:
    """CPU seconds that ``work`` takes, and its result."""
    began = time.process_time()
    result = work()
    return time.process_time() - began, result


def middle(rounds: int, work: Callable[[], float]) -> float:
    """The middle one of ``rounds`` measurements."""
    took = []
    for _ in range(rounds):
        with no_collection():
            took.append(work())
    return sorted(took)[rounds // 2]


def compare(rounds: int, figure: Callable[[], float], floor: Callable[[], float]) -> tuple[float, float]:
    """Figure and floor of the middle one of ``rounds`` pairs; each call measures once."""
    pairs = []
    for _ in range(rounds):
        with no_collection():
            pairs.append((figure(), floor()))
    pairs.sort(key=lambda pair: pair[0] / pair[1])
    return pairs[len(pairs) // 2]


@contextmanager
def no_collection() -> Iterator[None]:
    """Collect now, and not inside."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
