"""Certificates by RFC 6940's profile: made and read (RFC 6940 §11.3, RFC 5280).

1. A node's certificate has an empty subject and one critical subjectAltName: at least one ``reload://`` URI with a
   Node-ID and the overlay's name, exactly one rfc822Name with the user's, and nothing else.
2. Signatures are deterministic (RFC 6979), serials and dates are handed in: the same inputs give the same bytes.

Whether a certificate is to be believed is for trust.py to say.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import TypeGuard

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtensionOID

from p2psip_min.clock import EPOCH
from p2psip_min.enrollment.der import MAIL_NAME, SEQUENCE, URI_NAME, element
from p2psip_min.enrollment.keys import UNREADABLE, key_pem
from p2psip_min.errors import LinkReason
from p2psip_min.ids import ID_LENGTH, INVALID, WILDCARD, NodeID

PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey

MAX_CERTIFICATE = 8192
"""Bytes of DER above which a certificate is not even parsed."""

# One node entry of a Destination List: type 1, length 16 (§6.3.2.2).
_URI = re.compile(r"reload://0110([0-9A-Fa-f]{32})@([^/@\s]+)/")
_USER = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63}){0,7}")
_KNOWN = {
    ExtensionOID.SUBJECT_ALTERNATIVE_NAME,
    ExtensionOID.BASIC_CONSTRAINTS,
    ExtensionOID.KEY_USAGE,
    ExtensionOID.EXTENDED_KEY_USAGE,
}
_NOBODY = x509.Name([])
_CURVES = (ec.SECP256R1, ec.SECP384R1)
_HASH = hashes.SHA256()


@dataclass(slots=True)
class Certificate:
    """What a node's certificate says; dates in seconds of virtual time, ``digest`` the SHA-256 of the DER.

    ``issuer`` is the SHA-256 of the root that signed it (its own digest when self-signed), empty before that is known.
    """

    der: bytes
    node_ids: tuple[NodeID, ...]
    user: str
    public_key: PublicKey
    not_before: float
    not_after: float
    serial: int
    overlay: str
    digest: bytes
    issuer: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """Who a node is: its certificate (DER), the key to it, and the roots (DER) that others check it against."""

    node_ids: tuple[NodeID, ...]
    user: str
    certificate: bytes
    private_key: ec.EllipticCurvePrivateKey = field(repr=False)
    chain: tuple[bytes, ...] = ()

    @property
    def node_id(self) -> NodeID:
        """The first Node-ID, for most nodes the only one."""
        return self.node_ids[0]

    def certificate_pem(self) -> bytes:
        """The certificate as PEM."""
        return pem(self.certificate)

    def key_pem(self) -> bytes:
        """The private key as PEM."""
        return key_pem(self.private_key)


def pem(der: bytes) -> bytes:
    """A certificate as PEM."""
    return x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM)


@lru_cache(maxsize=1024)
def legal_user(name: str) -> bool:
    """Whether ``name`` may stand in a certificate: local part and domain, printable ASCII (§11.3)."""
    return _USER.fullmatch(name) is not None


def alternative_names(user: str, nodes: Iterable[str] = (), *, user_first: bool = False) -> x509.UnrecognizedExtension:
    """The subjectAltName of a user and of nodes' URIs, as certificates and requests carry it (RFC 5280 §4.2.1.6).

    Written here, because the library parses a user's name as mail each time, which takes longer than all the rest.
    """
    names = [element(URI_NAME, uri) for uri in nodes]
    names.insert(0 if user_first else len(names), element(MAIL_NAME, user))
    return x509.UnrecognizedExtension(ExtensionOID.SUBJECT_ALTERNATIVE_NAME, element(SEQUENCE, b"".join(names)))


def reload_uri(node_id: NodeID, overlay: str) -> str:
    """The URI that names a node in a certificate (§14.15)."""
    return f"reload://0110{node_id.hex()}@{overlay}/"


def read_uri(uri: str) -> tuple[NodeID, str] | None:
    """The Node-ID and the overlay that such a URI names; None if it names no single node."""
    found = _URI.fullmatch(uri)
    return (NodeID(bytes.fromhex(found[1])), found[2]) if found else None


def key_info(public_key: PublicKey) -> bytes:
    """A key as its DER subjectPublicKeyInfo, which is the same for equal keys (RFC 5280 §4.1.2.7)."""
    return public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def key_digest(public_key: PublicKey, algorithm: str, index: int) -> bytes:
    """Digest of a subjectPublicKeyInfo, with a 4-byte ``index`` in front unless it is 0 (§11.3.1)."""
    hashed = (index.to_bytes(4, "big") if index else b"") + key_info(public_key)
    return hashlib.new(algorithm, hashed, usedforsecurity=False).digest()


def self_signed_ids(public_key: PublicKey, algorithm: str, count: int = 1) -> tuple[NodeID, ...]:
    """The Node-IDs that a self-signed certificate of this key must carry (§11.3.1)."""
    indices = range(1, count + 1) if count > 1 else (0,)
    return tuple(NodeID(key_digest(public_key, algorithm, index)[:ID_LENGTH]) for index in indices)


# --- making -----------------------------------------------------------------------------------------------------------


def date(now: float) -> datetime:
    """The calendar date of a virtual second, cut to whole seconds as X.509 has them."""
    return datetime.fromtimestamp(EPOCH + int(now // 1), UTC)


def seconds(when: datetime) -> float:
    """The virtual second of a calendar date."""
    return when.timestamp() - EPOCH


def build(
    *,
    key: ec.EllipticCurvePrivateKey,
    issuer: x509.Name,
    public_key: PublicKey,
    node_ids: Sequence[NodeID],
    user: str,
    overlay: str,
    serial: int,
    not_before: float,
    not_after: float,
    authority: x509.AuthorityKeyIdentifier | None = None,
) -> bytes:
    """A node's certificate as DER, signed by ``key`` in the name of ``issuer``; dates are cut to whole seconds."""
    names = alternative_names(user, [reload_uri(each, overlay) for each in node_ids])
    # PKIX wants the alternative name critical where the subject is empty (RFC 5280 §4.1.2.6).
    builder = certificate_builder(issuer, _NOBODY, public_key, serial, not_before, not_after).add_extension(
        names, critical=True
    )
    if authority is not None:
        builder = builder.add_extension(authority, critical=False)
    return sign_certificate(builder, key)


