"""The swim lanes of the messages and the timeline, as markup made from a Frame."""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from html import escape
from itertools import pairwise

from lab import labels, style, text
from lab.causes import causes, repeated, sought
from lab.frames import Frame, NodeKind, Outcome, Row, Span, Tick
from lab.marks import arrow_head, tag_width, text_width, version_tag, write

LEFT, NARROW_LEFT, NARROW = 250.0, 230.0, 560
"""Pixels before the first lifeline (number, time, message, version), and below which width there are fewer."""

ROW = 22.5
HEAD = 62
TIGHT = 36
"""Pixels between two lifelines at the least."""

DRAWN = 80
"""The most rows that are drawn; earlier ones stand in the table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lanes:
    """The lanes' head and body as SVG markup, their sizes in pixels, and how many rows were left out at the top."""

    width: int
    height: int
    head: str
    body: str
    hidden: int


@dataclass(frozen=True, slots=True)
class Grid:
    """Where the columns of a row stand: the right ends of number and time, and the starts of name and lifelines."""

    number: float
    time: float
    name: float
    left: float


def _grid(frame: Frame, width: int) -> Grid:
    more = 8.0 * max(0, len(str(len(frame.rows))) - 2)
    wider = more + (8.0 if frame.t >= 100 else 0.0)
    return Grid(20 + more, 62 + wider, 72 + wider, (LEFT if width >= NARROW else NARROW_LEFT) + wider)


def draw_lanes(frame: Frame, width: int, selected: int = 0, *, find: str = "", fold: bool = False) -> Lanes:
    """Rows with arrows between lifelines; the newest DRAWN of those with the words of ``find``.

    ``fold`` leaves transactions out that look like an earlier one; the selected message has arrows to what led to it.
    """
    width = max(width, 420)
    wanted = [row for row in frame.rows if sought(frame, find)(row)] if find else list(frame.rows)
    away = repeated(wanted) - {selected} if fold else frozenset[int]()
    kept = [row for row in wanted if row.number not in away]
    hidden = max(0, len(kept) - DRAWN)
    rows = kept[hidden:]
    lines = _lines(frame, wanted, rows, away, hidden, find)
    places = {line.number: place for place, line in enumerate(lines) if isinstance(line, Row)}
    grid = _grid(frame, width)
    columns = _columns(frame, rows, width, grid)
    spare = any(span.first_row == len(frame.rows) for span in frame.spans)
    height = int((len(lines) + spare) * ROW)
    middle = {number: (place + 0.5) * ROW for number, place in places.items()}
    why = causes(frame, selected)
    related = {number for pair in why for number in pair}
    parts = [_holders(frame, columns, height)]
    for row in rows:
        parts.append(_band(frame, row, middle[row.number], width, selected, related))
    for x in dict.fromkeys(columns.values()):
        parts.append(f'<path d="M{x:.1f} 0V{height}" stroke="{style.LINE}" stroke-width="1"/>')
    for span in frame.spans:
        parts.append(_lifeline(span, columns, middle, height, frame))
    newest = max((one.version for one in frame.storage), default=0)
    for place, line in enumerate(lines):
        y = (place + 0.5) * ROW
        if isinstance(line, str):
            parts.append(
                write(grid.time, y + 4.4, line, ink=style.INK2).replace("<text ", '<text font-style="italic" ', 1)
            )
            parts.append(
                f'<path d="M{grid.time - 22:.1f} {y - 3:.1f}l8 2l-8 2l8 2" fill="none" stroke="{style.INK3}" '
                'stroke-width="1"/>'
            )
        else:
            parts.append(_row(frame, line, y, columns, width, grid))
    # After every row: no arrow crosses them.
    for row in rows:
        parts.extend(_held_from(frame, row, middle[row.number], columns, newest, width))
    for first, then in why:
        if first in middle and then in middle:
            parts.append(_because(columns.get(frame.rows[then - 1].sender), middle[first], middle[then]))
    head = _head(frame, columns, width, grid)
    return Lanes(width=width, height=height, head=head, body="".join(parts), hidden=hidden)


