"""An enrollment server: a host on the network that speaks HTTP over server-authenticated TLS (RFC 6940 §11.2, §11.3).

    GET  /.well-known/reload-config    200 application/p2p-overlay+xml    the signed configuration
    GET  /enrollment/nonce             200 text/plain                     a challenge for one request
    POST /enrollment                   200 application/pkix-cert          form: csr, username, password, nodeids
    GET  /enrollment/revoked           200 application/pkix-crl           the signed list of revoked serials
    POST /...                          200 application/octet-stream       whatever else the operator offers: ``pages``

The form may have ``voucher``, what a third party says of the applicant, ``coupon``, which pays, and ``solution``, of
the puzzle that came with the challenge (header field Puzzle): all three are ours. What is refused by the rules is
answered 403 with the reason as text (429 to who asks too often, 503 when the desk is full), what is malformed 400 and
the connection ends.
Servers decide nothing and remember nothing: any number of them may stand before one registrar.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric import ec

from p2psip_min.enrollment.answers import KEY, TO, named, seal_answer, sign_answer, spki
from p2psip_min.enrollment.certificates import pem
from p2psip_min.enrollment.desk import Desk
from p2psip_min.enrollment.http import (
    CERTIFICATE,
    CONFIGURATION,
    ENROLLMENT,
    NONCE,
    REQUEST,
    REVOKED,
    Message,
    Part,
    Reader,
    answer,
    read_form,
)
from p2psip_min.enrollment.keys import derive_key, key_pem
from p2psip_min.enrollment.policy import EnrollmentRequest, Refusal
from p2psip_min.enrollment.registrar import Registrar
from p2psip_min.enrollment.vouching import read_voucher
from p2psip_min.errors import EnrollmentReason, LinkReason, Malformed
from p2psip_min.trace import EnrollmentRejected, Sink
from p2psip_min.transport.clear import ClearStream, open_server_clear
from p2psip_min.transport.network import Address, Network
from p2psip_min.transport.secure import SecureStream, open_server_tls
from p2psip_min.transport.tls import TlsIdentity

IDLE = 30.0
"""Seconds after which a connection is closed, however far it got."""

Page = Callable[[bytes], bytes | None]
"""Answers the body of a POST; None: nothing there. Malformed for what it can't read."""

_TEXT = "text/plain"
_BYTES = "application/octet-stream"
_PAGES = {CONFIGURATION, ENROLLMENT, NONCE, REVOKED}
_NEEDED = {"csr", "username", "password"}
_ABSENT, _ONE = Part(b""), Part(b"1")
_FIELDS = {"csr", "username", "password", "nodeids", "voucher", "coupon", "solution"}
_STATUS = {EnrollmentReason.RATE_LIMITED: 429, EnrollmentReason.BUSY: 503}


@dataclass(slots=True)
class Answer:
    """What is said to one request."""

    status: int
    content_type: str
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


