"""What every kind of links must do, and what only plain or only TLS links do."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2psip_min.errors import LinkReason, LinkRefused, PacketReason, Stalled
from p2psip_min.ids import NodeID
from p2psip_min.trace import LinkClosed, LinkOpened, LinkRejected, PacketLost, Trace
from p2psip_min.transport.link import GIVE_UP, Links, OverlayLink
from p2psip_min.transport.loop import VirtualLoop
from p2psip_min.transport.network import Address, Network, OnPath, Segment
from p2psip_min.transport.plain import HELLO, PlainLinks
from p2psip_min.transport.stream import DATA as STREAM_DATA
from p2psip_min.transport.tls import TlsIdentity
from p2psip_min.transport.tls_links import TlsLink, TlsLinks
from p2psip_min.wire.framing import ACK, DATA, frame_ack, frame_data, open_frame
from tests.transport.authority import DAY, Authority

HOSTS: list[Address] = [(f"10.0.0.{number}", 6084) for number in range(1, 6)]
IDS = [NodeID(bytes([number]) * 16) for number in range(1, 6)]
STRANGER: Address = ("10.9.9.9", 6084)


class Node:
    """Links, and what they told their peer."""

    def __init__(self, links: PlainLinks | TlsLinks) -> None:
        self.links = links
        self.messages: list[tuple[NodeID, bytes]] = []
        self.opened: list[NodeID] = []
        self.failed: list[tuple[NodeID, LinkReason]] = []
        self.undelivered: list[tuple[NodeID, bytes]] = []
        links.on_message = lambda remote, message: self.messages.append((remote, message))
        links.on_opened = self.opened.append
        links.on_failed = lambda remote, reason: self.failed.append((remote, reason))
        links.on_undelivered = lambda remote, message: self.undelivered.append((remote, message))


class World:
    """Hosts on one network; ``add`` makes a node, ``run`` lets virtual time pass."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.loop = VirtualLoop()
        self.trace = Trace()
        self.network = Network(self.loop, random.Random(3), self.trace)
        self.authority = Authority()
        self.nodes: list[Node] = []

    def add(self, number: int, identity: TlsIdentity | None = None) -> Node:
        """Node ``number`` at its host, with this world's kind of links."""
        links: PlainLinks | TlsLinks
        if self.kind == "plain":
            links = PlainLinks(self.network, HOSTS[number], IDS[number], trace=self.trace, max_message=20_000)
        else:
            links = TlsLinks(
                self.network,
                HOSTS[number],
                IDS[number],
                identity=identity or self.authority.identity(IDS[number]),
                check=self.authority.check,
                trace=self.trace,
                max_message=20_000,
            )
        node = Node(links)
        self.nodes.append(node)
        return node

    def pair(self) -> tuple[Node, Node]:
        """Two nodes, the first of which knows where the second is."""
        a, b = self.add(0), self.add(1)
        a.links.learn(IDS[1], HOSTS[1])
        return a, b

    def run(self, seconds: float = 20.0) -> None:
        """Let virtual time pass."""
        self.loop.run_until(self.loop.time() + seconds)

    def rejected(self) -> list[tuple[bytes, bytes, str]]:
        """Links not made: node, remote, reason."""
        return [(event.node, event.remote, event.reason) for event in self.trace.select(LinkRejected)]

    def closed(self) -> list[tuple[bytes, bytes, str]]:
        """Links ended: node, remote, reason."""
        return [(event.node, event.remote, event.reason) for event in self.trace.select(LinkClosed)]


def worlds(kind: str) -> Iterator[World]:
    """A world of one kind, cleaned up and checked to leave nothing running."""
    world = World(kind)
    yield world
    for node in world.nodes:
        node.links.close_all()
    world.run(60)
    assert world.loop.idle
    world.loop.close()


@pytest.fixture(params=["plain", "tls"])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """Every kind in turn."""
    yield from worlds(request.param)


@pytest.fixture
def plain() -> Iterator[World]:
    yield from worlds("plain")


@pytest.fixture
def tls() -> Iterator[World]:
    yield from worlds("tls")


# --- every kind -----------------------------------------------------------------------------------------------


