"""What the command line takes as a value: whole numbers, counts, and numbers by name."""

from __future__ import annotations

import math
from argparse import ArgumentTypeError
from collections.abc import Sequence

from lab.choices import MOST_PEERS


def whole(text: str) -> int:
    """A whole number, of either sign."""
    try:
        return int(text)
    except ValueError:
        raise ArgumentTypeError(f"a whole number is wanted, not {text!r}") from None


def number(text: str) -> int:
    """A whole number from 0 on."""
    if not text.isdigit():
        raise ArgumentTypeError(f"a whole number from 0 on is wanted, not {text!r}")
    return int(text)


def count(text: str) -> int:
    """A whole number above 0."""
    if not text.isdigit() or not int(text):
        raise ArgumentTypeError(f"a whole number above 0 is wanted, not {text!r}")
    return int(text)


def peers(text: str) -> int:
    """As many peers as fit into one run."""
    wanted = count(text)
    if wanted > MOST_PEERS:
        raise ArgumentTypeError(f"at most {MOST_PEERS} peers fit into one run, not {wanted}")
    return wanted


def numbers(assignments: Sequence[str]) -> dict[str, float]:
    """NAME=VALUE each; ValueError where a value is no number from 0 on. No setting is negative, none is endless."""
    found = {}
    for text in assignments:
        name, _, value = text.partition("=")
        try:
            found[name] = float(value)
        except ValueError:
            raise ValueError(f"--set wants NAME=VALUE with a number, not {text!r}") from None
        if not 0 <= found[name] < math.inf:
            raise ValueError(f"--set wants NAME=VALUE with a finite number from 0 on, not {text!r}")
    return found
