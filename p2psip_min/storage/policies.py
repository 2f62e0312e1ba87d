"""The storage's defences as values (RFC 6940 §7; draft 7.2.7-7.2.10, 11.1, 11.5); ``redundancy`` has those on copies.

Rules
1. Every policy has a null object that takes the same path and uses the same bytes, so "off" and "on" compare fairly.
2. Each works alone: none relies on another being switched on.
3. A policy is a value that overlays share; what a node remembers for it lives in what ``start()`` returns.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from cryptography.hazmat.primitives.asymmetric import ec

from p2psip_min.clock import milliseconds
from p2psip_min.errors import LinkReason, StoreReason
from p2psip_min.ids import NodeID
from p2psip_min.storage.access import AccessControlPolicy, AnyPart, AnyWriter, PartPolicy
from p2psip_min.storage.consent import ConsentPolicy, NobodyAsked
from p2psip_min.storage.delegation import DelegationPolicy, NoDelegation
from p2psip_min.storage.quota import NoShare, QuotaPolicy, SharePolicy, Unlimited
from p2psip_min.storage.readership import AnyReader, ReadAccessPolicy
from p2psip_min.storage.redundancy import OnePlace, PlacesPolicy
from p2psip_min.storage.removal import AsValues, RemovalPolicy
from p2psip_min.storage.values import Unvalidated, ValidationPolicy
from p2psip_min.wire.data import StoredData, StoredDataValue, signed_input, signed_value, stored_input
from p2psip_min.wire.security import (
    UNSIGNED,
    IdentityType,
    SignatureAlgorithm,
    SignerIdentity,
    encode_identity,
    identity_of,
    sign,
    verify,
)

T = TypeVar("T")


class Signer(Protocol):
    """What the rules read of a certificate; enrollment's ``Certificate`` is one."""

    @property
    def der(self) -> bytes: ...

    @property
    def user(self) -> str: ...

    @property
    def node_ids(self) -> tuple[NodeID, ...]: ...

    @property
    def public_key(self) -> object: ...


CertificateFor = Callable[[SignerIdentity], Signer | LinkReason | None]
"""Looks up who an identity names, checked now: a certificate, why it does not count, or None when it is missing."""


def signing_node(signer: Signer, identity: SignerIdentity) -> NodeID | None:
    """Which of the certificate's Node-IDs the identity names; None when it names none of them (RFC 6940 §6.3.4)."""
    if identity.type == IdentityType.CERT_HASH:
        return signer.node_ids[0] if len(signer.node_ids) == 1 else None
    for node_id in signer.node_ids:
        if identity_of(signer.der, node_id) == identity:
            return node_id
    return None


# --- the owner's signature (RFC 6940 §7.1) ----------------------------------------------------------------------------


class RecordSignaturePolicy(Protocol):
    """Whether values are signed by their owners, and what a storing peer and a reader make of that."""

    def seal(
        self,
        private_key: ec.EllipticCurvePrivateKey,
        identity: SignerIdentity,
        resource: bytes,
        kind: int,
        storage_time: int,
        lifetime: int,
        value: StoredDataValue,
    ) -> StoredData: ...

    def authenticate(
        self, resource: bytes, kind: int, stored: StoredData, certificate_for: CertificateFor
    ) -> Signer | StoreReason | None: ...


@dataclass(frozen=True, slots=True)
class NoRecordSignature:
    """Nobody signs values, and everybody believes them; a signature that is there goes unread."""

    def seal(
        self,
        private_key: ec.EllipticCurvePrivateKey,
        identity: SignerIdentity,
        resource: bytes,
        kind: int,
        storage_time: int,
        lifetime: int,
        value: StoredDataValue,
    ) -> StoredData:
        """The value with the empty signature; ``storage_time`` in ms since 1970, ``lifetime`` in s."""
        return StoredData(storage_time, lifetime, value, UNSIGNED)

    def authenticate(
        self, resource: bytes, kind: int, stored: StoredData, certificate_for: CertificateFor
    ) -> Signer | StoreReason | None:
        """None: anybody may have written it."""
        return None


@dataclass(frozen=True, slots=True)
class OwnerSignature:
    """Values carry their owner's signature; it covers place, Kind, storage time and value, but not the lifetime."""

    def seal(
        self,
        private_key: ec.EllipticCurvePrivateKey,
        identity: SignerIdentity,
        resource: bytes,
        kind: int,
        storage_time: int,
        lifetime: int,
        value: StoredDataValue,
    ) -> StoredData:
        """The value signed as ``identity``; ``storage_time`` in ms since 1970, ``lifetime`` in s."""
        covered = signed_input(resource, kind, storage_time, signed_value(value), encode_identity(identity))
        return StoredData(storage_time, lifetime, value, sign(private_key, identity, covered))

    def authenticate(
        self, resource: bytes, kind: int, stored: StoredData, certificate_for: CertificateFor
    ) -> Signer | StoreReason | None:
        """Who signed the value, or why nobody counts as having done so."""
        signature = stored.signature
        if signature.algorithm == SignatureAlgorithm.ANONYMOUS or signature.identity.type == IdentityType.NONE:
            return StoreReason.UNSIGNED
        signer = certificate_for(signature.identity)
        if signer is None:
            return StoreReason.UNKNOWN_SIGNER
        if isinstance(signer, LinkReason):
            return StoreReason.CERTIFICATE_REFUSED
        if not verify(signer.public_key, signature, stored_input(resource, kind, stored)):
            return StoreReason.BAD_SIGNATURE
        return signer


