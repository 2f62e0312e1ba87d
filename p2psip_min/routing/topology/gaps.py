"""What the gaps between a ring's neighbors tell: Node-IDs are drawn, so they are as far apart as the ring is empty."""

from __future__ import annotations

from p2psip_min.ids import RING, NodeID, distance
from p2psip_min.wire.chord import ChordUpdate


def crowding(node: NodeID, update: ChordUpdate) -> float:
    """The ring over the mean gap between the neighbors that ``node`` lists; where they go all around, their number."""
    predecessors, successors = update.predecessors, update.successors
    if not predecessors or not successors:
        return 1.0
    reach = distance(predecessors[-1], node) + distance(node, successors[-1])
    if reach >= RING or set(predecessors) & set(successors):
        return len({node, *predecessors, *successors})
    return (len(predecessors) + len(successors)) * RING / reach


def mean_gap(predecessors: tuple[NodeID, ...], successors: tuple[NodeID, ...]) -> float:
    """The mean gap between the nodes of a full neighbor table, in steps of the ring."""
    return distance(predecessors[-1], successors[-1]) / (len(predecessors) + len(successors))
