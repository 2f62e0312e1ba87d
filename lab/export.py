"""What a session shows, as files: pictures with their caption, the moment in words, the trace, a capture, the verdict.

Every file says which card made it, so that whoever gets it can open the same second.
"""

from __future__ import annotations

import csv
import io
import textwrap
from collections.abc import Callable, Mapping
from contextlib import suppress
from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory

import resvg_py

from lab import labels
from lab.frames import Frame, Strip
from lab.lanes import HEAD, draw_lanes
from lab.marks import write
from lab.plots import draw_ring
from lab.session import Session
from lab.style import INK, INK2, PAPER
from lab.text import SERVICE
from p2psip_min.clock import EPOCH
from p2psip_min.wire.pcap import export as capture

FONTS = "Segoe UI, Helvetica, Arial, DejaVu Sans, sans-serif"
RING_WIDTH, LANES_WIDTH = 720, 960
LINE, MARGIN = 18, 16
ZOOM = 2
"""PNG pixels for each of the picture's."""


def _play(session: Session) -> None:
    """Tell the story to its end and come back: one card, one digest and one trace, however far somebody has looked."""
    if not session.finished:
        moment = session.cursor
        session.run()
        session.seek(moment)


def ring(session: Session) -> str:
    """The ring at the session's moment as one SVG."""
    picture = draw_ring(session.frame(), RING_WIDTH)
    return _figure(session, picture.width, picture.height, picture.ground + picture.story)


def messages(session: Session) -> str:
    """The swim lanes at the session's moment as one SVG."""
    lanes = draw_lanes(session.frame(), LANES_WIDTH)
    inner = f'{lanes.head}<g transform="translate(0 {HEAD})">{lanes.body}</g>'
    return _figure(session, lanes.width, lanes.height + HEAD, inner)


def _figure(session: Session, width: int, height: int, inner: str) -> str:
    _play(session)
    frame = session.frame()
    lines = textwrap.wrap(_said(frame), width // 8)
    parts = [
        write(MARGIN, height + LINE * (place + 1) + 6, line, size=13.2, ink=INK) for place, line in enumerate(lines)
    ]
    low = height + LINE * (len(lines) + 1) + 8
    parts.append(write(MARGIN, low, labels.made_by(session.card, session.overlay.digest()), size=12.2, ink=INK2))
    total = low + LINE
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {total}" width="{width}" height="{total}" '
        f'role="img" font-family="{FONTS}"><title>{escape(frame.caption)}</title>'
        f'<rect width="{width}" height="{total}" fill="{PAPER}"/>{inner}{"".join(parts)}</svg>\n'
    )


def _said(frame: Frame) -> str:
    return f"{frame.word}. {frame.caption}"


def png(svg: str) -> bytes:
    """An SVG as PNG, at twice its size."""
    return bytes(resvg_py.svg_to_bytes(svg_string=svg, zoom=float(ZOOM), background=PAPER))


def words(session: Session) -> str:
    """The moment as a sentence, and as tables of what is held and of the messages so far: the picture in words."""
    _play(session)
    frame = session.frame()
    title = " ".join(part for part in (session.threat, session.title) if part)
    lines = [title, labels.made_by(session.card, session.overlay.digest()), "", _said(frame)]
    if frame.storage:
        lines += ["", f"{labels.STORAGE}: {frame.storage_label}"]
        lines += [
            f"  {held.holder} {held.role}: v{held.version} {held.value}, signed by {held.signer}, {held.word}"
            if held.version
            else f"  {held.holder} {held.role}: {held.word}"
            for held in frame.storage
        ]
    if frame.rows:
        person = frame.world.person
        lines += ["", labels.MESSAGES]
    for row in frame.rows:
        receivers = ", ".join(person(node) for node in row.receivers)
        carried = f" v{row.version}" if row.version else ""
        reason = f": {row.reason}" if row.reason else ""
        resent = ", resent" if row.resent else ""
        lines.append(
            f"  {row.number:3} {row.t:8.3f} s  {person(row.sender)} → {receivers}  {row.method}{carried}{resent}  "
            f"{row.outcome}{reason}"
        )
    return "\n".join(lines) + "\n"


def verdict(strip: Strip) -> str:
    """The verdict as CSV: a line a run."""
    out = io.StringIO(newline="")
    table = csv.writer(out, lineterminator="\n")
    table.writerow(
        [
            "run",
            "note",
            "word",
            strip.metric + (" (0: none, 1: all)" if strip.share else ""),
            *strip.rows,
            SERVICE,
            "price",
        ]
    )
    for column in strip.columns:
        facts = [*column.facts, *([""] * (len(strip.rows) - len(column.facts)))]
        table.writerow(
            [
                column.title,
                column.note,
                column.word.value,
                "" if column.figure is None else f"{column.figure:g}",
                *facts,
                column.served,
                ", ".join(column.price),
            ]
        )
    return out.getvalue()


def _pcap(session: Session, path: Path) -> None:
    addresses = {bytes(node.node_id): node.address for node in session.overlay.nodes.values()}
    capture(session.trace, path, addresses, EPOCH)


def _text(make: Callable[[Session], str]) -> Callable[[Session, Path], None]:
    def store(session: Session, path: Path) -> None:
        path.write_text(make(session), encoding="utf-8", newline="\n")

    return store


def _pixels(make: Callable[[Session], str]) -> Callable[[Session, Path], None]:
    def store(session: Session, path: Path) -> None:
        path.write_bytes(png(make(session)))

    return store


def _verdict(session: Session) -> str:
    return verdict(session.judge())


FILES: Mapping[str, Callable[[Session, Path], None]] = {
    "ring.svg": _text(ring),
    "messages.svg": _text(messages),
    "ring.png": _pixels(ring),
    "messages.png": _pixels(messages),
    "moment.txt": _text(words),
    "trace.jsonl": _text(lambda session: session.trace.to_jsonl()),
    "run.pcap": _pcap,
    "verdict.csv": _text(_verdict),
}
"""How each file is made, by its name."""


def save(session: Session, folder: Path, *names: str) -> tuple[Path, ...]:
    """Write the named files, or all, or none when it is interrupted; LookupError lists the known ones.

    The tour has no verdict to write.
    """
    for name in names:
        if name not in FILES:
            raise LookupError(f"no file {name!r} to export; known: {', '.join(FILES)}")
    wanted = names or tuple(name for name in FILES if name != "verdict.csv" or session.scenario.defence)
    made = [each for each in (folder, *folder.parents) if not each.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with TemporaryDirectory(prefix=".part-", dir=folder) as room:
            _play(session)
            for name in wanted:
                FILES[name](session, Path(room, name))
            for name in wanted:
                Path(room, name).replace(folder / name)
    except BaseException:
        with suppress(OSError):  # somebody else has put something there
            for each in made:
                each.rmdir()
        raise
    return tuple(folder / name for name in wanted)
