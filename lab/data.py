"""Where the lab's files are, and the generated data sets as typed rows.

In the source tree they stand beside the packages; an installed lab carries them inside itself. A file's manifest says
where its figures come from.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path


def folder(name: str) -> Path:
    """The folder "datasets" or "notebooks", wherever the lab was installed; FileNotFoundError if it isn't there."""
    here = Path(__file__).resolve().parent
    for candidate in (here / "_data" / name, here.parent / name):
        if candidate.is_dir():
            return candidate
    raise FileNotFoundError(f"the lab was installed without its {name}")


def rows(name: str) -> Iterator[dict[str, str]]:
    """The rows of a CSV file of ``datasets``, cells as text."""
    with (folder("datasets") / name).open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscriber:
    """A user: ``calls_per_hour`` is the mean of a Poisson process; ``nat`` is "none" or a mapping of RFC 4787 §4."""

    name: str
    domain: str
    device: str
    nat: str
    calls_per_hour: float

    @property
    def aor(self) -> str:
        """The address of record, such as "alice@example.org"."""
        return f"{self.name}@{self.domain}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A node's point on the plane whose distance is one-way delay, in microseconds along each axis."""

    node: int
    region: str
    x_us: int
    y_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ChurnEvent:
    """``event`` is "join", "leave" (announced) or "crash" (silent), at ``time`` seconds of virtual time."""

    time: float
    node: int
    event: str


@cache
def subscribers() -> tuple[Subscriber, ...]:
    """The users of three domains, in the order of the file."""
    return tuple(
        Subscriber(
            name=row["name"],
            domain=row["domain"],
            device=row["device"],
            nat=row["nat"],
            calls_per_hour=float(row["calls_per_hour"]),
        )
        for row in rows("subscribers.csv")
    )


@cache
def places() -> tuple[Place, ...]:
    """A thousand places in three regions; node n of an overlay takes the n-th."""
    return tuple(
        Place(node=int(row["node"]), region=row["region"], x_us=int(row["x_us"]), y_us=int(row["y_us"]))
        for row in rows("coordinates.csv")
    )


@cache
def churn() -> tuple[ChurnEvent, ...]:
    """Two hours of joins, leaves and crashes of 64 nodes, by time; a join at 0 is a node that is there at the start."""
    return tuple(
        ChurnEvent(time=int(row["time_ms"]) / 1000, node=int(row["node"]), event=row["event"])
        for row in rows("churn.csv")
    )
