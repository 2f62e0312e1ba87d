"""Join control: who may come in as a peer now, and what a permit has to be."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2psip_min.enrollment.authority import Authority
from p2psip_min.enrollment.certificates import Credential
from p2psip_min.enrollment.joincontrol import (
    MEMORY,
    PERMIT_LIFETIME,
    PLEA_AGE,
    BlackList,
    History,
    JoinControl,
    NoBlackList,
    NoJoinControl,
    PermitDesk,
    Place,
    Probation,
    keeper,
    permitted,
    signer,
    state,
)
from p2psip_min.enrollment.keys import derive_key
from p2psip_min.enrollment.policy import DAY
from p2psip_min.enrollment.registrar import Registrar
from p2psip_min.enrollment.trust import TrustStore
from p2psip_min.errors import JoinReason, Malformed
from p2psip_min.ids import ID_LENGTH, NodeID, overlay_hash
from p2psip_min.wire.codec import decode, encode
from p2psip_min.wire.permits import Statement, read_refusal
from tests.enrollment.conftest import ALICE, BOB, NODE, OVERLAY

HASH = overlay_hash(OVERLAY)
IDS = st.binary(min_size=ID_LENGTH, max_size=ID_LENGTH).map(NodeID)


# --- tracks -----------------------------------------------------------------------------------------------------------


@given(st.lists(st.floats(0.0, 30.0), max_size=60), st.integers(1, 4))
def test_nobody_comes_oftener_than_the_rule_says_and_everybody_comes_again(pauses: list[float], joins: int) -> None:
    history, now = History(JoinControl(joins=joins, window=60.0, denied=90.0), Probation()), 0.0
    came: list[float] = []
    for pause in pauses:
        now += pause
        refused = history.ask("carol", now)
        if refused is None:
            came.append(now)
        else:
            assert refused.reason is JoinReason.TOO_OFTEN
            assert now < refused.until <= now + 90.0
            assert history.look("carol", refused.until) is None or history.look("carol", refused.until + 60.0) is None
    for first, last in zip(came, came[joins:], strict=False):
        assert last - first >= 60.0


def test_asking_while_one_is_out_does_not_prolong_it() -> None:
    history = History(JoinControl(joins=1, window=60.0, denied=100.0), Probation())
    assert history.ask("carol", 0.0) is None
    until = [refused.until for second in range(1, 100) if (refused := history.ask("carol", float(second)))]
    assert set(until) == {101.0}
    assert history.ask("carol", 101.0) is None


def test_tracks_are_apart() -> None:
    history = History(JoinControl(joins=1), Probation())
    assert history.ask("carol", 0.0) is None
    assert history.ask("dave", 0.0) is None
    assert history.ask("carol", 1.0) is not None
    assert history.look("erin", 1.0) is None


def test_a_newcomer_is_on_probation_from_its_first_request_on() -> None:
    history = History(NoJoinControl(), Probation(60.0))
    refused = history.ask("carol", 5.0)
    assert refused is not None
    assert (refused.reason, refused.until) == (JoinReason.PROBATION, 65.0)
    assert history.too_often("carol", 6.0) is None
    assert history.ask("carol", 65.0) is None


def test_what_was_seen_to_go_counts_as_what_came() -> None:
    history = History(JoinControl(Place.NEIGHBORS, joins=2), Probation())
    for second in (0.0, 10.0):
        assert history.too_often("carol", second) is None
        history.gone("carol", second + 5.0)
    assert history.too_often("carol", 20.0) is not None


def test_an_entity_forgets_the_oldest_before_it_fills_up() -> None:
    history = History(JoinControl(joins=1), Probation())
    for number in range(MEMORY + 1):
        history.ask(number, 0.0)
    assert history.look(MEMORY, 1.0) is not None
    assert history.look(0, 1.0) is None


def test_a_black_list_knows_node_ids_and_nothing_else() -> None:
    other = NodeID(bytes(16))
    assert BlackList().covers(NODE, (NODE,))
    assert not BlackList().covers(other, (NODE,))
    assert not NoBlackList().covers(NODE, (NODE,))


@given(st.lists(IDS, min_size=1, max_size=5, unique=True), IDS)
def test_every_newcomer_has_one_keeper_whoever_is_asked(entities: list[NodeID], joining: NodeID) -> None:
    found = keeper(joining, entities)
    assert found in entities
    assert found == keeper(joining, entities[::-1])


def test_where_there_is_no_entity_nobody_keeps_a_track() -> None:
    assert keeper(NODE, ()) is None


# --- permits ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def bob(registrar: Registrar) -> Credential:
    return registrar.issue_offline(derive_key(7, "bob"), BOB, "tulip", 0.0)


def test_a_permit_is_good_for_its_node_its_time_and_its_keeper(
    alice: Credential, bob: Credential, trust: TrustStore
) -> None:
    permit = encode(state(alice, NODE, HASH, 100.0))

    def good(
        data: bytes = permit, joining: NodeID = NODE, entities: tuple[NodeID, ...] = alice.node_ids, now: float = 50.0
    ) -> bool:
        return permitted(data, joining, entities, HASH, trust, now)

    assert good()
    assert good(now=100.0)
    assert not good(now=100.001)
    assert not good(joining=NodeID(bytes(16)))
    assert not good(entities=bob.node_ids)
    assert not good(entities=())
    assert not good(data=b"")
    assert not good(data=permit[:-1])
    assert not good(data=permit[:16] + b"\xff" + permit[17:])
    both = (*alice.node_ids, *bob.node_ids)
    assert good(entities=both) == (keeper(NODE, both) in alice.node_ids)
    assert not permitted(permit, NODE, alice.node_ids, HASH ^ 1, trust, 50.0)


def test_a_permit_of_another_authority_is_none(trust: TrustStore, alice: Credential) -> None:
    other = Authority.create("Other", derive_key(8, "authority"), serial=1, not_before=-DAY, not_after=DAY)
    der = other.issue(
        alice.private_key.public_key(), node_ids=alice.node_ids, user=ALICE, overlay=OVERLAY, serial=3,
        not_before=0.0, not_after=DAY,
    )  # fmt: skip
    forged = Credential(node_ids=alice.node_ids, user=ALICE, certificate=der, private_key=alice.private_key)
    assert not permitted(encode(state(forged, NODE, HASH, 100.0)), NODE, alice.node_ids, HASH, trust, 50.0)


# --- the desk ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def desk(registrar: Registrar, trust: TrustStore, bob: Credential) -> PermitDesk:
    return PermitDesk(OVERLAY, registrar.ledger, bob, trust, History(JoinControl(joins=2), Probation()))


def plea(credential: Credential, when: float, joining: NodeID | None = None) -> bytes:
    return encode(state(credential, joining or credential.node_id, HASH, when))


def test_a_desk_gives_permits_until_it_is_too_often(
    desk: PermitDesk, alice: Credential, bob: Credential, trust: TrustStore
) -> None:
    for second in (1.0, 2.0):
        permit = desk.answer(plea(alice, second), second)
        assert permitted(permit, alice.node_id, bob.node_ids, HASH, trust, second + PERMIT_LIFETIME)
    found = read_refusal(desk.answer(plea(alice, 3.0), 3.0))
    assert found is not None
    assert found[0] is JoinReason.TOO_OFTEN


def test_all_node_ids_of_a_customer_count_together(registrar: Registrar, desk: PermitDesk, alice: Credential) -> None:
    account = registrar.ledger.accounts[ALICE]
    account.identities[0].node_ids = (*alice.node_ids, NODE)
    for second in (1.0, 2.0):
        desk.answer(plea(alice, second), second)
    assert read_refusal(desk.answer(plea(alice, 3.0), 3.0)) is not None


@pytest.mark.parametrize(
    ("when", "now"), [(10.0, 10.0 + PLEA_AGE + 0.1), (10.0, 9.0)], ids=["too late", "from the future"]
)
def test_a_desk_takes_no_plea_of_another_time(desk: PermitDesk, alice: Credential, when: float, now: float) -> None:
    with pytest.raises(Malformed, match="proves nothing"):
        desk.answer(plea(alice, when), now)


def test_a_desk_takes_a_plea_once_and_from_the_node_itself(
    desk: PermitDesk, alice: Credential, bob: Credential
) -> None:
    first, second = plea(alice, 1.0), plea(alice, 2.0)
    desk.answer(second, 2.0)
    for again in (second, first, plea(bob, 2.0, alice.node_id), b"nonsense"):
        with pytest.raises(Malformed):
            desk.answer(again, 2.5)


def test_a_statement_that_was_changed_is_signed_by_nobody(alice: Credential, trust: TrustStore) -> None:
    made = state(alice, NODE, HASH, 100.0)
    assert signer(made, HASH, trust, 1.0) is not None
    assert signer(Statement(NODE, made.time + 1, made.security), HASH, trust, 1.0) is None
    assert decode(Statement, encode(made)) == made


def test_places_are_four_and_the_rule_is_one() -> None:
    rules = [JoinControl(place) for place in Place]
    assert [rule.joins for rule in rules] == [2] * 4
    assert all(one != other for one, other in pairwise(rules))
