"""One signed sample of every message, for all tests of the wire format."""

from __future__ import annotations

import datetime
import hashlib
from dataclasses import dataclass, field
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from p2psip_min.ids import WILDCARD, Destination, NodeID, OpaqueID, ResourceID, overlay_hash
from p2psip_min.wire.address import IpAddressPort
from p2psip_min.wire.codec import encode
from p2psip_min.wire.data import (
    APPEND,
    ArrayEntry,
    ArrayRange,
    DictionaryEntry,
    FetchKindResponse,
    SingleValue,
    StatKindResponse,
    StoredData,
    StoredDataSpecifier,
    StoreKindData,
    encode_stored,
    meta_data,
    signed_input,
    signed_value,
)
from p2psip_min.wire.header import encode_destinations
from p2psip_min.wire.kinds import (
    CERTIFICATE_BY_NODE,
    IANA_KINDS,
    SIP_REGISTRATION,
    TURN_SERVICE,
    SipRegistration,
    SipRegistrationType,
    TurnServer,
)
from p2psip_min.wire.message import Message, MessageExtension, decode_message, encode_contents, encode_message
from p2psip_min.wire.message import message_input as input_of
from p2psip_min.wire.messages import (
    AppAttachAns,
    AppAttachReq,
    AttachAns,
    AttachReq,
    Candidate,
    ChordLeaveData,
    ChordLeaveType,
    ChordUpdate,
    ChordUpdateType,
    ConfigUpdateAns,
    ConfigUpdateReq,
    ConfigUpdateType,
    DiagnosticExtension,
    DiagnosticInfo,
    DiagnosticsRequest,
    DiagnosticsResponse,
    ErrorCode,
    ErrorResponse,
    FetchAns,
    FetchReq,
    FindAns,
    FindKindData,
    FindReq,
    IceCandidate,
    IceExtension,
    JoinAns,
    JoinReq,
    LeaveAns,
    LeaveReq,
    OverlayLinkType,
    PathTrackAns,
    PathTrackReq,
    PingAns,
    PingReq,
    ProbeAns,
    ProbeInformation,
    ProbeInformationType,
    ProbeReq,
    RouteQueryAns,
    RouteQueryReq,
    StatAns,
    StatReq,
    StoreAns,
    StoreKindResponse,
    StoreReq,
    UnknownKinds,
    UpdateAns,
    UpdateReq,
)
from p2psip_min.wire.options import (
    DESTINATION_CRITICAL,
    EXTENSIVE_ROUTING_MODE,
    ExtensiveRoutingModeOption,
    ForwardingOption,
    RoutingMode,
    encode_options,
)
from p2psip_min.wire.security import (
    UNSIGNED,
    SecurityBlock,
    SignerIdentity,
    encode_identity,
    encode_security,
    identity_of,
    sign,
)

OVERLAY = overlay_hash("overlay.example.org")
KEY = ec.derive_private_key(0x5EED, ec.SECP256R1())
NODES = tuple(NodeID.from_int(0x0123456789ABCDEF * (i + 1) ** 9 << 40) for i in range(8))
ALICE = ResourceID.of("alice@overlay.example.org")
TIME = 1_767_225_600_000


def _certificate() -> bytes:
    when = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    uri = f"reload://0110{NODES[0].hex()}@overlay.example.org/"
    names = [x509.UniformResourceIdentifier(uri), x509.RFC822Name("alice@overlay.example.org")]
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "overlay.example.org")]))
        .public_key(KEY.public_key())
        .serial_number(7)
        .not_valid_before(when)
        .not_valid_after(when + datetime.timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName(names), critical=True)
        .sign(KEY, hashes.SHA256(), ecdsa_deterministic=True)
        .public_bytes(serialization.Encoding.DER)
    )


CERTIFICATE = _certificate()
SIGNER = identity_of(CERTIFICATE)


@dataclass(frozen=True)
class Sample:
    """What a sender meant, and the bytes that it sent."""

    name: str
    body: Any
    via: tuple[Destination, ...] = ()
    destinations: tuple[Destination, ...] = (ALICE,)
    options: tuple[ForwardingOption, ...] = ()
    extensions: tuple[MessageExtension, ...] = ()
    identity: SignerIdentity = SIGNER
    ttl: int = 100
    transaction_id: int = field(init=False)
    contents: bytes = field(init=False)
    message: bytes = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "transaction_id", int.from_bytes(hashlib.sha256(self.name.encode()).digest()[:8]))
        contents = encode_contents(self.body, self.extensions)
        covered = input_of(OVERLAY, self.transaction_id, contents, encode_identity(self.identity))
        security = encode_security(SecurityBlock((CERTIFICATE,), sign(KEY, self.identity, covered)))
        message = encode_message(
            overlay=OVERLAY,
            configuration_sequence=1,
            ttl=self.ttl,
            transaction_id=self.transaction_id,
            via=encode_destinations(self.via),
            destinations=encode_destinations(self.destinations),
            options=encode_options(self.options),
            contents=contents,
            security=security,
        )
        object.__setattr__(self, "contents", contents)
        object.__setattr__(self, "message", message)

    def decoded(self) -> Message:
        return decode_message(self.message, IANA_KINDS)


