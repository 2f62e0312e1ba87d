"""The panel without a kernel: what its widgets hold after a click."""

from __future__ import annotations

import asyncio
import html
import re
import threading
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from lab import labels, lanes, plots, style, tables, widgets
from lab.app import open_lab
from lab.causes import causes
from lab.comparison import Walk
from lab.fields import inspect, middle_bit
from lab.frames import NodeKind, Switch
from lab.lanes import draw_lanes
from lab.session import Session
from lab.signs import Board, Sign
from lab.switchboard import Switchboard
from lab.text import Word
from lab.widgets import Panel
from p2psip_min.defences import CATALOGUE
from tests.lab.sessions import StorySession
from tests.lab.story import Story


@pytest.fixture
def panel() -> Panel:
    return Panel(StorySession())


async def until(met: Callable[[], bool]) -> None:
    """Let the panel go on until this is so, however busy the machine is."""
    for _ in range(50_000):
        if met():
            return
        await asyncio.sleep(0.001)
    raise AssertionError("what was waited for did not come")


def test_the_first_picture_says_that_nothing_has_run(panel: Panel) -> None:
    assert "NOT RUN" in panel.caption.value
    assert panel.back.disabled
    assert panel.ring.ground.count('class="node"') == 32
    assert "No message has been sent yet." in panel.lanes.skeleton
    assert "No peer holds a record yet." in panel.storage.value


def test_step_and_back_move_one_moment(panel: Panel) -> None:
    panel.step.click()
    assert panel.session.cursor == 1
    assert "alice sends StoreReq with" in panel.caption.value
    assert 'data-hop="1"' in panel.ring.story
    panel.step.click()
    panel.back.click()
    assert panel.session.cursor == 1


def test_end_shows_the_attack_in_every_part(panel: Panel) -> None:
    panel.end.click()
    assert "ROLLED BACK" in panel.caption.value
    assert panel.storage.value.count("ROLLED BACK") == 3
    assert "resent v1" in panel.ring.story
    assert "v1 again: rolled back" in panel.timeline.story


def test_selecting_a_message_frames_it_and_opens_its_bytes(panel: Panel) -> None:
    panel.end.click()
    panel.select(11)
    assert "Bytes of message 11" in panel.bytes.value
    assert style.LOOK in panel.ring.story
    panel.select(11)
    assert "Select a message" in panel.bytes.value


def test_a_defence_changes_the_run(panel: Panel) -> None:
    panel.end.click()
    panel._heard({"act": "switch", "id": "version"})
    assert "REFUSED" in panel.caption.value
    assert "HOLDS" in panel.storage.value


def test_an_error_is_shown_and_the_picture_stays(panel: Panel) -> None:
    panel.end.click()
    before = panel.ring.story
    panel.controls["base"].value = "trusted"
    assert "On a trusted base every peer is the operator" in panel.alert.value
    assert panel.ring.story == before
    assert panel.controls["base"].value == "untrusted"
    panel.back.click()
    assert panel.alert.value == ""


def test_a_seed_that_is_no_number_is_refused(panel: Panel) -> None:
    panel.controls["seed"].value = "seven"
    assert "Seed is a whole number." in panel.alert.value
    assert panel.controls["seed"].value == "7"


def test_a_click_in_another_thread_is_heard_while_the_switches_are_drawn() -> None:
    moved: list[tuple[str, object]] = []
    switches = StorySession().switches()
    board = Switchboard(switches, lambda _, name, value: moved.append((name, value)), lambda *_: None)

    class Meanwhile(tuple[Switch, ...]):
        def __iter__(self) -> Iterator[Switch]:
            if not moved:
                click = threading.Thread(target=lambda: setattr(board.controls["attack"], "value", labels.OFF))
                click.start()
                click.join()
            return super().__iter__()

    board.bind(Meanwhile(switches))
    assert moved == [("attack", False)]
    assert board.controls["attack"].value == labels.ON, "until the session has another"


