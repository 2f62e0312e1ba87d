"""The notebooks without a kernel: they say what they promise, run as they are, and their solutions solve everything."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab import checks, exercises
from lab.app import open_lab, predict
from lab.checks import State
from lab.questions import QUESTIONS, SURE
from lab.told import told

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
EXERCISES = {
    "00_overlay_in_a_box": exercises.NOTEBOOK_00,
    "01_client_server": exercises.NOTEBOOK_01,
    "04_trusted_base": exercises.NOTEBOOK_04,
    "05_untrusted_base": exercises.NOTEBOOK_05,
    "06_replay": exercises.NOTEBOOK_06,
    "I0_instructors_console": (),
    "R0_reviewers_matrix": (),
}
NAMES = tuple(EXERCISES)
CELLS = dict(zip(NAMES, (21, 17, 25, 29, 29, 11, 17), strict=True))
"""Code cells of each copy: a notebook of which nbval collects nothing would pass and check nothing."""


def cells(path: str, kind: str) -> list[str]:
    book = json.loads((FOLDER / f"{path}.ipynb").read_text("utf-8"))
    return ["".join(cell["source"]) for cell in book["cells"] if cell["cell_type"] == kind]


def run(path: str) -> dict[str, Any]:
    """Every code cell in one namespace, as a kernel would run them."""
    checks.JOURNAL.clear()
    space: dict[str, Any] = {}
    for source in cells(path, "code"):
        exec(compile(source, path, "exec"), space)
    for value in space.values():
        panel = getattr(value, "panel", value)
        if hasattr(panel, "session"):
            panel.session.close()
    return space


@pytest.fixture(autouse=True)
def _fresh_journal() -> Iterator[None]:
    yield
    checks.JOURNAL.clear()


def test_nbval_collects_every_code_cell() -> None:
    command = [sys.executable, "-m", "pytest", "--collect-only", "--quiet", "--nbval-lax", "-p", "no:cacheprovider"]
    listed = subprocess.run(
        [*command, str(FOLDER)], cwd=FOLDER.parent, capture_output=True, text=True, check=False
    ).stdout
    found = re.findall(r"^(?:notebooks/)?((?:solutions/)?\w+)\.ipynb::Cell", listed, re.MULTILINE)
    assert {name: found.count(name) for name in set(found)} == {
        f"{folder}{name}": count for name, count in CELLS.items() for folder in ("", "solutions/")
    }


@pytest.mark.parametrize("name", NAMES)
def test_the_students_copy_runs_and_says_what_is_open(name: str) -> None:
    run(name)
    assert {each.name: each.state for each in checks.JOURNAL.values()} == dict.fromkeys(EXERCISES[name], State.OPEN)


@pytest.mark.parametrize("name", NAMES)
def test_the_solutions_solve_everything(name: str) -> None:
    run(f"solutions/{name}")
    assert set(checks.JOURNAL) == set(EXERCISES[name])
    assert checks.summary(*EXERCISES[name]).complete, str(checks.summary(*EXERCISES[name]))


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_begins_with_what_it_asks_and_gives(name: str) -> None:
    first = cells(name, "markdown")[0]
    for word in ("Duration", "minutes", "Difficulty", "You should know", "Draft", "Afterwards you can"):
        assert word in first


@pytest.mark.parametrize("name", [f"{folder}{name}" for name in NAMES for folder in ("", "solutions/")])
def test_cells_are_short_and_links_lead_somewhere(name: str) -> None:
    long = [source for source in cells(name, "code") if len([line for line in source.splitlines() if line]) > 8]
    assert long == []
    links = re.findall(r"\]\(([^)#]+\.ipynb)\)", "\n".join(cells(name, "markdown")))
    assert links
    assert [link for link in links if not (FOLDER / name).with_name(link).exists()] == []


def test_the_glossary_has_what_is_linked_to_it() -> None:
    words = re.findall(r"^### (.+)$", "\n".join(cells("glossary", "markdown")), re.MULTILINE)
    anchors = {word.replace(" ", "-") for word in words}
    assert len(anchors) == len(words) > 20
    for name in NAMES:
        linked = re.findall(r"\]\(glossary\.ipynb#([^)]+)\)", "\n".join(cells(name, "markdown")))
        assert set(linked) <= anchors
        assert len(linked) == len(set(linked)), "a word is linked at its first use only"


# --- the question before a run ----------------------------------------------------------------------------------------


def test_a_panel_opens_when_answer_and_confidence_are_given() -> None:
    card = predict("RP-2")
    assert card.lock.disabled
    card.choice.value = 1
    assert card.lock.disabled
    assert "how sure" in card.missing.value
    card.certainty.value = SURE[2]
    assert not card.lock.disabled
    assert card.panel is None
    card.lock.click()
    assert card.panel is not None
    assert card.panel.view in card.view.children
    assert "missed" not in card.told.value
    card.panel.end.click()
    assert "× missed" in card.told.value
    card.panel.session.close()
    assert card.result().startswith("× missed. You: v2, the new contact, certain.")


def test_a_question_is_right_about_the_run() -> None:
    question = QUESTIONS["RP-2"]
    outcome = told("RP-2").outcome
    assert question.answers[question.right].startswith(outcome.facts[0])
    assert question.judged(question.right, "a guess").startswith("✓ right")
    assert question.judged(None, "").startswith("? Not predicted yet")


@pytest.mark.parametrize(("threat", "choices"), [
    ("RP-2", {}),
    ("KB-9", {}),
    ("KB-1", {}),
    ("KB-1", {"defences": ("message-signature",)}),
    ("KB-10", {}),
    ("ST-7", {"base": "trusted", "defences": ("access-control",)}),
    ("ST-8", {"base": "trusted", "defences": ("peer-quota",)}),
])  # fmt: skip
def test_a_panel_says_what_the_question_expects(threat: str, choices: dict[str, Any]) -> None:
    panel = open_lab(threat, **choices)
    assert panel.session.run().word is QUESTIONS[threat].word
    panel.session.close()


def test_a_card_brings_a_panel_back() -> None:
    first = open_lab("RP-2", seed=9)
    first.session.run()
    again = open_lab(first.session.card)
    assert again.session.frame().caption == first.session.frame().caption
    first.session.close()
    again.session.close()
    wrong = re.sub(r"-[0-9A-F]{4}@", "-0000@", first.session.card)
    with pytest.raises(ValueError, match="plays"):
        open_lab(wrong)
    with pytest.raises(LookupError, match="known"):
        open_lab("XX-1")
