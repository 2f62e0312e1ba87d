"""FramedMessage on datagrams and on streams (RFC 6940 §6.6.1)."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2psip_min.errors import LocalProtocolError, Malformed
from p2psip_min.wire.framing import ACK, DATA, FrameBuffer, frame_ack, frame_data, open_frame

frames = st.one_of(
    st.tuples(st.just(DATA), st.integers(0, 2**32 - 1), st.binary(max_size=300)),
    st.tuples(st.just(ACK), st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1)),
)


def written(frame: tuple[int, int, bytes | int]) -> bytes:
    _, sequence, rest = frame
    return frame_data(sequence, rest) if isinstance(rest, bytes) else frame_ack(sequence, rest)


def test_data_frame_bytes() -> None:
    assert frame_data(1, b"RELO").hex() == "800000000100000452454c4f"


def test_acknowledgement_counts_earlier_frames_from_the_least_significant_bit() -> None:
    # Frame 1 acknowledged, frame 0 had arrived: the RFC leaves the bits' order open, this is Wireshark's.
    assert frame_ack(1, 0b1).hex() == "810000000100000001"


@given(frames)
def test_round_trip(frame: tuple[int, int, bytes | int]) -> None:
    assert open_frame(written(frame)) == frame


def test_a_long_message_uses_all_three_length_bytes() -> None:
    message = bytes(0x012345)
    assert frame_data(0, message)[5:8].hex() == "012345"
    assert open_frame(frame_data(0, message)) == (DATA, 0, message)
    with pytest.raises(LocalProtocolError):
        frame_data(0, bytes(1 << 24))


def test_sequence_numbers_wrap() -> None:
    assert open_frame(frame_data(2**32 + 3, b""))[1] == 3


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x80",
        b"\x7f" + bytes(8),
        b"\x82" + bytes(8),
        frame_data(0, b"abc")[:-1],
        frame_data(0, b"abc") + b"x",
        frame_ack(0, 0)[:-1],
        frame_ack(0, 0) + b"x",
    ],
)
def test_anything_but_one_whole_frame_is_malformed(raw: bytes) -> None:
    with pytest.raises(Malformed):
        open_frame(raw)


@given(st.lists(frames, max_size=8), st.lists(st.integers(0, 600), max_size=12))
def test_a_stream_gives_the_frames_back_however_it_is_cut(
    sent: list[tuple[int, int, bytes | int]], cuts: list[int]
) -> None:
    stream = b"".join(written(frame) for frame in sent)
    edges = sorted({0, len(stream), *(min(cut, len(stream)) for cut in cuts)})
    buffer = FrameBuffer()
    got = [frame for start, stop in pairwise(edges) for frame in buffer.feed(stream[start:stop])]
    assert got == sent
    assert buffer.pending == 0


def test_a_stream_holds_what_is_incomplete() -> None:
    buffer = FrameBuffer()
    assert buffer.feed(frame_data(5, b"half")[:6]) == []
    assert buffer.pending == 6
    assert buffer.feed(frame_data(5, b"half")[6:]) == [(DATA, 5, b"half")]


def test_a_stream_refuses_other_bytes_and_long_messages() -> None:
    with pytest.raises(Malformed):
        FrameBuffer().feed(frame_ack(0, 0) + b"GET /")
    with pytest.raises(Malformed) as caught:
        FrameBuffer(limit=4).feed(frame_data(0, b"12345")[:8])
    assert caught.value.offset == 5
