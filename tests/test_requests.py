"""How a peer's own requests end, and messages that come in pieces (RFC 6940 §6.2.1, §6.3.3.1, §6.7)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from p2psip_min import procedures
from p2psip_min.errors import DropReason, ErrorAnswer, RemoteFault, RequestTimedOut
from p2psip_min.ids import NodeID, ResourceID
from p2psip_min.procedures.lookup import ask
from p2psip_min.trace import MessageSent, RequestFailed, RequestRetransmitted, StoreAcknowledged
from p2psip_min.wire.address import IpAddressPort
from p2psip_min.wire.codec import encode
from p2psip_min.wire.data import SingleValue
from p2psip_min.wire.fragments import fragment
from p2psip_min.wire.header import LAST_FRAGMENT, open_envelope
from p2psip_min.wire.kinds import TURN_SERVICE, AccessPolicy, DataModel, KindSpec, TurnServer
from p2psip_min.wire.message import encode_contents
from p2psip_min.wire.messages import (
    ErrorCode,
    JoinReq,
    MessageCode,
    PingAns,
    PingReq,
    ProbeReq,
    StoreAns,
)
from tests.crafting import (
    TRANSACTION,
    Hand,
    Scene,
    Silent,
    close_all,
    drops,
    equip_forwarding,
    patched,
    small,
    trace_of,
)

BIG = KindSpec(0xF0000001, "BIG", DataModel.SINGLE, AccessPolicy.USER_MATCH, 1, 9000)


@pytest.fixture(autouse=True)
def closing() -> Iterator[None]:
    """End the overlays of a test."""
    yield
    close_all()


@pytest.fixture
def scene() -> Scene:
    return Scene()


# --- fragments -----------------------------------------------------------------------------------------------------


def test_fragments_that_stay_alone_are_given_up_after_15_s(scene: Scene) -> None:
    pieces = fragment(scene.ping(contents=encode_contents(PingReq(bytes(2000)))), 1000)
    assert len(pieces) >= 3
    scene.hand.send(scene.victim, pieces[0], 14.5)
    assert drops(scene.overlay, scene.victim) == []
    scene.overlay.advance(1.0)
    assert drops(scene.overlay, scene.victim, TRANSACTION) == [DropReason.REASSEMBLY_TIMEOUT]
    for piece in pieces[1:]:
        scene.hand.send(scene.victim, piece, 1.0)
    assert not scene.hand.answers(TRANSACTION)


def test_fragments_in_any_order_make_the_message(scene: Scene) -> None:
    (whole,) = [scene.ping(contents=encode_contents(PingReq(bytes(2000))))]
    for piece in fragment(whole, 1000)[::-1]:
        scene.hand.send(scene.victim, piece)
    (answer,) = scene.hand.answers(TRANSACTION)
    assert answer.code == MessageCode.PING_ANS


def test_a_fragment_that_is_too_small_is_malformed(scene: Scene) -> None:
    data = patched(scene.ping(contents=b"\0\x17" + bytes(40)), 12, b"\x80\0\0\0")
    assert not open_envelope(data).fragment & LAST_FRAGMENT
    data = patched(data[:200], 16, (200).to_bytes(4, "big"))
    assert scene.dropped(data) == [DropReason.MALFORMED]


def test_what_fragments_make_is_measured_as_a_whole(scene: Scene) -> None:
    pieces = fragment(scene.ping(contents=encode_contents(PingReq(bytes(6000)))), 1500)
    for piece in pieces:
        scene.hand.send(scene.victim, piece)
    assert drops(scene.overlay, scene.victim, TRANSACTION) == [DropReason.TOO_LARGE]


@dataclass(slots=True)
class Splitting:
    """Links that carry no more than ``mtu`` bytes at once."""

    inner: Any
    mtu: int
    split: list[int] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def send(self, node_id: NodeID, message: bytes) -> bool:
        pieces = fragment(message, self.mtu)
        if len(pieces) > 1:
            self.split.append(len(pieces))
        return all([self.inner.send(node_id, piece) for piece in pieces])


class SplittingLinks(Splitting):
    """The same, with places for the callbacks that a peer sets."""

    on_message: Any
    on_opened: Any
    on_failed: Any
    on_undelivered: Any


@pytest.mark.parametrize("everybody", [False, True], ids=["a forwarder", "everybody"])
def test_a_store_of_49_kb_arrives_in_pieces(everybody: bool) -> None:
    overlay = small(16, kinds=(BIG,), neighbors=1, fingers=4)
    owner = overlay.peers()[3]
    place = overlay.place_of(owner.name, BIG.id)
    way = overlay.route(owner.name, place)
    assert len(way) >= 2, "the way to the root leads over somebody else"
    splitters = []
    for node in overlay.peers() if everybody else way[:1]:
        links = SplittingLinks(node.peer.parts.links, 1200)
        splitters.append(links)
        node.peer.equip(replace(node.peer.parts, links=links))
    value = bytes(range(256)) * 14 + bytes(100)
    stored = overlay.run(procedures.store(owner.peer, place, BIG.id, (SingleValue(True, value),)))
    assert stored.generation == 1
    overlay.advance(5)
    # The copies are the larger messages: they bring the owner's certificate beside the sender's.
    sizes = [len(event.message) for event in trace_of(overlay).select(MessageSent, code=MessageCode.STORE_REQ)]
    assert 4850 <= max(sizes) <= 5000
    assert sum(len(held) for held in overlay.records().values()) == 2, "with one neighbor on each side, one replica"
    assert any(links.split for links in splitters)
    (found,) = overlay.run(procedures.fetch(overlay.peers()[9].peer, place, BIG.id))
    assert found.stored.value.value == value


def test_what_is_larger_than_the_overlay_allows_never_leaves() -> None:
    overlay = small(4, kinds=(BIG,))
    owner = next(node for node in overlay.peers() if overlay.root(overlay.place_of(node.name, BIG.id)) is not node)
    place = overlay.place_of(owner.name, BIG.id)
    with pytest.raises(RequestTimedOut):
        overlay.run(procedures.store(owner.peer, place, BIG.id, (SingleValue(True, bytes(5000)),)))
    assert set(drops(overlay, owner)) == {DropReason.TOO_LARGE}


# --- requests -------------------------------------------------------------------------------------------------------


def outcome(scene: Scene, silent: int, error: int | None = None) -> tuple[Any, list[float], float]:
    """What comes of a Ping to a victim that discards so many messages; when it was sent; how long it took."""
    scene.overlay.turn(scene.victim.name, equip_forwarding(lambda inner: Silent(inner, silent, error)))
    asker, start = scene.third.peer, scene.overlay.now
    task = asker.spawn(procedures.ping(asker, scene.victim.node_id), "ping")
    assert task is not None
    while not task.done():
        scene.overlay.advance(0.125)
    sent = trace_of(scene.overlay).select(MessageSent, node=asker.node_id, code=MessageCode.PING_REQ)
    ended = scene.overlay.now - start
    return task.exception() or task.result(), [event.t - start for event in sent], ended


def test_a_request_is_sent_five_times_and_given_up_after_15_s(scene: Scene) -> None:
    result, sent, ended = outcome(scene, 99)
    assert isinstance(result, RequestTimedOut)
    assert sent == [0.0, 3.0, 6.0, 9.0, 12.0]
    assert ended == 15.0
    trace = trace_of(scene.overlay)
    assert [event.attempt for event in trace.select(RequestRetransmitted)] == [2, 3, 4, 5]
    assert [event.code for event in trace.select(RequestFailed)] == [ErrorCode.REQUEST_TIMEOUT]
    assert drops(scene.overlay, scene.victim) == [DropReason.DISCARDED] * 5


def test_a_request_that_is_answered_late_is_not_sent_again(scene: Scene) -> None:
    result, sent, ended = outcome(scene, 2)
    assert result == scene.victim.node_id
    assert sent == [0.0, 3.0, 6.0]
    assert ended < 7.0
    scene.overlay.advance(30)
    assert len(list(trace_of(scene.overlay).select(MessageSent, code=MessageCode.PING_REQ))) == 3


def test_an_error_answer_is_definite(scene: Scene) -> None:
    with pytest.raises(ErrorAnswer) as error:
        scene.overlay.run(scene.third.peer.request((scene.victim.node_id,), JoinReq(scene.third.node_id)))
    assert error.value.code == ErrorCode.FORBIDDEN
    assert error.value.info
    assert [event.code for event in trace_of(scene.overlay).select(RequestFailed)] == [ErrorCode.FORBIDDEN]


def test_an_error_made_on_the_way_is_only_a_hint() -> None:
    overlay = small(16, neighbors=1, fingers=4)
    asker = overlay.peers()[0]
    key = next(
        node.node_id for node in overlay.peers() if len(overlay.route(asker.name, ResourceID(node.node_id))) >= 2
    )
    between = overlay.route(asker.name, ResourceID(key))[0]
    overlay.turn(between.name, equip_forwarding(lambda inner: Silent(inner, 1, ErrorCode.TTL_EXCEEDED)))
    assert overlay.run(procedures.ping(asker.peer, key)) == key
    assert drops(overlay, asker) == [DropReason.WRONG_RESPONDER]
    assert len(list(trace_of(overlay).select(RequestRetransmitted, node=asker.node_id))) == 1


def test_an_answer_from_another_node_than_the_one_asked_does_not_count(scene: Scene) -> None:
    scene.overlay.turn(scene.victim.name, equip_forwarding(lambda inner: Silent(inner, 1)))
    asker = scene.third.peer
    task = asker.spawn(procedures.ping(asker, scene.victim.node_id), "ping")
    scene.overlay.advance(1)
    (sent,) = trace_of(scene.overlay).select(MessageSent, node=asker.node_id, code=MessageCode.PING_REQ)
    data = scene.hand.message((scene.third.node_id,), PingAns(1, 2), transaction_id=sent.transaction_id)
    scene.hand.send(scene.third, data, 1.0)
    assert drops(scene.overlay, scene.third) == [DropReason.WRONG_RESPONDER]
    scene.overlay.advance(2)
    assert task is not None
    assert task.result() == scene.victim.node_id


def test_an_answer_for_a_key_from_farther_away_than_a_neighbor_does_not_count() -> None:
    overlay = small(8)
    attacker, *_, owner, asker = overlay.peers()
    key = ResourceID(owner.node_id)
    overlay.turn(owner.name, equip_forwarding(lambda inner: Silent(inner, 1)))
    task = asker.peer.spawn(ask(asker.peer, key, PingReq()), "ask")
    overlay.advance(1)
    (sent,) = trace_of(overlay).select(MessageSent, node=asker.node_id, code=MessageCode.PING_REQ)
    hand = Hand(overlay, attacker.name)
    hand.send(asker, hand.message((asker.node_id,), PingAns(1, 2), transaction_id=sent.transaction_id), 1.0)
    assert drops(overlay, asker) == [DropReason.WRONG_RESPONDER]
    overlay.advance(3)
    assert task is not None
    assert task.result().signer == owner.node_id


def test_an_answer_is_no_longer_than_the_asker_wants(scene: Scene) -> None:
    body = ProbeReq((2,) * 20)
    assert scene.hand.error(scene.victim, body, max_response_length=600) == ErrorCode.RESPONSE_TOO_LARGE
    (answer,) = scene.hand.ask(scene.victim, body, max_response_length=3000)
    assert len(answer.body.probe_info) == 20


def test_an_answer_is_no_longer_than_the_overlay_allows() -> None:
    """The answer to a Fetch brings one certificate more than the store of the value had."""
    overlay = small(4, kinds=(BIG,))
    owner, reader, *_ = overlay.peers()
    place = overlay.place_of(owner.name, BIG.id)
    overlay.run(procedures.store(owner.peer, place, BIG.id, (SingleValue(True, bytes(4150)),)))
    with pytest.raises(ErrorAnswer) as error:
        overlay.run(procedures.fetch(reader.peer, place, BIG.id))
    assert error.value.code == ErrorCode.RESPONSE_TOO_LARGE


def test_a_node_that_has_stopped_asks_nothing(scene: Scene) -> None:
    peer = scene.third.peer
    scene.overlay.turn(scene.victim.name, equip_forwarding(lambda inner: Silent(inner, 99)))
    waiting = [scene.overlay.loop.create_task(procedures.ping(peer, scene.victim.node_id)) for _ in range(2)]
    scene.overlay.advance(1)
    scene.overlay.crash(scene.third.name)
    scene.overlay.advance(1)
    for task in waiting:
        assert isinstance(task.exception(), RequestTimedOut)
    with pytest.raises(RemoteFault):
        scene.overlay.run(procedures.ping(peer, scene.victim.node_id))
    scene.overlay.advance(30)
    assert not list(trace_of(scene.overlay).select(RequestRetransmitted))


def test_a_store_that_comes_again_is_answered_alike_for_15_s() -> None:
    overlay = small(4, kinds=(BIG,))
    owner = next(node for node in overlay.peers() if overlay.root(overlay.place_of(node.name, BIG.id)) is not node)
    root = overlay.root(overlay.place_of(owner.name, BIG.id))
    overlay.put(owner.name, BIG.id, b"once")
    (sent,) = trace_of(overlay).select(MessageSent, node=owner.node_id, code=MessageCode.STORE_REQ)
    hand = Hand(overlay, owner.name)
    for _ in range(2):
        hand.send(root, sent.message)
    first, second = hand.answers(sent.transaction_id)
    assert first.code == second.code == MessageCode.STORE_ANS
    assert first.body == second.body
    overlay.advance(15)
    hand.send(root, sent.message)
    *_, late = hand.answers(sent.transaction_id)
    assert late.body.error_code == ErrorCode.DATA_TOO_OLD
    assert [record.generation for record in overlay.records()[root.node_id]] == [1]


# --- answers that make no sense ------------------------------------------------------------------------------------


@pytest.mark.parametrize("routing", ["recursive", "iterative"])
def test_an_answer_of_another_method_is_no_answer(routing: str) -> None:
    """Else a hostile peer could end a procedure, or a node's maintenance, with a body that nobody expects."""
    overlay = small(8, routing=routing)
    asking, *others = overlay.peers()
    for node in others:
        node.peer.handlers = dict.fromkeys(node.peer.handlers, lambda peer, received: PingAns(1, 2))
    place = overlay.place_of(others[2].name, TURN_SERVICE)
    with pytest.raises(RequestTimedOut):
        overlay.run(procedures.fetch(asking.peer, place, TURN_SERVICE))
    with pytest.raises(RequestTimedOut):
        overlay.run(procedures.attach(asking.peer, (others[4].node_id,)))
    assert set(drops(overlay, asking)) == {DropReason.UNSOLICITED}


def test_an_answer_to_a_store_that_leaves_out_the_kind_acknowledges_nothing() -> None:
    overlay = small(8)
    owner, *others = overlay.peers()
    for node in others:
        node.peer.handlers = {**node.peer.handlers, MessageCode.STORE_REQ: lambda peer, received: StoreAns(())}
    places = [ResourceID.of(bytes(owner.node_id) + bytes((i,))) for i in range(1, 21)]
    at, place = next((at, place) for at, place in enumerate(places, 1) if overlay.root(place) is not owner)
    value = SingleValue(True, encode(TurnServer(at, IpAddressPort("10.0.0.1", 3478))))
    with pytest.raises(RemoteFault, match="leaves out"):
        overlay.run(procedures.store(owner.peer, place, TURN_SERVICE, (value,)))
    assert not list(trace_of(overlay).select(StoreAcknowledged))
