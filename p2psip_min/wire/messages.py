"""The body of every method, named as in RFC 6940 §6.4, §6.5, §7.4, §10 and RFC 7851 §4.3.

Requests are odd, an answer is its request plus one. Lists are tuples; a select whose type nobody may extend refuses
unknown numbers. Bodies that the topology plug-in defines stay bytes here, and have their own structures below.
"""

from __future__ import annotations

import enum
from typing import Annotated, Any, ClassVar

from p2psip_min.errors import LocalProtocolError, Malformed
from p2psip_min.ids import Destination, NodeID, ResourceID
from p2psip_min.wire.address import AddressField, IpAddressPort
from p2psip_min.wire.codec import (
    U8,
    U16,
    U32,
    U64,
    Bool,
    Enumerated,
    Hand,
    Listed,
    NodeField,
    NodeList,
    Opaque,
    Opaque8,
    Opaque16,
    Opaque24,
    Opaque32,
    Remainder,
    Resource,
    ResourceField,
    Unsigned,
    decoder_of,
    encode,
    hand_written,
    nested,
    register,
    structure,
)
from p2psip_min.wire.data import (
    ArrayRange,
    FetchKindResponse,
    StatKindResponse,
    StoredData,
    StoredDataSpecifier,
    StoredMetaData,
    StoreKindData,
)
from p2psip_min.wire.header import encode_destination, read_destination

__all__ = [
    "BODIES",
    "AppAttachAns",
    "AppAttachReq",
    "ArrayRange",
    "AttachAns",
    "AttachReq",
    "Candidate",
    "ChordLeaveData",
    "ChordLeaveType",
    "ChordUpdate",
    "ChordUpdateType",
    "ConfigUpdateAns",
    "ConfigUpdateReq",
    "ConfigUpdateType",
    "DiagnosticExtension",
    "DiagnosticInfo",
    "DiagnosticsRequest",
    "DiagnosticsResponse",
    "ErrorCode",
    "ErrorResponse",
    "FetchAns",
    "FetchKindResponse",
    "FetchReq",
    "FindAns",
    "FindKindData",
    "FindReq",
    "IceCandidate",
    "IceExtension",
    "JoinAns",
    "JoinReq",
    "LeaveAns",
    "LeaveReq",
    "MessageCode",
    "OverlayLinkType",
    "PathTrackAns",
    "PathTrackReq",
    "PingAns",
    "PingReq",
    "ProbeAns",
    "ProbeInformation",
    "ProbeInformationType",
    "ProbeReq",
    "RouteQueryAns",
    "RouteQueryReq",
    "StatAns",
    "StatKindResponse",
    "StatReq",
    "StoreAns",
    "StoreKindData",
    "StoreKindResponse",
    "StoreReq",
    "StoredData",
    "StoredDataSpecifier",
    "StoredMetaData",
    "UnknownBody",
    "UnknownKinds",
    "UpdateAns",
    "UpdateReq",
    "answer_code",
    "is_request",
    "method_name",
]


class MessageCode(enum.IntEnum):
    """RFC 6940 §14.8, and PathTrack of RFC 7851 §9.3."""

    PROBE_REQ = 0x01
    PROBE_ANS = 0x02
    ATTACH_REQ = 0x03
    ATTACH_ANS = 0x04
    STORE_REQ = 0x07
    STORE_ANS = 0x08
    FETCH_REQ = 0x09
    FETCH_ANS = 0x0A
    FIND_REQ = 0x0D
    FIND_ANS = 0x0E
    JOIN_REQ = 0x0F
    JOIN_ANS = 0x10
    LEAVE_REQ = 0x11
    LEAVE_ANS = 0x12
    UPDATE_REQ = 0x13
    UPDATE_ANS = 0x14
    ROUTE_QUERY_REQ = 0x15
    ROUTE_QUERY_ANS = 0x16
    PING_REQ = 0x17
    PING_ANS = 0x18
    STAT_REQ = 0x19
    STAT_ANS = 0x1A
    APP_ATTACH_REQ = 0x1D
    APP_ATTACH_ANS = 0x1E
    CONFIG_UPDATE_REQ = 0x21
    CONFIG_UPDATE_ANS = 0x22
    PATH_TRACK_REQ = 0x27
    PATH_TRACK_ANS = 0x28
    ERROR = 0xFFFF


