"""Every reason for which enrollment is refused, and what is granted."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import AttributeOID, NameOID
from hypothesis import given
from hypothesis import strategies as st

from p2psip_min.enrollment.authority import Authority
from p2psip_min.enrollment.certificates import Certificate
from p2psip_min.enrollment.freshness import Claimed, NeverExpires, NoNonce
from p2psip_min.enrollment.holdings import Cap, Renewal
from p2psip_min.enrollment.keys import derive_key, hash_password
from p2psip_min.enrollment.pkcs10 import certificate_request, read_request
from p2psip_min.enrollment.policy import DAY, EnrollmentPolicy, EnrollmentRequest, Refusal
from p2psip_min.enrollment.registrar import Issued, Registrar
from p2psip_min.enrollment.trust import TrustStore
from p2psip_min.errors import EnrollmentReason, EnrollmentRefused, LinkReason, LocalProtocolError
from p2psip_min.ids import NodeID
from p2psip_min.trace import EnrollmentGranted, EnrollmentRejected, Trace
from tests.enrollment.conftest import ALICE, BOB, OVERLAY

KEY = derive_key(7, "alice")


def ask(
    registrar: Registrar,
    now: float = 0.0,
    *,
    key: ec.EllipticCurvePrivateKey = KEY,
    account: str = ALICE,
    password: str = "sesame",
    user: str = "",
    nonce: bytes | None = None,
    csr: bytes | None = None,
    node_ids: int = 1,
) -> Issued | EnrollmentReason:
    """What comes of a request: by default alice's proper one with a fresh nonce."""
    if csr is None:
        csr = certificate_request(key, user or account, registrar.challenge(now) if nonce is None else nonce)
    request = EnrollmentRequest(account=account, password=password, csr=csr, node_ids=node_ids)
    outcome = registrar.enroll(request, now, server=b"server")
    return outcome.reason if isinstance(outcome, Refusal) else outcome


def allow(registrar: Registrar, **changes: Any) -> None:
    registrar.policy = replace(registrar.policy, **changes)


def test_granted(registrar: Registrar, trust: TrustStore) -> None:
    issued = ask(registrar, 1.5)
    assert isinstance(issued, Issued)
    certificate = trust.check(issued.certificate, now=1.5, node_id=issued.node_ids[0])
    assert isinstance(certificate, Certificate)
    assert certificate.user == ALICE
    assert isinstance(registrar.trace, Trace)
    assert registrar.trace.events == [EnrollmentGranted(1.5, b"server", 0, ALICE, issued.node_ids[0])]


def test_node_ids_are_the_servers_random_choice(authority: Authority) -> None:
    """The same requests under other dice give other Node-IDs: nothing in a request decides them."""
    ids: list[NodeID] = []
    for seed in ("a", "b", "a"):
        registrar = Registrar(OVERLAY, authority, random.Random(seed))
        registrar.open_account(ALICE, "sesame")
        ids.append(registrar.issue_offline(KEY, ALICE, "sesame", 0.0).node_id)
    assert ids[0] == ids[2] != ids[1]


def test_passwords_are_kept_as_salted_hashes(registrar: Registrar) -> None:
    registrar.open_account("carol", "sesame", [f"carol@{OVERLAY}"])
    alice, carol = registrar.ledger.accounts[ALICE], registrar.ledger.accounts["carol"]
    assert alice.salt != carol.salt
    assert alice.password_hash != carol.password_hash
    assert carol.password_hash == hash_password("sesame", carol.salt)
    assert "sesame" not in repr(registrar.ledger)


def test_failed_authentication(registrar: Registrar) -> None:
    assert ask(registrar, password="wrong") is EnrollmentReason.FAILED_AUTHENTICATION
    assert ask(registrar, account="nobody") is EnrollmentReason.FAILED_AUTHENTICATION
    assert ask(registrar, account="nobody", password="") is EnrollmentReason.FAILED_AUTHENTICATION
    assert isinstance(registrar.trace, Trace)
    assert registrar.trace.events[0] == EnrollmentRejected(0.0, b"server", 0, ALICE, "failed_authentication")


