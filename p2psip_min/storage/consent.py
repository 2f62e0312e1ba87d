"""Whether a record may lead others to somebody who did not write it (draft 5.3 second).

Everybody may write under his own name, and where that leads is up to him: to another phone of his, or to a victim who
is then called by all who look the name up. No certificate says whether the other one wants that. So he is asked.

What is encrypted for chosen readers no storing peer can look into: it leads astray nobody but those readers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from p2psip_min.errors import Malformed
from p2psip_min.ids import Destination, NodeID
from p2psip_min.wire.codec import decode
from p2psip_min.wire.kinds import SIP_REGISTRATION, SipRegistration, SipRegistrationType

MOST_AGE = 60.0
"""Seconds for which a contact's word counts: an old one could be brought again."""


class ConsentPolicy(Protocol):
    """Whether a storing peer ``asks`` the contact of a record before it stores it."""

    @property
    def names_writer(self) -> bool: ...

    @property
    def asks(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class NobodyAsked:
    """A record leads where its writer says."""

    names_writer = False
    asks = False


@dataclass(frozen=True, slots=True)
class ContactAsked:
    """A record leads to its writer's node, or to one that has agreed to it."""

    names_writer = True
    asks = True


Lead = tuple[Destination, ...] | str
"""Where a record leads: over a route to a node, or to another name."""


def leads(kind: int, value: bytes, writer: NodeID | None) -> tuple[Lead, ...]:
    """Where a value leads beside its writer's own node; what can't be read leads nowhere."""
    if kind != SIP_REGISTRATION:
        return ()
    try:
        registration = decode(SipRegistration, value)
    except Malformed:
        return ()
    if registration.type == SipRegistrationType.URI:
        return (registration.uri,)
    route = registration.destination_list
    return () if route[-1] == writer else (route,)
