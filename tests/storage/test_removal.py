"""What it takes to remove a record (draft 7.2.8): who signed, who only showed a certificate, and when."""

from __future__ import annotations

from typing import Any

import pytest

from p2psip_min.errors import StoreReason
from p2psip_min.storage.policies import NoRecordSignature, StoreRules
from p2psip_min.storage.removal import AfterLogIn, AsValues, NameBadge, SignedTombstone
from p2psip_min.storage.validation import Accepted
from p2psip_min.wire.security import SignatureAlgorithm

OPEN = NoRecordSignature()
BADGE = NameBadge()


def removed(
    world: Any, policy: Any, by: str, *, seal: Any = None, at: float = 5.0, replica: int = 0, **put: Any
) -> Any:
    """What a peer that holds alice's value of second 1 makes of a tombstone: None, or its reason against it."""
    peer = world.peer(StoreRules(removal=policy))
    peer.put(world.seal(b"value", at=1.0, policy=OPEN))
    outcome = peer.put(world.seal(None, by=by, at=at, policy=seal), now=5.0, replica=replica, **put)
    if isinstance(outcome, Accepted):
        assert peer.contents(now=5.0) == []
        return None
    assert peer.contents(now=5.0) == [b"value"]
    return outcome.reason


@pytest.mark.parametrize(
    ("policy", "by", "seal", "at", "reason"),
    [
        (AsValues(), "bob", OPEN, 5.0, None),
        (AsValues(), "bob", None, 0.5, None),
        (SignedTombstone(), "alice", None, 5.0, None),
        (SignedTombstone(), "alice", OPEN, 5.0, StoreReason.UNSIGNED),
        (SignedTombstone(), "alice", BADGE, 5.0, StoreReason.UNSIGNED),
        (SignedTombstone(), "bob", None, 5.0, StoreReason.ACCESS_DENIED),
        (SignedTombstone(), "stranger", None, 5.0, StoreReason.CERTIFICATE_REFUSED),
        (SignedTombstone(), "alice", None, 1.0, StoreReason.DATA_TOO_OLD),
        (SignedTombstone(), "alice", None, 0.5, StoreReason.DATA_TOO_OLD),
        (AfterLogIn(), "alice", BADGE, 5.0, None),
        (AfterLogIn(), "bob", BADGE, 5.0, None),
        (AfterLogIn(), "bob", None, 0.5, None),
        (AfterLogIn(), "stranger", BADGE, 5.0, StoreReason.CERTIFICATE_REFUSED),
        (AfterLogIn(), "alice", OPEN, 5.0, StoreReason.UNKNOWN_SIGNER),
    ],
)
def test_who_may_remove_and_when(world: Any, policy: Any, by: str, seal: Any, at: float, reason: Any) -> None:
    assert removed(world, policy, by, seal=seal, at=at) is reason


def test_a_copy_of_an_old_removal_is_over_too(world: Any) -> None:
    for at, reason in ((0.5, StoreReason.DATA_TOO_OLD), (5.0, None)):
        assert removed(world, SignedTombstone(), "alice", at=at, replica=1) is reason
    assert removed(world, AsValues(), "alice", at=0.5, replica=1) is None


def test_a_requester_who_only_passes_a_removal_on_is_refused(world: Any) -> None:
    assert removed(world, SignedTombstone(), "alice", sender="bob", signed=True) is StoreReason.REQUESTER_DENIED
    assert removed(world, AfterLogIn(), "alice", seal=BADGE, sender="bob", signed=True) is None


def test_values_need_no_signature_where_only_tombstones_do(world: Any) -> None:
    peer = world.peer(StoreRules(removal=SignedTombstone()))
    assert isinstance(peer.put(world.seal(b"x", policy=OPEN)), Accepted)


def test_a_badge_names_somebody_and_signs_nothing(world: Any) -> None:
    badge = world.seal(None, policy=BADGE).signature
    assert (badge.algorithm, badge.value) == (SignatureAlgorithm.ANONYMOUS, b"")
    assert badge.identity == world.identity(world.owners["alice"])
