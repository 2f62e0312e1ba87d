"""Captures for Wireshark: the messages of a trace as the secured links carried them, inside the encryption.

Every message sent or forwarded becomes a UDP datagram that holds one data frame, with sequence numbers by link and
direction; the other end's acknowledgement follows at once. Links' own resends are not in the trace, nor here.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from p2psip_min.errors import LocalProtocolError
from p2psip_min.trace import Event, MessageForwarded, MessageSent
from p2psip_min.wire.framing import frame_ack, frame_data

Address = tuple[str, int]
Packet = tuple[float, Address, Address, bytes]
"""Unix time in seconds, source, destination, what the datagram holds."""

PORT = 6084
"""RELOAD's port (RFC 6940 §14.3); Wireshark knows framed messages by it."""

_FILE = struct.Struct("<IHHiIII")
_RECORD = struct.Struct("<IIII")
_IP = struct.Struct(">BBHHHBBH4s4s")
_UDP = struct.Struct(">HHHH")
_LARGEST = 0xFFFF - 28


def _checksum(header: bytes) -> int:
    total: int = sum(struct.unpack(f">{len(header) // 2}H", header))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


def _datagram(source: Address, destination: Address, payload: bytes) -> bytes:
    if len(payload) > _LARGEST:
        raise LocalProtocolError(f"a datagram holds at most {_LARGEST} bytes, not {len(payload)}")
    here, there = (bytes(map(int, address[0].split("."))) for address in (source, destination))
    size = len(payload)
    plain = _IP.pack(0x45, 0, size + 28, 0, 0x4000, 64, 17, 0, here, there)
    ip = plain[:10] + _checksum(plain).to_bytes(2, "big") + plain[12:]
    ethernet = b"\x02\x00" + there + b"\x02\x00" + here + b"\x08\x00"
    # A UDP checksum of 0 says that there is none.
    return ethernet + ip + _UDP.pack(source[1], destination[1], size + 8, 0) + payload


def write_pcap(path: str | os.PathLike[str], packets: Iterable[Packet]) -> int:
    """Write UDP datagrams over IPv4 and Ethernet; the number of them. The file appears whole or not at all."""
    final = Path(path)
    part = final.with_name(final.name + ".part")
    count = 0
    try:
        with part.open("wb") as file:
            file.write(_FILE.pack(0xA1B2C3D4, 2, 4, 0, 0, 0x40000, 1))
            for when, source, destination, payload in packets:
                frame = _datagram(source, destination, payload)
                seconds, microseconds = divmod(round(when * 1_000_000), 1_000_000)
                file.write(_RECORD.pack(seconds, microseconds, len(frame), len(frame)))
                file.write(frame)
                count += 1
        part.replace(final)
    finally:
        part.unlink(missing_ok=True)
    return count


def framed(trace: Iterable[Event], addresses: Mapping[bytes, Address], epoch: float) -> Iterator[Packet]:
    """The packets of a trace's messages; ``epoch`` is the Unix second of virtual second 0."""
    sequences: dict[tuple[bytes, bytes], int] = {}
    for event in trace:
        if not isinstance(event, MessageSent | MessageForwarded):
            continue
        link = (event.node, event.next_hop)
        try:
            here, there = addresses[event.node], addresses[event.next_hop]
        except KeyError as error:
            raise LocalProtocolError(f"no address of node {error}") from None
        sequence = sequences.get(link, 0)
        sequences[link] = sequence + 1
        when = epoch + event.t
        yield when, here, there, frame_data(sequence, event.message)
        yield when, there, here, frame_ack(sequence, (1 << min(sequence, 32)) - 1)


def export(
    trace: Iterable[Event], path: str | os.PathLike[str], addresses: Mapping[bytes, Address], epoch: float
) -> int:
    """Write the messages of ``trace`` as a capture; the number of packets, two a message."""
    return write_pcap(path, framed(trace, addresses, epoch))
