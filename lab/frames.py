"""Frames: what the panel shows at one moment of a run, as plain immutable values.

A run's trace becomes a film (``lab.film``), a film has one frame per moment, and a frame is drawn by ``lab.plots`` and
``lab.tables`` or read aloud as its caption. Nothing here imports widgets, and nothing here knows who is hostile but
through ``World.hostile``, which comes from ``overlay.roles`` and only colours the picture.

Rules
1. A cursor counts moments: 0 is before the first one, ``length`` after the last. A moment is what one node did at one
   instant, so one click on Step moves one message by one hop.
2. A frame depends on the trace up to its moment and on the world; only the timeline (``ticks track length``) shows the
   whole run. Scrubbing back shows equal frames.
3. All words come from ``lab.text``.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from lab.text import Word


class NodeKind(enum.StrEnum):
    """What a node is for the overlay; hostile is not a kind, since nobody can see it."""

    PEER = "peer"
    CLIENT = "client"
    BOOTSTRAP = "bootstrap"
    SERVER = "server"


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What a picture needs and no event says: names, kinds, roles; keys are Node-IDs, in any order.

    ``people`` gives a node the name of its user ("mallory" for p27); ``attachments`` are the clients' peers before the
    first event; ``keepers`` are hostile nodes that copy what they forward; ``fingers`` are shown under the pointer;
    ``resources`` names Resource-IDs, ``subject`` is the one that storage is about (empty: the last one touched);
    ``absent`` are nodes that a NodeJoined event will bring in; ``owner`` is the user who writes the subject.
    """

    names: Mapping[bytes, str]
    kinds: Mapping[bytes, NodeKind] = field(default_factory=dict)
    hostile: frozenset[bytes] = frozenset()
    keepers: frozenset[bytes] = frozenset()
    people: Mapping[bytes, str] = field(default_factory=dict)
    attachments: Mapping[bytes, bytes] = field(default_factory=dict)
    fingers: Mapping[bytes, tuple[bytes, ...]] = field(default_factory=dict)
    resources: Mapping[bytes, str] = field(default_factory=dict)
    subject: bytes = b""
    owner: str = ""
    absent: frozenset[bytes] = frozenset()

    def kind(self, node: bytes) -> NodeKind:
        """The node's kind; a node nobody declared is a peer."""
        return self.kinds.get(node, NodeKind.PEER)

    def name(self, node: bytes) -> str:
        """The node's short name, such as "p27"; the start of its Node-ID when it has none."""
        return self.names.get(node) or bytes(node).hex()[:6] or "nobody"

    def person(self, node: bytes) -> str:
        """The name used in sentences: the user's where a node has one, else the node's."""
        return self.people.get(node) or self.name(node)

    def resource(self, resource: bytes) -> str:
        """The resource's name; of a place on the ring the node that is there, or the start of its Resource-ID."""
        named = self.resources.get(resource) or self.people.get(resource) or self.names.get(resource)
        return named or bytes(resource).hex()[:8]


class RecordKey(NamedTuple):
    """One value's place: the resource, its kind, and the dictionary key or array index as bytes."""

    resource: bytes
    kind: int
    key: bytes


class RecordRef(NamedTuple):
    """One value that a message carries; ``storage_time`` in milliseconds since 1970."""

    key: RecordKey
    storage_time: int
    exists: bool
    value: bytes
    replica: int


class NodeState(enum.StrEnum):
    """Whether the node takes part."""

    UP = "up"
    ABSENT = "absent"
    LEFT = "left"
    CRASHED = "crashed"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class RingNode:
    """A node in the picture; ``turn`` is its place on the ring in turns from the top, clockwise, by order of Node-ID.

    A client has its peer's ``turn`` and the peer in ``at``; ``before`` is the peer that it was attached to earlier.
    ``role`` is "root", "replica 1", … for the subject's holders; ``version`` is the number it holds, 0 for none.
    """

    node: bytes
    name: str
    person: str
    kind: NodeKind
    turn: float
    state: NodeState = NodeState.UP
    hostile: bool = False
    involved: bool = False
    role: str = ""
    version: int = 0
    at: bytes = b""
    before: bytes = b""
    until: float = 0.0


class Strand(enum.StrEnum):
    """How an arrow of the ring is drawn."""

    CURRENT = "current"
    TRAVELLED = "travelled"
    AHEAD = "ahead"
    RESENT = "resent"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """An arrow between two nodes; ``row`` is the number of its message row, ``label`` what stands beside it."""

    sender: bytes
    receiver: bytes
    strand: Strand
    row: int
    answer: bool = False
    label: str = ""
    version: int = 0


