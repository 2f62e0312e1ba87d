"""Attacks by outsiders on what applicants and enrollment servers say to each other (draft 7.2.7, 11.1, 11.8).

They sit on the wire; and like anybody they may visit a server themselves, with a client of their own.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric import ec

from p2psip_min.enrollment.client import EnrollmentClient, post
from p2psip_min.enrollment.http import CERTIFICATE, NONCE, REQUEST, Message, Part, Reader, answer, read_form
from p2psip_min.enrollment.pkcs10 import certificate_request
from p2psip_min.enrollment.session import Session
from p2psip_min.errors import Malformed, P2PSIPError
from p2psip_min.transport.network import Address, Network

POST = b"POST "
ANSWER = b"HTTP/1.1 200 "


def form_of(said: bytes) -> dict[str, Part]:
    """The form in what an applicant said to a server; empty where there is none, or nothing can be made out."""
    try:
        for message in Reader().feed(said[max(0, said.find(POST)) :]):
            return read_form(message.headers.get("content-type", ""), message.body)
    except Malformed:
        pass
    return {}


async def repeat(visitor: EnrollmentClient, said: bytes) -> bytes:
    """Say the same bytes to a server; the certificate that comes of it, empty when none does."""

    async def errand(session: Session) -> Message:
        return await session.send(said[max(0, said.find(POST)) :])

    try:
        got = await visitor.visit(errand)
    except P2PSIPError:
        return b""
    return got.body if got.headers.get("content-type") == CERTIFICATE else b""


@dataclass(slots=True)
class EnrollmentReplay:
    """EN-4: hears requests to enroll, sends them again, and asks with the login in them for its own ``keys``.

    ``repeated`` are certificates that came of the same bytes, ``own`` those for its own keys (both DER).
    """

    server: Address
    visitor: EnrollmentClient
    keys: list[ec.EllipticCurvePrivateKey]
    heard: dict[Address, bytes] = field(default_factory=dict)
    repeated: list[bytes] = field(default_factory=list)
    own: list[bytes] = field(default_factory=list)

    def tap(self, now: float, source: Address, destination: Address, data: bytes) -> None:
        """Keep what applicants say to the server."""
        if destination == self.server:
            self.heard[source] = self.heard.get(source, b"") + data

    async def replay(self) -> None:
        """Make what can be made of all that was heard."""
        for said in self.heard.values():
            self.repeated += filter(None, [await repeat(self.visitor, said)])
            form = form_of(said)
            if form:
                self.own += filter(None, [await self._as(form, self.keys.pop())])

    async def _as(self, form: dict[str, Part], key: ec.EllipticCurvePrivateKey) -> bytes:
        """The certificate for one of its own keys that comes of somebody's login."""
        user = form["username"].body.decode()

        async def errand(session: Session) -> bytes:
            nonce = (await session.ask("GET", NONCE)).body
            own = Part(certificate_request(key, user, nonce), REQUEST)
            return (await post(session, {**form, "csr": own})).body

        try:
            return await self.visitor.visit(errand)
        except P2PSIPError:
            return b""


@dataclass(slots=True)
class HeldBack:
    """EN-5: takes an applicant's first request off the wire, as often as it comes, and brings it to a server later.

    ``honoured`` is the certificate (DER) that came of it in the end.
    """

    visitor: EnrollmentClient
    held: bytes = b""
    honoured: bytes = b""

    def on_path(self, data: bytes) -> list[tuple[float, bytes]]:
        """What becomes of a packet on its way to the server."""
        if POST in data and not self.held:
            self.held = data
        return [] if self.held and data == self.held else [(0.0, data)]

    async def deliver(self) -> None:
        """Bring it there now."""
        if self.held:
            self.honoured = await repeat(self.visitor, self.held)


@dataclass(slots=True)
class EnrollmentMeddler:
    """EN-11: on the path to one server it reads what it can, and for each applicant alters answers or drops requests.

    ``forged`` is the configuration that it hands out in the overlay's place; ``passwords`` are what it has read.
    """

    forged: bytes
    passwords: dict[bytes, None] = field(default_factory=dict)

    def tap(self, now: float, source: Address, destination: Address, data: bytes) -> None:
        """Look for logins."""
        form = form_of(data)
        if "password" in form:
            self.passwords[form["password"].body] = None

    def alter(self, data: bytes) -> list[tuple[float, bytes]]:
        """Another configuration in the true one's place; where all is cipher, another byte."""
        if data.startswith(ANSWER) or not data:
            # What only the asker can open, nobody can replace unnoticed: better to go on listening.
            known = b"<configuration" in data
            return [(0.0, answer(200, "application/p2p-overlay+xml", self.forged) if known else data)]
        return [(0.0, data[:-1] + bytes((data[-1] ^ 1,)))]

    def drop(self, data: bytes) -> list[tuple[float, bytes]]:
        """No request to enroll gets through; where all is cipher, nothing does."""
        readable = data.startswith((b"GET ", POST)) or not data
        return [(0.0, data)] if readable and POST not in data else []


@dataclass(slots=True)
class CutOff:
    """EN-10: holds the line to the enrollment servers, and lets nothing through."""

    network: Network
    servers: list[Address]

    def begin(self) -> None:
        """Cut it."""
        self.network.partition([self.servers])
