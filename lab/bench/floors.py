"""The floors: what the work cannot do without, written as plainly as possible.

1. ``Secured``: signatures, verifications, and per hop two TLS records (data, acknowledgement) written and read on live
   pairs of the overlay drawn at random, two callbacks of its loop, one header patch.
2. ``Plain``: per hop two callbacks, one timer set and cancelled, one header patch.
3. ``handshake``, ``enrollment``, ``heap_events``: the bare operations.

No floor traces, frames, checks, looks anything up or waits for anything.
"""

from __future__ import annotations

import random
import struct
import time
from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from ssl import MemoryBIO, SSLObject, SSLWantReadError
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from p2psip_min.enrollment.pkcs10 import certificate_request
from p2psip_min.enrollment.provider import Provider
from p2psip_min.ids import NodeID
from p2psip_min.transport.loop import VirtualLoop
from p2psip_min.transport.tls import TlsIdentity


@dataclass(slots=True)
class End:
    """One end of a live TLS connection."""

    tls: SSLObject
    incoming: MemoryBIO
    outgoing: MemoryBIO


Pair = tuple[End, End]

DELAY = 0.04
"""Seconds of virtual time a packet takes; it does not matter which."""

_HEADER = struct.Struct(">IIHBBIIQIHHH")
_SIGN = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)
_VERIFY = ec.ECDSA(hashes.SHA256())


def patch(data: bytes, entry: bytes) -> bytes:
    """One forwarder's change of a header: one off the ttl, one entry on the via list."""
    token, overlay, sequence, version, ttl, fragment, length, transaction, most, via, to, options = _HEADER.unpack_from(
        data
    )
    size = len(entry)
    head = _HEADER.pack(
        token, overlay, sequence, version, ttl - 1, fragment, length + size, transaction, most, via + size, to, options
    )
    return head + data[38 : 38 + via] + entry + data[38 + via :]


class Plain:
    """Hops without protection, one after the other on the overlay's own loop."""

    def __init__(self, loop: VirtualLoop, message: bytes) -> None:
        self.loop = loop
        self.message = message
        self.entry = b"\x01\x10" + bytes(16)
        self.left = 0
        self.timer: Any = None

    def run(self, hops: int) -> float:
        """CPU seconds of so many hops."""
        began = time.process_time()
        self.left = hops
        self.loop.call_soon(self._send)
        self.loop.run_forever()
        return time.process_time() - began

    def _send(self) -> None:
        self.timer = self.loop.call_later(0.5, self._send)
        self.loop.call_later(DELAY, self._arrive, patch(self.message, self.entry))

    def _arrive(self, message: bytes) -> None:
        self.loop.call_later(DELAY, self._acknowledged)

    def _acknowledged(self) -> None:
        self.timer.cancel()
        self.left -= 1
        if self.left > 0:
            self._send()
        else:
            self.loop.stop()


class Secured:
    """Signatures and hops under TLS; ``pairs`` are the two ends of live links, ``keys`` sign."""

    def __init__(
        self,
        loop: VirtualLoop,
        message: bytes,
        pairs: Sequence[Pair],
        keys: Sequence[ec.EllipticCurvePrivateKey],
        rng: random.Random,
    ) -> None:
        self.loop = loop
        self.message = message
        self.pairs = pairs
        self.rng = rng
        self.keys = [(key, key.public_key()) for key in keys]
        self.entry = b"\x01\x10" + bytes(16)
        self.left = 0

    def run(self, *, signs: int, verifies: int, hops: int) -> float:
        """CPU seconds of so many of each."""
        keys = [self.keys[int(self.rng.random() * len(self.keys))] for _ in range(max(signs, verifies))]
        data = self.message[:160]
        began = time.process_time()
        signatures = [key.sign(data, _SIGN) for key, _ in keys[:signs]]
        signed = time.process_time() - began
        signatures += [key.sign(data, _SIGN) for key, _ in keys[signs:]]
        began = time.process_time()
        for (_, public), signature in zip(keys[:verifies], signatures, strict=False):
            public.verify(signature, data, _VERIFY)
        if hops:
            self.left = hops
            self.loop.call_soon(self._send)
            self.loop.run_forever()
        return signed + time.process_time() - began

    def _send(self) -> None:
        near, far = self.pairs[int(self.rng.random() * len(self.pairs))]
        near.tls.write(b"\x80\x00\x00\x00\x00\x00\x00\x00" + patch(self.message, self.entry))
        self.loop.call_later(DELAY, self._arrive, near, far, near.outgoing.read())

    def _arrive(self, near: End, far: End, record: bytes) -> None:
        far.incoming.write(record)
        far.tls.read(16_384)
        far.tls.write(b"\x81\x00\x00\x00\x00\x00\x00\x00\x00")
        self.loop.call_later(DELAY, self._acknowledged, near, far.outgoing.read())

    def _acknowledged(self, near: End, record: bytes) -> None:
        near.incoming.write(record)
        near.tls.read(16_384)
        self.left -= 1
        if self.left > 0:
            self._send()
        else:
            self.loop.stop()


