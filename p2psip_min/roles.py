"""Who is what: known to the overlay's operator and to verdicts, never to a node (draft 3.4, Figures 3 and 5)."""

from __future__ import annotations

from p2psip_min.errors import TrustedBase
from p2psip_min.ids import NodeID

BASES = ("trusted", "untrusted")
"""The two types of draft 6.1 and 6.2; the third deployment, client/server, is a world of its own (deployments)."""


class Roles:
    """The hostile nodes by what they do, the faulty ones by what is broken, and the peers that the operator vouches
    for, which can break too.
    """

    def __init__(self, base: str) -> None:
        if base not in BASES:
            raise ValueError(f"no base {base!r}; known: {', '.join(BASES)}")
        self.base = base
        self.trusted: dict[NodeID, None] = {}
        self.hostile: dict[NodeID, str] = {}
        self.faulty: dict[NodeID, str] = {}

    def permit(self, node: NodeID, name: str, *, peer: bool) -> None:
        """Raise TrustedBase when this node can't be hostile; clients always can."""
        if not peer:
            return
        if self.base != "untrusted":
            raise TrustedBase(
                f"on a {self.base} base every peer is the operator's, so {name} can't be hostile: only outsiders and "
                "clients attack there; use the untrusted base"
            )
        if node in self.trusted:
            raise TrustedBase(f"{name} is one of the trusted peers of this untrusted base: choose another")
