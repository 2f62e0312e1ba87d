"""The ring as SVG: pure functions from a Frame to markup, so that the panel, exports and tests draw the same picture.

Text keeps its size when a picture gets narrower; only distances change. The picture has two layers: ``ground``, which
changes with membership, and ``story``, which changes at every moment.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from math import cos, hypot, pi, sin

from lab import labels, style, text
from lab.frames import Frame, Hop, NodeKind, NodeState, RingNode, Strand
from lab.marks import (
    Curve,
    Point,
    along,
    arrow_head,
    in_lines,
    path,
    shape,
    tag_width,
    text_width,
    towards,
    version_tag,
    write,
)
from lab.signs import Board, Rect, Sign

REST = 0.55
"""Where a message in flight stands on its way when nothing moves; ``figure.js`` uses the same."""

LEFT, RIGHT = 104, 132
"""Pixels beside the ring for names and, on the right, for the holders' versions and roles."""

NARROW, NARROW_LEFT, NARROW_RIGHT = 460, 72, 80
"""Up to which width of the picture there is less room beside the ring, and how much."""

TETHER, NARROW_TETHER = 40, 24
"""How far outside the ring a client stands, in pixels."""


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
        self.tether = NARROW_TETHER if narrow else TETHER
        self.radius = max(88.0, min(most, (self.width - left - right) / 2))
        slack = max(0.0, self.width - left - right - 2 * self.radius) / 2
        self.centre = (left + slack + self.radius, self.radius + self.tether + 12)
        # Below, the key's name has room under the numbers.
        self.height = int(2 * (self.radius + self.tether + 12)) + (8 if narrow else 0)
        count = max(1, len(self.on_ring))
        self.gap = 2 * pi * self.radius / count
        self.r = 6.0 if self.gap >= 20 else max(1.8, self.gap * 0.3)
        # Holders stand side by side, each in its halo.
        self.involved_r = max(4.0, min(9.0, self.gap * 0.385))
        self.labels_every = 1 if self.gap >= 17 else 0
        self.place: dict[bytes, Point] = {one.node: self.at(one.turn) for one in self.on_ring}
        servers = 0
        taken: dict[bytes, int] = {}
        for one in frame.nodes:
            if one.kind is NodeKind.CLIENT:
                nth = taken[one.at] = taken.get(one.at, 0) + 1
                self.place[one.node] = self.outside(one.turn, nth)
            elif one.kind is NodeKind.SERVER:
                self.place[one.node] = (12.0 if narrow else 24.0, (16.0 if narrow else 26.0) + 34.0 * servers)
                servers += 1

    @property
    def halo(self) -> tuple[float, float]:
        """How far outside a holder its halo's middle and its rim lie."""
        return (4.2, 6.0) if self.gap >= 32 else (2.6, 4.0)

    @property
    def roomy(self) -> bool:
        """Whether a number fits into the circle of an involved peer."""
        return self.involved_r >= 7.8

    def at(self, turn: float, out: float = 0.0) -> Point:
        """The point at ``turn`` from the top, ``out`` pixels outside the ring."""
        angle = 2 * pi * turn
        reach = self.radius + out
        return (self.centre[0] + reach * sin(angle), self.centre[1] - reach * cos(angle))

    def outside(self, turn: float, nth: int = 1) -> Point:
        """A client's place, beyond its peer; a second client of the same peer stands beside the first."""
        return self.at(turn + (nth - 1) * 26 / (2 * pi * (self.radius + self.tether)), self.tether)

    def size(self, one: RingNode) -> float:
        """The radius that arrows keep away from."""
        if one.kind in (NodeKind.CLIENT, NodeKind.SERVER):
            return 10.0
        if one.hostile:
            return max(self.involved_r * 1.5, 9.0)
        if one.version:
            return self.involved_r + self.halo[1]
        return self.involved_r if one.involved else self.r

    def curve(self, start: bytes, end: bytes, side: float = 0.0) -> Curve | None:
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
            towards(a, bend, self.size(self.nodes[start]) + 2),
            bend,
            towards(b, bend, self.size(self.nodes[end]) + 3),
        )


