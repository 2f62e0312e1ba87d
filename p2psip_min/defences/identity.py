"""Protections of identities and enrollment (draft 7.2.6, 7.2.7, 7.2.10, 11.7)."""

from __future__ import annotations

from dataclasses import dataclass

from p2psip_min.defences.base import Defence


@dataclass(frozen=True, kw_only=True)
class IdentityDefences:
    """What protects who somebody is."""


IDENTITY: tuple[Defence, ...] = ()
