"""Enrollment in a running overlay: servers on and off, newcomers, revocation, and how a configuration spreads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from p2psip_min import procedures
from p2psip_min import trace as events
from p2psip_min.enrollment.configuration import MAX_SEQUENCE, kind_block, newer, publish
from p2psip_min.enrollment.keys import derive_key
from p2psip_min.errors import (
    ConfigurationReason,
    DropReason,
    EnrollmentReason,
    EnrollmentRefused,
    ErrorAnswer,
    LinkReason,
    LinkRefused,
    LocalProtocolError,
    NotFound,
    RemoteFault,
)
from p2psip_min.ids import ResourceID
from p2psip_min.overlay import Overlay
from p2psip_min.procedures.configure import send_configuration, take
from p2psip_min.transport.tls import TlsIdentity
from p2psip_min.transport.tls_links import TlsLinks
from p2psip_min.wire.data import SingleValue
from p2psip_min.wire.kinds import AccessPolicy, DataModel, KindSpec
from p2psip_min.wire.messages import ConfigUpdateReq, ConfigUpdateType, ErrorCode, PingReq

NOTE = KindSpec(0xF0000001, "note", DataModel.SINGLE, AccessPolicy.USER_MATCH, 1, 200)
LIST = KindSpec(0xF0000002, "list", DataModel.ARRAY, AccessPolicy.NODE_MATCH, 8, 200)


@pytest.fixture(params=["plain", "tls"])
def links(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def overlay(links: str) -> Iterator[Overlay]:
    with Overlay(
        peers=12, clients=("alice", "bob"), links=links, seed=4, servers=2, kinds=(NOTE,), max_message_size=8000
    ) as made:
        yield made


# --- servers ----------------------------------------------------------------------------------------------------------


def test_newcomers_enroll_with_a_server_over_the_network(overlay: Overlay) -> None:
    before = len(overlay.trace)
    start = overlay.now
    node = overlay.add_peer("dora")
    client = overlay.add_client("carl")
    granted = list(overlay.trace.select(events.EnrollmentGranted, since=before))
    assert [event.node for event in granted] == [overlay.servers["enroll"].node_id] * 2
    assert [event.node_id for event in granted] == [node.node_id, client.node_id]
    assert granted[0].t > start
    assert node in overlay.peers()
    assert node.peer.configuration.document == overlay.provider.configuration.document
    assert {"enroll", "enroll2"} == set(overlay.overview()["servers"])


def test_one_server_stands_in_for_another_before_the_same_ledger(overlay: Overlay) -> None:
    first = overlay.enroll("carl")
    overlay.servers_off("enroll")
    assert overlay.enroll("carl").certificate == first.certificate  # its answer might have been lost
    overlay.advance(200.0)
    with pytest.raises(EnrollmentRefused) as refused:
        overlay.enroll("carl")
    assert refused.value.reason is EnrollmentReason.RENEWAL_TOO_EARLY
    assert overlay.enroll("dora").user == overlay.aor("dora")
    (*_, granted) = overlay.trace.select(events.EnrollmentGranted)
    assert granted.node == overlay.servers["enroll2"].node_id


def test_with_all_servers_off_members_do_all_that_they_did(overlay: Overlay) -> None:
    """Requirement 1 of the draft."""
    joining, leaving = overlay.new_peer("dora"), overlay.peers()[3]
    overlay.servers_off()
    overlay.run(overlay.join(joining))
    assert joining in overlay.peers()
    overlay.register("alice")
    overlay.put("bob", NOTE.id, b"hello")
    overlay.leave(leaving.name)
    assert overlay.call("bob", "alice") == overlay.node("alice").node_id
    assert overlay.get("alice", "bob", NOTE.id) == (b"hello",)
    overlay.remove("bob", NOTE.id)
    with pytest.raises(NotFound):
        overlay.get("alice", "bob", NOTE.id)
    with pytest.raises(LinkRefused):
        overlay.add_peer("late")
    overlay.servers_on("enroll2")
    assert overlay.add_peer("late") in overlay.peers()


def test_unknown_servers_are_named(overlay: Overlay) -> None:
    with pytest.raises(ValueError, match="enroll, enroll2"):
        overlay.servers_off("enroll3")


def test_an_overlay_without_servers_enrolls_by_hand() -> None:
    with Overlay(peers=3, links="plain", servers=0) as overlay:
        assert overlay.add_peer("dora") in overlay.peers()
        overlay.reconfigure(turn_density=3)
        overlay.advance(5.0)
        assert len(overlay.followers()) == 4


# --- revocation -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("servers", ["on", "off"])
def test_a_revocation_spreads_by_configuration(overlay: Overlay, servers: str) -> None:
    if servers == "off":
        overlay.servers_off()
    victim = overlay.peers()[5]
    start = overlay.now
    overlay.revoke(victim.name)
    overlay.advance(10.0)
    honest = [node for node in overlay.peers() if node is not victim]
    assert set(honest) <= set(overlay.followers())
    taken = {event.node: event.t - start for event in overlay.trace.select(events.ConfigurationTaken)}
    assert {node.node_id for node in honest} <= set(taken)
    assert max(taken.values()) < 5.0
    assert victim not in overlay.followers()
    assert all(victim.node_id not in node.peer.topology.table() for node in honest)
    assert all(victim.node_id not in node.peer.links.table for node in honest)


def test_clients_hear_of_it_when_they_next_ask(overlay: Overlay) -> None:
    overlay.register("alice")
    overlay.revoke(overlay.peers()[5].name)
    overlay.advance(10.0)
    bob = overlay.node("bob")
    assert bob not in overlay.followers()
    assert overlay.resolve("bob", "alice")
    assert bob in overlay.followers()


def test_who_is_revoked_gets_no_links_and_no_word_in(overlay: Overlay, links: str) -> None:
    victim, other = overlay.peers()[5], overlay.peers()[0]
    overlay.revoke(victim.name)
    overlay.advance(10.0)
    before = len(overlay.trace)
    if links == "tls":
        with pytest.raises(LinkRefused) as refused:
            overlay.run(other.peer.links.connect(victim.node_id, victim.address))
        assert refused.value.reason is LinkReason.REVOKED
        with pytest.raises(LinkRefused) as refused:
            overlay.run(victim.peer.links.connect(other.node_id, other.address))
        assert refused.value.reason is LinkReason.REVOKED
        rejected = list(overlay.trace.select(events.LinkRejected, since=before))
        assert {event.reason for event in rejected} == {LinkReason.REVOKED}
    else:
        victim.peer.links.learn(other.node_id, other.address)
        with pytest.raises(RemoteFault):
            overlay.run(victim.peer.request((other.node_id,), PingReq(), next_hop=other.node_id))
        dropped = overlay.trace.select(events.MessageDropped, since=before, node=other.node_id)
        assert DropReason.CERTIFICATE_REFUSED in {event.reason for event in dropped}


def test_what_a_revoked_peer_held_is_repaired(overlay: Overlay) -> None:
    overlay.put("bob", NOTE.id, b"hello")
    overlay.advance(5.0)
    place = overlay.place_of("bob", NOTE.id)
    root = overlay.root(place)
    overlay.revoke(root.name)
    overlay.advance(700.0)
    holders = [node for node, held in overlay.records().items() if any(each.resource == place for each in held)]
    assert len([node for node in holders if node != root.node_id]) == 3
    assert overlay.get("alice", "bob", NOTE.id) == (b"hello",)


def test_a_list_of_revoked_certificates_is_asked_for(overlay: Overlay, links: str) -> None:
    victim = overlay.peers()[5]
    overlay.revoke(victim.name, by="list", within=20.0)
    overlay.advance(30.0)
    honest = [node for node in overlay.nodes.values() if node is not victim]
    taken = {event.node: event.t for event in overlay.trace.select(events.RevocationsTaken)}
    assert set(taken) == {node.node_id for node in honest}
    assert len(set(taken.values())) == len(honest)
    certificate = victim.peer.parts.identity.certificate
    for node in honest:
        assert node.peer.trust.refusal(certificate, None, overlay.now) is LinkReason.REVOKED
        if links == "tls":
            assert victim.node_id not in node.peer.links.table


def test_without_servers_nobody_hears_of_a_list(overlay: Overlay) -> None:
    overlay.servers_off()
    overlay.revoke(overlay.peers()[5].name, by="list", within=1.0)
    overlay.advance(60.0)
    assert not list(overlay.trace.select(events.RevocationsTaken))
    overlay.register("alice")


def test_there_are_two_ways_to_revoke(overlay: Overlay) -> None:
    with pytest.raises(ValueError, match="configuration, list"):
        overlay.revoke("alice", by="decree")


# --- the impersonator -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("on", [True, False])
def test_the_certificate_or_the_claim_decides_who_a_link_leads_to(on: bool) -> None:
    """Mallory's credential is good, and it is her own; she says that she is somebody else."""
    defences = "reload" if on else "none"
    with Overlay(peers=6, links="tls", defences=defences, seed=4) as overlay:
        victim, target = overlay.peers()[1], overlay.peers()[4]
        mallory = overlay.enroll("mallory")
        identity = TlsIdentity(
            roots=overlay.provider.roots_pem, certificate=mallory.certificate_pem(), key=mallory.key_pem()
        )
        trust = overlay.provider.trust()
        links = TlsLinks(
            overlay.network, ("10.66.6.6", 6084), victim.node_id, identity=identity, check=trust.refusal,
            trace=overlay.trace,
        )  # fmt: skip
        before = len(overlay.trace)
        if on:
            with pytest.raises(LinkRefused) as refused:
                overlay.run(links.connect(target.node_id, target.address))
            assert refused.value.reason is LinkReason.WRONG_NODE_ID
            (rejected, *_) = overlay.trace.select(events.LinkRejected, since=before, node=target.node_id)
            assert (rejected.remote, rejected.reason) == (victim.node_id, LinkReason.WRONG_NODE_ID)
        else:
            overlay.run(links.connect(target.node_id, target.address))
            opened = overlay.trace.select(events.LinkOpened, since=before, node=target.node_id)
            assert [event.remote for event in opened] == [victim.node_id]


