"""What the gaps between a ring's neighbors tell: Node-IDs are drawn, so they are as far apart as the ring is empty."""

from __future__ import annotations

from collections.abc import Sequence

from p2psip_min.ids import RING, NodeID, distance


def crowding(node: NodeID, predecessors: Sequence[NodeID], successors: Sequence[NodeID]) -> float:
    """The ring over the mean gap between ``node``'s neighbors, each side from the nearest outwards.

    Where they go all around, their number.
    """
    if not predecessors or not successors:
        return 1.0
    reach = distance(predecessors[-1], node) + distance(node, successors[-1])
    if reach >= RING or set(predecessors) & set(successors):
        return len({node, *predecessors, *successors})
    return (len(predecessors) + len(successors)) * RING / reach
