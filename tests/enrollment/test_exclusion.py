"""What counts against a node, who is convicted by it, and what becomes of the convicted (draft 7.2.12)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from p2psip_min import procedures
from p2psip_min.attacks.holders import OldAnswers, RecordForgery
from p2psip_min.attacks.malfunction import BitRot
from p2psip_min.defences import preset
from p2psip_min.enrollment.conviction import (
    FOR_GOOD,
    Case,
    CheckableEvidence,
    ComplaintCount,
    FirstComplaint,
    GraduatedExclusion,
    MajorityVote,
    NoConviction,
)
from p2psip_min.enrollment.evidence import Court, Offence, Proof
from p2psip_min.errors import NotFound, RemoteFault, ReportReason
from p2psip_min.ids import NodeID, ResourceID
from p2psip_min.node import Promise
from p2psip_min.overlay import Node, Overlay
from p2psip_min.procedures.report import PAUSE, Exhibit
from p2psip_min.seams import Coalition
from p2psip_min.trace import NodeExcluded, ReportJudged
from p2psip_min.wire.address import IpAddressPort
from p2psip_min.wire.codec import encode
from p2psip_min.wire.evidence import Plea, Report, seal_report
from p2psip_min.wire.kinds import TURN_SERVICE, TurnServer
from p2psip_min.wire.message import encode_contents
from p2psip_min.wire.messages import FetchReq, StatReq, StoredDataSpecifier
from p2psip_min.wire.security import identity_of
from tests.crafting import close_all, small, trace_of

SIGNED = ("message-signature", "record-signature", "rising-time", "answer-receipts")


@pytest.fixture(autouse=True)
def closing() -> Iterator[None]:
    """End the overlays of a test."""
    yield
    close_all()


def value(number: int) -> bytes:
    return encode(TurnServer(1, IpAddressPort("10.0.0.1", number)))


class Trial:
    """An owner, the holder of its record, and a reader who may have something to say."""

    def __init__(self, *defences: str, without: tuple[str, ...] = (), **settings: Any) -> None:
        chosen = preset("none").having(*SIGNED, *defences).without(*without)
        self.overlay: Overlay = small(12, defences=chosen, servers=1, maintenance=True, **settings)
        nodes = self.overlay.peers()
        self.owner: Node = next(
            node for node in nodes if self.overlay.root(self.overlay.place_of(node.name, TURN_SERVICE)) is not node
        )
        self.place = ResourceID(self.overlay.place_of(self.owner.name, TURN_SERVICE))
        self.holder = self.overlay.root(self.place)
        self.reader = next(node for node in nodes if node not in (self.owner, self.holder))
        peer = self.reader.peer
        self.court = Court(peer.surroundings.overlay, peer.surroundings.kinds, peer.defences, peer.trust)

    def put(self, number: int) -> Exhibit:
        """Store a version; what the holder said to it."""
        self.overlay.put(self.owner.name, TURN_SERVICE, value(number))
        promise: Promise = self.owner.peer.promises[self.place, TURN_SERVICE]
        return promise.exhibit

    def ask(self, by: Node | None = None) -> Exhibit:
        """What the holder says to a Fetch."""
        body = FetchReq(self.place, (StoredDataSpecifier(TURN_SERVICE),))
        received = self.overlay.run((by or self.reader).peer.request((self.holder.node_id,), body))
        return Exhibit(encode_contents(body), received.envelope.data)

    def judge(self, *exhibits: Exhibit, accused: NodeID | None = None) -> Any:
        return self.court.judge(accused or self.holder.node_id, exhibits, self.overlay.now)

    def report(self, plea: int, *exhibits: Exhibit, by: Node | None = None, about: Node | None = None) -> Any:
        """Have the docket hear a report."""
        own = (by or self.reader).peer.parts.identity
        data = seal_report(
            Report((about or self.holder).node_id, plea, exhibits),
            self.court.overlay,
            own.certificate,
            identity_of(own.certificate),
            own.private_key,
        )
        return self.overlay.driver.call(lambda: self.overlay.exclusion.docket.hear(data, self.overlay.now))

    def get(self) -> bytes | None:
        try:
            (found,) = self.overlay.run(procedures.fetch(self.reader.peer, self.place, TURN_SERVICE))
        except RemoteFault:
            return None
        return found.stored.value.value

    def reasons(self) -> list[str]:
        return [event.outcome for event in trace_of(self.overlay).select(ReportJudged)]


# --- what counts ------------------------------------------------------------------------------------------------------


def test_a_forged_value_is_proven_by_the_forger_s_own_answer() -> None:
    trial = Trial()
    trial.put(1000)
    trial.overlay.make_hostile(trial.holder.name, RecordForgery().equip)
    proof = trial.judge(trial.ask())
    assert isinstance(proof, Proof)
    assert proof.offence is Offence.FORGED


def test_an_old_answer_contradicts_what_the_holder_confirmed() -> None:
    trial = Trial()
    trial.overlay.make_hostile(trial.holder.name, OldAnswers().equip)
    trial.put(1000)
    before = trial.put(2000)
    after = trial.ask()
    proof = trial.judge(before, after)
    assert isinstance(proof, Proof)
    assert proof.offence is Offence.CONTRADICTED
    assert trial.judge(after, before) is ReportReason.NOTHING_WRONG


def test_an_old_answer_contradicts_what_the_holder_showed() -> None:
    trial = Trial()
    trial.put(1000)
    trial.put(2000)
    before = trial.ask()
    old = trial.ask()
    assert trial.judge(before, old) is ReportReason.NOTHING_WRONG
    trial.overlay.advance(1.0)
    trial.overlay.make_hostile(trial.holder.name, OldAnswers().equip)
    trial.put(3000)  # now there is an old version to keep
    after = trial.ask()
    newest = trial.owner.peer.promises[trial.place, TURN_SERVICE].exhibit
    assert isinstance(trial.judge(newest, after), Proof)
    assert trial.judge(before, after) is ReportReason.NOTHING_WRONG  # v2 then, v2 now


def test_where_times_need_not_rise_a_rollback_proves_nothing() -> None:
    trial = Trial(without=("rising-time",))
    trial.overlay.make_hostile(trial.holder.name, OldAnswers().equip)
    trial.put(1000)
    before = trial.put(2000)
    assert trial.judge(before, trial.ask()) is ReportReason.NOTHING_WRONG


def test_what_has_ended_may_be_followed_by_what_is_older() -> None:
    trial = Trial()
    trial.overlay.put(trial.owner.name, TURN_SERVICE, value(1000), lifetime=600)
    trial.overlay.make_hostile(trial.holder.name, OldAnswers().equip)
    trial.overlay.put(trial.owner.name, TURN_SERVICE, value(2000), lifetime=5)
    before = trial.owner.peer.promises[trial.place, TURN_SERVICE].exhibit
    trial.overlay.advance(10.0)
    assert trial.judge(before, trial.ask()) is ReportReason.NOTHING_WRONG


def test_what_an_honest_holder_says_proves_nothing_however_it_is_put_together() -> None:
    trial = Trial()
    first = trial.put(1000)
    early = trial.ask()
    second = trial.put(2000)
    late = trial.ask()
    other = FetchReq(ResourceID(b"x" * 16), (StoredDataSpecifier(TURN_SERVICE),))
    spoilt = bytearray(late.answer)
    spoilt[len(spoilt) // 2] ^= 1
    cases = {
        (late,): ReportReason.NOTHING_WRONG,
        (first, late): ReportReason.NOTHING_WRONG,
        (late, early): ReportReason.NOTHING_WRONG,
        (second, early): ReportReason.NOTHING_WRONG,
        (): ReportReason.NO_EVIDENCE,
        (early, early, late): ReportReason.NO_EVIDENCE,
        (Exhibit(encode_contents(other), late.answer),): ReportReason.OTHER_REQUEST,
        (Exhibit(late.request, bytes(spoilt)),): ReportReason.NOT_THE_ACCUSED,
        (Exhibit(late.request, late.answer[:-1]),): ReportReason.MALFORMED,
        (Exhibit(late.request[:-1], late.answer),): ReportReason.MALFORMED,
    }
    for exhibits, reason in cases.items():
        assert trial.judge(*exhibits) is reason, exhibits
    assert trial.judge(late, accused=trial.owner.node_id) is ReportReason.NOT_THE_ACCUSED


def test_certificates_taken_out_of_an_answer_prove_nothing() -> None:
    trial = Trial()
    trial.put(1000)
    shown = trial.ask()
    owner = trial.owner.peer.parts.identity.certificate
    assert owner in shown.answer
    without = shown.answer.replace(owner, bytes(len(owner)))
    assert trial.judge(Exhibit(shown.request, without)) is ReportReason.NOTHING_WRONG


def test_without_a_receipt_an_answer_could_be_one_to_anything() -> None:
    trial = Trial(without=("answer-receipts",))
    trial.overlay.put(trial.owner.name, TURN_SERVICE, value(1000))
    trial.overlay.make_hostile(trial.holder.name, RecordForgery().equip)
    assert trial.judge(trial.ask()) is ReportReason.NO_RECEIPT


def test_an_absence_proves_nothing() -> None:
    trial = Trial()
    before = trial.put(1000)
    trial.overlay.driver.call(lambda: trial.holder.peer.store.drop(trial.place, trial.overlay.now))
    assert trial.judge(before, trial.ask()) is ReportReason.NOTHING_WRONG


def test_only_fetches_and_stores_are_looked_at() -> None:
    trial = Trial()
    body = StatReq(trial.place, (StoredDataSpecifier(TURN_SERVICE),))
    received = trial.overlay.run(trial.reader.peer.request((trial.holder.node_id,), body))
    shown = Exhibit(encode_contents(body), received.envelope.data)
    assert trial.judge(shown) is trial.judge(shown, shown) is ReportReason.NOTHING_WRONG


# --- who is convicted -------------------------------------------------------------------------------------------------

A, B, C, D = (NodeID(bytes((each,)) * 16) for each in range(4))


@pytest.mark.parametrize(
    ("policy", "case", "sentence"),
    [
        (NoConviction(), Case({A: None}, {}, 1), None),
        (FirstComplaint(), Case(), None),
        (FirstComplaint(), Case({A: None}), FOR_GOOD),
        (ComplaintCount(3), Case({A: None, B: None}), None),
        (ComplaintCount(3), Case({A: None, B: None, C: None}), FOR_GOOD),
        (MajorityVote(), Case({A: None}, {B: None}), None),
        (MajorityVote(), Case({A: None, C: None}, {B: None}), FOR_GOOD),
        (CheckableEvidence(), Case({A: None, B: None, C: None, D: None}), None),
        (CheckableEvidence(), Case(offences=1), FOR_GOOD),
        (GraduatedExclusion(60.0), Case(), None),
        (GraduatedExclusion(60.0), Case(offences=1), 60.0),
        (GraduatedExclusion(60.0), Case(offences=1, sentences=1), None),
        (GraduatedExclusion(60.0), Case(offences=3, sentences=2), 240.0),
    ],
)
def test_policies(policy: Any, case: Case, sentence: float | None) -> None:
    assert policy.sentence(case) == sentence


def test_a_report_must_be_signed_by_a_member_and_of_a_sort_that_is_heard() -> None:
    trial = Trial("checkable-evidence")
    trial.put(1000)
    assert trial.report(Plea.COMPLAINT) is ReportReason.NOT_WANTED
    assert trial.report(Plea.VOUCH) is ReportReason.NOT_WANTED
    assert trial.report(77) is ReportReason.NOT_WANTED
    assert trial.report(Plea.EVIDENCE, trial.ask()) is ReportReason.NOTHING_WRONG
    docket = trial.overlay.exclusion.docket
    for data, reason in (
        (b"", ReportReason.MALFORMED),
        (bytes(20) + b"\x00\x00\x00\x00\x03\x00\x00\x00\x00", ReportReason.UNSIGNED),
        (bytes(20) + b"\x00\x00\x00\x00\x03\x00\x00\x00\x00x", ReportReason.MALFORMED),
    ):
        assert docket.hear(data, 0.0) is reason
    own = trial.reader.peer.parts.identity
    other = trial.owner.peer.parts.identity
    forged = seal_report(
        Report(trial.holder.node_id, Plea.EVIDENCE, ()),
        trial.court.overlay,
        own.certificate,
        identity_of(own.certificate),
        other.private_key,
    )
    assert docket.hear(forged, 0.0) is ReportReason.UNSIGNED


def test_one_node_has_one_voice() -> None:
    trial = Trial("complaint-count")
    for _ in range(5):
        assert trial.report(Plea.COMPLAINT) is Plea.COMPLAINT
    assert not list(trace_of(trial.overlay).select(NodeExcluded))
    for other in [node for node in trial.overlay.peers() if node not in (trial.reader, trial.holder)][:2]:
        trial.report(Plea.COMPLAINT, by=other)
    (out,) = trace_of(trial.overlay).select(NodeExcluded)
    assert (out.excluded, out.seconds) == (trial.holder.node_id, 0.0)


def test_a_graduated_sentence_is_for_one_offence_and_the_next_is_longer() -> None:
    trial = Trial("graduated-exclusion")
    trial.put(1000)
    trial.overlay.make_hostile(trial.holder.name, RecordForgery().equip)
    shown, again = trial.ask(), trial.ask()
    assert trial.report(Plea.EVIDENCE, shown) is Offence.FORGED
    assert trial.report(Plea.EVIDENCE, again) is ReportReason.SERVED
    trial.overlay.advance(130.0)
    assert trial.report(Plea.EVIDENCE, again) is ReportReason.SERVED
    trial.overlay.advance(30.0)
    assert trial.report(Plea.EVIDENCE, trial.ask(by=trial.holder)) is Offence.FORGED
    assert [event.seconds for event in trace_of(trial.overlay).select(NodeExcluded)] == [120.0, 240.0]


# --- from seeing to exclusion -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["checkable-evidence", "graduated-exclusion", "first-complaint"])
def test_who_is_seen_to_forge_is_soon_out_and_its_records_are_found_again(name: str) -> None:
    trial = Trial("replicas", name)
    trial.put(1000)
    trial.overlay.advance(2.0)
    trial.overlay.make_hostile(trial.holder.name, RecordForgery().equip)
    assert trial.get() is None
    trial.overlay.advance(10.0)
    assert trial.get() == value(1000)
    (out,) = trace_of(trial.overlay).select(NodeExcluded)
    assert out.excluded == trial.holder.node_id
    followers = trial.overlay.followers()
    assert len(followers) == 11
    assert trial.holder not in followers


def test_nobody_reports_where_nobody_listens() -> None:
    for names in ((), ("replicas",)):
        trial = Trial(*names)
        trial.put(1000)
        trial.overlay.make_hostile(trial.holder.name, RecordForgery().equip)
        assert trial.get() is None
        trial.overlay.advance(10.0)
        assert trial.reasons() == []


def test_an_owner_who_finds_an_old_version_has_something_to_show() -> None:
    trial = Trial("checkable-evidence", "owner-audit")
    trial.overlay.make_hostile(trial.holder.name, OldAnswers().equip)
    trial.put(1000)
    trial.put(2000)
    trial.overlay.advance(800.0)
    assert trial.reasons() == [Offence.CONTRADICTED.value]
    assert trial.get() == value(2000)


def test_an_accuser_does_not_repeat_himself_at_once() -> None:
    trial = Trial("complaint-count")
    trial.put(1000)
    trial.overlay.make_hostile(trial.holder.name, RecordForgery().equip)
    for _ in range(3):
        assert trial.get() is None
    trial.overlay.advance(1.0)
    assert trial.reasons() == ["complaint"]
    trial.overlay.advance(PAUSE)
    assert trial.get() is None
    trial.overlay.advance(1.0)
    assert trial.reasons() == ["complaint", "complaint"]


def test_without_a_server_the_overlay_goes_on_with_its_bad_nodes() -> None:
    trial = Trial("replicas", "checkable-evidence")
    trial.put(1000)
    trial.overlay.servers_off()
    trial.overlay.make_hostile(trial.holder.name, RecordForgery().equip)
    assert trial.get() is None
    trial.overlay.advance(60.0)
    assert trial.reasons() == []
    assert trial.get() is None


def test_a_mended_machine_comes_back_and_is_heard_again() -> None:
    trial = Trial("replicas", "graduated-exclusion")
    trial.put(1000)
    trial.overlay.advance(2.0)
    fault, holder = BitRot(), trial.holder
    trial.overlay.driver.call(lambda: holder.peer.equip(fault.equip(holder.peer.parts, Coalition())))
    assert trial.get() is None
    trial.overlay.advance(60.0)
    with pytest.raises(RemoteFault):
        trial.overlay.run(procedures.ping(holder.peer, ResourceID(trial.reader.node_id)))
    fault.mended = True
    trial.overlay.advance(100.0)
    assert trial.overlay.run(procedures.ping(holder.peer, ResourceID(trial.reader.node_id))) == trial.reader.node_id


def test_not_found_is_no_offence() -> None:
    trial = Trial("checkable-evidence")
    with pytest.raises(NotFound):
        trial.overlay.run(procedures.fetch(trial.reader.peer, trial.place, TURN_SERVICE))
    trial.overlay.advance(5.0)
    assert trial.reasons() == []
