"""Copies that lie where they no longer belong: when they are forgotten, and when they are kept (RFC 6940 §10.7.3)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from p2psip_min import procedures
from p2psip_min.defences import preset
from p2psip_min.exchange import Received
from p2psip_min.ids import ResourceID
from p2psip_min.overlay import Node, Overlay
from p2psip_min.peer import Peer
from p2psip_min.procedures.leave import CAUTION
from p2psip_min.procedures.replicate import copy_out, hand_over_all, look_after_copies, send_copy
from p2psip_min.storage.redundancy import Successors
from p2psip_min.storage.replication import GIVE_UP
from p2psip_min.storage.selection import whole
from p2psip_min.trace import MessageSent, RequestFailed
from p2psip_min.wire.address import IpAddressPort
from p2psip_min.wire.codec import encode
from p2psip_min.wire.codes import MessageCode
from p2psip_min.wire.kinds import TURN_SERVICE, TurnServer
from p2psip_min.wire.messages import ErrorCode, FetchReq, StoreReq
from tests.crafting import close_all, small, trace_of, turn_servers

FETCH, STORE = int(MessageCode.FETCH_REQ), int(MessageCode.STORE_REQ)


@pytest.fixture(autouse=True)
def closing() -> Iterator[None]:
    """End the overlays of a test."""
    yield
    close_all()


def fetched(overlay: Overlay, place: ResourceID, peer: Peer) -> Received:
    """All that is held at ``place``."""
    everything = tuple(whole(spec) for spec in peer.surroundings.kinds.values())
    return overlay.run(peer.request((place,), FetchReq(place, everything)))


def given(overlay: Overlay, place: ResourceID, peer: Peer, received: Received) -> None:
    """Let ``peer`` hold what was fetched."""
    bucket = received.message.security.certificates
    peer.store.adopt(
        place, received.body, certificates=lambda identity: peer.certificate_for(identity, bucket), now=overlay.now
    )
    assert peer.store.holds(place)


def stray(overlay: Overlay, place: ResourceID, holder: Node) -> None:
    """Give somebody who has nothing to do with it a copy of the record at ``place``."""
    given(overlay, place, holder.peer, fetched(overlay, place, holder.peer))


def far_from(overlay: Overlay, root: Node, place: ResourceID, *, knows: bool) -> Node:
    """A peer that is no neighbor of ``root``, nor would be one, and knows who is responsible, or does not."""
    return next(
        node
        for node in overlay.peers()
        if not root.peer.topology.plausible_source(node.node_id)
        and (node.peer.topology.owner(place) == root.node_id) is knows
    )


def astray() -> tuple[Overlay, ResourceID, Node, Node]:
    """An overlay, a record's place, the peer that is responsible, and one far away that holds a copy and knows so."""
    overlay = small(12, links="plain")
    place = turn_servers(overlay)[0]
    root = overlay.root(place)
    holder = far_from(overlay, root, place, knows=True)
    stray(overlay, place, holder)
    return overlay, place, root, holder


def test_a_stray_copy_is_kept_until_the_responsible_peer_answers() -> None:
    """Found by a soak: the replicas were told of nearer peers just when the responsible one was cut off, and forgot."""
    overlay, place, root, holder = astray()
    holder.peer.copies.acknowledged(place, root.node_id)
    overlay.network.partition([[root.address]])
    look_after_copies(holder.peer)
    overlay.advance(60)
    assert holder.peer.store.holds(place)
    overlay.network.heal()
    look_after_copies(holder.peer)
    overlay.advance(60)
    assert not holder.peer.store.holds(place)
    assert root.peer.store.holds(place)


def test_whoever_has_acknowledged_a_stray_copy_is_given_it_once_more() -> None:
    overlay, place, root, holder = astray()
    holder.peer.copies.acknowledged(place, root.node_id)
    before = len(overlay.events)
    look_after_copies(holder.peer)
    overlay.advance(5)
    assert not holder.peer.store.holds(place)
    assert [event.code for event in trace_of(overlay).select(MessageSent, since=before, node=holder.node_id)] == [
        MessageCode.STORE_REQ
    ]


