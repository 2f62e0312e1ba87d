"""The central backup: an enrollment server keeps what owners bring, and hands it to whoever asks (draft 7.2.1).

It is what an overlay should not depend on (Req. 1), and here for comparison. Nothing is judged: readers check
signatures. An entry is ``u32 length, StoreReq, certificate (DER) of the signer, perhaps empty``.
"""

from __future__ import annotations

from p2psip_min.errors import Malformed
from p2psip_min.wire.codec import decode, encode
from p2psip_min.wire.kinds import KindRegistry
from p2psip_min.wire.messages import StoreReq

KEEP, FIND = "/records", "/records/found"
"""The pages: an entry is brought to the one, a place to the other."""

LENGTH = 4
MOST = 65_536
"""Entries that are kept; beyond, the oldest is forgotten."""


def pack(request: StoreReq, certificate: bytes) -> bytes:
    """The entry of a store."""
    body = encode(request)
    return len(body).to_bytes(LENGTH, "big") + body + certificate


def unpack(entry: bytes, kinds: KindRegistry) -> tuple[StoreReq, bytes]:
    """The store and the certificate in an entry, else Malformed."""
    stop = LENGTH + int.from_bytes(entry[:LENGTH], "big")
    if len(entry) < LENGTH or stop > len(entry):
        raise Malformed(0, "archive: entry cut short")
    return decode(StoreReq, entry[LENGTH:stop], kinds), entry[stop:]


class Archive:
    """Entries by resource and Kind."""

    def __init__(self, kinds: KindRegistry) -> None:
        self._kinds = kinds
        self._entries: dict[bytes, bytes] = {}

    def keep(self, entry: bytes) -> bytes:
        """Take one in, in the place of the one before; Malformed when it is none."""
        request, _ = unpack(entry, self._kinds)
        name = place(request.resource, request.kind_data[0].kind if request.kind_data else 0)
        self._entries.pop(name, None)
        self._entries[name] = entry
        if len(self._entries) > MOST:
            del self._entries[next(iter(self._entries))]
        return b"kept"

    def find(self, name: bytes) -> bytes | None:
        """The entry that lies under a place."""
        return self._entries.get(name)


def place(resource: bytes, kind: int) -> bytes:
    """The name of an entry."""
    return resource + kind.to_bytes(4, "big")
