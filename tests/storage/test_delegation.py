"""Letting others write to one's record: grants, chains of them, and how far they go."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2psip_min import procedures
from p2psip_min.clock import milliseconds
from p2psip_min.defences import preset
from p2psip_min.errors import ErrorAnswer, LocalProtocolError, ReadReason, StoreReason
from p2psip_min.ids import NodeID, ResourceID
from p2psip_min.overlay import Overlay
from p2psip_min.storage.access import Claim
from p2psip_min.storage.delegation import NoDelegation, SharedKey, SignedGrants, read_grant
from p2psip_min.storage.policies import StoreRules
from p2psip_min.storage.validation import Accepted
from p2psip_min.storage.values import Held, Shelf
from p2psip_min.trace import RecordStored, StoreRejected, ValueRejected
from p2psip_min.wire.codec import encode
from p2psip_min.wire.data import DictionaryEntry, StoredData
from p2psip_min.wire.grants import Grant, Operations, grant_key
from p2psip_min.wire.kinds import GRANT, OUR_KINDS, AccessPolicy, DataModel, KindSpec
from p2psip_min.wire.security import UNSIGNED
from tests.crafting import close_all, small, trace_of

NOTES = KindSpec(0xF0000041, "NOTES", DataModel.DICTIONARY, AccessPolicy.USER_CHAIN_ACL, 16, 100)
DIARY = KindSpec(0xF0000042, "DIARY", DataModel.DICTIONARY, AccessPolicy.USER_CHAIN_ACL, 16, 100)
OWNER, POLICY, NOW = "alice@x", SignedGrants(), 100.0
PLACE = ResourceID.of(OWNER)
WRITE, REMOVE = Operations.WRITE, Operations.REMOVE


@pytest.fixture(autouse=True)
def closing() -> Iterator[None]:
    """End the overlays of a test."""
    yield
    close_all()


# --- the rule ---------------------------------------------------------------------------------------------------------


def node(user: str) -> NodeID:
    return NodeID(hashlib.sha256(user.encode()).digest()[:16])


def shelf(*grants: tuple[str, str, dict[str, Any]]) -> dict[int, Shelf]:
    """Grants by giver, receiver and what differs from writing notes until second 200."""
    spec = OUR_KINDS[GRANT]
    held: dict[bytes, Held] = {}
    for number, (giver, receiver, more) in enumerate(grants):
        fields = {"kind": NOTES.id, "allow_delegation": False, "operations": WRITE, "expires": 200.0} | more
        fields["expires"] = milliseconds(fields["expires"])
        value = DictionaryEntry(grant_key(node(giver), number), True, encode(Grant(receiver.encode(), **fields)))
        held[value.key] = Held(StoredData(0, 100, value, UNSIGNED), 0.0, math.inf, giver, b"", 0)
    return {GRANT: Shelf(spec, 1, held)}


def verdict(
    user: str, shelves: dict[int, Shelf], *, spec: KindSpec = NOTES, key: bytes | None = None, exists: bool = True,
    value: bytes = b"x", now: float = NOW,
) -> bool | None:  # fmt: skip
    key = bytes(node(user)) if key is None else key
    entry = DictionaryEntry(key, exists, value if exists else b"")
    return POLICY.verdict(Claim(PLACE, spec, key, user, node(user)), entry, shelves, now)


ON = {"allow_delegation": True}
BOTH = WRITE | REMOVE


@pytest.mark.parametrize(
    ("grants", "asked", "allowed"),
    [
        ((), {"user": OWNER}, True),
        ((), {"user": OWNER, "key": b"any"}, True),
        ((), {"user": "bob"}, False),
        (((OWNER, "bob", {}),), {"user": "bob"}, True),
        (((OWNER, "bob", {}),), {"user": "carol"}, False),
        (((OWNER, "bob", {}),), {"user": "bob", "key": bytes(node(OWNER))}, False),
        (((OWNER, "bob", {}),), {"user": "bob", "spec": DIARY}, False),
        (((OWNER, "bob", {}),), {"user": "bob", "exists": False}, False),
        (((OWNER, "bob", {"operations": BOTH}),), {"user": "bob", "exists": False}, True),
        (((OWNER, "bob", {"operations": REMOVE}),), {"user": "bob"}, False),
        (((OWNER, "bob", {}),), {"user": "bob", "now": 200.0}, False),
        (((OWNER, "bob", {}),), {"user": "bob", "now": 199.9}, True),
        ((("bob", "bob", ON),), {"user": "bob"}, False),
        (((OWNER, "bob", ON), ("bob", "carol", {})), {"user": "carol"}, True),
        (((OWNER, "bob", {}), ("bob", "carol", {})), {"user": "carol"}, False),
        (((OWNER, "bob", ON | {"expires": 150.0}), ("bob", "carol", {})), {"user": "carol", "now": 160.0}, False),
        (((OWNER, "bob", ON), ("bob", "carol", {"operations": BOTH})), {"user": "carol", "exists": False}, False),
        (((OWNER, "bob", ON), ("bob", "carol", ON), ("carol", "dave", {})), {"user": "dave"}, True),
        ((("bob", "carol", ON), ("carol", "bob", ON)), {"user": "bob"}, False),
    ],
)
def test_what_grants_allow(grants: Any, asked: dict[str, Any], allowed: bool) -> None:
    assert verdict(asked.pop("user"), shelf(*grants), **asked) is allowed


@pytest.mark.parametrize(
    ("mine", "value", "allowed"),
    [
        ({}, Grant(b"carol", NOTES.id, False, 1, 0), False),
        (ON, Grant(b"carol", NOTES.id, False, 1, 0), True),
        (ON, Grant(b"carol", DIARY.id, False, 1, 0), False),
    ],
)
def test_who_may_pass_on_what_he_has(mine: dict[str, Any], value: Grant, allowed: bool) -> None:
    key, shelves = grant_key(node("bob"), 0), shelf((OWNER, "bob", mine))
    assert verdict("bob", shelves, spec=OUR_KINDS[GRANT], key=key, value=encode(value)) is allowed
    other = grant_key(node(OWNER), 0)
    assert verdict("bob", shelves, spec=OUR_KINDS[GRANT], key=other, value=encode(value)) is False
    assert verdict("bob", shelves, spec=OUR_KINDS[GRANT], key=key, value=b"no grant") is False
    assert verdict("bob", shelves, spec=OUR_KINDS[GRANT], key=key, exists=False) is True


USERS = [OWNER, "bob", "carol", "dave"]
LINKS = st.lists(st.tuples(st.sampled_from(USERS), st.sampled_from(USERS), st.booleans()), max_size=8)


@given(LINKS)
def test_a_chain_is_a_way_from_the_owner_through_those_who_may_pass_on(links: Sequence[tuple[str, str, bool]]) -> None:
    shelves = shelf(*[(giver, receiver, {"allow_delegation": on}) for giver, receiver, on in links])
    passing, reached = {OWNER}, {OWNER}
    for _ in links:
        reached |= {receiver for giver, receiver, _ in links if giver in passing}
        passing |= {receiver for giver, receiver, on in links if giver in passing and on}
    for user in USERS:
        assert verdict(user, shelves) is (user in reached)


def test_other_kinds_are_no_affair_of_grants() -> None:
    spec = KindSpec(7, "SEVEN", DataModel.DICTIONARY, AccessPolicy.USER_MATCH, 3, 100)
    claim, entry = Claim(PLACE, spec, b"k", "bob", node("bob")), DictionaryEntry(b"k", True, b"")
    for policy in (NoDelegation(), SharedKey(), SignedGrants()):
        assert policy.verdict(claim, entry, {}, NOW) is None
    shared = Claim(PLACE, NOTES, b"k", "bob", node("bob"))
    assert NoDelegation().verdict(shared, entry, {}, NOW) is None
    assert SharedKey().verdict(shared, entry, shelf((OWNER, "bob", {})), NOW) is False
    assert read_grant(b"no grant") is None


# --- storing peers and readers ----------------------------------------------------------------------------------------


def world(*names: str, on: str = "signed-grants") -> Overlay:
    return small(8, clients=("alice", "bob", "carol"), kinds=(NOTES, DIARY), defences=preset("none").having(on, *names))


def give(overlay: Overlay, giver: str, receiver: str, number: int = 0, until: float = 5000.0, **more: Any) -> Any:
    alice, aor = overlay.aor("alice"), overlay.aor(receiver)
    peer = overlay.node(giver).peer
    return overlay.run(procedures.grant(peer, alice, aor, NOTES.id, number=number, until=until, **more))


def write(overlay: Overlay, user: str, kind: KindSpec = NOTES, key: Any = None) -> None:
    peer = overlay.node(user).peer
    overlay.run(procedures.write_for(peer, overlay.aor("alice"), kind.id, user.encode(), key=key))


def notes(overlay: Overlay) -> list[bytes]:
    place = ResourceID.of(overlay.aor("alice"))
    found = overlay.run(procedures.fetch(overlay.node("carol").peer, place, NOTES.id))
    return sorted(value.stored.value.value for value in found)


def refused(overlay: Overlay) -> list[str]:
    return [event.reason for event in trace_of(overlay).select(StoreRejected)]


@pytest.mark.parametrize(
    "names",
    [(), ("access-control", "own-part"), ("replicas", "rising-time"), ("salted-places",), ("publication-account",)],
)
def test_a_delegate_writes_his_own_entries_and_readers_believe_them(names: tuple[str, ...]) -> None:
    overlay = world(*names)
    with pytest.raises(ErrorAnswer):
        write(overlay, "bob")
    give(overlay, "alice", "bob")
    write(overlay, "bob")
    write(overlay, "alice")
    assert notes(overlay) == [b"alice", b"bob"]
    with pytest.raises(ErrorAnswer):
        write(overlay, "bob", DIARY)
    assert set(refused(overlay)) <= {StoreReason.NOT_GRANTED, StoreReason.GENERATION_TOO_LOW}


def test_what_is_taken_back_or_over_counts_no_more_for_storing_peer_and_reader() -> None:
    overlay = world()
    give(overlay, "alice", "bob")
    give(overlay, "alice", "carol", 1, until=overlay.now + 50, passing_on=True)
    write(overlay, "bob")
    write(overlay, "carol")
    assert notes(overlay) == [b"bob", b"carol"]
    overlay.run(procedures.revoke(overlay.node("alice").peer, overlay.aor("alice"), 0))
    with pytest.raises(ErrorAnswer):
        write(overlay, "bob")
    assert notes(overlay) == [b"carol"]
    overlay.advance(60.0)
    with pytest.raises(ErrorAnswer):
        write(overlay, "carol")
    assert {event.reason for event in trace_of(overlay).select(ValueRejected)} == {ReadReason.NOT_GRANTED}


def test_a_chain_falls_with_its_first_link() -> None:
    overlay = world()
    give(overlay, "alice", "bob", passing_on=True)
    give(overlay, "bob", "carol")
    write(overlay, "carol")
    overlay.run(procedures.revoke(overlay.node("alice").peer, overlay.aor("alice"), 0))
    with pytest.raises(ErrorAnswer):
        write(overlay, "carol")


def test_grants_are_the_owner_s_to_give_and_end_in_time() -> None:
    overlay = world()
    with pytest.raises(ErrorAnswer):
        give(overlay, "bob", "bob")
    assert refused(overlay) == [StoreReason.NOT_GRANTED]
    for until in (overlay.now, overlay.now + 31 * 86_400.0):
        with pytest.raises(LocalProtocolError):
            give(overlay, "alice", "bob", until=until)


def test_grants_and_what_they_allow_move_to_new_holders() -> None:
    overlay = world("replicas", "rising-time")
    give(overlay, "alice", "bob")
    write(overlay, "bob")
    overlay.advance(5.0)
    for _ in range(3):
        overlay.leave(overlay.root(ResourceID.of(overlay.aor("alice"))).name)
        overlay.advance(60.0)
    assert notes(overlay) == [b"bob"]
    write(overlay, "bob")


def test_a_copy_is_the_owner_s_or_under_its_writer_s_name(world: Any) -> None:
    kinds = world.kinds.with_kind(NOTES)
    peer = world.peer(StoreRules(delegation=SignedGrants()))
    peer.store.know_kinds(kinds)
    kept, world.kinds = world.kinds, kinds
    try:
        own, other = world.owners["bob"].node_id, world.owners["alice"].node_id
        for key, outcome in ((own, None), (other, StoreReason.OTHERS_PART)):
            copy = world.seal(b"x", by="bob", kind=NOTES.id, key=key)
            found = peer.put(copy, kind=NOTES.id, replica=1)
            assert isinstance(found, Accepted) if outcome is None else found.reason is outcome
    finally:
        world.kinds = kept


def test_without_grants_nothing_is_stored_or_taken_back() -> None:
    overlay = world(on="access-control")
    assert give(overlay, "alice", "bob") is None
    overlay.run(procedures.revoke(overlay.node("alice").peer, overlay.aor("alice"), 0))
    assert not list(trace_of(overlay).select(RecordStored))
    with pytest.raises(ErrorAnswer):
        write(overlay, "bob")
    assert refused(overlay) == [StoreReason.ACCESS_DENIED]


def test_a_shared_key_opens_everything_for_ever() -> None:
    overlay = world(on="shared-key")
    with pytest.raises(ErrorAnswer):
        write(overlay, "bob")
    key = give(overlay, "alice", "bob", until=overlay.now + 1)
    overlay.run(procedures.revoke(overlay.node("alice").peer, overlay.aor("alice"), 0))
    overlay.advance(10.0)
    write(overlay, "bob", key=key)
    write(overlay, "bob", DIARY, key=key)
    assert notes(overlay) == [b"bob"]
