"""Stored values: what Store and Fetch carry, and what their owners sign (RFC 6940 §7).

    StoredData = u32 length, u64 storage_time (ms), u32 lifetime (s), value, Signature
    value      = DataValue | u32 index DataValue | v16<key> DataValue
    DataValue  = Boolean exists, v32<bytes>

Which of the three a value is, nothing on the wire says: the Kind does. So decoding needs the Kind registry as its
context, and the values of an unknown Kind stay bytes.
"""

from __future__ import annotations

import hashlib
import struct
from typing import Any

from p2psip_min.errors import LocalProtocolError, Malformed
from p2psip_min.ids import ResourceID
from p2psip_min.wire.codec import (
    I32,
    U8,
    U32,
    Bool,
    Decoder,
    Opaque8,
    Opaque16,
    Opaque32,
    decoder_of,
    encode,
    encoder_of,
    hand_written,
    register,
    structure,
)
from p2psip_min.wire.kinds import DataModel, KindRegistry
from p2psip_min.wire.security import Signature, decode_signature, encode_identity, encode_signature

APPEND = 0xFFFFFFFF
"""The array index that means "after the last"."""


@structure
class SingleValue:
    """The one value of a Kind, or its absence."""

    exists: Bool
    value: Opaque32


@structure
class ArrayEntry:
    """One element of an array."""

    index: U32
    exists: Bool
    value: Opaque32


@structure
class DictionaryEntry:
    """One entry of a dictionary."""

    key: Opaque16
    exists: Bool
    value: Opaque32


StoredDataValue = SingleValue | ArrayEntry | DictionaryEntry


@hand_written
class StoredData:
    """A signed value: ``storage_time`` in ms since 1970, ``lifetime`` in seconds from its receipt (not signed)."""

    storage_time: int
    lifetime: int
    value: StoredDataValue
    signature: Signature


@structure
class MetaData:
    """What Stat tells of a value: its size, and a digest of its length (4 bytes) and bytes."""

    exists: Bool
    value_length: U32
    hash_algorithm: U8
    hash_value: Opaque8


@structure
class ArrayEntryMeta:
    """Metadata of an array's element."""

    index: U32
    exists: Bool
    value_length: U32
    hash_algorithm: U8
    hash_value: Opaque8


@structure
class DictionaryEntryMeta:
    """Metadata of a dictionary's entry."""

    key: Opaque16
    exists: Bool
    value_length: U32
    hash_algorithm: U8
    hash_value: Opaque8


MetaDataValue = MetaData | ArrayEntryMeta | DictionaryEntryMeta


@hand_written
class StoredMetaData:
    """What Stat answers of a value; it is not signed."""

    storage_time: int
    lifetime: int
    metadata: MetaDataValue


# --- the groups in which requests and answers carry values, one group a Kind ------------------------------------------


@hand_written
class StoreKindData:
    """Values of one Kind to store; ``raw`` instead of ``values`` when the reader does not know the Kind."""

    kind: int
    generation_counter: int
    values: tuple[StoredData, ...]
    raw: bytes = b""


@hand_written
class FetchKindResponse:
    """Values of one Kind that were found; ``raw`` instead of ``values`` when the reader does not know the Kind."""

    kind: int
    generation: int
    values: tuple[StoredData, ...]
    raw: bytes = b""


@hand_written
class StatKindResponse:
    """Metadata of one Kind's values; ``raw`` instead of ``values`` when the reader does not know the Kind."""

    kind: int
    generation: int
    values: tuple[StoredMetaData, ...]
    raw: bytes = b""


@structure
class ArrayRange:
    """The elements from ``first`` to ``last``, both included; -1 is the last one there is."""

    first: I32
    last: I32


@hand_written
class StoredDataSpecifier:
    """Which values of a Kind are asked for, unless ``generation`` is still current (RFC 6940 §7.4.2.1).

    ``indices`` for an array, ``keys`` for a dictionary (empty: all of it), neither for a single value; ``raw`` is the
    model's part as bytes when the reader does not know the Kind.
    """

    kind: int
    generation: int = 0
    indices: tuple[ArrayRange, ...] | None = None
    keys: tuple[bytes, ...] | None = None
    raw: bytes = b""


_ITEM = struct.Struct(">IQI")
_GROUP = struct.Struct(">IQI")
_SPECIFIER = struct.Struct(">IQH")
_RANGES = struct.Struct(">ii")
_SIGNED = struct.Struct(">IQ")
_SINGLE, _ARRAY, _DICTIONARY = DataModel.SINGLE, DataModel.ARRAY, DataModel.DICTIONARY


