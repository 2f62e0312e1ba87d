"""Enrollment over the simulated network: TLS, HTTP, several servers, outages, captured and altered exchanges."""

from __future__ import annotations

import asyncio
import gc
import random
import ssl
from collections.abc import Coroutine, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import pytest

from p2psip_min.enrollment.answers import ExchangeProtection
from p2psip_min.enrollment.certificates import Certificate, pem
from p2psip_min.enrollment.client import EnrollmentClient, enroll
from p2psip_min.enrollment.configuration import publish
from p2psip_min.enrollment.holdings import Cap
from p2psip_min.enrollment.http import (
    CONFIGURATION,
    ENROLLMENT,
    NONCE,
    REVOKED,
    Message,
    Part,
    Reader,
    request,
    write_form,
)
from p2psip_min.enrollment.keys import derive_key, key_pem
from p2psip_min.enrollment.pkcs10 import certificate_request
from p2psip_min.enrollment.policy import DAY, EnrollmentPolicy
from p2psip_min.enrollment.provider import Provider
from p2psip_min.enrollment.server import IDLE, EnrollmentServer
from p2psip_min.enrollment.session import TIMEOUT, Session
from p2psip_min.errors import (
    ConfigurationReason,
    ConfigurationRefused,
    EnrollmentReason,
    EnrollmentRefused,
    LinkReason,
    LinkRefused,
    LocalProtocolError,
    Rejected,
    RemoteFault,
    RequestTimedOut,
)
from p2psip_min.trace import EnrollmentGranted, EnrollmentRejected, Trace
from p2psip_min.transport.loop import VirtualLoop
from p2psip_min.transport.network import Network
from p2psip_min.transport.secure import SecureStream, open_client_tls, open_server_tls
from p2psip_min.transport.tls import TlsIdentity
from tests.enrollment.conftest import OVERLAY

T = TypeVar("T")
FIRST, SECOND = ("10.255.0.1", 443), ("10.255.0.2", 443)
HOST = ("10.0.0.1", 40_000)
ACCEPT = "application/pkix-cert"


@dataclass
class World:
    """An overlay's provider and two servers on a network."""

    loop: VirtualLoop
    network: Network
    trace: Trace
    provider: Provider
    servers: list[EnrollmentServer]

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(coroutine)

    def client(self) -> EnrollmentClient:
        return self.provider.client(self.network, HOST, [FIRST, SECOND], node_id=b"client")

    async def talk(self, *requests: bytes) -> tuple[list[Message], bool]:
        """The answers to raw requests on one stream, and whether the server ended it within a minute."""
        stream = open_client_tls(self.network, HOST, FIRST, self.provider.web_client)
        reader, answers = Reader(answers=True), list[Message]()
        closed = self.loop.create_future()
        stream.on_data = lambda data: answers.extend(reader.feed(data))
        stream.on_close = closed.set_result
        await stream.opened()
        for data in requests:
            stream.write(data)
        self.loop.call_later(5.0, lambda: closed.done() or closed.set_result(None))
        reason = await closed
        stream.close()
        return answers, reason is LinkReason.CLOSED


def make_world(policy: EnrollmentPolicy | None = None) -> World:
    loop, trace = VirtualLoop(), Trace()
    network = Network(loop, random.Random("7:network"), trace)
    provider = Provider(OVERLAY, seed=7, rng=random.Random("7:enrollment"), policy=policy, trace=trace)
    servers = [provider.serve(network, address, node_id=name) for address, name in ((FIRST, b"one"), (SECOND, b"two"))]
    return World(loop, network, trace, provider, servers)


@pytest.fixture
def world() -> Iterator[World]:
    made = make_world()
    yield made
    made.loop.close()