def test_the_first_message_opens_the_link_and_both_ends_know_each_other(world: World) -> None:
    a, b = world.pair()
    links: Links = a.links
    assert links.connected(IDS[1])
    assert not b.links.connected(IDS[0])
    assert links.send(IDS[1], b"one")
    assert links.send(IDS[1], b"two")
    world.run()
    assert b.messages == [(IDS[0], b"one"), (IDS[0], b"two")]
    assert b.links.send(IDS[0], b"back")
    world.run()
    assert a.messages == [(IDS[1], b"back")]
    assert (a.opened, b.opened) == ([IDS[1]], [IDS[0]])
    opened = {(event.node, event.remote, event.protocol) for event in world.trace.select(LinkOpened)}
    assert opened == {(IDS[0], IDS[1], world.kind), (IDS[1], IDS[0], world.kind)}
    link: OverlayLink = a.links.table[IDS[1]]
    assert (link.local, link.remote, link.protocol) == (IDS[0], IDS[1], world.kind)
    assert (link.remote_certificate is None) == (world.kind == "plain")
    assert b.links.book[IDS[0]] == HOSTS[0]


def test_an_unknown_node_cannot_be_sent_to(world: World) -> None:
    a, _ = world.pair()
    assert not a.links.send(IDS[4], b"x")
    assert not a.links.connected(IDS[4])


def test_connect_waits_for_the_link_and_may_learn_the_name(world: World) -> None:
    a, b = world.pair()
    assert world.loop.run_until_complete(a.links.connect(None, HOSTS[1])) == IDS[1]
    assert world.loop.run_until_complete(a.links.connect(IDS[1], HOSTS[1])) == IDS[1]
    a.links.send(IDS[1], b"x")
    world.run()
    assert b.messages == [(IDS[0], b"x")]
    assert a.opened == [IDS[1]]


def test_two_who_wait_for_the_same_link_share_it(world: World) -> None:
    a, b = world.pair()

    async def both() -> list[NodeID]:
        return await asyncio.gather(a.links.connect(IDS[1], HOSTS[1]), a.links.connect(IDS[1], HOSTS[1]))

    assert world.loop.run_until_complete(both()) == [IDS[1], IDS[1]]
    assert (a.opened, b.opened) == ([IDS[1]], [IDS[0]])


def test_another_node_at_the_address_is_refused(world: World) -> None:
    a, _ = world.pair()
    with pytest.raises(LinkRefused) as refusal:
        world.loop.run_until_complete(a.links.connect(IDS[4], HOSTS[1]))
    assert refusal.value.reason is LinkReason.WRONG_NODE_ID
    assert IDS[4] not in a.links.table


def test_nobody_there_is_noticed_after_a_bounded_time(world: World) -> None:
    a, _ = world.pair()
    with pytest.raises(LinkRefused) as refusal:
        world.loop.run_until_complete(a.links.connect(IDS[4], STRANGER))
    assert refusal.value.reason is LinkReason.UNREACHABLE
    assert world.loop.time() <= GIVE_UP + 0.1
    a.links.learn(IDS[4], STRANGER)
    assert a.links.send(IDS[4], b"lost")
    world.run()
    assert a.failed == [(IDS[4], LinkReason.UNREACHABLE)]
    assert a.undelivered == [(IDS[4], b"lost")]
    assert not a.links.connected(IDS[4])
    assert world.rejected().count((IDS[0], IDS[4], LinkReason.UNREACHABLE.value)) == 2
    assert PacketReason.UNREACHABLE.value in {event.reason for event in world.trace.select(PacketLost)}


def test_a_crash_is_silent_and_shows_as_missing_acknowledgements(world: World) -> None:
    a, b = world.pair()
    a.links.send(IDS[1], b"x")
    world.run()
    b.links.crash()
    world.run(1000)
    assert a.failed == []
    start = world.loop.time()
    a.links.send(IDS[1], b"into the void")
    world.run()
    assert a.failed == [(IDS[1], LinkReason.NO_ACKNOWLEDGEMENT)]
    assert a.undelivered == [(IDS[1], b"into the void")]
    [event] = world.trace.select(LinkClosed)
    assert (event.node, event.reason) == (IDS[0], LinkReason.NO_ACKNOWLEDGEMENT.value)
    assert event.t - start == pytest.approx(GIVE_UP)
    assert b.failed == []


def test_a_node_that_restarts_is_reached_again(world: World) -> None:
    a, b = world.pair()
    a.links.send(IDS[1], b"before")
    world.run()
    b.links.crash()
    again = world.add(1)
    a.links.send(IDS[1], b"to somebody who forgot me")
    world.run()
    assert len(a.failed) == 1
    a.links.learn(IDS[1], HOSTS[1])
    a.links.send(IDS[1], b"after")
    world.run()
    assert again.messages == [(IDS[0], b"after")]


