"""The running overlay: settled and grown alike, records in their places, every routing style, the same story twice."""

from __future__ import annotations

import hashlib
import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from p2psip_min import trace as events
from p2psip_min.errors import DropReason, JoinRefused, LocalProtocolError, NotFound, RequestTimedOut
from p2psip_min.ids import NodeID, ResourceID
from p2psip_min.invariants import finger_violations, ideal_ring, placement, zave
from p2psip_min.overlay import Node, Overlay
from p2psip_min.routing.forwarding import Decision, Drop, Forward
from p2psip_min.seams import Coalition, Forwarding, PeerParts
from p2psip_min.transport.driver import Driver
from p2psip_min.wire.address import IpAddressPort
from p2psip_min.wire.codec import encode
from p2psip_min.wire.header import Envelope
from p2psip_min.wire.kinds import (
    CERTIFICATE_BY_NODE,
    CERTIFICATE_BY_USER,
    SIP_REGISTRATION,
    TURN_SERVICE,
    SipRegistration,
    SipRegistrationType,
    TurnServer,
)
from p2psip_min.wire.messages import MessageCode


def offer(iteration: int, port: int = 3478) -> bytes:
    """A value that every peer may store at one of its places."""
    return encode(TurnServer(iteration, IpAddressPort("192.0.2.1", port)))


def fill(overlay: Overlay, records: int) -> dict[ResourceID, tuple[str, int]]:
    """So many records by peers in turn: owner and iteration of each."""
    stored = {}
    living = overlay.peers()
    for number in range(records):
        owner, iteration = living[number % len(living)].name, 1 + number // len(living)
        overlay.put(owner, TURN_SERVICE, offer(iteration), iteration=iteration, lifetime=86_400)
        stored[overlay.place_of(owner, TURN_SERVICE, iteration=iteration)] = (owner, iteration)
    overlay.advance(5.0)
    return stored


def held(overlay: Overlay) -> dict[NodeID, set[bytes]]:
    return {node: {bytes(each.resource) for each in records} for node, records in overlay.records().items()}


def fingers(overlay: Overlay) -> dict[NodeID, dict[int, NodeID]]:
    return {node.node_id: node.peer.topology.fingers() for node in overlay.peers()}


def neighbors_of(overlay: Overlay, name: str) -> tuple[NodeID, ...]:
    return overlay.node(name).peer.topology.neighbors()


# --- settled and grown ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("links", ["plain", "tls"])
def test_a_settled_overlay_is_what_joins_would_have_made(links: str) -> None:
    with (
        Overlay(peers=20, seed=8, links=links) as settled,
        Overlay(peers=20, seed=8, links=links, grown=True) as grown,
    ):
        grown.advance(1300.0)  # two rounds of stabilisation
        assert settled.snapshot() == grown.snapshot()
        for overlay in (settled, grown):
            stored = fill(overlay, 40)
            assert ideal_ring(overlay.snapshot()) == []
            assert zave(overlay.snapshot()) == []
            assert finger_violations(fingers(overlay)) == []
            assert placement(held(overlay), stored) == []


def test_what_comes_and_goes_leaves_every_record_in_its_place() -> None:
    with Overlay(peers=10, seed=8, links="plain") as overlay:
        stored = fill(overlay, 30)
        rng = random.Random(1)
        for turn in range(6):
            if turn % 2:
                living = overlay.peers()
                overlay.leave(living[int(rng.random() * len(living))].name)
            else:
                overlay.add_peer()
            overlay.advance(700.0)
            assert ideal_ring(overlay.snapshot()) == []
            assert placement(held(overlay), stored) == []
        assert not list(overlay.trace.select(events.NeighborFailed)), "a leave is no death"
        reader = overlay.peers()[0].name
        for owner, iteration in stored.values():
            assert overlay.get(reader, owner, TURN_SERVICE, iteration=iteration) == (offer(iteration),)


def test_a_crash_is_noticed_and_mended() -> None:
    with Overlay(peers=10, seed=8, links="plain") as overlay:
        stored = fill(overlay, 30)
        victim = overlay.peers()[4]
        overlay.crash(victim.name)
        overlay.advance(1300.0)
        assert ideal_ring(overlay.snapshot()) == []
        assert placement(held(overlay), stored) == []
        assert {event.neighbor for event in overlay.trace.select(events.NeighborFailed)} == {victim.node_id}