@pytest.mark.parametrize("links", ["plain", "tls"])
def test_a_replica_that_takes_itself_for_none_is_given_the_record_again(links: str) -> None:
    """Found by a soak: it gave up what it had just taken, and who had sent it counted on it, and died."""
    overlay = small(12, links=links)
    place = turn_servers(overlay)[0]
    overlay.advance(60)
    root = overlay.root(place)
    replica = overlay.node(root.peer.topology.replicas(place, 1)[0])
    assert not root.peer.copies.missing(place, replica.node_id)
    overlay.run(send_copy(replica.peer, place, root.node_id, GIVE_UP))
    replica.peer.store.drop(place, overlay.now)
    assert root.peer.copies.missing(place, replica.node_id)
    overlay.advance(5)
    assert replica.peer.store.holds(place)
    assert not root.peer.copies.missing(place, replica.node_id)


def test_who_is_sent_what_it_is_giving_up_keeps_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever sends it may count on it, and the acknowledgement of what it gives up may be on its way already."""
    overlay, place, root, holder = astray()
    look_after_copies(holder.peer)
    overlay.advance(0)
    assert holder.peer.giving_up == place
    monkeypatch.setattr(holder.peer.topology, "plausible_source", lambda node: True)
    overlay.driver.call(lambda: copy_out(root.peer, place, holder.node_id, 1))
    overlay.advance(5)
    assert holder.peer.giving_up is None
    assert holder.peer.store.holds(place)


def test_who_gives_nothing_up_is_sent_nothing() -> None:
    overlay = small(12)
    place = turn_servers(overlay)[0]
    overlay.advance(60)
    root = overlay.root(place)
    replica = overlay.node(root.peer.topology.replicas(place, 1)[0])
    before = len(overlay.events)
    for _ in range(3):
        overlay.run(replica.peer.request((root.node_id,), StoreReq(place, GIVE_UP, ()), next_hop=root.node_id))
        overlay.advance(5)
    assert not list(trace_of(overlay).select(MessageSent, since=before, node=root.node_id, code=STORE))


def test_peers_that_take_each_other_for_replicas_and_themselves_for_none_do_not_pass_records_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    overlay = small(3)
    places = turn_servers(overlay)
    overlay.advance(60)
    for node in overlay.peers():
        monkeypatch.setattr(node.peer.topology, "holds", lambda resource, count: False)
    before = len(overlay.events)
    for node in overlay.peers():
        look_after_copies(node.peer)
    overlay.advance(60)
    stores = list(trace_of(overlay).select(MessageSent, since=before, code=STORE))
    assert len(stores) <= 3 * 2 * len(places), "each of two replicas gives up once, and is given it again"
    assert all(node.peer.store.holds(place) for node in overlay.peers() for place in places)


def test_a_stray_copy_that_changes_while_the_responsible_peer_is_asked_is_kept() -> None:
    overlay, place, root, holder = astray()
    holder.peer.copies.acknowledged(place, root.node_id)
    look_after_copies(holder.peer)
    overlay.advance(0)
    holder.peer.copies.stored(place)
    overlay.advance(5)
    assert holder.peer.store.holds(place)


def test_who_does_not_answer_is_asked_once_in_a_look() -> None:
    overlay = small(12, links="plain")
    stored = turn_servers(overlay)
    root, places = next(
        (root, places)
        for root in overlay.peers()
        if len(places := [place for place in stored if overlay.root(place) is root]) >= 2
    )
    holder = far_from(overlay, root, places[0], knows=True)
    for place in places:
        stray(overlay, place, holder)
        holder.peer.copies.acknowledged(place, root.node_id)
    overlay.network.partition([[root.address]])
    look_after_copies(holder.peer)
    overlay.advance(60)
    unanswered = trace_of(overlay).select(RequestFailed, node=holder.node_id, code=int(ErrorCode.REQUEST_TIMEOUT))
    assert len(list(unanswered)) == 1
    assert all(holder.peer.store.holds(place) for place in places)


def test_a_stray_copy_goes_to_whoever_answers_in_the_place_of_the_peer_that_has_it() -> None:
    overlay = small(24, links="plain")
    place = turn_servers(overlay)[0]
    root = overlay.root(place)
    holder = far_from(overlay, root, place, knows=False)
    stray(overlay, place, holder)
    holder.peer.copies.acknowledged(place, holder.peer.topology.owner(place))
    root.peer.store.drop(place, overlay.now)
    look_after_copies(holder.peer)
    overlay.advance(60)
    assert root.peer.store.holds(place)
    assert not holder.peer.store.holds(place)


@pytest.mark.parametrize("defences", ["draft", "reload"])
def test_a_stray_copy_is_forgotten_where_nothing_of_it_is_missing(defences: str) -> None:
    """Who takes from strangers only what is missing refuses it: then its own copy is looked at."""
    overlay = small(12, links="plain", defences=defences)
    place = turn_servers(overlay)[0]
    root = overlay.root(place)
    holder = far_from(overlay, root, place, knows=True)
    for lost in (False, True):
        stray(overlay, place, holder)
        if lost:
            root.peer.store.drop(place, overlay.now)
        before = len(overlay.events)
        look_after_copies(holder.peer)
        overlay.advance(60)
        assert not holder.peer.store.holds(place)
        assert root.peer.store.holds(place)
        looked = list(trace_of(overlay).select(MessageSent, since=before, node=holder.node_id, code=FETCH))
        assert len(looked) == (defences == "draft" and not lost)


def test_a_stray_copy_is_kept_where_the_responsible_peer_has_only_an_older_one() -> None:
    """For what it has it takes nothing from a stranger, or a version counter could be walked round."""
    overlay = small(12, links="plain", defences="draft")
    owner = overlay.peers()[0]
    place = turn_servers(overlay)[0]
    root = overlay.root(place)
    holder = far_from(overlay, root, place, knows=True)
    older = fetched(overlay, place, holder.peer)
    overlay.advance(1)
    overlay.put(owner.name, TURN_SERVICE, encode(TurnServer(1, IpAddressPort("10.0.0.2", 3478))), lifetime=86_400)
    stray(overlay, place, holder)
    root.peer.store.drop(place, overlay.now)
    given(overlay, place, root.peer, older)
    before = len(overlay.events)
    look_after_copies(holder.peer)
    overlay.advance(60)
    assert holder.peer.store.holds(place)
    assert [event.code for event in trace_of(overlay).select(MessageSent, since=before, node=holder.node_id)] == [
        MessageCode.STORE_REQ,
        MessageCode.FETCH_REQ,
    ]


def test_a_stray_copy_is_kept_where_the_responsible_peer_is_leaving() -> None:
    """It takes no store any more, though it still has what we hold: it may just have handed that to us."""
    overlay, place, root, holder = astray()
    root.peer.leaving = True
    look_after_copies(holder.peer)
    overlay.advance(60)
    assert holder.peer.store.holds(place)


@pytest.mark.parametrize("links", ["plain", "tls"])
def test_who_leaves_does_not_rely_on_heirs_that_have_died_unnoticed(links: str) -> None:
    overlay = small(12, links=links, maintenance=True)
    place = turn_servers(overlay)[0]
    root = overlay.root(place)
    for heir in root.peer.topology.replicas(place, 2):
        overlay.crash(next(node.name for node in overlay.peers() if node.node_id == heir))
    overlay.run(procedures.leave(root.peer))
    overlay.advance(60)
    assert overlay.root(place).peer.store.holds(place)


CROSSING = [number / 100 for number in range(6, 15)]
"""Seconds after the heir begins to give back when a leaver's messages may cross its own; a stream keeps their order."""


