"""Overlay diagnostics: what PathTrack and an extended Ping ask and tell (RFC 7851 §5)."""

from __future__ import annotations

from typing import Annotated, Any

from p2psip_min.errors import Malformed
from p2psip_min.wire.codec import (
    U8,
    U16,
    U32,
    U64,
    Listed,
    Opaque16,
    Opaque32,
    decoder_of,
    encode,
    hand_written,
    nested,
    register,
    structure,
)

PING_EXTENSION = 2
"""Message extension by which a Ping asks for diagnostics; not critical (RFC 7851 §4.2)."""


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
