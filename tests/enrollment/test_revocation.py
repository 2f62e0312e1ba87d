"""The authority's signed list of revoked certificates."""

from __future__ import annotations

from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from p2psip_min.enrollment.authority import Authority
from p2psip_min.enrollment.certificates import Certificate, Credential
from p2psip_min.enrollment.keys import derive_key
from p2psip_min.enrollment.policy import DAY
from p2psip_min.enrollment.registrar import Registrar
from p2psip_min.enrollment.revocation import MAX_LIST, read_list, sign_list
from p2psip_min.enrollment.trust import TrustStore
from p2psip_min.errors import LinkReason
from tests.enrollment.conftest import BOB

ROOT = Authority.create("Root", derive_key(7, "authority"), serial=1, not_before=-DAY, not_after=3650 * DAY)


def test_revoked_by_list(registrar: Registrar, alice: Credential, trust: TrustStore) -> None:
    bob = registrar.issue_offline(derive_key(7, "bob"), BOB, "tulip", 0.0)
    registrar.revoke(alice.node_id)
    revoked = read_list(registrar.revocation_list(10.0).der, trust.roots)
    assert revoked is not None
    assert isinstance(trust.check(alice.certificate, now=10.0), Certificate)
    assert trust.revocations.take(revoked, 10.0)
    assert trust.check(alice.certificate, now=10.0) is LinkReason.REVOKED
    assert isinstance(trust.check(bob.certificate, now=10.0), Certificate)


def test_a_certificate_that_was_renewed_is_revoked_with_the_new_one(registrar: Registrar, trust: TrustStore) -> None:
    """Both speak for the same Node-ID until the old one ends."""
    key = derive_key(7, "bob")
    held = [registrar.issue_offline(key, BOB, "tulip", day * DAY) for day in (0, 16, 32)]
    registrar.revoke(held[0].node_id)
    now = 33 * DAY
    made = registrar.revocation_list(now)
    assert len(made.serials) == 2, "the first one has ended by itself"
    assert trust.revocations.take(made, now)
    assert isinstance(trust.check(held[0].certificate, now=now), LinkReason)
    assert [trust.check(each.certificate, now=now) for each in held[1:]] == [LinkReason.REVOKED] * 2


def test_a_list_comes_back_and_is_reproducible(registrar: Registrar, alice: Credential) -> None:
    registrar.revoke(alice.node_id)
    made = registrar.revocation_list(10.0)
    assert read_list(made.der, [ROOT.certificate]) == made
    again = sign_list(ROOT.key, ROOT.certificate, sorted(made.serials), number=1, now=10.0, lifetime=3600.0)
    assert again == made
    assert (made.number, made.this_update, made.next_update) == (1, 10.0, 3610.0)


def test_an_older_list_does_not_undo_a_newer(registrar: Registrar, alice: Credential, trust: TrustStore) -> None:
    empty = registrar.revocation_list(1.0)
    registrar.revoke(alice.node_id)
    full = registrar.revocation_list(2.0)
    assert trust.revocations.take(full, 3.0)
    assert not trust.revocations.take(empty, 3.0)
    assert not trust.revocations.take(full, 3.0)
    assert trust.check(alice.certificate, now=3.0) is LinkReason.REVOKED


def test_a_list_out_of_its_time_is_not_taken(registrar: Registrar, trust: TrustStore) -> None:
    made = registrar.revocation_list(10.0)
    assert not trust.revocations.take(made, 9.0)
    assert not trust.revocations.take(made, 3610.0)
    assert trust.revocations.take(made, 3609.0)


def test_certificates_that_ended_leave_the_list(registrar: Registrar, alice: Credential) -> None:
    registrar.revoke(alice.node_id)
    assert len(registrar.revocation_list(29 * DAY).serials) == 1
    assert not registrar.revocation_list(30 * DAY).serials


def test_serials_of_another_root_are_not_meant(registrar: Registrar, alice: Credential, trust: TrustStore) -> None:
    certificate = trust.check(alice.certificate, now=1.0)
    assert isinstance(certificate, Certificate)
    other = Authority.create("Other", derive_key(8, "o"), serial=1, not_before=-DAY, not_after=DAY)
    foreign = sign_list(other.key, other.certificate, [certificate.serial], number=1, now=0.0, lifetime=60.0)
    assert trust.revocations.take(foreign, 1.0)
    assert isinstance(trust.check(alice.certificate, now=1.0), Certificate)


def test_a_list_that_nobody_of_ours_signed() -> None:
    imposter = Authority.create("Root", derive_key(8, "o"), serial=1, not_before=-DAY, not_after=DAY)
    forged = sign_list(imposter.key, imposter.certificate, [1], number=9, now=0.0, lifetime=60.0)
    assert read_list(forged.der, [ROOT.certificate]) is None
    assert read_list(forged.der, []) is None
    assert read_list(b"0" * (MAX_LIST + 1), [ROOT.certificate]) is None
    assert x509.load_der_x509_crl(forged.der).issuer == x509.load_der_x509_certificate(ROOT.certificate).subject


LIST = sign_list(ROOT.key, ROOT.certificate, [1, 2, 3], number=4, now=0.0, lifetime=60.0).der


@given(st.integers(0, len(LIST) - 1), st.integers(1, 255))
def test_no_altered_list_is_read(at: int, flip: int) -> None:
    altered = bytearray(LIST)
    altered[at] ^= flip
    assert read_list(bytes(altered), [ROOT.certificate]) is None
