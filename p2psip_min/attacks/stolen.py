"""Attacks with somebody else's name (draft 7.2.5, Req. 5): a client says that it is another user."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from p2psip_min.errors import P2PSIPError
from p2psip_min.seams import Coalition, NodeView, PeerParts


@dataclass(slots=True)
class StolenName:
    """ID-4: its phone registers as ``victim`` (an AOR) at second ``at``, and calls ``callees`` (AORs) in that name.

    ``taken`` is who took such a call.
    """

    breaks: ClassVar[tuple[str, ...]] = ()
    """None: the node's parts are those of any other, but for what its phone says."""
    victim: str
    callees: Sequence[str]
    at: float
    taken: list[str] = field(default_factory=list)
    phone: Any = None

    def equip(self, parts: PeerParts, coalition: Coalition) -> PeerParts:
        """Take the node's own phone, if it has one."""
        self.phone = next(iter(parts.usages), None)
        return replace(parts, agent=self)

    async def run(self, view: NodeView) -> None:
        """From the moment on, be the victim."""
        await view.sleep(max(0.0, self.at - view.now()))
        if self.phone is None:
            return
        self.phone.aor = self.victim
        with suppress(P2PSIPError):
            await self.phone.register()
        for callee in self.callees:
            with suppress(P2PSIPError):
                await self.phone.call(callee)
                self.taken.append(callee)
