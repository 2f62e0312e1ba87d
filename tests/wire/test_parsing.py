"""Strict and lenient reading: the same of what is right, and what becomes of what is not (draft 11.4)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2psip_min.errors import Malformed, Overrun
from p2psip_min.ids import NodeID
from p2psip_min.wire.header import NODE_PREFIX, Envelope, open_envelope
from p2psip_min.wire.kinds import IANA_KINDS
from p2psip_min.wire.message import decode_message, encode_contents, encode_message
from p2psip_min.wire.messages import PingReq
from p2psip_min.wire.parsing import UNREAD, Lenient, Strict
from p2psip_min.wire.security import UNSIGNED_BLOCK, encode_security

TARGET = NODE_PREFIX + NodeID(b"\x02" * 16)
SECURITY = encode_security(UNSIGNED_BLOCK)


def message(contents: bytes, security: bytes = SECURITY, **header: Any) -> Envelope:
    fields: dict[str, Any] = {"overlay": 7, "configuration_sequence": 1, "ttl": 9, "transaction_id": 3} | header
    return open_envelope(encode_message(destinations=TARGET, contents=contents, security=security, **fields))


PING = encode_contents(PingReq(b"padding"))
RIGHT = message(PING)
WRONG = {
    "padding longer than the message": message(encode_contents(PingReq(bytes(0x4000)))[:20], b""),
    "no end": message(PING[:-4], b""),
}
"""What leads a parser beyond the message's end."""


def test_what_is_right_is_read_alike() -> None:
    assert (
        Strict().decode(RIGHT, IANA_KINDS) == Lenient().decode(RIGHT, IANA_KINDS) == decode_message(RIGHT, IANA_KINDS)
    )


@pytest.mark.parametrize("envelope", WRONG.values(), ids=WRONG)
def test_what_leads_beyond_the_end_is_refused_or_ends_the_process(envelope: Envelope) -> None:
    with pytest.raises(Malformed):
        Strict().decode(envelope, IANA_KINDS)
    with pytest.raises(Overrun):
        Lenient().decode(envelope, IANA_KINDS)


@pytest.mark.parametrize(
    "security",
    [
        b"\x00\x00\x04\x03\x00\x00\x00\x00\x00",  # a signer of type 0
        b"\x00\x04\x01\x00\x01x" + SECURITY[2:],  # a certificate that is not X.509
        b"\x40\x00\x00\x3f\xfd",  # a certificate longer than the message
    ],
)
def test_a_signature_that_makes_no_sense_is_refused_or_passed_over(security: bytes) -> None:
    envelope = message(PING, security)
    with pytest.raises(Malformed):
        Strict().decode(envelope, IANA_KINDS)
    taken = Lenient().decode(envelope, IANA_KINDS)
    assert (taken.body, taken.security is UNREAD, taken.contents) == (PingReq(b"padding"), True, PING)


def test_what_nothing_can_be_made_of_is_refused_by_both() -> None:
    lost = message(PING, via=b"\x07\x00")
    for policy in (Strict(), Lenient()):
        with pytest.raises(Malformed):
            policy.decode(lost, IANA_KINDS)


def test_bytes_behind_the_message_are_let_pass_by_the_lenient() -> None:
    envelope = message(PING, SECURITY + b"trailing")
    with pytest.raises(Malformed, match="trailing"):
        Strict().decode(envelope, IANA_KINDS)
    assert Lenient().decode(envelope, IANA_KINDS).security == UNSIGNED_BLOCK


@given(st.integers(0, len(PING + SECURITY) - 1), st.integers(0, 255))
def test_a_strict_parser_raises_nothing_but_malformed(at: int, byte: int) -> None:
    raw = PING + SECURITY
    changed = raw[:at] + bytes((byte,)) + raw[at + 1 :]
    try:
        Strict().decode(message(changed, b""), IANA_KINDS)
    except Malformed:
        return
