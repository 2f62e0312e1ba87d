"""Protections of identities and enrollment (draft 7.2.6, 7.2.7, 7.2.10, 11.7)."""

from __future__ import annotations

from dataclasses import dataclass

from p2psip_min.defences.base import DRAFT, RELOAD, Defence
from p2psip_min.enrollment.answers import AnswerSignature, ExchangeProtection
from p2psip_min.enrollment.applicants import (
    Charged,
    ChargePolicy,
    Free,
    NoHistory,
    ProofPolicy,
    Reputation,
    ReputationPolicy,
    SelfAsserted,
    VouchedFor,
)
from p2psip_min.enrollment.assignment import HashOfKey, NodeIdAssignment, SelfChosen, ServerRandom
from p2psip_min.enrollment.doors import NoLimit, RateLimit, RatePolicy
from p2psip_min.enrollment.freshness import (
    Claimed,
    Expires,
    ExpiryPolicy,
    KeyPolicy,
    LongerKeys,
    NeverExpires,
    NoncePolicy,
    NoNonce,
    PossessionPolicy,
    Proven,
    SingleUse,
    UsualKeys,
)
from p2psip_min.enrollment.holdings import (
    BindingPolicy,
    Bound,
    Cap,
    CapPolicy,
    FreelyChanged,
    LifePolicy,
    NoCap,
    Perpetual,
    Renewal,
    ShortLife,
)
from p2psip_min.enrollment.policy import NONCE_LIFETIME, EnrollmentPolicy
from p2psip_min.enrollment.puzzles import ClientPuzzle, NoPuzzle, PuzzlePolicy
from p2psip_min.enrollment.revocation import BadNodes, Lists, RevocationPolicy, Unannounced
from p2psip_min.enrollment.standing import CheckPolicy, Offline, OnEveryUse, OnReading
from p2psip_min.storage.sightings import NoAlarm, SecondUseAlarm, SecondUsePolicy


@dataclass(frozen=True, slots=True)
class Doors:
    """How many enrollment servers stand before the same desk, beside those that there are."""

    more: int = 0


@dataclass(frozen=True, kw_only=True)
class IdentityDefences:
    """What protects who somebody is."""

    node_id_assignment: NodeIdAssignment = SelfChosen()
    node_id_binding: BindingPolicy = FreelyChanged()
    identity_cap: CapPolicy = NoCap()
    identity_proof: ProofPolicy = SelfAsserted()
    enrollment_charge: ChargePolicy = Free()
    enrollment_reputation: ReputationPolicy = NoHistory()
    certificate_life: LifePolicy = Perpetual()
    enrollment_nonce: NoncePolicy = NoNonce()
    enrollment_expiry: ExpiryPolicy = NeverExpires()
    key_possession: PossessionPolicy = Claimed()
    key_length: KeyPolicy = UsualKeys()
    enrollment_protection: ExchangeProtection = ExchangeProtection()
    answer_signature: AnswerSignature = AnswerSignature(False)
    enrollment_rate: RatePolicy = NoLimit()
    enrollment_puzzle: PuzzlePolicy = NoPuzzle()
    enrollment_doors: Doors = Doors()
    certificate_check: CheckPolicy = OnEveryUse()
    revocation: RevocationPolicy = Unannounced()
    second_use: SecondUsePolicy = NoAlarm()

    def enrollment(self) -> EnrollmentPolicy:
        """What an enrollment server allows under these defences."""
        return EnrollmentPolicy(
            nonce=self.enrollment_nonce,
            expiry=self.enrollment_expiry,
            possession=self.key_possession,
            keys=self.key_length,
            assignment=self.node_id_assignment,
            cap=self.identity_cap,
            binding=self.node_id_binding,
            life=self.certificate_life,
            proof=self.identity_proof,
            charge=self.enrollment_charge,
            reputation=self.enrollment_reputation,
            protection=self.enrollment_protection,
            signature=self.answer_signature,
            rate=self.enrollment_rate,
            puzzle=self.enrollment_puzzle,
            second_use=self.second_use,
        )


