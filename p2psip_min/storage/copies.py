"""Which copies a peer knows to be where, by what others have stored here or acknowledged."""

from __future__ import annotations

from p2psip_min.ids import NodeID

State = tuple[int, int]
"""The numbers of a resource's last change, and of the last doubt about its holder."""


class Copies:
    """One node's ledger: for each resource that it holds, who holds it in the same state.

    A copy on its way may be outdated before it is acknowledged, and its holder may have become doubtful, so states and
    doubts are numbered. A holder that failed may come back with nothing, so its entries go with it.
    """

    __slots__ = ("_changes", "_doubts", "_holders", "_states")

    def __init__(self) -> None:
        self._holders: dict[bytes, dict[NodeID, None]] = {}
        self._states: dict[bytes, int] = {}
        self._doubts: dict[bytes, dict[NodeID, int]] = {}
        self._changes = 0

    def stored(self, resource: bytes, source: NodeID | None = None) -> None:
        """The resource changed here: nobody but ``source``, if it sent all that is here now, is known to have it."""
        self._changes += 1
        self._states[resource] = self._changes
        self._holders[resource] = {} if source is None else {source: None}
        self._doubts.pop(resource, None)

    def state(self, resource: bytes, holder: NodeID) -> State:
        """What is on its way to ``holder`` now, as ``acknowledged`` wants it."""
        return self._states.get(resource, 0), self._doubts.get(resource, {}).get(holder, 0)

    def acknowledged(self, resource: bytes, holder: NodeID, state: State | None = None) -> None:
        """``holder`` has all that was held here in ``state`` (now): it took our copy, or sent one that covers ours."""
        if state is None or state == self.state(resource, holder):
            self._holders.setdefault(resource, {})[holder] = None

    def missing(self, resource: bytes, holder: NodeID) -> bool:
        """Whether ``holder`` is not known to have the resource as it is here."""
        return holder not in self._holders.get(resource, ())

    def only(self, resource: bytes, concerned: tuple[NodeID, ...]) -> None:
        """Of the others nothing is known any more: who need not hold the resource may drop it without a word."""
        holders = self._holders.get(resource)
        if holders:
            self._holders[resource] = {holder: None for holder in holders if holder in concerned}

    def doubt(self, resource: bytes, holder: NodeID) -> None:
        """``holder`` may no longer have the resource, whatever it has acknowledged of what was sent until now."""
        if (holders := self._holders.get(resource)) is not None:
            holders.pop(holder, None)
            self._changes += 1
            self._doubts.setdefault(resource, {})[holder] = self._changes

    def forget(self, resource: bytes) -> None:
        """The resource is no longer held here."""
        self._holders.pop(resource, None)
        self._states.pop(resource, None)
        self._doubts.pop(resource, None)

    def forget_holder(self, holder: NodeID) -> None:
        """``holder`` is gone."""
        for holders in self._holders.values():
            holders.pop(holder, None)
