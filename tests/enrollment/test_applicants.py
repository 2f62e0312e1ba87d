"""Who may have an identity, how many, and how soon another: each policy alone, off and on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from p2psip_min.defences import CATALOGUE, Defences, preset
from p2psip_min.enrollment.applicants import Charged, Reputation, SelfAsserted
from p2psip_min.enrollment.certificates import Certificate
from p2psip_min.enrollment.freshness import Expires, LongerKeys
from p2psip_min.enrollment.holdings import DAY, Bound, FreelyChanged, NoCap, Perpetual, Renewal
from p2psip_min.enrollment.keys import derive_key
from p2psip_min.enrollment.pkcs10 import certificate_request
from p2psip_min.enrollment.policy import EnrollmentRequest, Refusal
from p2psip_min.enrollment.registrar import Issued, Registrar
from p2psip_min.enrollment.trust import TrustStore
from p2psip_min.enrollment.vouching import Voucher, read_voucher, vouch, vouched
from p2psip_min.errors import EnrollmentReason, EnrollmentRefused
from p2psip_min.ids import NodeID
from p2psip_min.overlay import Overlay
from tests.enrollment.conftest import ALICE, OVERLAY

THIRD_PARTY = derive_key(7, "third party")
CAROL = f"carol@{OVERLAY}"


@pytest.fixture
def bare(registrar: Registrar) -> Registrar:
    """A registrar without any protection."""
    registrar.policy = Defences().enrollment()
    registrar.ledger.voucher = THIRD_PARTY.public_key()
    return registrar


def allow(registrar: Registrar, **changes: Any) -> None:
    registrar.policy = replace(registrar.policy, **changes)


def ask(
    registrar: Registrar, account: str, key: str, now: float = 0.0, *, user: str = "", password: str = "pw", **more: Any
) -> NodeID | EnrollmentReason:
    """The Node-ID that comes of a request with the key of this label, or why none does."""
    csr = certificate_request(derive_key(7, key), user or account, registrar.challenge(now))
    request = EnrollmentRequest(account=account, password=password, csr=csr, **more)
    outcome = registrar.enroll(request, now)
    return outcome.reason if isinstance(outcome, Refusal) else outcome.node_ids[0]


# --- accounts ---------------------------------------------------------------------------------------------------------


def test_open_enrollment_takes_anybody_under_any_free_name(bare: Registrar) -> None:
    assert isinstance(ask(bare, CAROL, "a"), NodeID)
    assert ask(bare, CAROL, "b", password="other") is EnrollmentReason.FAILED_AUTHENTICATION
    assert ask(bare, "mallory", "c", user=CAROL) is EnrollmentReason.USERNAME_NOT_AVAILABLE
    assert ask(bare, "mallory", "c", user="no name") is EnrollmentReason.USERNAME_NOT_AVAILABLE
    assert bare.ledger.accounts[CAROL].person == ""


def test_strong_identity_takes_whom_somebody_vouches_for(bare: Registrar) -> None:
    bare.policy = replace(bare.policy, proof=preset("reload").identity_proof)
    assert ask(bare, CAROL, "a") is EnrollmentReason.FAILED_AUTHENTICATION
    forged = vouch(derive_key(7, "mallory"), "Carol", CAROL, OVERLAY)
    for voucher in (forged, vouch(THIRD_PARTY, "Carol", CAROL, "other"), vouch(THIRD_PARTY, "Carol", "x", OVERLAY)):
        assert ask(bare, CAROL, "a", voucher=voucher) is EnrollmentReason.NOT_VOUCHED_FOR
    good = vouch(THIRD_PARTY, "Carol", CAROL, OVERLAY)
    taken = vouch(THIRD_PARTY, "Carol", "x", OVERLAY)
    assert ask(bare, "x", "a", user=ALICE, voucher=taken) is EnrollmentReason.USERNAME_NOT_AVAILABLE
    assert isinstance(ask(bare, CAROL, "a", voucher=good), NodeID)
    again = vouch(THIRD_PARTY, "Carol", f"carol2@{OVERLAY}", OVERLAY)
    assert ask(bare, f"carol2@{OVERLAY}", "b", voucher=again) is EnrollmentReason.PERSON_KNOWN
    # The operator's own customers are persons too.
    assert ask(bare, "y", "b", voucher=vouch(THIRD_PARTY, ALICE, "y", OVERLAY)) is EnrollmentReason.PERSON_KNOWN


def test_without_a_third_party_no_voucher_counts(bare: Registrar) -> None:
    bare.policy = replace(bare.policy, proof=preset("reload").identity_proof)
    voucher = vouch(THIRD_PARTY, "Carol", CAROL, OVERLAY)
    bare.ledger.voucher = None
    assert ask(bare, CAROL, "a", voucher=voucher) is EnrollmentReason.NOT_VOUCHED_FOR


def test_a_voucher_is_text() -> None:
    voucher = vouch(THIRD_PARTY, "Carol", CAROL, OVERLAY)
    assert read_voucher(voucher.text()) == voucher
    for text in ("", "Carol", "Carol !", " AAAA"):
        read = read_voucher(text)
        assert read is None or not vouched(read, CAROL, OVERLAY, THIRD_PARTY.public_key())
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key()
    assert not vouched(Voucher("Carol", b""), CAROL, OVERLAY, stranger)


# --- price and past ---------------------------------------------------------------------------------------------------


def test_each_identity_is_paid_for_once(bare: Registrar) -> None:
    allow(bare, charge=Charged(5.0))
    coupon, cheap = bare.sell(5.0), bare.sell(4.0)
    for nothing in (b"", cheap, b"0" * 32):
        assert ask(bare, CAROL, "a", coupon=nothing) is EnrollmentReason.PAYMENT_REQUIRED
    assert isinstance(ask(bare, CAROL, "a", coupon=coupon), NodeID)
    assert ask(bare, CAROL, "b", coupon=coupon) is EnrollmentReason.PAYMENT_REQUIRED
    assert isinstance(ask(bare, CAROL, "a", 20 * DAY), NodeID)  # a renewal costs nothing
    assert [(each.account, each.amount) for each in bare.ledger.charges] == [(CAROL, 5.0)]
    assert bare.ledger.charged(CAROL) == 5.0


def test_a_refused_request_costs_nothing(bare: Registrar) -> None:
    allow(bare, charge=Charged(5.0), reputation=Reputation(DAY))
    coupon = bare.sell(5.0)
    assert ask(bare, CAROL, "a", coupon=coupon) is EnrollmentReason.PROBATION
    assert isinstance(ask(bare, CAROL, "a", DAY, coupon=coupon), NodeID)


def test_a_stranger_waits_and_an_acquaintance_does_not(bare: Registrar) -> None:
    allow(bare, reputation=Reputation(DAY))
    assert ask(bare, CAROL, "a") is EnrollmentReason.PROBATION
    assert ask(bare, CAROL, "a", DAY - 1) is EnrollmentReason.PROBATION
    assert isinstance(ask(bare, CAROL, "a", DAY), NodeID)
    assert isinstance(ask(bare, CAROL, "b", DAY), NodeID)  # it has a history now
    assert isinstance(bare.issue_offline(derive_key(7, "alice"), ALICE, "sesame", 0.0).node_id, NodeID)


def test_who_was_revoked_too_often_is_done(bare: Registrar) -> None:
    allow(bare, reputation=Reputation(0.0, strikes=2))
    for number in range(2):
        got = ask(bare, CAROL, f"key {number}")
        assert isinstance(got, NodeID)
        bare.revoke(got)
    assert ask(bare, CAROL, "key 2") is EnrollmentReason.BAD_REPUTATION


# --- Node-IDs ---------------------------------------------------------------------------------------------------------


def test_without_a_bond_a_new_key_brings_a_new_node_id(bare: Registrar) -> None:
    got = [ask(bare, ALICE, f"key {number}", password="sesame") for number in range(5)]
    assert len(set(got)) == 5
    allow(bare, cap=preset("reload").identity_cap, life=Renewal(100.0, 50.0))
    later = [ask(bare, ALICE, f"later {number}", 11 * DAY + 200.0 * number, password="sesame") for number in range(3)]
    assert later[0] is EnrollmentReason.TOO_MANY_IDENTITIES
    allow(bare, cap=NoCap())
    assert all(isinstance(ask(bare, ALICE, f"more {number}", password="sesame"), NodeID) for number in range(3))


def test_a_bond_gives_back_what_was_had_and_no_other_before_its_time(bare: Registrar) -> None:
    allow(bare, binding=Bound(DAY), life=Renewal(100.0, 50.0))
    first = ask(bare, ALICE, "a", password="sesame")
    assert ask(bare, ALICE, "b", 50.0, password="sesame") is EnrollmentReason.COOL_DOWN
    assert ask(bare, ALICE, "b", 100.0, password="sesame") == first
    assert ask(bare, ALICE, "c", 199.0, password="sesame") is EnrollmentReason.COOL_DOWN
    assert ask(bare, ALICE, "b", 199.0, password="sesame") == first
    other = ask(bare, ALICE, "c", DAY + 1, password="sesame")
    assert other == first  # over by then
    allow(bare, life=Perpetual())
    assert isinstance(ask(bare, ALICE, "d", 2 * DAY, password="sesame"), NodeID)


def test_a_stolen_node_id_is_followed_by_another_at_once_and_that_by_none(bare: Registrar) -> None:
    allow(bare, binding=Bound(DAY))
    for key, now in (("a", 0.0), ("b", 1000.0)):
        got = ask(bare, ALICE, key, now, password="sesame")
        assert isinstance(got, NodeID)
        identity = bare.holder(got)
        assert identity is not None
        identity.stolen = True
        bare.revoke(got)
    assert ask(bare, ALICE, "c", 2000.0, password="sesame") is EnrollmentReason.COOL_DOWN


def test_a_lost_node_id_is_followed_by_another_after_the_cool_down(bare: Registrar) -> None:
    allow(bare, binding=Bound(DAY))
    first = ask(bare, ALICE, "a", password="sesame")
    assert isinstance(first, NodeID)
    bare.revoke(first)
    assert ask(bare, ALICE, "b", 1000.0, password="sesame") is EnrollmentReason.COOL_DOWN
    second = ask(bare, ALICE, "b", DAY, password="sesame")
    assert isinstance(second, NodeID)
    assert second != first


def test_a_perpetual_certificate_lives_as_long_as_its_root(bare: Registrar, trust: TrustStore) -> None:
    csr = certificate_request(derive_key(7, "alice"), ALICE)
    issued = bare.enroll(EnrollmentRequest(account=ALICE, password="sesame", csr=csr), 0.0)
    assert isinstance(issued, Issued)
    assert isinstance(trust.check(issued.certificate, now=3000 * DAY), Certificate)
    again = bare.enroll(EnrollmentRequest(account=ALICE, password="sesame", csr=csr), 1.0)
    assert isinstance(again, Issued)
    assert again.node_ids == issued.node_ids


def test_expiry_alone_refuses_what_shows_no_age(bare: Registrar) -> None:
    allow(bare, expiry=Expires(60.0))
    request = EnrollmentRequest(
        account=ALICE, password="sesame", csr=certificate_request(derive_key(7, "alice"), ALICE, b"0" * 32)
    )
    outcome = bare.enroll(request, 0.0)
    assert isinstance(outcome, Refusal)
    assert outcome.reason is EnrollmentReason.NONCE_EXPIRED


# --- keys -------------------------------------------------------------------------------------------------------------


def test_where_longer_keys_are_asked_for_shorter_ones_are_refused(bare: Registrar, trust: TrustStore) -> None:
    allow(bare, keys=LongerKeys())
    assert ask(bare, ALICE, "a", password="sesame") is EnrollmentReason.WEAK_KEY
    credential = bare.issue_offline(derive_key(7, "alice", "P-384"), ALICE, "sesame", 0.0)
    assert isinstance(trust.check(credential.certificate, now=1.0), Certificate)


@pytest.mark.parametrize("links", ["plain", "tls"])
def test_nodes_with_longer_keys_get_along(links: str) -> None:
    defences = preset("reload").having("longer-keys")
    with Overlay(peers=4, clients=("alice", "bob"), defences=defences, links=links) as overlay:
        overlay.register("alice")
        assert overlay.call("bob", "alice") == overlay.node("alice").node_id
        assert overlay.add_peer("dora").peer.parts.identity.private_key.curve.name == "secp384r1"


# --- presets ----------------------------------------------------------------------------------------------------------

ALWAYS = {
    "server-node-ids",
    "bound-node-id",
    "identity-cap",
    "strong-identity",
    "renewal",
    "enrollment-nonce",
    "nonce-expiry",
    "key-possession",
}
"""What every enrollment server did before it could be switched."""


@pytest.mark.parametrize("name", ["draft", "reload", "hardened"])
def test_the_presets_keep_what_always_was(name: str) -> None:
    assert set(preset(name).names()) >= ALWAYS
    assert not ALWAYS & set(preset("none").names())
    assert isinstance(preset("none").identity_proof, SelfAsserted)
    assert isinstance(preset("none").node_id_binding, FreelyChanged)


@pytest.mark.parametrize("name", ["none", "draft", "reload", "hardened"])
def test_honest_newcomers_enroll_under_every_preset(name: str) -> None:
    with Overlay(peers=4, defences=name, links="plain") as overlay:
        assert overlay.add_peer("dora") in overlay.peers()
        paid = 5.0 if "enrollment-charge" in overlay.defences.names() else 0.0
        assert overlay.provider.registrar.ledger.charged(overlay.aor("dora")) == paid


@pytest.mark.parametrize("each", [each for each in CATALOGUE if each.field in Defences().__dataclass_fields__])
def test_a_newcomer_enrolls_with_each_defence_alone(each: Any) -> None:
    with Overlay(peers=2, defences=Defences().having(each.name)) as overlay:
        assert overlay.enroll("dora").user == overlay.aor("dora")


def test_a_person_enrolls_by_voucher_over_the_network() -> None:
    with Overlay(peers=3, links="plain") as overlay:
        voucher = overlay.provider.vouch("Dora", "dora")
        errand = overlay.operations.errand(("10.9.9.9", 6084))
        account, configuration = overlay.aor("dora"), overlay.provider.configuration
        enrolling = errand.enroll(derive_key(1, "dora"), account, "pw", configuration, voucher=voucher)
        assert overlay.run(enrolling).user == account
        again = errand.enroll(derive_key(1, "dora2"), "dora2", "pw", configuration, voucher=voucher)
        with pytest.raises(EnrollmentRefused) as refused:
            overlay.run(again)
        assert refused.value.reason is EnrollmentReason.NOT_VOUCHED_FOR
