"""The ring as SVG: pure functions from a Frame to markup, so that the panel, exports and tests draw the same picture.

Text keeps its size when a picture gets narrower; only distances change. The picture has two layers: ``ground``, which
changes with membership, and ``story``, which changes at every moment.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from math import cos, hypot, pi, sin

from lab import labels, style
from lab.frames import Frame, Hop, NodeKind, NodeState, RingNode, Strand
from lab.marks import Point, arrow_head, shape, tag_width, text_width, version_tag, write

REST = 0.55
"""Where a message in flight stands on its way when nothing moves; ``figure.js`` uses the same."""

LEFT, RIGHT = 104, 132
"""Pixels beside the ring for names and, on the right, for the holders' versions and roles."""

NARROW, NARROW_LEFT, NARROW_RIGHT = 460, 70, 104
"""Up to which width of the picture there is less room beside the ring, and how much."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """Two layers of SVG markup with their size in pixels, and what the pointer shows on each node."""

    width: int
    height: int
    ground: str
    story: str
    reach: dict[str, str]


# --- geometry ---------------------------------------------------------------------------------------------------


class Ring:
    """Where things lie in a picture of this width; ``place`` maps Node-IDs to pixels."""

    def __init__(self, frame: Frame, width: int, most: float = 232.0) -> None:
        self.frame, self.width = frame, max(width, 300)
        self.nodes = {one.node: one for one in frame.nodes}
        self.on_ring = [one for one in frame.nodes if one.kind in (NodeKind.PEER, NodeKind.BOOTSTRAP)]
        # On a crowded ring the numbers do not fit into the circles and stand before the roles.
        narrow = self.width < NARROW
        left = NARROW_LEFT if narrow else LEFT
        right = (NARROW_RIGHT if narrow else RIGHT) + (38 if len(self.on_ring) > 40 else 0)
        self.radius = max(88.0, min(most, (self.width - left - right) / 2))
        slack = max(0.0, self.width - left - right - 2 * self.radius) / 2
        self.centre = (left + slack + self.radius, self.radius + 48)
        self.height = int(2 * self.radius + 98)
        count = max(1, len(self.on_ring))
        self.gap = 2 * pi * self.radius / count
        self.r = 6.0 if self.gap >= 20 else max(1.8, self.gap * 0.3)
        self.involved_r = 9.0 if self.gap >= 24 else 7.6 if self.gap >= 15 else max(4.0, min(7.0, self.gap * 0.45))
        self.labels_every = 1 if self.gap >= 22 else 0
        self.place: dict[bytes, Point] = {one.node: self.at(one.turn) for one in self.on_ring}
        servers = 0
        taken: dict[bytes, int] = {}
        for one in frame.nodes:
            if one.kind is NodeKind.CLIENT:
                nth = taken[one.at] = taken.get(one.at, 0) + 1
                self.place[one.node] = self.outside(one.turn, nth)
            elif one.kind is NodeKind.SERVER:
                self.place[one.node] = (24.0, 26.0 + 34.0 * servers)
                servers += 1

    def at(self, turn: float, out: float = 0.0) -> Point:
        """The point at ``turn`` from the top, ``out`` pixels outside the ring."""
        angle = 2 * pi * turn
        reach = self.radius + out
        return (self.centre[0] + reach * sin(angle), self.centre[1] - reach * cos(angle))

    def outside(self, turn: float, nth: int = 1) -> Point:
        """A client's place, beyond its peer; a second client of the same peer stands beside the first."""
        return self.at(turn + (nth - 1) * 26 / (2 * pi * (self.radius + 40)), 40)

    def size(self, one: RingNode) -> float:
        """The radius that arrows keep away from."""
        if one.kind in (NodeKind.CLIENT, NodeKind.SERVER):
            return 10.0
        if one.hostile:
            return max(self.involved_r * 1.5, 9.0)
        if one.version:
            return self.involved_r + 6.0
        return self.involved_r if one.involved else self.r

    def curve(self, start: bytes, end: bytes, side: float = 0.0) -> tuple[Point, Point, Point] | None:
        """A bend towards the middle from one node's edge to the other's; None when a node is not in the picture."""
        a, b = self.place.get(start), self.place.get(end)
        if a is None or b is None or a == b:
            return None
        middle = ((a[0] + b[0]) / 2, (a[1] + b[1]) / 2)
        length = hypot(b[0] - a[0], b[1] - a[1])
        inward = (self.centre[0] - middle[0], self.centre[1] - middle[1])
        depth = hypot(*inward) or 1.0
        tether = self.nodes[start].at == end or self.nodes[end].at == start
        pull = 0.0 if tether else min(depth * 0.3 + max(0.0, 46 - length * 0.35), depth)
        normal = ((b[1] - a[1]) / (length or 1), (a[0] - b[0]) / (length or 1))
        bend = (
            middle[0] + inward[0] / depth * pull + normal[0] * side,
            middle[1] + inward[1] / depth * pull + normal[1] * side,
        )
        return (
            _towards(a, bend, self.size(self.nodes[start]) + 2),
            bend,
            _towards(b, bend, self.size(self.nodes[end]) + 3),
        )


