"""Cards to work with: a choice is run and explained, hints come one by one, and both are written down."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from lab import exercises
from lab import progress as progressing
from lab.app import predict
from lab.cards import FixIt, Hints, Rows
from lab.exercises import HINTS
from lab.progress import here
from lab.scenarios import SCENARIOS


@pytest.fixture(autouse=True)
def _own_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(progressing.VARIABLE, str(tmp_path / "progress.json"))
    monkeypatch.setattr(progressing, "_here", None)


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
