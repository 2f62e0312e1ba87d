"""Protection of what enrollment says, beside the certificates themselves (draft 11.8).

``ExchangeProtection`` says what carries it: TLS, or nothing, or nothing but answers that only the asker can open.
``AnswerSignature`` says whether the server signs its answers, with the key of its web certificate, so that whoever
stands between it and the applicant, a web front included, changes nothing unnoticed.

    Answer-To       what the asker calls this request: an answer to another one does not fit
    Answer-Key      the asker's P-256 key (base64 of its SPKI), for answers that only he can open
    Answer-Sealed   the server's key for this answer; the body is AES-128-GCM, its key from ECDH (RFC 5869)
    Answer-Signed   certificate and signature, base64, with a space between

RFC 6940 has HTTPS and no more: these header fields are ours.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from p2psip_min.enrollment.keys import UNREADABLE
from p2psip_min.enrollment.trust import Root, issuer

TO, KEY, SEALED, SIGNED = "answer-to", "answer-key", "answer-sealed", "answer-signed"

_SIGNING = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)
_CHECKING = ec.ECDSA(hashes.SHA256())
_ONCE = bytes(12)
"""The nonce of a cipher whose key is used once."""


@dataclass(frozen=True, slots=True)
class ExchangeProtection:
    """What carries enrollment: ``tls``, or a stream in clear; ``sealed`` answers only the asker can read."""

    tls: bool = False
    sealed: bool = False


@dataclass(frozen=True, slots=True)
class AnswerSignature:
    """Whether the server signs its answers, and askers take no others."""

    signed: bool


def spki(key: ec.EllipticCurvePublicKey) -> str:
    """A public key as a header field has it."""
    return _text(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


def seal_answer(body: bytes, reader: str, ephemeral: ec.EllipticCurvePrivateKey) -> bytes | None:
    """The body for the holder of the key in ``reader`` alone; None when that is no key."""
    key = _key(reader)
    return None if key is None else _cipher(ephemeral, key).encrypt(_ONCE, body, None)


def open_answer(sealed: bytes, sender: str, key: ec.EllipticCurvePrivateKey) -> bytes | None:
    """The body that was sealed for the holder of ``key``; None when it was not."""
    other = _key(sender)
    try:
        return None if other is None else _cipher(key, other).decrypt(_ONCE, sealed, None)
    except InvalidTag:
        return None


def sign_answer(key: ec.EllipticCurvePrivateKey, certificate: bytes, asked: str, status: int, body: bytes) -> str:
    """The certificate (DER) and a signature with its key over the request's name, the status and the body."""
    return f"{_text(certificate)} {_text(key.sign(_signed(asked, status, body), _SIGNING))}"


def answer_signer(field: str, asked: str, status: int, body: bytes, roots: Iterable[Root]) -> bytes | None:
    """The certificate (DER) of who signed an answer, if one of ``roots`` issued it and the signature is its key's."""
    first, _, second = field.partition(" ")
    der, signature = _bytes(first), _bytes(second)
    try:
        certificate = x509.load_der_x509_certificate(der)
        key = certificate.public_key()
        if not isinstance(key, ec.EllipticCurvePublicKey) or issuer(certificate, der, roots) is None:
            return None
        key.verify(signature, _signed(asked, status, body), _CHECKING)
    except UNREADABLE:
        return None
    return der


def named(headers: Mapping[str, str], name: str) -> str:
    """A header field, empty where there is none."""
    return headers.get(name, "")


def _signed(asked: str, status: int, body: bytes) -> bytes:
    return hashlib.sha256(b"%b %d " % (asked.encode(), status) + body).digest()


def _cipher(own: ec.EllipticCurvePrivateKey, other: ec.EllipticCurvePublicKey) -> AESGCM:
    shared = own.exchange(ec.ECDH(), other)
    return AESGCM(HKDF(hashes.SHA256(), 16, salt=None, info=b"P2PSIP enrollment answer").derive(shared))


def _key(text: str) -> ec.EllipticCurvePublicKey | None:
    try:
        key = load_der_public_key(_bytes(text))
    except UNREADABLE:
        return None
    fits = isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1)
    return key if fits and isinstance(key, ec.EllipticCurvePublicKey) else None


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
