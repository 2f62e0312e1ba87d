"""ICE candidates, as Attach and AppAttach exchange them (RFC 6940 §6.5.1.1)."""

from __future__ import annotations

import enum
from functools import lru_cache
from typing import Annotated, Any

from p2psip_min.errors import LocalProtocolError
from p2psip_min.wire.address import AddressField, IpAddressPort
from p2psip_min.wire.codec import (
    U8,
    U32,
    Enumerated,
    Listed,
    Opaque8,
    Opaque16,
    decoder_of,
    encode,
    hand_written,
    nested,
    register,
    structure,
)


class OverlayLinkType(enum.IntEnum):
    """How two nodes may link (§6.5.1.1, §14.10)."""

    DTLS_UDP_SR = 1
    DTLS_UDP_SR_NO_ICE = 3
    TLS_TCP_FH_NO_ICE = 4


class Candidate(enum.IntEnum):
    """Where an ICE candidate's address comes from (§6.5.1.1)."""

    HOST = 1
    SERVER_REFLEXIVE = 2
    RELAY = 4


@structure
class IceExtension:
    """A named extension of a candidate."""

    name: Opaque16
    value: Opaque16


@hand_written
class IceCandidate:
    """An address at which a node may be reached; ``rel_addr_port`` is its base unless the type is host."""

    addr_port: IpAddressPort
    overlay_link: int
    foundation: bytes
    priority: int
    type: int = Candidate.HOST
    rel_addr_port: IpAddressPort | None = None
    extensions: tuple[IceExtension, ...] = ()


@structure
class _CandidateHead:
    addr_port: Annotated[IpAddressPort, AddressField]
    overlay_link: U8
    foundation: Opaque8
    priority: U32
    type: Annotated[Candidate, Enumerated(1, Candidate)]


@structure
class _CandidateTail:
    extensions: Annotated[tuple[IceExtension, ...], Listed(2, nested(IceExtension))]


@structure
class _RelatedTail:
    rel_addr_port: Annotated[IpAddressPort, AddressField]
    extensions: Annotated[tuple[IceExtension, ...], Listed(2, nested(IceExtension))]


_CANDIDATES = frozenset(int(one) for one in Candidate)


@lru_cache(maxsize=4096)  # a node says the same one in every Attach
def _encode_candidate(one: IceCandidate) -> bytes:
    if one.type not in _CANDIDATES:
        raise LocalProtocolError(f"candidate: no type {one.type}")
    kind = Candidate(one.type)
    head = encode(_CandidateHead(one.addr_port, one.overlay_link, one.foundation, one.priority, kind))
    if one.type == Candidate.HOST:
        if one.rel_addr_port is not None:
            raise LocalProtocolError("candidate: a host candidate has no related address")
        return head + encode(_CandidateTail(one.extensions))
    if one.rel_addr_port is None:
        raise LocalProtocolError("candidate: related address missing")
    return head + encode(_RelatedTail(one.rel_addr_port, one.extensions))


def _decode_candidate(data: bytes, offset: int, end: int, context: Any) -> tuple[IceCandidate, int]:
    head, offset = decoder_of(_CandidateHead)(data, offset, end, context)
    related: IpAddressPort | None = None
    if head.type is Candidate.HOST:
        tail, offset = decoder_of(_CandidateTail)(data, offset, end, context)
    else:
        tail, offset = decoder_of(_RelatedTail)(data, offset, end, context)
        related = tail.rel_addr_port
    return (
        IceCandidate(
            head.addr_port, head.overlay_link, head.foundation, head.priority, head.type, related, tail.extensions
        ),
        offset,
    )


register(IceCandidate, _encode_candidate, _decode_candidate, 17)
CandidateList = Annotated[tuple[IceCandidate, ...], Listed(2, nested(IceCandidate))]
