"""The attackers: what they do, and how little they have."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import p2psip_min.attacks
from p2psip_min import Overlay, ResourceID, procedures
from p2psip_min import trace as events
from p2psip_min.attacks.forwarding import StoreReplay, WrongHop
from p2psip_min.attacks.storage import RecordDiscard
from p2psip_min.attacks.transport import Eavesdropper
from p2psip_min.errors import DropReason, ErrorAnswer, NotFound, TrustedBase
from p2psip_min.wire.framing import frame_ack, frame_data
from p2psip_min.wire.header import Envelope
from p2psip_min.wire.messages import MessageCode
from tests.crafting import trace_of

MODULES = sorted(Path(p2psip_min.attacks.__path__[0]).glob("*.py"))
HEART = 30
"""Lines of code of the longest class of an attack."""


@pytest.fixture
def overlay() -> Iterator[Overlay]:
    with Overlay(peers=16, seed=3, clients=("alice", "bob"), defences="draft", links="plain") as made:
        yield made


def on_the_way(overlay: Overlay) -> tuple[str, ResourceID]:
    """A peer that forwards alice's PUT, and where the PUT goes."""
    resource = ResourceID.of(overlay.aor("alice"))
    for node in overlay.peers():
        way = overlay.route(node.name, resource)
        if len(way) > 1:
            overlay.attach_client("alice", node.name)
            return way[0].name, resource
    raise AssertionError("everybody is next to the root")


# --- StoreReplay ------------------------------------------------------------------------------------------------------


def test_a_replay_resends_what_it_forwarded_after_its_time(overlay: Overlay) -> None:
    name, _ = on_the_way(overlay)
    replay = StoreReplay(20.0)
    overlay.make_hostile(name, replay.equip)
    overlay.register("alice")
    (kept,) = replay.kept.values()
    captured = kept.due - 20.0
    overlay.advance(30.0)
    mallory = overlay.node(name).node_id
    sent = [
        event for event in trace_of(overlay).select(events.MessageSent, node=mallory, code=int(MessageCode.STORE_REQ))
    ]
    assert len(sent) == 1
    assert 20.0 <= sent[0].t - captured <= 20.5
    assert sent[0].transaction_id == kept.envelope.transaction_id


def test_a_replay_forwards_as_it_should_meanwhile(overlay: Overlay) -> None:
    name, resource = on_the_way(overlay)
    overlay.make_hostile(name, StoreReplay(20.0).equip)
    overlay.register("alice")
    assert overlay.root(resource).peer.store.holds(resource)


def test_a_replay_does_not_wait_when_told_so(overlay: Overlay) -> None:
    name, _ = on_the_way(overlay)
    replay = StoreReplay(1000.0)
    overlay.make_hostile(name, replay.equip)
    overlay.register("alice")
    replay.resend_now()
    overlay.advance(2.0)
    mallory = overlay.node(name).node_id
    assert any(trace_of(overlay).select(events.MessageSent, node=mallory, code=int(MessageCode.STORE_REQ)))


def test_a_replay_keeps_messages_and_nothing_else(overlay: Overlay) -> None:
    name, _ = on_the_way(overlay)
    replay = StoreReplay(20.0)
    overlay.make_hostile(name, replay.equip)
    overlay.register("alice")
    assert [type(kept.envelope) for kept in replay.kept.values()] == [Envelope]


# --- WrongHop -------------------------------------------------------------------------------------------------------


def test_a_wrong_hop_sends_requests_back_until_they_are_too_old(overlay: Overlay) -> None:
    name, resource = on_the_way(overlay)
    overlay.make_hostile(name, WrongHop().equip)
    with pytest.raises(ErrorAnswer, match="ttl exceeded"):
        overlay.register("alice")
    mallory, home = overlay.node(name), overlay.node("alice").peer.topology.table()[0]
    sent = list(trace_of(overlay).select(events.MessageForwarded, node=mallory.node_id))
    assert {event.next_hop for event in sent if event.code == MessageCode.STORE_REQ} == {home}
    dead = trace_of(overlay).select(events.MessageDropped, reason=DropReason.TTL_EXCEEDED)
    assert sum(1 for _ in dead) == 1
    assert not overlay.root(resource).peer.store.holds(resource)


def test_a_wrong_hop_passes_answers_on(overlay: Overlay) -> None:
    name, _ = on_the_way(overlay)
    overlay.make_hostile(name, WrongHop().equip)
    mallory = overlay.node(name)
    assert overlay.lookup(name, ResourceID(overlay.root(ResourceID.of(overlay.aor("alice"))).node_id))
    answers = trace_of(overlay).select(events.MessageForwarded, node=mallory.node_id, code=int(MessageCode.PING_ANS))
    assert all(event.next_hop != event.previous_hop for event in answers)


# --- RecordDiscard ----------------------------------------------------------------------------------------------------


