"""The draft sentence by sentence, with what this lab does about each: gaps first."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass

from lab.draft import Entry, Says, index
from lab.scenarios import SCENARIOS
from lab.verdicts import Standing


class Cover(enum.StrEnum):
    """How far a sentence that names a threat is covered, the least first."""

    GAP = "gap"
    PARTLY = "partly"
    FAILS = "fails"
    OPEN = "open"
    DAMPENED = "dampened"
    HOLDS = "holds"
    LAUNCHED = "launched"


@dataclass(frozen=True, slots=True)
class Covered:
    """A sentence that names threats: ``ready`` of them can be run, ``missing`` can't yet."""

    entry: Entry
    cover: Cover
    ready: tuple[str, ...]
    missing: tuple[str, ...]


def coverage(standings: Mapping[str, str] | None = None) -> tuple[Covered, ...]:
    """Every sentence that names a threat, gaps first, then in the draft's order.

    ``standings`` are verdicts by threat, as the matrix has them; without them a threat counts as launched.
    """
    known = standings or {}
    found = [_covered(entry, known) for entry in index() if entry.says is Says.THREAT]
    order = list(Cover)
    return tuple(sorted(found, key=lambda each: order.index(each.cover)))


def _covered(entry: Entry, standings: Mapping[str, str]) -> Covered:
    ready = tuple(threat for threat in entry.threats if threat in SCENARIOS)
    missing = tuple(threat for threat in entry.threats if threat not in SCENARIOS)
    if not ready:
        return Covered(entry, Cover.GAP, ready, missing)
    if missing:
        return Covered(entry, Cover.PARTLY, ready, missing)
    verdicts = {standings.get(threat, "") for threat in ready}
    for standing in (Standing.FAILS, Standing.OPEN, Standing.DAMPENED):
        if standing.value in verdicts:
            return Covered(entry, Cover(standing.value), ready, missing)
    return Covered(entry, Cover.LAUNCHED if "" in verdicts else Cover.HOLDS, ready, missing)
