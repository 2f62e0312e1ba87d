"""The membership family: what coming and going costs the others."""

from __future__ import annotations

from typing import Any

import pytest

from lab.scenarios import run, scenario, setting


def outcome(threat: str, *defences: str, **options: Any) -> Any:
    chosen = scenario(threat)
    return run(chosen, setting(chosen, **options).with_defences(defences))


@pytest.mark.parametrize(
    "name", ["join-control", "join-control-server", "join-control-bootstrap", "join-control-neighbors"]
)
def test_join_control_helps_wherever_it_is_and_nobody_else_pays(name: str) -> None:
    found = outcome("RM-3", name)
    assert (round(found.figure, 3), found.honest, found.facts[0]) == (0.143, 1.0, "2 of 14 times")


def test_a_laxer_rule_lets_more_through() -> None:
    assert outcome("RM-3", "join-control", numbers={"join-control": 7.0}).facts[0] == "7 of 14 times"


def test_faster_stabilisation_costs_more_and_changes_nothing() -> None:
    attacked, decoy = outcome("RM-3"), outcome("RM-3", "fast-stabilisation")
    assert decoy.figure >= attacked.figure == 1.0
    assert int(decoy.facts[1].split()[0]) > int(attacked.facts[1].split()[0])


def test_signatures_and_tls_do_not_help_against_who_belongs_there() -> None:
    assert outcome("RM-3", "message-signature", "link-auth").figure == 1.0
