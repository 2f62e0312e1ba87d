"""The trace's JSON lines, which every digest is made of."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2psip_min import trace
from p2psip_min.ids import NodeID
from p2psip_min.lines import to_json
from p2psip_min.trace import Event

KINDS = [each for each in vars(trace).values() if isinstance(each, type) and issubclass(each, Event)]
NODES = st.binary(min_size=16, max_size=16).map(NodeID)
VALUES: dict[Any, st.SearchStrategy[Any]] = {
    bytes: st.binary(max_size=40) | NODES,
    tuple[bytes, ...]: st.lists(NODES, max_size=3).map(tuple),
    float: st.floats(0.0, 1e12),
}


def plain(value: Any) -> Any:
    """A field as JSON has it."""
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    return value.hex() if isinstance(value, bytes) else value


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=15)
@given(data=st.data(), seq=st.integers(0, 2**40))
def test_a_line_is_what_the_library_would_write(kind: type[Event], data: st.DataObject, seq: int) -> None:
    hints = get_type_hints(kind)
    drawn = {
        each.name: data.draw(VALUES.get(hints[each.name], st.from_type(hints[each.name]))) for each in fields(kind)
    }
    row = {"seq": seq, "event": kind.__name__, **{name: plain(value) for name, value in drawn.items()}}
    row["t"] = round(drawn["t"], 6)
    assert to_json(kind(**drawn), seq) == json.dumps(row, separators=(",", ":"))
