"""The share of hostile peers: for every threat there is one, or a sentence that says why there is none."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from lab import labels, nodes, recruits
from lab.choices import parse
from lab.frames import Outcome, Switch
from lab.scenarios import SCENARIOS
from lab.session import Session
from p2psip_min.errors import DropReason, LocalProtocolError
from p2psip_min.ids import NodeID


@contextmanager
def opened(threat: str, **choices: Any) -> Iterator[Session]:
    session = Session(threat, **choices)
    try:
        yield session
    finally:
        session.close()


def share(session: Session) -> Switch:
    return next(switch for switch in session.switches() if switch.name == "share")


@pytest.mark.parametrize("threat", SCENARIOS)
def test_every_threat_has_a_share_or_says_why_not(threat: str) -> None:
    with opened(threat) as session:
        switch = share(session)
        cast = sum(not node.is_client for node in session.stage.attackers())
        assert switch.value == round(100 * cast / 32)
        assert bool(switch.locked) == (session.choices.base == "trusted" or not recruits.hostile_peers(session.stage)
                                       or threat in CAST_WITH_PARTS)  # fmt: skip
        if switch.locked:
            with pytest.raises(LocalProtocolError, match=re.escape(switch.locked)):
                session.set("share", 25)


CAST_WITH_PARTS = ("CR-3", "DT-1", "EN-7", "KB-5", "KB-6", "PR-1", "PR-3")
"""Stories in which the hostile peers do different things, or one thing that cannot be done twice."""


@pytest.mark.parametrize("threat", ["RP-2", "KB-2", "RM-1", "ST-13", "EN-2", "DT-3"])
def test_so_many_peers_are_hostile(threat: str) -> None:
    with opened(threat, share=25) as session:
        session.run()
        assert recruits.hostile_peers(session.stage) == 8
        assert len({node for node in session.overlay.roles.hostile if session.overlay.node(node).alive}) == 8
        card = session.card
        assert ".v2" in card
        assert ".h25" in card
        again = Session.from_card(card)
        assert again.card == card
        assert again.overlay.roles.hostile.keys() == session.overlay.roles.hostile.keys()
        again.close()
        session.reset()
        assert session.choices.share == 25, "the session began so"


def test_more_hostile_peers_break_a_defence_that_one_does_not() -> None:
    with opened("KB-2") as session:
        session.judge()
        strip = session.verdict()
        assert strip is not None
        assert strip.columns[2].figure == 0
        session.set("share", 25)
        strip = session.verdict()
        assert strip is not None
        assert not strip.complete, "the runs of another share do not count here"
        session.judge()
        strip = session.verdict()
        assert strip is not None
        assert strip.columns[2].figure == 1
        session.reset()
        assert share(session).value == 3


def test_the_story_stays_about_the_first() -> None:
    with opened("RP-2", share=25) as session:
        assert session.frame().world.people[session.stage.attackers()[0].node_id] == "mallory"
        calm = Session("RP-2", share=25, attack=False)
        assert not calm.overlay.roles.hostile
        assert share(calm).locked == labels.ATTACK_IS_OFF
        calm.close()


def test_no_more_than_there_is_room_for() -> None:
    with opened("ST-15") as session:
        session.set("share", 6)
        assert len(session.stage.attackers()) == 2
        with pytest.raises(LocalProtocolError, match="ST-15 has room for 3 hostile peers of 32, not for 8"):
            session.set("share", 25)
        assert session.choices.share == 6
        with pytest.raises(ValueError, match="from 1 to 90"):
            session.set("share", 91)


def test_a_trusted_base_has_no_share() -> None:
    with opened("RP-3", base="trusted") as session:
        assert share(session).locked == labels.ALL_TRUSTED
    with opened("") as tour:
        assert share(tour).locked == labels.NOBODY_ATTACKS


def test_what_is_said_in_place_of_a_share_is_true_of_the_story() -> None:
    said = {}
    for threat in SCENARIOS:
        with opened(threat, base="untrusted") as session:
            said[threat] = share(session).locked
            cast = [node for node in session.stage.attackers() if not node.is_client]
            if said[threat]:
                assert ("casts its attackers itself" in said[threat]) == bool(cast)
                assert ("nobody is hostile" in said[threat]) == session.scenario.attacker.startswith("nobody")
    assert said["ST-17"].endswith("the harm comes from a power cut, a worm, an update")
    assert said["ID-2"].endswith("but a customer with twenty-four machines")
    assert said["RM-4"].endswith("whom the operator finds out each time")
    assert "the peer on most ways to alice's record, and a friend of hers" in said["KB-5"]
    assert said["RP-2"] == ""


def test_a_peer_turns_by_hand_where_others_can_do_what_mallory_does() -> None:
    with opened("KB-2") as session:
        session.seek(2)
        other = next(node for node in session.overlay.peers() if node not in session.stage.attackers())
        assert nodes.locked(session, "hostile", other) == ""
        session.inject("hostile", other.node_id)
        assert other.node_id in session.overlay.roles.hostile
        assert f".hostile:{other.name}/" in session.card
        again = Session.from_card(session.card)
        assert other.node_id in again.overlay.roles.hostile
        again.close()
    with opened("KB-12") as session:
        client = session.overlay.node("alice")
        assert nodes.locked(session, "hostile", client) == labels.forwards_for_nobody("alice")
    with opened("CR-3") as session:
        other = next(node for node in session.overlay.peers() if node not in session.stage.attackers())
        assert nodes.locked(session, "hostile", other) == labels.cast_by_the_story(session.scenario.attacker)


@pytest.mark.parametrize("threat", ["", "TR-1", "ST-7", "ST-17", "ID-1"])
def test_where_no_peer_attacks_one_that_turns_swallows_requests(threat: str) -> None:
    with opened(threat, base="untrusted") as session:
        session.run()
        assert share(session).locked or threat == "ID-1"
        passing = next(row.receivers[0] for row in session.frame().rows if row.outcome is Outcome.FORWARDED)
        chosen = session.overlay.node(NodeID(passing))
        session.seek(0)
        assert nodes.locked(session, "hostile", chosen) == ""
        session.inject("hostile", chosen.node_id)
        session.run()
        assert f".hostile:{chosen.name}/" in session.card
        assert nodes.locked(session, "hostile", chosen) == labels.hostile_already(chosen.name)
        swallowed = [row for row in session.frame().rows if row.reason == DropReason.DISCARDED]
        assert {row.receivers[0] for row in swallowed} == {passing}


@pytest.mark.parametrize("threat", ["", "TR-1", "ST-17"])
def test_on_a_trusted_base_nobody_turns(threat: str) -> None:
    with opened(threat, base="trusted") as session:
        peer = session.overlay.peers()[0]
        refused = nodes.locked(session, "hostile", peer)
        assert refused.startswith(f"on a trusted base every peer is the operator's, so {peer.name} can't be hostile")
        with pytest.raises(LocalProtocolError, match=labels.ALL_TRUSTED):
            session.inject("hostile", peer.node_id)


def test_cards_of_both_formats_are_read() -> None:
    old = parse("RP2-U-R-D-7-9C41.p16.crash:p07/12000@57")
    assert (old.choices.peers, old.choices.share, old.moment) == (16, 0, 57)
    assert ".v" not in old.choices.rest()
    assert parse("RP2-U-R-D-7-9C41.v2.h25").choices.share == 25
    with pytest.raises(ValueError, match="a card of format 3; this version reads cards up to 2"):
        parse("RP2-U-R-D-7-9C41.v3.h25.moon")
