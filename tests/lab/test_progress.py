"""Progress that survives restarts, can be reset, and can be gathered from a class."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from lab import progress as progressing
from lab.__main__ import main
from lab.progress import BadProgress, Calibration, Choice, Exercise, Progress, calibration, class_csv, here
from lab.questions import SURE


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "progress.json"


def worked(file: Path) -> Progress:
    made = Progress.load(file)
    made.checked("accept", "NOT SOLVED YET", tried=False)
    made.checked("accept", "NOT YET RIGHT", tried=True)
    made.hinted("accept", 2)
    made.hinted("accept", 1)
    made.checked("accept", "SOLVED", tried=True)
    made.predicted("RP-2", "v2", "certain", right=False)
    made.predicted("RP-2", "v1", "a guess", right=True)
    made.chose("RP-2", "time-stamp", right=False)
    made.chose("RP-2", "version-counter", right=True)
    return made


def test_everything_survives_a_restart(file: Path) -> None:
    made = worked(file)
    again = Progress.load(file)
    assert again == made
    assert again.exercises == {"accept": Exercise("SOLVED", tries=2, hints=2)}
    assert again.predictions == {"RP-2": Choice("v2", False, "certain")}  # the first one counts
    assert [choice.answer for choice in again.fixes["RP-2"]] == ["time-stamp", "version-counter"]
    assert [path.name for path in file.parent.iterdir()] == ["progress.json"]


def test_two_notebooks_write_into_one_file_and_lose_nothing(file: Path) -> None:
    one, other = Progress.load(file), Progress.load(file)
    one.checked("quota", "solved", tried=True)
    other.predicted("RP-2", "v1", "certain", right=True)
    one.chose("TR-4", "tls", right=False)
    other.hinted("quota", 2)
    kept = Progress.load(file)
    assert (kept.exercises["quota"].state, kept.exercises["quota"].hints) == ("solved", 2)
    assert (kept.predictions["RP-2"].answer, kept.fixes["TR-4"][0].answer) == ("v1", "tls")
    assert list(file.parent.iterdir()) == [file]


def test_a_file_that_became_another_is_left_as_it_is(file: Path) -> None:
    made = Progress.load(file)
    made.hinted("quota", 1)
    file.write_text("mine now")
    made.hinted("quota", 2)
    assert file.read_text() == "mine now"
    assert "is not kept" in made.problem


def test_one_thing_or_everything_is_reset(file: Path) -> None:
    made = worked(file)
    with pytest.raises(LookupError, match="known: accept, RP-2"):
        made.reset("nonsense")
    made.reset("RP-2")
    assert (Progress.load(file).predictions, Progress.load(file).fixes) == ({}, {})
    assert Progress.load(file).exercises
    made.reset()
    assert Progress.load(file) == Progress(file)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"format": 1}', '{"format": 99}', '{"format": 1, "exercises": 3}'])
def test_another_file_is_left_as_it_is(file: Path, content: str) -> None:
    file.write_text(content)
    with pytest.raises(BadProgress, match=r"progress\.json"):
        Progress.load(file)
    assert file.read_text() == content


def test_the_environment_names_the_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(progressing.VARIABLE, str(file))
    monkeypatch.setattr(progressing, "_here", None)
    here().checked("x", "SOLVED", tried=True)
    assert json.loads(file.read_text())["exercises"]["x"]["state"] == "SOLVED"
    assert here() is here()


def test_a_lesson_does_not_stop_for_a_bad_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text("{")
    monkeypatch.setenv(progressing.VARIABLE, str(file))
    monkeypatch.setattr(progressing, "_here", None)
    here().checked("x", "SOLVED", tried=True)
    assert "is not kept" in here().problem
    assert file.read_text() == "{"


def test_calibration_counts_by_how_sure_one_was() -> None:
    made = Progress()
    for number, (sure, right) in enumerate([("certain", True), ("certain", False), ("a guess", True)]):
        made.predicted(str(number), "x", sure, right=right)
    assert calibration(made, SURE) == (
        Calibration("a guess", 1, 1),
        Calibration("fairly sure", 0, 0),
        Calibration("certain", 2, 1),
    )


def test_a_class_becomes_one_table_with_its_misconceptions(file: Path) -> None:
    other = Progress()
    other.predicted("RP-2", "v2", "a guess", right=False)
    other.chose("RP-2", "time-stamp", right=False)
    other.chose("RP-2", "time-stamp", right=False)
    rows = list(csv.DictReader(io.StringIO(class_csv([("ann", worked(file)), ("ben", other)]))))
    assert [row["student"] for row in rows if row["table"] == "exercise"] == ["ann"]
    wrong = [(row["name"], row["answer"], row["students"]) for row in rows if row["table"] == "misconception"]
    assert wrong == [("RP-2", "time-stamp", "2"), ("RP-2", "v2", "2")]


def test_the_command_gathers_files(file: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    worked(file)
    named = tmp_path / "ann.json"
    file.rename(named)
    assert main(["progress", str(named)]) == 0
    out = capsys.readouterr().out
    assert out.startswith("table,student,name")
    assert "exercise,ann,accept,SOLVED,2,2" in out
    named.write_text("{}")
    assert main(["progress", str(named)]) == 2
    assert "ann.json is no progress file" in capsys.readouterr().err
    assert main(["progress", str(tmp_path / "nobody.json")]) == 2
