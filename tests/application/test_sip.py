"""SIP's messages: what goes over a link comes back, and nothing but Malformed comes of anything else."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2psip_min.application import sip
from p2psip_min.errors import Malformed

INVITE = sip.invite(
    caller="bob@example.org", callee="alice@example.org", call_id="00c0ffee00c0ffee", contact="10.0.0.2:5061"
)
TEXT = st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters=":"), min_size=1, max_size=12)


@given(st.lists(st.tuples(TEXT.filter(lambda name: name.lower() != "content-length"), TEXT), max_size=5), st.text())
def test_a_message_survives_the_link(headers: list[tuple[str, str]], body: str) -> None:
    message = sip.SipMessage(method="INVITE", uri="sip:alice@example.org", headers=tuple(headers), body=body)
    assert sip.decode(message.encode()) == message


@given(st.binary(max_size=200))
def test_anything_else_is_malformed(data: bytes) -> None:
    with suppress(Malformed):
        sip.decode(data)


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"INVITE sip:a SIP/2.0\r\n", "without an end"),
        (b"\xff\r\n\r\n", "not UTF-8"),
        (b"INVITE sip:a\r\n\r\n", "three parts"),
        (b"INVITE sip:a SIP/3.0\r\n\r\n", "not a SIP/2.0 request"),
        (b"SIP/2.0 999 No\r\n\r\n", "status out of range"),
        (b"INVITE sip:a SIP/2.0\r\nVia\r\n\r\n", "without a name"),
        (b"INVITE sip:a SIP/2.0\r\nContent-Length: two\r\n\r\n", "not a number"),
        (b"INVITE sip:a SIP/2.0\r\nContent-Length: 2\r\n\r\n", "another length"),
        (b"INVITE sip:a SIP/2.0\r\nContent-Length: " + b"1" * 5000 + b"\r\n\r\n", "not a number"),
        (b"SIP/2.0 " + b"1" * 5000 + b" OK\r\n\r\n", "status out of range"),
        (b"x" * (sip.MAX_BYTES + 1), "too large"),
    ],
)
def test_each_fault_is_named(data: bytes, what: str) -> None:
    with pytest.raises(Malformed, match=what):
        sip.decode(data)


@given(st.integers(1, 40))
def test_a_stream_is_cut_into_messages_wherever_it_is_split(step: int) -> None:
    answer = sip.answer(INVITE, 200, "OK", tag="7", contact="10.0.0.1:5061")
    data = INVITE.encode() + answer.encode()
    reader = sip.SipReader()
    found = [message for at in range(0, len(data), step) for message in reader.feed(data[at : at + step])]
    assert found == [INVITE, answer]


@pytest.mark.parametrize(
    "data",
    [
        b"INVITE sip:a SIP/2.0\r\n\r\n",
        b"INVITE sip:a SIP/2.0\r\nContent-Length: 99999\r\n\r\n",
        b"x" * (sip.MAX_BYTES + 1),
    ],
)
def test_a_stream_without_usable_lengths_is_malformed(data: bytes) -> None:
    with pytest.raises(Malformed):
        sip.SipReader().feed(data)


def test_an_answer_belongs_to_its_request() -> None:
    answer = sip.answer(INVITE, 200, "OK", tag="7", contact="10.0.0.1:5061")
    assert [answer.header(name) for name in ("via", "call-id", "cseq")] == [
        INVITE.header(name) for name in ("Via", "Call-ID", "CSeq")
    ]
    assert answer.header("To") == "<sip:alice@example.org>;tag=7"
    acknowledgement = sip.acknowledge(INVITE, answer)
    assert (acknowledgement.method, acknowledgement.header("CSeq")) == ("ACK", "1 ACK")
    assert acknowledgement.header("To") == answer.header("To")


def test_headers_are_found_replaced_and_taken_off_without_regard_to_case() -> None:
    message = sip.SipMessage(method="ACK", uri="sip:a", headers=(("Via", "one"), ("via", "two"), ("To", "<sip:a>")))
    assert message.all("VIA") == ["one", "two"]
    assert message.without_first("via").all("Via") == ["two"]
    assert message.without_first("From") == message
    assert message.having("to", "x").header("To") == "x"
    assert message.having("From", "x").headers[0] == ("From", "x")


@pytest.mark.parametrize(
    ("header", "address"),
    [
        ("<sip:alice@example.org>;tag=1", "alice@example.org"),
        ("sip:alice@example.org;tag=1", "alice@example.org"),
        ('"Alice" <sip:alice@example.org;transport=tls>', "alice@example.org"),
        ("", ""),
    ],
)
def test_the_address_in_a_header(header: str, address: str) -> None:
    assert sip.address_of(header) == address
