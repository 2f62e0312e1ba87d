"""What every topology plug-in must do, whatever its identifier space looks like."""

from __future__ import annotations

import random
from itertools import pairwise

from p2psip_min.ids import NodeID, ResourceID
from p2psip_min.routing.ways import advances
from tests.routing.village import Factory, Village


def make_ids(count: int, seed: int) -> list[NodeID]:
    """Random Node-IDs, sorted."""
    dice = random.Random(seed)
    return sorted(NodeID(dice.getrandbits(128).to_bytes(16, "big")) for _ in range(count))


def make_keys(count: int, seed: int) -> list[ResourceID]:
    """Random Resource-IDs, in no order."""
    dice = random.Random(seed)
    return [ResourceID(dice.getrandbits(128).to_bytes(16, "big")) for _ in range(count)]


def check_topology(factory: Factory) -> None:
    """The clauses, one after the other; a plug-in passes all of them or fails with the clause's name."""
    _alone(factory)
    _settled(factory)
    _grown(factory)
    _failures(factory)
    _learning(factory)


def _alone(factory: Factory) -> None:
    only = factory(make_ids(1, 1)[0])
    for key in make_keys(20, 2):
        assert only.responsible(key), "a lone node has everything"
        assert only.next_hop(key) is None, "a lone node knows nobody"
        assert only.replicas(key, 2) == ()
        assert only.owner(key) == only.node_id
        assert only.holds(key, 2)
    assert only.table() == only.neighbors() == ()
    assert only.share() == 1.0


def _settled(factory: Factory) -> None:
    ids = make_ids(40, 3)
    village = Village(factory)
    for node in ids:
        village.nodes[node] = topology = factory(node)
        topology.settle(ids)
        village.members[node] = None
        assert node not in topology.table(), "nobody is in its own table"
        assert set(topology.neighbors()) <= set(topology.table()), "neighbors are routable"
    assert abs(sum(topology.share() for topology in village.nodes.values()) - 1.0) < 1e-9
    for key in make_keys(60, 4):
        owners = [node for node in ids if village.nodes[node].responsible(key)]
        assert len(owners) == 1, "each key has one owner"
        owner = owners[0]
        replicas = village.nodes[owner].replicas(key, 2)
        assert len(set(replicas)) == 2
        assert owner not in replicas
        holders = [node for node in ids if village.nodes[node].holds(key, 2)]
        assert sorted(holders) == sorted((owner, *replicas)), "owner and replicas agree on who they are"
        for start in ids[::5]:
            path = village.path(start, key)
            assert path[-1] == owner, "routing ends at the owner"
            assert len(set(path)) == len(path), "and passes nobody twice"
            for one, following in pairwise(path[:-1]):
                assert village.nodes[start].nearer(following, one, key), "each hop is nearer, but for the last"
            topology = village.nodes[start]
            assert topology.plausible_responder(owner, key), "the right answer is believed"
            if owner in topology.table():
                assert topology.owner(key) == owner
            assert topology.next_hop(key, exclude=topology.table()) is None, "excluded is excluded"
            if (first := topology.next_hop(key)) is not None:
                assert first in topology.table()
                assert advances(topology, first, key), "the next hop is nearer"
                assert topology.next_hop(key, exclude=(first,)) != first
            _detours(village, start, key)
        first_replica = village.nodes[owner].next_holder(key, (owner,))
        if isinstance(first_replica, ResourceID):
            assert village.find(ids[0], first_replica) == replicas[0], "readers find the replicas"
        else:
            assert first_replica == replicas[0]
        assert all(topology.plausible_entry(other, 8.0) for other in topology.table()), "settled entries are plausible"
        for replica in replicas:
            assert village.nodes[replica].plausible_source(owner), "replicas take copies from the owner"


def _detours(village: Village, start: NodeID, key: ResourceID) -> None:
    """Any choice among those that advance ends at the owner: here always the worst one."""
    at, passed = start, [start]
    while not village.nodes[at].responsible(key):
        topology = village.nodes[at]
        advancing = [node for node in topology.table() if advances(topology, node, key)]
        at = advancing[0] if len(passed) % 2 else advancing[-1]
        assert at not in passed, "who only advances passes nobody twice"
        passed.append(at)


def _grown(factory: Factory) -> None:
    order = make_ids(24, 5)
    random.Random(5).shuffle(order)
    village = Village(factory)
    village.first(order[0])
    for node in order[1:]:
        owned = {key: village.find(order[0], key) for key in make_keys(30, 6)}
        admitting = village.find(order[0], village.factory(node).admitting_key())
        assert admitting is not None
        handed = {key for key, owner in owned.items() if village.nodes[admitting].would_own(node, key)}
        assert village.join(node, order[0])
        village.settle_down()
        for key, owner in owned.items():
            now = village.find(order[0], key)
            assert now in (owner, node), "a join moves keys to the joining node only"
            if owner == admitting:
                assert (now == node) == (key in handed), "the admitting peer knows what it hands over"
    for _ in range(3):
        village.round()
    ids = sorted(order)
    for node in ids:
        twin = factory(node)
        twin.settle(ids)
        assert village.nodes[node].snapshot() == twin.snapshot(), "joins lead to the settled neighbors"
    for key in make_keys(40, 7):
        assert len({village.find(start, key) for start in ids}) == 1, "everybody finds the same owner"


def _failures(factory: Factory) -> None:
    ids = make_ids(24, 8)
    village = Village(factory)
    for node in ids:
        village.nodes[node] = factory(node)
        village.nodes[node].settle(ids)
        village.members[node] = None
    gone = ids[3], ids[4], ids[15]
    village.fail(gone[0])
    village.fail(gone[2])
    village.round()
    village.leave(gone[1])
    village.settle_down()
    for _ in range(3):
        village.round()
    left = [node for node in ids if node not in gone]
    for node in left:
        twin = factory(node)
        twin.settle(left)
        assert village.nodes[node].snapshot() == twin.snapshot(), "the neighbors close the gap"
        assert not set(gone) & set(village.nodes[node].neighbors())
    for key in make_keys(40, 9):
        assert len({village.find(start, key) for start in left}) == 1


def _learning(factory: Factory) -> None:
    me, friend, stranger = (NodeID.from_int(n << 120) for n in (10, 20, 30))
    topology, other = factory(me), factory(friend)
    other.settle(sorted((friend, stranger)))
    assert topology.table() == ()
    changes = topology.on_update(friend, other.make_full_update(1.0), 1.0)
    assert changes.neighbors_changed
    assert changes.candidates == (stranger,), "whom others name is a candidate"
    assert topology.table() == (friend,), "and no entry"
    assert topology.unreachable(stranger, 2.0).candidates == ()
    assert topology.on_update(friend, other.make_full_update(3.0), 3.0).candidates == (), "not again at once"
    other.settle(sorted((friend, me)))
    changes = topology.remove(friend, 4.0)
    assert changes.neighbors_changed
    assert changes.lost == (friend,)
    assert topology.table() == ()
    changes = topology.remove(friend, 5.0)
    assert not changes.neighbors_changed, "who is gone can't go again"
    assert topology.on_update(friend, other.make_full_update(6.0), 6.0).gained == (friend,), "its own word counts"
    assert not topology.on_update(friend, other.make_full_update(7.0), 7.0).neighbors_changed
