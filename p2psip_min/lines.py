"""An event of the trace as one line of JSON: what digests are made of, and what is exported."""

from __future__ import annotations

import json
from dataclasses import fields
from functools import cache
from json.encoder import encode_basestring_ascii
from math import isfinite
from typing import Any, Protocol

_ENCODER = json.JSONEncoder(separators=(",", ":"))


class Timed(Protocol):
    """A dataclass whose first field is a virtual second."""

    t: float


def to_json(event: Timed, seq: int) -> str:
    """One JSON line: the event's name, place and fields; bytes as hex, keys in declaration order."""
    kind = type(event)
    written = [f'{{"seq":{seq},"event":"{kind.__name__}","t":{_json(round(event.t, 6))}']
    for name in _after_time(kind):
        written.append(f'"{name}":{_json(getattr(event, name))}')
    return ",".join(written) + "}"


@cache
def _after_time(kind: type[Any]) -> tuple[str, ...]:
    first, *others = [field.name for field in fields(kind)]
    assert first == "t"
    return tuple(others)


def _json(value: Any) -> str:
    # Every run ends in a digest, and an encoder for each event took an eighth of it: only rare values are left to one.
    if isinstance(value, bytes):
        return f'"{value.hex()}"'
    kind = type(value)
    if kind is int or (kind is float and isfinite(value)):
        return repr(value)
    if kind is str:
        return encode_basestring_ascii(value)
    return _ENCODER.encode([item.hex() for item in value] if isinstance(value, tuple) else value)