class ErrorCode(enum.IntEnum):
    """RFC 6940 §14.9 and RFC 7851 §9.4."""

    FORBIDDEN = 0x02
    NOT_FOUND = 0x03
    REQUEST_TIMEOUT = 0x04
    GENERATION_COUNTER_TOO_LOW = 0x05
    INCOMPATIBLE_WITH_OVERLAY = 0x06
    UNSUPPORTED_FORWARDING_OPTION = 0x07
    DATA_TOO_LARGE = 0x08
    DATA_TOO_OLD = 0x09
    TTL_EXCEEDED = 0x0A
    MESSAGE_TOO_LARGE = 0x0B
    UNKNOWN_KIND = 0x0C
    UNKNOWN_EXTENSION = 0x0D
    RESPONSE_TOO_LARGE = 0x0E
    CONFIG_TOO_OLD = 0x0F
    CONFIG_TOO_NEW = 0x10
    IN_PROGRESS = 0x11
    EXP_A = 0x12
    EXP_B = 0x13
    INVALID_MESSAGE = 0x14
    UNDERLAY_DESTINATION_UNREACHABLE = 0x15
    UNDERLAY_TIME_EXCEEDED = 0x16
    MESSAGE_EXPIRED = 0x17
    UPSTREAM_MISROUTING = 0x18
    LOOP_DETECTED = 0x19
    TTL_HOPS_EXCEEDED = 0x1A


def is_request(code: int) -> bool:
    """Whether a message of this code wants an answer: its code is odd and not an error's."""
    return bool(code & 1) and code < 0x8000


def answer_code(code: int) -> int:
    """The code of the answer to a request of ``code``."""
    return code + 1


def method_name(code: int) -> str:
    """The RFC's name of a message, such as "PingReq"; "0x23" for a code without one."""
    body = BODIES.get(code)
    return "Error" if code == MessageCode.ERROR else body.__name__ if body else f"{code:#04x}"


class ProbeInformationType(enum.IntEnum):
    """What Probe asks (§6.4.2.5); a reader skips others."""

    RESPONSIBLE_SET = 1
    NUM_RESOURCES = 2
    UPTIME = 3


class OverlayLinkType(enum.IntEnum):
    """How two nodes may link (§6.5.1.1, §14.10)."""

    DTLS_UDP_SR = 1
    DTLS_UDP_SR_NO_ICE = 3
    TLS_TCP_FH_NO_ICE = 4


class Candidate(enum.IntEnum):
    """Where an ICE candidate's address comes from (§6.5.1.1)."""

    HOST = 1
    SERVER_REFLEXIVE = 2
    RELAY = 4


class ConfigUpdateType(enum.IntEnum):
    """What a ConfigUpdate carries (§6.5.4)."""

    CONFIG = 1
    KIND = 2


class ChordUpdateType(enum.IntEnum):
    """Which lists an Update carries (§10.7)."""

    PEER_READY = 1
    NEIGHBORS = 2
    FULL = 3


class ChordLeaveType(enum.IntEnum):
    """On which side of the receiver the leaving peer sits (§10.9)."""

    FROM_SUCC = 1
    FROM_PRED = 2


DestinationField = Annotated[
    Destination, Hand(encode_destination, lambda data, at, end, _: read_destination(data, at, end), 2)
]


# --- connectivity and routing (§6.4, §6.5) ----------------------------------------------------------------------------


@structure
class PingReq:
    """Is anybody there? The padding helps to find the largest message that passes."""

    code: ClassVar[int] = MessageCode.PING_REQ
    padding: Opaque16 = b""


@structure
class PingAns:
    """A random number, and the responder's time in ms since 1970."""

    code: ClassVar[int] = MessageCode.PING_ANS
    response_id: U64
    time: U64


@structure
class ProbeReq:
    """Which facts the responder shall tell of itself, as ProbeInformationType."""

    code: ClassVar[int] = MessageCode.PROBE_REQ
    requested_info: Annotated[tuple[int, ...], Listed(1, Unsigned(1))]


@hand_written
class ProbeInformation:
    """One fact: parts per billion of the ring, a count, or seconds; ``raw`` when the type is not known."""

    type: int
    value: int = 0
    raw: bytes = b""


