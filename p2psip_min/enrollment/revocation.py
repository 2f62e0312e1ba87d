"""Certificates that no longer count, and how a node learns of them.

Two ways lead here (``RevocationPolicy`` says which the operator takes): ``bad-node`` entries of the signed
configuration, which name Node-IDs (RFC 6940 §11.1), and the authority's signed list of serial numbers (RFC 5280 §5),
for overlays that hand one out. A node knows what it was told, so how long a revocation takes to reach everybody is a
matter of who tells whom.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import ClassVar, Protocol

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from p2psip_min.clock import EPOCH
from p2psip_min.enrollment.keys import UNREADABLE
from p2psip_min.ids import NodeID

_HASH = hashes.SHA256()


class RevocationPolicy(Protocol):
    """How members hear that a credential is withdrawn; ``every``: how often they ask for the list, in s (0: never)."""

    @property
    def every(self) -> float: ...

    @property
    def published(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Unannounced:
    """They do not: it is not renewed, and that is all."""

    every: ClassVar[float] = 0.0
    published: ClassVar[bool] = False


@dataclass(frozen=True, slots=True)
class BadNodes:
    """By the next configuration, which spreads from peer to peer."""

    every: ClassVar[float] = 0.0
    published: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class Lists:
    """By the authority's list, for which every member asks ``every`` so many seconds."""

    every: float = 60.0
    published: ClassVar[bool] = False


MAX_LIST = 1 << 20
"""Bytes of a list that are parsed at all."""


@dataclass(frozen=True, slots=True)
class RevocationList:
    """A list of revoked serials; ``issuer`` is the SHA-256 of the root that signed it, dates in virtual seconds."""

    issuer: bytes
    number: int
    serials: frozenset[int]
    this_update: float
    next_update: float
    der: bytes = field(repr=False)


def sign_list(
    key: ec.EllipticCurvePrivateKey,
    root: bytes,
    serials: Sequence[int],
    *,
    number: int,
    now: float,
    lifetime: float,
) -> RevocationList:
    """A list of revoked serials, signed with the root's key; the next one is due ``lifetime`` seconds after ``now``."""
    issuer = x509.load_der_x509_certificate(root)
    start, end = (datetime.fromtimestamp(EPOCH + int(second // 1), UTC) for second in (now, now + lifetime))
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.subject)
        .last_update(start)
        .next_update(end)
        .add_extension(x509.CRLNumber(number), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
    )
    for serial in sorted(serials):
        revoked = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(start).build()
        builder = builder.add_revoked_certificate(revoked)
    der = builder.sign(key, _HASH, ecdsa_deterministic=True).public_bytes(Encoding.DER)
    return RevocationList(
        issuer.fingerprint(_HASH), number, frozenset(serials), now // 1, (now + lifetime) // 1, der
    )  # fmt: skip


def read_list(der: bytes, roots: Iterable[bytes]) -> RevocationList | None:
    """The list in these bytes, if one of ``roots`` (DER) signed it; None otherwise."""
    if len(der) > MAX_LIST:
        return None
    try:
        loaded = x509.load_der_x509_crl(der)
        number = loaded.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
        ends = loaded.next_update_utc
        if ends is None or any(extension.critical for extension in loaded.extensions):
            return None
        for each in roots:
            root = x509.load_der_x509_certificate(each)
            key = root.public_key()
            if not isinstance(key, ec.EllipticCurvePublicKey) or loaded.issuer != root.subject:
                continue
            if loaded.signature_hash_algorithm is not None and loaded.is_signature_valid(key):
                serials = frozenset(revoked.serial_number for revoked in loaded)
                starts = loaded.last_update_utc.timestamp() - EPOCH
                return RevocationList(root.fingerprint(_HASH), number, serials, starts, ends.timestamp() - EPOCH, der)
    except UNREADABLE:
        return None
    return None


class Revocations:
    """One node's knowledge; empty at first. ``any`` says whether there is something to look up."""

    __slots__ = ("_lists", "any", "bad_nodes")

    def __init__(self) -> None:
        self.any = False
        self.bad_nodes: frozenset[bytes] = frozenset()
        self._lists: dict[bytes, RevocationList] = {}

    def name_bad_nodes(self, node_ids: Iterable[NodeID]) -> None:
        """The configuration's bad nodes, in place of those before."""
        self.bad_nodes = frozenset(node_ids)
        self._look()

    def take(self, revoked: RevocationList, now: float) -> bool:
        """Follow a list; False for one that is not newer than the one followed, not yet good, or over."""
        before = self._lists.get(revoked.issuer)
        if before is not None and revoked.number <= before.number:
            return False
        if not revoked.this_update <= now < revoked.next_update:
            return False
        self._lists[revoked.issuer] = revoked
        self._look()
        return True

    def cover(self, serial: int, node_ids: tuple[NodeID, ...], issuer: bytes) -> bool:
        """Whether a certificate is revoked: one bad Node-ID spoils all that stand in it."""
        if not self.bad_nodes.isdisjoint(node_ids):
            return True
        revoked = self._lists.get(issuer)
        return revoked is not None and serial in revoked.serials

    def _look(self) -> None:
        self.any = bool(self.bad_nodes) or any(revoked.serials for revoked in self._lists.values())
