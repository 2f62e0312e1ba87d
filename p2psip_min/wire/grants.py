"""Grants: what an owner, or somebody to whom he has given that right, allows another user to do with a Kind's values.

They follow RFC 8076's AccessControlListItem (§4.2), and differ where that can be cheated. Its list is an array, and the
index of an array's element is not signed: a grant that was taken back could be stored again elsewhere in the list. Its
grants end with the lifetime of the stored value, which is not signed either. So a grant is an entry of a dictionary,
whose key is signed, and says itself when it ends.

    Grant = v16<to_user>  u32 kind  Boolean allow_delegation  u8 operations  u64 expires (ms since 1970)
    key   = 16 bytes Node-ID of who wrote it, u8 number
"""

from __future__ import annotations

import enum

from p2psip_min.ids import NodeID
from p2psip_min.wire.codec import U8, U32, U64, Bool, Opaque16, structure


class Operations(enum.IntFlag):
    """What a grant lets its holder do with entries of his own."""

    WRITE = 1
    REMOVE = 2


@structure
class Grant:
    """One permission."""

    to_user: Opaque16
    kind: U32
    allow_delegation: Bool
    operations: U8
    expires: U64


def grant_key(node_id: NodeID, number: int) -> bytes:
    """Under which key a node stores its ``number``-th grant."""
    return bytes(node_id) + bytes((number,))
