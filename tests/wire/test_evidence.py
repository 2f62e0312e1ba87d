"""Receipts and reports, byte by byte (draft 7.2.12)."""

from __future__ import annotations

import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from p2psip_min.errors import Malformed
from p2psip_min.ids import NodeID
from p2psip_min.wire.codec import decode, encode
from p2psip_min.wire.evidence import (
    ANSWER_RECEIPT,
    AnswerReceipt,
    Exhibit,
    Plea,
    Report,
    open_report,
    receipt_for,
    receipt_in,
    report_input,
    request_digest,
    seal_report,
)
from p2psip_min.wire.kinds import IANA_KINDS
from p2psip_min.wire.message import MessageExtension, decode_contents, decode_message, encode_contents, encode_message
from p2psip_min.wire.messages import PingAns, PingReq
from p2psip_min.wire.security import UNSIGNED_BLOCK, SignerIdentity, encode_security, verify

N = NodeID(bytes.fromhex("aa" * 16))
KEY = ec.derive_private_key(1, ec.SECP256R1())
NOBODY = SignerIdentity(3)


def spelled(text: str) -> bytes:
    return bytes.fromhex("".join(line.split("|")[0] for line in text.splitlines()))


def message(contents: bytes, transaction: int = 0x0102030405060708) -> bytes:
    return encode_message(
        overlay=0x11223344, configuration_sequence=1, ttl=9, transaction_id=transaction, destinations=b"\x01\x10" + N,
        contents=contents, security=encode_security(UNSIGNED_BLOCK),
    )  # fmt: skip


def test_choice_26_a_receipt_is_a_time_and_a_digest_in_an_extension() -> None:
    asked = decode_message(message(encode_contents(PingReq())), IANA_KINDS)
    covered = spelled(
        """
        11223344 0102030405060708       | overlay, transaction
        0017 00000002 0000 00000000     | contents: PingReq without padding, no extensions
        """
    )
    digest = hashlib.sha256(covered).digest()
    assert request_digest(asked.overlay, asked.transaction_id, asked.contents) == digest
    answer = encode_contents(PingAns(5, 6), (receipt_for(asked, 0x1122),))
    assert answer == spelled(
        f"""
        0018 00000010 0000000000000005 0000000000000006     | PingAns
        00000030                                            | extensions, 48 bytes
        00a1 00 00000029                                    | type 161, not critical, 41 bytes
        0000000000001122 20 {digest.hex()}                  | time, digest behind its length
        """
    )
    found = receipt_in(decode_message(message(answer), IANA_KINDS))
    assert found == AnswerReceipt(0x1122, digest)


def test_a_receipt_that_cannot_be_read_is_none() -> None:
    for contents in (b"", bytes(8), bytes(8) + b"\x05xx"):
        answer = encode_contents(PingAns(5, 6), (MessageExtension(ANSWER_RECEIPT, False, contents),))
        assert receipt_in(decode_message(message(answer), IANA_KINDS)) is None
    assert receipt_in(decode_message(message(encode_contents(PingAns(5, 6))), IANA_KINDS)) is None


def test_a_report_names_the_accused_and_shows_exhibits() -> None:
    report = Report(N, Plea.EVIDENCE, (Exhibit(b"ask", b"answer"),))
    raw = spelled(
        """
        aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa 03      | the accused, evidence
        00000f                                  | exhibits, 15 bytes
        000003 61736b 000006 616e73776572       | a request's contents, the answer to it
        """
    )
    assert encode(report) == raw
    assert decode(Report, raw) == report


def test_a_report_is_signed_for_its_overlay() -> None:
    report = Report(N, Plea.COMPLAINT)
    data = seal_report(report, 0x11223344, b"certificate", NOBODY, KEY)
    opened, body, security = open_report(data)
    assert opened == report
    assert body == encode(report)
    assert security.certificates == (b"certificate",)
    assert verify(KEY.public_key(), security.signature, report_input(0x11223344, body, NOBODY))
    assert not verify(KEY.public_key(), security.signature, report_input(0x11223345, body, NOBODY))


def test_what_is_no_report_is_malformed() -> None:
    data = seal_report(Report(N, Plea.VOUCH), 1, b"", NOBODY, KEY)
    for size in range(len(data)):
        with pytest.raises(Malformed):
            open_report(data[:size])
    with pytest.raises(Malformed):
        open_report(data + b"x")


def test_contents_alone_are_read_as_in_a_message() -> None:
    contents = encode_contents(PingReq(b"xy"), (MessageExtension(9, False, b"e"),))
    assert decode_contents(contents, IANA_KINDS) == PingReq(b"xy")
    for size in range(len(contents)):
        with pytest.raises(Malformed):
            decode_contents(contents[:size], IANA_KINDS)
    with pytest.raises(Malformed):
        decode_contents(contents + b"x", IANA_KINDS)
    with pytest.raises(Malformed):
        decode_contents(b"\x00\x17\x00\x00\x00\x03\x00\x00x\x00\x00\x00\x00", IANA_KINDS)
