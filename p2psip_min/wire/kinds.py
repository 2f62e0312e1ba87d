"""Kinds: which data model, access policy and limits a Kind-ID stands for, and the values of the registered ones.

A registry belongs to one overlay (its configuration may define Kinds of its own), so it is an instance.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated

from p2psip_min.errors import LocalProtocolError, Malformed
from p2psip_min.ids import Destination
from p2psip_min.wire.address import AddressField, IpAddressPort
from p2psip_min.wire.codec import U8, hand_written, register, structure
from p2psip_min.wire.header import decode_destinations, encode_destinations


class DataModel(enum.Enum):
    """How the values of a Kind are told apart (RFC 6940 §7.2)."""

    SINGLE = "SINGLE"
    ARRAY = "ARRAY"
    DICTIONARY = "DICTIONARY"


class AccessPolicy(enum.Enum):
    """Who may write a Kind's values (RFC 6940 §7.3, RFC 7374, RFC 8076)."""

    USER_MATCH = "USER-MATCH"
    NODE_MATCH = "NODE-MATCH"
    USER_NODE_MATCH = "USER-NODE-MATCH"
    NODE_MULTIPLE = "NODE-MULTIPLE"
    NODE_ID_MATCH = "NODE-ID-MATCH"
    USER_CHAIN_ACL = "USER-CHAIN-ACL"


@dataclass(frozen=True, slots=True)
class KindSpec:
    """One Kind: at most ``max_count`` values of at most ``max_size`` bytes under a Resource-ID."""

    id: int
    name: str
    model: DataModel
    access: AccessPolicy
    max_count: int
    max_size: int
    max_node_multiple: int = 0


class KindRegistry(Mapping[int, KindSpec]):
    """The Kinds that a node knows, by Kind-ID."""

    __slots__ = ("_specs", "models")

    def __init__(self, specs: Iterable[KindSpec] = ()) -> None:
        self._specs = {spec.id: spec for spec in specs}
        self.models = {spec.id: spec.model for spec in self._specs.values()}

    def __getitem__(self, kind: int) -> KindSpec:
        return self._specs[kind]

    def __iter__(self) -> Iterator[int]:
        return iter(self._specs)

    def __len__(self) -> int:
        return len(self._specs)

    def with_kind(self, spec: KindSpec) -> KindRegistry:
        """This registry with one Kind added or replaced."""
        return KindRegistry([*self._specs.values(), spec])


SIP_REGISTRATION = 1
TURN_SERVICE = 2
CERTIFICATE_BY_NODE = 3
CERTIFICATE_BY_USER = 0x10

IANA_KINDS = KindRegistry(
    [
        KindSpec(SIP_REGISTRATION, "SIP-REGISTRATION", DataModel.DICTIONARY, AccessPolicy.USER_NODE_MATCH, 16, 1000),
        KindSpec(TURN_SERVICE, "TURN-SERVICE", DataModel.SINGLE, AccessPolicy.NODE_MULTIPLE, 1, 100, 20),
        KindSpec(CERTIFICATE_BY_NODE, "CERTIFICATE_BY_NODE", DataModel.ARRAY, AccessPolicy.NODE_MATCH, 8, 3000),
        KindSpec(CERTIFICATE_BY_USER, "CERTIFICATE_BY_USER", DataModel.ARRAY, AccessPolicy.USER_MATCH, 8, 3000),
    ]
)
"""The registered Kinds (RFC 6940 §14.6, RFC 7904 §9.1); the limits are ours, the registry sets none."""

PUBLICATIONS = 0xF0000031
CONSENT = 0xF0000032
READERS = 0xF0000033
GRANT = 0xF0000034
BLINDED_REGISTRATION = 0xF0000035

