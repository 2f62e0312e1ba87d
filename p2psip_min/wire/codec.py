"""The one codec engine: a dataclass whose fields say how they lie on the wire becomes two compiled functions.

Rules
1. A field is ``name: Annotated[type, spec]``; the specs below are RFC 6940's notation (§6.3.1): fixed integers,
   vectors whose prefix counts bytes, structures, and a hand-written pair of functions for a ``select``.
2. ``@structure`` writes straight-line Python for each class once, as dataclasses do for ``__init__``. Neighbouring
   fixed fields and length prefixes share one ``struct`` call: a field-by-field interpreter is ten times slower.
3. A decoder is ``decode(data, offset, end, context) -> (value, offset)``: it never reads at or beyond ``end`` and
   raises nothing but Malformed. ``context`` is the Kind registry where a data model must be known (§7.4.1).
4. An encoder is ``encode(value) -> bytes``; a value that does not fit its field is a LocalProtocolError.
5. Structures are frozen for the type checker and plain slots at run time: a frozen one costs 1 µs more to make.
"""

from __future__ import annotations

import enum
import struct
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from struct import unpack_from
from typing import Annotated, Any, TypeVar, dataclass_transform, get_type_hints

from p2psip_min.errors import LocalProtocolError, Malformed
from p2psip_min.ids import ID_LENGTH, NodeID, ResourceID
from p2psip_min.wire.header import known_node

Decoder = Callable[[bytes, int, int, Any], tuple[Any, int]]
Encoder = Callable[[Any], bytes]
T = TypeVar("T")

_NODE_FORMAT = f"{ID_LENGTH}s"
_FORMAT = {1: "B", 2: "H", 4: "I", 8: "Q"}
_ENCODERS: dict[type, Encoder] = {}
_DECODERS: dict[type, Decoder] = {}


def read_nodes(data: bytes, offset: int, count: int) -> tuple[NodeID, ...]:
    """``count`` Node-IDs packed end to end from ``offset``, which the caller knows to be there."""
    return tuple(map(known_node, unpack_from(_NODE_FORMAT * count, data, offset)))


class _Writer:
    """The source of one function under construction; ``names`` are the objects that it refers to."""

    def __init__(self, owner: str) -> None:
        self.owner = owner
        self.lines: list[str] = []
        self.names: dict[str, Any] = {"Malformed": Malformed, "LocalProtocolError": LocalProtocolError}
        self._count = 0

    def fresh(self, stem: str) -> str:
        self._count += 1
        return f"{stem}{self._count}"

    def bind(self, stem: str, value: Any) -> str:
        name = self.fresh(stem)
        self.names[name] = value
        return name

    def line(self, text: str) -> None:
        self.lines.append("    " + text)

    def build(self, header: str) -> Callable[..., Any]:
        source = "\n".join([header, *self.lines])
        exec(compile(source, f"<wire {self.owner}>", "exec"), self.names)  # our own source, as in dataclasses
        function: Callable[..., Any] = self.names[header[4 : header.index("(")]]
        return function


class _DecodeWriter(_Writer):
    """Collects fixed fields into runs, and reads each run with one unpack."""

    def __init__(self, owner: str) -> None:
        super().__init__(owner)
        self._run: list[tuple[str, str]] = []
        self._after: list[str] = []

    def fixed(self, code: str, target: str) -> None:
        self._run.append((code, target))

    def after(self, text: str) -> None:
        """A line to run once the pending run has been read."""
        self._after.append(text)

    def fail(self, what: str, offset: str = "offset") -> str:
        return f"raise Malformed({offset}, {f'{self.owner}: {what}'!r})"

    def length(self, width: int) -> str:
        """Read a length prefix; the variable that then holds ``offset`` plus it, checked against ``end``."""
        count, stop = self.fresh("n"), self.fresh("stop")
        if width == 3:
            high = self.fresh("n")
            self.fixed("B", high)
            self.fixed("H", count)
            self.after(f"{count} |= {high} << 16")
        else:
            self.fixed(_FORMAT[width], count)
        self.flush()
        self.line(f"{stop} = offset + {count}")
        self.line(f"if {stop} > end: {self.fail('vector longer than what is left')}")
        return stop

    def flush(self) -> None:
        if self._run:
            layout = struct.Struct(">" + "".join(code for code, _ in self._run))
            self.line(f"if end - offset < {layout.size}: {self.fail('cut short')}")
            if layout.size == 1:
                self.line(f"{self._run[0][1]} = data[offset]")
            else:
                unpack = self.bind("unpack", layout.unpack_from)
                self.line(f"{', '.join(target for _, target in self._run)}, = {unpack}(data, offset)")
            self.line(f"offset += {layout.size}")
            self._run.clear()
        for text in self._after:
            self.line(text)
        self._after.clear()


