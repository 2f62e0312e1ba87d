"""Signer identities, signatures, and what they cover (RFC 6940 §6.3.4, §7.1)."""

from __future__ import annotations

import dataclasses
import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from p2psip_min.errors import LocalProtocolError, Malformed
from p2psip_min.ids import NodeID, ResourceID
from p2psip_min.wire.codec import decode
from p2psip_min.wire.data import (
    APPEND,
    ArrayEntry,
    DictionaryEntry,
    SingleValue,
    StoredData,
    signed_input,
    signed_value,
    stored_input,
)
from p2psip_min.wire.kinds import IANA_KINDS
from p2psip_min.wire.message import decode_message, message_input
from p2psip_min.wire.security import (
    NO_IDENTITY,
    UNSIGNED,
    UNSIGNED_BLOCK,
    HashAlgorithm,
    IdentityType,
    SecurityBlock,
    Signature,
    SignatureAlgorithm,
    SignerIdentity,
    encode_identity,
    encode_security,
    encode_signature,
    identity_of,
    sign,
    verify,
)

# Both vectors were made with OpenSSL 3.0.19 over this input: "openssl dgst -sha256 -sign". The input is that of an
# empty Ping (code 0017) in overlay.example.org, with an identity whose digest is 32 times "x".
INPUT = bytes.fromhex("9aa32b8d11223344556677880017000000020000000000000100220420") + b"x" * 32
IDENTITY = SignerIdentity(IdentityType.CERT_HASH, HashAlgorithm.SHA256, b"x" * 32)

RSA_KEY = load_pem_public_key(
    b"""-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA0n27rrSNZAvVyQwWkAcx
+pbqkK8gKiLBfD4gAdnLHpDVfA542lEw1cYqnPCqNwXaJejttaBDdq0nkNmLFNPg
a/Nv8hWWM3Z2fwKv+6sZuV4bGYEMjis0YF4mASTbpEgQ6CttJjZds2sFSucgPny+
3SeRO649n++DbnK6E18vLwGEvjnjYtzYU8Poiyz8tUz0YWlPdxofjpQWL4nuiTvD
aNf2joPfx5JUcrnHKOXIEbollNQLTmxWcLkEw/Sqe1YOVORFzL7IDK0kt8dMe7QE
XtIjDZnYQSHtdHvOpjb5kBwdLPm8ux2mpqzQUZyrwVRsnFBZGG4i9M2J3husSTRu
DQIDAQAB
-----END PUBLIC KEY-----"""
)
RSA_SHA256 = bytes.fromhex(
    "767cdaba7981a26a3f186c87c6e6f147cae41334aa166e0c18c4c483b96f57cfe717c35c7424c98fdc27c1f3e685ec080c1268f61799777a39b2"
    "2d85c271287274ecb818c69d78438eb2f7ff6f252eafdbc6a3f2e0627651bbbbe398f0d7e14f8dc86442ad376af0af394a1dde90274c8c7e8b89"
    "695ffd5712d3cd71503394dde3a6909959c5a033c50fa3b0d4e85ef10ffffa18c5440bd2b851f0224cb6f5d7deaf27523b8d72ce1e5ac751f6eb"
    "c46361cce44009c80f20efc19ea1b6f28bcfef255064e8195856b95ba06f626655ad7e7a99b8665fa1deb139f4d9152b62e0849c8934bfb67df3"
    "f52297142fe1155acd30b8772b8321563802af3dab2e63a6"
)
RSA_SHA512 = bytes.fromhex(
    "48b365c7f31fdc58d4a25fdccdb7fc5addd3a6a539885e3c123276e084fe3b2a86550e410c550f829b5ca918a938280182c85f16bdb33a57dfe9"
    "c7732e0dc3d287f1de1b1ea345b2afc9b1123d493fb15e827afd0331f94ec1a27f4722bd1d42285af6d543da799659ead69693d15439817ac634"
    "f7499a7ca510baa1403d7d58b69ba6f38d9add0816919857875429576dff27c27ffec68077f4dc80b742d6cfdbbedec87c33ece9d788e8cacdb9"
    "fc766c8b9ec0ae9e291edc0daabfc78f2d01b2663762f3c2b01afe40f6faaff7b5d48bb4e3694c2e33a97f39b06d0d0d296dadf36c87da6bf532"
    "7af1e48caf0a355d58028946e888e78ae03a62fb51324d69"
)
EC_KEY = load_pem_public_key(
    b"""-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAExP5r57YZ0ptJgLcWRdCLn7aOxr53
QO/C40gzSsydlWQeW5L12nzycyMJPWZiTUx0aSLgnlnCh4EDEOCMP9GTVw==
-----END PUBLIC KEY-----"""
)
EC_SHA256 = bytes.fromhex(
    "304402200fa2807c6927cee71be3b71952d9d7791d297177996c2118da8d9be1eef9878302200f6280883d694d031fc407303ab8db92f3b1b62b"
    "adeb63b338627ffe8a31aaf6"
)

