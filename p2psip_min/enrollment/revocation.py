"""What a node knows about certificates that no longer count.

Two ways lead here: ``bad-node`` entries of the signed configuration, which name Node-IDs (RFC 6940 §11.1), and the
authority's signed list of serial numbers (RFC 5280 §5), for overlays that hand one out.
"""

from __future__ import annotations

from collections.abc import Iterable

from p2psip_min.ids import NodeID


class Revocations:
    """One node's knowledge; empty at first. ``any`` says whether there is something to look up."""

    __slots__ = ("_serials", "any", "bad_nodes")

    def __init__(self) -> None:
        self.any = False
        self.bad_nodes: frozenset[NodeID] = frozenset()
        self._serials: dict[bytes, frozenset[int]] = {}

    def name_bad_nodes(self, node_ids: Iterable[NodeID]) -> None:
        """The configuration's bad nodes, in place of those before."""
        self.bad_nodes = frozenset(node_ids)
        self._look()

    def cover(self, serial: int, node_ids: tuple[NodeID, ...], issuer: bytes) -> bool:
        """Whether a certificate is revoked: one bad Node-ID spoils all that stand in it."""
        if any(node_id in self.bad_nodes for node_id in node_ids):
            return True
        return serial in self._serials.get(issuer, ())

    def _look(self) -> None:
        self.any = bool(self.bad_nodes) or any(self._serials.values())
