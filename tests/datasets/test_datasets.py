"""The data sets: generated again they are the same bytes, and they mean what their manifests say."""

from __future__ import annotations

import hashlib
import json
import runpy
import shutil
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import pytest

from lab import data
from lab.data import churn, folder, places, subscribers
from p2psip_min.transport.coordinates import delay_us

DATASETS = folder("datasets")
GENERATOR = runpy.run_path(str(DATASETS / "generate.py"))
FILES: dict[str, bytes] = GENERATOR["build"]()
TABLES = sorted(name for name in (path.name for path in DATASETS.iterdir()) if name.endswith(".csv"))


@pytest.mark.parametrize("name", sorted(FILES))
def test_generating_a_file_again_gives_the_same_bytes(name: str) -> None:
    assert (DATASETS / name).read_bytes() == FILES[name]


def test_every_table_has_a_manifest_and_nothing_else_lies_here() -> None:
    expected = {name for table in [*TABLES, "matrix.json"] for name in (table, f"{Path(table).stem}.manifest.json")}
    present = {path.name for path in DATASETS.iterdir() if path.is_file()}
    assert present - {"generate.py", "publish.py"} == expected


@pytest.mark.parametrize("name", TABLES)
def test_a_manifest_says_what_its_table_holds(name: str) -> None:
    manifest: dict[str, Any] = json.loads((DATASETS / name.replace(".csv", ".manifest.json")).read_text("utf-8"))
    content = (DATASETS / name).read_bytes()
    header, *lines = content.decode().splitlines()
    assert manifest["sha256"] == hashlib.sha256(content).hexdigest()
    assert manifest["rows"] == len(lines)
    assert list(manifest["columns"]) == header.split(",")
    assert manifest["sources"]
    assert manifest["version"] >= 1


def test_a_draw_without_logarithm_is_exponential() -> None:
    rng = Random(1)
    draws = [GENERATOR["exponential"](rng) for _ in range(20_000)]
    assert sum(draws) / len(draws) == pytest.approx(1, abs=0.03)
    assert sum(draw > 3 for draw in draws) / len(draws) == pytest.approx(0.0498, abs=0.005)


def test_subscribers_are_distinct_and_the_known_names_are_among_them() -> None:
    aors = [user.aor for user in subscribers()]
    assert len(set(aors)) == len(aors)
    assert {"alice@example.org", "bob@example.org", "mallory@example.org"} <= set(aors)
    mean = sum(user.calls_per_hour for user in subscribers()) / len(aors)
    assert mean == pytest.approx(1.5, abs=0.3)


def test_four_in_five_are_behind_a_nat_and_most_nats_can_be_punched() -> None:
    kinds = Counter(user.nat for user in subscribers())
    behind = sum(kinds.values()) - kinds["none"]
    assert behind / sum(kinds.values()) == pytest.approx(0.8, abs=0.1)
    assert kinds["endpoint-independent"] / behind == pytest.approx(0.82, abs=0.1)


def test_places_of_one_region_are_near_and_the_farthest_about_100_ms() -> None:
    points = [(place.x_us, place.y_us) for place in places()[:200]]
    regions = [place.region for place in places()[:200]]
    pairs = [(i, j) for i in range(200) for j in range(i)]
    near = [delay_us(points[i], points[j]) for i, j in pairs if regions[i] == regions[j]]
    far = [delay_us(points[i], points[j]) for i, j in pairs if regions[i] != regions[j]]
    assert sorted(near)[len(near) // 2] < 20_000 < sorted(far)[len(far) // 2]
    assert max(far) < 115_000


def test_churn_is_a_possible_history_in_a_steady_state() -> None:
    up: set[int] = set()
    last = 0.0
    sizes = []
    for event in churn():
        assert event.time >= last
        last = event.time
        if event.event == "join":
            assert event.node not in up
            up.add(event.node)
        else:
            assert event.event in {"leave", "crash"}
            up.remove(event.node)
        if event.time:
            sizes.append(len(up))
    assert last < 7200
    assert min(sizes) >= 45
    assert sum(sizes) / len(sizes) == pytest.approx(64 * 6 / 7, abs=3)


def test_an_installed_lab_finds_the_data_inside_itself(tmp_path: Path) -> None:
    installed = tmp_path / "lab"
    carried = installed / "_data" / "datasets"
    carried.mkdir(parents=True)
    (tmp_path / "datasets").mkdir()  # somebody else's package of that name
    shutil.copy(data.__file__, installed / "data.py")
    find = runpy.run_path(str(installed / "data.py"))["folder"]
    assert find("datasets") == carried
    with pytest.raises(FileNotFoundError, match="without its notebooks"):
        find("notebooks")
