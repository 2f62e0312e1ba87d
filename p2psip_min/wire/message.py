"""A whole message: header, contents, security block (RFC 6940 §6.3).

    contents = u16 code, v32<body>, v32<MessageExtension>
    MessageExtension = u16 type, Boolean critical, v32<contents>

A sender encodes the contents, signs ``message_input`` of them, and puts a header in front. A reader keeps the
contents as received, because that is what the signature covers.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Annotated, Any

from p2psip_min.errors import LocalProtocolError, Malformed
from p2psip_min.ids import Destination
from p2psip_min.wire.codec import U16, Bool, Decoder, Listed, Opaque32, decoder_of, encode, nested, structure
from p2psip_min.wire.header import WHOLE, Envelope, build_header, check_destinations, decode_destinations, open_envelope
from p2psip_min.wire.kinds import KindRegistry
from p2psip_min.wire.messages import BODIES, UnknownBody
from p2psip_min.wire.options import ForwardingOption, decode_options
from p2psip_min.wire.security import SecurityBlock, decode_security

OTHER_NEXT_HOPS = 160
"""Extension of our own to the answer to RouteQuery: a list of further next hops, best first (§14.14 has it free)."""


@structure
class MessageExtension:
    """Something added to a method; a reader that does not know a critical one must refuse the message."""

    type: U16
    critical: Bool
    contents: Opaque32


@structure
class _Extensions:
    extensions: Annotated[tuple[MessageExtension, ...], Listed(4, nested(MessageExtension))]


@dataclass(slots=True)
class Message:
    """A decoded message; ``contents`` are the bytes that its signature covers, ``envelope`` the header."""

    transaction_id: int
    overlay: int
    code: int
    body: Any
    extensions: tuple[MessageExtension, ...]
    security: SecurityBlock
    contents: bytes
    envelope: Envelope

    @property
    def via(self) -> tuple[Destination, ...]:
        """Whom the message passed, as far as forwarders noted it."""
        return decode_destinations(self.envelope.via)

    @property
    def destinations(self) -> tuple[Destination, ...]:
        """Where it was still to go when it arrived."""
        return decode_destinations(self.envelope.destinations)

    @property
    def options(self) -> tuple[ForwardingOption, ...]:
        """Its forwarding options."""
        return decode_options(self.envelope.options)

    @property
    def ttl(self) -> int:
        """The hops that it had left."""
        return self.envelope.ttl

    @property
    def configuration_sequence(self) -> int:
        """The sequence number of its sender's configuration document."""
        return self.envelope.configuration_sequence

    @property
    def max_response_length(self) -> int:
        """The longest answer that its sender wants, in bytes; 0: any."""
        return self.envelope.max_response_length


_HEAD = struct.Struct(">HI")
_unpack_head = _HEAD.unpack_from
_INPUT = struct.Struct(">IQ")
_NO_EXTENSIONS = b"\x00\x00\x00\x00"
_DECODERS: dict[int, Decoder] = {code: decoder_of(body) for code, body in BODIES.items()}
_decode_extensions = decoder_of(_Extensions)
_unknown = decoder_of(UnknownBody)


def encode_contents(body: Any, extensions: tuple[MessageExtension, ...] = (), *, code: int | None = None) -> bytes:
    """The contents of a message: a body of this package, or an UnknownBody with its ``code``."""
    raw = encode(body)
    tail = encode(_Extensions(extensions)) if extensions else _NO_EXTENSIONS
    try:
        return _HEAD.pack(body.code if code is None else code, len(raw)) + raw + tail
    except struct.error as error:
        raise LocalProtocolError(f"contents: {error}") from None


def message_input(overlay: int, transaction_id: int, contents: bytes, identity_bytes: bytes) -> bytes:
    """What a message's signature covers (§6.3.4): neither ttl, lists, options nor certificates."""
    return _INPUT.pack(overlay, transaction_id) + contents + identity_bytes