def _lines(
    frame: Frame, wanted: Sequence[Row], rows: Sequence[Row], away: frozenset[int], hidden: int, find: str
) -> list[Row | str]:
    """The rows with what stands between them: notes, and how much is folded or left out."""
    if find and not wanted:
        return [labels.nothing_found(find)]
    lines: list[Row | str] = [labels.earlier_rows(hidden)] if hidden else []
    first = rows[0].number if hidden and rows else 0
    notes = [] if find else [note for note in frame.notes if note.after >= first - 1]
    folded: list[Row] = []

    def unfold() -> None:
        if folded:
            lines.append(labels.folded(len(folded), len({row.transaction_id for row in folded})))
            folded.clear()

    for row in wanted:
        if row.number < first:
            continue
        if row.number in away:
            folded.append(row)
            continue
        unfold()
        lines.extend(note.text for note in notes if note.after == row.number - 1)
        lines.append(row)
    unfold()
    lines.extend(note.text for note in notes if note.after == len(frame.rows) and note.after)
    return lines


def _because(x: float | None, top: float, bottom: float) -> str:
    """A bow beside a lifeline, from the message that arrived to the one that was sent because of it."""
    if x is None or bottom <= top:
        return ""
    out = min(22.0, 9 + (bottom - top) * 0.12)
    return (
        f'<path class="because" d="M{x:.1f} {top:.1f}C{x + out:.1f} {top + 2:.1f} {x + out:.1f} {bottom - 3:.1f} '
        f'{x + 2:.1f} {bottom - 1:.1f}" fill="none" stroke="{style.INK}" stroke-width="1.7"/>'
        + arrow_head((x + 2, bottom - 1), (x + out * 0.8, bottom - 6), style.INK, size=7.5)
    )