def _encode_probe_information(info: ProbeInformation) -> bytes:
    try:
        known = info.type in _PROBE_TYPES
        raw = info.value.to_bytes(4, "big") if known else info.raw
        return bytes((info.type, len(raw))) + raw
    except (ValueError, OverflowError) as error:
        raise LocalProtocolError(f"probe information: {error}") from None


def _decode_probe_information(data: bytes, offset: int, end: int, _: Any) -> tuple[ProbeInformation, int]:
    start = offset + 2
    if start > end:
        raise Malformed(offset, "probe information: cut short")
    stop = start + data[offset + 1]
    if stop > end:
        raise Malformed(offset + 1, "probe information: longer than what is left")
    kind, raw = data[offset], data[start:stop]
    if kind not in _PROBE_TYPES:
        return ProbeInformation(kind, 0, raw), stop
    if len(raw) != 4:
        raise Malformed(offset + 1, "probe information: not four bytes")
    return ProbeInformation(kind, int.from_bytes(raw, "big")), stop


_PROBE_TYPES = frozenset(int(one) for one in ProbeInformationType)
register(ProbeInformation, _encode_probe_information, _decode_probe_information, 2)


@structure
class ProbeAns:
    """The facts asked for that the responder knows, in the order asked."""

    code: ClassVar[int] = MessageCode.PROBE_ANS
    probe_info: Annotated[tuple[ProbeInformation, ...], Listed(2, nested(ProbeInformation))]


@structure
class IceExtension:
    """A named extension of a candidate."""

    name: Opaque16
    value: Opaque16


@hand_written
class IceCandidate:
    """An address at which a node may be reached; ``rel_addr_port`` is its base unless the type is host."""

    addr_port: IpAddressPort
    overlay_link: int
    foundation: bytes
    priority: int
    type: int = Candidate.HOST
    rel_addr_port: IpAddressPort | None = None
    extensions: tuple[IceExtension, ...] = ()


@structure
class _CandidateHead:
    addr_port: Annotated[IpAddressPort, AddressField]
    overlay_link: U8
    foundation: Opaque8
    priority: U32
    type: Annotated[Candidate, Enumerated(1, Candidate)]


@structure
class _CandidateTail:
    extensions: Annotated[tuple[IceExtension, ...], Listed(2, nested(IceExtension))]


@structure
class _RelatedTail:
    rel_addr_port: Annotated[IpAddressPort, AddressField]
    extensions: Annotated[tuple[IceExtension, ...], Listed(2, nested(IceExtension))]


def _encode_candidate(one: IceCandidate) -> bytes:
    head = encode(_CandidateHead(one.addr_port, one.overlay_link, one.foundation, one.priority, Candidate(one.type)))
    if one.type == Candidate.HOST:
        if one.rel_addr_port is not None:
            raise LocalProtocolError("candidate: a host candidate has no related address")
        return head + encode(_CandidateTail(one.extensions))
    if one.rel_addr_port is None:
        raise LocalProtocolError("candidate: related address missing")
    return head + encode(_RelatedTail(one.rel_addr_port, one.extensions))


def _decode_candidate(data: bytes, offset: int, end: int, context: Any) -> tuple[IceCandidate, int]:
    head, offset = decoder_of(_CandidateHead)(data, offset, end, context)
    related: IpAddressPort | None = None
    if head.type is Candidate.HOST:
        tail, offset = decoder_of(_CandidateTail)(data, offset, end, context)
    else:
        tail, offset = decoder_of(_RelatedTail)(data, offset, end, context)
        related = tail.rel_addr_port
    return (
        IceCandidate(
            head.addr_port, head.overlay_link, head.foundation, head.priority, head.type, related, tail.extensions
        ),
        offset,
    )


register(IceCandidate, _encode_candidate, _decode_candidate, 17)
CandidateList = Annotated[tuple[IceCandidate, ...], Listed(2, nested(IceCandidate))]


@structure
class AttachReq:
    """Let us link: my ICE parameters; ``role`` is "passive"."""

    code: ClassVar[int] = MessageCode.ATTACH_REQ
    ufrag: Opaque8
    password: Opaque8
    role: Opaque8
    candidates: CandidateList
    send_update: Bool = False


