"""Persons with many or well-chosen Node-IDs: what helps and what does not."""

from __future__ import annotations

from typing import Any

import pytest

from lab.scenarios import run, scenario, setting


def outcome(threat: str, *defences: str, **options: Any) -> Any:
    chosen = scenario(threat)
    return run(chosen, setting(chosen, **options).with_defences(defences))


@pytest.mark.parametrize("name", ["record-signature", "identity-cap", "join-control"])
def test_a_chosen_place_is_owned_whatever_is_signed_or_counted(name: str) -> None:
    assert outcome("ID-1", name).figure == 1.0


def test_keys_can_be_tried_until_a_digest_lies_well() -> None:
    assert outcome("ID-1", "hashed-node-ids").figure > 0.6
    assert outcome("ID-1", "server-node-ids").figure < 0.25


def test_more_replicas_lessen_what_one_person_holds_alone_and_not_what_is_lost() -> None:
    alone, copied = outcome("ID-2"), outcome("ID-2", "replicas")
    assert copied.figure >= 0.8 * alone.figure
    assert int(copied.facts[1].split()[0]) <= 4


@pytest.mark.parametrize("half", [("identity-cap",), ("strong-identity",)])
def test_half_a_defence_against_many_identities_is_none(half: tuple[str, ...]) -> None:
    assert outcome("ID-2", *half).figure > 0.4


def test_drawn_node_ids_alone_only_take_longer() -> None:
    found = outcome("ID-3", "server-node-ids")
    assert found.figure == 1.0
    assert int(found.facts[0].split()[0]) > 1


def test_several_places_do_not_help_where_places_can_be_chosen() -> None:
    assert outcome("ID-5", "salted-places").figure > 0.8
    assert outcome("ID-5", "salted-places", "server-node-ids").figure < 0.2


def test_a_black_list_without_a_cap_is_a_list_of_names() -> None:
    assert outcome("RM-4", "black-list").figure == 6.0
    assert outcome("RM-4", "black-list", "identity-cap", "strong-identity").figure == 6.0
    assert outcome("RM-4", "black-list", "bound-node-id", "identity-cap", "strong-identity").figure == 0.0
    assert outcome("RM-4", "black-list", "probation").figure <= 1.0
