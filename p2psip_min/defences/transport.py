"""Protections of a hop (draft 5.1, 7.2.11, 11.3)."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Protocol

from p2psip_min.defences.base import DRAFT, RELOAD, Defence


class Bits(Protocol):
    """Where a password comes from."""

    def getrandbits(self, k: int, /) -> int: ...


class Measure(enum.Enum):
    """What is done on a link that is no authenticated TLS, and looks safe (``transport.half_measures``)."""

    NONE = "none"
    CHECKSUM = "checksum"
    CERTIFICATE_SHOWN = "certificate shown"
    CERTIFICATE_PROVEN = "certificate proven"
    PASSWORD = "password"


@dataclass(frozen=True, slots=True)
class LinkProtection:
    """What carries a hop: ``tls`` or datagrams that anybody on the path can read and change.

    ``measure`` is what is put in place of protection, or of certificates where there is TLS.
    """

    tls: bool
    measure: Measure = Measure.NONE

    def secret(self, dice: Bits) -> str | None:
        """The overlay's password, drawn once; None where links ask for none."""
        return f"{dice.getrandbits(64):016x}" if self.measure is Measure.PASSWORD else None


@dataclass(frozen=True, slots=True)
class LinkAuthentication:
    """Whose word counts for the Node-ID at a link's other end: its certificate's, or its own."""

    certificate: bool


@dataclass(frozen=True, slots=True)
class HopAcknowledgement:
    """Whether a TLS link counts as dead when the other end acknowledges nothing, whatever the stream below says.

    Plain links wait for acknowledgements in any case, since they have nothing below; there they can be forged too.
    """

    awaited: bool


@dataclass(frozen=True, kw_only=True)
class TransportDefences:
    """What protects a link."""

    link_protection: LinkProtection = LinkProtection(False)
    link_authentication: LinkAuthentication = LinkAuthentication(False)
    hop_acknowledgement: HopAcknowledgement = HopAcknowledgement(False)


TRANSPORT: tuple[Defence, ...] = (
    Defence(
        name="tls",
        title="TLS on every link",
        field="link_protection",
        on=LinkProtection(True),
        off=LinkProtection(False),
        checks="only the two ends of a hop see a message; a forwarder is an end",
        stops="reading and changing messages on a hop",
        cost="22 bytes a record, one handshake a link",
        section="draft 5.1",
        presets=(DRAFT, RELOAD),
    ),
    Defence(
        name="link-auth",
        title="Certificate at both ends",
        field="link_authentication",
        on=LinkAuthentication(True),
        off=LinkAuthentication(False),
        checks="the Node-ID of a link's other end is the one in its certificate",
        stops="speaking as another node",
        cost="one certificate check a link",
        section="RFC 6940 §6.6",
        presets=(DRAFT, RELOAD),
    ),
    Defence(
        name="hop-acknowledgement",
        title="Acknowledgement on each hop",
        field="hop_acknowledgement",
        on=HopAcknowledgement(True),
        off=HopAcknowledgement(False),
        checks="a TLS link whose other end acknowledges nothing for 8.5 s is dead, and is gone around",
        stops="deleting messages on a hop; without TLS acknowledgements can be forged",
        cost="no bytes: frames are acknowledged anyway",
        section="draft 5.1, RFC 6940 §6.6.1",
        presets=(DRAFT, RELOAD),
    ),
    Defence(
        name="link-checksum",
        title="Check sum on each frame",
        field="link_protection",
        on=LinkProtection(False, Measure.CHECKSUM),
        off=LinkProtection(False),
        checks="a frame's CRC-32 is right",
        stops="noise; whoever changes a frame computes its check sum anew",
        cost="4 bytes a frame",
        section="draft 5.1",
        decoy=True,
    ),
    Defence(
        name="certificate-shown",
        title="Certificate shown on connecting",
        field="link_protection",
        on=LinkProtection(False, Measure.CERTIFICATE_SHOWN),
        off=LinkProtection(False),
        checks="a valid certificate for the Node-ID exists, and the other end has a copy",
        stops="Node-IDs that nobody has; everybody has copies of the others' certificates",
        cost="one certificate a link",
        section="draft 11.3",
        decoy=True,
    ),
    Defence(
        name="connect-auth",
        title="Authentication on connecting only",
        field="link_protection",
        on=LinkProtection(False, Measure.CERTIFICATE_PROVEN),
        off=LinkProtection(False),
        checks="whoever opens a link holds the key of its certificate",
        stops="connecting as another node; what follows is in clear and anybody's",
        cost="one certificate and one signature a link",
        section="draft 11.3",
        decoy=True,
    ),
    Defence(
        name="overlay-password",
        title="Password of the overlay",
        field="link_protection",
        on=LinkProtection(True, Measure.PASSWORD),
        off=LinkProtection(False),
        checks="whoever connects knows the overlay's password, over TLS with whomever it reaches",
        stops="strangers, where a few agreed on it in person (Req. 2); no member, and nobody to whom a client told it",
        cost="one handshake a link",
        section="RFC 6940 §13.4",
        decoy=True,
    ),
)