def test_configuration_and_credential(world: World) -> None:
    account, password = world.provider.open_account("alice")
    key = world.provider.key("alice")
    configuration, credential = world.run(enroll(world.client(), key, account, password))
    assert configuration == world.provider.configuration
    assert configuration.document == world.provider.configuration.document
    certificate = world.provider.trust().check(credential.certificate, now=world.loop.time())
    assert isinstance(certificate, Certificate)
    assert (certificate.user, certificate.node_ids) == (account, credential.node_ids)
    assert certificate.public_key == key.public_key()
    granted = list(world.trace.select(EnrollmentGranted, user=account))
    assert [(event.node, event.node_id) for event in granted] == [(b"one", credential.node_id)]
    assert not world.network.attached(HOST)


def test_whoever_asks_a_server_that_has_gone_hears_so_at_once(world: World) -> None:
    session = Session(world.network, HOST, FIRST, world.client().manners, b"")
    assert world.run(session.ask("GET", NONCE)).status == 200
    world.servers[0].close()
    world.loop.run_until(world.loop.time() + 1.0)
    now = world.loop.time()
    with pytest.raises(RequestTimedOut):
        world.run(session.ask("GET", NONCE))
    assert world.loop.time() == now
    session.close()


def test_whoever_asks_where_no_server_is_hears_so_once_patience_ends(world: World) -> None:
    world.servers[0].close()
    session = Session(world.network, HOST, FIRST, world.client().manners, b"")
    heard = []
    for _ in range(2):
        with pytest.raises(LinkRefused) as refused:
            world.run(session.ask("GET", NONCE))
        heard.append((refused.value.reason, world.loop.time()))
    assert heard[0] == heard[1], "the second time at once"
    assert heard[0][0] is LinkReason.UNREACHABLE
    assert world.loop.time() < 10
    session.close()


def test_opening_has_its_own_time(world: World) -> None:
    """Each of connection, request and answer may be lost four times in a row."""
    lost = {name: [True] * 4 for name in ("connection", "request", "answer")}
    sent = 0

    def up(data: bytes) -> list[tuple[float, bytes]]:
        nonlocal sent
        name = ("connection", "hello", "request")[min(sent, 2)]
        if lost.get(name):
            lost[name].pop()
            return []
        sent += 1
        return [(0.0, data)]

    def down(data: bytes) -> list[tuple[float, bytes]]:
        if sent == 3 and lost["answer"]:
            lost["answer"].pop()
            return []
        return [(0.0, data)]

    world.network.on_path(HOST, FIRST, up)
    world.network.on_path(FIRST, HOST, down)
    session = Session(world.network, HOST, FIRST, world.client().manners, b"")
    assert world.run(session.ask("GET", NONCE)).status == 200
    assert not any(lost.values())
    assert world.loop.time() > TIMEOUT
    session.close()


def test_whoever_stops_asking_leaves_nothing_behind(world: World) -> None:
    world.servers[0].crash()
    client = world.client()

    async def impatient() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1.0):
                await client.configuration()

    world.run(impatient())
    assert not world.network.attached(HOST)
    assert not world.loop.pending_tasks
    assert world.run(world.provider.client(world.network, HOST, [SECOND]).configuration())


def test_the_same_run_gives_the_same_certificate(world: World) -> None:
    account, password = world.provider.open_account("alice")
    _, online = world.run(enroll(world.client(), world.provider.key("alice"), account, password))
    other = VirtualLoop()
    network = Network(other, random.Random("7:network"))
    provider = Provider(OVERLAY, seed=7, rng=random.Random("7:enrollment"))
    provider.serve(network, FIRST)
    client = provider.client(network, HOST, [FIRST, SECOND])
    again = other.run_until_complete(enroll(client, provider.key("alice"), *provider.open_account("alice")))
    assert again[1].certificate == online.certificate
    other.close()


def test_servers_share_accounts_nonces_and_limits(world: World) -> None:
    """Where the next nonce is spent, and who was asked for the first identity, makes no difference."""
    account, password = world.provider.open_account("alice")
    configuration = world.provider.configuration
    clients = [world.provider.client(world.network, HOST, [address]) for address in (FIRST, SECOND)]
    first = world.run(clients[0].enroll(derive_key(7, "a"), account, password, configuration))
    with pytest.raises(EnrollmentRefused) as refused:
        world.run(clients[1].enroll(derive_key(7, "b"), account, password, configuration))
    assert refused.value.reason is EnrollmentReason.TOO_MANY_IDENTITIES
    world.run(_later(world, 30 * DAY))
    renewed = world.run(clients[1].enroll(derive_key(7, "a"), account, password, configuration))
    assert renewed.node_ids == first.node_ids