# --- layers -----------------------------------------------------------------------------------------------------


THIN = 3.0
"""Pixels of ring that an idle peer needs at least; on a more crowded ring only every so many-th is drawn."""


def draw_ring(frame: Frame, width: int, selected: int = 0, most: float = 232.0, *, fingers: bool = True) -> Picture:
    """The whole picture; ``selected`` is the message row whose arrow is framed, ``most`` the largest radius.

    ``fingers`` can be left out where they are known from an earlier picture.
    """
    ring = Ring(frame, width, most)
    newest = max((one.version for one in frame.storage), default=0)
    board = _board(ring)
    people, involved = "".join(_people(ring, board)), "".join(_involved(ring))
    words = "".join(_words(ring, board, newest))
    hops = "".join(_hops(ring, board, frame.hops, selected, newest))
    ground = _ground(ring, board)
    return Picture(
        width=ring.width,
        height=ring.height,
        ground=ground,
        story=f"{hops}{people}{involved}{words}",
        reach=_reach(ring) if fingers else {},
    )


def _number(one: RingNode) -> str:
    """What stands in or beside a circle: p07 is 07."""
    return one.name[1:] if one.name[:1] == "p" and one.name[1:].isdigit() else one.name


def _node(one: RingNode, marks: str, size: float, x: float, y: float, *, tab: bool, first: bool = False) -> str:
    label = labels.node_label(one.name, one.person, one.kind.value, one.role, one.version, one.hostile, one.state.value)
    # The idle are small, so the focus circle is what one hits; a holder's must not lie over its neighbours.
    missed = ' pointer-events="none"' if tab else ""
    focus = f'<circle class="focus" cx="{x:.1f}" cy="{y:.1f}" r="{size + 4:.1f}" fill="#fff" fill-opacity="0"{missed}/>'
    stop = f' tabindex="{0 if tab or first else -1}" role="button"'
    return (
        f'<g class="node" data-act="node" data-node="{one.node.hex()}" data-id="{one.node.hex()}"{stop} '
        f'aria-label="{escape(label)}"><title>{escape(label)}</title>{focus}{marks}</g>'
    )


def _ground(ring: Ring, board: Board) -> str:
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
        parts.append(_node(one, marks, ring.r, *at, tab=False, first=not place))
        if ring.labels_every and len(_number(one)) < 4 and not (one.involved or one.hostile):
            free = board.place(*(ring.at(one.turn, out) for out in BESIDE))
            if free is not None:
                parts.append(write(free[0], free[1] + 4, _number(one), size=12, ink=style.INK3, anchor="middle"))
    if ring.frame.key_turn is not None:
        near, far = ring.at(ring.frame.key_turn, 2), ring.at(ring.frame.key_turn, KEY)
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
        reach[bytes(node).hex()] = "".join(path(curve) for curve in curves if curve)
    return reach


def _hops(ring: Ring, board: Board, hops: Sequence[Hop], selected: int, newest: int) -> Iterable[str]:
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
                f'<path d="{path(curve)}" fill="none" stroke="{style.LOOK}" stroke-width="11" stroke-linecap="round"/>'
            )
        yield f'<g data-act="row" data-id="{hop.row}">{frame}{_strand(hop, curve)}</g>'
        if hop.label:
            tags.append(_hop_label(ring, board, hop, curve, newest))
    yield from tags


def _strand(hop: Hop, curve: Curve) -> str:
    d, (_, bend, tip) = path(curve), curve
    if hop.strand is Strand.RESENT:
        return (
            f'<path d="{d}" fill="none" stroke="{style.VERMILLION}" stroke-width="2.4" stroke-dasharray="7 4.5"/>'
            + arrow_head(tip, bend, style.VERMILLION)
        )
    if hop.strand is Strand.CURRENT:
        dot = along(curve, REST)
        return (
            f'<path d="{d}" fill="none" stroke="{style.BLUE}" stroke-width="2" stroke-dasharray="1.5 5" '
            f'stroke-linecap="round"/>{arrow_head(tip, bend, style.BLUE, size=8.5, hollow=True)}'
            f'<path data-hop="{hop.row}" d="{d}" pathLength="1" fill="none" stroke="{style.BLUE}" stroke-width="3.2" '
            f'stroke-dasharray="{REST} 2"/><circle data-dot="{hop.row}" cx="{dot[0]:.1f}" cy="{dot[1]:.1f}" r="5" '
            f'fill="{style.BLUE}"/>'
        )
    if hop.strand is Strand.REFUSED:
        bar = along(curve, 0.93)
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


