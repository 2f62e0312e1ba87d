"""Whose certificate counts at a first meeting."""

from __future__ import annotations

import pytest

from p2psip_min.enrollment.authority import Authority
from p2psip_min.enrollment.certificates import Certificate, Credential
from p2psip_min.enrollment.introduction import AnyAuthority, IntroductionPolicy, NoIntroduction, OverlayAuthority
from p2psip_min.enrollment.keys import derive_key
from p2psip_min.enrollment.policy import DAY
from p2psip_min.enrollment.trust import TrustStore
from p2psip_min.errors import LinkReason
from tests.enrollment.conftest import ALICE, NODE, OVERLAY

OTHER = Authority.create("Other", derive_key(8, "authority"), serial=1, not_before=-DAY, not_after=3650 * DAY)


def issued(overlay: str) -> bytes:
    """A certificate of another authority."""
    return OTHER.issue(
        derive_key(8, "alice").public_key(), node_ids=(NODE,), user=ALICE, overlay=overlay, serial=5,
        not_before=0.0, not_after=DAY,
    )  # fmt: skip


@pytest.mark.parametrize("policy", [AnyAuthority(), OverlayAuthority(), NoIntroduction()])
def test_the_overlays_own_certificates_are_taken_by_all(
    policy: IntroductionPolicy, trust: TrustStore, alice: Credential
) -> None:
    assert isinstance(policy.judge(alice.certificate, trust, 10.0), Certificate)


def test_only_the_pinned_authority_tells_the_overlays_apart(trust: TrustStore) -> None:
    assert OverlayAuthority().judge(issued(OVERLAY), trust, 10.0) is LinkReason.UNKNOWN_CA
    assert isinstance(AnyAuthority().judge(issued(OVERLAY), trust, 10.0), Certificate)


def test_any_authority_means_a_valid_certificate_for_this_name(trust: TrustStore) -> None:
    assert AnyAuthority().judge(issued("other.example.org"), trust, 10.0) is LinkReason.WRONG_OVERLAY
    assert AnyAuthority().judge(issued(OVERLAY), trust, -1.0) is LinkReason.NOT_YET_VALID
    assert AnyAuthority().judge(issued(OVERLAY), trust, DAY) is LinkReason.EXPIRED
    assert AnyAuthority().judge(b"nonsense", trust, 10.0) is LinkReason.BAD_PROFILE


def test_nobody_is_asked_where_nothing_is_certified() -> None:
    assert not NoIntroduction().certified
    assert AnyAuthority().certified
    assert OverlayAuthority().certified
