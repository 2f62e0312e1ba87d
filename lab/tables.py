"""Everything of the panel that is HTML: caption, verdict, storage, bytes, messages, status; pure functions."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import escape

from lab import labels, style, text
from lab.fields import Field, Group
from lab.frames import Column, Frame, Holding, NodeKind, Row, Strip, Switch
from lab.marks import arrow_head, shape
from lab.proofs import RECORD_HEADER, RECORD_TAIL, Proof, record_header, record_size
from lab.text import TONES, Tone, Word
from lab.verdicts import SEEDS, Verdict
from p2psip_min.wire.framing import DATA_OVERHEAD

_ICONS = {
    "check": '<path d="M4 12.500l5.500 5.500L20 6.500"/>',
    "back": '<path d="M8.500 4L3.500 9l5 5"/><path d="M4 9h9.500a6 6 0 0 1 0 12H8"/>',
    "refuse": '<circle cx="12" cy="12" r="9"/><path d="M5.800 5.800l12.400 12.400"/>',
    "clock": '<circle cx="12" cy="12" r="9"/><path d="M12 7v5.500l3.500 2"/>',
    "ask": '<path d="M8.500 9a3.500 3.500 0 1 1 5 3.200c-1 .6-1.500 1.200-1.500 2.500"/><path d="M12 18.800v.2"/>',
    "copy": '<path d="M9 9h11v11H9z"/><path d="M5 15H4V4h11v1"/>',
    "cross": '<path d="M5 5l14 14M19 5L5 19"/>',
    "warn": '<path d="M12 3.500L22 20.500H2z"/><path d="M12 10v5M12 17.800v.2"/>',
    "dots": '<path d="M5 12v.1M12 12v.1M19 12v.1" stroke-width="4"/>',
    "eye": '<path d="M2 12c4-8 16-8 20 0c-4 8-16 8-20 0z"/><circle cx="12" cy="12" r="3"/>',
}
_WORD_ICONS = {
    Word.HOLDS: "check", Word.NEWEST: "check", Word.REFUSED: "refuse", Word.ROLLED_BACK: "back", Word.FORGED: "warn",
    Word.LOST: "cross", Word.READ: "eye", Word.INVALID: "warn", Word.FLOODED: "warn", Word.TAKEN: "cross",
    Word.EXCEEDED: "warn", Word.FAILED: "cross", Word.STOLEN: "copy", Word.LATE: "clock", Word.OVERRUN: "warn",
    Word.MOVED: "back", Word.STALE: "clock", Word.REMOVED: "cross", Word.KEPT_COPY: "copy", Word.NOT_RUN: "ask",
    Word.RUNNING: "dots",
}  # fmt: skip
_TONE_ICONS = {Tone.GOOD: "check", Tone.BAD: "warn", Tone.WARN: "clock", Tone.MUTE: "ask"}
"""For words without an icon of their own."""

_VERSION = re.compile(r"\bv(\d+)\b")


def icon(name: str) -> str:
    """A small drawing without an id, so that two panels in one notebook cannot clash."""
    return f'<svg class="i" viewBox="0 0 24 24" aria-hidden="true">{_ICONS[name]}</svg>'


def word(said: Word, *, flat: bool = False) -> str:
    """A verdict's word with its icon."""
    kind = f"word {TONES[said].value}{' flat' if flat else ''}"
    return f'<span class="{kind}">{icon(_WORD_ICONS.get(said, _TONE_ICONS[TONES[said]]))}{escape(said.value)}</span>'


def tag(version: int, newest: int) -> str:
    """A version: hollow and square when old, solid and round when it is the newest of several."""
    if not version:
        return ""
    return f'<span class="v {"new" if version == newest and version > 1 else "old"}">{text.version(version)}</span>'


def tagged(words: str, newest: int) -> str:
    """Text in which "v1", "v2" … become tags."""
    return _VERSION.sub(lambda found: tag(int(found[1]), newest), escape(words))


