"""Values that only chosen readers can read, wherever they are stored and whoever passes them on (draft Req. 11, 14).

An owner who has named readers stores an encrypted value under the Kind's twin (``wire.encrypted``); one who has not
stores in clear, and so does everybody where the policy is off. Who reads looks under both Kinds.

    shared = ECDH(ephemeral key, reader's certified key)           tag, wrapping key = HKDF(shared, place)
    slot   = tag, AES-KW(wrapping key, content key)                ciphertext = AES-GCM(content key, value; place)

"Place" is resource, Kind and key: a ciphertext put anywhere else does not open. Slots are sorted by tag, so their order
says nothing. How many readers there are shows, and so does the length of the value.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Protocol

from cryptography import x509
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from p2psip_min.errors import LocalProtocolError, Malformed, ReadReason
from p2psip_min.wire.codec import decode, encode
from p2psip_min.wire.data import StoredDataValue, signed_value
from p2psip_min.wire.encrypted import (
    MOST_READERS,
    SLOT,
    TAG,
    EncryptedValue,
    encrypted_kind,
    encrypted_spec,
    plain_kind,
)
from p2psip_min.wire.kinds import KindRegistry, KindSpec

_CURVE = ec.SECP256R1()
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_NONCE = bytes(12)
"""A content key encrypts one value and no other, so its nonce may be the same."""


class Bits(Protocol):
    """Where fresh keys come from."""

    def getrandbits(self, k: int, /) -> int: ...


class ValueEncryptionPolicy(Protocol):
    """Whether values are encrypted for the readers that their owner has named."""

    def registry(self, specs: Iterable[KindSpec]) -> KindRegistry: ...

    def kinds(self, kind: int) -> tuple[int, ...]: ...

    def kind_for(self, kind: int, readers: Sequence[bytes]) -> int: ...

    def encrypt(
        self, resource: bytes, kind: int, value: StoredDataValue, readers: Sequence[bytes], bits: Bits
    ) -> StoredDataValue: ...

    def decrypt(
        self, resource: bytes, kind: int, value: StoredDataValue, private_key: ec.EllipticCurvePrivateKey | None
    ) -> StoredDataValue | ReadReason: ...


@dataclass(frozen=True, slots=True)
class InClear:
    """Values are stored as they are, whoever may read them."""

    def registry(self, specs: Iterable[KindSpec]) -> KindRegistry:
        """The Kinds that nodes know: these."""
        return KindRegistry(specs)

    def kinds(self, kind: int) -> tuple[int, ...]:
        """Under which Kinds a reader looks for values of ``kind``."""
        return (kind,)

    def kind_for(self, kind: int, readers: Sequence[bytes]) -> int:
        """Under which Kind an owner stores values of ``kind``."""
        return kind

    def encrypt(
        self, resource: bytes, kind: int, value: StoredDataValue, readers: Sequence[bytes], bits: Bits
    ) -> StoredDataValue:
        """The value as it is stored."""
        return value

    def decrypt(
        self, resource: bytes, kind: int, value: StoredDataValue, private_key: ec.EllipticCurvePrivateKey | None
    ) -> StoredDataValue | ReadReason:
        """The value as its owner meant it."""
        return value


@dataclass(frozen=True, slots=True)
class ForReaders:
    """Values are encrypted for the readers that their owner has named, as certificates (DER) with P-256 keys."""

    def registry(self, specs: Iterable[KindSpec]) -> KindRegistry:
        """The Kinds that nodes know: these and their twins."""
        known = [spec for spec in specs if not plain_kind(spec.id)]
        return KindRegistry([*known, *[encrypted_spec(spec) for spec in known if encrypted_kind(spec.id)]])

    def kinds(self, kind: int) -> tuple[int, ...]:
        """Under which Kinds a reader looks for values of ``kind``: nothing says which one the owner took."""
        twin = encrypted_kind(kind)
        return (kind, twin) if twin else (kind,)

    def kind_for(self, kind: int, readers: Sequence[bytes]) -> int:
        """Under which Kind an owner with these readers stores ``kind``; LocalProtocolError for one without a twin."""
        if not readers:
            return kind
        twin = encrypted_kind(kind)
        if not twin:
            raise LocalProtocolError(f"values of Kind {kind:#x} cannot be encrypted: its number leaves no room")
        return twin

    def encrypt(
        self, resource: bytes, kind: int, value: StoredDataValue, readers: Sequence[bytes], bits: Bits
    ) -> StoredDataValue:
        """The value as it is stored under ``kind``; LocalProtocolError for too many readers or one without P-256 key.

        A tombstone has nothing to hide. Without readers everybody may read.
        """
        if not (readers and value.exists):
            return value
        if len(readers) > MOST_READERS:
            raise LocalProtocolError(f"a value is for at most {MOST_READERS} readers, not {len(readers)}")
        place = _place(resource, kind, value)
        content_key = bits.getrandbits(128).to_bytes(16, "big")
        key = ec.derive_private_key(bits.getrandbits(512) % (_ORDER - 1) + 1, _CURVE)
        ephemeral = key.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
        slots = []
        for reader in readers:
            tag, wrapping = _derive(key.exchange(ec.ECDH(), _key_of(reader)), ephemeral, place)
            slots.append(tag + aes_key_wrap(wrapping, content_key))
        ciphertext = AESGCM(content_key).encrypt(_NONCE, value.value, place)
        return replace(value, value=encode(EncryptedValue(ephemeral, b"".join(sorted(slots)), ciphertext)))

    def decrypt(
        self, resource: bytes, kind: int, value: StoredDataValue, private_key: ec.EllipticCurvePrivateKey | None
    ) -> StoredDataValue | ReadReason:
        """The value as its owner meant it, or why this key's holder does not learn it."""
        if not (plain_kind(kind) and value.exists):
            return value
        if private_key is None:
            return ReadReason.NOT_FOR_ME
        try:
            sealed = decode(EncryptedValue, value.value)
            ephemeral = ec.EllipticCurvePublicKey.from_encoded_point(_CURVE, sealed.ephemeral)
        except (Malformed, ValueError):
            return ReadReason.INVALID_VALUE
        place = _place(resource, kind, value)
        tag, wrapping = _derive(private_key.exchange(ec.ECDH(), ephemeral), sealed.ephemeral, place)
        slots = sealed.slots
        mine = next((at for at in range(0, len(slots), SLOT) if slots[at : at + TAG] == tag), None)
        if mine is None:
            return ReadReason.NOT_FOR_ME
        try:
            content_key = aes_key_unwrap(wrapping, slots[mine + TAG : mine + SLOT])
            return replace(value, value=AESGCM(content_key).decrypt(_NONCE, sealed.ciphertext, place))
        except (InvalidTag, InvalidUnwrap, ValueError):
            return ReadReason.INVALID_VALUE


def _place(resource: bytes, kind: int, value: StoredDataValue) -> bytes:
    """What a ciphertext is bound to; an array's index is left out, as it is by signatures."""
    return b"".join(
        (bytes((len(resource),)), resource, kind.to_bytes(4, "big"), signed_value(replace(value, value=b"")))
    )


def _derive(shared: bytes, ephemeral: bytes, place: bytes) -> tuple[bytes, bytes]:
    """A slot's tag and the key that wraps its content key."""
    info = hashlib.sha256(place).digest()
    made = HKDF(algorithm=SHA256(), length=TAG + 16, salt=ephemeral, info=b"encrypted value" + info).derive(shared)
    return made[:TAG], made[TAG:]


@lru_cache(maxsize=4096)
def _key_of(certificate: bytes) -> ec.EllipticCurvePublicKey:
    try:
        key = x509.load_der_x509_certificate(certificate).public_key()
    except ValueError:
        raise LocalProtocolError("a reader's certificate is none") from None
    if not (isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1)):
        raise LocalProtocolError("a reader's certificate has no P-256 key")
    return key
