"""What must hold of an overlay as a whole: pure checks over snapshots, each a list of violations for people to read.

A snapshot maps every living member to its (predecessors, successors), each from the nearest outwards; lists may name
the dead. The ring's invariants are P. Zave's ("Using lightweight modeling to understand Chord", CCR 2012; principals:
"Reasoning about identifier spaces: how to make Chord correct", IEEE TSE 2017). A member's successor is the first living
one of its list; members in the cycle of successors are the ring, the others appendages.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterable, Mapping, Sequence

from p2psip_min.ids import RING, NodeID, distance

Snapshot = Mapping[NodeID, tuple[Sequence[NodeID], Sequence[NodeID]]]
Fingers = Mapping[NodeID, Mapping[int, NodeID]]

BITS = 128


def _name(node: bytes) -> str:
    return node.hex()[:8]


def _names(nodes: Iterable[bytes]) -> str:
    return " ".join(_name(node) for node in nodes) or "nobody"


def best_successors(snapshot: Snapshot) -> dict[NodeID, NodeID | None]:
    """Each member's first living successor; a lone member follows itself, a member cut off follows nobody."""
    if len(snapshot) == 1:
        return {node: node for node in snapshot}
    return {
        node: next((other for other in snapshot[node][1] if other in snapshot and other != node), None)
        for node in sorted(snapshot)
    }


def rings(snapshot: Snapshot) -> list[tuple[NodeID, ...]]:
    """Every cycle of successors, each from its smallest Node-ID on."""
    following = best_successors(snapshot)
    found: list[tuple[NodeID, ...]] = []
    seen: dict[NodeID, NodeID] = {}
    for start in following:
        node: NodeID | None = start
        while node is not None and node not in seen:
            seen[node] = start
            node = following[node]
        if node is not None and seen[node] == start:
            cycle = [node]
            while (after := following[cycle[-1]]) is not None and after != node:
                cycle.append(after)
            at = cycle.index(min(cycle))
            found.append((*cycle[at:], *cycle[:at]))
    return found


def one_live_successor(snapshot: Snapshot) -> list[str]:
    """Every member knows a living successor."""
    return [
        f"{_name(node)} has no living successor" for node, after in best_successors(snapshot).items() if after is None
    ]


def at_least_one_ring(snapshot: Snapshot) -> list[str]:
    """Somewhere the successors close into a cycle."""
    return ["there is no ring"] if snapshot and not rings(snapshot) else []


def at_most_one_ring(snapshot: Snapshot) -> list[str]:
    """They do so once."""
    found = rings(snapshot)
    return [f"there are {len(found)} rings: {' / '.join(_names(ring) for ring in found)}"] if len(found) > 1 else []


def ordered_ring(snapshot: Snapshot) -> list[str]:
    """Going once through a ring is going once around the identifier space."""
    return [
        f"the ring {_names(ring)} is not in order"
        for ring in rings(snapshot)
        if len(ring) > 1 and sum(distance(a, b) for a, b in zip(ring, (*ring[1:], ring[0]), strict=True)) != RING
    ]


def connected_appendages(snapshot: Snapshot) -> list[str]:
    """From every member the successors lead into a ring."""
    following = best_successors(snapshot)
    reaching = {node for ring in rings(snapshot) for node in ring}
    cut_off = []
    for start in following:
        way: list[NodeID] = []
        node: NodeID | None = start
        while node is not None and node not in reaching and len(way) <= len(following):
            way.append(node)
            node = following[node]
        if node in reaching:
            reaching.update(way)
        else:
            cut_off.append(f"{_name(start)} does not reach a ring")
    return cut_off


def ordered_lists(snapshot: Snapshot) -> list[str]:
    """Every list goes outwards, without repetition and without its owner."""
    wrong = []
    for node in sorted(snapshot):
        predecessors, successors = snapshot[node]
        for side, reach in (
            ("successors", [distance(node, other) for other in successors]),
            ("predecessors", [distance(other, node) for other in predecessors]),
        ):
            if any(b <= a for a, b in zip([0, *reach], reach, strict=False)):
                wrong.append(f"the {side} of {_name(node)} are not in order")
    return wrong


