"""A verdict in steps: one run at a time, over one seed or many, so that it can be watched, stopped and gone on with.

What was run is kept under its setting, so nothing is run twice and a stop loses nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from dataclasses import replace

from lab import scenarios
from lab.scenarios import DriverFactory, Scenario, Setting
from lab.verdicts import Outcome, Verdict

Outcomes = MutableMapping[Setting, Outcome]


def seeds_of(ground: Setting, seeds: int) -> tuple[int, ...]:
    """This run's seed, or as many as are asked for, from 1: those of the matrix."""
    return (ground.seed,) if seeds == 1 else tuple(range(1, seeds + 1))


def judging(
    scenario: Scenario, ground: Setting, seeds: int, outcomes: Outcomes, driver: DriverFactory
) -> Iterator[tuple[int, int]]:
    """Run what is missing, one column of one seed after the other; yields how many are done, and of how many."""
    wanted = [
        setting
        for seed in seeds_of(ground, seeds)
        for setting in scenarios.columns(scenario, replace(ground, seed=seed)).values()
    ]
    for done, setting in enumerate(wanted, 1):
        if setting not in outcomes:
            outcomes[setting] = scenarios.run(scenario, setting, driver())
            yield done, len(wanted)


def over_seeds(scenario: Scenario, ground: Setting, seeds: int, outcomes: Outcomes) -> Verdict | None:
    """The verdict over the seeds of which every column was run; None where that is fewer than two."""
    runs = {}
    for seed in seeds_of(ground, seeds):
        planned = scenarios.columns(scenario, replace(ground, seed=seed))
        if all(setting in outcomes for setting in planned.values()):
            runs[seed] = {column: outcomes[setting] for column, setting in planned.items()}
    return scenarios.judge(scenario, ground, runs) if len(runs) > 1 else None