def test_the_verdict_is_run_on_demand(panel: Panel) -> None:
    assert "NOT RUN" in panel.verdict.value
    panel.judge.click()
    assert "ROLLED BACK" in panel.verdict.value
    assert panel.judge.layout.display == "none"


def test_keys_and_seeks_reach_the_session(panel: Panel) -> None:
    panel._heard({"act": "key", "id": "."})
    panel._heard({"act": "key", "id": "ArrowRight"})
    assert panel.session.cursor == 2
    panel._heard({"act": "seek", "id": "1"})
    assert panel.session.cursor == 1
    panel._heard({"act": "key", "id": "End"})
    assert panel.session.finished


def test_play_runs_on_the_loop_and_pause_stops_it() -> None:
    async def scene() -> None:
        panel = Panel(StorySession())
        panel.speed.value = "8×"
        panel.play.click()
        assert panel.play.description == "Pause"
        await until(lambda: panel.session.cursor >= 2)
        panel.play.click()
        reached = panel.session.cursor
        assert panel.play.description == "Play"
        await asyncio.sleep(0.2)
        assert panel.session.cursor == reached

    asyncio.run(scene())


def test_no_text_in_a_picture_is_smaller_than_eleven_pixels(panel: Panel) -> None:
    panel.end.click()
    for markup in (panel.ring.ground, panel.ring.story, panel.lanes.head, panel.lanes.story):
        assert min(map(float, re.findall(r'font-size="([\d.]+)"', markup))) >= 11


@pytest.mark.parametrize("count", [8, 200])
def test_small_and_large_rings_are_drawn(count: int) -> None:
    story = Story(max(count, 32)).tell() if count > 32 else Story(32).tell()
    film = story.film()
    frame = film.frame(film.length)
    picture = plots.draw_ring(frame, 496)
    assert picture.ground.count('class="node"') == len([node for node in frame.nodes if node.name[0] == "p"])
    assert len(picture.ground) + len(picture.story) < 120_000


def test_lanes_that_do_not_fit_are_shared() -> None:
    film = Story().tell().film()
    frame = film.frame(film.length)
    assert "others" not in draw_lanes(frame, 900).head
    assert labels.MORE in draw_lanes(frame, 420).head
    assert labels.OTHERS in draw_lanes(frame, 528).head


def test_standalone_svg_is_whole() -> None:
    from xml.etree import ElementTree

    film = Story().tell().film()
    for n in range(0, film.length + 1, 5):
        ElementTree.fromstring(plots.ring_svg(film.frame(n)))


def test_every_word_has_its_icon() -> None:
    for said in Word:
        assert said.value in tables.word(said)


@pytest.mark.parametrize("threat", ["EN-9", "EN-11", "EN-7", "RM-2", "TR-2", "KB-1", "PR-3"])
def test_scenarios_of_every_kind_play_to_their_end(threat: str) -> None:
    panel = open_lab(threat)
    panel.step.click()
    panel.end.click()
    assert panel.alert.value == ""
    assert panel.session.finished
    panel._heard({"act": "row", "id": "1"})
    assert panel.alert.value == ""
    panel.session.close()


def test_the_defences_that_a_scenario_names_stand_first() -> None:
    panel = open_lab("RP-2")
    assert 'data-id="version-counter"' in panel.defences.story or 'data-id="version"' in panel.defences.story
    first, rest = (markup.count("<input") for markup in (panel.defences.story, panel.defences.ground))
    assert first + rest == len(CATALOGUE)
    assert first < 20
    panel.session.close()


# --- on a real run --------------------------------------------------------------------------------------------------


def close(panel: Panel) -> None:
    """End what a panel on a real run holds."""
    assert isinstance(panel.session, Session)
    panel.session.close()


@pytest.fixture
def replayed() -> Iterator[Panel]:
    panel = open_lab("RP-2")
    panel.end.click()
    yield panel
    close(panel)


def resent(panel: Panel) -> int:
    return next(row.number for row in panel.session.frame().rows if row.resent)


