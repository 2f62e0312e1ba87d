"""The body of every method, named as in RFC 6940 §6.4, §6.5, §7.4, §10 and RFC 7851 §4.3.

Requests are odd, an answer is its request plus one. Lists are tuples; a select whose type nobody may extend refuses
unknown numbers. Bodies that the topology plug-in defines stay bytes here, and have their own structures below.
"""

from __future__ import annotations

import enum
from typing import Annotated, Any, ClassVar

from p2psip_min.errors import LocalProtocolError, Malformed
from p2psip_min.ids import ResourceID
from p2psip_min.wire.chord import ChordLeaveData, ChordLeaveType, ChordUpdate, ChordUpdateType
from p2psip_min.wire.codec import (
    U8,
    U16,
    U32,
    U64,
    Bool,
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
from p2psip_min.wire.codes import ErrorCode, MessageCode, answer_code, is_request
from p2psip_min.wire.data import (
    ArrayRange,
    FetchKindResponse,
    StatKindResponse,
    StoredData,
    StoredDataSpecifier,
    StoredMetaData,
    StoreKindData,
)
from p2psip_min.wire.diagnostics import DiagnosticExtension, DiagnosticInfo, DiagnosticsRequest, DiagnosticsResponse
from p2psip_min.wire.ice import Candidate, CandidateList, IceCandidate, IceExtension, OverlayLinkType
from p2psip_min.wire.options import DestinationField

__all__ = [
    "BODIES", "AppAttachAns", "AppAttachReq", "ArrayRange", "AttachAns", "AttachReq", "Candidate", "ChordLeaveData",
    "ChordLeaveType", "ChordUpdate", "ChordUpdateType", "ConfigUpdateAns", "ConfigUpdateReq", "ConfigUpdateType",
    "DiagnosticExtension", "DiagnosticInfo", "DiagnosticsRequest", "DiagnosticsResponse", "ErrorCode",
    "ErrorResponse", "FetchAns", "FetchKindResponse", "FetchReq", "FindAns", "FindKindData", "FindReq",
    "IceCandidate", "IceExtension", "JoinAns", "JoinReq", "LeaveAns", "LeaveReq", "MessageCode", "OverlayLinkType",
    "PathTrackAns", "PathTrackReq", "PingAns", "PingReq", "ProbeAns", "ProbeInformation", "ProbeInformationType",
    "ProbeReq", "RouteQueryAns", "RouteQueryReq", "StatAns", "StatKindResponse", "StatReq", "StoreAns",
    "StoreKindData", "StoreKindResponse", "StoreReq", "StoredData", "StoredDataSpecifier", "StoredMetaData",
    "UnknownBody", "UnknownKinds", "UpdateAns", "UpdateReq", "answer_code", "is_request", "method_name",
]  # fmt: skip


def method_name(code: int) -> str:
    """The RFC's name of a message, such as "PingReq"; "0x23" for a code without one."""
    body = BODIES.get(code)
    return "Error" if code == MessageCode.ERROR else body.__name__ if body else f"{code:#04x}"


class ProbeInformationType(enum.IntEnum):
    """What Probe asks (§6.4.2.5); a reader skips others."""

    RESPONSIBLE_SET = 1
    NUM_RESOURCES = 2
    UPTIME = 3


class ConfigUpdateType(enum.IntEnum):
    """What a ConfigUpdate carries (§6.5.4)."""

    CONFIG = 1
    KIND = 2


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
