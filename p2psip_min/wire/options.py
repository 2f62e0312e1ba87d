"""Forwarding options: what a header may ask of forwarders and responders (RFC 6940 §6.3.2.3, RFC 7263 §6)."""

from __future__ import annotations

import enum
from typing import Annotated

from p2psip_min.ids import Destination
from p2psip_min.wire.address import AddressField, IpAddressPort
from p2psip_min.wire.codec import (
    U8,
    Enumerated,
    Hand,
    Listed,
    Opaque16,
    decoder_of,
    encoder_of,
    structure,
)
from p2psip_min.wire.header import encode_destination, read_destination

_DESTINATION = Hand(encode_destination, lambda data, at, end, _: read_destination(data, at, end), 2)
DestinationField = Annotated[Destination, _DESTINATION]

FORWARD_CRITICAL = 0x01
"""A forwarder that does not know the option must refuse the message."""
DESTINATION_CRITICAL = 0x02
"""A responder that does not know the option must refuse the message."""
RESPONSE_COPY = 0x04
"""The responder puts the option into its answer, with the flags cleared."""
IGNORE_STATE_KEEPING = 0x08
"""Forwarders need not keep state for the answer (RFC 7263)."""

EXTENSIVE_ROUTING_MODE = 2
"""Option type: send the answer on a shorter way (RFC 7263, RFC 7264)."""


ALTERNATE = 160
"""Option type of our own: take another way than the best one, and which (§14.12 leaves the number free)."""


@structure
class ForwardingOption:
    """One option; ``value`` is what its type defines."""

    type: U8
    flags: U8
    value: Opaque16


_decode, _encode = decoder_of(ForwardingOption), encoder_of(ForwardingOption)


def decode_options(raw: bytes) -> tuple[ForwardingOption, ...]:
    """All options of a header, else Malformed."""
    found: list[ForwardingOption] = []
    offset, end = 0, len(raw)
    while offset < end:
        option, offset = _decode(raw, offset, end, None)
        found.append(option)
    return tuple(found)


def encode_options(options: tuple[ForwardingOption, ...]) -> bytes:
    """The options of a header."""
    return b"".join([_encode(option) for option in options])


def alternate(way: int) -> bytes:
    """The option that asks every forwarder for its ``way``-th choice, 0 being the best; nothing where it is that."""
    return encode_options((ForwardingOption(ALTERNATE, 0, bytes((way,))),)) if way else b""


def wanted_way(raw: bytes) -> int:
    """Which choice the options of a header ask for; 0 where they do not, else Malformed."""
    for option in decode_options(raw):
        if option.type == ALTERNATE and len(option.value) == 1:
            return option.value[0]
    return 0


class RoutingMode(enum.IntEnum):
    """Which shorter way an answer takes: straight, or through a relay of the requester."""

    DIRECT_RESPONSE = 1
    RELAY_PEER = 2


@structure
class ExtensiveRoutingModeOption:
    """The value of EXTENSIVE_ROUTING_MODE: where to send the answer (RFC 7263 §6.1)."""

    mode: Annotated[RoutingMode, Enumerated(1, RoutingMode)]
    overlay_link: U8
    address: Annotated[IpAddressPort, AddressField]
    destinations: Annotated[tuple[Destination, ...], Listed(1, _DESTINATION)]
