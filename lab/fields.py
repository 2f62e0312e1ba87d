"""A message's bytes as named fields: what the inspector shows and what the film needs to know of a message.

Offsets are found by encoding each decoded field again, in order; the codec is canonical, so the pieces are the message.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, is_dataclass
from functools import lru_cache
from typing import Any, get_type_hints

from lab import text
from lab.frames import RecordKey, RecordRef, World
from p2psip_min import clock
from p2psip_min.errors import Malformed
from p2psip_min.ids import Destination, NodeID, ResourceID
from p2psip_min.wire.codec import decode, item_encoder
from p2psip_min.wire.codes import ErrorCode, MessageCode
from p2psip_min.wire.data import (
    ArrayEntry,
    DictionaryEntry,
    FetchKindResponse,
    StoredData,
    StoreKindData,
    encode_stored,
)
from p2psip_min.wire.header import decode_destinations, open_envelope
from p2psip_min.wire.kinds import (
    KNOWN_KINDS,
    SIP_REGISTRATION,
    TURN_SERVICE,
    KindRegistry,
    SipRegistration,
    TurnServer,
)
from p2psip_min.wire.message import Message, decode_message
from p2psip_min.wire.messages import FetchAns, StoreReq, UnknownBody, method_name
from p2psip_min.wire.security import Signature, encode_identity

method = method_name
STORE, FETCH_ANSWER = int(MessageCode.STORE_REQ), int(MessageCode.FETCH_ANS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """Bytes of a message with their name and meaning; ``signed`` when the record's signature covers them."""

    offset: int
    raw: bytes
    name: str
    meaning: str
    signed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Fields that belong together; ``covered`` when the message's own signature covers them."""

    title: str
    note: str
    offset: int
    size: int
    fields: tuple[Field, ...]
    covered: bool = False
    folded: bool = False


def error_name(message: bytes) -> str:
    """The RFC's name of an error answer's code, such as Data_Too_Old."""
    try:
        code = int(decode_message(message, KNOWN_KINDS).body.error_code)
    except (Malformed, AttributeError):
        return text.UNREADABLE
    return error_label(code)


def error_label(code: int) -> str:
    """The RFC's name of an error code; its number when it has none."""
    try:
        return "_".join(part.capitalize() for part in ErrorCode(code).name.split("_")).replace("Ttl", "TTL")
    except ValueError:
        return f"{code:#x}"


@lru_cache(maxsize=4096)
def carried(message: bytes, code: int, kinds: KindRegistry = KNOWN_KINDS) -> RecordRef | None:
    """The first value in a StoreReq or a FetchAns; None for other messages, and for one that holds none.

    A FetchAns does not say of which resource it is, so that its reference has an empty one.
    """
    if code not in (STORE, FETCH_ANSWER):
        return None
    try:
        body = decode_message(message, kinds).body
    except Malformed:
        return None
    groups: tuple[StoreKindData, ...] | tuple[FetchKindResponse, ...] = ()
    resource, replica = b"", 0
    if isinstance(body, StoreReq):
        groups, resource, replica = body.kind_data, bytes(body.resource), body.replica_number
    elif isinstance(body, FetchAns):
        groups = body.kind_responses
    for group in groups:
        for stored in group.values:
            value = stored.value
            key = RecordKey(resource, group.kind, _place(value))
            return RecordRef(key, stored.storage_time, value.exists, value.value, replica)
    return None


def target(message: bytes) -> bytes:
    """The last entry of the destination list: what the message is bound for; empty when it can't be read."""
    try:
        destinations = decode_destinations(open_envelope(message).destinations)
    except Malformed:
        return b""
    return bytes(destinations[-1]) if destinations else b""


def _place(value: Any) -> bytes:
    """The dictionary key or array index as the trace writes it."""
    if isinstance(value, DictionaryEntry):
        return value.key
    return value.index.to_bytes(4, "big") if isinstance(value, ArrayEntry) else b""


def show_value(kind: int, value: bytes, world: World | None = None) -> str:
    """A value for people: where a registration leads, where a server listens, text as it is, else its first bytes."""
    if kind == SIP_REGISTRATION:
        try:
            registration = decode(SipRegistration, value)
        except Malformed:
            return short_hex(value)
        return registration_text(registration, world)
    if kind == TURN_SERVICE:
        try:
            server = decode(TurnServer, value).server_address
        except Malformed:
            return short_hex(value)
        return text.AT + text.host(server.address, server.port)
    try:
        plain = value.decode()
    except UnicodeDecodeError:
        return short_hex(value)
    return plain if plain.isprintable() else short_hex(value)


