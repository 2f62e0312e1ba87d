"""The forwarding header, written by hand: forwarders patch it and pass the rest on unread (RFC 6940 §6.3.2).

38 fixed bytes, then via list, destination list and options, each counted in bytes by the header:

     0 token "RELO", first bit set    12 fragment (1, last, 24-bit offset)   32 via list length
     4 overlay                        16 length of all                       34 destination list length
     8 configuration sequence         20 transaction id                      36 options length
    10 version 0x0a   11 ttl          28 max response length                 38 the lists, then the contents
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import lru_cache, partial

from p2psip_min.errors import LocalProtocolError, Malformed
from p2psip_min.ids import ID_LENGTH, Destination, NodeID, OpaqueID, ResourceID

TOKEN = 0xD2454C4F
VERSION = 0x0A
HEADER_LENGTH = 38
MAX_LIST = 0xFFFF

FRAGMENT = 0x80000000
LAST_FRAGMENT = 0x40000000
WHOLE = FRAGMENT | LAST_FRAGMENT
OFFSET_MASK = 0x00FFFFFF

_HEADER = struct.Struct(">IIHBBIIQIHHH")
_pack, _unpack = _HEADER.pack, _HEADER.unpack_from
_new = bytes.__new__

_USUAL = struct.Struct(">QHBBIIQIHHH")
pack_usual, unpack_usual = _USUAL.pack, _USUAL.unpack_from
"""The fixed part with token and overlay as one number: a forwarder knows the only one that it takes."""

unpack_code = struct.Struct(">H").unpack_from
"""The message code, with which the contents begin."""

known_node: Callable[[bytes], NodeID] = lru_cache(maxsize=1 << 16)(partial(_new, NodeID))
"""The NodeID of sixteen bytes that the caller has counted; nodes are few, so one object serves many messages."""

NODE_PREFIX = bytes((1, ID_LENGTH))
NODE_ENTRY_LENGTH = 2 + ID_LENGTH
# A Resource-ID may have any length; these are the ones of CHORD-RELOAD, which nearly every list holds.
RESOURCE_PREFIX = bytes((2, 1 + ID_LENGTH, ID_LENGTH))
RESOURCE_ENTRY_LENGTH = 3 + ID_LENGTH


class Envelope:
    """A received message of which only the header was read; ``via``, ``destinations`` and ``options`` are raw bytes.

    ``code`` is the message code, 0 in a later fragment. Version, ttl and fragment bits are not judged here: whether
    to drop, and with which error, is the forwarder's decision.
    """

    __slots__ = (
        "body_offset", "code", "configuration_sequence", "data", "destinations", "fragment", "length",
        "max_response_length", "options", "options_offset", "overlay", "transaction_id", "ttl", "version", "via",
    )  # fmt: skip

    data: bytes
    transaction_id: int
    overlay: int
    configuration_sequence: int
    version: int
    ttl: int
    fragment: int
    length: int
    max_response_length: int
    via: bytes
    destinations: bytes
    options: bytes
    options_offset: int
    body_offset: int
    code: int

    @property
    def fragment_offset(self) -> int:
        """Bytes of the contents that lie in earlier fragments."""
        return self.fragment & OFFSET_MASK

    @property
    def is_whole(self) -> bool:
        """Whether this is a message that nobody has split."""
        return self.fragment == WHOLE

    def __repr__(self) -> str:
        return (
            f"Envelope(code={self.code:#x}, transaction_id={self.transaction_id:#x}, ttl={self.ttl}, {self.length} B)"
        )


def open_envelope(data: bytes) -> Envelope:
    """Read the header of a message; Malformed on a wrong token or length, or lists longer than the message."""
    size = len(data)
    if size < HEADER_LENGTH:
        raise Malformed(size, "header: cut short")
    e = Envelope()
    (
        token, e.overlay, e.configuration_sequence, e.version, e.ttl, e.fragment, length, e.transaction_id,
        e.max_response_length, via_length, destination_length, options_length,
    ) = _unpack(data)  # fmt: skip
    e.options_offset = options_offset = HEADER_LENGTH + via_length + destination_length
    e.body_offset = body_offset = options_offset + options_length
    if token != TOKEN or length != size or body_offset + 2 > size:
        _check_lengths(token, length, size, body_offset, e.fragment)
    e.data = data
    e.length = size
    e.via = data[HEADER_LENGTH : HEADER_LENGTH + via_length] if via_length else b""
    e.destinations = data[HEADER_LENGTH + via_length : options_offset]
    e.options = data[options_offset:body_offset] if options_length else b""
    e.code = 0 if e.fragment & OFFSET_MASK else data[body_offset] << 8 | data[body_offset + 1]
    return e


def _check_lengths(token: int, length: int, size: int, body_offset: int, fragment: int) -> None:
    if token != TOKEN:
        raise Malformed(0, "header: not a RELOAD message")
    if length != size:
        raise Malformed(16, "header: length differs from the message's")
    if body_offset > size:
        raise Malformed(32, "header: lists longer than the message")
    if not fragment & OFFSET_MASK:
        raise Malformed(body_offset, "header: no message code")


def build_header(
    *,
    overlay: int,
    configuration_sequence: int,
    ttl: int,
    transaction_id: int,
    contents_length: int,
    via: bytes = b"",
    destinations: bytes = b"",
    options: bytes = b"",
    max_response_length: int = 0,
    fragment: int = WHOLE,
    version: int = VERSION,
) -> bytes:
    """The header of a message whose contents and security block take ``contents_length`` bytes together."""
    lists = len(via) + len(destinations) + len(options)
    try:
        fixed = _pack(
            TOKEN, overlay, configuration_sequence, version, ttl, fragment, HEADER_LENGTH + lists + contents_length,
            transaction_id, max_response_length, len(via), len(destinations), len(options),
        )  # fmt: skip
    except struct.error as error:
        raise LocalProtocolError(f"header: {error}") from None
    return fixed + via + destinations + options


def reroute(envelope: Envelope, ttl: int, via: bytes, destinations: bytes) -> bytes:
    """The message with another ttl and other lists; options, contents and signature pass unread.

    Malformed when the lists outgrow their 16-bit lengths, which only a sender's long list can cause.
    """
    e = envelope
    old = e.options_offset
    via_length, destination_length = len(via), len(destinations)
    try:
        fixed = _pack(
            TOKEN, e.overlay, e.configuration_sequence, e.version, ttl, e.fragment,
            e.length - old + HEADER_LENGTH + via_length + destination_length,
            e.transaction_id, e.max_response_length, via_length, destination_length, e.body_offset - old,
        )  # fmt: skip
        return b"".join((fixed, via, destinations, e.data[old:]))
    except struct.error:
        if not 0 <= ttl <= 255:
            raise LocalProtocolError(f"header: ttl {ttl}") from None
        raise Malformed(32, "header: list longer than its length field allows") from None


def add_options(data: bytes, options: bytes) -> bytes:
    """The message with ``options``, encoded, behind those that it has; contents and signature stay as they are."""
    e = open_envelope(data)
    head = build_header(
        overlay=e.overlay,
        configuration_sequence=e.configuration_sequence,
        ttl=e.ttl,
        transaction_id=e.transaction_id,
        contents_length=e.length - e.body_offset,
        via=e.via,
        destinations=e.destinations,
        options=e.options + options,
        max_response_length=e.max_response_length,
        fragment=e.fragment,
        version=e.version,
    )
    return head + data[e.body_offset :]


# --- destinations (RFC 6940 §6.3.2.2) -------------------------------------------------------------------------------


def node_entry(node_id: bytes) -> bytes:
    """The 18 bytes of a Node-ID in a list."""
    return NODE_PREFIX + node_id


def encode_destination(destination: Destination) -> bytes:
    """One entry of a list; an opaque id of two bytes with the top bit set takes the short form."""
    if isinstance(destination, NodeID):
        return NODE_PREFIX + destination
    size = len(destination)
    if isinstance(destination, ResourceID):
        if size > 254:
            raise LocalProtocolError("a Resource-ID in a list has at most 254 bytes: its entry has two lengths")
        return bytes((2, size + 1, size)) + destination
    if size == 2 and destination[0] & 0x80:
        return bytes(destination)
    if size > 254:
        raise LocalProtocolError("an opaque id has at most 254 bytes: its entry has two lengths")
    return bytes((3, size + 1, size)) + destination


def encode_destinations(destinations: tuple[Destination, ...]) -> bytes:
    """A whole list."""
    return b"".join([encode_destination(one) for one in destinations])


def read_destination(data: bytes, offset: int, end: int) -> tuple[Destination, int]:
    """The entry at ``offset`` and where the next one starts, else Malformed."""
    start = offset + 2
    if start > end:
        raise Malformed(offset, "destination: cut short")
    kind, size = data[offset], data[offset + 1]
    if kind & 0x80:
        return _new(OpaqueID, data[offset:start]), start
    stop = start + size
    if stop > end:
        raise Malformed(offset + 1, "destination: longer than its list")
    if kind == 1:
        if size != ID_LENGTH:
            raise Malformed(offset + 1, "destination: Node-ID of another length")
        return known_node(data[start:stop]), stop
    if kind == 2 or kind == 3:
        if not size or data[start] != size - 1:
            raise Malformed(start, "destination: its two lengths disagree")
        inner = data[start + 1 : stop]
        if kind == 3:
            return _new(OpaqueID, inner), stop
        if not inner:
            raise Malformed(start, "destination: empty Resource-ID")
        return _new(ResourceID, inner), stop
    raise Malformed(offset, "destination: unknown type")


def first_destination(raw: bytes) -> tuple[Destination, int]:
    """The first entry of a list and the bytes that it takes; Malformed when the list is empty."""
    if raw[:2] == NODE_PREFIX and len(raw) >= NODE_ENTRY_LENGTH:
        return known_node(raw[2:NODE_ENTRY_LENGTH]), NODE_ENTRY_LENGTH
    if raw[:3] == RESOURCE_PREFIX and len(raw) >= RESOURCE_ENTRY_LENGTH:
        return _new(ResourceID, raw[3:RESOURCE_ENTRY_LENGTH]), RESOURCE_ENTRY_LENGTH
    return read_destination(raw, 0, len(raw))


def _walk(raw: bytes, offset: int) -> tuple[Destination, ...]:
    entries: list[Destination] = []
    end = len(raw)
    while offset < end:
        entry, offset = read_destination(raw, offset, end)
        entries.append(entry)
    return tuple(entries)


def _only_nodes(raw: bytes) -> bool:
    # Nearly every list is Node-IDs throughout; then entry after entry starts with the same two bytes.
    count, rest = divmod(len(raw), NODE_ENTRY_LENGTH)
    return not rest and raw[::NODE_ENTRY_LENGTH] == b"\x01" * count and raw[1::NODE_ENTRY_LENGTH] == b"\x10" * count


def decode_destinations(raw: bytes, offset: int = 0) -> tuple[Destination, ...]:
    """All entries from ``offset`` to the end of ``raw``, else Malformed."""
    if not offset and _only_nodes(raw):
        return tuple([known_node(raw[i : i + ID_LENGTH]) for i in range(2, len(raw), NODE_ENTRY_LENGTH)])
    return _walk(raw, offset)


def check_destinations(raw: bytes) -> None:
    """Malformed unless ``raw`` is a list of entries; cheaper than decoding it where they are Node-IDs."""
    size = len(raw)
    if size == RESOURCE_ENTRY_LENGTH and raw[:3] == RESOURCE_PREFIX:
        return
    if size == NODE_ENTRY_LENGTH and raw[:2] == NODE_PREFIX:
        return
    if raw and not _only_nodes(raw):
        _walk(raw, 0)


def return_path(previous_hop: bytes, via: bytes) -> bytes:
    """The destination list of a response: the previous hop, then the via list backwards (§6.1.2)."""
    if not via:
        return NODE_PREFIX + previous_hop
    if not _only_nodes(via):
        return NODE_PREFIX + previous_hop + encode_destinations(_walk(via, 0)[::-1])
    path = [NODE_PREFIX, previous_hop]
    for end in range(len(via), 0, -NODE_ENTRY_LENGTH):
        path.append(via[end - NODE_ENTRY_LENGTH : end])
    return b"".join(path)