def encode_message(
    *,
    overlay: int,
    configuration_sequence: int,
    ttl: int,
    transaction_id: int,
    via: bytes = b"",
    destinations: bytes,
    options: bytes = b"",
    max_response_length: int = 0,
    contents: bytes,
    security: bytes,
) -> bytes:
    """The bytes of a whole, unfragmented message; the lists are given as encoded."""
    header = build_header(
        overlay=overlay,
        configuration_sequence=configuration_sequence,
        ttl=ttl,
        transaction_id=transaction_id,
        contents_length=len(contents) + len(security),
        via=via,
        destinations=destinations,
        options=options,
        max_response_length=max_response_length,
    )
    return header + contents + security


def input_in_place_of(message: Message, contents: bytes, identity_bytes: bytes) -> bytes:
    """What a signature covers of a message with these ``contents`` in the transaction of ``message``."""
    return message_input(message.overlay, message.transaction_id, contents, identity_bytes)


def encode_in_place_of(
    message: Message, *, ttl: int, via: bytes, destinations: bytes, contents: bytes, security: bytes
) -> bytes:
    """The bytes of another message in the transaction of ``message``."""
    return encode_message(
        overlay=message.overlay,
        configuration_sequence=message.configuration_sequence,
        ttl=ttl,
        transaction_id=message.transaction_id,
        via=via,
        destinations=destinations,
        contents=contents,
        security=security,
    )


def decode_body(data: bytes, start: int, end: int, kinds: KindRegistry) -> tuple[int, Any, int]:
    """Code and body of the contents at ``start``, and where the body ends; else Malformed."""
    at = start + 6
    if at > end:
        raise Malformed(start, "contents: cut short")
    code, size = _unpack_head(data, start)
    stop = at + size
    if stop > end:
        raise Malformed(start + 2, "contents: body longer than the message")
    body, at = _DECODERS.get(code, _unknown)(data, at, stop, kinds)
    if at != stop:
        raise Malformed(at, "contents: trailing bytes in the body")
    return code, body, at


def decode_extensions(data: bytes, at: int, end: int) -> tuple[tuple[MessageExtension, ...], int]:
    """The extensions behind a body, and where they end; else Malformed."""
    if data[at : at + 4] == _NO_EXTENSIONS:
        return (), at + 4
    holder, at = _decode_extensions(data, at, end, None)
    return holder.extensions, at


def decode_message(received: Envelope | bytes, kinds: KindRegistry) -> Message:
    """The message, with values of the Kinds in ``kinds`` decoded; Malformed also for a fragment or trailing bytes.

    A code without a method gives an UnknownBody; extensions are not judged.
    """
    envelope = received if isinstance(received, Envelope) else open_envelope(received)
    if envelope.fragment != WHOLE:
        raise Malformed(12, "message: a fragment, not the whole")
    # The lists are checked now, and decoded for those who look at them.
    if envelope.via:
        check_destinations(envelope.via)
    check_destinations(envelope.destinations)
    if envelope.options:
        decode_options(envelope.options)
    data, start = envelope.data, envelope.body_offset
    end = len(data)
    code, body, at = decode_body(data, start, end, kinds)
    extensions, at = decode_extensions(data, at, end)
    contents = data[start:at]
    security, at = decode_security(data, at, end)
    if at != end:
        raise Malformed(at, "message: trailing bytes")
    return Message(envelope.transaction_id, envelope.overlay, code, body, extensions, security, contents, envelope)


def decode_contents(contents: bytes, kinds: KindRegistry) -> Any:
    """The body of a message of which only the contents are there; Malformed as in ``decode_message``."""
    if len(contents) < 6:
        raise Malformed(0, "contents: cut short")
    code, size = _HEAD.unpack_from(contents)
    if 6 + size > len(contents):
        raise Malformed(2, "contents: body longer than what is left")
    body, at = _DECODERS.get(code, _unknown)(contents, 6, 6 + size, kinds)
    if at != 6 + size:
        raise Malformed(at, "contents: trailing bytes in the body")
    _, at = _decode_extensions(contents, at, len(contents), None)
    if at != len(contents):
        raise Malformed(at, "contents: trailing bytes")
    return body
