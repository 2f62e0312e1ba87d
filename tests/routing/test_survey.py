"""Looking around a key: the right owner among honest nodes, among dead ones, and in spite of one liar."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from p2psip_min.ids import NodeID
from p2psip_min.routing.iterative import Ask
from p2psip_min.routing.survey import MAX_QUESTIONS, Survey
from p2psip_min.routing.topology.buckets import Buckets
from p2psip_min.routing.topology.chord import Chord
from p2psip_min.routing.topology.fullmesh import FullMesh
from tests.routing.topology_suite import make_ids, make_keys

RING = make_ids(80, 41)
FACTORIES = [Chord, FullMesh, Buckets]
Says = Callable[[NodeID, bytes], Iterable[NodeID]]


def settled(factory: Any) -> dict[NodeID, Any]:
    """A settled overlay of eighty."""
    made = {one: factory(one) for one in RING}
    for table in made.values():
        table.settle(RING)
    return made


def owner_of(made: dict[NodeID, Any], key: bytes) -> NodeID:
    (owner,) = [node for node, table in made.items() if table.responsible(key)]
    return owner


def truth(made: dict[NodeID, Any]) -> Says:
    """What an honest node states: whom it knows."""
    return lambda node, key: tuple(dict.fromkeys((*made[node].neighbors(), *made[node].table())))[:15]


def look(survey: Survey, says: Says, dead: Iterable[NodeID] = (), blocks: NodeID | None = None) -> Survey:
    """Ask until nobody is left; the ``dead`` do not answer, and nobody is reached through ``blocks``."""
    while questions := survey.questions():
        for question in questions:
            if (
                question.node in dead
                or question.via in dead
                or question.via == blocks is not None
                or question.node not in RING
            ):
                survey.failed(question.node)
            else:
                survey.stated(question.node, says(question.node, survey.key))
    return survey


def from_each(made: dict[NodeID, Any], seed: int) -> Iterable[tuple[Any, bytes]]:
    """A starting node for each of some keys, not responsible for it."""
    for start, key in zip(RING, make_keys(80, seed), strict=True):
        if not made[start].responsible(key):
            yield made[start], key


def around(table: Any, key: bytes, claimed: Iterable[NodeID] = ()) -> Survey:
    return Survey(table, key, (*table.table(), *claimed), witnesses=3)


@pytest.mark.parametrize("factory", FACTORIES)
def test_where_all_tell_the_truth_the_owner_is_found_and_few_are_asked(factory: Any) -> None:
    made = settled(factory)
    for table, key in from_each(made, 42):
        survey = look(around(table, key), truth(made))
        assert survey.owner() == owner_of(made, key)
        assert len(survey._heard) <= 16


@pytest.mark.parametrize("factory", FACTORIES)
def test_one_liar_next_to_the_key_changes_nothing(factory: Any) -> None:
    made, dice = settled(factory), random.Random(43)
    honest = truth(made)
    for table, key in from_each(made, 44):
        owner = owner_of(made, key)
        way = [table.node_id]
        while (following := made[way[-1]].next_hop(key)) is not None:
            way.append(following)
        liar = way[-2]
        if liar == table.node_id:
            continue
        invented = [NodeID(dice.getrandbits(128).to_bytes(16, "big")) for _ in range(6)]
        invented += [NodeID.from_int((int.from_bytes(key, "big") + step) % (1 << 128)) for step in range(1, 7)]
        friends = [dice.choice(RING) for _ in range(4)]

        told = (liar, *[one for one in (*invented, *friends) if one != owner])

        def says(node: NodeID, key: bytes, liar: NodeID = liar, told: Any = told) -> Iterable[NodeID]:
            return told if node == liar else honest(node, key)

        assert look(around(table, key, (liar,)), says, blocks=liar).owner() == owner


def errors(share: float, witnesses: int) -> float:
    """How often a true root is taken for a false one where this share of peers lies together, naming each other."""
    made, wrong, judged = settled(Chord), 0, 0
    honest = truth(made)
    for seed in range(50, 54):
        dice = random.Random(seed)
        for table, key in from_each(made, seed):
            liars = [node for node in RING if node != table.node_id and dice.random() < share]

            def says(node: NodeID, key: bytes, liars: Any = tuple(liars)) -> Iterable[NodeID]:
                at = int.from_bytes(key, "big")
                near = sorted(liars, key=lambda liar: (int.from_bytes(liar, "big") - at) % (1 << 128))
                return near[:15] if node in liars else honest(node, key)

            owner = owner_of(made, key)
            if owner not in liars:
                judged += 1
                wrong += look(Survey(table, key, table.table(), witnesses=witnesses), says).owner() != owner
    return wrong / judged


def test_liars_that_work_together_hide_a_root_where_they_surround_it() -> None:
    few, many = errors(0.1, 3), errors(0.25, 3)
    assert few <= 0.02
    assert few <= many <= 0.12, "then it takes more witnesses"
    assert errors(0.25, 6) < many
    assert errors(0.0, 1) == 0.0


@pytest.mark.parametrize("factory", FACTORIES)
def test_who_does_not_answer_is_no_owner(factory: Any) -> None:
    made = settled(factory)
    for table, key in list(from_each(made, 45))[:20]:
        owner = owner_of(made, key)
        left = [node for node in RING if node != owner]
        heir = owner_of({node: _without(factory, node, left) for node in left}, key)
        if table.node_id not in (owner, heir):
            assert look(around(table, key), truth(made), dead=(owner,)).owner() == heir


def _without(factory: Any, node: NodeID, left: list[NodeID]) -> Any:
    table = factory(node)
    table.settle(left)
    return table


def test_the_root_set_begins_with_the_owner_and_goes_on_with_its_replicas() -> None:
    made = settled(Chord)
    for table, key in from_each(made, 46):
        owner = owner_of(made, key)
        survey = look(around(table, key), truth(made))
        wanted = [owner, *made[owner].replicas(key, 2)]
        if table.node_id not in wanted:
            assert survey.root_set(3) == wanted


def test_nobody_known_is_nobody_found() -> None:
    alone = Survey(Chord(RING[0]), RING[5], (), witnesses=3)
    assert alone.questions() == []
    assert alone.owner() is None
    assert alone.root_set(3) == []


def test_another_one_may_introduce_whom_the_first_did_not() -> None:
    survey = Survey(Chord(RING[0]), RING[40], (RING[39], RING[38]), witnesses=3)
    survey.stated(RING[39], (RING[41],))
    survey.stated(RING[38], (RING[41], RING[38]))
    assert survey.questions() == [Ask(RING[41], RING[39])]
    survey.failed(RING[41])
    assert survey.questions() == [Ask(RING[41], RING[38])]
    survey.failed(RING[41])
    assert survey.questions() == []


def test_a_liar_can_name_as_many_as_it_likes() -> None:
    survey = Survey(Chord(RING[0]), RING[40], (RING[1],), witnesses=3)
    dice = random.Random(47)
    asked = 0
    while questions := survey.questions():
        asked += len(questions)
        for question in questions:
            named = [NodeID(dice.getrandbits(128).to_bytes(16, "big")) for _ in range(50)]
            survey.stated(question.node, named)
    assert asked <= MAX_QUESTIONS