# --- configuration ----------------------------------------------------------------------------------------------------


def test_the_sequence_wraps_around() -> None:
    assert newer(1, 0)
    assert newer(0, MAX_SEQUENCE)
    assert newer(5, MAX_SEQUENCE - 5)
    assert not newer(0, 0)
    assert not newer(MAX_SEQUENCE, 0)
    assert not any(newer(a, b) and newer(b, a) for a in range(0, 65535, 977) for b in range(0, 65535, 983))


def test_after_sequence_65534_comes_0(overlay: Overlay) -> None:
    last = replace(overlay.provider.configuration, sequence=MAX_SEQUENCE)
    last = overlay.provider.configuration = publish(last, overlay.provider.signer)
    overlay.provider.registrar.configuration = last
    for node in overlay.nodes.values():
        node.peer.follow(last)
    assert overlay.reconfigure(turn_density=9).sequence == 0
    overlay.advance(10.0)
    assert set(overlay.peers()) <= set(overlay.followers())
    overlay.register("alice")
    assert {node.peer.configuration.turn_density for node in overlay.followers()} == {9}


def test_whoever_is_behind_or_ahead_is_brought_together_by_the_next_request(overlay: Overlay) -> None:
    published = overlay.provider.revise(overlay.now, turn_density=2)
    ahead, behind = overlay.peers()[0], overlay.peers()[1]
    ahead.peer.follow(published)
    # Error_Config_Too_Old, then the document, then the request again.
    assert overlay.run(procedures.ping(behind.peer, ahead.node_id)) == ahead.node_id
    assert behind.peer.configuration.sequence == published.sequence
    # Error_Config_Too_New: the one who is ahead sends it first.
    other = overlay.peers()[2]
    if other.peer.configuration.sequence != published.sequence:
        assert overlay.run(procedures.ping(ahead.peer, other.node_id)) == other.node_id
    assert other.peer.configuration.sequence == published.sequence


