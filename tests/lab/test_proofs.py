"""What signatures are worth to a reader who has the message only."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab.fields import inspect, middle_bit
from lab.frames import Frame, Row
from lab.hands import flip
from lab.proofs import proofs, record_header, record_size
from lab.scenarios.base import RECORD_OVERHEAD
from lab.session import Session


@pytest.fixture(scope="module")
def frame() -> Iterator[Frame]:
    session = Session("RP-2")
    yield session.run()
    session.close()


def first(frame: Frame, method: str) -> Row:
    return next(row for row in frame.rows if row.method == method)


@pytest.mark.parametrize("method", ["StoreReq", "FetchAns"])
def test_a_record_and_its_message_are_proven_by_their_own_signers(frame: Frame, method: str) -> None:
    record, message = proofs(first(frame, method).message, frame.world)
    assert (record.record, record.valid, record.signer.split("@")[0]) == (True, True, "alice")
    assert (message.record, message.valid) == (False, True)


def test_one_bit_of_what_is_signed_spoils_both(frame: Frame) -> None:
    row = first(frame, "StoreReq")
    bit = middle_bit(inspect(row.message, frame.world, row.t), len(row.message))
    assert [one.valid for one in proofs(flip(row.message, bit), frame.world)] == [False, False]


def test_what_hops_rewrite_is_not_covered(frame: Frame) -> None:
    row = first(frame, "StoreReq")
    ttl = 8 * 11
    assert [one.valid for one in proofs(flip(row.message, ttl + 7), frame.world)] == [True, True]


def test_nobody_signs_without_the_defence() -> None:
    session = Session("TR-1")
    found = proofs(session.run().rows[0].message, session.frame().world)
    assert [(one.valid, one.signed) for one in found] == [(None, False), (None, False)]
    session.close()


def test_bytes_that_are_no_message_prove_nothing(frame: Frame) -> None:
    assert proofs(b"\xd2ELO", frame.world) == ()


def test_a_tls_record_adds_what_the_costs_count() -> None:
    message = bytes(100)
    assert record_size(message) == 100 + 8 + RECORD_OVERHEAD
    assert record_header(message).hex(" ") == "17 03 03 00 7d"
