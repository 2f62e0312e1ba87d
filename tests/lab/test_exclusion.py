"""DT-1 to DT-3: whom which way of excluding hits."""

from __future__ import annotations

from typing import Any

import pytest

from lab.scenarios import columns, run, scenario, setting
from p2psip_min.defences import preset
from p2psip_min.enrollment.evidence import Offence
from p2psip_min.trace import NodeExcluded, ReportJudged


def stage(threat: str, *names: str, **options: Any) -> Any:
    chosen = scenario(threat)
    made = chosen.stage(chosen, setting(chosen, **options).with_defences(names))
    made.overlay.run(made.story())
    made.overlay.close()
    return made


def figure(threat: str, *names: str, **options: Any) -> float:
    chosen = scenario(threat)
    return run(chosen, setting(chosen, **options).with_defences(names)).figure


# --- DT-1 -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [1, 2, 7])
def test_evidence_finds_every_liar_and_nobody_else_within_seconds(seed: int) -> None:
    told = stage("DT-1", "answer-receipts", "checkable-evidence", seed=seed)
    out = told.excluded()
    assert set(out) == {node.node_id for node in told.bad}
    assert max(out.values()) - told.turned < 15.0
    assert 0 < told.spoiled <= len(told.records)  # in the first round, and in no other


def test_half_of_it_finds_nobody() -> None:
    for names in (("answer-receipts",), ("checkable-evidence",), ("read-quorum",)):
        told = stage("DT-1", *names)
        assert told.excluded() == {}


def test_the_majority_lets_liars_in_and_honest_peers_out() -> None:
    told = stage("DT-1", "majority-vote")
    out = told.excluded()
    assert not set(out) & {node.node_id for node in told.bad}
    assert out
    assert set(out) == {node.node_id for node in told.victims}
    assert told.figure() == 1.0


@pytest.mark.parametrize("seed", [1, 2, 7])
def test_voters_know_nothing_of_whom_they_vote_against(seed: int) -> None:
    told = stage("DT-1", "majority-vote", seed=seed)
    hers = {*told.bad, *told.voters}
    assert len(told.victims) == 2
    assert not hers & {*told.victims}


def test_without_bought_votes_a_majority_would_have_done() -> None:
    told = stage("DT-1", "majority-vote", numbers={"voters": 0.0})
    assert set(told.excluded()) == {node.node_id for node in told.bad}


@pytest.mark.parametrize("seed", [1, 2, 7])
def test_who_shows_old_versions_contradicts_what_he_confirmed_where_times_rise(seed: int) -> None:
    names, old = ("rising-time", "answer-receipts", "checkable-evidence"), {"old": 1.0}
    told = stage("DT-1", *names, seed=seed, numbers=old)
    assert set(told.excluded()) == {node.node_id for node in told.bad}
    assert max(told.excluded().values()) - told.turned < 10.0
    assert told.figure() == 0.0
    judged = {event.outcome for event in told.trace.select(ReportJudged, since=told.start)}
    assert Offence.CONTRADICTED in judged
    assert Offence.FORGED not in judged
    for missing in names:
        half = stage("DT-1", *(name for name in names if name != missing), seed=seed, numbers=old)
        assert (half.excluded(), half.figure()) == ({}, 1.0)


# --- DT-2 -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("base", ["trusted", "untrusted"])
def test_a_faulty_machine_is_out_for_a_while_and_back_when_it_is_mended(base: str) -> None:
    told = stage("DT-2", "answer-receipts", "graduated-exclusion", base=base)
    assert set(told.excluded()) == {node.node_id for node in told.bad}
    assert [event.seconds for event in told.trace.select(NodeExcluded)] == [120.0]
    assert all(each.read == each.version for each in told.late)


@pytest.mark.parametrize("names", [("first-complaint",), ("answer-receipts", "checkable-evidence")])
def test_who_is_excluded_for_good_is_lost_though_mended(names: tuple[str, ...]) -> None:
    told = stage("DT-2", *names)
    assert set(told.excluded()) == {node.node_id for node in told.bad}
    assert all(each.read is None for each in told.late)


def test_nobody_is_hostile_where_machines_break() -> None:
    told = stage("DT-2")
    assert told.overlay.roles.hostile == {}
    assert set(told.overlay.roles.faulty) == {node.node_id for node in told.bad}
    assert told.attackers() == ()


# --- DT-3 -------------------------------------------------------------------------------------------------------------


def test_heads_ban_whom_they_like_and_evidence_does_not_exist_against_the_honest() -> None:
    assert figure("DT-3") == 1.0
    assert figure("DT-3", "complaint-count") == 1.0
    assert figure("DT-3", "majority-vote") == 1.0
    for name in ("checkable-evidence", "graduated-exclusion"):
        assert figure("DT-3", "answer-receipts", name) == 0.0


def test_fewer_accusers_than_are_counted_ban_nobody() -> None:
    assert figure("DT-3", "complaint-count", numbers={"accusers": 2.0}) == 0.0
    assert figure("DT-3", numbers={"accusers": 1.0}) == 1.0


def test_pieces_of_the_truth_are_recognised() -> None:
    told = stage("DT-3", "answer-receipts", "checkable-evidence")
    outcomes = {event.outcome for event in told.trace.select(ReportJudged)}
    assert outcomes == {
        "reports of this sort are not heard here",
        "nothing shown that can be checked",
        "answer to another request",
        "answer not signed by the accused",
        "nothing wrong with what is shown",
    }


def test_what_is_on_in_every_column_gives_way_to_a_chosen_preset() -> None:
    chosen = scenario("DT-3")
    assert {"first-complaint", "record-signature"} <= set(setting(chosen).defences.names())
    assert setting(chosen, preset="reload").defences == preset("reload")
    assert "first-complaint" not in columns(chosen, setting(chosen))["defended"].defences.names()