class EnrollmentServer:
    """Serves until closed (or crashed: silent at once); ``node_id`` names it in the trace.

    ``certificate`` (DER) and ``key`` are its web certificate's, for TLS and for signed answers. Requests to enroll are
    worked off at ``desk``, which all servers of an overlay share.
    """

    def __init__(
        self,
        network: Network,
        address: Address,
        registrar: Registrar,
        *,
        certificate: bytes,
        key: ec.EllipticCurvePrivateKey,
        desk: Desk,
        node_id: bytes = b"",
        trace: Sink | None = None,
        pages: Mapping[str, Page] | None = None,
    ) -> None:
        self.address = address
        self._pages = pages or {}
        self.node_id = node_id
        self._network = network
        self._registrar = registrar
        self._trace = trace
        self._certificate, self._key = certificate, key
        self._desk = desk
        self._sealed = 0
        if registrar.policy.protection.tls:
            identity = TlsIdentity(certificate=pem(certificate), key=key_pem(key), mutual=False)
            self._host = open_server_tls(network, address, identity, self._accept, node_id=node_id)
        else:
            self._host = open_server_clear(network, address, self._accept, node_id=node_id)

    def close(self) -> None:
        """Stop serving."""
        self._host.close()

    def crash(self) -> None:
        """Fall silent."""
        self._host.crash()

    def _accept(self, stream: SecureStream | ClearStream) -> None:
        _Connection(self, stream, self._network)

    def take(self, message: Message, host: str, write: Callable[[bytes], None]) -> None:
        """Answer one request of ``host``, now or when its turn comes."""

        def respond(said: Answer) -> None:
            write(self._protect(said, message))

        try:
            if message.target == ENROLLMENT and message.method == "POST":
                self._queue(read_enrollment(message), host, respond)
            else:
                respond(self._page(message))
        except Malformed as error:
            respond(self._refuse(error))

    def _queue(self, request: EnrollmentRequest, host: str, respond: Callable[[Answer], None]) -> None:
        registrar, loop, desk = self._registrar, self._network.loop, self._desk
        now = loop.time()

        def work() -> None:
            outcome = registrar.enroll(request, loop.time(), server=self.node_id)
            if isinstance(outcome, Refusal):
                respond(_no(outcome.reason))
            else:
                respond(Answer(200, CERTIFICATE, outcome.certificate))

        reason = registrar.turn_away(request, host, desk.waiting, now)
        if reason is None and not desk.take(work):
            reason = EnrollmentReason.BUSY
        if reason is not None:
            registrar.note_refusal(request.account, reason, now, self.node_id)
            respond(_no(reason))

    def refuse(self, error: Malformed) -> bytes:
        """The bytes that answer what is no request."""
        said = self._refuse(error)
        return answer(said.status, said.content_type, said.body)

    def _refuse(self, error: Malformed) -> Answer:
        """The answer to something malformed; it is noted as a refusal of nobody in particular."""
        if self._trace is not None:
            reason = EnrollmentReason.MALFORMED.value
            self._trace.emit(EnrollmentRejected(self._network.loop.time(), self.node_id, 0, "", reason))
        return Answer(400, _TEXT, f"{EnrollmentReason.MALFORMED.value}: {error}".encode())

    def _protect(self, said: Answer, message: Message) -> bytes:
        """The answer as the policy has it: sealed for the asker, signed, both or neither."""
        policy, headers, body = self._registrar.policy, said.headers, said.body
        if not (policy.protection.sealed or policy.signature.signed):
            return answer(said.status, said.content_type, body, **headers)
        if policy.protection.sealed:
            self._sealed += 1
            ephemeral = derive_key(self._certificate.hex(), f"answer {self._sealed} at {self.address[0]}")
            sealed = seal_answer(body, named(message.headers, KEY), ephemeral)
            if sealed is None:
                return self.refuse(Malformed(0, "enrollment: no key to seal the answer for"))
            body, headers = sealed, {**headers, "Answer_Sealed": spki(ephemeral.public_key())}
        if policy.signature.signed:
            asked = named(message.headers, TO)
            signed = sign_answer(self._key, self._certificate, asked, said.status, body)
            headers = {**headers, "Answer_Signed": signed}
        return answer(said.status, said.content_type, body, **headers)

    def _page(self, message: Message) -> Answer:
        now, registrar = self._network.loop.time(), self._registrar
        page = self._pages.get(message.target)
        wanted = "POST" if message.target == ENROLLMENT or page is not None else "GET"
        if page is None and message.target not in _PAGES:
            return Answer(404, _TEXT, b"no such page")
        if message.method != wanted:
            return Answer(405, _TEXT, wanted.encode())
        if page is not None:
            found = page(message.body)
            return Answer(404, _TEXT, b"nothing there") if found is None else Answer(200, _BYTES, found)
        if message.target == NONCE:
            nonce = registrar.challenge(now, self._desk.waiting)
            bits = registrar.ledger.nonces[nonce].bits
            return Answer(200, _TEXT, nonce, {"Puzzle": str(bits)} if bits else {})
        if message.target == REVOKED:
            return Answer(200, "application/pkix-crl", registrar.revocation_list(now).der)
        if registrar.configuration is None:
            return Answer(404, _TEXT, b"no configuration yet")
        return Answer(200, "application/p2p-overlay+xml", registrar.configuration.document)


def _no(reason: EnrollmentReason) -> Answer:
    return Answer(_STATUS.get(reason, 403), _TEXT, reason.value.encode())


def read_enrollment(message: Message) -> EnrollmentRequest:
    """The enrollment request that a POST carries, else Malformed."""
    if CERTIFICATE not in message.headers.get("accept", ""):
        raise Malformed(0, f"enrollment: the answer would be {CERTIFICATE}")
    parts = read_form(message.headers.get("content-type", ""), message.body)
    if not _NEEDED <= parts.keys() <= _FIELDS:
        raise Malformed(0, "enrollment: fields")
    if parts["csr"].content_type != REQUEST:
        raise Malformed(0, f"enrollment: the request is {REQUEST}")
    count = parts.get("nodeids", _ONE).body
    if not count.isdigit() or len(count) > 4:
        raise Malformed(0, "enrollment: nodeids")
    try:
        account, password = parts["username"].body.decode(), parts["password"].body.decode()
        spoken = parts.get("voucher", _ABSENT).body.decode()
    except UnicodeDecodeError:
        raise Malformed(0, "enrollment: text is not UTF-8") from None
    return EnrollmentRequest(
        account=account,
        password=password,
        csr=parts["csr"].body,
        node_ids=int(count),
        voucher=read_voucher(spoken),
        coupon=parts.get("coupon", _ABSENT).body,
        solution=parts.get("solution", _ABSENT).body,
    )


class _Connection:
    """One client's stream: requests in, answers out, in order."""

    __slots__ = ("_idle", "_reader", "_server", "_stream")

    def __init__(self, server: EnrollmentServer, stream: SecureStream | ClearStream, network: Network) -> None:
        self._server = server
        self._stream = stream
        self._reader = Reader()
        self._idle = network.deadlines(IDLE)
        self._idle.set(self)
        stream.on_data = self._data
        stream.on_close = self._closed

    def _data(self, data: bytes) -> None:
        try:
            for message in self._reader.feed(data):
                self._server.take(message, self._stream.remote[0], self._stream.write)
        except Malformed as error:
            self._stream.write(self._server.refuse(error))
            self._end()

    def overdue(self) -> None:
        """The connection has been there for too long."""
        self._end()

    def _end(self) -> None:
        self._idle.pop(self, None)
        self._stream.close()

    def _closed(self, _reason: LinkReason) -> None:
        self._idle.pop(self, None)
