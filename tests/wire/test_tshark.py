"""Wireshark's dissector reads every message and finds in each field what the sender meant.

It is an independent reading of RFC 6940, made by others, and weak as a judge of its own: so its decode is compared
value by value, each message must have a summary, and expert marks are allowed by name only. Where Wireshark 4.0 is
itself wrong, the comparison says so beside the field.
"""

from __future__ import annotations

import datetime
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from p2psip_min.clock import EPOCH
from p2psip_min.ids import Destination, NodeID, ResourceID
from p2psip_min.trace import MessageForwarded, MessageSent, Trace
from p2psip_min.wire.address import IpAddressPort
from p2psip_min.wire.codec import decode, encode
from p2psip_min.wire.data import (
    ArrayEntry,
    ArrayEntryMeta,
    DictionaryEntry,
    DictionaryEntryMeta,
    StoredData,
    StoredMetaData,
)
from p2psip_min.wire.fragments import fragment
from p2psip_min.wire.header import encode_destinations, open_envelope
from p2psip_min.wire.kinds import (
    IANA_KINDS,
    SIP_REGISTRATION,
    TURN_SERVICE,
    AccessPolicy,
    DataModel,
    KindSpec,
    SipRegistration,
    TurnServer,
)
from p2psip_min.wire.message import decode_message
from p2psip_min.wire.messages import (
    BODIES,
    ChordLeaveData,
    ChordUpdate,
    ConfigUpdateType,
    ErrorCode,
    IceCandidate,
    StoreAns,
    UnknownKinds,
    method_name,
)
from p2psip_min.wire.options import encode_options
from p2psip_min.wire.pcap import export
from p2psip_min.wire.security import Signature

pytestmark = pytest.mark.tshark

REQUIRED = os.environ.get("P2PSIP_REQUIRE_TSHARK", "") not in ("", "0")
PRIVATE = 0xF0000001
WIDER = IANA_KINDS.with_kind(KindSpec(PRIVATE, "PRIVATE", DataModel.SINGLE, AccessPolicy.USER_MATCH, 1, 1000))

EXPERTS = {("fetch_ans", "Unknown identity type")}
"""Wireshark does not know identity type none, which stands in values that a storing peer made up (§7.4.2.2)."""

UNDISSECTED = {"path_track_req", "path_track_ans"}
"""Wireshark has PathTrack's code points from an old draft, and shows the body as bytes."""

Leaves = list[tuple[str, str]]


# --- reading tshark's JSON --------------------------------------------------------------------------------------------


def branches(tree: Any) -> bool:
    return isinstance(tree, list) and bool(tree) and isinstance(tree[0], tuple | list)


def find(tree: Any, name: str) -> Any:
    for key, value in tree:
        if key == name:
            return value
        if branches(value) and (inner := find(value, name)) is not None:
            return inner
    return None


def leaves(tree: Any) -> Iterator[tuple[str, str]]:
    for key, value in tree if branches(tree) else ():
        if branches(value):
            yield from leaves(value)
        else:
            yield key.removeprefix("reload."), str(value)


def said(tree: Any) -> Leaves:
    """The values of a tree in order, without lengths (they follow from the values) and what lies in a certificate."""
    skip = ("length.", "x509", "pkcs1", "ber.", "pkix", "_ws.")
    return [(key, value) for key, value in leaves(tree) if not key.startswith(skip)]


# --- what the sender meant, in Wireshark's words ----------------------------------------------------------------------


def colons(raw: bytes) -> str:
    return raw.hex(":")


def data(raw: bytes) -> tuple[str, str]:
    return ("opaque.data", colons(raw))


def text(raw: bytes | str) -> tuple[str, str]:
    return ("opaque.string", raw.decode() if isinstance(raw, bytes) else raw)


