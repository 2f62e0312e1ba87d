"""The enrollment families: what helps, what helps by half, and what only looks as if."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from lab.scenarios import run, scenario, setting


def outcome(threat: str, *defences: str, **options: Any) -> Any:
    chosen = scenario(threat)
    return run(chosen, setting(chosen, **options).with_defences(defences))


# --- EN-4: replays ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("defences", "figure", "own"),
    [
        (("key-possession",), 6.0, 3),  # the signature is sent again with the rest
        (("nonce-expiry",), 6.0, 3),  # they come in time
        (("enrollment-nonce", "key-possession"), 3.0, 3),  # a login is good for a fresh request
        (("identity-cap", "bound-node-id"), 3.0, 0),
        (("enrollment-tls",), 0.0, 0),
    ],
)
def test_parts_of_a_defence_against_replays(defences: tuple[str, ...], figure: float, own: int) -> None:
    found = outcome("EN-4", *defences)
    assert (found.figure, found.facts) == (figure, (f"{own} of 3", "3 of 3"))


# --- EN-5: delays -----------------------------------------------------------------------------------------------------


def test_only_the_age_of_a_request_tells_that_it_was_held_back() -> None:
    assert outcome("EN-5", "enrollment-nonce").facts[0] == "3 of 3"
    assert outcome("EN-5", "nonce-expiry").facts[0] == "0 of 3"
    assert outcome("EN-5", "nonce-expiry", numbers={"nonce-expiry": 600.0}).figure == 3.0


def test_who_can_not_read_does_not_know_what_to_hold_back() -> None:
    assert outcome("EN-5", "enrollment-tls").facts == ("0 of 3", "3 of 3")


# --- EN-11: the exchange ----------------------------------------------------------------------------------------------


def test_signed_answers_alone_are_not_altered_and_still_read() -> None:
    found = outcome("EN-11", "signed-answer")
    assert (found.figure, found.facts) == (2.0, ("2 of 3", "3 of 3"))
    assert outcome("EN-11").facts == ("3 of 3", "2 of 3")


def test_the_password_goes_the_other_way_than_the_encrypted_answer() -> None:
    assert outcome("EN-11", "encrypted-answer").facts == ("3 of 3", "3 of 3")


# --- EN-6, EN-7, EN-8: who enrolls ------------------------------------------------------------------------------------


@pytest.mark.parametrize("threat", ["EN-6", "EN-8"])
@pytest.mark.parametrize("name", ["identity-cap", "strong-identity", "enrollment-reputation", "server-node-ids"])
def test_half_a_defence_leaves_another_way_in(threat: str, name: str) -> None:
    """A cap on accounts that can be had for nothing; one account that may hold any number."""
    assert outcome(threat, name).figure == outcome(threat).figure


@pytest.mark.parametrize("name", ["draft", "reload", "hardened"])
def test_the_presets_let_a_person_in_once(name: str) -> None:
    assert outcome("EN-6", preset=name).figure == 1.0
    assert outcome("EN-7", preset=name).figure == 0.0


def test_who_pays_gets_as_much_as_he_can_pay_for() -> None:
    found = outcome("EN-6", "enrollment-charge")
    assert (found.figure, found.facts) == (2.0, ("5", "4 of 4"))
    dear = outcome("EN-6", "enrollment-charge", numbers={"enrollment-charge": 30.0})
    assert dear.facts == ("30", "4 of 4")


def test_reputation_keeps_strangers_waiting_and_a_cap_the_others() -> None:
    assert outcome("EN-6", "enrollment-reputation", "identity-cap").figure == 1.0
    assert outcome("EN-8", "enrollment-reputation", "identity-cap").facts[0] == "1"
    patient = outcome("EN-6", "enrollment-reputation", "identity-cap", numbers={"enrollment-reputation": 0.0})
    assert patient.figure == 30.0


def test_many_addresses_are_many_hosts_and_one_is_one() -> None:
    assert outcome("EN-6", "enrollment-rate").figure == 30.0


def test_a_node_id_that_the_server_draws_can_still_be_changed() -> None:
    assert outcome("EN-7", "server-node-ids").facts == ("60 s", "3 of 3")
    assert outcome("EN-7", "bound-node-id").facts == ("never", "3 of 3")
    assert outcome("EN-7", "bound-node-id", numbers={"bound-node-id": 240.0}).figure == 2.0


# --- EN-9: a flood ----------------------------------------------------------------------------------------------------


def test_puzzles_make_a_flood_slower_and_a_limit_keeps_few_hosts_out() -> None:
    flooded, puzzled, limited = (outcome("EN-9", *names) for names in ((), ("client-puzzle",), ("enrollment-rate",)))
    assert flooded.figure == 20.0
    assert 2.0 < puzzled.figure < 10.0
    assert limited.figure < 2.5
    assert [found.facts[0] for found in (puzzled, limited)] == ["0 of 20", "0 of 20"]


def test_another_server_before_the_same_desk_is_flooded_too() -> None:
    found = outcome("EN-9", "second-server")
    assert (found.figure, found.honest < 1.0) == (20.0, True)


# --- EN-10: out of reach ----------------------------------------------------------------------------------------------


def test_what_asks_the_operator_stops_with_him() -> None:
    assert outcome("EN-10").facts == ("join 0, PUT 0, GET 0, leave 0, DELETE 0",)
    assert outcome("EN-10", "check-on-reading").facts == ("join 1, PUT 1, GET 0, leave 1, DELETE 1",)
    assert outcome("EN-10", "second-server").figure == 1.0
    assert outcome("EN-10", "offline-certificates").facts == ("join 1, PUT 1, GET 24, leave 1, DELETE 1",)


def test_the_operator_can_be_asked_while_he_is_there() -> None:
    chosen = scenario("EN-10")
    calm = run(chosen, replace(setting(chosen), attack=False))
    assert (calm.figure, calm.honest) == (0.0, 1.0)


# --- EN-12: theft -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("defences", [(), ("second-use-alarm",), ("revocation",), ("revocation-list",)])
def test_an_alarm_that_nobody_hears_and_a_withdrawal_that_nobody_asks_for(defences: tuple[str, ...]) -> None:
    assert outcome("EN-12", *defences, peers=12).facts == ("10 of 10", "never", "0")


@pytest.mark.parametrize("name", ["revocation", "revocation-list"])
def test_an_alarm_and_a_withdrawal_end_a_theft(name: str) -> None:
    found = outcome("EN-12", "second-use-alarm", name, peers=12)
    assert found.figure <= 2.0
    assert 10.0 < float(found.facts[1].split()[0]) < 90.0
    assert found.honest > 0.9  # the owner comes back under another Node-ID


def test_who_goes_to_and_fro_raises_no_alarm() -> None:
    chosen = scenario("EN-12")
    calm = replace(setting(chosen, peers=12), attack=False).with_defences(chosen.defence)
    found = run(chosen, calm)
    assert (found.honest, found.facts[2]) == (1.0, "0")


def test_a_short_life_ends_a_theft_for_who_has_no_login() -> None:
    assert outcome("EN-12", "short-life", peers=12, numbers={"short-life": 100.0}).figure <= 3.0
    assert outcome("EN-12", "short-life", peers=12).figure == 10.0  # an hour is long
