"""Timers of one length for everybody: what is set later is due later, so a queue does what the loop's heap would.

Nearly every message is acknowledged long before its sender would repeat it. Such a deadline costs an append and a
removal here and no timer of the loop, which has one of these for all: that of the oldest deadline still wanted when
the one before came up.
"""

from __future__ import annotations

from asyncio import AbstractEventLoop
from collections import deque
from collections.abc import Callable

Deadline = list[Callable[[], None] | None]
"""What to call, in a list; whoever no longer wants it called puts None in its place."""


class Deadlines:
    """All deadlines that lie ``seconds`` of virtual time after they were set."""

    __slots__ = ("_loop", "_queue", "_running", "_seconds")

    def __init__(self, loop: AbstractEventLoop, seconds: float) -> None:
        self._loop = loop
        self._seconds = seconds
        self._queue: deque[tuple[float, Deadline]] = deque()
        self._running = False

    def set(self, callback: Callable[[], None]) -> Deadline:
        """Call back when the time is over, unless the deadline has been emptied by then."""
        when = self._loop.time() + self._seconds
        deadline: Deadline = [callback]
        self._queue.append((when, deadline))
        if not self._running:
            self._running = True
            self._loop.call_at(when, self._come_up)
        return deadline

    def _come_up(self) -> None:
        queue, now = self._queue, self._loop.time()
        while queue:
            when, deadline = queue[0]
            callback = deadline[0]
            if callback is not None and when > now:
                self._loop.call_at(when, self._come_up)
                return
            queue.popleft()
            if callback is not None:
                deadline[0] = None
                callback()
        self._running = False
