"""What counts against a node: only what a third party can check (draft 7.2.12, Req. 16).

Everything here is judged from signed messages alone. An accuser can leave something out, but add nothing:

1. The answer must be signed by the accused, and its receipt must name the very request that is shown with it.
2. *Forged*: the answer has a value that its owner did not sign. Nobody stores one who checks signatures.
3. *Contradicted*: the accused has confirmed a value or shown it, and later, within its lifetime, shows an older one of
   the same owner. Where an older value may replace a younger one that can befall the honest, so it does not count.

4. *Not passed on*: the accused says that it has passed a request on, and shows no good word of a nearer one that he
   has it (``routing.custody``). Where that was over a minute ago, or the word's certificate has ended, it is nothing.

That somebody is silent, or says that nothing is there, proves nothing: he may be right.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from p2psip_min.clock import milliseconds
from p2psip_min.enrollment.certificates import Certificate
from p2psip_min.enrollment.trust import TrustStore
from p2psip_min.errors import LinkReason, Malformed, ReportReason, StoreReason
from p2psip_min.ids import NodeID, ResourceID
from p2psip_min.routing.custody import KEPT_FOR, Nearer, Said, vouches
from p2psip_min.storage.policies import StorePolicies
from p2psip_min.storage.rights import sealing
from p2psip_min.storage.values import is_absence, key_of
from p2psip_min.wire.custody import Word, question_in, statement_in
from p2psip_min.wire.data import FetchKindResponse, StoredData, StoreKindData
from p2psip_min.wire.evidence import Exhibit, receipt_in, request_digest
from p2psip_min.wire.kinds import KindRegistry
from p2psip_min.wire.message import Message, decode_contents, decode_message, message_input
from p2psip_min.wire.messages import FetchAns, FetchReq, PathTrackAns, PathTrackReq, StoreAns, StoreReq
from p2psip_min.wire.security import SignerIdentity, encode_identity, identity_of, verify

_OWN_FAULT = frozenset({StoreReason.BAD_SIGNATURE, StoreReason.UNSIGNED})
"""What no holder who checks can hold; a missing certificate may have been taken out of the message by the accuser."""

_NOT_NOW = frozenset({LinkReason.EXPIRED, LinkReason.NOT_YET_VALID, LinkReason.REVOKED})
"""Why a certificate of the overlay's own is not good at the moment."""


def _nobody_is_nearer(one: bytes, other: bytes, key: bytes) -> bool:
    """The measure where there is none: nothing about forwarders is judged."""
    return False


class Offence(enum.StrEnum):
    """What was proven."""

    FORGED = "handed out a value that its owner did not sign"
    CONTRADICTED = "showed an older value than it had confirmed"
    NOT_PASSED_ON = "said that it had passed on what nobody nearer has"


@dataclass(frozen=True, slots=True)
class Proof:
    """An offence, and when it happened (ms since 1970, by the accused's clock)."""

    offence: Offence
    time: int


@dataclass(frozen=True, slots=True)
class Statement:
    """One checked exhibit: what ``signer`` said to which request, when (ms since 1970)."""

    signer: NodeID
    request: Any
    answer: Message
    time: int


