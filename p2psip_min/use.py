"""What users and nodes do in a running overlay, as calls that block: register, call, look up, store, fetch."""

from __future__ import annotations

from p2psip_min import procedures
from p2psip_min.application.telephone import Telephone
from p2psip_min.construction import Node
from p2psip_min.ids import NodeID, ResourceID
from p2psip_min.node import Surroundings
from p2psip_min.procedures.records import Stored, fetch, store
from p2psip_min.wire.data import APPEND, ArrayEntry, DictionaryEntry, SingleValue, StoredDataValue
from p2psip_min.wire.kinds import AccessPolicy, DataModel
from p2psip_min.world import World


class Use(World):
    """A world with named nodes and Kinds in it."""

    surroundings: Surroundings

    def node(self, name: str | NodeID) -> Node:
        """A node by name or Node-ID; KeyError lists the known names."""
        raise NotImplementedError

    def phone(self, user: str) -> Telephone:
        """The phone of a client."""
        phone = self.node(user).phone
        if phone is None:
            raise KeyError(f"{user} has no phone; clients have one")
        return phone

    def register(self, user: str) -> None:
        """Store where ``user`` is."""
        self.run(self.phone(user).register())

    def call(self, caller: str, callee: str) -> NodeID:
        """Have ``caller`` call the AOR of ``callee``; returns the node that answered."""
        return self.run(self.phone(caller).call(self.aor(callee)))

    def resolve(self, reader: str, user: str) -> tuple[tuple[bytes, ...], ...]:
        """The routes to ``user`` that ``reader`` believes."""
        return self.run(self.phone(reader).resolve(self.aor(user)))

    def lookup(self, start: str, key: ResourceID) -> NodeID:
        """Ping whoever is responsible for ``key`` from a node."""
        return self.run(procedures.ping(self.node(start).peer, key))

    def allow(self, owner: str, *readers: str) -> None:
        """Let only these users, and the owner, read what ``owner`` stores from now on; nobody named: everybody."""
        named = [self.node(reader).peer.parts.identity for reader in readers]
        self.node(owner).peer.readers = {each.user: each.certificate for each in named}
        phone, others = self.node(owner).phone, [self.node(reader).phone for reader in readers]
        if phone is not None:
            phone.share_place(*[each for each in others if each is not None])

    def place_of(self, owner: str, kind: int, *, iteration: int = 1) -> ResourceID:
        """Where the Kind's access policy lets ``owner`` store (RFC 6940 §7.3); ``iteration`` for NODE-MULTIPLE."""
        node = self.node(owner)
        access = self.surroundings.kinds[kind].access
        if access is AccessPolicy.NODE_MATCH:
            return ResourceID.of(bytes(node.node_id))
        if access is AccessPolicy.NODE_MULTIPLE:
            return ResourceID.of(bytes(node.node_id) + bytes((iteration,)))
        return ResourceID.of(node.user)

    def put(
        self, owner: str, kind: int, value: bytes, *, index: int = APPEND, iteration: int = 1, lifetime: int = 3600
    ) -> Stored:
        """Store a value of ``owner`` in its place; ``index`` for arrays. Raises ErrorAnswer or RequestTimedOut."""
        return self._put(owner, kind, True, value, index, iteration, lifetime)

    def remove(self, owner: str, kind: int, *, index: int = 0, iteration: int = 1, lifetime: int = 3600) -> Stored:
        """Put a tombstone in the place of a value of ``owner``."""
        return self._put(owner, kind, False, b"", index, iteration, lifetime)

    def get(self, reader: str, owner: str, kind: int, *, iteration: int = 1) -> tuple[bytes, ...]:
        """The values of ``owner`` that ``reader`` believes; raises NotFound or RequestTimedOut."""
        place = self.place_of(owner, kind, iteration=iteration)
        values = self.run(fetch(self.node(reader).peer, place, kind))
        return tuple(value.stored.value.value for value in values)

    def _put(
        self, owner: str, kind: int, exists: bool, value: bytes, index: int, iteration: int, lifetime: int
    ) -> Stored:
        node, model = self.node(owner), self.surroundings.kinds[kind].model
        entry: StoredDataValue = SingleValue(exists, value)
        if model is DataModel.ARRAY:
            entry = ArrayEntry(index, exists, value)
        elif model is DataModel.DICTIONARY:
            entry = DictionaryEntry(bytes(node.node_id), exists, value)
        place = self.place_of(owner, kind, iteration=iteration)
        return self.run(store(node.peer, place, kind, (entry,), lifetime=lifetime))
