"""Join control: who may come in as a peer now, by what is remembered of him (draft 5.2, Figure 4).

1. The join control entity keeps a track of everybody who asked it to join. Who comes too often, or is too new, is
   refused as a peer until a time, and may be a client meanwhile.
2. Where the entity is not the admitting peer, it signs a permit, which the admitting peer wants to see in the Join.
   Node-IDs that may sign stand in the configuration; of several bootstrap peers, one has each newcomer's track.
3. Neighbors need no permit: a Node-ID is always admitted at the same place, and those who live there have seen it go.
4. Nothing but the node's own requests, which it has signed, and its own departures count against it.
"""

from __future__ import annotations

import enum
import math
from collections import deque
from collections.abc import Container, Iterable
from dataclasses import dataclass, field
from typing import Protocol

from p2psip_min.clock import milliseconds
from p2psip_min.enrollment.certificates import Certificate, Credential
from p2psip_min.enrollment.ledger import Ledger
from p2psip_min.enrollment.trust import TrustStore
from p2psip_min.errors import JoinReason, Malformed
from p2psip_min.ids import NodeID, overlay_hash, to_int
from p2psip_min.wire.codec import decode, encode
from p2psip_min.wire.permits import Statement, read_statement, refusal, statement_input
from p2psip_min.wire.security import SecurityBlock, Signature, identity_of, sign, verify

PERMIT_LIFETIME = 120.0
"""Seconds for which a permit is good: time enough to join at the second or third try."""

PLEA_AGE = 60.0
"""Seconds after which a plea has come too late."""

MEMORY = 65_536
"""How many tracks an entity keeps; beyond, the oldest is forgotten."""


class Place(enum.StrEnum):
    """Where the join control entity is (draft 5.2); the neighbors are ours."""

    NEIGHBORS = "neighbors"
    BOOTSTRAP_PEER = "bootstrap peer"
    BOOTSTRAP_SERVER = "bootstrap server"
    ENROLLMENT_SERVER = "enrollment server"


@dataclass(frozen=True, slots=True)
class Deferred:
    """Not as a peer before ``until`` (virtual s), and why."""

    reason: JoinReason
    until: float


@dataclass(slots=True)
class Track:
    """What is remembered of one: when it was ``first`` seen, its ``moments``, and until when it is out."""

    first: float
    moments: deque[float] = field(default_factory=deque)
    until: float = 0.0


class JoinControlPolicy(Protocol):
    """How often somebody may come, and who keeps count."""

    @property
    def place(self) -> Place: ...

    @property
    def active(self) -> bool: ...

    def judge(self, track: Track, now: float) -> float:
        """Until when the one with this track is no peer; 0 when it may be one now."""


@dataclass(frozen=True, slots=True)
class NoJoinControl:
    """Everybody may come at any time."""

    place = Place.BOOTSTRAP_PEER
    active = False

    def judge(self, track: Track, now: float) -> float:
        """Always."""
        return 0.0


@dataclass(frozen=True, slots=True)
class JoinControl:
    """Who has come ``joins`` times within ``window`` seconds is no peer for the next ``denied`` seconds."""

    place: Place = Place.BOOTSTRAP_PEER
    joins: int = 2
    window: float = 60.0
    denied: float = 300.0
    active = True

    def judge(self, track: Track, now: float) -> float:
        """By the moments of the last window; asking while one is out does not prolong it."""
        while track.moments and track.moments[0] <= now - self.window:
            track.moments.popleft()
        if now >= track.until and len(track.moments) >= self.joins:
            track.until = now + self.denied
        return track.until if now < track.until else 0.0


@dataclass(frozen=True, slots=True)
class Probation:
    """For how many ``seconds`` from its first request on somebody is a client only; 0: at once a peer."""

    seconds: float = 0.0


class BlackListPolicy(Protocol):
    """Who is kept out whatever he shows."""

    def covers(self, node: bytes, listed: Container[bytes]) -> bool: ...


@dataclass(frozen=True, slots=True)
class NoBlackList:
    """Nobody."""

    def covers(self, node: bytes, listed: Container[bytes]) -> bool:
        """Never."""
        return False


@dataclass(frozen=True, slots=True)
class BlackList:
    """The Node-IDs that the configuration names as bad (draft Figure 4; RFC 6940 §11.1, bad-node)."""

    def covers(self, node: bytes, listed: Container[bytes]) -> bool:
        """By the Node-ID, and nothing else."""
        return node in listed