def test_who_has_left_is_in_nobodys_table() -> None:
    with Overlay(peers=10, seed=8, links="plain") as overlay:
        gone = overlay.peers()[4]
        overlay.leave(gone.name)
        overlay.advance(1.0)
        assert not gone.alive
        assert all(gone.node_id not in neighbors_of(overlay, node.name) for node in overlay.peers())
        with pytest.raises(JoinRefused):
            overlay.add_peer("late", through=gone.name)


# --- large ------------------------------------------------------------------------------------------------------------


def test_among_1000_peers_every_lookup_store_and_fetch_succeeds() -> None:
    with Overlay(peers=1000, seed=8, links="plain", trace="counting", maintenance=False) as overlay:
        rng = random.Random(2)
        members = overlay.peers()

        def anybody() -> Node:
            return members[int(rng.random() * len(members))]

        for number in range(150):
            key = ResourceID.of(f"key {number}")
            assert overlay.lookup(anybody().name, key) == overlay.root(key).node_id
        for number in range(75):
            owner, port = anybody().name, 1024 + number
            overlay.put(owner, TURN_SERVICE, offer(1, port))
            assert overlay.get(anybody().name, owner, TURN_SERVICE) == (offer(1, port),)
        counts = overlay.trace.counts()
        assert "MessageDropped" not in counts
        assert "RequestFailed" not in counts
        assert "RequestRetransmitted" not in counts


# --- routing styles ---------------------------------------------------------------------------------------------------


@pytest.fixture(params=["recursive", "iterative"])
def styled(request: pytest.FixtureRequest) -> Iterator[Overlay]:
    with Overlay(peers=24, clients=("alice", "bob"), routing=request.param, links="plain", seed=6) as made:
        yield made


def test_both_routing_styles_look_up_store_fetch_and_call(styled: Overlay) -> None:
    for number in range(20):
        key = ResourceID.of(f"key {number}")
        assert styled.lookup(styled.peers()[number].name, key) == styled.root(key).node_id
        assert styled.lookup("alice", key) == styled.root(key).node_id
    styled.register("alice")
    assert styled.call("bob", "alice") == styled.node("alice").node_id
    asked = {event.code for event in styled.trace.select(events.MessageSent)}
    assert (MessageCode.ROUTE_QUERY_REQ in asked) == (styled.routing == "iterative")
    forwarded = [e for e in styled.trace.select(events.MessageForwarded) if e.code == MessageCode.STORE_REQ]
    assert bool(forwarded) == (styled.routing == "recursive")


def test_a_store_is_copied_to_two_replicas(styled: Overlay) -> None:
    styled.register("alice")
    styled.advance(1.0)
    place = styled.place_of("alice", SIP_REGISTRATION)
    root = styled.root(place)
    expected = (root.node_id, *root.peer.topology.replicas(place, 2))
    holders = {event.node: event.replica for event in styled.trace.select(events.RecordStored, resource=place)}
    assert holders == dict(zip(expected, range(3), strict=True))
    (acknowledged,) = styled.trace.select(events.StoreAcknowledged)
    assert acknowledged.replicas == expected[1:]


# --- repetition -------------------------------------------------------------------------------------------------------


class LosesAnswers:
    """Forwards everything but the first answers to a method that come by."""

    def __init__(self, inner: Forwarding, code: int, count: int) -> None:
        self._inner, self._code, self.left = inner, code, count

    def decide(self, envelope: Envelope, previous_hop: NodeID | None, now: float) -> Decision:
        decision = self._inner.decide(envelope, previous_hop, now)
        if envelope.code == self._code and self.left and isinstance(decision, Forward):
            self.left -= 1
            return Drop(DropReason.DISCARDED)
        return decision


def test_a_store_whose_answer_is_lost_is_repeated_and_carried_out_once() -> None:
    with Overlay(peers=24, links="plain", seed=6) as overlay:
        for owner in overlay.peers():
            place = overlay.place_of(owner.name, TURN_SERVICE)
            way = overlay.route(owner.name, place)
            if len(way) > 2:
                break

        def equip(parts: PeerParts, coalition: Coalition) -> PeerParts:
            return replace(parts, forwarding=LosesAnswers(parts.forwarding, MessageCode.STORE_ANS, 2))

        overlay.make_hostile(way[0].name, equip)
        stored = overlay.put(owner.name, TURN_SERVICE, offer(1))
        assert stored.generation == 1
        assert len(list(overlay.trace.select(events.RequestRetransmitted, node=owner.node_id))) == 2
        assert len(list(overlay.trace.select(events.RecordStored, node=way[-1].node_id, resource=place))) == 1
        assert not list(overlay.trace.select(events.RecordReplaced))


