"""The request for a certificate (PKCS#10, RFC 2986): written by who wants one, read by the server (RFC 6940 §11.3).

Its one subjectAltName holds the user name as rfc822Name, and perhaps ``reload://`` URIs: Node-IDs that the applicant
would like. RFC 6940 knows no such wish, since the server chooses; it is read so that overlays without that rule exist.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import AttributeOID, ExtensionOID

from p2psip_min.enrollment.certificates import PublicKey, acceptable_key, alternative_names, read_uri, reload_uri
from p2psip_min.enrollment.keys import UNREADABLE
from p2psip_min.ids import INVALID, WILDCARD, NodeID

MAX_REQUEST = 8192
"""Bytes of a PKCS#10 request that are parsed at all."""

_HASH = hashes.SHA256()
_NOBODY = x509.Name([])
_NO_NODE = frozenset((INVALID, WILDCARD))


@dataclass(frozen=True, slots=True)
class SigningRequest:
    """What a PKCS#10 request says: the key, the user name, the nonce (empty: none), the Node-IDs wished for."""

    public_key: PublicKey
    user: str
    nonce: bytes
    proven: Callable[[], bool] = field(repr=False, compare=False)
    """Checks the signature, when somebody asks: it costs more than all the rest."""
    wanted: tuple[NodeID, ...] = ()


def certificate_request(
    key: ec.EllipticCurvePrivateKey, user: str, nonce: bytes = b"", *, wanted: Sequence[NodeID] = (), overlay: str = ""
) -> bytes:
    """A PKCS#10 request as DER: ``user`` as its only name, the server's nonce under the key's signature.

    ``wanted`` are Node-IDs of ``overlay`` to ask for.
    """
    names = alternative_names(user, [reload_uri(each, overlay) for each in wanted], user_first=True)
    builder = x509.CertificateSigningRequestBuilder(_NOBODY).add_extension(names, critical=True)
    if nonce:
        builder = builder.add_attribute(AttributeOID.CHALLENGE_PASSWORD, nonce)
    return builder.sign(key, _HASH, ecdsa_deterministic=True).public_bytes(Encoding.DER)


@lru_cache(maxsize=16)
def read_request(csr: bytes, overlay: str = "") -> SigningRequest | None:
    """The request if it has our form: an acceptable key, an empty subject, one rfc822Name, no Node-ID of others.

    Kept for a moment: whether to work on a request at all is asked before, and needs its nonce.
    """
    if len(csr) > MAX_REQUEST:
        return None
    try:
        loaded = x509.load_der_x509_csr(csr)
        public_key = loaded.public_key()
        san = loaded.extensions.get_extension_for_oid(ExtensionOID.SUBJECT_ALTERNATIVE_NAME).value
        empty = not loaded.subject.rdns
        attributes = [each.value for each in loaded.attributes if each.oid == AttributeOID.CHALLENGE_PASSWORD]
    except UNREADABLE:
        return None
    assert isinstance(san, x509.SubjectAlternativeName)
    names = _names(san, overlay)
    if not empty or names is None or len(attributes) > 1:
        return None
    if not acceptable_key(public_key):
        return None
    user, wanted = names
    nonce = attributes[0] if attributes else b""
    return SigningRequest(public_key, user, nonce, lambda: _proven(loaded, public_key), wanted)


def _proven(loaded: x509.CertificateSigningRequest, key: PublicKey) -> bool:
    try:
        scheme = loaded.signature_algorithm_parameters
        if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(scheme, ec.ECDSA):
            # As the library does, but with the key that was read already.
            key.verify(loaded.signature, loaded.tbs_certrequest_bytes, scheme)
            return True
        return loaded.is_signature_valid
    except UNREADABLE:
        return False


def handed_over(
    key: ec.EllipticCurvePrivateKey, user: str, nonce: bytes, wanted: Sequence[NodeID]
) -> SigningRequest | None:
    """The request of who hands over the key itself, and need not prove that he has it; None as ``read_request``."""
    public_key, wished = key.public_key(), tuple(dict.fromkeys(wanted))
    if not acceptable_key(public_key) or not _NO_NODE.isdisjoint(wished):
        return None
    return SigningRequest(public_key, user, nonce, lambda: True, wished)


def _names(san: x509.SubjectAlternativeName, overlay: str) -> tuple[str, tuple[NodeID, ...]] | None:
    users: list[str] = []
    wanted: list[NodeID] = []
    for name in san:
        if type(name) is x509.RFC822Name:
            users.append(name.value)
            continue
        found = read_uri(name.value) if type(name) is x509.UniformResourceIdentifier else None
        if found is None or found[1] != overlay or found[0] in _NO_NODE:
            return None
        wanted.append(found[0])
    return (users[0], tuple(dict.fromkeys(wanted))) if len(users) == 1 else None