def encode_value(value: StoredDataValue) -> bytes:
    """The bytes of a value."""
    return encoder_of(type(value))(value)


def encode_stored(stored: StoredData) -> bytes:
    """The bytes of a StoredData."""
    value = stored.value
    tail = encoder_of(type(value))(value) + encode_signature(stored.signature)
    try:
        return _ITEM.pack(len(tail) + 12, stored.storage_time, stored.lifetime) + tail
    except struct.error as error:
        raise LocalProtocolError(f"stored data: {error}") from None


def _encode_meta(meta: StoredMetaData) -> bytes:
    tail = encode(meta.metadata)
    try:
        return _ITEM.pack(len(tail) + 12, meta.storage_time, meta.lifetime) + tail
    except struct.error as error:
        raise LocalProtocolError(f"metadata: {error}") from None


def _stored_decoder(model: type) -> Decoder:
    """Reads a StoredData whose value is of class ``model``."""
    decode_value = decoder_of(model)

    def decode_stored(data: bytes, offset: int, end: int, context: Any) -> tuple[StoredData, int]:
        start = offset + 16
        if start > end:
            raise Malformed(offset, "stored data: cut short")
        length, storage_time, lifetime = _ITEM.unpack_from(data, offset)
        stop = offset + 4 + length
        if stop > end or stop < start:
            raise Malformed(offset, "stored data: length and what is left disagree")
        value, at = decode_value(data, start, stop, context)
        signature, at = decode_signature(data, at, stop)
        if at != stop:
            raise Malformed(at, "stored data: trailing bytes")
        return StoredData(storage_time, lifetime, value, signature), stop

    return decode_stored


def _meta_decoder(model: type) -> Decoder:
    """Reads a StoredMetaData whose metadata is of class ``model``."""
    decode_value = decoder_of(model)

    def decode_meta(data: bytes, offset: int, end: int, context: Any) -> tuple[StoredMetaData, int]:
        start = offset + 16
        if start > end:
            raise Malformed(offset, "metadata: cut short")
        length, storage_time, lifetime = _ITEM.unpack_from(data, offset)
        stop = offset + 4 + length
        if stop > end or stop < start:
            raise Malformed(offset, "metadata: length and what is left disagree")
        value, at = decode_value(data, start, stop, context)
        if at != stop:
            raise Malformed(at, "metadata: trailing bytes")
        return StoredMetaData(storage_time, lifetime, value), stop

    return decode_meta


def _group_encoder(item: Any) -> Any:
    def encode_group(group: Any) -> bytes:
        if group.raw and group.values:
            raise LocalProtocolError("either values or raw")
        packed = b"".join([item(one) for one in group.values]) if group.values else group.raw
        generation = group.generation_counter if type(group) is StoreKindData else group.generation
        try:
            return _GROUP.pack(group.kind, generation, len(packed)) + packed
        except struct.error as error:
            raise LocalProtocolError(f"{type(group).__name__}: {error}") from None

    return encode_group


def _group_decoder(cls: Any, single: Decoder, array: Decoder, dictionary: Decoder) -> Decoder:
    name = cls.__name__

    def decode_group(data: bytes, offset: int, end: int, context: KindRegistry | None) -> tuple[Any, int]:
        at = offset + 16
        if at > end:
            raise Malformed(offset, f"{name}: cut short")
        kind, generation, size = _GROUP.unpack_from(data, offset)
        stop = at + size
        if stop > end:
            raise Malformed(offset + 12, f"{name}: values longer than what is left")
        model = None if context is None else context.models.get(kind)
        if model is _DICTIONARY:
            item = dictionary
        elif model is _SINGLE:
            item = single
        elif model is _ARRAY:
            item = array
        else:
            return cls(kind, generation, (), data[at:stop]), stop
        values: list[Any] = []
        while at < stop:
            value, at = item(data, at, stop, None)
            values.append(value)
        return cls(kind, generation, tuple(values)), stop

    return decode_group


def _encode_specifier(specifier: StoredDataSpecifier) -> bytes:
    raw = specifier.raw
    try:
        if specifier.indices is not None:
            packed = b"".join([_RANGES.pack(one.first, one.last) for one in specifier.indices])
            raw = len(packed).to_bytes(2, "big") + packed
        elif specifier.keys is not None:
            packed = b"".join([len(key).to_bytes(2, "big") + key for key in specifier.keys])
            raw = len(packed).to_bytes(2, "big") + packed
        return _SPECIFIER.pack(specifier.kind, specifier.generation, len(raw)) + raw
    except (struct.error, OverflowError) as error:
        raise LocalProtocolError(f"specifier: {error}") from None


