"""Sessions: stepping, scrubbing, forking, switching, judging, cards."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

import pytest

from lab import export
from lab.choices import parse
from lab.frames import NodeState, Strip
from lab.scenarios import SCENARIOS
from lab.session import Session
from lab.text import Word
from p2psip_min import trace as events
from p2psip_min.defences import CATALOGUE
from p2psip_min.errors import LocalProtocolError, P2PSIPError, TrustedBase
from p2psip_min.transport.driver import Driver


@pytest.fixture
def session() -> Iterator[Session]:
    made = Session("RP-2", links="plain")
    yield made
    made.close()


# --- moments ----------------------------------------------------------------------------------------------------------


def test_a_session_begins_before_the_first_moment(session: Session) -> None:
    frame = session.frame()
    assert (session.cursor, frame.word, session.finished) == (0, Word.NOT_RUN, False)
    assert "32 peers are up" in frame.caption
    assert frame.rows == ()


def test_steps_are_moments_and_end_where_a_run_ends(session: Session) -> None:
    stepped = [frame.cursor for frame in session.play()]
    assert stepped == list(range(1, session.length + 1))
    assert session.finished
    digest = session.overlay.digest()
    other = Session("RP-2", links="plain")
    assert other.run() == session.frame()
    assert other.overlay.digest() == digest
    other.close()


@pytest.mark.parametrize("threat", SCENARIOS)
def test_every_threat_can_be_stepped_told_and_judged(threat: str) -> None:
    session = Session(threat)
    assert session.step().caption
    frame = session.run()
    assert session.finished
    assert frame.word is SCENARIOS[threat].word
    assert frame.caption
    assert export.words(session).count("\n") > len(frame.rows)
    assert all(ElementTree.fromstring(make(session)) is not None for make in (export.ring, export.messages))
    session.close()


def test_a_frame_stepped_to_is_the_frame_scrubbed_to(session: Session) -> None:
    captions = [frame.caption for frame in session.play()]
    assert [session.seek(cursor).caption for cursor in range(1, session.length + 1)] == captions


def test_back_and_seek_stay_inside(session: Session) -> None:
    assert session.back().cursor == 0
    session.run()
    assert session.seek(10**6).cursor == session.length
    assert session.seek(-5).cursor == 0
    assert session.step().cursor == 1


def test_steps_after_the_end_change_nothing(session: Session) -> None:
    end = session.run()
    assert session.step() == end


def test_the_story_of_the_replay(session: Session) -> None:
    captions = [frame.caption for frame in session.play()]
    for words in ("alice sends StoreReq with v1", "keeps a copy", "replaces v1 by v2", "resends alice’s v1"):
        assert any(words in caption for caption in captions), words
    frame = session.frame()
    assert frame.word is Word.ROLLED_BACK
    assert "reads v1" in frame.caption
    assert [holding.word for holding in frame.storage] == [
        *([Word.ROLLED_BACK] * 3),
        Word.KEPT_COPY,
        Word.STALE,
        Word.NEWEST,
    ]
    assert frame.world.hostile == frozenset({session.stage.attackers()[0].node_id})
    assert 36 < next(row.t for row in frame.rows if row.resent) < 41 < frame.t


@pytest.mark.parametrize("threat", ["", "TR-1", "ST-13"])
def test_every_scenario_can_be_stepped(threat: str) -> None:
    session = Session(threat, peers=12)
    assert len(list(session.play())) > 10
    session.close()


def test_what_an_outsider_does_shows_from_its_first_moment_on() -> None:
    session = Session("TR-1", peers=12)
    session.run()
    since = session.stage.harmed_since()
    assert since is not None
    for cursor in range(session.length + 1):
        frame = session.frame(cursor)
        assert (frame.word is Word.READ) == (frame.t >= since)
    session.set("tls", True)
    assert session.frame().word is Word.HOLDS
    session.close()


def test_discarded_records_are_lost_in_the_picture() -> None:
    session = Session("ST-13", peers=12)
    session.run()
    assert session.frame().word is Word.LOST
    assert [one.word for one in session.frame().storage] == [Word.LOST, Word.NEWEST]
    session.close()


def test_a_session_runs_in_a_thread_of_its_own() -> None:
    session = Session("RP-2", links="plain", driver=Driver)
    session.step()
    digest = (session.run(), session.overlay.digest())[1]
    session.close()
    inline = Session("RP-2", links="plain")
    inline.run()
    assert inline.overlay.digest() == digest
    inline.close()


# --- switches ---------------------------------------------------------------------------------------------------------


def test_a_defence_runs_the_same_seed_again_to_the_same_place(session: Session) -> None:
    session.run()
    session.set("version-counter", True)
    assert session.finished
    assert session.cursor == session.length
    assert session.frame().word is Word.REFUSED
    assert "reads v2" in session.frame().caption
    session.set("version-counter", False)
    assert session.frame().word is Word.ROLLED_BACK


def test_a_switch_in_the_middle_keeps_the_time(session: Session) -> None:
    while session.frame().t < 30:
        session.step()
    t = session.frame().t
    session.set("reader-memory", True)
    assert session.frame().t == t
    assert not session.finished


def test_a_switch_at_the_beginning_stays_there(session: Session) -> None:
    session.set("seed", 8)
    assert (session.cursor, session.choices.seed) == (0, 8)


def test_presets_replace_what_was_toggled(session: Session) -> None:
    session.set("version-counter", True)
    session.set("preset", "reload")
    assert session.choices.toggled == ()
    assert "rising-time" in session.choices.defences.names()
    assert "version-counter" not in session.choices.defences.names()


def test_links_and_the_defence_of_links_are_one(session: Session) -> None:
    session.set("links", "tls")
    values = {switch.name: switch.value for switch in session.switches()}
    assert (values["links"], values["tls"], session.subtitle) == (
        "tls",
        True,
        "draft 11.1 · 32 peers, tls links".replace("tls", "TLS"),
    )


def test_a_trusted_base_is_refused_and_nothing_changes(session: Session) -> None:
    end = session.run()
    with pytest.raises(TrustedBase, match="operator"):
        session.set("base", "trusted")
    assert session.choices.base == "untrusted"
    assert session.frame() == end
    session.set("attack", False)
    session.set("base", "trusted")
    assert session.frame().word is Word.HOLDS


def test_routing_decides_who_could_have_kept_it(session: Session) -> None:
    session.run()
    session.set("routing", "iterative")
    assert session.frame().word is Word.HOLDS
    assert not any(row.kept for row in session.frame().rows)


@pytest.mark.parametrize(
    ("name", "value"), [("base", "x"), ("routing", "x"), ("preset", "x"), ("links", "x"), ("nonsense", True)]
)
def test_unknown_switches_and_values_list_the_known_ones(session: Session, name: str, value: str | bool) -> None:
    with pytest.raises((ValueError, LookupError), match="known: "):
        session.set(name, value)


def test_every_control_is_listed_with_its_price(session: Session) -> None:
    switches = session.switches()
    groups = ["base", "routing", "preset", "links", "attack", "seed", "number", "number"]
    assert [switch.group for switch in switches[:8]] == groups
    assert len(switches) == 8 + len(CATALOGUE)
    assert all(switch.checks and switch.price and switch.section for switch in switches[8:])


def test_a_tried_defence_keeps_its_word(session: Session) -> None:
    session.set("time-stamp", True)
    session.run()
    session.set("time-stamp", False)
    session.set("version-counter", True)
    session.run()
    words = {switch.name: switch.word for switch in session.switches()}
    assert words["time-stamp"] is Word.ROLLED_BACK
    assert words["version-counter"] is Word.HOLDS
    assert words["rising-time"] is None


def test_reset_goes_back_to_the_first_choices(session: Session) -> None:
    card = session.card
    session.set("seed", 9)
    session.set("version-counter", True)
    session.run()
    session.reset()
    assert (session.card, session.cursor) == (card, 0)


def test_the_tour_has_no_attacker() -> None:
    session = Session("", peers=8)
    with pytest.raises(LocalProtocolError, match="open a threat"):
        session.set("attack", True)
    with pytest.raises(LocalProtocolError, match="open a threat"):
        session.judge()
    assert session.verdict() is None
    assert next(switch.locked for switch in session.switches() if switch.name == "attack")
    session.close()


# --- by hand ----------------------------------------------------------------------------------------------------------


def test_a_resend_by_hand_comes_at_once(session: Session) -> None:
    while session.frame().t < 30:
        session.step()
    before = session.frame().t
    session.inject("resend")
    session.run()
    resent = next(row.t for row in session.frame().rows if row.resent)
    assert before < resent < before + 1


def test_an_act_leaves_the_past_as_it_was(session: Session) -> None:
    session.run()
    moment = next(cursor for cursor in range(session.length) if session.frame(cursor).t > 30)
    past = [session.frame(cursor).caption for cursor in range(1, moment)]
    session.seek(moment)
    session.inject("resend")
    assert [session.frame(cursor).caption for cursor in range(1, moment)] == past


def test_one_more_hostile_peer_is_drawn_as_one(session: Session) -> None:
    session.step()
    second = next(node for node in session.overlay.peers() if node.node_id not in session.frame().world.hostile)
    session.inject("hostile", second.node_id)
    session.run()
    assert second.node_id in session.frame().world.hostile
    assert len(session.frame().world.hostile) == 2


def test_a_crash_is_silent_and_seen_in_the_trace(session: Session) -> None:
    session.step()
    victim = session.overlay.peers()[0]
    session.inject("crash", victim.node_id)
    session.run()
    assert [event.node for event in session.trace.select(events.NodeCrashed)] == [victim.node_id]


@pytest.mark.parametrize("threat", ["EN-7", "ID-2"])
def test_a_node_crashes_in_every_story_also_one_that_came_late(threat: str) -> None:
    session = Session(threat, peers=12, links="plain")
    born = len(session.overlay.nodes)
    session.run()
    victim = list(session.overlay.nodes.values())[-1]
    assert (len(session.overlay.nodes) > born) == (threat == "ID-2")
    session.seek(session.length - 5)
    session.inject("crash", victim.node_id)
    session.run()
    assert victim.node_id in [event.node for event in session.trace.select(events.NodeCrashed)]
    with pytest.raises(LocalProtocolError, match="down already"):
        session.inject("crash", victim.node_id)
    again = Session.from_card(session.card)
    assert again.frame() == session.frame()
    again.close()
    session.close()


@pytest.mark.parametrize("user", ["alice", "bob"])
def test_a_story_ends_where_its_user_is_crashed(session: Session, user: str) -> None:
    session.run()
    session.seek(session.length // 4)
    session.inject("crash", session.overlay.node(user).node_id)
    assert session.run().cursor == session.length
    assert session.finished


def test_a_run_is_over_when_nobody_is_left() -> None:
    session = Session("RP-2", peers=6, links="plain")
    session.run()
    for node in list(session.overlay.nodes.values()):
        session.inject("crash", node.node_id)
    assert session.finished
    assert session.inject("resend").cursor == session.length
    with pytest.raises(LocalProtocolError, match="no peer is left that could crash"):
        session.inject("crash")
    session.close()


@pytest.mark.parametrize("moment", [0, 3])
def test_what_is_done_shows_though_something_was_done_just_before(moment: int) -> None:
    session = Session("TR-2", peers=12, links="plain")
    session.run()
    session.seek(moment)
    for victim in ("p02", "p03", "p04"):
        frame = session.inject("crash", session.overlay.node(victim).node_id)
        assert next(node.state for node in frame.nodes if node.name == victim) is NodeState.CRASHED
        session.seek(moment if moment == 0 else frame.cursor)
    assert len(session.choices.acts) == 3
    session.close()


def test_what_is_done_shows_though_others_act_at_the_same_instant() -> None:
    session = Session("KB-1")
    session.run()
    busy = next(one for one in range(session.length) if session.frame(one).t == session.frame(one + 4).t > 0)
    session.seek(busy)
    frame = session.inject("crash", session.overlay.node("p05").node_id)
    assert frame.cursor > busy + 4
    assert next(node.state for node in frame.nodes if node.name == "p05") is NodeState.CRASHED
    session.close()


def test_reading_after_the_end_goes_on(session: Session) -> None:
    session.run()
    reads = sum(1 for _ in session.trace.select(events.Resolved))
    session.inject("read")
    session.run()
    assert sum(1 for _ in session.trace.select(events.Resolved)) == reads + 1


def test_acts_that_can_not_be_done_say_why(session: Session) -> None:
    session.set("attack", False)
    assert next(action.locked for action in session.actions() if action.name == "resend")
    with pytest.raises(LocalProtocolError, match="switch the attack on"):
        session.inject("resend")
    with pytest.raises(LocalProtocolError, match="known: resend"):
        session.inject("nonsense")
    session.set("base", "trusted")
    with pytest.raises(TrustedBase):
        session.inject("hostile")


def test_clients_forward_for_nobody(session: Session) -> None:
    with pytest.raises(LocalProtocolError, match="choose a peer"):
        session.inject("hostile", session.overlay.node("bob").node_id)


# --- cards ------------------------------------------------------------------------------------------------------------


def test_a_card_says_what_was_chosen(session: Session) -> None:
    other = Session("RP-2")
    front, _, check = other.card.rpartition("-")
    assert front == "RP2-U-R-D-7"
    assert len(check) == 4
    other.close()
    assert ".tls" in session.card


def test_a_card_brings_the_run_and_the_moment_back(session: Session) -> None:
    for _ in range(12):
        session.step()
    session.set("version-counter", True)
    session.inject("crash", session.overlay.peers()[0].node_id)
    session.set("peers", 16)
    other = Session.from_card(session.card)
    assert other.card == session.card
    assert other.frame() == session.frame()
    assert (other.run(), other.overlay.digest()) == (session.run(), session.overlay.digest())
    other.close()


@pytest.mark.parametrize(
    "card",
    ["RP2-U-R-D-7-0000", "RP2-T-R-D-7-0000", "RP2-U-R-D-7-0000.p3", "RP2-U-R-D-7-0000.v2.h95",
     "TR4-T-R-N-7-0000.v2.h30", "RP2-U-R-D-7-0000.crash:p99/12000"],
)  # fmt: skip
def test_a_card_that_can_not_be_played_leaves_no_overlay_behind(card: str) -> None:
    made: list[Driver] = []

    def driver() -> Driver:
        made.append(Driver())
        return made[-1]

    with pytest.raises((ValueError, LookupError, P2PSIPError)):
        Session.from_card(card, driver=driver)
    assert made
    assert all(each.loop.is_closed() for each in made)


@pytest.mark.parametrize("name", ["seed", "peers", "share"])
@pytest.mark.parametrize("value", ["x", 3.7, None, True, ""])
def test_numbers_are_whole(session: Session, name: str, value: Any) -> None:
    wanted, before = re.escape(f"{name} is a whole number, not {value!r}"), session.choices
    with pytest.raises(LocalProtocolError, match=wanted):
        Session("RP-2", **{name: value})
    with pytest.raises(LocalProtocolError, match=wanted):
        session.set(name, value)
    assert session.choices == before


def test_more_peers_than_fit_are_refused_before_any_is_made() -> None:
    with pytest.raises(LocalProtocolError, match="at most 5000 peers fit into one run, not 99999999"):
        Session.from_card("RP2-U-R-D-7-9C41.p99999999")


def test_a_seed_below_zero_is_on_the_card() -> None:
    session = Session("RP-2", seed=-1, links="plain", peers=8)
    again = Session.from_card(session.card)
    assert again.choices == session.choices
    session.close()
    again.close()


@pytest.mark.parametrize("threat", ["", "TR-1", "ST-13", "RP-2"])
def test_every_scenario_has_cards(threat: str) -> None:
    session = Session(threat, peers=12, seed=3, attack=False)
    card = session.card
    session.close()
    assert parse(card).choices == session.choices
    again = Session.from_card(card)
    assert again.card == card
    again.close()


@pytest.mark.parametrize("card", ["", "RP2", "RP-2-U-R-D-7-0000", "ZZ1-U-R-D-7-0000", "RP2-U-R-D-7-0000"])
def test_a_card_of_nothing_or_of_another_version_is_refused(card: str) -> None:
    with pytest.raises(ValueError, match=r"card|known|differently"):
        Session.from_card(card)


def test_a_changed_run_has_another_card(session: Session) -> None:
    cards = {session.card}
    for name, value in (("seed", 8), ("preset", "reload"), ("routing", "iterative"), ("attack", False)):
        session.set(name, value)
        cards.add(session.card)
    assert len(cards) == 5


# --- the verdict ------------------------------------------------------------------------------------------------------


def test_the_strip_fills_as_runs_are_made(session: Session) -> None:
    strip = session.verdict()
    assert isinstance(strip, Strip)
    assert [column.figure for column in strip.columns] == [None] * 4
    assert strip.columns[2].title == "First try: version counter"
    assert not strip.complete
    session.run()
    strip = session.verdict()
    assert strip is not None
    assert [column.figure for column in strip.columns] == [None, 3.0, None, None]
    assert [column.current for column in strip.columns] == [False, True, False, False]


def test_the_judged_strip_tells_the_decoy(session: Session) -> None:
    strip = session.judge()
    assert strip.complete
    assert [column.word for column in strip.columns] == [Word.HOLDS, Word.ROLLED_BACK, Word.HOLDS, Word.ROLLED_BACK]
    assert [column.facts[0] for column in strip.columns] == ["v2", "v1", "v2", "v1"]
    assert strip.columns[2].title == "Defended: version counter"
    assert strip.columns[3].title == "Decoy: time stamp window"
    words = {switch.name: switch.word for switch in session.switches()}
    assert (words["version-counter"], words["time-stamp"]) == (Word.HOLDS, Word.ROLLED_BACK)
    assert session.verdict() == strip


def test_the_defended_run_is_marked_as_the_one_shown(session: Session) -> None:
    session.set("version-counter", True)
    strip = session.judge()
    assert [column.current for column in strip.columns] == [False, False, True, False]


def test_prices_are_told(session: Session) -> None:
    other = Session("ST-13")
    price = other.judge().columns[2].price
    assert any("hops" in part for part in price)
    assert any("kB" in part for part in price)
    other.close()


def test_nothing_is_judged_on_a_base_without_hostile_peers(session: Session) -> None:
    session.set("attack", False)
    session.set("base", "trusted")
    assert session.verdict() is None
    with pytest.raises(TrustedBase):
        session.judge()


def test_a_session_begins_with_what_is_on_in_every_column_and_the_last_chosen_rival_counts() -> None:
    session = Session("DT-3", peers=12)
    assert {"first-complaint", "record-signature"} <= set(session.choices.defences.names())
    assert parse(session.card).choices == session.choices
    session.set("checkable-evidence", True)
    on = session.choices.defences.names()
    assert "checkable-evidence" in on
    assert "first-complaint" not in on
    session.set("checkable-evidence", False)
    session.close()
    plain = Session("DT-3", peers=12, preset="none")
    assert plain.choices.defences.names() == ()
    plain.close()
