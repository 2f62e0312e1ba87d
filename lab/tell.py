"""What a notebook prints: a node's tables, the peers around a key, a resent message opened, fixes compared.

Every one is a value with a text and an HTML form, made from the overlay or a trace, and its parts can be asserted.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise

from lab import catalogue, labels, progress, strips, style
from lab.exercises.comparison import CELLS
from lab.exercises.untrusted import Wayside
from lab.fields import registration_text
from lab.playlists import Playlist
from lab.questions import SURE
from lab.scenarios import SCENARIOS, scenario, titles
from lab.text import Word
from lab.told import Told, told
from p2psip_min import trace as events
from p2psip_min.clock import virtual
from p2psip_min.defences import entry
from p2psip_min.deployments import CallFigures
from p2psip_min.enrollment.certificates import parse
from p2psip_min.enrollment.freshness import NeverExpires, NoNonce
from p2psip_min.enrollment.pkcs10 import certificate_request
from p2psip_min.enrollment.policy import EnrollmentPolicy, EnrollmentRequest, Refusal
from p2psip_min.enrollment.provider import Provider
from p2psip_min.errors import LinkReason
from p2psip_min.ids import ResourceID
from p2psip_min.overlay import Overlay
from p2psip_min.wire.codec import decode
from p2psip_min.wire.codes import MessageCode
from p2psip_min.wire.data import stored_input
from p2psip_min.wire.kinds import KNOWN_KINDS, SIP_REGISTRATION, SipRegistration
from p2psip_min.wire.message import decode_message, message_input
from p2psip_min.wire.messages import is_request, method_name
from p2psip_min.wire.security import encode_identity, verify

OVERLAY_NAME = "overlay.example.org"


_INKS = {
    "✓": style.GREEN_INK,
    **dict.fromkeys("×↶", style.VERMILLION_INK),
    **dict.fromkeys("◐○", style.ORANGE_INK),
}
"""Of cells that begin with a sign; sign and word say the same without colour."""

_SHORT = 26
"""A column whose cells are all shorter is not broken into lines."""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text under a heading; a ``tall`` one scrolls in a box of its own."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    tall: bool = False

    def column(self, name: str) -> tuple[str, ...]:
        """The cells under one heading."""
        place = self.head.index(name)
        return tuple(row[place] for row in self.rows)

    def said(self) -> list[str]:
        """The words of its verdicts, without their signs: "ROLLED BACK", "HOLDS"."""
        return [cell.partition(" ")[2] for cell in self.column("verdict")]

    def __iter__(self) -> Iterator[tuple[str, ...]]:
        return iter(self.rows)

    def __str__(self) -> str:
        lines = (self.head, *self.rows)
        widths = [max(len(line[place]) for line in lines) for place in range(len(self.head))]
        return "\n".join(
            "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
        )

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        short = [all(len(row[place]) <= _SHORT for row in self.rows) for place in range(len(self.head))]
        heads = "".join(f'<th style="{_HEAD}">{escape(cell)}</th>' for cell in self.head)
        body = "".join(
            f"<tr>{''.join(_cell(cell, nowrap) for cell, nowrap in zip(row, short, strict=True))}</tr>"
            for row in self.rows
        )
        box = f"max-height:520px;border:1px solid {style.RULE};" if self.tall else ""
        return (
            f'<div style="{box}overflow:auto;max-width:100%" tabindex="0"><table style="{_TABLE}">'
            f"<thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table></div>"
        )


_TABLE = (
    f"border-collapse:separate;border-spacing:0;margin:0;font:13px/1.45 system-ui,sans-serif;color:{style.INK};"
    "font-variant-numeric:tabular-nums"
)
_HEAD = (
    f"position:sticky;top:0;text-align:left;vertical-align:bottom;padding:5px 14px 5px 8px;background:{style.WASH};"
    f"color:{style.INK2};border-bottom:1px solid {style.LINE};font-weight:600;min-width:4.5em"
)


def _cell(words: str, short: bool) -> str:
    ink = _INKS.get(words[:1])
    look = f"color:{ink};font-weight:600;" if ink and words[1:2] == " " else ""
    broken = "white-space:nowrap" if short else "min-width:14em;max-width:46em"
    return (
        f'<td style="text-align:left;vertical-align:top;padding:4px 14px 4px 8px;'
        f'border-bottom:1px solid {style.RULE};{look}{broken}">{escape(words)}</td>'
    )


# --- an overlay -------------------------------------------------------------------------------------------------------


def overview(overlay: Overlay) -> Table:
    """What an overlay is and how it is doing."""
    seen = overlay.overview()
    several = {what: ", ".join(seen[what]) or "none" for what in ("clients", "servers", "defences")}
    rows = [(what, several.get(what, str(value))) for what, value in seen.items() if what not in ("name", "now")]
    return Table((seen["name"], f"at {seen['now']:.2f} s"), tuple(rows))


def node_tables(overlay: Overlay, name: str) -> Table:
    """Whom a peer knows: neighbors on both sides and fingers across the ring, nearest first."""
    node = overlay.node(name)
    predecessors, successors = node.peer.topology.snapshot()
    near = {*predecessors, *successors}
    fingers = [other for other in node.peer.topology.table() if other not in near]
    lists = (("predecessors", predecessors), ("successors", successors), ("fingers", fingers))
    rows = [(what, ", ".join(overlay.nodes[other].name for other in others) or "none") for what, others in lists]
    return Table((name, f"Node-ID {node.node_id.hex()[:8]}…"), tuple(rows))


def around(overlay: Overlay, key: ResourceID, most: int = 3) -> Table:
    """The peers before and after a key, clockwise."""
    ring = overlay.peers()
    place = next((n for n, node in enumerate(ring) if node.node_id >= key), 0)
    names = [ring[(place + step) % len(ring)] for step in range(-most, most)]
    rows = [(node.name, f"{node.node_id.hex()[:8]}…") for node in names]
    rows.insert(most, ("the key", f"{key.hex()[:8]}…"))
    return Table(("clockwise", "place"), tuple(rows))


def holders(overlay: Overlay, user: str) -> Table:
    """Who holds a user's registration, as what, and what it says."""
    resource = ResourceID.of(overlay.aor(user))
    rows = []
    for node_id, records in overlay.records().items():
        for record in records:
            if record.resource == resource and record.kind == SIP_REGISTRATION:
                role = f"replica {record.replica}" if record.replica else "root"
                value = decode(SipRegistration, record.stored.value.value)
                signer = record.signer.partition("@")[0]
                rows.append((overlay.nodes[node_id].name, role, _route(overlay, value), signer))
    return Table(("holder", "as", "alice is reached" if user == "alice" else "contact", "signed by"), tuple(rows))


