"""What a verdict tells beside its standing: service under attack, further numbers, bounds that are near."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lab.__main__ import main
from lab.scenarios import columns, judge, run, scenario, setting, verdict
from lab.scenarios.measures import alarms, detection
from lab.strips import strip
from lab.sweep import Job, sweep
from lab.tables import verdict as table
from lab.verdicts import Bounds, Costs, Outcome, Standing, mean_measures, near

NOTHING = Costs(bytes=0, hops=0, signatures=0, delay=0.0)


def outcome(figure: float, honest: float = 1.0, **measures: float) -> Outcome:
    return Outcome(figure=figure, honest=honest, costs=NOTHING, digest="", measures=tuple(measures.items()))


def runs(seeds: int = 20, **changed: Any) -> list[dict[str, Outcome]]:
    """Outcomes by column; ``changed`` are functions of the seed's number in place of the usual ones."""
    usual = {"baseline": 0.0, "attacked": 1.0, "defended": 0.0, "decoy": 1.0, "honest": 0.0}
    return [
        {name: changed[name](seed) if name in changed else outcome(figure) for name, figure in usual.items()}
        for seed in range(seeds)
    ]


USUAL = Bounds()


def near_in(found: list[dict[str, Outcome]], bounds: Bounds = USUAL) -> tuple[str, ...]:
    return near((0.0, 1.0), bounds, found, [each["attacked"].figure - each["baseline"].figure for each in found])


def test_nothing_is_near_where_all_seeds_agree() -> None:
    assert near_in(runs()) == ()
    assert near_in(runs(defended=lambda seed: outcome(0.2))) == ()  # on the bound, and for certain
    assert near_in(runs(seeds=1, defended=lambda seed: outcome(0.19))) == ()


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("harm", {"attacked": lambda seed: outcome(0.45 * (seed % 2)), "decoy": lambda seed: outcome(1.0)}),
        ("defence", {"defended": lambda seed: outcome(0.36 * (seed % 2))}),
        ("decoy", {"decoy": lambda seed: outcome(1.0 - 0.36 * (seed % 2))}),
        ("honest", {"honest": lambda seed: outcome(0.0, 1.0 if seed % 5 else 0.96)}),
    ],
)
def test_a_mean_on_the_right_side_of_a_bound_may_be_near_it(name: str, changed: dict[str, Any]) -> None:
    assert near_in(runs(**changed)) == (name,)


def test_harm_and_what_is_left_of_it_are_no_more_than_the_whole_range() -> None:
    """Two seeds that differ have an interval that is far wider."""
    found = dict(enumerate(runs(seeds=2, defended=lambda seed: outcome(0.5 * seed))))
    chosen = scenario("PR-1")
    intervals = judge(chosen, setting(chosen), found).intervals
    assert (intervals["harm"], intervals["left"]) == ((1.0, 1.0), (-1.0, 1.0))


def test_where_nobody_claims_that_the_defence_helps_it_is_near_no_bound() -> None:
    found = runs(defended=lambda seed: outcome(0.36 * (seed % 2)))
    assert near_in(found, Bounds(standing=Standing.OPEN, reason="why")) == ()


def test_a_metric_that_is_worst_at_its_lower_end_is_judged_alike() -> None:
    found = runs(defended=lambda seed: outcome(0.36 * (seed % 2)))
    turned = [{name: outcome(1 - run.figure) for name, run in each.items()} for each in found]
    harm = [each["baseline"].figure - each["attacked"].figure for each in turned]
    assert near((1.0, 0.0), Bounds(), turned, harm) == ("defence",)


def test_numbers_are_means_over_the_seeds_that_have_them() -> None:
    found = [outcome(0.0, recall=1.0), outcome(0.0, recall=0.0, precision=0.5), outcome(0.0)]
    assert mean_measures(found) == {"recall": 0.5, "precision": 0.5}


def test_a_share_of_nothing_is_left_out() -> None:
    assert dict(detection([b"a", b"b"], [b"b", b"c", b"d"])) == {"precision": 0.5, "recall": round(1 / 3, 16)}
    assert dict(detection([], [b"b"])) == {"recall": 0.0}
    assert dict(detection([b"b"], [])) == {"precision": 0.0}
    assert dict(alarms(false=2, missed=1, wrong=4)) == {"false alarms": 2.0, "missed": 0.25}
    assert dict(alarms(false=0, missed=0, wrong=0)) == {"false alarms": 0.0}


def test_the_verdict_has_service_under_attack_and_numbers_by_column() -> None:
    chosen = scenario("KB-9")
    tried = runs(
        attacked=lambda seed: outcome(1.0, 0.9), defended=lambda seed: outcome(0.0, 0.25 + 0.5 * (seed % 2), recall=1.0)
    )
    found = judge(chosen, setting(chosen), dict(enumerate(tried)))
    assert (found.served_attacked, found.served_defended) == (0.9, 0.5)
    assert (found.honest_baseline, found.honest_defended, found.holds) == (1.0, 1.0, True)
    low, high = found.intervals["served_defended"]
    assert low < 0.5 < high
    assert (found.measures, found.close, found.near) == ({"defended": {"recall": 1.0}}, False, ())
    assert {"served_attacked", "served_defended", "close", "near", "measures"} <= found.to_json().keys()


@pytest.mark.parametrize(("threat", "share"), [("KB-8", "0%"), ("KB-9", "50%")])
def test_integrity_without_service_is_said_in_print(
    threat: str, share: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", threat]) == 0
    said = capsys.readouterr().out
    assert "honest service 100%, defended 100%" in said
    assert (
        f"The defence keeps what the metric counts, but not all of the service: honest service under attack {share}."
        in said
    )


def test_full_service_is_not_complained_of(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "TR-1", "--peers", "8"]) == 0
    said = capsys.readouterr().out
    assert "honest service under attack 100%, defended 100%" in said
    assert "but not all of the service" not in said