IDENTITY: tuple[Defence, ...] = (
    Defence(
        name="server-node-ids",
        title="Node-IDs drawn by the server",
        field="node_id_assignment",
        on=ServerRandom(),
        off=SelfChosen(),
        checks="a new Node-ID is the enrollment server's draw",
        stops="choosing one's place in the overlay",
        cost="no bytes",
        section="RFC 6940 §11.3",
        presets=(DRAFT, RELOAD),
    ),
    Defence(
        name="hashed-node-ids",
        title="Node-IDs from the key",
        field="node_id_assignment",
        on=HashOfKey(),
        off=SelfChosen(),
        checks="a new Node-ID is the digest of the enrolled key",
        stops="naming a place, but not trying keys until one falls there",
        cost="no bytes",
        section="RFC 6940 §11.3.1",
        decoy=True,
    ),
    Defence(
        name="bound-node-id",
        title="Node-ID bound to its account",
        field="node_id_binding",
        on=Bound(),
        off=FreelyChanged(),
        checks="who comes back gets the Node-ID that he had, and another one only after a week",
        stops="changing one's place whenever one likes",
        cost="a week's wait after a Node-ID was lost",
        section="draft 7.2.10, RFC 6940 §11.3",
        number=Bound,
        presets=(DRAFT, RELOAD),
    ),
    Defence(
        name="identity-cap",
        title="One identity an account",
        field="identity_cap",
        on=Cap(),
        off=NoCap(),
        checks="an account holds one Node-ID at a time",
        stops="enrolling again and again from one account",
        cost="a second device needs a larger cap",
        section="draft 7.2.6, Req. 6",
        number=lambda identities: Cap(int(identities), int(identities)),
        presets=(DRAFT, RELOAD),
    ),
    Defence(
        name="strong-identity",
        title="Strong identity",
        field="identity_proof",
        on=VouchedFor(),
        off=SelfAsserted(),
        checks="an account is a person's, whom the operator or a third party knows, and a person has one",
        stops="accounts under invented names",
        cost="nobody stays anonymous to the operator",
        section="draft 7.2.6",
        presets=(DRAFT, RELOAD),
    ),
    Defence(
        name="enrollment-charge",
        title="Charge for enrollment",
        field="enrollment_charge",
        on=Charged(),
        off=Free(),
        checks="a new identity is paid for, and stands in the ledger",
        stops="identities for nothing; not those of who can pay",
        cost="the price of an identity",
        section="draft 7.2.6",
        number=Charged,
        presets=(DRAFT,),
    ),
    Defence(
        name="enrollment-reputation",
        title="Reputation at enrollment",
        field="enrollment_reputation",
        on=Reputation(),
        off=NoHistory(),
        checks="a stranger waits for a day, and who was revoked three times is done",
        stops="many fresh accounts at once; not the patient",
        cost="a day's wait for whom nobody knows",
        section="draft 7.2.6",
        number=Reputation,
        presets=(DRAFT,),
    ),
    Defence(
        name="short-life",
        title="Certificates for an hour",
        field="certificate_life",
        on=ShortLife(),
        off=Perpetual(),
        checks="a certificate ends after an hour, and nodes renew theirs with their login every half hour",
        stops="using for long what was stolen from a device that does not store the login",
        cost="one enrollment in half an hour and node, and a server that is there for it",
        section="draft 7.2.6",
        number=ShortLife,
    ),
    Defence(
        name="renewal",
        title="Renewal every 30 days",
        field="certificate_life",
        on=Renewal(),
        off=Perpetual(),
        checks="a certificate ends after 30 days, and a renewal comes with the login",
        stops="keeping for ever what was once enrolled, or stolen",
        cost="one enrollment in 15 to 30 days",
        section="draft 7.2.6",
        number=lambda seconds: Renewal(seconds, seconds / 2),
        presets=(DRAFT, RELOAD),
    ),
    Defence(
        name="enrollment-nonce",
        title="Nonce in the request",
        field="enrollment_nonce",
        on=SingleUse(),
        off=NoNonce(),
        checks="a request to enroll carries a challenge that nobody has used",
        stops="a request to enroll that is sent again",
        cost="one round trip",
        section="draft 7.2.7, Req. 9",
        presets=(DRAFT, RELOAD),
    ),
    Defence(
        name="nonce-expiry",
        title="Nonce expires",
        field="enrollment_expiry",
        on=Expires(NONCE_LIFETIME),
        off=NeverExpires(),
        checks="a request to enroll carries a challenge of the last 60 s",
        stops="a request to enroll that is held back",
        cost="a request that is late for honest reasons is made again",
        section="draft 7.2.7, Req. 9",
        number=Expires,
        presets=(DRAFT, RELOAD),
    ),
    Defence(
        name="key-possession",
        title="Signed request to enroll",
        field="key_possession",
        on=Proven(),
        off=Claimed(),
        checks="a request to enroll is signed with the key that it is for",
        stops="another's key under one's own name, and changes to the request",
        cost="one signature",
        section="RFC 2986 §3",
        presets=(DRAFT, RELOAD),
    ),
    Defence(
        name="longer-keys",
        title="Longer keys",
        field="key_length",
        on=LongerKeys(),
        off=UsualKeys(),
        checks="an enrolled key is P-384, or RSA of 3072 bits",
        stops="breaking keys, which nobody does",
        cost="signatures that take several times as long",
        section="draft 11.4",
        decoy=True,
    ),
    Defence(
        name="enrollment-tls",
        title="TLS to the enrollment server",
        field="enrollment_protection",
        on=ExchangeProtection(tls=True),
        off=ExchangeProtection(),
        checks="only the server that the overlay's name stands for sees a request, and nobody changes an answer",
        stops="reading passwords, and changing what a newcomer is told",
        cost="one handshake an enrollment",
        section="RFC 6940 §11.3",
        presets=(DRAFT, RELOAD),
    ),
    Defence(
        name="encrypted-answer",
        title="Encrypted answer",
        field="enrollment_protection",
        on=ExchangeProtection(sealed=True),
        off=ExchangeProtection(),
        checks="only who asked can open an answer of the enrollment server",
        stops="reading a configuration and a certificate, which are no secrets; not a password",
        cost="one key agreement an answer",
        section="draft 11.8",
        decoy=True,
    ),
    Defence(
        name="signed-answer",
        title="Signed answer",
        field="answer_signature",
        on=AnswerSignature(True),
        off=AnswerSignature(False),
        checks="the enrollment server has signed what it answers, to this request",
        stops="changing answers on the way, also behind the end of TLS; not reading them",
        cost="one signature and one certificate an answer",
        section="draft 11.8",
    ),
    Defence(
        name="enrollment-rate",
        title="One request in 20 s from an address",
        field="enrollment_rate",
        on=RateLimit(),
        off=NoLimit(),
        checks="an address asks for a certificate once in 20 s",
        stops="a flood from a few addresses; not one from many, nor who takes his time",
        cost="users behind one address wait for each other",
        section="draft 11.7, Req. 15",
        number=RateLimit,
    ),
    Defence(
        name="client-puzzle",
        title="Puzzle while many wait",
        field="enrollment_puzzle",
        on=ClientPuzzle(),
        off=NoPuzzle(),
        checks="a request has solved a puzzle while more than four others wait",
        stops="making a server work without working oneself",
        cost="about two seconds of a device's time, while many wait",
        section="draft 11.7, Req. 15",
        number=lambda bits: ClientPuzzle(int(bits)),
    ),
    Defence(
        name="second-server",
        title="A second server",
        field="enrollment_doors",
        on=Doors(1),
        off=Doors(),
        checks="who finds one enrollment server busy asks another, before the same desk",
        stops="a server's failure, but no flood: the desk is as busy as before",
        cost="one server",
        section="draft 7.2.1",
        decoy=True,
    ),
    Defence(
        name="offline-certificates",
        title="Certificates that verify offline",
        field="certificate_check",
        on=Offline(),
        off=OnEveryUse(),
        checks="a certificate is judged by root, dates and what was heard of revocation; nobody is asked",
        stops="an overlay that stands still when its operator can't be reached",
        cost="a revocation takes its time",
        section="draft 7.2.1, Req. 1",
        presets=(DRAFT, RELOAD),
    ),
    Defence(
        name="check-on-reading",
        title="Online check on each GET",
        field="certificate_check",
        on=OnReading(),
        off=OnEveryUse(),
        checks="only who answers a GET is asked about, where the operator wants to be asked",
        stops="PUTs, joins and leaves that wait for the operator; not the GETs, which most messages are",
        cost="one visit to the server a GET",
        section="draft 7.2.1",
        decoy=True,
    ),
    Defence(
        name="revocation-list",
        title="Revocation by list",
        field="revocation",
        on=Lists(),
        off=Unannounced(),
        checks="members ask once a minute for the list of withdrawn certificates",
        stops="going on with a credential that its operator knows to be stolen, a minute later",
        cost="a visit to the server a minute and member",
        section="RFC 5280 §5",
        number=Lists,
    ),
    Defence(
        name="revocation",
        title="Revocation by configuration",
        field="revocation",
        on=BadNodes(),
        off=Unannounced(),
        checks="a withdrawn credential's Node-ID stands in the next configuration, which peers pass on",
        stops="going on with a credential that its operator knows to be stolen",
        cost="a document for every member, and its owner needs another Node-ID",
        section="RFC 6940 §11.1",
        presets=(RELOAD,),
    ),
    Defence(
        name="second-use-alarm",
        title="Alarm on second use",
        field="second_use",
        on=SecondUseAlarm(),
        off=NoAlarm(),
        checks="who stores a registration that goes to and fro within 300 s tells the operator if two machines answer",
        stops="nothing by itself; it lets the operator know of a theft, unless the thief takes no calls",
        cost="two calls' Attaches when a phone goes to and fro; its owner enrolls anew after a theft",
        section="draft 7.2.6",
        number=SecondUseAlarm,
    ),
)
