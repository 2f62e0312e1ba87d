"""Attacks by a peer on the way that answers in the place of who is responsible (draft 5.2 second issue, 11.2)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, ClassVar

from p2psip_min.application import sip
from p2psip_min.application.telephone import APPLICATION, Telephone
from p2psip_min.attacks.forging import Pen, answered
from p2psip_min.clock import milliseconds
from p2psip_min.errors import Malformed
from p2psip_min.ids import NodeID
from p2psip_min.routing.forwarding import Decision, Forward
from p2psip_min.routing.topology.base import TopologyPlugin
from p2psip_min.seams import Coalition, Forwarding, PeerParts
from p2psip_min.wire.address import IpAddressPort
from p2psip_min.wire.codec import encode
from p2psip_min.wire.data import DictionaryEntry, FetchKindResponse, StoredDataValue
from p2psip_min.wire.header import Envelope, decode_destinations
from p2psip_min.wire.kinds import SIP_REGISTRATION, SipRegistration, SipRegistrationType
from p2psip_min.wire.messages import AppAttachAns, AppAttachReq, FetchAns, FetchReq, MessageCode, RouteQueryAns

LIFETIME = 3600

Lie = Callable[[Any, float], Any]
"""The body of the answer to a request with some body at some virtual second; None: the request may go on."""


class FalseRecord:
    """KB-10: answers every Fetch that it should pass on with a record of its own making, ``content``."""

    breaks: ClassVar[tuple[str, ...]] = ("passes_contents_on_as_they_are", "names_whom_it_would_send_to")
    """The clauses of the seams that a node with this forwarding does not keep."""

    def __init__(self, content: StoredDataValue) -> None:
        self.content = content

    def equip(self, parts: PeerParts, coalition: Coalition) -> PeerParts:
        """Sit on the node's forwarding."""
        return answering(parts, {MessageCode.FETCH_REQ: invention(Pen(parts), self.content)})


def invention(pen: Pen, content: StoredDataValue, kinds: tuple[int, ...] = ()) -> Lie:
    """``content`` for every Kind that is asked for, or for these only."""

    def lie(asked: FetchReq, now: float) -> FetchAns | None:
        wanted = [each.kind for each in asked.specifiers if not kinds or each.kind in kinds]
        sealed = [pen.seal(asked.resource, kind, content, milliseconds(now), LIFETIME) for kind in wanted]
        groups = [FetchKindResponse(kind, 1, (each,)) for kind, each in zip(wanted, sealed, strict=True)]
        return FetchAns(tuple(groups)) if groups else None

    return lie


class FalseDenial:
    """KB-11: answers every Fetch that it should pass on as if there were nothing to find."""

    breaks: ClassVar[tuple[str, ...]] = ("passes_contents_on_as_they_are", "names_whom_it_would_send_to")
    """The clauses of the seams that a node with this forwarding does not keep."""

    def equip(self, parts: PeerParts, coalition: Coalition) -> PeerParts:
        """Sit on the node's forwarding."""

        def lie(asked: FetchReq, now: float) -> FetchAns:
            return FetchAns(tuple(FetchKindResponse(each.kind, 0, ()) for each in asked.specifiers))

        return answering(parts, {MessageCode.FETCH_REQ: lie})


class FalseContact:
    """KB-12: says that whoever is looked up is reached at its own phone, and takes calls that it should pass on."""

    breaks: ClassVar[tuple[str, ...]] = ("names_whom_it_would_send_to",)
    """The clauses of the seams that a node with this forwarding does not keep."""

    def equip(self, parts: PeerParts, coalition: Coalition) -> PeerParts:
        """Sit on the node's forwarding and on its phone, if it has one."""
        me = parts.topology.node_id
        contact = SipRegistration(SipRegistrationType.ROUTE, contact_prefs="(sip.schemes=SIP)", destination_list=(me,))
        entry = DictionaryEntry(bytes(me), True, encode(contact))
        lies: dict[int, Lie] = {MessageCode.FETCH_REQ: invention(Pen(parts), entry, (SIP_REGISTRATION,))}
        for usage in parts.usages:
            if isinstance(usage, Telephone):
                lies[MessageCode.APP_ATTACH_REQ] = _AnyName(usage).agree
        return answering(parts, lies)


class _AnyName:
    """A phone that goes by whatever name is called."""

    def __init__(self, phone: Telephone) -> None:
        self.phone = phone
        self.answer = phone.links.on_message
        phone.links.on_message = self.receive

    def receive(self, remote: NodeID, data: bytes) -> None:
        """Take the name that a caller asks for, then do what a phone does."""
        try:
            message = sip.decode(data)
        except Malformed:
            return
        if message.method == "INVITE":
            self.phone.aor = message.uri.removeprefix("sip:")
        self.answer(remote, data)

    def agree(self, asked: AppAttachReq, now: float) -> AppAttachAns | None:
        """Say that the one who was asked is reached at this phone."""
        if asked.application != APPLICATION:
            return None
        here = IpAddressPort(*self.phone.address)
        ways = tuple(replace(each, addr_port=here) for each in asked.candidates[:1])
        return AppAttachAns(asked.ufrag, asked.password, asked.application, b"active", ways)


def answering(parts: PeerParts, lies: Mapping[int, Lie]) -> PeerParts:
    """The parts of a node that answers such requests in the place of whoever should."""
    return replace(parts, forwarding=_Answering(parts.forwarding, parts.topology, Pen(parts), lies))


class _Answering:
    """Answers in the name of whoever should; asked by RouteQuery where to go, it says: to me."""

    def __init__(self, inner: Forwarding, topology: TopologyPlugin, pen: Pen, lies: Mapping[int, Lie]) -> None:
        self.inner = inner
        self.topology = topology
        self.pen = pen
        self.lies = {**lies, MessageCode.ROUTE_QUERY_REQ: self.to_me}

    def to_me(self, asked: Any, now: float) -> RouteQueryAns:
        """Whoever is looked for."""
        return RouteQueryAns(self.topology.node_id)

    def decide(self, envelope: Envelope, previous_hop: NodeID | None, now: float) -> Decision:
        decision = self.inner.decide(envelope, previous_hop, now)
        lie = self.lies.get(envelope.code)
        passes = isinstance(decision, Forward) or envelope.code == MessageCode.ROUTE_QUERY_REQ
        if previous_hop is None or lie is None or not passes or (message := self.pen.read(envelope)) is None:
            return decision
        body, asked = lie(message.body, now), decode_destinations(envelope.destinations)[-1]
        name = asked if isinstance(asked, NodeID) else self.topology.owner(asked)
        return (
            decision if body is None else Forward(previous_hop, answered(self.pen, message, previous_hop, body, name))
        )
