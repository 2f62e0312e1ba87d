"""Streams: ordered and reliable, with loss as delay and then reset; and TLS streams with a server's certificate."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2psip_min.errors import LinkReason, LinkRefused, LocalProtocolError
from p2psip_min.ids import NodeID
from p2psip_min.transport.loop import VirtualLoop
from p2psip_min.transport.network import Network
from p2psip_min.transport.secure import SecureStream, open_client_tls, open_server_tls
from p2psip_min.transport.stream import Stream, StreamHost
from p2psip_min.transport.tls import TlsIdentity
from tests.transport.authority import Authority
from tests.transport.world import flip

CLIENT, SERVER, NOBODY = ("10.0.0.1", 50_000), ("10.0.0.2", 443), ("10.0.0.3", 443)
SERVER_ID = NodeID(bytes(15) + b"\x02")


class End:
    """One end of a stream: what it received and how it ended."""

    def __init__(self, stream: Stream | SecureStream) -> None:
        self.stream = stream
        self.data = b""
        self.open = False
        self.ended: LinkReason | None = None
        stream.on_open = self._opened
        stream.on_data = self._data
        stream.on_close = self._closed

    def _opened(self) -> None:
        self.open = True

    def _data(self, data: bytes) -> None:
        self.data += data

    def _closed(self, reason: LinkReason) -> None:
        assert self.ended is None
        self.ended = reason


class World:
    """A client and a server host."""

    def __init__(self, seed: int = 1) -> None:
        self.loop = VirtualLoop()
        self.network = Network(self.loop, random.Random(seed))
        self.client = StreamHost(self.network, CLIENT, b"c")
        self.server = StreamHost(self.network, SERVER, b"s")
        self.accepted: list[End] = []
        self.server.on_accept = lambda stream: self.accepted.append(End(stream))

    def connect(self) -> tuple[End, End]:
        """Both ends of a new stream."""
        end = End(self.client.connect(SERVER))
        self.run(60)
        assert end.open
        return end, self.accepted[-1]

    def run(self, seconds: float = 60.0) -> None:
        """Let virtual time pass."""
        self.loop.run_until(self.loop.time() + seconds)


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    world.run(60)
    assert world.loop.idle
    world.loop.close()


def send(end: End, data: bytes) -> None:
    """Send on a bare stream."""
    assert isinstance(end.stream, Stream)
    end.stream.send(data)


@given(
    seed=st.integers(0, 1000),
    chunks=st.lists(st.binary(min_size=1, max_size=20), max_size=30),
    loss=st.sampled_from([0.0, 0.1, 0.25]),
    jitter=st.sampled_from([0.0, 0.3]),
    reorder=st.sampled_from([0.0, 0.3]),
)
def test_bytes_arrive_complete_and_in_order_or_not_at_all(
    seed: int, chunks: list[bytes], loss: float, jitter: float, reorder: float
) -> None:
    world = World(seed)
    client, server = world.connect()
    world.network.loss, world.network.jitter, world.network.reorder = loss, jitter, reorder
    for chunk in chunks:
        send(client, chunk)
    client.stream.close()
    world.run(200)
    whole = b"".join(chunks)
    assert whole.startswith(server.data)
    assert server.ended is not None or loss
    if server.ended is LinkReason.CLOSED:
        assert server.data == whole
    world.loop.close()


def test_connecting_takes_a_round_trip_and_both_directions_work(world: World) -> None:
    client = End(world.client.connect(SERVER))
    trip = world.network.delay(CLIENT, SERVER)
    world.run(2 * trip - 1e-6)
    assert not client.open
    world.run(2e-6)
    assert client.open
    send(client, b"ping")
    world.run(1)
    send(world.accepted[0], b"pong")
    world.run(1)
    assert (client.data, world.accepted[0].data) == (b"pong", b"ping")


def test_fin_tells_the_other_end_once_and_not_oneself(world: World) -> None:
    client, server = world.connect()
    send(client, b"last")
    client.stream.close()
    client.stream.close()
    send(client, b"too late")
    world.run()
    assert (server.data, server.ended, client.ended) == (b"last", LinkReason.CLOSED, None)
    assert world.client.streams == world.server.streams == {}


def test_what_was_sent_before_closing_arrives_even_if_lost_at_first(world: World) -> None:
    client, server = world.connect()
    drops = iter([True, True, False])
    world.network.on_path(CLIENT, SERVER, lambda data: [] if next(drops, False) else [(0.0, data)])
    send(client, b"precious")
    client.stream.close()
    world.run()
    assert (server.data, server.ended) == (b"precious", LinkReason.CLOSED)


def test_four_losses_are_delay_and_the_fifth_is_a_reset(world: World) -> None:
    client, server = world.connect()
    times: list[float] = []
    start = world.loop.time()

    def drop(data: bytes) -> list[tuple[float, bytes]]:
        times.append(world.loop.time() - start)
        return [] if len(times) <= 4 else [(0.0, data)]

    remove = world.network.on_path(CLIENT, SERVER, drop)
    send(client, b"x")
    world.run()
    assert server.data == b"x"
    assert times == pytest.approx([0, 0.5, 1.5, 3.5, 7.5])
    remove()
    world.network.on_path(CLIENT, SERVER, lambda data: [])
    send(client, b"y")
    world.run()
    assert client.ended is LinkReason.RESET
    assert server.ended is None


def test_refused_reset_and_unknown_streams(world: World) -> None:
    world.server.on_accept = None
    refused = End(world.client.connect(SERVER))
    world.run()
    assert refused.ended is LinkReason.UNREACHABLE
    world.server.on_accept = lambda stream: world.accepted.append(End(stream))
    client, server = world.connect()
    assert isinstance(client.stream, Stream)
    client.stream.reset()
    world.run()
    assert server.ended is LinkReason.RESET
    client, server = world.connect()
    world.server.crash()
    again = StreamHost(world.network, SERVER, b"s")
    send(client, b"x")
    world.run()
    assert client.ended is LinkReason.RESET
    assert (again.streams, server.ended) == ({}, None)


def test_a_crash_and_a_missing_host_are_silent(world: World) -> None:
    client, _ = world.connect()
    world.server.crash()
    send(client, b"x")
    lonely = End(world.client.connect(NOBODY))
    world.run(1000)
    assert client.ended is None
    assert lonely.ended is None
    assert not lonely.open


def test_closing_a_host_finishes_its_streams(world: World) -> None:
    client, server = world.connect()
    world.server.close()
    world.run()
    assert client.ended is LinkReason.CLOSED
    assert server.ended is None


# --- TLS with a server's certificate only ---------------------------------------------------------------------


class Service:
    """A TLS server that answers in capitals, and clients for it."""

    def __init__(self) -> None:
        self.loop = VirtualLoop()
        self.network = Network(self.loop, random.Random(1))
        self.authority = Authority()
        self.ends: list[End] = []
        identity = self.authority.identity(SERVER_ID, mutual=False)
        self.host = open_server_tls(self.network, SERVER, identity, self._accept)

    def _accept(self, stream: SecureStream) -> None:
        end = End(stream)
        self.ends.append(end)

        def answer(data: bytes) -> None:
            end.data += data
            stream.write(data.upper())

        stream.on_data = answer

    def client(self, roots: bytes | None = None, *, end: float | None = None) -> tuple[SecureStream, End]:
        """A client that trusts this authority or other roots."""
        identity = TlsIdentity(roots=self.authority.pem if roots is None else roots)
        stream = open_client_tls(self.network, CLIENT, SERVER, identity, check=self.authority.check)
        return stream, End(stream)


@pytest.fixture
def service() -> Iterator[Service]:
    service = Service()
    yield service
    service.host.close()
    service.loop.run_until(service.loop.time() + 60)
    assert service.loop.idle
    service.loop.close()


def test_request_and_answer_over_tls(service: Service) -> None:
    stream, end = service.client()
    stream.write(b"written before the handshake, ")
    assert not stream.ready
    service.loop.run_until_complete(stream.opened())
    stream.write(b"and after")
    service.loop.run_until(5)
    assert stream.ready
    assert end.open
    assert end.data == b"WRITTEN BEFORE THE HANDSHAKE, AND AFTER"
    assert stream.remote == SERVER
    assert stream.remote_certificate is not None
    stream.write(bytes(100_000))
    stream.close()
    service.loop.run_until(10)
    assert service.ends[0].ended is LinkReason.CLOSED
    assert not service.network.attached(CLIENT)


def test_what_was_written_before_goes_with_the_last_flight(service: Service) -> None:
    sizes: list[int] = []
    service.network.tap(lambda _now, source, _destination, data: sizes.append(len(data)) if source == CLIENT else None)
    stream, end = service.client()
    stream.write(b"x" * 1000)
    stream.write(b"y" * 1000)
    service.loop.run_until(5)
    connect, hello, rest = sizes
    assert connect == 0
    assert hello < 1000 < 2000 < rest
    assert end.data == b"X" * 1000 + b"Y" * 1000


@pytest.mark.parametrize("at", [1, 5, 6, 100, 900, 1021])
def test_a_record_may_come_in_pieces(service: Service, at: int) -> None:
    """Nothing on the way promises that packets are records."""
    stream, end = service.client()
    service.loop.run_until_complete(stream.opened())
    held: list[bytes] = []

    def split(data: bytes) -> list[tuple[float, bytes]]:
        if held or not data:
            return [(0.0, (held.pop() if held else b"") + data)]
        held.append(data[at:])
        return [(0.0, data[:at])]

    remove = service.network.on_path(CLIENT, SERVER, split)
    stream.write(b"x" * 1000)
    service.loop.run_until(service.loop.time() + 1)
    assert end.data == b""
    stream.stream.send(b"")
    service.loop.run_until(service.loop.time() + 1)
    remove()
    assert end.data == b"X" * 1000


def test_a_stream_that_failed_says_so_to_whoever_comes_later(service: Service) -> None:
    stream, _ = service.client(Authority(2).pem)
    service.loop.run_until(5)
    for _ in range(2):
        with pytest.raises(LinkRefused) as refusal:
            service.loop.run_until_complete(stream.opened())
        assert refusal.value.reason is LinkReason.UNKNOWN_CA


def test_the_server_may_finish_first(service: Service) -> None:
    stream, end = service.client()
    service.loop.run_until_complete(stream.opened())
    service.loop.run_until(1)
    service.ends[0].stream.write(b"bye")
    service.ends[0].stream.close()
    service.loop.run_until(5)
    assert (end.data, end.ended) == (b"bye", LinkReason.CLOSED)


def test_a_server_of_another_authority_is_refused(service: Service) -> None:
    stream, end = service.client(Authority(2).pem)
    stream.write(b"a password")
    with pytest.raises(LinkRefused) as refusal:
        service.loop.run_until_complete(stream.opened())
    assert refusal.value.reason is end.ended is LinkReason.UNKNOWN_CA
    service.loop.run_until(5)
    assert (service.ends[0].data, service.ends[0].ended) == (b"", LinkReason.UNKNOWN_CA)


def test_a_server_that_the_check_refuses(service: Service) -> None:
    service.authority.overlay = "renamed.example"
    stream, end = service.client()
    stream.write(b"a password")
    with pytest.raises(LinkRefused) as refusal:
        service.loop.run_until_complete(stream.opened())
    assert refusal.value.reason is end.ended is LinkReason.WRONG_OVERLAY
    service.loop.run_until(5)
    assert service.ends[0].data == b""


def test_no_server_is_noticed_after_a_bounded_time(service: Service) -> None:
    service.host.crash()
    stream, end = service.client()
    with pytest.raises(LinkRefused) as refusal:
        service.loop.run_until_complete(stream.opened())
    assert refusal.value.reason is end.ended is LinkReason.UNREACHABLE
    assert service.loop.time() < 10


def test_a_changed_record_ends_the_stream(service: Service) -> None:
    stream, end = service.client()
    service.loop.run_until_complete(stream.opened())
    service.network.on_path(CLIENT, SERVER, flip)
    stream.write(b"x")
    service.loop.run_until(5)
    assert service.ends[0].ended is LinkReason.BAD_RECORD
    assert end.ended is LinkReason.BAD_RECORD


def test_a_server_needs_a_certificate_and_keys_leave_no_file(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    authority = Authority()
    with pytest.raises(LocalProtocolError):
        TlsIdentity(roots=authority.pem).server()
    authority.identity(SERVER_ID).server()
    assert list(tmp_path.iterdir()) == []
