"""A node's life, whatever messages it takes part in: identity, clock, tasks, configuration, and what it waits for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from dataclasses import dataclass, replace
from typing import Any

from p2psip_min import trace as events
from p2psip_min.defences import Defences
from p2psip_min.enrollment.client import EnrollmentClient
from p2psip_min.enrollment.configuration import Configuration
from p2psip_min.enrollment.joincontrol import History
from p2psip_min.enrollment.trust import TrustStore
from p2psip_min.errors import DropReason, LocalProtocolError, RequestTimedOut
from p2psip_min.ids import NodeID, ResourceID
from p2psip_min.routing.topology.base import Changes
from p2psip_min.seams import PeerParts, Random
from p2psip_min.storage.copies import Copies
from p2psip_min.storage.reader import Reader
from p2psip_min.trace import Sink
from p2psip_min.transport.network import Address
from p2psip_min.wire.data import StoredDataValue
from p2psip_min.wire.evidence import Exhibit
from p2psip_min.wire.fragments import REASSEMBLY_TIMEOUT, Reassembler
from p2psip_min.wire.header import Envelope
from p2psip_min.wire.kinds import KindRegistry, KindSpec

STRANGERS = 64
"""How many nodes' words are kept until they are introduced."""


async def _nobody_listens(plea: bytes) -> bytes:
    raise RequestTimedOut("no server is known")


@dataclass(slots=True)
class Surroundings:
    """What every node of one overlay shares: the loop, the sink, the rules, the Kinds.

    ``checks_online``: the operator wants members to ask him about each other's certificates.
    """

    loop: asyncio.AbstractEventLoop
    trace: Sink
    defences: Defences
    kinds: KindRegistry
    overlay_name: str
    overlay: int
    checks_online: bool = False


@dataclass(frozen=True, slots=True)
class Publication:
    """What the node stored last in a place of its own, until when it lives (virtual s)."""

    values: tuple[StoredDataValue, ...]
    expires: float


@dataclass(frozen=True, slots=True)
class Promise:
    """What a holder confirmed to the owner of a record."""

    holder: NodeID
    exhibit: Exhibit


