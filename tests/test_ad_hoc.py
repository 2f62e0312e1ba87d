"""Overlays that nobody enrolls (draft 7.2.2): three people, their own certificates, perhaps a password."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from cryptography import x509

from p2psip_min import procedures
from p2psip_min import trace as events
from p2psip_min.defences import preset
from p2psip_min.deployments import ad_hoc
from p2psip_min.enrollment.certificates import Certificate, build, self_signed, self_signed_ids
from p2psip_min.enrollment.keys import derive_key
from p2psip_min.errors import DropReason, LinkReason, LinkRefused, LocalProtocolError, RemoteFault
from p2psip_min.ids import ResourceID
from p2psip_min.overlay import Overlay
from p2psip_min.wire.messages import PingReq

USERS = ("alice", "bob", "carol")


@pytest.fixture(params=["plain", "tls", "secret"])
def overlay(request: pytest.FixtureRequest) -> Iterator[Overlay]:
    secret = request.param == "secret"
    with ad_hoc(secret=secret, seed=4, **({} if secret else {"links": request.param})) as made:
        yield made


def test_three_people_register_and_call_each_other(overlay: Overlay) -> None:
    for user in USERS:
        overlay.register(user)
    for caller in USERS:
        for callee in USERS:
            if caller != callee:
                assert overlay.call(caller, callee) == overlay.node(callee).node_id


def test_node_ids_are_digests_of_keys_and_nothing_has_a_root(overlay: Overlay) -> None:
    for user in USERS:
        credential = overlay.node(user).peer.parts.identity
        assert credential.node_ids == self_signed_ids(credential.private_key.public_key(), "sha256")
        found = overlay.provider.trust().check(credential.certificate, now=overlay.now)
        assert isinstance(found, Certificate)
        assert found.user == overlay.aor(user)
    assert overlay.provider.configuration.roots == ()
    assert overlay.provider.configuration.enrollment_servers == ()


def test_a_fourth_comes_and_one_goes(overlay: Overlay) -> None:
    overlay.register("alice")
    dora = overlay.add_peer("dora")
    assert dora in overlay.peers()
    overlay.leave("carol")
    assert overlay.call("bob", "alice") == overlay.node("alice").node_id


def test_the_configuration_changes_by_its_signers_word(overlay: Overlay) -> None:
    overlay.reconfigure(turn_density=5)
    overlay.advance(10.0)
    assert len(overlay.followers()) == 3


def test_nobody_takes_the_name_of_a_node_that_he_has_no_key_for(overlay: Overlay) -> None:
    alice, bob = overlay.node("alice"), overlay.node("bob")
    key, node_ids = derive_key(1, "mallory"), alice.peer.parts.identity.node_ids
    forged = build(
        key=key, issuer=x509.Name([]), public_key=key.public_key(), node_ids=node_ids, user=overlay.aor("alice"),
        overlay=overlay.name, serial=5, not_before=0.0, not_after=1e6,
    )  # fmt: skip
    assert overlay.provider.trust().check(forged, now=1.0) is LinkReason.WRONG_NODE_ID
    shown = replace(alice.peer.parts.identity, certificate=forged, private_key=key)
    overlay.crash("alice")
    mallory = overlay.new_peer("mallory", credential=shown)
    mallory.peer.links.learn(bob.node_id, bob.address)
    before = len(overlay.trace)
    with pytest.raises(RemoteFault):
        overlay.run(mallory.peer.request((bob.node_id,), PingReq(), next_hop=bob.node_id))
    dropped = [each for each in overlay.events[before:] if isinstance(each, events.MessageDropped)]
    assert {each.reason for each in dropped if each.node == bob.node_id} == {DropReason.CERTIFICATE_REFUSED}


@pytest.mark.parametrize("forge", [lambda word: word + "x", lambda word: ""])
def test_without_the_password_nobody_gets_a_link(forge: Callable[[str], str]) -> None:
    with ad_hoc(secret=True) as overlay:
        word = overlay.provider.configuration.shared_secret
        assert word
        bob = overlay.node("bob")
        stranger = overlay.new_peer("mallory")
        stranger.peer.links.password = forge(word).encode()  # type: ignore[attr-defined]
        with pytest.raises(LinkRefused) as refused:
            overlay.run(stranger.peer.links.connect(bob.node_id, bob.address))
        assert refused.value.reason is LinkReason.WRONG_PASSWORD


def test_self_signed_certificates_count_only_where_they_are_permitted() -> None:
    with Overlay(peers=3, links="plain") as overlay:
        key = derive_key(1, "mallory")
        own = self_signed(key, user="m@x.org", overlay=overlay.name, serial=5, not_before=0.0, not_after=1e6)
        assert overlay.provider.trust().check(own.certificate, now=1.0) is LinkReason.UNKNOWN_CA
        stranger = overlay.new_peer("mallory", credential=own)
        with pytest.raises(RemoteFault):
            overlay.run(procedures.ping(stranger.peer, ResourceID.of("x")))


def test_there_is_no_server_to_enroll_with() -> None:
    with pytest.raises(ValueError, match="servers=0"):
        Overlay(peers=3, self_signed=True)
    with ad_hoc(links="plain") as overlay, pytest.raises(LocalProtocolError):
        overlay.operations.errand(("10.9.9.9", 1))


def test_an_overlay_of_its_own_is_the_same_in_each_run() -> None:
    digests = []
    for _ in range(2):
        with ad_hoc(defences=preset("reload"), links="plain", seed=9) as overlay:
            overlay.register("alice")
            digests.append(overlay.digest())
    assert digests[0] == digests[1]
