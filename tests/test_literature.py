"""Figures that others published, on our overlay at 3+3 neighbors and 16 fingers: each with its seeds and tolerance.

Castro et al. (OSDI 2002) and Sit and Morris (IPTPS 2002) for lookups among hostile peers, Douceur (IPTPS 2002) for
Sybils, Stoica et al. (SIGCOMM 2001) for the spread of keys and for mass failure. The closed forms are for binary
fingers: of log2 N distance bits, each is corrected by a hop of its own with probability one half.
"""

from __future__ import annotations

import asyncio
import math
import statistics
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import replace
from random import Random

import pytest

from p2psip_min import procedures
from p2psip_min.errors import DropReason, RequestTimedOut
from p2psip_min.ids import NodeID, ResourceID
from p2psip_min.overlay import Node, Overlay
from p2psip_min.routing.forwarding import Decision, Drop
from p2psip_min.routing.topology.chord import Chord
from p2psip_min.seams import Forwarding
from p2psip_min.wire.header import Envelope

# A thousand peers take half a minute; on a slow machine, beside others, many times that.
pytestmark = pytest.mark.timeout(1200)

PEERS = 1000
DRAWS = 20


def key(dice: Random) -> ResourceID:
    return ResourceID(dice.getrandbits(128).to_bytes(16, "big"))


def draw(pool: list[Node], count: int, dice: Random) -> list[Node]:
    """Takes them out of the pool."""
    return [pool.pop(int(dice.random() * len(pool))) for _ in range(count)]


# --- lookups among hostile peers --------------------------------------------------------------------------------------

LOOKUPS = 250


class Silent:
    """Forwards nothing and answers nothing."""

    def __init__(self, inner: Forwarding) -> None:
        self._inner = inner

    def decide(self, envelope: Envelope, previous_hop: NodeID | None, now: float) -> Decision:
        if previous_hop is None:
            return self._inner.decide(envelope, previous_hop, now)
        return Drop(DropReason.NO_ROUTE)


@pytest.fixture(scope="module")
def ring() -> Iterator[Overlay]:
    with Overlay(peers=PEERS, defences="none", links="plain", seed=11, trace="counting", maintenance=False) as overlay:
        yield overlay


async def found(pairs: Sequence[tuple[Node, ResourceID]]) -> float:
    """The share of lookups that are answered."""

    async def look_up(start: Node, wanted: ResourceID) -> bool:
        try:
            await procedures.ping(start.peer, wanted)
        except RequestTimedOut:
            return False
        return True

    return statistics.fmean(await asyncio.gather(*(look_up(start, wanted) for start, wanted in pairs)))


@pytest.mark.parametrize("share", [0.05, 0.1, 0.2, 0.3])
def test_plain_lookups_succeed_as_often_as_no_hop_is_hostile(ring: Overlay, share: float) -> None:
    dice = Random(f"lookups:{share}")
    succeeded, by_paths = [], []
    for _ in range(DRAWS):
        honest = ring.peers()
        hostile = draw(honest, round(share * PEERS), dice)
        pairs = [(honest[int(dice.random() * len(honest))], key(dice)) for _ in range(LOOKUPS)]
        by_paths += [(1 - share) ** len(ring.route(start.name, wanted)) for start, wanted in pairs]
        before = [node.peer.parts for node in hostile]
        for node in hostile:
            node.peer.equip(replace(node.peer.parts, forwarding=Silent(node.peer.parts.forwarding)))
        succeeded.append(ring.run(found(pairs)))
        for node, parts in zip(hostile, before, strict=True):
            node.peer.equip(parts)
    expected = (1 - share) * (1 - share / 2) ** (math.log2(PEERS) - 0.278)
    assert abs(statistics.fmean(succeeded) - expected) <= 0.03
    assert abs(statistics.fmean(succeeded) - statistics.fmean(by_paths)) <= 0.02


# --- Sybils -----------------------------------------------------------------------------------------------------------


def responsible(nodes: Sequence[NodeID], wanted: ResourceID) -> NodeID:
    """The first of the sorted nodes at or after a key."""
    return nodes[bisect_left(nodes, wanted) % len(nodes)]


@pytest.mark.parametrize("identities", [50, 250, 500, 1000])
def test_random_identities_own_a_key_by_their_share(identities: int) -> None:
    owned = []
    for seed in range(DRAWS):
        dice = Random(f"sybil:{identities}:{seed}")
        drawn = [NodeID(key(dice)) for _ in range(PEERS + identities)]
        hostile = dict.fromkeys(drawn[:identities])
        nodes = sorted(drawn)
        owned += [responsible(nodes, key(dice)) in hostile for _ in range(LOOKUPS)]
    assert abs(statistics.fmean(owned) - identities / (PEERS + identities)) <= 0.02


def test_the_overlay_gives_keys_to_the_same_peers(ring: Overlay) -> None:
    dice = Random("owners")
    nodes = [node.node_id for node in ring.peers()]
    for _ in range(LOOKUPS):
        wanted = key(dice)
        owner = ring.node(responsible(nodes, wanted))
        assert owner.peer.topology.responsible(wanted)
        assert ring.root(wanted) is owner


# --- the spread of keys -----------------------------------------------------------------------------------------------


def test_the_99th_percentile_of_keys_a_peer_is_many_times_the_mean() -> None:
    peers, keys = 10_000, 500_000
    dice = Random("spread")
    nodes = sorted(dice.getrandbits(128) for _ in range(peers))
    held = [0] * peers
    for _ in range(keys):
        held[bisect_left(nodes, dice.getrandbits(128)) % peers] += 1
    percentile = sorted(held)[peers * 99 // 100]
    assert percentile / (keys / peers) == pytest.approx(4.6, rel=0.08)


# --- mass failure -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5])
def test_after_a_mass_failure_all_that_is_left_is_found_within_one_update_interval(share: float) -> None:
    dice = Random(f"failure:{share}")
    with Overlay(
        peers=PEERS,
        defences="none",
        links="plain",
        seed=5,
        trace="counting",
        topology=lambda node_id: Chord(node_id, neighbors=3, successors=20, fingers=16),
    ) as overlay:
        wanted = [key(dice) for _ in range(2000)]
        nodes = [node.node_id for node in overlay.peers()]
        dead = draw(overlay.peers(), round(share * PEERS), dice)
        lost = {node.node_id for node in dead}
        gone = [responsible(nodes, each) in lost for each in wanted]
        assert abs(statistics.fmean(gone) - share) <= 0.03

        def fail() -> None:
            for node in dead:
                procedures.crash(node.peer)

        overlay.driver.call(fail)
        overlay.advance(overlay.provider.configuration.chord_update_interval)
        living = overlay.peers()
        alive = [each for each, went in zip(wanted, gone, strict=True) if not went][:LOOKUPS]
        pairs = [(living[int(dice.random() * len(living))], each) for each in alive]
        assert overlay.run(found(pairs)) == 1.0
