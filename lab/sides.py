"""Two runs side by side, as HTML: what differs in their choices, their cards, and their messages paired."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from lab import labels, tables, text
from lab.choices import Choices
from lab.comparison import Comparison, Pair
from lab.frames import Frame, Outcome, Row
from p2psip_min.defences import CATALOGUE

BEFORE, AFTER = 3, 30
"""How many pairs are open before the first difference and after it; the others are folded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One of the two runs: its card, its last frame, and its picture at the first difference as SVG."""

    card: str
    frame: Frame
    picture: str = ""


def differences(before: Choices, now: Choices) -> tuple[str, ...]:
    """What was changed from one run to the other, in words."""
    changed = [
        labels.change(name, str(getattr(before, name)), str(getattr(now, name)))
        for name in ("threat", "base", "routing", "preset", "seed", "peers")
        if getattr(before, name) != getattr(now, name)
    ]
    if before.share != now.share:
        changed.append(labels.change(labels.SHARE, *(str(run.share or labels.AS_CAST) for run in (before, now))))
    if before.attack != now.attack:
        changed.append(labels.change("attack", _on(before.attack), _on(now.attack)))
    if before.preset == now.preset:
        was, on = set(before.defences.names()), set(now.defences.names())
        changed += [
            labels.change(each.title, _on(each.name in was), _on(each.name in on))
            for each in CATALOGUE
            if (each.name in was) != (each.name in on)
        ]
    if before.acts != now.acts:
        done = [labels.act(act.name, act.at / 1000, act.node) for act in now.acts if act not in before.acts]
        changed += done or [labels.UNDONE]
    return tuple(changed)


def _on(value: bool) -> str:
    return labels.ON if value else labels.OFF


def side_by_side(comparison: Comparison, left: Side, right: Side, changed: Sequence[str]) -> str:
    """Both runs: their words and cards, the first difference framed, what is equal before it folded."""
    first = comparison.first
    said = labels.first_difference(comparison.first_number) if first is not None else labels.NO_DIFFERENCE
    why = text.series(changed) or labels.NOTHING_CHANGED
    parts = [
        f'<div class="cap mute" role="status"><span class="word look">{escape(said)}</span><p>{escape(why)}. '
        f"{escape(_why(comparison))}</p></div>",
        f'<div class="sides">{_side("A", labels.RUN_BEFORE, left)}{_side("B", labels.THIS_RUN, right)}</div>',
    ]
    pairs = comparison.pairs
    if first is None:
        parts.append(_fold(pairs, labels.equal_rows(len(pairs)), left, right))
        return "".join(parts)
    begin = max(0, first - BEFORE)
    if begin:
        parts.append(_fold(pairs[:begin], labels.equal_rows(begin), left, right))
    end = first + AFTER
    parts.append(_table(pairs[begin:end], left, right, first - begin, heads=True))
    if pairs[end:]:
        different = sum(not pair.same for pair in pairs[end:])
        parts.append(_fold(pairs[end:], labels.later_rows(len(pairs[end:]), different), left, right))
    return "".join(parts)


def _why(comparison: Comparison) -> str:
    if comparison.first is None:
        return ""
    pair = comparison.pairs[comparison.first]
    row = pair.left or pair.right
    assert row is not None
    if pair.left is None or pair.right is None:
        ended = labels.outcome(row.outcome.value, row.reason)
        return labels.only_in(row.t, "B" if pair.left is None else "A", row.method, ended)
    return labels.differ_in(row.t, row.method)


def _side(letter: str, name: str, side: Side) -> str:
    frame = side.frame
    return (
        f'<div class="side"><div class="sidehead"><b class="letter">{letter}</b><div><b>{escape(name)}</b>'
        f'<div class="mono">{escape(side.card)}</div></div>{tables.word(frame.word)}</div>{side.picture}</div>'
    )


def _fold(pairs: Sequence[Pair], words: str, left: Side, right: Side) -> str:
    return f"<details><summary>{escape(words)}</summary>{_table(pairs, left, right, -1, heads=False)}</details>"


def _table(pairs: Sequence[Pair], left: Side, right: Side, first: int, *, heads: bool) -> str:
    head = "".join(
        f'<th class="r">#</th><th class="r">{labels.TIME_SHORT}</th><th>{letter}</th>' for letter in ("A", "B")
    )
    lines = []
    for place, pair in enumerate(pairs):
        look = "first" if place == first else "same" if pair.same else "other"
        cells = _cells(pair.left, left, "A") + _cells(pair.right, right, "B")
        lines.append(f'<tr class="{look}">{cells}</tr>')
    top = f"<tr>{head}</tr>" if heads else ""
    columns = '<colgroup><col class="n"><col class="t"><col><col class="n"><col class="t"><col></colgroup>'
    return f'<table class="pairs">{columns}{top}{"".join(lines)}</table>'


def _cells(row: Row | None, side: Side, letter: str) -> str:
    edge = " edge" if letter == "B" else ""
    if row is None:
        return f'<td class="r{edge}"></td><td></td><td class="quiet">{labels.NO_MESSAGE}</td>'
    world = side.frame.world
    receivers = text.series([world.name(node) for node in row.receivers])
    name = row.error or row.method
    resent = f", {text.RESENT}" if row.resent else ""
    ended = ""
    if row.outcome not in (Outcome.FLIGHT, Outcome.FORWARDED, Outcome.DELIVERED):
        ended = f' <span class="quiet">{escape(labels.outcome(row.outcome.value, row.reason))}</span>'
    return (
        f'<td class="r num{edge}">{row.number}</td><td class="r num">{row.t:.2f}</td><td><b>{escape(name)}{resent}</b> '
        f"{tables.tag(row.version, tables.newest_of(side.frame))} {escape(world.name(row.sender))} → "
        f"{escape(receivers)}{ended}</td>"
    )
