"""What takes several steps: attach, join, leave, crash, partition, lookup, clients (RFC 6940 §4.2, §6.5, §10)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from p2psip_min import procedures
from p2psip_min.errors import (
    DropReason,
    ErrorAnswer,
    JoinReason,
    JoinRefused,
    LinkRefused,
    LocalProtocolError,
    RequestTimedOut,
)
from p2psip_min.ids import ResourceID
from p2psip_min.invariants import finger_violations, ideal_ring, placement
from p2psip_min.overlay import Node, Overlay
from p2psip_min.seams import Coalition, NodeView, PeerParts
from p2psip_min.trace import (
    ClientAttached,
    JoinRejected,
    LinkClosed,
    LinkRejected,
    LookupCompleted,
    MessageSent,
    NeighborFailed,
    NodeCrashed,
    NodeJoined,
    NodeLeft,
    RequestFailed,
)
from p2psip_min.wire.data import StoredDataSpecifier
from p2psip_min.wire.kinds import TURN_SERVICE
from p2psip_min.wire.messages import (
    AppAttachReq,
    AttachReq,
    ErrorCode,
    FindReq,
    JoinReq,
    MessageCode,
    PingReq,
    ProbeInformationType,
    ProbeReq,
    RouteQueryReq,
    StatReq,
)
from tests.crafting import (
    VALUE,
    Hand,
    Silent,
    close_all,
    drops,
    equip_forwarding,
    small,
    trace_of,
    turn_servers,
    unlinked,
)

LINKS = ("plain", "tls")


@pytest.fixture(autouse=True)
def closing() -> Iterator[None]:
    """End the overlays of a test."""
    yield
    close_all()


def crooked(overlay: Overlay) -> list[str]:
    """What is wrong with the ring of all living peers."""
    return ideal_ring(overlay.snapshot(), 3)


def misplaced(overlay: Overlay, places: list[ResourceID]) -> list[str]:
    """What is wrong with where the copies lie."""
    held = {node: {record.resource for record in records} for node, records in overlay.records().items()}
    return placement(held, places)


def count(overlay: Overlay, event: type[Any], **wanted: Any) -> int:
    """How many such events there were."""
    return sum(1 for _ in trace_of(overlay).select(event, **wanted))


# --- attach -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("links", LINKS)
def test_two_nodes_that_attach_to_each_other_at_once_get_one_link(links: str) -> None:
    """The request of the larger Node-ID goes on, the other one's is refused with In_Progress (§6.5.1.2)."""
    overlay = small(16, links=links, neighbors=1, fingers=1)
    one, other = unlinked(overlay)

    async def both() -> Any:
        return await asyncio.gather(
            procedures.attach(one.peer, (other.node_id,)), procedures.attach(other.peer, (one.node_id,))
        )

    assert overlay.run(both()) == [other.node_id, one.node_id]
    overlay.advance(15)
    assert count(overlay, RequestFailed, code=ErrorCode.IN_PROGRESS) == 1
    (refused,) = trace_of(overlay).select(RequestFailed, code=ErrorCode.IN_PROGRESS)
    assert refused.node == min(one.node_id, other.node_id)
    assert one.peer.links.connected(other.node_id)
    assert other.peer.links.connected(one.node_id)
    if links == "tls":
        assert other.node_id in one.peer.links.table
        assert one.node_id in other.peer.links.table
    assert not one.peer.attaching
    assert not other.peer.attaching


def test_an_attach_changes_no_table() -> None:
    overlay = small(16, neighbors=1, fingers=1)
    one, other = unlinked(overlay)
    before = one.peer.topology.table(), other.peer.topology.table()
    overlay.run(procedures.attach(one.peer, (other.node_id,)))
    assert (one.peer.topology.table(), other.peer.topology.table()) == before


def test_an_attach_without_an_address_is_refused() -> None:
    overlay = small(4)
    attacker, victim, *_ = overlay.peers()
    hand = Hand(overlay, attacker.name)
    assert hand.error(victim, AppAttachReq(b"", b"", 5060, b"passive", ())) == ErrorCode.NOT_FOUND
    body = AttachReq(b"", b"", b"passive", ())
    assert hand.error(victim, body) == ErrorCode.INVALID_MESSAGE


# --- joining ----------------------------------------------------------------------------------------------------------


def refused(overlay: Overlay, joining: Any) -> str:
    """The reason for which a join ends."""
    with pytest.raises(JoinRefused) as error:
        overlay.run(joining)
    (event,) = trace_of(overlay).select(JoinRejected)
    assert event.reason == error.value.reason
    return event.reason


