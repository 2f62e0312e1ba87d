"""Certificates that are renewed: by nodes themselves where they live for a short time, and once more after a loss."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from p2psip_min import procedures
from p2psip_min.defences import preset
from p2psip_min.enrollment.client import enroll
from p2psip_min.enrollment.freshness import NeverExpires, NoNonce
from p2psip_min.enrollment.holdings import Perpetual, Renewal, ShortLife
from p2psip_min.enrollment.keys import derive_key
from p2psip_min.enrollment.pkcs10 import certificate_request
from p2psip_min.enrollment.policy import RESEND, EnrollmentRequest, Refusal
from p2psip_min.enrollment.registrar import Issued, Registrar
from p2psip_min.errors import EnrollmentReason, LinkReason
from p2psip_min.overlay import Overlay
from p2psip_min.trace import EnrollmentGranted
from tests.enrollment.conftest import ALICE

LIFE = 200.0
KEY = derive_key(7, "alice")


@pytest.fixture(params=["plain", "tls"])
def overlay(request: pytest.FixtureRequest) -> Iterator[Overlay]:
    defences = replace(preset("reload").having("short-life"), certificate_life=ShortLife(LIFE))
    with Overlay(peers=6, clients=("alice", "bob"), defences=defences, links=request.param, seed=2) as made:
        yield made


def test_only_a_short_life_is_renewed_by_nodes() -> None:
    assert [life.automatic for life in (Perpetual(), Renewal(), ShortLife())] == [False, False, True]
    assert ShortLife(100.0).interval == 50.0


def test_nodes_go_on_under_one_certificate_after_another(overlay: Overlay) -> None:
    before = {node.name: node.peer.parts.identity for node in overlay.nodes.values()}
    since = len(overlay.trace)
    for _ in range(6):
        overlay.advance(LIFE / 2)
        overlay.register("alice")
        assert overlay.call("bob", "alice") == overlay.node("alice").node_id
    for node in overlay.nodes.values():
        now, then = node.peer.parts.identity, before[node.name]
        assert (now.node_ids, now.user, now.private_key) == (then.node_ids, then.user, then.private_key)
        assert overlay.provider.trust().refusal(now.certificate, node.node_id, overlay.now) is None
        assert overlay.provider.trust().refusal(then.certificate, node.node_id, overlay.now) is LinkReason.EXPIRED
    granted = [each for each in overlay.events[since:] if isinstance(each, EnrollmentGranted)]
    assert len(granted) >= 4 * len(overlay.nodes)


def test_newcomers_still_believe_the_configuration(overlay: Overlay) -> None:
    overlay.advance(3 * LIFE)
    assert overlay.add_peer("dora") in overlay.peers()


def test_without_a_server_a_short_life_is_over_soon(overlay: Overlay) -> None:
    """The price: what lives for a short time depends on who renews it (draft 7.2.1)."""
    overlay.servers_off()
    overlay.advance(2 * LIFE)
    one, other = overlay.peers()[:2]
    assert other.peer.trust.refusal(one.peer.parts.identity.certificate, None, overlay.now) is LinkReason.EXPIRED
    overlay.servers_on()
    overlay.advance(2 * LIFE)
    assert overlay.run(procedures.ping(one.peer, other.node_id)) == other.node_id


# --- once more --------------------------------------------------------------------------------------------------------


def ask(registrar: Registrar, now: float, nonce: bytes) -> Issued | Refusal:
    csr = certificate_request(KEY, ALICE, nonce)
    return registrar.enroll(EnrollmentRequest(account=ALICE, password="sesame", csr=csr), now)


def test_a_lost_answer_is_given_again(registrar: Registrar) -> None:
    first = ask(registrar, 0.0, registrar.challenge(0.0))
    again = ask(registrar, RESEND - 1, registrar.challenge(RESEND - 1))
    assert isinstance(first, Issued)
    assert again == first
    assert len(registrar.ledger.accounts[ALICE].identities) == 1
    late = ask(registrar, RESEND, registrar.challenge(RESEND))
    assert isinstance(late, Refusal)
    assert late.reason is EnrollmentReason.RENEWAL_TOO_EARLY


def test_a_replayed_request_is_no_lost_answer(registrar: Registrar) -> None:
    nonce = registrar.challenge(0.0)
    assert isinstance(ask(registrar, 0.0, nonce), Issued)
    again = ask(registrar, 1.0, nonce)
    assert isinstance(again, Refusal)
    assert again.reason is EnrollmentReason.NONCE_USED
    registrar.policy = replace(registrar.policy, nonce=NoNonce(), expiry=NeverExpires())
    again = ask(registrar, 1.0, nonce)
    assert isinstance(again, Refusal)
    assert again.reason is EnrollmentReason.RENEWAL_TOO_EARLY


def test_a_revoked_certificate_is_not_given_again(registrar: Registrar) -> None:
    first = ask(registrar, 0.0, registrar.challenge(0.0))
    assert isinstance(first, Issued)
    registrar.revoke(first.node_ids[0])
    again = ask(registrar, 1.0, registrar.challenge(1.0))
    assert isinstance(again, Refusal)
    assert again.reason is EnrollmentReason.REVOKED


def test_who_loses_an_answer_asks_the_next_server_and_has_it() -> None:
    with Overlay(peers=1, servers=2) as overlay:
        place = ("10.9.9.9", 49152)
        sizes: list[int] = []

        def lose(data: bytes) -> list[tuple[float, bytes]]:
            sizes.append(len(data))
            # All that comes after the handshakes, the configuration and the nonce: the certificate.
            return [] if len(sizes) > 9 and 700 < len(data) < 1500 else [(0.0, data)]

        overlay.network.on_path(overlay.servers["enroll"].address, place, lose)
        errand = overlay.operations.errand(place)
        login = overlay.provider.open_account("dora")
        _, credential = overlay.run(enroll(errand, overlay.provider.key("dora"), *login))
        assert credential.user == overlay.aor("dora")
        identities = overlay.provider.registrar.ledger.accounts[overlay.aor("dora")].identities
        assert [identity.node_ids for identity in identities] == [credential.node_ids]
