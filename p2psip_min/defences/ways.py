"""Protections against bad peers on the way, by the choice of ways (draft 5.2, 11.2, 11.5)."""

from __future__ import annotations

from dataclasses import dataclass

from p2psip_min.defences.base import DRAFT, Defence
from p2psip_min.routing.diagnosis import DiagnosisPolicy
from p2psip_min.routing.policies import (
    DisjointPaths,
    LookupStyle,
    OneHop,
    OnePath,
    OtherWay,
    PathPolicy,
    ReferralPolicy,
    RetryPolicy,
    SameWay,
    SeveralHops,
)
from p2psip_min.routing.returns import BackTheWay, ReturnPolicy, StraightOnRetry
from p2psip_min.routing.watch import HopWatch, NoWatch, RateOfAll, WatchPolicy


@dataclass(frozen=True, kw_only=True)
class WayDefences:
    """What protects a request and its answer from those whom they pass."""

    retry: RetryPolicy = SameWay()
    paths: PathPolicy = OnePath()
    referral: ReferralPolicy = OneHop()
    style: LookupStyle = LookupStyle()
    watch: WatchPolicy = NoWatch()
    diagnosis: DiagnosisPolicy = DiagnosisPolicy()
    returns: ReturnPolicy = BackTheWay()

    @property
    def other_ways(self) -> bool:
        """Whether messages may ask forwarders for another way than the best."""
        return self.paths.ways > 1 or self.retry.way(self.retry.sends) > 0


WAYS: tuple[Defence, ...] = (
    Defence(
        name="other-way",
        title="Retry on another way",
        field="retry",
        on=OtherWay(),
        off=SameWay(),
        checks="an unanswered request is sent again over other peers",
        stops="one peer on the way that swallows requests or answers",
        cost="three seconds for each way that fails",
        section="draft 11.2",
    ),
    Defence(
        name="same-way",
        title="Retry more often",
        field="retry",
        on=SameWay(sends=15),
        off=SameWay(),
        checks="an unanswered request is sent fifteen times, the same way",
        stops="loss by chance",
        cost="45 s until a failure is known",
        section="RFC 6940 §6.2.1",
        decoy=True,
    ),
    Defence(
        name="longer-timeout",
        title="Longer time-out",
        field="retry",
        on=SameWay(patience=4.0),
        off=SameWay(),
        checks="an answer is waited for four times as long",
        stops="taking slow peers for silent ones",
        cost="a minute until a failure is known",
        section="RFC 6940 §6.2.1",
        decoy=True,
    ),
    Defence(
        name="iterative-lookup",
        title="Iterative lookups",
        field="style",
        on=LookupStyle(iterative=True),
        off=LookupStyle(),
        checks="who looks for a key asks each step itself",
        stops="what a peer does to requests that it passes on; it may as well name the wrong peer",
        cost="a round trip for each step, and links to strangers",
        section="draft 11.2",
        decoy=True,
    ),
    Defence(
        name="several-next-hops",
        title="Several next hops named",
        field="referral",
        on=SeveralHops(3),
        off=OneHop(),
        checks="whom an iterative lookup asks names three next hops; who is silent for 1.5 s makes room for another",
        stops="lookups that end where one peer is silent, or names the dead",
        cost="36 bytes an answer to RouteQuery",
        section="draft 11.5",
        number=lambda names: SeveralHops(int(names)),
    ),
    Defence(
        name="direct-response",
        title="Answer straight to the requester",
        field="returns",
        on=StraightOnRetry(),
        off=BackTheWay(),
        checks="who sends a request again says where it is reached, and the answer comes straight from who has it",
        stops="peers on the way that swallow answers",
        cost="the requester's address, shown to all on the way; one link more",
        section="draft 11.2",
    ),
    Defence(
        name="path-diagnosis",
        title="Diagnosis of the way",
        field="diagnosis",
        on=DiagnosisPolicy(follows_up=True),
        off=DiagnosisPolicy(),
        checks="a request without an answer is followed up step by step: who lost it, and what is the answer",
        stops="one peer on the way that swallows requests or answers, and names a suspect",
        cost="nothing until a request fails; then two messages a hop, and links to strangers",
        section="draft 11.2",
        presets=(DRAFT,),
    ),
    Defence(
        name="hop-watch",
        title="Watch on each next hop",
        field="watch",
        on=HopWatch(60.0),
        off=NoWatch(),
        checks="an answer comes back over each next hop; if none does in a second or two, another is taken, for 60 s",
        stops="one peer on the way that swallows much or little",
        cost="a copy of each request until it is answered",
        section="draft 5.2",
        number=HopWatch,
    ),
    Defence(
        name="global-rate",
        title="Watch on the rate of all",
        field="watch",
        on=RateOfAll(0.5),
        off=NoWatch(),
        checks="another next hop is taken when more than half of all requests get no answer",
        stops="what strikes everybody alike; who is cut off alone is a small part of all",
        cost="a copy of each request until it is answered",
        section="draft 11.2",
        number=RateOfAll,
        decoy=True,
    ),
    Defence(
        name="disjoint-paths",
        title="Three ways at once",
        field="paths",
        on=DisjointPaths(3),
        off=OnePath(),
        checks="each request for a key goes three ways that part at once; the best claim among the answers counts",
        stops="one peer on the way that swallows, misleads or answers for others",
        cost="three times the messages; an answer waits up to two seconds for the others",
        section="draft 11.5",
        number=lambda ways: DisjointPaths(int(ways)),
    ),
)
