"""Protections of records (draft 5.3, 7.2.7 to 7.2.9, 11.1, 11.5)."""

from __future__ import annotations

from dataclasses import dataclass

from p2psip_min.defences.base import DRAFT, RELOAD, Defence
from p2psip_min.storage.access import (
    AccessControl,
    AccessControlPolicy,
    AnyPart,
    AnyWriter,
    FirstCome,
    OneList,
    OwnPart,
    PartPolicy,
)
from p2psip_min.storage.consent import ConsentPolicy, ContactAsked, NobodyAsked
from p2psip_min.storage.denial import AnybodysDenial, DenialPolicy, RootSetDenial
from p2psip_min.storage.policies import (
    AnyOrder,
    Forgetful,
    GenerationCounter,
    NoMemory,
    NoRecordSignature,
    NoTimestamp,
    NoVersion,
    OrderPolicy,
    OwnerSignature,
    ReaderMemoryPolicy,
    RecordSignaturePolicy,
    Remembers,
    RisingStorageTime,
    TimestampPolicy,
    TimestampWindow,
    TransactionMemory,
    TransactionMemoryPolicy,
    VersionPolicy,
)
from p2psip_min.storage.quota import PeerQuota, PublicationAccount, QuotaPolicy, Unlimited
from p2psip_min.storage.redundancy import (
    AuditPolicy,
    BackupPolicy,
    CentralBackup,
    NoAudit,
    NoBackup,
    NoReplicas,
    OnePlace,
    OwnerAudit,
    PlacesPolicy,
    ReadPolicy,
    ReadQuorum,
    ReplicationPolicy,
    RootOnly,
    RootsWord,
    SaltedPlaces,
    Successors,
    WritePolicy,
    WriteQuorum,
)
from p2psip_min.storage.removal import AfterLogIn, AsValues, RemovalPolicy, SignedTombstone
from p2psip_min.storage.values import ReaderValidates, StorerValidates, Unvalidated, ValidationPolicy
from p2psip_min.storage.vouching import HolderSignature, NobodyVouches, VouchingPolicy


@dataclass(frozen=True, kw_only=True)
class StorageDefences:
    """What protects a record."""

    record_signature: RecordSignaturePolicy = NoRecordSignature()
    access: AccessControlPolicy = AnyWriter()
    parts: PartPolicy = AnyPart()
    removal: RemovalPolicy = AsValues()
    quota: QuotaPolicy = Unlimited()
    consent: ConsentPolicy = NobodyAsked()
    validation: ValidationPolicy = Unvalidated()
    order: OrderPolicy = AnyOrder()
    version: VersionPolicy = NoVersion()
    timestamp: TimestampPolicy = NoTimestamp()
    memory: TransactionMemoryPolicy = NoMemory()
    replication: ReplicationPolicy = NoReplicas()
    places: PlacesPolicy = OnePlace()
    write: WritePolicy = RootsWord()
    audit: AuditPolicy = NoAudit()
    backup: BackupPolicy = NoBackup()
    read: ReadPolicy = RootOnly()
    reader_memory: ReaderMemoryPolicy = Forgetful()
    vouching: VouchingPolicy = NobodyVouches()
    denial: DenialPolicy = AnybodysDenial()

    @property
    def copies(self) -> int:
        """How many peers beside the responsible one are to hold a record."""
        return max(self.replication.copies, self.write.holders - 1)


