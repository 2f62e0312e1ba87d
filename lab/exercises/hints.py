"""The hints of the exercises, in the order in which they are opened."""

from __future__ import annotations

from collections.abc import Mapping

HINTS: Mapping[str, tuple[str, ...]] = {
    "accept(new, held, now)": (
        "What does the peer compare a PUT with when it has nothing yet?",
        "Try a rule on age, and read what the check says about it.",
        "Both fields of held lead to a rule of one line.",
    ),
    "quota(offer, here, everywhere)": (
        "Try a limit on here, and read where the spam lay that got in.",
        "A limit on everywhere counts the whole overlay. How many notices may an honest user have?",
        "Two kinds of objects need no count: those at one's own place, and those that are there already.",
    ),
}
"""By the exercise's name."""
