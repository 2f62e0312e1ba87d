"""The scorecard: graded by runs, honest about what is open, red when something breaks."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from lab import experiments, requirements
from lab.__main__ import main
from lab.experiments import Figure, at_most, exactly
from lab.requirements import REQUIREMENTS, Grade, Requirement, score
from lab.sweep import play

BY_ID = {each.id: each for each in REQUIREMENTS}
GOOD, BAD = exactly("good", 1.0, 1.0), at_most("bad", 2.0, 1.0)


def graded(requirement: Requirement, *figures: Figure) -> Grade:
    return score(replace(requirement, threats=(), experiments=(lambda seed: figures,)), [1], play).status


def test_every_requirement_of_the_draft_is_there() -> None:
    numbered = [f"Req. {number}" for number in range(1, 17)]
    assert list(BY_ID) == [*numbered, *(f"User {number}" for number in range(1, 6)), "U1", "U2", "U3", "U4"]
    assert all(each.threats or each.experiments for each in REQUIREMENTS)


def test_grades_follow_from_figures() -> None:
    bare = Requirement(id="x", section="1", title="x")
    assert graded(bare, GOOD) is Grade.MET
    assert graded(replace(bare, left="why"), GOOD) is Grade.PARTLY
    assert graded(bare, GOOD, BAD) is Grade.NOT_MET
    assert graded(bare) is Grade.NOT_MET


def test_the_worst_seed_counts() -> None:
    requirement = Requirement(id="x", section="1", title="x", experiments=(lambda seed: (BAD if seed == 2 else GOOD,),))
    assert score(requirement, [1, 2, 3], play).figures == (BAD,)


def test_threats_without_a_scenario_are_said_to_be_open() -> None:
    found = score(BY_ID["Req. 3"], [1], play)
    assert found.status is Grade.PARTLY
    assert found.left == ("not measured yet: CR-1",)


def test_what_is_said_of_the_algorithm_is_said_of_each() -> None:
    found = experiments.undisturbed(3)
    by_topology = {
        name: [each.name.replace(name, "") for each in found if name in each.name] for name in experiments.TOPOLOGIES
    }
    assert len(by_topology) == 2
    assert by_topology["Chord"] == by_topology["XOR buckets"]
    assert sum(map(len, by_topology.values())) == len(found)
    assert all(each.met for each in found)


def test_the_smallest_overlays_work_and_keep_strangers_out() -> None:
    found = experiments.small(3)
    assert [each.value for each in found] == [1.0, 0.0, 1.0, 0.0]
    assert all(each.met for each in found)


def test_the_command_prints_figures_and_exits_by_the_grades(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["requirements", "req. 4", "--json", "--workers", "1"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert {"id", "status", "figures"} <= row.keys()
    assert (row["id"], row["status"]) == ("Req. 4", "met")
    assert main(["requirements", "Req. 1", "--workers", "1"]) in (0, 1)
    assert "operations that work with every server off: 1, wanted 1" in capsys.readouterr().out


def test_unknown_requirements_list_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["requirements", "Req. 17"]) == 2
    assert "known: Req. 1, Req. 2" in capsys.readouterr().err


def test_jobs_are_those_of_the_threats() -> None:
    found = list(requirements.jobs([BY_ID["User 3"]], [1, 2]))
    assert {job.threat for job in found} <= {"TR-1", "TR-2"}
    assert {job.setting.seed for job in found} == {1, 2}
