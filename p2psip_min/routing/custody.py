"""Who has a request, by forwarders' signed words: what each remembers, and what its words prove (draft 7.2.12, 11.2).

1. Each peer remembers the requests that came to it for a minute: who made it take which of them, nobody but itself
   knows. Asked by who knows the transaction, it says so under its signature.
2. It says that it has *passed on* a request only with the signed word of somebody nearer to the key that the very
   same request has come to him, or has ended with him. Who has no such word says that the request was kept.
3. So a peer that says "passed on" and shows no good word for it has lied, and its own answer proves that to anybody.
   An honest one never signs such a thing, whatever its neighbors do, lose or deny: framing fails.
4. Silence, "kept", and not remembering prove nothing. They raise suspicion in who asked, and in nobody else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from p2psip_min.errors import Malformed, SuspicionReason
from p2psip_min.ids import NodeID, ResourceID
from p2psip_min.routing.forwarding import Decision, Deliver, Forward
from p2psip_min.wire.codes import is_request
from p2psip_min.wire.custody import Word, digest_of
from p2psip_min.wire.header import Envelope, decode_destinations

KEPT_FOR = 60.0
"""Seconds for which a request is remembered."""

MEMORY = 1024
"""How many requests are remembered at most; the oldest go first."""

Decide = Callable[[Envelope, NodeID | None, float], Decision]
"""What a forwarder does with a message (``seams.Forwarding``)."""

Nearer = Callable[[bytes, bytes, bytes], bool]
"""Whether a request for the last one has less way to go from the first than from the second."""


@dataclass(slots=True)
class Passage:
    """A request as it came here: to whom it was given, the last one last, and whether it was for this node."""

    envelope: Envelope
    since: float
    hops: dict[NodeID, None] = field(default_factory=dict)
    ended: bool = False

    @property
    def digest(self) -> bytes:
        """What receipts call it; raises Malformed."""
        return digest_of(self.envelope)


class Passages:
    """What one node remembers of the requests that it made, passed on and answered."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[int, Passage] = {}

    def arrived(self, envelope: Envelope, now: float) -> None:
        """A message came, or is about to leave; requests that are whole are remembered as they came first."""
        known = self._known
        if not is_request(envelope.code) or not envelope.is_whole or envelope.transaction_id in known:
            return
        known[envelope.transaction_id] = Passage(envelope, now)
        if len(known) > MEMORY:
            del known[next(iter(known))]

    def passed(self, envelope: Envelope, hop: NodeID) -> None:
        """It was given to ``hop``; its answer, which comes back in the same transaction, is nobody's affair."""
        passage = self._known.get(envelope.transaction_id)
        if passage is not None and is_request(envelope.code):
            passage.hops.pop(hop, None)
            passage.hops[hop] = None

    def ended(self, envelope: Envelope) -> None:
        """It was for this node."""
        passage = self._known.get(envelope.transaction_id)
        if passage is not None and is_request(envelope.code):
            passage.ended = True

    def recall(self, transaction_id: int, resource: ResourceID, now: float) -> Passage | None:
        """The request of that transaction, if it was for ``resource`` and is remembered."""
        passage = self._known.get(transaction_id)
        if passage is None or now - passage.since >= KEPT_FOR:
            return None
        try:
            return passage if decode_destinations(passage.envelope.destinations)[-1:] == (resource,) else None
        except Malformed:
            return None


@dataclass(frozen=True, slots=True)
class Said:
    """A signed statement about one request: by whom, which transaction and key, which word, and the digest."""

    signer: NodeID
    transaction_id: int
    resource: ResourceID
    word: int
    digest: bytes


def vouches(onward: Said | None, passed: Said, nearer: Nearer) -> bool:
    """Whether ``onward`` is a good word for one who says that he has passed the request on."""
    if onward is None or onward.signer == passed.signer or onward.word not in (Word.ARRIVED, Word.ENDED):
        return False
    same = (onward.transaction_id, onward.resource, onward.digest)
    if same != (passed.transaction_id, passed.resource, passed.digest):
        return False
    return onward.word == Word.ENDED or nearer(onward.signer, passed.signer, passed.resource)


def suspected(made: bytes, said: Said | None, after: Said | None) -> SuspicionReason | None:
    """What to hold against who ``said`` this of a request that had the digest ``made`` when it was sent.

    ``after`` is what the one says to whom he gave it, None when that one remembers nothing or was not asked.
    """
    if said is None:
        return SuspicionReason.SILENT
    if said.word != Word.KEPT:
        return None
    if after is not None and said.digest == made != after.digest:
        return SuspicionReason.MODIFIES
    return SuspicionReason.DROPS


@dataclass(frozen=True, slots=True)
class CustodyPolicy:
    """Whether peers remember what they pass on, and give their word for it."""

    given: bool = False

    def start(self) -> Passages | None:
        """The memory of one node, None when it has none."""
        return Passages() if self.given else None

    def noting(self, decide: Decide, passages: Passages | None) -> Decide:
        """The same decisions, noted down where there is a memory."""
        if passages is None:
            return decide

        def noted(envelope: Envelope, previous_hop: NodeID | None, now: float) -> Decision:
            passages.arrived(envelope, now)
            decision = decide(envelope, previous_hop, now)
            if type(decision) is Forward:
                passages.passed(envelope, decision.next_hop)
            elif type(decision) is Deliver:
                passages.ended(envelope)
            return decision

        return noted
