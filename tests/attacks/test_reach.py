"""What an attacker can lay hands on, and who may know who is hostile: every scenario is run under watch."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import pytest

from lab.scenarios import SCENARIOS, Scenario, Setting, run, setting
from p2psip_min import attacks
from p2psip_min.construction import Node
from p2psip_min.enrollment.certificates import Credential
from p2psip_min.enrollment.provider import Provider
from p2psip_min.enrollment.registrar import Registrar
from p2psip_min.ids import NodeID
from p2psip_min.overlay import Overlay
from p2psip_min.peer import Peer
from p2psip_min.roles import Roles
from p2psip_min.seams import PeerParts
from p2psip_min.storage.store import Store
from p2psip_min.world import World

FOLDER = str(Path(attacks.__file__).parent)
OWNED = (Node, Peer, Store, Credential)
"""What belongs to one node, by its ``node_id``."""
NOBODYS = (World, Provider, Registrar, Roles)
"""What no attacker ever holds."""


def small(chosen: Scenario) -> Setting:
    return setting(chosen, peers=max(12, chosen.least_peers))


# --- other nodes' objects ---------------------------------------------------------------------------------------------


class Watch:
    """Looks at everything that attack code holds: arguments, locals, and the attributes of its own objects."""

    def __init__(self, overlay: Overlay) -> None:
        self._members = overlay.coalition.members
        self._faulty = overlay.roles.faulty
        self.looks = 0

    def __call__(self, frame: FrameType, event: str, argument: Any) -> Any:
        if not frame.f_code.co_filename.startswith(FOLDER):
            return None
        for name, value in list(frame.f_locals.items()):
            self._judge(frame.f_code.co_qualname, name, value)
        if event == "return":
            self._judge(frame.f_code.co_qualname, "what it returns", argument)
        self.looks += 1
        return self

    def _judge(self, where: str, name: str, value: Any, deep: bool = True) -> None:
        assert not isinstance(value, NOBODYS), f"{where} holds {type(value).__name__} in {name}"
        if isinstance(value, PeerParts):
            self._judge(where, name, value.identity)
        elif isinstance(value, OWNED):
            own = value.node_id in self._members or value.node_id in self._faulty
            assert own, f"{where} holds {type(value).__name__} of another in {name}"
        elif deep and type(value).__module__.startswith(attacks.__name__):
            for field in _fields(value):
                self._judge(where, f"{name}.{field}", getattr(value, field), deep=False)
        elif isinstance(value, list | tuple | dict):
            for inner in list(value.values() if isinstance(value, dict) else value)[:20]:
                self._judge(where, f"an item of {name}", inner, deep=False)


def _fields(value: Any) -> Iterator[str]:
    for kind in type(value).__mro__:
        yield from (name for name in getattr(kind, "__slots__", ()) if hasattr(value, name))
    yield from getattr(value, "__dict__", {})


@pytest.mark.parametrize("threat", SCENARIOS)
def test_an_attacker_holds_nothing_of_other_nodes(threat: str) -> None:
    chosen = SCENARIOS[threat]
    started: list[Watch] = []

    class Watched(chosen.stage):  # type: ignore[name-defined,misc]
        """The same stage, watched from the moment the overlay stands."""

        def cast(self) -> None:
            super().cast()
            started.append(Watch(self.overlay))
            sys.settrace(started[0])

    before = sys.gettrace()
    try:
        run(replace(chosen, stage=Watched), small(chosen))
    finally:
        sys.settrace(before)
    assert started[0].looks > 0


PRIVATE_TO_OTHERS = {"network", "provider", "registrar", "roles", "overlay", "peer", "surroundings", "operations"}
"""Attributes by which an object of one's own node leads to the rest of the world."""


@pytest.mark.parametrize("module", sorted(Path(FOLDER).glob("*.py")), ids=lambda path: path.stem)
def test_attack_code_does_not_reach_through_what_it_is_given(module: Path) -> None:
    for found in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(found, ast.Attribute):
            own = isinstance(found.value, ast.Name) and found.value.id == "self"
            assert own or not found.attr.startswith("_"), f"{module.name}:{found.lineno} reads {found.attr}"
            assert own or found.attr not in PRIVATE_TO_OTHERS, f"{module.name}:{found.lineno} reads {found.attr}"


# --- who is hostile ---------------------------------------------------------------------------------------------------


class Sealed(dict[NodeID, str]):
    """Can be written, and read by nobody."""

    def _refuse(self, *_: Any) -> NoReturn:
        raise AssertionError("somebody asked who is hostile")

    __getitem__ = __contains__ = __iter__ = __len__ = get = keys = values = items = _refuse  # type: ignore[assignment]


@pytest.mark.parametrize("threat", SCENARIOS)
def test_runs_are_the_same_when_nobody_can_tell_who_is_hostile(threat: str, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = SCENARIOS[threat]
    ground = small(chosen).with_defences(chosen.defence)
    told = run(chosen, ground)
    begin = Roles.__init__

    def sealed(self: Roles, base: str) -> None:
        begin(self, base)
        self.hostile = Sealed()

    monkeypatch.setattr(Roles, "__init__", sealed)
    assert run(chosen, ground) == told


def test_the_seal_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    sealed = Sealed()
    sealed[NodeID(bytes(16))] = "hostile"
    with pytest.raises(AssertionError, match="who is hostile"):
        next(iter(sealed))
