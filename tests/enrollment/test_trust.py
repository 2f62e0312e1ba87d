"""Who made a certificate: our reading of DER, and our answer, against the library's."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from hypothesis import given, settings
from hypothesis import strategies as st

from p2psip_min.enrollment.authority import Authority
from p2psip_min.enrollment.certificates import Certificate, alternative_names, certificate_builder, load, reload_uri
from p2psip_min.enrollment.der import SEQUENCE, behind, element, inside, signed_by
from p2psip_min.enrollment.keys import UNREADABLE, derive_key
from p2psip_min.enrollment.policy import DAY
from p2psip_min.enrollment.trust import Root, TrustStore, issuer, read_root
from p2psip_min.errors import LinkReason, LocalProtocolError
from tests.enrollment.conftest import ALICE, NODE, OVERLAY

KEY = derive_key(7, "alice")
ROOT = Authority.create("Root", derive_key(7, "authority"), serial=1, not_before=-DAY, not_after=3650 * DAY)
NAMESAKE = Authority.create("Root", derive_key(8, "authority"), serial=1, not_before=-DAY, not_after=DAY)
ECDSA, RSA = bytes.fromhex("300a06082a8648ce3d040302"), bytes.fromhex("300d06092a864886f70d01010b0500")


def issue(by: Authority = ROOT, serial: int = 5, nodes: int = 1, user: str = ALICE) -> bytes:
    return by.issue(
        KEY.public_key(), node_ids=[NODE] * nodes, user=user, overlay=OVERLAY, serial=serial, not_before=0.0,
        not_after=DAY,
    )  # fmt: skip


DER = issue()


def roots(*authorities: Authority) -> list[Root]:
    return [read_root(each.certificate) for each in authorities]


def library(loaded: x509.Certificate, authorities: Sequence[Authority]) -> list[bool]:
    """What the library says of each."""
    said = []
    for each in authorities:
        try:
            loaded.verify_directly_issued_by(x509.load_der_x509_certificate(each.certificate))
            said.append(True)
        except UNREADABLE:
            said.append(False)
    return said


def spliced(certificate: bytes, outside: bytes) -> bytes:
    """The certificate with another algorithm named outside."""
    begin = inside(certificate)
    end = behind(certificate, begin)
    return element(SEQUENCE, certificate[begin:end] + outside + certificate[behind(certificate, end) :])


def believed(der: bytes, *authorities: bytes) -> Certificate | LinkReason:
    return TrustStore(OVERLAY, authorities or [ROOT.certificate]).check(der, now=1.0)


# --- DER --------------------------------------------------------------------------------------------------------------


@given(st.integers(1, 255), st.sampled_from([0, 1, 127, 128, 255, 256, 65_535, 65_536]), st.binary(max_size=5))
def test_an_element_ends_where_it_ends(tag: int, size: int, before: bytes) -> None:
    content = b"x" * size
    der = before + element(tag, content) + b"more"
    assert der[inside(der, len(before)) : behind(der, len(before))] == content
    assert der[behind(der, len(before)) :] == b"more"


@settings(deadline=None)
@given(
    st.integers(1, 2**159 - 1),
    st.text("abcdefgh Ä", min_size=1, max_size=64),
    st.integers(1, 60),
    st.integers(1, 60),
)
def test_the_issuer_is_read_as_the_library_reads_it(serial: int, name: str, nodes: int, letters: int) -> None:
    authority = Authority.create(name, ROOT.key, serial=1, not_before=-DAY, not_after=DAY)
    der = issue(authority, serial, nodes, "a" * letters + "@" + OVERLAY)
    loaded = x509.load_der_x509_certificate(der)
    assert signed_by(der) == (loaded.issuer.public_bytes(), ECDSA, ECDSA)
    assert issuer(loaded, der, roots(authority, ROOT)) is read_root(authority.certificate)


def test_the_oldest_certificates_say_no_version() -> None:
    begin = inside(DER)
    at = inside(DER, begin)
    body = element(SEQUENCE, DER[behind(DER, at) : behind(DER, begin)])
    old = element(SEQUENCE, body + DER[behind(DER, begin) :])
    assert signed_by(old) == signed_by(DER)
    assert isinstance(believed(old), LinkReason)


# --- who made it ------------------------------------------------------------------------------------------------------


def test_of_two_roots_of_one_name_the_one_whose_key_it_was() -> None:
    for first, second in ((ROOT, NAMESAKE), (NAMESAKE, ROOT)):
        loaded, der = x509.load_der_x509_certificate(issue(NAMESAKE)), issue(NAMESAKE)
        assert issuer(loaded, der, roots(first, second)) is read_root(NAMESAKE.certificate)


def test_the_right_key_under_another_name_is_not_the_issuer() -> None:
    other = Authority.create("Rooot", ROOT.key, serial=1, not_before=-DAY, not_after=DAY)
    assert library(x509.load_der_x509_certificate(DER), [other]) == [False]
    assert believed(DER, other.certificate) is LinkReason.UNKNOWN_CA


@settings(max_examples=400, deadline=None)
@given(st.integers(0, len(DER) - 1), st.integers(1, 255))
def test_altered_certificates_are_judged_as_the_library_does(at: int, flip: int) -> None:
    altered = bytearray(DER)
    altered[at] ^= flip
    loaded = load(bytes(altered))
    if loaded is None:
        return
    found = issuer(loaded, bytes(altered), roots(ROOT, NAMESAKE))
    assert [found is each for each in roots(ROOT, NAMESAKE)] == library(loaded, [ROOT, NAMESAKE])


@pytest.mark.parametrize("outside", [ECDSA[:2].replace(b"\x0a", b"\x0c") + ECDSA[2:] + b"\x05\x00", RSA])
def test_what_stands_outside_must_be_what_is_signed(outside: bytes) -> None:
    """RFC 5280 §4.1.1.2; else one certificate would have several forms."""
    der = spliced(DER, outside)
    loaded = load(der)
    assert loaded is None or library(loaded, [ROOT]) == [False]
    assert isinstance(believed(der), LinkReason)
    assert spliced(DER, ECDSA) == DER


def test_an_rsa_root() -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Root")])
    usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
    root = (
        certificate_builder(name, name, key.public_key(), 1, -DAY, DAY)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .sign(key, hashes.SHA256())
        .public_bytes(Encoding.DER)
    )
    builder = certificate_builder(name, x509.Name([]), KEY.public_key(), 5, 0.0, DAY).add_extension(
        alternative_names(ALICE, [reload_uri(NODE, OVERLAY)]), critical=True
    )
    der = builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)
    assert signed_by(der)[1:] == (RSA, RSA)
    assert isinstance(believed(der, ROOT.certificate, root), Certificate)
    assert isinstance(believed(DER, root, ROOT.certificate), Certificate)
    assert believed(der) is LinkReason.UNKNOWN_CA
    longer = builder.sign(key, hashes.SHA384()).public_bytes(Encoding.DER)
    assert believed(longer, root) is LinkReason.BAD_PROFILE
    pss = builder.sign(key, hashes.SHA256(), rsa_padding=padding.PSS(padding.MGF1(hashes.SHA256()), 32))
    assert believed(pss.public_bytes(Encoding.DER), root) is LinkReason.BAD_PROFILE


def test_a_node_is_no_root() -> None:
    with pytest.raises(LocalProtocolError, match="a root certificate is unreadable"):
        read_root(DER)
