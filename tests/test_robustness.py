"""Damaged and hostile messages arrive over a link at a live peer, which neither changes state nor dies."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from p2psip_min import procedures
from p2psip_min.defences import preset
from p2psip_min.errors import ErrorAnswer
from p2psip_min.ids import ResourceID
from p2psip_min.overlay import Node, Overlay
from p2psip_min.trace import MessageDelivered, MessageDropped, MessageForwarded, MessageSent
from p2psip_min.view import View
from p2psip_min.wire.address import IpAddressPort
from p2psip_min.wire.codec import encode
from p2psip_min.wire.data import StoredDataSpecifier
from p2psip_min.wire.header import WHOLE, open_envelope
from p2psip_min.wire.kinds import TURN_SERVICE, TurnServer
from p2psip_min.wire.message import decode_message
from p2psip_min.wire.messages import FindReq, MessageCode, ProbeReq, RouteQueryReq, StatReq
from tests.crafting import Hand, close_all, small, trace_of

DAMAGED = 5000
SIGNED = 1500
EXTREMES = (0, 1, 2, 16, 17, 0x7F, 0x80, 0xFE, 0xFF)
HEADER = 38


@pytest.fixture(autouse=True)
def closing() -> Iterator[None]:
    """End the overlays of a test."""
    yield
    close_all()


def busy(links: str, **settings: Any) -> Overlay:
    """An overlay in which every kind of message has passed, and that has come to rest."""
    overlay = small(8, links=links, servers=1, **settings)
    overlay.reconfigure(turn_density=2)
    one, two, three = overlay.peers()[:3]
    overlay.add_client("alice", at=one.name)
    overlay.add_client("bob", at=two.name)
    overlay.register("alice")
    overlay.call("bob", "alice")
    for node in (one, two, three):
        overlay.put(node.name, TURN_SERVICE, encode(TurnServer(1, IpAddressPort("10.0.0.1", 3478))), lifetime=86_400)
        overlay.get(two.name, node.name, TURN_SERVICE)
    overlay.remove(two.name, TURN_SERVICE, lifetime=86_400)
    place = overlay.place_of(one.name, TURN_SERVICE)
    for body in (
        FindReq(place, (TURN_SERVICE,)),
        StatReq(place, (StoredDataSpecifier(TURN_SERVICE),)),
        ProbeReq((1, 2, 3)),
        RouteQueryReq(False, place),
    ):
        overlay.run(three.peer.request((place,), body))
    with pytest.raises(ErrorAnswer):
        overlay.run(procedures.app_attach(three.peer, (one.node_id,), 9, three.address))
    overlay.run(procedures.ping(one.peer, two.node_id))
    newcomer = overlay.add_peer()
    overlay.leave(newcomer.name)
    overlay.advance(60)
    return overlay


def captured(overlay: Overlay, attacker: Node) -> list[bytes]:
    """A message of each kind and size that others have sent, every kind as often as any other."""
    by_code: dict[int, dict[int, bytes]] = {}
    for event in trace_of(overlay).select(MessageSent):
        if event.node != attacker.node_id:
            by_code.setdefault(event.code, {})[len(event.message)] = event.message
    wanted = set(MessageCode) - {
        MessageCode.PATH_TRACK_REQ,
        MessageCode.PATH_TRACK_ANS,
    }
    assert set(by_code) >= wanted, f"nobody sent {[code.name for code in wanted - set(by_code)]}"
    return [message for sizes in by_code.values() for message in list(sizes.values())[-4:]]


def state(overlay: Overlay) -> dict[str, Any]:
    """All that a message could have changed at any node."""
    return {
        node.name: (
            node.alive,
            node.peer.joined,
            node.peer.topology.snapshot(),
            node.peer.topology.table(),
            sorted(entry for entry in node.peer.links.book.items() if overlay.node(entry[0]).alive),
            node.peer.configuration.sequence,
            list(node.peer.store.records()),
        )
        for node in overlay.nodes.values()
    }


def damaged(rng: random.Random, messages: list[bytes]) -> bytes:
    """A captured message with something wrong, or noise."""
    if rng.random() < 0.05:
        noise = rng.randbytes(rng.randrange(200))
        return noise if rng.random() < 0.5 else rng.choice(messages)[:HEADER] + noise
    data = bytearray(rng.choice(messages))
    for _ in range(1 + rng.getrandbits(1)):
        # Half of the damage hits the header, its lists and the first lengths of the body.
        at = rng.randrange(min(len(data), 130)) if rng.random() < 0.5 else rng.randrange(len(data))
        match rng.getrandbits(2):
            case 0:
                data[at] = rng.choice(EXTREMES)
            case 1:
                data[at] ^= 1 << rng.getrandbits(3)
            case 2:
                del data[at : at + 1 + rng.getrandbits(4)]
            case 3:
                data[at:at] = rng.randbytes(1 + rng.getrandbits(3))
    if rng.random() < 0.9 and len(data) >= HEADER:
        data[16:20] = len(data).to_bytes(4, "big")
    return bytes(data)


def unexplained(overlay: Overlay, victim: Node, sent: list[bytes], since: int) -> list[bytes]:
    """Messages of which the victim's trace does not say what became of them."""
    ended: Counter[bytes] = Counter()
    passed: set[tuple[int, bytes]] = set()
    joined: set[tuple[int, bytes]] = set()
    given_up: set[int] = set()
    for event in trace_of(overlay).events[since:]:
        if event.node != victim.node_id:
            continue
        if isinstance(event, MessageDropped | MessageDelivered):
            ended[event.message] += 1
            joined.add((event.transaction_id, event.message[-64:]))
            if not event.message:
                given_up.add(event.transaction_id)
        elif isinstance(event, MessageForwarded):
            passed.add((event.transaction_id, event.message[-64:]))
    lost = []
    for data in sent:
        if ended[data]:
            continue
        envelope = open_envelope(data)  # what can't be read at all has been dropped above
        tail = (envelope.transaction_id, data[-64:])
        # Of a fragment the header is made anew, even when the first is all.
        as_fragment = envelope.fragment != WHOLE and (envelope.transaction_id in given_up or tail in joined)
        if tail not in passed and not as_fragment:
            lost.append(data)
    return lost


