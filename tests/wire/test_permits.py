"""The bytes of join control, spelled field by field."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2psip_min.errors import JoinReason
from p2psip_min.ids import NodeID
from p2psip_min.wire.codec import decode, encode
from p2psip_min.wire.messages import JoinReq
from p2psip_min.wire.permits import Statement, read_refusal, read_statement, refusal, statement_input
from p2psip_min.wire.security import SecurityBlock, Signature, SignerIdentity

NODE = NodeID(bytes(range(16)))
STATEMENT = Statement(
    NODE, 0x0102030405060708, SecurityBlock((b"CERT",), Signature(4, 3, SignerIdentity(1, 4, b"\xaa\xbb"), b"SIG"))
)
BYTES = bytes.fromhex(
    "000102030405060708090a0b0c0d0e0f"  # joining
    "0102030405060708"  # time
    "0007"  # certificates
    "00"  # X.509
    "0004" + b"CERT".hex()  # a certificate
    + "04"  # SHA-256
    "03"  # ECDSA
    "01"  # identity: digest of the certificate
    "0004"
    "04"  # SHA-256
    "02aabb"
    "0003" + b"SIG".hex()
)  # fmt: skip


def test_a_permit_in_bytes() -> None:
    assert encode(STATEMENT) == BYTES
    assert decode(Statement, BYTES) == STATEMENT
    assert read_statement(BYTES, NODE) == STATEMENT


def test_what_its_signature_covers() -> None:
    covered = bytes.fromhex("deadbeef000102030405060708090a0b0c0d0e0f01020304050607080100040402aabb")
    assert statement_input(0xDEADBEEF, STATEMENT) == covered


def test_it_travels_in_the_field_that_joins_leave_to_the_overlay() -> None:
    request = encode(JoinReq(NODE, BYTES))
    assert request == NODE + len(BYTES).to_bytes(2, "big") + BYTES


def test_what_is_cut_short_or_about_another_node_is_no_statement() -> None:
    assert read_statement(BYTES, NodeID(bytes(16))) is None
    for length in range(len(BYTES)):
        assert read_statement(BYTES[:length], NODE) is None
    assert read_statement(BYTES + b"x", NODE) is None


def test_a_refusal_is_text() -> None:
    assert refusal(JoinReason.TOO_OFTEN, 1767225660000) == b"came and went too often; as a peer from 1767225660000"


@given(st.sampled_from(JoinReason), st.integers(0, 10**15 - 1))
def test_a_refusal_is_read_as_it_was_written(reason: JoinReason, time: int) -> None:
    assert read_refusal(refusal(reason, time)) == (reason, time)


@pytest.mark.parametrize("info", [b"", b"no", b"some day; as a peer from 12", b"forbidden; as a peer from x", b"\xff"])
def test_other_text_is_no_refusal(info: bytes) -> None:
    assert read_refusal(info) is None
