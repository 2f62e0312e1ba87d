"""Who is to be excluded, by what was reported of him (draft 7.2.12; Figure 4 asks for a black list).

A policy sees a case: who complained, who vouched, how often something was proven. It says for how long the accused is
to be kept out, or that he is not. Counting heads needs no evidence, and heads are cheap where names are.
"""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass, field
from typing import Protocol

from p2psip_min.ids import NodeID

FOR_GOOD = math.inf


class Wanted(enum.Enum):
    """What sort of reports nodes make, and the server hears."""

    NOTHING = "nothing"
    COMPLAINTS = "complaints"
    EVIDENCE = "evidence"


@dataclass(slots=True)
class Case:
    """What is known of one accused node; ``sentences`` are those of the past."""

    complainers: dict[NodeID, None] = field(default_factory=dict)
    vouchers: dict[NodeID, None] = field(default_factory=dict)
    offences: int = 0
    sentences: int = 0


class ConvictionPolicy(Protocol):
    """When a node is excluded, and for how long."""

    @property
    def wants(self) -> Wanted: ...

    def sentence(self, case: Case) -> float | None:
        """Seconds for which the accused is kept out, ``FOR_GOOD`` among them; None: not at all."""


@dataclass(frozen=True, slots=True)
class NoConviction:
    """Nobody reports, and nobody is excluded but by hand."""

    wants = Wanted.NOTHING

    def sentence(self, case: Case) -> float | None:
        """None."""
        return None


@dataclass(frozen=True, slots=True)
class FirstComplaint:
    """Whoever was complained of once is out for good."""

    wants = Wanted.COMPLAINTS

    def sentence(self, case: Case) -> float | None:
        """For good, on the first word."""
        return FOR_GOOD if case.complainers else None


@dataclass(frozen=True, slots=True)
class ComplaintCount:
    """So many different nodes must complain; what they say, nobody checks."""

    needed: int = 3
    wants = Wanted.COMPLAINTS

    def sentence(self, case: Case) -> float | None:
        """For good, once there are enough."""
        return FOR_GOOD if len(case.complainers) >= self.needed else None


@dataclass(frozen=True, slots=True)
class MajorityVote:
    """More must complain of a node than vouch for it: fair, where everybody has one voice."""

    wants = Wanted.COMPLAINTS

    def sentence(self, case: Case) -> float | None:
        """For good, by the larger number."""
        return FOR_GOOD if len(case.complainers) > len(case.vouchers) else None


@dataclass(frozen=True, slots=True)
class CheckableEvidence:
    """One proof that anybody can check is enough, and nothing else is heard."""

    wants = Wanted.EVIDENCE

    def sentence(self, case: Case) -> float | None:
        """For good, once something is proven."""
        return FOR_GOOD if case.offences else None


@dataclass(frozen=True, slots=True)
class GraduatedExclusion:
    """The same proofs, but the first time a node is kept out for ``first`` seconds only, then twice as long, and so on.

    A machine that was mended comes back; one that goes on is soon out for as long as it makes no difference.
    """

    first: float = 120.0
    wants = Wanted.EVIDENCE

    def sentence(self, case: Case) -> float | None:
        """Twice as long each time."""
        return self.first * 2**case.sentences if case.offences > case.sentences else None
