"""A story told to its end, for notebooks: its trace, its figures, and what its nodes are called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lab.scenarios import TOUR, Stage, scenario, setting
from p2psip_min import trace as events
from p2psip_min.transport.driver import Driver


@dataclass(frozen=True, slots=True)
class Told:
    """One run, told to its end: its trace, its figures, and what its nodes are called."""

    trace: events.Trace
    outcome: Any
    names: Mapping[bytes, str]


def told(
    threat: str = "RP-2",
    *,
    defence: Sequence[str] = (),
    base: str | None = None,
    routing: str = "recursive",
    attack: bool = True,
    delay: float | None = None,
    window: float | None = None,
    seed: int = 7,
) -> Told:
    """Tell a scenario's story to its end; ``delay`` is mallory's patience, ``window`` the time stamp's, in seconds."""
    chosen = scenario(threat)
    numbers = {"resend-after": delay, "time-stamp": window}
    given = {name: value for name, value in numbers.items() if value is not None}
    ground = setting(chosen, base=base, routing=routing, seed=seed, numbers=given).with_defences(tuple(defence))
    return _tell(chosen.stage(chosen, replace(ground, attack=attack), Driver()))


def tour(seed: int = 7) -> Told:
    """Tell the story of the first notebook to its end."""
    return _tell(TOUR.stage(TOUR, setting(TOUR, seed=seed), Driver()))


def _tell(stage: Stage) -> Told:
    overlay = stage.overlay
    try:
        overlay.run(stage.story())
        names = {node.node_id: node.name for node in overlay.nodes.values()} | stage.people
        return Told(stage.trace, stage.outcome(), names)
    finally:
        overlay.close()
