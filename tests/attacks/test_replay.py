"""Outsiders on a hop and peers on the way: what they keep, and what they can do with it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab.scenarios import columns, run, scenario, setting
from p2psip_min.attacks.replay import HeldPacket, PacketReplay
from p2psip_min.errors import RequestTimedOut, StoreReason
from p2psip_min.overlay import Node, Overlay
from p2psip_min.trace import PacketLost, RecordReplaced, RecordStored, StoreRejected
from p2psip_min.wire.address import IpAddressPort
from p2psip_min.wire.codec import encode
from p2psip_min.wire.framing import frame_ack, frame_data
from p2psip_min.wire.kinds import TURN_SERVICE, TurnServer
from tests.crafting import close_all, small, trace_of


@pytest.fixture(autouse=True)
def closing() -> Iterator[None]:
    """End the overlays of a test."""
    yield
    close_all()


def put(overlay: Overlay, owner: Node, number: int) -> None:
    overlay.put(owner.name, TURN_SERVICE, encode(TurnServer(1, IpAddressPort("10.0.0.1", number))))


def away(overlay: Overlay) -> Node:
    """A peer whose record goes over a hop."""
    return next(node for node in overlay.peers() if overlay.root(overlay.place_of(node.name, TURN_SERVICE)) is not node)


def test_a_packet_comes_again_under_the_next_number_and_nobody_minds_its_age() -> None:
    overlay = small(12, defences="none")
    owner = away(overlay)
    network = overlay.network
    outsider = PacketReplay(network, 20.0, hosts=frozenset((owner.address,)))
    network.tap(outsider.tap)
    put(overlay, owner, 1000)
    put(overlay, owner, 2000)
    overlay.advance(25.0)
    assert len(outsider.kept) == 1
    (first,) = trace_of(overlay).select(RecordStored)
    new, old = trace_of(overlay).select(RecordReplaced)
    assert (new.replaced, old.replaced, old.storage_time) == (first.storage_time, new.storage_time, first.storage_time)


def test_in_tls_there_is_nothing_to_keep() -> None:
    overlay = small(12, defences="none", links="tls")
    owner = away(overlay)
    outsider = PacketReplay(overlay.network, 20.0, hosts=frozenset((owner.address,)))
    held = HeldPacket(overlay.network, 20.0)
    way = owner.address, overlay.route(owner.name, overlay.place_of(owner.name, TURN_SERVICE))[0].address
    overlay.network.tap(outsider.tap)
    overlay.network.on_path(*way, held.between(*way))
    put(overlay, owner, 1000)
    assert (outsider.kept, held.held) == ({}, {})


def test_an_outsider_passes_over_what_he_does_not_understand() -> None:
    overlay = small(2, defences="none")
    here, there = (node.address for node in overlay.peers())
    outsider = PacketReplay(overlay.network, 1.0, hosts=frozenset((here,)))
    for packet in (b"", b"\x01", b"\xff", frame_ack(1, 0), frame_data(3, b"no message")):
        outsider.tap(0.0, here, there, packet)
        assert HeldPacket(overlay.network, 1.0).between(here, there)(packet) == [(0.0, packet)]
    assert outsider.kept == {}
    assert outsider.counts == {(here, there): 3}


def test_a_held_packet_is_acknowledged_taken_and_let_go_later() -> None:
    overlay = small(12, defences="none")
    owner = away(overlay)
    place = overlay.place_of(owner.name, TURN_SERVICE)
    way = owner.address, overlay.route(owner.name, place)[0].address
    outsider = HeldPacket(overlay.network, 60.0)
    overlay.network.on_path(*way, outsider.between(*way))
    with pytest.raises(RequestTimedOut):
        put(overlay, owner, 1000)
    assert not list(trace_of(overlay).select(RecordStored))
    assert {event.reason for event in trace_of(overlay).select(PacketLost)} == {"taken off the wire"}
    put(overlay, owner, 2000)
    (now,) = trace_of(overlay).select(RecordStored)
    overlay.advance(60.0)
    (late,) = trace_of(overlay).select(RecordReplaced)
    assert late.storage_time < now.storage_time


# --- RP-1 and RP-3: what helps and what does not ----------------------------------------------------------------------


@pytest.mark.parametrize("base", ["trusted", "untrusted"])
@pytest.mark.parametrize(
    ("threat", "names", "harm"),
    [
        ("RP-1", ("record-signature",), True),
        ("RP-1", ("message-signature",), True),
        ("RP-1", ("time-stamp",), True),
        ("RP-1", ("transaction-memory",), True),
        ("RP-1", ("replicas", "read-quorum"), True),
        ("RP-1", ("version-counter",), False),
        ("RP-1", ("rising-time",), False),
        ("RP-1", ("reader-memory",), False),
        ("RP-1", ("tls",), False),
        ("RP-3", ("record-signature",), True),
        ("RP-3", ("transaction-memory",), True),
        ("RP-3", ("rising-time",), True),
        ("RP-3", ("version-counter",), True),
        ("RP-3", ("time-stamp",), False),
    ],
)
def test_each_measure_by_itself(threat: str, names: tuple[str, ...], harm: bool, base: str) -> None:
    chosen = scenario(threat)
    found = run(chosen, setting(chosen, base=base).with_defences(names))
    assert (found.figure > 0) is harm


def test_a_narrow_window_stops_what_a_wide_one_lets_in() -> None:
    chosen = scenario("RP-1")
    narrow = setting(chosen, numbers={"time-stamp": 20.0}).with_defences(("time-stamp",))
    assert run(chosen, narrow).figure == 0.0


def test_a_late_put_is_refused_for_its_age() -> None:
    chosen = scenario("RP-3")
    stage = chosen.stage(chosen, columns(chosen, setting(chosen))["defended"])
    stage.overlay.run(stage.story())
    reasons = [event.reason for event in stage.trace.select(StoreRejected)]
    assert set(reasons) <= {StoreReason.STALE_TIMESTAMP, StoreReason.DATA_TOO_OLD}
    assert len(reasons) >= len(stage.records)
    stage.overlay.close()


def test_who_holds_puts_back_has_to_be_on_the_way() -> None:
    chosen = scenario("RP-3")
    for seed in range(3):
        stage = chosen.stage(chosen, setting(chosen, seed=seed))
        for each in stage.records:
            assert stage.mallory in stage.overlay.route(each.owner.name, each.resource)[:-1]
            assert stage.mallory not in (each.owner, each.reader)
        assert [node.name for node in stage.attackers()] == [stage.mallory.name]
        stage.overlay.close()
