"""The draft's sentences, and the index of them that ties each one which names a threat to its rows of the catalogue.

The draft itself is not part of this project: ``datasets/draft.csv`` knows a sentence by its place and its digest, and
says in our words what is in it. Whoever has the draft at hand can check that (``sentences``).
"""

from __future__ import annotations

import enum
import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from lab.data import rows

SECTIONS = re.compile(r"(4|5|6|7|11)(\.|$)")
"""What is indexed: comparison, analysis, requirements and the appendix of threats; not front and back matter."""

_HEADING = re.compile(r"(\d+(?:\.\d+)*)\. {1,3}\S")
_PAGE_BREAK = re.compile(r"\n\s*Song, et al\..*\[Page \d+\]\s*Internet-Draft .* July 2008\s*?\n(\s*\n)?")
_BREAK = "\f"
_BULLET = re.compile(r"\s+o  ")
_ENDED = re.compile(r"[.?!:,]$")
# A sentence ends before a capital, but not after an abbreviation, nor after the number of a requirement.
_BETWEEN = re.compile(r'(?<=[.?!:])(?<!e\.g\.)(?<!i\.e\.)(?<!Req\. \d:)(?<!Req\. \d\d:)\s+(?=[A-Z("])')


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence by its place: section, paragraph (a bullet and a figure's table count as one) and number in it."""

    section: str
    paragraph: int
    number: int
    text: str

    @property
    def digest(self) -> str:
        """SHA-256 of the text with its white space folded."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def sentences(draft: str) -> Iterator[Sentence]:
    """The sentences of the draft's text file, and the rows of its tables as one each; drawings have none."""
    section, paragraph = "", 0
    for found, lines in _blocks(draft):
        if found != section:
            section, paragraph = found, 0
        if not SECTIONS.match(section):
            continue
        texts = list(_split(lines))
        if texts:
            paragraph += 1
        for number, text in enumerate(texts, 1):
            yield Sentence(section, paragraph, number, text)


def _blocks(draft: str) -> Iterator[tuple[str, list[str]]]:
    """Paragraphs, bullets and boxes with their sections; what a page break tore is put together again."""
    lines = [line.rstrip(" ") for line in _PAGE_BREAK.sub(f"\n{_BREAK}\n", draft).split("\n")]
    contents_end = max(at for at, line in enumerate(lines) if line.startswith("1.  "))
    section, block = "", list[str]()
    for line in lines[contents_end:]:
        heading = _HEADING.match(line)
        torn = line == _BREAK and block and not _ENDED.search(block[-1]) and "|" not in block[-1]
        if block and not torn and (not line.strip() or heading or _BULLET.match(line) or not line.startswith(" ")):
            yield section, block
            block = []
        if heading:
            section = heading[1]
        elif line.strip():
            if line.startswith(" "):
                block.append(line)
            else:
                section = ""
    if block:
        yield section, block


def _split(lines: list[str]) -> Iterator[str]:
    if any(line.count("|") > 1 or "+--" in line for line in lines):
        yield from _table(lines)
        return
    yield from _BETWEEN.split(" ".join(" ".join(lines).split()))


def _table(lines: list[str]) -> Iterator[str]:
    """The rows of a table with three columns, cell after cell; nothing for a drawing."""
    cells: list[list[str]] = []
    for line in lines:
        parts = [part.strip() for part in line.strip().strip("|").split("|")]
        if set(line) <= set(" +-|") and "---" in line:
            if cells:
                yield " | ".join(" ".join(" ".join(column).split()) for column in zip(*cells, strict=True))
            cells = []
        elif len(parts) == 3:
            cells.append(parts)
        else:
            return


class Says(enum.StrEnum):
    """What a sentence is for."""

    THREAT = "threat"
    MEASURE = "measure"
    REQUIREMENT = "requirement"
    CONTEXT = "context"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One sentence of the index: its place, its digest, what it is for, the ``threats`` it names, and our words."""

    section: str
    paragraph: int
    number: int
    digest: str
    says: Says
    threats: tuple[str, ...]
    words: str

    @property
    def place(self) -> str:
        """Such as "11.1 ¶2 s3"."""
        return f"{self.section} ¶{self.paragraph} s{self.number}"


@cache
def index() -> tuple[Entry, ...]:
    """The index in the order of the draft."""
    return tuple(
        Entry(
            section=row["section"],
            paragraph=int(row["paragraph"]),
            number=int(row["sentence"]),
            digest=row["sha256"],
            says=Says(row["says"]),
            threats=tuple(row["threats"].split()),
            words=row["words"],
        )
        for row in rows("draft.csv")
    )


def named() -> Mapping[str, tuple[Entry, ...]]:
    """The sentences that name each threat, by id."""
    found: dict[str, list[Entry]] = {}
    for entry in index():
        for threat in entry.threats:
            found.setdefault(threat, []).append(entry)
    return {threat: tuple(entries) for threat, entries in found.items()}