@pytest.mark.parametrize(
    ("links", "later"), [*(("plain", later) for later in CROSSING), ("plain", 60.0), ("tls", 60.0)]
)
def test_who_leaves_hands_over_anew_what_its_heir_has_given_back(links: str, later: float) -> None:
    """It still serves while it hands over, and is still taken for the responsible peer; the two may cross."""
    overlay = small(12, links=links, defences=preset("draft").without("replicas"))
    place = turn_servers(overlay)[0]
    root = overlay.root(place)
    overlay.run(hand_over_all(root.peer))
    heir = next(node for node in overlay.peers() if node is not root and node.peer.store.holds(place))
    look_after_copies(heir.peer)
    overlay.advance(later)
    assert later < 1 or not heir.peer.store.holds(place)
    overlay.run(procedures.leave(root.peer))
    overlay.advance(60)
    assert overlay.root(place).peer.store.holds(place)


def leaving(overlay: Overlay, name: str) -> float:
    """Seconds that a peer takes to leave."""
    before = overlay.now
    overlay.run(procedures.leave(overlay.node(name).peer))
    return overlay.now - before


@pytest.mark.parametrize("links", ["plain", "tls"])
def test_who_leaves_does_not_leave_the_last_holder_alone_in_a_partition(links: str) -> None:
    """The other one may die before the two are found again."""
    overlay = small(12, links=links, maintenance=True)
    place = turn_servers(overlay)[0]
    root = overlay.root(place)
    other = next(node for node in overlay.peers() if node.node_id == root.peer.topology.replicas(place, 1)[0])
    overlay.network.partition([[root.address, other.address]])
    overlay.advance(200)
    assert root.peer.topology.neighbors() == (other.node_id,)
    leaving = overlay.driver.call(lambda: overlay.loop.create_task(procedures.leave(root.peer), name="leave"))
    overlay.advance(500)
    assert root.peer.alive
    overlay.crash(other.name)
    overlay.network.heal()
    overlay.advance(700)
    assert leaving.done()
    assert not root.peer.alive
    assert overlay.root(place).peer.store.holds(place)


