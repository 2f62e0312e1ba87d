"""What befalls many machines at once: a power cut, a worm, an update that should not have been (draft 7.2.10)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MassFailure:
    """ST-17: every machine whose switch it holds stops in the same moment, without a word."""

    switches: tuple[Callable[[], None], ...]

    @classmethod
    def of(cls, switches: Iterable[Callable[[], None]]) -> MassFailure:
        """An outage of these."""
        return cls(tuple(switches))

    def strike(self) -> None:
        """Now."""
        for switch in self.switches:
            switch()
