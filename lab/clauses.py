"""What an event says in words, after its node's name."""

from __future__ import annotations

from collections.abc import Sequence

from lab import fields, text
from lab.frames import RecordKey, World
from lab.scene import Scene
from p2psip_min import trace as ev


def clause(event: ev.Event, world: World, scene: Scene) -> str:
    """The event in words, after its node's name; empty for what is not part of the story."""
    who, name = world.person, world.name
    match event:
        case ev.RecordStored():
            return text.stores(_version(event, scene), event.replica)
        case ev.RecordReplaced():
            key = RecordKey(event.resource, event.kind, event.key)
            replaced = scene.after(event).version(key, event.replaced)
            older = event.storage_time < event.replaced
            return text.replaces(_version(event, scene), text.version(replaced), older)
        case ev.RecordRemoved():
            key = RecordKey(event.resource, event.kind, event.key)
            return text.removes(text.version(scene.version(key, event.replaced)))
        case ev.RecordExpired():
            return text.expires(_version(event, scene))
        case ev.RecordHandedOver():
            return text.hands_over()
        case ev.RecordDiscarded():
            return text.discards()
        case ev.RecordMissed():
            return text.misses()
        case ev.StoreRejected():
            return text.refuses(event.reason)
        case ev.StoreAcknowledged():
            return text.acknowledged([name(node) for node in event.replicas])
        case ev.ValueRead():
            return text.reads(_version(event, scene), event.exists)
        case ev.ValueRejected():
            return text.distrusts(_version(event, scene), event.reason)
        case ev.LookupCompleted():
            return text.found(name(event.responder), event.hops)
        case ev.ResponderRejected():
            return text.no_root(name(event.responder), event.reason)
        case ev.RequestRetransmitted():
            return text.again(event.attempt)
        case ev.RequestFailed():
            return text.NO_ANSWER if event.code == 4 else text.fails(fields.error_label(event.code))
        case ev.PacketLost(transaction_id=transaction) if transaction:
            return text.lost_packet(name(event.remote), event.reason)
        case ev.NodeJoined():
            return text.joins(name(event.admitting_peer) if event.admitting_peer else "")
        case ev.ClientAttached():
            return text.attaches(name(event.peer))
        case ev.JoinRejected():
            return text.not_let_in(event.reason)
        case ev.NodeLeft():
            return text.LEAVES
        case ev.NodeCrashed():
            return text.CRASHES
        case ev.NeighborFailed():
            return text.gives_up(name(event.neighbor))
        case ev.LinkRejected():
            return text.refuses_link(name(event.remote), event.reason)
        case ev.EnrollmentGranted():
            return text.certifies(event.user)
        case ev.ReportJudged():
            return text.judges(name(event.reporter), name(event.accused), event.outcome)
        case ev.NodeExcluded():
            return text.excludes(name(event.excluded), event.seconds)
        case ev.EnrollmentRejected():
            return text.refuses_enrollment(event.user, event.reason)
        case ev.Registered():
            return text.registered(event.aor, _contact(event.contact, world))
        case ev.Resolved():
            return text.resolved(event.aor, _contact(event.contact, world))
        case ev.CallSetUp():
            return text.calls(event.aor, who(event.remote))
        case ev.CallFailed():
            return text.call_fails(event.aor, text.without_ids(event.reason))
        case _:
            return ""


def _version(
    event: ev.RecordStored | ev.RecordReplaced | ev.RecordExpired | ev.ValueRead | ev.ValueRejected, scene: Scene
) -> str:
    """The label of the version that the event is about."""
    key = RecordKey(event.resource, event.kind, event.key)
    return text.version(scene.after(event).version(key, event.storage_time)) or text.THE_VALUE


def _contact(contact: str, world: World) -> str:
    """Contacts that are routes of Node-IDs in hex, by their names; any others as they are."""
    return ", ".join(_route(one, world) for one in contact.split(", "))


def _route(contact: str, world: World) -> str:
    try:
        route = [bytes.fromhex(part) for part in contact.split("/")]
    except ValueError:
        return contact
    return text.via([world.name(node) for node in route]) if all(len(node) == 16 for node in route) else contact


def gathered(clauses: Sequence[str]) -> list[str]:
    """Clauses that differ only in where something goes as one; and how often, where they do not differ at all."""
    found: dict[str, list[str]] = {}
    for clause in clauses:
        head, towards, end = clause.partition(" towards ")
        found.setdefault(head + towards, []).append(end)
    told = []
    for head, ends in found.items():
        if not ends[0]:
            told.append(f"{head}{text.times(len(ends))}")
            continue
        unlike = list(dict.fromkeys(ends))
        told.append(
            head
            + text.series([f"{end}{text.times(ends.count(end))}" for end in unlike[:4]])
            + text.more(len(unlike) - 4)
        )
    return told