def head(title: str, note: str = "", end: str = "") -> str:
    """A section's heading."""
    tail = f'<span class="end num">{escape(end)}</span>' if end else ""
    return f'<div class="head"><h3>{escape(title)}</h3><span class="note">{escape(note)}</span>{tail}</div>'


def empty(words: str) -> str:
    """What a part says before it has something to show."""
    return f'<div class="empty">{escape(words)}</div>'


def newest_of(frame: Frame) -> int:
    """The highest version that the frame knows."""
    return max((one.version for one in frame.storage), default=0)


def title(threat: str, name: str, subtitle: str, card: str) -> str:
    """The panel's name and its card."""
    mark = f"<b>{escape(threat)}</b>" if threat else ""
    carded = f' · {labels.CARD} <span class="mono" title="{escape(card)}">{escape(card)}</span>' if card else ""
    return f'<div class="t">{mark}<span>{escape(name)}</span></div><div class="sub">{escape(subtitle)}{carded}</div>'


def caption(frame: Frame) -> str:
    """The frame as a word and a sentence; a polite live region."""
    return (
        f'<div class="cap {TONES[frame.word].value}" role="status" aria-live="polite">{word(frame.word)}'
        f"<p>{tagged(frame.caption, newest_of(frame))}</p></div>"
    )


# --- verdict ----------------------------------------------------------------------------------------------------


def verdict(strip: Strip, pooled: Verdict | None = None) -> str:
    """Runs side by side; the one shown above is framed in its tone. ``pooled`` adds the means over several seeds."""
    newest = max((int(n) for one in strip.columns for fact in one.facts for n in _VERSION.findall(fact)), default=0)

    def look(one: Column) -> str:
        return f" cur {TONES[one.word].value}" if one.current else ""

    heads = "".join(
        f'<th class="c{look(one)}">{escape(one.title)}<i title="{escape(one.note)}">{escape(one.note)}</i></th>'
        for one in strip.columns
    )
    lines: list[tuple[str, list[str]]] = [
        (labels.VERDICT_ROW, [word(one.word, flat=True) for one in strip.columns]),
        (strip.metric, [_figure(one, strip) for one in strip.columns]),
    ]
    known = any(one.figure is not None for one in strip.columns)
    for place, name in enumerate(strip.rows if known else ()):
        cells = [tagged(one.facts[place], newest) if place < len(one.facts) else "" for one in strip.columns]
        lines.append((name, cells))
    if strip.service and known:
        lines.append((strip.service, [f'<span class="num">{escape(one.served)}</span>' for one in strip.columns]))
    if strip.priced:
        lines.append((strip.priced, [_price(one) for one in strip.columns]))
    if pooled is not None:
        means = [pooled.figure(name) for name in ("baseline", "attacked", "defended", "decoy")]
        many = 100.0 if strip.share else 1.0
        unit = " %" if strip.share else ""
        cells = [
            f'<span class="num">{labels.interval(many * one.mean, many * one.low, many * one.high, unit)}</span>'
            for one in means
        ]
        lines.append((labels.over_seeds(len(pooled.seeds), SEEDS), cells))
    body = "".join(
        f"<tr><td>{escape(name)}</td>"
        + "".join(
            f'<td class="{look(one).strip()}">{cell}</td>' for one, cell in zip(strip.columns, cells, strict=True)
        )
        + "</tr>"
        for name, cells in lines
    )
    return f'<div class="wide"><table class="ver"><tr><th></th>{heads}</tr>{body}</table></div>'