def zave(snapshot: Snapshot) -> list[str]:
    """Zave's invariant: one ordered ring, connected appendages, a living successor and ordered lists everywhere."""
    return [
        *one_live_successor(snapshot),
        *at_least_one_ring(snapshot),
        *at_most_one_ring(snapshot),
        *ordered_ring(snapshot),
        *connected_appendages(snapshot),
        *ordered_lists(snapshot),
    ]


def principals(snapshot: Snapshot) -> tuple[NodeID, ...]:
    """The members that no member's list of successors passes over: what keeps Chord correct are r+1 of them."""
    members = sorted(snapshot)
    skipped: set[NodeID] = set()
    for node, (_, successors) in snapshot.items():
        for a, b in zip((node, *successors), successors, strict=False):
            between = bisect_left(members, a), bisect_left(members, b)
            over = members[between[0] : between[1]] if a < b else [*members[between[0] :], *members[: between[1]]]
            skipped.update(member for member in over if member != a)
    return tuple(member for member in members if member not in skipped)


def ideal_ring(snapshot: Snapshot, neighbors: int = 3, *, successors: int | None = None) -> list[str]:
    """Every member's lists begin with its nearest members, as many as there are room and members for."""
    members = sorted(snapshot)
    count = len(members)
    behind, ahead = min(neighbors, count - 1), min(neighbors if successors is None else successors, count - 1)
    wrong = []
    for at, node in enumerate(members):
        for side, listed, wanted in (
            ("predecessors", snapshot[node][0], [members[(at - step) % count] for step in range(1, behind + 1)]),
            ("successors", snapshot[node][1], [members[(at + step) % count] for step in range(1, ahead + 1)]),
        ):
            if list(listed[: len(wanted)]) != wanted:
                wrong.append(f"the {side} of {_name(node)} are {_names(listed)}, not {_names(wanted)}")
    return wrong


def finger_violations(fingers: Fingers) -> list[str]:
    """Every finger is a living member in its own range (RFC 6940 §10.7.4.2); ``fingers`` has every member as a key."""
    wrong = []
    for node in sorted(fingers):
        for i, finger in sorted(fingers[node].items()):
            if not 1 << (BITS - i) <= distance(node, finger) < 1 << (BITS + 1 - i):
                wrong.append(f"finger {i} of {_name(node)}, {_name(finger)}, is outside its range")
            elif finger not in fingers:
                wrong.append(f"finger {i} of {_name(node)}, {_name(finger)}, is dead")
    return wrong


def ring_holders(members: Sequence[NodeID], resource: bytes, replicas: int = 2) -> tuple[NodeID, ...]:
    """The responsible one of the sorted ``members`` and its successors that hold the copies (RFC 6940 §10.4)."""
    at = bisect_left(members, resource)
    return tuple(members[(at + step) % len(members)] for step in range(min(replicas + 1, len(members))))


def placement(
    held: Mapping[NodeID, Collection[bytes]],
    resources: Iterable[bytes],
    *,
    replicas: int = 2,
    strangers: bool = False,
) -> list[str]:
    """Each of ``resources`` is at its responsible peer and its replicas, and nowhere else unless ``strangers``.

    ``held`` maps every member of a ring to the resources that it holds.
    """
    members = sorted(held)
    wrong = []
    for resource in sorted(set(resources)):
        holders = ring_holders(members, resource, replicas)
        for number, node in enumerate(holders):
            if resource not in held[node]:
                role = f"replica {number}" if number else "the responsible peer"
                wrong.append(f"{_name(resource)} is missing at {role}, {_name(node)}")
        if not strangers:
            extra = [node for node in members if node not in holders and resource in held[node]]
            if extra:
                wrong.append(f"{_name(resource)} is also at {_names(extra)}")
    return wrong
