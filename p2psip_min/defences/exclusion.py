"""Finding and excluding badly behaving nodes (draft 7.2.12, Req. 16)."""

from __future__ import annotations

from dataclasses import dataclass

from p2psip_min.defences.base import Defence
from p2psip_min.enrollment.conviction import (
    CheckableEvidence,
    ComplaintCount,
    ConvictionPolicy,
    FirstComplaint,
    GraduatedExclusion,
    MajorityVote,
    NoConviction,
)
from p2psip_min.routing.custody import CustodyPolicy


@dataclass(frozen=True, slots=True)
class AnswerReceipts:
    """Whether an answer says to what and when it is one, under its maker's signature."""

    given: bool


@dataclass(frozen=True, kw_only=True)
class ExclusionDefences:
    """What finds and excludes who behaves badly."""

    receipts: AnswerReceipts = AnswerReceipts(False)
    conviction: ConvictionPolicy = NoConviction()
    custody: CustodyPolicy = CustodyPolicy()


EXCLUSION: tuple[Defence, ...] = (
    Defence(
        name="answer-receipts",
        title="Receipts in answers",
        field="receipts",
        on=AnswerReceipts(True),
        off=AnswerReceipts(False),
        checks="each answer names its request and its time",
        stops="denying later what was said; framing by pieces of the truth",
        cost="52 bytes an answer",
        section="draft 7.2.12",
    ),
    Defence(
        name="hop-receipts",
        title="Receipts of forwarders",
        field="custody",
        on=CustodyPolicy(given=True),
        off=CustodyPolicy(),
        checks="who says that it has passed a request on shows the signed word of the next one that it came to him",
        stops="forwarders that swallow and deny it; needs answer receipts, signed messages and exclusion on evidence",
        cost="nothing until a request fails; then three messages a hop, and links to strangers",
        section="draft 7.2.12, RFC 7851 §4.3",
    ),
    Defence(
        name="checkable-evidence",
        title="Exclusion on evidence",
        field="conviction",
        on=CheckableEvidence(),
        off=NoConviction(),
        checks="a node is excluded for good for what its own signed answers prove, and for nothing else",
        stops="who forges, or contradicts itself; needs receipts, and signed messages and records",
        cost="a connection to the server an accusation, a configuration an exclusion",
        section="draft 7.2.12, RFC 6940 §11.1",
    ),
    Defence(
        name="graduated-exclusion",
        title="Graduated exclusion on evidence",
        field="conviction",
        on=GraduatedExclusion(120.0),
        off=NoConviction(),
        checks="the same evidence excludes for 120 s the first time, then twice as long each time",
        stops="the harm of faulty nodes, and the loss of those that were mended",
        cost="a connection to the server an accusation, two configurations an exclusion",
        section="draft 7.2.12, RFC 6940 §11.1",
        number=GraduatedExclusion,
    ),
    Defence(
        name="first-complaint",
        title="Exclusion on the first complaint",
        field="conviction",
        on=FirstComplaint(),
        off=NoConviction(),
        checks="whoever anybody complains of is excluded for good",
        stops="whoever is complained of",
        cost="a connection to the server a complaint",
        section="draft Figure 4",
        decoy=True,
    ),
    Defence(
        name="complaint-count",
        title="Exclusion by three complaints",
        field="conviction",
        on=ComplaintCount(3),
        off=NoConviction(),
        checks="three different nodes complain of the same one",
        stops="whoever enough nodes complain of",
        cost="a connection to the server a complaint",
        section="draft Figure 4",
        number=lambda needed: ComplaintCount(int(needed)),
        decoy=True,
    ),
    Defence(
        name="majority-vote",
        title="Exclusion by majority",
        field="conviction",
        on=MajorityVote(),
        off=NoConviction(),
        checks="more nodes complain of one than vouch for it",
        stops="whoever the majority is against",
        cost="a connection to the server a vote",
        section="draft Figure 4",
        decoy=True,
    ),
)
