"""Protections of registrations and calls (draft 11.2, 11.3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from p2psip_min.defences.base import DRAFT, RELOAD, Defence
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


class CallerPolicy(Protocol):
    """Whose calls a phone takes."""

    def refusal(self, claimed: str, user: str, names: dict[str, str]) -> CallReason | None:
        """Why a call that ``claimed`` (an AOR) is said to make is not taken; it comes from a device of ``user``.

        ``user`` is empty where nobody proved anything; ``names`` are those by which callers are known here.
        """


@dataclass(frozen=True, slots=True)
class AnyCaller:
    """Everybody is who he says."""

    def refusal(self, claimed: str, user: str, names: dict[str, str]) -> CallReason | None:
        """None."""
        return None


@dataclass(frozen=True, slots=True)
class CallersDevice:
    """Only from a device of the user who is said to call: it signs the AppAttach, and its certificate names him."""

    signed_codes = (MessageCode.APP_ATTACH_REQ,)
    """What is signed for it, also where other messages are not."""

    def refusal(self, claimed: str, user: str, names: dict[str, str]) -> CallReason | None:
        """NOT_THE_CALLERS, unless the certificate is his."""
        return None if claimed == user else CallReason.NOT_THE_CALLERS


@dataclass(frozen=True, slots=True)
class UniqueNames:
    """A name on the display stands for one AOR: the first that called under it."""

    def refusal(self, claimed: str, user: str, names: dict[str, str]) -> CallReason | None:
        """NAME_IN_USE for another AOR with the same name."""
        return None if names.setdefault(claimed.partition("@")[0], claimed) == claimed else CallReason.NAME_IN_USE


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
    caller: CallerPolicy = AnyCaller()
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
        name="caller-auth",
        title="Authentication of the calling device",
        field="caller",
        on=CallersDevice(),
        off=AnyCaller(),
        checks="the device that calls has a certificate of the user who is said to call",
        stops="calls in somebody else's name",
        cost="one signature and one certificate a call",
        section="draft 7.2.5, RFC 7904 §5",
        presets=(DRAFT, RELOAD),
    ),
    Defence(
        name="unique-names",
        title="Unique display names",
        field="caller",
        on=UniqueNames(),
        off=AnyCaller(),
        checks="a name on the display stands for one address of record",
        stops="another user of the same name; not one who gives the whole address as his own",
        cost="no bytes",
        section="draft 7.2.5",
        decoy=True,
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
