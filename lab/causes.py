"""Why a message was sent: the rows that led to it and that it led to, as far as the messages themselves say."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from lab.frames import Frame, Row
from p2psip_min.wire.codes import MessageCode

COPY_WITHIN = 1.0
"""Virtual seconds in which a holder passes a store on to its replicas."""


def kin(frame: Frame, number: int) -> tuple[Row, ...]:
    """The rows of one transaction, with the copies that its store led to; empty for a number without a row."""
    chosen = frame.row(number)
    if chosen is None:
        return ()
    whole = {row.number: row for row in frame.rows if row.transaction_id == chosen.transaction_id}
    for row in frame.rows:
        if any(_copies(one, row) for one in tuple(whole.values())):
            whole[row.number] = row
    if chosen.code == MessageCode.STORE_REQ:
        origins = {row.transaction_id for row in frame.rows if _copies(row, chosen)}
        whole |= {row.number: row for row in frame.rows if row.transaction_id in origins}
    return tuple(whole[number] for number in sorted(whole))


def causes(frame: Frame, number: int) -> tuple[tuple[int, int], ...]:
    """Pairs of numbers of ``kin``: the message that reached a node, and what that node sent because of it."""
    rows = kin(frame, number)
    pairs = []
    for place, row in enumerate(rows):
        before = [one for one in rows[:place] if row.sender in one.receivers]
        if before:
            pairs.append((before[-1].number, row.number))
    return tuple(pairs)


def _copies(store: Row, copy: Row) -> bool:
    return (
        copy.number > store.number
        and store.code == copy.code == MessageCode.STORE_REQ
        and copy.transaction_id != store.transaction_id
        and copy.version == store.version > 0
        and copy.sender in store.receivers
        and copy.t - store.t <= COPY_WITHIN
    )


def repeated(rows: Sequence[Row]) -> frozenset[int]:
    """The numbers of all rows that look like earlier ones.

    They belong to a transaction that is like an earlier one as a whole, or go around within their own.
    """
    found: dict[int, list[Row]] = {}
    for row in rows:
        found.setdefault(row.transaction_id, []).append(row)
    seen: set[tuple[object, ...]] = set()
    again: set[int] = set()
    for transaction in found.values():
        looks = tuple(dict.fromkeys(_looks(row) for row in transaction))
        if looks in seen:
            again.update(row.number for row in transaction)
            continue
        seen.add(looks)
        once: set[tuple[object, ...]] = set()
        for row in transaction:
            if _looks(row) in once:
                again.add(row.number)
            once.add(_looks(row))
    return frozenset(again)


def _looks(row: Row) -> tuple[object, ...]:
    return row.code, row.sender, row.receivers, row.version, row.outcome, row.resent, row.kept, row.error


def sought(frame: Frame, find: str) -> Callable[[Row], bool]:
    """Whether a row has all words of ``find`` in its method, its nodes' names, its outcome or its reason."""
    words = find.lower().split()
    world = frame.world

    def names(nodes: Iterable[bytes]) -> str:
        return " ".join(f"{world.name(node)} {world.people.get(node, '')}" for node in nodes)

    def matches(row: Row) -> bool:
        nodes = names((row.sender, *row.receivers, *row.hops))
        text = f"{row.method} {row.error} {row.outcome.value} {row.reason} {nodes} {'resent' if row.resent else ''}"
        return all(word in text.lower() for word in words)

    return matches
