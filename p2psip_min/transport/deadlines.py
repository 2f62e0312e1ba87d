"""Timers of one length for everybody: what is set later is due later, so a queue does what the loop's heap would.

Nearly every message is acknowledged long before its sender would repeat it. Such a deadline costs an append and a
removal here and no timer of the loop, which has one of these for all: that of the oldest deadline still wanted when
the one before came up.
"""

from __future__ import annotations

from asyncio import AbstractEventLoop
from collections import deque
from collections.abc import Callable
from typing import Any

Deadline = list[Any]
"""[when, what to call]; whoever no longer wants it called puts None in the second place."""


class Deadlines:
    """All deadlines that lie ``seconds`` of virtual time after they were set."""

    __slots__ = ("_loop", "_queue", "_running", "_seconds", "_time")

    def __init__(self, loop: AbstractEventLoop, seconds: float) -> None:
        self._loop = loop
        self._time = loop.time
        self._seconds = seconds
        self._queue: deque[Deadline] = deque()
        self._running = False

    def set(self, callback: Callable[[], None]) -> Deadline:
        """Call back when the time is over, unless the deadline has been emptied by then."""
        deadline: Deadline = [self._time() + self._seconds, callback]
        self._queue.append(deadline)
        if not self._running:
            self._running = True
            self._loop.call_at(deadline[0], self._come_up)
        return deadline

    def _come_up(self) -> None:
        queue, now = self._queue, self._time()
        while queue:
            when, callback = deadline = queue.popleft()
            if callback is None:
                continue
            if when > now:
                queue.appendleft(deadline)
                self._loop.call_at(when, self._come_up)
                return
            deadline[1] = None
            callback()
        self._running = False
