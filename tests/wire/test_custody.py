"""What forwarders are asked about requests and say of them, byte by byte (draft 7.2.12, RFC 7851 §5)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from p2psip_min.errors import Malformed
from p2psip_min.ids import ResourceID
from p2psip_min.wire.codec import decode, encode
from p2psip_min.wire.custody import (
    CUSTODY,
    CustodyQuestion,
    CustodyStatement,
    Word,
    digest_of,
    question,
    question_in,
    statement_in,
    told,
)
from p2psip_min.wire.evidence import Exhibit, request_digest
from p2psip_min.wire.header import open_envelope
from p2psip_min.wire.message import MessageExtension, encode_contents, encode_message
from p2psip_min.wire.messages import DiagnosticInfo, DiagnosticsResponse, PathTrackAns, PathTrackReq, PingReq
from p2psip_min.wire.security import UNSIGNED_BLOCK, encode_security

K = ResourceID(bytes.fromhex("bb" * 16))


def spelled(text: str) -> bytes:
    return bytes.fromhex("".join(line.split("|")[0] for line in text.splitlines()))


def test_a_question_is_a_transaction_in_a_diagnostic_extension_of_our_own() -> None:
    asked = question(K, 0x0102030405060708, fate=True, now=0x11, expires=0x22)
    raw = spelled(
        f"""
        02 11 10 {"bb" * 16}                                   | destination: the key
        0000000000000022 0000000000000011 0000000000000000     | expires, asked, no flags
        0000000f 0000000f f000 00000009                        | one extension of 15 bytes: Kind, length
        0102030405060708 01                                    | transaction, what became of it
        """
    )
    assert encode(asked) == raw
    assert question_in(decode(PathTrackReq, raw)) == CustodyQuestion(0x0102030405060708, True)


def test_a_statement_is_a_word_a_digest_and_the_next_one_s_word() -> None:
    statement = CustodyStatement(Word.PASSED_ON, b"\xdd\xee", (Exhibit(b"\x01", b"\x02\x03"),))
    assert encode(statement) == spelled(
        """
        02 02ddee           | passed on, digest
        0009                | one exhibit
        000001 01           | the question to the next one
        000002 0203         | its answer
        """
    )
    (info,) = told(statement)
    assert info == DiagnosticInfo(CUSTODY, encode(statement))
    answer = PathTrackAns(K, DiagnosticsResponse(1, 2, 3, 4, (DiagnosticInfo(1, b""), info)))
    assert statement_in(answer) == statement
    assert statement_in(PathTrackAns(K, DiagnosticsResponse(1, 2, 3, 4))) is None
    spoilt = DiagnosticsResponse(1, 2, 3, 4, (DiagnosticInfo(CUSTODY, info.contents[:-1]),))
    assert statement_in(PathTrackAns(K, spoilt)) is None


def test_what_asks_for_something_else_is_no_question() -> None:
    asked = question(K, 1, fate=False, now=1, expires=2)
    assert question_in(replace(asked, request=replace(asked.request, dm_flags=2))) is None
    assert question_in(replace(asked, request=replace(asked.request, extensions=()))) is None
    (wanted,) = asked.request.extensions
    other = replace(asked.request, extensions=(replace(wanted, kind=CUSTODY + 1),))
    assert question_in(replace(asked, request=other)) is None
    spoilt = replace(asked.request, extensions=(replace(wanted, contents=b"\x00"),))
    with pytest.raises(Malformed):
        question_in(replace(asked, request=spoilt))


def test_a_request_is_called_by_what_its_signature_covers_whatever_way_it_took() -> None:
    contents = encode_contents(PingReq(b"pad"), (MessageExtension(7, False, b"more"),))

    def sent(ttl: int, via: bytes, contents: bytes = contents) -> bytes:
        return encode_message(
            overlay=3, configuration_sequence=1, ttl=ttl, transaction_id=5, via=via,
            destinations=b"\x02\x11\x10" + K, contents=contents, security=encode_security(UNSIGNED_BLOCK),
        )  # fmt: skip

    expected = request_digest(3, 5, contents)
    assert digest_of(open_envelope(sent(9, b""))) == digest_of(open_envelope(sent(3, b"\x01\x10" + K))) == expected
    assert digest_of(open_envelope(sent(9, b"", encode_contents(PingReq(b"pat"))))) != expected
    whole = sent(9, b"")
    cut = open_envelope(whole)
    cut.data = whole[: cut.body_offset + len(contents) - 1]
    with pytest.raises(Malformed):
        digest_of(cut)
    cut.data = whole[: cut.body_offset + 3]
    with pytest.raises(Malformed):
        digest_of(cut)
