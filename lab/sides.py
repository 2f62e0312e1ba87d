"""Two runs side by side, as HTML: what differs in their choices, their cards, their time, and their messages paired."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from html import escape

from lab import contrast, labels, lanes, tables, text
from lab.choices import Choices
from lab.comparison import Comparison, Pair, Walk
from lab.frames import Frame, Outcome, Row, Span, Tick
from lab.strips import SIGNATURE_NOISE
from lab.text import Word
from p2psip_min.defences import CATALOGUE

BEFORE, SHOWN, MOST = 2, 13, 500
"""How many pairs are shown before the one that this is about, how many in all, and at most in the whole table."""

SIGNS = {"same": "=", "alike": "≈", "other": "≠"}
"""How two messages of a pair are to each other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One of the two runs: what it is called, its card, and the frame that is looked at."""

    name: str
    card: str
    frame: Frame


def differences(before: Choices, now: Choices) -> tuple[str, ...]:
    """What was changed from one run to the other, in words."""
    changed = [
        contrast.change(name, str(getattr(before, name)), str(getattr(now, name)))
        for name in ("threat", "base", "routing", "preset", "seed", "peers")
        if getattr(before, name) != getattr(now, name)
    ]
    if before.share != now.share:
        changed.append(contrast.change(labels.SHARE, *(str(run.share or labels.AS_CAST) for run in (before, now))))
    if before.attack != now.attack:
        changed.append(contrast.change("attack", _on(before.attack), _on(now.attack)))
    if before.preset == now.preset:
        was, on = set(before.defences.names()), set(now.defences.names())
        changed += [
            contrast.change(each.title, _on(each.name in was), _on(each.name in on))
            for each in CATALOGUE
            if (each.name in was) != (each.name in on)
        ]
    if before.acts != now.acts:
        done = [contrast.act(act.name, act.at / 1000, act.node) for act in now.acts if act not in before.acts]
        changed += done or [contrast.UNDONE]
    return tuple(changed)


def _on(value: bool) -> str:
    return labels.ON if value else labels.OFF


def caption(walk: Walk, changed: Sequence[str]) -> str:
    """Where in the comparison this is, what was changed, and how the two runs differ here."""
    found, ends = walk.found, [session.frame(session.length) for session in (walk.left, walk.right)]
    count, here = len(found.stops), walk.passed
    stop = next((stop for stop in found.stops if stop.at == walk.cursor), None)
    if found.first is None:
        # Enrollment is no message of the overlay: its stories may differ all the same.
        alike = ends[0].word is ends[1].word and ends[0].ticks == ends[1].ticks
        said = contrast.NO_DIFFERENCE if alike else contrast.NO_MESSAGE_DIFFERS
    elif stop is None:
        said = contrast.differences_so_far(here, count)
    else:
        said = (
            contrast.first_difference(found.first_number)
            if stop.pair == found.first
            else contrast.difference(here, count)
        )
    what = text.series(changed) or contrast.NOTHING_CHANGED
    parts = [f"{what[:1].upper()}{what[1:]}."]
    if stop is not None:
        parts.append(_why(found.pairs[stop.pair]))
    parting = found.parting
    if parting is None:
        parts.append(contrast.SAME_WAY)
    elif stop is not None and stop.pair == found.first != parting:
        parts.append(contrast.part_at(_number(found.pairs[parting])))
    if stop is None or stop.pair == found.first:
        parts.append(contrast.ends(*(frame.word.value for frame in ends)))
    look = "look" if stop is not None else "mute"
    newest = max(tables.newest_of(frame) for frame in walk.frames())
    return (
        f'<div class="cap mute" role="status" aria-live="polite"><span class="word {look}">{escape(said)}</span>'
        f"<p>{tables.tagged(' '.join(parts), newest)}</p></div>"
    )


def _number(pair: Pair) -> int:
    row = pair.left or pair.right
    return row.number if row is not None else 0


def _why(pair: Pair) -> str:
    """How the messages of a pair differ."""
    left, right = pair.left, pair.right
    if left is None or right is None:
        row = left or right
        assert row is not None
        return contrast.only_in(row.t, "B" if left is None else "A", row.error or row.method, _ended(row))
    name, other = left.error or left.method, right.error or right.method
    if name != other:
        return contrast.instead(left.t, name, _ended(left), other, _ended(right))
    if not pair.alike:
        versions = left.version != right.version
        return contrast.ends_otherwise(left.t, name, _ended(left, versions), _ended(right, versions))
    more, later = len(right.message) - len(left.message), right.t - left.t
    more = more if abs(more) >= SIGNATURE_NOISE else 0
    return contrast.differ_in(left.t, name, more, later, same=left.message == right.message)


def _ended(row: Row, version: bool = False) -> str:
    ended = labels.outcome(row.outcome.value, row.reason)
    return f"{text.version(row.version)} {ended}" if version and row.version else ended


def side_head(letter: str, side: Side) -> str:
    """One of the two runs: its card, its word and its sentence at this moment, and what it ends as."""
    frame = side.frame
    return (
        f'<div class="sidehead"><b class="letter">{letter}</b><div><b>{escape(side.name)}</b> '
        f'<span class="quiet num">{frame.t:.2f} s</span><div class="mono" title="{escape(side.card)}">'
        f"{escape(side.card)}</div></div>{tables.word(frame.word)}</div>"
        f'<p class="sidesaid">{tables.tagged(frame.caption, tables.newest_of(frame))}</p>'
    )


# --- the time of both -------------------------------------------------------------------------------------------------


def track(walk: Walk, width: int) -> str:
    """One track for both runs: marks where they differ, and a line of bars for what the root of each held."""
    found, length = walk.found, max(1, walk.length)
    width = max(width - 16, 200)

    def at(cursor: float) -> float:
        return 100.0 * cursor / length

    ends = walk.left.frame(walk.left.length), walk.right.frame(walk.right.length)
    look = "both" if any(frame.track for frame in ends) else "both low"
    said = contrast.place_text(walk.cursor, walk.length, walk.passed, len(found.stops))
    parts = [
        f'<div class="track {look}" role="slider" tabindex="0" aria-label="{contrast.BOTH}" aria-valuemin="0" '
        f'aria-valuemax="{walk.length}" data-room="{length}" aria-valuenow="{walk.cursor}" '
        f'aria-valuetext="{escape(said)}"><div class="rail"></div>'
        f'<div class="done" style="width:{at(walk.cursor):.2f}%"></div>'
    ]
    if width / length >= 5:
        parts.extend(f'<div class="tk" style="left:{at(place):.2f}%"></div>' for place in range(1, length + 1))
    for left, right in _runs([stop.at for stop in found.stops], 100.0 * 3 / width * length / 100):
        parts.append(f'<div class="df" style="left:{at(left):.2f}%;width:calc({at(right - left):.2f}% + 4px)"></div>')
    parts.extend(lanes.moment_labels(_ticks(walk, ends), width, length))
    for row, (letter, frame) in enumerate(zip("AB", ends, strict=True)):
        spans = [_there(span, walk, row) for span in frame.track]
        parts.extend(lanes.holdings(frame, spans, width, length, lead=f"{letter}: ", row=row))
    parts.append(f'<div class="hd" style="left:{at(walk.cursor):.2f}%"></div></div>')
    return "".join(parts)


def _runs(places: Sequence[int], gap: float) -> list[tuple[int, int]]:
    """Places that lie too near to each other to be told apart, as stretches."""
    found: list[tuple[int, int]] = []
    for place in places:
        if found and place - found[-1][1] <= gap:
            found[-1] = (found[-1][0], place)
        else:
            found.append((place, place))
    return found


def _ticks(walk: Walk, ends: Sequence[Frame]) -> list[Tick]:
    """The named moments of both runs, and the first difference."""
    made: dict[tuple[int, str], Tick] = {}
    for side, frame in enumerate(ends):
        for tick in frame.ticks:
            if tick.label:
                place = walk.place_of(side, tick.cursor)
                made.setdefault((place, tick.label), replace(tick, cursor=place, hot=False))
    found = walk.found
    firsts = []
    for stop in found.stops:
        row = found.pairs[stop.pair].left or found.pairs[stop.pair].right
        if stop.pair == found.first and row is not None:
            label = contrast.first_difference(found.first_number).lower()
            firsts.append(Tick(cursor=stop.at, t=row.t, label=label, hot=True, wait=0.0))
    return [*(tick for (place, _), tick in made.items() if place not in {one.cursor for one in firsts}), *firsts]


def _there(span: Span, walk: Walk, side: int) -> Span:
    end = walk.place_of(side, span.end) if span.end >= 0 else -1
    return replace(span, start=walk.place_of(side, span.start), end=end)


# --- the messages of both ---------------------------------------------------------------------------------------------


def window(walk: Walk) -> str:
    """The pairs around the one that this is about, as many wherever that is."""
    found, focus = walk.found, walk.focus
    begin = max(0, min(max(0, focus) - BEFORE, len(found.pairs) - SHOWN))
    end = min(len(found.pairs), begin + SHOWN)
    before, after = found.pairs[:begin], found.pairs[end:]
    rows = _rows(walk, begin, end)
    return (
        f'{tables.head(contrast.PAIRS, contrast.PAIRS_NOTE)}<table class="pairs">{_COLUMNS}{_heads()}'
        f"{_fold(before, True)}{rows}{_fold(after, False)}</table>"
    )


def whole(walk: Walk) -> str:
    """Every pair."""
    return f'<table class="pairs">{_COLUMNS}{_heads()}{_rows(walk, 0, min(MOST, len(walk.found.pairs)))}</table>'


def whole_head(found: Comparison) -> str:
    """What opens the whole table."""
    note = contrast.all_pairs(len(found.pairs), min(MOST, len(found.pairs)))
    return f'<b>{contrast.ALL_PAIRS}</b> <span class="quiet">{escape(note)}</span>'


_COLUMNS = (
    '<colgroup><col class="m"><col class="n"><col class="t"><col><col class="m"><col class="n"><col class="t"><col>'
    "</colgroup>"
)


def _heads() -> str:
    a, b = (f'<th class="r">#</th><th class="r">{labels.TIME_SHORT}</th><th>{letter}</th>' for letter in "AB")
    return f"<tr><th></th>{a}<th></th>{b}</tr>"


def _fold(pairs: Sequence[Pair], before: bool) -> str:
    if not pairs:
        return ""
    words = contrast.more_pairs(len(pairs), sum(not pair.alike for pair in pairs), before)
    return f'<tr class="fold"><td></td><td colspan="7">{escape(words)}</td></tr>'


def _rows(walk: Walk, begin: int, end: int) -> str:
    found, focus = walk.found, walk.focus
    frames = walk.frames()
    lines, place = [], begin
    while place < end:
        pair, count = found.pairs[place], 1
        left, right = pair.left, pair.right
        if right is None and place + 1 < end and found.pairs[place + 1].left is None:
            # What only A has and what only B has in its place share a line.
            right, count = found.pairs[place + 1].right, 2
        kind = "same" if pair.same else "alike" if pair.alike else "other"
        here = range(place, place + count)
        look = "first" if found.first in here else kind
        now = ' class="now"' if focus in here else ""
        later = " later" if place > max(walk.moment.pair, focus) else ""
        cells = (
            _cells(left, frames[0], pair.alike)
            + f'<td class="sign edge">{SIGNS[kind]}</td>'
            + _cells(right, frames[1], pair.alike)
        )
        mark = f"<td{now}>{'▶' if now else ''}</td>"
        lines.append(f'<tr class="{look}{later}" data-act="pair" data-id="{place}">{mark}{cells}</tr>')
        place += count
    return "".join(lines)


def _cells(row: Row | None, frame: Frame, alike: bool) -> str:
    if row is None:
        return f'<td></td><td></td><td class="quiet">{contrast.NO_MESSAGE}</td>'
    world = frame.world
    receivers = text.series([world.name(node) for node in row.receivers])
    resent = f", {text.RESENT}" if row.resent else ""
    return (
        f'<td class="r num">{row.number}</td><td class="r num">{row.t:.2f}</td><td><b>'
        f"{escape(row.error or row.method)}{resent}</b> {tables.tag(row.version, tables.newest_of(frame))} "
        f"{escape(world.name(row.sender))} → {escape(receivers)}{'' if alike else _mark(row)}</td>"
    )


_WORDS = {
    Outcome.REFUSED: Word.REFUSED,
    Outcome.ROLLED_BACK: Word.ROLLED_BACK,
    Outcome.LOST: Word.LOST,
}


def _mark(row: Row) -> str:
    """What became of a message, where it is more than that it arrived."""
    if row.outcome in (Outcome.FLIGHT, Outcome.FORWARDED, Outcome.DELIVERED):
        return ""
    said = _WORDS.get(row.outcome)
    reason = f' <span class="quiet">{escape(row.reason)}</span>' if row.reason else ""
    if said is not None:
        return f" {tables.word(said, flat=True)}{reason}"
    return f' <span class="quiet">{escape(_ended(row))}</span>'
