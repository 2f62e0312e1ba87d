"""The panel without a kernel: what its widgets hold after a click."""

from __future__ import annotations

import asyncio

import pytest

from lab import plots, style, tables
from lab.app import open_lab
from lab.lanes import draw_lanes
from lab.text import Word
from lab.widgets import Panel
from p2psip_min.defences import CATALOGUE
from tests.lab.sessions import StorySession
from tests.lab.story import Story


@pytest.fixture
def panel() -> Panel:
    return Panel(StorySession())


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
        await asyncio.sleep(0.35)
        panel.play.click()
        reached = panel.session.cursor
        assert reached >= 2
        assert panel.play.description == "Play"
        await asyncio.sleep(0.2)
        assert panel.session.cursor == reached

    asyncio.run(scene())


def test_no_text_in_a_picture_is_smaller_than_eleven_pixels(panel: Panel) -> None:
    import re

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
    assert "others" in draw_lanes(frame, 460).head


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