def _towards(start: Point, end: Point, by: float) -> Point:
    length = hypot(end[0] - start[0], end[1] - start[1]) or 1.0
    by = min(by, length * 0.8)
    return (start[0] + (end[0] - start[0]) * by / length, start[1] + (end[1] - start[1]) * by / length)


def _on(curve: tuple[Point, Point, Point], share: float) -> Point:
    (ax, ay), (bx, by), (cx, cy) = curve
    rest = 1 - share
    return (
        rest * rest * ax + 2 * rest * share * bx + share * share * cx,
        rest * rest * ay + 2 * rest * share * by + share * share * cy,
    )


def _path(curve: tuple[Point, Point, Point]) -> str:
    (ax, ay), (bx, by), (cx, cy) = curve
    return f"M{ax:.1f} {ay:.1f}Q{bx:.1f} {by:.1f} {cx:.1f} {cy:.1f}"


# --- layers -----------------------------------------------------------------------------------------------------


THIN = 3.0
"""Pixels of ring that an idle peer needs at least; on a more crowded ring only every so many-th is drawn."""


def draw_ring(frame: Frame, width: int, selected: int = 0, most: float = 232.0, *, fingers: bool = True) -> Picture:
    """The whole picture; ``selected`` is the message row whose arrow is framed, ``most`` the largest radius.

    ``fingers`` can be left out where they are known from an earlier picture.
    """
    ring = Ring(frame, width, most)
    newest = max((one.version for one in frame.storage), default=0)
    return Picture(
        width=ring.width,
        height=ring.height,
        ground=_ground(ring),
        story="".join((*_hops(ring, frame.hops, selected, newest), *_people(ring), *_involved(ring, newest))),
        reach=_reach(ring) if fingers else {},
    )


def _number(one: RingNode) -> str:
    """What stands in or beside a circle: p07 is 07."""
    return one.name[1:] if one.name[:1] == "p" and one.name[1:].isdigit() else one.name


def _node(one: RingNode, marks: str, size: float, x: float, y: float, *, tab: bool) -> str:
    label = labels.node_label(one.name, one.person, one.kind.value, one.role, one.version, one.hostile, one.state.value)
    # The idle are small, so the focus circle is what one hits; a holder's must not lie over its neighbours.
    missed = ' pointer-events="none"' if tab else ""
    focus = f'<circle class="focus" cx="{x:.1f}" cy="{y:.1f}" r="{size + 4:.1f}" fill="#fff" fill-opacity="0"{missed}/>'
    stop = ' tabindex="0" role="button"' if tab else ""
    return (
        f'<g class="node" data-act="node" data-node="{one.node.hex()}" data-id="{one.node.hex()}"{stop} '
        f'aria-label="{escape(label)}"><title>{escape(label)}</title>{focus}{marks}</g>'
    )


