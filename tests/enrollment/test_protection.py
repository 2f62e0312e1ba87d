"""What protects the exchange with an enrollment server: TLS, sealed answers, signed answers, each alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from p2psip_min.defences import Defences
from p2psip_min.enrollment.answers import answer_signer, open_answer, seal_answer, sign_answer, spki
from p2psip_min.enrollment.authority import Authority
from p2psip_min.enrollment.client import EnrollmentClient, enroll
from p2psip_min.enrollment.holdings import DAY
from p2psip_min.enrollment.keys import derive_key
from p2psip_min.enrollment.trust import read_root
from p2psip_min.errors import LinkReason, Rejected, RequestTimedOut
from p2psip_min.overlay import Overlay
from p2psip_min.transport.network import OnPath

KEYS = [derive_key(7, label) for label in "abc"]
HOST = ("10.9.9.9", 6084)
PORTED = ("10.9.9.9", 49152)

ROOT = Authority.create("web root", KEYS[0], serial=1, not_before=-DAY, not_after=DAY)
WEB = ROOT.issue_server("overlay.example.org", KEYS[1].public_key(), serial=2, not_before=-DAY, not_after=DAY)


# --- the rules --------------------------------------------------------------------------------------------------------


@given(st.binary(max_size=300))
def test_a_sealed_answer_is_for_its_asker(body: bytes) -> None:
    sealed = seal_answer(body, spki(KEYS[0].public_key()), KEYS[1])
    assert sealed is not None
    assert body not in sealed or len(body) < 4
    assert open_answer(sealed, spki(KEYS[1].public_key()), KEYS[0]) == body
    assert open_answer(sealed, spki(KEYS[1].public_key()), KEYS[2]) is None
    assert open_answer(sealed[:-1] + bytes((sealed[-1] ^ 1,)), spki(KEYS[1].public_key()), KEYS[0]) is None


def test_only_keys_of_our_kind_can_be_sealed_for() -> None:
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key()
    raw = other.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    longer = ec.derive_private_key(5, ec.SECP384R1()).public_key()
    for text in ("", "!", "AAAA", raw.hex(), spki(longer)):
        assert seal_answer(b"body", text, KEYS[1]) is None
        assert open_answer(b"body", text, KEYS[1]) is None


def test_a_signature_is_over_request_status_and_body() -> None:
    field = sign_answer(KEYS[1], WEB, "1.1", 200, b"body")
    roots = (read_root(ROOT.certificate),)
    assert answer_signer(field, "1.1", 200, b"body", roots) == WEB
    for asked, status, body in (("1.2", 200, b"body"), ("1.1", 403, b"body"), ("1.1", 200, b"bodies")):
        assert answer_signer(field, asked, status, body, roots) is None
    for text in ("", "x y", sign_answer(KEYS[2], WEB, "1.1", 200, b"body")):
        assert answer_signer(text, "1.1", 200, b"body", roots) is None
    assert answer_signer(field, "1.1", 200, b"body", ()) is None
    other = Authority.create("web root", KEYS[2], serial=1, not_before=-DAY, not_after=DAY)
    assert answer_signer(field, "1.1", 200, b"body", (read_root(other.certificate),)) is None


# --- over the network -------------------------------------------------------------------------------------------------

ENTRIES = ("enrollment-tls", "encrypted-answer", "signed-answer")


@pytest.fixture
def made() -> Iterator[Callable[..., tuple[Overlay, EnrollmentClient]]]:
    """Overlays with two servers and some of the protections, and somebody's way to the servers."""
    overlays: list[Overlay] = []

    def make(*names: str) -> tuple[Overlay, EnrollmentClient]:
        overlay = Overlay(peers=1, defences=Defences().having(*names), servers=2)
        overlays.append(overlay)
        return overlay, overlay.operations.errand(HOST)

    yield make
    for overlay in overlays:
        overlay.close()


