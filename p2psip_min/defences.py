"""Every protection as a value that can be replaced, and the one catalogue of them (draft 7, RFC 6940).

Each field of ``Defences`` is a policy with a null object that takes the same path, so that "off" and "on" compare
fairly. No switch exists outside ``CATALOGUE``: the panel, the command line, the documentation and the tests are
made from it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from p2psip_min.storage.policies import (
    AnyOrder,
    Forgetful,
    GenerationCounter,
    NoMemory,
    NoRecordSignature,
    NoReplicas,
    NoTimestamp,
    NoVersion,
    OrderPolicy,
    OwnerSignature,
    ReaderMemoryPolicy,
    ReadPolicy,
    ReadQuorum,
    RecordSignaturePolicy,
    Remembers,
    ReplicationPolicy,
    RisingStorageTime,
    RootOnly,
    Successors,
    TimestampPolicy,
    TimestampWindow,
    TransactionMemory,
    TransactionMemoryPolicy,
    VersionPolicy,
)


@dataclass(frozen=True, slots=True)
class LinkProtection:
    """What carries a hop: ``tls`` or datagrams that anybody on the path can read and change."""

    tls: bool


@dataclass(frozen=True, slots=True)
class LinkAuthentication:
    """Whose word counts for the Node-ID at a link's other end: its certificate's, or its own."""

    certificate: bool


@dataclass(frozen=True, slots=True)
class MessageAuthentication:
    """Whether messages are signed by their sender and refused unsigned (RFC 6940 §6.3.4)."""

    signed: bool


@dataclass(frozen=True, slots=True)
class ResponderCheck:
    """Whether an answer for a key must come from a node at least as close as any neighbor (RFC 6940 §6.3.4)."""

    closest: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Defences:
    """The protections of one overlay."""

    link_protection: LinkProtection = LinkProtection(False)
    link_authentication: LinkAuthentication = LinkAuthentication(False)
    message_authentication: MessageAuthentication = MessageAuthentication(False)
    responder_check: ResponderCheck = ResponderCheck(False)
    record_signature: RecordSignaturePolicy = NoRecordSignature()
    order: OrderPolicy = AnyOrder()
    version: VersionPolicy = NoVersion()
    timestamp: TimestampPolicy = NoTimestamp()
    memory: TransactionMemoryPolicy = NoMemory()
    replication: ReplicationPolicy = NoReplicas()
    read: ReadPolicy = RootOnly()
    reader_memory: ReaderMemoryPolicy = Forgetful()

    def having(self, *names: str, **values: Any) -> Defences:
        """These defences with the named ones of the catalogue switched on."""
        return replace(self, **{entry(name).field: entry(name).on for name in names}, **values)

    def without(self, *names: str) -> Defences:
        """These defences with the named ones of the catalogue switched off."""
        return replace(self, **{entry(name).field: entry(name).off for name in names})

    def names(self) -> tuple[str, ...]:
        """The catalogue's names of what is switched on, in its order."""
        return tuple(item.name for item in CATALOGUE if getattr(self, item.field) != item.off)


@dataclass(frozen=True, slots=True, kw_only=True)
class Defence:
    """One switch: what it is called, which policy it sets, what it stops, what it costs and where it comes from."""

    name: str
    title: str
    field: str
    on: Any
    off: Any
    checks: str
    stops: str
    cost: str
    section: str


