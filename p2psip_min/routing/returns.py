"""The way of an answer: back over all whom the request passed, or straight to who asked (RFC 6940 §6.2, RFC 7263).

A request may say in a forwarding option where its sender is reached, and whoever answers it sends the answer there. No
forwarder sees that answer, so none can swallow it; but all who pass the request on learn the address, and since options
are not signed one of them can take it out or change it. So it is asked for only when an answer did not come.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from p2psip_min.errors import Malformed
from p2psip_min.ids import NodeID
from p2psip_min.wire.address import IpAddressPort
from p2psip_min.wire.codec import decode, encode
from p2psip_min.wire.header import node_entry, open_envelope, reroute
from p2psip_min.wire.ice import OverlayLinkType
from p2psip_min.wire.options import (
    EXTENSIVE_ROUTING_MODE,
    IGNORE_STATE_KEEPING,
    ExtensiveRoutingModeOption,
    ForwardingOption,
    RoutingMode,
    decode_options,
    encode_options,
)


class ReturnPolicy(Protocol):
    """When an answer is asked for straight, and whether one is given so."""

    @property
    def honoured(self) -> bool:
        """Whether a request that asks for it is answered straight."""

    def straight(self, attempt: int) -> bool:
        """Whether the ``attempt``-th send of a request, counted from 1, asks for it."""


@dataclass(frozen=True, slots=True)
class BackTheWay:
    """Answers come back the way that requests went (RFC 6940 §6.2), whatever a request says."""

    honoured: bool = False

    def straight(self, attempt: int) -> bool:
        """Never."""
        return False


@dataclass(frozen=True, slots=True)
class StraightOnRetry:
    """When a request is sent again, its answer is to come straight."""

    honoured: bool = True

    def straight(self, attempt: int) -> bool:
        """From the second send on."""
        return attempt > 1


def asks_straight(node_id: NodeID, address: tuple[str, int], *, tls: bool) -> bytes:
    """The option by which ``node_id`` asks for an answer straight to ``address``."""
    link = OverlayLinkType.TLS_TCP_FH_NO_ICE if tls else OverlayLinkType.DTLS_UDP_SR_NO_ICE
    value = ExtensiveRoutingModeOption(RoutingMode.DIRECT_RESPONSE, link, IpAddressPort(*address), (node_id,))
    return encode_options((ForwardingOption(EXTENSIVE_ROUTING_MODE, IGNORE_STATE_KEEPING, encode(value)),))


def straight_to(options: bytes, signer: NodeID) -> tuple[str, int] | None:
    """Where the answer to a request of ``signer`` is to go straight; None: back the way it came.

    Only the signer's own name counts, so nobody can have answers sent to others, and what can't be read counts for
    nothing.
    """
    for option in decode_options(options):
        if option.type == EXTENSIVE_ROUTING_MODE:
            try:
                wanted = decode(ExtensiveRoutingModeOption, option.value)
            except Malformed:
                return None
            if wanted.mode == RoutingMode.DIRECT_RESPONSE and wanted.destinations == (signer,):
                return wanted.address.address, wanted.address.port
    return None


def straightened(answer: bytes, asker: NodeID) -> bytes:
    """The answer, addressed to ``asker`` alone."""
    envelope = open_envelope(answer)
    return reroute(envelope, envelope.ttl, b"", node_entry(asker))


def expects_no_answer(options: bytes) -> bool:
    """Whether forwarders need not wait for the answer to pass: it takes another way (RFC 7263)."""
    return any(option.flags & IGNORE_STATE_KEEPING for option in decode_options(options))
