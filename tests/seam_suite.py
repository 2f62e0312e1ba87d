"""What the rest of a node relies on of its store and its forwarding: the clauses that honest parts keep.

``check_store`` and ``check_forwarding`` equip one node of an overlay and return the names of the clauses that it
breaks. Each clause gets an overlay of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from p2psip_min import procedures
from p2psip_min.errors import DropReason, ErrorAnswer, RemoteFault
from p2psip_min.ids import ResourceID
from p2psip_min.overlay import Node, Overlay
from p2psip_min.routing.forwarding import Deliver, Drop, Forward
from p2psip_min.seams import Equip
from p2psip_min.trace import MessageSent, RecordStored, StoreRejected
from p2psip_min.wire.address import IpAddressPort
from p2psip_min.wire.chord import ChordUpdate
from p2psip_min.wire.codec import decode, encode
from p2psip_min.wire.data import StoredDataSpecifier, StoreKindData
from p2psip_min.wire.header import Envelope, decode_destinations, open_envelope
from p2psip_min.wire.kinds import TURN_SERVICE, TurnServer
from p2psip_min.wire.message import decode_message
from p2psip_min.wire.messages import FetchReq, MessageCode, PingReq, RouteQueryReq, StatReq, StoreReq, UpdateReq
from tests.crafting import Hand, small, trace_of


def value(number: int) -> bytes:
    """One of the values that are stored."""
    return encode(TurnServer(number, IpAddressPort("10.0.0.1", 3478)))


@dataclass(slots=True)
class Bench:
    """An overlay in which ``node`` holds a record of ``owner`` and lies on the way of ``sender`` to ``beyond``."""

    overlay: Overlay
    node: Node
    owner: Node
    place: ResourceID
    sender: Node
    beyond: Node
    following: Node
    passes: tuple[Node, int]

    def fetch(self) -> list[bytes]:
        """What the node itself answers to a Fetch."""
        asker = self.owner.peer
        try:
            body = FetchReq(self.place, (StoredDataSpecifier(TURN_SERVICE),))
            answer = self.overlay.run(asker.request((self.node.node_id,), body)).body
        except RemoteFault:
            return []
        return [stored.value.value for response in answer.kind_responses for stored in response.values]

    def stored(self, message_index: int = -1) -> StoreReq:
        """A StoreReq that the owner has sent."""
        sent = list(trace_of(self.overlay).select(MessageSent, node=self.owner.node_id, code=MessageCode.STORE_REQ))
        body = decode_message(sent[message_index].message, self.owner.peer.surroundings.kinds).body
        assert isinstance(body, StoreReq)
        return body


def bench(equip: Equip, before: int = 1) -> Bench:
    """Store ``before`` values, then equip the node that holds them and forwards."""
    overlay = small(16, neighbors=3, fingers=4)
    for owner in overlay.peers():
        place = overlay.place_of(owner.name, TURN_SERVICE)
        node = overlay.root(place)
        for sender in overlay.peers():
            for beyond in overlay.peers():
                way = overlay.route(sender.name, ResourceID(beyond.node_id))
                if len(way) >= 2 and way[0] is node and owner not in (node, sender, beyond):
                    for number in range(before):
                        overlay.put(owner.name, TURN_SERVICE, value(number))
                    overlay.advance(2)
                    passes = next(
                        (other, iteration)
                        for other, iteration in somewhere(overlay, node)
                        if node in overlay.route(other.name, place_of(overlay, other, iteration))[:-1]
                    )
                    overlay.turn(node.name, equip)
                    overlay.advance(0.5)
                    return Bench(overlay, node, owner, place, sender, beyond, way[1], passes)
    raise AssertionError("no place for the bench")


# --- the store --------------------------------------------------------------------------------------------------------


def keeps_what_it_held(b: Bench) -> bool:
    """What was there is handed out, unchanged."""
    return b.fetch() == [value(0)]


def keeps_what_it_accepts(b: Bench) -> bool:
    """What was acknowledged is handed out from then on."""
    b.overlay.put(b.owner.name, TURN_SERVICE, value(5))
    return b.fetch() == [value(5)]


def acknowledges_what_is_right(b: Bench) -> bool:
    """An owner's store is answered, with the replicas that get a copy."""
    stored = b.overlay.put(b.owner.name, TURN_SERVICE, value(5))
    return stored.generation > 0 and len(stored.replicas) == 2


