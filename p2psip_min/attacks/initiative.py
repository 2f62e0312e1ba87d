"""What attacks through the client protocol have in common: a node with plans of its own, and no other power.

Such a node is enrolled and keeps the protocol. What it may not do, only those can refuse whom it asks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from p2psip_min.clock import milliseconds
from p2psip_min.errors import ErrorAnswer, RemoteFault
from p2psip_min.ids import ResourceID
from p2psip_min.seams import Coalition, NodeView, PeerParts
from p2psip_min.storage.policies import OwnerSignature
from p2psip_min.storage.replication import HAND_OVER
from p2psip_min.wire.codec import decode
from p2psip_min.wire.data import StoredData, StoredDataSpecifier, StoredDataValue, StoreKindData
from p2psip_min.wire.messages import ErrorCode, FetchReq, StoreAns, StoreReq
from p2psip_min.wire.security import identity_of

LIFETIME = 3600
"""Seconds for which an attacker's values are stored."""


@dataclass(slots=True)
class Pen:
    """Writes records through one node, and signs with that node's key whatever it likes.

    ``accepted`` and ``refused`` count what others made of its stores.
    """

    view: NodeView
    identity: Any
    accepted: int = 0
    refused: int = 0

    def sign(self, resource: ResourceID, kind: int, value: StoredDataValue, *, lifetime: int = LIFETIME) -> StoredData:
        """The value as if it were the node's own to write."""
        identity, when = identity_of(self.identity.certificate), milliseconds(self.view.now())
        return OwnerSignature().seal(self.identity.private_key, identity, resource, kind, when, lifetime, value)

    async def write(self, resource: ResourceID, kind: int, value: StoredDataValue) -> bool:
        """Sign one value and store it; whether that was accepted."""
        return await self.put(resource, kind, self.sign(resource, kind, value))

    async def put(self, resource: ResourceID, kind: int, stored: StoredData, *, proofs: Sequence[bytes] = ()) -> bool:
        """Store a value, whoever signed it, with certificates that prove it; whether that was accepted.

        What is refused from its owner may be taken as a copy that comes home (RFC 6940 §7.4.1.1).
        """
        certificates = (self.identity.certificate, *proofs)
        for replica, generation in ((0, 0), (HAND_OVER, 1)):
            fault = await self._try(resource, replica, StoreKindData(kind, generation, (stored,)), certificates)
            if known := _generation(fault):
                fault = await self._try(resource, replica, StoreKindData(kind, known, (stored,)), certificates)
            if fault is None:
                self.accepted += 1
                return True
        self.refused += 1
        return False

    async def _try(
        self, resource: ResourceID, replica: int, group: StoreKindData, certificates: tuple[bytes, ...]
    ) -> RemoteFault | None:
        try:
            await self.view.request((resource,), StoreReq(resource, replica, (group,)), certificates=certificates)
        except RemoteFault as fault:
            return fault
        return None


def _generation(fault: RemoteFault | None) -> int:
    """The version that a refused store should have named; 0 when that is not why it was refused."""
    if not isinstance(fault, ErrorAnswer) or fault.code != ErrorCode.GENERATION_COUNTER_TOO_LOW:
        return 0
    return decode(StoreAns, fault.info).kind_responses[0].generation_counter


Read = tuple[tuple[StoredData, ...], tuple[bytes, ...]]
"""Values, and the certificates (DER) that came along."""


async def read(view: NodeView, resource: ResourceID, asked: StoredDataSpecifier) -> Read:
    """What a Fetch brings, unverified."""
    try:
        received = await view.request((resource,), FetchReq(resource, (asked,)))
    except RemoteFault:
        return (), ()
    values = [value for group in received.body.kind_responses for value in group.values]
    return tuple(values), tuple(received.message.security.certificates)


@dataclass(slots=True)
class Initiative:
    """A client that acts at virtual second ``at``; its parts are those of any other."""

    breaks: ClassVar[tuple[str, ...]] = ()
    """A node with an agent keeps every clause of the seams."""
    at: float
    identity: Any = field(default=None, init=False)
    pen: Pen | None = field(default=None, init=False)

    def equip(self, parts: PeerParts, coalition: Coalition) -> PeerParts:
        """Take the node's initiative."""
        self.identity = parts.identity
        return replace(parts, agent=self)

    async def run(self, view: NodeView) -> None:
        """Wait for the moment, then act."""
        self.pen = Pen(view, self.identity)
        await view.sleep(max(0.0, self.at - view.now()))
        await self.act(self.pen)

    async def act(self, pen: Pen) -> None:
        """Nothing: attacks do something here."""

    @property
    def accepted(self) -> int:
        """How many of its stores were accepted."""
        return self.pen.accepted if self.pen else 0

    @property
    def refused(self) -> int:
        """How many of its stores were refused."""
        return self.pen.refused if self.pen else 0
