"""Bytes written by hand from RFC 6940's structures, and one vector for each place where the RFC leaves a choice.

Nothing here was produced by the code under test: each line of hex names the field that it spells.
"""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from p2psip_min.errors import Malformed
from p2psip_min.ids import WILDCARD, NodeID, OpaqueID, ResourceID, overlay_hash
from p2psip_min.storage.quota import entry_key
from p2psip_min.storage.readership import list_key
from p2psip_min.wire.address import IpAddressPort
from p2psip_min.wire.codec import decode, encode
from p2psip_min.wire.data import (
    ArrayEntry,
    ArrayRange,
    DictionaryEntry,
    FetchKindResponse,
    SingleValue,
    StatKindResponse,
    StoredData,
    StoredDataSpecifier,
    StoreKindData,
    meta_data,
    signed_input,
    signed_value,
)
from p2psip_min.wire.encrypted import EncryptedValue, encrypted_kind
from p2psip_min.wire.framing import frame_ack
from p2psip_min.wire.grants import Grant, Operations, grant_key
from p2psip_min.wire.header import (
    HEADER_LENGTH,
    WHOLE,
    add_options,
    decode_destinations,
    encode_destination,
    open_envelope,
    reroute,
)
from p2psip_min.wire.kinds import IANA_KINDS, OUR_KINDS, SipRegistration, SipRegistrationType, TurnServer
from p2psip_min.wire.message import (
    OTHER_NEXT_HOPS,
    MessageExtension,
    decode_message,
    encode_contents,
    encode_message,
)
from p2psip_min.wire.messages import (
    AppAttachReq,
    AttachReq,
    Candidate,
    ChordLeaveData,
    ChordLeaveType,
    ChordUpdate,
    ChordUpdateType,
    ConfigUpdateReq,
    ConfigUpdateType,
    DiagnosticExtension,
    DiagnosticInfo,
    DiagnosticsRequest,
    DiagnosticsResponse,
    ErrorCode,
    ErrorResponse,
    FetchReq,
    FindAns,
    FindKindData,
    FindReq,
    IceCandidate,
    IceExtension,
    JoinReq,
    PathTrackReq,
    PingAns,
    PingReq,
    ProbeAns,
    ProbeInformation,
    ProbeReq,
    RouteQueryAns,
    RouteQueryReq,
    StoreAns,
    StoreKindResponse,
    StoreReq,
    UnknownBody,
    UnknownKinds,
    UpdateAns,
)
from p2psip_min.wire.options import (
    ExtensiveRoutingModeOption,
    ForwardingOption,
    RoutingMode,
    alternate,
    encode_options,
    wanted_way,
)
from p2psip_min.wire.security import (
    UNSIGNED,
    SecurityBlock,
    Signature,
    SignerIdentity,
    encode_identity,
    encode_security,
    sign,
)
from p2psip_min.wire.statements import EXP_PROBE, MOST_NODES, stated_table, table_statement


def spelled(text: str) -> bytes:
    """The bytes of annotated hex: what follows "|" on a line is commentary."""
    return bytes.fromhex("".join(line.split("|")[0] for line in text.splitlines()))


N = NodeID(bytes.fromhex("aa" * 16))
M = NodeID(bytes.fromhex("bb" * 16))
FOO = ResourceID(b"FOO")

PING = """
    d2454c4f           | relo_token: "RELO" with the first bit set (§6.3.2)
    9aa32b8d           | overlay: low 32 bits of SHA-1("overlay.example.org"), 74b9a543…9aa32b8d
    0001 0a 64         | configuration sequence 1, version 1.0, ttl 100
    c0000000           | fragment: bit 31 always, bit 30 last, offset 0: whole (§6.7)
    00000064           | length: 100 bytes in all
    0123456789abcdef   | transaction id
    00000000           | max response length: any
    0012 0012 0000     | via 18, destinations 18, options 0 bytes
    0110 aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa | via: node, 16 bytes
    0110 ffffffffffffffffffffffffffffffff | destination: the wildcard
    0017 00000005 0003 787878             | Ping request, body of 5: padding of 3 (§6.5.3)
    00000000                              | no extensions
    0000                                  | no certificates (§6.3.4)
    0403                                  | SHA-256, ECDSA
    03 0000                               | identity none
    0002 abcd                             | signature value of 2
"""


