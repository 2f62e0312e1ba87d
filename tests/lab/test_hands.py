"""Messages that somebody lays hands on, inside a node or on the wire, and two runs side by side."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.comparison import compare
from lab.frames import Outcome, Row
from lab.hands import DEEDS, flip
from lab.session import Session
from p2psip_min import trace as events
from p2psip_min.errors import LinkReason, LocalProtocolError, TrustedBase


@pytest.fixture(params=["plain", "tls"])
def session(request: pytest.FixtureRequest) -> Iterator[Session]:
    made = Session("RP-2", links=request.param, attack=False)
    made.run()
    yield made
    made.close()


def first_put(session: Session) -> Row:
    return next(row for row in session.frame(session.length).rows if row.method == "StoreReq")


def forwarded_put(session: Session) -> Row:
    """The first PUT where one peer passes it on to another."""
    first, second = [row for row in session.frame(session.length).rows if row.method == "StoreReq"][:2]
    assert second.transaction_id == first.transaction_id
    return second


@given(data=st.binary(min_size=1, max_size=64), bit=st.integers(min_value=0, max_value=10_000))
def test_a_flip_changes_one_bit_and_comes_back(data: bytes, bit: int) -> None:
    changed = flip(data, bit)
    different = int.from_bytes(data, "big") ^ int.from_bytes(changed, "big")
    assert different.bit_count() == 1
    assert flip(changed, bit) == data
    assert flip(b"", bit) == b""


def test_a_bit_flipped_inside_is_found_by_the_signature(session: Session) -> None:
    row = forwarded_put(session)
    session.touch("flip", row.number, 8 * 120)
    session.run()
    reasons = {event.reason for event in session.trace.select(events.MessageDropped, since=session.stage.start)}
    assert reasons & {"bad signature", "malformed", "unknown signer"}


def test_a_bit_flipped_on_the_wire_breaks_a_tls_link_and_reaches_the_peer_on_a_plain_one(session: Session) -> None:
    session.touch("flip", first_put(session).number, 8 * 120, inside=False)
    session.run()
    closed = {event.reason for event in session.trace.select(events.LinkClosed, since=session.stage.start)}
    dropped = list(session.trace.select(events.MessageDropped, since=session.stage.start))
    if session.choices.links == "TLS":
        assert LinkReason.BAD_RECORD.value in closed
    else:
        assert closed == set()
        assert dropped


@pytest.mark.parametrize("inside", [True, False])
def test_a_dropped_message_is_missed_or_sent_again(session: Session, inside: bool) -> None:
    row = first_put(session)
    before = session.frame(session.length)
    session.touch("drop", row.number, inside=inside)
    session.run()
    after = session.frame()
    found = compare(before, after)
    assert found.first is not None
    if inside:
        assert after.rows[0].outcome is Outcome.FLIGHT  # nobody ever had it; the request was repeated
        assert len(after.rows) > len(before.rows)
    else:
        assert len(after.rows) == len(before.rows)  # the link repeats what the wire lost
        assert after.rows[1].t > before.rows[1].t


@pytest.mark.parametrize("deed", DEEDS)
@pytest.mark.parametrize("inside", [True, False])
def test_a_card_brings_hands_back(session: Session, deed: str, inside: bool) -> None:
    session.touch(deed, forwarded_put(session).number, 5, inside=inside)
    session.run()
    again = Session.from_card(session.card)
    assert again.frame() == session.frame()
    assert again.overlay.digest() == session.overlay.digest()
    again.close()


def test_what_was_done_later_is_undone_by_an_earlier_act(session: Session) -> None:
    session.touch("delay", forwarded_put(session).number, 1)
    session.touch("drop", first_put(session).number)
    assert [act.name for act in session.choices.acts] == ["drop"]


def test_hands_leave_a_run_alone_until_their_message_comes(session: Session) -> None:
    before = session.frame(session.length).rows
    last = next(row for row in reversed(before) if row.method == "StoreReq")
    session.touch("drop", last.number)
    session.run()
    assert session.frame().rows[: last.number - 2] == before[: last.number - 2]


def test_what_hands_cannot_do_is_refused(session: Session) -> None:
    with pytest.raises(ValueError, match="known: flip, drop, delay, duplicate, resend"):
        session.touch("eat", 1)
    with pytest.raises(LocalProtocolError, match="no message 999"):
        session.touch("drop", 999)


def test_a_trusted_peer_keeps_its_hands_clean_and_the_wire_does_not() -> None:
    session = Session("TR-1", base="trusted", attack=False)
    session.run()
    row = next(row for row in session.frame().rows if len(row.hops) == 2 and not row.answer and row.number > 1)
    with pytest.raises(TrustedBase):
        session.touch("drop", row.number)
    session.touch("drop", row.number, inside=False)
    session.close()


def test_the_other_run_is_the_one_before_the_change(session: Session) -> None:
    untouched = session.frame(session.length)
    session.touch("duplicate", first_put(session).number)
    other = session.other()
    assert other.frame() == untouched
    found = session.compare(other)
    assert found.first is not None
    assert found.first_number > 0
    assert all(pair.same for pair in found.pairs[: found.first])
    other.close()


def test_equal_runs_do_not_differ(session: Session) -> None:
    frame = session.frame()
    found = compare(frame, frame)
    assert (found.first, found.first_number) == (None, 0)
    assert [pair.left for pair in found.pairs] == list(frame.rows)


def test_a_defence_differs_where_it_first_shows() -> None:
    session = Session("RP-2", links="plain")
    session.run()
    session.set("version-counter", True)
    session.run()
    other = session.other()
    found = session.compare(other)
    assert found.first is not None
    pair = found.pairs[found.first]
    assert pair.left is not None or pair.right is not None
    assert found.first > 0
    other.close()
    session.close()
