"""What a requester does about ways that may be bad, as values (draft 5.2, 11.2, 11.5).

Each has a null object that takes the same path, and works alone. What a node remembers lives in what ``start()`` gives.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

T = TypeVar("T")


# --- sending again (RFC 6940 §6.2.1) ----------------------------------------------------------------------------------


class RetryPolicy(Protocol):
    """How often a request is sent in all, how long each time is waited for, and on which way it goes."""

    @property
    def sends(self) -> int: ...

    @property
    def patience(self) -> float:
        """The wait after each send, in overlay-reliability-timers."""

    def way(self, attempt: int) -> int:
        """The way of the ``attempt``-th send, counted from 1."""


@dataclass(frozen=True, slots=True)
class SameWay:
    """Send again the way that the tables say, as the first time."""

    sends: int = 5
    patience: float = 1.0

    def way(self, attempt: int) -> int:
        """The best one, always."""
        return 0


@dataclass(frozen=True, slots=True)
class OtherWay:
    """Send again on another way each time: what swallowed the request or its answer may not be there."""

    sends: int = 5
    patience: float = 1.0

    def way(self, attempt: int) -> int:
        """The next best each time."""
        return attempt - 1


# --- several ways at once ---------------------------------------------------------------------------------------------


class PathPolicy(Protocol):
    """On how many ways a request for a key is sent at once, and which of the answers counts."""

    @property
    def ways(self) -> int: ...

    @property
    def patience(self) -> float:
        """Seconds that are waited for the other answers once there is one."""

    def best(self, answers: Sequence[T], better: Callable[[T, T], bool]) -> T:
        """The answer that counts; ``better`` says whether one beats another."""


@dataclass(frozen=True, slots=True)
class OnePath:
    """One way, and its answer."""

    ways: int = 1
    patience: float = 0.0

    def best(self, answers: Sequence[T], better: Callable[[T, T], bool]) -> T:
        """The one there is."""
        return answers[0]


@dataclass(frozen=True, slots=True)
class DisjointPaths:
    """Several ways that part at the first hop; the answer of who has the best claim to the key counts.

    A wrong answer is often the first: it is made on the way. So the others are waited for.
    """

    ways: int = 3
    patience: float = 2.0

    def best(self, answers: Sequence[T], better: Callable[[T, T], bool]) -> T:
        """The first of those that no other beats."""
        found = answers[0]
        for answer in answers[1:]:
            if better(answer, found):
                found = answer
        return found


# --- who asks the next hop --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LookupStyle:
    """Whether a node asks each step itself though the overlay's routing is recursive (draft 11.2)."""

    iterative: bool = False


# --- what an answer to RouteQuery names (RFC 6940 §6.4.2.4) -----------------------------------------------------------


class ReferralPolicy(Protocol):
    """How many next hops an answer to RouteQuery names, and how many seconds each is given (None: a request's time)."""

    @property
    def names(self) -> int: ...

    @property
    def patience(self) -> float | None: ...


@dataclass(frozen=True, slots=True)
class OneHop:
    """The best one, as the RFC's answer has it."""

    names: int = 1
    patience: float | None = None


@dataclass(frozen=True, slots=True)
class SeveralHops:
    """Some more in an extension, so that who asked can go on soon where one of them does not answer."""

    names: int = 3
    patience: float | None = 1.5