@structure
class AttachAns:
    """Agreed, and my ICE parameters; ``role`` is "active"."""

    code: ClassVar[int] = MessageCode.ATTACH_ANS
    ufrag: Opaque8
    password: Opaque8
    role: Opaque8
    candidates: CandidateList
    send_update: Bool = False


@structure
class AppAttachReq:
    """Let us link for an application, such as SIP (5060)."""

    code: ClassVar[int] = MessageCode.APP_ATTACH_REQ
    ufrag: Opaque8
    password: Opaque8
    application: U16
    role: Opaque8
    candidates: CandidateList


@structure
class AppAttachAns:
    """Agreed, for the application that was asked for."""

    code: ClassVar[int] = MessageCode.APP_ATTACH_ANS
    ufrag: Opaque8
    password: Opaque8
    application: U16
    role: Opaque8
    candidates: CandidateList


@structure
class JoinReq:
    """I want to be a peer under this Node-ID."""

    code: ClassVar[int] = MessageCode.JOIN_REQ
    joining_peer_id: NodeField
    overlay_specific_data: Opaque16 = b""


@structure
class JoinAns:
    """You are admitted; data and Updates follow."""

    code: ClassVar[int] = MessageCode.JOIN_ANS
    overlay_specific_data: Opaque16 = b""


@structure
class LeaveReq:
    """I am going; CHORD-RELOAD puts a ChordLeaveData into the data."""

    code: ClassVar[int] = MessageCode.LEAVE_REQ
    leaving_peer_id: NodeField
    overlay_specific_data: Opaque16 = b""


@structure
class LeaveAns:
    """Noted."""

    code: ClassVar[int] = MessageCode.LEAVE_ANS


@structure
class UpdateReq:
    """What the sender knows of the overlay; CHORD-RELOAD's body is a ChordUpdate."""

    code: ClassVar[int] = MessageCode.UPDATE_REQ
    overlay_specific_data: Remainder


@structure
class UpdateAns:
    """Noted."""

    code: ClassVar[int] = MessageCode.UPDATE_ANS


@structure
class RouteQueryReq:
    """Where would you send a message to ``destination``?"""

    code: ClassVar[int] = MessageCode.ROUTE_QUERY_REQ
    send_update: Bool
    destination: DestinationField
    overlay_specific_data: Opaque16 = b""


@structure
class RouteQueryAns:
    """There; CHORD-RELOAD's body is one Node-ID."""

    code: ClassVar[int] = MessageCode.ROUTE_QUERY_ANS
    next_peer: NodeField


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
    kind = ChordUpdateType(update.type)
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


# --- storage (§7.4) ---------------------------------------------------------------------------------------------------


@structure
class StoreReq:
    """Store these values at ``resource``; ``replica_number`` 0 is the original."""

    code: ClassVar[int] = MessageCode.STORE_REQ
    resource: ResourceField
    replica_number: U8
    kind_data: Annotated[tuple[StoreKindData, ...], Listed(4, nested(StoreKindData))]


@structure
class StoreKindResponse:
    """The new generation of one Kind, and the peers that get copies."""

    kind: U32
    generation_counter: U64
    replicas: NodeList = ()


@structure
class StoreAns:
    """Stored."""

    code: ClassVar[int] = MessageCode.STORE_ANS
    kind_responses: Annotated[tuple[StoreKindResponse, ...], Listed(2, nested(StoreKindResponse))]


@structure
class FetchReq:
    """Give me these values of ``resource``."""

    code: ClassVar[int] = MessageCode.FETCH_REQ
    resource: ResourceField
    specifiers: Annotated[tuple[StoredDataSpecifier, ...], Listed(2, nested(StoredDataSpecifier))]


@structure
class FetchAns:
    """The values, one group for each Kind asked for."""

    code: ClassVar[int] = MessageCode.FETCH_ANS
    kind_responses: Annotated[tuple[FetchKindResponse, ...], Listed(4, nested(FetchKindResponse))]


@structure
class StatReq:
    """Tell me of these values of ``resource``, without the bytes."""

    code: ClassVar[int] = MessageCode.STAT_REQ
    resource: ResourceField
    specifiers: Annotated[tuple[StoredDataSpecifier, ...], Listed(2, nested(StoredDataSpecifier))]