# --- what may replace what --------------------------------------------------------------------------------------------


class OrderPolicy(Protocol):
    """Whether a value may replace one of another storage time (both in ms since 1970)."""

    def too_old(self, new: int, held: int) -> bool: ...

    @property
    def merges(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class AnyOrder:
    """The last one to arrive wins, however old it is, also among replicas."""

    merges = False

    def too_old(self, new: int, held: int) -> bool:
        """Never."""
        return False


@dataclass(frozen=True, slots=True)
class RisingStorageTime:
    """A value gives way to a younger one only (RFC 6940 §7.4.1.1), and copies merge in the order of their times."""

    merges = True

    def too_old(self, new: int, held: int) -> bool:
        """Unless ``new`` is above ``held``; the RFC's two sentences differ on equal times, we take the stricter."""
        return new <= held


class VersionPolicy(Protocol):
    """What a store must say about the version that it replaces."""

    def verdict(self, claimed: int, held: int) -> StoreReason | None: ...

    def claim(self, known: int) -> int: ...


def _compare(claimed: int, held: int) -> StoreReason | None:
    if claimed == held:
        return None
    return StoreReason.GENERATION_TOO_LOW if claimed < held else StoreReason.GENERATION_TOO_HIGH


@dataclass(frozen=True, slots=True)
class NoVersion:
    """RFC 6940 as it stands: 0 asks for no comparison, and another counter must be the current one (§7.4.1.1)."""

    def verdict(self, claimed: int, held: int) -> StoreReason | None:
        """Why a store that claims to replace generation ``claimed`` is refused; ``held`` 0: nothing is stored."""
        return None if claimed == 0 else _compare(claimed, held)

    def claim(self, known: int) -> int:
        """The counter to send by a writer who last saw ``known``: 0."""
        return 0


@dataclass(frozen=True, slots=True)
class GenerationCounter:
    """A store that replaces something must name its version, so one that was sent before never fits again."""

    def verdict(self, claimed: int, held: int) -> StoreReason | None:
        """Why a store that claims to replace generation ``claimed`` is refused; ``held`` 0: nothing is stored."""
        if claimed == 0 and held:
            return StoreReason.GENERATION_REQUIRED
        return _compare(claimed, held)

    def claim(self, known: int) -> int:
        """The counter to send by a writer who last saw ``known``."""
        return known


class TimestampPolicy(Protocol):
    """How far a store's storage time may lie from the storing peer's clock."""

    def verdict(self, storage_time: int, now: float) -> StoreReason | None: ...


@dataclass(frozen=True, slots=True)
class NoTimestamp:
    """Clocks are not compared; RFC 6940 asks for none that agree."""

    def verdict(self, storage_time: int, now: float) -> StoreReason | None:
        """Never a reason."""
        return None


@dataclass(frozen=True, slots=True)
class TimestampWindow:
    """An original store must be at most ``seconds`` old, and no more than that ahead.

    It stops no replay within the window, and does not look at copies, which are old by nature.
    """

    seconds: float = 60.0

    def verdict(self, storage_time: int, now: float) -> StoreReason | None:
        """Why a storage time (ms since 1970) is refused at ``now``."""
        age = milliseconds(now) - storage_time
        if age > self.seconds * 1000:
            return StoreReason.STALE_TIMESTAMP
        if -age > self.seconds * 1000:
            return StoreReason.FUTURE_TIMESTAMP
        return None


# --- a request that comes again ---------------------------------------------------------------------------------------


class Answers(Protocol[T]):
    """A node's memory of the stores that it carried out."""

    def recall(self, sender: bytes, transaction_id: int, now: float) -> T | None: ...

    def keep(self, sender: bytes, transaction_id: int, outcome: T, now: float) -> None: ...


class TransactionMemoryPolicy(Protocol):
    """Whether a storing peer knows a request again."""

    def start(self) -> Answers[object]: ...


class _NoAnswers:
    __slots__ = ()

    def recall(self, sender: bytes, transaction_id: int, now: float) -> None:
        return None

    def keep(self, sender: bytes, transaction_id: int, outcome: object, now: float) -> None:
        return


class _RecentAnswers:
    __slots__ = ("_known", "_order", "_seconds")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._known: dict[tuple[bytes, int], object] = {}
        self._order: deque[tuple[float, tuple[bytes, int]]] = deque()

    def recall(self, sender: bytes, transaction_id: int, now: float) -> object | None:
        order = self._order
        while order and order[0][0] <= now:
            del self._known[order.popleft()[1]]
        return self._known.get((sender, transaction_id))

    def keep(self, sender: bytes, transaction_id: int, outcome: object, now: float) -> None:
        key = (sender, transaction_id)
        if key not in self._known:
            self._known[key] = outcome
            self._order.append((now + self._seconds, key))


@dataclass(frozen=True, slots=True)
class NoMemory:
    """Every request is judged as if it were the first."""

    def start(self) -> Answers[object]:
        """A memory that forgets at once."""
        return _NoAnswers()


@dataclass(frozen=True, slots=True)
class TransactionMemory:
    """A store of the last ``seconds`` is not carried out again but answered as before (RFC 6940 §6.2.1).

    Refusals changed nothing and are judged anew.
    """

    seconds: float = 15.0

    def start(self) -> Answers[object]:
        """An empty memory."""
        return _RecentAnswers(self.seconds)


# --- a reader's memory ------------------------------------------------------------------------------------------------


class Recollection(Protocol):
    """What a reader remembers of what it has read."""

    def newest(self, resource: bytes, kind: int, key: bytes) -> int: ...

    def note(self, resource: bytes, kind: int, key: bytes, storage_time: int) -> None: ...


class ReaderMemoryPolicy(Protocol):
    """Whether a reader holds an answer against what it has read before."""

    def start(self) -> Recollection: ...


class _Nothing:
    __slots__ = ()

    def newest(self, resource: bytes, kind: int, key: bytes) -> int:
        return 0

    def note(self, resource: bytes, kind: int, key: bytes, storage_time: int) -> None:
        return


class _StorageTimes:
    __slots__ = ("_times",)

    def __init__(self) -> None:
        self._times: dict[tuple[bytes, int, bytes], int] = {}

    def newest(self, resource: bytes, kind: int, key: bytes) -> int:
        return self._times.get((resource, kind, key), 0)

    def note(self, resource: bytes, kind: int, key: bytes, storage_time: int) -> None:
        if storage_time > self.newest(resource, kind, key):
            self._times[resource, kind, key] = storage_time


@dataclass(frozen=True, slots=True)
class Forgetful:
    """Every read is the first."""

    def start(self) -> Recollection:
        """A memory of nothing."""
        return _Nothing()


@dataclass(frozen=True, slots=True)
class Remembers:
    """A reader takes nothing older than what it took before (RFC 6940 §7.4.2.2 makes storage times comparable)."""

    def start(self) -> Recollection:
        """An empty memory of storage times."""
        return _StorageTimes()


# --- all that a storing peer goes by ----------------------------------------------------------------------------------


class StorePolicies(Protocol):
    """The policies of a storing peer; ``Defences`` has them all."""

    @property
    def record_signature(self) -> RecordSignaturePolicy: ...

    @property
    def order(self) -> OrderPolicy: ...

    @property
    def version(self) -> VersionPolicy: ...

    @property
    def timestamp(self) -> TimestampPolicy: ...

    @property
    def memory(self) -> TransactionMemoryPolicy: ...

    @property
    def places(self) -> PlacesPolicy: ...

    @property
    def access(self) -> AccessControlPolicy: ...

    @property
    def parts(self) -> PartPolicy: ...

    @property
    def delegation(self) -> DelegationPolicy: ...

    @property
    def removal(self) -> RemovalPolicy: ...

    @property
    def quota(self) -> QuotaPolicy: ...

    @property
    def key_quota(self) -> SharePolicy: ...

    @property
    def consent(self) -> ConsentPolicy: ...

    @property
    def read_access(self) -> ReadAccessPolicy: ...

    @property
    def validation(self) -> ValidationPolicy: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreRules:
    """The policies of a storing peer that stands alone, without an overlay's ``Defences``."""

    record_signature: RecordSignaturePolicy = NoRecordSignature()
    order: OrderPolicy = AnyOrder()
    version: VersionPolicy = NoVersion()
    timestamp: TimestampPolicy = NoTimestamp()
    memory: TransactionMemoryPolicy = NoMemory()
    places: PlacesPolicy = OnePlace()
    access: AccessControlPolicy = AnyWriter()
    parts: PartPolicy = AnyPart()
    delegation: DelegationPolicy = NoDelegation()
    removal: RemovalPolicy = AsValues()
    quota: QuotaPolicy = Unlimited()
    key_quota: SharePolicy = NoShare()
    consent: ConsentPolicy = NobodyAsked()
    read_access: ReadAccessPolicy = AnyReader()
    validation: ValidationPolicy = Unvalidated()
