"""Protections of a hop (draft 5.1, 7.2.11, 11.3)."""

from __future__ import annotations

from dataclasses import dataclass

from p2psip_min.defences.base import DRAFT, RELOAD, Defence


@dataclass(frozen=True, slots=True)
class LinkProtection:
    """What carries a hop: ``tls`` or datagrams that anybody on the path can read and change."""

    tls: bool


@dataclass(frozen=True, slots=True)
class LinkAuthentication:
    """Whose word counts for the Node-ID at a link's other end: its certificate's, or its own."""

    certificate: bool


@dataclass(frozen=True, kw_only=True)
class TransportDefences:
    """What protects a link."""

    link_protection: LinkProtection = LinkProtection(False)
    link_authentication: LinkAuthentication = LinkAuthentication(False)


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
)
