"""How far somebody has come in the course, in a plain file that survives restarts.

The file is JSON: exercises with their last state, tries and hints; predictions with how sure one was; defences that
one chose where one had to be found. It has no clock and no name of anybody: who keeps several files names them.
"""

from __future__ import annotations

import csv
import io
import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

VARIABLE = "P2PSIP_PROGRESS"
"""The environment variable that names another file."""

FILE = "progress.json"
FORMAT = 1


class BadProgress(ValueError):
    """A file that is no progress of this format; it is left as it is."""


def not_kept(error: BadProgress) -> str:
    """What is said where another file stands in the place of ours."""
    return f"Progress is not kept: {error}"


@dataclass(slots=True)
class Exercise:
    """One exercise: its last ``state``, how often it was checked with an answer, how many hints were opened."""

    state: str = ""
    tries: int = 0
    hints: int = 0


@dataclass(slots=True)
class Choice:
    """One answer to a question that has a right one; ``sure`` is empty where nobody asked."""

    answer: str
    right: bool
    sure: str = ""


@dataclass(slots=True)
class Progress:
    """One student's progress; ``path`` is where it is kept, None for nowhere, and then ``problem`` says why."""

    path: Path | None = None
    problem: str = ""
    exercises: dict[str, Exercise] = field(default_factory=dict)
    predictions: dict[str, Choice] = field(default_factory=dict)
    fixes: dict[str, list[Choice]] = field(default_factory=dict)

    # --- what happens ----------------------------------------------------------------------------------------

    def checked(self, name: str, state: str, *, tried: bool) -> None:
        """An exercise was checked; ``tried`` says that there was an answer."""
        self._catch_up()
        exercise = self.exercises.setdefault(name, Exercise())
        exercise.state = state
        exercise.tries += tried
        self.save()

    def hinted(self, name: str, number: int) -> None:
        """Hint ``number`` (from 1) of an exercise was opened."""
        self._catch_up()
        exercise = self.exercises.setdefault(name, Exercise())
        exercise.hints = max(exercise.hints, number)
        self.save()

    def predicted(self, question: str, answer: str, sure: str, *, right: bool) -> None:
        """A prediction was made; the first one counts."""
        self._catch_up()
        self.predictions.setdefault(question, Choice(answer, right, sure))
        self.save()

    def chose(self, threat: str, answer: str, *, right: bool) -> None:
        """A defence was chosen against a threat."""
        self._catch_up()
        self.fixes.setdefault(threat, []).append(Choice(answer, right))
        self.save()

    def reset(self, name: str | None = None) -> None:
        """Forget one exercise, prediction or choice, or everything; LookupError lists what there is."""
        self._catch_up()
        kept: tuple[dict[str, Any], ...] = (self.exercises, self.predictions, self.fixes)
        if name is None:
            for each in kept:
                each.clear()
        elif not any(name in each for each in kept):
            known = ", ".join(dict.fromkeys(known for each in kept for known in each)) or "nothing yet"
            raise LookupError(f"no progress in {name!r}; known: {known}")
        else:
            for each in kept:
                each.pop(name, None)
        self.save()

    # --- the file --------------------------------------------------------------------------------------------

    def save(self) -> None:
        """Write the file, whole or not at all, and tell those who watch."""
        self._write()
        for each in WATCHING:
            each()

    def _catch_up(self) -> None:
        """Take over what was written meanwhile: two notebooks are two kernels, and have one file."""
        if self.path is None or not self.path.exists():
            return
        try:
            found = Progress.load(self.path)
        except BadProgress as error:
            self.path, self.problem = None, not_kept(error)
        else:
            self.exercises, self.predictions, self.fixes = found.exercises, found.predictions, found.fixes

    def _write(self) -> None:
        if self.path is None:
            return
        document = {
            "format": FORMAT,
            **{name: value for name, value in asdict(self).items() if name not in ("path", "problem")},
        }
        torn = self.path.with_name(f"{self.path.name}.{os.getpid()}.part")
        torn.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        os.replace(torn, self.path)

    @classmethod
    def load(cls, path: Path) -> Progress:
        """What a file holds; empty where there is none. BadProgress when it is something else."""
        if not path.exists():
            return cls(path)
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
            if document["format"] != FORMAT:
                raise BadProgress(f"{path.name}: format {document['format']}, and this lab knows {FORMAT}")
            return cls(
                path,
                exercises={name: Exercise(**each) for name, each in document["exercises"].items()},
                predictions={name: Choice(**each) for name, each in document["predictions"].items()},
                fixes={name: [Choice(**each) for each in made] for name, made in document["fixes"].items()},
            )
        except (json.JSONDecodeError, UnicodeDecodeError):
            raise BadProgress(f"{path.name} is no progress file: it is not JSON") from None
        except (TypeError, KeyError, AttributeError):
            raise BadProgress(f"{path.name} is no progress file: it has none of the lab's fields, or others") from None


WATCHING: list[Callable[[], None]] = []
"""Called whenever something was written down, in this process."""

_here: Progress | None = None


def here() -> Progress:
    """The progress of this process: the file that the environment names, else ``progress.json`` beside the notebook.

    Another file of that name is left alone, and nothing is kept; a lesson does not stop for it.
    """
    global _here
    if _here is None:
        try:
            _here = Progress.load(Path(os.environ.get(VARIABLE) or FILE))
        except BadProgress as error:
            _here = Progress(problem=not_kept(error))
    return _here


# --- calibration ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Calibration:
    """Of ``made`` predictions with one degree of certainty, ``right`` came true."""

    sure: str
    made: int
    right: int


def calibration(progress: Progress, degrees: Sequence[str]) -> tuple[Calibration, ...]:
    """How often one was right, by how sure one was."""
    found = progress.predictions.values()
    return tuple(
        Calibration(
            sure,
            sum(choice.sure == sure for choice in found),
            sum(choice.right for choice in found if choice.sure == sure),
        )
        for sure in degrees
    )


# --- a class ----------------------------------------------------------------------------------------------------------

HEAD = ("table", "student", "name", "state", "tries", "hints", "answer", "sure", "right", "students")


def class_csv(students: Iterable[tuple[str, Progress]]) -> str:
    """Many students' progress as one CSV: results, predictions and choices by student, then misconceptions by count.

    A misconception is a wrong answer; ``students`` says how many gave it, the most frequent first.
    """
    out = io.StringIO(newline="")
    table = csv.DictWriter(out, HEAD, restval="", lineterminator="\n")
    table.writeheader()
    wrong: Counter[tuple[str, str]] = Counter()
    for student, progress in students:
        for name, exercise in progress.exercises.items():
            table.writerow({"table": "exercise", "student": student, "name": name, **asdict(exercise)})
        given = [("prediction", name, choice) for name, choice in progress.predictions.items()]
        given += [("fix", name, choice) for name, made in progress.fixes.items() for choice in made]
        for kind, name, choice in given:
            right = "yes" if choice.right else "no"
            row = {"table": kind, "student": student, "name": name, "answer": choice.answer, "sure": choice.sure}
            table.writerow({**row, "right": right})
        wrong.update({(name, choice.answer) for _, name, choice in given if not choice.right})
    for (name, answer), count in sorted(wrong.items(), key=lambda item: (-item[1], item[0])):
        table.writerow({"table": "misconception", "name": name, "answer": answer, "students": count})
    return out.getvalue()