def stored(kind: int, value: SingleValue | ArrayEntry | DictionaryEntry, resource: bytes = ALICE) -> StoredData:
    """A value signed by the sample key."""
    covered = signed_input(resource, kind, TIME, signed_value(value), encode_identity(SIGNER))
    return StoredData(TIME, 3600, value, sign(KEY, SIGNER, covered))


ROUTE = encode(SipRegistration(SipRegistrationType.ROUTE, "", "(sip.schemes=SIP)", (NODES[0],)))
URI = encode(SipRegistration(SipRegistrationType.URI, "bob@overlay.example.org"))
TURN = encode(TurnServer(1, IpAddressPort("192.0.2.7", 3478)))
HOST = IceCandidate(
    IpAddressPort("192.0.2.1", 6084), OverlayLinkType.TLS_TCP_FH_NO_ICE, b"1", 0x7EFFFFFF, Candidate.HOST
)
RELAYED = IceCandidate(
    IpAddressPort("2001:db8::1", 6084), OverlayLinkType.DTLS_UDP_SR, b"relay", 1, Candidate.RELAY,
    IpAddressPort("198.51.100.9", 40000), (IceExtension(b"generation", b"0"),),
)  # fmt: skip
SIP_VALUE = stored(SIP_REGISTRATION, DictionaryEntry(NODES[0], True, ROUTE))
URI_VALUE = stored(SIP_REGISTRATION, DictionaryEntry(NODES[1], True, URI))
GONE = StoredData(0, 0, DictionaryEntry(NODES[2], False, b""), UNSIGNED)
TURN_VALUE = stored(TURN_SERVICE, SingleValue(True, TURN))
CERTIFICATE_VALUE = stored(CERTIFICATE_BY_NODE, ArrayEntry(APPEND, True, CERTIFICATE))
PRIVATE_VALUE = stored(0xF0000001, SingleValue(True, b"only its usage knows"))
NEIGHBORS = ChordUpdate(60, ChordUpdateType.NEIGHBORS, NODES[1:4], NODES[4:7])
FULL = ChordUpdate(61, ChordUpdateType.FULL, NODES[1:4], NODES[4:7], NODES[5:8])
RELAY_OPTION = ExtensiveRoutingModeOption(
    RoutingMode.DIRECT_RESPONSE, OverlayLinkType.TLS_TCP_FH_NO_ICE, IpAddressPort("192.0.2.1", 6084), (NODES[0],)
)
MIXED_VIA = (NODES[1], OpaqueID(b"\x81\x23"), OpaqueID(b"table"), NODES[2])