STORAGE: tuple[Defence, ...] = (
    Defence(
        name="record-signature",
        title="Record signature",
        field="record_signature",
        on=OwnerSignature(),
        off=NoRecordSignature(),
        checks="the value is the owner's, to storing peer and reader",
        stops="changed and invented records",
        cost="one signature a record",
        section="RFC 6940 §7.1",
        presets=(DRAFT, RELOAD),
    ),
    Defence(
        name="access-control",
        title="Access control of writes",
        field="access",
        on=AccessControl(),
        off=AnyWriter(),
        checks="the name in the writer's certificate leads to the record's place; values are signed for it",
        stops="changes, removals and additions by whoever has another name",
        cost="one signature a record",
        section="RFC 6940 §7.3",
        presets=(DRAFT, RELOAD),
    ),
    Defence(
        name="first-come",
        title="First come, first served",
        field="access",
        on=FirstCome(),
        off=AnyWriter(),
        checks="a place belongs to whoever wrote there first, with 4 values at most",
        stops="whoever comes later, the rightful holder included",
        cost="one signature a record",
        section="draft 11.7",
        number=lambda values: FirstCome(int(values)),
        decoy=True,
    ),
    Defence(
        name="own-part",
        title="Own part of a shared record",
        field="parts",
        on=OwnPart(),
        off=AnyPart(),
        checks="a part of a shared record bears the writer's Node-ID; values are signed for it",
        stops="one of those who share a record changing another's part",
        cost="one signature a record",
        section="draft 7.2.8, RFC 6940 §7.3.3",
        presets=(RELOAD,),
    ),
    Defence(
        name="one-list",
        title="One list for the whole record",
        field="parts",
        on=OneList(),
        off=AnyPart(),
        checks="who writes to a shared record has a part in it, or writes his first",
        stops="those who have no part in a record",
        cost="one signature a record",
        section="draft 7.2.8",
        decoy=True,
    ),
    Defence(
        name="signed-tombstone",
        title="Signed tombstone with version",
        field="removal",
        on=SignedTombstone(),
        off=AsValues(),
        checks="a removal is signed by whom the Kind lets write, and is younger than what it removes",
        stops="removals by others, and removals that come again",
        cost="one signature a removal",
        section="RFC 6940 §7.4.1.3",
    ),
    Defence(
        name="log-in-removal",
        title="Removal after log-in",
        field="removal",
        on=AfterLogIn(),
        off=AsValues(),
        checks="who removes has shown a certificate of this overlay",
        stops="removals by outsiders",
        cost="one certificate a removal",
        section="draft 7.2.8",
        decoy=True,
    ),
    Defence(
        name="contact-consent",
        title="Consent of the contact",
        field="consent",
        on=ContactAsked(),
        off=NobodyAsked(),
        checks="a record that leads to another node than its writer's is stored once that one has agreed",
        stops="leading callers to a victim",
        cost="one question and one signature a record that leads to somebody else",
        section="draft 5.3",
    ),
    Defence(
        name="publication-account",
        title="Account of publications",
        field="quota",
        on=PublicationAccount(),
        off=Unlimited(),
        checks="an object outside its publisher's own places is one of at most 16 in his account",
        stops="spam, however it is spread over keys",
        cost="one more store and one more fetch an object outside its publisher's own places",
        section="draft 5.3, Figure 4",
        number=lambda objects: PublicationAccount(int(objects)),
    ),
    Defence(
        name="peer-quota",
        title="Quota at each storing peer",
        field="quota",
        on=PeerQuota(),
        off=Unlimited(),
        checks="one publisher has at most 16 values at one storing peer",
        stops="spam at a few peers, but not what is spread over many",
        cost="counting what is held",
        section="draft Figure 4",
        number=lambda objects: PeerQuota(int(objects)),
        decoy=True,
    ),
    Defence(
        name="validation",
        title="Validation by the storing peer",
        field="validation",
        on=StorerValidates(),
        off=Unvalidated(),
        checks="a value is one of its Kind, of permitted size and lifetime",
        stops="malformed and invalid values",
        cost="reading each value once",
        section="draft 7.2.9, RFC 6940 §7.4.1.1",
        presets=(DRAFT, RELOAD),
    ),
    Defence(
        name="reader-validation",
        title="Validation by the reader",
        field="validation",
        on=ReaderValidates(),
        off=Unvalidated(),
        checks="a reader passes over what is no value of its Kind",
        stops="being misled by malformed values, but not holding and copying them",
        cost="reading each value once",
        section="draft 7.2.9",
        decoy=True,
    ),
    Defence(
        name="version-counter",
        title="Version counter",
        field="version",
        on=GenerationCounter(),
        off=NoVersion(),
        checks="a store names the version that it replaces",
        stops="replayed stores; not an old copy from a neighbor, since copies carry no version of their own",
        cost="no bytes: the field is always there",
        section="draft 11.1, RFC 6940 §7.4.1",
    ),
    Defence(
        name="time-stamp",
        title="Time stamp window",
        field="timestamp",
        on=TimestampWindow(60.0),
        off=NoTimestamp(),
        checks="a store is at most 60 s old",
        stops="replays after the window",
        cost="no bytes",
        section="draft Figure 6",
        number=TimestampWindow,
    ),
    Defence(
        name="rising-time",
        title="Rising storage time",
        field="order",
        on=RisingStorageTime(),
        off=AnyOrder(),
        checks="a value is younger than the one that it replaces",
        stops="replayed stores where the newer value is held",
        cost="no bytes",
        section="RFC 6940 §7.4.1.1",
        presets=(RELOAD,),
    ),
    Defence(
        name="transaction-memory",
        title="Transaction memory",
        field="memory",
        on=TransactionMemory(15.0),
        off=NoMemory(),
        checks="a request seen in the last 15 s is answered from memory",
        stops="replays within 15 s",
        cost="one answer a request, for 15 s",
        section="RFC 6940 §6.2.1",
        number=TransactionMemory,
        presets=(RELOAD,),
    ),
    Defence(
        name="replicas",
        title="Two replicas",
        field="replication",
        on=Successors(2),
        off=NoReplicas(),
        checks="two successors hold a copy, and repair it when one fails",
        stops="losing what one peer held",
        cost="two more stores a store",
        section="RFC 6940 §10.4",
        number=lambda copies: Successors(int(copies)),
        presets=(DRAFT, RELOAD),
    ),
    Defence(
        name="salted-places",
        title="Three independent places",
        field="places",
        on=SaltedPlaces(2),
        off=OnePlace(),
        checks="a record lies at two more places that its name and a constant give, and the reader asks at all three",
        stops="whoever holds one place of a record, or stands on the way to it",
        cost="two more stores a store, two more fetches a read, a signature each",
        section="RFC 6940 §5.1.2",
        number=lambda salts: SaltedPlaces(int(salts)),
    ),
    Defence(
        name="write-quorum",
        title="Write quorum 2 of 3",
        field="write",
        on=WriteQuorum(2),
        off=RootsWord(),
        checks="the owner looks at three holders, stores where the record is missing, and counts two confirmations",
        stops="a responsible peer that acknowledges and does not store, or does not copy",
        cost="two more lookups and fetches a store",
        section="draft 11.5, RFC 6940 §7.4.1.2",
        number=lambda needed: WriteQuorum(int(needed)),
    ),
    Defence(
        name="owner-audit",
        title="Owner's audit",
        field="audit",
        on=OwnerAudit(300.0),
        off=NoAudit(),
        checks="every 300 s the owner reads his own records, and stores again what he does not find",
        stops="losing a record for good while its owner is there",
        cost="a read of each own record every 300 s",
        section="RFC 6940 §7.4.1.2, draft 7.2.10",
        number=OwnerAudit,
    ),
    Defence(
        name="central-backup",
        title="Backup at the central server",
        field="backup",
        on=CentralBackup(),
        off=NoBackup(),
        checks="a server keeps a copy of each record",
        stops="losing records while the server is on",
        cost="a connection to the server each store",
        section="draft 7.2.1",
        decoy=True,
    ),
    Defence(
        name="read-quorum",
        title="Read quorum 2 of 3",
        field="read",
        on=ReadQuorum(2),
        off=RootOnly(),
        checks="the reader asks the replicas too and takes the newest",
        stops="one holder that hides or rolls back",
        cost="two more lookups and fetches a read",
        section="draft 11.5",
        number=lambda needed: ReadQuorum(int(needed)),
    ),
    Defence(
        name="reader-memory",
        title="Reader's memory",
        field="reader_memory",
        on=Remembers(),
        off=Forgetful(),
        checks="a reader takes nothing older than what it has read",
        stops="rolling back a reader who knew better",
        cost="eight bytes a record read",
        section="RFC 6940 §7.4.2.2",
    ),
    Defence(
        name="root-set-denial",
        title="Denial by the root set",
        field="denial",
        on=RootSetDenial(3),
        off=AnybodysDenial(),
        checks="where nothing is found, the responsible peer and its replicas are asked over links of the reader's own",
        stops="a peer on the way that says there is nothing",
        cost="about ten more nodes asked a read that finds nothing",
        section="draft 5.2",
        number=lambda members: RootSetDenial(int(members)),
    ),
    Defence(
        name="holder-signature",
        title="Holder's signature",
        field="vouching",
        on=HolderSignature(),
        off=NobodyVouches(),
        checks="a node of the overlay has signed what its owner did not",
        stops="strangers, but no peer on the way: a reader can't tell whose signature it should be",
        cost="one signature a value read",
        section="draft 11.2",
        decoy=True,
    ),
)
