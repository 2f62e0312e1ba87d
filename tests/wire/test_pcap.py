"""The capture that a trace becomes, byte by byte (no Wireshark needed)."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from p2psip_min.clock import EPOCH
from p2psip_min.errors import LocalProtocolError
from p2psip_min.trace import LinkOpened, MessageDelivered, MessageForwarded, MessageSent, Trace
from p2psip_min.wire.framing import ACK, DATA, open_frame
from p2psip_min.wire.pcap import export, write_pcap

A, B, C = b"a" * 16, b"b" * 16, b"c" * 16
ADDRESSES = {A: ("10.0.0.1", 6084), B: ("10.0.0.2", 6084), C: ("10.0.0.3", 6085)}


def records(path: Path) -> list[tuple[int, int, bytes]]:
    raw = path.read_bytes()
    assert raw[:24].hex() == "d4c3b2a10200040000000000000000000000040001000000"
    found, at = [], 24
    while at < len(raw):
        seconds, micros, kept, size = struct.unpack_from("<IIII", raw, at)
        assert kept == size
        found.append((seconds, micros, raw[at + 16 : at + 16 + size]))
        at += 16 + size
    return found


def trace() -> Trace:
    made = Trace()
    made.emit(LinkOpened(0.0, A, 0, B, "plain"))
    made.emit(MessageSent(1.5, A, 7, 0x17, B, b"first"))
    made.emit(MessageForwarded(1.6, B, 7, 0x17, A, C, b"onward"))
    made.emit(MessageDelivered(1.7, C, 7, 0x17, B, b"", b"onward"))
    made.emit(MessageSent(2.0000015, A, 8, 0x17, B, b"second"))
    made.emit(MessageSent(3.0, B, 8, 0x18, A, b"answer"))
    return made


def test_every_message_is_framed_and_acknowledged_at_once(tmp_path: Path) -> None:
    path = tmp_path / "run.pcap"
    assert export(trace(), path, ADDRESSES, EPOCH) == 8
    got = records(path)
    assert [(seconds - EPOCH, micros) for seconds, micros, _ in got[::2]] == [
        (1, 500_000), (1, 600_000), (2, 2), (3, 0),
    ]  # fmt: skip
    assert [when[:2] for when in got[::2]] == [when[:2] for when in got[1::2]]
    assert [open_frame(frame[42:]) for _, _, frame in got] == [
        (DATA, 0, b"first"),
        (ACK, 0, 0),
        (DATA, 0, b"onward"),
        (ACK, 0, 0),
        (DATA, 1, b"second"),  # its link's second
        (ACK, 1, 1),
        (DATA, 0, b"answer"),  # the other direction counts for itself
        (ACK, 0, 0),
    ]


def test_the_packet_around_a_message(tmp_path: Path) -> None:
    path = tmp_path / "one.pcap"
    write_pcap(path, [(0.0, ADDRESSES[A], ADDRESSES[C], b"payload")])
    [(_, _, frame)] = records(path)
    assert frame.hex() == (
        "02000a000003" "02000a000001" "0800"  # Ethernet: to, from, IPv4
        "4500" "0023" "0000" "4000" "40" "11" "26c7" "0a000001" "0a000003"  # 35 bytes, UDP; RFC 791's sum is right:
        "17c4" "17c5" "000f" "0000"  # ports 6084 and 6085, 15 bytes, no checksum
    ) + b"payload".hex()  # fmt: skip
    words = struct.unpack(">10H", frame[14:34])
    assert sum(words) % 0xFFFF == 0


def test_a_link_remembers_32_frames(tmp_path: Path) -> None:
    made = Trace()
    for i in range(40):
        made.emit(MessageSent(float(i), A, i, 0x17, B, b"x"))
    export(made, tmp_path / "many.pcap", ADDRESSES, EPOCH)
    acks = [open_frame(frame[42:]) for _, _, frame in records(tmp_path / "many.pcap")[1::2]]
    assert acks[3] == (ACK, 3, 0b111)
    assert acks[39] == (ACK, 39, 0xFFFFFFFF)


def test_a_node_without_an_address_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(LocalProtocolError):
        export(trace(), tmp_path / "run.pcap", {A: ADDRESSES[A], B: ADDRESSES[B]}, EPOCH)
    assert list(tmp_path.iterdir()) == []


def test_a_message_too_long_for_a_datagram_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(LocalProtocolError):
        write_pcap(tmp_path / "big.pcap", [(0.0, ADDRESSES[A], ADDRESSES[B], bytes(65508))])
    assert list(tmp_path.iterdir()) == []