def _figure(one: Column, strip: Strip) -> str:
    if one.figure is None:
        boxes = "<i></i>" * strip.whole
        return f'<span class="bars">{boxes}</span><span class="quiet">?</span>'
    shown = one.shown or f"{one.figure:.4g}"
    if strip.whole:
        full = round(one.figure)
        boxes = "".join(f'<i class="{"x" if place < full else ""}"></i>' for place in range(strip.whole))
        return f'<span class="bars" aria-hidden="true">{boxes}</span><span class="big num">{escape(shown)}</span>'
    share = 100 * min(1.0, max(0.0, one.figure / strip.scale)) if strip.scale else 0.0
    bar = f'<span class="bars one" aria-hidden="true"><i><u style="width:{share:.0f}%"></u></i></span>'
    return f'{bar if strip.scale else ""}<span class="big num">{escape(shown)}</span>'


def _price(one: Column) -> str:
    if one.figure is None:
        return f'<span class="quiet">{labels.PRICE_LATER}</span>'
    if not one.price:
        return labels.NO_PRICE
    rest = "".join(f"<br>{escape(line)}" for line in one.price[1:])
    return f"<b>{escape(one.price[0])}</b>{rest}"


def verdict_strip(strip: Strip) -> str:
    """The verdict in one line, to stand beside the pictures; each run is a button that plays it."""
    cells = "".join(
        f'<div class="vs{f" cur {TONES[one.word].value}" if one.current else ""}" role="button" tabindex="0" '
        f'data-act="column" data-id="{place}" aria-label="{escape(labels.plays(one.title, one.word.value))}" '
        f'title="{escape(labels.plays(one.title, one.word.value))}"><b>{escape(one.title.split(":")[0])}</b>'
        f'<span class="num">{escape(_shown(one))}</span>{word(one.word, flat=True)}</div>'
        for place, one in enumerate(strip.columns[:4], 1)
    )
    return (
        f'<div class="vstrip" role="group" aria-label="{escape(labels.VERDICT)}: {escape(strip.metric)}">{cells}</div>'
    )


def _shown(one: Column) -> str:
    return "" if one.figure is None else one.shown or f"{one.figure:.4g}"


# --- storage ----------------------------------------------------------------------------------------------------


def storage(frame: Frame) -> str:
    """Who holds which version of what, who signed it, and where the truth is."""
    note = labels.contact_at(frame.storage_label, frame.t) if frame.storage else ""
    if not frame.storage:
        return head(labels.STORAGE) + empty(labels.NOTHING_STORED)
    newest = newest_of(frame)
    rows = "".join(_holding(one, newest) for one in frame.storage)
    columns = "".join(
        f"<th{' class=r' if name == labels.STORAGE_COLUMNS[4] else ''}>{escape(name)}</th>"
        for name in labels.STORAGE_COLUMNS
    )
    return f'{head(labels.STORAGE, note)}<div class="wide"><table class="lead"><tr>{columns}</tr>{rows}</table></div>'


def _holding(one: Holding, newest: int) -> str:
    bad = TONES[one.word] is Tone.BAD
    signer = one.signer.split("@")[0]
    signed = f"{escape(signer)} {icon('check')}" if signer else labels.UNKNOWN
    role = f' <span class="quiet">{escape(one.role)}</span>' if one.role else ""
    return (
        f'<tr class="{"hi" if bad else ""}"><td><b>{escape(one.holder)}</b>{role}</td>'
        f"<td>{tag(one.version, newest)}</td>"
        f"<td>{escape(_short(one.value, 26))}</td><td>{signed}</td>"
        f'<td class="r num">{one.age:.1f}</td><td>{word(one.word, flat=True)}</td></tr>'
    )


def _short(words: str, most: int) -> str:
    return words if len(words) <= most else words[: most - 1] + "…"


# --- bytes ------------------------------------------------------------------------------------------------------

_SHOWN = 34


