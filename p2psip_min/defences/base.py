"""What a switch of the catalogue is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

DRAFT = "draft"
"""The preset of what the draft names."""

RELOAD = "reload"
"""The preset of what RFC 6940 mandates."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Defence:
    """One switch: what it is called, which policy it sets, what it stops, what it costs and where it comes from.

    ``number`` makes the policy from one figure, where it has one. ``presets`` are those that have it on beside
    ``hardened``, which has all. A ``decoy`` looks right and fails, and is in no preset.
    """

    name: str
    title: str
    field: str
    on: Any
    off: Any
    checks: str
    stops: str
    cost: str
    section: str
    number: Callable[[float], Any] | None = None
    presets: tuple[str, ...] = ()
    decoy: bool = False
