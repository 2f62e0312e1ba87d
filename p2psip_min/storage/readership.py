"""Who may read a record (draft 7.2.11, 11.6, Req. 14): RELOAD lets everybody, so an owner needs a list of readers.

The list lies beside what it restricts, one entry a reader and Kind, written by whoever may write there. Storing peers
go by it; a reader's own software could as well, but nobody is forced to use that. The list itself can be read: who
looks, learns who may read what. A peer that holds the record or forwards it needs no permission: against those the
value has to be encrypted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from p2psip_min.wire.codes import MessageCode
from p2psip_min.wire.encrypted import plain_kind


class ReadAccessPolicy(Protocol):
    """Whether owners list their readers, and who looks at the list. ``signed_codes``: requests that must be signed."""

    @property
    def listed(self) -> bool: ...

    @property
    def at_store(self) -> bool: ...

    @property
    def at_reader(self) -> bool: ...

    @property
    def signed_codes(self) -> tuple[int, ...]: ...


@dataclass(frozen=True, slots=True)
class AnyReader:
    """Whoever asks is answered."""

    listed = False
    at_store = False
    at_reader = False
    signed_codes = ()


@dataclass(frozen=True, slots=True)
class StorerAsks:
    """A storing peer answers whom the owner has listed; who asks has to sign."""

    listed = True
    at_store = True
    at_reader = False
    signed_codes = (MessageCode.FETCH_REQ, MessageCode.STAT_REQ)


@dataclass(frozen=True, slots=True)
class ClientLooks:
    """The client of a reader who is not listed shows him nothing; storing peers answer everybody."""

    listed = True
    at_store = False
    at_reader = True
    signed_codes = ()


def list_key(kind: int, user: str) -> bytes:
    """Under which key a reader of a Kind is listed; values for chosen readers count as those that are in them."""
    return (plain_kind(kind) or kind).to_bytes(4, "big") + user.encode()


def may_read(listed: Mapping[bytes, str], kind: int, user: str) -> bool:
    """Whether ``user`` may read values of ``kind``; ``listed`` are the list's keys, each with who wrote it.

    Nobody listed means everybody, and whoever wrote the list reads what it restricts.
    """
    start = list_key(kind, "")
    writers = {writer for key, writer in listed.items() if key[:4] == start}
    return not writers or user in writers or start + user.encode() in listed
