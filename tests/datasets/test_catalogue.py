"""The threat catalogue: complete, typed, and helpful about a wrong id."""

from __future__ import annotations

import json
import re
from collections import Counter

import pytest

from lab.catalogue import Base, Layer, Routing, Status, Threat, UnknownThreat, catalogue, parse, threat, threats
from lab.data import rows

FAMILIES = {"TR": 8, "EN": 12, "ID": 5, "RM": 4, "KB": 13, "RP": 3, "ST": 17, "PR": 3, "SI": 7, "CR": 3, "DT": 3}
PLACE = re.compile(
    r"\d+(\.\d+)*( (b\d|first|second|third|fourth))?"  # a section, its bullet or its numbered issue
    r"|Fig[46] r\d(\(\d\))?"  # a row of a figure, and the entry in it
    r"|Req\.([1-9]|1[0-6])"
)


def test_every_threat_is_there_once_and_in_order() -> None:
    assert len(list(rows("threats.csv"))) == len(threats()) == len(catalogue()) == 78
    assert Counter(row.id.split("-")[0] for row in threats()) == FAMILIES
    for family, count in FAMILIES.items():
        assert [row.id for row in threats() if row.id.startswith(f"{family}-")] == [
            f"{family}-{number}" for number in range(1, count + 1)
        ]


@pytest.mark.parametrize("row", threats(), ids=lambda row: row.id)
def test_a_row_is_complete_and_points_into_the_draft(row: Threat) -> None:
    assert all((row.action, row.metric, row.bases, row.layers, row.notebooks, row.sections))
    assert [place for place in row.sections if not PLACE.fullmatch(place)] == []
    assert set(row.required) <= set(range(1, 17))
    assert all(re.fullmatch(r"[01]\d", number) for number in row.notebooks)
    assert row.named or row.required or row.ours


@pytest.mark.parametrize("row", threats(Status.READY), ids=lambda row: row.id)
def test_a_ready_threat_has_a_defence_and_a_decoy(row: Threat) -> None:
    assert row.required or row.ours
    assert row.decoy


def test_the_first_three_are_ready() -> None:
    assert {"RP-2", "ST-13", "TR-1"} <= {row.id for row in threats(Status.READY)}
    assert len(threats(Status.READY)) + len(threats(Status.PLANNED)) == 78


def test_a_row_becomes_values_of_its_vocabularies() -> None:
    row = threat("RP-2")
    assert row.bases == (Base.UNTRUSTED,)
    assert row.layers == (Layer.ROUTING, Layer.STORAGE)
    assert row.routing == (Routing.RECURSIVE,)
    assert row.required == (9,)
    assert row.sections == ("11.1", "Fig6 r3")


def test_an_id_is_found_in_any_case() -> None:
    assert threat("rp-2") is threat("RP-2")


def test_an_unknown_id_lists_the_known_ones() -> None:
    with pytest.raises(UnknownThreat, match=r"unknown threat 'RP-9'; known: TR-1, .*RP-2, RP-3") as caught:
        threat("RP-9")
    assert len(caught.value.known) == 78


def test_a_word_outside_its_vocabulary_is_refused() -> None:
    row = next(rows("threats.csv"))
    with pytest.raises(ValueError, match="soon"):
        parse({**row, "status": "soon"})


def test_rows_survive_json() -> None:
    listed = json.loads(json.dumps([row.as_json() for row in threats()]))
    assert {(row["id"], row["status"]) for row in listed} == {(row.id, row.status) for row in threats()}
    assert listed[0]["bases"] == ["trusted", "untrusted"]
