"""Outsiders on a hop and at the door: what they can make of packets, and where the defences stop them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from lab.scenarios import run, scenario, setting
from p2psip_min.attacks.transport import (
    APPLICATION_DATA,
    Deleter,
    Hijacker,
    Opened,
    Tamperer,
    open_packet,
    ping,
)
from p2psip_min.ids import NodeID
from p2psip_min.transport.half_measures import Hello, with_checksum
from p2psip_min.transport.plain import HELLO, HELLO_ANSWER
from p2psip_min.wire.codec import encode
from p2psip_min.wire.framing import frame_ack, frame_data, open_frame
from p2psip_min.wire.header import node_entry, open_envelope

ME, OTHER = NodeID(b"\x01" * 16), NodeID(b"\x02" * 16)
MESSAGE = ping(7, 1, 42, OTHER)
RECORD = APPLICATION_DATA + b"\x00\x10" + bytes(range(16))
HEADS = {
    "none": b"",
    "a name": HELLO + ME,
    "an answer": HELLO_ANSWER + ME,
    "a certificate": HELLO + encode(Hello(ME, b"c" * 700, 1, b"")),
    "a proof": HELLO + encode(Hello(ME, b"c" * 300, 1, b"s" * 70)),
}
"""What may stand in front of a frame."""


def outcome(threat: str, *defences: str, **options: Any) -> Any:
    chosen = scenario(threat)
    return run(chosen, setting(chosen, **options).with_defences(defences))


# --- packets ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("checked", [False, True])
@pytest.mark.parametrize("head", HEADS.values(), ids=HEADS)
def test_a_packet_is_taken_apart_and_put_together_again(head: bytes, checked: bool) -> None:
    plain = head + frame_data(5, MESSAGE)
    packet = with_checksum(plain) if checked else plain
    opened = open_packet(packet)
    assert opened == Opened(head, 5, MESSAGE, checked)
    assert opened.carrying(MESSAGE) == packet
    changed = open_packet(opened.carrying(b"longer than before" * 9))
    assert changed is not None
    assert changed.message == b"longer than before" * 9


@pytest.mark.parametrize("packet", [b"", b"\x01", HELLO + ME, frame_ack(1, 2), with_checksum(frame_ack(1, 2)), RECORD])
def test_what_carries_no_message_in_clear_is_left_alone(packet: bytes) -> None:
    assert open_packet(packet) is None


# --- changing ---------------------------------------------------------------------------------------------------------


def test_a_changed_request_goes_on_and_comes_once_more() -> None:
    injected: list[bytes] = []
    attack = Tamperer({OTHER: ME}, injected.append)
    start = open_envelope(MESSAGE).body_offset
    with_name = MESSAGE[:16] + (len(MESSAGE) + 18).to_bytes(4, "big") + MESSAGE[20:] + node_entry(OTHER)
    ((delay, packet),) = attack.on_path(frame_data(3, with_name))
    changed = open_packet(packet)
    assert (delay, attack.tried) == (0.0, 2)
    assert changed is not None
    assert changed.message[start:] == with_name[start:].replace(OTHER, ME)
    again = open_packet(injected[0])
    assert again is not None
    assert (again.number, again.message[start:]) == (4, changed.message[start:])
    assert open_envelope(again.message).transaction_id != 42


def test_a_message_that_names_nobody_passes_and_a_record_loses_a_bit() -> None:
    attack = Tamperer({ME: OTHER}, lambda packet: None)
    for packet in (frame_data(1, MESSAGE), frame_ack(1, 0), HELLO + ME, b"\x16\x03\x03"):
        assert attack.on_path(packet) == [(0.0, packet)]
    assert attack.tried == 0
    assert attack.on_path(RECORD) == [(0.0, RECORD[:-1] + b"\x0e")]
    assert attack.tried == 1


# --- taking over ------------------------------------------------------------------------------------------------------


def test_a_hijacker_waits_and_then_speaks_in_its_victims_place() -> None:
    attack = Hijacker(OTHER, 7, 1)
    packet = frame_data(8, MESSAGE)
    assert attack.outward(packet) == [(0.0, packet)]
    attack.seized = True
    ((_, replaced),) = attack.outward(packet)
    own = open_packet(replaced)
    assert own is not None
    assert (own.number, open_envelope(own.message).transaction_id) == (8, 43)
    attack.inward(frame_data(0, MESSAGE))
    assert attack.answered == 0
    attack.inward(frame_data(1, ping(7, 1, 43, ME)))
    assert attack.answered == 1
    ((_, record),) = attack.outward(RECORD)
    assert (record != RECORD, len(record)) == (True, len(RECORD))


# --- deleting ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wrap", [lambda packet: packet, with_checksum])
def test_what_is_deleted_is_acknowledged(wrap: Callable[[bytes], bytes]) -> None:
    sent: list[bytes] = []
    attack = Deleter(sent.append)
    packet = wrap(frame_data(6, MESSAGE))
    assert attack.on_path(packet) == [(0.0, packet)]
    attack.active = True
    assert attack.on_path(packet) == []
    assert sent == [wrap(frame_ack(6, 0xFFFFFFFF))]
    assert open_frame(frame_ack(6, 0xFFFFFFFF))[1] == 6
    assert attack.on_path(RECORD) == [(0.0, b"")]
    assert attack.deleted == 2
    assert attack.on_path(b"") == [(0.0, b"")]


# --- which defence stops whom -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("threat", "name"),
    [
        ("TR-2", "connect-auth"),
        ("TR-2", "certificate-shown"),
        ("TR-2", "link-auth"),
        ("TR-3", "link-checksum"),
        ("TR-3", "hop-acknowledgement"),
        ("TR-4", "link-checksum"),
        ("TR-4", "link-auth"),
        ("TR-4", "overlay-password"),
        ("TR-5", "link-checksum"),
        ("TR-6", "link-checksum"),
        ("TR-6", "link-auth"),
        ("TR-7", "link-checksum"),
        ("TR-8", "hop-acknowledgement"),
        ("TR-8", "link-checksum"),
        ("TR-8", "overlay-password"),
    ],
)
def test_these_alone_do_not_help(threat: str, name: str) -> None:
    assert outcome(threat, name).figure == 1.0


@pytest.mark.parametrize(
    ("threat", "names"),
    [
        ("TR-2", ("tls",)),
        ("TR-3", ("tls",)),
        ("TR-4", ("message-signature",)),
        ("TR-4", ("certificate-shown",)),
        ("TR-4", ("connect-auth",)),
        ("TR-5", ("tls",)),
        ("TR-6", ("connect-auth",)),
        ("TR-6", ("tls",)),
        ("TR-7", ("certificate-shown",)),
        ("TR-7", ("tls",)),
    ],
)
def test_each_of_these_does(threat: str, names: tuple[str, ...]) -> None:
    assert outcome(threat, *names).figure == 0.0


def test_a_password_gets_into_the_wrong_hands_with_every_client() -> None:
    assert outcome("TR-5", "overlay-password").facts == ("4", "4")
    assert outcome("TR-5").facts == ("0", "4")


@pytest.mark.parametrize("preset", ["draft", "reload", "hardened"])
@pytest.mark.parametrize("threat", ["TR-2", "TR-3", "TR-4", "TR-5", "TR-6", "TR-7", "TR-8"])
def test_no_preset_but_none_lets_them(threat: str, preset: str) -> None:
    chosen = scenario(threat)
    ground = setting(chosen, preset=preset, peers=12)
    assert run(chosen, ground).figure == 0.0
    assert run(chosen, replace(ground, attack=False)).honest == 1.0