def test_discarded_records_are_acknowledged_and_gone() -> None:
    with Overlay(peers=8, seed=3, clients=("alice", "bob"), defences="none") as overlay:
        root = overlay.root(ResourceID.of(overlay.aor("alice")))
        overlay.register("alice")
        overlay.make_hostile(root.name, RecordDiscard().equip)
        with pytest.raises(NotFound):
            overlay.resolve("bob", "alice")
        overlay.register("alice")
        assert len(root.peer.store) == 0
        with pytest.raises(NotFound):
            overlay.resolve("bob", "alice")


def test_what_was_not_kept_is_not_in_the_trace() -> None:
    with Overlay(peers=8, seed=3, clients=("alice",), defences="none") as overlay:
        root = overlay.root(ResourceID.of(overlay.aor("alice")))
        overlay.make_hostile(root.name, RecordDiscard().equip)
        overlay.register("alice")
        assert not list(trace_of(overlay).select(events.RecordStored, node=root.node_id))


# --- Eavesdropper -----------------------------------------------------------------------------------------------------

HERE, THERE = ("10.0.0.1", 6084), ("10.0.0.2", 6084)


def test_an_eavesdropper_reads_plain_messages_behind_a_hello_or_not(overlay: Overlay) -> None:
    overlay.register("alice")
    message = next(trace_of(overlay).select(events.MessageSent)).message
    ear = Eavesdropper()
    for packet in (frame_data(0, message), b"\x01" + bytes(16) + frame_data(1, message)):
        ear.tap(0.0, HERE, THERE, packet)
    assert (ear.seen, len(ear.read), ear.share_read) == (2, 2, 1.0)


def test_an_eavesdropper_counts_ciphertext_and_passes_over_what_is_no_message() -> None:
    ear = Eavesdropper()
    for packet in (b"\x17\x03\x03\x00\x01x", b"", frame_ack(0, 0), b"\x02" + bytes(16), b"\xff\xff"):
        ear.tap(0.0, HERE, THERE, packet)
    assert (ear.seen, ear.share_read) == (1, 0.0)


def test_a_message_that_is_none_was_seen_and_not_read() -> None:
    ear = Eavesdropper()
    ear.tap(0.0, HERE, THERE, frame_data(0, b"nonsense"))
    assert (ear.seen, ear.share_read) == (1, 0.0)


def test_nothing_seen_is_nothing_read() -> None:
    assert Eavesdropper().share_read == 0.0


# --- all of them ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("attack", [StoreReplay(1.0), WrongHop(), RecordDiscard()])
def test_insiders_need_an_untrusted_base(attack: Any) -> None:
    with Overlay(peers=4, seed=1, base="trusted", defences="none") as overlay, pytest.raises(TrustedBase):
        overlay.make_hostile("p01", attack.equip)


APPLICANTS = {f"p2psip_min.enrollment.{name}" for name in ("client", "configuration", "http", "pkcs10", "session")}
"""What everybody has who may ask an enrollment server for something."""


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_attackers_import_no_world_and_no_keys(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"))
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    imported |= {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    forbidden = {"overlay", "world", "construction", "peer", "view", "roles", "deployments"}
    assert not {f"p2psip_min.{name}" for name in forbidden} & imported
    servers = {name for name in imported if name and name.startswith("p2psip_min.enrollment")} - APPLICANTS
    assert not servers


def code_lines(path: Path, node: ast.ClassDef) -> int:
    """Lines of a class without docstrings, comments and blanks."""
    lines = path.read_text("utf-8").splitlines()
    documented = {
        number
        for each in ast.walk(node)
        if isinstance(each, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and ast.get_docstring(each)
        for number in range(each.body[0].lineno, (each.body[0].end_lineno or 0) + 1)
    }
    return sum(
        1
        for number in range(node.lineno, (node.end_lineno or 0) + 1)
        if number not in documented and (line := lines[number - 1].strip()) and not line.startswith("#")
    )


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_the_heart_of_an_attack_is_short(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ClassDef):
            assert code_lines(path, node) < HEART, node.name


def test_an_agent_sees_its_own_node_only() -> None:
    from p2psip_min.seams import NodeView

    names = {name for name, _ in inspect.getmembers(NodeView) if not name.startswith("_")}
    assert names == {"now", "request", "route", "routing_table", "send", "sleep"}
    assert set(NodeView.__annotations__) == {"node_id", "rng"}


def test_a_hostile_node_has_two_honest_looking_parts(overlay: Overlay) -> None:
    name, _ = on_the_way(overlay)
    before = overlay.node(name).peer.parts
    overlay.make_hostile(name, StoreReplay(1.0).equip)
    after = overlay.node(name).peer.parts
    changed = [part for part in before.__dataclass_fields__ if getattr(before, part) is not getattr(after, part)]
    assert changed == ["forwarding", "agent"]
    assert overlay.run(procedures.ping(overlay.node(name).peer, ResourceID.of("x"))) is not None
