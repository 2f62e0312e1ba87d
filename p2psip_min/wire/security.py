"""Signer identities, signatures and the security block (RFC 6940 §6.3.4).

    SecurityBlock  = v16<GenericCertificate>  Signature
    Signature      = u8 hash  u8 algorithm  SignerIdentity  v16<value>
    SignerIdentity = u8 type  u16 length  (u8 hash  v8<digest> | nothing)

Our nodes sign with ECDSA P-256 and SHA-256, deterministically (RFC 6979), so a run can be repeated byte for byte.
RSASSA-PKCS1-v1_5 with SHA-256, which RFC 6940 demands of everybody, is verified as well.
"""

from __future__ import annotations

import enum
import hashlib
import struct
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from p2psip_min.errors import LocalProtocolError, Malformed
from p2psip_min.ids import NodeID
from p2psip_min.wire.codec import hand_written, register


class HashAlgorithm(enum.IntEnum):
    """TLS's numbers of hash functions, as far as they are used."""

    NONE = 0
    SHA1 = 2
    SHA256 = 4
    SHA384 = 5
    SHA512 = 6


class SignatureAlgorithm(enum.IntEnum):
    """TLS's numbers of signature algorithms, as far as they are used."""

    ANONYMOUS = 0
    RSA = 1
    ECDSA = 3


class IdentityType(enum.IntEnum):
    """How a signature names its certificate."""

    CERT_HASH = 1
    CERT_HASH_NODE_ID = 2
    NONE = 3


@hand_written
class SignerIdentity:
    """Which certificate signed: by its digest, or by the digest of Node-ID and certificate when it has several.

    Of an unknown type, which the RFC allows, ``digest`` holds the whole value and ``hash`` is 0.
    """

    type: int
    hash: int = 0
    digest: bytes = b""


@hand_written
class Signature:
    """A signature and who made it; the algorithms are TLS's numbers."""

    hash: int
    algorithm: int
    identity: SignerIdentity
    value: bytes


@hand_written
class SecurityBlock:
    """The certificates (DER) that a message's reader needs, and the signature over the message."""

    certificates: tuple[bytes, ...]
    signature: Signature


NO_IDENTITY = SignerIdentity(IdentityType.NONE)
UNSIGNED = Signature(HashAlgorithm.NONE, SignatureAlgorithm.ANONYMOUS, NO_IDENTITY, b"")
"""Stands in values that a storing peer made up for something absent (§7.4.2.2)."""

_CERT_HASH, _CERT_HASH_NODE_ID, _NONE = 1, 2, 3
_START = struct.Struct(">BBBHBB")
_IDENTITY = struct.Struct(">BHBB")
_PLAIN = struct.Struct(">BH")
UNSIGNED_BLOCK = SecurityBlock((), UNSIGNED)
"""The security block of a message that nobody signed, where signatures are switched off."""
_UNSIGNED_BYTES = b"\x00\x00\x00\x00\x03\x00\x00\x00\x00"


def encode_identity(identity: SignerIdentity) -> bytes:
    """The bytes of a SignerIdentity, as they also end every signature input."""
    kind, digest = identity.type, identity.digest
    try:
        if kind in (_CERT_HASH, _CERT_HASH_NODE_ID):
            return _IDENTITY.pack(kind, len(digest) + 2, identity.hash, len(digest)) + digest
        return _PLAIN.pack(kind, len(digest)) + digest
    except struct.error as error:
        raise LocalProtocolError(f"signer identity: {error}") from None


def decode_identity(data: bytes, offset: int, end: int, _context: object = None) -> tuple[SignerIdentity, int]:
    """The SignerIdentity at ``offset`` and where it ends, else Malformed."""
    start = offset + 3
    if start > end:
        raise Malformed(offset, "signer identity: cut short")
    kind = data[offset]
    stop = start + (data[offset + 1] << 8 | data[offset + 2])
    if stop > end:
        raise Malformed(offset + 1, "signer identity: longer than what is left")
    if kind in (_CERT_HASH, _CERT_HASH_NODE_ID):
        if stop < start + 2 or data[start + 1] != stop - start - 2:
            raise Malformed(start, "signer identity: its lengths disagree")
        return SignerIdentity(kind, data[start], data[start + 2 : stop]), stop
    if kind == _NONE:
        if stop != start:
            raise Malformed(start, "signer identity: none has no value")
        return NO_IDENTITY, stop
    if not kind:
        raise Malformed(offset, "signer identity: type 0")
    return SignerIdentity(kind, 0, data[start:stop]), stop


def encode_signature(signature: Signature) -> bytes:
    """The bytes of a Signature."""
    value = signature.value
    try:
        return (
            bytes((signature.hash, signature.algorithm))
            + encode_identity(signature.identity)
            + len(value).to_bytes(2, "big")
            + value
        )
    except (ValueError, OverflowError) as error:
        raise LocalProtocolError(f"signature: {error}") from None