def self_signed(
    key: ec.EllipticCurvePrivateKey,
    *,
    user: str,
    overlay: str,
    serial: int,
    not_before: float,
    not_after: float,
    digest: str = "sha256",
    count: int = 1,
) -> Credential:
    """A credential that nobody granted; its Node-IDs are digests of the key (§11.3.1)."""
    public_key = key.public_key()
    node_ids = self_signed_ids(public_key, digest, count)
    der = build(
        key=key, issuer=_NOBODY, public_key=public_key, node_ids=node_ids, user=user, overlay=overlay, serial=serial,
        not_before=not_before, not_after=not_after,
    )  # fmt: skip
    return Credential(node_ids=node_ids, user=user, certificate=der, private_key=key)


def certificate_builder(
    issuer: x509.Name, subject: x509.Name, public_key: PublicKey, serial: int, not_before: float, not_after: float
) -> x509.CertificateBuilder:
    """A certificate without extensions and signature; dates are cut to whole seconds."""
    return x509.CertificateBuilder(
        issuer_name=issuer,
        subject_name=subject,
        public_key=public_key,
        serial_number=serial,
        # The library keeps naive UTC inside, and takes nothing else here.
        not_valid_before=date(not_before).replace(tzinfo=None),
        not_valid_after=date(not_after).replace(tzinfo=None),
    )


def sign_certificate(builder: x509.CertificateBuilder, key: ec.EllipticCurvePrivateKey) -> bytes:
    """The finished certificate as DER."""
    return builder.sign(key, _HASH, ecdsa_deterministic=True).public_bytes(Encoding.DER)


# --- reading ----------------------------------------------------------------------------------------------------------


def acceptable_key(key: object) -> TypeGuard[PublicKey]:
    """Whether a public key is of a kind and strength that nodes take: P-256, P-384, or RSA of 2048 to 4096 bits."""
    curve = getattr(key, "curve", None)
    if curve is not None:
        return isinstance(curve, _CURVES)
    return isinstance(key, rsa.RSAPublicKey) and 2048 <= key.key_size <= 4096


def parse(der: bytes, overlay: str) -> Certificate | LinkReason:
    """What the certificate says, or BAD_PROFILE or WRONG_OVERLAY; its signature is not looked at."""
    loaded = load(der)
    return LinkReason.BAD_PROFILE if loaded is None else profile(loaded, der, overlay)


def load(der: bytes) -> x509.Certificate | None:
    """The certificate in these bytes, None if there is none that is worth reading."""
    if len(der) > MAX_CERTIFICATE:
        return None
    try:
        return x509.load_der_x509_certificate(der)
    except UNREADABLE:
        return None


def profile(loaded: x509.Certificate, der: bytes, overlay: str) -> Certificate | LinkReason:
    """As ``parse``, of a certificate that is loaded."""
    try:
        public_key = loaded.public_key()
        extensions = list(loaded.extensions)
        fits = loaded.version is x509.Version.v3 and not loaded.subject.rdns
        not_before, not_after = seconds(loaded.not_valid_before_utc), seconds(loaded.not_valid_after_utc)
        serial = loaded.serial_number
    except UNREADABLE:
        return LinkReason.BAD_PROFILE
    names = None
    for extension in extensions:
        value, critical = extension.value, extension.critical
        # By type, here and below: the library's are abstract base classes' children, which take long to answer.
        if type(value) is x509.SubjectAlternativeName:
            names = _names(value) if critical else None
        elif (critical and extension.oid not in _KNOWN) or (type(value) is x509.BasicConstraints and value.ca):
            return LinkReason.BAD_PROFILE
    if not fits or serial < 1 or names is None or not acceptable_key(public_key):
        return LinkReason.BAD_PROFILE
    node_ids, user, overlays = names
    if overlays != {overlay}:
        return LinkReason.WRONG_OVERLAY
    digest = hashlib.sha256(der).digest()
    return Certificate(der, node_ids, user, public_key, not_before, not_after, serial, overlay, digest)


def _names(san: x509.SubjectAlternativeName) -> tuple[tuple[NodeID, ...], str, set[str]] | None:
    node_ids: list[NodeID] = []
    users: list[str] = []
    overlays: set[str] = set()
    for name in san:
        if type(name) is x509.UniformResourceIdentifier:
            found = read_uri(name.value)
            if found is None:
                return None
            node_ids.append(found[0])
            overlays.add(found[1])
        elif type(name) is x509.RFC822Name and legal_user(name.value):
            users.append(name.value)
        else:
            return None
    if not node_ids or len(users) != 1 or len(set(node_ids)) != len(node_ids):
        return None
    if INVALID in node_ids or WILDCARD in node_ids:
        return None
    return tuple(node_ids), users[0], overlays
