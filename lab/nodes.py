"""One node as its operator sees it, as HTML: its tables, and what it holds."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from lab import fields, labels, recruits, tables, text
from lab.frames import World
from lab.session import Session
from p2psip_min.errors import LocalProtocolError, P2PSIPError
from p2psip_min.ids import NodeID
from p2psip_min.overlay import Node
from p2psip_min.wire.data import StoredData
from p2psip_min.wire.kinds import KNOWN_KINDS

MOST = 12
"""How many entries of a table are named, and how many records are shown."""


def node_of(session: Session, node: bytes) -> Node | None:
    """The node of this Node-ID; None for a server, or for a node that has not been born in this run."""
    return next((one for one in session.overlay.nodes.values() if one.node_id == node), None)


def locked(session: Session, deed: str, node: Node) -> str:
    """Why something can't be done to the node now; empty when it can."""
    if deed == "hostile":
        if node.node_id in session.overlay.roles.hostile:
            return labels.hostile_already(node.name)
        try:
            session.overlay.roles.permit(node.node_id, node.name, peer=not node.is_client)
        except P2PSIPError as refused:
            return str(refused)
        if all(action.name != deed for action in session.actions()) and (why := recruits.unturned(session.stage)):
            return why
    try:
        session.stage.check_deed(deed, node)
    except P2PSIPError as refused:
        return str(refused)
    return ""


def details(session: Session, node: bytes) -> str:
    """Its place, neighbours, other entries and records, where the run stands now."""
    frame = session.frame()
    world = frame.world
    found = node_of(session, node)
    who = world.person(node)
    if found is None:
        return tables.head(who, world.kind(node).value) + tables.empty(labels.NO_TABLES)
    name = found.name if who == found.name else f"{who}, {found.name}"
    note = f"{found.kind}{'' if found.alive else labels.IS_DOWN} · Node-ID {bytes(node).hex()[:8]}…"
    topology = found.peer.topology
    if found.is_client:
        lines = [(labels.SERVED_BY, _names(world, topology.table()))]
    else:
        near = topology.neighbors()
        far = [entry for entry in topology.table() if entry not in near]
        lines = [(labels.NEIGHBORS, _names(world, near)), (labels.OTHER_ENTRIES, _names(world, far))]
    told = "".join(f"<dt>{escape(what)}</dt><dd>{escape(words)}</dd>" for what, words in lines)
    return (
        f"{tables.head(name, note, labels.as_of(session.overlay.now))}"
        f'<dl class="entries">{told}</dl>{_records(found, world, session.overlay.now)}'
    )


def _names(world: World, nodes: Iterable[NodeID]) -> str:
    named = [world.name(node) for node in nodes]
    return ", ".join(named[:MOST]) + text.more(len(named) - MOST) if named else text.NONE


def _records(node: Node, world: World, now: float) -> str:
    records = list(node.peer.store.records())
    if not records:
        return tables.empty(labels.holds_nothing(node.name))
    rows = "".join(
        f"<tr><td>{escape(world.resource(record.resource))}</td><td>{escape(_kind(record.kind))}</td>"
        f"<td>{escape(_value(record.kind, record.stored, world))}</td><td>{escape(record.signer.split('@')[0])}</td>"
        f"<td>{escape(text.role(record.replica))}</td>"
        f'<td class="r num">{now - record.since:.1f}</td></tr>'
        for record in records[:MOST]
    )
    heads = "".join(f"<th>{escape(name)}</th>" for name in labels.RECORD_COLUMNS)
    more = f'<p class="quiet">{escape(text.more(len(records) - MOST).strip())}</p>' if len(records) > MOST else ""
    return f'<div class="wide"><table class="lead"><tr>{heads}</tr>{rows}</table></div>{more}'


def _kind(number: int) -> str:
    try:
        return KNOWN_KINDS[number].name
    except LookupError:
        return str(number)


def _value(kind: int, stored: StoredData, world: World) -> str:
    words = fields.show_value(kind, stored.value.value, world) if stored.value.exists else labels.TOMBSTONE
    return words if len(words) <= 40 else words[:39] + "…"


def refuse(session: Session, deed: str, node: Node) -> None:
    """Raise when something can't be done to the node."""
    if why := locked(session, deed, node):
        raise LocalProtocolError(why)