def test_service_is_in_the_json_and_in_the_strip(capsys: pytest.CaptureFixture[str]) -> None:
    chosen = scenario("KB-9")
    ground = setting(chosen)
    seen: dict[str, Outcome] = {}
    found = verdict(chosen, ground, seen=seen.__setitem__)
    assert main(["run", "KB-9", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["served_defended"] == found.served_defended == 0.5
    planned = columns(chosen, ground)
    shown = strip(chosen, ground, {planned[name]: each for name, each in seen.items()}, None)
    assert [column.served for column in shown.columns] == ["100%", "100%", "50%", "100%"]
    assert "honest operations that work" in table(shown)


# --- detectors --------------------------------------------------------------------------------------------------------


def measures(threat: str, *defences: str, attack: bool = True) -> dict[str, float]:
    chosen = scenario(threat)
    ground = replace(setting(chosen), attack=attack)
    return dict(run(chosen, ground.with_defences(defences)).measures)


@pytest.mark.parametrize("threat", ["DT-1", "DT-2", "DT-3", "EN-12", "EN-2", "EN-3", "KB-1", "KB-10", "KB-11", "RM-3"])
def test_detectors_report_their_errors_with_an_attack_and_without(threat: str) -> None:
    chosen = scenario(threat)
    found = verdict(chosen, setting(chosen))
    calm, defended = found.measures["honest"], found.measures["defended"]
    assert {"honest nodes excluded", "suspicions of honest nodes", "false alarms"} & calm.keys()
    assert {"recall", "missed", "hostile comings as a peer"} & defended.keys()
    assert "recall" not in calm
    assert "missed" not in calm


def test_exclusion_has_precision_recall_time_and_harm() -> None:
    found = measures("DT-1", "answer-receipts", "checkable-evidence")
    assert (found["precision"], found["recall"], found["honest nodes excluded"]) == (1.0, 1.0, 0.0)
    assert 0 < found["seconds to exclusion"] < 15
    assert found["reads spoiled before exclusion"] > 0
    framed = measures("DT-3")
    assert (framed["precision"], framed["recall"], framed["honest nodes excluded"]) == (0.0, 0.0, 4.0)
    assert "seconds to exclusion" not in framed
    assert "precision" not in measures("DT-3", "answer-receipts", "checkable-evidence")


def test_who_restarts_twice_is_taken_for_one_that_churns() -> None:
    for attack in (True, False):
        found = measures("RM-3", "join-control", attack=attack)
        assert (round(found["honest comings as a peer"], 3), found["false alarms"]) == (0.667, 1.0)
    assert measures("RM-3", "join-control", attack=True)["hostile comings as a peer"] < 0.2
    assert measures("RM-3", "fast-stabilisation") == {}


def test_a_crowded_corner_is_objected_to_and_the_right_place_is_not() -> None:
    assert measures("EN-2", "density-test") == {"false alarms": 0.0, "missed": 0.0}
    assert measures("EN-2", "compared-bootstraps") == {"false alarms": 0.0, "missed": 1.0}
    assert measures("EN-2", "density-test", attack=False) == {"false alarms": 0.0}
    assert measures("EN-2", "density-test", "disjoint-ways")["missed"] == 0.0


def test_a_proof_of_the_root_alone_misses_whom_it_can_not_tell_from_the_root() -> None:
    assert measures("KB-10", "true-root")["missed"] == 1.0
    assert measures("KB-10", "true-root", "message-signature")["missed"] == 0.0


@pytest.mark.parametrize("name", ["path-diagnosis", "hop-watch"])
def test_who_drops_is_suspected_and_nobody_else(name: str) -> None:
    assert measures("KB-1", name) == {"precision": 1.0, "recall": 1.0, "suspicions of honest nodes": 0.0}
    assert measures("KB-1", name, attack=False) == {"suspicions of honest nodes": 0.0}


def test_who_lies_about_what_he_dropped_is_excluded_and_nobody_else() -> None:
    receipts = ("message-signature", "answer-receipts", "hop-receipts", "checkable-evidence")
    found = measures("KB-1", *receipts)
    assert (found["culprits excluded"], found["honest nodes excluded"]) == (1.0, 0.0)
    assert found["seconds to exclusion"] > 0
    calm = measures("KB-1", *receipts, attack=False)
    assert calm == {"suspicions of honest nodes": 0.0, "honest nodes excluded": 0.0}


def test_who_changes_puts_is_suspected_and_nobody_else() -> None:
    found = measures("KB-8", "message-signature", "access-control", "answer-receipts", "hop-receipts")
    assert found == {"precision": 1.0, "recall": 1.0, "suspicions of honest nodes": 0.0}


def test_the_alarm_follows_the_first_stolen_use() -> None:
    found = measures("EN-12", "second-use-alarm")
    assert (found["false alarms"], found["missed"]) == (0.0, 0.0)
    assert found["seconds to the alarm"] > 0
    assert measures("EN-12", "longer-keys") == {}


def test_numbers_survive_a_journal(tmp_path: Path) -> None:
    chosen = scenario("RM-3")
    job = Job("RM-3", setting(chosen, peers=8).with_defences(("join-control",)))
    journal = tmp_path / "runs.jsonl"
    (first,) = sweep([job], workers=1, journal=journal).values()
    (again,) = sweep([job], workers=1, journal=journal).values()
    assert first.measures
    assert again == first


def test_numbers_are_printed_by_column(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "RM-3", "--peers", "8"]) == 0
    said = capsys.readouterr().out
    assert re.search(r"defended, no attack +honest comings as a peer 0\.667, false alarms 1\n", said)