def _hop_label(ring: Ring, board: Board, hop: Hop, curve: Curve, newest: int) -> str:
    """What is on its way, in a box beside its curve; what was resent, as words."""
    resent = hop.strand is Strand.RESENT
    if resent and (ring.nodes[hop.sender].at or ring.nodes[hop.receiver].at):
        return ""
    tag = 0.0 if resent else tag_width(hop.version)
    said = [hop.label] if resent else in_lines(hop.label, 1.5 * ring.radius)
    words_width = max(text_width(line, 12.6, True) for line in said)
    width = words_width + (0 if resent else 18) + (tag + 6 if tag else 0)
    height = 18.0 if resent else 11.0 + 15.0 * len(said)
    shares = (REST, 0.48, 0.62, 0.4, 0.7, 0.32, 0.78) if not resent else (0.6, 0.5, 0.68, 0.42, 0.34)
    rect, _ = board.best(_beside(curve, shares, width, height, ring))
    board.take(*rect)
    left, middle = rect[0], (rect[1] + rect[3]) / 2
    if resent:
        words = write(left, middle + 4.5, hop.label, bold=True, ink=style.VERMILLION_INK, halo=True)
        return f'<g data-act="row" data-id="{hop.row}">{words}</g>'
    refused = hop.strand is Strand.REFUSED
    edge, ink = (style.GREEN_INK, style.GREEN_INK) if refused else (style.BLUE, style.BLUE_INK)
    box = (
        f'<rect x="{left:.1f}" y="{rect[1]:.1f}" width="{width:.1f}" height="{height:.0f}" rx="4" fill="#fff" '
        f'stroke="{edge}" stroke-width="1.5"/>'
    )
    for place, line in enumerate(said):
        box += write(left + 9, middle + 4.5 + 15 * (place - (len(said) - 1) / 2), line, bold=True, ink=ink)
    if tag:
        box += version_tag(left + width - tag - 7, middle, hop.version, newest)
    return f'<g data-act="row" data-id="{hop.row}">{box}</g>'


def _beside(
    curve: Curve, shares: Sequence[float], width: float, height: float, ring: Ring
) -> Iterable[tuple[float, Rect]]:
    """Places for a box along a curve, and how far away each is: beside it, above it, below it, towards the middle."""
    places: list[tuple[float, Rect]] = []
    centre, inside = ring.centre, ring.radius - 34

    def place(distance: float, left: float, top: float) -> None:
        middle = hypot(left + width / 2 - centre[0], top + height / 2 - centre[1])
        distance += 2 * max(0.0, middle - inside)
        places.append((distance, (left, top, left + width, top + height)))

    for number, share in enumerate(shares):
        x, y = along(curve, share)
        for gap in (12.0, 30.0):
            cost = gap - 12 + 3 * number
            for east in (True, False):
                place(
                    cost + (0 if east == (x <= centre[0]) else 3), x + gap if east else x - gap - width, y - height / 2
                )
            for up in (True, False):
                place(cost + (2 if up == (y > centre[1]) else 6), x - width / 2, y - gap - height if up else y + gap)
        deep = hypot(centre[0] - x, centre[1] - y) or 1.0
        for away in (30.0, 50.0, 75.0, 100.0, 125.0):
            part = min(1.0, away / deep)
            place(away, x + (centre[0] - x) * part - width / 2, y + (centre[1] - y) * part - height / 2)
    return sorted(places, key=lambda one: one[0])


# --- marks and words --------------------------------------------------------------------------------------------

BESIDE, KEY = (18, -17), 26
"""How far outside the ring the numbers of idle peers stand, or else inside; and where the key's mark ends."""


