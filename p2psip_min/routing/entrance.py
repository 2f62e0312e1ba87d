"""Through whom a node joins: which bootstrap nodes are asked, and whose word counts (RFC 6940 §11.4; draft 11.3, 11.5).

Where a newcomer belongs is not a matter of opinion: of all peers one has the best claim to its admitting key, so of two
answers the better one is the truer, whoever gave it. One honest entrance among several is enough.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cmp_to_key
from typing import Protocol

from p2psip_min.ids import NodeID

Address = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Entrance:
    """A bootstrap node to join through; ``admitting`` is the peer that it says has to admit us, None: not asked."""

    address: Address
    admitting: NodeID | None = None


class EntrancePolicy(Protocol):
    """Which entrances a joining node tries, and how many it compares before it goes in.

    Through each of the ``compared`` ones it also meets ``detours`` peers that chance leads to, and learns from them.
    """

    @property
    def compared(self) -> int: ...

    @property
    def detours(self) -> int: ...

    def choose(self, entrances: Sequence[Address]) -> Sequence[Address]: ...


@dataclass(frozen=True, slots=True)
class InTurn:
    """One after the other, each believed."""

    compared = 1
    detours = 0

    def choose(self, entrances: Sequence[Address]) -> Sequence[Address]:
        """All of them."""
        return entrances


@dataclass(frozen=True, slots=True)
class SameAgain:
    """The first, and when that leads nowhere the first again."""

    compared = 1
    detours = 0

    def choose(self, entrances: Sequence[Address]) -> Sequence[Address]:
        """The first."""
        return entrances[:1]


@dataclass(frozen=True, slots=True)
class Compared:
    """``compared`` of them are asked who admits us, and the best answer is taken.

    All ways to a place end over the same few peers, and one of these may lie. Who has met ``detours`` others through
    each bootstrap node knows from their tables who belongs there, attaches to them, and needs nobody's answer.
    """

    compared: int = 3
    detours: int = 0

    def choose(self, entrances: Sequence[Address]) -> Sequence[Address]:
        """All of them."""
        return entrances


@dataclass(frozen=True, slots=True)
class KnownPeers:
    """How many peers of an earlier life are tried before the configuration's bootstrap nodes (RFC 6940 §11.4)."""

    count: int

    def add(self, known: Iterable[Address], bootstraps: Sequence[Address]) -> Sequence[Address]:
        """The entrances, the first to try first; the youngest acquaintance comes last in ``known``."""
        if not self.count:
            return bootstraps
        met = [address for address in known if address not in bootstraps]
        return [*met[-self.count :][::-1], *bootstraps]


class DensityPolicy(Protocol):
    """Whether the place that an entrance leads to looks like the rest of the overlay; by estimates of its size.

    ``references`` is how many bootstrap nodes are asked for theirs.
    """

    @property
    def references(self) -> int: ...

    def objects(self, here: float, elsewhere: Sequence[float]) -> bool: ...


@dataclass(frozen=True, slots=True)
class NoDensityTest:
    """Any place will do."""

    references = 0

    def objects(self, here: float, elsewhere: Sequence[float]) -> bool:
        """Never."""
        return False


@dataclass(frozen=True, slots=True)
class DensityTest:
    """A place is suspect where the peers lie ``factor`` times farther apart than at half of the bootstrap nodes.

    Node-IDs are drawn, so a few attackers among many peers can't show as crowded a place as all peers make. Of 32 peers
    four or six are always too few; eight pass one time in seven, and half of them nearly always. With a factor of 3 one
    right place in a hundred is suspected, with 2 one in twenty.
    """

    factor: float = 3.0
    references: int = 3

    def objects(self, here: float, elsewhere: Sequence[float]) -> bool:
        """Whether the place is too empty, by the lower median of what the bootstrap nodes show."""
        return bool(elsewhere) and here * self.factor < sorted(elsewhere)[(len(elsewhere) - 1) // 2]


def best(opinions: Sequence[Entrance], closer: Callable[[bytes, bytes, bytes], bool], key: bytes) -> list[Entrance]:
    """The entrances in the order to try them: by the claim to ``key`` of the peer that each named."""

    def compare(one: Entrance, other: Entrance) -> int:
        assert one.admitting is not None
        assert other.admitting is not None
        return closer(other.admitting, one.admitting, key) - closer(one.admitting, other.admitting, key)

    return sorted(opinions, key=cmp_to_key(compare))
