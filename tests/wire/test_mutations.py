"""100 000 damaged messages: nothing but Malformed may come out (four parts, so that they can run side by side).

Half of the damage hits length, count and type fields. Where these are is not asked of the code under test: a byte of a
good message belongs to one when another value of that byte alone makes the message malformed.
"""

from __future__ import annotations

import functools
import random
from typing import Any

import pytest

from p2psip_min.errors import Malformed
from p2psip_min.wire.codec import decode, encode
from p2psip_min.wire.data import StoreKindData
from p2psip_min.wire.fragments import Reassembler, fragment
from p2psip_min.wire.framing import DATA, FrameBuffer, frame_data, open_frame
from p2psip_min.wire.header import WHOLE, first_destination, open_envelope, reroute, return_path
from p2psip_min.wire.kinds import IANA_KINDS, SIP_REGISTRATION, TURN_SERVICE, SipRegistration, TurnServer
from p2psip_min.wire.message import decode_message, encode_contents
from p2psip_min.wire.messages import ChordLeaveData, ChordUpdate, LeaveReq, StoreReq, UpdateReq
from p2psip_min.wire.options import ExtensiveRoutingModeOption

PARTS = 4
EACH = 25_000
EXTREMES = (0, 1, 2, 3, 15, 16, 17, 0x7F, 0x80, 0xFE, 0xFF)
SOURCES = {UpdateReq: ChordUpdate, LeaveReq: ChordLeaveData}
VALUES = {SIP_REGISTRATION: SipRegistration, TURN_SERVICE: TurnServer}


def plausible(error: Malformed, raw: bytes | bytearray) -> None:
    if not 0 <= error.offset <= len(raw):
        pytest.fail(f"{error} in {len(raw)} bytes")


def read(raw: bytes) -> bool:
    """Everything a peer may do with a message that it got; whether it was well formed."""
    try:
        envelope = open_envelope(raw)
    except Malformed as error:
        plausible(error, raw)
        return False
    try:
        reroute(envelope, ttl=1, via=envelope.via, destinations=envelope.destinations)
        return_path(bytes(16), envelope.via)
        first_destination(envelope.destinations)
        message = decode_message(envelope, IANA_KINDS)
    except Malformed as error:
        plausible(error, raw)
        return False
    # What was understood can be said again, in the same words but for the short form of an opaque id.
    code = message.code
    again = encode_contents(message.body, message.extensions, code=code)
    assert len(again) <= len(message.contents)
    for cls, inside in SOURCES.items():
        if isinstance(message.body, cls):
            attempt(inside, message.body.overlay_specific_data)
    if isinstance(message.body, StoreReq):
        for group in message.body.kind_data:
            attempt(StoreKindData, encode(group))
            for stored in group.values:
                if group.kind in VALUES:
                    attempt(VALUES[group.kind], stored.value.value)
    for option in message.options:
        attempt(ExtensiveRoutingModeOption, option.value)
    return True


def attempt(cls: type, raw: bytes) -> None:
    try:
        value: Any = decode(cls, raw, IANA_KINDS)
    except Malformed as error:
        plausible(error, raw)
        return
    assert decode(cls, encode(value), IANA_KINDS) == value


def with_length(raw: bytes | bytearray) -> bytes:
    """The message with its length field set right, so that damage reaches what lies behind."""
    return bytes(raw[:16]) + len(raw).to_bytes(4, "big") + bytes(raw[20:]) if len(raw) >= 20 else bytes(raw)


@functools.cache
def fields_of(raw: bytes) -> tuple[int, ...]:
    """Where the message holds lengths, counts and types."""
    found = []
    for at, old in enumerate(raw):
        for new in (old ^ 0x01, old ^ 0x80, 0xFF, 0):
            try:
                decode_message(raw[:at] + bytes((new,)) + raw[at + 1 :], IANA_KINDS)
            except Malformed:
                found.append(at)
                break
    return tuple(found)


def damaged(raw: bytes, rng: random.Random, aimed: bool) -> bytes:
    data = bytearray(raw)
    if aimed:
        for _ in range(1 + rng.getrandbits(1)):
            at = rng.choice(fields_of(raw))
            match rng.getrandbits(2):
                case 0:
                    data[at] = rng.choice(EXTREMES)
                case 1:
                    data[at] = (data[at] + rng.choice((-2, -1, 1, 2))) % 256
                case 2:
                    data[at] ^= 1 << rng.getrandbits(3)
                case _:
                    data[at] = rng.getrandbits(8)
        return bytes(data)
    at = rng.randrange(len(data))
    size = rng.randrange(1, 40)
    match rng.randrange(6):
        case 0:
            data[at] ^= 1 << rng.getrandbits(3)
        case 1:
            data[at : at + size] = rng.randbytes(size)
        case 2:
            del data[at : at + size]
        case 3:
            data[at:at] = rng.randbytes(size)
        case 4:
            data[at:at] = data[at : at + size]
        case _:
            del data[at:]
    return with_length(data) if rng.getrandbits(2) else bytes(data)


@pytest.mark.parametrize("part", range(PARTS))
def test_damaged_messages(part: int, samples) -> None:
    rng = random.Random(f"damage:{part}")
    whole = [sample.message for sample in samples.values()]
    refused = 0
    for i in range(EACH):
        refused += not read(damaged(whole[i % len(whole)], rng, aimed=bool(i & 1)))
    # The damage is real, and it does not all end at the first check.
    assert EACH // 2 < refused < EACH


def test_the_fields_found_are_those_of_the_layout(samples) -> None:
    found = set(fields_of(samples["join_ans"].message))
    assert {0, 1, 2, 3, 16, 17, 18, 19, 33, 35, 37, 38, 39} <= found  # token, length, three lists, a destination
    assert not found & set(range(20, 32))  # transaction id, longest answer
    assert not found & {4, 5, 6, 7, 8, 9, 10, 11}  # overlay, sequence, version, ttl


def test_every_truncation_of_a_message_is_malformed(sample) -> None:
    for size in range(len(sample.message)):
        assert not read(sample.message[:size])
        assert not read(with_length(sample.message[:size]))


def test_an_undamaged_message_is_read(sample) -> None:
    assert read(sample.message)
    assert encode_contents(sample.decoded().body, sample.extensions) == sample.contents


def test_damaged_frames(samples) -> None:
    rng = random.Random("frames")
    whole = [frame_data(i, sample.message) for i, sample in enumerate(samples.values())]
    for i in range(4000):
        raw = bytearray(whole[i % len(whole)])
        raw[rng.randrange(8)] = rng.choice(EXTREMES)
        del raw[rng.randrange(len(raw)) :]
        try:
            kind, _, message = open_frame(bytes(raw))
            assert kind != DATA or isinstance(message, bytes)
        except Malformed as error:
            plausible(error, raw)
        try:
            FrameBuffer(limit=5000).feed(bytes(raw))
        except Malformed as error:
            plausible(error, raw)


def test_damaged_fragments(samples) -> None:
    rng = random.Random("fragments")
    pieces = fragment(samples["store_req"].message, 600)
    assert len(pieces) > 1
    for _ in range(2000):
        joiner = Reassembler(limit=4000)
        for piece in pieces:
            raw = bytearray(piece)
            for at in (12, 13, 14, 15, rng.randrange(len(raw))):
                if not rng.getrandbits(1):
                    raw[at] = rng.choice(EXTREMES)
            try:
                whole = joiner.add(open_envelope(bytes(raw)), 0.0)
                if whole is not None:
                    assert whole.fragment == WHOLE
                    decode_message(whole, IANA_KINDS)
            except Malformed:
                continue
