"""Whom a node knows, as it states it when it is probed: Node-IDs end to end, under the type for experiments (§14.13).

ProbeInformation = u8 4  v8<Node-ID, neighbors first>
"""

from __future__ import annotations

from collections.abc import Sequence

from p2psip_min.errors import Malformed
from p2psip_min.ids import ID_LENGTH, NodeID
from p2psip_min.wire.messages import ProbeAns, ProbeInformation

EXP_PROBE = 4
"""The information type exp-probe (RFC 6940 §14.13)."""

MOST_NODES = 0xFF // ID_LENGTH
"""How many Node-IDs fit behind a length of one byte."""


def table_statement(nodes: Sequence[NodeID]) -> ProbeInformation:
    """These nodes, as many as fit."""
    return ProbeInformation(EXP_PROBE, 0, b"".join(nodes[:MOST_NODES]))


def stated_table(answer: ProbeAns) -> tuple[NodeID, ...]:
    """The nodes that an answer states; Malformed where a Node-ID is cut short."""
    raw = b"".join([info.raw for info in answer.probe_info if info.type == EXP_PROBE])
    if len(raw) % ID_LENGTH:
        raise Malformed(len(raw), "table statement: cut short")
    return tuple([NodeID(raw[at : at + ID_LENGTH]) for at in range(0, len(raw), ID_LENGTH)])
