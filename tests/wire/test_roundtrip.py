"""decode(encode(x)) is x for every structure of every message, whatever its fields hold."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2psip_min.errors import LocalProtocolError, Malformed
from p2psip_min.ids import NodeID, OpaqueID, ResourceID
from p2psip_min.wire import data, diagnostics, kinds, messages, options, security
from p2psip_min.wire.address import IpAddressPort
from p2psip_min.wire.codec import decode, encode
from p2psip_min.wire.kinds import IANA_KINDS, AccessPolicy, DataModel, KindSpec
from p2psip_min.wire.message import MessageExtension, decode_message, encode_contents, encode_message
from p2psip_min.wire.messages import BODIES
from p2psip_min.wire.security import encode_security

u8, u16, u32, u64 = (st.integers(0, 2**bits - 1) for bits in (8, 16, 32, 64))
short, text = st.binary(max_size=20), st.text(max_size=12)
nodes = st.binary(min_size=16, max_size=16).map(NodeID)
resources = st.binary(min_size=1, max_size=40).map(ResourceID)
destinations = st.one_of(nodes, resources, st.binary(max_size=20).map(OpaqueID))
addresses = st.builds(
    IpAddressPort,
    st.one_of(st.ip_addresses(v=4).map(str), st.ip_addresses(v=6).map(str)),
    u16,
)


def some(item: st.SearchStrategy[Any], most: int = 3) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(item, max_size=most).map(tuple)


identities = st.one_of(
    st.builds(security.SignerIdentity, st.sampled_from([1, 2]), u8, short),
    st.just(security.NO_IDENTITY),
    st.builds(security.SignerIdentity, st.integers(4, 255), st.just(0), short),
)
signatures = st.builds(security.Signature, u8, u8, identities, short)
blocks = st.builds(security.SecurityBlock, some(short), signatures)

MODELS = {
    2: (st.builds(data.SingleValue, st.booleans(), short), st.builds(data.MetaData, st.booleans(), u32, u8, short)),
    3: (
        st.builds(data.ArrayEntry, u32, st.booleans(), short),
        st.builds(data.ArrayEntryMeta, u32, st.booleans(), u32, u8, short),
    ),
    1: (
        st.builds(data.DictionaryEntry, short, st.booleans(), short),
        st.builds(data.DictionaryEntryMeta, short, st.booleans(), u32, u8, short),
    ),
}
UNKNOWN_KIND = 0xF0000001


@st.composite
def groups(draw: st.DrawFn, cls: Any) -> Any:
    kind = draw(st.sampled_from([1, 2, 3, UNKNOWN_KIND]))
    generation = draw(u64)
    if kind == UNKNOWN_KIND:
        return cls(kind, generation, (), draw(short))
    value, meta = MODELS[kind]
    item = (
        st.builds(data.StoredMetaData, u64, u32, meta)
        if cls is data.StatKindResponse
        else st.builds(data.StoredData, u64, u32, value, signatures)
    )
    return cls(kind, generation, draw(some(item)))


ranges = st.builds(data.ArrayRange, st.integers(-(2**31), 2**31 - 1), st.integers(-(2**31), 2**31 - 1))
specifiers = st.one_of(
    st.builds(data.StoredDataSpecifier, st.just(2), u64),
    st.builds(data.StoredDataSpecifier, st.just(3), u64, indices=some(ranges)),
    st.builds(data.StoredDataSpecifier, st.just(1), u64, keys=some(short)),
    st.builds(data.StoredDataSpecifier, st.just(UNKNOWN_KIND), u64, raw=short),
)
host = st.builds(
    messages.IceCandidate, addresses, u8, short, u32, st.just(messages.Candidate.HOST), st.none(),
    some(st.builds(messages.IceExtension, short, short)),
)  # fmt: skip
candidates = some(
    st.one_of(
        host,
        st.builds(
            messages.IceCandidate, addresses, u8, short, u32,
            st.sampled_from([messages.Candidate.SERVER_REFLEXIVE, messages.Candidate.RELAY]), addresses,
            some(st.builds(messages.IceExtension, short, short)),
        ),
    )
)  # fmt: skip
asked = st.builds(
    diagnostics.DiagnosticsRequest, u64, u64, u64, some(st.builds(diagnostics.DiagnosticExtension, u16, short))
)
told = st.builds(
    diagnostics.DiagnosticsResponse, u64, u64, u64, u8, some(st.builds(diagnostics.DiagnosticInfo, u16, short))
)
facts = st.one_of(
    st.builds(messages.ProbeInformation, st.sampled_from(list(messages.ProbeInformationType)), u32),
    st.builds(messages.ProbeInformation, st.integers(4, 255), st.just(0), short),
)
updates = st.one_of(
    st.builds(messages.ChordUpdate, u32, st.just(messages.ChordUpdateType.PEER_READY)),
    st.builds(messages.ChordUpdate, u32, st.just(messages.ChordUpdateType.NEIGHBORS), some(nodes), some(nodes)),
    st.builds(
        messages.ChordUpdate, u32, st.just(messages.ChordUpdateType.FULL), some(nodes), some(nodes), some(nodes, 20)
    ),
)
configurations = st.one_of(
    st.builds(messages.ConfigUpdateReq, st.just(messages.ConfigUpdateType.CONFIG), config_data=short),
    st.builds(messages.ConfigUpdateReq, st.just(messages.ConfigUpdateType.KIND), kinds=some(short)),
    st.builds(messages.ConfigUpdateReq, st.integers(3, 255), raw=short),
)
B = st.builds
BODY: dict[type, st.SearchStrategy[Any]] = {
    messages.PingReq: B(messages.PingReq, short),
    messages.PingAns: B(messages.PingAns, u64, u64),
    messages.ProbeReq: B(messages.ProbeReq, some(u8)),
    messages.ProbeAns: B(messages.ProbeAns, some(facts)),
    messages.AttachReq: B(messages.AttachReq, short, short, short, candidates, st.booleans()),
    messages.AttachAns: B(messages.AttachAns, short, short, short, candidates, st.booleans()),
    messages.AppAttachReq: B(messages.AppAttachReq, short, short, u16, short, candidates),
    messages.AppAttachAns: B(messages.AppAttachAns, short, short, u16, short, candidates),
    messages.JoinReq: B(messages.JoinReq, nodes, short),
    messages.JoinAns: B(messages.JoinAns, short),
    messages.LeaveReq: B(messages.LeaveReq, nodes, short),
    messages.LeaveAns: B(messages.LeaveAns),
    messages.UpdateReq: B(messages.UpdateReq, st.one_of(short, updates.map(encode))),
    messages.UpdateAns: B(messages.UpdateAns),
    messages.RouteQueryReq: B(messages.RouteQueryReq, st.booleans(), destinations, short),
    messages.RouteQueryAns: B(messages.RouteQueryAns, nodes),
    messages.StoreReq: B(messages.StoreReq, resources, u8, some(groups(data.StoreKindData))),
    messages.StoreAns: B(messages.StoreAns, some(B(messages.StoreKindResponse, u32, u64, some(nodes)))),
    messages.FetchReq: B(messages.FetchReq, resources, some(specifiers)),
    messages.FetchAns: B(messages.FetchAns, some(groups(data.FetchKindResponse))),
    messages.StatReq: B(messages.StatReq, resources, some(specifiers)),
    messages.StatAns: B(messages.StatAns, some(groups(data.StatKindResponse))),
    messages.FindReq: B(messages.FindReq, resources, some(u32)),
    messages.FindAns: B(messages.FindAns, some(B(messages.FindKindData, u32, st.one_of(st.none(), resources)))),
    messages.ConfigUpdateReq: configurations,
    messages.ConfigUpdateAns: B(messages.ConfigUpdateAns),
    messages.PathTrackReq: B(messages.PathTrackReq, destinations, asked),
    messages.PathTrackAns: B(messages.PathTrackAns, destinations, told),
    messages.ErrorResponse: B(messages.ErrorResponse, u16, short),
}
OTHERS: dict[type, st.SearchStrategy[Any]] = {
    messages.ChordUpdate: updates,
    messages.ChordLeaveData: B(messages.ChordLeaveData, st.sampled_from(list(messages.ChordLeaveType)), some(nodes)),
    messages.UnknownKinds: B(messages.UnknownKinds, some(u32)),
    security.SecurityBlock: blocks,
    kinds.TurnServer: B(kinds.TurnServer, u8, addresses),
    kinds.SipRegistration: st.one_of(
        B(kinds.SipRegistration, st.just(kinds.SipRegistrationType.URI), text),
        B(
            kinds.SipRegistration, st.just(kinds.SipRegistrationType.ROUTE), st.just(""), text,
            st.lists(destinations, min_size=1, max_size=3).map(tuple),
        ),
    ),
    options.ExtensiveRoutingModeOption: B(
        options.ExtensiveRoutingModeOption, st.sampled_from(list(options.RoutingMode)), u8, addresses,
        some(destinations, 2),
    ),
}  # fmt: skip
extensions = some(B(MessageExtension, u16, st.booleans(), short))
ALL = BODY | OTHERS


def test_every_message_is_here() -> None:
    assert set(BODY) == set(BODIES.values())


@pytest.mark.parametrize("cls", list(ALL), ids=[cls.__name__ for cls in ALL])
@settings(max_examples=40)
@given(st.data())
def test_structure(cls: type, source: Any) -> None:
    value = source.draw(ALL[cls])
    raw = encode(value)
    assert decode(cls, raw, IANA_KINDS) == value
    # Without the Kinds the values stay bytes, and nothing is lost.
    assert encode(decode(cls, raw)) == raw


@settings(max_examples=150)
@given(st.one_of(*BODY.values()), extensions, blocks, u64)
def test_message(body: Any, added: tuple[MessageExtension, ...], block: security.SecurityBlock, number: int) -> None:
    contents = encode_contents(body, added)
    raw = encode_message(
        overlay=1, configuration_sequence=2, ttl=3, transaction_id=number, destinations=b"", contents=contents,
        security=encode_security(block),
    )  # fmt: skip
    message = decode_message(raw, IANA_KINDS)
    assert (message.body, message.extensions, message.security) == (body, added, block)
    assert (message.code, message.contents, message.transaction_id) == (type(body).code, contents, number)


@pytest.mark.parametrize("cls", [cls for cls in ALL if cls is not messages.UpdateReq], ids=lambda cls: cls.__name__)
@settings(max_examples=10)
@given(st.data())
def test_every_truncation_is_malformed(cls: type, source: Any) -> None:
    raw = encode(source.draw(ALL[cls]))
    for size in range(len(raw)):
        with pytest.raises(Malformed) as caught:
            decode(cls, raw[:size], IANA_KINDS)
        assert 0 <= caught.value.offset <= size


def test_structures_are_values(sample) -> None:
    again = sample.decoded().body
    assert again is not sample.body
    assert hash(again) == hash(sample.body)


def test_node_ids_keep_their_type() -> None:
    update = messages.ChordUpdate(1, messages.ChordUpdateType.NEIGHBORS, (NodeID(bytes(16)),))
    again = decode(messages.ChordUpdate, encode(update))
    assert [type(node) for node in again.predecessors] == [NodeID]
    assert again.type is messages.ChordUpdateType.NEIGHBORS


def test_a_registry_learns_kinds_without_forgetting() -> None:
    spec = KindSpec(UNKNOWN_KIND, "PRIVATE", DataModel.SINGLE, AccessPolicy.USER_MATCH, 1, 100)
    wider = IANA_KINDS.with_kind(spec)
    assert set(wider) == {*IANA_KINDS, UNKNOWN_KIND}
    assert UNKNOWN_KIND not in IANA_KINDS
    value = data.StoredData(1, 2, data.SingleValue(True, b"v"), security.UNSIGNED)
    raw = encode(data.StoreKindData(UNKNOWN_KIND, 0, (value,)))
    assert decode(data.StoreKindData, raw, wider).values == (value,)
    assert decode(data.StoreKindData, raw, IANA_KINDS).values == ()


NODE = NodeID(bytes(16))
ADDRESS = IpAddressPort("192.0.2.1", 1)
TOO_LONG = bytes(65536)


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(messages.PingReq(TOO_LONG), id="vector too long"),
        pytest.param(messages.PingAns(-1, 0), id="negative number"),
        pytest.param(messages.PingAns(1 << 64, 0), id="number too large"),
        pytest.param(messages.RouteQueryAns(b"short"), id="Node-ID of another length"),
        pytest.param(messages.StoreKindResponse(1, 1, (b"short",)), id="Node-ID in a list of another length"),
        pytest.param(messages.ConfigUpdateReq(1, bytes(1 << 24)), id="24-bit vector too long"),
        pytest.param(messages.ChordUpdate(1, 9), id="unknown Update"),
        pytest.param(messages.ChordUpdate(1, 1, (NODE,)), id="lists in a ready Update"),
        pytest.param(messages.ChordUpdate(1, 2, (), (), (NODE,)), id="fingers in a neighbors Update"),
        pytest.param(messages.ProbeInformation(1, -1), id="negative fact"),
        pytest.param(messages.IceCandidate(ADDRESS, 1, b"", 1, 3), id="unknown candidate"),
        pytest.param(messages.IceCandidate(ADDRESS, 1, b"", 1, 1, ADDRESS), id="host candidate with a base"),
        pytest.param(messages.IceCandidate(ADDRESS, 1, b"", 1, 4), id="relay candidate without a base"),
        pytest.param(IpAddressPort("example.org", 1), id="name for an address"),
        pytest.param(IpAddressPort("192.0.2.1", 65536), id="port too large"),
        pytest.param(data.StoreKindData(1, -1, ()), id="negative generation"),
        pytest.param(
            data.StoreKindData(1, 0, (data.StoredData(1, 1, data.SingleValue(True, b""), security.UNSIGNED),), b"x"),
            id="values and raw",
        ),
        pytest.param(
            data.StoreKindData(1, 0, (data.StoredData(-1, 1, data.SingleValue(True, b""), security.UNSIGNED),)),
            id="negative storage time",
        ),
        pytest.param(
            data.StatKindResponse(1, 0, (data.StoredMetaData(-1, 1, data.MetaData(True, 0, 4, b"")),)),
            id="negative time of metadata",
        ),
        pytest.param(data.StoredDataSpecifier(1, keys=(TOO_LONG,)), id="key too long"),
        pytest.param(data.StoredDataSpecifier(3, indices=(data.ArrayRange(1 << 31, 0),)), id="index too large"),
        pytest.param(kinds.SipRegistration(9), id="unknown registration"),
        pytest.param(kinds.SipRegistration(2), id="empty route"),
        pytest.param(kinds.SipRegistration(1, "x" * 65536), id="uri too long"),
    ],
)
def test_what_does_not_fit_is_our_own_mistake(value: Any) -> None:
    with pytest.raises(LocalProtocolError):
        encode(value)


@pytest.mark.parametrize(
    ("cls", "raw"),
    [
        pytest.param(IpAddressPort, "0304c0000201", id="address of a later type"),
        pytest.param(IpAddressPort, "0112" + "00" * 18, id="IPv4 address of IPv6 length"),
        pytest.param(messages.ChordUpdate, "00000001" "04", id="unknown Update"),
        pytest.param(messages.ChordLeaveData, "030000", id="unknown Leave"),
        pytest.param(messages.ChordLeaveData, "01" "0011" + "00" * 17, id="list that is not whole Node-IDs"),
        pytest.param(messages.FindReq, "0161" "03" "000000", id="list that is not whole Kind-IDs"),
        pytest.param(messages.FindReq, "00" "00", id="empty Resource-ID"),
        pytest.param(messages.ProbeAns, "0003" "010100", id="fact that is not four bytes"),
        pytest.param(kinds.SipRegistration, "01" "0003" "0001" "ff", id="uri that is not UTF-8"),
        pytest.param(kinds.SipRegistration, "02" "0004" "0000" "0000", id="empty route"),
        pytest.param(kinds.SipRegistration, "03" "0000", id="registration of a later type"),
        pytest.param(kinds.SipRegistration, "01" "0004" "0001" "6162", id="registration with trailing bytes"),
        pytest.param(data.StoredDataSpecifier, "00000002" + "00" * 8 + "0001" "00", id="part of a single value"),
        pytest.param(data.StoredDataSpecifier, "00000003" + "00" * 8 + "0003" "0001" "00", id="range cut short"),
        pytest.param(data.StoredDataSpecifier, "00000001" + "00" * 8 + "0005" "0003" "0002" "61", id="key cut short"),
        pytest.param(data.StoredDataSpecifier, "00000001" + "00" * 8 + "0003" "0001" "00", id="key without length"),
        pytest.param(data.StoredDataSpecifier, "00000001" + "00" * 8 + "0002" "0001", id="lengths that disagree"),
        pytest.param(data.StoreKindData, "00000002" + "00" * 8 + "00000004" "00000000", id="value cut short"),
        pytest.param(data.StoreKindData, "00000002" + "00" * 8 + "00000010" "0000000b" + "00" * 12, id="low length"),
        pytest.param(data.StoreKindData, "00000002" + "00" * 8 + "00000010" "ffffffff" + "00" * 12, id="high length"),
        pytest.param(data.StatKindResponse, "00000002" + "00" * 8 + "00000004" "00000000", id="metadata cut short"),
        pytest.param(data.StatKindResponse, "00000002" + "00" * 8 + "00000010" "0000000b" + "00" * 12, id="low length"),
        pytest.param(
            data.StatKindResponse, "00000002" + "00" * 8 + "00000018" "00000014" + "00" * 20, id="metadata with more"
        ),
        pytest.param(
            data.StoreKindData, "00000002" + "00" * 8 + "0000001d" "00000019" + "00" * 19 + "03" + "00" * 5,
            id="value with more",
        ),
        pytest.param(messages.ConfigUpdateReq, "02" "00000006" "000003" "000261", id="Kind cut short"),
        pytest.param(messages.RouteQueryReq, "02" "0110" + "00" * 16 + "0000", id="boolean of two"),
    ],
)  # fmt: skip
def test_malformed(cls: type, raw: str) -> None:
    with pytest.raises(Malformed):
        decode(cls, bytes.fromhex(raw), IANA_KINDS)
