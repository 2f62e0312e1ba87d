"""Find it, fix it: every choice is run, and every choice is explained."""

from __future__ import annotations

import pytest

from lab.fixes import POOL, WHY, attempt, candidates
from lab.scenarios import SCENARIOS
from lab.text import Word


@pytest.mark.parametrize("threat", SCENARIOS)
def test_the_pool_has_the_answer_the_decoys_and_nothing_twice(threat: str) -> None:
    chosen = SCENARIOS[threat]
    found = candidates(threat)
    names = [candidate.names for candidate in found]
    assert chosen.defence in names
    assert (chosen.decoys[0],) in names
    assert 2 <= len(names) == len(set(names)) <= POOL
    assert all(candidate.title and candidate.checks for candidate in found)
    assert candidates(threat) == found


def test_the_answer_does_not_always_stand_in_the_same_place() -> None:
    places = {[each.names for each in candidates(name)].index(chosen.defence) for name, chosen in SCENARIOS.items()}
    assert len(places) > 1


@pytest.mark.parametrize("threat", ["RP-2", "TR-1", "ST-13"])
def test_choices_are_judged_by_what_they_do(threat: str) -> None:
    for candidate in candidates(threat):
        tried = attempt(threat, candidate, peers=12)
        assert tried.right == (tried.word is Word.HOLDS)
        assert tried.why
        assert tried.right or candidate.names != SCENARIOS[threat].defence
        if candidate.names[0] in SCENARIOS[threat].decoys:
            assert not tried.right


LESSONS = ("ST-17", "KB-9", "TR-4", "TR-5", "ST-2", "ST-7", "ST-8", "KB-1", "KB-4", "KB-10", "RM-1", "RP-2")
"""What students of the short course look for a fix against."""


@pytest.mark.parametrize("threat", LESSONS)
def test_every_choice_of_a_lesson_has_words_of_its_own(threat: str) -> None:
    assert [each.title for each in candidates(threat) if (threat, " + ".join(each.names)) not in WHY] == []