CATALOGUE: tuple[Defence, ...] = (
    Defence(
        name="tls",
        title="TLS on every link",
        field="link_protection",
        on=LinkProtection(True),
        off=LinkProtection(False),
        checks="only the two ends of a hop see a message; a forwarder is an end",
        stops="reading and changing messages on a hop",
        cost="22 bytes a record, one handshake a link",
        section="draft 5.1",
    ),
    Defence(
        name="link-auth",
        title="Certificate at both ends",
        field="link_authentication",
        on=LinkAuthentication(True),
        off=LinkAuthentication(False),
        checks="the Node-ID of a link's other end is the one in its certificate",
        stops="speaking as another node",
        cost="one certificate check a link",
        section="RFC 6940 §6.6",
    ),
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
    ),
    Defence(
        name="record-signature",
        title="Record signature",
        field="record_signature",
        on=OwnerSignature(),
        off=NoRecordSignature(),
        checks="the value is the owner's, to storing peer and reader",
        stops="changed and invented records",
        cost="one signature a record",
        section="RFC 6940 §7.1",
    ),
    Defence(
        name="version-counter",
        title="Version counter",
        field="version",
        on=GenerationCounter(),
        off=NoVersion(),
        checks="a store names the version that it replaces",
        stops="replayed stores; not an old copy from a neighbor, since copies carry no version of their own",
        cost="no bytes: the field is always there",
        section="draft 11.1, RFC 6940 §7.4.1",
    ),
    Defence(
        name="time-stamp",
        title="Time stamp window",
        field="timestamp",
        on=TimestampWindow(60.0),
        off=NoTimestamp(),
        checks="a store is at most 60 s old",
        stops="replays after the window",
        cost="no bytes",
        section="draft Figure 6",
    ),
    Defence(
        name="rising-time",
        title="Rising storage time",
        field="order",
        on=RisingStorageTime(),
        off=AnyOrder(),
        checks="a value is younger than the one that it replaces",
        stops="replayed stores where the newer value is held",
        cost="no bytes",
        section="RFC 6940 §7.4.1.1",
    ),
    Defence(
        name="transaction-memory",
        title="Transaction memory",
        field="memory",
        on=TransactionMemory(15.0),
        off=NoMemory(),
        checks="a request seen in the last 15 s is answered from memory",
        stops="replays within 15 s",
        cost="one answer a request, for 15 s",
        section="RFC 6940 §6.2.1",
    ),
    Defence(
        name="replicas",
        title="Two replicas",
        field="replication",
        on=Successors(2),
        off=NoReplicas(),
        checks="two successors hold a copy, and repair it when one fails",
        stops="losing what one peer held",
        cost="two more stores a store",
        section="RFC 6940 §10.4",
    ),
    Defence(
        name="read-quorum",
        title="Read quorum 2 of 3",
        field="read",
        on=ReadQuorum(2),
        off=RootOnly(),
        checks="the reader asks the replicas too and takes the newest",
        stops="one holder that hides or rolls back",
        cost="two more lookups and fetches a read",
        section="draft 11.5",
    ),
    Defence(
        name="reader-memory",
        title="Reader's memory",
        field="reader_memory",
        on=Remembers(),
        off=Forgetful(),
        checks="a reader takes nothing older than what it has read",
        stops="rolling back a reader who knew better",
        cost="eight bytes a record read",
        section="RFC 6940 §7.4.2.2",
    ),
)

_BY_NAME = {item.name: item for item in CATALOGUE}


def entry(name: str) -> Defence:
    """The catalogue's entry of that name; KeyError names those that exist."""
    try:
        return _BY_NAME[name]
    except KeyError:
        raise KeyError(f"no defence {name!r}; known: {', '.join(_BY_NAME)}") from None


def _preset(*names: str) -> Defences:
    return Defences().having(*names)


_DRAFT = ("tls", "link-auth", "message-signature", "record-signature", "replicas")
_RELOAD = (*_DRAFT, "responder-check", "rising-time", "transaction-memory")

PRESETS: dict[str, Defences] = {
    "none": _preset(),
    "draft": _preset(*_DRAFT),
    "reload": _preset(*_RELOAD),
    "hardened": _preset(*_BY_NAME),
}
"""``none``; ``draft``: what the draft names; ``reload``: what RFC 6940 mandates; ``hardened``: everything."""


def preset(name: str) -> Defences:
    """The preset of that name; KeyError names those that exist."""
    try:
        return PRESETS[name]
    except KeyError:
        raise KeyError(f"no preset {name!r}; known: {', '.join(PRESETS)}") from None
