"""Somebody else's name: what keeps it its owner's."""

from __future__ import annotations

from typing import Any

import pytest

from lab.scenarios import run, scenario, setting


def outcome(*defences: str, **options: Any) -> Any:
    chosen = scenario("ID-4")
    return run(chosen, setting(chosen, **options).with_defences(defences))


def test_each_half_keeps_its_own_half() -> None:
    assert outcome().facts == ("3 of 3", "3 of 3")
    assert outcome("caller-auth").facts == ("0 of 3", "3 of 3")
    assert outcome("access-control").facts == ("3 of 3", "0 of 3")
    assert outcome("access-control", "caller-auth").facts == ("0 of 3", "0 of 3")


@pytest.mark.parametrize("base", ["trusted", "untrusted"])
def test_unique_names_do_not_help_against_who_takes_the_whole_address(base: str) -> None:
    assert outcome("unique-names", base=base).figure == 6.0


def test_signed_messages_alone_do_not_say_who_calls() -> None:
    assert outcome("message-signature").figure == 6.0