def test_a_whole_message_spelled_by_hand() -> None:
    raw = spelled(PING)
    assert len(raw) == 100
    block = SecurityBlock((), Signature(4, 3, SignerIdentity(3), b"\xab\xcd"))
    made = encode_message(
        overlay=overlay_hash("overlay.example.org"),
        configuration_sequence=1,
        ttl=100,
        transaction_id=0x0123456789ABCDEF,
        via=encode_destination(N),
        destinations=encode_destination(WILDCARD),
        contents=encode_contents(PingReq(b"xxx")),
        security=encode_security(block),
    )
    assert made.hex() == raw.hex()
    message = decode_message(raw, IANA_KINDS)
    assert message.body == PingReq(b"xxx")
    assert (message.via, message.destinations, message.options) == ((N,), (WILDCARD,), ())
    assert (message.ttl, message.configuration_sequence, message.max_response_length) == (100, 1, 0)
    assert message.security == block
    envelope = open_envelope(raw)
    assert (envelope.fragment, envelope.code, envelope.body_offset) == (WHOLE, 0x17, HEADER_LENGTH + 36)


def test_a_hop_patches_ttl_lists_and_length_and_nothing_else() -> None:
    raw = spelled(PING)
    after = spelled(
        PING.replace("0001 0a 64", "0001 0a 63")
        .replace("00000064           |", "00000076           |")
        .replace("0012 0012 0000", "0024 0012 0000")
        .replace("| via: node, 16 bytes", "\n 0110 bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb | via: the previous hop")
    )
    envelope = open_envelope(raw)
    rerouted = reroute(envelope, ttl=99, via=envelope.via + encode_destination(M), destinations=envelope.destinations)
    assert rerouted.hex() == after.hex()


SIGNED = """
    0403 01 0005 04 03 c0ffee | SHA-256, ECDSA; identity: digest of a certificate, 5 bytes: SHA-256, 3 of digest
    0002 abcd                 | signature value of 2
"""
SIGNATURE = Signature(4, 3, SignerIdentity(1, 4, b"\xc0\xff\xee"), b"\xab\xcd")

