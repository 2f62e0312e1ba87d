"""The repository itself: sizes, notebooks, the README's claims, and settings that have to agree with each other."""

from __future__ import annotations

import json
import os
import pkgutil
import re
import runpy
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import LONG

ROOT = Path(__file__).resolve().parents[1]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
README = (ROOT / "README.md").read_text("utf-8")
PACKAGES = ("p2psip_min", "lab")


def tracked(*patterns: str) -> list[Path]:
    """The files that git knows, or all but hidden and built ones where the tree is no checkout."""
    if (ROOT / ".git").exists():
        listed = subprocess.run(
            ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z", "--", *patterns],
            cwd=ROOT,
            capture_output=True,
            check=True,
        )
        names = [name for name in listed.stdout.decode().split("\0") if name]
        return [ROOT / name for name in names if (ROOT / name).exists()]
    found = (path for pattern in patterns or ("*",) for path in ROOT.rglob(pattern) if path.is_file())
    hidden = {".venv", "build", "dist", "__pycache__"}
    return sorted(path for path in found if not hidden & set(path.relative_to(ROOT).parts))


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


MODULES = [path for path in tracked("*.py") if not name_of(path).startswith("tests/")]
NOTEBOOKS = tracked("*.ipynb")


def test_no_file_is_over_a_megabyte() -> None:
    assert {name_of(path): path.stat().st_size for path in tracked() if path.stat().st_size > 1_000_000} == {}


def test_no_module_is_over_500_lines() -> None:
    lengths = {name_of(path): len(path.read_text("utf-8").splitlines()) for path in MODULES}
    assert lengths
    assert {name: length for name, length in lengths.items() if length > 500} == {}


def test_notebooks_are_committed_without_outputs_and_small() -> None:
    assert NOTEBOOKS
    for path in NOTEBOOKS:
        book = json.loads(path.read_text("utf-8"))
        code = [cell for cell in book["cells"] if cell["cell_type"] == "code"]
        assert code or path.stem == "glossary", name_of(path)
        assert [cell["id"] for cell in code if cell["outputs"] or cell["execution_count"] is not None] == []
        assert len({cell["id"] for cell in book["cells"]}) == len(book["cells"])
        assert path.stat().st_size < 100_000, name_of(path)


def test_notebooks_are_what_their_sources_build() -> None:
    built: dict[Path, str] = runpy.run_path(str(ROOT / "notebooks" / "build.py"))["build"]()
    stale = [name_of(path) for path, text in built.items() if not path.exists() or path.read_text("utf-8") != text]
    assert stale == [], "run: make notebooks"
    assert {path.name for path in NOTEBOOKS} == {path.name for path in built}


def test_a_solution_is_cut_out_of_the_students_copy_only() -> None:
    notebook = runpy.run_path(str(ROOT / "notebooks" / "build.py"))["notebook"]
    source = "# %%\nx = 1\n### BEGIN SOLUTION\ny = 2\n### END SOLUTION\n\n# %% [markdown]\n# Text\n"
    student = json.loads(notebook(source, solved=False))["cells"]
    solved = json.loads(notebook(source, solved=True))["cells"]
    assert "".join(student[0]["source"]) == "x = 1\n..."
    assert "".join(solved[0]["source"]) == "x = 1\ny = 2"
    assert [cell["id"] for cell in student] == [cell["id"] for cell in solved]
    with pytest.raises(ValueError, match="without both its marks"):
        notebook("# %%\n### BEGIN SOLUTION\ny = 2\n", solved=False)


def cells(heading: str) -> list[list[str]]:
    """The rows of the README's table under a heading, without its header."""
    section = README.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


IDENTIFIERS = sorted(
    {
        identifier
        for row in cells("Vocabulary")
        for identifier in re.findall(r"`([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+)`", row[2])
    }
)


@pytest.mark.parametrize("identifier", IDENTIFIERS)
def test_an_identifier_of_the_vocabulary_exists(identifier: str) -> None:
    package = "" if identifier.startswith(PACKAGES) else "p2psip_min."
    assert pkgutil.resolve_name(f"{package}{identifier}") is not None


