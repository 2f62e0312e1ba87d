"""The switches of a panel: choices and numbers in the bar, the defences as a list that is one picture."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets as w

from lab import labels, tables
from lab.figures import DEFENCES_SKELETON, Figure
from lab.frames import Switch

NUMBERS = ("seed", "number")
"""Groups of switches that hold a whole number."""

MOST_ON = 12
"""Up to so many defences that are on stand among the first; a preset that has more keeps them in the list."""

Move = Callable[[str, str, str | int | bool], None]
"""Moves a switch: its label, its name, its new value."""


class Switchboard:
    """Controls that say what the session says; ``move`` is called when somebody moves one."""

    def __init__(self, switches: Sequence[Switch], move: Move, refuse: Callable[[str, str], None]) -> None:
        self._move, self._refuse = move, refuse
        self._binder = 0
        """The thread that moves the controls to what the session says; a click may come in another meanwhile."""
        self._first: set[str] = set()
        self.controls: dict[str, Any] = {}
        self.view = w.Box()
        self.view.add_class("lab-switches")
        self.defences = Figure(skeleton=DEFENCES_SKELETON, width=816)
        cells = []
        for switch in switches:
            if switch.group == "defence":
                continue
            control = self._control(switch)
            control.observe(self._changed(switch), "value")
            self.controls[switch.name] = control
            cell = w.VBox([w.HTML(value=switch.label), control])
            cell.add_class("ctl")
            cells.append(cell)
        self.why = w.HTML()
        self.why.add_class("lab-why")
        self.view.children = [*cells, self.why]

    @staticmethod
    def _control(switch: Switch) -> Any:
        if switch.group in NUMBERS:
            control: Any = w.Text(value=str(switch.value), continuous_update=False)
            control.add_class("lab-number")
        elif switch.choices:
            control = w.ToggleButtons(options=list(switch.choices), value=str(switch.value))
        else:
            control = w.ToggleButtons(options=[labels.OFF, labels.ON], value=labels.ON if switch.value else labels.OFF)
        return control

    def _changed(self, switch: Switch) -> Callable[[Any], None]:
        def changed(change: Any) -> None:
            value = change["new"]
            if self._binder == threading.get_ident():
                return
            if switch.group in NUMBERS:
                if not str(value).strip().isdigit():
                    self._refuse(switch.label, labels.no_number(switch.label))
                    return
                value = int(value)
            elif isinstance(switch.value, bool):
                value = value == labels.ON
            self._move(switch.label, switch.name, value)

        return changed

    def press(self, switches: Sequence[Switch], name: str) -> None:
        """Turn a defence of the list over."""
        for switch in switches:
            if switch.name == name and switch.group == "defence":
                self._move(switch.label, name, not switch.value)

    def forget(self) -> None:
        """Begin again with the defences that a scenario names."""
        self._first.clear()

    def bind(self, switches: Sequence[Switch]) -> None:
        """Show the values that the session has, whatever was clicked."""
        self._binder = threading.get_ident()
        try:
            for switch in switches:
                control = self.controls.get(switch.name)
                if control is not None:
                    self._show(control, switch)
        finally:
            self._binder = 0
        locked = {switch.label: switch.locked for switch in switches if switch.name in self.controls and switch.locked}
        self.why.value = tables.locked(locked)
        self.why.layout.display = None if locked else "none"
        defences = [switch for switch in switches if switch.group == "defence"]
        on = [switch.name for switch in defences if switch.value]
        self._first |= {switch.name for switch in defences if switch.named}
        if len(on) <= MOST_ON:
            self._first |= set(on)
        first = [switch for switch in defences if switch.name in self._first]
        rest = [switch for switch in defences if switch.name not in self._first]
        with self.defences.hold_sync():
            self.defences.story = tables.defences(first, heads=True)
            self.defences.ground = tables.defences(rest, heads=False)
            self.defences.head = tables.all_defences(len(rest), sum(bool(switch.value) for switch in rest))
            self.defences.label = labels.DEFENCES

    @staticmethod
    def _show(control: Any, switch: Switch) -> None:
        control.disabled = bool(switch.locked)
        control.tooltip = switch.locked or switch.label
        if isinstance(switch.value, bool):
            control.value = labels.ON if switch.value else labels.OFF
        elif switch.choices and str(switch.value) not in switch.choices:
            control.value = None
        else:
            control.value = str(switch.value)
