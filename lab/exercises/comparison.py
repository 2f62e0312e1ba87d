"""Exercises of 01, client-server against peer-to-peer: Figure 1 filled from measurements, and who can alter a call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from lab.checks import Check, State, note
from lab.exercises.answers import raised, untouched
from p2psip_min import deployments
from p2psip_min.defences import Defences
from p2psip_min.deployments import CallFigures, ClientServer

FIGURE = "Figure 1, filled in"
ALTER = "Who can alter the call?"

NOTEBOOK_01 = (FIGURE, ALTER)

CELLS: Mapping[str, tuple[str, ...]] = {
    "transport": ("client and server", "every pair of linked nodes"),
    "routing": ("one hop", "hop by hop"),
    "storage": ("the server is trusted", "the record has to prove itself"),
}
"""What may stand in Figure 1, by row; the first is true of client/server, the second of an overlay."""


def figure_1(filled: Mapping[str, tuple[Any, Any]] | None) -> Check:
    """Whether each row of Figure 1 says the right thing of client/server (left) and of an overlay (right)."""
    if untouched(filled) or filled is None or all(untouched(cell) for row in filled.values() for cell in row):
        return note(FIGURE, State.OPEN, "Write one of the row's two phrases into each cell.")
    for row, (server, overlay) in CELLS.items():
        if row not in filled or len(filled[row]) != 2:
            return note(FIGURE, State.FAILED, f"The row {row!r} has two cells: client/server, then overlay.")
        left, right = filled[row]
        if left not in (server, overlay) or right not in (server, overlay):
            return note(FIGURE, State.FAILED, f"In the row {row!r} stands {server!r} or {overlay!r}, nothing else.")
        if left != server:
            return note(FIGURE, State.FAILED, f"{row}: what did the measured call need on the server's side?")
        if right != overlay:
            return note(FIGURE, State.FAILED, f"{row}: with an overlay, count the nodes that the call went through.")
    return note(FIGURE, State.PASSED, "One connection to protect on the left; on the right every hop, and the content.")


def measured(seed: int, defences: Defences | str = "reload") -> tuple[CallFigures, CallFigures]:
    """One call with a server, and the same in an open overlay of 16 peers."""
    with ClientServer(seed=seed) as provider:
        for user in ("alice", "bob"):
            provider.register(user)
        one = deployments.measure_call(provider, "bob", "alice")
    with deployments.open_global(peers=16, defences=defences, seed=seed) as overlay:
        overlay.register("alice")
        return one, deployments.measure_call(overlay, "bob", "alice")


def who_can_alter(count: Callable[[CallFigures, bool], Any]) -> Check:
    """Whether ``count(call, signed)`` says how many could change a call unnoticed, in calls it has not seen.

    ``signed`` says whether messages and records carry signatures. The server of client/server always could.
    """
    for seed in (41, 42, 43):
        for defences, signed in (("reload", True), ("none", False)):
            for call in measured(seed, defences):
                try:
                    answer = count(call, signed)
                except Exception as error:  # a student's function may raise anything
                    return note(ALTER, State.FAILED, raised(error))
                if untouched(answer):
                    return note(ALTER, State.OPEN, "The function returns nothing yet: return a number.")
                if answer != len(call.alterers):
                    return note(ALTER, State.FAILED, _hint(call, signed, answer))
    return note(ALTER, State.PASSED, "A server always; with an overlay everybody on the way, unless things are signed.")


def _hint(call: CallFigures, signed: bool, answer: Any) -> str:
    if call.deployment == "client-server":
        return f"With a server it says {answer}. TLS ends at the server: who reads the call there?"
    if signed:
        return f"In an overlay with signatures it says {answer}. Would a change on the way be noticed?"
    return f"In an overlay without signatures it says {answer}. Who had the call in his hands?"
