"""What a node handles when it asks and is asked: received messages, replies, and requests under way."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from p2psip_min.enrollment.certificates import Certificate
from p2psip_min.ids import Destination, NodeID
from p2psip_min.wire.header import Envelope
from p2psip_min.wire.message import Message


@dataclass(slots=True)
class Received:
    """A message that ended here: ``signer`` sent it, proven by ``certificate`` where the overlay signs.

    ``previous_hop`` is the link it came over, None when the node asked itself.
    """

    envelope: Envelope
    message: Message
    signer: NodeID
    certificate: Certificate | None
    previous_hop: NodeID | None

    @property
    def body(self) -> Any:
        """The message's decoded body."""
        return self.message.body


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer's body with the certificates (DER) that its reader needs beside our own."""

    body: Any
    certificates: tuple[bytes, ...] = ()


class Pending:
    """A request that waits for its answer, with all that it takes to send it again."""

    __slots__ = ("attempt", "code", "data", "destination", "future", "next_hop", "timer")

    def __init__(
        self, future: asyncio.Future[Received], code: int, destination: Destination, next_hop: NodeID | None
    ) -> None:
        self.future = future
        self.code = code
        self.destination = destination
        self.next_hop = next_hop
        self.data = b""
        self.attempt = 1
        self.timer: asyncio.TimerHandle | None = None