def test_a_join_without_a_bootstrap_node_is_refused() -> None:
    overlay = small(4)
    node = overlay.new_peer()
    assert refused(overlay, procedures.join(node.peer, [("10.9.9.9", 6084)])) == JoinReason.NO_BOOTSTRAP
    assert not node.peer.joined


def test_a_join_that_nobody_answers_is_refused() -> None:
    overlay = small(1)
    (only,) = overlay.peers()
    overlay.turn(only.name, equip_forwarding(lambda inner: Silent(inner, 10_000)))
    assert refused(overlay, procedures.join(overlay.new_peer().peer, [only.address])) == JoinReason.TIMED_OUT


@pytest.mark.parametrize("links", LINKS)
def test_a_node_id_that_is_taken_is_refused(links: str) -> None:
    overlay = small(1, links=links)
    (only,) = overlay.peers()
    twin = overlay._construction.node(
        only.peer.parts.identity, "twin", only.peer.configuration, is_client=False, address=("10.0.9.9", 6084)
    )
    assert refused(overlay, procedures.join(twin.peer, [only.address])) == JoinReason.NODE_ID_TAKEN
    assert only.peer.joined
    assert not twin.peer.joined
    twin.peer.stop()
    twin.peer.links.crash()


@dataclass(slots=True)
class Lingering:
    """Has itself admitted over and over, and never takes what it is given."""

    admitting: Node
    hand: Hand

    def equip(self, parts: PeerParts, coalition: Coalition) -> PeerParts:
        return replace(parts, forwarding=Silent(parts.forwarding, 10_000), agent=self)

    async def run(self, view: NodeView) -> None:
        while True:
            view.send(self.admitting.node_id, self.hand.message((self.admitting.node_id,), JoinReq(view.node_id)))
            await view.sleep(1.0)


def test_a_peer_that_admits_another_is_busy() -> None:
    overlay = small(1)
    (only,) = overlay.peers()
    lingering, joining = overlay.new_peer(), overlay.new_peer()
    overlay.run(lingering.peer.links.connect(None, only.address))
    hand = Hand(overlay, lingering.name)
    overlay.turn(lingering.name, Lingering(only, hand).equip)
    overlay.advance(1)
    assert refused(overlay, procedures.join(joining.peer, [only.address])) == JoinReason.BUSY
    overlay.crash(lingering.name)
    overlay.advance(30)
    overlay.run(procedures.join(joining.peer, [only.address]))
    overlay.advance(10)
    assert not crooked(overlay)


def test_a_peer_that_is_about_to_leave_admits_nobody() -> None:
    overlay = small(1)
    (only,) = overlay.peers()
    only.peer.leaving = True
    assert refused(overlay, procedures.join(overlay.new_peer().peer, [only.address])) == JoinReason.FORBIDDEN


def test_only_the_admitting_peer_admits_and_only_who_asks_for_itself() -> None:
    overlay = small(8)
    node = overlay.new_peer()
    admitting = overlay.root(ResourceID(node.node_id))
    wrong = next(each for each in overlay.peers() if each is not admitting)
    for each in (admitting, wrong):
        overlay.run(node.peer.links.connect(None, each.address))
    hand = Hand(overlay, node.name)
    assert hand.error(wrong, JoinReq(node.node_id)) == ErrorCode.FORBIDDEN
    somebody = overlay.peers()[0].node_id
    data = hand.message((admitting.node_id,), JoinReq(somebody), transaction_id=9)
    hand.send(admitting, data)
    assert drops(overlay, admitting, 9) == [DropReason.NOT_ADJACENT]
    data = hand.message((wrong.node_id, admitting.node_id), JoinReq(node.node_id), transaction_id=10)
    hand.send(wrong, data)
    assert drops(overlay, admitting, 10) == [DropReason.NOT_ADJACENT]
    assert node.node_id not in admitting.peer.topology.table()
    assert not crooked(overlay)


def newcomers(overlay: Overlay, admitting: Node) -> tuple[Node, Node]:
    """Two nodes that the same peer will admit."""
    waiting: list[Node] = []
    while len(waiting) < 2:
        node = overlay.new_peer()
        if overlay.root(ResourceID(node.node_id)) is admitting:
            waiting.append(node)
    return waiting[0], waiting[1]


