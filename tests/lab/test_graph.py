"""The overlay as a graph, and the chart of its hops."""

from __future__ import annotations

import re

import networkx as nx

from lab.charts import as_html, hops_chart
from lab.graph import cut_off_after, hops, overlay_graph, stretch
from p2psip_min.ids import ResourceID
from p2psip_min.overlay import Overlay

KEYS = [ResourceID.of(f"key {i}") for i in range(5)]


def test_the_graph_is_the_tables() -> None:
    with Overlay(peers=24, seed=3, links="plain", maintenance=False) as overlay:
        graph = overlay_graph(overlay)
        assert sorted(graph) == [node.name for node in overlay.peers()]
        assert nx.is_strongly_connected(graph)
        for node in overlay.peers():
            named = {overlay.nodes[entry].name for entry in node.peer.topology.table()}
            assert set(graph.successors(node.name)) == named
            kinds = [graph.edges[node.name, name]["kind"] for name in sorted(named)]
            assert kinds.count("neighbor") == len(node.peer.topology.neighbors()) == 6


def test_hops_and_stretch() -> None:
    with Overlay(peers=24, seed=3, links="plain", maintenance=False) as overlay:
        counted = hops(overlay, KEYS)
        assert counted.total() == 24 * len(KEYS)
        assert counted[0] == len(KEYS), "the responsible peer itself is the only one that takes none"
        assert 1.0 <= stretch(overlay, KEYS) < 2.5, "greedy routing goes clockwise only; the tables also look back"
        assert cut_off_after(overlay, ()) == 0.0
        names = [node.name for node in overlay.peers()]
        assert cut_off_after(overlay, names[1:]) == 0.0, "one peer alone is cut off from nobody"


def test_the_chart_shows_every_count_and_needs_no_network() -> None:
    plot = hops_chart({0: 5, 2: 15}, title="Hops")
    data = plot.renderers[0].data_source.data
    assert data["hops"] == [0, 2]
    assert data["label"] == ["25 %", "75 %"]
    page = as_html(plot, "Hops")
    assert "Hops" in page
    assert not re.search(r"""<(script|link)[^>]+(src|href)=["']http""", page)
