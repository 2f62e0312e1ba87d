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
LESSONS = tuple(name for name, each in EXERCISES.items() if each)
CELLS = dict(zip(NAMES, (31, 21, 27, 33, 35, 18, 27), strict=True))
"""Code cells of each copy, of which there is one without exercises: else nbval might collect nothing and pass."""


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
        f"{folder}{name}": count
        for name, count in CELLS.items()
        for folder in ("", "solutions/")
        if not folder or name in LESSONS
    }


@pytest.mark.parametrize("name", LESSONS)
def test_the_students_copy_runs_and_says_what_is_open(name: str) -> None:
    run(name)
    assert {each.name: each.state for each in checks.JOURNAL.values()} == dict.fromkeys(EXERCISES[name], State.OPEN)


@pytest.mark.parametrize("name", LESSONS)
def test_the_solutions_solve_everything(name: str) -> None:
    run(f"solutions/{name}")
    assert set(checks.JOURNAL) == set(EXERCISES[name])
    assert checks.summary(*EXERCISES[name]).complete, str(checks.summary(*EXERCISES[name]))


@pytest.mark.parametrize("name", sorted({*NAMES} - {*LESSONS}))
def test_copies_without_exercises_are_the_same(name: str) -> None:
    assert (FOLDER / f"{name}.ipynb").read_bytes() == (FOLDER / "solutions" / f"{name}.ipynb").read_bytes()


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


@pytest.mark.parametrize("name", NAMES)
def test_sections_take_the_time_that_the_notebook_says(name: str) -> None:
    text = "\n".join(cells(name, "markdown"))
    whole = re.search(r"\| Duration \| (\d+) minutes", text)
    assert whole is not None
    sections = re.findall(r"^## (?:\d+ · )?.+$", text, re.MULTILINE)
    timed = [int(minutes) for minutes in re.findall(r"^## .+\((\d+) min\)$", text, re.MULTILINE)]
    assert len(sections) >= 5
    if name != "I0_instructors_console":  # its lesson has a plan of its own
        assert sum(timed) == int(whole[1])


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_has_what_every_lesson_has(name: str) -> None:
    code = cells(name, "code")
    whole = "\n".join(code)
    assert "ready()" in code[1], "the second cell says whether everything works"
    assert sum(cell.count("assert ") for cell in code) >= 5, "claims are asserted"
    for card in ("predict(", "FixIt(", "tell.calibrated()", "BeginAgain()"):
        assert card in whole
    if EXERCISES[name]:
        assert whole.index("tell.calibrated()") < whole.index("summary(*exercises.") < whole.index("BeginAgain()")
    judged = [place for place, cell in enumerate(code) if re.search(r"^exercises\.[a-z_0-9]+\(", cell, re.MULTILINE)]
    assert len(judged) == len(EXERCISES[name])
    assert all(code[place + 1].startswith('Hints("') for place in judged), "hints follow their exercise"


TERMS = {
    "Peer": r"peers?(?!-to)",
    "Client": r"clients?(?![/-])",
    "Overlay": r"overlays?(?!\s+base)",
    "Trace": r"traces?(?!\s+cards?)",
    "Recursive routing": r"recursive(?:\s+routing)?",
    "Iterative routing": r"iterative(?:\s+routing)?",
    "Replay": r"replays?|replayed|replaying",
    "Trusted base": r"(?<!un)trusted\s+base",
    "Record": r"records?(?!\s+signature)",
}
"""How a word of the glossary is written, where a plural is not all."""


def _plain(markdown: str) -> str:
    """The text without titles, tables, code and links to elsewhere."""
    for kept in (r"^#+ .*$", r"^\|.*$", r"`[^`]*`", r"\[[^\]]*\]\((?!glossary)[^)]*\)"):
        markdown = re.sub(kept, " ", markdown, flags=re.MULTILINE)
    return markdown


@pytest.mark.parametrize("name", NAMES)
def test_a_word_of_the_glossary_is_linked_at_its_first_use_and_only_there(name: str) -> None:
    words = re.findall(r"^### (.+)$", "\n".join(cells("glossary", "markdown")), re.MULTILINE)
    assert len(set(words)) == len(words) > 20
    _, *texts = cells(name, "markdown")
    text = _plain("\n".join(texts))
    linked = re.findall(r"\]\(glossary\.ipynb#([^)]+)\)", text)
    assert set(linked) <= {word.replace(" ", "-") for word in words}
    assert len(linked) == len(set(linked))
    for word in words:
        written = TERMS.get(word, re.escape(word).replace("\\ ", r"\s+") + "s?")
        link = rf"\[[^\]]*\]\(glossary\.ipynb#{word.replace(' ', '-')}\)"
        others = r"\[[^\]]*\]\(glossary\.ipynb#[^)]*\)"
        flags = 0 if word == "TLS" else re.IGNORECASE
        first = re.search(rf"{link}|{others}|(?<![\w-])(?:{written})(?![\w-])", text, flags)
        while first is not None and first[0].startswith("[") and not re.fullmatch(link, first[0], flags):
            first = re.compile(rf"{link}|{others}|(?<![\w-])(?:{written})(?![\w-])", flags).search(text, first.end())
        assert first is None or first[0].startswith("["), f"{word} is used before it is linked"


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
