"""Mutants: one line of the overlay broken on purpose, and the requirement that it serves turns red.

A requirement is graded by one of its threats, or by its own experiments, so that a mutant costs what it has to.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from lab.requirements import REQUIREMENTS, Grade, Score, score
from lab.scenarios import SCENARIOS
from lab.sweep import play
from p2psip_min.construction import Construction
from p2psip_min.enrollment.assignment import ServerRandom
from p2psip_min.enrollment.freshness import Expires
from p2psip_min.enrollment.holdings import Cap
from p2psip_min.node import Node
from p2psip_min.routing.cover import CoverQueries
from p2psip_min.routing.policies import OtherWay
from p2psip_min.routing.progress import EachHopNearer
from p2psip_min.routing.topology.chord import Chord
from p2psip_min.storage import policies
from p2psip_min.storage.access import AccessControl, OwnPart
from p2psip_min.storage.policies import GenerationCounter
from p2psip_min.storage.quota import PublicationAccount
from p2psip_min.storage.readership import StorerAsks
from p2psip_min.storage.redundancy import Successors
from p2psip_min.storage.values import StorerValidates
from p2psip_min.transport.plain import PlainLinks

BY_ID = {each.id: each for each in REQUIREMENTS}


def gives(value: Any) -> Callable[..., Any]:
    """A method that decides nothing any more."""
    return lambda *arguments, **options: value


def one_finger_where_signed(construction: Any, *arguments: Any, **options: Any) -> None:
    """Where messages are signed, tables have one finger: protection that costs the algorithm its reach."""
    _begin(construction, *arguments, **options)
    if construction.surroundings.defences.message_authentication.signed:
        construction._topology = lambda node_id: Chord(node_id, fingers=1)


def claims_believed(construction: Any, *arguments: Any) -> Any:
    """Link authentication is said to be on, and is off."""
    surroundings = construction.surroundings
    construction.surroundings = replace(surroundings, defences=surroundings.defences.without("link-auth"))
    try:
        return _links(construction, *arguments)
    finally:
        construction.surroundings = surroundings


def in_clear(construction: Any, credential: Any, address: Any, trust: Any) -> PlainLinks:
    """Links are said to be protected, and are not."""
    return PlainLinks(construction.network, address, credential.node_id, trace=construction.surroundings.trace)


def always_the_successor(chord: Any, key: bytes, exclude: Any = ()) -> Any:
    """Fingers are not used."""
    return None if chord.responsible(key) else chord._successors[0]


_begin, _links = Construction.__init__, Construction.links
JOINING = sys.modules["p2psip_min.procedures.join"]

MUTANTS: dict[str, tuple[str, Any, str, Any]] = {
    # requirement: the threat it is seen in ("" for the requirement's own experiments), what is broken, and how
    "Req. 1": ("", JOINING, "JOIN_TRIES", 0),
    "Req. 2": ("", Chord, "next_hop", always_the_successor),
    "Req. 3": ("", Construction, "links", in_clear),
    "Req. 4": ("", Construction, "__init__", one_finger_where_signed),
    "Req. 5": ("TR-4", Construction, "links", claims_believed),
    "Req. 6": ("EN-6", Cap, "refusal", gives(None)),
    "Req. 7": ("ID-1", ServerRandom, "choose", lambda self, wanted, key, count: wanted),
    "Req. 8": ("TR-4", Construction, "links", claims_believed),
    "Req. 9": ("RP-2", GenerationCounter, "verdict", gives(None)),
    "Req. 10": ("ST-12", policies, "verify", gives(True)),
    "Req. 11": ("PR-3", Node, "readers", property(gives({}), gives(None))),
    "Req. 12": ("ST-2", AccessControl, "allows", gives(True)),
    "Req. 13": ("ST-4", OwnPart, "allows", gives(True)),
    "Req. 14": ("ST-1", StorerAsks, "at_store", False),
    "Req. 15": ("KB-2", OtherWay, "way", gives(0)),
    "Req. 16": ("ST-13", Successors, "choose", gives(())),
    "User 1": ("KB-4", EachHopNearer, "astray", gives(())),
    "User 2": ("TR-4", Construction, "links", claims_believed),
    "User 3": ("TR-2", Construction, "links", in_clear),
    "User 4": ("EN-5", Expires, "refusal", gives(None)),
    "User 5": ("ST-1", StorerAsks, "at_store", False),
    "U1": ("PR-1", CoverQueries, "names", gives(())),
    "U2": ("ST-17", Successors, "choose", gives(())),
    "U3": ("ST-10", StorerValidates, "at_store", False),
    "U4": ("ST-8", PublicationAccount, "booked", False),
}


def graded(requirement: str) -> Score:
    """The requirement by its one threat, or by its experiments."""
    threat = MUTANTS[requirement][0]
    whole = BY_ID[requirement]
    part = replace(whole, threats=(threat,), experiments=()) if threat else replace(whole, threats=())
    return score(part, [1], play)


@cache
def sound(requirement: str) -> Score:
    """The requirement as it is, by the same runs."""
    return graded(requirement)


def test_every_requirement_has_a_mutant() -> None:
    assert list(MUTANTS) == list(BY_ID)
    for requirement, (threat, *_) in MUTANTS.items():
        assert threat in BY_ID[requirement].threats if threat else BY_ID[requirement].experiments
        assert not threat or threat in SCENARIOS


@pytest.mark.parametrize("requirement", MUTANTS)
def test_a_broken_line_turns_its_requirement_red(requirement: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert sound(requirement).status is not Grade.NOT_MET, sound(requirement).figures
    threat, owner, name, broken = MUTANTS[requirement]
    monkeypatch.setattr(owner, name, broken, raising=False)  # readers are no attribute of the class
    found = graded(requirement)
    assert found.status is Grade.NOT_MET, found.figures
    if threat:
        # Red because the attack succeeds, and not because nothing works any more.
        (figure,) = found.figures
        assert figure.value > SCENARIOS[threat].bounds.defence
