"""A peer that changes what it passes on, and what its key is good for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from p2psip_min.attacks.tampering import GetTampering, PutTampering
from p2psip_min.defences import Defences
from p2psip_min.errors import DropReason, ErrorAnswer, NotFound, ReadReason, RequestTimedOut, StoreReason
from p2psip_min.ids import ResourceID
from p2psip_min.overlay import Node, Overlay
from p2psip_min.routing.forwarding import Forward
from p2psip_min.trace import MessageDropped, RecordStored, StoreRejected, ValueRejected
from p2psip_min.wire.address import IpAddressPort
from p2psip_min.wire.codec import encode
from p2psip_min.wire.header import open_envelope
from p2psip_min.wire.kinds import TURN_SERVICE, TurnServer
from p2psip_min.wire.messages import MessageCode, PingReq
from tests.crafting import Hand, close_all, small, trace_of

SENT = encode(TurnServer(1, IpAddressPort("10.0.0.1", 3478)))
CHANGED = encode(TurnServer(1, IpAddressPort("10.0.0.1", 3479)))


@pytest.fixture(autouse=True)
def closing() -> Iterator[None]:
    """End the overlays of a test."""
    yield
    close_all()


class Case:
    """An owner whose record is stored over mallory, and fetched over her."""

    def __init__(self, *defences: str) -> None:
        self.overlay: Overlay = small(24, defences=Defences().having(*defences))
        self.owner, self.mallory = self._behind()
        self.root = self.overlay.root(self.place)

    def _behind(self) -> tuple[Node, Node]:
        for owner in self.overlay.peers():
            self.place = ResourceID(self.overlay.place_of(owner.name, TURN_SERVICE))
            way = self.overlay.route(owner.name, self.place)
            if len(way) > 1:
                return owner, way[-2]
        raise AssertionError("everybody is next to everything")

    def put(self) -> None:
        self.overlay.put(self.owner.name, TURN_SERVICE, SENT)

    def get(self) -> tuple[bytes, ...]:
        return self.overlay.get(self.owner.name, self.owner.name, TURN_SERVICE)

    def stored(self) -> list[bytes]:
        return [event.value for event in trace_of(self.overlay).select(RecordStored, node=self.root.node_id)]

    def dropped(self, at: Node) -> set[str]:
        return {event.reason for event in trace_of(self.overlay).select(MessageDropped, node=at.node_id)}


def changing_puts(*defences: str) -> Case:
    case = Case(*defences)
    case.overlay.make_hostile(case.mallory.name, PutTampering().equip)
    return case


def changing_answers(*defences: str) -> Case:
    case = Case(*defences)
    case.put()
    case.overlay.make_hostile(case.mallory.name, GetTampering().equip)
    return case


@pytest.mark.parametrize("defences", [(), ("message-signature",), ("record-signature",), ("holder-signature",)])
def test_a_changed_put_is_stored_where_nobody_asks_who_may_write(defences: tuple[str, ...]) -> None:
    case = changing_puts(*defences)
    case.put()
    assert case.stored() == [CHANGED]


@pytest.mark.parametrize("defences", [("access-control",), ("record-signature", "access-control")])
def test_a_changed_put_is_signed_by_somebody_who_may_not_write_here(defences: tuple[str, ...]) -> None:
    case = changing_puts(*defences)
    with pytest.raises(ErrorAnswer):
        case.put()
    assert case.stored() == []
    (refused,) = trace_of(case.overlay).select(StoreRejected)
    assert refused.reason == StoreReason.ACCESS_DENIED


@pytest.mark.parametrize("defences", [(), ("message-signature",), ("record-signature",), ("holder-signature",)])
def test_a_changed_answer_is_believed_where_anybodys_signature_will_do(defences: tuple[str, ...]) -> None:
    assert changing_answers(*defences).get() == (CHANGED,)


def test_a_reader_misses_the_owners_signature() -> None:
    case = changing_answers("record-signature", "access-control")
    with pytest.raises(NotFound):
        case.get()
    (refused,) = trace_of(case.overlay).select(ValueRejected)
    assert refused.reason == ReadReason.ACCESS_DENIED


def test_a_reader_beside_the_key_knows_that_mallory_is_not_responsible() -> None:
    case = changing_answers("message-signature", "responder-check")
    with pytest.raises(RequestTimedOut):
        case.get()
    assert DropReason.WRONG_RESPONDER in case.dropped(case.owner)


def test_what_cannot_be_read_is_passed_on() -> None:
    case = changing_puts()
    node = case.mallory.peer
    hand = Hand(case.overlay, case.owner.name)
    data = hand.message((case.place,), PingReq(), code=int(MessageCode.STORE_REQ))
    decision = node.parts.forwarding.decide(open_envelope(data), case.owner.node_id, 0.0)
    assert isinstance(decision, Forward)
    assert open_envelope(decision.message).length > len(data)
