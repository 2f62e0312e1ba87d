"""Stories about clients: which defences help against which, and that honest users do not pay."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from lab.scenarios import SCENARIOS, run, scenario, setting
from lab.scenarios.clients import ClientStage

CLIENTS = tuple(name for name, chosen in SCENARIOS.items() if issubclass(chosen.stage, ClientStage))


def outcome(threat: str, *defences: str, preset: str | None = None, attack: bool = True) -> Any:
    chosen = scenario(threat)
    ground = setting(chosen, preset=preset, links="plain")
    planned = ground.with_defences(defences)
    return run(chosen, planned if attack else replace(planned, attack=False))


FIGURES = {
    "ST-2": {"record-signature": 3.0, "access-control": 0.0, "own-part": 0.0, "one-list": 0.0, "rising-time": 3.0},
    "ST-1": {"readers-list": 0.0, "value-encryption": 0.0, "client-read-check": 3.0, "access-control": 3.0},
    "ST-3": {
        "record-signature": 4.0,
        "access-control": 2.0,
        "own-part": 2.0,
        "rising-time": 2.0,
        "version-counter": 4.0,
        "log-in-removal": 4.0,
        "signed-tombstone": 0.0,
    },
    "ST-4": {"record-signature": 3.0, "access-control": 3.0, "own-part": 0.0, "one-list": 3.0, "validation": 3.0},
    "ST-6": {"record-signature": 0.75, "access-control": 0.0, "own-part": 0.5, "version-counter": 0.75},
    "ST-5": {"signed-grants": 0.0, "shared-key": 6.0, "record-signature": 6.0, "access-control": 0.0, "own-part": 6.0},
    "ST-7": {"record-signature": 6.0, "access-control": 6.0, "own-part": 6.0, "contact-consent": 0.0},
    "ST-8": {"access-control": 192.0, "own-part": 192.0, "publication-account": 16.0},
    "ST-9": {"first-come": 8.0, "access-control": 4.0, "strong-identity": 4.0, "publication-account": 4.0},
    "ST-10": {"validation": 0.0, "reader-validation": 8.0, "access-control": 8.0, "record-signature": 8.0},
}


@pytest.mark.parametrize(("threat", "defence"), [(threat, name) for threat in FIGURES for name in FIGURES[threat]])
def test_what_each_defence_alone_leaves(threat: str, defence: str) -> None:
    found = outcome(threat, defence)
    assert found.figure == FIGURES[threat][defence]


STOPPED = ("ST-2", "ST-3", "ST-4", "ST-6", "ST-9", "ST-10")
"""What RFC 6940's own checks stop; the runs below that show it are runs of honest users, too."""

SERVED = [
    (threat, name)
    for threat in CLIENTS
    for name in ("draft", "reload", "hardened")
    if (threat, name) != ("ST-5", "reload") and (threat not in STOPPED or name == "draft")
]


@pytest.mark.parametrize(("threat", "name"), SERVED)
def test_presets_serve_honest_users_in_full(threat: str, name: str) -> None:
    assert outcome(threat, preset=name, attack=False).honest == 1.0


@pytest.mark.parametrize("name", ["reload", "hardened"])
@pytest.mark.parametrize("threat", STOPPED)
def test_what_rfc_6940_demands_stops_writers(threat: str, name: str) -> None:
    found = outcome(threat, preset=name)
    assert (found.figure, found.honest) == (0.0, 1.0)


def test_rfc_6940_alone_knows_no_delegates() -> None:
    assert outcome("ST-5", preset="reload", attack=False).facts == ("4 of 4", "0 of 3")
    assert outcome("ST-5", "access-control").facts == ("4 of 4", "0 of 3")
    assert outcome("ST-5", "signed-grants").facts == ("4 of 4", "3 of 3")


def test_facts_tell_what_readers_got() -> None:
    assert outcome("ST-2").facts == ("0 of 3", "6 of 6")
    assert outcome("ST-2", "access-control").facts == ("3 of 3", "6 of 6")
    assert outcome("ST-3").facts == ("0 of 4", "2 of 2")
    assert outcome("ST-3", "signed-tombstone").facts == ("4 of 4", "2 of 2")
    assert outcome("ST-4").facts == ("1 of 4", "7 of 7")
    assert outcome("ST-6").facts == ("3 true, 9 false", "6 of 6")
    assert outcome("ST-10", "validation").facts == ("0 values", "6 of 6")