# --- records by name --------------------------------------------------------------------------------------------------


def test_every_kind_is_put_got_and_removed_by_name() -> None:
    with Overlay(peers=8, clients=("alice", "bob"), links="plain", seed=6) as overlay:
        contact = encode(SipRegistration(SipRegistrationType.URI, "carol@example.org"))
        certificate = overlay.node("alice").peer.parts.identity.certificate
        values = {
            SIP_REGISTRATION: contact,
            TURN_SERVICE: offer(1),
            CERTIFICATE_BY_NODE: certificate,
            CERTIFICATE_BY_USER: certificate,
        }
        for kind, value in values.items():
            overlay.put("alice", kind, value)
            assert overlay.get("bob", "alice", kind) == (value,)
        overlay.put("alice", CERTIFICATE_BY_USER, certificate)
        assert overlay.get("bob", "alice", CERTIFICATE_BY_USER) == (certificate, certificate)
        overlay.remove("alice", CERTIFICATE_BY_USER, index=0)
        assert overlay.get("bob", "alice", CERTIFICATE_BY_USER) == (certificate,)
        for kind in (SIP_REGISTRATION, TURN_SERVICE, CERTIFICATE_BY_NODE):
            overlay.remove("alice", kind)
            with pytest.raises(NotFound):
                overlay.get("bob", "alice", kind)


# --- the world --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "known"),
    [
        ({"routing": "random"}, "recursive, iterative"),
        ({"base": "client-server"}, "trusted, untrusted"),
        ({"links": "dtls"}, "plain, tls"),
        ({"trace": "none"}, "full, counting"),
        ({"finger_choice": "last"}, "first, random"),
        ({"peers": 0}, "at least one peer"),
        ({"peers": 1, "users": ("alice", "bob")}, "one for each of 2 users"),
        ({"peers": 4, "trusted": 5}, "0 to 4 can be trusted"),
        ({"peers": "4"}, "peers is a whole number, not '4'"),
        ({"peers": True}, "peers is a whole number, not True"),
        ({"seed": 1.5}, "seed is a whole number, not 1.5"),
        ({"clients": "alice"}, "clients are names, as .*, not 'alice'"),
        ({"users": (1,)}, "users are names, as .*, not .1,."),
        ({"users": 1}, "users are names, as .*, not 1"),
    ],
)
def test_wrong_arguments_name_the_right_ones(wrong: dict[str, Any], known: str) -> None:
    with pytest.raises(ValueError, match=known):
        Overlay(**wrong)


def test_unknown_presets_and_nodes_are_named() -> None:
    with pytest.raises(KeyError, match="hardened"):
        Overlay(peers=1, defences="good")
    with Overlay(peers=2, links="plain") as overlay:
        with pytest.raises(KeyError, match="p00, p01"):
            overlay.node("p02")
        with pytest.raises(ValueError, match="p01 already"):
            overlay.add_peer("p01")
        overlay.crash("p00")
        overlay.crash("p01")
        with pytest.raises(LocalProtocolError):
            overlay.reconfigure(turn_density=2)


@pytest.mark.parametrize("seconds", [-1, float("nan"), float("inf")])
def test_time_passes_by_a_number_of_seconds(seconds: float) -> None:
    with Overlay(peers=1, links="plain") as overlay:
        began = overlay.now
        with pytest.raises(ValueError, match="from 0 on"):
            overlay.advance(seconds)
        assert overlay.now == began


def test_a_closed_overlay_says_so() -> None:
    with Overlay(peers=1, clients=("alice",), links="plain") as overlay:
        pass
    with pytest.raises(LocalProtocolError, match="closed"):
        overlay.register("alice")


def test_who_is_not_registered_is_named() -> None:
    with Overlay(peers=2, clients=("alice",), links="plain") as overlay, pytest.raises(NotFound, match="carol@"):
        overlay.call("alice", "carol")


