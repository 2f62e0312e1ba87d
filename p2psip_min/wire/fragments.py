"""Splitting a message and joining it again (RFC 6940 §6.7).

Anybody on the path may split, a fragment too; only the destination joins. Every piece repeats header and lists; its
offset counts from the end of the header, so contents and security block count together.
"""

from __future__ import annotations

from itertools import pairwise

from p2psip_min.errors import LocalProtocolError, Malformed
from p2psip_min.wire.header import (
    FRAGMENT,
    LAST_FRAGMENT,
    OFFSET_MASK,
    WHOLE,
    Envelope,
    build_header,
    open_envelope,
)

LEAST_PIECE = 256
"""Bytes of contents that every piece but the last carries (§6.7)."""
REASSEMBLY_TIMEOUT = 15.0
"""Seconds after which an incomplete message is given up (§6.7)."""


def fragment(data: bytes, mtu: int) -> list[bytes]:
    """The message in equal pieces of at most ``mtu`` bytes, or as it is where it fits or can't be split (§6.7)."""
    if len(data) <= mtu:
        return [data]
    e = open_envelope(data)
    body = data[e.body_offset :]
    room = mtu - e.body_offset
    count = -(-len(body) // room) if room > 0 else 0
    if count == 0 or len(body) // count < LEAST_PIECE:
        return [data]
    base, final = e.fragment & OFFSET_MASK, e.fragment & LAST_FRAGMENT
    if base + len(body) > OFFSET_MASK:
        raise LocalProtocolError("a message of 16 MiB can't be split")
    cuts = [len(body) * i // count for i in range(count + 1)]
    pieces: list[bytes] = []
    for start, stop in pairwise(cuts):
        header = build_header(
            overlay=e.overlay,
            configuration_sequence=e.configuration_sequence,
            version=e.version,
            ttl=e.ttl,
            transaction_id=e.transaction_id,
            contents_length=stop - start,
            via=e.via,
            destinations=e.destinations,
            options=e.options,
            max_response_length=e.max_response_length,
            fragment=FRAGMENT | (base + start) | (final if stop == len(body) else 0),
        )
        pieces.append(header + body[start:stop])
    return pieces


class _Set:
    """The pieces of one message, by offset; ``deadline`` in seconds of virtual time."""

    __slots__ = ("deadline", "end", "first", "held", "pieces")

    def __init__(self, deadline: float) -> None:
        self.deadline = deadline
        self.pieces: dict[int, bytes] = {}
        self.first: Envelope | None = None
        self.end: int | None = None
        self.held = 0

    def joined(self) -> bytes | None:
        """The contents, once no hole is left; where pieces overlap the one that starts first counts."""
        if self.first is None or self.end is None:
            return None
        parts: list[bytes] = []
        position = 0
        for offset in sorted(self.pieces):
            if offset > position:
                return None
            piece = self.pieces[offset]
            parts.append(piece[position - offset :])
            position = max(position, offset + len(piece))
        return b"".join(parts)[: self.end] if position >= self.end else None


class Reassembler:
    """Joins the fragments that arrive at one node; holds at most ``limit`` bytes of at most ``sets`` messages.

    Without room the newest fragment is dropped, as §6.7 has it: a flood can't push out what is nearly complete.
    """

    __slots__ = ("_held", "_sets", "limit", "sets")

    def __init__(self, limit: int = 1 << 20, sets: int = 256) -> None:
        self.limit = limit
        self.sets = sets
        self._sets: dict[tuple[int, int], _Set] = {}
        self._held = 0

    def __len__(self) -> int:
        return len(self._sets)

    def add(self, envelope: Envelope, now: float) -> Envelope | None:
        """The whole message that this fragment completes, or None; Malformed if nobody may send such a piece.

        The header is that of the first piece. Whether the fragment bit is set at all, the forwarder has judged.
        """
        if envelope.fragment == WHOLE:
            return envelope
        self.expire(now)
        offset, last = envelope.fragment & OFFSET_MASK, envelope.fragment & LAST_FRAGMENT
        piece = envelope.data[envelope.body_offset :]
        if not last and len(piece) < LEAST_PIECE:
            raise Malformed(envelope.body_offset, "fragment: fewer than 256 bytes")
        key = (envelope.overlay, envelope.transaction_id)
        known = self._sets.get(key)
        if known is None:
            if len(self._sets) >= self.sets:
                return None
            known = _Set(now + REASSEMBLY_TIMEOUT)
        # A resent message may have been split elsewhere: of two pieces that start together the longer one counts.
        more = len(piece) - len(known.pieces.get(offset, b""))
        if more <= 0 or self._held + more > self.limit:
            return None
        self._sets[key] = known
        known.pieces[offset] = piece
        known.held += more
        self._held += more
        if offset == 0:
            known.first = envelope
        if last and known.end is None:
            known.end = offset + len(piece)
        contents = known.joined()
        if contents is None or known.first is None:
            return None
        self._drop(key)
        e = known.first
        header = build_header(
            overlay=e.overlay,
            configuration_sequence=e.configuration_sequence,
            version=e.version,
            ttl=e.ttl,
            transaction_id=e.transaction_id,
            contents_length=len(contents),
            via=e.via,
            destinations=e.destinations,
            options=e.options,
            max_response_length=e.max_response_length,
        )
        return open_envelope(header + contents)

    def expire(self, now: float) -> list[int]:
        """Give up what has been incomplete for 15 s; the transaction ids of it."""
        # Sets are made in order of time, so the late ones are in front.
        late: list[tuple[int, int]] = []
        for key, one in self._sets.items():
            if one.deadline > now:
                break
            late.append(key)
        for key in late:
            self._drop(key)
        return [transaction_id for _, transaction_id in late]

    def _drop(self, key: tuple[int, int]) -> None:
        self._held -= self._sets.pop(key).held
