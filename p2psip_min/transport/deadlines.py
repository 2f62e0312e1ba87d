"""Timers of one length for everybody: what is set later is due later, so a dictionary does what the loop's heap would.

Nearly every message is acknowledged long before its sender would repeat it. Such a deadline is an entry that comes and
goes, and no timer of the loop, which has one of these for all: that of the oldest one left when it was last looked.
"""

from __future__ import annotations

from asyncio import AbstractEventLoop
from typing import Protocol


class Waiting(Protocol):
    """Somebody for whom a time may run out."""

    def overdue(self) -> None:
        """The time is over."""


class Deadlines(dict[Waiting, float]):
    """When the time of each is over, ``seconds`` of virtual time after it was set; deleting it cancels it."""

    __slots__ = ("_loop", "_running", "_seconds")

    def __init__(self, loop: AbstractEventLoop, seconds: float) -> None:
        super().__init__()
        self._loop = loop
        self._seconds = seconds
        self._running = False

    def set(self, who: Waiting) -> None:
        """Give somebody who has no entry his time from now on."""
        self[who] = when = self._loop.time() + self._seconds
        if not self._running:
            self._running = True
            self._loop.call_at(when, self._look)

    def _look(self) -> None:
        now = self._loop.time()
        while self:
            oldest = next(iter(self))
            when = self[oldest]
            if when > now:
                self._loop.call_at(when, self._look)
                return
            del self[oldest]
            oldest.overdue()
        self._running = False
