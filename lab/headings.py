"""Every word of the reports over many threats: the matrix, and the draft sentence by sentence."""

from __future__ import annotations

# --- the matrix -------------------------------------------------------------------------------------------------

MATRIX_TITLE = "Attack × defence"
MATRIX_HEADS = ("Threat", "Verdict", "No attack", "Attacked", "Named defence", "Also claimed", "Decoy")
MATRIX_OTHERS = "The other bases and routing styles"
MATRIX_OTHER_HEADS = ("Threat", "Verdict", "No attack", "Attacked", "Defended", "Decoy")
MATRIX_READING = (
    "A cell says what the overlay came to, the metric's mean and its 95 % interval. Point at it for the service of "
    "honest users, what detectors did, and the digest that reproduces it. Presets: nothing, what the draft names, what "
    "RFC 6940 mandates, everything."
)
FAMILIES = {
    "TR": "Transport",
    "EN": "Enrollment and bootstrap",
    "ID": "Identities",
    "RM": "Routing maintenance",
    "KB": "Key-based routing",
    "RP": "Replay",
    "ST": "Storage and replication",
    "PR": "Privacy",
    "SI": "SIP",
    "CR": "Cryptography, software, insiders",
    "DT": "Detection and exclusion",
}
"""The families of the catalogue, by the letters of their ids."""


def matrix_about(threats: int, seeds: int) -> str:
    """What the matrix holds."""
    return (
        f"{threats} threats of the draft, each run on {seeds} paired seed{'s' if seeds != 1 else ''} in every column."
    )


def preset_head(name: str) -> str:
    """The heading of a preset's column."""
    return f"Preset {name}"


def quick_look(seeds: int, wanted: int, command: str = "") -> str:
    """What to say beside a verdict over few seeds, with the command that takes more where it is another one."""
    more = f"{command} --seeds {wanted}".strip()
    return f"A quick look: {seeds} seed{'s' if seeds != 1 else ''}. A verdict takes {wanted}: {more}."


COVERAGE_TITLE = "The draft, sentence by sentence"
COVERAGE_HEADS = ("Covered", "Place", "What the draft says, in our words", "Threats", "Not yet")
COVERAGE_ABOUT = (
    "Every sentence of draft-matuszewski-p2psip-security-requirements-03 that names a threat, gaps first. A place is "
    "section, paragraph and sentence. The word says what the verdicts on its threats came to."
)
