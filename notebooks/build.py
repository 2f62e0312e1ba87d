"""Build the notebooks from their sources: ``python notebooks/build.py`` (or ``make notebooks``).

Each ``source/NN_title.py`` (jupytext's percent format) becomes ``solutions/NN_title.ipynb`` and, with its solutions cut
out, ``NN_title.ipynb``. A solution is what stands between the two marks below; the student finds "..." in its place.
Cell ids come from the cells' text, so that a change to one cell leaves the others' alone.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

import jupytext
import nbformat

HERE = Path(__file__).resolve().parent
BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
SOLUTION = re.compile(rf"^([ \t]*){BEGIN}\n.*?^[ \t]*{END}$", re.MULTILINE | re.DOTALL)
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def notebook(source: str, *, solved: bool) -> str:
    """The notebook of one source as text; ValueError for a solution that is opened and not closed."""
    built: Any = jupytext.reads(source, fmt="py:percent")
    seen: dict[str, int] = {}
    for cell in built.cells:
        digest = hashlib.sha256(f"{cell.cell_type}\n{cell.source}".encode()).hexdigest()[:12]
        seen[digest] = seen.get(digest, 0) + 1
        cell.id = digest if seen[digest] == 1 else f"{digest}-{seen[digest]}"
        if solved:
            marks = (line for line in cell.source.splitlines() if line.strip() not in (BEGIN, END))
            cell.source = "\n".join(marks)
        else:
            cell.source = SOLUTION.sub(r"\1...", cell.source)
            if BEGIN in cell.source or END in cell.source:
                raise ValueError(f"a solution without both its marks in the cell that begins {cell.source[:40]!r}")
        cell.metadata = {key: value for key, value in cell.metadata.items() if key in ("tags", "jupyter")}
    built.metadata = METADATA
    built.nbformat, built.nbformat_minor = 4, 5
    nbformat.validate(built)
    return str(nbformat.writes(built)) + "\n"


def build() -> dict[Path, str]:
    """Every notebook that should exist, by path."""
    files: dict[Path, str] = {}
    for path in sorted((HERE / "source").glob("*.py")):
        source = path.read_text(encoding="utf-8")
        files[HERE / f"{path.stem}.ipynb"] = notebook(source, solved=False)
        files[HERE / "solutions" / f"{path.stem}.ipynb"] = notebook(source, solved=True)
    return files


if __name__ == "__main__":
    for target, text in build().items():
        target.parent.mkdir(exist_ok=True)
        target.write_text(text, encoding="utf-8", newline="\n")
        print(target.relative_to(HERE.parent))