@pytest.mark.parametrize("links", LINKS)
def test_two_that_join_at_the_same_peer_at_once_both_get_in(links: str) -> None:
    overlay = small(5, links=links, maintenance=True)
    places = turn_servers(overlay)
    sizes = {node: overlay.peers()[i - 1].node_id for i, node in enumerate(overlay.peers())}
    admitting = max(sizes, key=lambda node: (int.from_bytes(node.node_id) - int.from_bytes(sizes[node])) % (1 << 128))
    one, other = newcomers(overlay, admitting)

    async def both() -> None:
        await asyncio.gather(overlay.join(one), overlay.join(other))

    overlay.run(both())
    overlay.advance(60)
    assert one.peer.joined
    assert other.peer.joined
    assert not crooked(overlay)
    assert not misplaced(overlay, places)
    assert count(overlay, NodeJoined) == 5 + 2
    assert not count(overlay, NeighborFailed)


@pytest.mark.parametrize("moment", [0.05, 0.2, 0.4, 0.6, 0.8, 1.2])
def test_a_node_gets_in_though_its_admitting_peer_crashes_meanwhile(moment: float) -> None:
    overlay = small(8, maintenance=True)
    places = turn_servers(overlay)
    node = overlay.new_peer()
    admitting = overlay.root(ResourceID(node.node_id))
    joining = overlay.loop.create_task(overlay.join(node))
    overlay.advance(moment)
    overlay.crash(admitting.name)
    overlay.advance(1800)
    assert joining.done()
    assert joining.exception() is None
    assert not crooked(overlay)
    assert not misplaced(overlay, places)
    assert all(
        overlay.get(reader.name, reader.name, TURN_SERVICE) == (VALUE,)
        for reader in overlay.peers()[:-1]
        if (overlay.place_of(reader.name, TURN_SERVICE) in places)
    )


# --- going ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("links", LINKS)
def test_who_leaves_hands_over_and_is_never_taken_for_dead(links: str) -> None:
    overlay = small(8, links=links, maintenance=True)
    places = turn_servers(overlay)
    for victim in overlay.peers()[1:5]:
        overlay.leave(victim.name)
        # At once, before anybody could repair anything: the heirs have it all.
        held = {record.resource for records in overlay.records().values() for record in records}
        assert held == set(places)
    overlay.advance(1300)
    assert not count(overlay, NeighborFailed)
    assert not count(overlay, NodeCrashed)
    assert not crooked(overlay)
    assert not misplaced(overlay, places)


def test_who_is_cut_off_leaves_once_somebody_takes_what_it_holds() -> None:
    """Found by a soak: the only holder of a record left inside a partition, and the record went with it."""
    overlay = small(8, links="plain", maintenance=True)
    places = turn_servers(overlay)
    going = overlay.root(places[0])
    overlay.network.partition([[going.address]])
    task = overlay.loop.create_task(procedures.leave(going.peer))
    overlay.advance(120)
    assert not task.done()
    overlay.network.heal()
    overlay.advance(900)
    assert task.done()
    assert [event.node for event in trace_of(overlay).select(NodeLeft)] == [going.node_id]
    assert not misplaced(overlay, places)


def test_who_crashes_while_leaving_has_not_left() -> None:
    overlay = small(8, links="plain", maintenance=True)
    going = overlay.root(turn_servers(overlay)[0])
    overlay.network.partition([[going.address]])
    task = overlay.loop.create_task(procedures.leave(going.peer))
    overlay.advance(60)
    overlay.crash(going.name)
    overlay.advance(60)
    assert task.done()
    assert not count(overlay, NodeLeft)
    assert count(overlay, NodeCrashed) == 1


@pytest.mark.parametrize("links", LINKS)
def test_a_crash_is_silent_until_somebody_misses_an_answer(links: str) -> None:
    overlay = small(8, links=links)
    for node in overlay.peers():
        overlay.lookup(node.name, ResourceID(overlay.peers()[3].node_id))  # links are up
    overlay.advance(30)
    victim = overlay.peers()[3]
    trace = trace_of(overlay)
    before = len(trace)
    overlay.crash(victim.name)
    overlay.advance(3600)
    silent = [type(event).__name__ for event in trace.events[before:]]
    assert silent == ["NodeCrashed"], "without a message to the dead nobody can know"
    asker = overlay.peers()[2]
    start = overlay.now
    task = overlay.loop.create_task(procedures.ping(asker.peer, ResourceID(victim.node_id)))
    overlay.advance(8.0)
    assert not count(overlay, NeighborFailed)
    overlay.advance(22.0)
    failed = list(trace.select(NeighborFailed))
    assert {event.neighbor for event in failed} == {victim.node_id}
    assert 8.0 < failed[0].t - start < 9.0, "Simple Reliability's five sends"
    # That request died with it, since its heir too had to find out first; the next one arrives.
    assert isinstance(task.exception(), RequestTimedOut)
    assert overlay.lookup(asker.name, ResourceID(victim.node_id)) == overlay.root(ResourceID(victim.node_id)).node_id