STRUCTURES: list[tuple[str, object, str]] = [
    ("§6.3.1.1 IpAddressPort v4", IpAddressPort("192.0.2.1", 6084), "01 06 c0000201 17c4"),
    (
        "§6.3.1.1 IpAddressPort v6",
        IpAddressPort("2001:db8::1", 6084),
        "02 12 20010db8000000000000000000000001 17c4",
    ),
    ("§6.3.2.3 ForwardingOption", ForwardingOption(1, 0x05, b"ab"), "01 05 0002 6162"),
    (
        "RFC 7263 §6 ExtensiveRoutingModeOption",
        ExtensiveRoutingModeOption(RoutingMode.DIRECT_RESPONSE, 4, IpAddressPort("192.0.2.1", 6084), (N,)),
        "01 04 | direct response, TLS\n 0106 c0000201 17c4\n 12 0110" + "aa" * 16,
    ),
    ("§6.3.3 MessageExtension", MessageExtension(1, True, b"x"), "0001 01 00000001 78"),
    ("§6.3.3.1 ErrorResponse", ErrorResponse(ErrorCode.NOT_FOUND, b"no"), "0003 0002 6e6f"),
    ("§6.3.4 Signature", SIGNATURE, SIGNED),
    (
        "§6.3.4 SecurityBlock",
        SecurityBlock((b"DER",), SIGNATURE),
        "0006 | bucket\n 00 0003 444552 | X.509, 3 bytes\n" + SIGNED,
    ),
    ("§6.4.2.1 JoinReq", JoinReq(N), "aa" * 16 + "0000"),
    ("§6.4.2.4 RouteQueryReq", RouteQueryReq(True, FOO), "01 | send_update\n 02 04 03 464f4f\n 0000"),
    ("§10.8 RouteQueryAns", RouteQueryAns(N), "aa" * 16),
    ("§6.4.2.5 ProbeReq", ProbeReq((1, 3)), "02 01 03"),
    (
        "§6.4.2.5 ProbeAns",
        ProbeAns((ProbeInformation(1, 7), ProbeInformation(3, 600))),
        "000c 01 04 00000007 03 04 00000258",
    ),
    (
        "§14.13 ProbeAns with neighbors under the type for experiments",
        ProbeAns((table_statement((N, N)),)),
        "0022 04 20" + 2 * ("aa" * 16),
    ),
    (
        "§6.5.1 AttachReq with a host and a relayed candidate",
        AttachReq(
            b"u", b"pw", b"passive",
            (
                IceCandidate(IpAddressPort("192.0.2.1", 6084), 4, b"1", 0x7E0000FF, Candidate.HOST),
                IceCandidate(
                    IpAddressPort("192.0.2.2", 6084), 1, b"2", 1, Candidate.RELAY, IpAddressPort("192.0.2.3", 9),
                    (IceExtension(b"g", b"0"),),
                ),
            ),
            True,
        ),
        """
        01 75  02 7077  07 70617373697665 | ufrag, password, role
        0032                              | candidates: 18 + 32 bytes
        0106 c0000201 17c4 04 01 31 7e0000ff 01         | address, link TLS, foundation, priority, host
        0000                                            | no extensions
        0106 c0000202 17c4 01 01 32 00000001 04         | address, link DTLS, foundation, priority, relay
        0106 c0000203 0009                              | related address
        0006 0001 67 0001 30                            | an extension
        01                                              | send_update
        """,
    ),
    (
        "§6.5.2 AppAttachReq: no send_update",
        AppAttachReq(b"u", b"pw", 5060, b"active", ()),
        "01 75  02 7077  13c4  06 616374697665  0000",
    ),
    ("§6.5.3 PingAns", PingAns(1, 1_767_225_600_000), "0000000000000001 0000019b76daa800"),
    (
        "§7 StoreReq of a dictionary entry",
        StoreReq(FOO, 0, (StoreKindData(1, 9, (StoredData(5, 60, DictionaryEntry(b"k", True, b"v"), SIGNATURE),)),)),
        """
        03 464f4f 00                  | Resource-ID, replica number 0
        00000037                      | kind_data: 55 bytes
        00000001 0000000000000009     | Kind 1, generation 9
        00000027                      | values: 39 bytes
        00000023                      | length of what follows: 35
        0000000000000005 0000003c     | storage time 5 ms, lifetime 60 s
        0001 6b 01 00000001 76        | key "k", exists, value "v"
        """
        + SIGNED,
    ),
    (
        "§7.2.2 an array's element",
        FetchKindResponse(3, 1, (StoredData(5, 60, ArrayEntry(2, False, b""), UNSIGNED),)),
        """
        00000003 0000000000000001 00000020 0000001c 0000000000000005 0000003c
        00000002 00 00000000          | index 2, does not exist, no value
        0000 03 0000 0000             | nobody's signature
        """,
    ),
    (
        "§7.2.1 a single value",
        FetchKindResponse(2, 1, (StoredData(5, 60, SingleValue(True, b"v"), UNSIGNED),)),
        """
        00000002 0000000000000001 0000001d 00000019 0000000000000005 0000003c
        01 00000001 76
        0000 03 0000 0000
        """,
    ),
    (
        "§7.4.1.3 StoreAns",
        StoreAns((StoreKindResponse(1, 5, (N,)),)),
        "001e 00000001 0000000000000005 0010" + "aa" * 16,
    ),
    ("§7.4.4 FindReq", FindReq(FOO, (1, 2)), "03 464f4f 08 00000001 00000002"),
    (
        "§10.7 ChordUpdate neighbors",
        ChordUpdate(9, ChordUpdateType.NEIGHBORS, (N,), (M,)),
        "00000009 02 0010" + "aa" * 16 + "0010" + "bb" * 16,
    ),
    ("§10.7 ChordUpdate ready", ChordUpdate(9, ChordUpdateType.PEER_READY), "00000009 01"),
    (
        "§10.9 ChordLeaveData",
        ChordLeaveData(ChordLeaveType.FROM_PRED, (N,)),
        "02 0010" + "aa" * 16,
    ),
    (
        "RFC 7904 §3.2 a registered URI",
        SipRegistration(SipRegistrationType.URI, "bob@x"),
        "01 0007 0005 626f624078",
    ),
    (
        "RFC 7904 §3.2 a registered route",
        SipRegistration(SipRegistrationType.ROUTE, "", "p", (N,)),
        "02 0017 0001 70 0012 0110" + "aa" * 16,
    ),
    ("§9 TurnServer", TurnServer(1, IpAddressPort("192.0.2.7", 3478)), "01 0106 c0000207 0d96"),
    (
        "ours: an encrypted value with two slots",
        EncryptedValue(b"\x02" + b"\xee" * 32, b"\x11" * 32 + b"\x22" * 32, b"\xcc" * 17),
        "21 02" + "ee" * 32 + "0040" + "11" * 32 + "22" * 32 + "00000011" + "cc" * 17,
    ),
]  # fmt: skip