@dataclass(slots=True)
class Court:
    """What evidence is judged by: the overlay, its Kinds and rules, whose certificates count, and its measure."""

    overlay: int
    kinds: KindRegistry
    rules: StorePolicies
    trust: TrustStore
    nearer: Nearer = _nobody_is_nearer

    def judge(self, accused: NodeID, exhibits: Sequence[Exhibit], now: float) -> Proof | ReportReason:
        """What one exhibit, or two together, prove against ``accused``; else why they prove nothing."""
        if not 1 <= len(exhibits) <= 2:
            return ReportReason.NO_EVIDENCE
        statements: list[Statement] = []
        for exhibit in exhibits:
            statement = self._statement(accused, exhibit, now)
            if isinstance(statement, ReportReason):
                return statement
            statements.append(statement)
        last = statements[-1]
        if len(statements) == 1 and self._not_passed_on(last, now):
            return Proof(Offence.NOT_PASSED_ON, last.time)
        if len(statements) == 1:
            return Proof(Offence.FORGED, last.time) if self._forged(last, now) else ReportReason.NOTHING_WRONG
        if self._contradicted(statements[0], last, now):
            return Proof(Offence.CONTRADICTED, last.time)
        return ReportReason.NOTHING_WRONG

    def statement(self, signer: NodeID, exhibit: Exhibit, now: float) -> Statement | None:
        """What ``signer`` said there; None when that can't be shown."""
        statement = self._statement(signer, exhibit, now)
        return None if isinstance(statement, ReportReason) else statement

    def said(self, signer: NodeID, exhibit: Exhibit, now: float) -> Said | None:
        """What ``signer`` says about a request that came to it; None when that can't be shown."""
        statement = self.statement(signer, exhibit, now)
        return None if statement is None else _said(statement)

    def vouched(self, passed: Said, onward: Sequence[Exhibit], now: float) -> bool:
        """Whether this proves that a request was ``passed`` on."""
        statement = self._statement(None, onward[0], now) if len(onward) == 1 else None
        return isinstance(statement, Statement) and vouches(_said(statement), passed, self.nearer)

    def _not_passed_on(self, statement: Statement, now: float) -> bool:
        passed = _said(statement)
        if passed is None or passed.word != Word.PASSED_ON or self.nearer is _nobody_is_nearer:
            return False
        if abs(milliseconds(now) - statement.time) > 1000 * KEPT_FOR:
            return False  # the other's certificate, or its authority, may have been another one then
        told = statement_in(statement.answer.body)
        if told is None or self.vouched(passed, told.onward, now):
            return False
        return not any(self._outdated(exhibit, now) for exhibit in told.onward)

    def _outdated(self, exhibit: Exhibit, now: float) -> bool:
        """Whether an answer may have been good when it was given, and its signer's certificate is not any more."""
        try:
            bucket = decode_message(exhibit.answer, self.kinds).security.certificates
        except Malformed:
            return False
        return any(self.trust.check(der, now=now) in _NOT_NOW for der in bucket)

    def _statement(self, accused: NodeID | None, exhibit: Exhibit, now: float) -> Statement | ReportReason:
        try:
            answer = decode_message(exhibit.answer, self.kinds)
            request = decode_contents(exhibit.request, self.kinds)
        except Malformed:
            return ReportReason.MALFORMED
        signer = self._signer(answer, now)
        if answer.overlay != self.overlay or signer is None or accused not in (None, signer):
            return ReportReason.NOT_THE_ACCUSED
        receipt = receipt_in(answer)
        if receipt is None:
            return ReportReason.NO_RECEIPT
        if receipt.request_digest != request_digest(self.overlay, answer.transaction_id, exhibit.request):
            return ReportReason.OTHER_REQUEST
        return Statement(signer, request, answer, receipt.time)

    def _signer(self, message: Message, now: float) -> NodeID | None:
        signature = message.security.signature
        identity = signature.identity
        for der in message.security.certificates:
            certificate = self.trust.check(der, now=now)
            node = named(certificate, identity) if isinstance(certificate, Certificate) else None
            if node is not None and isinstance(certificate, Certificate):
                covered = message_input(
                    message.overlay, message.transaction_id, message.contents, encode_identity(identity)
                )
                return node if verify(certificate.public_key, signature, covered) else None
        return None

    def _forged(self, statement: Statement, now: float) -> bool:
        return any(
            self._refused(statement, group, stored, now) in _OWN_FAULT
            for group in _shown(statement)
            for stored in group.values
            if not is_absence(stored)
        )

    def _refused(
        self, statement: Statement, group: FetchKindResponse | StoreKindData, stored: StoredData, now: float
    ) -> StoreReason | None:
        bucket = statement.answer.security.certificates

        def certificate_for(identity: SignerIdentity) -> Certificate | LinkReason | None:
            for der in bucket:
                certificate = self.trust.check(der, now=now)
                if isinstance(certificate, LinkReason):
                    if identity_of(der) == identity:
                        return certificate
                elif named(certificate, identity) is not None:
                    return certificate
            return None

        seal = sealing(self.rules, group.kind, stored.value)
        outcome = seal.authenticate(statement.request.resource, group.kind, stored, certificate_for)
        return outcome if isinstance(outcome, StoreReason) else None

    def _contradicted(self, before: Statement, after: Statement, now: float) -> bool:
        if not self.rules.order.merges or before.time >= after.time:
            return False
        if before.request.resource != after.request.resource:
            return False
        known = {(group.kind, key_of(stored.value)): stored for group in _confirmed(before) for stored in group.values}
        for group in _shown(after):
            for stored in group.values:
                younger = known.get((group.kind, key_of(stored.value)))
                if (
                    younger is not None
                    and not is_absence(stored)
                    and stored.storage_time < younger.storage_time
                    and after.time < before.time + 1000 * younger.lifetime
                    and self._refused(after, group, stored, now) is None
                ):
                    return True
        return False


def named(certificate: Certificate, identity: SignerIdentity) -> NodeID | None:
    """Which of the certificate's Node-IDs the identity means; None: not this certificate."""
    if len(certificate.node_ids) == 1 and identity_of(certificate.der) == identity:
        return certificate.node_ids[0]
    return next((node for node in certificate.node_ids if identity_of(certificate.der, node) == identity), None)


def _said(statement: Statement) -> Said | None:
    """What is said about a request that came to who says it."""
    asked, answer = statement.request, statement.answer.body
    if not isinstance(asked, PathTrackReq) or not isinstance(answer, PathTrackAns):
        return None
    try:
        about = question_in(asked)
    except Malformed:
        return None
    told = statement_in(answer)
    if about is None or told is None or not isinstance(asked.destination, ResourceID):
        return None
    return Said(statement.signer, about.transaction_id, asked.destination, told.word, told.digest)


def _shown(statement: Statement) -> tuple[FetchKindResponse, ...]:
    """The values that the accused handed out, of Kinds that are known here."""
    asked, said = statement.request, statement.answer.body
    if not isinstance(asked, FetchReq) or not isinstance(said, FetchAns):
        return ()
    return tuple(group for group in said.kind_responses if not group.raw)


def _confirmed(statement: Statement) -> tuple[FetchKindResponse | StoreKindData, ...]:
    """The values that the accused handed out, or said that it had stored."""
    asked, said = statement.request, statement.answer.body
    if isinstance(asked, StoreReq) and isinstance(said, StoreAns):
        return tuple(group for group in asked.kind_data if not group.raw)
    return _shown(statement)