RSA, ECDSA = SignatureAlgorithm.RSA, SignatureAlgorithm.ECDSA
SHA256 = HashAlgorithm.SHA256


def test_the_vectors_input_is_what_a_message_signs() -> None:
    contents = bytes.fromhex("001700000002000000000000")
    assert message_input(0x9AA32B8D, 0x1122334455667788, contents, encode_identity(IDENTITY)) == INPUT


def test_rsa_sha256_signatures_of_others_are_verified() -> None:
    signature = Signature(SHA256, RSA, IDENTITY, RSA_SHA256)
    assert verify(RSA_KEY, signature, INPUT)
    assert not verify(RSA_KEY, signature, INPUT[:-1] + b"y")
    assert not verify(RSA_KEY, dataclasses.replace(signature, value=RSA_SHA256[:-1] + b"\x00"), INPUT)


def test_ecdsa_signatures_of_others_are_verified() -> None:
    signature = Signature(SHA256, ECDSA, IDENTITY, EC_SHA256)
    assert verify(EC_KEY, signature, INPUT)
    assert not verify(EC_KEY, signature, INPUT + b"\x00")
    assert not verify(EC_KEY, dataclasses.replace(signature, value=b"not DER"), INPUT)


@pytest.mark.parametrize(
    ("key", "hash_", "algorithm", "value"),
    [
        pytest.param(RSA_KEY, HashAlgorithm.SHA512, RSA, RSA_SHA512, id="a hash that we do not take"),
        pytest.param(RSA_KEY, SHA256, RSA, RSA_SHA512, id="another hash than named"),
        pytest.param(RSA_KEY, SHA256, ECDSA, RSA_SHA256, id="RSA called ECDSA"),
        pytest.param(EC_KEY, SHA256, RSA, EC_SHA256, id="ECDSA called RSA"),
        pytest.param(EC_KEY, HashAlgorithm.NONE, SignatureAlgorithm.ANONYMOUS, b"", id="nothing"),
        pytest.param(EC_KEY, SHA256, SignatureAlgorithm.ANONYMOUS, EC_SHA256, id="anonymous"),
        pytest.param(None, SHA256, ECDSA, EC_SHA256, id="no key"),
    ],
)
def test_no_other_algorithm_is_taken(key: object, hash_: int, algorithm: int, value: bytes) -> None:
    assert not verify(key, Signature(hash_, algorithm, IDENTITY, value), INPUT)


def test_our_signatures_are_those_of_rfc_6979() -> None:
    # RFC 6979 A.2.5: P-256, SHA-256, message "sample".
    key = ec.derive_private_key(0xC9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721, ec.SECP256R1())
    r = 0xEFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716
    s = 0xF7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8
    signature = sign(key, IDENTITY, b"sample")
    assert signature == Signature(SHA256, ECDSA, IDENTITY, encode_dss_signature(r, s))
    assert verify(key.public_key(), signature, b"sample")


def test_identities_name_a_certificate_alone_or_with_the_node_id() -> None:
    node = NodeID(b"n" * 16)
    assert identity_of(b"DER") == SignerIdentity(1, 4, hashlib.sha256(b"DER").digest())
    assert identity_of(b"DER", node) == SignerIdentity(2, 4, hashlib.sha256(b"n" * 16 + b"DER").digest())


def test_a_message_verifies_after_its_journey(sample, key, certificate) -> None:
    message = decode_message(sample.message, IANA_KINDS)
    identity = message.security.signature.identity
    assert identity == sample.identity
    assert message.security.certificates == (certificate,)
    covered = message_input(message.overlay, message.transaction_id, message.contents, encode_identity(identity))
    assert verify(key.public_key(), message.security.signature, covered)