def _route(overlay: Overlay, registration: SipRegistration) -> str:
    if not registration.destination_list:
        return registration_text(registration)
    known = {bytes(node.node_id): node.name for node in overlay.nodes.values()}
    names = [known.get(bytes(node), bytes(node).hex()[:6]) for node in registration.destination_list]
    return " then ".join(["via " + names[0], *names[1:]])


# --- a resent message -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Resent:
    """A PUT that came again from somebody else; times in virtual seconds, ``sender`` is who sent it the second time."""

    sender: str
    owner: str
    written: float
    resent_at: float
    same_contents: bool
    record_signature: bool
    message_signature: bool

    @property
    def age(self) -> float:
        """How old the record was when it came again."""
        return self.resent_at - self.written

    def table(self) -> Table:
        """All of it, for reading."""
        yes = {True: "✓ valid", False: "× broken"}
        rows = (
            ("sent first by", self.owner, f"at {self.written:.2f} s"),
            ("sent again by", self.sender, f"at {self.resent_at:.2f} s, {self.age:.1f} s later"),
            ("contents", "the same bytes" if self.same_contents else "changed", ""),
            ("record signature", yes[self.record_signature], f"{self.owner}’s, over place, time and value"),
            ("message signature", yes[self.message_signature], f"{self.owner}’s, over transaction and contents"),
        )
        return Table(("what", "is", "says"), rows)

    def _repr_html_(self) -> str:
        return self.table()._repr_html_()

    def __str__(self) -> str:
        return str(self.table())


def open_resent(story: Told) -> Resent:
    """The first PUT that a node sent which was not its own, opened and verified; LookupError when there is none."""
    first: dict[int, events.MessageSent] = {}
    for sent in story.trace.select(events.MessageSent, code=int(MessageCode.STORE_REQ)):
        before = first.setdefault(sent.transaction_id, sent)
        if before.node != sent.node:
            return _opened(story, before, sent)
    raise LookupError("nobody sent a PUT again in this run")


