"""What answers have in common: nobody has begun, no number, an exception."""

from __future__ import annotations

import math

from p2psip_min import trace as events
from p2psip_min.overlay import Overlay


def untouched(answer: object) -> bool:
    """Whether nobody has written anything yet."""
    return answer is None or answer is ...


def number(answer: object) -> bool:
    """Whether it is a finite number, and no truth value."""
    return isinstance(answer, int | float) and not isinstance(answer, bool) and math.isfinite(answer)


def raised(error: Exception) -> str:
    """What a student's function raised."""
    return f"It raised {type(error).__name__}: {error}."


def full(overlay: Overlay) -> events.Trace:
    """The overlay's trace with everything in it."""
    assert isinstance(overlay.trace, events.Trace), "the exercise needs an overlay with a full trace"
    return overlay.trace
