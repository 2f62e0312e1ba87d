"""With every protection on that is not a decoy, honest users are served as without: newcomers above all."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lab.scenarios import run, scenario, setting
from p2psip_min.defences import preset

NEWCOMERS = ("EN-1", "EN-2", "EN-3", "EN-5", "EN-6", "EN-7", "ID-1", "RM-3", "RM-4")
"""Threats in whose stories honest users enroll, join or come back: what most protections of the way in touch."""

CALLERS = ("KB-1", "ST-2", "PR-3")
"""Some in whose stories they register, read and call."""


@pytest.mark.parametrize("threat", [*NEWCOMERS, *CALLERS])
def test_everything_at_once_leaves_honest_users_their_service(threat: str) -> None:
    chosen = scenario(threat)
    own = replace(setting(chosen), attack=False)
    assert run(chosen, replace(own, defences=preset("hardened"))).honest >= run(chosen, own).honest == 1.0
