"""Messages made by hand, and what became of them: for tests that act as a node which keeps no rules."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

from p2psip_min.enrollment.certificates import Credential
from p2psip_min.errors import DropReason
from p2psip_min.ids import Destination, NodeID, ResourceID
from p2psip_min.overlay import Node, Overlay
from p2psip_min.routing.forwarding import Decision, Deliver, Drop, Forward
from p2psip_min.seams import Coalition, Equip, Forwarding, PeerParts
from p2psip_min.trace import MessageDropped, Trace
from p2psip_min.view import View
from p2psip_min.wire.address import IpAddressPort
from p2psip_min.wire.codec import encode
from p2psip_min.wire.header import Envelope, encode_destinations
from p2psip_min.wire.kinds import TURN_SERVICE, TurnServer
from p2psip_min.wire.message import Message, MessageExtension, decode_message, encode_contents, encode_message
from p2psip_min.wire.message import message_input as input_of
from p2psip_min.wire.messages import MessageCode, PingReq
from p2psip_min.wire.security import SecurityBlock, SignerIdentity, encode_identity, encode_security, identity_of, sign

TRANSACTION = 7

_transactions = count(0x5EED_0001)
_open: list[Overlay] = []

VALUE = encode(TurnServer(1, IpAddressPort("10.0.0.1", 3478)))


def small(peers: int = 4, *, links: str = "plain", **settings: Any) -> Overlay:
    """A settled overlay where nothing happens but by request, unless ``settings`` say otherwise."""
    chosen: dict[str, Any] = {"peers": peers, "links": links, "seed": 5, "maintenance": False, "servers": 0} | settings
    _open.append(Overlay(**chosen))
    return _open[-1]


def close_all() -> None:
    """End every overlay that ``small`` has made; a fixture of each module calls it."""
    while _open:
        _open.pop().close()


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


class Scene:
    """Four peers that all know each other; the first sends what it likes to the second, which keeps the rules."""

    def __init__(self, **settings: Any) -> None:
        self.overlay = small(**settings)
        self.attacker, self.victim, self.third, self.fourth = self.overlay.peers()[:4]
        self.hand = Hand(self.overlay, self.attacker.name)

    def ping(self, to: Node | None = None, **fields: Any) -> bytes:
        """A Ping for the victim or another node."""
        return self.to((to or self.victim).node_id, **fields)

    def to(self, *destinations: Destination, **fields: Any) -> bytes:
        """A Ping with this destination list."""
        return self.hand.message(destinations, PingReq(), transaction_id=TRANSACTION, **fields)

    def dropped(self, data: bytes) -> list[str]:
        """Why the victim drops these bytes."""
        self.hand.send(self.victim, data)
        return drops(self.overlay, self.victim, TRANSACTION)


def patched(data: bytes, at: int, new: bytes) -> bytes:
    """The message with other bytes at one place."""
    return data[:at] + new + data[at + len(new) :]


@dataclass(slots=True)
class Silent:
    """Discards the first ``count`` messages for others or itself that arrive, then does as it should."""

    inner: Forwarding
    count: int
    error: int | None = None

    def decide(self, envelope: Envelope, previous_hop: NodeID | None, now: float) -> Decision:
        decision = self.inner.decide(envelope, previous_hop, now)
        if previous_hop is not None and self.count and isinstance(decision, Forward | Deliver):
            self.count -= 1
            return Drop(DropReason.DISCARDED, self.error)
        return decision


def equip_forwarding(make: Callable[[Forwarding], Forwarding]) -> Equip:
    """An attack on the forwarding alone."""

    def equip(parts: PeerParts, coalition: Coalition) -> PeerParts:
        return replace(parts, forwarding=make(parts.forwarding))

    return equip


def turn_servers(overlay: Overlay) -> list[ResourceID]:
    """Have every peer store where it relays; returns where these records lie."""
    owners = [node.name for node in overlay.peers()]
    for owner in owners:
        overlay.put(owner, TURN_SERVICE, VALUE, lifetime=86_400)
    return [overlay.place_of(owner, TURN_SERVICE) for owner in owners]