def decode_signature(data: bytes, offset: int, end: int, _context: object = None) -> tuple[Signature, int]:
    """The Signature at ``offset`` and where it ends, else Malformed."""
    if offset + 7 > end:
        raise Malformed(offset, "signature: cut short")
    # The usual form in one go: a digest of a certificate.
    hash_, algorithm, kind, size, identity_hash, digest_size = _START.unpack_from(data, offset)
    if (kind in (_CERT_HASH, _CERT_HASH_NODE_ID)) and size == digest_size + 2:
        start = offset + 7
        at = start + digest_size
        if at > end:
            raise Malformed(offset + 3, "signer identity: longer than what is left")
        identity = SignerIdentity(kind, identity_hash, data[start:at])
    else:
        identity, at = decode_identity(data, offset + 2, end)
    start = at + 2
    if start > end:
        raise Malformed(at, "signature: cut short")
    stop = start + (data[at] << 8 | data[at + 1])
    if stop > end:
        raise Malformed(at, "signature: longer than what is left")
    return Signature(hash_, algorithm, identity, data[start:stop]), stop


def encode_security(block: SecurityBlock) -> bytes:
    """The bytes of a SecurityBlock; every certificate is X.509 (type 0)."""
    try:
        bucket = b"".join([b"\x00" + len(one).to_bytes(2, "big") + one for one in block.certificates])
        return len(bucket).to_bytes(2, "big") + bucket + encode_signature(block.signature)
    except OverflowError as error:
        raise LocalProtocolError(f"security block: {error}") from None


def decode_security(data: bytes, offset: int, end: int, _context: object = None) -> tuple[SecurityBlock, int]:
    """The SecurityBlock at ``offset`` and where it ends; Malformed also for a certificate that is not X.509."""
    at = offset + 2
    if at > end:
        raise Malformed(offset, "security block: cut short")
    if end - offset == 9 and data[offset:end] == _UNSIGNED_BYTES:
        return UNSIGNED_BLOCK, end
    stop = at + (data[offset] << 8 | data[offset + 1])
    if stop > end:
        raise Malformed(offset, "security block: certificates longer than what is left")
    certificates: list[bytes] = []
    while at < stop:
        start = at + 3
        if start > stop:
            raise Malformed(at, "certificate: cut short")
        if data[at]:
            raise Malformed(at, "certificate: not X.509")
        at = start + (data[at + 1] << 8 | data[at + 2])
        if at > stop:
            raise Malformed(start - 2, "certificate: longer than the bucket")
        certificates.append(data[start:at])
    signature, at = decode_signature(data, stop, end)
    return SecurityBlock(tuple(certificates), signature), at


register(SignerIdentity, encode_identity, decode_identity, 3)
register(Signature, encode_signature, decode_signature, 7)
register(SecurityBlock, encode_security, decode_security, 9)


# --- making and checking signatures -----------------------------------------------------------------------------------

_ECDSA_SIGN = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)
_ECDSA_VERIFY = ec.ECDSA(hashes.SHA256())
_PKCS1 = padding.PKCS1v15()
_SHA256 = hashes.SHA256()


def identity_of(certificate_der: bytes, node_id: NodeID | None = None) -> SignerIdentity:
    """How to name this certificate: without ``node_id`` if it holds exactly one, with it if it holds several."""
    if node_id is None:
        return SignerIdentity(_CERT_HASH, HashAlgorithm.SHA256, hashlib.sha256(certificate_der).digest())
    digest = hashlib.sha256(node_id + certificate_der).digest()
    return SignerIdentity(_CERT_HASH_NODE_ID, HashAlgorithm.SHA256, digest)


def sign(private_key: ec.EllipticCurvePrivateKey, identity: SignerIdentity, data: bytes) -> Signature:
    """An ECDSA signature with SHA-256 over ``data``, which must already end with the identity's bytes."""
    return Signature(HashAlgorithm.SHA256, SignatureAlgorithm.ECDSA, identity, private_key.sign(data, _ECDSA_SIGN))


def verify(public_key: Any, signature: Signature, data: bytes) -> bool:
    """Whether ``signature`` holds over ``data`` under an EC or RSA key and the algorithms that it names."""
    if signature.hash != HashAlgorithm.SHA256:
        return False
    try:
        if signature.algorithm == SignatureAlgorithm.ECDSA and isinstance(public_key, ec.EllipticCurvePublicKey):
            public_key.verify(signature.value, data, _ECDSA_VERIFY)
        elif signature.algorithm == SignatureAlgorithm.RSA and isinstance(public_key, rsa.RSAPublicKey):
            public_key.verify(signature.value, data, _PKCS1, _SHA256)
        else:
            return False
    except InvalidSignature:
        return False
    return True
