"""The panel for a room: ring, word, a few large words, holders, four numbers and the timeline, as one piece of HTML."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape

from lab import labels, tables
from lab.figures import Figure
from lab.frames import Column, Frame, SessionLike, Strip
from lab.lanes import draw_timeline
from lab.plots import draw_ring
from lab.text import TONES, Word

RING = 440
"""The ring is drawn this wide and shown about twice as wide, so that strokes and type grow with it."""

MOST_HOLDERS = 4
_WHEN = re.compile(r"^At [\d.]+ s ")


def words(caption: str, most: int = 160) -> str:
    """The caption without its time, cut at a word: about four lines."""
    said = labels.begun(_WHEN.sub("", caption))
    return said if len(said) <= most else said[: said.rfind(" ", 0, most)] + " …"


def stage(
    frame: Frame, strip: Strip | None, *, threat: str, title: str, note: str, card: str, width: int, room: int
) -> str:
    """Everything that a room sees; ``width`` is the timeline's, in pixels, ``room`` the moments it has place for."""
    mark = f'<b class="mark">{escape(threat)}</b>' if threat else ""
    ring = draw_ring(frame, RING)
    picture = (
        f'<svg viewBox="0 0 {ring.width} {ring.height}" role="img" aria-label="{escape(frame.caption)}">{ring.ground}'
        f"{ring.story}</svg>"
    )
    newest = tables.newest_of(frame)
    head = (
        f'<div class="ph"><div class="pt">{mark}{escape(title)}</div><div class="pn">{escape(note)}'
        f'<div class="mono">{escape(card)}</div></div></div>'
    )
    return (
        f"{head}"
        f'<div class="pm"><div class="pr">{picture}</div><div class="pw">'
        f'<div class="big-word on-{TONES[frame.word].value}">{tables.word(frame.word)}</div>'
        f'<p class="pc" role="status" aria-live="polite">{tables.tagged(words(frame.caption), newest)}</p>'
        f'{_holders(frame)}</div></div>{_numbers(strip)}<div class="px"><div class="ptime">'
        f"{draw_timeline(frame, width, room=room)}</div>"
        f'<div class="pk num">{frame.t:.2f} s · {frame.cursor}/{frame.length} <kbd>?</kbd></div></div>'
    )


def draw(figure: Figure, session: SessionLike, frame: Frame, room: int, motion: Sequence[float]) -> None:
    """Show the stage in its figure."""
    set_to = {switch.name: str(switch.value) for switch in session.switches() if switch.group != "defence"}
    note = labels.presenter_note(*(set_to.get(name, "") for name in ("base", "routing", "seed")))
    story = stage(
        frame,
        session.verdict(),
        threat=session.threat,
        title=session.title,
        note=note,
        card=session.card,
        width=figure.width // 2,
        room=room,
    )
    with figure.hold_sync():
        figure.story, figure.motion = story, list(motion)


def _holders(frame: Frame) -> str:
    holders = [one for one in frame.storage if one.replica >= 0 or one.word is Word.LOST][:MOST_HOLDERS]
    if not holders:
        return ""
    newest = tables.newest_of(frame)
    rows = "".join(
        f"<tr><td><b>{escape(one.holder)}</b> {escape(one.role)}</td><td>{tables.tag(one.version, newest)}</td>"
        f"<td>{tables.word(one.word, flat=True)}</td></tr>"
        for one in holders
    )
    return f'<table class="ps">{rows}</table>'


def _numbers(strip: Strip | None) -> str:
    if strip is None:
        return ""
    columns = "".join(_number(place, one) for place, one in enumerate(strip.columns[:4], 1))
    return f'<div class="p4"><div class="pq">{escape(strip.metric)}</div>{columns}</div>'


def _number(place: int, one: Column) -> str:
    figure = "?" if one.figure is None else one.shown or f"{one.figure:.3g}"
    head, _, rest = one.title.partition(": ")
    title = f"{rest[:1].upper()}{rest[1:]}" if rest else head
    return (
        f'<div class="pf{f" cur {TONES[one.word].value}" if one.current else ""}"><div class="pft"><kbd>{place}</kbd> '
        f'{escape(title)}</div><div class="pfn num">{escape(figure)}</div>{tables.word(one.word, flat=True)}'
        f"{f'<i>{escape(labels.THIS_RUN)}</i>' if one.current else ''}</div>"
    )
