"""The trace: what happened, in order; the one thing that tests, plots, verdicts and lessons read.

Rules
1. An event is past tense, is about one node, and is made where the thing happens, by whoever does it honestly or not.
2. Nothing in an event depends on who is hostile, on the wall clock, on ciphertext, or on the order of a set.
3. Events are plain slots objects because they lie on the path of every message; nobody changes one once emitted.
4. ``seq`` is an event's place in its sink, counted from 0: a cursor is a number.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, TypeVar

from p2psip_min.ids import NodeID
from p2psip_min.lines import to_json

Transaction = int
"""A transaction id as the unsigned 64-bit number of the header; 0 where an event belongs to none."""


@dataclass(slots=True)
class Event:
    """Something that happened at ``node`` at virtual second ``t``, within a transaction (0: none)."""

    t: float
    node: bytes
    transaction_id: Transaction


# --- messages -------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class MessageSent(Event):
    """The node made a message and gave it to a link; ``code`` is the message code (RFC 6940 §14.9)."""

    code: int
    next_hop: bytes
    message: bytes


@dataclass(slots=True)
class MessageForwarded(Event):
    """The node passed somebody's message on, with the header patched."""

    code: int
    previous_hop: bytes
    next_hop: bytes
    message: bytes


@dataclass(slots=True)
class MessageDelivered(Event):
    """The message ended here, was understood and its signature held (``signer`` empty: unsigned and accepted)."""

    code: int
    previous_hop: bytes
    signer: bytes
    message: bytes


@dataclass(slots=True)
class MessageDropped(Event):
    """The message ended here for ``reason``, a DropReason."""

    code: int
    previous_hop: bytes
    reason: str
    message: bytes


@dataclass(slots=True)
class PacketLost(Event):
    """A packet from ``node`` did not reach ``remote``'s address, for ``reason``, a PacketReason."""

    remote: bytes
    reason: str


@dataclass(slots=True)
class RequestRetransmitted(Event):
    """The requester sent the same transaction again; ``attempt`` counts from 2 (RFC 6940 §6.2.1)."""

    attempt: int


@dataclass(slots=True)
class RequestFailed(Event):
    """The request ended without an answer, or with an error answer of ``code`` (4: Request_Timeout)."""

    code: int


@dataclass(slots=True)
class LookupCompleted(Event):
    """The requester knows who answered for ``key``, after ``hops`` requests or forwards on the way there."""

    key: bytes
    responder: bytes
    hops: int


@dataclass(slots=True)
class ResponderRejected(Event):
    """The requester does not believe that ``responder`` may answer for ``key``, for ``reason``, a RootReason."""

    key: bytes
    responder: bytes
    reason: str


@dataclass(slots=True)
class SuspectNamed(Event):
    """The node has looked for where its requests get lost: ``suspect``, for ``reason``, a SuspicionReason."""

    suspect: bytes
    reason: str


# --- links ----------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class LinkOpened(Event):
    """A link to ``remote`` is up; ``protocol`` is "plain" or "tls"."""

    remote: bytes
    protocol: str


@dataclass(slots=True)
class LinkRejected(Event):
    """A link to or from ``remote`` was not made, for ``reason``, a LinkReason."""

    remote: bytes
    reason: str


@dataclass(slots=True)
class LinkClosed(Event):
    """A link ended, for ``reason``, a LinkReason."""

    remote: bytes
    reason: str


# --- membership and routing -----------------------------------------------------------------------------------


@dataclass(slots=True)
class NodeJoined(Event):
    """The node is a peer of the overlay from now on; ``admitting_peer`` is empty for the first and for settled ones."""

    admitting_peer: bytes


@dataclass(slots=True)
class ClientAttached(Event):
    """The node is served as a client by ``peer``."""

    peer: bytes


@dataclass(slots=True)
class JoinRejected(Event):
    """The node did not get in, for ``reason``, a JoinReason."""

    reason: str


@dataclass(slots=True)
class NodeLeft(Event):
    """The node handed its data over and left."""


@dataclass(slots=True)
class NodeCrashed(Event):
    """The node stopped without a word."""


@dataclass(slots=True)
class NeighborsChanged(Event):
    """The node's neighbor table after a change, each list from the nearest outwards."""

    predecessors: tuple[bytes, ...]
    successors: tuple[bytes, ...]


@dataclass(slots=True)
class NeighborFailed(Event):
    """The node gave ``neighbor`` up as dead."""

    neighbor: bytes


@dataclass(slots=True)
class ReportJudged(Event):
    """The server heard a report of ``reporter`` (empty: nobody it knows) about ``accused``, and made this of it."""

    reporter: bytes
    accused: bytes
    outcome: str


@dataclass(slots=True)
class NodeExcluded(Event):
    """The server excluded ``excluded`` for so many ``seconds``; 0: for good."""

    excluded: bytes
    seconds: float


# --- storage --------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class RecordStored(Event):
    """A value with no predecessor was stored; ``key`` is the dictionary key, the array index or empty, as bytes.

    ``storage_time`` is in milliseconds since 1970 as on the wire, ``signer`` a user name, ``replica`` 0 for the
    original.
    """

    resource: bytes
    kind: int
    key: bytes
    storage_time: int
    signer: str
    replica: int
    value: bytes


@dataclass(slots=True)
class RecordReplaced(Event):
    """A stored value gave way to another; an ``older`` one than itself when it was rolled back."""

    resource: bytes
    kind: int
    key: bytes
    storage_time: int
    signer: str
    replica: int
    value: bytes
    replaced: int


