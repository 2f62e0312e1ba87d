"""The attackers of enrollment: what they hear, keep and change, and what they can't."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from p2psip_min.attacks.enrollment import CutOff, EnrollmentMeddler, EnrollmentReplay, HeldBack, form_of
from p2psip_min.defences import Defences
from p2psip_min.enrollment.certificates import Certificate, parse
from p2psip_min.enrollment.client import EnrollmentClient
from p2psip_min.enrollment.http import Part, answer, request, write_form
from p2psip_min.enrollment.keys import derive_key
from p2psip_min.errors import P2PSIPError
from p2psip_min.overlay import Overlay

ALICE = ("10.9.9.1", 49152)
KEY = derive_key(1, "mallory")


@pytest.fixture
def overlay() -> Iterator[Overlay]:
    with Overlay(peers=1, defences="none") as made:
        yield made


def visitor(overlay: Overlay) -> EnrollmentClient:
    return overlay.operations.errand(("10.66.6.6", 1))


def enroll(overlay: Overlay) -> bytes:
    """Alice enrolls; her certificate, empty when she could not."""
    try:
        return overlay.run(overlay.operations.enroll("alice", ALICE))[1].certificate
    except P2PSIPError:
        return b""


def post(**fields: bytes) -> bytes:
    kind, body = write_form({name: Part(value) for name, value in fields.items()})
    return request("POST", "/enrollment", "overlay.example.org", body, Content_Type=kind)


def test_a_form_is_found_behind_other_requests_or_not_at_all() -> None:
    said = request("GET", "/enrollment/nonce", "overlay.example.org") + post(username=b"alice", password=b"pw")
    assert {name: part.body for name, part in form_of(said).items()} == {"username": b"alice", "password": b"pw"}
    for nothing in (b"", b"\x17\x03\x03", b"POST ", b"POST / HTTP/1.1\r\nHost: x\r\n\r\n", said[:-5]):
        assert form_of(nothing) == {}


# --- EnrollmentReplay -------------------------------------------------------------------------------------------------


def test_a_replay_has_the_same_certificate_again_and_one_for_itself(overlay: Overlay) -> None:
    server = overlay.servers["enroll"].address
    replay = EnrollmentReplay(server, visitor(overlay), [KEY])
    overlay.network.tap(replay.tap, (ALICE, server))
    first = enroll(overlay)
    overlay.run(replay.replay())
    again, own = parse(replay.repeated[0], overlay.name), parse(replay.own[0], overlay.name)
    assert isinstance(again, Certificate)
    assert isinstance(own, Certificate)
    held = parse(first, overlay.name)
    assert isinstance(held, Certificate)
    assert (again.user, again.public_key) == (held.user, held.public_key)
    assert (own.user, own.public_key) == (held.user, KEY.public_key())


@pytest.mark.parametrize("names", [("enrollment-tls",), ("enrollment-tls", "enrollment-nonce", "key-possession")])
def test_a_replay_of_cipher_brings_nothing(names: tuple[str, ...]) -> None:
    with Overlay(peers=1, defences=Defences().having(*names)) as overlay:
        server = overlay.servers["enroll"].address
        replay = EnrollmentReplay(server, visitor(overlay), [KEY])
        overlay.network.tap(replay.tap, (ALICE, server))
        assert enroll(overlay)
        overlay.run(replay.replay())
        assert replay.heard
        assert (replay.repeated, replay.own) == ([], [])


def test_a_replay_is_refused_where_each_identity_is_counted() -> None:
    with Overlay(peers=1, defences=Defences().having("identity-cap", "enrollment-nonce")) as overlay:
        server = overlay.servers["enroll"].address
        replay = EnrollmentReplay(server, visitor(overlay), [KEY])
        overlay.network.tap(replay.tap, (ALICE, server))
        assert enroll(overlay)
        overlay.run(replay.replay())
        assert (replay.repeated, replay.own) == ([], [])


# --- HeldBack ---------------------------------------------------------------------------------------------------------


def test_the_first_request_is_held_back_as_often_as_it_comes(overlay: Overlay) -> None:
    held = HeldBack(visitor(overlay))
    overlay.network.on_path(ALICE, overlay.servers["enroll"].address, held.on_path)
    assert enroll(overlay) == b""
    assert form_of(held.held)["username"].body == overlay.aor("alice").encode()
    assert enroll(overlay)  # the second one passes
    overlay.run(held.deliver())
    assert isinstance(parse(held.honoured, overlay.name), Certificate)


def test_who_held_nothing_back_delivers_nothing(overlay: Overlay) -> None:
    held = HeldBack(visitor(overlay))
    overlay.run(held.deliver())
    assert held.honoured == b""
    assert held.on_path(b"GET / HTTP/1.1") == [(0.0, b"GET / HTTP/1.1")]


# --- EnrollmentMeddler ------------------------------------------------------------------------------------------------


def test_a_meddler_changes_what_it_understands() -> None:
    meddler = EnrollmentMeddler(b"forged")
    document = answer(200, "application/p2p-overlay+xml", b"<configuration/>")
    assert meddler.alter(document) == [(0.0, answer(200, "application/p2p-overlay+xml", b"forged"))]
    for passed in (answer(200, "application/p2p-overlay+xml", b"sealed"), answer(200, "text/plain", b"nonce"), b""):
        assert meddler.alter(passed) == [(0.0, passed)]
    assert meddler.alter(b"\x17\x03") == [(0.0, b"\x17\x02")]


def test_a_meddler_drops_requests_to_enroll_and_all_cipher() -> None:
    meddler = EnrollmentMeddler(b"forged")
    for passed in (b"", request("GET", "/enrollment/nonce", "overlay.example.org")):
        assert meddler.drop(passed) == [(0.0, passed)]
    for taken in (post(username=b"alice"), b"\x17\x03"):
        assert meddler.drop(taken) == []


def test_a_meddler_reads_each_password_once() -> None:
    meddler = EnrollmentMeddler(b"forged")
    for said in (post(password=b"pw"), post(password=b"pw"), post(username=b"alice"), b"\x17\x03"):
        meddler.tap(0.0, ALICE, ALICE, said)
    assert list(meddler.passwords) == [b"pw"]


# --- CutOff -----------------------------------------------------------------------------------------------------------


def test_a_cut_line_lets_nothing_through(overlay: Overlay) -> None:
    CutOff(overlay.network, [server.address for server in overlay.servers.values()]).begin()
    assert enroll(overlay) == b""
    overlay.network.heal()
    assert enroll(overlay)
