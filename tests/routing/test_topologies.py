"""One suite for every plug-in (draft Req. 4)."""

from __future__ import annotations

import pytest

from p2psip_min.routing.topology.base import TopologyPlugin
from p2psip_min.routing.topology.buckets import Buckets
from p2psip_min.routing.topology.chord import Chord
from p2psip_min.routing.topology.fullmesh import FullMesh
from tests.routing.topology_suite import check_topology, make_ids
from tests.routing.village import Factory


@pytest.mark.parametrize("factory", [Chord, FullMesh, Buckets])
def test_a_topology_keeps_the_contract(factory: Factory) -> None:
    check_topology(factory)


def test_plug_ins_have_the_whole_interface() -> None:
    wanted = {name for name in vars(TopologyPlugin) if not name.startswith("_")}
    for plug_in in (Chord(make_ids(1, 0)[0]), FullMesh(make_ids(1, 0)[0]), Buckets(make_ids(1, 0)[0])):
        assert not [name for name in wanted if not hasattr(plug_in, name)]