class History:
    """The tracks of one join control entity."""

    def __init__(self, control: JoinControlPolicy, probation: Probation) -> None:
        self._control = control
        self._probation = probation
        self._tracks: dict[object, Track] = {}
        self._pleas: dict[NodeID, int] = {}

    def ask(self, name: object, now: float) -> Deferred | None:
        """Whether ``name`` may join now; if so, it counts as having come."""
        refused = self.look(name, now)
        if refused is None:
            self._track(name, now).moments.append(now)
        return refused

    def look(self, name: object, now: float) -> Deferred | None:
        """The same, and nothing is counted."""
        track = self._track(name, now)
        if now < (end := track.first + self._probation.seconds):
            return Deferred(JoinReason.PROBATION, end)
        return self.too_often(name, now)

    def know(self, name: object) -> None:
        """``name`` has been here for long: it is on no probation when it comes back."""
        self._track(name, -math.inf)

    def too_often(self, name: object, now: float) -> Deferred | None:
        """Whether ``name`` comes and goes too often, however long it is known."""
        until = self._control.judge(self._track(name, now), now)
        return Deferred(JoinReason.TOO_OFTEN, until) if until else None

    def gone(self, name: object, now: float) -> None:
        """``name`` has left, or does not answer any more."""
        self._track(name, now).moments.append(now)

    def fresh(self, plea: Statement, now: float) -> bool:
        """Whether a plea was made just now and is not an old one again."""
        age = milliseconds(now) - plea.time
        if not 0 <= age <= PLEA_AGE * 1000 or plea.time <= self._pleas.get(plea.joining, 0):
            return False
        self._pleas[plea.joining] = plea.time
        return True

    def _track(self, name: object, now: float) -> Track:
        track = self._tracks.get(name)
        if track is None:
            track = self._tracks[name] = Track(now)
            if len(self._tracks) > MEMORY:
                del self._tracks[next(iter(self._tracks))]
        return track


# --- permits ----------------------------------------------------------------------------------------------------------


def keeper(joining: NodeID, entities: Iterable[NodeID]) -> NodeID | None:
    """Which of several join control entities has the track of ``joining``: the nearest by XOR, whatever the overlay."""
    return min(entities, key=lambda entity: to_int(entity) ^ to_int(joining), default=None)


def state(credential: Credential, joining: NodeID, overlay: int, time: float) -> Statement:
    """A signed permit that ends at ``time``, or a plea that is made then."""
    identity = identity_of(credential.certificate)
    unsigned = Statement(joining, milliseconds(time), SecurityBlock((), Signature(0, 0, identity, b"")))
    signature = sign(credential.private_key, identity, statement_input(overlay, unsigned))
    return Statement(joining, unsigned.time, SecurityBlock((credential.certificate,), signature))


def signer(statement: Statement, overlay: int, trust: TrustStore, now: float) -> Certificate | None:
    """The certificate of whoever made a statement; None when it proves nothing."""
    security = statement.security
    for der in security.certificates:
        certificate = trust.check(der, now=now)
        if isinstance(certificate, Certificate) and identity_of(der) == security.signature.identity:
            covered = statement_input(overlay, statement)
            return certificate if verify(certificate.public_key, security.signature, covered) else None
    return None


def permitted(
    data: bytes, joining: NodeID, entities: tuple[NodeID, ...], overlay: int, trust: TrustStore, now: float
) -> bool:
    """Whether ``data`` is a permit for ``joining`` by the entity that has its track, and still good."""
    permit = read_statement(data, joining)
    if permit is None or milliseconds(now) > permit.time:
        return False
    certificate = signer(permit, overlay, trust, now)
    return certificate is not None and keeper(joining, entities) in certificate.node_ids


class PermitDesk:
    """The join control entity at an enrollment server: it knows its customers, and counts all that one holds."""

    def __init__(
        self, overlay: str, ledger: Ledger, credential: Credential, trust: TrustStore, history: History
    ) -> None:
        self._overlay = overlay_hash(overlay)
        self._ledger = ledger
        self._credential = credential
        self._trust = trust
        self._history = history

    def answer(self, plea: bytes, now: float) -> bytes:
        """A permit, or a refusal, for who has just signed a plea; Malformed for anything else."""
        statement = decode(Statement, plea)
        joining = statement.joining
        certificate = signer(statement, self._overlay, self._trust, now)
        if certificate is None or joining not in certificate.node_ids or not self._history.fresh(statement, now):
            raise Malformed(0, "permit: the plea proves nothing")
        put_off = self._history.ask(self._customer(joining), now)
        if put_off is not None:
            return refusal(put_off.reason, milliseconds(put_off.until))
        return encode(state(self._credential, joining, self._overlay, now + PERMIT_LIFETIME))

    def _customer(self, node: NodeID) -> str:
        """The person, or the account, that holds a Node-ID."""
        for account in self._ledger.accounts.values():
            if any(node in identity.node_ids for identity in account.identities):
                return account.person or account.name
        return node.hex()