def test_the_vocabulary_names_identifiers() -> None:
    rows = cells("Vocabulary")
    assert len(rows) >= 20
    assert all(len(row) == 4 for row in rows)
    assert len(IDENTIFIERS) >= 20


def test_the_map_of_folders_names_what_exists() -> None:
    named = re.findall(r"^ *(\S+/)", README.split("## Folders\n", 1)[1].split("```", 2)[1], re.MULTILINE)
    assert len(named) >= 10
    folders = {f"{path.name}/" for path in [*ROOT.iterdir(), *(ROOT / "p2psip_min").iterdir()] if path.is_dir()}
    assert [name for name in named if name not in folders] == []


def test_pictures_and_files_that_the_readme_links_exist() -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", README)
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_make_targets_that_the_readme_names_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    assert set(re.findall(r"(?:^ +|`|also: )make ([a-z]+)", README, re.MULTILINE)) <= targets
    assert {"lab", "test", "notebooks", "bench", "soak", "clean"} <= targets


def test_one_version_everywhere() -> None:
    version = PROJECT["project"]["version"]
    assert f"\nversion: {version}\n" in (ROOT / "CITATION.cff").read_text("utf-8")
    assert f"## {version}" in (ROOT / "CHANGELOG.md").read_text("utf-8")


def test_conda_installs_the_same_list() -> None:
    listed = re.findall(r"^ +- ([a-z_-]+[<>=].*)$", (ROOT / "environment.yml").read_text("utf-8"), re.MULTILINE)
    assert sorted(listed) == sorted(
        [f"python{PROJECT['project']['requires-python']}", *PROJECT["project"]["dependencies"]]
    )


def test_data_that_the_wheel_carries_is_there() -> None:
    carried: dict[str, str] = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert carried == {name: f"lab/_data/{name}" for name in ("datasets", "notebooks")}
    assert all((ROOT / name).is_dir() for name in carried)


def test_the_console_script_is_the_module() -> None:
    target = PROJECT["project"]["scripts"]["p2psip-lab"]
    assert callable(pkgutil.resolve_name(target))


def test_import_rules_name_modules_that_exist() -> None:
    contracts = PROJECT["tool"]["importlinter"]["contracts"]
    named = {name for contract in contracts for name in contract.get("source_modules", ())}
    layers = [layer for contract in contracts for layer in contract.get("layers", ())]
    named |= {name.strip(" ()") for layer in layers for name in layer.split(":")}
    missing = [
        name
        for name in sorted(named)
        if not (path := ROOT / name.replace(".", "/")).is_dir() and not path.with_suffix(".py").is_file()
    ]
    assert missing == []


def test_every_module_of_the_lab_is_headless_or_on_the_screen() -> None:
    (contract,) = (c for c in PROJECT["tool"]["importlinter"]["contracts"] if "screen" in c["name"])
    screen = {
        *("plots", "charts", "predict", "cards", "widgets", "figures", "switchboard", "tools", "presenter", "app"),
        *("gestures", "grid", "quiz", "tryouts", "__main__"),
    }
    top = {path.relative_to(ROOT / "lab").parts[0].removesuffix(".py") for path in tracked("lab/*.py")} - {"__init__"}
    assert top - screen == {name.removeprefix("lab.") for name in contract["source_modules"]}


@pytest.mark.skipif(sys.platform == "win32", reason="Windows knows no executable bit")
def test_files_that_are_to_run_first_exist() -> None:
    assert [name for name in LONG if not (ROOT / name).is_file()] == []


def test_the_ci_script_can_run() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert subprocess.run(["bash", "-n", str(script)], check=False).returncode == 0


def test_no_file_names_a_machine() -> None:
    pattern = re.compile(r"(?<![\w.])/(?:root|home/\w+|work|Users/\w+)/")
    text = [path for path in tracked() if path.suffix not in {".png", ".pcap"} and path != Path(__file__)]
    assert [name_of(path) for path in text if pattern.search(path.read_text("utf-8"))] == []
