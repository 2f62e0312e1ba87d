"""The matrix that comes with the data: it is whole, its rows stand as the catalogue claims, and its runs come again."""

from __future__ import annotations

import json
import random
import runpy
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from lab import matrix
from lab.catalogue import catalogue, threat
from lab.data import folder
from lab.review import published
from lab.scenarios import SCENARIOS
from lab.sweep import Job, play
from lab.verdicts import SEEDS, Standing

PUBLISH = runpy.run_path(str(folder("datasets") / "publish.py"))
SLICE = 16
"""Runs that are made again; which ones differs from time to time."""


@pytest.fixture(scope="module")
def document() -> Any:
    made = published()
    assert made
    return made


def cells(document: Any) -> Iterator[tuple[Job, str]]:
    """Every run of the threats' own settings with the first digits of its digest."""
    for name, row in ((row["id"], row) for row in document["rows"] if row["cells"]):
        ground, *_ = matrix.grounds(SCENARIOS[name])
        tried = {(each.role, each.names): each.setting for each in matrix.tries(SCENARIOS[name], ground)}
        for cell in row["cells"]:
            setting = replace(tried[cell["role"], tuple(cell["names"])], attack=not cell["calm"])
            for seed, digest in zip(document["seeds"], cell["runs"], strict=True):
                yield Job(name, replace(setting, seed=seed)), digest


def test_every_threat_that_is_ready_has_its_row_and_every_setting_of_it(document: Any) -> None:
    found = [(row["id"], row["base"], row["routing"]) for row in document["rows"]]
    assert found == [
        (each.id, ground.base, ground.routing) for each in SCENARIOS.values() for ground in matrix.grounds(each)
    ]
    assert {each.id for each in catalogue().values() if each.status == "ready"} == {name for name, _, _ in found}


def test_rows_stand_as_the_catalogue_claims(document: Any) -> None:
    for row in document["rows"]:
        claimed = threat(row["id"]).bounds.standing
        assert row["holds"], row["id"]
        assert row["standing"] == claimed, row["id"]
        assert row["standing"] != Standing.FAILS
    assert all(len(row["seeds"]) >= SEEDS for row in document["rows"] if row["cells"])


def test_cells_are_the_tries_of_today(document: Any) -> None:
    for row in (row for row in document["rows"] if row["cells"]):
        ground, *_ = matrix.grounds(SCENARIOS[row["id"]])
        planned = [
            (each.role, list(each.names), not attack)
            for each in matrix.tries(SCENARIOS[row["id"]], ground)
            for attack in ((True, False) if matrix.calm(each) else (True,))
        ]
        assert [(cell["role"], cell["names"], cell["calm"]) for cell in row["cells"]] == planned, row["id"]


def test_a_slice_of_the_runs_comes_again(document: Any) -> None:
    for job, digest in random.SystemRandom().sample(list(cells(document)), SLICE):
        assert play(job).digest.startswith(digest), job.key


def test_the_readme_says_what_the_matrix_says(document: Any) -> None:
    readme = PUBLISH["README"].read_text("utf-8")
    assert PUBLISH["with_summary"](readme, document) == readme
    assert PUBLISH["compact"](document) == PUBLISH["MATRIX"].read_text("utf-8")
    assert len(json.dumps(document)) < 1_000_000
    with pytest.raises(ValueError, match="has no <!-- verdicts"):
        PUBLISH["with_summary"]("# p2psip", document)