@dataclass(slots=True)
class RecordRemoved(Event):
    """A tombstone took the value's place (RFC 6940 §7.4.1.3); fields as in RecordReplaced."""

    resource: bytes
    kind: int
    key: bytes
    storage_time: int
    signer: str
    replica: int
    replaced: int


@dataclass(slots=True)
class RecordExpired(Event):
    """A value's lifetime ended."""

    resource: bytes
    kind: int
    key: bytes
    storage_time: int


@dataclass(slots=True)
class RecordHandedOver(Event):
    """The node no longer holds the resource because others do (RFC 6940 §10.7.3)."""

    resource: bytes
    kind: int


@dataclass(slots=True)
class RecordDiscarded(Event):
    """The node no longer holds the resource, and no rule allowed it to let go."""

    resource: bytes
    kind: int


@dataclass(slots=True)
class RecordMissed(Event):
    """The owner looked for the record and did not find what was stored last."""

    resource: bytes
    kind: int


@dataclass(slots=True)
class StoreRejected(Event):
    """A storing peer refused a store for ``reason``, a StoreReason."""

    resource: bytes
    kind: int
    reason: str


@dataclass(slots=True)
class StoreAcknowledged(Event):
    """The requester holds a StoreAns; ``replicas`` are the Node-IDs that it names."""

    resource: bytes
    kind: int
    generation: int
    replicas: tuple[bytes, ...]


@dataclass(slots=True)
class ValueRead(Event):
    """A reader took a value as true (``exists`` False: a tombstone)."""

    resource: bytes
    kind: int
    key: bytes
    storage_time: int
    signer: str
    exists: bool
    value: bytes


@dataclass(slots=True)
class ValueRejected(Event):
    """A reader was given a value and did not take it, for ``reason``, a ReadReason."""

    resource: bytes
    kind: int
    key: bytes
    storage_time: int
    reason: str


# --- enrollment and configuration -----------------------------------------------------------------------------


@dataclass(slots=True)
class EnrollmentGranted(Event):
    """The server (``node``) issued a certificate for ``user`` and ``node_id``."""

    user: str
    node_id: bytes


@dataclass(slots=True)
class EnrollmentRejected(Event):
    """The server (``node``) refused ``user``, for ``reason``, an EnrollmentReason."""

    user: str
    reason: str


@dataclass(slots=True)
class ConfigurationTaken(Event):
    """The node now follows the configuration document of this sequence."""

    sequence: int


@dataclass(slots=True)
class ConfigurationRejected(Event):
    """The node refused a configuration document, for ``reason``, a ConfigurationReason."""

    reason: str


@dataclass(slots=True)
class RevocationsTaken(Event):
    """The node now follows the authority's revocation list of this number (RFC 5280 §5.2.3)."""

    number: int


# --- application ----------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Registered(Event):
    """The user's contact is in the overlay (RFC 7904 §3)."""

    aor: str
    contact: str


@dataclass(slots=True)
class Resolved(Event):
    """The node believes that ``aor`` is reached at ``contact`` (empty: nowhere)."""

    aor: str
    contact: str


@dataclass(slots=True)
class CallSetUp(Event):
    """A call from this node to ``aor`` was answered by ``remote``."""

    aor: str
    remote: bytes


@dataclass(slots=True)
class CallFailed(Event):
    """A call to ``aor`` came to nothing."""

    aor: str
    reason: str


E = TypeVar("E", bound=Event)


class Sink(Protocol):
    """Where a running overlay puts its events."""

    def emit(self, event: Event) -> None: ...

    def digest(self) -> str: ...


class Trace:
    """The full sink: keeps every event, in order."""

    __slots__ = ("emit", "events", "_hash", "_hashed")

    keeps: ClassVar[bool] = True

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.emit: Callable[[Event], None] = self.events.append
        self._hash = hashlib.sha256()
        self._hashed = 0

    def __len__(self) -> int:
        return len(self.events)

    def __iter__(self) -> Iterator[Event]:
        return iter(self.events)

    def select(self, kind: type[E], *, since: int = 0, **wanted: Any) -> Iterator[E]:
        """Events of one class from place ``since`` on whose fields equal ``wanted``."""
        for event in self.events[since:] if since else self.events:
            if isinstance(event, kind) and all(getattr(event, name) == value for name, value in wanted.items()):
                yield event

    def path(self, transaction_id: Transaction) -> list[NodeID]:
        """The nodes that the transaction's first request passed, from requester to the last that saw it."""
        nodes: list[NodeID] = []
        for event in self.events:
            if event.transaction_id != transaction_id:
                continue
            if isinstance(event, MessageSent | MessageForwarded):
                if isinstance(event, MessageSent) and nodes:
                    break
                nodes.append(NodeID(event.node))
            elif isinstance(event, MessageDelivered | MessageDropped) and nodes:
                nodes.append(NodeID(event.node))
                break
        return nodes

    def counts(self) -> dict[str, int]:
        """How many events of each class, by class name."""
        return dict(sorted(Counter(type(event).__name__ for event in self.events).items()))

    def to_jsonl(self) -> str:
        """The whole trace as JSON lines."""
        return "".join(to_json(event, seq) + "\n" for seq, event in enumerate(self.events))

    def digest(self) -> str:
        """SHA-256 of the JSON lines so far, in hex: equal traces and only those have equal digests."""
        for seq in range(self._hashed, len(self.events)):
            self._hash.update(to_json(self.events[seq], seq).encode())
            self._hash.update(b"\n")
        self._hashed = len(self.events)
        return self._hash.hexdigest()
