"""A credential in two hands: what gives it away, what does not, and whom the alarm takes for a thief wrongly."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2psip_min.clock import milliseconds
from p2psip_min.defences import preset
from p2psip_min.enrollment.archive import pack
from p2psip_min.errors import P2PSIPError, RequestTimedOut
from p2psip_min.ids import ResourceID
from p2psip_min.overlay import Node, Overlay
from p2psip_min.storage.policies import OwnerSignature
from p2psip_min.storage.sightings import WATCHED, SecondUseAlarm, Sightings, came_back
from p2psip_min.wire.data import DictionaryEntry, StoredData, StoreKindData
from p2psip_min.wire.messages import StoreReq
from p2psip_min.wire.security import UNSIGNED, identity_of

KEY, PLACE = b"key", b"resource"


def at(place: str, second: float) -> StoredData:
    """A registration from a place, or a tombstone where there is none."""
    return StoredData(milliseconds(second), 3600, DictionaryEntry(KEY, bool(place), place.encode()), UNSIGNED)


def alarms(*sightings: tuple[str, float], window: float = 300.0) -> list[str]:
    """Which of these raise an alarm, as "ABA"."""
    watch = SecondUseAlarm(window).start()
    assert watch is not None
    trios = [watch.note(PLACE, KEY, at(*sighting)) for sighting in sightings]
    return ["".join(value.value.value.decode() for value in trio) for trio in trios if trio]


@pytest.mark.parametrize(
    ("sightings", "expected"),
    [
        ([("A", 0), ("B", 10), ("A", 20)], ["ABA"]),
        ([("A", 0), ("B", 10), ("A", 20), ("B", 30)], ["ABA", "BAB"]),
        ([("A", 0), ("A", 10), ("B", 20), ("B", 30), ("A", 40)], ["ABA"]),
        # Somebody who travels.
        ([("A", 0), ("B", 10), ("C", 20), ("D", 30)], []),
        # Back home the next day.
        ([("A", 0), ("B", 200), ("A", 301)], []),
        ([("A", 0), ("B", 200), ("A", 300)], ["ABA"]),
        # An old one, sent again by somebody.
        ([("A", 0), ("B", 10), ("A", 0)], []),
        ([("A", 0), ("B", 10), ("A", 5)], []),
        # One who signs off and comes back to where he was, and one who does not.
        ([("A", 0), ("", 10), ("A", 20)], []),
        ([("A", 0), ("", 10), ("B", 20), ("A", 30)], ["ABA"]),
        # One who refreshes where he is.
        ([("A", 0), ("A", 10), ("A", 20)], []),
    ],
)
def test_what_raises_an_alarm(sightings: list[tuple[str, float]], expected: list[str]) -> None:
    assert alarms(*sightings) == expected


@given(st.lists(st.tuples(st.sampled_from("ABC"), st.integers(1, 200)), max_size=30))
def test_an_alarm_is_a_place_that_comes_back_in_time(steps: list[tuple[str, int]]) -> None:
    watch, now = Sightings(300.0), 0.0
    for place, pause in steps:
        now += pause
        trio = watch.note(PLACE, KEY, at(place, now))
        if trio is not None:
            assert came_back(trio, 300.0)
            assert trio[2].value.value == place.encode()


@given(st.lists(st.integers(1, 100), max_size=30))
def test_who_never_returns_is_never_accused(pauses: list[int]) -> None:
    now, sightings = 0.0, []
    for number, pause in enumerate(pauses):
        now += pause
        sightings.append((str(number), now))
    assert alarms(*sightings) == []


def test_users_are_watched_apart() -> None:
    watch = Sightings(300.0)
    assert watch.note(b"one", KEY, at("A", 0)) is None
    assert watch.note(b"one", KEY, at("B", 1)) is None
    assert watch.note(b"two", KEY, at("A", 2)) is None
    assert watch.note(b"one", b"other", at("A", 3)) is None
    assert watch.note(b"one", KEY, at("A", 4)) is not None


# --- the evidence -----------------------------------------------------------------------------------------------------


@pytest.fixture
def overlay() -> Iterator[Overlay]:
    defences = preset("reload").having("second-use-alarm")
    with Overlay(peers=8, clients=("alice", "bob"), defences=defences, links="plain", maintenance=False) as made:
        yield made


def evidence(overlay: Overlay, *places: tuple[str, float], owner: str = "alice", **changed: Any) -> bytes:
    """What a storing peer brings: values that ``owner`` signed."""
    identity = overlay.node(owner).peer.parts.identity
    resource = ResourceID.of(overlay.aor("alice"))
    values = tuple(
        OwnerSignature().seal(
            identity.private_key, identity_of(identity.certificate), resource, WATCHED, milliseconds(second), 3600,
            DictionaryEntry(KEY, True, place.encode()),
        )
        for place, second in places
    )  # fmt: skip
    request = StoreReq(resource, 0, (StoreKindData(changed.get("kind", WATCHED), 0, values),))
    return pack(request, changed.get("certificate", identity.certificate))


GOOD = (("A", 0.0), ("B", 10.0), ("A", 20.0))


def test_good_evidence_withdraws_a_credential_once(overlay: Overlay) -> None:
    accused: list[bytes] = []
    overlay.provider.on_alarm = accused.append
    assert overlay.provider.alarmed(evidence(overlay, *GOOD)) == b"heard"
    assert accused == [overlay.node("alice").node_id]
    overlay.provider.registrar.revoke(overlay.node("alice").node_id)
    assert overlay.provider.alarmed(evidence(overlay, *GOOD)) is None


@pytest.mark.parametrize(
    "forge",
    [
        lambda overlay: evidence(overlay, *GOOD[:2]),
        lambda overlay: evidence(overlay, ("A", 0.0), ("B", 10.0), ("C", 20.0)),
        lambda overlay: evidence(overlay, ("A", 0.0), ("B", 10.0), ("A", 10.0)),
        lambda overlay: evidence(overlay, ("A", 0.0), ("B", 10.0), ("A", 400.0)),
        lambda overlay: evidence(overlay, *GOOD, owner="bob", certificate=certificate(overlay, "alice")),
        lambda overlay: evidence(overlay, *GOOD, certificate=b"nonsense"),
        lambda overlay: evidence(overlay, *GOOD, certificate=overlay.provider.authority.certificate),
    ],
)
def test_nobody_is_accused_by_what_he_did_not_sign(overlay: Overlay, forge: Callable[[Overlay], bytes]) -> None:
    accused: list[bytes] = []
    overlay.provider.on_alarm = accused.append
    assert overlay.provider.alarmed(forge(overlay)) is None
    assert accused == []


def certificate(overlay: Overlay, name: str) -> bytes:
    return overlay.node(name).peer.parts.identity.certificate


# --- in an overlay ----------------------------------------------------------------------------------------------------


def theft(overlay: Overlay, *, at_her_peer: bool = False) -> Node:
    """A second phone with alice's credential, at another peer or at hers."""
    double = overlay.double("alice")
    hers = overlay.node("alice").peer.topology.table()[0]
    haunt = next(node for node in overlay.peers() if (node.node_id == hers) is at_her_peer)
    overlay.run(_serve(double, haunt))
    return double


