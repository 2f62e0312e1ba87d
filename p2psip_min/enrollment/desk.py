"""The registrar's desk: one request at a time, each takes its time, the others queue, whatever door they came by."""

from __future__ import annotations

from asyncio import AbstractEventLoop
from collections.abc import Callable


class Desk:
    """Works off requests, ``seconds`` each; 0: at once. At most ``places`` wait or are worked on."""

    def __init__(self, loop: AbstractEventLoop, seconds: float = 0.0, places: int = 64) -> None:
        self._loop = loop
        self._seconds = seconds
        self._places = places
        self._free_at = 0.0
        self.waiting = 0
        """How many have come and are not done."""

    def take(self, work: Callable[[], None]) -> bool:
        """Do ``work`` when its turn has come and its time is over; False when there is no place left."""
        if not self._seconds:
            work()
            return True
        if self.waiting >= self._places:
            return False
        self.waiting += 1
        self._free_at = max(self._free_at, self._loop.time()) + self._seconds
        self._loop.call_at(self._free_at, self._do, work)
        return True

    def _do(self, work: Callable[[], None]) -> None:
        self.waiting -= 1
        work()
