"""The forwarding header and its lists (RFC 6940 §6.3.2)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2psip_min.errors import LocalProtocolError, Malformed
from p2psip_min.ids import Destination, NodeID, OpaqueID, ResourceID
from p2psip_min.wire.header import (
    LAST_FRAGMENT,
    build_header,
    check_destinations,
    decode_destinations,
    encode_destination,
    encode_destinations,
    first_destination,
    node_entry,
    open_envelope,
    reroute,
    return_path,
)
from p2psip_min.wire.kinds import IANA_KINDS
from p2psip_min.wire.message import decode_message

node_ids = st.binary(min_size=16, max_size=16).map(NodeID)
destinations = st.one_of(
    node_ids,
    st.binary(min_size=1, max_size=254).map(ResourceID),
    st.binary(max_size=254).map(OpaqueID),
)
lists = st.lists(destinations, max_size=6).map(tuple)


def header(contents: bytes = b"\x00\x17", **fields: int | bytes) -> bytes:
    wanted: dict[str, int | bytes] = {
        "overlay": 1, "configuration_sequence": 2, "ttl": 3, "transaction_id": 4, "contents_length": len(contents)
    }  # fmt: skip
    return build_header(**{**wanted, **fields}) + contents


@given(
    st.integers(0, 2**32 - 1), st.integers(0, 2**16 - 1), st.integers(0, 255), st.integers(0, 2**64 - 1),
    st.integers(0, 2**32 - 1), lists, lists, st.binary(max_size=30),
)  # fmt: skip
def test_every_field_comes_back(
    overlay: int, sequence: int, ttl: int, transaction: int, limit: int,
    via: tuple[Destination, ...], to: tuple[Destination, ...], options: bytes,
) -> None:  # fmt: skip
    raw = build_header(
        overlay=overlay, configuration_sequence=sequence, ttl=ttl, transaction_id=transaction,
        max_response_length=limit, via=encode_destinations(via), destinations=encode_destinations(to),
        options=options, contents_length=2,
    ) + b"\x00\x17"  # fmt: skip
    e = open_envelope(raw)
    assert (e.overlay, e.configuration_sequence, e.ttl, e.transaction_id, e.max_response_length) == (
        overlay, sequence, ttl, transaction, limit,
    )  # fmt: skip
    assert decode_destinations(e.via) == via
    assert decode_destinations(e.destinations) == to
    assert (e.options, e.code, e.version, e.is_whole, e.fragment_offset) == (options, 0x17, 0x0A, True, 0)
    assert e.length == len(raw) == e.body_offset + 2


@given(lists)
def test_entries_keep_their_kind(entries: tuple[Destination, ...]) -> None:
    raw = encode_destinations(entries)
    assert [type(entry) for entry in decode_destinations(raw)] == [type(entry) for entry in entries]
    check_destinations(raw)
    if entries:
        first, size = first_destination(raw)
        assert (first, type(first)) == (entries[0], type(entries[0]))
        assert decode_destinations(raw, size) == entries[1:]


@given(node_ids, lists)
def test_a_response_goes_back_the_way_it_came(previous_hop: NodeID, via: tuple[Destination, ...]) -> None:
    path = decode_destinations(return_path(previous_hop, encode_destinations(via)))
    assert path == (previous_hop, *reversed(via))


def test_the_rfc_example_of_a_response() -> None:
    # §6.1.2: E hears from D, and the via list says A, B, C.
    a, b, c, d = (NodeID(bytes([letter]) * 16) for letter in b"ABCD")
    assert decode_destinations(return_path(d, b"".join(map(node_entry, (a, b, c))))) == (d, c, b, a)


@given(st.integers(0, 255), lists, lists)
def test_reroute_changes_ttl_and_lists_only(
    ttl: int, via: tuple[Destination, ...], to: tuple[Destination, ...]
) -> None:
    before = open_envelope(header(b"\x00\x17rest", options=b"opt", via=node_entry(bytes(16)), max_response_length=9))
    raw = reroute(before, ttl=ttl, via=encode_destinations(via), destinations=encode_destinations(to))
    after = open_envelope(raw)
    assert (after.ttl, decode_destinations(after.via), decode_destinations(after.destinations)) == (ttl, via, to)
    for name in ("overlay", "configuration_sequence", "version", "fragment", "transaction_id", "options", "code"):
        assert getattr(after, name) == getattr(before, name)
    assert after.max_response_length == 9
    assert raw[after.body_offset :] == b"\x00\x17rest"


def test_a_rerouted_message_keeps_its_signed_contents(sample) -> None:
    raw = reroute(open_envelope(sample.message), ttl=7, via=node_entry(bytes(16)), destinations=node_entry(b"x" * 16))
    message = decode_message(raw, IANA_KINDS)
    assert message.contents == sample.contents
    assert message.ttl == 7


def test_a_via_list_that_outgrows_its_length_is_the_senders_fault() -> None:
    envelope = open_envelope(header())
    with pytest.raises(Malformed):
        reroute(envelope, ttl=1, via=bytes(65536), destinations=b"")
    with pytest.raises(LocalProtocolError):
        reroute(envelope, ttl=-1, via=b"", destinations=b"")


def test_a_later_fragment_has_no_code() -> None:
    envelope = open_envelope(header(b"", fragment=0x80000000 | LAST_FRAGMENT | 300))
    assert (envelope.code, envelope.fragment_offset, envelope.is_whole) == (0, 300, False)


def test_what_a_header_cannot_hold_is_our_own_mistake() -> None:
    with pytest.raises(LocalProtocolError):
        header(ttl=256)
    with pytest.raises(LocalProtocolError):
        header(via=bytes(65536))
    with pytest.raises(LocalProtocolError):
        encode_destination(ResourceID(bytes(255)))
    with pytest.raises(LocalProtocolError):
        encode_destination(OpaqueID(bytes(255)))


@pytest.mark.parametrize(
    ("offset", "change", "what"),
    [
        (0, b"\x52\x45\x4c\x4f", "not a RELOAD message"),
        (16, b"\x00\x00\x00\x27", "length differs"),
        (32, b"\x00\x03", "lists longer"),
        (34, b"\xff\xff", "lists longer"),
        (36, b"\x00\x01", "no message code"),
    ],
)
def test_a_header_that_lies_is_malformed(offset: int, change: bytes, what: str) -> None:
    raw = header()
    with pytest.raises(Malformed, match=what):
        open_envelope(raw[:offset] + change + raw[offset + len(change) :])


def test_every_truncation_of_a_header_is_malformed() -> None:
    raw = header(via=node_entry(bytes(16)))
    for size in range(len(raw)):
        with pytest.raises(Malformed):
            open_envelope(raw[:size])


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param("", id="nothing"),
        pytest.param("01", id="type only"),
        pytest.param("0110" + "00" * 15, id="node cut short"),
        pytest.param("010f" + "00" * 15, id="node of 15 bytes"),
        pytest.param("0111" + "00" * 17, id="node of 17 bytes"),
        pytest.param("0200", id="resource without inner length"),
        pytest.param("020100", id="empty resource"),
        pytest.param("02030161ff", id="resource with two different lengths"),
        pytest.param("03020261", id="opaque with two different lengths"),
        pytest.param("0402abcd", id="unknown type"),
        pytest.param("0000", id="type 0"),
        pytest.param("80", id="short form cut short"),
    ],
)
def test_a_malformed_entry(raw: str) -> None:
    with pytest.raises(Malformed):
        first_destination(bytes.fromhex(raw))
    if raw:
        with pytest.raises(Malformed):
            decode_destinations(node_entry(bytes(16)) + bytes.fromhex(raw))
        with pytest.raises(Malformed):
            check_destinations(bytes.fromhex(raw))
