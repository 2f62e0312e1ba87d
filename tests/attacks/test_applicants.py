"""The attackers who enroll: what they ask for, and what they get where nothing stops them."""

from __future__ import annotations

from typing import Any

import pytest

from p2psip_min import procedures
from p2psip_min.attacks.applicants import (
    CredentialThief,
    Enrolled,
    FloodingHost,
    FreshIdentity,
    ManyIdentities,
    enrolled,
)
from p2psip_min.defences import Defences
from p2psip_min.errors import EnrollmentReason
from p2psip_min.overlay import Overlay
from p2psip_min.trace import EnrollmentRejected


def means(overlay: Overlay, addresses: int = 3, keys: int = 5) -> dict[str, Any]:
    """What mallory has."""
    account, password = overlay.provider.open_account("mallory")
    return {
        "visitors": [overlay.operations.errand((f"10.66.6.{number}", 1)) for number in range(addresses)],
        "account": account,
        "password": password,
        "configuration": overlay.provider.configuration,
        "keys": [overlay.provider.key(f"mallory {number}") for number in range(keys)],
    }


def test_her_own_account_comes_first_and_invented_ones_after() -> None:
    with Overlay(peers=1, defences=Defences().having("identity-cap")) as overlay:
        many = ManyIdentities(**means(overlay))
        assert [overlay.run(many.once()) for _ in range(3)] == [True, True, True]
        accounts = overlay.provider.registrar.ledger.accounts
        assert [name for name in accounts if accounts[name].identities and "operator" not in name][1:] == [
            many.account,
            f"nobody3@{overlay.name}",
            f"nobody2@{overlay.name}",
        ]
        assert len({got.node_id for got in many.got}) == 3


def test_she_pays_when_she_must_and_while_she_can() -> None:
    with Overlay(peers=1, defences=Defences().having("enrollment-charge")) as overlay:
        many = ManyIdentities(**means(overlay), coupons=[overlay.provider.sell() for _ in range(2)])
        assert [overlay.run(many.once()) for _ in range(4)] == [True, True, False, False]
        assert (many.paid, many.coupons) == (2, [])
    with Overlay(peers=1, defences="none") as overlay:
        many = ManyIdentities(**means(overlay), coupons=[b"coupon"])
        assert overlay.run(many.once())
        assert (many.paid, many.coupons) == (0, [b"coupon"])


def test_another_node_id_is_one_that_she_never_had() -> None:
    with Overlay(peers=1, defences="none") as overlay:
        had = means(overlay)
        fresh = FreshIdentity(had.pop("visitors")[0], **had, had=[])
        assert overlay.run(fresh.once())
        fresh.keys.append(fresh.keys[-1])
        fresh.had.clear()
        assert [overlay.run(fresh.once()) for _ in range(2)] == [True, False]


def test_what_comes_of_a_request() -> None:
    with Overlay(peers=1) as overlay:
        had = means(overlay)
        visitor, key = had["visitors"][0], had["keys"][0]
        asking = [visitor, key, had["account"], had["password"], had["configuration"]]
        assert isinstance(overlay.run(enrolled(*asking)), Enrolled)
        overlay.advance(200.0)
        assert overlay.run(enrolled(*asking)) is EnrollmentReason.RENEWAL_TOO_EARLY
        overlay.servers_off()
        assert overlay.run(enrolled(*asking)) is EnrollmentReason.BUSY


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        (None, EnrollmentReason.FAILED_AUTHENTICATION),
        ("enrollment-rate", EnrollmentReason.RATE_LIMITED),
        ("client-puzzle", EnrollmentReason.FAILED_AUTHENTICATION),
    ],
)
def test_a_flooding_host_keeps_its_connections_busy(name: str | None, reason: EnrollmentReason) -> None:
    defences = Defences().having("strong-identity", *([name] if name else []))
    with Overlay(peers=1, defences=defences, service_time=0.2) as overlay:
        visitors = [overlay.operations.errand((f"10.66.6.6{port}", 1)) for port in range(8)]
        host = FloodingHost(visitors, overlay.provider.key("bot"), lambda: overlay.now, 6.0)
        if name == "enrollment-rate":
            host.visitors = visitors[:1]
        overlay.run(host.run())
        reasons = {event.reason for event in overlay.events if isinstance(event, EnrollmentRejected)}
        assert reason in reasons
        assert host.asked >= 3
        assert 6.0 < overlay.now < 16.0


def test_a_stolen_credential_is_used_as_any_other() -> None:
    with Overlay(peers=6, clients=("alice", "bob"), defences="reload", links="plain") as overlay:
        overlay.register("alice")
        double = overlay.double("alice")
        assert double.phone is not None
        thief = CredentialThief(double.phone.register, lambda: overlay.now)
        overlay.run(thief.use())
        assert (thief.tried, thief.accepted) == (1, [])  # nobody serves him yet
        haunt = next(
            each for each in overlay.peers() if each.node_id not in overlay.node("alice").peer.topology.table()
        )
        overlay.run(procedures.serve_client(double.peer, haunt.address))
        overlay.run(thief.use())
        assert (thief.tried, len(thief.accepted)) == (2, 1)
        overlay.call("bob", "alice")
        assert (len(double.phone.calls), overlay.phone("alice").calls) == (1, [])