def _board(ring: Ring) -> Board:
    """What is taken before any word is written: circles, squares, numbers, the key's mark."""
    board = Board(ring.width, ring.height, ring.centre, ring.radius, ring.r)
    for one in ring.on_ring:
        if one.involved or one.hostile or one.version:
            board.mark(ring.place[one.node], ring.size(one))
        elif ring.labels_every and len(_number(one)) < 4:
            board.number(ring.at(one.turn, BESIDE[0]))
    for one in ring.frame.nodes:
        if one.kind in (NodeKind.CLIENT, NodeKind.SERVER) and one.node in ring.place:
            board.mark(ring.place[one.node], 10)
        if one.before in ring.place:
            turn = ring.nodes[one.before].turn
            board.strokes.extend(ring.at(turn, out) for out in range(9, ring.tether, 4))
    if ring.frame.key_turn is not None:
        board.mark(ring.at(ring.frame.key_turn, KEY / 2), 3)
    for curve in filter(None, (ring.curve(hop.sender, hop.receiver) for hop in ring.frame.hops)):
        board.strokes.extend(along(curve, part / 32) for part in range(33))
    return board


def _people(ring: Ring, board: Board) -> Iterable[str]:
    """Clients on their tethers, and the servers outside."""
    for one in ring.frame.nodes:
        if one.kind is NodeKind.CLIENT and one.before in ring.place:
            turn = ring.nodes[one.before].turn
            x, y = ring.outside(turn)
            board.mark((x, y), 10)
            near = ring.at(turn, 9)
            yield (
                f'<path d="M{near[0]:.1f} {near[1]:.1f}L{x:.1f} {y:.1f}" stroke="{style.LINE}" stroke-width="1.4" '
                f'stroke-dasharray="3 3"/><rect x="{x - 8.5:.1f}" y="{y - 8.5:.1f}" width="17" height="17" rx="2.2" '
                f'fill="#fff" stroke="{style.INK3}" stroke-width="1.6" stroke-dasharray="3 2.5"/>'
            )
        if one.kind is NodeKind.CLIENT and one.at in ring.place:
            x, y = ring.place[one.node]
            near = ring.at(one.turn, 9)
            tether = (
                f'<path d="M{near[0]:.1f} {near[1]:.1f}L{x:.1f} {y:.1f}" stroke="{style.INK2}" stroke-width="1.4"/>'
            )
            yield tether + _node(one, shape(one.kind, x, y, 8.5, hostile=one.hostile), 10, x, y, tab=True)
        elif one.kind is NodeKind.SERVER:
            x, y = ring.place[one.node]
            yield _node(one, shape(one.kind, x, y, 10, hostile=one.hostile), 12, x, y, tab=True)
            for line, word in enumerate(one.name.split(" ", 1) if ring.width >= NARROW else ()):
                board.take(x + 15, y - 13 + 14 * line, x + 17 + text_width(word, 12), y + 3 + 14 * line)
                yield write(x + 17, y - 1 + 14 * line, word, size=12, ink=style.INK2)


def _involved(ring: Ring) -> Iterable[str]:
    """The marks of those who take part, over everything else."""
    for one in ring.on_ring:
        if not (one.involved or one.hostile):
            continue
        x, y = ring.place[one.node]
        r = ring.involved_r
        marks = ""
        if one.version:
            halo, rim = ring.halo
            marks += (
                f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{r + halo:.1f}" fill="{style.SKY_WASH}" stroke="{style.SKY}" '
                f'stroke-width="{3.6 if halo > 4 else 2.4}"/><circle cx="{x:.1f}" cy="{y:.1f}" r="{r + rim:.1f}" '
                f'fill="none" stroke="{style.SKY_INK}" stroke-width=".9"/>'
            )
        if one.state is NodeState.UP:
            marks += shape(one.kind, x, y, r if one.involved else ring.r, hostile=one.hostile, strong=one.involved)
        if one.involved and not one.hostile and ring.roomy and len(_number(one)) < 3:
            marks += write(x, y + 4, _number(one), size=11, bold=True, anchor="middle")
        yield _node(one, marks, ring.size(one), x, y, tab=True)


