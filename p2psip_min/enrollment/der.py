"""The little of DER that is written and read here, since the library does much more for it (X.690 §8, RFC 5280 §4.1).

What is read was read by the library before, so every length is known to fit.
"""

from __future__ import annotations

SEQUENCE, MAIL_NAME, URI_NAME = 0x30, 0x81, 0x86
"""Tags; the latter two are choices of a GeneralName (RFC 5280 §4.2.1.6)."""

_VERSION = 0xA0


def element(tag: int, content: str | bytes) -> bytes:
    """An element of definite length; text must be ASCII."""
    octets = content.encode("ascii") if isinstance(content, str) else content
    size = len(octets)
    if size < 128:
        return bytes((tag, size)) + octets
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + octets


def inside(der: bytes, at: int = 0) -> int:
    """Where the content of the element at ``at`` begins."""
    size = der[at + 1]
    return at + 2 + (size & 0x7F if size >= 128 else 0)


def behind(der: bytes, at: int = 0) -> int:
    """Where the element at ``at`` ends."""
    size, begin = der[at + 1], inside(der, at)
    return begin + (size if size < 128 else int.from_bytes(der[at + 2 : begin], "big"))


def _serial(certificate: bytes) -> int:
    """Where the serial number stands: behind a version, except in the oldest."""
    at = inside(certificate, inside(certificate))
    return behind(certificate, at) if certificate[at] == _VERSION else at


def subject(certificate: bytes) -> bytes:
    """Whose certificate it is: the name's element, as it stands there."""
    at = _serial(certificate)
    for _ in ("serial number", "algorithm", "issuer", "dates"):
        at = behind(certificate, at)
    return certificate[at : behind(certificate, at)]


def signed_by(certificate: bytes) -> tuple[bytes, bytes, bytes]:
    """Whom a certificate names as its issuer, and the algorithm of his signature as it stands inside and outside.

    All three are elements.
    """
    algorithm = behind(certificate, _serial(certificate))
    issuer, outer = behind(certificate, algorithm), behind(certificate, inside(certificate))
    return (
        certificate[issuer : behind(certificate, issuer)],
        certificate[algorithm:issuer],
        certificate[outer : behind(certificate, outer)],
    )
