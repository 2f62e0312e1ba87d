"""Owners with real certificates, Kinds of every model, and a storing peer to talk to."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from p2psip_min.clock import milliseconds
from p2psip_min.enrollment.authority import Authority
from p2psip_min.enrollment.certificates import Certificate, Credential
from p2psip_min.enrollment.keys import derive_key
from p2psip_min.enrollment.trust import TrustStore
from p2psip_min.errors import LinkReason
from p2psip_min.ids import NodeID, ResourceID
from p2psip_min.storage.access import AccessControl, OwnPart
from p2psip_min.storage.policies import OwnerSignature, RisingStorageTime, StoreRules
from p2psip_min.storage.store import Store
from p2psip_min.storage.validation import Accepted, Rejected
from p2psip_min.storage.values import StorerValidates
from p2psip_min.wire.data import (
    ArrayEntry,
    DictionaryEntry,
    SingleValue,
    StoredData,
    StoredDataSpecifier,
    StoredDataValue,
    StoreKindData,
)
from p2psip_min.wire.kinds import IANA_KINDS, AccessPolicy, DataModel, KindSpec
from p2psip_min.wire.messages import FetchReq, StoreReq
from p2psip_min.wire.security import SignerIdentity, identity_of

OVERLAY = "overlay.example"
NOTE, LIST, BOOK, DIRECTORY = 0xF0000001, 0xF0000002, 0xF0000003, 0xF0000004
YEAR = 365 * 86_400.0


def node(name: str) -> NodeID:
    return NodeID(hashlib.sha256(name.encode()).digest()[:16])


@dataclass
class World:
    """One overlay's people and rules."""

    owners: dict[str, Credential]
    stranger: Credential
    trust: TrustStore
    kinds: Any
    note: int = NOTE
    list: int = LIST
    book: int = BOOK
    directory: int = DIRECTORY
    alice: ResourceID = field(default_factory=lambda: ResourceID.of(f"alice@{OVERLAY}"))
    signed: OwnerSignature = field(default_factory=OwnerSignature)

    def certificates(self, now: float, *missing: str) -> Callable[[SignerIdentity], Certificate | LinkReason | None]:
        """A message's certificate bucket, with everybody's but those ``missing``."""
        bucket = [one for name, one in self.owners.items() if name not in missing]
        if "stranger" not in missing:
            bucket.append(self.stranger)

        def look_up(identity: SignerIdentity) -> Certificate | LinkReason | None:
            for one in bucket:
                if self.identity(one) == identity or any(
                    identity_of(one.certificate, each) == identity for each in one.node_ids
                ):
                    return self.trust.check(one.certificate, now=now)
            return None

        return look_up

    def identity(self, owner: Credential, place: int | None = None) -> SignerIdentity:
        if len(owner.node_ids) == 1 and place is None:
            return identity_of(owner.certificate)
        return identity_of(owner.certificate, owner.node_ids[place or 0])

    def certificate(self, name: str, now: float = 0.0) -> Certificate:
        checked = self.trust.check(self.owners[name].certificate, now=now)
        assert isinstance(checked, Certificate)
        return checked

    def seal(
        self,
        value: StoredDataValue | bytes | None,
        *,
        by: str = "alice",
        kind: int = NOTE,
        resource: ResourceID | None = None,
        at: float = 0.0,
        lifetime: int = 3600,
        key: bytes = b"",
        place: int | None = None,
        policy: Any = None,
    ) -> StoredData:
        """A value of ``by``; plain bytes (None: a tombstone) become what the Kind's model wants."""
        if value is None or isinstance(value, bytes):
            exists, content = value is not None, value or b""
            match self.kinds[kind].model:
                case DataModel.SINGLE:
                    value = SingleValue(exists, content)
                case DataModel.ARRAY:
                    value = ArrayEntry(int.from_bytes(key, "big"), exists, content)
                case _:
                    value = DictionaryEntry(key, exists, content)
        owner = self.stranger if by == "stranger" else self.owners[by]
        identity = self.identity(owner, place)
        return (policy or self.signed).seal(
            owner.private_key, identity, resource or self.alice, kind, milliseconds(at), lifetime, value
        )

    def rules(self, **more: Any) -> StoreRules:
        """Signed values, access control and validation, with ``more`` policies."""
        guarded: dict[str, Any] = {
            "record_signature": OwnerSignature(),
            "access": AccessControl(),
            "parts": OwnPart(),
            "validation": StorerValidates(),
        }
        return StoreRules(**(guarded | more))

    def peer(self, rules: Any = None, **options: Any) -> Holder:
        """A storing peer; by default it wants signatures and rising storage times."""
        rules = rules or self.rules(order=RisingStorageTime())
        return Holder(self, Store(node("holder"), self.kinds, rules, **options))


