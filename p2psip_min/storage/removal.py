"""What it takes to remove a record (draft 7.2.8, RFC 6940 §7.4.1.3): a tombstone is a value like any other, or more.

A removal is the one change whose content proves nothing: where it is believed too easily, records are lost.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from p2psip_min.errors import LinkReason, StoreReason
from p2psip_min.wire.data import StoredData, StoredDataValue
from p2psip_min.wire.security import HashAlgorithm, Signature, SignatureAlgorithm, SignerIdentity

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import ec

    from p2psip_min.storage.policies import CertificateFor, Signer


class RemovalPolicy(Protocol):
    """What a tombstone must bring: its owner's signature (``signed``), the name of whoever removes (``named``)."""

    @property
    def signed(self) -> bool: ...

    @property
    def named(self) -> bool: ...

    def too_old(self, new: int, held: int) -> bool: ...


@dataclass(frozen=True, slots=True)
class AsValues:
    """A tombstone is judged as any value of its Kind."""

    signed = False
    named = False

    def too_old(self, new: int, held: int) -> bool:
        """Whether a tombstone of storage time ``new`` (ms) is too old to remove what is of ``held``: never."""
        return False


@dataclass(frozen=True, slots=True)
class SignedTombstone:
    """Whoever may write a value may remove it, signs that he does, and names the moment: an old removal is over."""

    signed = True
    named = False

    def too_old(self, new: int, held: int) -> bool:
        """The storage time is a tombstone's version: it removes what is older."""
        return new <= held


@dataclass(frozen=True, slots=True)
class AfterLogIn:
    """Whoever has logged in may remove: his certificate is shown and checked, and nothing is signed."""

    signed = False
    named = True

    def too_old(self, new: int, held: int) -> bool:
        """Never."""
        return False


class NameBadge:
    """The seal of a tombstone after log-in: it names a certificate, and proves nothing.

    That much of a log-in is left some hops away from the link on which it took place.
    """

    def seal(
        self,
        private_key: ec.EllipticCurvePrivateKey,
        identity: SignerIdentity,
        resource: bytes,
        kind: int,
        storage_time: int,
        lifetime: int,
        value: StoredDataValue,
    ) -> StoredData:
        """The tombstone with its name; ``storage_time`` in ms since 1970, ``lifetime`` in s."""
        badge = Signature(HashAlgorithm.NONE, SignatureAlgorithm.ANONYMOUS, identity, b"")
        return StoredData(storage_time, lifetime, value, badge)

    def authenticate(
        self, resource: bytes, kind: int, stored: StoredData, certificate_for: CertificateFor
    ) -> Signer | StoreReason | None:
        """Whose certificate was shown, if it is a good one."""
        signer = certificate_for(stored.signature.identity)
        if signer is None:
            return StoreReason.UNKNOWN_SIGNER
        return StoreReason.CERTIFICATE_REFUSED if isinstance(signer, LinkReason) else signer
