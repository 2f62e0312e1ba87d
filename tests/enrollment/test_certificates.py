"""RFC 6940's certificate profile, and every reason for which a certificate is not believed."""

from __future__ import annotations

import hashlib
import warnings
from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID
from cryptography.x509.verification import Criticality, ExtensionPolicy, PolicyBuilder, Store
from hypothesis import given, settings
from hypothesis import strategies as st

from p2psip_min.clock import EPOCH
from p2psip_min.enrollment.authority import Authority
from p2psip_min.enrollment.certificates import (
    MAX_CERTIFICATE,
    Certificate,
    Credential,
    date,
    legal_user,
    parse,
    reload_uri,
    self_signed,
)
from p2psip_min.enrollment.keys import derive_key
from p2psip_min.enrollment.policy import DAY
from p2psip_min.enrollment.registrar import Registrar
from p2psip_min.enrollment.trust import ChainCache, TrustStore
from p2psip_min.errors import LinkReason, LocalProtocolError
from p2psip_min.ids import INVALID, WILDCARD, NodeID
from tests.enrollment.conftest import ALICE, NODE, OVERLAY

KEY = derive_key(7, "alice")
ROOT = Authority.create("Root", derive_key(7, "authority"), serial=1, not_before=-DAY, not_after=3650 * DAY)
NAMES: list[x509.GeneralName] = [x509.UniformResourceIdentifier(reload_uri(NODE, OVERLAY)), x509.RFC822Name(ALICE)]


def issue(overlay: str = OVERLAY, not_before: float = 0.0, not_after: float = DAY, by: Authority = ROOT) -> bytes:
    return by.issue(
        KEY.public_key(), node_ids=(NODE,), user=ALICE, overlay=overlay, serial=5,
        not_before=not_before, not_after=not_after,
    )  # fmt: skip


def crafted(
    names: list[x509.GeneralName],
    *,
    subject: x509.Name | None = None,
    critical: bool = True,
    extra: x509.ExtensionType | None = None,
    key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey | None = None,
    algorithm: hashes.SHA256 | hashes.SHA384 | None = None,
) -> bytes:
    """A certificate signed by the root with whatever is asked for."""
    root = x509.load_der_x509_certificate(ROOT.certificate)
    builder = (
        x509.CertificateBuilder()
        .issuer_name(root.subject)
        .subject_name(x509.Name([]) if subject is None else subject)
        .public_key(KEY.public_key() if key is None else key)
        .serial_number(9)
        .not_valid_before(date(0))
        .not_valid_after(date(DAY))
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=critical)
    if extra is not None:
        builder = builder.add_extension(extra, critical=True)
    return builder.sign(ROOT.key, algorithm or hashes.SHA256()).public_bytes(Encoding.DER)


def test_profile_of_an_issued_certificate(alice: Credential, trust: TrustStore) -> None:
    loaded = x509.load_der_x509_certificate(alice.certificate)
    san = loaded.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    assert list(loaded.subject) == []
    assert san.critical
    assert san.value.get_values_for_type(x509.RFC822Name) == [ALICE]
    assert san.value.get_values_for_type(x509.UniformResourceIdentifier) == [
        f"reload://0110{alice.node_id.hex()}@{OVERLAY}/"
    ]
    certificate = trust.check(alice.certificate, now=1.0, node_id=alice.node_id)
    assert isinstance(certificate, Certificate)
    assert (certificate.user, certificate.node_ids, certificate.overlay) == (ALICE, alice.node_ids, OVERLAY)
    assert certificate.public_key == alice.private_key.public_key()
    assert certificate.digest == hashlib.sha256(alice.certificate).digest()
    assert certificate.issuer == hashlib.sha256(ROOT.certificate).digest()
    assert (certificate.not_before, certificate.not_after) == (0.0, 30 * DAY)
    assert ALICE.encode() not in repr(alice.private_key).encode()
    assert "private_key" not in repr(alice)


def test_certificates_are_reproducible_byte_for_byte() -> None:
    assert issue() == issue()
    # From cryptography 50: a change means that old traces can't be repeated.
    assert hashlib.sha256(issue()).hexdigest() == "72c3e1c4ba5365c87297a28ff48c541f90365c7f3c698e6e31f48bb3eeb8b3a1"


