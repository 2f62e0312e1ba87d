"""The hints of the exercises, in the order in which they are opened."""

from __future__ import annotations

from collections.abc import Mapping

HINTS: Mapping[str, tuple[str, ...]] = {
    "accept(new, held, now)": (
        "What does the peer compare a PUT with when it has nothing yet?",
        "Try a rule on age, and read what the check says about it.",
        "Both fields of held lead to a rule of one line.",
    ),
}
"""By the exercise's name."""
