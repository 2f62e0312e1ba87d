"""FramedMessage, the envelope of one message on one link (RFC 6940 §6.6.1).

data: ``u8 128, u32 sequence, v24<message>``; ack: ``u8 129, u32 sequence, u32 received``. Bit k-1 of ``received``,
counted from the least significant, says that the frame k before the acknowledged one has arrived; a clear bit says
nothing. Every send of a message takes a new sequence number, retransmissions too.
"""

from __future__ import annotations

import struct

from p2psip_min.errors import LocalProtocolError, Malformed

DATA = 128
ACK = 129
DATA_OVERHEAD = 8
ACK_LENGTH = 9

_DATA = struct.Struct(">BIBH")
_ACK = struct.Struct(">BII")
_unpack_data, _unpack_ack = _DATA.unpack_from, _ACK.unpack

# A link makes and takes its usual frames in place, which saves a call for each.
pack_data = _DATA.pack
"""What stands before a message: DATA, sequence, and the length's high and low part."""
pack_ack = _ACK.pack
"""An acknowledgement: ACK, sequence, received."""
peek_frame = _ACK.unpack_from
"""Type and sequence of what may be a frame, and its next four bytes: ``received``, or a length and one byte more.

It checks nothing, and raises struct.error for less than nine bytes.
"""


def frame_data(sequence: int, message: bytes) -> bytes:
    """The data frame of ``message``; LocalProtocolError at 16 MiB and over."""
    size = len(message)
    if size > 0xFFFFFF:
        raise LocalProtocolError(f"a frame holds less than 16 MiB, not {size} bytes")
    return pack_data(DATA, sequence & 0xFFFFFFFF, size >> 16, size & 0xFFFF) + message


def frame_ack(sequence: int, received: int) -> bytes:
    """The acknowledgement of ``sequence``, with the mask of the 32 frames before it."""
    return pack_ack(ACK, sequence, received)


def open_frame(data: bytes) -> tuple[int, int, bytes | int]:
    """``(DATA, sequence, message)`` or ``(ACK, sequence, received)`` of exactly one frame, else Malformed."""
    size = len(data)
    if size > 7 and data[0] == DATA:
        _, sequence, high, low = _unpack_data(data)
        if size != 8 + (high << 16) + low:
            raise Malformed(5, "frame: length differs from the datagram's")
        return DATA, sequence, data[8:]
    if size == ACK_LENGTH and data[0] == ACK:
        return _unpack_ack(data)
    if not size:
        raise Malformed(0, "frame: empty")
    if data[0] != DATA and data[0] != ACK:
        raise Malformed(0, "frame: unknown type")
    raise Malformed(size, "frame: wrong length")


class FrameBuffer:
    """Cuts the bytes of a stream into frames; ``limit`` is the largest message it takes, in bytes."""

    __slots__ = ("_held", "limit")

    def __init__(self, limit: int = 0xFFFFFF) -> None:
        self._held = b""
        self.limit = limit

    @property
    def pending(self) -> int:
        """Bytes of a frame that is not complete yet."""
        return len(self._held)

    def feed(self, data: bytes) -> list[tuple[int, int, bytes | int]]:
        """The frames completed by ``data``, in order; Malformed when the stream can't be frames any more.

        Frames before a malformed one in the same call are lost with it: the link has to close anyway.
        """
        held = self._held + data if self._held else data
        frames: list[tuple[int, int, bytes | int]] = []
        offset, end = 0, len(held)
        while offset < end:
            kind = held[offset]
            if kind == DATA:
                if end - offset < DATA_OVERHEAD:
                    break
                _, sequence, high, low = _unpack_data(held, offset)
                stop = offset + DATA_OVERHEAD + (high << 16) + low
                if stop - offset - DATA_OVERHEAD > self.limit:
                    raise Malformed(offset + 5, "frame: longer than this link takes")
                if stop > end:
                    break
                frames.append((DATA, sequence, held[offset + DATA_OVERHEAD : stop]))
            elif kind == ACK:
                stop = offset + ACK_LENGTH
                if stop > end:
                    break
                frames.append(_unpack_ack(held[offset:stop]))
            else:
                raise Malformed(offset, "frame: unknown type")
            offset = stop
        self._held = held[offset:]
        return frames
