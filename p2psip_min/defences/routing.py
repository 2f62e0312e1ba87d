"""Protections of messages that others pass on (draft 5.2, 11.2)."""

from __future__ import annotations

from dataclasses import dataclass

from p2psip_min.defences.base import DRAFT, RELOAD, Defence
from p2psip_min.routing.learning import (
    AnyWrite,
    EntryPolicy,
    FirstHand,
    NoRefresh,
    RefreshPolicy,
    SameNeighbor,
    SignedWrites,
    TableWritePolicy,
    VerifiedEntries,
)
from p2psip_min.routing.progress import AnyHop, EachHopNearer, ProgressPolicy
from p2psip_min.routing.survey import AnyResponder, NeighborStatements, RootProofPolicy


@dataclass(frozen=True, slots=True)
class MessageAuthentication:
    """Whether messages are signed by their sender and refused unsigned (RFC 6940 §6.3.4)."""

    signed: bool


@dataclass(frozen=True, slots=True)
class ResponderCheck:
    """Whether an answer for a key must come from a node at least as close as any neighbor (RFC 6940 §6.3.4)."""

    closest: bool


@dataclass(frozen=True, slots=True)
class HopLimit:
    """How many hops a message takes at ``most``; the configuration's initial-ttl holds beside it (RFC 6940 §6.3.2)."""

    most: int


@dataclass(frozen=True, kw_only=True)
class RoutingDefences:
    """What protects a message on its way, and the choice of the way."""

    message_authentication: MessageAuthentication = MessageAuthentication(False)
    responder_check: ResponderCheck = ResponderCheck(False)
    progress: ProgressPolicy = AnyHop()
    hop_limit: HopLimit = HopLimit(255)
    root_proof: RootProofPolicy = AnyResponder()
    table_writes: TableWritePolicy = AnyWrite()
    entries: EntryPolicy = FirstHand()
    refresh: RefreshPolicy = NoRefresh()


ROUTING: tuple[Defence, ...] = (
    Defence(
        name="message-signature",
        title="Message signature",
        field="message_authentication",
        on=MessageAuthentication(True),
        off=MessageAuthentication(False),
        checks="the sender's message is not changed on the way",
        stops="changed and invented messages",
        cost="one signature and one certificate a message",
        section="RFC 6940 §6.3.4",
        presets=(DRAFT, RELOAD),
    ),
    Defence(
        name="responder-check",
        title="Plausible responder",
        field="responder_check",
        on=ResponderCheck(True),
        off=ResponderCheck(False),
        checks="who answers for a key is no farther from it than our neighbors",
        stops="answers from nodes far away",
        cost="no bytes",
        section="RFC 6940 §6.3.4",
        presets=(RELOAD,),
    ),
    Defence(
        name="progress-check",
        title="Progress check",
        field="progress",
        on=EachHopNearer(),
        off=AnyHop(),
        checks="each hop of a request is nearer to its key, or the next one goes around who sent it astray",
        stops="requests sent back, in circles or away from their key",
        cost="no bytes: the way is in the request",
        section="draft 5.2",
    ),
    Defence(
        name="true-root",
        title="Proof of the true root",
        field="root_proof",
        on=NeighborStatements(3),
        off=AnyResponder(),
        checks="those around a key state, signed, whom they know, and nobody among those has a better claim",
        stops="answers of a peer in its own name that is not responsible",
        cost="about six more nodes asked a lookup, each over a link of its own",
        section="draft 5.2",
        number=lambda witnesses: NeighborStatements(int(witnesses)),
    ),
    Defence(
        name="signed-updates",
        title="Signed and solicited updates",
        field="table_writes",
        on=SignedWrites(),
        off=AnyWrite(),
        checks="who changes a table signs that, and who enters one has attached before",
        stops="Updates and Leaves in others' names, and Updates that nobody asked for",
        cost="one signature and one certificate an Update",
        section="draft 7.2.8",
    ),
    Defence(
        name="verified-entries",
        title="Verified table entries",
        field="entries",
        on=VerifiedEntries(8.0),
        off=FirstHand(),
        checks="who enters a table answers a Ping over its own link, signed under its Node-ID, and is plausible there",
        stops="entries that are somebody else under an invented Node-ID",
        cost="one signed Ping an entry",
        section="draft 5.2",
        number=VerifiedEntries,
    ),
    Defence(
        name="periodic-refresh",
        title="Periodic refresh from one neighbor",
        field="refresh",
        on=SameNeighbor(5.0),
        off=NoRefresh(),
        checks="every 5 s a peer asks its nearest neighbor for its table",
        stops="nothing: it brings back what it is told of, and every write is still accepted",
        cost="a request and an Update every 5 s",
        section="RFC 6940 §10.7.4",
        number=SameNeighbor,
        decoy=True,
    ),
    Defence(
        name="short-ttl",
        title="Short ttl",
        field="hop_limit",
        on=HopLimit(20),
        off=HopLimit(255),
        checks="a message takes at most 20 hops",
        stops="what goes in circles, but not that it does not arrive",
        cost="no bytes: the field is always there",
        section="RFC 6940 §6.3.2",
        number=lambda hops: HopLimit(int(hops)),
        decoy=True,
    ),
)
