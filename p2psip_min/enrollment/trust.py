"""Whose certificates are believed, and why others are not (RFC 6940 §11.3, RFC 5280 §6.1).

1. Whether the bytes hold together (profile, overlay, signature of a root) is a pure function of them; it is computed
   once and remembered. Whether they hold *now* (dates, revocation, the Node-ID asked for) is judged every time.
2. Roots sign nodes' certificates directly. Self-signed certificates count where the overlay permits them (§11.3.1):
   then the Node-IDs must be digests of the key.
3. Which root signed a certificate is found as the library's ``verify_directly_issued_by`` does, but a root is read
   once, and not again for every certificate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.x509.oid import SignatureAlgorithmOID

from p2psip_min.enrollment.certificates import (
    Certificate,
    PublicKey,
    acceptable_key,
    load,
    profile,
    seconds,
    self_signed_ids,
)
from p2psip_min.enrollment.der import signed_by, subject
from p2psip_min.enrollment.keys import UNREADABLE
from p2psip_min.enrollment.revocation import Revocations
from p2psip_min.errors import LinkReason, LocalProtocolError
from p2psip_min.ids import NodeID

_HASH = hashes.SHA256()
_SIGNATURES = {SignatureAlgorithmOID.ECDSA_WITH_SHA256, SignatureAlgorithmOID.RSA_WITH_SHA256}


class Trusting(Protocol):
    """A configuration, as far as it says whom to trust."""

    @property
    def overlay(self) -> str: ...

    @property
    def roots(self) -> tuple[bytes, ...]: ...

    @property
    def self_signed(self) -> str | None: ...

    @property
    def bad_nodes(self) -> Sequence[NodeID]: ...

    def trust(self, *, cache: ChainCache | None = None) -> TrustStore: ...


class ChainCache:
    """Certificates whose chain was found good, for any number of nodes; by overlay, roots and mode.

    Keyed by the DER itself: hashing it for a dictionary costs less than any digest. Only good ones are kept, so that
    nobody fills the memory with rubbish, and at most ``size`` of each overlay, the oldest leaving first.
    """

    def __init__(self, size: int = 65_536) -> None:
        self.size = size
        self._memos: dict[tuple[str, tuple[bytes, ...], str | None], dict[bytes, Certificate]] = {}
        self._judgement: tuple[object, TrustStore] | None = None

    def memo(self, overlay: str, roots: tuple[bytes, ...], self_signed: str | None) -> dict[bytes, Certificate]:
        """The good certificates of one overlay."""
        return self._memos.setdefault((overlay, roots, self_signed), {})

    def judgement(self, configuration: Trusting) -> TrustStore:
        """The judgement of whoever has no more than this configuration: many share it, so nobody changes it."""
        says = configuration.overlay, configuration.roots, configuration.self_signed, configuration.bad_nodes
        if self._judgement is None or self._judgement[0] != says:
            self._judgement = says, configuration.trust(cache=self)
        return self._judgement[1]


class TrustStore:
    """One node's judgement of certificates, by its overlay's roots (DER) and what it has heard of revocation.

    ``self_signed`` is the digest of self-signed Node-IDs ("sha1" or "sha256"), None where they are not permitted.
    Raises LocalProtocolError for a root that is no authority.
    """

    __slots__ = ("_cache", "_memo", "_roots", "overlay", "revocations", "roots", "self_signed")

    def __init__(
        self,
        overlay: str,
        roots: Iterable[bytes],
        *,
        self_signed: str | None = None,
        cache: ChainCache | None = None,
        revocations: Revocations | None = None,
    ) -> None:
        self.overlay = overlay
        self.revocations = Revocations() if revocations is None else revocations
        self._cache = ChainCache() if cache is None else cache
        self.follow(roots, self_signed=self_signed)

    def follow(self, roots: Iterable[bytes], *, self_signed: str | None = None) -> None:
        """Judge by other roots from now on: a new configuration says so."""
        ders = tuple(roots)
        self._roots = tuple(map(read_root, ders))  # first: it may raise
        self.roots = ders
        self.self_signed = self_signed
        self._memo = self._cache.memo(self.overlay, ders, self_signed)

    def check(self, der: bytes, *, now: float, node_id: bytes | None = None) -> Certificate | LinkReason:
        """The certificate if it may be believed at ``now``, and for ``node_id`` if one is given; else why not."""
        certificate = self._memo.get(der)
        if certificate is None:
            verdict = self._chain(der)
            if not isinstance(verdict, Certificate):
                return verdict
            certificate = verdict
        if now >= certificate.not_after:
            return LinkReason.EXPIRED
        if now < certificate.not_before:
            return LinkReason.NOT_YET_VALID
        revocations = self.revocations
        if revocations.any and revocations.cover(certificate.serial, certificate.node_ids, certificate.issuer):
            return LinkReason.REVOKED
        if node_id is not None and node_id not in certificate.node_ids:
            return LinkReason.WRONG_NODE_ID
        return certificate

    def refusal(self, der: bytes, node_id: NodeID | None, now: float) -> LinkReason | None:
        """The same judgement as links ask for it: None is yes."""
        verdict = self.check(der, now=now, node_id=node_id)
        return None if isinstance(verdict, Certificate) else verdict

    def _chain(self, der: bytes) -> Certificate | LinkReason:
        loaded = load(der)
        if loaded is None or loaded.signature_algorithm_oid not in _SIGNATURES:
            return LinkReason.BAD_PROFILE
        root = issuer(loaded, der, self._roots)
        if root is None and not (self.self_signed and _signed_itself(loaded)):
            return LinkReason.UNKNOWN_CA
        certificate = profile(loaded, der, self.overlay)
        if not isinstance(certificate, Certificate):
            return certificate
        if root is not None:
            # Nothing outlives what it rests on.
            certificate.issuer = root.digest
            certificate.not_before = max(certificate.not_before, root.not_before)
            certificate.not_after = min(certificate.not_after, root.not_after)
        else:
            assert self.self_signed is not None
            ids = self_signed_ids(certificate.public_key, self.self_signed, len(certificate.node_ids))
            if ids != certificate.node_ids:
                return LinkReason.WRONG_NODE_ID
            certificate.issuer = certificate.digest
        memo = self._memo
        while len(memo) >= self._cache.size:
            del memo[next(iter(memo))]
        memo[der] = certificate
        return certificate


# --- roots ------------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Root:
    """A root certificate, as far as every certificate that it signed is held against it.

    ``name`` is its subject (DER), ``algorithm`` that of its key's signatures; ``verify(signature, data)`` raises.
    """

    name: bytes
    algorithm: x509.ObjectIdentifier
    verify: Callable[[bytes, bytes], None]
    digest: bytes
    not_before: float
    not_after: float


@lru_cache(maxsize=64)
def read_root(der: bytes) -> Root:
    """A root from DER; LocalProtocolError if it is none."""
    root = load_root(der)
    key = root.public_key()
    assert acceptable_key(key), "load_root takes no other"
    algorithm, verify = _checking(key)
    dates = seconds(root.not_valid_before_utc), seconds(root.not_valid_after_utc)
    # The name as it stands: read and written again, one that the library does not like would raise.
    return Root(subject(der), algorithm, verify, root.fingerprint(_HASH), *dates)


def _checking(key: PublicKey) -> tuple[x509.ObjectIdentifier, Callable[[bytes, bytes], None]]:
    if isinstance(key, ec.EllipticCurvePublicKey):
        ecdsa = ec.ECDSA(_HASH)
        return SignatureAlgorithmOID.ECDSA_WITH_SHA256, lambda signature, data: key.verify(signature, data, ecdsa)
    pkcs1 = padding.PKCS1v15()
    return SignatureAlgorithmOID.RSA_WITH_SHA256, lambda signature, data: key.verify(signature, data, pkcs1, _HASH)


def load_root(der: bytes) -> x509.Certificate:
    """A root certificate from DER; LocalProtocolError if it is none."""
    try:
        root = x509.load_der_x509_certificate(der)
        constraints = root.extensions.get_extension_for_class(x509.BasicConstraints).value
        usage = root.extensions.get_extension_for_class(x509.KeyUsage).value
        fits = constraints.ca and usage.key_cert_sign and acceptable_key(root.public_key())
    except UNREADABLE as error:
        raise LocalProtocolError(f"a root certificate is unreadable: {error}") from None
    if not fits:
        raise LocalProtocolError("a root certificate is no authority's")
    return root


def issuer(loaded: x509.Certificate, der: bytes, roots: Iterable[Root]) -> Root | None:
    """Which of ``roots`` made a certificate: it is named there, and the signature is its key's (RFC 5280 §6.1.3)."""
    name, inside, outside = signed_by(der)
    if inside != outside:  # only what stands inside is signed (RFC 5280 §4.1.1.2)
        return None
    for root in roots:
        if root.name == name and root.algorithm == loaded.signature_algorithm_oid and _signed(loaded, root):
            return root
    return None


def _signed(loaded: x509.Certificate, root: Root) -> bool:
    try:
        root.verify(loaded.signature, loaded.tbs_certificate_bytes)
    except UNREADABLE:
        return False
    return True


def _signed_itself(loaded: x509.Certificate) -> bool:
    try:
        loaded.verify_directly_issued_by(loaded)
    except UNREADABLE:
        return False
    return True
