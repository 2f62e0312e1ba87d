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
    "locate(way, probe)": (
        "A request that is given to the last peer of the way passes nobody else. What does it mean when it is lost?",
        "If it comes through from the middle, everybody after the middle is good, and the middle, too.",
        "So halve the way until one is left: seven peers take three probes.",
    ),
    "true_root(key, heard, named)": (
        "A name that nobody answers under counts for nothing.",
        "Clockwise from the key means: by how much is a node after it? Below the key that is nearly a whole turn.",
        "(node - key) % 2**128 is that distance, and the smallest one wins.",
    ),
}
"""By the exercise's name."""