def _words(ring: Ring, board: Board, newest: int) -> Iterable[str]:
    """What stands beside the marks: first those who attack, then who holds the record, then everybody else."""
    signs: list[tuple[int, Sign]] = []

    def sign(order: int, at: Point, r: float, *lines: tuple[str, bool, str], version: int = 0) -> None:
        signs.append((order, Sign(at=at, r=r, lines=lines, version=version, loose=order > 4)))

    hostile = [one for one in ring.on_ring if one.hostile]
    nameless = {one.node for one in hostile} - _named(hostile)
    for one in ring.frame.nodes:
        if one.node not in ring.place or one.node in nameless:
            continue
        at, r, number = ring.place[one.node], ring.size(one), _number(one)
        if one.kind is NodeKind.CLIENT and one.at in ring.place:
            sign(2, at, 9, (one.person or one.name, True, style.VERMILLION_INK if one.hostile else style.INK))
        elif one.kind in (NodeKind.CLIENT, NodeKind.SERVER):
            continue
        elif one.hostile:
            peer = one.name if one.person not in ("", one.name) else ""
            # The mark says that it is hostile; where there is little room, it says so alone.
            who = labels.hostile(peer) if ring.width >= NARROW else peer
            below = [(who, False, style.INK2)] if who else []
            sign(0, at, r, (one.person or one.name, True, style.VERMILLION_INK), *below)
        elif one.involved and one.role:
            inside = ring.roomy and len(number) < 3
            # Where there is little room, the tag says that it holds; lanes and table say as what.
            role = one.role if ring.width >= NARROW or one.role == text.role(0) else ""
            words = " ".join(part for part in ("" if inside else one.name, role) if part)
            sign(1, at, r, *([(words, True, style.INK)] if words else []), version=one.version)
        elif one.involved and one.person:
            sign(2, at, r, (one.person, True, style.INK))
        elif one.involved and not (ring.roomy and len(number) < 3):
            sign(6, at, r, (one.name, False, style.INK2))
        elif ring.labels_every and len(number) > 3:
            sign(8, at, r, (one.name, False, style.INK2))
    for one in ring.frame.nodes:
        if one.kind is NodeKind.CLIENT and one.before in ring.place:
            former = ring.outside(ring.nodes[one.before].turn)
            sign(7, former, 9, (labels.until(one.name, one.until), False, style.INK2))
    if ring.frame.key_turn is not None and ring.frame.key_label:
        most = 18 if ring.width < NARROW else 30
        name = ring.frame.key_label
        name = name if len(name) <= most else name[: most - 1] + "…"
        sign(4, ring.at(ring.frame.key_turn, KEY), 0, (name, False, style.INK2))
    crowded = len(signs) > MOST_SIGNS
    for order, one_sign in sorted(signs, key=lambda item: item[0]):
        if not (crowded and order > 4):
            yield board.put(one_sign, newest)


def _named(hostile: Sequence[RingNode]) -> set[bytes]:
    """Those who have words of their own: where there are many, who has a name of his own or takes part now."""
    if len(hostile) <= MOST_HOSTILE:
        return {one.node for one in hostile}
    people = [one.person for one in hostile]
    known = [one for one in hostile if one.involved or (one.person != one.name and people.count(one.person) == 1)]
    return {one.node for one in sorted(known, key=lambda one: not one.involved)[:MOST_HOSTILE]}


MOST_SIGNS, MOST_HOSTILE = 24, 6
"""With more words than these around the ring, some are left out; and how many hostile peers have words of their own."""


def ring_svg(frame: Frame, width: int = 498) -> str:
    """The picture as one standalone SVG with its caption as title, for files and for reading without a kernel."""
    picture = draw_ring(frame, width)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {picture.width} {picture.height}" role="img" '
        f'width="{picture.width}" height="{picture.height}" font-family="Segoe UI, Helvetica, Arial, DejaVu Sans, '
        f'sans-serif"><title>{escape(frame.caption)}</title>{picture.ground}{picture.story}</svg>'
    )