def message_bytes(
    frame: Frame, row: Row | None, groups: Sequence[Group], proven: Sequence[Proof] = (), tls: bool | None = None
) -> str:
    """The inspector: offset, bytes, name and meaning of every field; the record's signed bytes are underlined.

    ``proven`` says what the signatures are worth, ``tls`` whether a record is around it (None: not known).
    """
    if row is None:
        return head(labels.BYTES_TITLE) + empty(labels.SELECT_A_MESSAGE)
    who = frame.world.person(row.sender)
    verb = text.RESENT if row.resent else labels.SENT
    note = labels.bytes_note(row.error or row.method, verb, who, row.t, len(row.message))
    parts = [head(labels.bytes_title(row.number), note), *map(_proof, proven)]
    if tls is not None:
        parts.append(_record(row.message) if tls else f'<p class="grp">{labels.PLAIN_LINK}</p>')
    for group in groups:
        open_ = "" if group.folded else " open"
        lines = "".join(_field(one) for one in group.fields)
        parts.append(
            f'<details{open_}><summary class="grp"><b>{escape(group.title)}</b> {escape(group.note)}</summary>'
            f'<div class="bytes">{lines}</div></details>'
        )
    if any(one.signed for group in groups for one in group.fields):
        parts.append(
            f'<p class="sigcap"><span><span class="band">{labels.UNDERLINED}</span> {labels.UNDERLINED_NOTE}</span></p>'
        )
    return "".join(parts)


def _proof(one: Proof) -> str:
    """What a signature is worth, as a word and a sentence."""
    look, sign, said = {
        True: ("good", "check", labels.SIGNATURE_VALID),
        False: ("bad", "cross", labels.SIGNATURE_WRONG),
        None: ("mute", "ask", labels.SIGNATURE_OPEN if one.signed else labels.UNSIGNED),
    }[one.valid]
    words = labels.proof(one.record, one.signer, one.valid, one.signed)
    return f'<p class="sigcap"><span class="word {look}">{icon(sign)}{said}</span><span>{escape(words)}</span></p>'


def _record(message: bytes) -> str:
    """The TLS record around a message: what an outsider sees of it, and what he does not."""
    size = record_size(message)
    lines = (
        (record_header(message).hex(" "), "record", labels.record_header(size - RECORD_HEADER)),
        (labels.hidden(DATA_OVERHEAD), "frame", labels.FRAME_MEANING),
        (labels.hidden(len(message)), "message", labels.MESSAGE_BELOW),
        (labels.hidden(RECORD_TAIL), "tag", labels.TAG_MEANING),
    )
    body = "".join(
        f'<div class="f"><div class="o"></div><div class="h">{escape(raw)}</div><div class="d"><b>{name}</b>'
        f"<em>{escape(meaning)}</em></div></div>"
        for raw, name, meaning in lines
    )
    return (
        f'<details><summary class="grp"><b>{labels.TLS_RECORD}</b> {escape(labels.record_note(size))}</summary>'
        f'<div class="bytes">{body}</div></details>'
    )


def _field(one: Field) -> str:
    more = len(one.raw) - _SHOWN
    raw = one.raw if more <= 0 else one.raw[: _SHOWN - 10]
    shown = f'<span class="{"s" if one.signed else ""}">{raw.hex(" ")}</span>'
    if more > 0:
        shown += f' <span class="el">… +{len(one.raw) - len(raw)}</span>'
    return (
        f'<div class="f"><div class="o">{one.offset:04x}</div><div class="h">{shown}</div>'
        f'<div class="d"><b>{escape(one.name)}</b><em>{escape(one.meaning)}</em></div></div>'
    )


# --- defences ---------------------------------------------------------------------------------------------------