@pytest.mark.parametrize(("value", "text"), [row[1:] for row in STRUCTURES], ids=[row[0] for row in STRUCTURES])
def test_structure(value: Any, text: str) -> None:
    assert encode(value).hex() == spelled(text).hex()
    assert decode(type(value), spelled(text), IANA_KINDS) == value


# --- where the RFC leaves a choice; the numbers are those of the list in p2psip_min.wire ------------------------------


def test_choice_1_an_opaque_id_of_two_bytes_takes_the_short_form() -> None:
    assert encode_destination(OpaqueID(b"\x81\x23")).hex() == "8123"
    assert encode_destination(OpaqueID(b"\x01\x23")).hex() == "0303020123"
    both = decode_destinations(spelled("8123  03 03 02 8123"))
    assert both == (OpaqueID(b"\x81\x23"), OpaqueID(b"\x81\x23"))


def test_choice_2_two_lengths_of_an_entry_agree() -> None:
    assert encode_destination(FOO).hex() == "020403464f4f"
    with pytest.raises(Malformed):
        decode_destinations(spelled("02 04 02 464f4f"))


def test_choice_3_an_entry_of_a_later_type_is_malformed() -> None:
    with pytest.raises(Malformed):
        decode_destinations(spelled("04 01 00"))


def test_choice_4_is_the_bits_of_an_acknowledgement() -> None:
    assert frame_ack(4, 0b1011).hex() == "81000000040000000b"  # 3, 2 and 0 had arrived


def test_choice_5_a_values_signature_covers_the_resource_id_with_its_length() -> None:
    value, identity = encode(SingleValue(True, b"v")), encode_identity(SIGNATURE.identity)
    assert signed_input(FOO, 2, 5, value, identity) == spelled(
        """
        03 464f4f            | Resource-ID with its length byte
        00000002             | Kind
        0000000000000005     | storage time
        01 00000001 76       | the value
        01 0005 04 03 c0ffee | the identity
        """
    )


def test_choice_6_an_array_index_is_signed_as_zero() -> None:
    assert signed_value(ArrayEntry(0xFFFFFFFF, True, b"v")) == spelled("00000000 01 00000001 76")


def test_choice_7_values_of_an_unknown_kind_stay_bytes() -> None:
    raw = spelled("f0000001 0000000000000009 00000003 abcdef")
    group = decode(StoreKindData, raw, IANA_KINDS)
    assert group == StoreKindData(0xF0000001, 9, (), b"\xab\xcd\xef")
    assert encode(group) == raw


def test_choice_8_find_answers_none_by_an_empty_resource_id() -> None:
    raw = spelled("0005 00000002 00")
    assert encode(FindAns((FindKindData(2, None),))) == raw
    assert decode(FindAns, raw) == FindAns((FindKindData(2, None),))


def test_choice_9_the_first_length_of_metadata_counts_the_rest() -> None:
    # §7.4.3.2 calls the field value_length, as it does one inside; SHA-256 covers the value's length too.
    stored = StoredData(5, 60, SingleValue(True, b"v"), UNSIGNED)
    assert encode(StatKindResponse(2, 1, (meta_data(stored),))) == spelled(
        """
        00000002 0000000000000001 00000037 | Kind, generation, 55 bytes of values
        00000033                           | 51 bytes of rest
        0000000000000005 0000003c          | storage time, lifetime
        01 00000001 04                     | exists, one byte long, SHA-256
        20 581b23fae3d28126afa14fd93bb2c1e7fe7b15fc971f37570e48e38b4a3ac1de
        """
    )