def plain_request(
    *names: x509.GeneralName, subject: str = "", key: ec.EllipticCurvePrivateKey = KEY, nonces: int = 0
) -> bytes:
    attributes = [x509.NameAttribute(NameOID.COMMON_NAME, subject)] if subject else []
    builder = x509.CertificateSigningRequestBuilder(x509.Name(attributes))
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=True)
    if nonces:
        builder = builder.add_attribute(AttributeOID.CHALLENGE_PASSWORD, b"0" * 32)
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


@pytest.mark.parametrize(
    "csr",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\x30\x80", id="no request"),
        pytest.param(b"\x30" * 9000, id="too large"),
        pytest.param(plain_request(), id="no name"),
        pytest.param(plain_request(x509.RFC822Name(ALICE), x509.RFC822Name(BOB)), id="two names"),
        pytest.param(plain_request(x509.DNSName("example.org")), id="a host name"),
        pytest.param(plain_request(x509.RFC822Name(ALICE), subject="alice"), id="a subject"),
        pytest.param(
            plain_request(x509.RFC822Name(ALICE), key=ec.derive_private_key(5, ec.SECP521R1())), id="another curve"
        ),
    ],
)
def test_bad_request(registrar: Registrar, csr: bytes) -> None:
    assert ask(registrar, csr=csr) is EnrollmentReason.BAD_CSR


def test_one_key_has_one_holder(registrar: Registrar) -> None:
    ask(registrar)
    assert ask(registrar, account=BOB, password="tulip") is EnrollmentReason.BAD_CSR


def test_unknown_nonce(registrar: Registrar) -> None:
    assert ask(registrar, nonce=b"0" * 32) is EnrollmentReason.UNKNOWN_NONCE
    assert ask(registrar, nonce=b"") is EnrollmentReason.UNKNOWN_NONCE
    assert ask(registrar, csr=plain_request(x509.RFC822Name(ALICE), nonces=1)) is EnrollmentReason.UNKNOWN_NONCE


def test_a_replayed_request_is_refused(registrar: Registrar) -> None:
    """Draft 11.1: a captured enrollment message, sent again by somebody who even knows the password."""
    allow(registrar, cap=Cap(5), life=Renewal(interval=0.0))
    captured = certificate_request(KEY, ALICE, registrar.challenge(0.0))
    assert isinstance(ask(registrar, 1.0, csr=captured), Issued)
    assert ask(registrar, 2.0, csr=captured) is EnrollmentReason.NONCE_USED


def test_a_failed_request_spends_its_nonce_too(registrar: Registrar) -> None:
    captured = certificate_request(KEY, ALICE, registrar.challenge(0.0))
    assert ask(registrar, 1.0, csr=captured, password="wrong") is EnrollmentReason.FAILED_AUTHENTICATION
    assert ask(registrar, 2.0, csr=captured) is EnrollmentReason.NONCE_USED


def test_a_delayed_request_is_refused(registrar: Registrar) -> None:
    captured = certificate_request(KEY, ALICE, registrar.challenge(0.0))
    assert ask(registrar, 60.0, csr=captured) is EnrollmentReason.NONCE_EXPIRED
    early = certificate_request(KEY, ALICE, registrar.challenge(100.0))
    assert isinstance(ask(registrar, 159.9, csr=early), Issued)


def test_nonces_are_forgotten_in_time_and_in_number(registrar: Registrar) -> None:
    old = registrar.challenge(0.0)
    registrar.challenge(120.0)
    assert len(registrar.ledger.nonces) == 1
    assert ask(registrar, 120.0, nonce=old) is EnrollmentReason.UNKNOWN_NONCE
    registrar.MAX_NONCES = 10
    for _ in range(30):
        registrar.challenge(121.0)
    assert len(registrar.ledger.nonces) == 10


def test_without_nonces_a_replay_succeeds(registrar: Registrar) -> None:
    """What the nonce is for: the signature on the request replays with it."""
    allow(registrar, nonce=NoNonce(), expiry=NeverExpires(), life=Renewal(interval=0.0))
    captured = certificate_request(KEY, ALICE)
    assert isinstance(ask(registrar, 1.0, csr=captured), Issued)
    assert isinstance(ask(registrar, 900.0, csr=captured), Issued)