def test_a_restarted_node_may_speak_first(world: World) -> None:
    a, b = world.pair()
    for _ in range(40):
        b.links.learn(IDS[0], HOSTS[0])
        b.links.send(IDS[0], b"old")
    world.run(60)
    b.links.crash()
    again = world.add(1)
    again.links.learn(IDS[0], HOSTS[0])
    again.links.send(IDS[0], b"new")
    world.run()
    assert a.messages[-1] == (IDS[1], b"new")
    a.links.send(IDS[1], b"answer")
    world.run()
    assert again.messages == [(IDS[0], b"answer")]


def test_forgetting_and_closing_end_links_on_purpose(world: World) -> None:
    a, b = world.pair()
    a.links.send(IDS[1], b"x")
    world.run()
    a.links.forget(IDS[1], LinkReason.CLOSED)
    a.links.forget(IDS[1])
    world.run()
    assert (IDS[0], IDS[1], LinkReason.CLOSED.value) in world.closed()
    assert not a.links.connected(IDS[1])
    assert a.failed == []
    b.links.close_all()
    world.run()
    assert not world.network.attached(HOSTS[1])


def test_a_link_can_be_closed_itself_and_reopened(world: World) -> None:
    a, b = world.pair()
    a.links.send(IDS[1], b"x")
    world.run()
    a.links.table[IDS[1]].close()
    world.run()
    assert IDS[1] not in a.links.table
    a.links.learn(IDS[1], HOSTS[1])
    a.links.send(IDS[1], b"y")
    world.run()
    assert [message for _, message in b.messages] == [b"x", b"y"]


def test_both_opening_at_once_leaves_one_link_and_loses_nothing(world: World) -> None:
    a, b = world.pair()
    b.links.learn(IDS[0], HOSTS[0])
    for number in range(3):
        a.links.send(IDS[1], b"a%d" % number)
        b.links.send(IDS[0], b"b%d" % number)
    world.run()
    assert [message for _, message in b.messages] == [b"a0", b"a1", b"a2"]
    assert [message for _, message in a.messages] == [b"b0", b"b1", b"b2"]
    assert (a.opened, b.opened) == ([IDS[1]], [IDS[0]])
    assert world.rejected() == world.closed() == []


def test_messages_survive_loss_and_reordering(world: World) -> None:
    a, b = world.pair()
    world.network.loss, world.network.reorder, world.network.jitter = 0.1, 0.1, 0.01
    sent = [b"%d" % number for number in range(100)]
    for message in sent:
        a.links.send(IDS[1], message)
    world.run(300)
    arrived = [message for _, message in b.messages]
    assert a.failed == []
    assert list(dict.fromkeys(arrived)) == sent
    if world.kind == "tls":
        assert arrived == sent


def test_a_lasting_partition_ends_the_link_at_both_ends(world: World) -> None:
    a, b = world.pair()
    a.links.send(IDS[1], b"x")
    world.run()
    world.network.partition([[HOSTS[0]], [HOSTS[1]]])
    a.links.send(IDS[1], b"y")
    b.links.send(IDS[0], b"z")
    world.run()
    assert [remote for remote, _ in a.failed] == [IDS[1]]
    assert [remote for remote, _ in b.failed] == [IDS[0]]
    assert a.undelivered == [(IDS[1], b"y")]
    world.network.heal()
    a.links.learn(IDS[1], HOSTS[1])
    a.links.send(IDS[1], b"again")
    world.run()
    assert b.messages[-1] == (IDS[0], b"again")


def test_a_large_message_passes_and_a_too_large_one_is_refused(world: World) -> None:
    a, b = world.pair()
    a.links.send(IDS[1], bytes(20_000))
    world.run()
    assert b.messages == [(IDS[0], bytes(20_000))]
    a.links.send(IDS[1], bytes(20_001))
    world.run()
    assert len(b.messages) == 1
    seen = {reason for node, _, reason in world.rejected() + world.closed() if node == IDS[1]}
    assert seen == {LinkReason.TOO_LARGE.value}


