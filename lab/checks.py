"""What became of an exercise, as a value that shows itself in a notebook and in a terminal.

An exercise that nobody has touched is *open*, not wrong: a student's copy runs from top to bottom. A failed check says
what the answer did, and what to look at; it does not show the test.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from html import escape

from lab import progress


class State(enum.StrEnum):
    """Where an exercise stands."""

    OPEN = "NOT SOLVED YET"
    PASSED = "SOLVED"
    FAILED = "NOT YET RIGHT"


SIGNS = {State.OPEN: "?", State.PASSED: "✓", State.FAILED: "×"}
INKS = {
    State.OPEN: ("#465260", "#f5f7f9"),
    State.PASSED: ("#00664b", "#e2f3ed"),
    State.FAILED: ("#a04400", "#fdede2"),
}
"""Text and ground; the word and the sign say the same without colour."""


@dataclass(frozen=True, slots=True)
class Check:
    """The result of one exercise."""

    name: str
    state: State
    words: str

    def __str__(self) -> str:
        return f"{SIGNS[self.state]} {self.state}: {self.name} – {self.words}"

    def __repr__(self) -> str:
        return str(self)

    def __bool__(self) -> bool:
        return self.state is State.PASSED

    def _repr_html_(self) -> str:
        ink, ground = INKS[self.state]
        return (
            f'<div style="border-left:5px solid {ink};background:{ground};color:#14191f;padding:8px 12px;'
            f'font:13.5px/1.5 system-ui,sans-serif"><b style="color:{ink}">{SIGNS[self.state]} {self.state}</b> '
            f"<b>{escape(self.name)}</b><br>{escape(self.words)}</div>"
        )


JOURNAL: dict[str, Check] = {}
"""The last result of every exercise that was checked in this process, by name."""


def note(name: str, state: State, words: str) -> Check:
    """Write a result down, in the student's progress too, and return it."""
    result = JOURNAL[name] = Check(name, state, words)
    progress.here().checked(name, state.value, tried=state is not State.OPEN)
    return result


@dataclass(frozen=True, slots=True)
class Summary:
    """How far one has come: the results of some exercises, in order."""

    checks: tuple[Check, ...]

    @property
    def complete(self) -> bool:
        """Whether all are solved."""
        return all(self.checks)

    def __str__(self) -> str:
        return "\n".join([*map(str, self.checks), self._total()])

    def __repr__(self) -> str:
        return str(self)

    def _total(self) -> str:
        said = f"{sum(map(bool, self.checks))} of {len(self.checks)} solved"
        return f"{said}. {progress.here().problem}" if progress.here().problem else said

    def _repr_html_(self) -> str:
        rows = "".join(
            f'<tr><td style="text-align:left"><b style="color:{INKS[each.state][0]}">{SIGNS[each.state]} '
            f'{each.state}</b></td><td style="text-align:left">{escape(each.name)}</td></tr>'
            for each in self.checks
        )
        return f"<table>{rows}</table><p>{self._total()}</p>"


def summary(*names: str) -> Summary:
    """The results of the named exercises; those that were not checked are open."""
    missing = "Run its cell."
    return Summary(tuple(JOURNAL.get(name, Check(name, State.OPEN, missing)) for name in names))
