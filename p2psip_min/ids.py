"""Identifiers and the ring they live on (RFC 6940 §10.1).

Node-IDs and Resource-IDs share one 128-bit space. Both are ``bytes``, so that the order of the ring is the
order of the strings, a slice of a received message is already a key of every table, and nothing is converted
on the path of a message.
"""

from __future__ import annotations

import hashlib
from typing import Self

ID_LENGTH = 16
RING = 1 << (8 * ID_LENGTH)


class NodeID(bytes):
    """The 16-byte name of one node in the overlay (RFC 6940 §6.3.2.2)."""

    __slots__ = ()

    def __new__(cls, value: bytes) -> Self:
        if len(value) != ID_LENGTH:
            raise ValueError(f"a Node-ID has {ID_LENGTH} bytes, not {len(value)}")
        return super().__new__(cls, value)

    @classmethod
    def from_int(cls, value: int) -> Self:
        """The Node-ID at ``value`` modulo the ring's size."""
        return cls((value % RING).to_bytes(ID_LENGTH, "big"))

    def __repr__(self) -> str:
        return f"NodeID({self.hex()[:8]}…)"

    __str__ = __repr__


class ResourceID(bytes):
    """The place of a resource on the ring; 1 to 255 bytes on the wire, 16 in CHORD-RELOAD."""

    __slots__ = ()

    def __new__(cls, value: bytes) -> Self:
        if not 0 < len(value) <= 255:
            raise ValueError(f"a Resource-ID has 1 to 255 bytes, not {len(value)}")
        return super().__new__(cls, value)

    @classmethod
    def of(cls, name: str | bytes) -> Self:
        """SHA-1 of a resource name, cut to 16 bytes (RFC 6940 §10.2)."""
        raw = name.encode() if isinstance(name, str) else name
        return cls(hashlib.sha1(raw, usedforsecurity=False).digest()[:ID_LENGTH])

    def __repr__(self) -> str:
        return f"ResourceID({self.hex()[:8]}…)"


class OpaqueID(bytes):
    """A destination that only the peer which made it can read (RFC 6940 §6.3.2.2)."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"OpaqueID({self.hex()})"


Destination = NodeID | ResourceID | OpaqueID
"""One entry of a via or destination list."""

WILDCARD = NodeID(b"\xff" * ID_LENGTH)
"""Whoever receives it; never forwarded (RFC 6940 §6.3.2.2)."""

INVALID = NodeID(b"\x00" * ID_LENGTH)


def to_int(identifier: bytes) -> int:
    """The identifier as a number on the ring."""
    return int.from_bytes(identifier, "big")


def distance(start: bytes, end: bytes) -> int:
    """Clockwise steps from ``start`` to ``end``; 0 when they are equal."""
    return (int.from_bytes(end, "big") - int.from_bytes(start, "big")) % RING


def in_interval(key: bytes, start: bytes, end: bytes) -> bool:
    """Whether ``key`` lies in (start, end] clockwise; the whole ring when start equals end (RFC 6940 §10.1)."""
    if start < end:
        return start < key <= end
    return key > start or key <= end


def overlay_hash(name: str) -> int:
    """The header's overlay field: the low 32 bits of SHA-1 of the overlay's name (RFC 6940 §6.3.2)."""
    return int.from_bytes(hashlib.sha1(name.encode(), usedforsecurity=False).digest()[-4:], "big")