def test_maintenance_finds_who_has_crashed() -> None:
    overlay = small(8, maintenance=True)
    places = turn_servers(overlay)
    for victim in (overlay.peers()[3], overlay.peers()[4]):
        overlay.crash(victim.name)
    overlay.advance(1500)
    assert not crooked(overlay)
    assert not misplaced(overlay, places)
    assert not finger_violations({node.node_id: node.peer.topology.fingers() for node in overlay.peers()})  # type: ignore[attr-defined]


@pytest.mark.parametrize("links", LINKS)
def test_two_halves_become_one_ring_again(links: str) -> None:
    overlay = small(12, links=links, maintenance=True)
    places = turn_servers(overlay)
    side = [node for at, node in enumerate(overlay.peers()) if at % 2]
    overlay.network.partition([[node.address for node in side]])
    overlay.advance(3600)
    rest = [node for node in overlay.peers() if node not in side]
    for half in (side, rest):
        inside = {node.node_id: node.peer.topology.snapshot() for node in half}
        assert not ideal_ring(inside, 3), "each half has a ring of its own"
    overlay.network.heal()
    overlay.advance(7200)
    assert not crooked(overlay)
    assert not misplaced(overlay, places)
    for reader in overlay.peers():
        assert overlay.get(reader.name, overlay.peers()[0].name, TURN_SERVICE) == (VALUE,)


@pytest.mark.parametrize("links", LINKS)
def test_who_joined_in_a_part_that_is_gone_finds_the_other_one_where_it_was_told_to_join(links: str) -> None:
    """Found by a soak: two came through a peer that was cut off and left, and knew nobody else who lived."""
    overlay = small(8, links=links, maintenance=True)
    entrance, *others = overlay.peers()
    told = [entrance.address, others[-1].address]
    newcomers = [overlay.new_peer() for _ in range(2)]
    for name in [node.name for node in others if node.address in entrance.peer.configuration.bootstrap_nodes]:
        overlay.crash(name)
    overlay.network.partition([[entrance.address, *(node.address for node in newcomers)]])
    overlay.advance(200)
    for node in newcomers:
        overlay.run(procedures.join(node.peer, told))
    overlay.run(procedures.leave(entrance.peer))
    overlay.advance(200)
    assert [node.peer.topology.table() for node in newcomers] == [(newcomers[1].node_id,), (newcomers[0].node_id,)]
    overlay.network.heal()
    overlay.advance(1500)
    assert not crooked(overlay)


# --- looking up -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("links", LINKS)
def test_both_routing_styles_find_the_same_peer(links: str) -> None:
    found: dict[str, list[Any]] = {}
    for routing in ("recursive", "iterative"):
        overlay = small(16, links=links, routing=routing, neighbors=2, fingers=4)
        start = overlay.peers()[0].name
        keys = [ResourceID.of(f"key {number}") for number in range(20)]
        found[routing] = [overlay.lookup(start, key) for key in keys]
        assert found[routing] == [overlay.root(key).node_id for key in keys]
        sent = count(overlay, MessageSent, code=MessageCode.ROUTE_QUERY_REQ, node=overlay.peers()[0].node_id)
        hops = [event.hops for event in trace_of(overlay).select(LookupCompleted)]
        if routing == "iterative":
            assert sent == sum(hops), "one RouteQuery a step"
            assert max(hops) >= 2
        else:
            assert not sent
    assert found["recursive"] == found["iterative"]


def test_an_iterative_lookup_goes_around_a_dead_step() -> None:
    overlay = small(16, routing="iterative", neighbors=3, fingers=16)
    start = overlay.peers()[0]
    key = next(
        key
        for key in (ResourceID.of(f"key {number}") for number in range(100))
        if len(overlay.route(start.name, key)) >= 2
    )
    overlay.crash(overlay.route(start.name, key)[0].name)
    assert overlay.lookup(start.name, key) == overlay.root(key).node_id