def test_the_same_run_twice_is_the_same_trace(world: World) -> None:
    def digest() -> str:
        again = World(world.kind)
        a, b = again.pair()
        again.add(2)
        again.network.loss, again.network.jitter = 0.2, 0.02
        b.links.learn(IDS[0], HOSTS[0])
        for number in range(20):
            a.links.send(IDS[1], bytes(number))
            b.links.send(IDS[0], bytes(number))
        again.run(60)
        again.nodes[2].links.crash()
        a.links.learn(IDS[2], HOSTS[2])
        a.links.send(IDS[2], b"x")
        again.run(60)
        again.loop.close()
        assert len(again.trace) > 5
        return again.trace.digest()

    assert digest() == digest()


# --- plain ----------------------------------------------------------------------------------------------------


def frames(world: World, source: Address) -> list[tuple[float, tuple[int, int, bytes | int]]]:
    """Frames that leave a host, with their times; fills as the world runs."""
    seen: list[tuple[float, tuple[int, int, bytes | int]]] = []

    def tap(now: float, origin: Address, _: Address, data: bytes) -> None:
        if origin == source:
            frame = data[17:] if data[:1] == HELLO else data
            if frame:
                seen.append((round(now, 6), open_frame(frame)))

    world.network.tap(tap)
    return seen


def test_five_sends_with_doubling_gaps_and_new_sequence_numbers(plain: World) -> None:
    a, _ = plain.pair()
    sent = frames(plain, HOSTS[0])
    a.links.learn(IDS[4], STRANGER)
    a.links.send(IDS[4], b"m")
    plain.run()
    assert sent == [(t, (DATA, n, b"m")) for n, t in enumerate((0.0, 0.5, 1.5, 3.5, 7.5))]


def test_one_message_at_a_time_and_ten_milliseconds_after_an_acknowledgement(plain: World) -> None:
    a, _ = plain.pair()
    sent = frames(plain, HOSTS[0])
    trip = 2 * plain.network.delay(*HOSTS[:2])
    for message in (b"1", b"2", b"3"):
        a.links.send(IDS[1], message)
    plain.run()
    assert [frame for _, frame in sent] == [(DATA, 0, b"1"), (DATA, 1, b"2"), (DATA, 2, b"3")]
    assert sent[1][0] == pytest.approx(trip + 0.010)
    a.links.send(IDS[1], b"4")
    assert sent[-1][1] == (DATA, 3, b"4")


def test_every_frame_is_acknowledged_at_once_with_the_mask_of_those_before(plain: World) -> None:
    plain.add(1)
    acknowledged = frames(plain, HOSTS[1])
    for number in (0, 1, 3, 2, 3, 40, 8):
        plain.network.inject(STRANGER, HOSTS[1], HELLO + IDS[0] + frame_data(0, b"first") if not number else b"", 0)
        if number:
            plain.network.inject(STRANGER, HOSTS[1], frame_data(number, b"%d" % number), 0)
    plain.run(1)
    masks = [(frame[1], frame[2]) for _, frame in acknowledged if frame[0] == ACK]
    assert masks == [(0, 0), (1, 0b1), (3, 0b110), (2, 0b11), (3, 0b111), (40, 0), (8, 0)]
    assert [message for _, message in plain.nodes[0].messages] == [b"first", b"1", b"3", b"2", b"40", b"8"]


def test_a_lost_acknowledgement_brings_the_message_twice(plain: World) -> None:
    a, b = plain.pair()
    lost: list[bytes] = []

    def drop_first(data: bytes) -> list[tuple[float, bytes]]:
        if not lost:
            lost.append(data)
            return []
        return [(0.0, data)]

    plain.network.on_path(HOSTS[1], HOSTS[0], drop_first)
    a.links.send(IDS[1], b"m")
    plain.run()
    assert b.messages == [(IDS[0], b"m")] * 2
    assert a.failed == []


@given(packet=st.binary(max_size=60))
def test_no_datagram_disturbs_the_node(packet: bytes) -> None:
    world = World("plain")
    a, b = world.pair()
    a.links.send(IDS[1], b"1")
    world.run(1)
    for source in (HOSTS[0], STRANGER):
        world.network.inject(source, HOSTS[1], packet)
    world.run(30)
    a.links.learn(IDS[1], HOSTS[1])
    a.links.send(IDS[1], b"2")
    world.run(1)
    assert b.messages[-1][1] == b"2"
    world.loop.close()


