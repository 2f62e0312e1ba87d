"""Other ways to a key: they end where the best one does, and part from it at once."""

from __future__ import annotations

import pytest

from p2psip_min.errors import DropReason
from p2psip_min.exchange import Pending, Told
from p2psip_min.ids import NodeID
from p2psip_min.routing.forwarding import Drop, Forward
from p2psip_min.routing.topology.base import TopologyPlugin
from p2psip_min.routing.topology.buckets import Buckets
from p2psip_min.routing.topology.chord import Chord
from p2psip_min.routing.ways import WayForwarder, advances, choices, next_hop_on
from p2psip_min.wire.header import add_options, open_envelope
from p2psip_min.wire.messages import MessageCode
from p2psip_min.wire.options import alternate, wanted_way
from tests.routing.test_forwarding import OVERLAY, message
from tests.routing.topology_suite import make_ids, make_keys
from tests.routing.village import Factory

IDS = make_ids(64, 41)
KEYS = make_keys(60, 42)


@pytest.fixture(params=[Chord, Buckets], ids=lambda factory: factory.__name__)
def tables(request: pytest.FixtureRequest) -> dict[NodeID, TopologyPlugin]:
    factory: Factory = request.param
    made = {node: factory(node) for node in IDS}
    for topology in made.values():
        topology.settle(IDS)
    return made


def way_of(tables: dict[NodeID, TopologyPlugin], start: NodeID, key: bytes, way: int) -> list[NodeID]:
    """The nodes that a message passes on a way, the start not included."""
    passed: list[NodeID] = []
    at: NodeID | None = start
    while at is not None and len(passed) <= len(tables):
        at = next_hop_on(tables[at], key, way)
        if at is not None:
            passed.append(at)
    return passed


def test_choices_are_the_best_first_and_all_nearer(tables: dict[NodeID, TopologyPlugin]) -> None:
    for start, key in zip(IDS, KEYS, strict=False):
        topology = tables[start]
        if topology.responsible(key):
            assert choices(topology, key, 3) == []
            continue
        found = choices(topology, key, 99)
        assert found[0] == topology.next_hop(key)
        assert len(set(found)) == len(found)
        assert all(advances(topology, node, key) for node in found)
        assert found[1:] == choices(topology, key, 99, exclude=found[:1])


def test_every_way_ends_at_the_owner_and_passes_nobody_twice(tables: dict[NodeID, TopologyPlugin]) -> None:
    for start, key in zip(IDS, KEYS, strict=False):
        best = way_of(tables, start, key, 0)
        for way in range(1, 4):
            other = way_of(tables, start, key, way)
            assert other[-1:] == best[-1:]
            assert len(set(other)) == len(other)


def test_ways_part_at_once_and_share_few_peers(tables: dict[NodeID, TopologyPlugin]) -> None:
    pairs = parted = forwarders = on_all = 0
    for start in IDS[::4]:
        for key in KEYS[::3]:
            best, *others = (way_of(tables, start, key, way) for way in range(3))
            pairs += len(best) > 1
            parted += len(best) > 1 and best[0] != others[0][0]
            for node in best[:-1]:
                forwarders += 1
                on_all += all(node in other for other in others)
    assert pairs > 200
    assert parted / pairs > 0.9
    # Near its end a way has few choices. Who sits there is gone around by another key, not by another way.
    assert on_all / forwarders < 0.25


@pytest.fixture
def forwarder() -> WayForwarder:
    topology = Chord(IDS[0])
    topology.settle(IDS)
    return WayForwarder(IDS[0], OVERLAY, topology, lambda node: False)


def test_a_forwarder_takes_the_way_that_is_asked_for(forwarder: WayForwarder) -> None:
    key = next(key for key in KEYS if len(choices(forwarder.topology, key, 3)) == 3)
    plain = message(key).data
    hops = []
    for way in range(3):
        decision = forwarder.decide(open_envelope(add_options(plain, alternate(way)) if way else plain), None, 0.0)
        assert isinstance(decision, Forward)
        hops.append(decision.next_hop)
        assert open_envelope(decision.message).options == alternate(way)
    assert hops == choices(forwarder.topology, key, 3)


def test_options_that_cannot_be_read_end_the_message(forwarder: WayForwarder) -> None:
    decision = forwarder.decide(open_envelope(add_options(message(KEYS[0]).data, b"\xa0")), None, 0.0)
    assert isinstance(decision, Drop)
    assert decision.reason is DropReason.MALFORMED


@pytest.mark.parametrize("ways", [(0,), (1,), (0, 1, 2), (2, 4)])
def test_a_request_asks_for_each_of_its_ways(ways: tuple[int, ...]) -> None:
    pending = Pending(Told(lambda _: None), MessageCode.PING_REQ, KEYS[0], None, ways)
    pending.data = message(KEYS[0]).data
    assert [wanted_way(open_envelope(each).options) for each in pending.copies(0, b"")] == list(ways)
    assert [wanted_way(open_envelope(each).options) for each in pending.copies(1, b"")] == [way + 1 for way in ways]
