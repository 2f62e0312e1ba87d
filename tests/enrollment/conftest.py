"""One overlay's authority, and a registrar before it."""

from __future__ import annotations

import random

import pytest

from p2psip_min.enrollment.authority import Authority
from p2psip_min.enrollment.certificates import Credential
from p2psip_min.enrollment.keys import derive_key
from p2psip_min.enrollment.policy import DAY
from p2psip_min.enrollment.registrar import Registrar
from p2psip_min.enrollment.trust import TrustStore
from p2psip_min.ids import NodeID
from p2psip_min.trace import Trace

OVERLAY = "overlay.example.org"
ALICE = f"alice@{OVERLAY}"
BOB = f"bob@{OVERLAY}"
NODE = NodeID(bytes(range(16)))


@pytest.fixture(scope="session")
def authority() -> Authority:
    return Authority.create("Root", derive_key(7, "authority"), serial=1, not_before=-DAY, not_after=3650 * DAY)


@pytest.fixture
def trust(authority: Authority) -> TrustStore:
    return TrustStore(OVERLAY, [authority.certificate])


@pytest.fixture
def registrar(authority: Authority) -> Registrar:
    made = Registrar(OVERLAY, authority, random.Random("7:enrollment"), trace=Trace())
    made.open_account(ALICE, "sesame")
    made.open_account(BOB, "tulip")
    return made


@pytest.fixture
def alice(registrar: Registrar) -> Credential:
    return registrar.issue_offline(derive_key(7, "alice"), ALICE, "sesame", 0.0)
