"""Whoever may choose Node-IDs holds what record he likes: what that takes, and what it takes to stop him."""

from __future__ import annotations

from typing import Any

import pytest

from lab.scenarios import run, scenario, setting
from p2psip_min.attacks.eclipse import KeyEclipse
from p2psip_min.ids import NodeID, ResourceID
from p2psip_min.storage.access import salted
from p2psip_min.trace import EnrollmentRejected

KEY = ResourceID.of("alice@overlay.example.org")


def eclipsed(*names: str, identities: int = 3) -> Any:
    chosen = scenario("ST-16")
    return run(chosen, setting(chosen, numbers={"identities": identities}).with_defences(names))


def test_what_an_attacker_wishes_for_follows_from_the_victim_s_name() -> None:
    first, second = NodeID(KEY), NodeID(salted(KEY, 1))
    behind = NodeID.from_int(int.from_bytes(KEY, "big") + 1)
    assert KeyEclipse((KEY,)).wishes(2) == (first, behind)
    assert KeyEclipse((KEY, salted(KEY, 1))).wishes(3) == (first, second, behind)


@pytest.mark.parametrize(
    "names",
    [
        (),
        ("value-encryption",),
        ("record-signature", "message-signature"),
        ("replicas", "read-quorum"),
        ("replicas", "write-quorum", "read-quorum"),
        ("rising-time", "version-counter"),
    ],
)
def test_these_do_not_give_the_place_back(names: tuple[str, ...]) -> None:
    assert eclipsed(*names).figure == 1.0


def test_where_the_server_chooses_no_wish_is_granted() -> None:
    found = eclipsed("server-node-ids")
    assert found.figure == 0.0
    assert found.facts[1] == "0 of 3"


def test_salted_places_cost_the_attacker_one_name_for_each_place_and_no_more() -> None:
    assert eclipsed("salted-places", identities=2).figure == 0.0
    assert eclipsed("salted-places", identities=3).figure == 1.0
    assert eclipsed("salted-places", "server-node-ids", identities=9).figure == 0.0


def test_who_is_refused_a_wish_joins_all_the_same_where_the_dice_put_him() -> None:
    chosen = scenario("ST-16")
    stage = chosen.stage(chosen, setting(chosen).with_defences(("server-node-ids",)))
    stage.overlay.run(stage.story())
    assert len(list(stage.trace.select(EnrollmentRejected))) == 3
    assert all(device.is_peer for device in stage.devices)
    stage.overlay.close()