def registration_text(registration: SipRegistration, world: World | None = None) -> str:
    """Where a registration leads."""
    if registration.destination_list:
        route = [bytes(one) for one in registration.destination_list]
        return text.via([world.name(one) if world is not None else one.hex()[:8] for one in route])
    return registration.uri


def short_hex(raw: bytes, most: int = 8) -> str:
    """The first bytes in hex and how many follow."""
    more = f" +{len(raw) - most}" if len(raw) > most else ""
    return raw[:most].hex(" ") + more


# --- the inspector ----------------------------------------------------------------------------------------------


def inspect(message: bytes, world: World, now: float, kinds: KindRegistry = KNOWN_KINDS) -> tuple[Group, ...]:
    """The message as groups of fields, in the order of its bytes; one group of raw bytes when it is malformed."""
    try:
        decoded = decode_message(message, kinds)
    except Malformed as error:
        whole = Field(offset=0, raw=message, name=text.BYTES, meaning=str(error))
        return (Group(title=text.MALFORMED, note=str(error), offset=0, size=len(message), fields=(whole,)),)
    reader = _Reader(message, world, now, resources=_named(world))
    return tuple(reader.read(decoded))


def middle_bit(groups: Sequence[Group], size: int) -> int:
    """The bit in the middle of what the record's signature covers; of the whole message when nothing is signed."""
    signed = [(one.offset, one.offset + len(one.raw)) for group in groups for one in group.fields if one.signed]
    first, last = (min(signed)[0], max(end for _, end in signed)) if signed else (0, size)
    return 8 * ((first + last) // 2)


def _named(world: World) -> dict[bytes, str]:
    return {bytes(resource): name for resource, name in world.resources.items()}


class _Reader:
    """Walks a decoded message and its bytes side by side."""

    def __init__(self, data: bytes, world: World, now: float, resources: dict[bytes, str]) -> None:
        self.data, self.world, self.now, self.resources = data, world, now, resources
        self.at = 0
        self.found: list[Field] = []

    def take(self, size: int, name: str, meaning: str, signed: bool = False) -> None:
        raw = self.data[self.at : self.at + size]
        self.found.append(Field(offset=self.at, raw=raw, name=name, meaning=meaning, signed=signed))
        self.at += size

    def group(self, title: str, note: str = "", *, covered: bool = False, folded: bool = False) -> Group:
        mine, self.found = tuple(self.found), []
        start = mine[0].offset if mine else self.at
        return Group(
            title=title, note=note, offset=start, size=self.at - start, fields=mine, covered=covered, folded=folded
        )

    def read(self, message: Message) -> Iterator[Group]:
        envelope = open_envelope(self.data)
        self.take(4, "relo_token", text.TOKEN)
        self.take(4, "overlay", f"{envelope.overlay:08x}")
        self.take(2, "configuration_sequence", str(envelope.configuration_sequence))
        self.take(1, "version", f"{envelope.version / 10:.1f}")
        self.take(1, "ttl", text.hops_left(envelope.ttl))
        self.take(4, "fragment", text.WHOLE if envelope.is_whole else str(envelope.fragment_offset))
        self.take(4, "length", text.byte_count(envelope.length))
        self.take(8, "transaction_id", f"{envelope.transaction_id:016x}")
        self.take(4, "max_response_length", str(envelope.max_response_length))
        lists = (len(envelope.via), len(envelope.destinations), len(envelope.options))
        self.take(6, "list lengths", ", ".join(map(str, lists)))
        for name, raw in (("via_list", envelope.via), ("destination_list", envelope.destinations)):
            if raw:
                self.take(len(raw), name, ", ".join(map(self.destination, decode_destinations(raw))))
        if envelope.options:
            self.take(len(envelope.options), "options", text.byte_count(len(envelope.options)))
        yield self.group(text.HEADER, text.header_note(self.at), folded=True)
        self.take(2, "message_code", f"{message.code} = {method_name(message.code)}")
        body = message.body
        length = int.from_bytes(self.data[self.at : self.at + 4], "big")
        self.take(4, "body length", text.byte_count(length))
        end = self.at + length
        title = method_name(message.code)
        if isinstance(body, UnknownBody) or not is_dataclass(body):
            self.take(length, "body", text.byte_count(length))
        else:
            yield from self.body(body, title)
        if self.at < end:
            self.take(end - self.at, "rest", text.byte_count(end - self.at))
        stop = envelope.body_offset + len(message.contents)
        if stop > self.at:
            extensions = stop - self.at
            self.take(extensions, "extensions", text.NONE if not message.extensions else text.byte_count(extensions))
        yield self.group(title if not self.split else text.EXTENSIONS, covered=True, folded=self.split)
        start = self.at
        size = int.from_bytes(self.data[self.at : self.at + 2], "big")
        count = len(message.security.certificates)
        self.take(2 + size, "certificates", text.certificates(count, size))
        self.signature(message.security.signature)
        yield self.group(text.SECURITY, text.security_note(count, len(self.data) - start), folded=True)

    split = False

    def body(self, body: Any, title: str) -> Iterator[Group]:
        hints = get_type_hints(type(body), include_extras=True)
        for part in fields(body):
            value = getattr(body, part.name)
            spec = hints[part.name].__metadata__[0]
            size = len(item_encoder(spec, title)(value))
            stored = part.name in ("kind_data", "kind_responses") and any(getattr(one, "values", ()) for one in value)
            if not stored:
                signed = part.name == "resource" and isinstance(body, StoreReq)
                self.take(size, part.name, self.meaning(part.name, value), signed=signed)
                continue
            self.take(4, "lengths", text.byte_count(size - 4))
            for one in value:
                generation = getattr(one, "generation_counter", getattr(one, "generation", 0))
                self.take(4, "kind", self.kind(one.kind), signed=True)
                self.take(8, "generation_counter", str(generation))
                self.take(4, "values length", text.byte_count(int.from_bytes(self.data[self.at : self.at + 4], "big")))
                for stored_data in one.values:
                    yield self.group(title, covered=True)
                    yield from self.stored(stored_data, one.kind)
                    self.split = True
                if not one.values:
                    self.take(len(one.raw), "values", text.byte_count(len(one.raw)))

    def stored(self, stored: StoredData, kind: int) -> Iterator[Group]:
        whole = len(encode_stored(stored))
        self.take(4, "length", text.byte_count(whole - 4))
        self.take(8, "storage_time", text.stamp(clock.virtual(stored.storage_time), self.now), signed=True)
        self.take(4, "lifetime", text.seconds(stored.lifetime))
        value = stored.value
        if isinstance(value, DictionaryEntry):
            self.take(2 + len(value.key), "key", self.known(value.key), signed=True)
        elif isinstance(value, ArrayEntry):
            self.take(4, "index", str(value.index))
        self.take(1, "exists", text.yes(value.exists), signed=True)
        self.take(4 + len(value.value), "value", show_value(kind, value.value, self.world), signed=True)
        yield self.group(text.STORED, text.STORED_NOTE, covered=True)
        self.signature(stored.signature, record=True)
        yield self.group(text.SIGNATURE, text.SIGNATURE_NOTE, covered=True)

    def signature(self, signature: Signature, *, record: bool = False) -> None:
        self.take(2, "algorithm", text.algorithm(signature.hash, signature.algorithm))
        identity = signature.identity
        shown = text.identity(identity.type, identity.digest.hex()[:8])
        self.take(len(encode_identity(identity)), "signer_identity", shown, signed=record)
        self.take(2 + len(signature.value), "signature_value", text.byte_count(len(signature.value)))

    def meaning(self, name: str, value: Any) -> str:
        if isinstance(value, bytes):
            return self.known(value)
        if isinstance(value, tuple):
            return ", ".join(self.item(one) for one in value[:4]) + text.more(len(value) - 4) if value else text.NONE
        if name == "replica_number":
            return f"{value} = {text.role(int(value))}"
        if name == "error_code":
            return f"{int(value)} = {error_label(int(value))}"
        return self.item(value)

    def item(self, value: Any) -> str:
        if isinstance(value, bytes):
            return self.known(value)
        if is_dataclass(value) and hasattr(value, "kind"):
            return self.kind(value.kind)
        return type(value).__name__ if is_dataclass(value) else str(value)

    def known(self, raw: bytes) -> str:
        """An identifier by its name, other bytes as text or hex."""
        if raw in self.world.names:
            return self.world.person(raw)
        if raw in self.resources:
            return text.hashed(self.resources[raw])
        return show_value(0, raw) if raw else text.EMPTY

    def destination(self, destination: Destination) -> str:
        if isinstance(destination, NodeID):
            return self.world.person(destination)
        raw = bytes(destination)
        return text.hashed(self.world.resource(raw)) if isinstance(destination, ResourceID) else text.opaque(raw.hex())

    def kind(self, number: int) -> str:
        spec = KNOWN_KINDS.get(number)
        return f"{number} = {spec.name}" if spec else str(number)