OUR_KINDS = KindRegistry(
    [
        KindSpec(PUBLICATIONS, "PUBLICATIONS", DataModel.DICTIONARY, AccessPolicy.USER_MATCH, 255, 0),
        KindSpec(CONSENT, "CONSENT", DataModel.SINGLE, AccessPolicy.NODE_MATCH, 1, 0),
        KindSpec(READERS, "READERS", DataModel.DICTIONARY, AccessPolicy.USER_MATCH, 64, 0, 20),
        KindSpec(GRANT, "GRANT", DataModel.DICTIONARY, AccessPolicy.USER_CHAIN_ACL, 64, 300),
        KindSpec(
            BLINDED_REGISTRATION, "BLINDED-REGISTRATION", DataModel.DICTIONARY, AccessPolicy.NODE_ID_MATCH, 16, 1000
        ),
    ]
)
"""Kinds for private use (RFC 6940 §14.6) that some defences need: an identity's account of what it has published
elsewhere; a node's word that a record may lead to it, which is fetched from the node itself; and, beside any record of
its owner's, whom he lets read it, and whom he lets write to what can be shared (``wire.grants``); and a
SIP registration at a place that only contacts know (``storage.blinding``)."""

KNOWN_KINDS = KindRegistry([*IANA_KINDS.values(), *OUR_KINDS.values()])
"""What every node of ours knows."""


class SipRegistrationType(enum.IntEnum):
    """What a SIP registration holds (RFC 7904 §3.2)."""

    URI = 1
    ROUTE = 2


@hand_written
class SipRegistration:
    """A value of SIP-REGISTRATION: another AOR to look up (``uri``), or how to reach a phone (``destination_list``).

    ``contact_prefs`` is the phone's capabilities as a SIP Contact parameter list, such as ``(sip.schemes=SIP)``.
    """

    type: int
    uri: str = ""
    contact_prefs: str = ""
    destination_list: tuple[Destination, ...] = ()


@structure
class TurnServer:
    """A value of TURN-SERVICE: the d of its Resource Name, and where the server is (RFC 6940 §9)."""

    iteration: U8
    server_address: Annotated[IpAddressPort, AddressField]


def _vector(data: bytes) -> bytes:
    if len(data) > 0xFFFF:
        raise LocalProtocolError("SIP registration: a part holds at most 65535 bytes")
    return len(data).to_bytes(2, "big") + data


def encode_sip_registration(registration: SipRegistration) -> bytes:
    """``u8 type, u16 length``, then a text, or a text and a destination list (RFC 7904 §3.2)."""
    if registration.type == SipRegistrationType.URI:
        body = _vector(registration.uri.encode())
    elif registration.type == SipRegistrationType.ROUTE:
        route = encode_destinations(registration.destination_list)
        if not route:
            raise LocalProtocolError("SIP registration: a route names at least one destination")
        body = _vector(registration.contact_prefs.encode()) + _vector(route)
    else:
        raise LocalProtocolError(f"SIP registration: no type {registration.type}")
    return bytes((registration.type,)) + _vector(body)


def _read_vector(data: bytes, offset: int, end: int) -> tuple[bytes, int]:
    start = offset + 2
    if start > end:
        raise Malformed(offset, "SIP registration: cut short")
    stop = start + (data[offset] << 8 | data[offset + 1])
    if stop > end:
        raise Malformed(offset, "SIP registration: longer than what is left")
    return data[start:stop], stop


def _read_text(data: bytes, offset: int, end: int) -> tuple[str, int]:
    raw, stop = _read_vector(data, offset, end)
    try:
        return raw.decode(), stop
    except UnicodeDecodeError:
        raise Malformed(offset + 2, "SIP registration: text is not UTF-8") from None


def _decode_sip_registration(data: bytes, offset: int, end: int, _: object = None) -> tuple[SipRegistration, int]:
    if offset >= end:
        raise Malformed(offset, "SIP registration: cut short")
    kind = data[offset]
    start = offset + 1
    _, stop = _read_vector(data, start, end)
    at = start + 2
    if kind == SipRegistrationType.URI:
        uri, at = _read_text(data, at, stop)
        registration = SipRegistration(SipRegistrationType.URI, uri)
    elif kind == SipRegistrationType.ROUTE:
        prefs, at = _read_text(data, at, stop)
        route, at = _read_vector(data, at, stop)
        if not route:
            raise Malformed(at, "SIP registration: empty route")
        registration = SipRegistration(SipRegistrationType.ROUTE, "", prefs, decode_destinations(route))
    else:
        raise Malformed(offset, "SIP registration: unknown type")
    if at != stop:
        raise Malformed(at, "SIP registration: trailing bytes")
    return registration, stop


register(SipRegistration, encode_sip_registration, _decode_sip_registration, 3)
