"""The index of the draft: complete, tied to the catalogue, and true where the draft is at hand."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from lab.catalogue import Status, catalogue
from lab.draft import Says, Sentence, index, named, sentences
from lab.scenarios import SCENARIOS

DRAFT = "draft-matuszewski-p2psip-security-requirements-03.txt"
PLANNED = {*(f"SI-{number}" for number in range(1, 8)), "CR-1"}
"""What waits for real SIP phones and toy ciphers."""


def at_hand() -> Iterator[Path]:
    """The draft, where somebody has it: named by P2PSIP_DRAFT, or in a folder beside this one."""
    root = Path(__file__).resolve().parents[2]
    yield from (Path(found) for found in [os.environ.get("P2PSIP_DRAFT", "")] if found)
    yield from root.parent.glob(f"*/{DRAFT}")


def test_every_sentence_that_names_a_threat_has_rows_and_every_row_a_sentence() -> None:
    assert [entry.place for entry in index() if entry.says is Says.THREAT and not entry.threats] == []
    assert [entry.place for entry in index() if not set(entry.threats) <= catalogue().keys()] == []
    assert set(named()) == set(catalogue())


def test_every_row_has_a_scenario_but_those_that_are_planned() -> None:
    planned = {row.id for row in catalogue().values() if row.status is Status.PLANNED}
    assert planned | set(SCENARIOS) == set(catalogue())
    assert planned >= PLANNED


def test_places_are_in_order_and_sentences_told_apart() -> None:
    places = [(entry.section, entry.paragraph, entry.number) for entry in index()]
    assert len(set(places)) == len(places)
    for (section, paragraph, number), following in pairwise(places):
        assert following in {
            (section, paragraph, number + 1),
            (section, paragraph + 1, 1),
            (following[0], 1, 1),
        }
    assert all(entry.words and len(entry.digest) == 64 for entry in index())


def test_the_digests_are_those_of_the_draft() -> None:
    draft = next(at_hand(), None)
    if draft is None:
        pytest.skip(f"needs {DRAFT}: not part of this project; P2PSIP_DRAFT names it")
    found = sentences(draft.read_text(encoding="utf-8", errors="replace"))
    assert [(each.section, each.paragraph, each.number, each.digest) for each in found] == [
        (each.section, each.paragraph, each.number, each.digest) for each in index()
    ]


PAGES = """
1.  Beginning

   Not indexed.

5.2.  Routing

   A first sentence,  e.g.  of TLS.  A second one that a page break

Song, et al.            Expires January 15, 2009               [Page 11]
\f
Internet-Draft       Security requirements in P2PSIP           July 2008


   has torn.  Req. 1: is not a sentence.

Song, et al.            Expires January 15, 2009               [Page 12]
\f
Internet-Draft       Security requirements in P2PSIP           July 2008


   Another paragraph:
   o  one,
   o  two.

    +-----+-----+-----+
    | a   | b   | c   |
    | d   |     | e   |
    |-----+-----+-----|
    | f   | g   | h   |
    +-----+-----+-----+

        +---+
        | a |  Above
        +-+-+
          |

8.  End

   Not indexed.

Authors

   Nor this.
"""


def test_sentences_are_told_apart_across_pages_bullets_and_boxes() -> None:
    assert list(sentences(PAGES)) == [
        Sentence("5.2", 1, 1, "A first sentence, e.g. of TLS."),
        Sentence("5.2", 1, 2, "A second one that a page break has torn."),
        Sentence("5.2", 1, 3, "Req. 1: is not a sentence."),
        Sentence("5.2", 2, 1, "Another paragraph:"),
        Sentence("5.2", 3, 1, "o one,"),
        Sentence("5.2", 4, 1, "o two."),
        Sentence("5.2", 5, 1, "a d | b | c e"),
        Sentence("5.2", 5, 2, "f | g | h"),
    ]