@pytest.mark.parametrize("links", ["plain", "tls"])
def test_damaged_messages_change_nothing_and_kill_nobody(links: str) -> None:
    overlay = busy(links)
    attacker, victim = overlay.peers()[5], overlay.peers()[2]
    messages = captured(overlay, attacker)
    rng = random.Random(f"damage:{links}")
    sent = [damaged(rng, messages) for _ in range(DAMAGED)]
    before, since = state(overlay), len(overlay.trace)
    view = View(attacker.peer)
    for data in sent:
        assert view.send(victim.node_id, data)
        overlay.advance(0.0 if links == "plain" else 0.1)
    overlay.advance(DAMAGED * 0.2 + 60)
    assert state(overlay) == before
    assert not overlay.loop.pending_tasks
    assert not unexplained(overlay, victim, sent, since)
    reasons = Counter(event.reason for event in trace_of(overlay).select(MessageDropped, since=since))
    assert len(reasons) >= 12, reasons
    assert overlay.get(victim.name, victim.name, TURN_SERVICE)
    assert overlay.run(procedures.ping(attacker.peer, victim.node_id)) == victim.node_id


@pytest.mark.parametrize("links", ["plain", "tls"])
def test_whatever_a_member_signs_kills_nobody(links: str) -> None:
    """The contents are damaged before they are signed, so that they reach the handlers."""
    overlay = busy(links)
    attacker, victim = overlay.peers()[5], overlay.peers()[2]
    hand = Hand(overlay, attacker.name)
    kinds = victim.peer.surroundings.kinds
    contents = [decode_message(message, kinds).contents for message in captured(overlay, attacker)]
    rng = random.Random(f"signed:{links}")
    view, since = View(attacker.peer), len(overlay.trace)
    for _ in range(SIGNED):
        data = bytearray(rng.choice(contents))
        for _ in range(rng.getrandbits(2)):
            at = rng.randrange(6, len(data)) if len(data) > 6 else 0
            data[at] = rng.choice(EXTREMES) if rng.getrandbits(1) else data[at] ^ 1 << rng.getrandbits(3)
        view.send(victim.node_id, hand.message((victim.node_id,), None, contents=bytes(data)))
        overlay.advance(0.3)
    overlay.advance(1300)
    delivered = Counter(
        event.code for event in trace_of(overlay).select(MessageDelivered, since=since, node=victim.node_id)
    )
    assert len(delivered) >= 13, "every request's handler was reached"
    assert all(node.alive for node in overlay.nodes.values() if node.name != "p08")
    one = overlay.peers()[0]
    overlay.put(one.name, TURN_SERVICE, encode(TurnServer(2, IpAddressPort("10.0.0.2", 3478))))
    assert overlay.get(victim.name, one.name, TURN_SERVICE)


@pytest.mark.parametrize("routing", ["recursive", "iterative"])
def test_damaged_messages_kill_nobody_where_nothing_is_signed(routing: str) -> None:
    """There every word is believed, so the tables may change, but nobody falls over it."""
    overlay = busy("plain", defences=preset("none").having("strict-parser"), routing=routing)
    attacker, victim = overlay.peers()[4], overlay.peers()[2]
    messages = captured(overlay, attacker)
    rng = random.Random(f"unsigned:{routing}")
    view = View(attacker.peer)
    for _ in range(SIGNED):
        view.send(victim.node_id, damaged(rng, messages))
        overlay.advance(0.2)
    overlay.advance(1300)
    assert all(node.alive for node in overlay.nodes.values() if node.name != "p08")
    assert not overlay.loop.pending_tasks


NOISES: list[Callable[[Hand, Node], bytes]] = [
    lambda hand, to: b"",
    lambda hand, to: b"\xd2",
    lambda hand, to: hand.message((to.node_id,), ProbeReq((1,) * 255)),
    lambda hand, to: hand.message((to.node_id,), ProbeReq((0, 99, 255))),
    lambda hand, to: hand.message((to.node_id,), FindReq(ResourceID(b"x" * 200), (TURN_SERVICE,) * 63)),
    lambda hand, to: hand.message((to.node_id,), StatReq(ResourceID(b"x"), ())),
    lambda hand, to: hand.message((ResourceID(b"short"),), ProbeReq((1,))),
    lambda hand, to: hand.message((ResourceID(b"x" * 200),), ProbeReq((1,))),
    lambda hand, to: hand.message((), ProbeReq((1,))),
    lambda hand, to: hand.message((to.node_id,) * 1, RouteQueryReq(True, ResourceID(b"q"))),
]


@pytest.mark.parametrize("noise", range(len(NOISES)))
def test_odd_but_well_formed_messages_hurt_nobody(noise: int) -> None:
    overlay = small(4)
    attacker, victim, *_ = overlay.peers()
    hand = Hand(overlay, attacker.name)
    before = state(overlay)
    hand.send(victim, NOISES[noise](hand, victim), 20.0)
    assert state(overlay) == before
