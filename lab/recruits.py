"""More hostile peers than a story casts: a share of them all, or one chosen by hand.

Where one peer is the attacker, the stage's own attack is carried out once more with another peer in mallory's place.
What is measured, and of whom the story tells, stays as it was cast. A scenario with a number of hostile peers has that
number set. Where no peer attacks there is no share, and a peer that is turned by hand swallows what it should pass on.
Elsewhere the attackers have parts of their own in the story, and ``unshared`` says so.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from lab import labels
from lab.frames import Switch
from lab.scenarios import Deed, Scenario, Stage
from p2psip_min.attacks.discarding import RequestDiscard
from p2psip_min.errors import LocalProtocolError
from p2psip_min.overlay import Node

COUNTED = {"hostile": 0, "accomplices": 1, "accusers": 0}
"""Numbers of scenarios that count the hostile peers, and how many there are beside those."""

MOST = 90
"""The largest share of hostile peers, in per cent."""

HOSTILE = Deed(name="hostile", label=labels.ONE_MORE, help=labels.ONE_MORE_HELP, node=True)


class Recruits(Stage):
    """A stage on which more peers can do what mallory does; ``wanted`` is how many are hostile from the beginning."""

    wanted = 0
    mallory: Any
    _blank: dict[str, Any]

    def attack(self) -> None:
        """Mallory's attack, and that of as many others as are wanted."""
        self._blank = dict(vars(self))
        super().attack()
        if recruitable(self):
            for node in self.draw()[: max(0, self.wanted - len(self.attackers()))]:
                self._turn(node)

    def draw(self) -> list[Node]:
        """Who else could turn, in an order that follows from the seed: no peer that a user of the story sits on."""
        overlay, chance = self.overlay, self.overlay.rng("share")
        homes = {entry for node in overlay.nodes.values() if node.is_client for entry in node.peer.topology.table()}
        spared = {*homes, *overlay.roles.trusted, *overlay.roles.hostile}
        return sorted((node for node in overlay.peers() if node.node_id not in spared), key=lambda _: chance.random())

    def _turn(self, node: Node) -> None:
        """The attack again, on a stage as it was before it, with another mallory."""
        after = dict(vars(self))
        _become(self, getattr(self, "_blank", after))
        self.mallory = node
        try:
            super().attack()
        finally:
            _become(self, after)

    def check_deed(self, name: str, node: Node | None) -> None:
        """As the stage; a peer can turn where the attacker is one peer or none, and this one may be hostile.

        A node that is named can crash in every story.
        """
        if name == "crash" and node is not None and name not in (deed.name for deed in self.deeds):
            if not node.alive:
                raise LocalProtocolError(labels.down_already(node.name))
            return
        if name != HOSTILE.name or HOSTILE.name in (deed.name for deed in self.deeds):
            super().check_deed(name, node)
            return
        if why := unturned(self):
            raise LocalProtocolError(why)
        candidates = [node] if node else self.draw()
        if not candidates:
            raise LocalProtocolError(labels.NO_MORE_PEERS)
        chosen = candidates[0]
        self.overlay.roles.permit(chosen.node_id, chosen.name, peer=not chosen.is_client)
        if chosen.is_client:
            raise LocalProtocolError(labels.forwards_for_nobody(chosen.name))

    def do(self, name: str, node: Node | None) -> None:
        """As the stage, or turn a peer."""
        if name != HOSTILE.name or HOSTILE.name in (deed.name for deed in self.deeds):
            super().do(name, node)
            return
        chosen = node or next(iter(self.draw()), None)
        if chosen is not None and chosen.alive and chosen.node_id not in self.overlay.roles.hostile:
            if recruitable(self):
                self._turn(chosen)
            else:
                self.overlay.turn(chosen.name, RequestDiscard().equip, labels.SWALLOWS)


def _become(stage: Stage, state: dict[str, Any]) -> None:
    mine = vars(stage)
    mine.clear()
    mine.update(state)