@dataclass
class Holder:
    """A storing peer, and how to talk to it in short."""

    world: World
    store: Store
    transactions: int = 0

    def put(
        self,
        *values: StoredData,
        kind: int = NOTE,
        resource: ResourceID | None = None,
        replica: int = 0,
        generation: int | None = None,
        now: float = 0.0,
        sender: str = "alice",
        signed: bool = False,
        missing: tuple[str, ...] = (),
        responsible: bool = True,
        plausible: bool = True,
        transaction: int | None = None,
        groups: tuple[StoreKindData, ...] | None = None,
        replicas: tuple[NodeID, ...] = (),
    ) -> Accepted | Rejected:
        """Send one StoreReq; ``signed``: its sender is known by certificate."""
        self.transactions += 1
        if generation is None:
            generation = 1 if replica else 0
        if groups is None:
            groups = (StoreKindData(kind, generation, values),)
        return self.store.accept(
            StoreReq(resource or self.world.alice, replica, groups),
            sender=self.world.owners[sender].node_id,
            sender_certificate=self.world.certificate(sender, now) if signed else None,
            certificates=self.world.certificates(now, *missing),
            responsible=responsible,
            plausible_replica_sender=plausible,
            transaction_id=self.transactions if transaction is None else transaction,
            now=now,
            replicas=replicas,
        )

    def get(self, kind: int = NOTE, now: float = 0.0, generation: int = 0, **part: Any) -> Any:
        """The FetchKindResponse to a request for one Kind."""
        if self.world.kinds[kind].model is DataModel.DICTIONARY:
            part.setdefault("keys", ())
        found = self.store.fetch(FetchReq(self.world.alice, (StoredDataSpecifier(kind, generation, **part),)), now)
        return found if isinstance(found, Rejected) else found.answer.kind_responses[0]

    def contents(self, kind: int = NOTE, now: float = 0.0) -> list[bytes]:
        """The bytes of the values that exist."""
        return [value.value.value for value in self.get(kind, now).values if value.value.exists]


@pytest.fixture(scope="session")
def world() -> World:
    def key(label: str) -> Any:
        return derive_key("storage tests", label)

    root = Authority.create("Root", key("root"), serial=1, not_before=-YEAR, not_after=10 * YEAR)
    other = Authority.create("Other", key("other"), serial=2, not_before=-YEAR, not_after=10 * YEAR)

    def credential(
        authority: Authority, name: str, user: str, nodes: tuple[str, ...], not_after: float = 5 * YEAR
    ) -> Credential:
        node_ids = tuple(node(each) for each in nodes)
        der = authority.issue(
            key(name).public_key(),
            node_ids=node_ids,
            user=f"{user}@{OVERLAY}",
            overlay=OVERLAY,
            serial=int.from_bytes(node(name)[:8], "big"),
            not_before=-YEAR,
            not_after=not_after,
        )
        return Credential(node_ids=node_ids, user=f"{user}@{OVERLAY}", certificate=der, private_key=key(name))

    owners = {
        "alice": credential(root, "alice", "alice", ("alice",)),
        "alice's phone": credential(root, "alice's phone", "alice", ("alice's phone",)),
        "alice's two": credential(root, "alice's two", "alice", ("one", "two")),
        "alice until 100": credential(root, "alice until 100", "alice", ("short",), 100.0),
        "bob": credential(root, "bob", "bob", ("bob",)),
    }
    kinds = (
        IANA_KINDS.with_kind(KindSpec(NOTE, "NOTE", DataModel.SINGLE, AccessPolicy.USER_MATCH, 1, 100))
        .with_kind(KindSpec(LIST, "LIST", DataModel.ARRAY, AccessPolicy.USER_MATCH, 4, 100))
        .with_kind(KindSpec(BOOK, "BOOK", DataModel.DICTIONARY, AccessPolicy.USER_MATCH, 3, 100))
        .with_kind(KindSpec(DIRECTORY, "DIRECTORY", DataModel.DICTIONARY, AccessPolicy.NODE_ID_MATCH, 8, 100))
    )
    return World(
        owners=owners,
        stranger=credential(other, "stranger", "alice", ("stranger",)),
        trust=TrustStore(OVERLAY, [root.certificate]),
        kinds=kinds,
    )