class _EncodeWriter(_Writer):
    """Collects fixed fields into runs, and writes each run with one pack."""

    def __init__(self, owner: str) -> None:
        super().__init__(owner)
        self.names["struct_error"] = struct.error
        self._parts: list[str] = []
        self._run: list[tuple[str, str]] = []

    def fixed(self, code: str, expression: str) -> None:
        self._run.append((code, expression))

    def length(self, width: int, expression: str) -> None:
        if width == 3:
            self.fixed("B", f"len({expression}) >> 16")
            self.fixed("H", f"len({expression}) & 65535")
        else:
            self.fixed(_FORMAT[width], f"len({expression})")

    def raw(self, expression: str) -> None:
        self._flush()
        self._parts.append(expression)

    def _flush(self) -> None:
        if self._run:
            pack = self.bind("pack", struct.Struct(">" + "".join(code for code, _ in self._run)).pack)
            self._parts.append(f"{pack}({', '.join(expression for _, expression in self._run)})")
            self._run.clear()

    def finish(self) -> None:
        self._flush()
        total = " + ".join(self._parts) if len(self._parts) < 4 else f"b''.join(({', '.join(self._parts)}))"
        self.line(f"try: return {total or repr(b'')}")
        self.line(
            f"except struct_error as error: raise LocalProtocolError({f'{self.owner}: '!r} + str(error)) from None"
        )


class Spec:
    """How one field lies on the wire."""

    def least(self) -> int:
        """The fewest bytes that it can take."""
        return 0

    def decode(self, w: _DecodeWriter, target: str) -> None:
        raise NotImplementedError

    def encode(self, w: _EncodeWriter, value: str) -> None:
        raise NotImplementedError


@dataclass(frozen=True)
class Unsigned(Spec):
    """``uint8`` to ``uint64``, by its width in bytes: 1, 2, 4 or 8."""

    width: int

    def least(self) -> int:
        return self.width

    def decode(self, w: _DecodeWriter, target: str) -> None:
        w.fixed(_FORMAT[self.width], target)

    def encode(self, w: _EncodeWriter, value: str) -> None:
        w.fixed(_FORMAT[self.width], value)


@dataclass(frozen=True)
class Signed(Unsigned):
    """``int32``."""

    def decode(self, w: _DecodeWriter, target: str) -> None:
        w.fixed(_FORMAT[self.width].lower(), target)

    def encode(self, w: _EncodeWriter, value: str) -> None:
        w.fixed(_FORMAT[self.width].lower(), value)


class Boolean(Spec):
    """One byte, 0 or 1 and nothing else (§6.3.1.1)."""

    def least(self) -> int:
        return 1

    def decode(self, w: _DecodeWriter, target: str) -> None:
        w.fixed("B", target)
        w.after(f"if {target} > 1: {w.fail('boolean neither 0 nor 1', 'offset - 1')}")
        w.after(f"{target} = {target} == 1")

    def encode(self, w: _EncodeWriter, value: str) -> None:
        w.fixed("?", value)


@dataclass(frozen=True)
class Enumerated(Spec):
    """An enumeration that nobody may extend: an unknown number is malformed."""

    width: int
    members: type[enum.IntEnum]

    def least(self) -> int:
        return self.width

    def decode(self, w: _DecodeWriter, target: str) -> None:
        w.fixed(_FORMAT[self.width], target)
        known = w.bind("known", {int(member): member for member in self.members}.get)
        w.after(f"{target} = {known}({target})")
        w.after(f"if {target} is None: {w.fail(f'unknown {self.members.__name__}')}")

    def encode(self, w: _EncodeWriter, value: str) -> None:
        w.fixed(_FORMAT[self.width], value)


class Node(Spec):
    """A Node-ID: sixteen bytes without a length."""

    def least(self) -> int:
        return ID_LENGTH

    def decode(self, w: _DecodeWriter, target: str) -> None:
        w.names["known_node"] = known_node
        w.fixed(f"{ID_LENGTH}s", target)
        w.after(f"{target} = known_node({target})")

    def encode(self, w: _EncodeWriter, value: str) -> None:
        w.line(f"if len({value}) != {ID_LENGTH}: raise LocalProtocolError('a Node-ID has {ID_LENGTH} bytes')")
        w.raw(value)


