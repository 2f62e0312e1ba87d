"""Protections of what others may learn (draft 7.2.11)."""

from __future__ import annotations

from dataclasses import dataclass

from p2psip_min.defences.base import DRAFT, Defence
from p2psip_min.routing.cover import CoverPolicy, CoverQueries, NoCover
from p2psip_min.routing.quota import NoQuota, QueryQuota, QuotaPolicy
from p2psip_min.storage.blinding import BlindedNames, NamesPolicy, PlainNames
from p2psip_min.storage.encryption import ForReaders, InClear, ValueEncryptionPolicy
from p2psip_min.storage.redundancy import ObscurePlaces, OnePlace


@dataclass(frozen=True, kw_only=True)
class PrivacyDefences:
    """What keeps others from learning who talks to whom."""

    value_encryption: ValueEncryptionPolicy = InClear()
    query_quota: QuotaPolicy = NoQuota()
    cover: CoverPolicy = NoCover()
    names_of_places: NamesPolicy = PlainNames()


PRIVACY: tuple[Defence, ...] = (
    Defence(
        name="value-encryption",
        title="Encryption for readers",
        field="value_encryption",
        on=ForReaders(),
        off=InClear(),
        checks="only readers whom the owner has named can open a value",
        stops="reading by forwarders, storing peers and strangers; not counting the readers",
        cost="about 60 bytes a value and 32 a reader, one more Kind in each Fetch",
        section="draft 7.2.11, Req. 11",
        presets=(DRAFT,),
    ),
    Defence(
        name="query-quota",
        title="Quota of queries",
        field="query_quota",
        on=QueryQuota(),
        off=NoQuota(),
        checks="over one link at most six different records are asked for in a minute",
        stops="harvesting fast through one peer; whoever goes from peer to peer is counted by none for the whole",
        cost="a memory of a minute, and waiting for those who ask much",
        section="draft 11.6",
        number=lambda names: QueryQuota(int(names)),
    ),
    Defence(
        name="cover-queries",
        title="Cover queries",
        field="cover",
        on=CoverQueries(),
        off=NoCover(),
        checks="each call is set up among three that are not meant, the same three each time",
        stops="telling who calls whom, a part of it: one of four is right; on a line only with TLS, and not the talk",
        cost="three more lookups and set-ups a call, 1024 bytes a SIP message, and up to a second of waiting",
        section="draft 7.2.11",
        number=lambda count: CoverQueries(int(count)),
    ),
    Defence(
        name="blinded-names",
        title="Blinded resource names",
        field="names_of_places",
        on=BlindedNames(),
        off=PlainNames(),
        checks="who names readers registers where his name and a secret say that he shares with them",
        stops="whoever has a name and not the secret; not those who store the record, nor one who reads his account",
        cost="a secret a user, told outside the overlay, and another one when a reader is struck off",
        section="draft 7.2.11, 11.6",
    ),
    Defence(
        name="obscure-names",
        title="Obscure resource names",
        field="places",
        on=ObscurePlaces(),
        off=OnePlace(),
        checks="a record lies where its hashed name, hashed again with a constant, says",
        stops="those who do not have the overlay's software",
        cost="no bytes",
        section="draft 11.6",
        decoy=True,
    ),
)
