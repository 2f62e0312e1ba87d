"""Protections of the way in: bootstrap and join control (draft 5.2, 11.3, 11.5)."""

from __future__ import annotations

from dataclasses import dataclass

from p2psip_min.defences.base import Defence


@dataclass(frozen=True, kw_only=True)
class AdmissionDefences:
    """What protects the way in."""


ADMISSION: tuple[Defence, ...] = ()
