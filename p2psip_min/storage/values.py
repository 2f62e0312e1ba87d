"""What a node holds: values on shelves, one shelf for each Kind of each resource (RFC 6940 §7.2)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from cryptography import x509

from p2psip_min.errors import Malformed
from p2psip_min.wire.codec import decode
from p2psip_min.wire.data import ArrayEntry, DictionaryEntry, SingleValue, StoredData, StoredDataValue, signed_value
from p2psip_min.wire.encrypted import EncryptedValue, encrypted_kind
from p2psip_min.wire.grants import Grant
from p2psip_min.wire.kinds import (
    BLINDED_REGISTRATION,
    CERTIFICATE_BY_NODE,
    CERTIFICATE_BY_USER,
    GRANT,
    SIP_REGISTRATION,
    TURN_SERVICE,
    DataModel,
    KindSpec,
    SipRegistration,
    TurnServer,
)
from p2psip_min.wire.security import UNSIGNED

MAX_LIFETIME = 30 * 86_400
"""Seconds for which a value may be stored at most. The lifetime is not signed, so somebody has to draw a line."""

CLASS_OF: Mapping[DataModel, type] = {
    DataModel.SINGLE: SingleValue,
    DataModel.ARRAY: ArrayEntry,
    DataModel.DICTIONARY: DictionaryEntry,
}
"""The class of the values of each data model."""


@dataclass(slots=True)
class Held:
    """One value in a node's keeping: received at ``since``, dropped at ``expires`` (virtual s).

    ``user`` and ``certificate`` (DER) are its signer's, empty when the overlay does not sign values; ``replica`` is the
    replica number of the store that brought it.
    """

    stored: StoredData
    since: float
    expires: float
    user: str
    certificate: bytes
    replica: int


@dataclass(slots=True)
class Shelf:
    """The values of one Kind at one resource, by key, and how often they changed."""

    spec: KindSpec
    generation: int = 0
    values: dict[bytes, Held] = field(default_factory=dict)


def key_of(value: StoredDataValue) -> bytes:
    """What tells a value from the others of its Kind: the dictionary key, 4 bytes of array index, or nothing."""
    if isinstance(value, DictionaryEntry):
        return value.key
    if isinstance(value, ArrayEntry):
        return value.index.to_bytes(4, "big")
    return b""


def precedence(stored: StoredData) -> tuple[int, bool, bytes, bytes]:
    """The order in which merged values count as stored (RFC 6940 §7.4.1.1): the highest one stays.

    Equal times, which only two stores by one signer in one millisecond can have, are told apart by content, so that
    every holder decides alike.
    """
    return stored.storage_time, not stored.value.exists, signed_value(stored.value), stored.signature.value


def same_version(one: StoredData, other: StoredData) -> bool:
    """Whether both are one version of a value, whatever index an appended one got and whatever is left of its life."""
    return (
        one.storage_time == other.storage_time
        and one.signature == other.signature
        and signed_value(one.value) == signed_value(other.value)
    )


def absent(model: DataModel, key: bytes) -> StoredData:
    """The unsigned value that stands for something not known here (RFC 6940 §7.4.2.2)."""
    value: StoredDataValue
    if model is DataModel.DICTIONARY:
        value = DictionaryEntry(key, False, b"")
    elif model is DataModel.ARRAY:
        value = ArrayEntry(int.from_bytes(key, "big"), False, b"")
    else:
        value = SingleValue(False, b"")
    return StoredData(0, 0, value, UNSIGNED)


def is_absence(stored: StoredData) -> bool:
    """Whether the value was made up by ``absent``, and so is one holder's word only."""
    return not stored.value.exists and stored.storage_time == 0 and stored.signature == UNSIGNED


def with_lifetime(stored: StoredData, lifetime: int) -> StoredData:
    """The same value with another lifetime, in seconds; the owner's signature does not cover it."""
    if stored.lifetime == lifetime:
        return stored
    return StoredData(stored.storage_time, lifetime, stored.value, stored.signature)


def aged(held: Held, now: float) -> StoredData:
    """The value as a reader gets it at ``now``: what is left of its lifetime, in started seconds."""
    return with_lifetime(held.stored, math.ceil(held.expires - now))


# --- what the values of the registered Kinds must look like (draft 7.2.9) ---------------------------------------------


class ValidationPolicy(Protocol):
    """Who looks at what a value says: whether it is one of its Kind, of permitted size and lifetime."""

    @property
    def at_store(self) -> bool: ...

    @property
    def at_reader(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Unvalidated:
    """Nobody looks: bytes are bytes."""

    at_store = False
    at_reader = False


@dataclass(frozen=True, slots=True)
class ReaderValidates:
    """Who reads looks, and passes over what is nothing of its Kind; storing peers hold it all the same."""

    at_store = False
    at_reader = True


@dataclass(frozen=True, slots=True)
class StorerValidates:
    """The storing peer looks, and refuses (draft 7.2.9, RFC 6940 §7.4.1.1); so does who reads, for peers may lie."""

    at_store = True
    at_reader = True


ValueRule = Callable[[bytes], object]
"""Raises Malformed when the bytes are no value of the Kind."""


def _certificate(value: bytes) -> object:
    try:
        return x509.load_der_x509_certificate(value)
    except ValueError:
        raise Malformed(0, "not a certificate") from None


_PLAIN_RULES: Mapping[int, ValueRule] = {
    SIP_REGISTRATION: lambda value: decode(SipRegistration, value),
    BLINDED_REGISTRATION: lambda value: decode(SipRegistration, value),
    TURN_SERVICE: lambda value: decode(TurnServer, value),
    CERTIFICATE_BY_NODE: _certificate,
    CERTIFICATE_BY_USER: _certificate,
    GRANT: lambda value: decode(Grant, value),
}
VALUE_RULES: Mapping[int, ValueRule] = {
    **_PLAIN_RULES,
    **{encrypted_kind(kind): lambda value: decode(EncryptedValue, value) for kind in _PLAIN_RULES},
}