def test_possession_must_be_proven(registrar: Registrar) -> None:
    """A request for somebody else's public key, which one cannot sign."""
    csr = bytearray(certificate_request(KEY, ALICE, registrar.challenge(0.0)))
    csr[-1] ^= 1
    assert ask(registrar, csr=bytes(csr)) is EnrollmentReason.NO_POSSESSION
    allow(registrar, possession=Claimed())
    again = bytearray(certificate_request(KEY, ALICE, registrar.challenge(0.0)))
    again[-1] ^= 1
    assert isinstance(ask(registrar, csr=bytes(again)), Issued)


@pytest.mark.parametrize("algorithm", ["06082a8648ce3d040304", "06082a8648ce3d040309"])
def test_a_signature_under_another_algorithms_name_proves_nothing(registrar: Registrar, algorithm: str) -> None:
    """SHA-512, and one that there is not, in place of SHA-256."""
    csr = certificate_request(KEY, ALICE, registrar.challenge(0.0))
    ecdsa = bytes.fromhex("06082a8648ce3d040302")
    assert csr.count(ecdsa) == 1
    assert ask(registrar, csr=csr.replace(ecdsa, bytes.fromhex(algorithm))) is EnrollmentReason.NO_POSSESSION


def test_longer_hashes_and_rsa_prove_possession_too(registrar: Registrar) -> None:
    for key, algorithm in (
        (KEY, hashes.SHA384()),
        (rsa.generate_private_key(public_exponent=65537, key_size=2048), hashes.SHA256()),
    ):
        builder = x509.CertificateSigningRequestBuilder(x509.Name([]))
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.RFC822Name(ALICE)]), critical=True)
        builder = builder.add_attribute(AttributeOID.CHALLENGE_PASSWORD, registrar.challenge(0.0))
        csr = read_request(builder.sign(key, algorithm).public_bytes(Encoding.DER), OVERLAY)
        assert csr is not None
        assert csr.proven()


def test_a_nonce_cannot_be_swapped_into_an_old_request(registrar: Registrar) -> None:
    old, new = registrar.challenge(0.0), registrar.challenge(500.0)
    csr = certificate_request(KEY, ALICE, old).replace(old, new)
    assert ask(registrar, 500.0, csr=csr) is EnrollmentReason.NO_POSSESSION


def test_user_name_not_available(registrar: Registrar) -> None:
    assert ask(registrar, user=BOB) is EnrollmentReason.USERNAME_NOT_AVAILABLE
    assert ask(registrar, user="alice@elsewhere.example.org") is EnrollmentReason.USERNAME_NOT_AVAILABLE
    registrar.open_account("carol", "pw", ["carol@elsewhere.example.org", "car ol@x"])
    carol = derive_key(7, "carol")
    outcome = ask(registrar, account="carol", password="pw", user="carol@elsewhere.example.org", key=carol)
    assert isinstance(outcome, Issued)
    allow(registrar, domain=OVERLAY)
    other = derive_key(7, "carol 2")
    outcome = ask(registrar, account="carol", password="pw", user="carol@elsewhere.example.org", key=other)
    assert outcome is EnrollmentReason.USERNAME_NOT_AVAILABLE


def test_a_user_name_belongs_to_one_account(registrar: Registrar) -> None:
    with pytest.raises(LocalProtocolError):
        registrar.open_account("mallory", "pw", [ALICE])
    with pytest.raises(LocalProtocolError):
        registrar.open_account(ALICE, "pw", [f"other@{OVERLAY}"])


def test_number_of_node_ids(registrar: Registrar) -> None:
    for count in (0, 2, 1000):
        assert ask(registrar, node_ids=count) is EnrollmentReason.NODE_IDS_NOT_AVAILABLE
    allow(registrar, cap=Cap(4, 2))
    issued = ask(registrar, node_ids=2)
    assert isinstance(issued, Issued)
    assert len(set(issued.node_ids)) == 2
    # A renewal keeps what the identity has.
    assert ask(registrar, 20 * DAY, node_ids=1) is EnrollmentReason.NODE_IDS_NOT_AVAILABLE


def test_too_many_identities(registrar: Registrar) -> None:
    """Draft 7.2.6: how many peer IDs one principal may register."""
    allow(registrar, cap=Cap(3))
    outcomes = [ask(registrar, key=derive_key(7, f"device {number}")) for number in range(5)]
    assert [isinstance(outcome, Issued) for outcome in outcomes] == [True, True, True, False, False]
    assert outcomes[3] is EnrollmentReason.TOO_MANY_IDENTITIES


