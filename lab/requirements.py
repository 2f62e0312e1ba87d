"""The draft's requirements as a scorecard that is computed from runs, never typed in.

A requirement is *met* when all its experiments come out as wanted, *partly* when they do and something stays open all
the same, and *not met* as soon as one does not. The threats of a numbered requirement are those whose row of the
catalogue names it.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from lab import experiments, scenarios
from lab.catalogue import Status, threats
from lab.experiments import Experiment, Figure
from lab.scenarios import columns, judge, scenario, setting
from lab.sweep import Job
from lab.verdicts import Outcome, Standing


class Grade(enum.StrEnum):
    """How far a requirement is met."""

    MET = "met"
    PARTLY = "partly"
    NOT_MET = "not met"


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """One requirement in our words: the threats and the experiments that measure it, and what they do not reach."""

    id: str
    section: str
    title: str
    threats: tuple[str, ...] = ()
    experiments: tuple[Experiment, ...] = ()
    left: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """What a requirement came to; ``left`` is what stays open."""

    id: str
    section: str
    title: str
    status: Grade
    figures: tuple[Figure, ...]
    left: tuple[str, ...]
    seeds: int

    def to_json(self) -> dict[str, object]:
        """The score as plain values."""
        figures = [
            {"name": each.name, "value": each.value, "wanted": each.wanted, "met": each.met} for each in self.figures
        ]
        return {
            "id": self.id,
            "section": self.section,
            "title": self.title,
            "status": self.status.value,
            "figures": figures,
            "left": list(self.left),
            "seeds": self.seeds,
        }


def _naming(number: int) -> tuple[str, ...]:
    return tuple(row.id for row in threats() if number in row.required)


def _numbered() -> Iterator[Requirement]:
    own: Mapping[int, tuple[Experiment, ...]] = {
        1: (experiments.without_servers,),
        2: (experiments.small, experiments.growing),
        3: (experiments.mechanisms,),
        4: (experiments.undisturbed,),
    }
    left = {
        2: "hundreds of millions of nodes: a message-level engine does not carry them",
        16: "a peer that swallows messages is excluded when it denies it; one that says nothing, or that nobody took "
        "them from it, is only suspected by who asked, and other defences go around it: nobody else can tell it from "
        "its neighbor. Nor is convicted who changes messages, who answers for a key that is not his, or who has an "
        "accomplice say that a message came to him",
    }
    titles = {
        1: ("7.2.1", "Members get along without any central server"),
        2: ("7.2.2", "Protection scales from a few nodes to very many"),
        3: ("7.2.3", "Protection is made of mechanisms that exist"),
        4: ("7.2.4", "Protection asks little of the overlay algorithm"),
        5: ("7.2.5", "Registered identities are kept and cannot be stolen"),
        6: ("7.2.6", "Many identities, or a change of identity, are hard to get"),
        7: ("7.2.10", "Nobody picks the Node-ID that he likes"),
        8: ("7.2.5", "Users and nodes can be authenticated"),
        9: ("7.2.7", "Nothing valid can be repeated or delayed"),
        10: ("7.2.9", "What is stored and read is intact"),
        11: ("7.2.11", "Exchanges can be encrypted"),
        12: ("7.2.8", "Only who may joins, and writes records"),
        13: ("7.2.8", "In a shared record everybody has his own part"),
        14: ("7.2.11", "Owners say who may read, change and remove"),
        15: ("7.2.10", "Denial of service does little"),
        16: ("7.2.12", "Bad nodes do little, are found and are kept out"),
    }
    for number, (section, title) in titles.items():
        yield Requirement(
            id=f"Req. {number}",
            section=section,
            title=title,
            threats=_naming(number),
            experiments=own.get(number, ()),
            left=left.get(number, ""),
        )


_USERS = (
    Requirement(
        id="User 1",
        section="7.1",
        title="Users and resources are found, reliably and securely",
        threats=("KB-1", "KB-4", "KB-10", "KB-11"),
    ),
    Requirement(
        id="User 2",
        section="7.1",
        title="One can be certain who somebody is",
        threats=("TR-4", "TR-6", "ID-4", "KB-12"),
    ),
    Requirement(
        id="User 3",
        section="7.1",
        title="Calls stay confidential and intact from end to end",
        threats=("TR-1", "TR-2", "SI-2", "SI-7"),
    ),
    Requirement(
        id="User 4",
        section="7.1",
        title="Enrolling is easy and secure",
        threats=("EN-4", "EN-5", "EN-11"),
        experiments=(experiments.ease,),
    ),
    Requirement(
        id="User 5",
        section="7.1",
        title="Privacy is kept",
        threats=("PR-1", "PR-2", "PR-3", "ST-1"),
    ),
)

_UNNUMBERED = (
    Requirement(id="U1", section="7.2.11", title="It is hard to watch who talks to whom", threats=("PR-1",)),
    Requirement(id="U2", section="7.2.10", title="Records persist when some nodes fail", threats=("ST-13", "ST-17")),
    Requirement(id="U3", section="7.2.9", title="A storing peer can validate what it is given", threats=("ST-10",)),
    Requirement(id="U4", section="7.2.10", title="Nobody registers without bounds", threats=("ST-8",)),
)

REQUIREMENTS: tuple[Requirement, ...] = (*_numbered(), *_USERS, *_UNNUMBERED)
"""Req. 1 to 16 (7.2.13), the five of 7.1, and U1 to U4: what the text asks for without a number."""


def jobs(requirements: Iterable[Requirement], seeds: Sequence[int]) -> Iterator[Job]:
    """The runs that the threats of these requirements take."""
    for each in requirements:
        for threat in _ready(each):
            chosen = scenario(threat)
            for seed in seeds:
                for planned in columns(chosen, setting(chosen, seed=seed)).values():
                    yield Job(threat, planned)


def _ready(requirement: Requirement) -> Iterator[str]:
    return (threat for threat in requirement.threats if threat in scenarios.SCENARIOS)


def score(requirement: Requirement, seeds: Sequence[int], play: Callable[[Job], Outcome]) -> Score:
    """Grade one requirement; ``play`` knows or makes the outcome of each of its jobs."""
    figures: list[Figure] = []
    left = [requirement.left] if requirement.left else []
    for threat in _ready(requirement):
        chosen = scenario(threat)
        planned = {seed: columns(chosen, setting(chosen, seed=seed)) for seed in seeds}
        runs = {
            seed: {column: play(Job(threat, each)) for column, each in by_column.items()}
            for seed, by_column in planned.items()
        }
        found = judge(chosen, setting(chosen), runs)
        wanted = f"at most {chosen.bounds.defence:g}"
        figures.append(Figure(f"{threat}: harm that is left", found.share_left, wanted, found.holds))
        if found.standing in (Standing.DAMPENED, Standing.OPEN):
            left.append(f"{threat} is {found.standing}: {chosen.bounds.reason}")
    for experiment in requirement.experiments:
        by_seed = [experiment(seed) for seed in seeds]
        worst = [min(same, key=lambda figure: figure.met) for same in zip(*by_seed, strict=True)]
        figures += worst
    planned_only = {row.id for row in threats(Status.PLANNED)}
    if waiting := [threat for threat in requirement.threats if threat in planned_only]:
        left.append(f"not measured yet: {', '.join(waiting)}")
    return Score(
        id=requirement.id,
        section=requirement.section,
        title=requirement.title,
        status=_grade(figures, left),
        figures=tuple(figures),
        left=tuple(left),
        seeds=len(seeds),
    )


def _grade(figures: Sequence[Figure], left: Sequence[str]) -> Grade:
    if not figures or not all(each.met for each in figures):
        return Grade.NOT_MET
    return Grade.PARTLY if left else Grade.MET
