"""Who reads what, from inside: curious peers, insiders and crafted messages, and what helps."""

from __future__ import annotations

from typing import Any

import pytest

from lab.scenarios import run, scenario, setting
from p2psip_min.attacks.privacy import Curious
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
