"""What an attacker writes in others' place: whatever he likes, signed with his own key wherever a signature stands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from p2psip_min.errors import Malformed
from p2psip_min.ids import NodeID
from p2psip_min.seams import PeerParts
from p2psip_min.storage.policies import OwnerSignature
from p2psip_min.wire.data import StoredData, StoredDataValue
from p2psip_min.wire.header import Envelope, encode_destinations, open_envelope, return_path
from p2psip_min.wire.message import Message, decode_message, encode_contents, encode_in_place_of, input_in_place_of
from p2psip_min.wire.security import UNSIGNED, SecurityBlock, encode_identity, encode_security, identity_of, sign

INITIAL_TTL = 100


class Pen:
    """Reads what passes a node, and signs with the node's own key, since it has no other."""

    def __init__(self, parts: PeerParts) -> None:
        self.own = parts.identity
        self.identity = identity_of(self.own.certificate)
        self.kinds = parts.store.kinds

    def read(self, envelope: Envelope) -> Message | None:
        """The message, None where it can't be read."""
        try:
            return decode_message(envelope, self.kinds)
        except Malformed:
            return None

    def block(self, like: Message, contents: bytes) -> bytes:
        """The security block of a message that takes the place of ``like``: signed if that is."""
        bucket = (*like.security.certificates, self.own.certificate)
        if like.security.signature == UNSIGNED:
            return encode_security(SecurityBlock(bucket, UNSIGNED))
        covered = input_in_place_of(like, contents, encode_identity(self.identity))
        return encode_security(SecurityBlock(bucket, sign(self.own.private_key, self.identity, covered)))

    def value(self, resource: bytes, kind: int, stored: StoredData, content: StoredDataValue) -> StoredData:
        """``content`` in the place of a stored value, signed if that is."""
        if stored.signature == UNSIGNED:
            return replace(stored, value=content)
        time, lifetime = stored.storage_time, stored.lifetime
        return OwnerSignature().seal(self.own.private_key, self.identity, resource, kind, time, lifetime, content)


def rewritten(pen: Pen, message: Message, passed_on: bytes, body: Any) -> bytes:
    """``message`` with another body, under the header that it has in ``passed_on``."""
    head = open_envelope(passed_on)
    return _written(pen, message, body, ttl=head.ttl, via=head.via, destinations=head.destinations)


def answered(pen: Pen, request: Message, previous_hop: NodeID, body: Any, name: NodeID) -> bytes:
    """An answer to ``request``, to be given to ``previous_hop``.

    Where nobody signs, the first entry of its way is all that says who answered, so it comes from ``name``.
    """
    via = encode_destinations((name,)) if request.security.signature == UNSIGNED else b""
    back = return_path(previous_hop, request.envelope.via)
    return _written(pen, request, body, ttl=INITIAL_TTL, via=via, destinations=back)


def _written(pen: Pen, like: Message, body: Any, *, ttl: int, via: bytes, destinations: bytes) -> bytes:
    contents = encode_contents(body)
    security = pen.block(like, contents)
    return encode_in_place_of(like, ttl=ttl, via=via, destinations=destinations, contents=contents, security=security)


def refilled(
    pen: Pen, resource: bytes, groups: tuple[Any, ...], content: Callable[[StoredDataValue], StoredDataValue]
) -> tuple[Any, ...]:
    """The values of a Store or of a Fetch's answer, each with another content."""
    return tuple(
        replace(
            group, values=tuple(pen.value(resource, group.kind, each, content(each.value)) for each in group.values)
        )
        for group in groups
    )


def changed(value: StoredDataValue) -> StoredDataValue:
    """The same value but for its last byte, of which any is well formed: of an address it is the port."""
    raw = value.value
    return replace(value, value=raw[:-1] + bytes((raw[-1] ^ 1,))) if raw else value
