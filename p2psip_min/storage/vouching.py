"""Who vouches for a value that a holder hands out, where its owner did not sign it.

A holder's signature says that this node handed this value out. A reader who is not told which node is responsible
can't say whether it was the right one, so whoever answers is believed: that is what the owner's signature is for.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric import ec

from p2psip_min.errors import ReadReason, StoreReason
from p2psip_min.storage.policies import CertificateFor, OwnerSignature
from p2psip_min.wire.data import StoredData
from p2psip_min.wire.messages import FetchAns
from p2psip_min.wire.security import UNSIGNED, SignerIdentity

_SIGNATURE = OwnerSignature()


class VouchingPolicy(Protocol):
    """What a holder adds to the values that it hands out, and what a reader wants to see of it."""

    signs: bool

    def vouch(
        self, private_key: ec.EllipticCurvePrivateKey, identity: SignerIdentity, resource: bytes, answer: FetchAns
    ) -> FetchAns:
        """The answer of the holder ``identity``."""

    def refusal(
        self, resource: bytes, kind: int, stored: StoredData, certificate_for: CertificateFor
    ) -> ReadReason | None:
        """Why a reader does not take a value; None when it does."""


@dataclass(frozen=True, slots=True)
class NobodyVouches:
    """Values go out as they came in."""

    signs = False

    def vouch(
        self, private_key: ec.EllipticCurvePrivateKey, identity: SignerIdentity, resource: bytes, answer: FetchAns
    ) -> FetchAns:
        """The answer as it is."""
        return answer

    def refusal(
        self, resource: bytes, kind: int, stored: StoredData, certificate_for: CertificateFor
    ) -> ReadReason | None:
        """None."""
        return None


@dataclass(frozen=True, slots=True)
class HolderSignature:
    """A holder signs what its owner did not, and readers take what any node of the overlay has signed."""

    signs = True

    def vouch(
        self, private_key: ec.EllipticCurvePrivateKey, identity: SignerIdentity, resource: bytes, answer: FetchAns
    ) -> FetchAns:
        """The answer with the holder's signature on each value that has none."""

        def sealed(kind: int, stored: StoredData) -> StoredData:
            if stored.signature != UNSIGNED:
                return stored
            return _SIGNATURE.seal(
                private_key, identity, resource, kind, stored.storage_time, stored.lifetime, stored.value
            )

        groups = [
            replace(group, values=tuple([sealed(group.kind, stored) for stored in group.values]))
            for group in answer.kind_responses
        ]
        return FetchAns(tuple(groups))

    def refusal(
        self, resource: bytes, kind: int, stored: StoredData, certificate_for: CertificateFor
    ) -> ReadReason | None:
        """Why the signature does not count, whoever's it should be."""
        signer = _SIGNATURE.authenticate(resource, kind, stored, certificate_for)
        return ReadReason[signer.name] if isinstance(signer, StoreReason) else None
