"""Put a matrix that was run among the data, and its summary into the README: ``make matrix``, or by hand

    p2psip-lab matrix --seeds 20 --others 2 --out matrix
    python datasets/publish.py matrix/matrix.json
    python datasets/generate.py

Nothing here is typed in: the summary is made from the file, and a test makes it again.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from lab import headings
from lab.verdicts import USUAL

HERE = Path(__file__).resolve().parent
README = HERE.parent / "README.md"
MATRIX = HERE / "matrix.json"
BEGIN, END = "<!-- verdicts: made by datasets/publish.py -->", "<!-- /verdicts -->"


def compact(matrix: dict[str, Any]) -> str:
    """The matrix as JSON with a line a row, so that changes can be read."""
    head = {name: value for name, value in matrix.items() if name != "rows"}
    lines = ",\n".join(json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in matrix["rows"])
    return f'{json.dumps(head, ensure_ascii=False)[:-1]}, "rows": [\n{lines}\n]}}\n'


def summary(matrix: dict[str, Any]) -> str:
    """The verdicts by family as a table in Markdown."""
    own = [row for row in matrix["rows"] if row["cells"]]
    lines = [
        f"{len(own)} threats, {len(matrix['seeds'])} paired seeds each (`datasets/matrix.json`). *Served* counts the "
        "threats of which honest users notice less than 1 % while they are attacked and defended; the last column is "
        "the largest share of an attack's harm that the named defence leaves, a mean over the seeds.",
        "",
        "| Threats | | launched | holds | dampened | open | fails | served | most harm left |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for family, title in headings.FAMILIES.items():
        rows = [row for row in own if row["id"].startswith(f"{family}-")]
        if not rows:
            continue
        counts = [sum(row["standing"] == each for row in rows) for each in ("holds", "dampened", "open", "fails")]
        served = sum(row["served_defended"] >= 1 - USUAL.honest for row in rows)
        most = max(rows, key=lambda row: float(row["share_left"]))
        left = f"{most['share_left']:.0%} ({most['id']})" if most["share_left"] > 0 else "none"
        lines.append(f"| {family} | {title} | {len(rows)} | {' | '.join(map(str, counts))} | {served} | {left} |")
    return "\n".join(lines)


def with_summary(readme: str, matrix: dict[str, Any]) -> str:
    """The README with the summary between its marks; ValueError where it has none."""
    head, begin, rest = readme.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"README.md has no {BEGIN} … {END}")
    return f"{head}{BEGIN}\n{summary(matrix)}\n{END}{tail}"


def publish(source: Path) -> None:
    """Take a matrix over; it replaces the one before."""
    matrix = json.loads(source.read_text(encoding="utf-8"))
    readme = with_summary(README.read_text(encoding="utf-8"), matrix)
    MATRIX.write_text(compact(matrix), encoding="utf-8")
    README.write_text(readme, encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(f"usage: python {Path(__file__).name} MATRIX.json")
    publish(Path(sys.argv[1]))
