"""Every reason for which anybody says no is given by the product, and has a test."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from p2psip_min.errors import (
    CallReason,
    ConfigurationReason,
    DropReason,
    EnrollmentReason,
    JoinReason,
    LinkReason,
    PacketReason,
    ReadReason,
    Reason,
    ReportReason,
    RootReason,
    StoreReason,
    SuspicionReason,
)

ROOT = Path(__file__).parent.parent
VOCABULARIES = (
    CallReason,
    ConfigurationReason,
    DropReason,
    EnrollmentReason,
    JoinReason,
    LinkReason,
    PacketReason,
    ReadReason,
    ReportReason,
    RootReason,
    StoreReason,
    SuspicionReason,
)
MEMBERS = [member for vocabulary in VOCABULARIES for member in vocabulary]

BY_NAME = {ReadReason: "ReadReason[", LinkReason: "LinkReason("}
"""Vocabularies of which the product also makes members from names or values."""


@cache
def text(folder: str) -> str:
    """All modules of a folder, but for the vocabularies themselves and this test."""
    files = sorted((ROOT / folder).rglob("*.py"))
    return "\n".join(file.read_text() for file in files if file.name != "errors.py" and file != Path(__file__))


def test_no_vocabulary_is_left_out() -> None:
    assert set(VOCABULARIES) == set(Reason.__subclasses__())


@pytest.mark.parametrize("member", MEMBERS, ids=lambda member: f"{type(member).__name__}.{member.name}")
def test_every_reason_is_given_and_tested(member: Reason) -> None:
    name = f"{type(member).__name__}.{member.name}"
    made = BY_NAME.get(type(member))
    assert name in text("p2psip_min") or name in text("lab") or (made is not None and made in text("p2psip_min"))
    assert name in text("tests"), f"no test mentions {name}"
