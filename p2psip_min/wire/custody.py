"""What forwarders sign of the messages that they have passed on: a diagnostic Kind of our own (RFC 7851 §5.2, §9.2).

PathTrack asks for it by an extension, and tells it beside the next hop. The answer's signature and its receipt make a
statement of it that can be shown to others.

    CustodyQuestion  = u64 transaction id, Boolean fate                  extension 0xf000 of a DiagnosticsRequest
    CustodyStatement = u8 word, v8<digest of the message>, v16<Exhibit>  diagnostic 0xf000 of a DiagnosticsResponse
"""

from __future__ import annotations

import enum
from typing import Annotated

from p2psip_min.errors import Malformed
from p2psip_min.ids import ResourceID
from p2psip_min.wire.codec import U8, U64, Bool, Listed, Opaque8, decode, encode, nested, structure
from p2psip_min.wire.evidence import Exhibit, request_digest
from p2psip_min.wire.header import Envelope
from p2psip_min.wire.messages import (
    DiagnosticExtension,
    DiagnosticInfo,
    DiagnosticsRequest,
    PathTrackAns,
    PathTrackReq,
)

CUSTODY = 0xF000
"""The Kind, of those that an overlay may define for itself (RFC 7851 §9.2)."""


class Word(enum.IntEnum):
    """What became of a request: it came here, somebody nearer has it, it was for this node, or nobody took it."""

    ARRIVED = 1
    PASSED_ON = 2
    ENDED = 3
    KEPT = 4


@structure
class CustodyQuestion:
    """Has this request come to you; and with ``fate``, what has become of it?"""

    transaction_id: U64
    fate: Bool


@structure
class CustodyStatement:
    """The request as it came had this digest; ``onward`` is the next one's word that it came to him, or nothing."""

    word: U8
    digest: Opaque8
    onward: Annotated[tuple[Exhibit, ...], Listed(2, nested(Exhibit))] = ()


def question(resource: ResourceID, transaction_id: int, *, fate: bool, now: int, expires: int) -> PathTrackReq:
    """The question for a request to ``resource``; times in ms since 1970."""
    wanted = DiagnosticExtension(CUSTODY, encode(CustodyQuestion(transaction_id, fate)))
    return PathTrackReq(resource, DiagnosticsRequest(expires, now, 0, (wanted,)))


def question_in(asked: PathTrackReq) -> CustodyQuestion | None:
    """The question, if nothing else is asked; raises Malformed."""
    request = asked.request
    if request.dm_flags or len(request.extensions) != 1 or request.extensions[0].kind != CUSTODY:
        return None
    return decode(CustodyQuestion, request.extensions[0].contents)


def told(statement: CustodyStatement) -> tuple[DiagnosticInfo, ...]:
    """The diagnostics of an answer that makes this statement."""
    return (DiagnosticInfo(CUSTODY, encode(statement)),)


def statement_in(answer: PathTrackAns) -> CustodyStatement | None:
    """The statement in an answer; None when there is none that can be read."""
    for info in answer.response.diagnostics:
        if info.kind == CUSTODY:
            try:
                return decode(CustodyStatement, info.contents)
            except Malformed:
                return None
    return None


def digest_of(envelope: Envelope) -> bytes:
    """What a receipt calls this request: the digest of what its signature covers; raises Malformed."""
    data, at = envelope.data, envelope.body_offset
    for width in (2, 0):  # code and body, then the extensions
        at += width
        if at + 4 > len(data):
            raise Malformed(at, "contents: cut short")
        at += 4 + int.from_bytes(data[at : at + 4], "big")
    if at > len(data):
        raise Malformed(at, "contents: longer than the message")
    return request_digest(envelope.overlay, envelope.transaction_id, data[envelope.body_offset : at])