def test_every_question_is_answered_over_several_hops() -> None:
    overlay = small(16, neighbors=2, fingers=4)
    asker = overlay.peers()[0]
    owner = next(each for each in overlay.peers() if len(overlay.route(asker.name, ResourceID(each.node_id))) >= 2)
    overlay.put(owner.name, TURN_SERVICE, VALUE)
    place = overlay.place_of(owner.name, TURN_SERVICE)
    root = overlay.root(place)

    def ask(body: Any) -> Any:
        return overlay.run(asker.peer.request((place,), body))

    assert ask(PingReq()).signer == root.node_id
    wanted = (ProbeInformationType.RESPONSIBLE_SET, ProbeInformationType.NUM_RESOURCES, ProbeInformationType.UPTIME, 99)
    share, number, uptime = ask(ProbeReq(wanted)).body.probe_info
    assert share.value == int(root.peer.topology.share() * 1e9)
    assert number.value == len(root.peer.store) >= 1
    assert uptime.value == int(overlay.now)
    specifiers = (StoredDataSpecifier(TURN_SERVICE),)
    (response,) = ask(StatReq(place, specifiers)).body.kind_responses
    (meta,) = response.values
    assert meta.metadata.value_length == len(VALUE)
    (nearest,) = ask(FindReq(place, (TURN_SERVICE,))).body.results
    assert nearest.closest == place
    assert ask(RouteQueryReq(False, place)).body.next_peer == root.node_id
    first = overlay.route(asker.name, place)[0]
    received = overlay.run(asker.peer.request((first.node_id,), RouteQueryReq(False, place)))
    assert received.body.next_peer == overlay.route(asker.name, place)[1].node_id
    with pytest.raises(ErrorAnswer) as error:
        ask(StatReq(place, (StoredDataSpecifier(0xF0000099),)))
    assert error.value.code == ErrorCode.UNKNOWN_KIND


# --- clients ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("links", LINKS)
def test_a_client_is_served_moves_and_is_found_again(links: str) -> None:
    overlay = small(8, links=links)
    first, second = overlay.peers()[1], overlay.peers()[5]
    overlay.add_client("alice", at=first.name)
    overlay.add_client("bob", at=overlay.peers()[3].name)
    overlay.register("alice")
    assert overlay.call("bob", "alice") == overlay.node("alice").node_id
    overlay.attach_client("alice", second.name)
    overlay.register("alice")
    ((peer, alice),) = overlay.resolve("bob", "alice")
    assert (peer, alice) == (second.node_id, overlay.node("alice").node_id)
    overlay.crash(first.name)
    assert overlay.call("bob", "alice") == alice
    assert [event.peer for event in trace_of(overlay).select(ClientAttached, node=alice)] == [
        first.node_id,
        second.node_id,
    ]
    assert all(alice not in node.peer.topology.table() for node in overlay.peers())


def test_a_client_stores_routes_and_admits_for_nobody() -> None:
    overlay = small(4)
    client = overlay.add_client("alice", at=overlay.peers()[0].name)
    hand = Hand(overlay, overlay.peers()[0].name)
    for body in (ProbeReq((1,)), FindReq(ResourceID.of("x"), (TURN_SERVICE,)), JoinReq(overlay.peers()[0].node_id)):
        assert hand.error(client, body) == ErrorCode.INVALID_MESSAGE


def test_a_client_without_its_peer_says_so() -> None:
    overlay = small(4)
    with pytest.raises(LinkRefused):
        overlay.run(procedures.serve_client(overlay.add_client("alice").peer, ("10.9.9.9", 6084)))
    with pytest.raises(LocalProtocolError):
        overlay.run(procedures.serve_client(overlay.peers()[0].peer, overlay.peers()[1].address))
    assert count(overlay, LinkRejected) == 1
    assert not count(overlay, LinkClosed)


def test_a_stranger_brings_home_only_what_is_missing_where_the_last_to_arrive_wins() -> None:
    """Else a version counter could be walked round: a copy carries none of its own (RFC 6940 §7.4.1.1)."""
    outcomes = {}
    for name in ("draft", "reload"):
        overlay = small(12, links="plain", defences=name)
        places = turn_servers(overlay)
        root = overlay.root(places[0])
        stranger = next(
            node
            for node in overlay.peers()
            if node is not root and not root.peer.topology.plausible_source(node.node_id)
        )
        (export,) = root.peer.store.export(places[0], 255, overlay.now)
        reasons = []
        for forget in (False, True):
            if forget:
                root.peer.store.drop(places[0], overlay.now)
            try:
                overlay.run(stranger.peer.request((places[0],), export.request, certificates=export.certificates))
                reasons.append("taken")
            except ErrorAnswer as error:
                reasons.append(ErrorCode(error.code).name)
        outcomes[name] = reasons
    assert outcomes == {"draft": ["FORBIDDEN", "taken"], "reload": ["taken", "taken"]}