class Outcome(enum.StrEnum):
    """What became of a message, as far as the frame can know."""

    FLIGHT = "in flight"
    FORWARDED = "forwarded"
    DELIVERED = "delivered"
    STORED = "stored"
    REPLACED = "replaced an older one"
    ROLLED_BACK = "stored: no rule refused it"
    REMOVED = "removed"
    REFUSED = "refused"
    DROPPED = "dropped"
    LOST = "lost"
    READ = "read as true"
    DISTRUSTED = "read and not believed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the swim lanes: a request's hop, or an answer's whole way back.

    ``number`` counts from 1; ``receivers`` are several where one node sends copies to its replicas; ``hops`` lists
    every node an answer passed; ``t`` is its virtual second, ``version`` 0 where it has none. ``sent`` counts the
    transmissions of the story, from 1: it names the row's first hop when somebody lays hands on it. ``ended`` is the
    moment of its outcome, 0 while it is in flight.
    """

    number: int
    sent: int
    cursor: int
    t: float
    transaction_id: int
    code: int
    method: str
    sender: bytes
    receivers: tuple[bytes, ...]
    hops: tuple[bytes, ...]
    answer: bool
    version: int
    outcome: Outcome
    reason: str
    resent: bool
    kept: bool
    error: str
    message: bytes
    ended: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A line between rows: something that happened and is no message ("alice moves to p23"); after row ``after``."""

    after: int
    text: str
    t: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """One row of the storage table; ``age`` in seconds of virtual time; ``owner`` marks the owner's own view.

    ``replica`` is 0 at the root, then 1, 2 …; -1 for a row that is no holder.
    """

    node: bytes
    holder: str
    role: str
    version: int
    value: str
    signer: str
    age: float
    word: Word
    replica: int = -1
    owner: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """What one node held of the subject between two moments; ``end`` is -1 while it still does."""

    node: bytes
    start: int
    end: int
    first_row: int
    last_row: int
    version: int
    again: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """A mark of the timeline at the moment ``cursor``; ``wait`` is how long nothing happened before it, in seconds."""

    cursor: int
    t: float
    label: str
    hot: bool
    wait: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """Everything the panel shows at one moment."""

    cursor: int
    length: int
    t: float
    caption: str
    word: Word
    nodes: tuple[RingNode, ...]
    key_turn: float | None
    key_label: str
    hops: tuple[Hop, ...]
    current: int
    rows: tuple[Row, ...]
    notes: tuple[Note, ...]
    lanes: tuple[bytes, ...]
    storage: tuple[Holding, ...]
    storage_label: str
    spans: tuple[Span, ...]
    ticks: tuple[Tick, ...]
    track: tuple[Span, ...]
    world: World

    def row(self, number: int) -> Row | None:
        """The row of this number, None when the frame has not got so far."""
        return self.rows[number - 1] if 0 < number <= len(self.rows) else None


# --- what stands around the frame -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    """One control: ``name`` goes back to ``SessionLike.set``; ``group`` says where it stands.

    Groups: "base", "routing", "preset", "attack" and "links" are choices in the bar, "seed" and "number" whole
    numbers, "defence" an on/off row of the table with what it ``checks``, its ``price``, its ``section``, the ``word``
    of the last try (None: not tried), and whether the scenario has ``named`` it. ``locked`` says why it can't be moved
    now.
    """

    name: str
    label: str
    group: str
    value: str | int | bool
    choices: tuple[str, ...] = ()
    locked: str = ""
    checks: str = ""
    price: str = ""
    section: str = ""
    word: Word | None = None
    named: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """Something to do to the running overlay now ("resend the kept PUT"); ``locked`` says why it can't be done."""

    name: str
    label: str
    help: str = ""
    locked: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One run in the verdict strip; ``figure`` is None while it has not been run; ``facts`` fill the strip's rows.

    ``served`` is the share of honest operations that worked in this run, in words.
    """

    title: str
    note: str
    word: Word
    figure: float | None
    shown: str = ""
    facts: tuple[str, ...] = ()
    price: tuple[str, ...] = ()
    served: str = ""
    current: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Strip:
    """The verdict: runs of one seed in which only the named thing differs.

    ``whole`` draws figures as that many boxes (0: as a bar of ``scale``); a ``share`` is shown in per cent; ``rows``
    names the facts; "v1", "v2" … in a fact are drawn as version tags.
    """

    metric: str
    columns: tuple[Column, ...]
    rows: tuple[str, ...] = ()
    whole: int = 0
    scale: float = 0.0
    share: bool = False
    priced: str = ""
    service: str = ""
    complete: bool = True


class SessionLike(Protocol):
    """What the panel drives; calls block and may raise P2PSIPError, which the panel shows in its status line."""

    @property
    def threat(self) -> str:
        """The catalogue's id, such as "RP-2"; empty for an overlay without one."""

    @property
    def title(self) -> str:
        """What the panel is about, one line."""

    @property
    def subtitle(self) -> str:
        """Section, size and links, one line."""

    @property
    def card(self) -> str:
        """The short string that brings this run and moment back."""

    @property
    def cursor(self) -> int:
        """The moment shown, from 0 to ``length``."""

    @property
    def length(self) -> int:
        """How many moments the run has so far."""

    @property
    def finished(self) -> bool:
        """Whether the story has been run to its end, so that ``step`` at ``length`` adds nothing."""

    def frame(self, cursor: int | None = None) -> Frame:
        """The frame at a moment; the current one without an argument."""

    def step(self) -> Frame:
        """One moment on; runs the overlay when the film ends here and the story does not."""

    def back(self) -> Frame:
        """One moment back."""

    def seek(self, cursor: int) -> Frame:
        """To any moment, held within 0 and ``length``."""

    def run(self) -> Frame:
        """The story to its end."""

    def reset(self) -> None:
        """The scenario's own switches and seed, before the first moment."""

    def set(self, name: str, value: str | int | bool) -> None:
        """Move one switch and run the same seed again up to where it was."""

    def inject(self, name: str, node: bytes = b"") -> Frame:
        """Carry out one of ``actions`` now."""

    def switches(self) -> tuple[Switch, ...]:
        """Every control, in order."""

    def actions(self) -> tuple[Action, ...]:
        """What can be done by hand."""

    def verdict(self) -> Strip | None:
        """The strip as far as it is known, without running anything."""

    def judge(self) -> Strip:
        """Run every column of the verdict; takes as long as four runs."""