async def _later(world: World, seconds: float) -> None:
    done = world.loop.create_future()
    world.loop.call_later(seconds, done.set_result, None)
    await done


def test_another_server_takes_over(world: World) -> None:
    account, password = world.provider.open_account("alice")
    world.servers[0].crash()
    client = world.client()
    _, credential = world.run(enroll(client, world.provider.key("alice"), account, password))
    assert [event.node for event in world.trace.select(EnrollmentGranted, user=account)] == [b"two"]
    # Only the first connection waited for the dead one.
    assert world.loop.time() < 12.0
    assert credential.user == account


def test_without_servers_nobody_enrolls(world: World) -> None:
    account, password = world.provider.open_account("alice")
    world.servers[0].crash()
    world.servers[1].close()
    with pytest.raises(LinkRefused) as refused:
        world.run(enroll(world.client(), world.provider.key("alice"), account, password))
    assert refused.value.reason is LinkReason.UNREACHABLE
    with pytest.raises(LocalProtocolError):
        world.provider.client(world.network, HOST, [])


def test_refusals_arrive_with_their_reason(world: World) -> None:
    account, _ = world.provider.open_account("alice")
    configuration = world.provider.configuration
    with pytest.raises(EnrollmentRefused) as refused:
        world.run(world.client().enroll(derive_key(7, "a"), account, "wrong", configuration))
    assert refused.value.reason is EnrollmentReason.FAILED_AUTHENTICATION
    with pytest.raises(EnrollmentRefused) as refused:
        world.run(world.client().enroll(derive_key(7, "a"), account, "wrong", configuration, count=3))
    assert [event.reason for event in world.trace.select(EnrollmentRejected, node=b"one")] == [
        "failed_authentication",
        "failed_authentication",
    ]


def test_several_node_ids_over_the_network(world: World) -> None:
    registrar = world.provider.registrar
    registrar.policy = replace(registrar.policy, cap=Cap(3, 3))
    account, password = world.provider.open_account("alice")
    credential = world.run(
        world.client().enroll(derive_key(7, "a"), account, password, world.provider.configuration, count=3)
    )
    assert len(set(credential.node_ids)) == 3


def test_a_lossy_network_delays_enrollment_only(world: World) -> None:
    world.network.loss = 0.1
    for number in range(10):
        account, password = world.provider.open_account(f"user{number}")
        world.run(enroll(world.client(), world.provider.key(f"user{number}"), account, password))
    assert len(list(world.trace.select(EnrollmentGranted))) == 11


def test_nothing_readable_crosses_the_network(world: World) -> None:
    """Draft 11.8: the enrollment exchange is protected; the tap sees neither password, name nor certificate."""
    seen: list[bytes] = []
    world.network.tap(lambda _time, _source, _destination, data: seen.append(data))
    account, password = world.provider.open_account("alice")
    _, credential = world.run(enroll(world.client(), world.provider.key("alice"), account, password))
    everything = b"".join(seen)
    assert len(everything) > 3000
    for secret in (password.encode(), account.encode(), credential.certificate[50:100], b"nonce"):
        assert secret not in everything


def test_an_altered_record_ends_the_exchange(world: World) -> None:
    account, password = world.provider.open_account("alice")
    packets = iter(range(1000))

    def alter(data: bytes) -> list[tuple[float, bytes]]:
        late = next(packets) > 2 and len(data) > 30
        return [(0.0, data[:-1] + bytes((data[-1] ^ 1,)) if late else data)]

    world.network.on_path(FIRST, HOST, alter)
    client = world.provider.client(world.network, HOST, [FIRST])
    with pytest.raises((LinkRefused, RequestTimedOut)):
        world.run(enroll(client, world.provider.key("alice"), account, password))
    # Where there is another server, the other one serves.
    world.run(enroll(world.client(), world.provider.key("alice"), account, password))