def test_several_node_ids_count_as_several(registrar: Registrar) -> None:
    allow(registrar, cap=Cap(3, 2))
    assert isinstance(ask(registrar, node_ids=2), Issued)
    second = ask(registrar, node_ids=2, key=derive_key(7, "second"))
    assert second is EnrollmentReason.TOO_MANY_IDENTITIES


def test_renewal_keeps_the_node_id_and_comes_in_time(registrar: Registrar) -> None:
    first = ask(registrar)
    assert ask(registrar, 15 * DAY - 1) is EnrollmentReason.RENEWAL_TOO_EARLY
    second = ask(registrar, 15 * DAY)
    assert isinstance(first, Issued)
    assert isinstance(second, Issued)
    assert second.node_ids == first.node_ids
    assert second.certificate != first.certificate
    assert ask(registrar, 16 * DAY) is EnrollmentReason.RENEWAL_TOO_EARLY
    registrar.open_account("carol", "pw", [f"carol@{OVERLAY}", f"caroline@{OVERLAY}"])
    carol = derive_key(7, "carol")
    ask(registrar, account="carol", password="pw", user=f"carol@{OVERLAY}", key=carol)
    renamed = ask(registrar, 16 * DAY, account="carol", password="pw", user=f"caroline@{OVERLAY}", key=carol)
    assert renamed is EnrollmentReason.USERNAME_NOT_AVAILABLE


def test_a_new_key_does_not_bring_a_new_place(registrar: Registrar) -> None:
    """Draft 7.2.10: an assigned ID is hard to change, even after the certificate has ended."""
    first = ask(registrar)
    other = derive_key(7, "new phone")
    assert ask(registrar, 29 * DAY, key=other) is EnrollmentReason.TOO_MANY_IDENTITIES
    second = ask(registrar, 30 * DAY, key=other)
    assert isinstance(first, Issued)
    assert isinstance(second, Issued)
    assert second.node_ids == first.node_ids


def test_a_revoked_identity_is_not_renewed(registrar: Registrar) -> None:
    first = ask(registrar)
    assert isinstance(first, Issued)
    assert registrar.revoke(first.node_ids[0]) == first.node_ids
    assert ask(registrar, 20 * DAY) is EnrollmentReason.REVOKED
    # Its owner gets another one, with another key.
    second = ask(registrar, 20 * DAY, key=derive_key(7, "new phone"))
    assert isinstance(second, Issued)
    assert second.node_ids != first.node_ids


def test_a_revoked_account_enrolls_no_more(registrar: Registrar) -> None:
    first = ask(registrar)
    assert isinstance(first, Issued)
    assert registrar.revoke_account(ALICE) == first.node_ids
    assert ask(registrar, key=derive_key(7, "new phone")) is EnrollmentReason.REVOKED


def test_offline_enrollment_takes_the_same_decisions(registrar: Registrar) -> None:
    registrar.issue_offline(KEY, ALICE, "sesame", 0.0)
    with pytest.raises(EnrollmentRefused) as refused:
        registrar.issue_offline(derive_key(7, "second"), ALICE, "sesame", 0.0)
    assert refused.value.reason is EnrollmentReason.TOO_MANY_IDENTITIES
    with pytest.raises(LocalProtocolError):
        registrar.revoke(NodeID(b"\x09" * 16))


def test_a_certificate_dies_with_the_policys_lifetime(registrar: Registrar, trust: TrustStore) -> None:
    registrar.policy = EnrollmentPolicy(life=Renewal(lifetime=100.0))
    issued = ask(registrar, 7.7)
    assert isinstance(issued, Issued)
    assert isinstance(trust.check(issued.certificate, now=7.7), Certificate)
    assert trust.check(issued.certificate, now=107.7) is LinkReason.EXPIRED


CSR = certificate_request(KEY, ALICE, b"0" * 32)


@given(st.integers(0, len(CSR) - 1), st.integers(1, 255))
def test_no_altered_request_is_proven(at: int, flip: int) -> None:
    altered = bytearray(CSR)
    altered[at] ^= flip
    request = read_request(bytes(altered))
    assert request is None or not request.proven()


@given(st.binary(max_size=200))
def test_rubbish_is_no_request(data: bytes) -> None:
    assert read_request(data) is None
