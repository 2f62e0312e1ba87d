"""Protections of what others may learn (draft 7.2.11)."""

from __future__ import annotations

from dataclasses import dataclass

from p2psip_min.defences.base import Defence


@dataclass(frozen=True, kw_only=True)
class PrivacyDefences:
    """What keeps others from learning who talks to whom."""


PRIVACY: tuple[Defence, ...] = ()