class Node:
    """What a peer and a client have in common before any message: parts, state, tasks, signals."""

    # What every message touches lies together in the object, all else in its dictionary.
    __slots__ = (
        "__dict__", "__weakref__", "_answered", "_decode", "_emit", "_forwarder", "_now", "_pending", "_seal", "alive",
        "configuration", "defences", "handlers", "initial_ttl", "iterative", "links", "loop", "node_id", "rng",
        "surroundings", "topology",
    )  # fmt: skip

    def __init__(
        self,
        parts: PeerParts,
        *,
        surroundings: Surroundings,
        trust: TrustStore,
        configuration: Configuration,
        rng: Random,
        address: Address,
        is_client: bool = False,
        iterative: bool = False,
        maintained: bool = True,
    ) -> None:
        self.node_id: NodeID = parts.identity.node_id
        self.address = address
        self.surroundings = surroundings
        self.loop = surroundings.loop
        self.defences = surroundings.defences
        self.trust = trust
        self.configuration = configuration
        self.initial_ttl = min(configuration.initial_ttl, self.defences.hop_limit.most)
        """How many hops a message of ours may take: the configuration's number, or less where a defence limits it."""
        self.rng = rng
        self.is_client = is_client
        self.iterative = iterative or surroundings.defences.style.iterative
        self.maintained = maintained
        self.alive = True
        self.joined = False
        self.leaving = False
        self.joined_at = 0.0
        self.admitting: NodeID | None = None
        self.history = History(surroundings.defences.join_control, surroundings.defences.probation)
        self.permit = (b"", 0.0)  # and until when it is good
        self.on_plea: Callable[[bytes], Awaitable[bytes]] = _nobody_listens
        self.attaching: dict[NodeID, int] = {}
        self.introduced: dict[NodeID, None] = {}
        self.attached: dict[NodeID, None] = {}
        self.verified: dict[NodeID, None] = {}
        self.wary = False
        self.crowding: dict[NodeID, float] = {}
        self._strangers: dict[NodeID, Callable[[], None]] = {}
        self.courting: dict[NodeID, None] = {}
        self.acquaintances: dict[NodeID, Address] = {}
        self.entrances: tuple[Address, ...] = ()
        self.hold_copies_until = 0.0
        self.unannounced: Changes | None = None
        self.announcing: asyncio.TimerHandle | None = None
        self.copies = Copies()
        self.copying: asyncio.Task[None] | None = None
        self.giving_up: bytes | None = None
        self.unchecked = False
        self.reader = Reader(
            self.node_id,
            surroundings.defences,
            surroundings.defences.reader_memory.start(),
            encryption=surroundings.defences.value_encryption,
            private_key=parts.identity.private_key,
            vouching=surroundings.defences.vouching,
        )
        # Certificates (DER) of the users that may read what this node stores, by user; nobody named: everybody may.
        self.readers: dict[str, bytes] = {}
        # Resources that may lead to this node, and what this node has entered into its account, until when (virtual s).
        self.agreed: dict[ResourceID, None] = {}
        self.known_as: dict[NodeID, str] = {}
        self.entered: dict[bytes, float] = {}
        self.entering = asyncio.Lock()
        # Keys of the readers that this node has listed beside a Kind, and until when they are (virtual s).
        self.listed: dict[tuple[ResourceID, int], tuple[frozenset[bytes], float]] = {}
        self.generations: dict[tuple[bytes, int], int] = {}
        self.published: dict[tuple[ResourceID, int], Publication] = {}
        self.on_published: Callable[[], None] = lambda: None
        self.auditing: asyncio.Task[None] | None = None
        self.sightings = surroundings.defences.second_use.start()
        self.promises: dict[tuple[bytes, int], Promise] = {}
        self.accused: dict[NodeID, float] = {}
        self.errand: Callable[[], EnrollmentClient | None] = lambda: None
        self._last_storage_time = 0
        self.on_configuration: Callable[[Configuration], None] = lambda configuration: None
        self.tasks: dict[asyncio.Task[Any], None] = {}
        self._now = surroundings.loop.time
        self._emit = surroundings.trace.emit
        self._reassembler = Reassembler()
        self._signals: dict[tuple[str, NodeID], list[asyncio.Future[None]]] = {}
        self._update_heard: dict[NodeID, float] = {}

        self.take_parts(parts)

    def take_parts(self, parts: PeerParts) -> None:
        """Be made of ``parts`` from now on."""
        if parts.identity.node_id != self.node_id:
            raise LocalProtocolError("a node's identity can't be exchanged while it runs")
        self.parts = parts
        self.topology = parts.topology
        self.store = parts.store
        self.links = parts.links

    def now(self) -> float:
        """Seconds of virtual time."""
        return self._now()

    def emit(self, event: events.Event) -> None:
        """Add an event to the trace."""
        self._emit(event)

    def next_storage_time(self, milliseconds: int) -> int:
        """A storage time for now that is above every earlier one of this node (RFC 6940 §7)."""
        self._last_storage_time = max(milliseconds, self._last_storage_time + 1)
        return self._last_storage_time

    # --- tasks -----------------------------------------------------------------------------------------------

    def spawn(self, coroutine: Coroutine[Any, Any, Any], name: str) -> asyncio.Task[Any] | None:
        """Run a procedure beside the node; it ends with the node at the latest."""
        if not self.alive:
            coroutine.close()
            return None
        task = self.loop.create_task(coroutine, name=name)
        self.tasks[task] = None
        # A notebook drops its overlay and starts another: nobody wants to read of each task that was waiting then.
        task._log_destroy_pending = False  # type: ignore[attr-defined]
        task.add_done_callback(self._task_done)
        return task

    def _task_done(self, task: asyncio.Task[Any]) -> None:
        self.tasks.pop(task, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.loop.call_exception_handler({"message": f"task {task.get_name()} failed", "exception": error})

    def stop(self) -> None:
        """End every task and request; the links are left to the caller."""
        self.alive = False
        self.joined = False
        for task in list(self.tasks):
            task.cancel()
        if self.announcing is not None:
            self.announcing.cancel()

    # --- introductions -----------------------------------------------------------------------------------------

    def introduce(self, remote: NodeID) -> None:
        """Take ``remote`` for a member of the overlay, and hear what it has said already, unless we are ``wary``."""
        self.introduced[remote] = None
        if not self.wary:
            self.hear(remote)

    def hear(self, remote: NodeID) -> None:
        """Learn from what ``remote`` has said."""
        if (heard := self._strangers.pop(remote, None)) is not None:
            heard()

    def hear_later(self, remote: NodeID, say: Callable[[], None]) -> None:
        """Learn from what a node says later, if at all; the last word of each of a few is kept."""
        self._strangers.pop(remote, None)
        self._strangers[remote] = say
        if len(self._strangers) > STRANGERS:
            del self._strangers[next(iter(self._strangers))]

    # --- pieces of messages ------------------------------------------------------------------------------------

    def _reassemble(self, envelope: Envelope) -> Envelope | None:
        self._give_up_fragments()
        whole = self._reassembler.add(envelope, self._now())
        if whole is None:
            self.loop.call_later(REASSEMBLY_TIMEOUT, self._give_up_fragments)
        return whole

    def _give_up_fragments(self) -> None:
        """Drop what has been incomplete for too long (RFC 6940 §6.7)."""
        now = self._now()
        for late in self._reassembler.expire(now):
            self._emit(events.MessageDropped(now, self.node_id, late, 0, b"", DropReason.REASSEMBLY_TIMEOUT, b""))

    # --- links and Updates that procedures wait for ------------------------------------------------------------

    def link_opened(self, remote: NodeID) -> None:
        """Note that a link to ``remote`` is up."""
        self._signal("opened", remote)

    def heard_update(self, remote: NodeID) -> None:
        """Note that ``remote`` sent an Update now."""
        self._update_heard[remote] = self._now()
        self._signal("update", remote)

    def _signal(self, what: str, remote: NodeID) -> None:
        for future in self._signals.pop((what, remote), ()):
            if not future.done():
                future.set_result(None)

    async def link_up(self, remote: NodeID, timeout: float) -> None:
        """Wait until a link to ``remote`` is up; raises RequestTimedOut."""
        if remote not in self.links.table:
            await self._signalled("opened", remote, timeout)

    async def update_from(self, remote: NodeID, since: float, timeout: float) -> None:
        """Wait until ``remote`` has sent an Update at or after ``since``; raises RequestTimedOut."""
        if self._update_heard.get(remote, -1.0) < since:
            await self._signalled("update", remote, timeout)

    async def _signalled(self, what: str, remote: NodeID, timeout: float) -> None:
        future: asyncio.Future[None] = self.loop.create_future()
        waiting = self._signals.setdefault((what, remote), [])
        waiting.append(future)
        try:
            async with asyncio.timeout(timeout):
                await future
        except TimeoutError:
            raise RequestTimedOut(f"waited {timeout:g} s for {what} of {remote!r}") from None
        finally:
            waiting.remove(future)
            if not waiting and self._signals.get((what, remote)) is waiting:
                del self._signals[what, remote]

    # --- configuration -----------------------------------------------------------------------------------------

    def follow(self, configuration: Configuration) -> None:
        """Go by this configuration, its roots and its bad nodes from now on."""
        self.configuration = configuration
        self.initial_ttl = min(configuration.initial_ttl, self.defences.hop_limit.most)
        configuration.instruct(self.trust)
        self.on_configuration(configuration)
        self._signal("configuration", self.node_id)

    def know_kinds(self, specs: Iterable[KindSpec]) -> None:
        """Take part in these Kinds too, or by these limits (RFC 6940 §6.5.4)."""
        kinds = self.defences.value_encryption.registry([*self.surroundings.kinds.values(), *specs])
        self.surroundings = replace(self.surroundings, kinds=kinds)
        self.store.know_kinds(kinds)

    async def configuration_taken(self, timeout: float) -> None:
        """Wait until another configuration is followed; raises RequestTimedOut."""
        await self._signalled("configuration", self.node_id, timeout)