@structure
class StatAns:
    """The metadata, one group for each Kind asked for."""

    code: ClassVar[int] = MessageCode.STAT_ANS
    kind_responses: Annotated[tuple[StatKindResponse, ...], Listed(4, nested(StatKindResponse))]


@structure
class FindReq:
    """Which Resource-ID that you hold is closest to ``resource``, for each of these Kinds?"""

    code: ClassVar[int] = MessageCode.FIND_REQ
    resource: ResourceField
    kinds: Annotated[tuple[int, ...], Listed(1, Unsigned(4))]


@structure
class FindKindData:
    """The closest one of a Kind; None, when there is none, is a Resource-ID of zero length on the wire."""

    kind: U32
    closest: Annotated[ResourceID | None, Resource(optional=True)]


@structure
class FindAns:
    """The closest ones."""

    code: ClassVar[int] = MessageCode.FIND_ANS
    results: Annotated[tuple[FindKindData, ...], Listed(2, nested(FindKindData))]


# --- configuration, diagnosis, errors ---------------------------------------------------------------------------------


@hand_written
class ConfigUpdateReq:
    """A newer configuration document, or Kind descriptions; ``raw`` when the type is not known (§6.5.4)."""

    type: int
    config_data: bytes = b""
    kinds: tuple[bytes, ...] = ()
    raw: bytes = b""
    code: ClassVar[int] = MessageCode.CONFIG_UPDATE_REQ


@structure
class _ConfigUpdate:
    type: U8
    rest: Opaque32


@structure
class _ConfigData:
    config_data: Opaque24


@structure
class _KindDescriptions:
    kinds: Annotated[tuple[bytes, ...], Listed(3, Opaque(2))]


def _encode_config_update(update: ConfigUpdateReq) -> bytes:
    if update.type == ConfigUpdateType.CONFIG:
        rest = encode(_ConfigData(update.config_data))
    elif update.type == ConfigUpdateType.KIND:
        rest = encode(_KindDescriptions(update.kinds))
    else:
        rest = update.raw
    return encode(_ConfigUpdate(update.type, rest))


def _decode_config_update(data: bytes, offset: int, end: int, context: Any) -> tuple[ConfigUpdateReq, int]:
    outer, stop = decoder_of(_ConfigUpdate)(data, offset, end, context)
    start = stop - len(outer.rest)
    if outer.type == ConfigUpdateType.CONFIG:
        inner, at = decoder_of(_ConfigData)(data, start, stop, context)
        update = ConfigUpdateReq(ConfigUpdateType.CONFIG, inner.config_data)
    elif outer.type == ConfigUpdateType.KIND:
        inner, at = decoder_of(_KindDescriptions)(data, start, stop, context)
        update = ConfigUpdateReq(ConfigUpdateType.KIND, kinds=inner.kinds)
    else:
        return ConfigUpdateReq(outer.type, raw=outer.rest), stop
    if at != stop:
        raise Malformed(at, "ConfigUpdateReq: its lengths disagree")
    return update, stop


register(ConfigUpdateReq, _encode_config_update, _decode_config_update, 5)


@structure
class ConfigUpdateAns:
    """Taken."""

    code: ClassVar[int] = MessageCode.CONFIG_UPDATE_ANS


@structure
class DiagnosticExtension:
    """A fact asked for beyond the flags (RFC 7851 §5.1)."""

    kind: U16
    contents: Opaque32


@structure
class DiagnosticInfo:
    """A fact told (RFC 7851 §5.2)."""

    kind: U16
    contents: Opaque16


@structure
class _RequestTimes:
    expiration: U64
    timestamp_initiated: U64
    dm_flags: U64
    ext_length: U32
    extensions: Annotated[tuple[DiagnosticExtension, ...], Listed(4, nested(DiagnosticExtension))]


@structure
class _ResponseTimes:
    expiration: U64
    timestamp_initiated: U64
    timestamp_received: U64
    hop_counter: U8
    ext_length: U32
    diagnostics: Annotated[tuple[DiagnosticInfo, ...], Listed(4, nested(DiagnosticInfo))]


@hand_written
class DiagnosticsRequest:
    """Which facts are wanted: bit k of ``dm_flags`` asks for diagnostic Kind k; times in ms since 1970."""

    expiration: int
    timestamp_initiated: int
    dm_flags: int
    extensions: tuple[DiagnosticExtension, ...] = ()