def test_an_independent_verifier_accepts_the_chain() -> None:
    store = Store([x509.load_der_x509_certificate(ROOT.certificate)])
    nodes = ExtensionPolicy.permit_all().require_present(
        x509.SubjectAlternativeName, Criticality.CRITICAL, lambda policy, certificate, value: None
    )
    verifier = (
        PolicyBuilder()
        .store(store)
        .time(datetime.fromtimestamp(EPOCH + 60, UTC))
        .extension_policies(ca_policy=ExtensionPolicy.webpki_defaults_ca(), ee_policy=nodes)
        .build_client_verifier()
    )
    verified = verifier.verify(x509.load_der_x509_certificate(issue()), [])
    assert len(verified.chain) == 2


def test_expired(trust: TrustStore) -> None:
    der = issue()
    assert isinstance(trust.check(der, now=DAY - 0.001), Certificate)
    assert trust.check(der, now=DAY) is LinkReason.EXPIRED


def test_not_yet_valid(trust: TrustStore) -> None:
    der = issue(not_before=10.0)
    assert trust.check(der, now=9.999) is LinkReason.NOT_YET_VALID
    assert isinstance(trust.check(der, now=10.0), Certificate)


def test_dates_are_judged_anew_although_the_chain_is_remembered(trust: TrustStore) -> None:
    der = issue(not_before=10.0)
    assert isinstance(trust.check(der, now=20.0), Certificate)
    assert trust.check(der, now=2 * DAY) is LinkReason.EXPIRED
    assert trust.check(der, now=0.0) is LinkReason.NOT_YET_VALID


def test_a_certificate_ends_with_its_root() -> None:
    short = Authority.create("Short", derive_key(7, "short"), serial=1, not_before=5.0, not_after=50.0)
    der = issue(by=short)
    trust = TrustStore(OVERLAY, [short.certificate])
    assert trust.check(der, now=1.0) is LinkReason.NOT_YET_VALID
    assert trust.check(der, now=50.0) is LinkReason.EXPIRED
    assert isinstance(trust.check(der, now=49.0), Certificate)


def test_revoked_by_bad_node(trust: TrustStore) -> None:
    der = issue()
    assert isinstance(trust.check(der, now=1.0), Certificate)
    trust.revocations.name_bad_nodes([NODE])
    assert trust.check(der, now=1.0) is LinkReason.REVOKED
    trust.revocations.name_bad_nodes([])
    assert isinstance(trust.check(der, now=1.0), Certificate)


def test_wrong_node_id(trust: TrustStore) -> None:
    other = NodeID(b"\x01" * 16)
    assert trust.check(issue(), now=1.0, node_id=other) is LinkReason.WRONG_NODE_ID
    assert isinstance(trust.check(issue(), now=1.0, node_id=NODE), Certificate)


def test_wrong_overlay(trust: TrustStore) -> None:
    assert trust.check(issue(overlay="other.example.org"), now=1.0) is LinkReason.WRONG_OVERLAY
    assert parse(issue(overlay="other.example.org"), OVERLAY) is LinkReason.WRONG_OVERLAY


def test_unknown_authority(trust: TrustStore) -> None:
    stranger = Authority.create("Stranger", derive_key(8, "x"), serial=1, not_before=-DAY, not_after=30 * DAY)
    assert trust.check(issue(by=stranger), now=1.0) is LinkReason.UNKNOWN_CA


def test_an_authority_of_the_same_name_is_still_unknown(trust: TrustStore) -> None:
    imposter = Authority.create("Root", derive_key(8, "x"), serial=1, not_before=-DAY, not_after=30 * DAY)
    assert trust.check(issue(by=imposter), now=1.0) is LinkReason.UNKNOWN_CA


def test_a_node_cannot_issue_certificates(alice: Credential, trust: TrustStore) -> None:
    mallory = Authority(alice.certificate, alice.private_key)
    assert trust.check(issue(by=mallory), now=1.0) is LinkReason.UNKNOWN_CA
    with pytest.raises(LocalProtocolError):
        TrustStore(OVERLAY, [alice.certificate])


