"""Questions made of pictures: four runs at their ends, and what can be read from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

import ipywidgets as w

from lab import plots, progress
from lab.cards import Card
from lab.session import Session
from p2psip_min.transport.driver import driver_here

LETTERS = "ABCD"
NONE = "none"
WIDTH = 400
"""Pixels of a picture."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One question: which run, by its letter or NONE, is right, and what to say of each choice."""

    text: str
    right: str
    why: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pictures:
    """A story told in four ways: what is chosen for each run, and the questions."""

    name: str
    threat: str
    runs: tuple[Mapping[str, Any], ...]
    asked: tuple[Asked, ...]


REPLAY = Pictures(
    name="Four ends of one story",
    threat="RP-2",
    runs=({"defences": ("version-counter",)}, {"routing": "iterative"}, {}, {"attack": False}),
    asked=(
        Asked(
            text="In which of them was mallory’s copy refused?",
            right="A",
            why={
                "A": "The dashed line says that it was sent, and all three holders still have v2.",
                "B": "Nothing was resent there: no dashed line leaves mallory.",
                "C": "There it was taken: the holders have v1, and bob reads it.",
                "D": "Nobody is hostile there, and nothing was resent.",
                NONE: "In one a dashed line leaves mallory, and nobody who received it changed.",
            },
        ),
        Asked(
            text="In which of them is a peer hostile that has nothing to send?",
            right="B",
            why={
                "A": "There it did send its copy, and it was refused.",
                "B": "The lookup was iterative: the PUT went straight to the root, and mallory never held it.",
                "C": "There it had the copy, and used it.",
                "D": "There is no hostile peer.",
                NONE: "Look for the diamond, and for what leaves it.",
            },
        ),
        Asked(
            text="In which of them does somebody hold a record whose signature fails?",
            right=NONE,
            why={
                "A": "v2 is alice’s, signed by her.",
                "B": "v2 is alice’s, signed by her.",
                "C": "v1 is old, and alice did sign it. That is why nobody noticed.",
                "D": "v2 is alice’s, signed by her.",
                NONE: "Old is not forged. A signature can’t tell the two apart; a counter or a rising time can.",
            },
        ),
    ),
)

QUIZZES: Mapping[str, Pictures] = {"06": REPLAY}
"""By notebook."""


class Quiz(Card):
    """Four pictures, and questions about them; each choice is explained, and the first one is written down."""

    def __init__(self, which: str | Pictures, *, peers: int = 32) -> None:
        self.pictures = QUIZZES[which] if isinstance(which, str) else which
        super().__init__(self.pictures.name)
        self.chosen: list[w.ToggleButtons] = []
        self.said: list[w.HTML] = []
        parts: list[w.Widget] = [w.HTML(self._drawn(peers))]
        for number, asked in enumerate(self.pictures.asked, 1):
            choice = w.ToggleButtons(options=[*LETTERS, NONE], value=None, style={"button_width": "96px"})
            said = w.HTML()
            choice.observe(lambda _, place=number - 1: self._guard(lambda: self.look(place)), "value")
            parts += [w.HTML(f"<p><b>{number}</b> &nbsp;{escape(asked.text)}</p>"), choice, said]
            self.chosen.append(choice)
            self.said.append(said)
        self._show(*parts)

    def _drawn(self, peers: int) -> str:
        figures = []
        for letter, choices in zip(LETTERS, self.pictures.runs, strict=True):
            session = Session(self.pictures.threat, peers=peers, driver=driver_here, **choices)
            try:
                session.run()
                figures.append(f"<figure><figcaption>{letter}</figcaption>{plots.ring_svg(session.frame(), WIDTH)}")
            finally:
                session.close()
        return f'<div class="pictures">{"</figure>".join(figures)}</figure></div>'

    def look(self, place: int) -> None:
        """Say whether the choice is right, and why."""
        asked, letter = self.pictures.asked[place], self.chosen[place].value
        if letter is None:
            return
        right = letter == asked.right
        sign, kind = ("✓ right", "right") if right else ("× not this", "wrong")
        self.said[place].value = f'<div class="tried {kind}"><b>{sign}</b> &nbsp; {escape(asked.why[letter])}</div>'
        progress.here().predicted(f"quiz: {asked.text}", letter, "", right=right)

    def _plain(self) -> str:
        return "\n".join([self.title, *(f"  {n}. {asked.text}" for n, asked in enumerate(self.pictures.asked, 1))])
