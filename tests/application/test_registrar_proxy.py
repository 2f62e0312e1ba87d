"""The registrar-proxy by itself: who may register, who may speak as whom, and what is passed on."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from p2psip_min.application import digest, sip
from p2psip_min.application.registrar_proxy import RegistrarProxy
from p2psip_min.application.sip import SipMessage, SipReader
from p2psip_min.errors import LinkReason

DOMAIN = "example.org"
ALICE, BOB = f"alice@{DOMAIN}", f"bob@{DOMAIN}"
PASSWORDS = {ALICE: "sesame", BOB: "tulip"}


class Line:
    """One user's end of a connection to the proxy, without a network between."""

    def __init__(self, proxy: RegistrarProxy, host: str) -> None:
        self.on_data: Callable[[bytes], None] = lambda data: None
        self.on_close: Callable[[LinkReason], None] = lambda reason: None
        self.contact = f"<sip:{host}>"
        self.heard: list[SipMessage] = []
        self.open = True
        self._reader = SipReader()
        proxy.accept(self)

    def write(self, data: bytes) -> None:
        self.heard += self._reader.feed(data)

    def close(self) -> None:
        self.open = False

    def say(self, message: SipMessage) -> SipMessage | None:
        """Send a message; what came back first, if anything."""
        before = len(self.heard)
        self.on_data(message.encode())
        return self.heard[before] if len(self.heard) > before else None

    def request(self, method: str, sender: str, to: str, **headers: str) -> SipMessage:
        uri = f"sip:{DOMAIN}" if method == "REGISTER" else f"sip:{to}"
        made = sip.request(method, uri, sender=sender, to=to, call_id="c" * 16, branch="b", contact=self.contact)
        for name, value in headers.items():
            made = made.having(name.replace("_", "-"), value)
        return made

    def register(self, aor: str, password: str, **headers: str) -> SipMessage:
        """Register by challenge and proof; the last answer."""
        first = self.say(self.request("REGISTER", aor, aor, **headers))
        assert first is not None
        if first.status != 401:
            return first
        proof = digest.authorization(
            first.header("WWW-Authenticate"), aor, password, "n0nce", "REGISTER", f"sip:{DOMAIN}"
        )
        last = self.say(self.request("REGISTER", aor, aor, Authorization=proof, **headers))
        assert last is not None
        return last


class Clock:
    now = 0.0


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def proxy(clock: Clock) -> RegistrarProxy:
    secrets = {aor: digest.secret(aor, DOMAIN, password) for aor, password in PASSWORDS.items()}
    return RegistrarProxy(DOMAIN, "10.255.1.1:5061", secrets, lambda: clock.now, random.Random(1))


@pytest.fixture
def alice(proxy: RegistrarProxy) -> Line:
    return Line(proxy, "10.0.0.1:5061")


@pytest.fixture
def bob(proxy: RegistrarProxy) -> Line:
    line = Line(proxy, "10.0.0.2:5061")
    assert line.register(BOB, PASSWORDS[BOB]).status == 200
    return line


def test_a_password_registers_a_contact(proxy: RegistrarProxy, alice: Line) -> None:
    answer = alice.register(ALICE, "sesame", Expires="60")
    assert (answer.status, answer.header("Contact")) == (200, "<sip:10.0.0.1:5061>;expires=60")
    assert proxy.bindings[ALICE].contact == alice.contact


@pytest.mark.parametrize(("aor", "password", "status"), [
    (ALICE, "wrong", 401),
    (f"mallory@{DOMAIN}", "sesame", 404),
    ("alice@elsewhere.org", "sesame", 404),
])  # fmt: skip
def test_nobody_else_registers(proxy: RegistrarProxy, alice: Line, aor: str, password: str, status: int) -> None:
    assert alice.register(aor, password).status == status
    assert not proxy.bindings


