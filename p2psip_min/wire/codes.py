"""The numbers of methods and errors (RFC 6940 §14.8, §14.9; RFC 7851 §9)."""

from __future__ import annotations

import enum


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
