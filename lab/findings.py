"""What a close reading of the draft shows about the draft itself, each finding tied to the sentences that show it."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Kind(enum.StrEnum):
    """What is wrong."""

    REFERENCE = "cross reference"
    UNDECIDED = "undecided"
    DISAGREEMENT = "disagreement"
    DRIFT = "drift"
    UNNUMBERED = "without a number"


@dataclass(frozen=True, slots=True)
class Finding:
    """``places`` are sentences as the index of the draft numbers them (``lab.draft``); ``words`` are ours."""

    section: str
    kind: Kind
    words: str
    places: tuple[str, ...]


FINDINGS: tuple[Finding, ...] = (
    Finding(
        "6",
        Kind.REFERENCE,
        "sends the reader to 5.1 and 5.2 for the two types of scenario; they are in 6.1 and 6.2",
        ("6 ¶1 s3",),
    ),
    Finding("7.2.6", Kind.REFERENCE, "names a section 4.1, and there is none; 7.1 says it", ("7.2.6 ¶1 s1",)),
    Finding(
        "11.3",
        Kind.REFERENCE,
        "names 3.2, which defines a term, where 11.2 is meant; twice",
        ("11.3 ¶1 s2", "11.3 ¶2 s4"),
    ),
    Finding(
        "6.1, Figure 4",
        Kind.UNDECIDED,
        "two of five rows put a question mark behind every measure: pollution and spam",
        ("6.1 ¶4 s5", "6.1 ¶4 s6"),
    ),
    Finding(
        "6.2, Figure 6",
        Kind.UNDECIDED,
        "all four rows carry question marks; only the enrollment server of row 1 has none",
        ("6.2 ¶5 s2", "6.2 ¶5 s3", "6.2 ¶5 s4", "6.2 ¶5 s5"),
    ),
    Finding(
        "5.2",
        Kind.UNDECIDED,
        "asks whether a source should check who is responsible, when and how, and whether bad forwarding should be "
        "detected; only the last has an answer among the requirements (Req. 16)",
        ("5.2 ¶3 s2", "5.2 ¶3 s3", "5.2 ¶4 s2"),
    ),
    Finding("5.3", Kind.UNDECIDED, "the security of replication is left to be done", ("5.3 ¶5 s1",)),
    Finding(
        "5.3, 7.2.10",
        Kind.UNDECIDED,
        "asks whether spam is this layer's affair or the application's, though 7.2.10 already forbids to register "
        "without a limit",
        ("5.3 ¶4 s4", "5.3 ¶4 s5", "7.2.10 ¶2 s2"),
    ),
    Finding(
        "5.3, Figure 4",
        Kind.DISAGREEMENT,
        "against contacts of somebody else the text needs a check of the object; the figure puts a check beside fake "
        "objects, and a black list here",
        ("5.3 ¶3 s4", "6.1 ¶4 s5"),
    ),
    Finding(
        "6.2, Figure 6",
        Kind.DISAGREEMENT,
        "the numbers of the measures are not those of the attacks: in row 1 the second is against the third attack, in "
        "row 2 a signature stands beside dropping, which it cannot stop (KB-1)",
        ("6.2 ¶5 s2", "6.2 ¶5 s3"),
    ),
    Finding(
        "5.4, 7.1, 11.8",
        Kind.DISAGREEMENT,
        "applications are out of scope, yet the system must keep calls confidential and intact from end to end; the "
        "appendix leaves that to SIP, apart from a shared key",
        ("5.4 ¶1 s1", "7.1 ¶4 s1", "11.8 ¶2 s1"),
    ),
    Finding(
        "7.1, 7.2.6",
        Kind.DRIFT,
        "easy enrollment is a MUST for users and a SHOULD for the system, and Req. 6 speaks of the hard part only",
        ("7.1 ¶5 s1", "7.2.6 ¶1 s1", "7.2.13 ¶7 s1"),
    ),
    Finding(
        "7.2.4, Req. 4",
        Kind.DRIFT,
        "that what the algorithm did not bring in is not left to it alone is lost in the list",
        ("7.2.4 ¶1 s2", "7.2.13 ¶5 s1"),
    ),
    Finding(
        "7.2.7, Req. 9",
        Kind.DRIFT,
        "repeating and delaying “should not” be possible in the text, and MUST NOT in the list",
        ("7.2.7 ¶1 s1", "7.2.13 ¶10 s1"),
    ),
    Finding(
        "7.2.8, Req. 12",
        Kind.DRIFT,
        "routing tables are protected in the text; the list speaks of records only, and 5.2 asks for verified tables",
        ("7.2.8 ¶1 s1", "5.2 ¶2 s3", "7.2.13 ¶13 s1"),
    ),
    Finding(
        "7.2.8, Req. 13",
        Kind.DRIFT,
        "rights to one's own part alone: “should” in the text, MUST in the list",
        ("7.2.8 ¶1 s3", "7.2.13 ¶14 s1"),
    ),
    Finding(
        "7.2.8, 7.2.11, Req. 14",
        Kind.DRIFT,
        "that owners authorize others is a SHOULD in the text, twice, and a MAY in the list",
        ("7.2.8 ¶2 s1", "7.2.11 ¶1 s2", "7.2.13 ¶15 s1"),
    ),
    Finding(
        "7.2.11, Req. 14",
        Kind.DRIFT,
        "that the network enforces what an owner allows is lost in the list",
        ("7.2.11 ¶1 s3", "7.2.13 ¶15 s1"),
    ),
    Finding(
        "7.2.10, Req. 6",
        Kind.DRIFT,
        "many identities SHOULD NOT be easy to get in the text, and MUST be difficult in the list",
        ("7.2.10 ¶1 s2", "7.2.13 ¶7 s1"),
    ),
    Finding(
        "7.2.10, Req. 7",
        Kind.DRIFT,
        "control of a record's place MUST NOT be possible in the text; in the list it MUST be difficult to choose a "
        "Node-ID, which is less, and something else",
        ("7.2.10 ¶1 s1", "7.2.13 ¶8 s1"),
    ),
    Finding(
        "7.2.11",
        Kind.UNNUMBERED,
        "watching who talks to whom MUST be difficult (our U1)",
        ("7.2.11 ¶2 s1",),
    ),
    Finding(
        "7.2.10",
        Kind.UNNUMBERED,
        "records SHOULD persist when some nodes fail (our U2)",
        ("7.2.10 ¶2 s1",),
    ),
    Finding(
        "7.2.9",
        Kind.UNNUMBERED,
        "a storing peer MUST be able to validate what it is given (our U3)",
        ("7.2.9 ¶2 s1",),
    ),
    Finding(
        "7.2.10",
        Kind.UNNUMBERED,
        "nobody may register resources without a limit: MUST NOT (our U4)",
        ("7.2.10 ¶2 s2",),
    ),
)
"""In the order of their kinds, then of the draft."""