def _columns(frame: Frame, rows: Sequence[Row], width: int, grid: Grid) -> dict[bytes, float]:
    """The lifeline of each node; where they do not all fit, the least used share the last one before the holders.

    Who attacks and who has a name, such as the owner and the reader, comes before everybody else.
    """
    holders = [one.node for one in frame.storage if one.replica >= 0]
    used = {node for row in rows for node in (row.sender, *row.receivers, *row.hops)}
    nodes = [node for node in frame.lanes if node in used or node in holders]
    room = max(2, int((width - grid.left - 40) // (46 if width >= NARROW else 42)) + 1)
    told = {node: _told(frame, node) for node in nodes if node not in holders}
    # For people the lanes may be a little narrower.
    people = sum(part > 1 for part in told.values())
    room = max(room, min(people + 1 + len(holders), int((width - grid.left - 40) // TIGHT) + 1))
    if len(nodes) > room:
        weight = {node: sum(node in (row.sender, *row.receivers) for row in rows[-24:]) for node in nodes}
        loose = list(told)
        keep = set(sorted(loose, key=lambda node: (-told[node], -weight[node]))[: max(1, room - 1 - len(holders))])
        shown = [node for node in loose if node in keep]
        folded = [node for node in loose if node not in keep]
        slots: list[list[bytes]] = [[node] for node in shown] + [folded] + [[node] for node in holders[: room - 1]]
    else:
        slots = [[node] for node in nodes]
    gap = (width - grid.left - 44) / max(1, len(slots) - 1) if len(slots) > 1 else 0.0
    gap = min(gap, 120.0)
    return {node: grid.left + 14 + place * gap for place, nodes_here in enumerate(slots) for node in nodes_here}


def _told(frame: Frame, node: bytes) -> int:
    """How large a part in the story a node has: a user's own 3, of those with another name 2, of other attackers 1."""
    world = frame.world
    if world.kind(node) is NodeKind.CLIENT or world.person(node) == world.owner:
        return 3
    return 2 if world.person(node) != world.name(node) else int(node in world.hostile)


def _head(frame: Frame, columns: dict[bytes, float], width: int, grid: Grid) -> str:
    ring = {one.node: one for one in frame.nodes}
    parts = [
        write(grid.number, 54, "#", size=12, ink=style.INK2, anchor="end"),
        write(grid.time, 54, labels.TIME_SHORT, size=12, ink=style.INK2, anchor="end"),
        write(grid.name, 54, labels.MESSAGE, size=12, ink=style.INK2),
        f'<path d="M0 61H{width}" stroke="{style.LINE}"/>',
    ]
    xs = list(columns.values())
    holders = [columns[one.node] for one in frame.storage if one.node in columns and one.replica >= 0]
    if holders:
        left, right = min(holders) - 23, min(max(holders) + 23, width)
        parts.insert(0, f'<rect x="{left:.1f}" y="0" width="{right - left:.1f}" height="61" fill="{style.SKY_WASH}"/>')
        if right - left > 130:
            middle = (left + right) / 2
            parts.append(write(middle, 15, labels.HOLDERS, size=12, ink=style.SKY_INK, anchor="middle"))
    names = {x: labels.count(xs.count(x)) if xs.count(x) > 1 else frame.world.person(node)
             for node, x in columns.items()}  # fmt: skip
    rooms = _rooms(names, width)
    done: set[float] = set()
    raised = False
    for node, x in columns.items():
        if x in done:
            continue
        done.add(x)
        one = ring.get(node)
        shared = xs.count(x) > 1
        hot = one is not None and one.hostile and not shared
        first = names[x]
        second = labels.OTHERS if shared else _second(frame, node)
        room, high = rooms[x], 37.0
        size = 13.0 if text_width(first, 13, True) < room else 11.6
        if text_width(first, size, True) > room and not raised and x not in holders:
            # A long name stands above its neighbours', where it may be wider than its lane.
            high, size, room = 22.0, 12.0, max(2 * _gap(columns) - 6, room)
        raised = high < 37.0
        parts.append(
            write(
                x,
                high,
                _short(first, size, room),
                size=size,
                ink=style.VERMILLION_INK if hot else style.INK,
                bold=True,
                anchor="middle",
            )
        )
        small = 12.0 if text_width(second, 12) < _gap(columns) - 1 else 11.2
        if text_width(second, small) > _gap(columns) - 1:
            second = labels.MORE if shared else labels.COPY if one is not None and one.role else second
        second = _short(second, small, _gap(columns) - 1, bold=False)
        parts.append(write(x, 52, second, size=small, ink=style.VERMILLION_INK if hot else style.INK2, anchor="middle"))
    return "".join(parts)


def _rooms(names: dict[float, str], width: float) -> dict[float, float]:
    """How wide each lane's name may be: short neighbours leave it more than its lane."""
    places = sorted(names)
    gap = min((right - left for left, right in pairwise(places)), default=92.0)
    half = {x: min(text_width(names[x], 13, True), gap - 3) / 2 for x in places}
    rooms = {}
    for place, x in enumerate(places):
        left = x - places[place - 1] - half[places[place - 1]] if place else 2 * gap
        right = places[place + 1] - x - half[places[place + 1]] if place + 1 < len(places) else width - x + 6
        rooms[x] = max(2 * min(left, right) - 4, gap - 3)
    return rooms


def _second(frame: Frame, node: bytes) -> str:
    """The small line under a lane's name: its role, its peer, or what it is."""
    for one in frame.storage:
        if one.node == node and one.replica >= 0:
            return one.role.split(" ")[0]
    if node in frame.world.people:
        return frame.world.name(node)
    kind = frame.world.kind(node).value
    return labels.HOP if kind in ("peer", "bootstrap") else kind


def _short(words: str, size: float, room: float, *, bold: bool = True) -> str:
    """A lane's name, cut where it would stand on the next one."""
    while text_width(words, size, bold) > room and len(words) > 4:
        words = f"{words.removesuffix('…')[:-1]}…"
    return words


def _holders(frame: Frame, columns: dict[bytes, float], height: int) -> str:
    xs = [columns[one.node] for one in frame.storage if one.node in columns and one.replica >= 0]
    if not xs:
        return ""
    left, right = min(xs) - 23, max(xs) + 23
    return f'<rect x="{left:.1f}" y="0" width="{right - left:.1f}" height="{height}" fill="{style.SKY_WASH}"/>'


def _band(frame: Frame, row: Row, y: float, width: int, selected: int, related: Set[int]) -> str:
    fill = style.VERMILLION_WASH if row.resent else style.BLUE_WASH if row.number == frame.current else ""
    if not fill and row.number in related:
        fill = style.WASH
    mark = f' data-current="{row.number}"' if row.number == frame.current else ""
    if row.number == selected:
        mark += f' data-selected="{row.number}"'
    if row.number == selected:
        return (
            f'<rect{mark} x="1" y="{y - 10.75:.1f}" width="{width - 2}" height="21.5" rx="3" '
            f'fill="{fill or style.LOOK}" stroke="{style.INK}" stroke-width="1.5"/>'
        )
    if not fill:
        return ""
    return f'<rect{mark} x="0" y="{y - ROW / 2:.1f}" width="{width}" height="{ROW}" fill="{fill}"/>'


def _lifeline(span: Span, columns: dict[bytes, float], middle: dict[int, float], height: int, frame: Frame) -> str:
    x = columns.get(span.node)
    if x is None or not span.version or list(columns.values()).count(x) > 1:
        return ""
    top = middle.get(span.first_row, 0.0)
    bottom = float(height) if span.end < 0 else middle.get(span.last_row, 0.0)
    if bottom <= top:
        return ""
    newest = max((one.version for one in frame.storage), default=0)
    d = f"M{x:.1f} {top:.1f}V{bottom:.1f}"
    if span.version == newest and span.version > 1:
        return f'<path d="{d}" stroke="{style.GREEN_INK}" stroke-width="8"/>'
    return (
        f'<path d="{d}" stroke="{style.ORANGE_INK}" stroke-width="8"/><path d="{d}" stroke="{style.ORANGE_WASH}" '
        f'stroke-width="5.4"/><path d="M{x:.1f} {top + 3:.1f}V{bottom:.1f}" stroke="{style.ORANGE_INK}" '
        f'stroke-width="5" stroke-dasharray="1.5 4.5"/>'
    )


def _row(frame: Frame, row: Row, y: float, columns: dict[bytes, float], width: int, grid: Grid) -> str:
    current = row.number == frame.current
    ink = style.VERMILLION if row.resent else style.BLUE if current else style.INK2
    word_ink = style.VERMILLION_INK if row.resent else style.BLUE_INK if current else style.INK
    strong = row.resent or current
    name = row.error or row.method
    if row.resent:
        name = f"{name}, {text.RESENT}"
    elif len(row.receivers) > 1:
        name = f"{name} ×{len(row.receivers)}"
    while text_width(name, 12.6, strong) > grid.left - grid.name - 33 and len(name) > 4:
        name = f"{name.removesuffix('…')[:-1]}…"
    label = labels.row_label(row.number, row.t, name, frame.world.person(row.sender), row.outcome.value)
    parts = [
        f'<g data-act="row" data-id="{row.number}" tabindex="-1" role="button" aria-label="{escape(label)}">'
        f'<rect class="hit" x="0" y="{y - ROW / 2:.1f}" width="{width}" height="{ROW}" fill="#fff" fill-opacity="0"/>',
        write(grid.number, y + 4.4, str(row.number), ink=word_ink if strong else style.INK, bold=strong, anchor="end"),
        write(grid.time, y + 4.4, f"{row.t:.2f}", ink=word_ink if strong else style.INK2, anchor="end"),
        write(grid.name, y + 4.4, name, ink=word_ink, bold=strong),
    ]
    if row.version:
        newest = max((one.version for one in frame.storage), default=0)
        parts.append(version_tag(grid.left - 20, y, row.version, newest, anchor="middle"))
    start = columns.get(row.sender)
    if start is None:
        return "".join(parts) + "</g>"
    for receiver in row.receivers:
        end = columns.get(receiver)
        if end is not None and end != start:
            parts.append(_arrow(row, start, end, y, ink, row.receivers[-1] == receiver))
        elif end == start:
            parts.append(f'<path d="M{start:.1f} {y - 4:.1f}h11v8h-7" fill="none" stroke="{ink}" stroke-width="1.4"/>')
    if not any(columns.get(receiver) == start for receiver in row.receivers):
        parts.append(f'<circle cx="{start:.1f}" cy="{y:.1f}" r="2.6" fill="{ink}"/>')
    if row.kept:
        x = columns.get(row.receivers[0], start)
        parts.append(
            f'<polygon points="{x:.1f},{y - 6:.1f} {x + 6:.1f},{y:.1f} {x:.1f},{y + 6:.1f} {x - 6:.1f},{y:.1f}" '
            f'fill="{style.VERMILLION}" stroke="{style.VERMILLION_INK}"/>'
        )
        parts.append(write(x + 11, y + 4.4, text.KEEPS_COPY, size=12, ink=style.VERMILLION_INK, bold=True, halo=True))
    return "".join(parts) + "</g>"


def _held_from(frame: Frame, row: Row, y: float, columns: dict[bytes, float], newest: int, width: int) -> Iterable[str]:
    """The tags of what nodes hold from this row on, drawn over every arrow."""
    xs = list(columns.values())
    for span in frame.spans:
        x = columns.get(span.node)
        if x is None or span.first_row != row.number or not span.version or xs.count(x) > 1:
            continue
        tag = tag_width(span.version)
        left, middle = x - tag / 2, y + ROW
        if len(row.receivers) == 1 and _gap(columns) >= 44:
            left, middle = (x - 8 - tag if x + 10 + tag > width else x + 8), y
        yield f'<g pointer-events="none">{version_tag(left, middle, span.version, newest)}</g>'


def _gap(columns: dict[bytes, float]) -> float:
    """Pixels between two lifelines."""
    places = sorted(set(columns.values()))
    return places[1] - places[0] if len(places) > 1 else 92.0


def _arrow(row: Row, start: float, end: float, y: float, ink: str, last: bool) -> str:
    way = 1 if end > start else -1
    flight = row.outcome is Outcome.FLIGHT
    stopped = row.outcome in (Outcome.REFUSED, Outcome.DROPPED, Outcome.LOST)
    tip = end - way * (8 if row.outcome is Outcome.ROLLED_BACK or stopped else 6)
    dash = ' stroke-dasharray="5 3.5"' if row.answer else ""
    heavy = 2.4 if row.resent or flight else 1.6
    parts = [f'<path d="M{start:.1f} {y:.1f}H{tip:.1f}" stroke="{ink}" stroke-width="{heavy}"{dash}/>']
    parts.append(arrow_head((tip + way * 1.5, y), (start, y), ink, size=7.5, hollow=row.answer))
    words = ""
    # Only a rule's refusal is good news; what is dropped or lost may be the attack.
    end_ink = style.GREEN_INK if row.outcome is Outcome.REFUSED else style.INK
    if stopped:
        parts.append(f'<path d="M{tip:.1f} {y - 7:.1f}V{y + 7:.1f}" stroke="{end_ink}" stroke-width="3.5"/>')
        words = labels.SHORT_OUTCOMES.get(row.outcome.value, row.outcome.value) if last else ""
    elif flight and last:
        words = labels.IN_FLIGHT
    elif row.answer and len(row.hops) > 2:
        words = labels.hop_count(len(row.hops) - 1)
    words = words.replace(" ", "\u2009")  # a thin space: no line is seen between the letters' halos
    if words and text_width(words, 11.6) + 14 < abs(end - start):
        bold, colour = (stopped or flight), (end_ink if stopped else ink if flight else style.INK2)
        parts.append(
            write((start + end) / 2, y + 4, words, size=11.6, ink=colour, bold=bold, anchor="middle", halo=True)
        )
    return "".join(parts)


# --- the timeline -----------------------------------------------------------------------------------------------

_BREAK = (
    f'<svg viewBox="0 0 12 18" width="12" height="18"><path d="M4 3L1 15M11 3L8 15" stroke="{style.INK2}" '
    'stroke-width="1.6"/></svg>'
)


APART, BREAK_APART = 4.0, 14.0
"""Pixels that there are at least between two ticks and between two breaks of a crowded timeline."""


def draw_timeline(frame: Frame, width: int, *, room: int = 0) -> str:
    """The track: ticks count moments, breaks mark long waits, bars say what the root held; positions in per cent.

    ``room`` is the number of moments at the right end, where a run is not over.
    """
    length = max(1, frame.length, room)
    width = max(width - 16, 200)

    def at(cursor: float) -> float:
        return 100.0 * cursor / length

    value = labels.step_text(frame.cursor, frame.length, frame.t, frame.word.value)
    parts = [
        f'<div class="track" role="slider" tabindex="0" aria-label="{labels.STEP}" aria-valuemin="0" aria-valuemax='
        f'"{frame.length}" data-room="{length}" aria-valuenow="{frame.cursor}" aria-valuetext="{escape(value)}">'
        '<div class="rail"></div>'
        f'<div class="done" style="width:{at(frame.cursor):.2f}%"></div>'
    ]
    dense = width / length < 5
    marks: list[str] = []
    tick_at = break_at = -99.0
    for tick in frame.ticks:
        strong, x = bool(tick.label), tick.cursor / length * width
        # Where marks would run together, the first of them stands for all.
        if (strong and x - tick_at >= APART) or not dense:
            tick_at = x
            parts.append(f'<div class="tk{" s" if strong else ""}" style="left:{at(tick.cursor):.2f}%"></div>')
        if tick.wait >= 2.0 and tick.cursor > 1 and x - break_at >= BREAK_APART:
            break_at = x
            marks.append(f'<div class="brk" style="left:{at(tick.cursor - 0.5):.2f}%">{_BREAK}</div>')
        if tick.hot:
            marks.append(f'<div class="dm" style="left:{at(tick.cursor):.2f}%"></div>')
    parts.extend(marks)
    parts.extend(moment_labels(frame.ticks, width, length))
    parts.extend(holdings(frame, frame.track, width, length))
    parts.append(f'<div class="hd" style="left:{at(frame.cursor):.2f}%"></div></div>')
    return "".join(parts)


def holdings(
    frame: Frame, spans: Sequence[Span], width: float, length: int, *, lead: str = "", row: int = 0
) -> list[str]:
    """Bars that say what the root held; the first begins with ``lead``, ``row`` counts the lines of bars from 0."""
    newest = max((one.version for one in spans), default=0)
    root = frame.world.name(spans[0].node) if spans else ""
    low = f";margin-top:{21 * row}px" if row else ""
    made = []
    for place, span in enumerate(spans):
        end = span.end if span.end >= 0 else length
        looks = "new" if span.version == newest and span.version > 1 else "old"
        before, letter = (lead, lead.split(":")[0]) if place == 0 else ("", "")
        label = before + labels.held(root if place == 0 else "", span.version, span.again)
        space = (end - span.start) / length * width - 14
        if text_width(label, 10.6, True) >= space:
            label = labels.AGAIN if span.again and space > 70 else f"{letter} {text.version(span.version)}".strip()
            label = label if text_width(label, 10.6, True) <= space + 6 else ""
        made.append(
            f'<div class="hold {looks}" style="left:{100 * span.start / length:.2f}%;width:calc('
            f'{100 * (end - span.start) / length:.2f}% - 2px){low}" '
            f'title="{escape(lead + labels.held(root, span.version, span.again))}">{escape(label)}</div>'
        )
    return made


def moment_labels(ticks: Sequence[Tick], width: float, length: int) -> list[str]:
    """The named moments; a label that would cover another gives up its time, then itself, a hot one never."""
    taken: list[tuple[float, float]] = []
    made: list[str] = []
    for tick in sorted((one for one in ticks if one.label), key=lambda one: (not one.hot, one.cursor)):
        for words in (f"{tick.label} · {tick.t:.2f} s", tick.label):
            need = text_width(words, 10.6, tick.hot) + 8
            left = max(0.0, min(width * tick.cursor / length - 6, width - need))
            if all(left >= right or left + need <= start for start, right in taken):
                taken.append((left, left + need))
                hot = " hot" if tick.hot else ""
                made.append(f'<div class="g{hot}" style="left:{100 * left / width:.2f}%">{escape(words)}</div>')
                break
    return made