def test_documents_that_nobody_signed_are_not_taken(overlay: Overlay) -> None:
    one, other = overlay.peers()[:2]
    current = one.peer.configuration
    forged = publish(replace(current, sequence=current.sequence + 1), one.peer.parts.identity)
    cases = {
        ConfigurationReason.WRONG_SIGNER: forged.document,
        ConfigurationReason.MALFORMED: b"<overlay",
        ConfigurationReason.WRONG_OVERLAY: current.document.replace(overlay.name.encode(), b"other.example.org"),
    }
    for reason, document in cases.items():
        assert take(other.peer, document) is reason
        body = ConfigUpdateReq(ConfigUpdateType.CONFIG, document)
        with pytest.raises(ErrorAnswer) as refused:
            overlay.run(one.peer.request((other.node_id,), body))
        assert refused.value.code == ErrorCode.FORBIDDEN
    assert other.peer.configuration == current
    assert not list(overlay.trace.select(events.ConfigurationTaken))
    rejected = [event.reason for event in overlay.trace.select(events.ConfigurationRejected)]
    assert rejected == [reason for reason in cases for _ in range(2)]


def test_who_sends_an_old_document_gets_the_new_one(overlay: Overlay) -> None:
    one, other = overlay.peers()[:2]
    published = overlay.provider.revise(overlay.now, turn_density=2)
    take(other.peer, published.document)
    assert not overlay.run(send_configuration(one.peer, (other.node_id,), None))
    overlay.advance(5.0)
    assert one.peer.configuration.sequence == published.sequence


