"""Who reads what, from inside: curious peers, insiders and crafted messages, and what helps."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.scenarios import run, scenario, setting
from p2psip_min.application import sip
from p2psip_min.attacks.privacy import Curious
from p2psip_min.attacks.transport import open_packet
from p2psip_min.attacks.watching import LineWatcher, guess
from p2psip_min.construction import SIP_PORT
from p2psip_min.defences import preset
from p2psip_min.ids import ResourceID
from p2psip_min.overlay import Overlay


def outcome(threat: str, *defences: str, **options: Any) -> Any:
    chosen = scenario(threat)
    return run(chosen, setting(chosen, **options).with_defences(defences))


# --- PR-3 -------------------------------------------------------------------------------------------------------------


def test_a_curious_peer_reads_registrations_and_nothing_else() -> None:
    with Overlay(peers=6, clients=("alice", "bob"), defences="none", seed=3) as overlay:
        root = overlay.root(ResourceID.of(overlay.aor("alice")))
        curious = Curious()
        overlay.make_hostile(root.name, curious.equip)
        overlay.register("alice")
        assert list(curious.read) == [overlay.node("alice").node_id]
        assert curious.read[overlay.node("alice").node_id].destination_list[-1] == overlay.node("alice").node_id
        overlay.call("bob", "alice")
        assert len(curious.read) == 1


@pytest.mark.parametrize("name", ["tls", "link-auth", "message-signature", "record-signature", "replicas"])
def test_nothing_but_encryption_keeps_peers_from_reading(name: str) -> None:
    assert outcome("PR-3", name).figure == 1.0


def test_encryption_keeps_peers_from_reading_and_friends_call() -> None:
    assert outcome("PR-3", "value-encryption").facts == ("0 of 4", "4 of 4")
    assert outcome("PR-3", "value-encryption", peers=4).facts == ("0 of 4", "4 of 4")


# --- CR-3 -------------------------------------------------------------------------------------------------------------


def test_all_transport_defences_together_leave_insiders_what_they_do() -> None:
    found = outcome("CR-3", "tls", "link-auth", "hop-acknowledgement", "message-signature")
    assert (found.figure, found.facts[0]) == (1.0, "4 of 4")


@pytest.mark.parametrize("left_out", ["record-signature", "write-quorum", "read-quorum"])
def test_each_part_of_what_helps_is_needed(left_out: str) -> None:
    names = [name for name in scenario("CR-3").defence if name != left_out]
    assert outcome("CR-3", *names).figure > 0


# --- CR-2 -------------------------------------------------------------------------------------------------------------


def test_crafted_messages_crash_peers_and_pass_checks() -> None:
    assert outcome("CR-2").facts == ("4", "4")
    assert outcome("CR-2", "strict-parser").facts == ("0", "0")


@pytest.mark.parametrize("name", ["record-signature", "responder-check", "replicas", "hop-acknowledgement"])
def test_more_cryptography_does_not_mend_a_parser(name: str) -> None:
    assert outcome("CR-2", name).figure == 1.0


def test_a_strict_preset_reads_strictly() -> None:
    assert outcome("CR-2", preset="reload").figure == 0.0


# --- PR-2 -------------------------------------------------------------------------------------------------------------


def test_a_harvest_finds_whereabouts_and_times() -> None:
    assert outcome("PR-2", peers=12).facts == ("14 of 14", "14 of 14")
    assert outcome("PR-2", "obscure-names", peers=12).facts == ("14 of 14", "14 of 14")


def test_encryption_hides_where_and_not_when() -> None:
    assert outcome("PR-2", "value-encryption").facts == ("0 of 30", "30 of 30")


def test_a_quota_slows_who_stays_and_not_who_goes_from_peer_to_peer() -> None:
    assert outcome("PR-2", "query-quota").facts == ("30 of 30", "30 of 30")
    chosen = scenario("PR-2")
    stage = chosen.stage(chosen, setting(chosen).with_defences(("query-quota",)))
    stage.harvest.moves = ()
    stage.overlay.run(stage.story())
    assert stage.facts() == ("6 of 30", "6 of 30")
    stage.overlay.close()


def test_storing_peers_that_ask_for_consent_leave_nothing_to_harvest() -> None:
    assert outcome("PR-2", "readers-list").facts == ("0 of 30", "0 of 30")


# --- PR-1 -------------------------------------------------------------------------------------------------------------


def test_a_guess_is_what_was_seen_most_and_first() -> None:
    seen = [(b"a", b"x"), (b"a", b"y"), (b"b", b"y"), (b"a", b"y"), (b"c", b"z"), (b"c", b"x")]
    assert guess(seen) == {b"a": b"y", b"b": b"y", b"c": b"z"}
    assert guess([]) == {}


@pytest.mark.parametrize("base", ["trusted", "untrusted"])
@pytest.mark.parametrize("name", ["tls", "value-encryption", "message-signature"])
def test_whoever_may_look_on_knows_the_friends(base: str, name: str) -> None:
    assert outcome("PR-1", name, base=base).facts == ("8 of 8", "16 of 16")


@pytest.mark.parametrize("base", ["trusted", "untrusted"])
def test_under_cover_one_of_four_is_right(base: str) -> None:
    found = [outcome("PR-1", "tls", "cover-queries", base=base, seed=seed).facts[0] for seed in range(1, 9)]
    assert 8 <= sum(int(right[0]) for right in found) <= 24  # of 64, and 16 on the average


def test_cover_in_clear_is_read_on_a_line_for_what_it_is() -> None:
    assert outcome("PR-1", "cover-queries", base="trusted").facts[0] == "8 of 8"
    assert outcome("PR-1", "cover-queries", base="untrusted").figure < 0.6


def test_more_cover_hides_more_and_costs_more() -> None:
    from lab.scenarios.base import NUMBERS

    assert NUMBERS["cover-queries"](5).count == 5
    found = [
        outcome("PR-1", "cover-queries", numbers={"cover-queries": count}, base="untrusted", seed=3).figure
        for count in (0.0, 1.0, 6.0)
    ]
    assert found[0] == 1.0
    assert found[0] > found[1] > found[2]


def test_a_cover_rings_nobody_and_is_as_long_as_a_call() -> None:
    names = ("alice", "bob", "carol", "dave", "erin")
    defences = preset("none").having("cover-queries")
    with Overlay(peers=6, clients=names, defences=defences, seed=3) as overlay:
        for name in names:
            overlay.register(name)
        alice, bob = overlay.node("alice"), overlay.phone("bob")
        overlay.phone("alice").directory = tuple(overlay.aor(name) for name in names[1:])
        sizes: dict[str, list[int]] = {}

        def tap(now: float, source: Any, destination: Any, packet: bytes) -> None:
            opened = open_packet(packet)
            if SIP_PORT in (source[1], destination[1]) and opened is not None:
                other = destination[0] if source[0] == alice.address[0] else source[0]
                sizes.setdefault(other, []).append(len(opened.message))

        overlay.network.tap(tap)
        overlay.call("alice", "bob")
        overlay.advance(5.0)
        assert list(sizes.values()) == [[1024, 1024, 1024]] * 4
        assert (len(bob.calls), [len(overlay.phone(name).calls) for name in names[2:]]) == (1, [0, 0, 0])


@given(st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Zs", "Zl", "Zp")), max_size=30))
def test_padding_fills_a_block_and_changes_nothing_else(name: str) -> None:
    message = sip.invite(caller=f"{name}@a", callee="b@a", call_id="1", contact="h:1")
    long = sip.padded(message, 512)
    assert len(long.encode()) % 512 == 0
    assert sip.decode(long.encode()).header("To") == message.header("To")
    assert sip.padded(message, 0) == message


@pytest.mark.parametrize("seed", [1, 2])
def test_friends_who_call_each_other_in_turn_are_seen_to_call_twice(seed: int) -> None:
    """A call takes its time under TLS; the next one must not look like its end."""
    chosen = scenario("PR-1")
    stage = chosen.stage(chosen, setting(chosen, base="trusted", seed=seed).with_defences(("tls",)))
    stage.attack()
    stage.overlay.run(stage.story())
    assert len(stage.line_watcher.met) == 16
    stage.overlay.close()


def test_who_meets_whom_gives_a_pair_away_under_tls() -> None:
    watcher = LineWatcher({LINE[0]: b"a", FAR[0]: b"b"}, {b"a": b"A", b"b": b"B"})
    record = b"\x17\x03\x03\x00\x01x"
    watcher.tap(1.0, LINE, PEER, record)
    watcher.tap(1.5, LINE, FAR, record)
    watcher.tap(2.0, FAR, LINE, record)
    assert watcher.seen() == [(b"a", b"B")]
    watcher.tap(7.0, FAR, LINE, record)
    assert watcher.seen() == [(b"a", b"B"), (b"b", b"A")]
    watcher.tap(8.0, FAR, LINE, b"no packet")
    assert watcher.read == []


LINE, FAR, PEER = ("10.0.0.1", 6084), ("10.0.0.2", 6084), ("10.0.0.3", 6084)