def refuses_what_its_owner_did_not_sign(b: Bench) -> bool:
    """Somebody else's store in the owner's place is an error, and in the trace."""
    other = next(node for node in b.overlay.peers() if node not in (b.owner, b.node))
    (old,) = b.stored().kind_data
    try:
        b.overlay.run(other.peer.request((b.node.node_id,), StoreReq(b.place, 0, (old,))))
    except ErrorAnswer:
        return any(trace_of(b.overlay).select(StoreRejected, node=b.node.node_id))
    return False


def refuses_what_is_older(b: Bench) -> bool:
    """The owner's own earlier store does not come back."""
    (old,) = b.stored().kind_data
    b.overlay.put(b.owner.name, TURN_SERVICE, value(5))
    again = StoreReq(b.place, 0, (StoreKindData(old.kind, 0, old.values),))
    try:
        b.overlay.run(b.owner.peer.request((b.node.node_id,), again))
    except ErrorAnswer:
        return True
    return False


def reports_what_it_stores(b: Bench) -> bool:
    """A new value is in the trace of the node that keeps it."""
    owner, iteration = next(
        (owner, iteration)
        for owner, iteration in somewhere(b.overlay, b.node)
        if b.overlay.root(place_of(b.overlay, owner, iteration)) is b.node
    )
    since = len(b.overlay.trace)
    b.overlay.put(owner.name, TURN_SERVICE, value(5), iteration=iteration)
    return any(trace_of(b.overlay).select(RecordStored, since=since, node=b.node.node_id, replica=0))


def somewhere(overlay: Overlay, node: Node) -> Iterator[tuple[Node, int]]:
    """Owners but for ``node``, and their places that nothing was stored in yet."""
    for owner in overlay.peers():
        for iteration in range(2, 20):
            if owner is not node:
                yield owner, iteration


def place_of(overlay: Overlay, owner: Node, iteration: int) -> ResourceID:
    """One of an owner's places."""
    return overlay.place_of(owner.name, TURN_SERVICE, iteration=iteration)


def tells_the_same_by_stat(b: Bench) -> bool:
    """Stat speaks of the same values as Fetch."""
    body = StatReq(b.place, (StoredDataSpecifier(TURN_SERVICE),))
    answer = b.overlay.run(b.owner.peer.request((b.node.node_id,), body)).body
    lengths = [meta.metadata.value_length for response in answer.kind_responses for meta in response.values]
    return lengths == [len(each) for each in b.fetch()]


def sends_copies(b: Bench) -> bool:
    """The replicas hold what it has accepted."""
    b.overlay.put(b.owner.name, TURN_SERVICE, value(5))
    b.overlay.advance(5)
    replicas = b.node.peer.topology.replicas(b.place, 2)
    return all(
        value(5) in [record.stored.value.value for record in b.overlay.records()[replica]] for replica in replicas
    )


# --- forwarding -------------------------------------------------------------------------------------------------------


def forwards_towards_the_destination(b: Bench) -> bool:
    """A message for somebody else goes where the tables say."""
    decision = b.node.peer.parts.forwarding.decide(passing(b), b.sender.node_id, b.overlay.now)
    return isinstance(decision, Forward) and decision.next_hop == b.following.node_id


def changes_nothing_but_the_way(b: Bench) -> bool:
    """One off the ttl, the sender in the via list, and the rest as it was."""
    before = passing(b)
    decision = b.node.peer.parts.forwarding.decide(before, b.sender.node_id, b.overlay.now)
    if not isinstance(decision, Forward):
        return False
    after = open_envelope(decision.message)
    return (
        after.ttl == before.ttl - 1
        and decode_destinations(after.via) == (b.sender.node_id,)
        and after.destinations == before.destinations
        and after.data[after.body_offset :] == before.data[before.body_offset :]
    )


def delivers_what_is_its_own(b: Bench) -> bool:
    """A message for the node is handed up."""
    data = Hand(b.overlay, b.sender.name).message((b.node.node_id,), PingReq())
    decision = b.node.peer.parts.forwarding.decide(open_envelope(data), b.sender.node_id, b.overlay.now)
    return isinstance(decision, Deliver)


def drops_for_a_reason(b: Bench) -> bool:
    """A message that must not go on does not, and the reason is said."""
    data = Hand(b.overlay, b.sender.name).message((b.beyond.node_id,), PingReq(), ttl=0)
    decision = b.node.peer.parts.forwarding.decide(open_envelope(data), b.sender.node_id, b.overlay.now)
    return isinstance(decision, Drop) and decision.reason is DropReason.TTL_EXCEEDED


