"""Whose certificate counts when two nodes meet for the first time (draft 11.3).

Where nobody checks, a name is enough to be a peer of the overlay. A certificate alone says no more than that somebody
issued it: what counts is who.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from p2psip_min.enrollment.certificates import Certificate, parse
from p2psip_min.enrollment.trust import TrustStore
from p2psip_min.errors import LinkReason


class IntroductionPolicy(Protocol):
    """What a joining node wants to see of each node that it attaches to.

    ``certified``: Attach answers are signed, whatever else is, and who joins takes no Updates but from their signers.
    """

    @property
    def certified(self) -> bool: ...

    def judge(self, der: bytes, trust: TrustStore, now: float) -> Certificate | LinkReason: ...


@dataclass(frozen=True, slots=True)
class NoIntroduction:
    """Nothing: who answers is believed."""

    certified = False

    def judge(self, der: bytes, trust: TrustStore, now: float) -> Certificate | LinkReason:
        """Nobody asks."""
        return parse(der, trust.overlay)


@dataclass(frozen=True, slots=True)
class AnyAuthority:
    """A certificate of the right form for this overlay's name, within its dates, whoever issued it."""

    certified = True

    def judge(self, der: bytes, trust: TrustStore, now: float) -> Certificate | LinkReason:
        """What the certificate says of itself."""
        certificate = parse(der, trust.overlay)
        if not isinstance(certificate, Certificate):
            return certificate
        if now >= certificate.not_after:
            return LinkReason.EXPIRED
        return certificate if now >= certificate.not_before else LinkReason.NOT_YET_VALID


@dataclass(frozen=True, slots=True)
class OverlayAuthority:
    """A certificate of the authorities that the configuration pins (RFC 6940 §11.1, root-cert)."""

    certified = True

    def judge(self, der: bytes, trust: TrustStore, now: float) -> Certificate | LinkReason:
        """What the node's own trust says."""
        return trust.check(der, now=now)
