"""The simulated network: it carries packets, and outsiders sit on it.

1. A packet is ``bytes`` (a datagram) or a Segment (a piece of a stream, see stream.py). Both take the same way.
2. Delay comes from the coordinates of the two hosts alone, never from a packet's content or length: ciphertext differs
   from run to run.
3. ``send`` says whether the packet is on its way. A datagram's sender must not look; a stream's does, because its
   retransmissions are simulated and not its packets' acknowledgements.
4. Taps read and people on the path alter, delay, drop or add; both see bytes, on a stream the bytes it carries.
5. Without loss, jitter, reordering, partition, tap or attacker a packet costs one timer, and nothing to look up for
   those who hold their Way.
"""

from __future__ import annotations

from asyncio import AbstractEventLoop
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from p2psip_min.errors import PacketReason
from p2psip_min.trace import PacketLost, Sink
from p2psip_min.transport.coordinates import Point, delay_us, seeded_point
from p2psip_min.transport.deadlines import Deadlines
from p2psip_min.transport.loop import VirtualLoop

Address = tuple[str, int]
"""IPv4 text and port."""


class Random(Protocol):
    """The two draws that everything random is made of."""

    def random(self) -> float: ...

    def getrandbits(self, k: int, /) -> int: ...


@dataclass(slots=True)
class Segment:
    """A piece of a stream: ``kind`` and ``to`` as stream.py defines them, ``number`` in order of sending."""

    kind: int
    to: int
    number: int
    data: bytes


Packet = bytes | Segment
Receiver = Callable[[Address, Packet], None]
Tap = Callable[[float, Address, Address, bytes], None]
"""Called with the virtual time, source, destination and bytes of each packet sent."""
OnPath = Callable[[bytes], list[tuple[float, bytes]]]
"""What becomes of a packet: any number of (additional delay in seconds, bytes); none takes it off the wire.

On a stream all that comes out is what the stream then carries at that place, in that order.
"""
Remove = Callable[[], None]


class Socket(Protocol):
    """Somebody who takes the packets of one source apart, as a connected socket does."""

    def take(self, packet: Packet) -> None:
        """Take a packet; one that is not for this socket goes to ``Way.take``."""


class Way:
    """The one way from ``source`` to ``destination``; ``delay`` in seconds.

    ``socket`` gets each packet that is sent while it is set, even if it stops listening before that arrives. Without
    one, and from one that does not want a packet, it goes to whoever is attached at ``destination`` by then.
    """

    __slots__ = ("_arrive", "delay", "destination", "socket", "source")

    def __init__(
        self, source: Address, destination: Address, delay: float, arrive: Callable[[Way, Packet], None]
    ) -> None:
        self.source = source
        self.destination = destination
        self.delay = delay
        self.socket: Socket = self
        self._arrive = arrive

    def take(self, packet: Packet) -> None:
        """Give a packet to whoever is attached at its destination now."""
        self._arrive(self, packet)