@dataclass(frozen=True)
class Opaque(Spec):
    """``opaque x<0..2^(8w)-1>``: bytes behind a length of ``width`` bytes."""

    width: int

    def least(self) -> int:
        return self.width

    def decode(self, w: _DecodeWriter, target: str) -> None:
        stop = w.length(self.width)
        w.line(f"{target} = data[offset:{stop}]")
        w.line(f"offset = {stop}")

    def encode(self, w: _EncodeWriter, value: str) -> None:
        w.length(self.width, value)
        w.raw(value)


@dataclass(frozen=True)
class Text(Opaque):
    """UTF-8 text behind a length of ``width`` bytes."""

    def decode(self, w: _DecodeWriter, target: str) -> None:
        super().decode(w, target)
        w.line(f"try: {target} = {target}.decode()")
        w.line(f"except UnicodeDecodeError: {w.fail('text is not UTF-8')} from None")

    def encode(self, w: _EncodeWriter, value: str) -> None:
        w.line(f"{value} = {value}.encode()")
        super().encode(w, value)


@dataclass(frozen=True)
class Resource(Opaque):
    """A Resource-ID behind its length byte; of zero length it stands for "none" where that is ``optional``."""

    width: int = 1
    optional: bool = False

    def decode(self, w: _DecodeWriter, target: str) -> None:
        w.names |= {"new": bytes.__new__, "ResourceID": ResourceID}
        super().decode(w, target)
        if self.optional:
            w.line(f"{target} = new(ResourceID, {target}) if {target} else None")
        else:
            w.line(f"if not {target}: {w.fail('empty Resource-ID')}")
            w.line(f"{target} = new(ResourceID, {target})")

    def encode(self, w: _EncodeWriter, value: str) -> None:
        if self.optional:
            w.line(f"if {value} is None: {value} = b''")
        super().encode(w, value)


@dataclass(frozen=True)
class Hand(Spec):
    """A hand-written pair of functions, for what a structure can't say: a ``select``, a bit-packed form."""

    encoder: Encoder
    decoder: Decoder
    smallest: int = 0

    def least(self) -> int:
        return self.smallest

    def decode(self, w: _DecodeWriter, target: str) -> None:
        w.flush()
        w.line(f"{target}, offset = {w.bind('decode', self.decoder)}(data, offset, end, context)")

    def encode(self, w: _EncodeWriter, value: str) -> None:
        w.raw(f"{w.bind('encode', self.encoder)}({value})")


def nested(cls: type) -> Hand:
    """A structure inside another, without a length of its own."""
    return Hand(_ENCODERS[cls], _DECODERS[cls], _LEAST[cls])


class Rest(Spec):
    """Everything up to the end of what contains it."""

    def decode(self, w: _DecodeWriter, target: str) -> None:
        w.flush()
        w.line(f"{target} = data[offset:end]")
        w.line("offset = end")

    def encode(self, w: _EncodeWriter, value: str) -> None:
        w.raw(value)


@dataclass(frozen=True)
class Listed(Spec):
    """A vector of items, packed end to end behind a length in bytes."""

    width: int
    item: Spec

    def least(self) -> int:
        return self.width

    def decode(self, w: _DecodeWriter, target: str) -> None:
        if not self.item.least():
            raise TypeError("an item that may be empty would never end a vector")
        stop = w.length(self.width)
        size = self.item.least()
        if isinstance(self.item, Node):
            w.names["read_nodes"] = read_nodes
            w.line(f"if ({stop} - offset) % {size}: {w.fail('vector is not whole items')}")
            w.line(f"{target} = read_nodes(data, offset, ({stop} - offset) // {size})")
            w.line(f"offset = {stop}")
        elif isinstance(self.item, Unsigned):
            w.names["unpack_from"] = struct.unpack_from
            w.line(f"if ({stop} - offset) % {size}: {w.fail('vector is not whole items')}")
            w.line(f"{target} = unpack_from(f'>{{({stop} - offset) // {size}}}{_FORMAT[size]}', data, offset)")
            w.line(f"offset = {stop}")
        else:
            one = w.bind("decode", item_decoder(self.item, w.owner))
            items = w.fresh("items")
            w.line(f"{items} = []")
            w.line(f"while offset < {stop}:")
            w.line(f"    item, offset = {one}(data, offset, {stop}, context)")
            w.line(f"    {items}.append(item)")
            w.line(f"{target} = tuple({items})")

    def encode(self, w: _EncodeWriter, value: str) -> None:
        packed = w.fresh("packed")
        if isinstance(self.item, Node):
            w.names["all_right"] = frozenset({ID_LENGTH}).issuperset
            w.line(f"if not all_right(map(len, {value})): raise LocalProtocolError('a Node-ID has {ID_LENGTH} bytes')")
            w.line(f"{packed} = b''.join({value})")
        else:
            one = w.bind("encode", item_encoder(self.item, w.owner))
            w.line(f"{packed} = b''.join([{one}(item) for item in {value}])")
        w.length(self.width, packed)
        w.raw(packed)


