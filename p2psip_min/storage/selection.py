"""Which of a Kind's values a Fetch or Stat asks for (RFC 6940 §7.4.2.1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from p2psip_min.storage.values import Held, Shelf, absent
from p2psip_min.wire.data import ArrayRange, StoredData, StoredDataSpecifier
from p2psip_min.wire.kinds import DataModel, KindSpec


def whole(spec: KindSpec) -> StoredDataSpecifier:
    """Asks for everything of one Kind."""
    if spec.model is DataModel.DICTIONARY:
        return StoredDataSpecifier(spec.id, 0, None, ())
    if spec.model is DataModel.ARRAY:
        return StoredDataSpecifier(spec.id, 0, (ArrayRange(0, -1),), None)
    return StoredDataSpecifier(spec.id)


def select(
    spec: KindSpec, shelf: Shelf | None, specifier: StoredDataSpecifier, now: float
) -> Sequence[Held | StoredData] | None:
    """What is held of what is asked for, and an unsigned absence for each of the rest.

    Nothing where the reader's generation is current. None: the ranges overlap or run backwards.
    """
    if shelf is not None and specifier.generation == shelf.generation:
        return ()
    values: Mapping[bytes, Held] = shelf.values if shelf else {}
    model = spec.model
    keys: Sequence[bytes] | None
    if model is DataModel.SINGLE:
        keys = (b"",)
    elif model is DataModel.ARRAY:
        keys = _array_keys(specifier, values, spec.max_count)
        if keys is None:
            return None
    elif specifier.keys:
        keys = tuple(dict.fromkeys(specifier.keys))
    else:
        return [values[key] for key in sorted(values) if values[key].expires > now]
    return [
        held if (held := values.get(key)) is not None and held.expires > now else absent(model, key) for key in keys
    ]


def _array_keys(specifier: StoredDataSpecifier, values: Mapping[bytes, Held], most: int) -> list[bytes] | None:
    """The indices asked for, as keys; None when the ranges overlap or run backwards.

    Of a range wider than ``most`` only what is held is named: gaps of four billion would fill the answer.
    """
    highest = int.from_bytes(max(values, default=b""), "big")
    keys: list[bytes] = []
    spans: list[tuple[int, int]] = []
    for asked in specifier.indices or ():
        first = highest if asked.first == -1 else asked.first & 0xFFFFFFFF
        last = highest if asked.last == -1 else asked.last & 0xFFFFFFFF
        if asked.last == -1 and first > last:
            continue  # begins after the end of what is here: nothing
        if first > last:
            return None
        spans.append((first, last))
        if last - first < most:
            keys += [index.to_bytes(4, "big") for index in range(first, last + 1)]
        else:
            keys += sorted(key for key in values if first <= int.from_bytes(key, "big") <= last)
    spans.sort()
    return None if any(after[0] <= before[1] for before, after in pairwise(spans)) else keys
