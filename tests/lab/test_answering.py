"""The scenarios of peers on the way and of false tables: what each half of a defence is worth, and what it costs."""

from __future__ import annotations

from typing import Any

import pytest

from lab.scenarios import columns, run, scenario, setting
from lab.verdicts import Outcome


def outcome(threat: str, *defences: str, attack: bool = True, **options: Any) -> Outcome:
    chosen = scenario(threat)
    ground = columns(chosen, setting(chosen, **options))["attacked" if attack else "baseline"]
    return run(chosen, ground.with_defences(defences))


@pytest.mark.parametrize(
    ("threat", "defences"),
    [
        ("KB-4", ("message-signature",)),
        ("KB-8", ("message-signature",)),
        ("KB-8", ("record-signature",)),
        ("KB-9", ("message-signature",)),
        ("KB-9", ("record-signature",)),
        ("KB-9", ("holder-signature",)),
        ("KB-10", ("true-root",)),
        ("KB-10", ("message-signature",)),
        ("KB-10", ("record-signature",)),
        ("KB-11", ("record-signature", "access-control")),
        ("KB-11", ("true-root",)),
        ("KB-11", ("message-signature",)),
        ("KB-12", ("record-signature",)),
        ("KB-12", ("contact-syntax",)),
        ("RM-1", ("tls",)),
        ("RM-1", ("periodic-refresh",)),
        ("RM-2", ("tls",)),
        ("RM-2", ("periodic-refresh", "verified-entries")),
    ],
)
def test_these_leave_all_of_the_harm(threat: str, defences: tuple[str, ...]) -> None:
    assert outcome(threat, *defences).figure == 1.0


@pytest.mark.parametrize("threat", ["KB-8", "KB-10", "KB-11", "KB-12", "RM-1", "RM-2"])
def test_what_is_claimed_to_help_takes_the_harm_away(threat: str) -> None:
    for names in scenario(threat).claims:
        assert outcome(threat, *names).figure == 0.0, names


@pytest.mark.parametrize("threat", ["KB-4", "KB-8", "KB-9", "KB-10", "KB-11", "KB-12", "RM-1", "RM-2"])
def test_hardened_leaves_no_harm_and_all_of_the_service(threat: str) -> None:
    assert outcome(threat, preset="hardened").figure == 0.0
    assert outcome(threat, preset="hardened", attack=False).honest == 1.0


@pytest.mark.parametrize("routing", ["recursive", "iterative"])
def test_false_roots_are_refused_and_true_ones_are_not(routing: str) -> None:
    attacked = outcome("KB-10", "true-root", "message-signature", routing=routing)
    assert attacked.facts == ("8 of 8", "8", "0")
    calm = outcome("KB-10", "true-root", "message-signature", attack=False, routing=routing)
    assert calm.facts == ("8 of 8", "0", "0")


def test_a_lookup_takes_a_detour_and_arrives() -> None:
    calm, attacked, defended = (
        outcome("KB-4", attack=False),
        outcome("KB-4"),
        outcome("KB-4", "progress-check"),
    )
    assert float(attacked.facts[0]) > 50
    assert float(defended.facts[0]) < 3 * float(calm.facts[0])
    assert defended.facts[1] == "0"


def test_what_a_defence_signs_counts_though_nothing_else_is_signed() -> None:
    none = outcome("KB-12", attack=False).costs.signatures
    assert none == 0
    assert outcome("KB-12", "callee-auth", attack=False).costs.signatures == 4
    assert outcome("KB-10", "true-root", attack=False).costs.signatures > 50


def test_who_changes_puts_is_suspected_of_it_by_every_owner_and_nobody_else_is() -> None:
    names = ("message-signature", "access-control", "answer-receipts", "hop-receipts")
    chosen = scenario("KB-8")
    found = run(chosen, setting(chosen).with_defences(names))
    assert (found.figure, found.facts[2]) == (0.0, "8 of mallory, 0 of others")
    for missing in names:
        half = run(chosen, setting(chosen).with_defences(tuple(name for name in names if name != missing)))
        assert half.facts[2] == "0 of mallory, 0 of others"