def defences(switches: Sequence[Switch], *, heads: bool) -> str:
    """Defences as rows of a grid, each with its switch; ``heads`` puts the columns' names over them."""
    parts = []
    if heads and switches:
        names = (
            f'<div class="h{" x" if place in (2, 4) else ""}">{escape(name)}</div>'
            for place, name in enumerate(labels.DEFENCE_COLUMNS)
        )
        parts.append("".join(names))
    for one in switches:
        said = (
            word(one.word, flat=True)
            if one.word not in (None, Word.NOT_RUN)
            else f'<span class="quiet">{labels.ON_IN_THIS_RUN if one.value else labels.NOT_TRIED}</span>'
        )
        words = escape(" ".join((one.name, one.label, one.checks, one.section)).lower())
        parts.append(
            f'<div class="dr{" on" if one.value else ""}" data-words="{words}"><div><label><input type="checkbox" '
            f'data-act="switch" data-id="{escape(one.name)}" aria-label="{escape(one.label)}"'
            f"{' checked' if one.value else ''}> {labels.ON if one.value else labels.OFF}</label></div>"
            f'<div><span><b>{escape(one.label)}</b><i class="xs">{escape(one.checks)}</i></span></div>'
            f'<div class="x">{escape(one.checks)}</div><div>{escape(one.price)}</div>'
            f'<div class="x">{escape(one.section)}</div><div>{said}</div></div>'
        )
    return "".join(parts)


def all_defences(count: int, on: int) -> str:
    """What opens the list of the other defences."""
    return f'<b>{escape(labels.ALL_DEFENCES)}</b> <span class="quiet">{escape(labels.more_defences(count, on))}</span>'


# --- the accessible twin ----------------------------------------------------------------------------------------


def messages(frame: Frame, selected: int, most: int = 400) -> str:
    """What the pictures show, as a sentence and every row of the lanes as a table; the newest ``most``."""
    said = f'<p class="twin"><b>{labels.IN_WORDS}</b> {tagged(frame.caption, newest_of(frame))}</p>'
    if not frame.rows:
        return f'{said}<p class="quiet">{labels.NO_MESSAGES}</p>'
    newest = newest_of(frame)
    shown = frame.rows[-most:]
    rows = "".join(
        f'<tr class="{"hi" if row.resent else ""}"><td>{row.number}</td><td class="num">{row.t:.2f}</td>'
        f"<td>{escape(frame.world.name(row.sender))}</td>"
        f"<td>{escape(', '.join(frame.world.name(node) for node in row.receivers))}</td>"
        f"<td>{_message(row, row.number == selected)}</td><td>{tag(row.version, newest)}</td>"
        f"<td>{escape(labels.outcome(row.outcome.value, row.reason))}</td></tr>"
        for row in shown
    )
    columns = "".join(f"<th>{escape(name)}</th>" for name in labels.TABLE_COLUMNS)
    return f'{said}<div class="wide"><table class="lead"><tr>{columns}</tr>{rows}</table></div>'


def messages_head(frame: Frame, most: int = 400) -> str:
    """What opens the table."""
    count = len(frame.rows)
    note = labels.table_note(count, min(count, most)) if count else labels.NO_MESSAGES
    return f'<b>{labels.TABLE}</b> <span class="quiet">{escape(note)}</span>'


def _message(row: Row, selected: bool) -> str:
    name = row.error or row.method
    if row.resent:
        name = f"{name}, {text.RESENT}"
    elif row.answer and len(row.hops) > 2:
        name = f"{name}, {labels.hop_count(len(row.hops) - 1)}"
    elif len(row.receivers) > 1:
        name = f"{name}, {labels.REPLICAS}"
    return f"<b>{escape(name)}</b>" if selected else escape(name)


def status(words: str, keys: Sequence[tuple[str, str]] = labels.KEYS) -> str:
    """The last line: where the run stands, and the keys."""
    listed = " ".join(f"<kbd>{escape(key)}</kbd> {escape(does)}" for key, does in keys)
    told = f"{labels.KEYS_LABEL} {listed}" if keys else ""
    return (
        f'<div class="status"><span class="num">{escape(words)}</span><span>{told}</span>'
        f'<span class="end">{labels.SIMULATED}</span></div>'
    )


def alert(what: str, why: str) -> str:
    """An error: what failed, why, and that the picture is unchanged."""
    said = f"<b>{escape(what)}</b> {escape(why)} {labels.UNCHANGED}"
    return f'<div class="err" role="alert">{icon("warn")}<span>{said}</span></div>'


