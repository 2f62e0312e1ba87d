"""Protections of registrations and calls (draft 11.2, 11.3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from p2psip_min.defences.base import Defence
from p2psip_min.errors import CallReason
from p2psip_min.ids import Destination, NodeID
from p2psip_min.wire.codes import MessageCode

LONGEST_ROUTE = 4
"""Entries of a contact that looks like one: a phone, its peer, and relays between."""


class Named(Protocol):
    """What is read of a device's certificate."""

    @property
    def user(self) -> str: ...


class CalleePolicy(Protocol):
    """Which device may take a call."""

    def refusal(self, user: str, certificate: Named | None) -> CallReason | None:
        """Why the device with ``certificate`` (None: it showed none) is not to be called as ``user``."""


@dataclass(frozen=True, slots=True)
class AnyDevice:
    """Whoever answers is called."""

    def refusal(self, user: str, certificate: Named | None) -> CallReason | None:
        """None."""
        return None


@dataclass(frozen=True, slots=True)
class OwnersDevice:
    """Only a device of the user who is called: it signs that it agrees, and its certificate names him."""

    signed_codes = (MessageCode.APP_ATTACH_ANS,)
    """What is signed for it, also where other messages are not."""

    def refusal(self, user: str, certificate: Named | None) -> CallReason | None:
        """NOT_THE_OWNERS, unless the certificate is the user's."""
        return None if certificate is not None and certificate.user == user else CallReason.NOT_THE_OWNERS


class ContactPolicy(Protocol):
    """Which contacts are tried."""

    def refusal(self, route: Sequence[Destination]) -> CallReason | None:
        """Why this route is not tried."""


@dataclass(frozen=True, slots=True)
class AnyContact:
    """All of them."""

    def refusal(self, route: Sequence[Destination]) -> CallReason | None:
        """None."""
        return None


@dataclass(frozen=True, slots=True)
class WellFormedContact:
    """Those that look like a contact: a short list of different nodes."""

    def refusal(self, route: Sequence[Destination]) -> CallReason | None:
        """BAD_CONTACT for what is none."""
        nodes = [entry for entry in route if isinstance(entry, NodeID)]
        fine = 0 < len(route) <= LONGEST_ROUTE and len(nodes) == len(route) == len(set(nodes))
        return None if fine else CallReason.BAD_CONTACT


@dataclass(frozen=True, kw_only=True)
class ApplicationDefences:
    """What protects registrations and calls."""

    callee: CalleePolicy = AnyDevice()
    contact: ContactPolicy = AnyContact()


APPLICATION: tuple[Defence, ...] = (
    Defence(
        name="callee-auth",
        title="Authentication of the called device",
        field="callee",
        on=OwnersDevice(),
        off=AnyDevice(),
        checks="the device that takes a call has a certificate of the user who is called",
        stops="calls that reach somebody else's device",
        cost="one signature and one certificate a call; a redirection must be signed by who is called",
        section="draft 11.2, 11.3",
    ),
    Defence(
        name="contact-syntax",
        title="Check of the contact's syntax",
        field="contact",
        on=WellFormedContact(),
        off=AnyContact(),
        checks="a contact is a short list of different Node-IDs",
        stops="rubbish, but no contact that points elsewhere",
        cost="no bytes",
        section="draft 11.2",
        decoy=True,
    ),
)