def test_choice_10_diagnostics_carry_both_lengths_and_they_agree() -> None:
    request = DiagnosticsRequest(2, 1, 6, (DiagnosticExtension(0xF000, b"x"),))
    raw = spelled(
        """
        0000000000000002 0000000000000001 0000000000000006 | expiration, initiated, flags
        00000007 00000007                                  | ext_length, and the vector's own length
        f000 00000001 78
        """
    )
    assert encode(request) == raw
    assert decode(DiagnosticsRequest, raw) == request
    with pytest.raises(Malformed):
        decode(DiagnosticsRequest, raw[:27] + b"\x06" + raw[28:])
    response = DiagnosticsResponse(2, 1, 1, 97, (DiagnosticInfo(1, b"\x04"),))
    answer = spelled("0000000000000002 0000000000000001 0000000000000001 61 00000005 00000005 0001 0001 04")
    assert encode(response) == answer
    with pytest.raises(Malformed):
        decode(DiagnosticsResponse, answer[:28] + b"\x06" + answer[29:])
    assert encode(PathTrackReq(N, request)) == encode_destination(N) + raw


def test_choice_11_an_identity_of_type_none_is_empty_and_a_later_type_is_kept() -> None:
    assert encode_identity(SignerIdentity(3)).hex() == "030000"
    assert decode(SignerIdentity, spelled("09 0001 ff")) == SignerIdentity(9, 0, b"\xff")


def test_choice_12_only_x509_certificates_are_taken() -> None:
    with pytest.raises(Malformed):
        decode(SecurityBlock, spelled("0004 01 0001 aa 0000 03 0000 0000"))


def test_choice_14_both_lengths_of_a_config_update_agree() -> None:
    raw = spelled("01 00000005 000002 3c3e")
    assert encode(ConfigUpdateReq(ConfigUpdateType.CONFIG, b"<>")) == raw
    with pytest.raises(Malformed):
        decode(ConfigUpdateReq, spelled("01 00000006 000002 3c3e 00"))
    kinds = spelled("02 0000000a 000007 0002 3c3e 0001 78")
    assert encode(ConfigUpdateReq(ConfigUpdateType.KIND, kinds=(b"<>", b"x"))) == kinds
    assert decode(ConfigUpdateReq, spelled("07 00000001 ff")) == ConfigUpdateReq(7, raw=b"\xff")


def test_choice_15_a_boolean_is_zero_or_one() -> None:
    assert decode(SingleValue, spelled("01 00000000")).exists is True
    with pytest.raises(Malformed):
        decode(SingleValue, spelled("02 00000000"))


def test_choice_16_probe_information_of_a_later_type_is_kept() -> None:
    raw = spelled("0003 09 01 ff")
    assert decode(ProbeAns, raw) == ProbeAns((ProbeInformation(9, 0, b"\xff"),))
    assert encode(decode(ProbeAns, raw)) == raw


def test_choice_17_a_specifiers_inner_vector_has_its_own_length() -> None:
    asked = FetchReq(
        FOO,
        (
            StoredDataSpecifier(2),
            StoredDataSpecifier(3, indices=(ArrayRange(0, -1),)),
            StoredDataSpecifier(1, keys=()),
            StoredDataSpecifier(1, keys=(b"k",)),
        ),
    )
    raw = spelled(
        """
        03 464f4f 0049
        00000002 0000000000000000 0000                        | single: nothing
        00000003 0000000000000000 000a 0008 00000000 ffffffff | array: one range, 0 to the last
        00000001 0000000000000000 0002 0000                   | dictionary: all of it
        00000001 0000000000000000 0005 0003 0001 6b           | dictionary: the key "k"
        """
    )
    assert encode(asked).hex() == raw.hex()
    assert decode(FetchReq, raw, IANA_KINDS) == asked


def test_choice_18_trailing_bytes_are_malformed() -> None:
    assert encode(UpdateAns()) == b""
    with pytest.raises(Malformed):
        decode(UpdateAns, b"\x00")
    longer = spelled(PING.replace("00000064           |", "00000065           |") + "00")
    with pytest.raises(Malformed, match="trailing"):
        decode_message(longer, IANA_KINDS)