SAMPLES = [
    Sample("ping_req", PingReq(b"\x00" * 5), via=MIXED_VIA, destinations=(NODES[3], OpaqueID(b"\xff\x01"), ALICE)),
    Sample("ping_ans", PingAns(0x0102030405060708, TIME), destinations=NODES[2:4]),
    Sample(
        "ping_extension", PingReq(), destinations=(WILDCARD,), identity=identity_of(CERTIFICATE, NODES[0]),
        extensions=(MessageExtension(1, False, b"hello"), MessageExtension(9, True, b"")),
        options=(
            ForwardingOption(1, DESTINATION_CRITICAL, b"experiment"),
            ForwardingOption(EXTENSIVE_ROUTING_MODE, 0, encode(RELAY_OPTION)),
        ),
    ),
    Sample("probe_req", ProbeReq((ProbeInformationType.NUM_RESOURCES, ProbeInformationType.UPTIME))),
    Sample(
        "probe_ans",
        ProbeAns(
            (
                ProbeInformation(ProbeInformationType.RESPONSIBLE_SET, 31_250_000),
                ProbeInformation(ProbeInformationType.NUM_RESOURCES, 3),
                ProbeInformation(ProbeInformationType.UPTIME, 600),
            )
        ),
    ),
    Sample("attach_req", AttachReq(b"ufra", b"secret", b"passive", (HOST, RELAYED), True)),
    Sample("attach_ans", AttachAns(b"ufrb", b"secret", b"active", (HOST,))),
    Sample("app_attach_req", AppAttachReq(b"ufra", b"secret", 5060, b"passive", (HOST, RELAYED))),
    Sample("app_attach_ans", AppAttachAns(b"ufrb", b"secret", 5061, b"active", (HOST,))),
    Sample("join_req", JoinReq(NODES[0]), destinations=(NODES[1],)),
    Sample("join_ans", JoinAns()),
    Sample(
        "leave_req", LeaveReq(NODES[0], encode(ChordLeaveData(ChordLeaveType.FROM_SUCC, NODES[1:4])))
    ),
    Sample("leave_ans", LeaveAns()),
    Sample("update_ready", UpdateReq(encode(ChordUpdate(59, ChordUpdateType.PEER_READY)))),
    Sample("update_neighbors", UpdateReq(encode(NEIGHBORS)), destinations=(NODES[1],)),
    Sample("update_full", UpdateReq(encode(FULL)), destinations=(NODES[1],)),
    Sample("update_ans", UpdateAns()),
    Sample("route_query_req", RouteQueryReq(True, NODES[5])),
    Sample("route_query_resource", RouteQueryReq(False, ALICE)),
    Sample("route_query_ans", RouteQueryAns(NODES[5])),
    Sample(
        "store_req",
        StoreReq(
            ALICE, 0, (StoreKindData(SIP_REGISTRATION, 0, (SIP_VALUE, URI_VALUE)),
                       StoreKindData(TURN_SERVICE, 4, (TURN_VALUE,))),
        ),
    ),
    Sample(
        "store_array", StoreReq(ALICE, 1, (StoreKindData(CERTIFICATE_BY_NODE, 1 << 40, (CERTIFICATE_VALUE,)),))
    ),
    Sample("store_unknown", StoreReq(ALICE, 0, (StoreKindData(0xF0000001, 0, (), encode_stored(PRIVATE_VALUE)),))),
    Sample("store_ans", StoreAns((StoreKindResponse(SIP_REGISTRATION, 5, NODES[4:6]), StoreKindResponse(2, 1)))),
    Sample(
        "fetch_req",
        FetchReq(
            ALICE,
            (
                StoredDataSpecifier(SIP_REGISTRATION, 7, keys=()),
                StoredDataSpecifier(TURN_SERVICE),
                StoredDataSpecifier(CERTIFICATE_BY_NODE, indices=(ArrayRange(0, 3), ArrayRange(-2, -1))),
            ),
        ),
    ),
    Sample(
        "fetch_keys", FetchReq(ALICE, (StoredDataSpecifier(SIP_REGISTRATION, keys=(NODES[0], NODES[1])),))
    ),
    Sample(
        "fetch_ans",
        FetchAns(
            (FetchKindResponse(SIP_REGISTRATION, 5, (SIP_VALUE, GONE)), FetchKindResponse(TURN_SERVICE, 1, ()))
        ),
    ),
    Sample("stat_req", StatReq(ALICE, (StoredDataSpecifier(TURN_SERVICE), StoredDataSpecifier(0xF0000001)))),
    Sample(
        "stat_ans",
        StatAns(
            (
                StatKindResponse(SIP_REGISTRATION, 5, (meta_data(SIP_VALUE), meta_data(GONE))),
                StatKindResponse(TURN_SERVICE, 1, (meta_data(TURN_VALUE),)),
                StatKindResponse(CERTIFICATE_BY_NODE, 1, (meta_data(CERTIFICATE_VALUE),)),
            )
        ),
    ),
    Sample("find_req", FindReq(ALICE, (TURN_SERVICE, 0xF0000001))),
    Sample("find_ans", FindAns((FindKindData(TURN_SERVICE, ALICE), FindKindData(0xF0000001, None)))),
    Sample(
        "config_update",
        ConfigUpdateReq(ConfigUpdateType.CONFIG, b"<overlay/>"),
    ),
    Sample("config_kinds", ConfigUpdateReq(ConfigUpdateType.KIND, kinds=(b"<kind-block/>", b"<kind-block/>"))),
    Sample("config_unknown", ConfigUpdateReq(9, raw=b"later")),
    Sample("config_update_ans", ConfigUpdateAns()),
    Sample(
        "path_track_req",
        PathTrackReq(ALICE, DiagnosticsRequest(TIME + 9000, TIME, 0b110, (DiagnosticExtension(0xF000, b"x"),))),
    ),
    Sample(
        "path_track_ans",
        PathTrackAns(
            NODES[2], DiagnosticsResponse(TIME + 9000, TIME, TIME + 40, 97, (DiagnosticInfo(1, b"\x04"),))
        ),
    ),
    Sample("error", ErrorResponse(ErrorCode.FORBIDDEN, b"not the owner")),
    Sample(
        "error_generation",
        ErrorResponse(ErrorCode.GENERATION_COUNTER_TOO_LOW, encode(StoreAns((StoreKindResponse(1, 5),)))),
    ),
    Sample("error_kinds", ErrorResponse(ErrorCode.UNKNOWN_KIND, encode(UnknownKinds((0xF0000001,))))),
]  # fmt: skip


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "sample" in metafunc.fixturenames:
        metafunc.parametrize("sample", SAMPLES, ids=[sample.name for sample in SAMPLES])


@pytest.fixture(scope="session")
def samples() -> dict[str, Sample]:
    return {sample.name: sample for sample in SAMPLES}


@pytest.fixture(scope="session")
def nodes() -> tuple[NodeID, ...]:
    return NODES


@pytest.fixture(scope="session")
def certificate() -> bytes:
    return CERTIFICATE


@pytest.fixture(scope="session")
def key() -> ec.EllipticCurvePrivateKey:
    return KEY
