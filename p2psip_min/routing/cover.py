"""Lookups that nobody needs, so that those who watch can't tell which ones somebody does need (draft 7.2.11).

The cover of a name is the same each time: with other names each time, whoever keeps count would soon see which one
comes again and again. It hides a lookup among as many; it does not hide that somebody looks.

Whoever is looked up is then called, phone to phone, and whoever watches a line sees to whom it leads. So each cover is
a call's whole set-up, with messages of one length. In clear they can be told apart, and the talk that follows has no
cover.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


class Bits(Protocol):
    """Where moments come from."""

    def getrandbits(self, k: int, /) -> int: ...


class CoverPolicy(Protocol):
    """What is looked up beside what is wanted, and when; a call's messages fill blocks of so many bytes, 0: none."""

    @property
    def block(self) -> int: ...

    def names(self, wanted: str, directory: Sequence[str], secret: bytes) -> tuple[str, ...]: ...

    def moment(self, bits: Bits) -> float: ...


@dataclass(frozen=True, slots=True)
class NoCover:
    """Only what is wanted is looked up, at once."""

    block = 0

    def names(self, wanted: str, directory: Sequence[str], secret: bytes) -> tuple[str, ...]:
        """Nothing."""
        return ()

    def moment(self, bits: Bits) -> float:
        """Now."""
        return 0.0


@dataclass(frozen=True, slots=True)
class CoverQueries:
    """``count`` other names of the caller's directory, all within ``spread`` seconds and in no order."""

    count: int = 3
    spread: float = 1.0
    block: int = 1024

    def names(self, wanted: str, directory: Sequence[str], secret: bytes) -> tuple[str, ...]:
        """The cover of ``wanted``: which names, the caller's ``secret`` decides, the same ones each time."""
        others = [name for name in directory if name != wanted]
        return tuple(sorted(others, key=lambda name: _rank(secret, wanted, name))[: self.count])

    def moment(self, bits: Bits) -> float:
        """In how many seconds one of them is looked up, the wanted one too; whole milliseconds."""
        return int(bits.getrandbits(32) * self.spread * 1000) // (1 << 32) / 1000


def _rank(secret: bytes, wanted: str, name: str) -> bytes:
    return hashlib.sha256(secret + hashlib.sha256(wanted.encode()).digest() + name.encode()).digest()
