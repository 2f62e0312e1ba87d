"""What stands before the registrar: a queue, and who may join it (draft 11.7, Req. 15).

Looking at a request costs nothing that counts; a password's hash, a signature's check and a certificate's signature do.
So who comes too often, or has not solved the puzzle of the hour, is turned away before, and so is everybody once the
queue is full.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Protocol

from p2psip_min.enrollment.ledger import Nonce
from p2psip_min.enrollment.puzzles import PuzzlePolicy, solved
from p2psip_min.errors import EnrollmentReason


class Meter(Protocol):
    """Counts who came when."""

    def admits(self, host: str, now: float) -> bool:
        """Whether one more request of ``host`` is looked at, and note that it came."""


class RatePolicy(Protocol):
    """How often one host may ask."""

    def start(self) -> Meter:
        """A meter that has counted nothing yet."""


class Unmetered:
    """Everybody may."""

    def admits(self, host: str, now: float) -> bool:
        """Always."""
        return True


@dataclass(frozen=True, slots=True)
class NoLimit:
    """As often as it likes."""

    def start(self) -> Meter:
        """Nothing is counted."""
        return Unmetered()


@dataclass(frozen=True, slots=True)
class RateLimit:
    """Once in so many seconds: a host is an address, whoever sits there, and whoever has many addresses is many."""

    seconds: float = 20.0

    def start(self) -> Meter:
        """A meter of addresses."""
        return HostMeter(self.seconds)


class HostMeter:
    """Remembers each host for ``seconds`` after it was let in."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._seen: dict[str, None] = {}
        self._until: deque[tuple[float, str]] = deque()

    def admits(self, host: str, now: float) -> bool:
        """Not seen lately."""
        while self._until and self._until[0][0] <= now:
            del self._seen[self._until.popleft()[1]]
        if host in self._seen:
            return False
        self._seen[host] = None
        self._until.append((now + self._seconds, host))
        return True


def turned_away(
    meter: Meter,
    puzzle: PuzzlePolicy,
    host: str,
    nonce: Nonce | None,
    challenge: bytes,
    solution: bytes,
    waiting: int,
    now: float,
) -> EnrollmentReason | None:
    """Why a request of ``host`` does not get to the queue in which ``waiting`` others are; None: it may.

    ``nonce`` is what the server knows of the ``challenge`` in the request.
    """  # fmt: skip
    bits = puzzle.bits(waiting)
    if bits:
        # Whoever kept challenges for later finds them too easy by then.
        unspent = nonce is not None and not nonce.used and nonce.bits >= bits
        if not unspent or not solved(challenge, solution, bits):
            return EnrollmentReason.PUZZLE_UNSOLVED
    return None if meter.admits(host, now) else EnrollmentReason.RATE_LIMITED
