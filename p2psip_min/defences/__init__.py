"""Every protection as a value that can be replaced, and the one catalogue of them (draft 7, RFC 6940).

Each field of ``Defences`` is a policy with a null object that takes the same path, so that "off" and "on" compare
fairly. No switch exists outside ``CATALOGUE``: the panel, the command line, the documentation and the tests are
made from it. Each layer has a module with its policies' fields and its part of the catalogue.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

from p2psip_min.defences.admission import ADMISSION, AdmissionDefences
from p2psip_min.defences.application import APPLICATION, ApplicationDefences
from p2psip_min.defences.base import DRAFT, RELOAD, Defence
from p2psip_min.defences.exclusion import EXCLUSION, ExclusionDefences
from p2psip_min.defences.identity import IDENTITY, IdentityDefences
from p2psip_min.defences.privacy import PRIVACY, PrivacyDefences
from p2psip_min.defences.routing import ROUTING, MessageAuthentication, ResponderCheck, RoutingDefences
from p2psip_min.defences.software import SOFTWARE, SoftwareDefences
from p2psip_min.defences.storage import STORAGE, StorageDefences
from p2psip_min.defences.transport import (
    TRANSPORT,
    LinkAuthentication,
    LinkProtection,
    Measure,
    TransportDefences,
)
from p2psip_min.defences.ways import WAYS, WayDefences


@dataclass(frozen=True, kw_only=True)
class Defences(
    ApplicationDefences,
    ExclusionDefences,
    PrivacyDefences,
    StorageDefences,
    WayDefences,
    RoutingDefences,
    AdmissionDefences,
    IdentityDefences,
    TransportDefences,
    SoftwareDefences,
):
    """The protections of one overlay."""

    def having(self, *names: str, **values: Any) -> Defences:
        """These defences with the named ones of the catalogue switched on."""
        return replace(self, **{entry(name).field: entry(name).on for name in names}, **values)

    def without(self, *names: str) -> Defences:
        """These defences with the named ones of the catalogue switched off."""
        return replace(self, **{entry(name).field: entry(name).off for name in names})

    def names(self) -> tuple[str, ...]:
        """The catalogue's names of what is switched on, in its order."""
        return tuple(item.name for item in CATALOGUE if _is_on(item, getattr(self, item.field)))

    def signed_codes(self) -> frozenset[int]:
        """The codes of messages that one of the policies needs signed, also where the overlay's messages are not."""
        return frozenset(
            code for each in fields(self) for code in getattr(getattr(self, each.name), "signed_codes", ())
        )


CATALOGUE: tuple[Defence, ...] = (
    *TRANSPORT,
    *SOFTWARE,
    *IDENTITY,
    *ADMISSION,
    *ROUTING,
    *WAYS,
    *STORAGE,
    *PRIVACY,
    *EXCLUSION,
    *APPLICATION,
)

_BY_NAME = {item.name: item for item in CATALOGUE}
_VALUES = [(item.field, item.on) for item in CATALOGUE]


def _is_on(item: Defence, value: Any) -> bool:
    """A policy counts as an entry's when it is that entry's value, or the same with another number in it."""
    if value == item.on or value == item.off:
        return bool(value == item.on)
    return type(value) is type(item.on) and (item.field, value) not in _VALUES


def entry(name: str) -> Defence:
    """The catalogue's entry of that name; KeyError names those that exist."""
    try:
        return _BY_NAME[name]
    except KeyError:
        raise KeyError(f"no defence {name!r}; known: {', '.join(_BY_NAME)}") from None


def _preset(name: str) -> Defences:
    return Defences().having(*(item.name for item in CATALOGUE if name in item.presets))


PRESETS: dict[str, Defences] = {
    "none": Defences(),
    DRAFT: _preset(DRAFT),
    RELOAD: _preset(RELOAD),
    "hardened": Defences().having(*(item.name for item in CATALOGUE if not item.decoy)),
}
"""``none``; ``draft``: what the draft names; ``reload``: what RFC 6940 mandates; ``hardened``: everything."""


def preset(name: str) -> Defences:
    """The preset of that name; KeyError names those that exist."""
    try:
        return PRESETS[name]
    except KeyError:
        raise KeyError(f"no preset {name!r}; known: {', '.join(PRESETS)}") from None


__all__ = [
    "CATALOGUE",
    "PRESETS",
    "Defence",
    "Defences",
    "LinkAuthentication",
    "LinkProtection",
    "Measure",
    "MessageAuthentication",
    "ResponderCheck",
    "entry",
    "preset",
]