def _ground(ring: Ring) -> str:
    x, y = ring.centre
    parts = [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{ring.radius:.1f}" fill="none" stroke="{style.RULE}"/>']
    every = thinned(ring.gap)
    for place, one in enumerate(ring.on_ring):
        if place % every and not one.hostile:
            continue
        at = ring.place[one.node]
        if one.state is NodeState.UP:
            marks = shape(one.kind, *at, ring.r)
        else:
            marks = (
                f'<circle cx="{at[0]:.1f}" cy="{at[1]:.1f}" r="{ring.r:.1f}" fill="#fff" stroke="{style.INK3}" '
                f'stroke-width="1.2" stroke-dasharray="2.5 2.5"/>'
            )
            if one.state is NodeState.CRASHED:
                c = ring.r * 0.6
                marks += (
                    f'<path d="M{at[0] - c:.1f} {at[1] - c:.1f}l{2 * c:.1f} {2 * c:.1f}m0 {-2 * c:.1f}l{-2 * c:.1f} '
                    f'{2 * c:.1f}" stroke="{style.INK2}" stroke-width="1.5"/>'
                )
        parts.append(_node(one, marks, ring.r, *at, tab=False))
        if ring.labels_every and not (one.involved or one.hostile):
            where = ring.at(one.turn, 18)
            parts.append(write(where[0], where[1] + 4, _number(one), size=12, ink=style.INK3, anchor="middle"))
    if ring.frame.key_turn is not None:
        near, far = ring.at(ring.frame.key_turn, 2), ring.at(ring.frame.key_turn, 26)
        parts.append(
            f'<path d="M{near[0]:.1f} {near[1]:.1f}L{far[0]:.1f} {far[1]:.1f}" stroke="{style.INK}" '
            'stroke-width="1.6"/>'
        )
    return "".join(parts)


def thinned(gap: float) -> int:
    """Every how many-th idle peer is drawn, by the pixels between two of them."""
    return max(1, round(THIN / gap)) if gap < THIN else 1


def _reach(ring: Ring) -> dict[str, str]:
    reach: dict[str, str] = {}
    shown = {one.node for one in ring.on_ring[:: thinned(ring.gap)]}
    for node, fingers in ring.frame.world.fingers.items():
        if node not in shown:
            continue
        curves = [ring.curve(node, finger) for finger in fingers if node in ring.nodes and finger in ring.nodes]
        reach[bytes(node).hex()] = "".join(_path(curve) for curve in curves if curve)
    return reach


def _hops(ring: Ring, hops: Sequence[Hop], selected: int, newest: int) -> Iterable[str]:
    resent = {(hop.sender, hop.receiver) for hop in hops if hop.strand is Strand.RESENT}
    tags: list[str] = []
    for hop in hops:
        side = 9.0 if hop.strand is not Strand.RESENT and (hop.receiver, hop.sender) in resent else 0.0
        curve = ring.curve(hop.sender, hop.receiver, side)
        if curve is None:
            continue
        frame = ""
        if hop.row == selected:
            frame = (
                f'<path d="{_path(curve)}" fill="none" stroke="{style.LOOK}" stroke-width="11" stroke-linecap="round"/>'
            )
        yield f'<g data-act="row" data-id="{hop.row}">{frame}{_strand(hop, curve)}</g>'
        if hop.label:
            tags.append(_hop_label(ring, hop, curve, newest))
    yield from tags


def _strand(hop: Hop, curve: tuple[Point, Point, Point]) -> str:
    d, (_, bend, tip) = _path(curve), curve
    if hop.strand is Strand.RESENT:
        return (
            f'<path d="{d}" fill="none" stroke="{style.VERMILLION}" stroke-width="2.4" stroke-dasharray="7 4.5"/>'
            + arrow_head(tip, bend, style.VERMILLION)
        )
    if hop.strand is Strand.CURRENT:
        dot = _on(curve, REST)
        return (
            f'<path d="{d}" fill="none" stroke="{style.BLUE}" stroke-width="2" stroke-dasharray="1.5 5" '
            f'stroke-linecap="round"/>{arrow_head(tip, bend, style.BLUE, size=8.5, hollow=True)}'
            f'<path data-hop="{hop.row}" d="{d}" pathLength="1" fill="none" stroke="{style.BLUE}" stroke-width="3.2" '
            f'stroke-dasharray="{REST} 2"/><circle data-dot="{hop.row}" cx="{dot[0]:.1f}" cy="{dot[1]:.1f}" r="5" '
            f'fill="{style.BLUE}"/>'
        )
    if hop.strand is Strand.REFUSED:
        bar = _on(curve, 0.93)
        length = hypot(tip[0] - bend[0], tip[1] - bend[1]) or 1.0
        nx, ny = (tip[1] - bend[1]) / length * 9, -(tip[0] - bend[0]) / length * 9
        return (
            f'<path d="{d}" fill="none" stroke="{style.VERMILLION}" stroke-width="2.4" stroke-dasharray="7 4.5"/>'
            f'<path d="M{bar[0] - nx:.1f} {bar[1] - ny:.1f}L{bar[0] + nx:.1f} {bar[1] + ny:.1f}" '
            f'stroke="{style.GREEN_INK}" stroke-width="5"/>'
        )
    width = 3.2 if hop.label else 2.4
    return f'<path d="{d}" fill="none" stroke="{style.BLUE}" stroke-width="{width}"/>' + arrow_head(
        tip, bend, style.BLUE
    )


def _hop_label(ring: Ring, hop: Hop, curve: tuple[Point, Point, Point], newest: int) -> str:
    x, y = _on(curve, REST if hop.strand is Strand.CURRENT else 0.5)
    if hop.strand is Strand.RESENT:
        if ring.nodes[hop.sender].at or ring.nodes[hop.receiver].at:
            return ""
        x, y = _on(curve, 0.6)
        return write(x, y - 9, hop.label, bold=True, ink=style.VERMILLION_INK, anchor="middle", halo=True)
    tag = tag_width(hop.version)
    width = text_width(hop.label, 12.6, True) + 18 + (tag + 6 if tag else 0)
    refused = hop.strand is Strand.REFUSED
    edge, ink = (style.GREEN_INK, style.GREEN_INK) if refused else (style.BLUE, style.BLUE_INK)
    # The box stands inside the ring, on the side of the curve that looks at the middle.
    cx, cy = ring.centre
    away = hypot(x - cx, y - cy)
    near = ring.radius * 0.66
    if away > near:
        x, y = cx + (x - cx) * near / away, cy + (y - cy) * near / away
        left = x - width / 2
    else:
        left = x + 14 if x <= cx + 12 else x - 14 - width
    room = ring.radius - 26
    left = max(cx - room, min(left, cx + room - width)) if width < 2 * room else cx - width / 2
    box = (
        f'<rect x="{left:.1f}" y="{y - 13:.1f}" width="{width:.1f}" height="26" rx="4" fill="#fff" stroke="{edge}" '
        f'stroke-width="1.5"/>' + write(left + 9, y + 4.5, hop.label, bold=True, ink=ink)
    )
    if tag:
        box += version_tag(left + width - tag - 7, y, hop.version, newest)
    return f'<g data-act="row" data-id="{hop.row}">{box}</g>'


def _people(ring: Ring) -> Iterable[str]:
    """Clients on their tethers, and the servers outside."""
    for one in ring.frame.nodes:
        if one.kind is NodeKind.CLIENT and one.before in ring.place:
            turn = ring.nodes[one.before].turn
            x, y = ring.outside(turn)
            near = ring.at(turn, 9)
            yield (
                f'<path d="M{near[0]:.1f} {near[1]:.1f}L{x:.1f} {y:.1f}" stroke="{style.LINE}" stroke-width="1.4" '
                f'stroke-dasharray="3 3"/><rect x="{x - 8.5:.1f}" y="{y - 8.5:.1f}" width="17" height="17" rx="2.2" '
                f'fill="#fff" stroke="{style.INK3}" stroke-width="1.6" stroke-dasharray="3 2.5"/>'
            )
            words = labels.until(one.name, one.until)
            if text_width(words, 12) + 16 < (ring.width - x if sin(2 * pi * turn) >= 0 else x):
                yield _beside(ring, turn, x, y, words, bold=False, ink=style.INK2)
        if one.kind is NodeKind.CLIENT and one.at in ring.place:
            x, y = ring.place[one.node]
            near = ring.at(one.turn, 9)
            tether = (
                f'<path d="M{near[0]:.1f} {near[1]:.1f}L{x:.1f} {y:.1f}" stroke="{style.INK2}" stroke-width="1.4"/>'
            )
            yield tether + _node(one, shape(one.kind, x, y, 8.5, hostile=one.hostile), 10, x, y, tab=True)
            yield _beside(ring, one.turn, x, y, one.person or one.name, bold=True, ink=style.INK)
        elif one.kind is NodeKind.SERVER:
            x, y = ring.place[one.node]
            yield _node(one, shape(one.kind, x, y, 10, hostile=one.hostile), 12, x, y, tab=True)
            for line, word in enumerate(one.name.split(" ", 1)):
                yield write(x + 17, y - 1 + 14 * line, word, size=12, ink=style.INK2)


def _beside(ring: Ring, turn: float, x: float, y: float, words: str, *, bold: bool, ink: str) -> str:
    """A label outwards of a client's square, kept inside the picture."""
    side = sin(2 * pi * turn)
    width = text_width(words, 13.2, bold)
    if abs(side) < 0.35:
        # Above or below there is no room beyond the square: to its side, away from the ring's axis.
        rightward = side >= 0
    elif side > 0:
        rightward = x + 14 + width < ring.width
    else:
        rightward = x - 14 - width < 0
    if abs(side) >= 0.35 and (rightward != (side > 0)):
        return write(x, y + 25, words, size=13.2, bold=bold, ink=ink, anchor="middle", halo=True)
    return write(
        x + 14 if rightward else x - 14, y + 4.5, words, size=13.2, bold=bold, ink=ink,
        anchor="start" if rightward else "end", halo=True,
    )  # fmt: skip


@dataclass(slots=True)
class _Label:
    """A side label before it is moved out of its neighbours' way."""

    x: float
    y: float
    at: Point
    right: bool
    version: int
    lines: tuple[tuple[str, bool, str], ...]

    @property
    def height(self) -> float:
        return 16.0 * len(self.lines) + 3


def _involved(ring: Ring, newest: int) -> Iterable[str]:
    sides: list[_Label] = []
    for one in ring.on_ring:
        if not (one.involved or one.hostile):
            continue
        x, y = ring.place[one.node]
        r = ring.involved_r
        marks = ""
        if one.version:
            halo, rim = (r + 4.2, r + 6) if r > 7 else (r + 2.6, r + 3.8)
            marks += (
                f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{halo:.1f}" fill="{style.SKY_WASH}" stroke="{style.SKY}" '
                f'stroke-width="{3.6 if r > 7 else 2.2}"/><circle cx="{x:.1f}" cy="{y:.1f}" r="{rim:.1f}" fill="none" '
                f'stroke="{style.SKY_INK}" stroke-width=".9"/>'
            )
        if one.state is NodeState.UP:
            marks += shape(one.kind, x, y, r if one.involved else ring.r, hostile=one.hostile, strong=one.involved)
        if one.involved and not one.hostile and r > 7 and len(_number(one)) < 3:
            marks += write(x, y + 4, _number(one), size=11, bold=True, anchor="middle")
        yield _node(one, marks, ring.size(one), x, y, tab=True)
        lines: list[tuple[str, bool, str]] = []
        if one.hostile:
            lines = [
                (one.person or one.name, True, style.VERMILLION_INK),
                (labels.hostile(one.name if one.person not in ("", one.name) else ""), False, style.INK2),
            ]
        elif one.role:
            lines = [(one.role if r > 7 else f"{one.name} {one.role}", True, style.INK)]
        elif one.person:
            lines = [(one.person, True, style.INK)]
        elif r <= 7 or len(_number(one)) > 2:
            yield _inside(ring, one)
        if lines:
            right = sin(2 * pi * one.turn) >= -0.05
            away = ring.size(one) + (11 if one.hostile else 7)
            where = ring.at(one.turn, away)
            sides.append(_Label(where[0], where[1], (x, y), right, one.version, tuple(lines)))
    if ring.frame.key_turn is not None and ring.frame.key_label:
        where = ring.at(ring.frame.key_turn, 30)
        right = sin(2 * pi * ring.frame.key_turn) >= -0.05
        most = 18 if ring.width < NARROW else 30
        name = ring.frame.key_label
        name = name if len(name) <= most else name[: most - 1] + "…"
        sides.append(_Label(*where, where, right, 0, ((name, False, style.INK2),)))
    yield from _spread(ring, sides, newest)


def _inside(ring: Ring, one: RingNode) -> str:
    """The name of a peer without a role, inwards of its circle, where no client stands."""
    x, y = ring.at(one.turn, -15)
    side = sin(2 * pi * one.turn)
    anchor = "middle" if abs(side) < 0.3 else "end" if side > 0 else "start"
    return write(x, y + 4, one.name, size=12, ink=style.INK2, anchor=anchor, halo=True)


def _spread(ring: Ring, sides: list[_Label], newest: int) -> Iterable[str]:
    """Side labels, moved up or down until none covers another; a thin line leads back to the node of a moved one."""
    for right in (True, False):
        mine = sorted((one for one in sides if one.right == right), key=lambda one: one.y)
        wanted = [one.y for one in mine]
        for _ in range(24):
            moved = False
            for upper, lower in pairwise(mine):
                overlap = (upper.height + lower.height) / 2 - (lower.y - upper.y)
                if overlap > 0.5 and _meet(upper, lower):
                    upper.y, lower.y = upper.y - overlap / 2, lower.y + overlap / 2
                    moved = True
            if not moved:
                break
        for one, was in zip(mine, wanted, strict=True):
            one.y = max(one.height / 2 + 2, min(one.y, ring.height - one.height / 2 - 2))
            if abs(one.y - was) > 3:
                one.x = _clear(ring, one)
            if abs(one.y - was) > 12:
                end = one.x - 3 if right else one.x + 3
                yield (
                    f'<path d="M{one.at[0]:.1f} {one.at[1]:.1f}L{end:.1f} {one.y:.1f}" stroke="{style.LINE}" '
                    'stroke-width="1"/>'
                )
            yield _place(ring, one, newest)


def _clear(ring: Ring, one: _Label) -> float:
    """Where a moved label begins so that it does not lie on the circles of the ring."""
    x, y = ring.centre
    deep = max(0.0, abs(one.y - y) - 12)
    reach = ring.radius + ring.involved_r + 9
    edge = (reach * reach - deep * deep) ** 0.5 if deep < reach else 0.0
    return max(one.x, x + edge) if one.right else min(one.x, x - edge)


def _meet(upper: _Label, lower: _Label) -> bool:
    """Whether two labels of one side would share some column of pixels."""
    widths = [max(text_width(words, 13.2, bold) for words, bold, _ in one.lines) + 34 for one in (upper, lower)]
    if upper.right:
        return upper.x < lower.x + widths[1] and lower.x < upper.x + widths[0]
    return upper.x > lower.x - widths[1] and lower.x > upper.x - widths[0]


def _place(ring: Ring, one: _Label, newest: int) -> str:
    tag = tag_width(one.version)
    width = max(text_width(words, 13.2, bold) for words, bold, _ in one.lines) + (tag + 6 if tag else 0)
    anchor = "start" if one.right else "end"
    x = min(one.x, ring.width - width - 2) if one.right else max(one.x, width + 2)
    parts = []
    if tag:
        parts.append(version_tag(x, one.y, one.version, newest, anchor=anchor))
        x += (tag + 6) * (1 if one.right else -1)
    top = one.y + 4.5 - 8 * (len(one.lines) - 1)
    for line, (words, bold, ink) in enumerate(one.lines):
        size = 13.2 if bold else 12.2
        parts.append(write(x, top + 16 * line, words, size=size, bold=bold, ink=ink, anchor=anchor, halo=True))
    return "".join(parts)


def ring_svg(frame: Frame, width: int = 498) -> str:
    """The picture as one standalone SVG with its caption as title, for files and for reading without a kernel."""
    picture = draw_ring(frame, width)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {picture.width} {picture.height}" role="img" '
        f'width="{picture.width}" height="{picture.height}" font-family="Segoe UI, Helvetica, Arial, DejaVu Sans, '
        f'sans-serif"><title>{escape(frame.caption)}</title>{picture.ground}{picture.story}</svg>'
    )