def item_decoder(spec: Spec, owner: str) -> Decoder:
    """The decoder of one lone item."""
    if isinstance(spec, Hand):
        return spec.decoder
    w = _DecodeWriter(owner)
    spec.decode(w, "value")
    w.flush()
    w.line("return value, offset")
    return w.build("def decode(data, offset, end, context):")


def item_encoder(spec: Spec, owner: str) -> Encoder:
    """The encoder of one lone item."""
    if isinstance(spec, Hand):
        return spec.encoder
    w = _EncodeWriter(owner)
    spec.encode(w, "value")
    w.finish()
    return w.build("def encode(value):")


_LEAST: dict[type, int] = {}


def register(cls: type, encoder: Encoder, decoder: Decoder, least: int) -> None:
    """Give a class a hand-written pair of functions."""
    _ENCODERS[cls], _DECODERS[cls], _LEAST[cls] = encoder, decoder, least


def _compile(cls: Any) -> None:
    hints = get_type_hints(cls, include_extras=True)
    specs: dict[str, Spec] = {one.name: hints[one.name].__metadata__[0] for one in fields(cls)}
    reader, writer = _DecodeWriter(cls.__name__), _EncodeWriter(cls.__name__)
    reader.names["cls"] = cls
    for name, spec in specs.items():
        spec.decode(reader, f"_{name}")
        writer.line(f"_{name} = value.{name}")
        spec.encode(writer, f"_{name}")
    reader.flush()
    reader.line(f"return cls({', '.join('_' + name for name in specs)}), offset")
    writer.finish()
    register(
        cls,
        writer.build("def encode(value):"),
        reader.build("def decode(data, offset, end, context):"),
        sum(spec.least() for spec in specs.values()),
    )


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def hand_written(cls: type[T]) -> type[T]:
    """Class decorator: a wire value whose pair of functions is registered by hand."""
    return dataclass(slots=True, unsafe_hash=True)(cls)


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def structure(cls: type[T]) -> type[T]:
    """Class decorator: a wire value compiled from its annotated fields."""
    made = dataclass(slots=True, unsafe_hash=True)(cls)
    _compile(made)
    return made


def encoder_of(cls: type) -> Encoder:
    """The compiled encoder, for those who call it often."""
    return _ENCODERS[cls]


def decoder_of(cls: type) -> Decoder:
    """The compiled decoder, for those who call it often."""
    return _DECODERS[cls]


def encode(value: object) -> bytes:
    """The bytes of any structure of this package; LocalProtocolError when a field does not fit."""
    return _ENCODERS[type(value)](value)


def decode(cls: type[T], data: bytes, context: object = None) -> T:
    """The structure that ``data`` is; Malformed unless it is exactly that, without trailing bytes."""
    value, offset = _DECODERS[cls](data, 0, len(data), context)
    if offset != len(data):
        raise Malformed(offset, f"{cls.__name__}: trailing bytes")
    made: T = value
    return made


U8 = Annotated[int, Unsigned(1)]
U16 = Annotated[int, Unsigned(2)]
U32 = Annotated[int, Unsigned(4)]
U64 = Annotated[int, Unsigned(8)]
I32 = Annotated[int, Signed(4)]
Bool = Annotated[bool, Boolean()]
NodeField = Annotated[NodeID, Node()]
ResourceField = Annotated[ResourceID, Resource()]
NodeList = Annotated[tuple[NodeID, ...], Listed(2, Node())]
Opaque8 = Annotated[bytes, Opaque(1)]
Opaque16 = Annotated[bytes, Opaque(2)]
Opaque24 = Annotated[bytes, Opaque(3)]
Opaque32 = Annotated[bytes, Opaque(4)]
Remainder = Annotated[bytes, Rest()]