class Network:
    """Every host's way to every other; ``loss``, ``jitter`` and ``reorder`` may be changed at any time."""

    def __init__(self, loop: AbstractEventLoop, rng: Random, trace: Sink | None = None) -> None:
        self.loop = loop
        self.trace = trace
        self._rng = rng
        self._salt = rng.getrandbits(64)
        self._time = loop.time
        self._call_at = loop.call_at
        self._post = loop.post if isinstance(loop, VirtualLoop) else loop.call_later
        self._receivers: dict[Address, Receiver] = {}
        self._names: dict[Address, bytes] = {}
        self._points: dict[str, Point] = {}
        self._ways: dict[Address, dict[Address, Way]] = {}
        self._loss = self._jitter = self._reorder = 0.0
        self._groups: dict[str, int] | None = None
        self._taps: list[tuple[Tap, frozenset[Address] | None]] = []
        self._on_path: dict[tuple[Address, Address], list[OnPath]] = {}
        self._smooth = True
        self._connections = 0
        self._deadlines: dict[float, Deadlines] = {}
        self.carry: Callable[[Way, Packet], bool] = self._carry
        """As send, for those who hold the way; one object for all who keep it at hand."""

    # --- hosts ------------------------------------------------------------------------------------------------

    def attach(self, address: Address, node_id: bytes, receive: Receiver) -> None:
        """Deliver packets for ``address`` to ``receive(source, packet)``; ``node_id`` names it in the trace."""
        self._receivers[address] = receive
        self._names[address] = node_id

    def detach(self, address: Address) -> None:
        """Nobody listens there any more; packets under way are lost."""
        self._receivers.pop(address, None)

    def attached(self, address: Address) -> bool:
        """Whether somebody listens there."""
        return address in self._receivers

    def place(self, address: Address, point: Point) -> None:
        """Put the host (all its ports) at ``point``, in microseconds; else its place follows from the seed."""
        self._points[address[0]] = point
        for ways in self._ways.values():
            for way in ways.values():
                way.delay = self.delay(way.source, way.destination)

    def delay(self, source: Address, destination: Address) -> float:
        """One-way delay in seconds, without jitter."""
        points = self._points
        for host in (source[0], destination[0]):
            if host not in points:
                points[host] = seeded_point(self._salt, host)
        return delay_us(points[source[0]], points[destination[0]]) / 1_000_000

    def way(self, source: Address, destination: Address) -> Way:
        """The way between two addresses, the same object each time."""
        ways = self._ways.get(source)
        if ways is None:
            ways = self._ways[source] = {}
        way = ways.get(destination)
        if way is None:
            back = self._ways.get(destination, {}).get(source)
            # Back it takes as long: the same object, which is in the cache when the answer comes.
            delay = self.delay(source, destination) if back is None else back.delay
            way = ways[destination] = Way(source, destination, delay, self._arrive)
        return way

    def deadlines(self, seconds: float) -> Deadlines:
        """The timers of this length of all hosts."""
        deadlines = self._deadlines.get(seconds)
        if deadlines is None:
            deadlines = self._deadlines[seconds] = Deadlines(self.loop, seconds)
        return deadlines

    def next_connection(self) -> int:
        """A number that no other stream on this network has."""
        self._connections += 1
        return self._connections

    # --- weather ----------------------------------------------------------------------------------------------

    @property
    def loss(self) -> float:
        """Probability that a packet is lost."""
        return self._loss

    @loss.setter
    def loss(self, probability: float) -> None:
        self._loss = probability
        self._look()

    @property
    def jitter(self) -> float:
        """Largest additional delay in seconds, drawn uniformly in whole microseconds."""
        return self._jitter

    @jitter.setter
    def jitter(self, seconds: float) -> None:
        self._jitter = seconds
        self._look()

    @property
    def reorder(self) -> float:
        """Probability that a packet takes twice its time, so that later ones overtake it."""
        return self._reorder

    @reorder.setter
    def reorder(self, probability: float) -> None:
        self._reorder = probability
        self._look()

    def partition(self, groups: Iterable[Iterable[Address]]) -> None:
        """Cut the network: packets pass only within a group; hosts in none of them form one more."""
        self._groups = {host: index for index, group in enumerate(groups, 1) for host, _ in group}
        self._look()

    def heal(self) -> None:
        """End the partition."""
        self._groups = None
        self._look()

    # --- outsiders --------------------------------------------------------------------------------------------

    def tap(self, callback: Tap, pair: tuple[Address, Address] | None = None) -> Remove:
        """Let ``callback`` read every packet, or those between two addresses, both ways; returns its removal."""
        entry = (callback, frozenset(pair) if pair else None)
        self._taps.append(entry)
        self._look()

        def remove() -> None:
            if entry in self._taps:
                self._taps.remove(entry)
            self._look()

        return remove

    def on_path(self, source: Address, destination: Address, attacker: OnPath) -> Remove:
        """Put ``attacker`` on the way from ``source`` to ``destination``, after those already there."""
        self._on_path.setdefault((source, destination), []).append(attacker)
        self._look()

        def remove() -> None:
            line = self._on_path.get((source, destination), [])
            if attacker in line:
                line.remove(attacker)
            if not line:
                self._on_path.pop((source, destination), None)
            self._look()

        return remove

    def inject(self, source: Address, destination: Address, packet: Packet, delay: float | None = None) -> None:
        """Deliver a packet with whatever source address, ``delay`` seconds from now (as if sent there by default)."""
        way = self.way(source, destination)
        if delay is None:
            delay = way.delay
        self._call_at(self._time() + delay, way.socket.take, packet)

    # --- packets ----------------------------------------------------------------------------------------------

    def send(self, source: Address, destination: Address, packet: Packet) -> bool:
        """Carry a packet; False when it is already known that this one will not arrive."""
        return self.carry(self.way(source, destination), packet)

    def _carry(self, way: Way, packet: Packet) -> bool:
        if not self._smooth:
            return self._send_through(way, packet)
        post = self._post
        post(way.delay, way.socket.take, packet)
        return True

    def _arrive(self, way: Way, packet: Packet) -> None:
        receive = self._receivers.get(way.destination)
        if receive is None:
            self._lost(way.source, way.destination, PacketReason.UNREACHABLE)
        else:
            receive(way.source, packet)

    def _send_through(self, way: Way, packet: Packet) -> bool:
        source, destination = way.source, way.destination
        data = packet if isinstance(packet, bytes) else packet.data
        for tap, pair in self._taps:
            if pair is None or (source in pair and destination in pair):
                tap(self._time(), source, destination, data)
        groups = self._groups
        if groups is not None and groups.get(source[0], 0) != groups.get(destination[0], 0):
            return self._lost(source, destination, PacketReason.PARTITION)
        if self._loss and self._rng.random() < self._loss:
            return self._lost(source, destination, PacketReason.LOSS)
        now, delay = self._time(), way.delay
        if self._jitter:
            delay += int(self._rng.random() * self._jitter * 1_000_000) / 1_000_000
        if self._reorder and self._rng.random() < self._reorder:
            delay *= 2
        attackers = self._on_path.get((source, destination))
        if attackers is None:
            self._call_at(now + delay, way.socket.take, packet)
            return True
        outcomes = [(0.0, data)]
        for attacker in tuple(attackers):
            outcomes = [(first + more, out) for first, each in outcomes for more, out in attacker(each)]
        if not outcomes:
            return self._lost(source, destination, PacketReason.INTERCEPTED)
        if not isinstance(packet, bytes):
            # A stream has its own order: whoever alters it rewrites the numbers behind, which amounts to this.
            packet = Segment(packet.kind, packet.to, packet.number, b"".join(out for _, out in outcomes))
            delay += max(more for more, _ in outcomes)
            self._call_at(now + delay, way.socket.take, packet)
            return True
        for more, out in outcomes:
            self._call_at(now + delay + more, way.socket.take, out)
        return True

    def _lost(self, source: Address, destination: Address, reason: PacketReason) -> bool:
        if self.trace is not None:
            names = self._names
            remote = names.get(destination, b"")
            self.trace.emit(PacketLost(self._time(), names.get(source, b""), 0, remote, reason.value))
        return False

    def _look(self) -> None:
        weather = self._loss or self._jitter or self._reorder or self._groups is not None
        self._smooth = not (weather or self._taps or self._on_path)