def test_a_proof_is_good_once(proxy: RegistrarProxy, alice: Line) -> None:
    challenge = alice.say(alice.request("REGISTER", ALICE, ALICE))
    assert challenge is not None
    proof = digest.authorization(
        challenge.header("WWW-Authenticate"), ALICE, "sesame", "n", "REGISTER", f"sip:{DOMAIN}"
    )
    again = alice.request("REGISTER", ALICE, ALICE, Authorization=proof)
    assert [answer and answer.status for answer in (alice.say(again), alice.say(again))] == [200, 401]


def test_a_registration_ends_with_its_time_its_connection_or_its_users_wish(
    proxy: RegistrarProxy, clock: Clock, alice: Line, bob: Line
) -> None:
    invite = bob.request("INVITE", BOB, ALICE)
    alice.register(ALICE, "sesame", Expires="60")
    clock.now = 60.0
    answer = bob.say(invite)
    assert answer is not None
    assert answer.status == 404
    alice.register(ALICE, "sesame", Expires="0")
    assert ALICE not in proxy.bindings
    alice.register(ALICE, "sesame")
    alice.on_close(LinkReason.RESET)
    assert list(proxy.bindings) == [BOB]


def test_a_call_passes_through_and_its_answer_comes_back(proxy: RegistrarProxy, alice: Line, bob: Line) -> None:
    alice.register(ALICE, "sesame")
    invite = bob.request("INVITE", BOB, ALICE)
    assert bob.say(invite) is None
    received = alice.heard[-1]
    assert received.method == "INVITE"
    assert received.header("Max-Forwards") == "69"
    assert len(received.all("Via")) == 2
    alice.say(sip.answer(received, 180, "Ringing", tag="a"))
    alice.say(sip.answer(received, 200, "OK", tag="a", contact="10.0.0.1:5061"))
    ringing, answer = bob.heard[-2:]
    assert [ringing.status, answer.status] == [180, 200]
    assert answer.all("Via") == invite.all("Via")
    bob.say(sip.acknowledge(invite, answer))
    assert alice.heard[-1].method == "ACK"
    assert proxy.passed == 4
    bob.heard.clear()
    alice.say(sip.answer(received, 200, "OK", tag="a"))
    assert not bob.heard, "an answer to nothing asked goes nowhere"


@pytest.mark.parametrize(("sender", "hops", "status"), [(ALICE, "70", 403), (BOB, "0", 483), (BOB, "many", 483)])
def test_refusals(bob: Line, sender: str, hops: str, status: int) -> None:
    answer = bob.say(bob.request("INVITE", sender, BOB, Max_Forwards=hops))
    assert answer is not None
    assert answer.status == status


def test_who_has_not_registered_calls_nobody(alice: Line, bob: Line) -> None:
    answer = alice.say(alice.request("INVITE", ALICE, BOB))
    assert answer is not None
    assert answer.status == 403


def test_nobody_answers_an_ack(bob: Line) -> None:
    assert bob.say(bob.request("ACK", BOB, ALICE)) is None


def test_rubbish_ends_the_connection(proxy: RegistrarProxy, bob: Line) -> None:
    bob.on_data(b"GET / HTTP/1.1\r\n\r\n")
    assert not bob.open
    assert BOB not in proxy.bindings


@pytest.mark.parametrize("header", ["", "Basic YWxpY2U6c2VzYW1l", 'Digest nonce="n", qop=auth, nc=00000001'])
def test_a_header_without_proof_proves_nothing(header: str) -> None:
    assert not digest.proves(header, digest.secret(ALICE, DOMAIN, "sesame"), "n", "REGISTER")


def test_numbers_too_long_to_be_meant_are_none(proxy: RegistrarProxy) -> None:
    alice, digits = Line(proxy, "10.0.0.1"), "1" * 5000
    assert alice.register(ALICE, "sesame", Expires=digits).status == 200
    refused = alice.say(alice.request("INVITE", ALICE, BOB, Max_Forwards=digits))
    assert refused is not None
    assert refused.status == 483
