"""TLS links: refusals with their reasons, tampering, simultaneous opening."""

from __future__ import annotations

from collections.abc import Callable
from ssl import SSLWantReadError

import pytest

from p2psip_min.errors import LinkReason, LinkRefused
from p2psip_min.transport.network import OnPath
from p2psip_min.transport.plain import PlainLinks
from p2psip_min.transport.tls import TlsIdentity
from p2psip_min.transport.tls_links import TlsLink, TlsLinks
from p2psip_min.wire.framing import frame_ack, frame_data
from tests.transport.authority import DAY, Authority
from tests.transport.world import HOSTS, IDS, STRANGER, World, flip

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


JUNK = bytes((23, 3, 3, 0, 40)) + bytes(40)
"""What looks like a record and is none."""


@pytest.mark.parametrize(
    "spoiled",
    [
        lambda data: data + JUNK,  # behind a good record
        lambda data: JUNK + data,  # in front of one
        lambda data: data[:-5],  # a record without its end
        lambda data: data + data[:7],  # a good one and the beginning of another
        lambda data: JUNK[:7] + data,
    ],
)
@pytest.mark.parametrize("first", [0, 1, 2, 3, 4])
def test_what_comes_over_one_link_spoils_no_other_of_the_same_node(
    tls: World, spoiled: Callable[[bytes], bytes], first: int
) -> None:
    """Sessions of one node share the library's buffers: nothing of one may be left in them for the next."""
    a, b, c = (tls.add(number) for number in range(3))
    c.links.learn(IDS[1], HOSTS[1])
    c.links.send(IDS[1], b"before")
    tls.run()
    packets = 0

    def spoil(data: bytes) -> list[tuple[float, bytes]]:
        nonlocal packets
        packets += 1
        return [(0.0, spoiled(data) if packets > first else data)]

    tls.network.on_path(HOSTS[0], HOSTS[1], spoil)
    a.links.learn(IDS[1], HOSTS[1])
    for number in range(3):
        a.links.send(IDS[1], b"%d" % number)
        c.links.send(IDS[1], b"meanwhile")
        tls.run(0.5)
    tls.run()
    c.links.send(IDS[1], b"after")
    tls.run()
    assert packets > first
    assert [message for node, message in b.messages if node == IDS[2]] == [b"before", *[b"meanwhile"] * 3, b"after"]
    assert c.failed == []
    assert isinstance(b.links, TlsLinks)
    identity = b.links.identity
    assert identity._incoming.pending == identity._outgoing.pending == 0


def test_nothing_is_left_behind_the_last_word(tls: World) -> None:
    a, b = tls.pair()
    a.links.send(IDS[1], b"x")
    tls.run()
    assert not isinstance(a.links, PlainLinks)
    link = a.links.table[IDS[1]]
    with pytest.raises(SSLWantReadError):
        link._tls.unwrap()  # says the last word, and waits for the other end's
    link.stream.send(link._outgoing.read() + JUNK)
    tls.run()
    assert isinstance(b.links, TlsLinks)
    identity = b.links.identity
    assert identity._incoming.pending == identity._outgoing.pending == 0
