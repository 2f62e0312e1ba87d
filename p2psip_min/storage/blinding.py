"""Where a registration lies if not everybody who knows a name is to find it (draft 7.2.11, 11.6).

    place = Resource-ID of HMAC-SHA256(contact secret, AOR)

An owner who has named readers gives them a secret of his, as people give each other their numbers: outside the overlay.
Whoever lacks it has a name, and does not know where to ask. One who names nobody registers where his name says.

Storing peers can't tell whose such a place is. So what lies there is of a Kind of its own, which binds a part to the
node that wrote it and binds no place (NODE-ID-MATCH), and a reader takes what the user signed whom he looks for. Those
who store a record see whose it is unless it is encrypted as well, and see who comes for it in any case.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import Protocol

from p2psip_min.ids import ResourceID
from p2psip_min.wire.kinds import BLINDED_REGISTRATION, SIP_REGISTRATION

SECRET_BITS = 128


class Bits(Protocol):
    """Where secrets come from."""

    def getrandbits(self, k: int, /) -> int: ...


class NamesPolicy(Protocol):
    """Where the registrations of an AOR lie, and under which Kind."""

    def secret(self, bits: Bits) -> bytes:
        """What an owner shares with his contacts; empty where there is nothing to share."""

    def place(self, aor: str, secret: bytes) -> tuple[ResourceID, int]:
        """For whoever has this secret of the AOR's owner; empty: none."""


@dataclass(frozen=True, slots=True)
class PlainNames:
    """Where the name says, for everybody (RFC 7904 §3.1)."""

    def secret(self, bits: Bits) -> bytes:
        """None."""
        return b""

    def place(self, aor: str, secret: bytes) -> tuple[ResourceID, int]:
        """The name's hash."""
        return ResourceID.of(aor), SIP_REGISTRATION


@dataclass(frozen=True, slots=True)
class BlindedNames:
    """Where name and contact secret say; without a secret, where the name does."""

    def secret(self, bits: Bits) -> bytes:
        """A fresh one."""
        return bits.getrandbits(SECRET_BITS).to_bytes(SECRET_BITS // 8, "big")

    def place(self, aor: str, secret: bytes) -> tuple[ResourceID, int]:
        """The hash of the name under the secret."""
        if not secret:
            return PlainNames().place(aor, secret)
        return ResourceID.of(hmac.digest(secret, aor.encode(), "sha256")), BLINDED_REGISTRATION
