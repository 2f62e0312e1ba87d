"""What the several ways of a lookup have in common: ways that part at the first hop may meet again (draft 11.2)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from p2psip_min import trace as events
from p2psip_min.wire.messages import MessageCode, is_request

SHARED = "hops that ways share"
"""The measure: for each lookup, how many peers lie on more than one of its ways."""


def shared_hops(told: Iterable[events.Event], end: bytes) -> list[int]:
    """For each lookup how many peers but its ``end`` lie on several of its ways; requests sent again do not count.

    A recursive lookup is a transaction of which a peer forwards several copies. Iterative ones are taken apart by who
    asks, so nobody is to make two.
    """
    lookups: dict[bytes | int, Counter[bytes]] = {}
    again: dict[int, None] = {}
    for event in told:
        if isinstance(event, events.RequestRetransmitted):
            again[event.transaction_id] = None
        elif event.transaction_id in again:
            continue
        elif isinstance(event, events.MessageSent) and event.code == MessageCode.PING_REQ:
            lookups.setdefault(event.transaction_id, Counter())
        elif isinstance(event, events.MessageSent) and event.code == MessageCode.ROUTE_QUERY_REQ:
            lookups.setdefault(event.node, Counter())[event.next_hop] += 1
        elif isinstance(event, events.MessageForwarded) and event.transaction_id in lookups and is_request(event.code):
            lookups[event.transaction_id][event.node] += 1
    # The last Ping of an iterative lookup is a transaction too, and goes straight to the end.
    walked = [lookup for lookup in lookups.values() if lookup]
    return [sum(times > 1 and node != end for node, times in lookup.items()) for lookup in walked]


def in_words(shared: list[int]) -> str:
    """How many lookups had hops in common, and how many hops."""
    some = [count for count in shared if count]
    return f"{sum(some)} in {len(some)} of {len(shared)} lookups" if some else "none"
