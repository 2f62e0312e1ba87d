"""Who made a certificate: our reading of DER, and our answer, against the library's."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from hypothesis import given, settings
from hypothesis import strategies as st

from p2psip_min.enrollment.authority import Authority
from p2psip_min.enrollment.certificates import (
    Certificate,
    alternative_names,
    certificate_builder,
    load,
    reload_uri,
    self_signed,
)
from p2psip_min.enrollment.der import SEQUENCE, behind, element, inside, signed_by, subject
from p2psip_min.enrollment.keys import UNREADABLE, derive_key
from p2psip_min.enrollment.policy import DAY
from p2psip_min.enrollment.trust import Root, TrustStore, issuer, read_root
from p2psip_min.errors import LinkReason, LocalProtocolError
from tests.enrollment.conftest import ALICE, NODE, OVERLAY

KEY = derive_key(7, "alice")
ROOT = Authority.create("Root", derive_key(7, "authority"), serial=1, not_before=-DAY, not_after=3650 * DAY)
NAMESAKE = Authority.create("Root", derive_key(8, "authority"), serial=1, not_before=-DAY, not_after=DAY)
ECDSA = bytes.fromhex("300a06082a8648ce3d040302")
RSA, RSA_ALONE = bytes.fromhex("300d06092a864886f70d01010b0500"), bytes.fromhex("300b06092a864886f70d01010b")
"""With and without the NULL that belongs there (RFC 4055 §5)."""


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


def pieces(der: bytes) -> list[bytes]:
    """The elements inside the first one."""
    at, found = inside(der), []
    while at < behind(der):
        found.append(der[at : behind(der, at)])
        at = behind(der, at)
    return found


def rebuilt(
    certificate: bytes, key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, outside: bytes, **changes: bytes
) -> bytes:
    """The certificate with other parts, properly signed by ``key``; names as above, in lower case."""
    parts = pieces(pieces(certificate)[0])
    for index, name in enumerate(("version", "serial", "algorithm", "issuer", "dates", "subject")):
        parts[index] = changes.get(name, parts[index])
    body = element(SEQUENCE, b"".join(parts))
    if isinstance(key, rsa.RSAPrivateKey):
        signature = key.sign(body, padding.PKCS1v15(), hashes.SHA256())
    else:
        signature = key.sign(body, ec.ECDSA(hashes.SHA256()))
    return element(SEQUENCE, body + outside + element(0x03, b"\0" + signature))


def believed(der: bytes, *authorities: bytes) -> Certificate | LinkReason:
    return TrustStore(OVERLAY, authorities or [ROOT.certificate]).check(der, now=1.0)


# --- DER --------------------------------------------------------------------------------------------------------------


@given(st.integers(1, 255), st.sampled_from([0, 1, 127, 128, 255, 256, 65_535, 65_536]), st.binary(max_size=5))
def test_an_element_ends_where_it_ends(tag: int, size: int, before: bytes) -> None:
    content = b"x" * size
    der = before + element(tag, content) + b"more"
    assert der[inside(der, len(before)) : behind(der, len(before))] == content
    # In as few octets as can be (X.690 §10.1).
    assert inside(element(tag, content)) == 2 + (0 if size < 128 else (size.bit_length() + 7) // 8)
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
    assert subject(authority.certificate) == signed_by(der)[0]
    assert subject(der) == element(SEQUENCE, b"")
    assert issuer(loaded, der, roots(authority, ROOT)) is read_root(authority.certificate)


def test_the_oldest_certificates_say_no_version() -> None:
    old = rebuilt(DER, ROOT.key, ECDSA, version=b"")
    assert (signed_by(old), subject(old)) == (signed_by(DER), subject(DER))
    assert library(x509.load_der_x509_certificate(old), [ROOT]) == [True]
    assert believed(old) is LinkReason.BAD_PROFILE


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


def common_name(tag: int, content: bytes) -> bytes:
    """A name of one attribute, whatever its type."""
    attribute = element(SEQUENCE, bytes.fromhex("0603550403") + element(tag, content))
    return element(SEQUENCE, element(0x31, attribute))


@pytest.mark.parametrize(
    "name",
    [
        common_name(0x0C, b"Wurzel"),
        common_name(0x14, b"R\xf6t"),  # a T61String that is not ASCII
        common_name(0x0C, b"\xff\xfe"),  # a UTF8String that is not UTF-8
        common_name(0x1E, b"\0R\0o"),
        common_name(0x1B, b"Root"),  # a GeneralString, which no name may have
        common_name(0x03, b"\0Root"),
        element(SEQUENCE, element(0x31, b"")),
        element(SEQUENCE, element(0x31, element(SEQUENCE, bytes.fromhex("0603550406") + element(0x13, b"DEU")))),
        element(SEQUENCE, b""),
    ],
)
def test_a_root_may_have_any_name_if_its_certificates_name_it_so(name: bytes) -> None:
    root = rebuilt(ROOT.certificate, ROOT.key, ECDSA, issuer=name, subject=name)
    leaf = rebuilt(DER, ROOT.key, ECDSA, issuer=name)
    assert subject(root) == name
    assert isinstance(believed(leaf, ROOT.certificate, root), Certificate)
    assert believed(leaf) is LinkReason.UNKNOWN_CA
    assert believed(DER, root) is LinkReason.UNKNOWN_CA


def rsa_root() -> tuple[bytes, rsa.RSAPrivateKey]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Root")])
    usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
    root = (
        certificate_builder(name, name, key.public_key(), 1, -DAY, DAY)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .sign(key, hashes.SHA256())
    )
    return root.public_bytes(Encoding.DER), key


def test_what_stands_outside_must_be_what_is_signed() -> None:
    """RFC 5280 §4.1.1.2; else one certificate would have two forms, with two digests."""
    root, key = rsa_root()
    assert isinstance(believed(rebuilt(DER, key, RSA, algorithm=RSA), root), Certificate)
    for within, outside in ((RSA, RSA_ALONE), (RSA_ALONE, RSA)):
        der = rebuilt(DER, key, outside, algorithm=within)
        loaded = x509.load_der_x509_certificate(der)
        with pytest.raises(ValueError, match="Inner and outer"):
            loaded.verify_directly_issued_by(x509.load_der_x509_certificate(root))
        assert believed(der, root) is LinkReason.UNKNOWN_CA


def test_a_signature_is_of_the_algorithm_that_is_named() -> None:
    der = rebuilt(DER, ROOT.key, RSA, algorithm=RSA)
    assert library(x509.load_der_x509_certificate(der), [ROOT]) == [False]
    assert believed(der) is LinkReason.UNKNOWN_CA


def test_who_signs_his_own_certificate_must_have_its_key() -> None:
    trust = TrustStore(OVERLAY, [], self_signed="sha256")
    own = self_signed(KEY, user=ALICE, overlay=OVERLAY, serial=4, not_before=0.0, not_after=DAY).certificate
    forged = own[:-1] + bytes((own[-1] ^ 1,))
    assert isinstance(trust.check(own, now=1.0), Certificate)
    assert trust.check(forged, now=1.0) is LinkReason.UNKNOWN_CA


def test_nothing_outlives_the_root_that_it_is_checked_against() -> None:
    short = Authority.create("Root", ROOT.key, serial=1, not_before=5.0, not_after=50.0)
    trust = TrustStore(OVERLAY, [short.certificate])
    assert trust.check(DER, now=4.0) is LinkReason.NOT_YET_VALID
    assert isinstance(trust.check(DER, now=49.0), Certificate)
    assert trust.check(DER, now=50.0) is LinkReason.EXPIRED


def test_roots_are_followed_all_or_none() -> None:
    trust = TrustStore(OVERLAY, [ROOT.certificate])
    with pytest.raises(LocalProtocolError):
        trust.follow([NAMESAKE.certificate, DER], self_signed="sha256")
    assert (trust.roots, trust.self_signed) == ((ROOT.certificate,), None)
    assert isinstance(trust.check(DER, now=1.0), Certificate)
    assert trust.check(issue(NAMESAKE), now=1.0) is LinkReason.UNKNOWN_CA


def test_an_rsa_root() -> None:
    root, key = rsa_root()
    name = x509.load_der_x509_certificate(root).subject
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
