"""What becomes of a message: every reason to drop one, and what a forwarded one looks like (RFC 6940 §6.1, §6.2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2psip_min.errors import DropReason
from p2psip_min.ids import WILDCARD, Destination, NodeID, OpaqueID, ResourceID
from p2psip_min.routing.forwarding import Decision, Deliver, Drop, Forward, Forwarder
from p2psip_min.routing.progress import EachHopNearer
from p2psip_min.routing.topology.chord import Chord
from p2psip_min.routing.topology.client import ClientTopology
from p2psip_min.wire.codes import ErrorCode
from p2psip_min.wire.header import (
    FRAGMENT,
    WHOLE,
    Envelope,
    build_header,
    decode_destinations,
    encode_destinations,
    open_envelope,
)
from p2psip_min.wire.options import (
    DESTINATION_CRITICAL,
    FORWARD_CRITICAL,
    RESPONSE_COPY,
    ForwardingOption,
    encode_options,
)

OVERLAY = 0x1234
REQUEST, ANSWER, ERROR = 0x17, 0x18, 0xFFFF


def node(place: int) -> NodeID:
    """A Node-ID that begins with ``place``."""
    return NodeID.from_int(place << 120)


ME, CLIENT, PREVIOUS, STRANGER = node(100), node(95), node(90), node(222)
RING = [node(place) for place in (10, 40, 70, 80, 90, 100, 110, 120, 130, 200)]
MINE = ResourceID(node(93))
FAR = ResourceID(node(150))


@dataclass
class Link:
    """What forwarding sees of a link."""

    remote: NodeID


def made(**policies: Any) -> Forwarder:
    """Node 100 in a settled ring, linked with its table and one client."""
    chord = Chord(ME)
    chord.settle(RING)
    linked = {node: Link(node) for node in (*chord.table(), CLIENT)}
    return Forwarder(ME, OVERLAY, chord, linked.__contains__, initial_ttl=30, linked=linked, **policies)


@pytest.fixture
def forwarder() -> Forwarder:
    """The usual one."""
    return made()


def message(
    *destinations: Destination, code: int = REQUEST, via: tuple[Destination, ...] = (), raw: bytes = b"", **fields: Any
) -> Envelope:
    """A message of our overlay with ttl 20 and a body that no forwarder reads."""
    contents = code.to_bytes(2, "big") + b"unread"
    header = {"overlay": OVERLAY, "ttl": 20, "configuration_sequence": 3, "transaction_id": 7} | fields
    head = build_header(
        **header,
        contents_length=len(contents),
        via=encode_destinations(via),
        destinations=raw or encode_destinations(destinations),
    )
    return open_envelope(head + contents)


def forwarded(decision: Decision) -> tuple[NodeID, Envelope]:
    """Where it goes, and what is sent."""
    assert isinstance(decision, Forward)
    return decision.next_hop, open_envelope(decision.message)


# --- delivered ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "destinations", [(MINE,), (ME,), (WILDCARD,), (WILDCARD, STRANGER), (ME, MINE), (ME, WILDCARD)]
)
def test_what_is_for_us_is_delivered(forwarder: Forwarder, destinations: tuple[Destination, ...]) -> None:
    assert isinstance(forwarder.decide(message(*destinations), PREVIOUS, 0.0), Deliver)
    assert isinstance(forwarder.decide(message(*destinations, ttl=0), PREVIOUS, 0.0), Deliver)
    assert isinstance(forwarder.decide(message(*destinations), None, 0.0), Deliver)


def test_our_node_id_as_a_resource_is_ours_too(forwarder: Forwarder) -> None:
    assert isinstance(forwarder.decide(message(ResourceID(ME)), PREVIOUS, 0.0), Deliver)


# --- forwarded ----------------------------------------------------------------------------------------------------


def test_a_request_takes_the_way_back_along(forwarder: Forwarder) -> None:
    envelope = message(FAR, via=(node(3), node(4)))
    next_hop, sent = forwarded(forwarder.decide(envelope, PREVIOUS, 0.0))
    assert next_hop == node(130)
    assert decode_destinations(sent.via) == (node(3), node(4), PREVIOUS)
    assert decode_destinations(sent.destinations) == (FAR,)
    assert sent.ttl == 19
    assert sent.transaction_id == 7
    assert sent.data[sent.body_offset :] == envelope.data[envelope.body_offset :]


@pytest.mark.parametrize("code", [ANSWER, ERROR])
def test_an_answer_does_not(forwarder: Forwarder, code: int) -> None:
    next_hop, sent = forwarded(forwarder.decide(message(ME, node(110), node(3), code=code), PREVIOUS, 0.0))
    assert next_hop == node(110)
    assert sent.via == b""
    assert decode_destinations(sent.destinations) == (node(110), node(3))
    assert sent.ttl == 19


def test_in_an_unsigned_overlay_an_answer_does_too(forwarder: Forwarder) -> None:
    unsigned = Forwarder(ME, OVERLAY, forwarder.topology, lambda other: other == node(110), unsigned=True)
    _, sent = forwarded(unsigned.decide(message(ME, node(110), node(3), code=ANSWER), PREVIOUS, 0.0))
    assert decode_destinations(sent.via) == (PREVIOUS,)
    _, sent = forwarded(unsigned.decide(message(node(110), code=ANSWER), None, 0.0))
    assert sent.via == b""


def test_a_later_fragment_takes_the_way_back_along(forwarder: Forwarder) -> None:
    _, sent = forwarded(forwarder.decide(message(FAR, code=ANSWER, fragment=0x80000100), PREVIOUS, 0.0))
    assert decode_destinations(sent.via) == (PREVIOUS,)


def test_our_own_message_starts_with_an_empty_way_back(forwarder: Forwarder) -> None:
    next_hop, sent = forwarded(forwarder.decide(message(FAR, ttl=30), None, 0.0))
    assert next_hop == node(130)
    assert sent.via == b""
    assert sent.ttl == 29


def test_a_linked_node_is_sent_to_directly(forwarder: Forwarder) -> None:
    assert forwarded(forwarder.decide(message(CLIENT), PREVIOUS, 0.0))[0] == CLIENT
    assert forwarded(forwarder.decide(message(node(10)), PREVIOUS, 0.0))[0] == node(10)


def test_a_client_is_no_next_hop(forwarder: Forwarder) -> None:
    forwarder.topology.settle([one for one in RING if one != node(90)])  # now the client's key is not ours alone
    for place in range(256):
        decision = forwarder.decide(message(ResourceID(node(place))), PREVIOUS, 0.0)
        assert not isinstance(decision, Forward) or decision.next_hop != CLIENT


def test_source_routes_are_followed(forwarder: Forwarder) -> None:
    next_hop, sent = forwarded(forwarder.decide(message(ME, node(80), STRANGER, FAR), PREVIOUS, 0.0))
    assert next_hop == node(80)
    assert decode_destinations(sent.destinations) == (node(80), STRANGER, FAR)


def test_a_far_node_is_routed_to_by_its_id(forwarder: Forwarder) -> None:
    assert forwarded(forwarder.decide(message(node(150)), PREVIOUS, 0.0))[0] == node(130)


def test_a_resource_of_another_length_is_routed_as_well(forwarder: Forwarder) -> None:
    assert forwarded(forwarder.decide(message(ResourceID(b"\xaa")), PREVIOUS, 0.0))[0] == node(130)


def test_an_answer_may_pass_the_same_node_twice(forwarder: Forwarder) -> None:
    """A request that was source-routed over us may well come back over us (§10.6)."""
    next_hop, sent = forwarded(forwarder.decide(message(ME, node(80), ME, code=ANSWER), PREVIOUS, 0.0))
    assert next_hop == node(80)
    assert decode_destinations(sent.destinations) == (node(80), ME)


# --- dropped ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("envelope", "reason", "error"),
    [
        (message(FAR, overlay=OVERLAY + 1), DropReason.WRONG_OVERLAY, None),
        (message(FAR, version=0x01), DropReason.WRONG_VERSION, None),
        (message(FAR, fragment=0x40000000), DropReason.BAD_FRAGMENT, None),
        (message(FAR, ttl=0), DropReason.TTL_EXCEEDED, ErrorCode.TTL_EXCEEDED),
        (message(MINE, ttl=31), DropReason.TTL_EXCEEDED, ErrorCode.TTL_EXCEEDED),
        (message(FAR, via=(node(1),) * 300), DropReason.TOO_LARGE, ErrorCode.MESSAGE_TOO_LARGE),
        (message(FAR, raw=encode_destinations((FAR, node(80)))), DropReason.RESOURCE_NOT_LAST, None),
        (message(MINE, raw=encode_destinations((MINE, node(80)))), DropReason.RESOURCE_NOT_LAST, None),
        (message(node(80), STRANGER, node(80)), DropReason.LOOP, ErrorCode.INVALID_MESSAGE),
        (message(ME, ME), DropReason.LOOP, ErrorCode.INVALID_MESSAGE),
        (message(node(93)), DropReason.NODE_ABSENT, None),
        (message(OpaqueID(b"\x80\x01")), DropReason.OPAQUE_UNKNOWN, None),
        (message(ME, OpaqueID(b"long one"), code=ANSWER), DropReason.OPAQUE_UNKNOWN, None),
        (message(), DropReason.MALFORMED, None),
        (message(raw=b"\x01\x10short"), DropReason.MALFORMED, None),
        (message(raw=b"\x01\x10" + ME + b"\x01"), DropReason.MALFORMED, None),
        (message(raw=b"\x09\x01\x00"), DropReason.MALFORMED, None),
    ],
)
def test_what_must_not_pass_is_dropped_with_its_reason(
    forwarder: Forwarder, envelope: Envelope, reason: DropReason, error: int | None
) -> None:
    decision = forwarder.decide(envelope, PREVIOUS, 0.0)
    assert isinstance(decision, Drop)
    assert (decision.reason, decision.error_code) == (reason, error)


def test_who_knows_nobody_has_no_route() -> None:
    client = Forwarder(ME, OVERLAY, ClientTopology(ME, Chord(ME)), lambda other: False)
    for destination in (FAR, STRANGER):
        decision = client.decide(message(destination), None, 0.0)
        assert isinstance(decision, Drop)
        assert decision.reason == DropReason.NO_ROUTE


def test_a_client_sends_through_its_peer() -> None:
    topology = ClientTopology(CLIENT, Chord(CLIENT))
    topology.serve_by(ME)
    client = Forwarder(CLIENT, OVERLAY, topology, lambda other: other == ME)
    for destination in (FAR, STRANGER, ME, MINE):
        assert forwarded(client.decide(message(destination), None, 0.0))[0] == ME
    assert isinstance(client.decide(message(CLIENT), ME, 0.0), Deliver)


@pytest.mark.parametrize(
    ("destination", "flags", "code", "refused"),
    [
        (FAR, FORWARD_CRITICAL, REQUEST, True),
        (FAR, DESTINATION_CRITICAL, REQUEST, False),
        (FAR, FORWARD_CRITICAL, ANSWER, False),
        (MINE, DESTINATION_CRITICAL, REQUEST, True),
        (MINE, FORWARD_CRITICAL, REQUEST, False),
        (MINE, RESPONSE_COPY, REQUEST, False),
        (ME, DESTINATION_CRITICAL, ERROR, False),
    ],
)
def test_critical_options_must_be_understood(
    forwarder: Forwarder, destination: Destination, flags: int, code: int, refused: bool
) -> None:
    envelope = message(destination, code=code, options=encode_options((ForwardingOption(9, flags, b""),)))
    decision = forwarder.decide(envelope, PREVIOUS, 0.0)
    if refused:
        assert isinstance(decision, Drop)
        assert decision.reason == DropReason.UNSUPPORTED_OPTION
        assert decision.error_code == ErrorCode.UNSUPPORTED_FORWARDING_OPTION
    else:
        assert not isinstance(decision, Drop)
    knowing = Forwarder(ME, OVERLAY, forwarder.topology, lambda other: False, initial_ttl=30, options=(9,))
    assert not isinstance(knowing.decide(envelope, PREVIOUS, 0.0), Drop)


def test_options_that_can_not_be_read_are_malformed(forwarder: Forwarder) -> None:
    decision = forwarder.decide(message(FAR, options=b"\x09\x01\x00\x09"), PREVIOUS, 0.0)
    assert isinstance(decision, Drop)
    assert decision.reason == DropReason.MALFORMED


def test_the_way_from_a_to_e_and_back_is_the_rfc_s_example() -> None:
    """Nodes A to E of §6.1.2: the answer's list is the request's way, backwards."""
    names = [node(place) for place in (10, 60, 110, 160, 210)]
    target = ResourceID(names[4])
    tables = {}
    for at, name in enumerate(names):
        chord = Chord(name, neighbors=1, fingers=1)
        for other in (names[at - 1], names[(at + 1) % 5]):
            chord.contacted(other)
        tables[name] = Forwarder(name, OVERLAY, chord, {*chord.table()}.__contains__)
    envelope, here, previous = message(target), names[0], None
    way = [here]
    while isinstance(decision := tables[here].decide(envelope, previous, 0.0), Forward):
        previous, here, envelope = here, decision.next_hop, open_envelope(decision.message)
        way.append(here)
    assert way == [names[0], names[4]] or way == names
    assert decode_destinations(envelope.via) == tuple(way[:-2])


# --- the short cut --------------------------------------------------------------------------------------------------

lists = st.lists(st.sampled_from([ME, CLIENT, PREVIOUS, STRANGER, MINE, FAR, WILDCARD, OpaqueID(b"\x80x")]), max_size=3)


@given(
    destinations=lists,
    via=lists,
    code=st.sampled_from([REQUEST, ANSWER, ERROR]),
    ttl=st.integers(0, 31),
    fragment=st.sampled_from([WHOLE, WHOLE, FRAGMENT, FRAGMENT | 7, 0]),
    options=st.sampled_from([b"", b"", encode_options((ForwardingOption(9, FORWARD_CRITICAL, b""),))]),
    others=st.sampled_from([{}, {}, {"overlay": 1}, {"version": 9}]),
    cut=st.integers(0, 400),
    altered=st.none() | st.tuples(st.integers(0, 200), st.integers(0, 255)),
    previous_hop=st.sampled_from([None, PREVIOUS]),
    unsigned=st.booleans(),
)
def test_the_short_cut_says_what_the_rules_say_or_nothing(
    destinations: list[Destination],
    via: list[Destination],
    code: int,
    ttl: int,
    fragment: int,
    options: bytes,
    others: dict[str, int],
    cut: int,
    altered: tuple[int, int] | None,
    previous_hop: NodeID | None,
    unsigned: bool,
) -> None:
    fields = {"ttl": ttl, "fragment": fragment, "options": options} | others
    data = message(*destinations, via=tuple(via), code=code, **fields).data[: cut or None]
    if altered is not None and altered[0] < len(data):
        data = data[: altered[0]] + bytes((altered[1],)) + data[altered[0] + 1 :]
    forwarder = made(unsigned=unsigned)
    relayed = forwarder.relay(data, previous_hop)
    if relayed is None:
        return
    envelope = open_envelope(data)
    decision = forwarder.decide(envelope, previous_hop, 0.0)
    if isinstance(relayed, Deliver):
        assert isinstance(decision, Deliver)
    else:
        assert isinstance(decision, Forward)
        assert relayed == (decision.next_hop, decision.message, envelope.transaction_id, envelope.code)


def test_the_short_cut_takes_what_is_usual(forwarder: Forwarder) -> None:
    for usual in (message(FAR), message(CLIENT), message(ME, PREVIOUS, code=ANSWER), message(STRANGER, code=ANSWER)):
        relayed = forwarder.relay(usual.data, PREVIOUS)
        assert isinstance(relayed, tuple) == (usual.destinations[2:18] != STRANGER)
    for usual in (message(MINE), message(ME), message(ME, code=ANSWER)):
        assert isinstance(forwarder.relay(usual.data, PREVIOUS), Deliver)


def test_the_short_cut_is_closed_where_the_way_is_checked() -> None:
    assert made(progress=EachHopNearer()).relay(message(FAR).data, PREVIOUS) is None
