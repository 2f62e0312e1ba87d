"""How a node reads messages that nobody should have sent: it refuses them, or makes the best of them (draft 11.4).

``Lenient`` is how programs come to be written that work as long as nobody means them harm. It takes a length at its
word, and so reads what lies behind the message in memory (CWE-125), which ends the process; and where it can't make
sense of a signature, it goes on as if there were none (CWE-636).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from p2psip_min.errors import Malformed, Overrun
from p2psip_min.wire.header import WHOLE, Envelope, check_destinations
from p2psip_min.wire.kinds import KindRegistry
from p2psip_min.wire.message import Message, decode_body, decode_extensions, decode_message
from p2psip_min.wire.security import UNSIGNED, SecurityBlock, decode_security

BEHIND = bytes(0x10000)
"""What lies behind a message in memory: as much as a length of two bytes can reach."""

UNREAD = SecurityBlock((), UNSIGNED)
"""Stands in for a security block that could not be read."""


class ParsingPolicy(Protocol):
    """What becomes of a message whose bytes break the syntax."""

    def decode(self, envelope: Envelope, kinds: KindRegistry) -> Message: ...


@dataclass(frozen=True, slots=True)
class Strict:
    """Every length lies within what contains it, nothing is left over, and anything else is Malformed."""

    def decode(self, envelope: Envelope, kinds: KindRegistry) -> Message:
        """The message; Malformed when it is none."""
        return decode_message(envelope, kinds)


@dataclass(frozen=True, slots=True)
class Lenient:
    """What can be made sense of somehow is taken; its signature is UNREAD where that made no sense."""

    def decode(self, envelope: Envelope, kinds: KindRegistry) -> Message:
        """The message; Malformed when nothing can be made of it, Overrun when reading it went beyond its end."""
        try:
            return decode_message(envelope, kinds)
        except Malformed:
            return _guess(envelope, kinds)


def _guess(envelope: Envelope, kinds: KindRegistry) -> Message:
    if envelope.fragment != WHOLE:
        raise Malformed(12, "message: a fragment, not the whole")
    check_destinations(envelope.via)
    check_destinations(envelope.destinations)
    data, start = envelope.data, envelope.body_offset
    memory = data + BEHIND
    code, body, at = decode_body(memory, start, len(memory), kinds)
    extensions, at = decode_extensions(memory, at, len(memory))
    contents = memory[start:at]
    try:
        security, at = decode_security(memory, at, len(memory))
    except Malformed:
        security = UNREAD
    if at > len(data):
        raise Overrun(f"read {at - len(data)} bytes beyond the message")
    return Message(envelope.transaction_id, envelope.overlay, code, body, extensions, security, contents, envelope)