def handshake(client: TlsIdentity, server: TlsIdentity) -> None:
    """One TLS 1.3 handshake over memory, both ends."""
    one, other = client.client(), server.server()
    waiting = True
    while waiting:
        waiting = False
        for near, far in ((one, other), (other, one)):
            try:
                near.tls.do_handshake()
            except SSLWantReadError:
                waiting = True
            flight = near.outgoing.read()
            if flight:
                far.incoming.write(flight)


def enrollment(provider: Provider, user: str, number: int, made: list[bytes]) -> float:
    """CPU seconds of key, request, its check, certificate (put into ``made``) and a server-authenticated handshake."""
    name = f"{user}@{provider.overlay}"
    began = time.process_time()
    key = provider.key(user)
    csr = x509.load_der_x509_csr(certificate_request(key, name, b"%032x" % number))
    assert csr.is_signature_valid
    made.append(
        provider.authority.issue(
            key.public_key(),
            node_ids=(NodeID.from_int(number + 1),),
            user=name,
            overlay=provider.overlay,
            serial=number + 1,
            not_before=0.0,
            not_after=86_400.0,
        )
    )
    handshake(provider.web_client, provider.web_server)
    return time.process_time() - began


def certificate_checks(provider: Provider, certificates: Sequence[bytes]) -> float:
    """CPU seconds of checking the authority's signature under each of ``certificates`` (DER)."""
    root = provider.authority.key.public_key()
    began = time.process_time()
    for der in certificates:
        certificate = x509.load_der_x509_certificate(der)
        root.verify(certificate.signature, certificate.tbs_certificate_bytes, _VERIFY)
    return time.process_time() - began


def heap_events(events: int, pending: int = 1000) -> float:
    """CPU seconds of a bare heap of (when, sequence, callback), each event calling back and adding the next."""
    heap: list[tuple[float, int, Any]] = []
    delays = [0.001 * (i * 37 % 101) for i in range(pending)]

    def callback() -> None:
        pass

    for sequence, delay in enumerate(delays):
        heappush(heap, (delay, sequence, callback))
    began = time.process_time()
    for sequence in range(pending, pending + events):
        when, _, call = heappop(heap)
        call()
        heappush(heap, (when + delays[sequence % pending], sequence, callback))
    return time.process_time() - began


def loop_events(loop: VirtualLoop, events: int, pending: int = 1000) -> float:
    """CPU seconds of as many events of the virtual loop, each setting the next by ``call_later``."""
    delays = [0.001 * (i * 37 % 101) for i in range(pending)]
    left = events

    def callback(index: int) -> None:
        nonlocal left
        left -= 1
        if left > 0:
            loop.call_later(delays[index], callback, index)
        elif left == 0:
            loop.stop()

    for index, delay in enumerate(delays):
        loop.call_later(delay, callback, index)
    began = time.process_time()
    loop.run_forever()
    return time.process_time() - began
