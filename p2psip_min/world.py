"""What every deployment runs in: a clock, a network, a trace, and dice that follow from one seed."""

from __future__ import annotations

import random
from collections.abc import Coroutine, Iterable
from typing import Any, Self, TypeVar, cast

from p2psip_min.counting import CountingTrace
from p2psip_min.errors import LocalProtocolError
from p2psip_min.trace import Event, Trace
from p2psip_min.transport.driver import Runs, driver_here
from p2psip_min.transport.network import Network

T = TypeVar("T")


class World:
    """One simulated world; its methods block. ``trace`` is "full" or "counting", ``driver`` runs the loop: by default
    in the calling thread, or in one of its own where a loop runs already, as in a notebook.

    Same seed and same actions: same events, byte for byte, in any process. Every draw comes from ``rng(label)``.
    """

    def __init__(self, *, seed: int, name: str, trace: str, driver: Runs | None) -> None:
        one_of("trace", trace, ("full", "counting"))
        self.seed = seed
        self.name = name
        self.driver: Runs = driver_here() if driver is None else driver
        self.loop = self.driver.loop
        self.trace: Trace | CountingTrace = Trace() if trace == "full" else CountingTrace()
        self.network = Network(self.loop, self.rng("network"), self.trace)

    def rng(self, label: str) -> random.Random:
        """The dice of one purpose; another purpose's draws do not move them."""
        return random.Random(f"{self.seed}:{label}")

    @property
    def now(self) -> float:
        """Seconds of virtual time."""
        return self.loop.time()

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine in the world's time and return what it returns; LocalProtocolError once it is closed."""
        if self.loop.is_closed():
            coroutine.close()
            raise LocalProtocolError("this world is closed")
        return self.driver.run(coroutine)

    def advance(self, seconds: float) -> None:
        """Let virtual time pass; ValueError for what is no number of seconds from 0 on."""
        self.driver.advance(seconds)

    def step(self) -> bool:
        """Run the next callback; False when there is none."""
        return self.driver.step()

    def digest(self) -> str:
        """The trace's digest: equal for equal runs, in any process."""
        return self.trace.digest()

    @property
    def events(self) -> list[Event]:
        """What has happened, in order; LocalProtocolError where events are only counted."""
        if isinstance(self.trace, CountingTrace):
            raise LocalProtocolError("this world counts its events and keeps none; trace='full' keeps them")
        return self.trace.events

    def aor(self, user: str) -> str:
        """The address of record of a user here, without a scheme."""
        return user if "@" in user else f"{user}@{self.name}"

    def stop(self) -> None:
        """End everybody where he stands."""

    def close(self) -> None:
        """End everybody and the loop."""
        self.driver.call(self.stop)
        self.driver.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def whole(what: str, value: object) -> None:
    """Raise a ValueError when ``value`` is no whole number."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError(f"{what} is a whole number, not {value!r}")


def several(what: str, value: Iterable[str]) -> tuple[str, ...]:
    """The names in ``value``; raises a ValueError for anything else, as one string, which would be taken by letters."""
    found = tuple(value) if isinstance(value, Iterable) and not isinstance(value, str) else (None,)
    if not all(isinstance(name, str) for name in found):
        raise ValueError(f"{what} are names, as ('alice', 'bob'), not {value!r}")
    return cast(tuple[str, ...], found)


def one_of(what: str, value: str, known: Iterable[str]) -> None:
    """Raise a ValueError that lists the known values when ``value`` is none of them."""
    if value not in known:
        raise ValueError(f"no {what} {value!r}; known: {', '.join(known)}")
