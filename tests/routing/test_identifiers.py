"""Arithmetic on the ring, with wrap."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2psip_min.ids import INVALID, RING, WILDCARD, NodeID, distance, in_interval, overlay_hash, to_int

EDGES = [0, 1, RING // 2 - 1, RING // 2, RING - 2, RING - 1]
places = st.one_of(st.sampled_from(EDGES), st.integers(0, RING - 1))
ids = places.map(NodeID.from_int)


@given(ids, ids)
def test_distance_leads_from_start_to_end(start: NodeID, end: NodeID) -> None:
    assert NodeID.from_int(to_int(start) + distance(start, end)) == end
    assert 0 <= distance(start, end) < RING
    assert (distance(start, end) + distance(end, start)) % RING == 0


@given(ids, ids, ids)
def test_an_interval_is_what_lies_on_the_way(key: NodeID, start: NodeID, end: NodeID) -> None:
    if start == end:
        assert in_interval(key, start, end)
    else:
        assert in_interval(key, start, end) == (0 < distance(start, key) <= distance(start, end))


@given(ids, st.lists(ids, min_size=1, max_size=8, unique=True))
def test_intervals_between_neighbors_cut_the_ring_into_parts(key: NodeID, nodes: list[NodeID]) -> None:
    nodes.sort()
    owners = [b for a, b in zip([nodes[-1], *nodes], nodes, strict=False) if in_interval(key, a, b)]
    assert len(owners) == 1


@given(places)
def test_order_of_bytes_is_order_of_numbers(place: int) -> None:
    assert to_int(NodeID.from_int(place)) == place
    assert (NodeID.from_int(place) < WILDCARD) == (place < RING - 1)
    assert NodeID.from_int(place) >= INVALID


def test_a_node_id_has_sixteen_bytes() -> None:
    with pytest.raises(ValueError, match="16 bytes"):
        NodeID(b"short")


def test_the_overlay_field_is_the_low_end_of_the_hash() -> None:
    assert overlay_hash("abc") == 0x9CD0D89D  # SHA-1("abc") ends in …9cd0d89d (FIPS 180)