def remark(words: str) -> str:
    """What is no error, such as that nothing comes any more."""
    return f'<div class="quiet" role="status">{escape(words)}</div>' if words else ""


def keys() -> str:
    """Every key of the panel."""
    rows = "".join(
        f"<tr><td>{' '.join(f'<kbd>{escape(key)}</kbd>' for key in names.split())}</td><td>{escape(does)}</td></tr>"
        for names, does in labels.PANEL_KEYS
    )
    return f'<div class="keys" role="status"><table>{rows}</table></div>'


def exported(folder: str, names: Sequence[str]) -> str:
    """Where an export went."""
    listed = ", ".join(names)
    return (
        f'<div class="told" role="status">{icon("check")}<span><b>{escape(labels.exported(folder, len(names)))}</b> '
        f"{escape(listed)}</span></div>"
    )


def reasons(why: Mapping[str, str]) -> str:
    """Why buttons are locked."""
    return "".join(
        f'<div class="quiet">{escape(name)}: {escape(reason)}.</div>' for name, reason in why.items() if reason
    )


def progress(what: str, done: int, total: int) -> str:
    """How far long work is: a bar and its numbers."""
    said = escape(labels.done_so_far(what, done, total))
    return f'<progress max="{total}" value="{done}" aria-label="{said}"></progress> <span class="num">{said}</span>'


def locked(why: Mapping[str, str]) -> str:
    """Why controls are locked, in one line."""
    return " ".join(f"<b>{escape(name)}</b> {escape(reason)}." for name, reason in why.items())


def legend() -> str:
    """What the marks of the ring mean."""
    marks = [
        (labels.LEGEND_PEER, 16, shape(NodeKind.PEER, 8, 8, 6)),
        (labels.LEGEND_CLIENT, 16, f'<rect x="2" y="2" width="12" height="12" rx="1.6" fill="{style.INK}"/>'),
        (labels.LEGEND_HOSTILE, 18, shape(NodeKind.PEER, 9, 8, 5, hostile=True)),
        (labels.LEGEND_BOOTSTRAP, 16, shape(NodeKind.BOOTSTRAP, 8, 8, 5.4)),
        (labels.LEGEND_SERVER, 16, f'<g transform="translate(8 8) scale(.7)">{shape(NodeKind.SERVER, 0, 0, 10)}</g>'),
        (
            labels.LEGEND_HOLDS,
            18,
            f'<circle cx="9" cy="8" r="6" fill="#fff" stroke="{style.SKY}" stroke-width="3.4"/>'
            f'<circle cx="9" cy="8" r="7.6" fill="none" stroke="{style.SKY_INK}" stroke-width=".8"/>',
        ),
        (labels.LEGEND_CURRENT, 26, _line(style.BLUE, 3.0, "")),
        (labels.LEGEND_AHEAD, 26, _line(style.BLUE, 2.0, "1.5 4", hollow=True)),
        (labels.LEGEND_RESENT, 26, _line(style.VERMILLION, 2.4, "6 4")),
        (labels.LEGEND_FINGERS, 26, f'<path d="M1 8H25" stroke="{style.LINE}" stroke-width="1.2"/>'),
    ]
    return (
        '<div class="legend">'
        + " ".join(
            f'<span><svg width="{width}" height="16" viewBox="0 0 {width} 16" aria-hidden="true">{mark}</svg>'
            f"{name}</span>"
            for name, width, mark in marks
        )
        + "</div>"
    )


def _line(ink: str, width: float, dash: str, *, hollow: bool = False) -> str:
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    return f'<path d="M1 8H{24 if hollow else 18}" stroke="{ink}" stroke-width="{width}"{dashed}/>' + arrow_head(
        (25, 8), (0, 8), ink, size=8, hollow=hollow
    )
