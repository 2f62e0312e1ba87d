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
from p2psip_min.wire.message import (
    Message,
    MessageExtension,
    decode_message,
    encode_contents,
    encode_in_place_of,
    input_in_place_of,
)
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

    def block(self, like: Message, contents: bytes, signed: bool) -> bytes:
        """The security block of a message in the transaction of ``like``."""
        bucket = (*like.security.certificates, self.own.certificate)
        if not signed:
            return encode_security(SecurityBlock(bucket, UNSIGNED))
        covered = input_in_place_of(like, contents, encode_identity(self.identity))
        return encode_security(SecurityBlock(bucket, sign(self.own.private_key, self.identity, covered)))

    def seal(self, resource: bytes, kind: int, content: StoredDataValue, time: int, lifetime: int) -> StoredData:
        """A value of the attacker's own; ``time`` in ms since 1970, ``lifetime`` in s."""
        return OwnerSignature().seal(self.own.private_key, self.identity, resource, kind, time, lifetime, content)


def rewritten(pen: Pen, message: Message, passed_on: bytes, body: Any) -> bytes:
    """``message`` with another body, under the header that it has in ``passed_on``, and signed if it was."""
    head, contents = open_envelope(passed_on), encode_contents(body)
    security = pen.block(message, contents, message.security.signature != UNSIGNED)
    return encode_in_place_of(
        message,
        ttl=head.ttl,
        via=head.via,
        destinations=head.destinations,
        contents=contents,
        security=security,
    )


def answered(
    pen: Pen,
    request: Message,
    previous_hop: NodeID,
    body: Any,
    name: NodeID,
    extensions: tuple[MessageExtension, ...] = (),
) -> bytes:
    """An answer to ``request``, to be given to ``previous_hop``: signed by the attacker, and said to be from ``name``.

    Where signatures count that makes it his own. Where they do not, the first entry of its way says who answered.
    """
    contents, back = encode_contents(body, extensions), return_path(previous_hop, request.envelope.via)
    security = pen.block(request, contents, True)
    via = encode_destinations((name,)) if request.security.signature == UNSIGNED else b""
    return encode_in_place_of(
        request, ttl=INITIAL_TTL, via=via, destinations=back, contents=contents, security=security
    )


def fresh(pen: Pen, like: Message, receiver: NodeID, body: Any, transaction_id: int) -> bytes:
    """A message of its own to ``receiver``, signed by the attacker, with all else as in ``like``."""
    contents, mine = encode_contents(body), replace(like, transaction_id=transaction_id)
    return encode_in_place_of(
        mine,
        ttl=INITIAL_TTL,
        via=b"",
        destinations=encode_destinations((receiver,)),
        contents=contents,
        security=pen.block(mine, contents, True),
    )


def refilled(
    pen: Pen, resource: bytes, groups: tuple[Any, ...], content: Callable[[StoredDataValue], StoredDataValue]
) -> tuple[Any, ...]:
    """The values of a Store or of a Fetch's answer, each with another content, and signed if it was."""

    def value(kind: int, stored: StoredData) -> StoredData:
        other = content(stored.value)
        if stored.signature == UNSIGNED:
            return replace(stored, value=other)
        return pen.seal(resource, kind, other, stored.storage_time, stored.lifetime)

    return tuple(replace(group, values=tuple(value(group.kind, each) for each in group.values)) for group in groups)


def changed(value: StoredDataValue) -> StoredDataValue:
    """The same value but for its last byte, of which any is well formed: of an address it is the port."""
    raw = value.value
    return replace(value, value=raw[:-1] + bytes((raw[-1] ^ 1,))) if raw else value
