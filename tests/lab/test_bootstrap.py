"""The bootstrap family: what helps a newcomer and what does not."""

from __future__ import annotations

from typing import Any

import pytest

from lab.scenarios import run, scenario, setting


def outcome(threat: str, *defences: str, **options: Any) -> Any:
    chosen = scenario(threat)
    return run(chosen, setting(chosen, **options).with_defences(defences))


def test_a_fake_overlay_needs_only_that_nobody_asks_whose_it_is() -> None:
    assert outcome("EN-1").facts == ("mallory's", "0 of 8")
    for name in ("overlay-authority", "message-signature"):
        assert (outcome("EN-1", name).figure, outcome("EN-1", name).facts) == (0.0, ("the right one", "8 of 8"))
    for name in ("any-certificate", "compared-bootstraps", "link-auth"):
        assert outcome("EN-1", name).figure >= 0.0


def test_a_corner_is_left_by_learning_from_many_and_not_by_certificates() -> None:
    assert outcome("EN-2").facts == ("4 peers", "not found")
    assert outcome("EN-2", "overlay-authority").figure == 1.0
    assert outcome("EN-2", "disjoint-ways").facts[1] == "found"


def test_more_accomplices_do_not_help_against_somebody_who_learns_from_many() -> None:
    assert outcome("EN-2", "disjoint-ways", numbers={"accomplices": 7.0}).figure < 0.6


@pytest.mark.parametrize("name", ["compared-bootstraps", "known-peers"])
def test_either_brings_those_back_who_were_there_before(name: str) -> None:
    found = outcome("EN-3", name)
    assert (found.figure, found.facts[0]) == (0.0, "4 of 4")


def test_one_bootstrap_node_compared_with_itself_helps_nobody() -> None:
    assert outcome("EN-3", "compared-bootstraps", numbers={"compared-bootstraps": 1.0}).figure == 4.0


def test_trying_again_where_it_failed_makes_it_worse() -> None:
    assert outcome("EN-3").facts[0] == "4 of 4"
    assert outcome("EN-3", "retry").facts[0] == "0 of 4"


def test_signatures_do_not_help_since_the_wrong_peer_is_a_peer() -> None:
    assert outcome("EN-3", "tls", "link-auth", "message-signature").figure == 4.0