@pytest.mark.parametrize(
    ("packet", "reason"),
    [
        (b"", LinkReason.MALFORMED),
        (b"\x07", LinkReason.MALFORMED),
        (HELLO + b"short", LinkReason.MALFORMED),
        (b"\x80garbage", LinkReason.MALFORMED),
        (frame_data(0, b"from an association of old"), LinkReason.RESET),
        (frame_ack(0, 0), LinkReason.RESET),
    ],
)
def test_what_is_not_a_frame_of_a_link_is_named(plain: World, packet: bytes, reason: LinkReason) -> None:
    plain.add(1)
    plain.network.inject(STRANGER, HOSTS[1], packet)
    plain.network.inject(STRANGER, HOSTS[1], Segment(STREAM_DATA, 1, 1, b""))
    plain.run(1)
    assert plain.rejected() == [(IDS[1], b"", reason.value)]


def test_a_new_name_at_an_address_ends_the_old_link(plain: World) -> None:
    a, b = plain.pair()
    a.links.send(IDS[1], b"x")
    plain.run()
    plain.network.inject(HOSTS[0], HOSTS[1], HELLO + IDS[3] + frame_data(0, b"y"))
    plain.run(1)
    assert b.messages[-1] == (IDS[3], b"y")
    assert b.failed == [(IDS[0], LinkReason.RESET)]


# --- TLS ------------------------------------------------------------------------------------------------------


def flip(data: bytes) -> list[tuple[float, bytes]]:
    """An attacker on the path who changes one bit of each packet."""
    return [(0.0, data[:-1] + bytes([data[-1] ^ 1]) if data else data)]


Broken = Callable[[World], tuple[TlsIdentity, LinkReason]]


def _unknown_ca(world: World) -> tuple[TlsIdentity, LinkReason]:
    return Authority(2).identity(IDS[1], roots=world.authority.pem), LinkReason.UNKNOWN_CA


def _expired(world: World) -> tuple[TlsIdentity, LinkReason]:
    return world.authority.identity(IDS[1], end=-60.0), LinkReason.EXPIRED


def _not_yet(world: World) -> tuple[TlsIdentity, LinkReason]:
    return world.authority.identity(IDS[1], start=DAY), LinkReason.NOT_YET_VALID


def _revoked(world: World) -> tuple[TlsIdentity, LinkReason]:
    identity = world.authority.identity(IDS[1])
    world.authority.revoke(identity)
    return identity, LinkReason.REVOKED


def _wrong_node_id(world: World) -> tuple[TlsIdentity, LinkReason]:
    return world.authority.identity(IDS[3]), LinkReason.WRONG_NODE_ID


def _wrong_overlay(world: World) -> tuple[TlsIdentity, LinkReason]:
    return world.authority.identity(IDS[1], overlay="other.example"), LinkReason.WRONG_OVERLAY


def _no_certificate(world: World) -> tuple[TlsIdentity, LinkReason]:
    return TlsIdentity(roots=world.authority.pem), LinkReason.NO_CERTIFICATE


BROKEN = [_unknown_ca, _expired, _not_yet, _revoked, _wrong_node_id, _wrong_overlay, _no_certificate]


@pytest.mark.parametrize("broken", BROKEN)
def test_a_connecting_end_is_refused_with_its_reason_at_both_ends(tls: World, broken: Broken) -> None:
    identity, reason = broken(tls)
    server, client = tls.add(0), tls.add(1, identity)
    with pytest.raises(LinkRefused) as refusal:
        tls.loop.run_until_complete(client.links.connect(IDS[0], HOSTS[0]))
    assert refusal.value.reason is reason
    tls.run()
    assert {(node, why) for node, _, why in tls.rejected()} == {(IDS[0], reason.value), (IDS[1], reason.value)}
    assert not server.links.table
    assert not client.links.table
    assert server.opened == client.opened == server.messages == []


@pytest.mark.parametrize("broken", BROKEN)
def test_an_accepting_end_is_refused_with_its_reason(tls: World, broken: Broken) -> None:
    identity, reason = broken(tls)
    client, server = tls.add(0), tls.add(1, identity)
    client.links.learn(IDS[1], HOSTS[1])
    client.links.send(IDS[1], b"secret")
    tls.run()
    if reason is LinkReason.NO_CERTIFICATE:  # it can't even begin: to the other end that looks like a reset
        assert (IDS[1], b"", reason.value) in tls.rejected()
        assert client.failed == [(IDS[1], LinkReason.RESET)]
    else:
        assert client.failed == [(IDS[1], reason)]
        assert (IDS[0], IDS[1], reason.value) in tls.rejected()
    assert client.undelivered == [(IDS[1], b"secret")]
    assert server.messages == []
    assert not server.links.table
    assert not client.links.table