def _opened(story: Told, before: events.MessageSent, sent: events.MessageSent) -> Resent:
    message = decode_message(sent.message, KNOWN_KINDS)
    group = message.body.kind_data[0]
    stored = group.values[0]
    certificate = parse(message.security.certificates[0], OVERLAY_NAME)
    if isinstance(certificate, LinkReason):
        raise LookupError(f"the message's certificate does not count: {certificate}")
    signature = message.security.signature
    covered = message_input(
        message.overlay, message.transaction_id, message.contents, encode_identity(signature.identity)
    )
    return Resent(
        sender=story.names[sent.node],
        owner=story.names[before.node],
        written=virtual(stored.storage_time),
        resent_at=sent.t,
        same_contents=message.contents == decode_message(before.message, KNOWN_KINDS).contents,
        record_signature=verify(
            certificate.public_key, stored.signature, stored_input(message.body.resource, group.kind, stored)
        ),
        message_signature=verify(certificate.public_key, signature, covered),
    )


def asked(overlay: Overlay, name: str, since: int = 0) -> tuple[str, ...]:
    """The requests that a node sent from place ``since`` of the trace on, by method."""
    assert isinstance(overlay.trace, events.Trace), "a trace that only counts has no messages"
    sent = overlay.trace.select(events.MessageSent, since=since, node=overlay.node(name).node_id)
    return tuple(method_name(event.code) for event in sent if is_request(event.code))


def passed_by(story: Told) -> tuple[str, ...]:
    """Who passed a PUT on, in order of time: the nodes that could have kept it."""
    passed = story.trace.select(events.MessageForwarded, code=int(MessageCode.STORE_REQ))
    return tuple(dict.fromkeys(story.names[event.node] for event in passed))


# --- fixes compared ---------------------------------------------------------------------------------------------------


def try_fixes(*names: str, threat: str = "RP-2") -> Table:
    """One attacked run for each defence on its own, same seed; with nothing first."""
    rows = []
    for name in ("", *names):
        outcome = told(threat, defence=(name,) if name else ()).outcome
        title = entry(name).title if name else "none of them"
        word = "↶ ROLLED BACK" if outcome.figure else "✓ HOLDS"
        rows.append((title, word, f"{outcome.figure:.0f} of 3", outcome.facts[0]))
    return Table(("fix", "verdict", "copies rolled back", "bob reads"), tuple(rows))


def runs(threat: str, *sets: Sequence[str], base: str | None = None) -> Table:
    """Attacked runs of one threat, same seed: with nothing on first, then with each set of defences."""
    chosen = scenario(threat)
    rows = []
    for names in ((), *sets):
        outcome = told(threat, defence=tuple(names), base=base).outcome
        said = strips.word(chosen, outcome.figure)
        title = titles(tuple(names)) if names else "none of them"
        sign = "✓" if said is Word.HOLDS else "×"
        rows.append((title, f"{sign} {said}", f"{outcome.figure:g}", *outcome.facts))
    return Table(("fix", "verdict", labels.measured(chosen.metric), *chosen.rows), tuple(rows))


def figure_rows(playlist: Playlist) -> Table:
    """The rows of one of the draft's figures: what is attacked, and what the draft says against it."""
    rows = []
    for demo in playlist.demos:
        row = catalogue.threat(demo.threat)
        title = SCENARIOS[demo.threat].title if demo.threat in SCENARIOS else f"{row.action} (planned)"
        rows.append((demo.row, demo.threat, title, row.named or "nothing", row.ours or "–"))
    return Table(("row", "threat", "attack", "the draft names", "ours beside it"), tuple(rows))


def meter(story: Told, victim: str, *, kind: int = int(MessageCode.APP_ATTACH_REQ), begins: float = 0.0) -> Table:
    """How many requests to connect came in at a node, second by second from ``begins`` on."""
    (node,) = (each for each, name in story.names.items() if name == victim)
    came = [int(each.t) for each in story.trace.select(events.MessageDelivered, node=node, code=kind)]
    counted = Counter(second for second in came if second >= begins)
    rows = [(f"{second} s", str(counted[second]), "█" * counted[second]) for second in sorted(counted)]
    return Table(("second", f"connections asked of {victim}", ""), tuple(rows) or (("–", "0", ""),))