def test_hands_flip_a_signed_bit_of_the_selected_message(replayed: Panel) -> None:
    assert replayed.hands.view.layout.display == "none"
    number = resent(replayed)
    replayed._heard({"act": "row", "id": str(number)})
    assert replayed.hands.view.layout.display is None
    row = replayed.session.frame().row(number)
    assert row is not None
    signed = middle_bit(inspect(row.message, replayed.session.frame().world, row.t), len(row.message))
    assert replayed.hands.bit.value == str(signed)
    replayed.hands.buttons["flip"].click()
    assert replayed.alert.value == ""
    assert ".flip~" in replayed.session.card
    replayed.end.click()
    assert "ROLLED BACK" not in replayed.caption.value, "a record whose signature is broken replaces nothing"


@pytest.mark.parametrize("deed", ["drop", "delay", "duplicate", "resend"])
def test_every_deed_forks_the_run(replayed: Panel, deed: str) -> None:
    replayed.select(resent(replayed))
    replayed.hands.where.value = "on the wire"
    replayed.hands.buttons[deed].click()
    assert replayed.alert.value == ""
    assert f".{deed}~" in replayed.session.card


def test_hands_say_why_they_refuse(replayed: Panel) -> None:
    replayed.select(1)
    replayed.hands.bit.value = "some"
    replayed.hands.buttons["flip"].click()
    assert "Bit is a whole number" in replayed.alert.value
    trusted = open_lab("", base="trusted")
    trusted.end.click()
    sender = next(
        row for row in trusted.session.frame().rows if trusted.session.frame().world.name(row.sender)[0] == "p"
    )
    trusted.select(sender.number)
    trusted.hands.buttons["drop"].click()
    assert "every peer is the operator’s" in trusted.alert.value.replace("&#x27;", "’")
    trusted.hands.where.value = "on the wire"
    trusted.hands.buttons["drop"].click()
    assert trusted.alert.value == ""
    close(trusted)


def test_the_run_before_stands_beside_this_one(replayed: Panel) -> None:
    compare = replayed.comparing
    assert compare.button.disabled
    replayed.comparing.button.click()
    assert "there is no run before this one" in html.unescape(replayed.alert.value).lower()
    before = replayed.session.card
    replayed._heard({"act": "switch", "id": "version-counter"})
    compare.button.click()
    told = html.unescape(compare.text.value)
    assert "FIRST DIFFERENCE" in told
    assert "Version counter: off → on" in told
    assert "A ends ROLLED BACK, B REFUSED" in told
    assert before.split("@")[0] in compare.heads[0].value
    assert replayed.session.card in compare.heads[1].value
    assert compare.pairs.story.count('<tr class="first') == 1
    assert "comparing" in replayed.view._dom_classes
    compare.close.click()
    assert compare.text.value == ""
    assert compare.view.layout.display == "none"
    assert "comparing" not in replayed.view._dom_classes


def test_both_runs_are_scrubbed_together(replayed: Panel) -> None:
    replayed._heard({"act": "switch", "id": "version-counter"})
    compare = replayed.comparing
    replayed._heard({"act": "key", "id": "c"})
    walk = compare.walk
    assert walk is not None
    first = walk.cursor
    assert compare.previous.disabled
    compare.next.click()
    assert walk.cursor > first
    assert "DIFFERENCE 2 OF" in compare.text.value
    assert "REFUSED" in compare.heads[1].value
    replayed._heard({"act": "key", "id": "N"})
    assert walk.cursor == first
    replayed._heard({"act": "key", "id": "ArrowLeft"})
    assert "ALIKE SO FAR" in compare.text.value
    assert compare.rings[0].story == compare.rings[1].story
    for key in ("m", ".", "End", "Home"):
        replayed._heard({"act": "key", "id": key})
        assert replayed.alert.value == ""
    assert (walk.cursor, replayed.session.cursor) == (0, 0)
    replayed._heard({"act": "key", "id": "N"})
    assert "No difference lies before this moment" in compare.remark.value
    compare._heard({"act": "seek", "id": str(walk.length)})
    assert compare.remark.value == ""
    assert "ROLLED BACK" in compare.heads[0].value
    assert "REFUSED" in compare.heads[1].value
    assert compare.next.disabled
    compare._heard({"act": "pair", "id": "0"})
    assert walk.moment.pair == 0
    compare._heard({"act": "toggle", "id": "open"})
    alone = sum(one.right is None and other.left is None for one, other in pairwise(walk.found.pairs))
    assert compare.whole.story.count("<tr") == len(walk.found.pairs) + 1 - alone, "what has no partner shares lines"
    moment = walk.moment.right
    replayed._heard({"act": "key", "id": "Escape"})
    assert replayed.session.cursor == moment, "the panel stays at the moment that was looked at"
    assert not compare.open


