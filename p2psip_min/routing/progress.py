"""Whether each hop brings a request nearer to its key, and who led it astray (draft 5.2, third issue).

A request carries its way in its via list, so whoever gets one sees each step that it took. Who passed it on to somebody
no nearer to the key is gone around from then on. That needs no memory and no message, and takes nobody's word: ids are
compared, by the overlay algorithm's own measure.

A step may pass the key: the last one does, to the responsible node. So a step counts as astray only when its receiver
turns out not to be responsible. A peer whose table is not up to date may err so too; its request takes a detour, and is
refused by nobody.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

from p2psip_min.ids import NodeID
from p2psip_min.routing.topology.base import TopologyPlugin
from p2psip_min.wire.header import decode_destinations


class ProgressPolicy(Protocol):
    """What a node makes of the way that a request has come."""

    def astray(
        self, topology: TopologyPlugin, key: bytes, via: bytes, previous_hop: NodeID | None
    ) -> Collection[bytes]:
        """Who is not to get the request again; the node of ``topology`` is not responsible for ``key``."""

    def in_order(self, topology: TopologyPlugin, key: bytes, sender: NodeID, receiver: NodeID) -> bool:
        """Whether ``sender`` was right to name ``receiver``, who is not responsible for ``key``."""


@dataclass(frozen=True, slots=True)
class AnyHop:
    """A request goes on by the tables, wherever it comes from."""

    def astray(
        self, topology: TopologyPlugin, key: bytes, via: bytes, previous_hop: NodeID | None
    ) -> Collection[bytes]:
        """Nobody."""
        return ()

    def in_order(self, topology: TopologyPlugin, key: bytes, sender: NodeID, receiver: NodeID) -> bool:
        """Always."""
        return True


@dataclass(frozen=True, slots=True)
class EachHopNearer:
    """Who did not bring a request nearer to its key does not get it again."""

    def astray(
        self, topology: TopologyPlugin, key: bytes, via: bytes, previous_hop: NodeID | None
    ) -> Collection[bytes]:
        """Everybody on the way but its first node, the requester, who may be a client and has no place in the overlay.

        Of a source-routed request the steps to an earlier stop may count as astray too: that costs it a detour.
        Raises Malformed when the via list can't be read.
        """
        if not via or previous_hop is None:
            return ()
        way: list[bytes] = [*decode_destinations(via)[1:], previous_hop, topology.node_id]
        return strays(topology, key, way)

    def in_order(self, topology: TopologyPlugin, key: bytes, sender: NodeID, receiver: NodeID) -> bool:
        """Whether ``receiver`` is nearer to ``key``."""
        return topology.nearer(receiver, sender, key)


def strays(topology: TopologyPlugin, key: bytes, way: Sequence[bytes]) -> tuple[bytes, ...]:
    """Those on a way whose step was none towards ``key``; nobody on it is responsible."""
    return tuple([one for one, following in pairwise(way) if not topology.nearer(following, one, key)])
