"""A run written by hand: RP-2 on 32 peers, as the overlay would have traced it, with real messages."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

from cryptography.hazmat.primitives.asymmetric import ec

from lab.film import Film
from lab.frames import NodeKind, World
from p2psip_min import clock
from p2psip_min import trace as ev
from p2psip_min.ids import RING, NodeID, ResourceID, overlay_hash
from p2psip_min.wire.data import (
    DictionaryEntry,
    FetchKindResponse,
    StoredData,
    StoreKindData,
    encode_value,
    signed_input,
    signed_value,
)
from p2psip_min.wire.header import encode_destination
from p2psip_min.wire.kinds import SIP_REGISTRATION, SipRegistration, SipRegistrationType, encode_sip_registration
from p2psip_min.wire.message import encode_contents, encode_message
from p2psip_min.wire.messages import (
    ErrorResponse,
    FetchAns,
    FetchReq,
    StoreAns,
    StoredDataSpecifier,
    StoreKindResponse,
    StoreReq,
)
from p2psip_min.wire.security import SecurityBlock, Signature, SignerIdentity, encode_identity, encode_security, sign

AOR = "alice@overlay.net"


def peers(count: int) -> list[NodeID]:
    """Peers at equal steps, p00 first."""
    return [NodeID.from_int(place * (RING // count) + RING // (3 * count)) for place in range(count)]


@dataclass
class Story:
    """Builds the trace event by event; times in virtual seconds."""

    count: int = 32
    refused: bool = False
    events: list[ev.Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.key = ec.derive_private_key(7, ec.SECP256R1())
        self.ring = peers(self.count)
        self.alice, self.bob = NodeID(b"\xa1" * 16), NodeID(b"\xb0" * 16)
        self.server = NodeID(b"\xee" * 16)
        self.resource = ResourceID(bytes(NodeID.from_int(int.from_bytes(self.p(7), "big") - RING // (2 * self.count))))
        self.identity = SignerIdentity(1, 4, bytes(range(32)))
        self.transaction = 0x1000

    def p(self, number: int) -> NodeID:
        return self.ring[number * self.count // 32 % self.count]

    @property
    def world(self) -> World:
        names: dict[bytes, str] = {
            node: f"p{place:0{2 if self.count < 100 else 3}}" for place, node in enumerate(self.ring)
        }
        kinds: dict[bytes, NodeKind] = dict.fromkeys(self.ring, NodeKind.PEER)
        kinds |= {
            self.alice: NodeKind.CLIENT,
            self.bob: NodeKind.CLIENT,
            self.server: NodeKind.SERVER,
            self.p(3): NodeKind.BOOTSTRAP,
        }
        names |= {self.alice: "alice", self.bob: "bob", self.server: "enrollment server"}
        steps = [1, 2, 3, 4, 8, 16]
        fingers: dict[bytes, tuple[bytes, ...]] = {
            node: tuple(self.ring[(place + step) % self.count] for step in steps)
            for place, node in enumerate(self.ring)
        }
        return World(
            names=names,
            kinds=kinds,
            hostile=frozenset({self.p(27)}),
            keepers=frozenset({self.p(27)}),
            people={self.p(27): "mallory"},
            attachments={self.alice: self.p(13), self.bob: self.p(17)},
            fingers=fingers,
            resources={self.resource: AOR},
            subject=self.resource,
            owner="alice",
        )

    # --- messages ------------------------------------------------------------------------------------------

    def stored(self, t: float, address: str) -> StoredData:
        value = encode_sip_registration(SipRegistration(SipRegistrationType.URI, uri=address))
        entry = DictionaryEntry(self.alice, True, value)
        stamp = clock.milliseconds(t)
        identity = encode_identity(self.identity)
        made = sign(
            self.key,
            self.identity,
            signed_input(self.resource, SIP_REGISTRATION, stamp, signed_value(entry), identity),
        )
        assert isinstance(made, Signature)
        assert encode_value(entry)
        return StoredData(stamp, 3600, entry, made)

    def message(self, body: object, destination: NodeID | ResourceID) -> bytes:
        contents = encode_contents(body)
        signature = sign(self.key, self.identity, contents)
        return encode_message(
            overlay=overlay_hash("overlay.net"),
            configuration_sequence=1,
            ttl=98,
            transaction_id=self.transaction,
            destinations=encode_destination(destination),
            contents=contents,
            security=encode_security(SecurityBlock((bytes(400),), signature)),
        )

    def hop(self, t: float, code: int, way: list[NodeID], message: bytes, step: float = 0.035) -> float:
        """Carry a message along ``way``; the time when it is delivered at the end."""
        for place, (here, there) in enumerate(pairwise(way)):
            if place == 0:
                self.events.append(ev.MessageSent(t, here, self.transaction, code, there, message))
            else:
                self.events.append(ev.MessageForwarded(t, here, self.transaction, code, way[place - 1], there, message))
            t += step
        self.events.append(ev.MessageDelivered(t, way[-1], self.transaction, code, way[-2], b"", message))
        return t

    # --- the story -----------------------------------------------------------------------------------------

    def put(self, t: float, way: list[NodeID], stored: StoredData, before: int = 0) -> float:
        """A store along ``way``, its copies and its answer."""
        self.transaction += 1
        transaction = self.transaction
        body = StoreReq(self.resource, 0, (StoreKindData(SIP_REGISTRATION, 0, (stored,)),))
        t = self.hop(t, 7, way, self.message(body, self.resource))
        root = way[-1]
        if self.refused and stored.storage_time < before:
            reason = "storage time not above the stored one"
            self.events.append(ev.StoreRejected(t, root, transaction, self.resource, SIP_REGISTRATION, reason))
            self.hop(t, 0xFFFF, way[::-1], self.message(ErrorResponse(9, b""), way[0]))
            return t
        self.record(t, root, stored, 0, before)
        replicas = (self.p(8), self.p(9))
        copies = []
        for replica, node in enumerate(replicas, 1):
            self.transaction += 1
            copy = StoreReq(self.resource, replica, (StoreKindData(SIP_REGISTRATION, 0, (stored,)),))
            self.events.append(ev.MessageSent(t, root, self.transaction, 7, node, self.message(copy, node)))
            copies.append((self.transaction, node, replica, copy))
        held, self.transaction = self.transaction, transaction
        answer = self.message(StoreAns((StoreKindResponse(SIP_REGISTRATION, 1, replicas),)), way[0])
        later: list[ev.Event] = []
        self.events, later = later, self.events
        end = self.hop(t, 8, way[::-1], answer)
        self.events.append(ev.StoreAcknowledged(end, way[0], transaction, self.resource, SIP_REGISTRATION, 1, replicas))
        for number, node, replica, copy in copies:
            self.transaction = number
            arrival = t + 0.02 + 0.004 * replica
            message = self.message(copy, node)
            self.events.append(ev.MessageDelivered(arrival, node, number, 7, root, b"", message))
            self.record(arrival, node, stored, replica, before)
            self.hop(arrival, 8, [node, root], self.message(StoreAns(()), root), 0.02)
        self.events = later + sorted(self.events, key=lambda event: event.t)
        self.transaction = held
        return end

    def record(self, t: float, node: NodeID, stored: StoredData, replica: int, before: int) -> None:
        value = stored.value
        assert isinstance(value, DictionaryEntry)
        common = (t, node, self.transaction, self.resource, SIP_REGISTRATION, value.key, stored.storage_time)
        if before:
            self.events.append(ev.RecordReplaced(*common, AOR, replica, value.value, before))
        else:
            self.events.append(ev.RecordStored(*common, AOR, replica, value.value))

    def get(self, t: float, way: list[NodeID], stored: StoredData) -> float:
        self.transaction += 1
        request = FetchReq(self.resource, (StoredDataSpecifier(SIP_REGISTRATION, 0, None, ()),))
        t = self.hop(t, 9, way, self.message(request, self.resource))
        answer = FetchAns((FetchKindResponse(SIP_REGISTRATION, 1, (stored,)),))
        t = self.hop(t, 10, way[::-1], self.message(answer, way[0]))
        value = stored.value
        assert isinstance(value, DictionaryEntry)
        where = (self.resource, SIP_REGISTRATION, value.key, stored.storage_time)
        self.events.append(ev.ValueRead(t, self.bob, self.transaction, *where, AOR, True, value.value))
        return t

    def tell(self) -> Story:
        """Alice stores, moves, stores again; mallory resends the first store; bob asks."""
        p, root = self.p, self.p(7)
        one, two = self.stored(0.0, "sip:alice@192.0.2.10"), self.stored(30.0, "sip:alice@198.51.100.24")
        self.put(0.0, [self.alice, p(13), p(27), root], one)
        self.events.append(ev.ClientAttached(29.0, self.alice, 0, p(23)))
        self.put(30.0, [self.alice, p(23), p(0), root], two, one.storage_time)
        self.put(38.4, [p(27), root], one, two.storage_time)
        self.get(41.0, [self.bob, p(17), p(0), root], two if self.refused else one)
        return self

    def film(self) -> Film:
        return Film(self.world, self.events)