async def _serve(double: Node, haunt: Node) -> None:
    from p2psip_min import procedures

    await procedures.serve_client(double.peer, haunt.address)


def by_turns(overlay: Overlay, double: Node, times: int, pause: float = 30.0) -> int:
    """Alice and her double register by turns; how often it worked for the double."""
    worked = 0
    for _ in range(times):
        for phone in (overlay.node("alice").phone, double.phone):
            assert phone is not None
            overlay.advance(pause)
            try:
                overlay.run(phone.register())
            except P2PSIPError:
                continue
            worked += phone is double.phone
    return worked


def test_a_thief_is_found_out_by_the_owners_next_registration(overlay: Overlay) -> None:
    assert by_turns(overlay, theft(overlay), 4) == 1
    assert overlay.node("alice").node_id in overlay.provider.configuration.bad_nodes
    with pytest.raises(RequestTimedOut):
        overlay.run(overlay.phone("alice").register())


def test_at_her_own_peer_a_thief_gets_in_her_way(overlay: Overlay) -> None:
    """There is one link for one Node-ID: the peer goes on with the first, and does not answer the second."""
    with pytest.raises(RequestTimedOut):
        theft(overlay, at_her_peer=True)


def test_a_thief_whose_victim_is_switched_off_is_not_found_out(overlay: Overlay) -> None:
    double = theft(overlay)
    overlay.crash("alice")
    assert double.phone is not None
    for _ in range(3):
        overlay.advance(30.0)
        overlay.run(double.phone.register())
    assert overlay.provider.configuration.bad_nodes == ()


def test_a_thief_who_takes_his_time_is_not_found_out(overlay: Overlay) -> None:
    assert by_turns(overlay, theft(overlay), 3, pause=200.0) == 3


@pytest.mark.parametrize("places", [(1, 2, 3, 4), (1, 2, 1), (1, 2, 1, 2, 1)])
def test_who_travels_or_goes_to_and_fro_is_not_taken_for_two(overlay: Overlay, places: tuple[int, ...]) -> None:
    for place in places:
        overlay.attach_client("alice", overlay.peers()[place].name)
        overlay.register("alice")
        overlay.advance(20.0)
    overlay.advance(60.0)
    assert overlay.provider.configuration.bad_nodes == ()


def test_a_thief_who_answers_at_no_place_is_not_found_out_and_takes_no_calls(overlay: Overlay) -> None:
    double = theft(overlay)
    double.peer.equip(replace(double.peer.parts, usages=()))
    assert by_turns(overlay, double, 3) == 3
    assert overlay.provider.configuration.bad_nodes == ()


def test_after_an_alarm_the_owner_enrolls_anew_and_the_thief_stays_out(overlay: Overlay) -> None:
    double = theft(overlay)
    old = overlay.node("alice").node_id
    by_turns(overlay, double, 4)
    node = overlay.run(overlay.enroll_anew("alice"))
    assert node.node_id != old
    overlay.attach_client("alice", overlay.peers()[0].name)
    overlay.register("alice")
    assert overlay.call("bob", "alice") == node.node_id
    assert double.phone is not None
    with pytest.raises(P2PSIPError):
        overlay.run(double.phone.register())


def test_without_a_server_an_alarm_is_lost(overlay: Overlay) -> None:
    double = theft(overlay)
    overlay.servers_off()
    assert by_turns(overlay, double, 2) == 2


@pytest.mark.parametrize(("name", "most"), [("revocation", 10.0), ("revocation-list", 65.0)])
def test_how_long_a_withdrawal_takes_to_reach_everybody(name: str, most: float) -> None:
    defences = preset("none").having("second-use-alarm", "record-signature", "message-signature", name)
    with Overlay(peers=8, clients=("alice", "bob"), defences=defences, maintenance=False) as overlay:
        by_turns(overlay, theft(overlay), 1)
        overlay.advance(30.0)
        overlay.register("alice")
        start, certificate_ = overlay.now, certificate(overlay, "alice")
        overlay.advance(1.0)
        while any(node.peer.trust.refusal(certificate_, None, overlay.now) is None for node in overlay.peers()):
            overlay.advance(1.0)
            assert overlay.now - start < most
        assert (overlay.now - start < 5.0) is (name == "revocation")
