"""The threats that the draft names, as typed rows of ``datasets/threats.csv``, with what this lab does about each."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import cache

from lab.data import rows
from lab.verdicts import Bounds, Standing


class Status(enum.StrEnum):
    """Ready threats can be run and have a verdict; planned ones are listed so that nothing is silently missing."""

    READY = "ready"
    PLANNED = "planned"


class Base(enum.StrEnum):
    """The P2P overlay base (draft §3.4) on which a threat is possible."""

    TRUSTED = "trusted"
    UNTRUSTED = "untrusted"


class Layer(enum.StrEnum):
    """The attacked part of the draft's Figure 2."""

    ENROLLMENT = "enrollment"
    TRANSPORT = "transport"
    MAINTENANCE = "maintenance"
    ROUTING = "routing"
    STORAGE = "storage"
    APPLICATION = "application"


class Routing(enum.StrEnum):
    """How requests travel (draft §11.2)."""

    RECURSIVE = "recursive"
    ITERATIVE = "iterative"


@dataclass(frozen=True, slots=True, kw_only=True)
class Threat:
    """One row of the catalogue.

    ``sections`` are places in the draft ("5.2 third" is the third issue of §5.2, "11.2 b1" its first bullet, "Fig6 r3"
    a figure's row); ``named`` are defences that the draft names, ``required`` the requirements that imply one, ``ours``
    mechanisms of this project, ``decoy`` a defence that looks right and fails. ``routing`` is empty where
    the routing style plays no part. ``bounds`` are what a verdict must show; they were fixed before any run.
    """

    id: str
    sections: tuple[str, ...]
    action: str
    metric: str
    named: str
    required: tuple[int, ...]
    ours: str
    decoy: str
    bases: tuple[Base, ...]
    base_note: str
    layers: tuple[Layer, ...]
    routing: tuple[Routing, ...]
    notebooks: tuple[str, ...]
    bounds: Bounds
    status: Status

    def as_json(self) -> dict[str, object]:
        """The row as JSON knows it: text, numbers and lists."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}


class UnknownThreat(LookupError):
    """No threat of that id; the message lists the known ones."""

    def __init__(self, threat_id: str, known: Iterable[str]) -> None:
        self.threat_id = threat_id
        self.known = tuple(known)
        super().__init__(f"unknown threat {threat_id!r}; known: {', '.join(self.known)}")


def _parts(cell: str) -> tuple[str, ...]:
    return tuple(cell.split(";")) if cell else ()


def _bounds(row: Mapping[str, str]) -> Bounds:
    shares = dict(part.split("=", 1) for part in _parts(row["bounds"]))
    if unknown := shares.keys() - {"harm", "defence", "decoy", "honest"}:
        raise ValueError(f"{row['id']}: no bound {', '.join(sorted(unknown))}; known: harm, defence, decoy, honest")
    standing = Standing(row["standing"])
    if bool(row["reason"]) != (standing is not Standing.HOLDS or bool(shares)):
        raise ValueError(f"{row['id']}: bounds other than the usual ones have a reason, and only they do")
    return Bounds(standing=standing, reason=row["reason"], **{name: float(share) for name, share in shares.items()})


def parse(row: Mapping[str, str]) -> Threat:
    """A row of the file as a value; ValueError or KeyError where a cell holds no word of its vocabulary."""
    return Threat(
        id=row["id"],
        sections=_parts(row["sections"]),
        action=row["action"],
        metric=row["metric"],
        named=row["named"],
        required=tuple(int(number) for number in row["required"].split()),
        ours=row["ours"],
        decoy=row["decoy"],
        bases=tuple(Base(name) for name in _parts(row["bases"])),
        base_note=row["base_note"],
        layers=tuple(Layer(name) for name in _parts(row["layers"])),
        routing=tuple(Routing(name) for name in _parts(row["routing"])),
        notebooks=_parts(row["notebooks"]),
        bounds=_bounds(row),
        status=Status(row["status"]),
    )


@cache
def catalogue() -> Mapping[str, Threat]:
    """Every threat by id, in the order of the file."""
    return {threat.id: threat for threat in map(parse, rows("threats.csv"))}


def threats(status: Status | None = None) -> tuple[Threat, ...]:
    """The threats in the order of the file, all or those of one status."""
    return tuple(threat for threat in catalogue().values() if status in (None, threat.status))


def threat(threat_id: str) -> Threat:
    """The threat of that id, in any case ("rp-2"); UnknownThreat otherwise."""
    try:
        return catalogue()[threat_id.upper()]
    except KeyError:
        raise UnknownThreat(threat_id, catalogue()) from None
