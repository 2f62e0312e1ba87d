"""Whether a credential is used from two places at once (draft 7.2.6): who stores a registration sees where its user is.

One registration may follow another from elsewhere: its user has moved. One that comes *back*, to where he was before, a
little later: there are two of him, or he goes to and fro. The three signed values show it to anybody, and nobody but
the credential's holders could have made them, so whoever stores them can't accuse anybody falsely.

What it misses: a thief after whom the owner never registers, and one who takes his time. A phone that goes to and fro
looks the same here; whether two machines answer at once, ``procedures.alarm`` asks before it raises the alarm.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from p2psip_min.errors import StoreReason
from p2psip_min.storage.policies import CertificateFor, OwnerSignature, Signer
from p2psip_min.wire.data import StoredData
from p2psip_min.wire.kinds import SIP_REGISTRATION
from p2psip_min.wire.messages import StoreReq

WATCHED = SIP_REGISTRATION
"""The Kind whose values say where somebody is."""

MOST = 4096
"""Registrations that are remembered; beyond, the oldest is forgotten."""

Trio = tuple[StoredData, StoredData, StoredData]
"""Here, there, and here again."""


class Watch(Protocol):
    """What a storing peer remembers of where users were."""

    def note(self, resource: bytes, key: bytes, stored: StoredData) -> Trio | None:
        """Take a value that was stored; the three that show a second user, once."""


class SecondUsePolicy(Protocol):
    """Whether storing peers look for credentials that are used twice, and within how many seconds."""

    @property
    def window(self) -> float: ...

    def start(self) -> Watch | None:
        """What to remember with; None where nobody looks."""


@dataclass(frozen=True, slots=True)
class NoAlarm:
    """Nobody looks."""

    window: float = 0.0

    def start(self) -> Watch | None:
        """Nothing."""
        return None


@dataclass(frozen=True, slots=True)
class SecondUseAlarm:
    """A registration that comes back within ``window`` seconds raises an alarm."""

    window: float = 300.0

    def start(self) -> Watch | None:
        """An empty memory."""
        return Sightings(self.window)


class Sightings:
    """The last two places of each user, with the youngest value from each."""

    def __init__(self, window: float) -> None:
        self._window = window
        self._last: dict[tuple[bytes, bytes], list[StoredData]] = {}

    def note(self, resource: bytes, key: bytes, stored: StoredData) -> Trio | None:
        """Compare with the place before the last one."""
        if not stored.value.exists:
            return None  # who has signed off is nowhere, and may come back to where he was
        seen = self._last.setdefault((resource, key), [])
        if seen and stored.storage_time <= seen[-1].storage_time:
            return None  # an old one, sent again
        if seen and stored.value == seen[-1].value:
            seen[-1] = stored
            return None
        seen.append(stored)
        while len(self._last) > MOST:
            del self._last[next(iter(self._last))]
        if len(seen) < 3:
            return None
        first, second, third = seen
        del seen[0]
        trio = (first, second, third)
        return trio if came_back(trio, self._window) else None


def came_back(trio: Trio, window: float) -> bool:
    """Whether three values say: here, there, and here again within ``window`` seconds."""
    first, second, third = trio
    rising = first.storage_time < second.storage_time < third.storage_time
    soon = third.storage_time - first.storage_time <= window * 1000
    return rising and soon and second.value.exists and first.value == third.value != second.value


def second_use(request: StoreReq, certificate_for: CertificateFor, window: float) -> Signer | None:
    """Whose credential is used twice, if the three values in ``request`` show it and are all signed with it."""
    values = [value for group in request.kind_data for value in group.values]
    if len(request.kind_data) != 1 or request.kind_data[0].kind != WATCHED or len(values) != 3:
        return None
    first, second, third = values
    if not came_back((first, second, third), window):
        return None
    signature = OwnerSignature()
    signers = [signature.authenticate(request.resource, WATCHED, value, certificate_for) for value in values]
    found = [signer for signer in signers if signer is not None and not isinstance(signer, StoreReason)]
    return found[0] if len(found) == 3 and len({signer.der for signer in found}) == 1 else None
