"""Client puzzles: who wants something that costs the server work does some work first (draft Req. 15).

A puzzle asks for eight numbers; the SHA-256 of challenge, index and number must begin with ``bits`` zero bits. Finding
them takes about 8 · 2^bits tries, checking them takes eight. Several small puzzles vary less than one large one.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Protocol

PARTS = 8
NUMBER = 4
"""Bytes of one number."""

TRY = 0.002
"""Seconds that a device takes for one try: each stands for thousands, so that the simulation need not make them."""


class PuzzlePolicy(Protocol):
    """How hard a puzzle a request has to solve."""

    def bits(self, waiting: int) -> int:
        """The difficulty while ``waiting`` requests wait; 0: none."""


@dataclass(frozen=True, slots=True)
class NoPuzzle:
    """None."""

    def bits(self, waiting: int) -> int:
        """0."""
        return 0


@dataclass(frozen=True, slots=True)
class ClientPuzzle:
    """None while few wait; beyond ``waiting``, one of ``difficulty`` bits, about two seconds of a device's time."""

    difficulty: int = 7
    waiting: int = 4

    def bits(self, waiting: int) -> int:
        """As many as the crowd asks for."""
        return self.difficulty if waiting > self.waiting else 0


def solve(challenge: bytes, bits: int) -> tuple[bytes, int]:
    """A solution, and how many tries it took."""
    numbers, tries = [], 0
    for index in range(PARTS if bits else 0):
        number = 0
        while not _fits(challenge, index, number.to_bytes(NUMBER, "big"), bits):
            number += 1
        tries += number + 1
        numbers.append(number.to_bytes(NUMBER, "big"))
    return b"".join(numbers), tries


def solved(challenge: bytes, solution: bytes, bits: int) -> bool:
    """Whether a solution is one."""
    if not bits:
        return True
    numbers = [solution[start : start + NUMBER] for start in range(0, len(solution), NUMBER)]
    if len(solution) != PARTS * NUMBER:
        return False
    return all(_fits(challenge, index, number, bits) for index, number in enumerate(numbers))


def _fits(challenge: bytes, index: int, number: bytes, bits: int) -> bool:
    digest = hashlib.sha256(challenge + bytes((index,)) + number).digest()
    return int.from_bytes(digest[:NUMBER], "big") >> (8 * NUMBER - bits) == 0
