"""Messages made by hand, and what became of them: for tests that act as a node which keeps no rules."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from typing import Any

from p2psip_min.enrollment.certificates import Credential
from p2psip_min.errors import DropReason
from p2psip_min.ids import Destination, NodeID
from p2psip_min.overlay import Node, Overlay
from p2psip_min.trace import MessageDropped, Trace
from p2psip_min.view import View
from p2psip_min.wire.header import encode_destinations
from p2psip_min.wire.message import Message, MessageExtension, decode_message, encode_contents, encode_message
from p2psip_min.wire.message import message_input as input_of
from p2psip_min.wire.messages import MessageCode
from p2psip_min.wire.security import SecurityBlock, SignerIdentity, encode_identity, encode_security, identity_of, sign

_transactions = count(0x5EED_0001)


def small(peers: int = 4, *, links: str = "plain", **settings: Any) -> Overlay:
    """A settled overlay where nothing happens but by request, unless ``settings`` say otherwise."""
    return Overlay(**({"peers": peers, "links": links, "seed": 5, "maintenance": False, "servers": 0} | settings))


def trace_of(overlay: Overlay) -> Trace:
    """The overlay's full trace."""
    assert isinstance(overlay.trace, Trace)
    return overlay.trace


class Hand:
    """Makes messages in the name of one node, or of another ``credential``, and sends them over the node's links."""

    def __init__(self, overlay: Overlay, name: str, credential: Credential | None = None) -> None:
        self.overlay = overlay
        self.node = overlay.node(name)
        self.credential = credential or self.node.peer.parts.identity

    def message(
        self,
        destinations: Sequence[Destination],
        body: Any,
        *,
        transaction_id: int | None = None,
        extensions: tuple[MessageExtension, ...] = (),
        code: int | None = None,
        contents: bytes | None = None,
        security: bytes | None = None,
        identity: SignerIdentity | None = None,
        certificates: tuple[bytes, ...] | None = None,
        **header: Any,
    ) -> bytes:
        """A signed message; ``header`` are fields of the forwarding header."""
        peer = self.node.peer
        transaction = next(_transactions) if transaction_id is None else transaction_id
        contents = encode_contents(body, extensions, code=code) if contents is None else contents
        fields: dict[str, Any] = {
            "overlay": peer.surroundings.overlay,
            "configuration_sequence": peer.configuration.sequence,
            "ttl": peer.configuration.initial_ttl,
            "transaction_id": transaction,
            "destinations": encode_destinations(tuple(destinations)),
        }
        fields |= header
        if security is None:
            identity = identity_of(self.credential.certificate) if identity is None else identity
            covered = input_of(fields["overlay"], transaction, contents, encode_identity(identity))
            signature = sign(self.credential.private_key, identity, covered)
            bucket = (self.credential.certificate,) if certificates is None else certificates
            security = encode_security(SecurityBlock(bucket, signature))
        return encode_message(contents=contents, security=security, **fields)

    def send(self, to: Node, data: bytes, wait: float = 2.0) -> None:
        """Give bytes to the link with ``to`` and let them arrive."""
        self.overlay.driver.call(lambda: View(self.node.peer).send(to.node_id, data))
        self.overlay.advance(wait)

    def answers(self, transaction_id: int) -> list[Message]:
        """What came back: the node's own peer has asked nothing, and so drops it."""
        kinds = self.node.peer.surroundings.kinds
        return [
            decode_message(event.message, kinds)
            for event in trace_of(self.overlay).select(
                MessageDropped, node=self.node.node_id, transaction_id=transaction_id, reason=DropReason.UNSOLICITED
            )
        ]

    def ask(self, to: Node, body: Any, *, wait: float = 2.0, **fields: Any) -> list[Message]:
        """Send one request to a linked node and return its answers."""
        transaction = next(_transactions)
        self.send(to, self.message((to.node_id,), body, transaction_id=transaction, **fields), wait)
        return self.answers(transaction)

    def error(self, to: Node, body: Any, **fields: Any) -> int:
        """The code of the error that is the only answer."""
        (answer,) = self.ask(to, body, **fields)
        assert answer.code == MessageCode.ERROR
        return int(answer.body.error_code)


def drops(overlay: Overlay, at: Node, transaction_id: int | None = None) -> list[str]:
    """Why a node dropped messages, of one transaction or all."""
    wanted: dict[str, Any] = {} if transaction_id is None else {"transaction_id": transaction_id}
    return [event.reason for event in trace_of(overlay).select(MessageDropped, node=at.node_id, **wanted)]


def unlinked(overlay: Overlay) -> tuple[Node, Node]:
    """Two peers of a sparse overlay that have no link and no address of each other."""
    for one in overlay.peers():
        for other in overlay.peers():
            if one is not other and not one.peer.links.connected(other.node_id):
                return one, other
    raise AssertionError("everybody is linked with everybody")


def names(nodes: Sequence[NodeID], overlay: Overlay) -> list[str]:
    """Names of nodes, for messages of tests."""
    return [overlay.node(node).name for node in nodes]