def answers_arrive_over_it(b: Bench) -> bool:
    """A request over the node gets its answer at the first try."""
    since = len(b.overlay.trace)
    with suppress(RemoteFault):
        b.overlay.run(procedures.ping(b.sender.peer, ResourceID(b.beyond.node_id)))
    return sum(1 for _ in trace_of(b.overlay).select(MessageSent, since=since, node=b.sender.node_id)) == 1


def passes_contents_on_as_they_are(b: Bench) -> bool:
    """What is stored over it arrives, and what is fetched over it comes back, each at the first try."""
    owner, iteration = b.passes
    since, read = len(b.overlay.trace), ()
    with suppress(RemoteFault):
        b.overlay.put(owner.name, TURN_SERVICE, value(5), iteration=iteration)
        read = b.overlay.get(owner.name, owner.name, TURN_SERVICE, iteration=iteration)
    tries = sum(1 for _ in trace_of(b.overlay).select(MessageSent, since=since, node=owner.node_id))
    return (read, tries) == ((value(5),), 2)


def sends_nothing_that_is_not_its_own(b: Bench) -> bool:
    """What has passed, and was answered, is not sent again by the node that passed it on."""
    owner, iteration = b.passes
    with suppress(RemoteFault):
        b.overlay.put(owner.name, TURN_SERVICE, value(5), iteration=iteration)
    b.overlay.advance(5)
    since = len(b.overlay.trace)
    others = {event.transaction_id for event in trace_of(b.overlay).select(MessageSent, node=owner.node_id)}
    b.overlay.advance(120)
    sent = trace_of(b.overlay).select(MessageSent, since=since, node=b.node.node_id)
    return not any(event.transaction_id in others for event in sent)


def names_whom_it_would_send_to(b: Bench) -> bool:
    """Who asks it for the next hop is told the one that its tables say."""
    query = RouteQueryReq(False, ResourceID(b.beyond.node_id))
    try:
        answer = b.overlay.run(b.sender.peer.request((b.node.node_id,), query)).body
    except RemoteFault:
        return False
    return bool(answer.next_peer == b.following.node_id)


def tells_its_table(b: Bench) -> bool:
    """Who asks for its table hears of peers that are there."""
    with suppress(RemoteFault):
        b.overlay.run(procedures.ask_for_table(b.sender.peer, b.node.node_id))
    b.overlay.advance(2)
    for sent in trace_of(b.overlay).select(MessageSent, node=b.node.node_id, code=UpdateReq.code):
        update = decode_message(sent.message, b.node.peer.surroundings.kinds).body
        table = decode(ChordUpdate, update.overlay_specific_data)
        if not {*table.predecessors, *table.successors, *table.fingers} <= set(b.overlay.nodes):
            return False
    return True


def passing(b: Bench) -> Envelope:
    """A Ping on its way over the node."""
    return open_envelope(Hand(b.overlay, b.sender.name).message((ResourceID(b.beyond.node_id),), PingReq()))


Clause = Callable[[Bench], bool]

STORE: tuple[Clause, ...] = (
    keeps_what_it_held,
    keeps_what_it_accepts,
    acknowledges_what_is_right,
    refuses_what_its_owner_did_not_sign,
    refuses_what_is_older,
    reports_what_it_stores,
    tells_the_same_by_stat,
    sends_copies,
)
FORWARDING: tuple[Clause, ...] = (
    forwards_towards_the_destination,
    changes_nothing_but_the_way,
    delivers_what_is_its_own,
    drops_for_a_reason,
    answers_arrive_over_it,
    passes_contents_on_as_they_are,
    sends_nothing_that_is_not_its_own,
    names_whom_it_would_send_to,
    tells_its_table,
)


def _broken(clauses: tuple[Clause, ...], equip: Callable[[], Equip]) -> list[str]:
    return [clause.__name__ for clause in clauses if not clause(bench(equip()))]


def check_store(equip: Callable[[], Equip]) -> list[str]:
    """The clauses about its store that a node breaks; ``equip`` makes the attack anew for each."""
    return _broken(STORE, equip)


def check_forwarding(equip: Callable[[], Equip]) -> list[str]:
    """The clauses about its forwarding that a node breaks."""
    return _broken(FORWARDING, equip)
