"""Who else holds what this node holds, as far as others have acknowledged it."""

from __future__ import annotations

from p2psip_min.ids import NodeID


class Copies:
    """Which other nodes are known to hold what this node holds; any store of the resource makes it unknown again."""

    __slots__ = ("_holders",)

    def __init__(self) -> None:
        self._holders: dict[bytes, dict[NodeID, None]] = {}

    def stored(self, resource: bytes, sender: NodeID) -> None:
        """The resource changed here: nobody else is known to hold it as it is now."""
        self._holders[resource] = {}

    def acknowledged(self, resource: bytes, holder: NodeID) -> None:
        """``holder`` has taken the resource as it is here."""
        self._holders.setdefault(resource, {})[holder] = None

    def missing(self, resource: bytes, holder: NodeID) -> bool:
        """Whether ``holder`` is not known to have the resource."""
        return holder not in self._holders.get(resource, {})

    def forget_holder(self, holder: NodeID) -> None:
        """The node is gone, or may have dropped what it held."""
        for holders in self._holders.values():
            holders.pop(holder, None)

    def forget(self, resource: bytes) -> None:
        """The resource is no longer held here."""
        self._holders.pop(resource, None)

    def clear(self) -> None:
        """Know nothing, so that everything is offered again."""
        self._holders.clear()
