"""The one call of a notebook: a panel on a session."""

from __future__ import annotations

from lab.frames import SessionLike
from lab.widgets import Panel


def show(session: SessionLike) -> Panel:
    """A panel on ``session``; the last line of a cell shows it."""
    return Panel(session)