@pytest.mark.parametrize("links", ["plain", "tls"])
def test_two_of_whom_nobody_is_missing_may_part(links: str) -> None:
    overlay = small(3, links=links, maintenance=True)
    place = turn_servers(overlay)[0]
    while len(overlay.peers()) > 1:
        assert leaving(overlay, overlay.root(place).name) < 10
        overlay.advance(60)
    assert overlay.root(place).peer.store.holds(place)


def test_two_whose_third_has_crashed_part_after_a_quarter_of_an_hour() -> None:
    """It may as well be cut off."""
    overlay = small(3, maintenance=True)
    place = turn_servers(overlay)[0]
    root = overlay.root(place)
    overlay.crash(next(node.name for node in overlay.peers() if node is not root))
    overlay.advance(2000)
    assert CAUTION <= leaving(overlay, root.name) < CAUTION + 60
    overlay.advance(60)
    assert overlay.root(place).peer.store.holds(place)


@pytest.mark.parametrize("replicas", [0, 1, 2])
def test_in_a_whole_overlay_nobody_waits_long_to_leave(replicas: int) -> None:
    overlay = small(40, defences=preset("draft").having(replication=Successors(replicas)), maintenance=True)
    places = turn_servers(overlay)
    overlay.advance(60)
    for node in reversed(overlay.peers()[::4]):
        assert leaving(overlay, node.name) < 60
        overlay.advance(60)
    assert all(overlay.root(place).peer.store.holds(place) for place in places)


def test_an_heir_that_refuses_holds_nobody_up_while_there_is_another() -> None:
    overlay = small(40, maintenance=True)
    turn_servers(overlay)
    overlay.advance(60)
    for node in reversed(overlay.peers()[1:40:4]):
        overlay.node(node.peer.topology.replicas(ResourceID(bytes(16)), 1)[0]).peer.leaving = True  # it takes no stores
        assert leaving(overlay, node.name) < 60
        overlay.advance(60)
