"""The docket: reports come in, are judged, and may end in a sentence (draft 7.2.12).

It sits behind the enrollment servers, like the registrar: what it decides, the next configuration says to everybody.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from p2psip_min.clock import milliseconds
from p2psip_min.enrollment.certificates import Certificate
from p2psip_min.enrollment.conviction import FOR_GOOD, Case, ConvictionPolicy, Wanted
from p2psip_min.enrollment.evidence import Court, Offence, named
from p2psip_min.errors import Malformed, ReportReason
from p2psip_min.ids import NodeID
from p2psip_min.trace import NodeExcluded, ReportJudged, Sink
from p2psip_min.wire.evidence import Plea, Report, open_report, report_input
from p2psip_min.wire.security import SecurityBlock, verify

REPORTS = "/reports"
"""The page that reports are brought to."""

_WANTED: dict[int, Wanted] = {
    Plea.COMPLAINT: Wanted.COMPLAINTS,
    Plea.VOUCH: Wanted.COMPLAINTS,
    Plea.EVIDENCE: Wanted.EVIDENCE,
}


@dataclass(slots=True)
class Docket:
    """All cases of an overlay; ``server`` names the authority in the trace, ``carry_out`` does what was decided."""

    court: Court
    policy: ConvictionPolicy
    server: bytes
    trace: Sink
    carry_out: Callable[[NodeID, float], None]
    cases: dict[NodeID, Case] = field(default_factory=dict)
    out: dict[NodeID, float] = field(default_factory=dict)
    """Until when (virtual s) nodes are kept out."""

    def hear(self, data: bytes, now: float) -> Offence | Plea | ReportReason:
        """Judge one report and carry out what follows; what it came to."""
        try:
            report, body, security = open_report(data)
        except Malformed:
            return self._noted(b"", b"", ReportReason.MALFORMED, now)
        reporter = self._reporter(body, security, now)
        accused = NodeID(report.accused)
        if reporter is None:
            return self._noted(b"", accused, ReportReason.UNSIGNED, now)
        if self.policy.wants is not _WANTED.get(report.plea):
            return self._noted(reporter, accused, ReportReason.NOT_WANTED, now)
        case = self.cases.setdefault(accused, Case())
        outcome = self._enter(case, reporter, report, now)
        self._noted(reporter, accused, outcome, now)
        if not isinstance(outcome, ReportReason) and self.out.get(accused, now) <= now:
            seconds = self.policy.sentence(case)
            if seconds is not None:
                case.sentences += 1
                self.out[accused] = now + seconds
                self.trace.emit(NodeExcluded(now, self.server, 0, accused, 0.0 if seconds == FOR_GOOD else seconds))
                self.carry_out(accused, seconds)
        return outcome

    def _enter(self, case: Case, reporter: NodeID, report: Report, now: float) -> Offence | Plea | ReportReason:
        if report.plea == Plea.VOUCH:
            case.vouchers[reporter] = None
            return Plea.VOUCH
        if report.plea == Plea.COMPLAINT:
            case.complainers[reporter] = None
            return Plea.COMPLAINT
        proof = self.court.judge(NodeID(report.accused), report.exhibits, now)
        if isinstance(proof, ReportReason):
            return proof
        served = self.out.get(NodeID(report.accused))
        if served is not None and (served > now or proof.time < milliseconds(served)):
            return ReportReason.SERVED
        case.offences += 1
        return proof.offence

    def _reporter(self, body: bytes, security: SecurityBlock, now: float) -> NodeID | None:
        identity = security.signature.identity
        for der in security.certificates:
            certificate = self.court.trust.check(der, now=now)
            node = named(certificate, identity) if isinstance(certificate, Certificate) else None
            if node is not None and isinstance(certificate, Certificate):
                covered = report_input(self.court.overlay, body, identity)
                return node if verify(certificate.public_key, security.signature, covered) else None
        return None

    def _noted(
        self, reporter: bytes, accused: bytes, outcome: Offence | Plea | ReportReason, now: float
    ) -> Offence | Plea | ReportReason:
        said = outcome.name.lower() if isinstance(outcome, Plea) else outcome.value
        self.trace.emit(ReportJudged(now, self.server, 0, reporter, accused, said))
        return outcome
