"""Protections of what others may learn (draft 7.2.11)."""

from __future__ import annotations

from dataclasses import dataclass

from p2psip_min.defences.base import DRAFT, Defence
from p2psip_min.storage.encryption import ForReaders, InClear, ValueEncryptionPolicy


@dataclass(frozen=True, kw_only=True)
class PrivacyDefences:
    """What keeps others from learning who talks to whom."""

    value_encryption: ValueEncryptionPolicy = InClear()


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
)
