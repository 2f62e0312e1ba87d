"""Every word that people read, in one place, so that it can be translated."""

from __future__ import annotations

import enum
from collections.abc import Sequence


class Word(enum.StrEnum):
    """One word per fact, the same word everywhere."""

    HOLDS = "HOLDS"
    NEWEST = "NEWEST"
    REFUSED = "REFUSED"
    ROLLED_BACK = "ROLLED BACK"
    FORGED = "FORGED"
    LOST = "LOST"
    READ = "READ"
    FAILED = "FAILED"
    STALE = "STALE"
    REMOVED = "REMOVED"
    KEPT_COPY = "KEPT COPY"
    NOT_RUN = "NOT RUN"
    RUNNING = "RUNNING"


class Tone(enum.StrEnum):
    """The colour family of a word; never its only sign."""

    GOOD = "good"
    BAD = "bad"
    WARN = "warn"
    MUTE = "mute"


TONES: dict[Word, Tone] = {
    Word.HOLDS: Tone.GOOD,
    Word.NEWEST: Tone.GOOD,
    Word.REFUSED: Tone.GOOD,
    Word.ROLLED_BACK: Tone.BAD,
    Word.FORGED: Tone.BAD,
    Word.LOST: Tone.BAD,
    Word.READ: Tone.BAD,
    Word.FAILED: Tone.BAD,
    Word.STALE: Tone.WARN,
    Word.REMOVED: Tone.MUTE,
    Word.KEPT_COPY: Tone.MUTE,
    Word.NOT_RUN: Tone.MUTE,
    Word.RUNNING: Tone.MUTE,
}


def version(number: int) -> str:
    """The label of a version; empty for none."""
    return f"v{number}" if number else ""


def series(items: Sequence[str]) -> str:
    """ "a, b and c"."""
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} and {items[-1]}"


def capital(sentence: str) -> str:
    """The sentence with a capital at its start, unless that is a node's name such as p07."""
    first = sentence.split(" ", 1)[0]
    return sentence if any(c.isdigit() for c in first) else sentence[:1].upper() + sentence[1:]
