"""Keys that follow from a seed, the passwords of accounts, and what unreadable X.509 looks like.

RSA keys cannot be derived from a seed, so our own nodes have P-256 keys, or P-384 where an overlay wants longer ones;
RSA is verified wherever it is met.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Protocol

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.utils import CryptographyDeprecationWarning

_CURVES: dict[str, tuple[ec.EllipticCurve, int]] = {
    "P-256": (ec.SECP256R1(), 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551),
    "P-384": (
        ec.SECP384R1(),
        0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973,
    ),
}
"""Curves that keys may be on, with their orders (SP 800-186)."""

UNREADABLE = (
    ValueError,
    TypeError,
    InvalidSignature,
    UnsupportedAlgorithm,
    CryptographyDeprecationWarning,  # what the library will refuse one day, where warnings are errors
    x509.DuplicateExtension,
    x509.ExtensionNotFound,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)
"""What the library raises on bytes that are no certificate, request or list, or not signed by whom they name."""


class Random(Protocol):
    """The two draws that everything random is made of."""

    def random(self) -> float: ...

    def getrandbits(self, k: int, /) -> int: ...


def derive_key(seed: str | int, label: str, curve: str = "P-256") -> ec.EllipticCurvePrivateKey:
    """The key that belongs to ``label`` under ``seed``: the same in every process."""
    # 512 bits reduced to 256 leave no bias worth a word, nor to 384.
    wide = hashlib.sha512(f"{len(str(seed))}:{seed}:{label}".encode()).digest()
    made, order = _CURVES[curve]
    return ec.derive_private_key(int.from_bytes(wide, "big") % (order - 1) + 1, made)


def key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """The private key as unencrypted PKCS#8 PEM, as TLS libraries want it."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def hash_password(password: str, salt: bytes) -> bytes:
    """What the server keeps in place of the password: its HMAC-SHA-256 under the salt, 32 bytes.

    A server that guards something takes a function that is slow on purpose, such as PBKDF2 with a million rounds. What
    a request costs here is virtual time, if anything (``Provider``'s ``service_time``).
    """
    return hmac.digest(salt, password.encode(), "sha256")


def same(left: bytes, right: bytes) -> bool:
    """Whether two secrets are equal, in time that does not tell where they differ."""
    return hmac.compare_digest(left, right)