@pytest.mark.parametrize("field", ["resource", "kind", "storage_time", "value", "identity"])
def test_a_values_signature_covers(field: str, key: ec.EllipticCurvePrivateKey) -> None:
    resource, kind, value = ResourceID(b"r" * 16), 1, DictionaryEntry(b"k", True, b"v")
    covered = signed_input(resource, kind, 5, signed_value(value), encode_identity(IDENTITY))
    stored = StoredData(5, 60, value, sign(key, IDENTITY, covered))
    assert verify(key.public_key(), stored.signature, stored_input(resource, kind, stored))
    match field:
        case "resource":
            resource = ResourceID(b"q" * 16)
        case "kind":
            kind = 2
        case "storage_time":
            stored = dataclasses.replace(stored, storage_time=6)
        case "value":
            stored = dataclasses.replace(stored, value=DictionaryEntry(b"k", False, b"v"))
        case "identity":
            other = dataclasses.replace(stored.signature, identity=identity_of(b"another"))
            stored = dataclasses.replace(stored, signature=other)
    assert not verify(key.public_key(), stored.signature, stored_input(resource, kind, stored))


def test_a_values_signature_leaves_lifetime_and_array_index_open(key: ec.EllipticCurvePrivateKey) -> None:
    resource = ResourceID(b"r" * 16)
    value = ArrayEntry(APPEND, True, b"v")
    covered = signed_input(resource, 3, 5, signed_value(value), encode_identity(IDENTITY))
    stored = StoredData(5, 60, value, sign(key, IDENTITY, covered))
    moved = dataclasses.replace(stored, lifetime=1, value=ArrayEntry(4, True, b"v"))
    assert verify(key.public_key(), moved.signature, stored_input(resource, 3, moved))


def test_the_unsigned_constant_is_the_same_object_on_both_sides() -> None:
    assert decode(SecurityBlock, encode_security(UNSIGNED_BLOCK)) is UNSIGNED_BLOCK
    assert decode(Signature, encode_signature(UNSIGNED)) == UNSIGNED
    assert signed_value(SingleValue(True, b"x")) == b"\x01\x00\x00\x00\x01x"


def test_an_identity_of_a_later_type_passes_through() -> None:
    raw = bytes.fromhex("070003aabbcc")
    identity = decode(SignerIdentity, raw)
    assert identity == SignerIdentity(7, 0, b"\xaa\xbb\xcc")
    assert encode_identity(identity) == raw


@pytest.mark.parametrize(
    ("cls", "raw"),
    [
        pytest.param(SignerIdentity, "0100", id="identity cut short"),
        pytest.param(SignerIdentity, "0100050403aabb", id="identity longer than what is left"),
        pytest.param(SignerIdentity, "0100030403aa", id="digest longer than its identity"),
        pytest.param(SignerIdentity, "01000104", id="identity without a digest"),
        pytest.param(SignerIdentity, "03000100", id="none with a value"),
        pytest.param(SignerIdentity, "000000", id="identity type 0"),
        pytest.param(Signature, "04030100020400", id="signature without a value"),
        pytest.param(Signature, "04030100220420aabb", id="digest longer than what is left"),
        pytest.param(Signature, "00000300000001", id="signature longer than what is left"),
        pytest.param(SecurityBlock, "00", id="block cut short"),
        pytest.param(SecurityBlock, "0001" + "00000300000000", id="bucket of one byte"),
        pytest.param(SecurityBlock, "ffff" + "00000300000000", id="bucket longer than the block"),
        pytest.param(SecurityBlock, "0004010001aa" + "00000300000000", id="certificate that is not X.509"),
        pytest.param(SecurityBlock, "0004000002aa" + "00000300000000", id="certificate longer than bucket"),
        pytest.param(SecurityBlock, "00000000030000000000", id="trailing byte"),
    ],
)
def test_a_malformed_signature(cls: type, raw: str) -> None:
    with pytest.raises(Malformed):
        decode(cls, bytes.fromhex(raw))


def test_what_does_not_fit_is_our_own_mistake() -> None:
    with pytest.raises(LocalProtocolError):
        encode_identity(SignerIdentity(IdentityType.CERT_HASH, 4, bytes(256)))
    with pytest.raises(LocalProtocolError):
        encode_identity(SignerIdentity(9, 0, bytes(65536)))
    with pytest.raises(LocalProtocolError):
        encode_signature(Signature(4, 3, NO_IDENTITY, bytes(65536)))
    with pytest.raises(LocalProtocolError):
        encode_signature(Signature(256, 3, NO_IDENTITY, b""))
    with pytest.raises(LocalProtocolError):
        encode_security(SecurityBlock((bytes(65536),), UNSIGNED))