@pytest.mark.parametrize(
    "der",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\x30\x03\x02\x01\x01", id="no certificate"),
        pytest.param(issue() + b"\x00", id="trailing byte"),
        pytest.param(b"\x30" * (MAX_CERTIFICATE + 1), id="too large"),
        pytest.param(ROOT.certificate, id="the root itself"),
        pytest.param(
            crafted(NAMES, subject=x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "alice")])), id="a subject"
        ),
        pytest.param(crafted(NAMES, critical=False), id="alternative name not critical"),
        pytest.param(crafted([]), id="no alternative name"),
        pytest.param(crafted(NAMES[:1]), id="no user"),
        pytest.param(crafted(NAMES[1:]), id="no node"),
        pytest.param(crafted([*NAMES, x509.RFC822Name("eve@example.org")]), id="two users"),
        pytest.param(crafted([*NAMES, x509.DNSName("example.org")]), id="a host name"),
        pytest.param(crafted([*NAMES, NAMES[0]]), id="a Node-ID twice"),
        pytest.param(crafted([x509.UniformResourceIdentifier("https://example.org/"), NAMES[1]]), id="another URI"),
        pytest.param(
            crafted([x509.UniformResourceIdentifier(reload_uri(NODE, OVERLAY) + "0001"), NAMES[1]]), id="a resource"
        ),
        pytest.param(
            crafted([x509.UniformResourceIdentifier(f"reload://02100{'0' * 31}@{OVERLAY}/"), NAMES[1]]),
            id="destination of another type",
        ),
        pytest.param(
            crafted([x509.UniformResourceIdentifier(reload_uri(WILDCARD, OVERLAY)), NAMES[1]]), id="the wildcard"
        ),
        pytest.param(
            crafted([x509.UniformResourceIdentifier(reload_uri(INVALID, OVERLAY)), NAMES[1]]), id="the invalid Node-ID"
        ),
        pytest.param(crafted(NAMES, extra=x509.BasicConstraints(ca=True, path_length=None)), id="an authority's"),
        pytest.param(crafted(NAMES, extra=x509.InhibitAnyPolicy(0)), id="unknown critical extension"),
        pytest.param(crafted(NAMES, key=ec.derive_private_key(3, ec.SECP521R1()).public_key()), id="another curve"),
        pytest.param(crafted(NAMES, algorithm=hashes.SHA384()), id="another signature algorithm"),
    ],
)
def test_bad_profile(der: bytes, trust: TrustStore) -> None:
    assert trust.check(der, now=1.0) is LinkReason.BAD_PROFILE


def test_several_overlays_in_one_certificate(trust: TrustStore) -> None:
    second = x509.UniformResourceIdentifier(reload_uri(NodeID(b"\x02" * 16), "other.example.org"))
    assert trust.check(crafted([*NAMES, second]), now=1.0) is LinkReason.WRONG_OVERLAY


def test_rsa_keys_are_taken_from_2048_bits_on(trust: TrustStore) -> None:
    strong = rsa.generate_private_key(65537, 2048).public_key()
    assert isinstance(trust.check(crafted(NAMES, key=strong), now=1.0), Certificate)
    weak = rsa.generate_private_key(65537, 1024).public_key()
    assert trust.check(crafted(NAMES, key=weak), now=1.0) is LinkReason.BAD_PROFILE


def test_several_node_ids(trust: TrustStore) -> None:
    ids = (NODE, NodeID(b"\x03" * 16))
    der = ROOT.issue(
        KEY.public_key(), node_ids=ids, user=ALICE, overlay=OVERLAY, serial=6, not_before=0, not_after=DAY
    )  # fmt: skip
    certificate = trust.check(der, now=1.0, node_id=ids[1])
    assert isinstance(certificate, Certificate)
    assert certificate.node_ids == ids


def test_links_ask_for_the_refusal_only(trust: TrustStore) -> None:
    assert trust.refusal(issue(), NODE, 1.0) is None
    assert trust.refusal(issue(), None, DAY) is LinkReason.EXPIRED


def test_the_memory_is_shared_but_not_between_overlays_or_roots() -> None:
    cache = ChainCache()
    first = TrustStore(OVERLAY, [ROOT.certificate], cache=cache)
    second = TrustStore(OVERLAY, [ROOT.certificate], cache=cache)
    der = issue()
    assert first.check(der, now=1.0) is second.check(bytes(bytearray(der)), now=2.0)
    other = TrustStore("other.example.org", [ROOT.certificate], cache=cache)
    assert other.check(der, now=1.0) is LinkReason.WRONG_OVERLAY
    rootless = TrustStore(OVERLAY, [], cache=cache)
    assert rootless.check(der, now=1.0) is LinkReason.UNKNOWN_CA
    first.revocations.name_bad_nodes([NODE])
    assert first.check(der, now=1.0) is LinkReason.REVOKED
    assert isinstance(second.check(der, now=1.0), Certificate)


