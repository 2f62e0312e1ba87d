"""What join control puts into Join (draft 5.2), in the field that RFC 6940 §6.4.2.1 leaves to the overlay algorithm.

    JoinPermit = NodeId joining  u64 time  SecurityBlock     time: ms since 1970, when it ends
    Plea       = NodeId joining  u64 time  SecurityBlock     time: when it was made; for a server, over HTTP

Both are signed over ``u32 overlay, NodeId, u64 time, SignerIdentity``: a permit by the join control entity, a plea by
the node itself. A refusal is text that people can read as well: ``too often; as a peer from 1767225660000``.
"""

from __future__ import annotations

import re
from typing import Annotated

from p2psip_min.errors import JoinReason, Malformed
from p2psip_min.ids import NodeID
from p2psip_min.wire.codec import U64, NodeField, decode, nested, structure
from p2psip_min.wire.security import SecurityBlock, encode_identity

_REFUSAL = re.compile(rb"(.+); as a peer from (\d{1,15})")
_REASONS = {reason.value.encode(): reason for reason in JoinReason}


@structure
class Statement:
    """A permit or a plea: something about a node, and who signed it."""

    joining: NodeField
    time: U64
    security: Annotated[SecurityBlock, nested(SecurityBlock)]


def statement_input(overlay: int, statement: Statement) -> bytes:
    """What the signature covers."""
    identity = encode_identity(statement.security.signature.identity)
    return overlay.to_bytes(4, "big") + statement.joining + statement.time.to_bytes(8, "big") + identity


def read_statement(data: bytes, joining: NodeID) -> Statement | None:
    """A statement about ``joining``; None when it is none."""
    try:
        statement = decode(Statement, data)
    except Malformed:
        return None
    return statement if statement.joining == joining else None


def refusal(reason: JoinReason, time: int) -> bytes:
    """No, and from when on (ms since 1970) it may be yes."""
    return f"{reason.value}; as a peer from {time}".encode()


def read_refusal(info: bytes) -> tuple[JoinReason, int] | None:
    """The reason and the time in a refusal; None when it is something else."""
    found = _REFUSAL.fullmatch(info)
    if found is None or found[1] not in _REASONS:
        return None
    return _REASONS[found[1]], int(found[2])