def test_both_runs_are_drawn_at_one_scale(replayed: Panel) -> None:
    replayed._heard({"act": "switch", "id": "version-counter"})
    replayed._heard({"act": "key", "id": "c"})
    rings = replayed.comparing.rings
    for widths in ((420, 396), (396, 420), (640, 616)):
        for ring, width in zip(rings, widths, strict=True):
            ring.width = width
        assert rings[0].box == rings[1].box
        assert rings[0].box[0] == min(widths)


def test_a_comparison_closes_when_the_run_becomes_another(replayed: Panel) -> None:
    replayed._heard({"act": "switch", "id": "version-counter"})
    replayed.comparing.button.click()
    assert replayed.comparing.open
    replayed._heard({"act": "column", "id": "2"})
    assert not replayed.comparing.open
    assert replayed.alert.value == ""


def test_a_comparison_closes_when_the_run_begins_again(replayed: Panel) -> None:
    for _ in ("on", "off"):
        replayed._heard({"act": "switch", "id": "version-counter"})
    replayed.comparing.button.click()
    assert replayed.comparing.open
    replayed.reset.click()
    assert not replayed.comparing.open
    assert "NOT RUN" in replayed.caption.value


def test_a_comparison_that_fails_leaves_no_run_behind(replayed: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
    replayed._heard({"act": "switch", "id": "version-counter"})
    made: list[Session] = []

    def fails(self: Session, other: Session) -> Walk:
        made.append(other)
        raise ValueError("no way through")

    with monkeypatch.context() as patched:
        patched.setattr(Session, "walk", fails)
        replayed.comparing.button.click()
    assert "No way through" in replayed.alert.value
    replayed.comparing.button.click()
    assert replayed.comparing.open
    assert [other.overlay.loop.is_closed() for other in made] == [True]


def test_two_runs_are_played_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(widgets, "BEAT", 0.001)

    async def scene() -> None:
        panel = open_lab("RP-2", links="plain")
        panel._heard({"act": "switch", "id": "version-counter"})
        panel.comparing.button.click()
        walk = panel.comparing.walk
        assert walk is not None
        walk.seek(walk.length - 3)
        panel.play.click()
        await until(lambda: not panel.playing)
        assert walk.cursor == walk.length
        assert panel.alert.value == ""
        panel.comparing.leave()
        close(panel)

    asyncio.run(scene())


def test_the_page_scrolls_by_rows_of_the_lanes() -> None:
    folder = Path(lanes.__file__).parent
    (row,) = re.findall(r"const ROW = ([\d.]+)", (folder / "figure.js").read_text("utf-8"))
    assert float(row) == lanes.ROW
    heights = re.findall(r"\.lab \.scroll\{[^}]*max-height:([\d.]+)px", (folder / "panel.css").read_text("utf-8"))
    assert heights
    assert all(float(height) % lanes.ROW == 0 for height in heights)


def test_the_lanes_are_searched_and_folded(replayed: Panel) -> None:
    rows = replayed.session.frame().rows
    replayed.find.value = "storereq resent"
    wanted = [row for row in rows if row.resent and row.method == "StoreReq"]
    assert replayed.lanes.story.count('data-act="row"') == len(wanted) > 0
    replayed.find.value = "bob"
    assert 0 < replayed.lanes.story.count('data-act="row"') < len(rows)
    replayed.find.value = "nobody says this"
    assert "no message has" in replayed.lanes.story
    replayed.find.value = ""
    flood = open_lab("KB-4")
    flood.end.click()
    flood.fold.value = True
    assert "messages like earlier ones" in flood.lanes.story
    close(flood)


def test_causes_lead_from_a_request_to_its_answer_and_its_copies(replayed: Panel) -> None:
    frame = replayed.session.frame()
    copied = next(row for row in frame.rows if len(row.receivers) > 1)
    pairs = causes(frame, copied.number)
    assert any(then == copied.number for _, then in pairs)
    assert all(frame.rows[then - 1].sender in frame.rows[first - 1].receivers for first, then in pairs)
    first = frame.rows[0]
    answer = next(row for row in frame.rows if row.answer and row.transaction_id == first.transaction_id)
    assert any(then == answer.number for _, then in causes(frame, first.number))
    replayed.select(first.number)
    assert 'class="because"' in replayed.lanes.story


def test_a_node_opens_its_card_and_is_turned_and_crashed(replayed: Panel) -> None:
    frame = replayed.session.frame()
    root = next(one for one in frame.storage if one.replica == 0)
    replayed._heard({"act": "node", "id": root.node.hex()})
    assert "neighbor table" in replayed.node.text.value
    assert "SIP-REGISTRATION" in replayed.node.text.value
    replayed.node.hostile.click()
    assert replayed.alert.value == ""
    assert next(one for one in replayed.session.frame().nodes if one.node == root.node).hostile
    assert replayed.node.hostile.disabled
    assert "hostile already" in replayed.node.reasons.value
    replayed.node.crash.click()
    replayed.end.click()
    assert "down" in replayed.node.text.value
    replayed.node.close.click()
    assert replayed.node.view.layout.display == "none"


def test_every_node_of_the_ring_opens_its_card() -> None:
    panel = open_lab("", peers=6)
    for one in panel.session.frame().nodes:
        panel._heard({"act": "node", "id": one.node.hex()})
        assert panel.node.view.layout.display is None
        client = one.kind is NodeKind.CLIENT
        assert ("served by" in panel.node.text.value) == client
        assert not client or panel.node.hostile.disabled
    close(panel)


def test_the_trusted_base_says_why_no_peer_turns() -> None:
    panel = open_lab("", base="trusted")
    peer = panel.session.frame().nodes[3]
    panel._heard({"act": "node", "id": peer.node.hex()})
    assert panel.node.hostile.disabled
    assert "every peer is the operator" in panel.node.reasons.value
    assert not panel.node.crash.disabled
    close(panel)


def test_presenter_mode_shows_one_large_picture(replayed: Panel) -> None:
    replayed._heard({"act": "key", "id": "p"})
    assert "present" in replayed.view._dom_classes
    assert "ROLLED BACK" in replayed.stage.story
    for place, said in (("1", "HOLDS"), ("3", "REFUSED"), ("4", "ROLLED BACK")):
        replayed._heard({"act": "key", "id": place})
        assert replayed.alert.value == ""
        assert '<div class="big-word' in replayed.stage.story
        assert said in replayed.caption.value
    assert "NOT RUN" not in replayed.stage.story
    with pytest.raises(ValueError, match="not shown in presenter mode"):
        replayed._heard({"act": "key", "id": "c"})
    assert not replayed.comparing.open
    replayed._heard({"act": "key", "id": "?"})
    assert "presenter mode" in replayed.keys_shown.value
    for _ in range(2):
        replayed._heard({"act": "key", "id": "Escape"})
    assert replayed.keys_shown.value == ""
    assert "present" not in replayed.view._dom_classes


def test_the_last_difference_is_no_error_and_is_not_projected(replayed: Panel) -> None:
    replayed._heard({"act": "switch", "id": "version-counter"})
    compare = replayed.comparing
    for leaves in ("c", "p"):
        if not compare.open:
            replayed._heard({"act": "key", "id": "c"})
        assert compare.walk is not None
        for _ in range(len(compare.walk.found.stops) + 1):
            replayed._heard({"act": "key", "id": "n"})
        assert "No further difference" in compare.remark.value
        assert replayed.alert.value == ""
        replayed._heard({"act": "key", "id": leaves})
        assert compare.open == (leaves == "p")
        assert "difference" not in replayed.stage.story.lower()
    replayed._heard({"act": "key", "id": "p"})
    assert compare.remark.value == ""


def test_an_earlier_error_is_not_projected(panel: Panel) -> None:
    panel._refuse("seed", "a seed is a whole number")
    assert "failed" in panel.alert.value
    panel._heard({"act": "key", "id": "p"})
    assert panel.alert.value == ""


def test_f_does_what_the_first_button_does(replayed: Panel) -> None:
    replayed._heard({"act": "seek", "id": "20"})
    replayed._heard({"act": "key", "id": "f"})
    assert ".resend/" in replayed.session.card


def test_export_says_where_it_went(replayed: Panel, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(widgets, "EXPORTS", tmp_path)
    replayed.export.click()
    assert replayed.alert.value == ""
    assert "run.pcap" in replayed.told.value
    assert len(list(tmp_path.rglob("ring.svg"))) == 1
    replayed.back.click()
    assert replayed.told.value == ""


def test_the_number_of_peers_is_a_switch(replayed: Panel) -> None:
    replayed.controls["peers"].value = "24"
    assert replayed.alert.value == ""
    assert replayed.ring.ground.count('class="node"') == 24
    replayed.controls["peers"].value = "2"
    assert "failed" in replayed.alert.value
    assert replayed.controls["peers"].value == "24"
    replayed.reset.click()
    assert replayed.controls["peers"].value == "32"


# --- long work ------------------------------------------------------------------------------------------------------


def test_a_sentence_begins_with_a_capital_letter_or_a_peer() -> None:
    assert labels.stopped("p07 is down already") == "p07 is down already."
    assert labels.stopped("alice is down already.") == "Alice is down already."
    assert labels.begun("a peer comes") == "A peer comes"


def test_an_interval_is_written_without_powers_of_ten() -> None:
    assert labels.interval(98.0, 95.5, 100.0, " %") == "98 % (95.5 to 100)"
    assert labels.interval(0.25, 0.25, 0.25) == "0.25"


def test_work_over_seeds_is_watched_stopped_and_gone_on_with() -> None:
    async def scene() -> None:
        panel = open_lab("KB-2")
        panel.seeds.click()
        assert panel.work.view.layout.display is None
        await until(lambda: "12 of 100" in panel.work.bar.value)
        assert '<progress max="100" value="' in panel.work.bar.value
        panel.step.click()
        assert panel.session.cursor == 1, "what is clicked meanwhile is done"
        panel.work.stop.click()
        assert panel.work.stop.layout.display == "none"
        assert "stopped after" in panel.work.bar.value
        assert "What was run is kept" in panel.work.bar.value
        assert "mean of 2 seeds (a verdict takes 20)" in panel.verdict.value
        await asyncio.sleep(0.1)
        assert panel.alert.value == ""
        panel.step.click()
        assert panel.work.view.layout.display == "none"
        close(panel)

    asyncio.run(scene())


def test_work_that_fails_says_so_and_leaves_the_panel_usable(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(seeds: int) -> Iterator[tuple[int, int]]:
        yield 1, 5
        raise OSError("no disk left")

    async def scene() -> None:
        panel = open_lab("KB-2")
        monkeypatch.setattr(panel.session, "judging", failing)
        panel.judge.click()
        await asyncio.sleep(0.2)
        assert "No disk left" in panel.alert.value
        assert panel.work.view.layout.display == "none"
        panel.step.click()
        assert panel.alert.value == ""
        close(panel)

    asyncio.run(scene())


def test_the_four_runs_are_played_from_the_strip(replayed: Panel) -> None:
    assert replayed.strip.story.count('role="button"') == 4
    replayed._heard({"act": "column", "id": "3"})
    assert replayed.alert.value == ""
    assert "REFUSED" in replayed.caption.value
    assert 'class="vs cur good"' in replayed.strip.story


def test_the_table_is_made_while_it_is_open(replayed: Panel) -> None:
    assert replayed.table.story == ""
    replayed._heard({"act": "toggle", "id": "open"})
    assert "In words" in replayed.table.story
    rows = replayed.table.story.count("<tr")
    replayed.back.click()
    replayed._heard({"act": "seek", "id": "5"})
    assert 0 < replayed.table.story.count("<tr") < rows
    replayed._heard({"act": "toggle", "id": "closed"})
    assert replayed.table.story == ""


def test_a_share_of_hostile_peers_is_a_switch(replayed: Panel) -> None:
    replayed.controls["share"].value = "25"
    assert replayed.alert.value == ""
    assert replayed.ring.story.count(", hostile") >= 8
    assert ".h25" in replayed.session.card
    replayed.reset.click()
    assert replayed.controls["share"].value == "3"
    tour = open_lab("TR-1")
    assert tour.controls["share"].disabled
    assert "an outsider between alice and her peer" in tour.switchboard.why.value
    close(tour)


def test_a_preset_opens_the_tour_with_it() -> None:
    panel = open_lab("hardened")
    assert panel.controls["preset"].value == "hardened"
    assert panel.session.threat == ""
    close(panel)


def test_the_inspector_says_what_signatures_are_worth_and_what_is_around_the_message(replayed: Panel) -> None:
    replayed.select(resent(replayed))
    assert replayed.bytes.value.count("signature valid") == 2
    assert "not that no newer one exists" in replayed.bytes.value
    assert "TLS record around it" in replayed.bytes.value
    assert "17 03 03 0" in replayed.bytes.value
    plain = open_lab("TR-1")
    plain.end.click()
    plain.select(1)
    assert "No TLS record around it" in plain.bytes.value
    assert plain.bytes.value.count("unsigned") >= 2
    close(plain)


def test_a_step_may_be_a_message() -> None:
    panel = open_lab("RP-2")
    for sent in (1, 2, 3):
        panel.message.click()
        assert len(panel.session.frame().rows) == sent
    panel._heard({"act": "key", "id": "m"})
    assert len(panel.session.frame().rows) == 4
    panel.end.click()
    assert panel.message.disabled
    panel._heard({"act": "key", "id": "Home"})
    panel._heard({"act": "key", "id": "p"})
    panel._heard({"act": "key", "id": " "})
    assert (panel.session.cursor, panel.playing) == (1, False), "a presenter's space bar is one step"
    close(panel)


def test_words_of_a_ring_cover_no_other_words() -> None:
    board = Board(400, 400, (200, 200), 120, 6)
    board.mark((200, 80), 9)
    for number in range(6):
        assert f"number {number}" in board.put(
            Sign(at=(200, 80), r=9, lines=((f"number {number}", True, "#000"),)), newest=1
        )
    for place, (left, top, right, bottom) in enumerate(board.taken):
        for a, b, c, d in board.taken[:place]:
            assert min(right, c) <= max(left, a) or min(bottom, d) <= max(top, b)
    loose = Sign(at=(200, 80), r=9, lines=(("one too many", False, "#000"),), loose=True)
    assert board.put(loose, 1) == ""


def test_of_many_hostile_peers_some_are_named_and_all_are_counted() -> None:
    panel = open_lab("ID-2")
    panel.end.click()
    frame = panel.session.frame()
    hostile = sum(one.hostile for one in frame.nodes)
    assert hostile > 12
    assert f"{hostile} are hostile" in panel.ring_head.value
    assert panel.ring.story.count("hostile</text>") <= plots.MOST_HOSTILE
    close(panel)
