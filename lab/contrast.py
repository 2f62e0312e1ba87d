"""Every word of two runs side by side; with ``lab.text`` and ``lab.labels``, all there is to translate."""

from __future__ import annotations

from lab.text import byte_count

COMPARE, COMPARE_HELP = "Compare", "compare with the run before the last change"
LEAVE = "Close the comparison"
RUN_BEFORE = "Before the change"
NO_DIFFERENCE, NO_MESSAGE_DIFFERS, ALIKE_SO_FAR = "NO DIFFERENCE", "NO MESSAGE DIFFERS", "ALIKE SO FAR"
SAME_WAY = "No message goes another way."
NEXT_DIFFERENCE, PREVIOUS_DIFFERENCE = "Next difference", "Previous difference"
NEXT_DIFFERENCE_HELP = "to the next message that goes another way in one of the runs (n)"
PREVIOUS_DIFFERENCE_HELP = "to the one before (N)"
BOTH_ON, BOTH_BACK = "one moment on in both runs (.)", "one moment back in both runs (←)"
PAIRS, ALL_PAIRS = "Messages side by side", "All messages side by side"
PAIRS_NOTE = "= the same to the byte, ≈ the same way with other bytes or at another time, ≠ goes another way"
BOTH = "moment of both runs"
NO_LATER, NO_EARLIER = "No further difference comes after this moment.", "No difference lies before this moment."
KEYS = (
    ("n", "next difference"),
    ("N", "previous"),
    (".", "step both"),
    ("←", "back"),
    ("space", "play"),
    ("c", "close"),
)
NOTHING_CHANGED = "Nothing was changed"
NO_MESSAGE = "no message"
UNDONE = "what was done by hand is undone"
NOT_PRESENTED = "two runs are not shown in presenter mode: p leaves it, and then c compares"
NO_RUN_BEFORE = "there is no run before this one: move a switch, or do something by hand"


def first_difference(number: int) -> str:
    """The comparison's word at the first difference."""
    return f"FIRST DIFFERENCE: {number}"


def difference(number: int, count: int) -> str:
    """The comparison's word at a later one."""
    return f"DIFFERENCE {number} OF {count}"


def differences_so_far(number: int, count: int) -> str:
    """The comparison's word between two of them."""
    return f"{number} OF {count} DIFFERENCES SO FAR" if number else ALIKE_SO_FAR


def change(what: str, before: str, now: str) -> str:
    """One thing that was changed."""
    return f"{what}: {before or 'none'} → {now or 'none'}"


def act(name: str, t: float, node: str) -> str:
    """Something done by hand."""
    return f"by hand at {t:.2f} s: {name}{f' {node}' if node else ''}"


def only_in(t: float, letter: str, name: str, ended: str) -> str:
    """A message of one run."""
    return f"At {t:.2f} s only {letter} has this {name} ({ended})."


def differ_in(t: float, name: str, more: int, later: float, *, same: bool) -> str:
    """A message that both have and that goes the same way: with other bytes, or at another time."""
    if more:
        how = f"{byte_count(abs(more))} {'longer' if more > 0 else 'shorter'} in B"
    else:
        how = "the same to the byte" if same else "with other bytes in B"
    delayed = f", {abs(later):.2f} s {'later' if later > 0 else 'earlier'} in B" if abs(later) >= 0.005 else ""
    return f"At {t:.2f} s both send this {name}: {how}{delayed}."


def ends_otherwise(t: float, name: str, left: str, right: str) -> str:
    """A message that both have and that does not end alike."""
    return f"At {t:.2f} s both send this {name}. In A: {left}; in B: {right}."


def instead(t: float, left: str, left_ended: str, right: str, right_ended: str) -> str:
    """What two nodes say to each other in A and, in its place, in B."""
    return f"At {t:.2f} s A has this {left} ({left_ended}), B in its place {right} ({right_ended})."


def part_at(number: int) -> str:
    """Where the first difference is none that matters for the course of things."""
    return f"They part at message {number}."


def ends(left: str, right: str) -> str:
    """How both runs end."""
    return f"A ends {left}, B {right}."


def place_text(cursor: int, length: int, passed: int, differences: int) -> str:
    """The track's place for screen readers."""
    return f"place {cursor} of {length}, {passed} of {differences} differences so far"


def both_at(cursor: int, length: int) -> str:
    """The status line of a comparison."""
    return f"Both runs at place {cursor} of {length}."


def more_pairs(count: int, different: int, before: bool) -> str:
    """What lies outside of the part of the table that is shown."""
    many = f"{count} {'earlier' if before else 'later'} message{'s' if count != 1 else ''}"
    return f"{many}, {f'{different} of them go another way' if different else 'none goes another way'}"


def all_pairs(count: int, drawn: int) -> str:
    """What opens the whole table."""
    return f"{count} pairs" + (f", here the first {drawn}" if drawn < count else "")