@hand_written
class DiagnosticsResponse:
    """The facts; ``hop_counter`` is the ttl with which the request arrived."""

    expiration: int
    timestamp_initiated: int
    timestamp_received: int
    hop_counter: int
    diagnostics: tuple[DiagnosticInfo, ...] = ()


# Two lengths in a row describe the same list (RFC 7851 §5.1): both are written, and a reader wants them equal.


def _encode_diagnostics_request(one: DiagnosticsRequest) -> bytes:
    size = sum(6 + len(extension.contents) for extension in one.extensions)
    return encode(_RequestTimes(one.expiration, one.timestamp_initiated, one.dm_flags, size, one.extensions))


def _decode_diagnostics_request(data: bytes, offset: int, end: int, context: Any) -> tuple[DiagnosticsRequest, int]:
    one, stop = decoder_of(_RequestTimes)(data, offset, end, context)
    if stop - offset != 32 + one.ext_length:
        raise Malformed(offset + 24, "DiagnosticsRequest: its lengths disagree")
    return DiagnosticsRequest(one.expiration, one.timestamp_initiated, one.dm_flags, one.extensions), stop


def _encode_diagnostics_response(one: DiagnosticsResponse) -> bytes:
    size = sum(4 + len(info.contents) for info in one.diagnostics)
    return encode(
        _ResponseTimes(
            one.expiration, one.timestamp_initiated, one.timestamp_received, one.hop_counter, size, one.diagnostics
        )
    )


def _decode_diagnostics_response(data: bytes, offset: int, end: int, context: Any) -> tuple[DiagnosticsResponse, int]:
    one, stop = decoder_of(_ResponseTimes)(data, offset, end, context)
    if stop - offset != 33 + one.ext_length:
        raise Malformed(offset + 25, "DiagnosticsResponse: its lengths disagree")
    return (
        DiagnosticsResponse(
            one.expiration, one.timestamp_initiated, one.timestamp_received, one.hop_counter, one.diagnostics
        ),
        stop,
    )


register(DiagnosticsRequest, _encode_diagnostics_request, _decode_diagnostics_request, 32)
register(DiagnosticsResponse, _encode_diagnostics_response, _decode_diagnostics_response, 33)


@structure
class PathTrackReq:
    """Where would you send a message to ``destination``, and how are you? (RFC 7851 §4.3)"""

    code: ClassVar[int] = MessageCode.PATH_TRACK_REQ
    destination: DestinationField
    request: Annotated[DiagnosticsRequest, nested(DiagnosticsRequest)]


@structure
class PathTrackAns:
    """There, and like this; a next hop that is the responder itself ends the walk."""

    code: ClassVar[int] = MessageCode.PATH_TRACK_ANS
    next_hop: DestinationField
    response: Annotated[DiagnosticsResponse, nested(DiagnosticsResponse)]


@structure
class ErrorResponse:
    """No, and why (§6.3.3.1): text, or what the code defines."""

    code: ClassVar[int] = MessageCode.ERROR
    error_code: U16
    error_info: Opaque16 = b""


@structure
class UnknownKinds:
    """The error_info of Unknown_Kind: the Kind-IDs (§7.4.1.2)."""

    kinds: Annotated[tuple[int, ...], Listed(1, Unsigned(4))]


@hand_written
class UnknownBody:
    """The body of a message whose code is not known here."""

    raw: bytes


register(UnknownBody, lambda body: bytes(body.raw), lambda data, at, end, _: (UnknownBody(data[at:end]), end), 0)

BODIES: dict[int, type] = {
    int(body.code): body
    for body in (
        ProbeReq, ProbeAns, AttachReq, AttachAns, StoreReq, StoreAns, FetchReq, FetchAns, FindReq, FindAns, JoinReq,
        JoinAns, LeaveReq, LeaveAns, UpdateReq, UpdateAns, RouteQueryReq, RouteQueryAns, PingReq, PingAns, StatReq,
        StatAns, AppAttachReq, AppAttachAns, ConfigUpdateReq, ConfigUpdateAns, PathTrackReq, PathTrackAns,
        ErrorResponse,
    )
}  # fmt: skip
"""The class of each message code's body."""