def test_a_script_may_end_without_closing_its_overlay() -> None:
    script = "from p2psip_min import Overlay; Overlay(peers=2, links='plain')"
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_an_overview_says_what_there_is() -> None:
    with Overlay(peers=5, clients=("alice",), base="trusted", links="plain", seed=2) as overlay:
        overlay.register("alice")
        overlay.advance(1.0)
        seen = overlay.overview()
        assert (seen["base"], seen["peers"], seen["clients"], seen["servers"]) == ("trusted", 5, ["alice"], ["enroll"])
        assert seen["records"] == 3
        assert seen["events"] == len(overlay.trace)
        assert (overlay.node("p00").kind, overlay.node("alice").kind) == ("peer", "client")
        assert overlay.servers["enroll"].kind == "server"


def test_a_lone_peer_is_an_overlay() -> None:
    with Overlay(peers=1, clients=("alice", "bob"), links="plain", seed=2) as overlay:
        overlay.register("alice")
        assert overlay.call("bob", "alice") == overlay.node("alice").node_id
        assert overlay.add_peer() in overlay.peers()


def test_a_worker_thread_can_run_it_and_steps_are_steps() -> None:
    with Overlay(peers=4, clients=("alice",), links="plain", seed=2, driver=Driver()) as overlay:
        overlay.register("alice")
        before = overlay.now
        assert overlay.step()
        assert overlay.now >= before


def test_nothing_is_left_running_when_it_ends() -> None:
    overlay = Overlay(peers=6, clients=("alice", "bob"), links="tls", seed=2)
    overlay.register("alice")
    overlay.call("bob", "alice")
    overlay.driver.call(overlay.stop)
    overlay.advance(60.0)
    assert [task.get_name() for task in overlay.loop.pending_tasks] == []
    overlay.close()


# --- the same story twice ---------------------------------------------------------------------------------------------

STORY = """
import sys
from p2psip_min.overlay import Overlay
overlay = Overlay(peers=8, clients=("alice", "bob"), links=sys.argv[1], seed=int(sys.argv[2]), grown=True, servers=2)
overlay.network.loss = 0.02
overlay.register("alice")
overlay.call("bob", "alice")
overlay.add_peer()
overlay.leave(overlay.peers()[3].name)
overlay.crash(overlay.peers()[5].name)
overlay.revoke(overlay.peers()[1].name)
overlay.advance(60.0)
print(overlay.digest(), len(overlay.trace))
overlay.close()
"""


def tell(links: str, seed: int, hash_seed: str) -> str:
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    done = subprocess.run(
        [sys.executable, "-c", STORY, links, str(seed)], env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout


@pytest.mark.parametrize("links", ["plain", "tls"])
def test_the_same_seed_tells_the_same_story_in_any_process(links: str) -> None:
    stories = {tell(links, 5, hash_seed) for hash_seed in ("0", "4711")}
    assert len(stories) == 1


def test_the_digest_is_that_of_the_trace_as_json_lines() -> None:
    with Overlay(peers=3, links="plain", seed=5) as overlay:
        overlay.advance(1.0)
        lines = overlay.trace.to_jsonl()
        assert hashlib.sha256(lines.encode()).hexdigest() == overlay.digest()
        told = [json.loads(line) for line in lines.splitlines()]
        assert len(told) == len(overlay.trace) > 0


def test_another_seed_tells_another_story() -> None:
    assert tell("plain", 5, "0") != tell("plain", 6, "0")


# --- clients and their peers ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("links", ["plain", "tls"])
@pytest.mark.parametrize("how", ["leave", "crash"])
def test_a_client_whose_peer_goes_finds_another(links: str, how: str) -> None:
    with Overlay(peers=10, links=links, seed=6) as overlay:
        alice = overlay.add_client("alice", at="p05")
        bob = overlay.add_client("bob", at="p07")
        (overlay.leave if how == "leave" else overlay.crash)("p05")
        # A crash is noticed by sending only; the first request finds out, the next one goes another way.
        with suppress(RequestTimedOut):
            overlay.register("alice")
        overlay.advance(20.0)
        overlay.register("alice")
        assert overlay.call("bob", "alice") == alice.node_id
        attached = [event.peer for event in overlay.trace.select(events.ClientAttached, node=alice.node_id)]
        assert len(attached) == 2
        assert overlay.nodes[NodeID(attached[1])].address in bob.peer.configuration.bootstrap_nodes
