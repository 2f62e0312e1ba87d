"""The draft's two scenario types, the client/server deployment, and the comparison of section 4."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import p2psip_min
from p2psip_min import trace as events
from p2psip_min.deployments import ClientServer, DnsRecord, measure_call, open_global, public_provider
from p2psip_min.enrollment.authority import Authority
from p2psip_min.enrollment.certificates import pem
from p2psip_min.enrollment.keys import derive_key
from p2psip_min.errors import LinkReason, LinkRefused, NotFound, RequestTimedOut, TrustedBase
from p2psip_min.seams import Coalition, PeerParts


def turn(parts: PeerParts, coalition: Coalition) -> PeerParts:
    return parts


@pytest.fixture(params=["tls", "plain"])
def provider(request: pytest.FixtureRequest) -> Iterator[ClientServer]:
    with ClientServer(links=request.param, seed=3) as made:
        made.register("alice")
        made.register("bob")
        yield made


# --- client/server ----------------------------------------------------------------------------------------------------


def test_users_find_and_call_each_other_through_the_server(provider: ClientServer) -> None:
    alice, bob = provider.phone("alice"), provider.phone("bob")
    assert provider.resolve("bob", "alice") == alice.contact
    assert provider.call("bob", "alice") == alice.node_id
    provider.advance(1.0)
    assert [caller for caller, _ in alice.calls] == [bob.node_id]
    assert [event.aor for event in provider.trace.select(events.Registered)] == [alice.aor, bob.aor]
    (called,) = provider.trace.select(events.CallSetUp)
    assert (called.node, called.aor, called.remote) == (bob.node_id, alice.aor, alice.node_id)


def test_who_is_not_registered_is_not_found(provider: ClientServer) -> None:
    provider.run(provider.phone("alice").unregister())
    with pytest.raises(NotFound):
        provider.call("bob", "alice")
    with pytest.raises(NotFound):
        provider.resolve("bob", "nobody")
    (failed,) = provider.trace.select(events.CallFailed)
    assert failed.aor == provider.aor("alice")


def test_a_wrong_password_registers_nobody(provider: ClientServer) -> None:
    provider.phone("alice")._password = "guessed"
    with pytest.raises(NotFound, match="401"):
        provider.register("alice")


def test_without_the_server_nobody_finds_anybody(provider: ClientServer) -> None:
    provider.server_off()
    with pytest.raises(RequestTimedOut):
        provider.call("bob", "alice")
    with pytest.raises(LinkRefused) as refused:
        provider.call("bob", "alice")
    assert refused.value.reason is LinkReason.UNREACHABLE


def test_the_wire_shows_messages_without_tls_only(provider: ClientServer) -> None:
    seen: list[bytes] = []
    provider.network.tap(lambda t, source, destination, data: seen.append(data))
    provider.call("bob", "alice")
    assert any(b"INVITE" in data for data in seen) == (provider.links == "plain")


def test_a_server_that_another_authority_vouches_for_gets_nothing() -> None:
    with ClientServer(seed=3) as provider:
        other = Authority.create("other", derive_key(9, "other"), serial=1, not_before=-10.0, not_after=1e9)
        record = provider.dns.resolve(provider.name)
        provider.dns.records[provider.name] = DnsRecord(record.address, pem(other.certificate))
        with pytest.raises(LinkRefused) as refused:
            provider.register("alice")
        assert refused.value.reason is LinkReason.UNKNOWN_CA
        del provider.dns.records[provider.name]
        with pytest.raises(NotFound, match="DNS"):
            provider.register("alice")


def test_unknown_names_list_the_known_ones() -> None:
    with pytest.raises(ValueError, match="tls, plain"):
        ClientServer(links="dtls")
    with ClientServer(users=("alice",)) as provider, pytest.raises(KeyError, match="alice"):
        provider.phone("bob")


def test_the_same_seed_tells_the_same_story() -> None:
    digests = []
    for _ in range(2):
        with ClientServer(seed=11) as provider:
            provider.register("alice")
            provider.register("bob")
            provider.call("alice", "bob")
            digests.append(provider.digest())
    assert digests[0] == digests[1]


# --- the two types of scenario ----------------------------------------------------------------------------------------


def test_a_public_provider_runs_every_peer_and_serves_clients() -> None:
    with public_provider(peers=6, links="plain") as overlay:
        assert overlay.overview()["clients"] == ["alice", "bob"]
        overlay.register("alice")
        assert overlay.call("bob", "alice") == overlay.node("alice").node_id
        with pytest.raises(TrustedBase, match=r"operator's, so p03 can't be hostile.*untrusted base"):
            overlay.make_hostile("p03", turn)
        overlay.make_hostile("bob", turn)
        assert list(overlay.roles.hostile) == [overlay.node("bob").node_id]


def test_in_an_open_network_the_users_are_the_peers() -> None:
    with open_global(peers=8, links="plain", trusted=3) as overlay:
        assert [node.name for node in overlay.peers() if node.phone] == [
            node.name for node in overlay.peers() if node.name in ("alice", "bob")
        ]
        overlay.register("alice")
        assert overlay.call("bob", "alice") == overlay.node("alice").node_id
        assert len(overlay.roles.trusted) == 3
        trusted = [node for node in overlay.peers() if node.node_id in overlay.roles.trusted]
        other = next(node for node in overlay.peers() if node.node_id not in overlay.roles.trusted)
        with pytest.raises(TrustedBase, match="trusted peers of this untrusted base"):
            overlay.make_hostile(trusted[0].name, turn)
        overlay.make_hostile(other.name, turn)


# --- comparison -------------------------------------------------------------------------------------------------------


def test_a_client_trusts_one_server_or_nobody_on_a_longer_way() -> None:
    with ClientServer(seed=3) as provider:
        provider.register("alice")
        provider.register("bob")
        one = measure_call(provider, "bob", "alice")
    assert (one.hops, one.readers, one.alterers, one.open_wire) == (2, (provider.name,), (provider.name,), False)
    with open_global(peers=16, links="tls", seed=3) as overlay:
        overlay.register("alice")
        many = measure_call(overlay, "bob", "alice")
    assert many.hops > one.hops
    assert len(many.readers) > 1
    assert many.alterers == ()
    assert not many.open_wire
    with open_global(peers=16, defences="none", seed=3) as overlay:
        overlay.register("alice")
        bare = measure_call(overlay, "bob", "alice")
    assert bare.alterers == bare.readers
    assert bare.open_wire


def test_the_path_of_a_call_needs_the_full_trace() -> None:
    with open_global(peers=4, links="plain", trace="counting") as overlay, pytest.raises(ValueError, match="full"):
        measure_call(overlay, "bob", "alice")


def test_the_package_names_what_a_notebook_needs() -> None:
    assert 20 <= len(p2psip_min.__all__) <= 30
    assert all(hasattr(p2psip_min, name) for name in p2psip_min.__all__)


def test_an_invite_from_nobody_is_refused(provider: ClientServer) -> None:
    """A Contact that names no instance is the caller's mistake: the phone that is called goes on."""
    alice, bob = provider.phone("alice"), provider.phone("bob")
    bob.contact, usual = "<sip:10.0.0.9>", bob.contact
    with pytest.raises(NotFound, match="400"):
        provider.call("bob", "alice")
    bob.contact = usual
    assert provider.call("bob", "alice") == alice.node_id
