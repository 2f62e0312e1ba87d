"""Finding and excluding badly behaving nodes (draft 7.2.12)."""

from __future__ import annotations

from dataclasses import dataclass

from p2psip_min.defences.base import Defence


@dataclass(frozen=True, kw_only=True)
class ExclusionDefences:
    """What finds and excludes who behaves badly."""


EXCLUSION: tuple[Defence, ...] = ()
