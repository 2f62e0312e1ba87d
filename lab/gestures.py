"""What clicks and keys in the pictures of a panel do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from lab import contrast, labels

if TYPE_CHECKING:
    from lab.widgets import Panel

COLUMNS = ("baseline", "attacked", "defended", "decoy")
"""The verdict's runs, by the keys 1 to 4."""


def hear(panel: Panel, content: Mapping[str, str]) -> None:
    """A click, a key or a seek: ``act`` says which, ``id`` on what."""
    act, name = content.get("act", ""), content.get("id", "")
    if act == "row":
        panel.select(int(name))
    elif act == "node":
        panel.node.choose(bytes.fromhex(name))
    elif act == "left":
        panel.present_mode(False)
    elif act == "switch":
        panel.switchboard.press(panel.session.switches(), name)
    elif act == "toggle":
        panel.read(name == "open")
    elif act == "column":
        panel.column(COLUMNS[int(name) - 1])
    elif act == "seek":
        panel.move(lambda: panel.session.seek(int(name)))
    elif act == "key" and (panel.presenting or not panel.comparing.key(name)):
        keys = _keys(panel)
        if name in keys:
            keys[name]()


def _keys(panel: Panel) -> dict[str, Callable[[], None]]:
    session = panel.session

    def step() -> None:
        panel.move(session.step, animated=True)

    def back() -> None:
        panel.move(session.back)

    keys: dict[str, Callable[[], None]] = {
        " ": step if panel.presenting else panel.toggle,
        "m": panel.next_message,
        "PageDown": step,
        "PageUp": back,
        ".": step,
        "ArrowRight": step,
        "ArrowLeft": back,
        "Home": lambda: panel.move(lambda: session.seek(0)),
        "End": lambda: panel.long(labels.TO_END, session.run),
        "f": partial(_fork, panel),
        "c": partial(_compare, panel),
        "p": panel.present_mode,
        "?": panel.list_keys,
        "Escape": panel.escape,
    }
    return keys | {str(place): partial(panel.column, name) for place, name in enumerate(COLUMNS, 1)}


def _compare(panel: Panel) -> None:
    if panel.presenting:
        raise ValueError(contrast.NOT_PRESENTED)
    panel.comparing.toggle()


def _fork(panel: Panel) -> None:
    """Do what the first button does that can be done now."""
    for action in panel.session.actions():
        if not action.locked:
            panel.move(partial(panel.session.inject, action.name))
            return
    raise ValueError(labels.NOTHING_BY_HAND)
