"""What a third party says about a person: that he is who he is, and which account is his (draft 7.2.6).

A voucher is text, as a form carries it: the person's name among the third party's customers, and a signature over
overlay, account and person. It names no secret, and is worth nothing to anybody but the account's holder.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from p2psip_min.enrollment.certificates import PublicKey
from p2psip_min.enrollment.keys import UNREADABLE

_SIGNING = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)
_CHECKING = ec.ECDSA(hashes.SHA256())


@dataclass(frozen=True, slots=True)
class Voucher:
    """``person`` is somebody, says who signed this."""

    person: str
    signature: bytes

    def text(self) -> str:
        """The voucher as a form's field."""
        return f"{self.person} {base64.b64encode(self.signature).decode()}"


def vouch(key: ec.EllipticCurvePrivateKey, person: str, account: str, overlay: str) -> Voucher:
    """A third party's statement that ``account`` belongs to ``person``."""
    return Voucher(person, key.sign(_statement(person, account, overlay), _SIGNING))


def vouched(voucher: Voucher, account: str, overlay: str, key: PublicKey) -> bool:
    """Whether the holder of ``key`` said so, about this account."""
    if not isinstance(key, ec.EllipticCurvePublicKey):
        return False
    try:
        key.verify(voucher.signature, _statement(voucher.person, account, overlay), _CHECKING)
    except UNREADABLE:
        return False
    return True


def read_voucher(text: str) -> Voucher | None:
    """The voucher in a form's field; None if it is none."""
    person, _, signature = text.partition(" ")
    try:
        return Voucher(person, base64.b64decode(signature, validate=True)) if person else None
    except (binascii.Error, ValueError):
        return None


def _statement(person: str, account: str, overlay: str) -> bytes:
    return b"\0".join((b"P2PSIP person", overlay.encode(), account.encode(), person.encode()))
