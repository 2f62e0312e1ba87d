"""Who may write where (RFC 6940 §7.3)."""

from __future__ import annotations

from typing import Any

import pytest

from p2psip_min.errors import StoreReason
from p2psip_min.ids import NodeID, ResourceID
from p2psip_min.storage.access import PLACES, Claim, OneList, OwnPart, permitted
from p2psip_min.storage.policies import StoreRules, signing_node
from p2psip_min.storage.validation import Accepted, Rejected
from p2psip_min.wire.address import IpAddressPort
from p2psip_min.wire.codec import encode
from p2psip_min.wire.kinds import (
    SIP_REGISTRATION,
    TURN_SERVICE,
    AccessPolicy,
    DataModel,
    KindSpec,
    SipRegistration,
    TurnServer,
    encode_sip_registration,
)
from p2psip_min.wire.security import SignerIdentity

USER = "alice@overlay.example"
NODE, OTHER = NodeID(b"n" * 16), NodeID(b"o" * 16)
REGISTRATION = encode_sip_registration(SipRegistration(1, "bob@overlay.example"))

CLAIMS = [
    (AccessPolicy.USER_MATCH, USER, b"", USER, NODE, True),
    (AccessPolicy.USER_MATCH, USER, b"", USER, None, True),
    (AccessPolicy.USER_MATCH, USER, b"", "bob@overlay.example", NODE, False),
    (AccessPolicy.USER_MATCH, USER, b"", "Alice@overlay.example", NODE, False),
    (AccessPolicy.NODE_MATCH, NODE, b"", USER, NODE, True),
    (AccessPolicy.NODE_MATCH, NODE, b"", USER, OTHER, False),
    (AccessPolicy.NODE_MATCH, NODE, b"", USER, None, False),
    (AccessPolicy.USER_NODE_MATCH, USER, NODE, USER, NODE, True),
    (AccessPolicy.USER_NODE_MATCH, USER, OTHER, USER, NODE, False),
    (AccessPolicy.USER_NODE_MATCH, USER, NODE, "bob@overlay.example", NODE, False),
    (AccessPolicy.USER_NODE_MATCH, USER, b"", USER, None, False),
    (AccessPolicy.NODE_MULTIPLE, NODE + b"\x01", b"", USER, NODE, True),
    (AccessPolicy.NODE_MULTIPLE, NODE + b"\x03", b"", USER, NODE, True),
    (AccessPolicy.NODE_MULTIPLE, NODE + b"\x04", b"", USER, NODE, False),
    (AccessPolicy.NODE_MULTIPLE, NODE + b"\x00", b"", USER, NODE, False),
    (AccessPolicy.NODE_MULTIPLE, NODE, b"", USER, NODE, False),
    (AccessPolicy.NODE_MULTIPLE, NODE + b"\x01", b"", USER, None, False),
    (AccessPolicy.NODE_ID_MATCH, "anything", NODE, USER, NODE, True),
    (AccessPolicy.NODE_ID_MATCH, "anything", OTHER, USER, NODE, False),
    (AccessPolicy.NODE_ID_MATCH, "anything", b"", USER, None, False),
]


@pytest.mark.parametrize(("policy", "name", "key", "user", "node_id", "allowed"), CLAIMS)
def test_rules(policy: AccessPolicy, name: str | bytes, key: bytes, user: str, node_id: Any, allowed: bool) -> None:
    spec = KindSpec(7, "SEVEN", DataModel.DICTIONARY, policy, 3, 100, 3)
    assert permitted(Claim(ResourceID.of(name), spec, key, user, node_id)) is allowed


def test_user_node_match_is_for_dictionaries() -> None:
    spec = KindSpec(7, "SEVEN", DataModel.SINGLE, AccessPolicy.USER_NODE_MATCH, 3, 100)
    assert not permitted(Claim(ResourceID.of(USER), spec, NODE, USER, NODE))


