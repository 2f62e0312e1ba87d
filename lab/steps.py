"""Larger steps than one moment."""

from __future__ import annotations

from lab.frames import Frame, SessionLike


def next_message(session: SessionLike) -> Frame:
    """On to the moment in which another message is sent; to the end where none is."""
    frame = session.frame()
    seen = len(frame.rows)
    while len(frame.rows) == seen and not (session.finished and session.cursor == session.length):
        frame = session.step()
    return frame
