"""IpAddressPort, the transport address of a node or server (RFC 6940 §6.3.1.1)."""

from __future__ import annotations

import ipaddress
import struct
from functools import lru_cache

from p2psip_min.errors import LocalProtocolError, Malformed
from p2psip_min.wire.codec import Hand, hand_written, register

_IPV4 = struct.Struct(">BB4sH")
_IPV6 = struct.Struct(">BB16sH")


@hand_written
class IpAddressPort:
    """An IPv4 or IPv6 address in text form, and a port: 192.0.2.1:6084 is ``01 06 c0000201 17c4``."""

    address: str
    port: int


@lru_cache(maxsize=4096)
def _packed(text: str) -> bytes:
    return ipaddress.ip_address(text).packed


def encode_address(value: IpAddressPort) -> bytes:
    """The bytes of an address; LocalProtocolError when the text is not an IP address."""
    try:
        packed = _packed(value.address)
        if len(packed) == 4:
            return _IPV4.pack(1, 6, packed, value.port)
        return _IPV6.pack(2, 18, packed, value.port)
    except (ValueError, struct.error) as error:
        raise LocalProtocolError(f"address: {error}") from None


def decode_address(data: bytes, offset: int, end: int, _context: object = None) -> tuple[IpAddressPort, int]:
    """The address at ``offset`` and where it ends; Malformed also for a type that is neither IPv4 nor IPv6."""
    if offset + 2 > end:
        raise Malformed(offset, "address: cut short")
    kind, size = data[offset], data[offset + 1]
    stop = offset + 2 + size
    if stop > end:
        raise Malformed(offset + 1, "address: longer than what is left")
    if kind == 1 and size == 6:
        text = ".".join(map(str, data[offset + 2 : offset + 6]))
    elif kind == 2 and size == 18:
        text = str(ipaddress.IPv6Address(data[offset + 2 : offset + 18]))
    else:
        raise Malformed(offset, "address: unknown type, or length of another type")
    return IpAddressPort(text, data[stop - 2] << 8 | data[stop - 1]), stop


register(IpAddressPort, encode_address, decode_address, 8)
AddressField = Hand(encode_address, decode_address, 8)