def walk(ground: Wayside) -> Table:
    """What following up a lost request finds: whom each peer named as the next, and who is suspected in the end."""
    found, names = ground.walk(), ground.overlay.nodes
    way = [names[node].name for node in found.path]
    rows = [(str(n), name, f"next is {after}") for n, (name, after) in enumerate(pairwise(way), 1)]
    rows += [(str(len(way)), name, "responsible") for name in way[-1:] if found.responder is not None]
    if found.suspicion is not None:
        rows.append(("–", names[found.suspicion.suspect].name, f"suspected: {found.suspicion.reason.value}"))
    return Table(("step", "peer", "says"), tuple(rows))


def price(name: str, threat: str = "RP-2") -> dict[str, float]:
    """What a defence adds to the same story without an attacker: bytes, hops, signatures, seconds."""
    without, with_it = (told(threat, attack=False, defence=on).outcome.costs for on in ((), (name,)))
    more = with_it - without
    return {"hops": more.hops, "signatures": more.signatures, "seconds": more.delay}


# --- enrollment -------------------------------------------------------------------------------------------------------


def enrollment_replay(*, nonce: bool) -> Table:
    """One request to enroll, sent in time, sent again, held back, and sent again long after; ``nonce`` off or on."""
    day = 86_400.0
    rows = []
    dice = random.Random("7:enrollment")
    policy = EnrollmentPolicy() if nonce else EnrollmentPolicy(nonce=NoNonce(), expiry=NeverExpires())
    provider = Provider(OVERLAY_NAME, seed=7, rng=dice, policy=policy)
    registrar = provider.registrar
    account, password = provider.open_account("alice")

    def ask(label: str, csr: bytes, now: float) -> None:
        answer = registrar.enroll(EnrollmentRequest(account=account, password=password, csr=csr), now)
        words = f"refused: {answer.reason.value}" if isinstance(answer, Refusal) else "certificate"
        rows.append((label, words))

    key = provider.key("alice")
    request = certificate_request(key, account, registrar.challenge(0.0))
    ask("in time, by alice", request, 1.0)
    ask("the same bytes, a second later", request, 2.0)
    ask("the same bytes, 20 days later", request, 20 * day)
    late = certificate_request(key, account, registrar.challenge(40 * day))
    ask("a new request, held back for an hour", late, 40 * day + 3600)
    return Table(("request", "answer"), tuple(rows))


# --- deployments ------------------------------------------------------------------------------------------------------


def calls(*measured: CallFigures) -> Table:
    """Measured calls side by side: what they took, and whom both ends had to trust."""

    def people(names: tuple[str, ...]) -> str:
        return ", ".join(names) or "nobody"

    rows = (
        ("links crossed", *(str(call.hops) for call in measured)),
        ("seconds", *(f"{call.seconds:.2f}" for call in measured)),
        ("who read it", *(people(call.readers) for call in measured)),
        ("who could change it unnoticed", *(people(call.alterers) for call in measured)),
        ("strangers on the wire can read", *("yes" if call.open_wire else "no" for call in measured)),
    )
    return Table(("one call", *(call.deployment for call in measured)), rows)


def figure_1_rows() -> Table:
    """The rows of the draft's Figure 1, with the phrases to choose from."""
    return Table(("row", "phrases"), tuple((row, " / ".join(sorted(cells))) for row, cells in CELLS.items()))


def named(threat: str) -> tuple[str, ...]:
    """The defence that stops a threat, by its names in the catalogue."""
    return scenario(threat).defence


# --- oneself ----------------------------------------------------------------------------------------------------------


def calibrated(kept: progress.Progress | None = None) -> Table:
    """How often one's predictions came true, by how sure one was; whoever knows himself is right when certain."""
    rows = [
        (each.sure, str(each.made), str(each.right), f"{each.right / each.made:.0%}" if each.made else "–")
        for each in progress.calibration(kept or progress.here(), SURE)
    ]
    return Table(("how sure", "predictions", "came true", "share"), tuple(rows))


def choices(*threats: str, kept: progress.Progress | None = None) -> Table:
    """How many tries each fix took, by threat."""
    made = (kept or progress.here()).fixes
    rows = []
    for threat in threats:
        tried = [choice.right for choice in made.get(threat, [])]
        found = f"found at try {tried.index(True) + 1}" if True in tried else "not found yet"
        rows.append((threat, str(len(tried)), found if tried else "not tried yet"))
    return Table(("threat", "tries", "the fix"), tuple(rows))
