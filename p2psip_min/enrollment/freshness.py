"""Whether a request was made now, and by the holder of its key (draft 7.2.7, 11.1, Req. 9; RFC 2985 §5.4.1).

The server hands out a nonce, and the applicant puts it under the request's own signature. A request that is repeated
brings a nonce that is used up; one that was held back brings a nonce that is too old; a nonce that was exchanged breaks
the signature. Each of the three checks closes one of these ways.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Protocol

from cryptography.hazmat.primitives.asymmetric import ec

from p2psip_min.enrollment.ledger import Nonce
from p2psip_min.enrollment.pkcs10 import SigningRequest
from p2psip_min.errors import EnrollmentReason


class NoncePolicy(Protocol):
    """Whether a request must bring a challenge of ours that nobody has used."""

    def refusal(self, nonce: Nonce | None) -> EnrollmentReason | None:
        """Why the nonce of a request, None for one that we do not know, will not do."""


@dataclass(frozen=True, slots=True)
class NoNonce:
    """Whatever a request brings is good."""

    def refusal(self, nonce: Nonce | None) -> EnrollmentReason | None:
        """Never."""
        return None


@dataclass(frozen=True, slots=True)
class SingleUse:
    """Each challenge is good for one request."""

    def refusal(self, nonce: Nonce | None) -> EnrollmentReason | None:
        """Ours it must be, and not used."""
        if nonce is None:
            return EnrollmentReason.UNKNOWN_NONCE
        return EnrollmentReason.NONCE_USED if nonce.used else None


class ExpiryPolicy(Protocol):
    """How long a challenge is good, in seconds, and so how old a request may be."""

    @property
    def seconds(self) -> float: ...

    def refusal(self, nonce: Nonce | None, now: float) -> EnrollmentReason | None:
        """Why a request with this nonce is too old at ``now``."""


@dataclass(frozen=True, slots=True)
class NeverExpires:
    """For ever."""

    seconds: ClassVar[float] = math.inf

    def refusal(self, nonce: Nonce | None, now: float) -> EnrollmentReason | None:
        """Never."""
        return None


@dataclass(frozen=True, slots=True)
class Expires:
    """For so many seconds; a request that can't show its age counts as old."""

    seconds: float

    def refusal(self, nonce: Nonce | None, now: float) -> EnrollmentReason | None:
        """Too old, or of no age that we know."""
        young = nonce is not None and now < nonce.issued + self.seconds
        return None if young else EnrollmentReason.NONCE_EXPIRED


class PossessionPolicy(Protocol):
    """Whether an applicant must show that the key in his request is his."""

    def refusal(self, csr: SigningRequest) -> EnrollmentReason | None:
        """Why he has not shown it."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """He need not: his word counts."""

    def refusal(self, csr: SigningRequest) -> EnrollmentReason | None:
        """Never."""
        return None


@dataclass(frozen=True, slots=True)
class Proven:
    """By the request's signature (RFC 2986 §3): it covers the key, the name and the nonce."""

    def refusal(self, csr: SigningRequest) -> EnrollmentReason | None:
        """The signature is not the key's."""
        return None if csr.proven() else EnrollmentReason.NO_POSSESSION


class KeyPolicy(Protocol):
    """How long a key must be; ``curve`` is what applicants use then."""

    @property
    def curve(self) -> str: ...

    def refusal(self, csr: SigningRequest) -> EnrollmentReason | None:
        """Why the key in a request will not do."""


@dataclass(frozen=True, slots=True)
class UsualKeys:
    """As nodes take them (``certificates.acceptable_key``)."""

    curve: ClassVar[str] = "P-256"

    def refusal(self, csr: SigningRequest) -> EnrollmentReason | None:
        """Never."""
        return None


@dataclass(frozen=True, slots=True)
class LongerKeys:
    """P-384, or RSA of 3072 bits and more: nobody breaks keys, neither those nor the usual ones (draft 11.4)."""

    curve: ClassVar[str] = "P-384"

    def refusal(self, csr: SigningRequest) -> EnrollmentReason | None:
        """Too short."""
        long = csr.public_key.key_size >= (384 if isinstance(csr.public_key, ec.EllipticCurvePublicKey) else 3072)
        return None if long else EnrollmentReason.WEAK_KEY