@pytest.mark.parametrize(
    ("host", "begin", "end", "reason"),
    [
        ("other.example.org", -DAY, DAY, LinkReason.WRONG_NODE_ID),
        (OVERLAY, -DAY, -1.0, LinkReason.EXPIRED),
        (OVERLAY, DAY, 2 * DAY, LinkReason.NOT_YET_VALID),
    ],
)
def test_a_server_that_is_not_the_overlays(
    world: World, host: str, begin: float, end: float, reason: LinkReason
) -> None:
    """No password leaves for a server with another name, or whose certificate is over or not yet begun."""
    key = derive_key(9, "imposter")
    certificate = world.provider.web.issue_server(host, key.public_key(), serial=5, not_before=begin, not_after=end)
    address = ("10.66.0.1", 443)
    identity = TlsIdentity(certificate=pem(certificate), key=key_pem(key), mutual=False)
    heard: list[bytes] = []

    def accept(stream: SecureStream) -> None:
        stream.on_data = heard.append

    open_server_tls(world.network, address, identity, accept)
    client = world.provider.client(world.network, HOST, [address])
    with pytest.raises(LinkRefused) as refused:
        world.run(client.configuration())
    assert refused.value.reason is reason
    world.loop.run_until(world.loop.time() + 5.0)  # whatever was sent would be there by then
    assert not heard


def test_a_node_certificate_does_not_make_a_web_server(world: World) -> None:
    """The overlay's own authority vouches for nodes, not for servers."""
    mallory = world.provider.enroll("mallory", 0.0)
    address = ("10.66.0.1", 443)
    identity = TlsIdentity(certificate=mallory.certificate_pem(), key=mallory.key_pem(), mutual=False)
    open_server_tls(world.network, address, identity, lambda _: None)
    client = world.provider.client(world.network, HOST, [address, SECOND])
    assert world.run(client.configuration()) == world.provider.configuration


@pytest.mark.parametrize("nonsense_first", [False, True])
def test_what_went_wrong_is_told_by_the_server_that_was_reached(world: World, nonsense_first: bool) -> None:
    serve_answers(world, b"HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n")
    addresses = [("10.66.0.1", 443), ("10.77.0.1", 443)]
    client = world.provider.client(world.network, HOST, addresses if nonsense_first else addresses[::-1])
    with pytest.raises(RemoteFault, match="500"):
        world.run(client.configuration())


def serve_answers(world: World, *answers: bytes) -> EnrollmentClient:
    """A server with the overlay's certificate that answers whatever it is asked with these, in order."""
    address = ("10.66.0.1", 443)
    left = list(answers)

    def accept(stream: SecureStream) -> None:
        stream.on_data = lambda _: stream.write(left.pop(0)) if left else None

    open_server_tls(world.network, address, world.provider.web_server, accept)
    return world.provider.client(world.network, HOST, [address])


def reply(body: bytes, status: str = "200 OK") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def test_the_client_checks_what_it_is_given(world: World) -> None:
    key, configuration = derive_key(7, "a"), world.provider.configuration
    eve = world.provider.enroll("eve", 0.0)
    user = f"alice@{OVERLAY}"
    other = Provider(OVERLAY, seed=8, rng=random.Random("8:enrollment"))
    stranger = other.registrar.issue_offline(key, *other.open_account("alice"), 0.0)
    for certificate, reason in (
        (eve.certificate, LinkReason.BAD_PROFILE),
        (stranger.certificate, LinkReason.UNKNOWN_CA),
        (b"nonsense", LinkReason.BAD_PROFILE),
    ):
        client = serve_answers(world, reply(b"0" * 32), reply(certificate))
        with pytest.raises(Rejected) as rejected:
            world.run(client.enroll(key, user, "pw", configuration))
        assert rejected.value.reason is reason