def test_choice_19_a_code_without_a_method_is_no_parse_error() -> None:
    message = decode_message(spelled(PING.replace("0017 00000005", "0023 00000005")), IANA_KINDS)
    assert message.code == 0x23
    assert message.body == UnknownBody(b"\x00\x03xxx")


def test_choice_20_an_error_that_names_kinds_counts_them_in_one_byte() -> None:
    raw = spelled("000c 0005 04 f0000001")
    assert encode(ErrorResponse(ErrorCode.UNKNOWN_KIND, encode(UnknownKinds((0xF0000001,))))) == raw


def test_choice_21_an_ecdsa_signature_is_der() -> None:
    key = ec.derive_private_key(1, ec.SECP256R1())
    signature = sign(key, SignerIdentity(3), b"")
    assert signature.value[0] == 0x30  # SEQUENCE of two INTEGERs
    assert signature.value[1] == len(signature.value) - 2
    assert signature.value[2] == 0x02


def test_choice_22_the_kinds_of_encrypted_values_are_private_ones() -> None:
    assert [encrypted_kind(kind) for kind in (1, 0x10, 0xF0000001)] == [0xFE000001, 0xFE000010, 0xFE800001]


def test_choice_23_another_way_is_asked_for_by_an_option_of_one_byte() -> None:
    assert alternate(0) == b""
    assert alternate(2) == spelled("a0 00 0001 02")
    assert [wanted_way(raw) for raw in (b"", alternate(2), spelled("a0 00 0002 0102"))] == [0, 2, 0]


def test_choice_24_further_next_hops_are_a_list_in_an_extension() -> None:
    extension = MessageExtension(OTHER_NEXT_HOPS, False, encode_destination(N) + encode_destination(M))
    raw = encode_contents(RouteQueryAns(N), (extension,))
    assert raw == spelled(
        """
        0016 00000010 aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa   | RouteQueryAns: the best next hop
        0000002b                                         | extensions, 43 bytes
        00a0 00 00000024                                 | type 160, not critical, 36 bytes
        0110 aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa 0110 bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb
        """
    )


def test_choice_25_a_grant_says_itself_what_it_allows_and_when_it_ends() -> None:
    grant = Grant(b"bob@x", 0xF0000041, False, Operations.WRITE | Operations.REMOVE, 0x0102030405060708)
    assert encode(grant) == spelled("0005 626f624078 f0000041 00 03 0102030405060708")
    assert decode(Grant, encode(grant)) == grant
    assert grant_key(N, 2) == spelled("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa 02")
    assert list(OUR_KINDS) == [0xF0000031, 0xF0000032, 0xF0000033, 0xF0000034, 0xF0000035]
    assert entry_key(bytes(16), 0xF0000041, b"k") == bytes(16) + spelled("f0000041 6b")
    assert list_key(1, "bob@x") == list_key(encrypted_kind(1), "bob@x") == spelled("00000001 626f624078")


def test_options_are_added_behind_others_and_leave_the_rest_alone() -> None:
    plain = spelled(PING)
    twice = add_options(add_options(plain, spelled("01 00 0000")), alternate(1))
    before, after = open_envelope(plain), open_envelope(twice)
    assert after.options == spelled("01 00 0000  a0 00 0001 01")
    assert (after.via, after.destinations, after.ttl) == (before.via, before.destinations, before.ttl)
    assert twice[after.body_offset :] == plain[before.body_offset :]


def test_options_follow_each_other() -> None:
    options = (ForwardingOption(1, 0, b""), ForwardingOption(2, 1, b"x"))
    assert encode_options(options) == spelled("01 00 0000  02 01 0001 78")


def test_a_table_statement_has_whole_node_ids_and_as_many_as_fit() -> None:
    assert stated_table(ProbeAns((table_statement((N,) * 20),))) == (N,) * MOST_NODES
    assert stated_table(ProbeAns((ProbeInformation(3, 5),))) == ()
    with pytest.raises(Malformed):
        stated_table(ProbeAns((ProbeInformation(EXP_PROBE, 0, b"short"),)))
