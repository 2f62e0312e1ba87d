"""What a node handles when it asks and is asked: received messages, replies, and requests under way."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from p2psip_min.clock import milliseconds
from p2psip_min.enrollment.certificates import Certificate
from p2psip_min.errors import RequestTimedOut
from p2psip_min.ids import Destination, NodeID
from p2psip_min.routing.policies import PathPolicy
from p2psip_min.wire.codes import MessageCode
from p2psip_min.wire.evidence import receipt_for
from p2psip_min.wire.header import Envelope, add_options
from p2psip_min.wire.message import Message, MessageExtension
from p2psip_min.wire.options import alternate

ANSWER_MEMORY = 15.0
"""Seconds for which a request that changed something is answered from memory when it comes again (RFC 6940 §6.2.1)."""


BEST = (0,)
"""The ways that a request takes when nobody asks for others."""


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


@dataclass(slots=True)
class Reply:
    """An answer's body with the certificates (DER) that its reader needs beside our own, and extensions."""

    body: Any
    certificates: tuple[bytes, ...] = ()
    extensions: tuple[MessageExtension, ...] = ()


def with_receipt(body: Any, request: Message, now: float) -> Reply:
    """The answer with what it is an answer to, and when it is given (virtual s)."""
    reply = body if isinstance(body, Reply) else Reply(body)
    return Reply(reply.body, reply.certificates, (*reply.extensions, receipt_for(request, milliseconds(now))))


@dataclass(frozen=True, slots=True)
class Later:
    """The answer of a handler that has to ask others first: ``work`` brings its body, or raises ErrorAnswer."""

    work: Coroutine[Any, Any, Any]


UNDER_WAY = b""
"""What is known of a request whose answer is being worked on."""


class Answered:
    """The answers to requests that changed something, for when one comes again (RFC 6940 §6.2.1)."""

    __slots__ = ("_answers", "_until")

    def __init__(self) -> None:
        self._answers: dict[tuple[NodeID, int], bytes] = {}
        self._until: deque[tuple[float, tuple[NodeID, int]]] = deque()

    def recall(self, known_as: tuple[NodeID, int], now: float) -> bytes | None:
        """What was answered to this sender's transaction, if it was not too long ago."""
        if not self._answers:
            return None
        while self._until and self._until[0][0] <= now:
            self._answers.pop(self._until.popleft()[1], None)
        return self._answers.get(known_as)

    def keep(self, known_as: tuple[NodeID, int], answer: bytes, now: float) -> None:
        """Remember an answer."""
        self._answers[known_as] = answer
        self._until.append((now + ANSWER_MEMORY, known_as))

    def forget(self, known_as: tuple[NodeID, int]) -> None:
        """Judge that request anew when it comes again."""
        self._answers.pop(known_as, None)


class Claims(Protocol):
    """What tells which of two nodes has the better claim to a key: a topology."""

    def closer(self, one: bytes, other: bytes, key: bytes) -> bool: ...


class Outcome(Protocol):
    """Where the answer to a request goes, as asyncio's futures take it."""

    def done(self) -> bool: ...

    def set_result(self, result: Received, /) -> None: ...

    def set_exception(self, exception: RequestTimedOut, /) -> None: ...


class Told:
    """The outcome of a request for which nobody waits: ``heard`` is called at once, with None when no answer came."""

    __slots__ = ("_done", "_heard")

    def __init__(self, heard: Callable[[Received | None], None]) -> None:
        self._heard = heard
        self._done = False

    def done(self) -> bool:
        """Whether that has happened."""
        return self._done

    def set_result(self, result: Received, /) -> None:
        """The answer is there."""
        heard, self._done = self._heard, True
        heard(result)

    def set_exception(self, exception: RequestTimedOut, /) -> None:
        """There will be none."""
        heard, self._done = self._heard, True
        heard(None)


class Pending:
    """A request that waits for its answer, with all that it takes to send it again."""

    __slots__ = ("answers", "attempt", "code", "data", "destination", "next_hop", "outcome", "timer", "ways")

    def __init__(
        self,
        outcome: Outcome,
        code: int,
        destination: Destination,
        next_hop: NodeID | None,
        ways: Sequence[int],
    ) -> None:
        self.outcome = outcome
        self.code = code
        self.destination = destination
        self.next_hop = next_hop
        self.ways = ways
        self.answers: list[Received] = []
        self.data = b""
        self.attempt = 1
        self.timer: asyncio.TimerHandle | None = None

    def copies(self, first: int, options: bytes) -> list[bytes]:
        """The request with ``options``, as it is sent on each of its ways, counted from ``first``."""
        if not first and not options and len(self.ways) == 1 and not self.ways[0]:
            return [self.data]
        wanted = [options + alternate(first + way) for way in self.ways]
        return [add_options(self.data, each) if each else self.data for each in wanted]

    def choose(self, paths: PathPolicy, claims: Claims) -> None:
        """Take the best of the answers that came."""

        def better(one: Received, other: Received) -> bool:
            if one.signer == other.signer:
                return other.message.code == MessageCode.ERROR != one.message.code
            return claims.closer(one.signer, other.signer, self.destination)

        if not self.outcome.done():
            self.outcome.set_result(paths.best(self.answers, better))
