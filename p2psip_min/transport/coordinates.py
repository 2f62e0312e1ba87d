"""Where nodes are: points on a plane whose distance is delay.

Coordinates and delays are whole microseconds and the root is an integer one, so every platform computes the same.
"""

from __future__ import annotations

import hashlib
from math import isqrt

Point = tuple[int, int]
"""A place, in microseconds of one-way delay along each axis."""

SIDE = 53_033
"""The square's side: its diagonal is 75 ms."""

BASE_DELAY = 5_000
"""Microseconds that every packet takes, however near its destination."""


def seeded_point(salt: int, name: str) -> Point:
    """The point of ``name``: it depends on nothing but the two, so that one more node moves no other."""
    digest = hashlib.sha256(f"{salt}:{name}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % SIDE, int.from_bytes(digest[8:16], "big") % SIDE


def delay_us(a: Point, b: Point) -> int:
    """One-way delay in microseconds: 5 ms and the distance, up to 80 ms across the square."""
    return BASE_DELAY + isqrt((a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2)