def test_there_is_a_rule_for_every_policy() -> None:
    assert set(PLACES) == set(AccessPolicy)


def test_a_shared_record_has_parts_of_its_own(world: Any) -> None:
    peer = world.peer()
    nodes = {name: world.owners[name].node_id for name in ("alice", "alice's phone")}
    for name, node_id in nodes.items():
        stored = world.seal(REGISTRATION, by=name, kind=SIP_REGISTRATION, key=node_id)
        assert isinstance(peer.put(stored, kind=SIP_REGISTRATION, sender=name, signed=True), Accepted)
    across = world.seal(REGISTRATION, by="alice", kind=SIP_REGISTRATION, key=nodes["alice's phone"], at=1.0)
    assert peer.put(across, kind=SIP_REGISTRATION).reason is StoreReason.OTHERS_PART
    mine = world.seal(REGISTRATION, by="alice", kind=SIP_REGISTRATION, key=nodes["alice"], at=1.0)
    outcome = peer.put(mine, kind=SIP_REGISTRATION, sender="alice's phone", signed=True)
    assert outcome.reason is StoreReason.REQUESTER_DENIED


@pytest.mark.parametrize(("parts", "reason"), [(OwnPart(), StoreReason.OTHERS_PART), (OneList(), None)])
def test_a_list_for_the_whole_record_lets_each_change_all(world: Any, parts: Any, reason: StoreReason | None) -> None:
    peer = world.peer(StoreRules(parts=parts))
    key = {name: world.owners[name].node_id for name in ("alice", "bob")}

    def put(by: str, part: str, at: float) -> Any:
        return peer.put(world.seal(b"x", by=by, kind=world.directory, key=key[part], at=at), kind=world.directory)

    assert isinstance(put("alice", "alice", 0.0), Accepted)
    assert put("bob", "alice", 1.0).reason is StoreReason.OTHERS_PART
    assert isinstance(put("bob", "bob", 2.0), Accepted)
    across = put("bob", "alice", 3.0)
    assert (across.reason if isinstance(across, Rejected) else None) is reason


def test_the_identity_says_which_node_of_several(world: Any) -> None:
    peer = world.peer()
    one, two = world.owners["alice's two"].node_ids
    for place, node_id in enumerate((one, two)):
        fits = world.seal(REGISTRATION, by="alice's two", kind=SIP_REGISTRATION, key=node_id, place=place)
        assert isinstance(peer.put(fits, kind=SIP_REGISTRATION), Accepted)
        other = world.seal(REGISTRATION, by="alice's two", kind=SIP_REGISTRATION, key=node_id, place=1 - place, at=1.0)
        assert peer.put(other, kind=SIP_REGISTRATION).reason is StoreReason.OTHERS_PART


def test_identities_that_name_no_node(world: Any) -> None:
    several, single = world.certificate("alice's two"), world.certificate("alice")
    assert signing_node(single, world.identity(world.owners["alice"])) == single.node_ids[0]
    assert signing_node(single, world.identity(world.owners["alice"], 0)) == single.node_ids[0]
    assert signing_node(several, SignerIdentity(1, 4, several.digest)) is None
    assert signing_node(several, world.identity(world.owners["alice"], 0)) is None


def test_a_turn_server_registers_at_its_own_places_only(world: Any) -> None:
    peer = world.peer(world.rules())
    node_id = world.owners["alice"].node_id
    server = encode(TurnServer(2, IpAddressPort("192.0.2.1", 3478)))
    place = ResourceID.of(node_id + b"\x02")
    own = world.seal(server, kind=TURN_SERVICE, resource=place)
    assert isinstance(peer.put(own, kind=TURN_SERVICE, resource=place, sender="alice", signed=True), Accepted)
    foreign = world.seal(server, kind=TURN_SERVICE, resource=place, by="bob")
    assert peer.put(foreign, kind=TURN_SERVICE, resource=place).reason is StoreReason.ACCESS_DENIED
