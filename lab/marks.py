"""The marks of every picture as SVG: text, version tags, arrow heads, node shapes."""

from __future__ import annotations

from html import escape
from math import cos, hypot, pi, sin

from lab import style, text
from lab.frames import NodeKind

Point = tuple[float, float]
Curve = tuple[Point, Point, Point]
"""Where it starts, what it bends towards, and its tip."""


def towards(start: Point, end: Point, by: float) -> Point:
    """So many pixels from one point to another, and never all the way."""
    length = hypot(end[0] - start[0], end[1] - start[1]) or 1.0
    by = min(by, length * 0.8)
    return (start[0] + (end[0] - start[0]) * by / length, start[1] + (end[1] - start[1]) * by / length)


def along(curve: Curve, share: float) -> Point:
    """The point at this share of a curve."""
    (ax, ay), (bx, by), (cx, cy) = curve
    rest = 1 - share
    return (
        rest * rest * ax + 2 * rest * share * bx + share * share * cx,
        rest * rest * ay + 2 * rest * share * by + share * share * cy,
    )


def path(curve: Curve) -> str:
    """A curve as an SVG path."""
    (ax, ay), (bx, by), (cx, cy) = curve
    return f"M{ax:.1f} {ay:.1f}Q{bx:.1f} {by:.1f} {cx:.1f} {cy:.1f}"


def write(
    x: float, y: float, words: str, *, size: float = 12.6, ink: str = style.INK, bold: bool = False,
    anchor: str = "start", halo: bool = False,
) -> str:  # fmt: skip
    """Text; with a ``halo`` it stays readable on lines."""
    weight = ' font-weight="700"' if bold else ""
    edge = ' paint-order="stroke" stroke="#fff" stroke-width="4.5" stroke-linejoin="round"' if halo else ""
    at = f' text-anchor="{anchor}"' if anchor != "start" else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="{ink}"{weight}{at}{edge}>{escape(words)}</text>'


NARROW, SLIM, BROAD = frozenset("iljI.,:;'|! "), frozenset("tfr()-/"), frozenset("mMwW@%")


def text_width(words: str, size: float, bold: bool = False) -> float:
    """About how wide the words are in the widest common system font."""
    ems = 0.0
    for one in words:
        ems += 0.31 if one in NARROW else 0.42 if one in SLIM else 0.92 if one in BROAD else 0.7 if one < "a" else 0.62
    return (ems + (0.07 * len(words) if bold else 0.0)) * size


def in_lines(words: str, room: float) -> list[str]:
    """Words as one line, or as two where they are wider than that: cut at the space or underscore nearest to half."""
    cuts = [place + 1 for place, one in enumerate(words) if one in " _"]
    if text_width(words, 12.6, True) <= room or not cuts:
        return [words]
    cut = min(cuts, key=lambda place: abs(place - len(words) / 2))
    return [words[:cut].rstrip(), words[cut:]]


def version_tag(x: float, y: float, version: int, newest: int, *, anchor: str = "start") -> str:
    """A version as a tag centred on ``y``: hollow and square when it is old, solid and round when it is the newest."""
    label = text.version(version)
    width = 9 + 7.4 * len(label)
    left = x - width if anchor == "end" else x - width / 2 if anchor == "middle" else x
    new = version == newest and version > 1
    fill, edge, ink = (
        (style.GREEN_INK, style.GREEN_INK, "#fff") if new else (style.ORANGE_WASH, style.ORANGE_INK, style.ORANGE_INK)
    )
    return (
        f'<rect x="{left:.1f}" y="{y - 8.5:.1f}" width="{width:.1f}" height="17" rx="{8.5 if new else 0}" '
        f'fill="{fill}" stroke="{edge}" stroke-width="1.4"/>'
        + write(left + width / 2, y + 4.2, label, size=11.6, ink=ink, bold=True, anchor="middle")
    )


def tag_width(version: int) -> float:
    """How wide a version tag is; 0 for no version."""
    return 9 + 7.4 * len(text.version(version)) if version else 0.0


def arrow_head(tip: Point, back: Point, ink: str, *, size: float = 10.0, hollow: bool = False) -> str:
    """An arrow's end at ``tip``, coming from ``back``."""
    length = hypot(tip[0] - back[0], tip[1] - back[1]) or 1.0
    dx, dy = (tip[0] - back[0]) / length, (tip[1] - back[1]) / length
    left = (tip[0] - size * dx - size * 0.48 * dy, tip[1] - size * dy + size * 0.48 * dx)
    right = (tip[0] - size * dx + size * 0.48 * dy, tip[1] - size * dy - size * 0.48 * dx)
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in (left, tip, right))
    if hollow:
        return (
            f'<polyline points="{points}" fill="none" stroke="{ink}" stroke-width="1.8" stroke-linecap="round" '
            'stroke-linejoin="round"/>'
        )
    return f'<polygon points="{points}" fill="{ink}"/>'


def shape(kind: NodeKind, x: float, y: float, r: float, *, hostile: bool = False, strong: bool = False) -> str:
    """A node's mark: the form says what it is."""
    edge, width = (style.INK, 1.9) if strong else (style.INK3, 1.3)
    if hostile:
        r = max(r * 1.5, 6.0)
        points = f"{x:.1f},{y - r:.1f} {x + r:.1f},{y:.1f} {x:.1f},{y + r:.1f} {x - r:.1f},{y:.1f}"
        c = r * 0.31
        return (
            f'<polygon points="{points}" fill="{style.VERMILLION}" stroke="{style.VERMILLION_INK}" stroke-width="1.9" '
            f'stroke-linejoin="round"/><path d="M{x - c:.1f} {y - c:.1f}L{x + c:.1f} {y + c:.1f}'
            f'M{x + c:.1f} {y - c:.1f}L{x - c:.1f} {y + c:.1f}" stroke="#fff" '
            f'stroke-width="{max(1.4, r * 0.18):.1f}" stroke-linecap="round"/>'
        )
    if kind is NodeKind.CLIENT:
        return (
            f'<rect x="{x - 8.5:.1f}" y="{y - 8.5:.1f}" width="17" height="17" rx="2.2" fill="{style.INK}" '
            f'stroke="{style.INK}" stroke-width="1.6"/>'
        )
    if kind is NodeKind.SERVER:
        return (
            f'<path d="M{x - 9:.1f} {y - 10:.1f}h18v9c0 6-5 9-9 11c-4-2-9-5-9-11z" fill="#fff" stroke="{style.INK}" '
            f'stroke-width="1.7" stroke-linejoin="round"/><path d="M{x - 4:.1f} {y - 1:.1f}l3 3.4l5.400-6" fill="none" '
            f'stroke="{style.INK}" stroke-width="1.8"/>'
        )
    if kind is NodeKind.BOOTSTRAP:
        r *= 1.2
        points = " ".join(f"{x + r * cos(pi / 3 * k):.1f},{y + r * sin(pi / 3 * k):.1f}" for k in range(6))
        return f'<polygon points="{points}" fill="#fff" stroke="{style.INK}" stroke-width="{1.9 if strong else 1.4}"/>'
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{r:.1f}" fill="#fff" stroke="{edge}" stroke-width="{width}"/>'
