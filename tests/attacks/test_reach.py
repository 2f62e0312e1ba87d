"""What an attacker can lay hands on, and who may know who is hostile: every scenario is run under watch."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import FrameType, FunctionType, MethodType
from typing import Any, NoReturn

import pytest

from lab.scenarios import SCENARIOS, Scenario, Setting, run, scenario, setting
from p2psip_min import attacks
from p2psip_min.construction import Node
from p2psip_min.enrollment.certificates import Credential
from p2psip_min.enrollment.provider import Provider
from p2psip_min.enrollment.registrar import Registrar
from p2psip_min.ids import NodeID, ResourceID
from p2psip_min.overlay import Overlay
from p2psip_min.peer import Peer
from p2psip_min.roles import Roles
from p2psip_min.routing.forwarding import Forwarder
from p2psip_min.routing.topology.chord import Chord
from p2psip_min.routing.topology.client import ClientTopology
from p2psip_min.routing.topology.fullmesh import FullMesh
from p2psip_min.seams import PeerParts
from p2psip_min.storage.store import Store
from p2psip_min.transport.link import LinkTable
from p2psip_min.world import World

FOLDER = str(Path(attacks.__file__).parent)
OWNED = (Node, Peer, Store, Credential)
"""What belongs to one node, by its ``node_id``."""
PARTS = (Chord, FullMesh, ClientTopology, LinkTable, Forwarder)
"""What a node works with; an attacker may make such things for himself, and may have nobody else's."""
NOBODYS = (World, Provider, Registrar, Roles, Overlay)
"""What no attacker ever holds."""
HARMLESS = frozenset((int, float, bool, str, bytes, NodeID, ResourceID, type(None)))
DEPTH = 3
"""How far is looked into what code holds: the attack, its field, what that is bound to."""


def small(chosen: Scenario) -> Setting:
    return setting(chosen, peers=max(12, chosen.least_peers))


# --- other nodes' objects ---------------------------------------------------------------------------------------------


class Watch:
    """Looks at everything that attack code holds: arguments, locals, and the attributes of its own objects."""

    def __init__(self, overlay: Overlay, strangers: Callable[[], frozenset[bytes]] = frozenset) -> None:
        self._overlay = overlay
        self._strangers = strangers
        self.looks = 0

    def _own(self, node_id: bytes) -> bool:
        overlay = self._overlay
        return node_id in overlay.coalition.members or node_id in overlay.roles.faulty or node_id in self._strangers()

    def _anothers(self, value: Any) -> bool:
        """Whether an honest node works with it."""
        for node in self._overlay.nodes.values():
            parts = node.peer.parts
            if value in (parts.topology, parts.links, parts.forwarding) and not self._own(node.node_id):
                return True
        return False

    def __call__(self, frame: FrameType, event: str, argument: Any) -> Any:
        if not frame.f_code.co_filename.startswith(FOLDER):
            return None
        for name, value in list(frame.f_locals.items()):
            self.judge(frame.f_code.co_qualname, name, value)
        if event == "return":
            self.judge(frame.f_code.co_qualname, "what it returns", argument)
        self.looks += 1
        return self

    def judge(self, where: str, name: str, value: Any, depth: int = DEPTH) -> None:
        """Fail when this, or what can be got at from it, is nothing for an attacker."""
        kind = type(value)
        if kind in HARMLESS:
            return
        assert not isinstance(value, NOBODYS), f"{where} holds {kind.__name__} in {name}"
        if isinstance(value, PeerParts):
            self.judge(where, name, value.identity)
        elif isinstance(value, OWNED):
            assert self._own(value.node_id), f"{where} holds {kind.__name__} of another in {name}"
        elif isinstance(value, PARTS):
            assert not self._anothers(value), f"{where} holds {kind.__name__} of another in {name}"
        elif depth:
            for inner, what in _inside(value):
                self.judge(where, f"{inner} of {name}", what, depth - 1)


def _inside(value: Any) -> Iterator[tuple[str, Any]]:
    """What can be got at from a value: fields of attacks, items, and what functions and methods are bound to."""
    if isinstance(value, MethodType):
        yield "self", value.__self__
        yield from _inside(value.__func__)
    elif isinstance(value, FunctionType):
        for name, cell in zip(value.__code__.co_freevars, value.__closure__ or (), strict=True):
            with suppress(ValueError):  # not filled yet
                yield name, cell.cell_contents
        yield from ((f"default {place}", each) for place, each in enumerate(value.__defaults__ or ()))
    elif isinstance(value, partial):
        yield "function", value.func
        yield from (("argument", each) for each in (*value.args, *value.keywords.values()))
    elif type(value).__module__.startswith(attacks.__name__):
        yield from ((name, getattr(value, name)) for name in _fields(value))
    elif isinstance(value, list | tuple | dict):
        yield from (("an item", each) for each in list(value.values() if isinstance(value, dict) else value)[:20])


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
            started.append(Watch(self.overlay, self.culprits))
            sys.settrace(started[0])

    before = sys.gettrace()
    try:
        run(replace(chosen, stage=Watched), small(chosen))
    finally:
        sys.settrace(before)
    assert started[0].looks > 0


class Prying:
    """Stands for an attack: it holds what a test gives it."""

    __module__ = f"{attacks.__name__}.prying"

    def __init__(self, held: Any) -> None:
        self.held = held


def test_what_functions_are_bound_to_is_looked_into() -> None:
    chosen = scenario("RP-2")
    stage = chosen.stage(chosen, small(chosen))
    watch, overlay = Watch(stage.overlay), stage.overlay
    own = next(node for node in overlay.nodes.values() if node.node_id in overlay.coalition.members)
    other = next(node for node in overlay.peers() if node.node_id not in overlay.coalition.members)
    parts = other.peer.parts
    reaching = {
        "a bound method": parts.topology.next_hop,
        "a closure": lambda: parts.links,
        "a default": lambda forwarding=parts.forwarding: forwarding,
        "a partial": partial(print, other.peer),
        "a partial of a method": partial(other.peer.now),
        "a closure over the overlay": lambda: overlay.now,
        "a list of methods": [other.peer.topology.table],
        "a part": parts.topology,
    }
    for name, held in reaching.items():
        with pytest.raises(AssertionError, match="holds"):
            watch.judge("attack", name, Prying(held))
    mine = own.peer.parts
    for held in (mine.topology.next_hop, mine.links, lambda: mine.forwarding, parts.topology.closer, overlay.loop.time):
        watch.judge("attack", "its own", Prying(held))
    watch.judge("attack", "what it made", Prying(Chord(other.node_id)))
    overlay.close()


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
