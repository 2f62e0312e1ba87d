"""Exercises of 05, untrusted base: which peer on the way is bad, and who is responsible for a key.

What a student writes is asked in live overlays: a probe is a request given to a peer on the way, and a rule decides
whom a reader believes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from typing import Any

from lab.checks import Check, State, note
from lab.exercises.answers import raised, untouched
from lab.exercises.tables import ENTERS
from p2psip_min import procedures
from p2psip_min.attacks.answering import FalseRecord
from p2psip_min.attacks.discarding import RequestDiscard
from p2psip_min.defences import Defences, preset
from p2psip_min.errors import P2PSIPError
from p2psip_min.ids import NodeID, ResourceID
from p2psip_min.overlay import Node, Overlay
from p2psip_min.procedures.survey import survey
from p2psip_min.routing.diagnosis import Diagnosis
from p2psip_min.routing.topology.base import TopologyPlugin
from p2psip_min.seams import Coalition, PeerParts
from p2psip_min.storage.selection import whole
from p2psip_min.wire.address import IpAddressPort
from p2psip_min.wire.codec import encode
from p2psip_min.wire.data import SingleValue
from p2psip_min.wire.kinds import IANA_KINDS, TURN_SERVICE, TurnServer
from p2psip_min.wire.messages import FetchReq, PingReq

LOCATE = "locate(way, probe)"
ROOT = "true_root(key, heard, named)"

NOTEBOOK_05 = (LOCATE, ROOT, ENTERS)

PROBES = 3
PATIENCE = 7.0
"""Virtual seconds that a probe waits for an answer."""

Probe = Callable[[str], bool]


class Wayside:
    """An overlay in which one peer on the way of a request swallows what it should pass on.

    ``way`` is whom the request passes, in order; the responsible peer, which is honest, comes after the last of them.
    """

    def __init__(self, seed: int, place: int, *, peers: int = 64) -> None:
        self.overlay = Overlay(peers=peers, base="untrusted", defences="none", seed=seed)
        self.asked: list[str] = []
        self.start, self.key = self._longest()
        passed = self.overlay.route(self.start.name, self.key)[:-1]
        self.way = tuple(node.name for node in passed)
        for node in passed:
            self.overlay.run(procedures.attach(self.start.peer, (node.node_id,)))
        self.bad = self.way[place % len(self.way)]
        self.overlay.make_hostile(self.bad, RequestDiscard().equip, "swallows requests")

    def _longest(self) -> tuple[Node, ResourceID]:
        """Who has the longest way to some key."""
        keys = [ResourceID.of(f"key {number}") for number in range(20)]
        pairs = [(node, key) for node in self.overlay.peers() for key in keys]
        return max(pairs, key=lambda pair: len(self.overlay.route(pair[0].name, pair[1])))

    def probe(self, name: str) -> bool:
        """Give the request to a peer on the way, straight; whether an answer came within 7 s."""
        if name not in self.way:
            raise LookupError(f"{name!r} is not on the way: {', '.join(self.way)}")
        self.asked.append(name)
        return bool(self.overlay.run(self._answered(self.overlay.node(name).node_id)))

    def walk(self) -> Diagnosis:
        """Ask for the way step by step, and try the request from its end backwards (RFC 7851 §4.3)."""
        found: Diagnosis = self.overlay.run(procedures.diagnose(self.start.peer, self.key))
        return found

    async def _answered(self, node: NodeID) -> bool:
        try:
            async with asyncio.timeout(PATIENCE):
                await self.start.peer.request((self.key,), PingReq(), next_hop=node)
        except (P2PSIPError, TimeoutError):
            return False
        return True

    def close(self) -> None:
        """End the overlay."""
        self.overlay.close()


_GROUNDS = ((31, 0), (32, 2), (33, 4), (34, 1))
"""Seed, and where on the way the bad peer is."""


def locate(rule: Callable[[list[str], Probe], str | None]) -> Check:
    """Whether the rule finds the bad peer with three probes, wherever it is on the way."""
    for seed, place in _GROUNDS:
        ground = Wayside(seed, place)
        try:
            answer = rule(list(ground.way), ground.probe)
        except Exception as error:  # a student's function may raise anything
            return note(LOCATE, State.FAILED, raised(error))
        finally:
            ground.close()
        if untouched(answer):
            return note(LOCATE, State.OPEN, "The function returns nothing yet: return the name of a peer on the way.")
        if answer not in ground.way:
            return note(LOCATE, State.FAILED, f"{answer!r} is no name from the way.")
        if len(ground.asked) > PROBES:
            return note(
                LOCATE,
                State.FAILED,
                f"It asked {len(ground.asked)} times on a way of {len(ground.way)}. Each probe can halve what is left.",
            )
        if answer != ground.bad:
            return note(
                LOCATE,
                State.FAILED,
                f"It named a peer that passes everything on, on a way of {len(ground.way)}. A request given to the bad "
                "peer is lost, and to anybody before it as well; what is given to the next one arrives.",
            )
    return note(LOCATE, State.PASSED, "Found on four ways, at the beginning, in the middle, and at the end.")


# --- who is responsible? ----------------------------------------------------------------------------------------------

Rule = Callable[[int, Collection[int], Collection[int]], int | None]


@dataclass(slots=True)
class _Boast:
    """Answers for whatever it should pass on, and states that it knows nodes right at the keys; nobody is them."""

    content: Any
    keys: tuple[ResourceID, ...]

    def equip(self, parts: PeerParts, coalition: Coalition) -> PeerParts:
        crowd = tuple(NodeID.from_int((int.from_bytes(key, "big") + 1) % (1 << 128)) for key in self.keys)
        return FalseRecord(self.content).equip(replace(parts, topology=_Crowded(parts.topology, crowd)), coalition)


class _Crowded:
    """Tables with some nodes more."""

    def __init__(self, inner: TopologyPlugin, crowd: tuple[NodeID, ...]) -> None:
        self._inner, self._crowd = inner, crowd

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def neighbors(self) -> tuple[NodeID, ...]:
        """The neighbors, and before them the invented ones."""
        return (*self._crowd, *self._inner.neighbors())


@dataclass(slots=True)
class Reading:
    """One key: who owns the record there, who reads it over which liar, and whom the reader believed in the end."""

    owner: Node
    key: ResourceID
    place: int
    reader: Node
    liar: Node
    root: Node


@dataclass(slots=True)
class Neighborhood:
    """An overlay in which peers on the way answer for keys, and a student's rule that says who is responsible."""

    rule: Rule
    seed: int
    readings: list[Reading] = field(default_factory=list)
    fault: str = ""
    silent: bool = False

    def run(self) -> None:
        """Records are stored, liars turn, readers read and ask the rule."""
        defences: Defences = preset("none").having("message-signature")
        with Overlay(peers=24, base="untrusted", defences=defences, seed=self.seed) as overlay:
            self._cast(overlay)
            for each in self.readings:
                entry = (SingleValue(True, self._value(each)),)
                overlay.run(procedures.store(each.owner.peer, each.key, TURN_SERVICE, entry))
            boast = _Boast(
                SingleValue(True, encode(TurnServer(1, IpAddressPort("10.6.6.6", 9)))),
                tuple(each.key for each in self.readings),
            )
            for liar in dict.fromkeys(each.liar for each in self.readings):
                overlay.make_hostile(liar.name, boast.equip, "answers for keys of others")
            for each in self.readings:
                if not self.fault and not self.silent:
                    overlay.run(self._read(each))

    def _value(self, each: Reading) -> bytes:
        return encode(TurnServer(each.place, IpAddressPort(each.owner.address[0], 3478)))

    def _cast(self, overlay: Overlay) -> None:
        """Two keys past the top of the ring, four elsewhere; a liar is responsible for none of them."""
        top = max(node.node_id for node in overlay.peers())
        liars: set[str] = set()
        roots: set[str] = set()
        wanted = {True: 2, False: 4}
        for owner in overlay.peers():
            for place in range(1, 21):
                key = ResourceID.of(bytes(owner.node_id) + bytes((place,)))
                past, root = bytes(key) > bytes(top), overlay.root(key)
                if not wanted[past] or root.name in liars:
                    continue
                for reader in overlay.peers():
                    way = overlay.route(reader.name, key)
                    liar = way[-2] if len(way) > 1 else root
                    if reader is not owner and liar not in (root, owner) and liar.name not in roots | {reader.name}:
                        liars.add(liar.name)
                        roots.add(root.name)
                        wanted[past] -= 1
                        self.readings.append(Reading(owner, key, place, reader, liar, root))
                        break
                break

    async def _read(self, each: Reading) -> None:
        """Fetch, look around, and believe whom the rule names."""
        peer, body = each.reader.peer, FetchReq(each.key, (whole(IANA_KINDS[TURN_SERVICE]),))
        answer = await peer.request((each.key,), body)
        around = await survey(peer, each.key, (answer.signer,))
        heard, named = ({int.from_bytes(node, "big") for node in found} for found in (around.heard, around.named))
        try:
            said = self.rule(int.from_bytes(each.key, "big"), set(heard), set(named))
        except Exception as error:  # a student's function may raise anything
            self.fault = raised(error)
            return
        if untouched(said):
            self.silent = True
        elif said not in heard:
            self.fault = (
                "It named a node that only others speak of: nobody has heard it. A liar can name whom it likes."
                if said in named
                else f"It named {said!r}, which is neither heard nor named."
            )
        else:
            self._believe(each, NodeID.from_int(int(said or 0)))

    def _believe(self, each: Reading, node: NodeID) -> None:
        if node == each.root.node_id:
            return
        if bytes(each.root.node_id) < bytes(each.key):
            self.fault = "It named the wrong peer for a key past the last peer. The ring goes on at 0 there."
        elif node == each.liar.node_id:
            self.fault = "A liar was believed. It stands before the key, and says that it is responsible."
        else:
            self.fault = "It named a peer that is not responsible. Who is first at or after the key, going clockwise?"


def true_root(rule: Rule) -> Check:
    """Whether the rule names the responsible peer, among liars, for keys all around the ring."""
    for seed in (41, 42):
        place = Neighborhood(rule, seed)
        place.run()
        if place.silent:
            return note(ROOT, State.OPEN, "The rule returns nothing yet: return one of the heard Node-IDs.")
        if place.fault:
            return note(ROOT, State.FAILED, place.fault)
    return note(ROOT, State.PASSED, "Twelve reads past liars: every reader found the responsible peer.")
