"""A holder's signature in the place of the owner's: it says who answered, and nothing more."""

from __future__ import annotations

from dataclasses import replace

import pytest

from p2psip_min.defences import Defences
from p2psip_min.errors import ReadReason
from p2psip_min.overlay import Overlay
from p2psip_min.storage.vouching import HolderSignature, NobodyVouches
from p2psip_min.trace import ValueRejected
from p2psip_min.wire.data import FetchKindResponse, SingleValue, StoredData
from p2psip_min.wire.kinds import TURN_SERVICE
from p2psip_min.wire.messages import FetchAns
from p2psip_min.wire.security import UNSIGNED, identity_of

PLACE = b"p" * 16
STORED = StoredData(5, 60, SingleValue(True, b"value"), UNSIGNED)
ANSWER = FetchAns((FetchKindResponse(TURN_SERVICE, 1, (STORED,)),))


@pytest.fixture(scope="module")
def overlay() -> Overlay:
    with Overlay(peers=3, seed=2, servers=0, maintenance=False) as made:
        return made


def vouched(overlay: Overlay, number: int, answer: FetchAns = ANSWER) -> StoredData:
    own = overlay.nodes[sorted(overlay.nodes)[number]].peer.parts.identity
    groups = HolderSignature().vouch(own.private_key, identity_of(own.certificate), PLACE, answer).kind_responses
    return groups[0].values[0]


def refusal(overlay: Overlay, stored: StoredData, place: bytes = PLACE) -> ReadReason | None:
    peers = [node.peer for node in overlay.nodes.values()]
    bucket = tuple(peer.parts.identity.certificate for peer in peers)
    return HolderSignature().refusal(
        place, TURN_SERVICE, stored, lambda identity: peers[0].certificate_for(identity, bucket)
    )


def test_any_nodes_signature_will_do_and_no_other(overlay: Overlay) -> None:
    for number in range(3):
        stored = vouched(overlay, number)
        assert refusal(overlay, stored) is None
        assert refusal(overlay, stored, b"q" * 16) is ReadReason.BAD_SIGNATURE
        assert refusal(overlay, replace(stored, value=SingleValue(True, b"other"))) is ReadReason.BAD_SIGNATURE
    assert refusal(overlay, STORED) is ReadReason.UNSIGNED


def test_an_owners_signature_is_left_alone(overlay: Overlay) -> None:
    signed = vouched(overlay, 0)
    answer = FetchAns((FetchKindResponse(TURN_SERVICE, 1, (signed,)),))
    assert vouched(overlay, 1, answer) == signed


def test_where_nobody_vouches_nothing_changes(overlay: Overlay) -> None:
    own = overlay.nodes[sorted(overlay.nodes)[0]].peer.parts.identity
    nobody = NobodyVouches()
    assert nobody.vouch(own.private_key, identity_of(own.certificate), PLACE, ANSWER) is ANSWER
    assert nobody.refusal(PLACE, TURN_SERVICE, STORED, lambda identity: None) is None


def test_a_reader_takes_a_vouched_value_and_misses_the_signature_of_one_that_is_not() -> None:
    with Overlay(peers=6, clients=("alice", "bob"), seed=2, defences=Defences().having("holder-signature")) as overlay:
        overlay.register("alice")
        assert overlay.resolve("bob", "alice")
        assert not list(overlay.trace.select(ValueRejected))  # type: ignore[union-attr]
