"""Splitting and joining (RFC 6940 §6.7)."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2psip_min.errors import LocalProtocolError, Malformed
from p2psip_min.wire.fragments import LEAST_PIECE, REASSEMBLY_TIMEOUT, Reassembler, fragment
from p2psip_min.wire.header import FRAGMENT, LAST_FRAGMENT, WHOLE, build_header, node_entry, open_envelope


def message(size: int, transaction: int = 7, fill: int = 1) -> bytes:
    """A message of ``size`` bytes behind its header."""
    contents = bytes((i * fill + (i >> 8)) & 0xFF for i in range(size))
    header = build_header(
        overlay=1, configuration_sequence=2, ttl=9, transaction_id=transaction, contents_length=size,
        via=node_entry(b"v" * 16), destinations=node_entry(b"d" * 16), options=b"\x01\x00\x00\x00",
        max_response_length=5,
    )  # fmt: skip
    return header + contents


def build_whole(contents: bytes) -> bytes:
    return build_header(
        overlay=1, configuration_sequence=2, ttl=9, transaction_id=7, contents_length=len(contents)
    ) + contents  # fmt: skip


def piece(offset: int, contents: bytes, *, last: bool = False, transaction: int = 7) -> bytes:
    fragment = FRAGMENT | offset | (LAST_FRAGMENT if last else 0)
    header = build_header(
        overlay=1, configuration_sequence=2, ttl=9, transaction_id=transaction, contents_length=len(contents),
        fragment=fragment,
    )  # fmt: skip
    return header + contents


def joined(pieces: list[bytes], joiner: Reassembler | None = None) -> bytes | None:
    joiner = Reassembler() if joiner is None else joiner
    done = [whole for one in pieces if (whole := joiner.add(open_envelope(one), 0.0))]
    return done[0].data if done else None


@given(st.integers(0, 9000), st.integers(400, 1500))
def test_pieces_join_again(size: int, mtu: int) -> None:
    whole = message(size + 2)
    pieces = fragment(whole, mtu)
    assert joined(pieces) == whole
    assert joined(pieces[::-1]) == whole
    if len(pieces) > 1:
        assert max(map(len, pieces)) <= mtu
        assert max(map(len, pieces)) - min(map(len, pieces)) <= 1
        for one in pieces:
            envelope = open_envelope(one)
            assert envelope.length - envelope.body_offset >= LEAST_PIECE
            assert (envelope.via, envelope.ttl, envelope.options) == (node_entry(b"v" * 16), 9, b"\x01\x00\x00\x00")


def test_choice_13_offsets_count_contents_and_security_block_from_the_end_of_the_header() -> None:
    pieces = [open_envelope(one) for one in fragment(message(1200), 700)]
    assert [hex(one.fragment) for one in pieces] == ["0x80000000", "0xc0000258"]
    assert [one.code for one in pieces] == [0x0001, 0]
    # The last piece may be shorter than 256 bytes when somebody else split: only the others are held to it.
    assert joined([piece(0, bytes(300)), piece(300, b"end", last=True)]) is not None
    with pytest.raises(Malformed):
        Reassembler().add(open_envelope(piece(0, bytes(255))), 0.0)


def test_a_piece_is_split_again_on_a_narrower_link() -> None:
    whole = message(3000)
    pieces = [smaller for one in fragment(whole, 1600) for smaller in fragment(one, 700)]
    assert len(pieces) > 3
    assert joined(pieces) == whole


def test_what_fits_or_cannot_be_split_stays_whole() -> None:
    assert fragment(message(300), 1400) == [message(300)]
    assert fragment(message(400), 200) == [message(400)]
    assert fragment(message(400), 50) == [message(400)]
    assert fragment(message(600), 300) == [message(600)]


def test_a_whole_message_passes_at_once() -> None:
    joiner = Reassembler()
    envelope = open_envelope(message(100))
    assert envelope.fragment == WHOLE
    assert joiner.add(envelope, 0.0) is envelope
    assert len(joiner) == 0


def test_any_order_and_repeats() -> None:
    whole = message(1500)
    pieces = fragment(whole, 700)
    for order in permutations(pieces):
        assert joined([order[0], *order]) == whole


def test_two_splits_of_one_message_overlap_and_still_join() -> None:
    whole = message(2000)
    first, second = fragment(whole, 700), fragment(whole, 900)
    assert joined([first[0], second[0], second[1], second[2]]) == whole


def test_messages_do_not_mix() -> None:
    joiner = Reassembler()
    one, two = fragment(message(900, 1), 600), fragment(message(900, 2, fill=3), 600)
    assert joined([one[0], two[0]], joiner) is None
    assert joined([two[1]], joiner) == message(900, 2, fill=3)
    assert joined([one[1]], joiner) == message(900, 1)
    assert len(joiner) == 0


def test_an_incomplete_message_is_given_up_after_15_seconds() -> None:
    joiner = Reassembler()
    first, second = fragment(message(900), 600)
    assert joiner.add(open_envelope(first), 100.0) is None
    assert joiner.expire(100.0 + REASSEMBLY_TIMEOUT - 0.001) == []
    assert joiner.expire(100.0 + REASSEMBLY_TIMEOUT) == [7]
    assert joiner.add(open_envelope(second), 116.0) is None


def test_without_room_the_newest_is_dropped() -> None:
    joiner = Reassembler(limit=1000, sets=2)
    one, two, three = (fragment(message(900, number), 600) for number in (1, 2, 3))
    assert joined([one[0], two[0], three[0]], joiner) is None
    assert len(joiner) == 2
    assert joined([three[1]], joiner) is None
    assert joined([two[1]], joiner) is None  # 450 bytes more would be over the limit
    assert len(joiner) == 2
    joiner.limit = 2000
    assert joined([one[1]], joiner) == message(900, 1)


def test_a_message_of_16_mib_is_not_split() -> None:
    with pytest.raises(LocalProtocolError):
        fragment(build_whole(bytes(1 << 24)), 1400)
