"""Cards to work with: a choice is run and explained, hints come one by one, and both are written down."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from lab import exercises, matrix, review
from lab import progress as progressing
from lab.app import predict
from lab.cards import BeginAgain, FixIt, Hints, Rows
from lab.exercises import HINTS
from lab.grid import Grid
from lab.progress import here
from lab.quiz import LETTERS, REPLAY, Quiz
from lab.scenarios import SCENARIOS, scenario, setting
from lab.session import Session
from lab.sweep import sweep
from lab.text import Word
from lab.tryouts import DEPLOYMENTS, Patience, SameCall


@pytest.fixture(autouse=True)
def _own_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(progressing.VARIABLE, str(tmp_path / "progress.json"))
    monkeypatch.setattr(progressing, "_here", None)
    monkeypatch.setattr(progressing, "WATCHING", [])


def test_a_choice_is_run_explained_and_written_down() -> None:
    card = FixIt("TR-1", peers=8)
    assert card.check.disabled
    names = [each.names for each in card.candidates]
    for wanted, sign, right in ((("message-signature",), "× not this", False), (("tls",), "✓ right", True)):
        card.choice.value = names.index(wanted)
        card.check.click()
        assert card.log.value.count('class="tried') == len(card.tried)
        assert sign in card.log.value.split("</div>")[0]
        assert card.solved is right
    assert "Everybody can still read it" in card.log.value
    assert [choice.answer for choice in here().fixes["TR-1"]] == ["message-signature", "tls"]
    assert card.problem.value == ""


def test_what_goes_wrong_is_shown_and_the_card_stays_usable() -> None:
    card = FixIt("TR-4", peers=1)
    card.choice.value = 0
    card.check.click()
    assert "needs at least 2 peers" in card.problem.value
    assert not card.check.disabled
    card.peers = 8
    card.check.click()
    assert card.problem.value == ""
    assert len(card.tried) == 1


def test_a_row_of_a_figure_opens_its_panel_one_at_a_time() -> None:
    rows = Rows("figure4", peers=8)
    assert rows.panel is None
    rows.choice.value = 0
    assert rows.panel is not None
    first = rows.panel
    assert first.session.threat == "TR-1"
    assert first.session.choices.base == "trusted"
    assert "Everything is signed" in rows.asked.value
    assert rows.place.children == (first.view,)
    rows.choice.value = 7
    assert rows.panel is not first
    assert rows.panel.session.threat == "ST-7"
    rows.close()
    assert rows.place.children == ()


def test_every_exercise_has_hints() -> None:
    notebooks = (exercises.NOTEBOOK_00, exercises.NOTEBOOK_01, exercises.NOTEBOOK_04, exercises.NOTEBOOK_05)
    assert set(HINTS) == {name for names in (*notebooks, exercises.NOTEBOOK_06) for name in names}
    assert all(2 <= len(hints) <= 3 for hints in HINTS.values())


def test_hints_come_in_order_and_end() -> None:
    name = next(iter(HINTS))
    card = Hints(name)
    assert HINTS[name][0] not in card.text.value
    for number, hint in enumerate(HINTS[name], 1):
        assert str(number) in card.more.description
        card.more.click()
        assert hint in card.text.value.replace("&#x27;", "'").replace("&quot;", '"')
        assert here().exercises[name].hints == number
    assert card.more.disabled
    with pytest.raises(LookupError, match="known: "):
        Hints("nothing")


def test_a_card_has_words_without_a_widget() -> None:
    said = FixIt("ST-7")._repr_mimebundle_()
    data = said[0] if isinstance(said, tuple) else said
    assert data["text/plain"].startswith(f"ST-7 · {SCENARIOS['ST-7'].title}")
    assert data["text/plain"].count("\n") == 4


def test_the_first_prediction_counts() -> None:
    for answer, sure in ((1, "certain"), (0, "a guess")):
        card = predict("RP-2")
        card.choice.value, card.certainty.value = answer, sure
        card.lock.click()
        assert card.panel is not None
        card.panel.session.close()
    made = here().predictions["RP-2"]
    assert (made.answer, made.sure, made.right) == ("v2, the new contact", "certain", False)


def test_cards_work_where_a_loop_runs_as_in_a_notebook() -> None:
    async def kernel() -> FixIt:
        card = FixIt("TR-1", peers=8)
        card.choice.value = 0
        card.check.click()
        return card

    card = asyncio.run(kernel())
    assert card.problem.value == ""
    assert len(card.tried) == 1


def test_one_begins_again_with_one_thing_or_with_all() -> None:
    empty = BeginAgain()
    assert empty.forget.disabled
    here().checked("Who stores alice?", "SOLVED", tried=True)
    here().predicted("RP-2", "v1", "certain", right=True)
    assert not empty.forget.disabled, "it hears of what happens later"
    card = empty
    assert list(card.which.options) == ["Who stores alice?", "RP-2"]
    assert card.which.value == "Who stores alice?" == BeginAgain().which.value, "what stands there is what is forgotten"
    card.which.value = None
    card.forget.click()
    assert len(here().exercises) == len(here().predictions) == 1, "nothing is chosen, nothing is forgotten"
    card.which.value = "RP-2"
    card.forget.click()
    assert "RP-2" in card.told.value
    assert (here().predictions, len(here().exercises)) == ({}, 1)
    card.everything.click()
    assert here().exercises, "it asks first"
    card.everything.click()
    assert here().exercises == {}
    assert card.everything.disabled


def test_a_quiz_of_pictures_explains_every_choice() -> None:
    card = Quiz("06", peers=16)
    drawn = card.view.children[1].value
    assert drawn.count("<svg") == 4
    for place, asked in enumerate(REPLAY.asked):
        for letter in asked.why:
            card.chosen[place].value = letter
            assert card.problem.value == ""
            assert ("✓ right" in card.said[place].value) is (letter == asked.right)
        assert here().predictions[f"quiz: {asked.text}"].answer == "A"
    for letter, choices in zip(LETTERS, REPLAY.runs, strict=True):
        session = Session("RP-2", **choices)
        frame = session.run()
        refused = any(event.__class__.__name__ == "StoreRejected" for event in session.trace.events)
        resent = any(row.resent for row in frame.rows)
        assert (refused, resent, frame.word) == {
            "A": (True, True, Word.REFUSED),
            "B": (False, False, Word.HOLDS),
            "C": (False, True, Word.ROLLED_BACK),
            "D": (False, False, Word.HOLDS),
        }[letter]
        session.close()


def test_one_switch_makes_the_same_call_elsewhere() -> None:
    card = SameCall()
    assert "Choose where" in card.told.value
    card.where.value = DEPLOYMENTS[0]
    card.where.value = DEPLOYMENTS[2]
    card.signed.value = False
    assert card.problem.value == ""
    server, signed, unsigned = card.seen.values()
    assert (len(server.alterers), len(signed.alterers)) == (1, 0)
    assert len(unsigned.alterers) > 1
    assert f"{DEPLOYMENTS[2]}, unsigned" in card.told.value


def test_two_sliders_find_where_the_time_stamp_fails() -> None:
    card = Patience()
    for delay, window, word in ((36, 60, "ROLLED BACK"), (10, 60, "HOLDS"), (36, 30, "HOLDS"), (30, 90, "ROLLED BACK")):
        card.delay.value, card.window.value = delay, window
        assert word in card.told.value
        assert f"resent, {2 + delay} s" in card.told.value
    assert card.problem.value == ""


def test_the_matrix_opens_a_cell_and_compares_its_digest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(review, "folder", lambda name: tmp_path)
    grid = Grid(peers=8)
    assert grid.picture.story.count("run it") == 4 * len(SCENARIOS)
    panel = grid.open("TR-1", "defended")
    assert panel.session.choices.defences.names() == setting(scenario("TR-1")).with_defences(("tls",)).defences.names()
    assert "no published run" in grid.told.value
    assert 'data-id="TR-1/defended" aria-pressed="true"' in grid.picture.story
    grid._heard({"act": "cell", "id": "TR-1/attacked"})
    assert "READ" in grid.picture.story
    grid.close()

    chosen, seeds = [scenario("TR-1")], range(7, 9)
    done = sweep(matrix.jobs(chosen, seeds, ()), workers=1)
    made = matrix.to_json(matrix.assemble(chosen, seeds, (), done), seeds, ())
    (tmp_path / "matrix.json").write_text(json.dumps(made), encoding="utf-8")
    published = Grid()
    assert "with this source" in published.told.value
    for column in ("baseline", "attacked", "defended", "decoy"):
        published.open("TR-1", column)
        assert "the same run, down to the last event" in published.told.value
    published.close()
    with pytest.raises(ValueError, match="no column"):
        published.open("TR-1", "elsewhere")
