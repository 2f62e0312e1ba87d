"""Threats by peers that pass nothing on: what helps, what does not, and where it stops helping."""

from __future__ import annotations

from typing import Any

import pytest

from lab.scenarios import run, scenario, setting
from lab.scenarios.ways import SHARED


def outcome(threat: str, *defences: str, **options: Any) -> Any:
    chosen = scenario(threat)
    return run(chosen, setting(chosen, **options).with_defences(defences))


@pytest.mark.parametrize("threat", ["KB-1", "KB-2"])
def test_each_way_around_helps_by_itself(threat: str) -> None:
    assert outcome(threat).figure == 1.0
    for name in ("path-diagnosis", "other-way", "disjoint-paths", "hop-watch"):
        assert outcome(threat, name).figure == 0.0


@pytest.mark.parametrize("threat", ["KB-1", "KB-2"])
@pytest.mark.parametrize("name", ["message-signature", "same-way", "replicas", "short-ttl"])
def test_these_do_not(threat: str, name: str) -> None:
    assert outcome(threat, name).figure == 1.0


def test_dropped_requests_never_arrive_and_dropped_answers_come_from_requests_that_did() -> None:
    (arrived, swallowed, *_), lookups = outcome("KB-1").facts, 5 * 8
    assert (arrived, int(swallowed) <= lookups) == ("0", True)
    arrived, swallowed = outcome("KB-2").facts
    assert int(arrived) > 0
    assert int(swallowed) >= int(arrived)


def test_who_looks_into_it_suspects_mallory_and_nobody_else() -> None:
    found = outcome("KB-1", "path-diagnosis")
    assert (found.figure, found.facts[2]) == (0.0, "8 of mallory, 0 of others")
    assert outcome("KB-2", "path-diagnosis").figure == 0.0
    assert outcome("KB-1").facts[2] == "0 of mallory, 0 of others"


def test_who_denies_that_she_swallows_is_excluded_by_her_own_word() -> None:
    names = ("message-signature", "answer-receipts", "hop-receipts", "checkable-evidence")
    found = outcome("KB-1", *names)
    assert found.figure == 0.0
    assert found.facts[2:] == ("3 of mallory, 0 of others", "mallory after 15.4 s")
    for missing in names:
        half = outcome("KB-1", *(name for name in names if name != missing))
        assert (half.figure, half.facts[3]) == (1.0, "nobody")


def test_a_straight_answer_helps_where_answers_are_dropped_and_only_there() -> None:
    assert outcome("KB-2", "direct-response").figure == 0.0
    assert outcome("KB-1", "direct-response").figure == 1.0


@pytest.mark.parametrize("routing", ["iterative", "recursive"])
def test_silence_costs_time_and_several_ways_save_it(routing: str) -> None:
    assert outcome("KB-3", routing=routing).figure == 1.0
    assert outcome("KB-3", "disjoint-paths", routing=routing).figure == 0.0
    for name in ("longer-timeout", "same-way", "message-signature", "iterative-lookup"):
        assert outcome("KB-3", name, routing=routing).figure == 1.0


@pytest.mark.parametrize(("threat", "routing"), [("KB-3", "recursive"), ("KB-3", "iterative"), ("KB-6", "iterative")])
def test_ways_that_part_at_the_first_hop_meet_again_and_it_is_said_how_often(threat: str, routing: str) -> None:
    assert outcome(threat, routing=routing).facts[2] == "none"
    found = outcome(threat, "disjoint-paths", "message-signature", routing=routing)
    assert found.facts[2].endswith(" of 8 lookups")
    ((name, mean),) = [each for each in found.measures if each[0] == SHARED]
    assert name == SHARED
    assert mean == int(found.facts[2].split()[0]) / 8


def test_where_ways_meet_other_places_of_the_record_are_reached_on_ways_of_their_own() -> None:
    assert outcome("KB-11", "disjoint-paths").figure > 0.5
    assert outcome("KB-11", "salted-places").figure == outcome("KB-11", "disjoint-paths", "salted-places").figure == 0.0


def test_in_iterative_lookups_other_names_help_where_other_tries_do_not() -> None:
    assert outcome("KB-3", "several-next-hops", routing="iterative").figure == 0.0
    assert outcome("KB-3", "other-way", routing="iterative").figure == 1.0


# --- KB-13 ------------------------------------------------------------------------------------------------------------


def test_one_user_is_cut_off_while_nearly_everything_works() -> None:
    found = outcome("KB-13")
    victim, others = found.facts
    assert (found.figure, victim) == (15.0, "0 of 8")
    done, of = others.split(" of ")
    assert done == of
    assert int(of) > 100


def test_a_watch_on_each_hop_brings_her_back_and_one_on_the_rate_of_all_does_not() -> None:
    watched, averaged = outcome("KB-13", "hop-watch"), outcome("KB-13", "global-rate")
    assert watched.facts[0] == "8 of 8"
    assert watched.figure < 5.0
    assert averaged.figure == 15.0


@pytest.mark.parametrize("name", ["message-signature", "same-way", "longer-timeout"])
def test_these_leave_her_cut_off(name: str) -> None:
    assert outcome("KB-13", name).facts[0] == "0 of 8"


def test_a_rate_of_all_sees_what_strikes_all() -> None:
    assert outcome("KB-1", "global-rate").figure < 0.5