def test_the_memory_is_bounded_and_forgetting_changes_no_verdict() -> None:
    cache = ChainCache(size=2)
    trust = TrustStore(OVERLAY, [ROOT.certificate], cache=cache)
    ders = [issue(not_after=DAY + index) for index in range(5)]
    for der in (*ders, *ders):
        assert isinstance(trust.check(der, now=1.0), Certificate)
        assert trust.check(der[:-1], now=1.0) is LinkReason.BAD_PROFILE
    assert len(cache.memo(OVERLAY, trust.roots, None)) == 2


@pytest.mark.parametrize("digest", ["sha1", "sha256"])
@pytest.mark.parametrize("count", [1, 3])
def test_self_signed_where_permitted(digest: str, count: int) -> None:
    credential = self_signed(
        KEY, user=ALICE, overlay=OVERLAY, serial=3, not_before=0.0, not_after=DAY, digest=digest, count=count
    )
    spki = KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    expected = hashlib.new(digest, spki if count == 1 else b"\x00\x00\x00\x01" + spki).digest()[:16]
    assert credential.node_id == expected
    assert len(credential.node_ids) == count
    permitted = TrustStore(OVERLAY, [], self_signed=digest)
    assert isinstance(permitted.check(credential.certificate, now=1.0, node_id=expected), Certificate)
    assert TrustStore(OVERLAY, []).check(credential.certificate, now=1.0) is LinkReason.UNKNOWN_CA
    other = TrustStore(OVERLAY, [], self_signed="sha256" if digest == "sha1" else "sha1")
    assert other.check(credential.certificate, now=1.0) is LinkReason.WRONG_NODE_ID


def test_a_self_signed_certificate_of_a_chosen_node_id() -> None:
    honest = self_signed(KEY, user=ALICE, overlay=OVERLAY, serial=3, not_before=0.0, not_after=DAY)
    root = Authority(honest.certificate, KEY)
    chosen = root.issue(
        KEY.public_key(), node_ids=(NODE,), user=ALICE, overlay=OVERLAY, serial=4, not_before=0, not_after=DAY
    )  # fmt: skip
    trust = TrustStore(OVERLAY, [], self_signed="sha256")
    assert trust.check(chosen, now=1.0) is LinkReason.WRONG_NODE_ID


@pytest.mark.parametrize("name", ["alice", "alice@", "@example.org", "al ice@example.org", "a\x00@example.org", "ä@b"])
def test_illegal_user_names(name: str) -> None:
    assert not legal_user(name)


DER = issue()


@pytest.mark.parametrize("serial", [b"\x02\x01\x00", b"\x02\x01\xff"])
@pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")
def test_serials_below_one(serial: bytes) -> None:
    altered = DER.replace(b"\x02\x01\x05", serial, 1)
    assert parse(altered, OVERLAY) is LinkReason.BAD_PROFILE
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert parse(altered, OVERLAY) is LinkReason.BAD_PROFILE


@settings(max_examples=400)
@given(st.integers(0, len(DER) - 1), st.integers(1, 255))
def test_no_altered_byte_is_believed(at: int, flip: int) -> None:
    altered = bytearray(DER)
    altered[at] ^= flip
    assert isinstance(TrustStore(OVERLAY, [ROOT.certificate]).check(bytes(altered), now=1.0), LinkReason)


@settings(max_examples=100)
@given(st.integers(0, len(DER) - 1), st.binary(max_size=8))
def test_no_cut_or_spliced_certificate_is_believed(at: int, more: bytes) -> None:
    altered = DER[:at] + more
    if altered != DER:
        assert isinstance(TrustStore(OVERLAY, [ROOT.certificate]).check(altered, now=1.0), LinkReason)
        assert isinstance(parse(altered, OVERLAY), LinkReason | Certificate)


def test_renewed_roots_overlap(registrar: Registrar, alice: Credential) -> None:
    new = Authority.create("Root", derive_key(9, "authority"), serial=2, not_before=0.0, not_after=DAY)
    both = TrustStore(OVERLAY, [new.certificate, registrar.authority.certificate])
    assert isinstance(both.check(alice.certificate, now=1.0), Certificate)
    assert isinstance(both.check(issue(by=new), now=1.0), Certificate)