def test_answers_that_make_no_sense(world: World) -> None:
    for answer in (b"rubbish\r\n\r\n", reply(b"no", "403 Forbidden"), reply(b"gone", "404 Not Found")):
        with pytest.raises(RemoteFault):
            world.run(serve_answers(world, answer).configuration())
    with pytest.raises(RequestTimedOut):
        world.run(serve_answers(world).configuration())
    with pytest.raises(ConfigurationRefused) as refused:
        world.run(serve_answers(world, reply(b"<overlay/>")).configuration())
    assert refused.value.reason is ConfigurationReason.MALFORMED
    with pytest.raises(RemoteFault):
        world.run(serve_answers(world, reply(b"no list")).revocation_list(world.provider.configuration))


def test_the_next_configuration(world: World) -> None:
    first = world.run(world.client().configuration())
    with pytest.raises(ConfigurationRefused) as refused:
        world.run(world.client().configuration(first))
    assert refused.value.reason is ConfigurationReason.NOT_NEWER
    bad = world.provider.enroll("mallory", world.loop.time())
    world.provider.revoke(bad.node_id, world.loop.time())
    second = world.run(world.client().configuration(first))
    assert (second.sequence, second.bad_nodes) == (2, bad.node_ids)
    forged = publish(replace(first, sequence=9), bad)
    world.provider.registrar.configuration = forged
    with pytest.raises(ConfigurationRefused) as refused:
        world.run(world.client().configuration(second))
    assert refused.value.reason is ConfigurationReason.WRONG_SIGNER


def test_the_revocation_list_is_served(world: World) -> None:
    bad = world.provider.enroll("mallory", 0.0)
    world.provider.registrar.revoke(bad.node_id)
    revoked = world.run(world.client().revocation_list(world.provider.configuration))
    trust = world.provider.trust()
    assert trust.revocations.take(revoked, world.loop.time())
    assert trust.check(bad.certificate, now=world.loop.time()) is LinkReason.REVOKED


def post(parts: dict[str, Part], **headers: str) -> bytes:
    content_type, body = write_form(parts)
    return request("POST", ENROLLMENT, OVERLAY, body, **{"Accept": ACCEPT, "Content_Type": content_type, **headers})


CSR = Part(certificate_request(derive_key(7, "alice"), f"alice@{OVERLAY}", b"0" * 32), "application/pkcs10")
FORM = {"csr": CSR, "username": Part(b"alice"), "password": Part(b"sesame")}


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"EHLO example.org\r\n\r\n", id="not HTTP"),
        pytest.param(
            request("POST", ENROLLMENT, OVERLAY, b"x", Accept=ACCEPT, Content_Type="text/plain"), id="no form"
        ),
        pytest.param(post(FORM, Accept="text/html"), id="wants something else"),
        pytest.param(post({**FORM, "csr": Part(CSR.body)}), id="not pkcs10"),
        pytest.param(post({"csr": CSR, "username": Part(b"alice")}), id="no password"),
        pytest.param(post({**FORM, "other": Part(b"")}), id="an unknown field"),
        pytest.param(post({**FORM, "nodeids": Part(b"-1")}), id="a negative number"),
        pytest.param(post({**FORM, "nodeids": Part(b"99999")}), id="a large number"),
        pytest.param(post({**FORM, "username": Part(b"\xff")}), id="not UTF-8"),
    ],
)
def test_malformed_requests_get_400_and_the_reason(world: World, data: bytes) -> None:
    answers, _ = world.run(world.talk(data))
    assert [answer.status for answer in answers] == [400]
    assert answers[0].body.startswith(b"malformed request")
    assert [event.reason for event in world.trace.select(EnrollmentRejected)] == [EnrollmentReason.MALFORMED]


def test_a_broken_stream_of_requests_ends(world: World) -> None:
    answers, closed = world.run(world.talk(b"EHLO\r\n\r\n" + request("GET", NONCE, OVERLAY)))
    assert [answer.status for answer in answers] == [400]
    assert closed


