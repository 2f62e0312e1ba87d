"""Links that look safe: plain datagrams with one measure more, to see what TLS is for.

``CheckedLinks`` end every packet with its CRC-32: right against noise, and anybody can compute it anew.
``GreetedLinks`` say who they are with a certificate, and where they ``prove`` it, that they hold its key; what follows
is in clear, and whoever is on the way reads and changes it as before.

    packet = frame or hello, u32 CRC-32 of what is before
    hello  = u8 kind, Node-ID, v16<certificate>, u64 time (ms), v16<signature over Node-ID, addressee, time>
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from typing import Annotated

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from p2psip_min.clock import milliseconds, virtual
from p2psip_min.errors import LinkReason
from p2psip_min.ids import NodeID
from p2psip_min.trace import Sink
from p2psip_min.transport.link import Check
from p2psip_min.transport.network import Address, Network, Packet, Way
from p2psip_min.transport.plain import PlainLink, PlainLinks
from p2psip_min.wire.address import AddressField, IpAddressPort
from p2psip_min.wire.codec import U64, NodeField, Opaque16, decoder_of, encode, structure
from p2psip_min.wire.security import NO_IDENTITY, HashAlgorithm, Signature, SignatureAlgorithm, sign, verify

CRC = 4
"""Bytes of a check sum."""

HELLO_AGE = 10.0
"""Seconds for which a signed hello counts; its sender makes a new one for each try."""


class CheckedLinks(PlainLinks):
    """Plain links whose packets end with a check sum."""

    def __init__(self, network: Network, address: Address, node_id: NodeID, *, trace: Sink | None = None) -> None:
        super().__init__(network, address, node_id, trace=trace)
        self.carry = self._carry
        self.transmit = lambda source, destination, packet: self._carry(network.way(source, destination), packet)
        network.attach(address, node_id, self._open)

    def _carry(self, way: Way, packet: Packet) -> bool:
        assert isinstance(packet, bytes)
        return self.network.carry(way, with_checksum(packet))

    def _open(self, source: Address, packet: Packet) -> None:
        if isinstance(packet, bytes) and with_checksum(packet[:-CRC]) == packet:
            self._receive(source, packet[:-CRC])
        else:
            self._emit_rejected(self._names.get(source, b""), LinkReason.BAD_RECORD)

    def _heard(self, link: PlainLink) -> None:
        super()._heard(link)
        way = self.network.way(link.address, self.address)
        way.socket = way  # every packet passes the check first


def with_checksum(packet: bytes) -> bytes:
    """The packet as it travels."""
    return packet + zlib.crc32(packet).to_bytes(CRC, "big")


@dataclass(frozen=True, slots=True)
class Papers:
    """What a node shows (``certificate``, DER) and proves that it holds (``key``), and how it judges others'."""

    certificate: bytes
    key: ec.EllipticCurvePrivateKey = field(repr=False)
    check: Check


@structure
class Hello:
    """What a greeting says; no signature where possession is not proven."""

    node_id: NodeField
    certificate: Opaque16
    time: U64
    signature: Opaque16


@structure
class _Signed:
    """What a greeting's signature covers; the addressee keeps it from being shown to somebody else."""

    node_id: NodeField
    addressee: Annotated[IpAddressPort, AddressField]
    time: U64


_read_hello = decoder_of(Hello)


class GreetedLinks(PlainLinks):
    """Plain links that open with a certificate for the Node-ID; ``prove`` adds a proof that its key is held."""

    def __init__(
        self,
        network: Network,
        address: Address,
        node_id: NodeID,
        *,
        papers: Papers,
        prove: bool,
        trace: Sink | None = None,
    ) -> None:
        super().__init__(network, address, node_id, trace=trace)
        self._papers = papers
        self._prove = prove

    def greeting(self, kind: bytes, address: Address) -> bytes:
        """What says to ``address`` who this is."""
        time = milliseconds(self.loop.time())
        proof = b""
        if self._prove:
            proof = sign(self._papers.key, NO_IDENTITY, _covered(self.node_id, address, time)).value
        return kind + encode(Hello(self.node_id, self._papers.certificate, time, proof))

    def believe(self, packet: bytes) -> tuple[NodeID, bytes] | LinkReason:
        """Whom a greeting is from and the frame behind it, or why it is not believed; Malformed if it is none."""
        hello, end = _read_hello(packet, 1, len(packet), None)
        now = self.loop.time()
        reason = self._papers.check(hello.certificate, hello.node_id, now)
        if reason is None and self._prove:
            reason = self._possession(hello, now)
        return (hello.node_id, packet[end:]) if reason is None else reason

    def _possession(self, hello: Hello, now: float) -> LinkReason | None:
        if abs(now - virtual(hello.time)) > HELLO_AGE:
            return LinkReason.STALE_HELLO
        key = x509.load_der_x509_certificate(hello.certificate).public_key()
        proof = Signature(HashAlgorithm.SHA256, SignatureAlgorithm.ECDSA, NO_IDENTITY, hello.signature)
        covered = _covered(hello.node_id, self.address, hello.time)
        return None if verify(key, proof, covered) else LinkReason.NO_POSSESSION


def _covered(node_id: NodeID, addressee: Address, time: int) -> bytes:
    return b"hello" + encode(_Signed(node_id, IpAddressPort(*addressee), time))