def _decode_specifier(
    data: bytes, offset: int, end: int, context: KindRegistry | None
) -> tuple[StoredDataSpecifier, int]:
    at = offset + 14
    if at > end:
        raise Malformed(offset, "specifier: cut short")
    kind, generation, size = _SPECIFIER.unpack_from(data, offset)
    stop = at + size
    if stop > end:
        raise Malformed(offset + 12, "specifier: longer than what is left")
    model = None if context is None else context.models.get(kind)
    if model is None:
        return StoredDataSpecifier(kind, generation, raw=data[at:stop]), stop
    if model is _SINGLE:
        if size:
            raise Malformed(at, "specifier: a single value has no part")
        return StoredDataSpecifier(kind, generation), stop
    if size < 2 or (data[at] << 8 | data[at + 1]) != size - 2:
        raise Malformed(at, "specifier: its lengths disagree")
    at += 2
    if model is _ARRAY:
        if (stop - at) % 8:
            raise Malformed(at, "specifier: ranges are not whole")
        ranges = tuple([ArrayRange(first, last) for first, last in _RANGES.iter_unpack(data[at:stop])])
        return StoredDataSpecifier(kind, generation, ranges), stop
    keys: list[bytes] = []
    while at < stop:
        start = at + 2
        if start > stop:
            raise Malformed(at, "specifier: key cut short")
        at = start + (data[at] << 8 | data[at + 1])
        if at > stop:
            raise Malformed(start - 2, "specifier: key longer than what is left")
        keys.append(data[start:at])
    return StoredDataSpecifier(kind, generation, None, tuple(keys)), stop


_STORED = (_stored_decoder(SingleValue), _stored_decoder(ArrayEntry), _stored_decoder(DictionaryEntry))
_META = (_meta_decoder(MetaData), _meta_decoder(ArrayEntryMeta), _meta_decoder(DictionaryEntryMeta))
register(StoreKindData, _group_encoder(encode_stored), _group_decoder(StoreKindData, *_STORED), 16)
register(FetchKindResponse, _group_encoder(encode_stored), _group_decoder(FetchKindResponse, *_STORED), 16)
register(StatKindResponse, _group_encoder(_encode_meta), _group_decoder(StatKindResponse, *_META), 16)
register(StoredDataSpecifier, _encode_specifier, _decode_specifier, 14)


# --- what is signed (RFC 6940 §7.1), and what Stat tells (§7.4.3) -----------------------------------------------------


def signed_value(value: StoredDataValue) -> bytes:
    """The value's bytes as they are signed: an array's index counts as 0, so that an appended value still verifies."""
    if isinstance(value, ArrayEntry):
        return encode(ArrayEntry(0, value.exists, value.value))
    return encoder_of(type(value))(value)


def signed_input(
    resource: ResourceID | bytes, kind: int, storage_time: int, value_bytes: bytes, identity_bytes: bytes
) -> bytes:
    """What the signature of a stored value covers; the Resource-ID goes in with its length byte, as on the wire."""
    return b"".join((bytes((len(resource),)), resource, _SIGNED.pack(kind, storage_time), value_bytes, identity_bytes))


def stored_input(resource: ResourceID | bytes, kind: int, stored: StoredData) -> bytes:
    """``signed_input`` of a value as received."""
    return signed_input(
        resource, kind, stored.storage_time, signed_value(stored.value), encode_identity(stored.signature.identity)
    )


def meta_data(stored: StoredData) -> StoredMetaData:
    """What Stat answers of ``stored``: the digest is SHA-256 over the value with its four length bytes."""
    value = stored.value
    size = len(value.value)
    digest = hashlib.sha256(size.to_bytes(4, "big") + value.value).digest()
    plain = (value.exists, size, 4, digest)
    meta: MetaDataValue
    if isinstance(value, DictionaryEntry):
        meta = DictionaryEntryMeta(value.key, *plain)
    elif isinstance(value, ArrayEntry):
        meta = ArrayEntryMeta(value.index, *plain)
    else:
        meta = MetaData(*plain)
    return StoredMetaData(stored.storage_time, stored.lifetime, meta)
