"""Who chooses a Node-ID: the server, the applicant, or his key."""

from __future__ import annotations

from dataclasses import replace

import pytest

from p2psip_min.defences import PRESETS, entry
from p2psip_min.enrollment.assignment import HashOfKey, NodeIdAssignment, SelfChosen, ServerRandom
from p2psip_min.enrollment.certificates import self_signed_ids
from p2psip_min.enrollment.keys import derive_key
from p2psip_min.enrollment.pkcs10 import certificate_request, read_request
from p2psip_min.enrollment.policy import EnrollmentRequest, Refusal
from p2psip_min.enrollment.registrar import Registrar
from p2psip_min.errors import EnrollmentReason, EnrollmentRefused
from p2psip_min.ids import INVALID, WILDCARD, NodeID
from p2psip_min.overlay import Overlay
from tests.enrollment.conftest import ALICE, BOB, OVERLAY

KEY = derive_key(7, "alice")
PLACE = NodeID(b"\x77" * 16)
DIGEST = self_signed_ids(KEY.public_key(), "sha256")


def assigned(registrar: Registrar, policy: NodeIdAssignment, *wanted: NodeID) -> NodeID | EnrollmentReason:
    """The Node-ID that alice gets under a policy when she asks for these."""
    registrar.policy = replace(registrar.policy, assignment=policy)
    csr = certificate_request(KEY, ALICE, registrar.challenge(0.0), wanted=wanted, overlay=OVERLAY)
    outcome = registrar.enroll(EnrollmentRequest(account=ALICE, password="sesame", csr=csr), 0.0)
    return outcome.reason if isinstance(outcome, Refusal) else outcome.node_ids[0]


@pytest.mark.parametrize(
    ("policy", "wanted", "expected"),
    [
        (SelfChosen(), (PLACE,), PLACE),
        (SelfChosen(), (PLACE, NodeID(b"\x78" * 16)), EnrollmentReason.NODE_IDS_NOT_AVAILABLE),
        (ServerRandom(), (PLACE,), EnrollmentReason.NODE_IDS_NOT_AVAILABLE),
        (HashOfKey(), (), DIGEST[0]),
        (HashOfKey(), DIGEST, DIGEST[0]),
        (HashOfKey(), (PLACE,), EnrollmentReason.NODE_IDS_NOT_AVAILABLE),
    ],
)
def test_whose_choice_it_is(
    registrar: Registrar, policy: NodeIdAssignment, wanted: tuple[NodeID, ...], expected: NodeID | EnrollmentReason
) -> None:
    assert assigned(registrar, policy, *wanted) == expected


@pytest.mark.parametrize("policy", [SelfChosen(), ServerRandom()])
def test_who_has_no_wish_gets_a_drawn_one(registrar: Registrar, policy: NodeIdAssignment) -> None:
    drawn = assigned(registrar, policy)
    assert isinstance(drawn, NodeID)
    assert drawn not in (PLACE, *DIGEST)


def test_nobody_gets_a_place_that_somebody_has(registrar: Registrar) -> None:
    assert assigned(registrar, SelfChosen(), PLACE) == PLACE
    with pytest.raises(EnrollmentRefused) as refused:
        registrar.issue_offline(derive_key(7, "bob"), BOB, "tulip", 0.0, wanted=(PLACE,))
    assert refused.value.reason is EnrollmentReason.NODE_IDS_NOT_AVAILABLE


@pytest.mark.parametrize("wanted", [(INVALID,), (WILDCARD,)])
def test_no_request_asks_for_what_is_no_nodes(wanted: tuple[NodeID, ...]) -> None:
    assert read_request(certificate_request(KEY, ALICE, wanted=wanted, overlay=OVERLAY), OVERLAY) is None


@pytest.mark.parametrize("wanted", [(INVALID,), (PLACE, WILDCARD)])
def test_nor_is_it_given_to_who_hands_over_his_key(registrar: Registrar, wanted: tuple[NodeID, ...]) -> None:
    registrar.policy = replace(registrar.policy, assignment=SelfChosen())
    with pytest.raises(EnrollmentRefused) as refused:
        registrar.issue_offline(KEY, ALICE, "sesame", 0.0, count=len(wanted), wanted=wanted)
    assert refused.value.reason is EnrollmentReason.BAD_CSR


def test_a_wish_is_for_this_overlay() -> None:
    csr = certificate_request(KEY, ALICE, wanted=(PLACE,), overlay=OVERLAY)
    read = read_request(csr, OVERLAY)
    assert read is not None
    assert read.wanted == (PLACE,)
    assert read_request(csr, "other.example.org") is None


@pytest.mark.parametrize("preset", PRESETS)
def test_only_without_defences_a_place_can_be_chosen(preset: str) -> None:
    with Overlay(peers=3, defences=preset, links="plain") as overlay:
        if preset == "none":
            credential = overlay.provider.enroll("mallory", overlay.now, wanted=(PLACE,))
            node = overlay.new_peer("mallory", credential=credential)
            overlay.run(overlay.join(node))
            assert node in overlay.peers()
            assert node.node_id == PLACE
            return
        with pytest.raises(EnrollmentRefused):
            overlay.provider.enroll("mallory", overlay.now, wanted=(PLACE,))


def test_a_place_can_be_asked_for_over_the_network() -> None:
    with Overlay(peers=3, defences="none") as overlay:
        errand = overlay.operations.errand(("10.9.9.9", 6084))
        name, password = overlay.provider.open_account("mallory")
        configuration = overlay.provider.configuration
        enrolling = errand.enroll(KEY, name, password, configuration, wanted=(PLACE,))
        assert overlay.run(enrolling).node_id == PLACE


def test_the_entries_are_the_policies() -> None:
    on, decoy = entry("server-node-ids"), entry("hashed-node-ids")
    assert (on.off, decoy.off, decoy.decoy) == (SelfChosen(), SelfChosen(), True)
    assert {name for name, value in PRESETS.items() if value.node_id_assignment == on.on} == {
        "draft",
        "reload",
        "hardened",
    }
