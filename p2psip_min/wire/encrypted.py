"""Encrypted values, which stand under Kinds for private use in the place of plain ones (RFC 6940 §7.4.5, §14.6).

    EncryptedValue = v8<ephemeral public key> v16<Slot> v32<ciphertext>
    Slot           = 8 bytes tag, 24 bytes content key

Who may read finds his slot by its tag, which only he and the owner can work out: a slot does not say whose it is.
"""

from __future__ import annotations

from dataclasses import replace

from p2psip_min.wire.codec import Opaque8, Opaque16, Opaque32, structure
from p2psip_min.wire.kinds import KindSpec

TAG = 8
"""Bytes of a slot's tag."""

SLOT = TAG + 24
"""Bytes of a slot: the content key is wrapped, which adds 8 bytes (RFC 3394)."""

MOST_READERS = 16
OVERHEAD = 1 + 33 + 2 + MOST_READERS * SLOT + 4 + 16
"""Bytes by which an encrypted value may be longer than what is in it."""

_FIRST_PRIVATE = 0xF0000001
_ENCRYPTED = 0xFE000000
_PRIVATE_BIT = 0x800000
_NUMBER = 0x7FFFFF


@structure
class EncryptedValue:
    """A value for chosen readers: a compressed P-256 point (SEC 1 §2.3.3), ``SLOT`` bytes for each, AES-128-GCM."""

    ephemeral: Opaque8
    slots: Opaque16
    ciphertext: Opaque32


def encrypted_kind(kind: int) -> int:
    """The private Kind-ID for encrypted values of ``kind``; 0 where there is no room for one."""
    private = _PRIVATE_BIT if kind >= _FIRST_PRIVATE else 0
    made = _ENCRYPTED | private | (kind & _NUMBER)
    return made if plain_kind(made) == kind else 0


def plain_kind(kind: int) -> int:
    """The Kind whose encrypted values ``kind`` holds; 0 when it is no such Kind."""
    if kind & 0xFF000000 != _ENCRYPTED:
        return 0
    return (0xF0000000 if kind & _PRIVATE_BIT else 0) | (kind & _NUMBER)


def encrypted_spec(spec: KindSpec) -> KindSpec:
    """The Kind for encrypted values of ``spec``: the same model and writers, and room for the readers' slots."""
    return replace(spec, id=encrypted_kind(spec.id), name=f"{spec.name}-ENCRYPTED", max_size=spec.max_size + OVERHEAD)
