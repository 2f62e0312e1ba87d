"""Which copies a peer knows to be where, by what others have stored here or acknowledged."""

from __future__ import annotations

from p2psip_min.ids import NodeID


class Copies:
    """One node's ledger: for each resource that it holds, who holds it in the same state.

    A holder that failed may come back with nothing, so its entries go with it.
    """

    __slots__ = ("_holders",)

    def __init__(self) -> None:
        self._holders: dict[bytes, dict[NodeID, None]] = {}

    def stored(self, resource: bytes, source: NodeID | None = None) -> None:
        """The resource changed here: nobody but ``source``, if it sent all that is here now, is known to have it."""
        self._holders[resource] = {} if source is None else {source: None}

    def acknowledged(self, resource: bytes, holder: NodeID) -> None:
        """``holder`` has all that is held here: it took our copy, or sent one that covers ours."""
        self._holders.setdefault(resource, {})[holder] = None

    def missing(self, resource: bytes, holder: NodeID) -> bool:
        """Whether ``holder`` is not known to have the resource as it is here."""
        return holder not in self._holders.get(resource, ())

    def forget(self, resource: bytes) -> None:
        """The resource is no longer held here."""
        self._holders.pop(resource, None)

    def forget_holder(self, holder: NodeID) -> None:
        """``holder`` is gone."""
        for holders in self._holders.values():
            holders.pop(holder, None)
