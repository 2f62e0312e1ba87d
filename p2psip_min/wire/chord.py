"""What CHORD-RELOAD puts into Update and Leave (RFC 6940 §10.7, §10.9)."""

from __future__ import annotations

import enum
from typing import Annotated, Any

from p2psip_min.errors import LocalProtocolError
from p2psip_min.ids import NodeID
from p2psip_min.wire.codec import U32, Enumerated, NodeList, decoder_of, encode, hand_written, register, structure


class ChordUpdateType(enum.IntEnum):
    """Which lists an Update carries (§10.7)."""

    PEER_READY = 1
    NEIGHBORS = 2
    FULL = 3


class ChordLeaveType(enum.IntEnum):
    """On which side of the receiver the leaving peer sits (§10.9)."""

    FROM_SUCC = 1
    FROM_PRED = 2


@hand_written
class ChordUpdate:
    """An Update's body in CHORD-RELOAD (§10.7): ``uptime`` in seconds, and the lists that its type carries."""

    uptime: int
    type: int
    predecessors: tuple[NodeID, ...] = ()
    successors: tuple[NodeID, ...] = ()
    fingers: tuple[NodeID, ...] = ()


@structure
class _ReadyUpdate:
    uptime: U32
    type: Annotated[ChordUpdateType, Enumerated(1, ChordUpdateType)]


@structure
class _Neighbors:
    predecessors: NodeList
    successors: NodeList


@structure
class _FullTable:
    predecessors: NodeList
    successors: NodeList
    fingers: NodeList


def _encode_chord_update(update: ChordUpdate) -> bytes:
    try:
        kind = ChordUpdateType(update.type)
    except ValueError as error:
        raise LocalProtocolError(str(error)) from None
    head = encode(_ReadyUpdate(update.uptime, kind))
    neighbors = (update.predecessors, update.successors)
    if kind is ChordUpdateType.FULL:
        return head + encode(_FullTable(*neighbors, update.fingers))
    if update.fingers or (any(neighbors) and kind is ChordUpdateType.PEER_READY):
        raise LocalProtocolError("this type of Update does not carry these lists")
    return head if kind is ChordUpdateType.PEER_READY else head + encode(_Neighbors(*neighbors))


def _decode_chord_update(data: bytes, offset: int, end: int, context: Any) -> tuple[ChordUpdate, int]:
    head, offset = decoder_of(_ReadyUpdate)(data, offset, end, context)
    if head.type is ChordUpdateType.FULL:
        full, offset = decoder_of(_FullTable)(data, offset, end, context)
        return ChordUpdate(head.uptime, head.type, full.predecessors, full.successors, full.fingers), offset
    if head.type is ChordUpdateType.PEER_READY:
        return ChordUpdate(head.uptime, head.type), offset
    near, offset = decoder_of(_Neighbors)(data, offset, end, context)
    return ChordUpdate(head.uptime, head.type, near.predecessors, near.successors), offset


register(ChordUpdate, _encode_chord_update, _decode_chord_update, 5)


@structure
class ChordLeaveData:
    """A Leave's data in CHORD-RELOAD (§10.9): the leaving peer's list of its far side."""

    type: Annotated[ChordLeaveType, Enumerated(1, ChordLeaveType)]
    nodes: NodeList