def enrolled(overlay: Overlay, client: EnrollmentClient) -> Any:
    return overlay.run(enroll(client, overlay.provider.key("alice"), *overlay.provider.open_account("alice")))


@pytest.mark.parametrize(
    ("names", "read"),
    [
        ((), {"password", "configuration"}),
        (("encrypted-answer",), {"password"}),
        (("signed-answer",), {"password", "configuration"}),
        (("encrypted-answer", "signed-answer"), {"password"}),
        (("enrollment-tls",), set()),
        (("enrollment-tls", "signed-answer"), set()),
    ],
)
def test_who_listens_reads_what_is_not_protected(made: Any, names: tuple[str, ...], read: set[str]) -> None:
    overlay, client = made(*names)
    heard: list[bytes] = []
    overlay.network.tap(lambda _now, _source, _destination, data: heard.append(data))
    assert enrolled(overlay, client)[1].user == overlay.aor("alice")
    everything = b"".join(heard)
    secrets = {"password": overlay.provider.open_account("alice")[1].encode(), "configuration": b"<topology-plugin>"}
    assert {name for name, secret in secrets.items() if secret in everything} == read


def altering(old: bytes, new: bytes) -> OnPath:
    """Exchange some bytes for as many others."""
    return lambda data: [(0.0, data.replace(old, new))]


@pytest.mark.parametrize("name", ENTRIES)
def test_another_server_is_asked_when_one_is_spoken_for(made: Any, name: str) -> None:
    overlay, client = made(name)
    first = overlay.servers["enroll"].address

    def meddle(data: bytes) -> list[tuple[float, bytes]]:
        # A record of TLS, or an answer's body.
        return [(0.0, data[:-1] + bytes((data[-1] ^ 1,)) if len(data) > 200 else data)]

    overlay.network.on_path(first, PORTED, meddle)
    configuration, _ = enrolled(overlay, client)
    assert configuration.document == overlay.provider.configuration.document


@pytest.mark.parametrize("name", ENTRIES[1:])
def test_what_was_not_said_so_is_not_believed(made: Any, name: str) -> None:
    overlay, client = made(name)
    overlay.servers_off("enroll2")
    spoilt = b"Answer-Signed: " if name == "signed-answer" else b"Answer-Sealed: "
    overlay.network.on_path(overlay.servers["enroll"].address, PORTED, altering(spoilt, spoilt.swapcase()))
    enrolled(overlay, client)  # names of header fields have no case
    overlay.network.on_path(overlay.servers["enroll"].address, PORTED, altering(spoilt.swapcase(), b"X" + spoilt[1:]))
    with pytest.raises(Rejected) as rejected:
        overlay.run(client.configuration())
    assert rejected.value.reason is LinkReason.BAD_RECORD


def test_who_brings_no_key_gets_no_sealed_answer(made: Any) -> None:
    overlay, client = made("encrypted-answer")
    overlay.servers_off("enroll2")
    overlay.network.on_path(PORTED, overlay.servers["enroll"].address, altering(b"Answer-Key", b"Answer-Kez"))
    with pytest.raises(Rejected) as rejected:
        overlay.run(client.configuration())
    assert rejected.value.reason is LinkReason.BAD_RECORD


def test_a_clear_stream_that_nobody_answers_is_given_up(made: Any) -> None:
    overlay, client = made()
    for server in overlay.servers.values():
        assert server.service is not None
        server.service.crash()
    with pytest.raises(Rejected) as refused:
        overlay.run(client.configuration())
    assert refused.value.reason is LinkReason.UNREACHABLE
    assert not overlay.network.attached(PORTED)


def test_a_clear_stream_that_breaks_says_so(made: Any) -> None:
    overlay, client = made()
    overlay.servers_off("enroll2")
    overlay.network.on_path(PORTED, overlay.servers["enroll"].address, lambda data: [] if data else [(0.0, data)])
    with pytest.raises(RequestTimedOut):
        overlay.run(client.configuration())
