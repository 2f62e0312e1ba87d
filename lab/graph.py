"""The overlay as a graph: who routes to whom, and how long the ways are (networkx)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import networkx as nx

from p2psip_min.ids import ResourceID
from p2psip_min.overlay import Overlay


def overlay_graph(overlay: Overlay) -> nx.DiGraph:
    """The living peers by name, with an edge to each entry of a routing table.

    An edge's ``kind`` is "neighbor" for an entry of the neighbor table, else "finger".
    """
    graph = nx.DiGraph()
    names = {node.node_id: node.name for node in overlay.peers()}
    graph.add_nodes_from(names.values())
    for node in overlay.peers():
        near = node.peer.topology.neighbors()
        for entry in node.peer.topology.table():
            if entry in names:
                graph.add_edge(node.name, names[entry], kind="neighbor" if entry in near else "finger")
    return graph


def hops(overlay: Overlay, keys: Iterable[ResourceID]) -> Counter[int]:
    """How many hops greedy routing takes from every peer to each key, by today's tables: how often each count."""
    counted: Counter[int] = Counter()
    for key in keys:
        for node in overlay.peers():
            counted[len(overlay.route(node.name, key))] += 1
    return counted


def stretch(overlay: Overlay, keys: Iterable[ResourceID]) -> float:
    """Greedy routing's hops as a multiple of the shortest ways through the same tables, on average; at least 1."""
    graph = overlay_graph(overlay)
    shortest = dict(nx.all_pairs_shortest_path_length(graph))
    taken = best = 0
    for key in keys:
        root = overlay.root(key).name
        for node in overlay.peers():
            taken += len(overlay.route(node.name, key))
            best += shortest[node.name][root]
    return taken / best if best else 1.0


def cut_off_after(overlay: Overlay, hostile: Iterable[str]) -> float:
    """The share of ordered pairs of the other peers between which every way leads through a hostile one."""
    graph = overlay_graph(overlay)
    graph.remove_nodes_from(list(hostile))
    count = len(graph)
    if count < 2:
        return 0.0
    reachable = sum(len(nx.descendants(graph, node)) for node in graph)
    return 1.0 - reachable / (count * (count - 1))