def time(ms: int) -> str:
    when = datetime.datetime.fromtimestamp(ms // 1000, datetime.UTC)
    return f"{when:%b} {when.day:2d}, {when:%Y %H:%M:%S}.{ms % 1000:03d}000000 UTC"


def number(value: int, digits: int = 2) -> str:
    return f"{value:#0{digits + 2}x}"


def destination(one: Destination) -> Leaves:
    if isinstance(one, NodeID):
        return [("forwarding.destination.type", "0x01"), ("destination.data.nodeid", colons(one))]
    if isinstance(one, ResourceID):
        return [("forwarding.destination.type", "0x02"), data(one)]
    if len(one) == 2 and one[0] & 0x80:
        return [("forwarding.destination.compressed_id", "0x" + one.hex())]
    return [("forwarding.destination.type", "0x03"), data(one)]


def address(one: IpAddressPort) -> Leaves:
    version = 6 if ":" in one.address else 4
    return [
        ("ipaddressport.type", "0x02" if version == 6 else "0x01"),
        (f"ipv{version}addr", one.address),
        ("port", str(one.port)),
    ]


def candidate(one: IceCandidate, raw_priority: str) -> Leaves:
    return [
        *address(one.addr_port),
        ("overlaylink.type", str(one.overlay_link)),
        text(one.foundation),
        ("icecandidate.priority", raw_priority),
        ("icecandidate.type", str(int(one.type))),
        *(address(one.rel_addr_port) if one.rel_addr_port else []),
        *(leaf for extension in one.extensions for leaf in (data(extension.name), data(extension.value))),
    ]


def priority(one: IceCandidate) -> str:
    # Wireshark reads the priority where the candidate starts, so it shows the first four bytes of the address.
    return str(int.from_bytes(encode(one.addr_port)[:4], "big"))


def nodes(name: str, many: tuple[NodeID, ...]) -> Leaves:
    return [(name, colons(node)) for node in many]


def signature(one: Signature) -> Leaves:
    identity: Leaves = [("signature.identity.type", str(one.identity.type))]
    if one.identity.type == 3:
        identity.append(("signature.identity.type.unknown", ""))
    else:
        identity += [("signeridentityvalue.hash_alg", str(one.identity.hash)), data(one.identity.digest)]
    head = [("hash_algorithm", str(one.hash)), ("signature_algorithm", str(one.algorithm))]
    return [*head, *identity, *([data(one.value)] if one.value else [])]


def value_of(kind: int, raw: bytes) -> Leaves:
    if kind == SIP_REGISTRATION:
        sip = decode(SipRegistration, raw)
        route = [leaf for one in sip.destination_list for leaf in destination(one)]
        part = [text(sip.uri)] if sip.type == 1 else [text(sip.contact_prefs), *route]
        return [("sipregistration.type", str(int(sip.type))), *part]
    if kind == TURN_SERVICE:
        turn = decode(TurnServer, raw)
        return [("turnserver.iteration", str(turn.iteration)), *address(turn.server_address)]
    return [data(raw)] if kind == PRIVATE else []


def place(value: object) -> Leaves:
    if isinstance(value, ArrayEntry | ArrayEntryMeta):
        return [("arrayentry.index", str(value.index))]
    if isinstance(value, DictionaryEntry | DictionaryEntryMeta):
        return [("nodeid", colons(value.key))]
    return []


def stored(kind: int, one: StoredData) -> Leaves:
    return [
        ("storeddata.storage_time", time(one.storage_time)),
        ("storeddata.lifetime", str(one.lifetime)),
        *place(one.value),
        ("datavalue.exists", str(int(one.value.exists))),
        *(value_of(kind, one.value.value) if one.value.exists else []),
        *signature(one.signature),
    ]


def metadata(one: StoredMetaData) -> Leaves:
    return [
        ("storeddata.storage_time", time(one.storage_time)),
        ("storeddata.lifetime", str(one.lifetime)),
        *place(one.metadata),
        ("datavalue.exists", str(int(one.metadata.exists))),
        ("metadata.value_length", str(one.metadata.value_length)),
        ("hash_algorithm", str(one.metadata.hash_algorithm)),
        data(one.metadata.hash_value),
    ]


def kind(number: int, generation: int) -> Leaves:
    return [("kinddata.kind", str(number)), ("generation_counter", str(generation))]


def groups(many: Any) -> Leaves:
    found: Leaves = []
    for group in many:
        if group.raw:
            group = decode(type(group), encode(group), WIDER)
        found += kind(
            group.kind, group.generation_counter if hasattr(group, "generation_counter") else group.generation
        )
        for one in group.values:
            found += metadata(one) if isinstance(one, StoredMetaData) else stored(group.kind, one)
    return found


def specifiers(many: Any) -> Leaves:
    found: Leaves = []
    for one in many:
        found += kind(one.kind, one.generation)
        if one.keys == ():  # Wireshark looks for keys at a wrong place and shows none.
            found.append(("storeddataspecifier.keys", ""))
        found += [("arrayrange", "")] * len(one.indices or ())
    return found


def chord(update: ChordUpdate) -> Leaves:
    lists = nodes("nodeid", update.predecessors + update.successors + update.fingers)
    return [("uptime", str(update.uptime)), ("chordupdate.type", str(int(update.type))), *lists]


def store_answer(body: StoreAns) -> Leaves:
    return [
        leaf
        for one in body.kind_responses
        for leaf in [*kind(one.kind, one.generation_counter), *nodes("nodeid", one.replicas)]
    ]


def xml(documents: tuple[bytes, ...]) -> Leaves:
    return [("xml.tag", document.decode()) for document in documents]


def meant(b: Any) -> Leaves:
    """The body as Wireshark should show it."""
    match method_name(b.code):
        case "PingReq":
            return [data(b.padding)] if b.padding else []
        case "PingAns":
            return [("ping.response_id", str(b.response_id)), ("ping.time", time(b.time))]
        case "ProbeReq":
            return [("probe_information.type", number(one)) for one in b.requested_info]
        case "ProbeAns":
            names = {1: "responsible_set", 2: "num_resources", 3: "uptime"}
            shown = {1: lambda value: number(value, 8), 2: str, 3: str}
            return [
                leaf
                for one in b.probe_info
                for leaf in (
                    ("probe_information.type", number(one.type)),
                    (names[one.type], shown[one.type](one.value)),
                )
            ]
        case "AttachReq" | "AttachAns" | "AppAttachReq" | "AppAttachAns" as name:
            ours = [leaf for one in b.candidates for leaf in candidate(one, priority(one))]
            application = [("application", str(b.application))] if name.startswith("App") else []
            update = [] if name.startswith("App") else [("sendupdate", str(int(b.send_update)))]
            return [text(b.ufrag), text(b.password), *application, text(b.role), *ours, *update]
        case "JoinReq":
            return [("joinreq.joining_peer_id", colons(b.joining_peer_id))]
        case "LeaveReq":
            leave = decode(ChordLeaveData, b.overlay_specific_data)
            return [
                ("leavereq.leaving_peer_id", colons(b.leaving_peer_id)),
                ("chordleavedata.type", str(int(leave.type))),
                *nodes("nodeid", leave.nodes),
            ]
        case "UpdateReq":
            return chord(decode(ChordUpdate, b.overlay_specific_data))
        case "RouteQueryReq":
            return [("sendupdate", str(int(b.send_update))), *destination(b.destination)]
        case "RouteQueryAns":
            return [("chordroutequeryans.nodeid", colons(b.next_peer))]
        case "StoreReq":
            return [data(b.resource), ("store.replica_number", str(b.replica_number)), *groups(b.kind_data)]
        case "StoreAns":
            return store_answer(b)
        case "FetchReq" | "StatReq":
            return [data(b.resource), *specifiers(b.specifiers)]
        case "FetchAns" | "StatAns":
            return groups(b.kind_responses)
        case "FindReq":
            return [data(b.resource), *(("kindid", str(one)) for one in b.kinds)]
        case "FindAns":
            return [leaf for one in b.results for leaf in (("kinddata.kind", str(one.kind)), data(one.closest or b""))]
        case "ConfigUpdateReq":
            documents = {ConfigUpdateType.CONFIG: (b.config_data,), ConfigUpdateType.KIND: b.kinds}.get(b.type, ())
            return [("configupdatereq.type", str(int(b.type))), *xml(documents)]
        case "Error":
            info: Leaves
            match b.error_code:
                case ErrorCode.GENERATION_COUNTER_TOO_LOW:
                    info = store_answer(decode(StoreAns, b.error_info))
                case ErrorCode.UNKNOWN_KIND:
                    info = [("kindid", str(one)) for one in decode(UnknownKinds, b.error_info).kinds]
                case _:
                    info = [text(b.error_info)]
            return [("error_response.code", str(int(b.error_code))), *info]
        case _:
            return []


# --- the capture ------------------------------------------------------------------------------------------------------

HERE, THERE, ONWARD = (NodeID(bytes([letter]) * 16) for letter in b"htn")
ADDRESSES = {HERE: ("10.0.0.1", 6084), THERE: ("10.0.0.2", 6084), ONWARD: ("10.0.0.3", 6084)}


def tshark(*arguments: str) -> str:
    command = shutil.which("tshark")
    if command is None:
        if REQUIRED:
            pytest.fail("P2PSIP_REQUIRE_TSHARK is set, and there is no tshark")
        pytest.skip("tshark is not installed (Debian: apt-get install tshark)")
    kinds = f'uat:reload_kindids:"{PRIVATE}","PRIVATE","SINGLE"'
    done = subprocess.run(
        [command, "-n", "-o", kinds, *arguments], capture_output=True, text=True, check=True, timeout=120
    )
    return done.stdout


class Capture:
    """What tshark makes of a trace: a tree and a summary a packet."""

    def __init__(self, trace: Trace, path: Path) -> None:
        self.packets = export(trace, path, ADDRESSES, EPOCH)
        decoded = tshark("-r", str(path), "-T", "json", "-J", "reload reload-framing")
        pairs: Any = json.loads(decoded, object_pairs_hook=lambda found: found)
        self.trees = [find(packet, "layers") for packet in pairs]
        rows = tshark("-r", str(path), "-T", "fields", "-e", "_ws.col.Info", "-e", "_ws.expert.message")
        self.rows = [tuple(row.split("\t")) for row in rows.splitlines()]


@pytest.fixture(scope="module")
def capture(samples: Any, tmp_path_factory: pytest.TempPathFactory) -> Capture:
    trace = Trace()
    for i, sample in enumerate(samples.values()):
        code = open_envelope(sample.message).code
        trace.emit(MessageSent(i / 7, HERE, sample.transaction_id, code, THERE, sample.message))
    return Capture(trace, tmp_path_factory.mktemp("tshark") / "samples.pcap")


@pytest.fixture
def tree(capture: Capture, samples: Any, sample: Any) -> Any:
    return capture.trees[2 * list(samples).index(sample.name)]


def test_every_packet_is_there(capture: Capture, samples: Any) -> None:
    assert len(capture.trees) == len(capture.rows) == capture.packets == 2 * len(samples)


def test_every_method_is_in_the_capture(samples: Any) -> None:
    assert {type(sample.body) for sample in samples.values()} == set(BODIES.values())


def test_header(tree: Any, sample: Any) -> None:
    shown = said(find(tree, "reload.forwarding"))
    entries = [leaf for one in (*sample.via, *sample.destinations) for leaf in destination(one)]
    assert shown[:10] == [
        ("forwarding.token", "0xd2454c4f"),
        ("forwarding.overlay", "0x9aa32b8d"),
        ("forwarding.configuration_sequence", "1"),
        ("forwarding.version", "0x0a"),
        ("forwarding.ttl", str(sample.ttl)),
        ("forwarding.fragment", "0xc0000000"),
        ("forwarding.fragment.fragmented", "1"),
        ("forwarding.fragment.last", "1"),
        ("forwarding.fragment.reserved", "0"),
        ("forwarding.fragment.offset", "0"),
    ]
    # The list lengths end in ".length", so they are still here.
    assert shown[10:15] == [
        ("forwarding.trans_id", number(sample.transaction_id, 16)),
        ("forwarding.max_response_length", "0"),
        ("forwarding.via_list.length", str(len(encode_destinations(sample.via)))),
        ("forwarding.destination_list.length", str(len(encode_destinations(sample.destinations)))),
        ("forwarding.options.length", str(len(encode_options(sample.options)))),
    ]
    assert shown[15 : 15 + len(entries)] == entries
    options = dict(shown[15 + len(entries) :])
    if sample.options:
        assert (options["opaque.data"], options["routemode"], options["ipv4addr"]) == (
            colons(sample.options[0].value), "1", "192.0.2.1",
        )  # fmt: skip
        assert options["forwarding.option.flags.destination_critical"] == "0"
    else:
        assert options == {}


def test_body(tree: Any, sample: Any) -> None:
    contents = find(tree, "reload.message.contents")
    assert find(contents, "reload.message.code") == str(int(sample.body.code))
    if sample.name not in UNDISSECTED:
        assert said(find(contents, "reload.message.body")) == meant(sample.body)
    added = said(find(contents, "reload.message.extensions"))
    assert [leaf for leaf in added if leaf[0] != "message_extension.content"] == [
        leaf
        for one in sample.extensions
        for leaf in (
            ("message_extension.type", str(one.type)),
            ("message_extension.critical", str(int(one.critical))),
            *([data(one.contents)] if one.contents else []),
        )
    ]


def test_security(tree: Any, sample: Any, certificate: bytes) -> None:
    block = find(tree, "reload.security_block")
    lengths = [value for key, value in leaves(block) if key == "length.16"]
    assert lengths[:2] == [str(len(certificate) + 3), str(len(certificate))]
    assert find(block, "x509ce.rfc822Name") == "alice@overlay.example.org"
    shown = said(block)
    assert shown[0] == ("certificate.type", "0")
    assert shown[1:] == signature(decode_message(sample.message, IANA_KINDS).security.signature)


def test_every_message_has_a_summary_and_only_named_expert_marks(capture: Capture, samples: Any) -> None:
    marks = set()
    for name, (info, expert) in zip(samples, capture.rows[::2], strict=True):
        assert info.endswith(("Request", "Response")) or info.startswith("Error Response "), name
        if expert:
            marks.add((name, expert))
    assert marks == EXPERTS
    assert all(not expert for _, expert in capture.rows[1::2])
    assert not any("_ws.malformed" in str(one) for one in capture.trees)


def test_frames_and_acknowledgements(capture: Capture) -> None:
    for i, (frame, acknowledgement) in enumerate(zip(capture.trees[::2], capture.trees[1::2], strict=True)):
        sent = dict(leaves(find(frame, "reload-framing")))
        assert (sent["reload_framing.type"], sent["reload_framing.sequence"]) == ("128", str(i))
        taken = dict(leaves(find(acknowledgement, "reload-framing")))
        assert (taken["reload_framing.type"], taken["reload_framing.ack_sequence"]) == ("129", str(i))
        assert int(taken["reload_framing.received"], 16) == (1 << min(i, 32)) - 1


def test_fragments_join_again(samples: Any, tmp_path: Path) -> None:
    trace = Trace()
    sample = samples["store_req"]
    for i, piece in enumerate(fragment(sample.message, 700)):
        trace.emit(MessageForwarded(float(i), THERE, sample.transaction_id, 7, HERE, ONWARD, piece))
    got = Capture(trace, tmp_path / "fragments.pcap")
    assert got.packets == 4
    assert said(find(got.trees[2], "reload.message.body")) == meant(sample.body)
    assert not any(expert for _, expert in got.rows)
