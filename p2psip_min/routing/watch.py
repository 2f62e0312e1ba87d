"""Watching whether answers come back over each next hop, and taking another where they do not (draft 5.2, 11.2).

Answers return the way that their requests went (RFC 6940 §6.2). So an answer that passes is a receipt from beyond the
next hop, which the acknowledgement of a link is not: who swallows a message has acknowledged it.

1. Who has passed a request on and sees no answer passes it on again, to another next hop. The farther it has come, the
   less it waits: so whoever is nearest to the loss acts first, and those before it see the answer in time.
2. A request that comes again from its sender goes to a next hop that it was not given to yet.
3. For a while later requests for that key go around the silent one from the start, and so do requests for any key once
   several keys in a row were silent over it.
4. That is suspicion and no more. The loss may lie farther on, so nobody is told, nothing leaves a table, one answer
   clears everything, and where there is no other way the silent hop is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any, Protocol

from p2psip_min.ids import NodeID
from p2psip_min.routing.forwarding import Decision, Forward
from p2psip_min.routing.returns import expects_no_answer
from p2psip_min.routing.ways import WayForwarder, choices, next_hop_on, straight
from p2psip_min.wire.codes import MessageCode
from p2psip_min.wire.header import NODE_ENTRY_LENGTH, Envelope, add_options, open_envelope
from p2psip_min.wire.options import alternate, wanted_way

PATIENCE = (2.4, 2.0, 1.6, 1.2, 0.8)
"""Seconds that an answer is waited for, by the hops that its request had behind it; the last one for all beyond."""

SOON = 0.5
"""Seconds in which a copy of a request is one of several ways at once, and no sign that the first got no answer."""

IN_A_ROW = 3
"""Over how many keys, none answered in between, a hop must be silent to be gone around for all."""

MEMORY = 1024
"""How many requests, and how many silences, are remembered at most; the oldest go first."""


@dataclass(slots=True)
class _Asked:
    """A request that was passed on and not answered: its bytes, from whom, to whom, when last, and whether again."""

    key: bytes
    message: bytes
    previous_hop: NodeID | None
    hops: list[NodeID]
    at: float
    again: bool = False


@dataclass(slots=True)
class Watch:
    """What became of the requests that one node has sent or passed on; a silence counts for ``seconds``."""

    seconds: float
    asked: dict[int, _Asked] = field(default_factory=dict)
    silent: dict[bytes, dict[NodeID, float]] = field(default_factory=dict)
    """For each key the hops that count as silent, and until when."""
    in_a_row: dict[NodeID, int] = field(default_factory=dict)
    requests: int = 0
    silences: int = 0

    @property
    def alarmed(self) -> bool:
        """Whether silences are acted upon."""
        return True

    def avoided(self, transaction_id: int, key: bytes, now: float) -> Collection[NodeID]:
        """Whom this request, which goes out now, had better not be given to."""
        asked = self.asked.get(transaction_id)
        tried: list[NodeID] = []
        if asked is not None and now - asked.at >= SOON:
            tried = asked.hops
            self._silence(asked, now)
        if not self.alarmed:
            return ()
        for_key = [hop for hop, until in self.silent.get(key, {}).items() if until > now]
        for_all = [hop for hop, keys in self.in_a_row.items() if keys >= IN_A_ROW]
        return dict.fromkeys((*tried, *for_key, *for_all))

    def _silence(self, asked: _Asked, now: float) -> None:
        self.silences += not asked.again
        asked.again = True
        hop = asked.hops[-1]
        hops = self.silent.pop(asked.key, {})
        if hops.get(hop, 0.0) <= now:
            self.in_a_row[hop] = self.in_a_row.get(hop, 0) + 1
        self.silent[asked.key] = hops | {hop: now + self.seconds}
        _bound(self.silent)
        _bound(self.in_a_row)

    def sent(self, transaction_id: int, key: bytes, forward: Forward, previous_hop: NodeID | None, now: float) -> bool:
        """The request was given to a next hop; whether it is the first time."""
        asked = self.asked.pop(transaction_id, None)
        new = asked is None
        if asked is None:
            self.requests += 1
            asked = _Asked(key, forward.message, previous_hop, [], now)
        asked.hops.append(forward.next_hop)
        asked.at = now
        self.asked[transaction_id] = asked
        _bound(self.asked)
        return new

    def answered(self, transaction_id: int, hop: NodeID) -> None:
        """An answer has come back over ``hop``."""
        asked = self.asked.pop(transaction_id, None)
        if asked is not None and hop in asked.hops:
            self.silent.get(asked.key, {}).pop(hop, None)
            self.in_a_row.pop(hop, None)


@dataclass(slots=True)
class RateWatch(Watch):
    """Acts only while many requests of all go unanswered: more than ``share``."""

    share: float = 0.5

    @property
    def alarmed(self) -> bool:
        """Whether the rate is bad."""
        return self.silences > self.share * self.requests


def _bound(memory: dict[Any, Any]) -> None:
    if len(memory) > MEMORY:
        del memory[next(iter(memory))]


class WatchPolicy(Protocol):
    """Whether a node watches its next hops."""

    def start(self) -> Watch | None:
        """The memory of one node, None when it has none."""


@dataclass(frozen=True, slots=True)
class NoWatch:
    """Take the best next hop, whatever became of what it was given."""

    def start(self) -> Watch | None:
        """None."""
        return None


@dataclass(frozen=True, slots=True)
class HopWatch:
    """Go around silent next hops for ``seconds``."""

    seconds: float = 60.0

    def start(self) -> Watch | None:
        """A memory of requests and silences."""
        return Watch(self.seconds)


@dataclass(frozen=True, slots=True)
class RateOfAll:
    """The same, while more than ``share`` of all requests go unanswered."""

    share: float = 0.5

    def start(self) -> Watch | None:
        """A memory that adds all keys up."""
        return RateWatch(HopWatch().seconds, share=self.share)


class WatchingForwarder(WayForwarder):
    """Forwards each request around those over whom no answer comes back.

    ``expect`` is called with a transaction and the seconds after which ``again`` has to look at it.
    """

    def __init__(self, *arguments: Any, watch: Watch, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.watch = watch
        self.expect: Callable[[int, float], None] = lambda transaction_id, seconds: None
        self._now, self._around = 0.0, 0

    def decide(self, envelope: Envelope, previous_hop: NodeID | None, now: float) -> Decision:
        """Decide as others do, and note what goes out and what comes back."""
        self._now, self._around = now, 0
        decision = WayForwarder.decide(self, envelope, previous_hop, now)
        transaction_id = envelope.transaction_id
        if not envelope.code & 1 or envelope.code == MessageCode.ERROR:
            if previous_hop is not None:
                self.watch.answered(transaction_id, previous_hop)
        elif type(decision) is Forward and not (envelope.options and expects_no_answer(envelope.options)):
            decision = self._marked(envelope, decision)
            if self.watch.sent(transaction_id, envelope.destinations, decision, previous_hop, now):
                hops = len(envelope.via) // NODE_ENTRY_LENGTH + (previous_hop is not None)
                self.expect(transaction_id, PATIENCE[min(hops, len(PATIENCE) - 1)])
        return decision

    def _marked(self, envelope: Envelope, forward: Forward) -> Forward:
        """What goes around somebody asks those after us to leave the best way too: it may lead to the same one."""
        if not self._around or (envelope.options and wanted_way(envelope.options)):
            return forward
        return Forward(forward.next_hop, add_options(forward.message, alternate(self._around)))

    def again(self, transaction_id: int, now: float) -> tuple[NodeID | None, Forward] | None:
        """Where to pass a request on once more, and from whom it was; None when it was answered or is of no use."""
        asked = self.watch.asked.get(transaction_id)
        if asked is None or now - asked.at < SOON:
            return None
        self._now, self._around = now, 0
        envelope = open_envelope(asked.message)
        next_hop = self._next_hop(envelope, envelope.destinations[-16:], None)
        if next_hop is None or next_hop in asked.hops:
            return None
        forward = self._marked(envelope, Forward(next_hop, asked.message))
        self.watch.sent(transaction_id, asked.key, forward, asked.previous_hop, now)
        return asked.previous_hop, forward

    def _next_hop(self, envelope: Envelope, key: bytes, previous_hop: NodeID | None) -> NodeID | None:
        astray = self._astray(self.topology, key, envelope.via, previous_hop)
        avoided = self.watch.avoided(envelope.transaction_id, envelope.destinations, self._now)
        way = wanted_way(envelope.options) if envelope.options else 0
        if avoided:
            others = (*astray, *avoided)
            owner = straight(self.topology, key, others)
            found = [owner] if owner is not None else choices(self.topology, key, way + 1, others)
            if found:
                self._around = len(avoided)
                return found[-1]
        return next_hop_on(self.topology, key, way, astray)
