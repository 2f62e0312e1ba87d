"""What can be shown to others: receipts in answers, and reports to the configuration server (draft 7.2.12).

A message's signature covers its own contents and the transaction id (RFC 6940 §6.3.4). What it is an answer to, and
when it was given, nothing says; a receipt does, so that a third party can hold two statements of one node together.

    AnswerReceipt  = u64 time (ms since 1970), v8<digest of the request>        extension 161 of an answer, not critical
    Exhibit        = v24<the request's contents>, v24<the whole answer>
    Report         = accused, u8 plea, v24<Exhibit>                             followed by the reporter's SecurityBlock
"""

from __future__ import annotations

import enum
import hashlib
from typing import Annotated

from cryptography.hazmat.primitives.asymmetric import ec

from p2psip_min.errors import Malformed
from p2psip_min.wire.codec import (
    U8,
    U64,
    Listed,
    NodeField,
    Opaque8,
    Opaque24,
    decode,
    decoder_of,
    encode,
    nested,
    structure,
)
from p2psip_min.wire.message import Message, MessageExtension, message_input
from p2psip_min.wire.security import (
    SecurityBlock,
    SignerIdentity,
    decode_security,
    encode_identity,
    encode_security,
    sign,
)

ANSWER_RECEIPT = 161
"""Extension of our own to answers (§14.14 has it free)."""


@structure
class AnswerReceipt:
    """To which request this is the answer, and when it was given, by the answering node's clock."""

    time: U64
    request_digest: Opaque8


class Plea(enum.IntEnum):
    """What a report says of the accused."""

    COMPLAINT = 1
    VOUCH = 2
    EVIDENCE = 3


@structure
class Exhibit:
    """A request's contents and the whole answer to it, as they were sent."""

    request: Opaque24
    answer: Opaque24


@structure
class Report:
    """What one node says of another, with what it can show for it."""

    accused: NodeField
    plea: U8
    exhibits: Annotated[tuple[Exhibit, ...], Listed(3, nested(Exhibit))] = ()


def request_digest(overlay: int, transaction_id: int, contents: bytes) -> bytes:
    """SHA-256 of what a request's signature covers, but for who signed it."""
    return hashlib.sha256(message_input(overlay, transaction_id, contents, b"")).digest()


def receipt_for(request: Message, time: int) -> MessageExtension:
    """The receipt that an answer to ``request`` carries; ``time`` in ms since 1970."""
    digest = request_digest(request.overlay, request.transaction_id, request.contents)
    return MessageExtension(ANSWER_RECEIPT, False, encode(AnswerReceipt(time, digest)))


def receipt_in(answer: Message) -> AnswerReceipt | None:
    """The receipt in an answer; None when there is none that can be read."""
    for extension in answer.extensions:
        if extension.type == ANSWER_RECEIPT:
            try:
                return decode(AnswerReceipt, extension.contents)
            except Malformed:
                return None
    return None


def report_input(overlay: int, report: bytes, identity: SignerIdentity) -> bytes:
    """What a report's signature covers: the overlay, the report and who signed it."""
    return message_input(overlay, 0, report, encode_identity(identity))


def seal_report(
    report: Report, overlay: int, certificate: bytes, identity: SignerIdentity, key: ec.EllipticCurvePrivateKey
) -> bytes:
    """The bytes of a report signed by ``identity``, whose certificate (DER) comes along."""
    body = encode(report)
    return body + encode_security(
        SecurityBlock((certificate,), sign(key, identity, report_input(overlay, body, identity)))
    )


def open_report(data: bytes) -> tuple[Report, bytes, SecurityBlock]:
    """A report, its own bytes and its security block, else Malformed; nothing is judged here."""
    report, at = decoder_of(Report)(data, 0, len(data), None)
    security, end = decode_security(data, at, len(data))
    if end != len(data):
        raise Malformed(end, "report: trailing bytes")
    return report, data[:at], security