def _stage(stage: type[Stage], wanted: int) -> type[Stage]:
    return type(stage.__name__, (Recruits, stage), {"wanted": wanted, "__doc__": stage.__doc__})


def spread(chosen: Scenario, share: int, peers: int) -> Scenario:
    """The scenario with ``share`` per cent of its peers hostile, at least one; with 0 as many as the story casts."""
    wanted = max(1, round(share * peers / 100)) if share else 0
    counted = next((name for name in COUNTED if name in chosen.numbers), "")
    if wanted and counted:
        return replace(chosen, numbers={**chosen.numbers, counted: float(wanted - COUNTED[counted])})
    return replace(chosen, stage=_stage(chosen.stage, wanted))


def recruitable(stage: Stage) -> bool:
    """Whether one peer is the attacker, so that others can do the same."""
    mallory = getattr(stage, "mallory", None)
    if not isinstance(mallory, Node) or mallory.is_client or stage.attackers() != (mallory,):
        return False
    begun = stage.setting.attack and not stage.mid_story
    return not begun or mallory.node_id in stage.overlay.roles.hostile


def actions(stage: Stage) -> tuple[Deed, ...]:
    """What can be done by hand on this stage."""
    more = HOSTILE.name not in (deed.name for deed in stage.deeds) and recruitable(stage)
    return (*stage.deeds, HOSTILE) if more else stage.deeds


def hostile_peers(stage: Stage) -> int:
    """How many peers are hostile in the story, or will be."""
    cast = {node.node_id for node in stage.attackers() if not node.is_client}
    return len(cast | {node.node_id for node in stage.overlay.peers() if node.node_id in stage.overlay.roles.hostile})


def refusal(stage: Stage, share: int) -> str:
    """Why a stage that was built for this share of hostile peers has another one; empty where it has it."""
    if not share or not stage.setting.attack:
        return ""
    if why := unshared(stage):
        return why
    peers = len(stage.overlay.peers())
    wanted, found = max(1, round(share * stage.setting.peers / 100)), len(stage.attackers())
    if recruitable(stage):
        assert isinstance(stage, Recruits)
        found += len(stage.draw()) if stage.mid_story else hostile_peers(stage) - 1
    return labels.places_for(stage.scenario.id, wanted, found, peers) if found < wanted else ""


def unplayed(stage: Stage) -> str:
    """Why nobody else can do what mallory does on this stage; empty where somebody can."""
    if not stage.scenario.id:
        return labels.NOBODY_ATTACKS
    if stage.setting.base != "untrusted":
        return labels.ALL_TRUSTED
    if recruitable(stage):
        return ""
    cast = any(not node.is_client for node in stage.attackers())
    return (labels.cast_by_the_story if cast else labels.no_peer_attacks)(stage.scenario.attacker)


def unturned(stage: Stage) -> str:
    """Why no peer can be made hostile by hand on this stage; empty where one can."""
    if stage.setting.base != "untrusted":
        return labels.ALL_TRUSTED
    alone = isinstance(stage, Recruits) and all(node.is_client for node in stage.attackers())
    return "" if alone else unplayed(stage)


def deed_of(stage: Stage) -> str:
    """What a peer does that is made hostile by hand."""
    return labels.ONE_MORE_HELP if recruitable(stage) else labels.SWALLOWS_HELP


def unshared(stage: Stage) -> str:
    """Why the share of hostile peers can't be chosen on this stage; empty where it can."""
    counted = stage.setting.base == "untrusted" and any(name in stage.scenario.numbers for name in COUNTED)
    why = "" if counted else unplayed(stage)
    return why or ("" if stage.setting.attack else labels.ATTACK_IS_OFF)


def switch(stage: Stage, share: int) -> Switch:
    """The control of the share; where none was chosen, it says what the story casts."""
    value = share or round(100 * hostile_peers(stage) / max(1, stage.setting.peers))
    return Switch(name="share", label=labels.SHARE, group="number", value=value, locked=unshared(stage))
