"""The third deployment's server: registrar, location service and proxy in one (RFC 3261 §10, §16; draft 4, Figure 1).

Users connect to it and stay connected; it knows where everybody is because they told it, and every message between
them passes through it. So a client trusts one server for what it trusts many peers in an overlay.

1. A connection belongs to the user who registered over it by his password; nobody speaks for another (From).
2. A request is passed down the callee's connection, with a Via of the proxy's own in front; the response comes back by
   that Via's branch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from p2psip_min.application import digest
from p2psip_min.application.sip import SipMessage, SipReader, address_of, answer, number
from p2psip_min.errors import LinkReason, Malformed
from p2psip_min.seams import Random

EXPIRES = 3600
"""Seconds that a registration lasts when the user does not say, and at most."""

TRANSACTIONS = 4096
"""How many requests under way a proxy remembers; beyond, the oldest is forgotten."""


class Channel(Protocol):
    """A stream of bytes with another party: ``SecureStream``, or the same without protection."""

    on_data: Callable[[bytes], None]
    on_close: Callable[[LinkReason], None]

    def write(self, data: bytes) -> None: ...

    def close(self) -> None: ...


@dataclass(slots=True)
class Binding:
    """Where a user is: down which connection, under which Contact, until which virtual second."""

    connection: Connection
    contact: str
    expires: float


class Connection:
    """One user's connection."""

    def __init__(self, proxy: RegistrarProxy, channel: Channel) -> None:
        self.user = ""
        self.nonce = ""
        self._proxy = proxy
        self._channel = channel
        self._reader = SipReader()
        channel.on_data = self._data
        channel.on_close = lambda reason: proxy.gone(self)

    def send(self, message: SipMessage) -> None:
        """Send a message down this connection."""
        self._channel.write(message.encode())

    def _data(self, data: bytes) -> None:
        try:
            for message in self._reader.feed(data):
                self._proxy.take(self, message)
        except Malformed:
            self._proxy.gone(self)
            self._channel.close()


class RegistrarProxy:
    """Serves ``domain``; ``secrets`` are the users' (``digest.secret``) by AOR, ``now`` is the clock."""

    def __init__(
        self, domain: str, contact: str, secrets: Mapping[str, str], now: Callable[[], float], rng: Random
    ) -> None:
        self.domain = domain
        self.bindings: dict[str, Binding] = {}
        self.passed = 0
        """How many messages passed through, all of which could be read and changed here."""
        self._contact = contact
        self._secrets = dict(secrets)
        self._now = now
        self._rng = rng
        self._asking: dict[str, Connection] = {}

    def accept(self, channel: Channel) -> None:
        """Serve one more connection."""
        Connection(self, channel)

    def gone(self, connection: Connection) -> None:
        """A connection ended, and with it the registrations made over it."""
        self.bindings = {aor: each for aor, each in self.bindings.items() if each.connection is not connection}

    def take(self, connection: Connection, message: SipMessage) -> None:
        """Deal with one message."""
        if not message.method:
            self._pass_back(message)
        elif message.method == "REGISTER":
            self._register(connection, message)
        else:
            self._pass_on(connection, message)

    def _refuse(self, connection: Connection, message: SipMessage, status: int, reason: str) -> None:
        if message.method != "ACK":  # nobody answers an ACK (RFC 3261 §17)
            connection.send(answer(message, status, reason, tag=self._token()))

    def _token(self) -> str:
        return f"{self._rng.getrandbits(64):016x}"

    def _register(self, connection: Connection, message: SipMessage) -> None:
        aor = address_of(message.header("To"))
        kept = self._secrets.get(aor)
        if kept is None or aor.partition("@")[2] != self.domain:
            self._refuse(connection, message, 404, "Not Found")
            return
        nonce, connection.nonce = connection.nonce, ""  # good for one attempt
        proof = message.header("Authorization")
        if not (nonce and digest.proves(proof, kept, nonce, "REGISTER")):
            connection.nonce = self._token()
            refusal = answer(message, 401, "Unauthorized", tag=self._token())
            connection.send(refusal.having("WWW-Authenticate", digest.challenge(self.domain, connection.nonce)))
            return
        connection.user = aor
        asked = number(message.header("Expires"))
        lasts = EXPIRES if asked is None else min(asked, EXPIRES)
        granted = answer(message, 200, "OK", tag=self._token())
        if lasts:
            contact = message.header("Contact")
            self.bindings[aor] = Binding(connection, contact, self._now() + lasts)
            granted = granted.having("Contact", f"{contact};expires={lasts}")
        else:
            self.bindings.pop(aor, None)
        connection.send(granted)

    def _pass_on(self, connection: Connection, message: SipMessage) -> None:
        if not connection.user or address_of(message.header("From")) != connection.user:
            self._refuse(connection, message, 403, "Forbidden")
            return
        hops = number(message.header("Max-Forwards"))
        if not hops:
            self._refuse(connection, message, 483, "Too Many Hops")
            return
        binding = self.bindings.get(address_of(message.uri))
        if binding is None or self._now() >= binding.expires:
            self._refuse(connection, message, 404, "Not Found")
            return
        branch = f"z9hG4bK{self._token()}"
        if message.method != "ACK":
            self._asking[branch] = connection
            if len(self._asking) > TRANSACTIONS:
                del self._asking[next(iter(self._asking))]
        passed = message.having("Max-Forwards", str(hops - 1))
        via = ("Via", f"SIP/2.0/TLS {self._contact};branch={branch}")
        self.passed += 1
        binding.connection.send(
            SipMessage(method=passed.method, uri=passed.uri, headers=(via, *passed.headers), body=passed.body)
        )

    def _pass_back(self, message: SipMessage) -> None:
        branch = message.header("Via").partition("branch=")[2].partition(";")[0]
        connection = self._asking.get(branch)
        if connection is None:
            return  # an answer to nothing asked
        if message.status >= 200:
            del self._asking[branch]
        self.passed += 1
        connection.send(message.without_first("Via"))