def test_pages(world: World) -> None:
    answers, closed = world.run(
        world.talk(
            request("GET", NONCE, OVERLAY) + request("GET", CONFIGURATION, OVERLAY),
            request("GET", REVOKED, OVERLAY),
            request("GET", "/elsewhere", OVERLAY),
            request("GET", ENROLLMENT, OVERLAY),
            request("POST", NONCE, OVERLAY),
            post(FORM),
        )
    )
    assert [answer.status for answer in answers] == [200, 200, 200, 404, 405, 405, 403]
    assert answers[1].body == world.provider.configuration.document
    assert answers[6].body == b"failed_authentication"
    assert not closed
    world.provider.registrar.configuration = None
    (answer,), _ = world.run(world.talk(request("GET", CONFIGURATION, OVERLAY)))
    assert answer.status == 404


def test_a_captured_request_replayed_over_a_new_connection(world: World) -> None:
    """Draft 11.1: even somebody who got hold of the whole request obtains nothing with it."""
    account, password = world.provider.open_account("alice")
    (challenge,), _ = world.run(world.talk(request("GET", NONCE, OVERLAY)))
    csr = certificate_request(world.provider.key("alice"), account, challenge.body)
    captured = post(
        {
            "csr": Part(csr, "application/pkcs10"),
            "username": Part(account.encode()),
            "password": Part(password.encode()),
        }
    )
    (first,), _ = world.run(world.talk(captured))
    (second,), _ = world.run(world.talk(captured))
    assert (first.status, second.status) == (200, 403)
    assert second.body == EnrollmentReason.NONCE_USED.value.encode()


def test_an_idle_connection_is_closed(world: World) -> None:
    async def idle() -> float:
        stream = open_client_tls(world.network, HOST, FIRST, world.provider.web_client)
        closed = world.loop.create_future()
        stream.on_close = closed.set_result
        await stream.opened()
        assert await closed is LinkReason.CLOSED
        return world.loop.time()

    assert IDLE < world.run(idle()) < IDLE + 2.0


def test_nothing_is_left_behind(world: World) -> None:
    account, password = world.provider.open_account("alice")
    world.run(enroll(world.client(), world.provider.key("alice"), account, password))
    for server in world.servers:
        server.close()
    world.run(_later(world, 100.0))
    assert not world.loop.pending_tasks
    assert not any(world.network.attached(address) for address in (FIRST, SECOND, HOST))


@pytest.mark.parametrize("tls", [True, False])
@pytest.mark.parametrize("silent", [0, 1, 2])
def test_a_visit_that_is_over_is_forgotten(silent: int, tls: bool) -> None:
    """Its TLS session takes tens of kilobytes: they must not wait for the collector."""
    world = make_world(EnrollmentPolicy(protection=ExchangeProtection(tls=tls)))
    account, password = world.provider.open_account("alice")
    for server in world.servers[:silent]:
        server.crash()

    enrolled: list[str] = []

    def sessions() -> int:
        return sum(type(each) in (Session, ssl.SSLObject) for each in gc.get_objects())

    async def visit() -> None:
        with suppress(LinkRefused):
            await world.client().visit(lambda session: session.opened())
        with suppress(LinkRefused):
            enrolled.append((await enroll(world.client(), world.provider.key("alice"), account, password))[1].user)
        await asyncio.sleep(100.0)

    gc.collect()
    gc.disable()
    try:
        before = sessions()
        world.run(visit())
        assert sessions() == before
    finally:
        gc.enable()
    assert enrolled == [account] * (silent < 2)
    world.loop.close()


def test_whoever_waits_when_a_visit_is_ended_is_told_so(world: World) -> None:
    world.servers[0].crash()
    session = Session(world.network, HOST, FIRST, world.client().manners, b"client")

    async def hang_up() -> None:
        waiting = asyncio.ensure_future(session.ask("GET", NONCE))
        await asyncio.sleep(1.0)
        session.close()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    world.run(hang_up())
    assert not world.network.attached(HOST)
