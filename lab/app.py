"""The calls of a notebook: a panel on a session, and a question before it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lab import questions
from lab.frames import SessionLike
from lab.predict import Prediction
from lab.session import Session
from lab.widgets import Panel
from p2psip_min.defences import PRESETS
from p2psip_min.transport.driver import driver_here


def show(session: SessionLike) -> Panel:
    """A panel on ``session``; the last line of a cell shows it."""
    return Panel(session)


def open_lab(which: str = "", **choices: Any) -> Panel:
    """A panel on a threat ("RP-2"), on the moment that a trace card names, or on the tour: of a preset, or of nothing.

    ``choices`` are Session's: base, routing, preset, links, peers, seed, attack, defences.
    """
    if which in PRESETS:
        return Panel(Session(preset=which, threat="", driver=driver_here, **choices))
    try:
        session = Session.from_card(which, driver=driver_here)
    except ValueError:
        if which.count("-") > 1:
            raise
        session = Session(which, driver=driver_here, **choices)
    return Panel(session)


def predict(threat: str, then: Callable[[], Panel] | None = None) -> Prediction:
    """The question that a threat asks before it is run; the panel opens when it has been answered."""
    question = questions.QUESTIONS[threat]
    return Prediction(question, then or (lambda: open_lab(threat)), threat)