def test_kinds_spread_by_themselves_or_with_the_document(overlay: Overlay) -> None:
    overlay.put("bob", NOTE.id, b"x" * 200)
    with pytest.raises(ErrorAnswer):
        overlay.put("bob", NOTE.id, b"x" * 201)
    overlay.reconfigure(kinds=(replace(NOTE, max_size=300), LIST))
    overlay.advance(10.0)
    overlay.put("bob", NOTE.id, b"x" * 300)
    node = overlay.peers()[0]
    assert node.peer.surroundings.kinds[LIST.id].max_count == LIST.max_count


def test_an_old_kind_block_does_not_come_again(overlay: Overlay) -> None:
    """Its signature is good for ever, but only a document, which has a sequence, changes what is known."""
    one, other = overlay.peers()[:2]
    signer = overlay.provider.signer

    def bring(*specs: KindSpec) -> None:
        blocks = tuple(kind_block(spec, signer).encode() for spec in specs)
        overlay.run(one.peer.request((other.node_id,), ConfigUpdateReq(ConfigUpdateType.KIND, kinds=blocks)))

    bring(NOTE, LIST)
    assert other.peer.surroundings.kinds[LIST.id].max_count == LIST.max_count
    overlay.reconfigure(kinds=(replace(NOTE, max_size=100), LIST))
    overlay.advance(10.0)
    with pytest.raises(ErrorAnswer) as refused:
        bring(LIST, NOTE)
    assert (refused.value.code, refused.value.info) == (ErrorCode.FORBIDDEN, ConfigurationReason.KIND_KNOWN.encode())
    assert other.peer.surroundings.kinds[NOTE.id].max_size == 100
    (event,) = overlay.trace.select(events.ConfigurationRejected)
    assert (event.node, event.reason) == (other.node_id, ConfigurationReason.KIND_KNOWN)


def test_limits_change_with_the_document(overlay: Overlay) -> None:
    overlay.reconfigure(max_message_size=4500, initial_ttl=3)
    overlay.advance(10.0)
    with pytest.raises(LocalProtocolError, match="max-message-size, 4500"):
        overlay.reconfigure(kinds=(NOTE, LIST))
    node = overlay.peers()[0]
    assert node.peer.configuration.initial_ttl == 3
    assert overlay.run(procedures.ping(node.peer, overlay.peers()[1].node_id)) == overlay.peers()[1].node_id


def test_kinds_without_a_good_signature_are_refused(overlay: Overlay) -> None:
    one, other = overlay.peers()[:2]
    block = b"<kind-block><kind id='9'></kind></kind-block>"
    with pytest.raises(ErrorAnswer) as refused:
        overlay.run(one.peer.request((other.node_id,), ConfigUpdateReq(ConfigUpdateType.KIND, kinds=(block,))))
    assert refused.value.code == ErrorCode.FORBIDDEN
    with pytest.raises(ErrorAnswer) as refused:
        overlay.run(one.peer.request((other.node_id,), ConfigUpdateReq(7, raw=b"")))
    assert refused.value.code == ErrorCode.INVALID_MESSAGE


def test_somebody_elses_authority_enrolls_nobody_here(overlay: Overlay) -> None:
    with Overlay(peers=1, links="plain", name=overlay.name, seed=99) as stranger:
        credential = stranger.provider.enroll("eve", 0.0)
    node = overlay.peers()[0]
    verdict = node.peer.trust.refusal(credential.certificate, None, overlay.now)
    assert verdict is LinkReason.UNKNOWN_CA
    assert derive_key(99, "authority") != derive_key(4, "authority")


def test_values_are_typed_by_their_kind(overlay: Overlay) -> None:
    place = ResourceID.of(overlay.aor("bob"))
    overlay.run(procedures.store(overlay.node("bob").peer, place, NOTE.id, (SingleValue(True, b"typed"),)))
    assert overlay.get("alice", "bob", NOTE.id) == (b"typed",)
