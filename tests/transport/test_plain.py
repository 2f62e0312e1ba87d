"""Plain links: framing, acknowledgements, Simple Reliability, hellos."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2psip_min.errors import LinkReason
from p2psip_min.transport.network import Address, Segment
from p2psip_min.transport.plain import HELLO
from p2psip_min.transport.stream import DATA as STREAM_DATA
from p2psip_min.wire.framing import ACK, DATA, frame_ack, frame_data, open_frame
from tests.transport.world import HOSTS, IDS, STRANGER, World


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


def test_whose_end_of_an_association_is_gone_says_hello_again(plain: World) -> None:
    """Found by a soak: the end that was left with old counters took the new end's frames for repetitions."""
    a, b = plain.pair()
    for number in range(5):
        a.links.send(IDS[1], b"%d" % number)
        plain.run(1)
        b.links.send(IDS[0], b"%d" % number)
        plain.run(1)
    a.links.forget(IDS[1])
    b.links.send(IDS[0], b"to an end that is new")
    plain.run(1)
    a.links.send(IDS[1], b"from it")
    plain.run(1)
    assert a.messages[-1] == (IDS[1], b"to an end that is new")
    assert b.messages[-1] == (IDS[0], b"from it")


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
