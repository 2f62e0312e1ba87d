"""What is said to help beside the named defence does, and where it takes only a part of the harm, that is known."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lab.scenarios import SCENARIOS, run, scenario, setting

IN_PART = {
    ("EN-2", ("density-test",)),
    ("EN-2", ("compared-bootstraps",)),
    ("EN-4", ("enrollment-nonce", "key-possession")),
    ("EN-4", ("identity-cap", "bound-node-id")),
    ("EN-8", ("enrollment-charge",)),
    ("EN-9", ("client-puzzle",)),
    ("PR-2", ("value-encryption",)),
    ("DT-2", ("answer-receipts", "checkable-evidence")),
}
"""Sets that leave more harm than a defence may: the draft or we name them, and runs show how far they reach."""


@pytest.mark.parametrize("threat", [name for name, each in SCENARIOS.items() if each.claims])
def test_what_is_said_to_help_does(threat: str) -> None:
    chosen = scenario(threat)
    own = setting(chosen)
    calm = replace(own, attack=False)
    baseline, attacked = run(chosen, calm), run(chosen, own)
    for names in chosen.claims:
        defended, honest = (run(chosen, each.with_defences(names)) for each in (own, calm))
        left = (defended.figure - baseline.figure) / (attacked.figure - baseline.figure)
        assert (left > chosen.bounds.defence) == ((threat, names) in IN_PART), (names, left)
        assert honest.honest >= baseline.honest * (1 - chosen.bounds.honest), names


def test_what_helps_in_part_is_claimed() -> None:
    assert all(names in scenario(threat).claims for threat, names in IN_PART)