def test_a_nameless_accepting_end_is_judged_by_the_name_it_claims(tls: World) -> None:
    client, server = tls.add(0), tls.add(1, tls.authority.identity(IDS[3]))
    with pytest.raises(LinkRefused) as refusal:
        tls.loop.run_until_complete(client.links.connect(None, HOSTS[1]))
    assert refusal.value.reason is LinkReason.WRONG_NODE_ID
    tls.run()
    assert server.failed == [(IDS[0], LinkReason.WRONG_NODE_ID)]


def test_a_certificate_that_expires_later_still_opens_now_and_not_then(tls: World) -> None:
    a = tls.add(0)
    tls.add(1, tls.authority.identity(IDS[1], end=DAY))
    assert tls.loop.run_until_complete(a.links.connect(IDS[1], HOSTS[1])) == IDS[1]
    a.links.forget(IDS[1])
    tls.run(2 * DAY)
    with pytest.raises(LinkRefused) as refusal:
        tls.loop.run_until_complete(a.links.connect(IDS[1], HOSTS[1]))
    assert refusal.value.reason is LinkReason.EXPIRED


def test_a_tap_sees_no_message_and_no_acknowledgement(tls: World) -> None:
    a, b = tls.pair()
    seen: list[bytes] = []
    tls.network.tap(lambda *packet: seen.append(packet[3]))
    a.links.send(IDS[1], b"confidential" * 20)
    tls.run()
    assert b.messages
    assert len(seen) >= 7
    assert not any(b"confidential" in data or frame_ack(0, 0) in data for data in seen)


def test_a_changed_record_ends_the_link_at_both_ends(tls: World) -> None:
    a, b = tls.pair()
    a.links.send(IDS[1], b"x")
    tls.run()
    remove = tls.network.on_path(HOSTS[0], HOSTS[1], flip)
    a.links.send(IDS[1], b"y")
    tls.run(1)
    remove()
    assert [message for _, message in b.messages] == [b"x"]
    assert b.failed == [(IDS[0], LinkReason.BAD_RECORD)]
    assert a.failed == [(IDS[1], LinkReason.BAD_RECORD)]
    assert a.undelivered == [(IDS[1], b"y")]


@pytest.mark.parametrize("attacker", [flip, lambda data: [(0.0, b"GET / HTTP/1.1\r\n\r\n")]])
@pytest.mark.parametrize("direction", [1, -1])
def test_a_changed_handshake_never_becomes_a_link(tls: World, attacker: OnPath, direction: int) -> None:
    a, b = tls.pair()
    tls.network.on_path(*HOSTS[:2][::direction], attacker)
    with pytest.raises(LinkRefused):
        tls.loop.run_until_complete(a.links.connect(IDS[1], HOSTS[1]))
    tls.run()
    assert LinkReason.BAD_RECORD.value in {reason for *_, reason in tls.rejected()}
    assert a.opened == b.opened == []


def test_dropping_every_packet_resets_the_stream_and_delay_only_delays(tls: World) -> None:
    a, b = tls.pair()
    a.links.send(IDS[1], b"x")
    tls.run()
    remove = tls.network.on_path(HOSTS[0], HOSTS[1], lambda data: [(2.0, data)])
    a.links.send(IDS[1], b"late")
    tls.run()
    remove()
    assert b.messages[-1] == (IDS[0], b"late")
    tls.network.on_path(HOSTS[0], HOSTS[1], lambda data: [])
    a.links.send(IDS[1], b"never")
    tls.run()
    assert a.failed == [(IDS[1], LinkReason.RESET)]


def _record(link: TlsLink, plain: bytes) -> bytes:
    link._tls.write(plain)
    return link._outgoing.read()


def put(link: TlsLink, *plaintexts: bytes) -> None:
    """Put bytes that are no message into an open link, each a record, all in one packet."""
    link.stream.send(b"".join(_record(link, plain) for plain in plaintexts))


