"""The simulated network: delays, weather, listeners on the wire."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2psip_min.errors import PacketReason
from p2psip_min.trace import PacketLost, Trace
from p2psip_min.transport.coordinates import BASE_DELAY, SIDE, delay_us, seeded_point
from p2psip_min.transport.loop import VirtualLoop
from p2psip_min.transport.network import Address, Network, Packet, Way

A, B, C = ("10.0.0.1", 6084), ("10.0.0.2", 6084), ("10.0.0.3", 6084)


class World:
    """Three hosts that write down what reaches them."""

    def __init__(self, seed: int = 1) -> None:
        self.loop = VirtualLoop()
        self.trace = Trace()
        self.network = Network(self.loop, random.Random(seed), self.trace)
        self.got: list[tuple[float, Address, Address, Packet]] = []
        for address in (A, B, C):
            self.network.attach(address, address[0].encode(), self._receiver(address))

    def _receiver(self, address: Address):
        return lambda source, packet: self.got.append((self.loop.time(), source, address, packet))

    def run(self) -> list[Packet]:
        """What arrives, in order."""
        self.loop.run_until(self.loop.time() + 10)
        return [packet for *_, packet in self.got]

    def reasons(self) -> list[tuple[bytes, bytes, str]]:
        """Packets lost: from, to, why."""
        return [(event.node, event.remote, event.reason) for event in self.trace.select(PacketLost)]


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    world.loop.close()


def test_delay_follows_the_coordinates_in_whole_microseconds(world: World) -> None:
    world.network.place(A, (0, 0))
    world.network.place(B, (3_000, 4_000))
    assert world.network.send(A, B, b"x")
    assert world.run() == [b"x"]
    assert world.got == [(0.010, A, B, b"x")]
    world.network.place(B, (6_000, 8_000))
    assert world.network.delay(B, A) == 0.015


@given(st.integers(0, 2**64), st.text(max_size=20), st.text(max_size=20))
def test_seeded_points_depend_on_seed_and_name_alone(salt: int, one: str, other: str) -> None:
    a, b = seeded_point(salt, one), seeded_point(salt, other)
    assert a == seeded_point(salt, one)
    assert all(0 <= part < SIDE for part in a)
    assert BASE_DELAY <= delay_us(a, b) == delay_us(b, a) <= 80_000


def test_nobody_listens(world: World) -> None:
    world.network.detach(B)
    assert world.network.send(A, B, b"x")
    assert world.run() == []
    assert world.reasons() == [(b"10.0.0.1", b"10.0.0.2", PacketReason.UNREACHABLE.value)]


def test_loss_takes_about_its_share_and_is_known_to_the_sender(world: World) -> None:
    world.network.loss = 0.3
    sent = sum(world.network.send(A, B, b"x") for _ in range(1000))
    assert len(world.run()) == sent
    assert 620 < sent < 780
    assert {reason for *_, reason in world.reasons()} == {PacketReason.LOSS.value}
    assert len(world.reasons()) == 1000 - sent


def test_jitter_delays_by_whole_microseconds_up_to_its_bound(world: World) -> None:
    base = world.network.delay(A, B)
    world.network.jitter = 0.02
    for _ in range(200):
        world.network.send(A, B, b"x")
    world.run()
    extra = [when - base for when, *_ in world.got]
    assert all(-1e-9 <= each < 0.02 for each in extra)
    assert all(abs(each * 1e6 - round(each * 1e6)) < 1e-3 for each in extra)
    assert max(extra) > 0.015


def test_without_weather_packets_keep_their_order_and_with_reordering_they_do_not(world: World) -> None:
    for number in range(100):
        world.loop.call_at(number * 1e-3, world.network.send, A, B, bytes([number]))
    in_order = world.run()
    assert in_order == sorted(in_order)
    world.got.clear()
    world.network.reorder = 0.2
    for number in range(100):
        world.loop.call_later(number * 1e-3, world.network.send, A, B, bytes([number]))
    shuffled = world.run()
    assert sorted(shuffled) == in_order
    assert shuffled != in_order


def test_partition_and_heal(world: World) -> None:
    world.network.partition([[A], [B]])
    assert not world.network.send(A, B, b"1")
    assert not world.network.send(A, C, b"2")
    assert world.reasons()[0] == (b"10.0.0.1", b"10.0.0.2", PacketReason.PARTITION.value)
    world.network.heal()
    assert world.network.send(A, B, b"3")
    assert world.run() == [b"3"]


def test_tap_reads_a_pair_both_ways_or_everything_and_changes_nothing(world: World) -> None:
    pair: list[tuple[float, Address, Address, bytes]] = []
    everything: list[bytes] = []
    remove = world.network.tap(lambda *seen: pair.append(seen), (A, B))
    world.network.tap(lambda *seen: everything.append(seen[3]))
    for source, destination, data in ((A, B, b"1"), (B, A, b"2"), (A, C, b"3")):
        world.network.send(source, destination, data)
    remove()
    world.network.send(A, B, b"4")
    assert sorted(world.run()) == [b"1", b"2", b"3", b"4"]
    assert pair == [(0.0, A, B, b"1"), (0.0, B, A, b"2")]
    assert everything == [b"1", b"2", b"3", b"4"]


def test_on_path_attackers_alter_delay_copy_and_drop_in_one_direction(world: World) -> None:
    base = world.network.delay(A, B)

    def attacker(data: bytes) -> list[tuple[float, bytes]]:
        return {b"drop": [], b"alter": [(0.0, b"ALTER")], b"copy": [(0.0, data), (1.0, data)]}.get(data, [(0.5, data)])

    remove = world.network.on_path(A, B, attacker)
    assert not world.network.send(A, B, b"drop")
    for data in (b"alter", b"copy", b"late"):
        assert world.network.send(A, B, data)
    world.network.send(B, A, b"alter")
    world.run()
    assert [(round(when - base, 6), packet) for when, _, to, packet in world.got if to == B] == [
        (0.0, b"ALTER"),
        (0.0, b"copy"),
        (0.5, b"late"),
        (1.0, b"copy"),
    ]
    assert [packet for _, _, to, packet in world.got if to == A] == [b"alter"]
    assert world.reasons() == [(b"10.0.0.1", b"10.0.0.2", PacketReason.INTERCEPTED.value)]
    remove()
    assert world.network.send(A, B, b"drop")


def test_two_attackers_on_one_path_act_in_turn_and_injection_forges_a_source(world: World) -> None:
    world.network.on_path(A, B, lambda data: [(0.1, data + b"1")])
    world.network.on_path(A, B, lambda data: [(0.1, data + b"2")])
    world.network.send(A, B, b"x")
    world.network.inject(C, B, b"forged", 0.0)
    assert world.run() == [b"forged", b"x12"]
    assert world.got[0][:3] == (0.0, C, B)


def test_same_seed_same_weather() -> None:
    def outcome(seed: int) -> list[tuple[float, Address, Address, Packet]]:
        world = World(seed)
        world.network.loss, world.network.jitter, world.network.reorder = 0.1, 0.01, 0.1
        for number in range(100):
            world.network.send(A, B, bytes([number]))
        world.run()
        world.loop.close()
        return world.got

    assert outcome(5) == outcome(5)
    assert outcome(5) != outcome(6)


def test_runs_on_an_ordinary_loop_in_real_time() -> None:
    async def main() -> Packet:
        network = Network(asyncio.get_running_loop(), random.Random(1))
        network.place(A, (0, 0))
        network.place(B, (0, 0))
        arrived: asyncio.Future[Packet] = asyncio.get_running_loop().create_future()
        network.attach(B, b"", lambda source, packet: arrived.set_result(packet))
        network.send(A, B, b"real")
        return await asyncio.wait_for(arrived, 5)

    assert asyncio.run(main()) == b"real"


class Socket:
    """Takes the packets of one source, as long as it wants them."""

    def __init__(self, way: Way) -> None:
        self.way = way
        self.got: list[Packet] = []
        self.listening = True

    def take(self, packet: Packet) -> None:
        if self.listening:
            self.got.append(packet)
        else:
            self.way.take(packet)


def test_a_socket_takes_the_packets_of_one_source_apart(world: World) -> None:
    way = world.network.way(A, B)
    assert way is world.network.way(A, B)
    socket = way.socket = Socket(way)
    for source in (A, C):
        world.network.send(source, B, b"x")
    world.network.carry(way, b"y")
    world.network.inject(A, B, b"i")
    assert world.run() == [b"x"]
    assert socket.got == [b"x", b"y", b"i"]


def test_what_is_on_its_way_to_a_socket_that_stops_goes_to_who_listens_then(world: World) -> None:
    way = world.network.way(A, B)
    socket = way.socket = Socket(way)
    world.network.carry(way, b"late")
    socket.listening, way.socket = False, way
    world.network.carry(way, b"later")
    assert world.run() == [b"late", b"later"]
    assert socket.got == []
    way.socket = socket
    world.network.carry(way, b"too late")
    world.network.detach(B)
    world.run()
    assert world.reasons() == [(b"10.0.0.1", b"10.0.0.2", PacketReason.UNREACHABLE.value)]
