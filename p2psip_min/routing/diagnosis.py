"""Finding the peer on a way that lets requests disappear, or sends them elsewhere (draft 5.2, 11.2; RFC 7851 §3, §4.3).

1. The way is asked for step by step, as a lookup is, each peer itself: PathTrack's next hops from the requester to the
   peer that calls itself responsible. Where it breaks off, the next best way is asked for.
2. Whom the one that named it can't introduce us to is looked for on other ways. So a peer that passes nothing on, one
   that answers nobody, and one that names who does not exist are told apart.
3. Where the first way did not break off, the same request is given straight to each peer of it, from the end backwards.
   The first one over which it does not come to the end is where it got lost: from the next one on it came through.
4. What comes of it is a suspicion. A link may be broken where it points, and whoever knows that it is being tried can
   behave. Nothing here can be shown to others, so nobody is told and nobody is excluded.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from p2psip_min.errors import SuspicionReason
from p2psip_min.ids import NodeID

WAYS = 4
"""How many ways are asked for at most."""


@dataclass(frozen=True, slots=True)
class Suspicion:
    """Who may be at fault, and why one thinks so."""

    suspect: NodeID
    reason: SuspicionReason


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What was found: the last way as it was told, who is responsible (None: nobody found), and whom to suspect."""

    path: tuple[NodeID, ...]
    responder: NodeID | None
    suspicion: Suspicion | None


@dataclass(frozen=True, slots=True)
class Finding:
    """One way, asked for step by step: who was asked, who called itself ``responder`` at its end.

    Where there is none the way broke off: ``named`` is whom the last one named and nobody could reach, None when the
    last one itself did not answer, or led back.
    """

    path: tuple[NodeID, ...]
    responder: NodeID | None = None
    named: NodeID | None = None


def judged(broken: Finding, others: Sequence[Finding]) -> Suspicion | None:
    """Whom to suspect where a way broke off; ``others`` are the ways on which its last word was asked for elsewhere."""
    if not broken.path:
        return None
    last, named = broken.path[-1], broken.named
    if named is None:
        return Suspicion(last, SuspicionReason.SILENT)
    if any(other.responder == named for other in others):
        return Suspicion(last, SuspicionReason.DROPS)  # it was there all along: our introduction was not passed on
    if any(other.named == named and other.path[-1] != last for other in others):
        return Suspicion(named, SuspicionReason.SILENT)  # it is known elsewhere too, and not reached from there
    return Suspicion(last, SuspicionReason.MISLEADS)


class Trial:
    """Tries the peers of a ``path`` that ends with the responsible one, from the end backwards."""

    def __init__(self, path: Sequence[NodeID]) -> None:
        self._path = tuple(path)
        self.suspicion: Suspicion | None = None

    def __iter__(self) -> Iterator[NodeID]:
        """Whom to give the request to next, until there is somebody to suspect."""
        for node in self._path[-2::-1]:
            if self.suspicion is None:
                yield node

    def tried(self, node: NodeID, responder: NodeID | None) -> None:
        """Over ``node`` an answer came from ``responder``, or none."""
        if responder is None:
            self.suspicion = Suspicion(node, SuspicionReason.DROPS)
        elif responder != self._path[-1]:
            self.suspicion = Suspicion(node, SuspicionReason.MISROUTES)


@dataclass(frozen=True, slots=True)
class DiagnosisPolicy:
    """Whether a request that got no answer is followed up, and its answer then asked for at the end of the way."""

    follows_up: bool = False
