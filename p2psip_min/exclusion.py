"""How an overlay gets rid of a node: what the docket decides goes into the configuration, and so to everybody.

Nodes bring reports to a server (draft 7.2.12). The next configuration names who is out as a bad node (RFC 6940 §11.1):
the reporter gets it as its answer, one peer more from the operator's hand, and all others from these.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress

from p2psip_min.construction import Node
from p2psip_min.enrollment.configuration import Configuration
from p2psip_min.enrollment.conviction import FOR_GOOD
from p2psip_min.enrollment.docket import REPORTS, Docket
from p2psip_min.enrollment.evidence import Court
from p2psip_min.enrollment.provider import Provider
from p2psip_min.errors import P2PSIPError
from p2psip_min.ids import NodeID
from p2psip_min.node import Surroundings
from p2psip_min.operations import Operations
from p2psip_min.peer import Peer
from p2psip_min.routing.custody import Nearer


class Exclusion:
    """The docket of one overlay, and the arm that carries out what it decides."""

    def __init__(
        self,
        provider: Provider,
        operations: Operations,
        surroundings: Surroundings,
        peers: Callable[[], Iterable[Node]],
        nearer: Nearer,
    ) -> None:
        self._provider = provider
        self._operations = operations
        self._loop = surroundings.loop
        self._trace = surroundings.trace
        self._peers = peers
        self._server = next((server.node_id for server in operations.servers.values()), b"")
        defences = surroundings.defences
        self.docket = Docket(
            Court(surroundings.overlay, surroundings.kinds, defences, provider.trust(), nearer),
            defences.conviction,
            server=self._server,
            trace=self._trace,
            carry_out=self._exclude,
        )
        provider.pages[REPORTS] = self._hear

    def entry(self, configuration: Configuration, *, new: NodeID | None = None) -> Peer | None:
        """The peer that a new configuration is given to first: a bootstrap node, if one may take part.

        Not one that is ``new`` there by this very configuration: nobody would listen to it yet.
        """
        able = [node for node in self._peers() if node.node_id not in (*configuration.bad_nodes, new)]
        named = [node for node in able if node.address in configuration.bootstrap_nodes]
        return next((node.peer for node in (*named, *able)), None)

    def _hear(self, report: bytes) -> bytes:
        """Judge a report; the answer is the configuration as it is then."""
        self.docket.hear(report, self._loop.time())
        return self._provider.configuration.document

    def _exclude(self, node_id: NodeID, seconds: float) -> None:
        now = self._loop.time()
        if not self._provider.registrar.knows(node_id):
            return
        if seconds == FOR_GOOD:
            self.pass_on(self._provider.revoke(node_id, now))
        else:
            self.pass_on(self._provider.suspend(node_id, now))
            self._loop.call_later(seconds, self._readmit, node_id)

    def _readmit(self, node_id: NodeID) -> None:
        now = self._loop.time()
        self.pass_on(self._provider.readmit(node_id, now), new=node_id)

    def pass_on(self, configuration: Configuration, *, new: NodeID | None = None) -> None:
        """Give a new configuration to one peer, which tells the others."""
        peer = self.entry(configuration, new=new)
        if peer is not None:
            peer.spawn(self._hand_in(peer), "take configuration")

    async def _hand_in(self, peer: Peer) -> None:
        with suppress(P2PSIPError):
            await self._operations.hand_in(peer)