@pytest.mark.parametrize(
    ("garbage", "reason"),
    [
        (b"\x00", LinkReason.MALFORMED),
        (frame_data(7, b"number 7 is not next"), LinkReason.MALFORMED),
        (b"\x80\x00\x00\x00\x00\xff\xff\xff" + bytes(30_000), LinkReason.TOO_LARGE),
    ],
)
def test_an_authenticated_node_that_breaks_the_framing_loses_its_link(
    tls: World, garbage: bytes, reason: LinkReason
) -> None:
    a, b = tls.pair()
    tls.loop.run_until_complete(a.links.connect(IDS[1], HOSTS[1]))
    link = a.links.table[IDS[1]]
    assert not isinstance(a.links, PlainLinks)
    put(link, garbage)
    tls.run()
    assert b.failed == [(IDS[0], reason)]
    assert a.failed == [(IDS[1], LinkReason.CLOSED)]


def test_frames_may_be_cut_anywhere(tls: World) -> None:
    a, b = tls.pair()
    tls.loop.run_until_complete(a.links.connect(IDS[1], HOSTS[1]))
    link = a.links.table[IDS[1]]
    octets = b"".join(frame_data(number, b"message %d" % number) for number in range(4))
    for start in range(0, len(octets), 11):
        put(link, octets[start : start + 11])
    tls.run()
    assert [message for _, message in b.messages] == [b"message %d" % number for number in range(4)]
    put(link, frame_data(4, b"4"), frame_data(5, b"5"))
    tls.run()
    assert [message for _, message in b.messages[4:]] == [b"4", b"5"]
    assert a.failed == b.failed == []


def test_whoever_believes_claims_can_switch_the_binding_off(tls: World) -> None:
    a = tls.add(0)
    b = tls.add(1, tls.authority.identity(IDS[3]))
    for node in (a, b):
        assert isinstance(node.links, TlsLinks)
        node.links.check = lambda certificate, node_id, now: None
    a.links.learn(IDS[1], HOSTS[1])
    a.links.send(IDS[1], b"x")
    tls.run()
    assert b.messages == [(IDS[0], b"x")]


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("lead", [0.0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3])
def test_simultaneous_opening_at_any_offset(tls: World, first: int, lead: float) -> None:
    a, b = tls.pair()
    b.links.learn(IDS[0], HOSTS[0])
    nodes = [a, b]
    nodes[first].links.send(IDS[1 - first], b"1")
    tls.run(lead)
    nodes[1 - first].links.send(IDS[first], b"2")
    tls.run()
    assert nodes[1 - first].messages == [(IDS[first], b"1")]
    assert nodes[first].messages == [(IDS[1 - first], b"2")]
    assert (a.opened, b.opened) == ([IDS[1]], [IDS[0]])
    assert [len(node.links._host.streams) for node in nodes] == [1, 1]
    assert world_is_quiet(tls)


def world_is_quiet(world: World) -> bool:
    """Whether nothing was refused and no link ended."""
    return world.rejected() == world.closed() == []


def test_the_parked_attempt_is_taken_up_when_ones_own_fails(tls: World) -> None:
    a, b = tls.pair()
    b.links.learn(IDS[0], HOSTS[0])
    a.links.learn(IDS[1], STRANGER)  # a's own attempt, which would win, goes nowhere
    a.links.send(IDS[1], b"a")
    tls.run(7)
    b.links.send(IDS[0], b"b")
    tls.run(60)
    assert a.messages == [(IDS[1], b"b")]
    assert b.messages == [(IDS[0], b"a")]
    assert a.failed == b.failed == []


def test_pipelined_messages_need_one_timer_and_any_progress_extends_it(tls: World) -> None:
    a, b = tls.pair()
    a.links.send(IDS[1], b"0")
    tls.run()
    tls.network.on_path(HOSTS[1], HOSTS[0], lambda data: [(5.0, data)])
    for number in range(1, 5):
        a.links.send(IDS[1], b"%d" % number)
        tls.run(3.0)
    tls.run(30)
    assert len(b.messages) == 5
    assert a.failed == []


def test_a_crash_while_opening_refuses_those_who_wait(world: World) -> None:
    a, _ = world.pair()

    async def crash() -> None:
        task = asyncio.ensure_future(a.links.connect(IDS[1], HOSTS[1]))
        await asyncio.sleep(0.001)
        a.links.crash()
        with pytest.raises(LinkRefused):
            await task

    world.loop.run_until_complete(crash())
    world.run()
    assert a.opened == []
    with pytest.raises(Stalled):
        world.loop.run_forever()
