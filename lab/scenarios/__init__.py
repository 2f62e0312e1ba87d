"""The scenarios: one module for each family of threats, and the verdict of each.

``scenario(id)`` finds one; ``setting`` says how it is run; ``verdict`` runs all its columns.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from lab import verdicts
from lab.catalogue import catalogue, threat
from lab.scenarios import (
    answering,
    bootstrap,
    calls,
    discarding,
    eclipse,
    enrollment,
    exclusion,
    failure,
    flooding,
    forwarding,
    holders,
    identities,
    insiders,
    late,
    membership,
    misleading,
    names,
    pairing,
    placement,
    privacy,
    replay,
    servers,
    sharing,
    software,
    tables,
    tampering,
    theft,
    transport,
    writing,
)
from lab.scenarios.base import NUMBERS, Deed, Scenario, Setting, Stage, UnknownSetting, run, titles
from lab.scenarios.tour import TOUR
from lab.verdicts import Outcome, Verdict
from p2psip_min import defences
from p2psip_min.construction import TopologyFactory
from p2psip_min.errors import TrustedBase
from p2psip_min.overlay import ROUTING
from p2psip_min.roles import BASES
from p2psip_min.transport.driver import Runs

FAMILIES = (
    transport,
    pairing,
    privacy,
    forwarding,
    discarding,
    tampering,
    misleading,
    answering,
    calls,
    tables,
    replay,
    software,
    late,
    writing,
    flooding,
    sharing,
    holders,
    insiders,
    failure,
    eclipse,
    bootstrap,
    membership,
    placement,
    names,
    enrollment,
    identities,
    servers,
    theft,
    exclusion,
)
"""The modules with scenarios; each has ``SCENARIOS``."""

_ALL = {each.id: each for family in FAMILIES for each in family.SCENARIOS}

SCENARIOS: Mapping[str, Scenario] = {name: _ALL[name] for name in catalogue() if name in _ALL}
"""Every threat that can be run, by id, in the order of the catalogue."""

DriverFactory = Callable[[], Runs]


def scenario(threat_id: str) -> Scenario:
    """The scenario of a threat, in any case; "" is an honest overlay's tour. LookupError lists the known ones."""
    if not threat_id:
        return TOUR
    found = SCENARIOS.get(threat_id.upper())
    if found is None:
        planned = threat(threat_id)
        raise LookupError(f"{planned.id} is {planned.status}; ready: {', '.join(SCENARIOS)}")
    return found


def setting(
    chosen: Scenario,
    *,
    base: str | None = None,
    routing: str | None = None,
    peers: int = 32,
    links: str | None = None,
    preset: str | None = None,
    seed: int = 7,
    numbers: Mapping[str, float] | None = None,
) -> Setting:
    """The scenario's own setting with what is asked for; ValueError or UnknownSetting list what is known.

    Raises TrustedBase when the attacker would be one of the operator's peers.
    """
    made = Setting(
        base=_one_of("base", base or chosen.bases[-1], BASES),
        routing=_one_of("routing style", routing or chosen.routing[0], ROUTING),
        defences=defences.preset(preset) if preset else defences.preset(chosen.preset).having(*chosen.ground),
        peers=peers,
        seed=seed,
        numbers=tuple((numbers or {}).items()),
    ).with_defences(links=None if links is None else _one_of("kind of link", links, ("plain", "tls")))
    chosen.check(made)
    if made.base not in chosen.bases:
        raise TrustedBase(
            f"{chosen.id} needs a hostile peer, and on a {made.base} base every peer is the operator's; "
            f"run it on the {' or '.join(chosen.bases)} base"
        )
    return made


def columns(chosen: Scenario, ground: Setting, defence: Sequence[str] = ()) -> dict[str, Setting]:
    """The settings of a verdict's runs, by column; ``defence`` is tried in the named one's place."""
    named = tuple(defence) or chosen.defence
    calm = replace(ground, attack=False)
    return {
        "baseline": calm,
        "attacked": ground,
        "defended": ground.with_defences(named),
        "decoy": ground.with_defences(chosen.decoys[:1]),
        "honest": calm.with_defences(named),
    }


def verdict(
    chosen: Scenario,
    ground: Setting,
    *,
    defence: Sequence[str] = (),
    driver: DriverFactory | None = None,
    topology: TopologyFactory | None = None,
    seen: Callable[[str, Outcome], None] = lambda column, outcome: None,
) -> Verdict:
    """Run every column on one seed and compare; ``seen`` gets each outcome as it comes.

    ``topology`` makes another overlay algorithm than Chord.
    """
    outcomes: dict[str, Outcome] = {}
    for column, planned in columns(chosen, ground, defence).items():
        outcomes[column] = run(chosen, planned, driver() if driver else None, topology)
        seen(column, outcomes[column])
    return judge(chosen, ground, {ground.seed: outcomes})


def judge(chosen: Scenario, ground: Setting, runs: Mapping[int, Mapping[str, Outcome]]) -> Verdict:
    """The verdict over what was run: the outcome of every column, by seed."""
    return verdicts.judge(
        runs,
        id=chosen.id,
        base=ground.base,
        routing=ground.routing,
        metric=chosen.metric,
        unit=chosen.unit,
        span=chosen.span,
        bounds=chosen.bounds,
    )


def _one_of(what: str, value: str, known: Sequence[str]) -> str:
    if value not in known:
        raise ValueError(f"no {what} {value!r}; known: {', '.join(known)}")
    return value


__all__ = [
    "NUMBERS",
    "SCENARIOS",
    "TOUR",
    "Deed",
    "Scenario",
    "Setting",
    "Stage",
    "UnknownSetting",
    "columns",
    "judge",
    "run",
    "scenario",
    "setting",
    "titles",
    "verdict",
]
