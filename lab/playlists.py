"""Playlists for a class: what to show in which order, with the minutes that it takes and what to say first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Demo:
    """One demonstration: a threat on a base, its row in the figure, minutes, and what to ask the class."""

    threat: str
    base: str
    row: str
    minutes: int
    ask: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Playlist:
    """Demonstrations in order."""

    name: str
    title: str
    demos: tuple[Demo, ...]

    @property
    def minutes(self) -> int:
        """How long the whole of it takes."""
        return sum(demo.minutes for demo in self.demos)


def _demos(base: str, *rows: tuple[str, str, int, str]) -> tuple[Demo, ...]:
    return tuple(
        Demo(threat=threat, base=base, row=row, minutes=minutes, ask=ask) for threat, row, minutes, ask in rows
    )


FIGURE_4 = Playlist(
    name="figure4",
    title="Figure 4: attacks on a trusted base",
    demos=_demos(
        "trusted",
        ("TR-1", "row 1, 1", 4, "Everything is signed. What does somebody on the wire learn?"),
        ("TR-4", "row 1, 2", 4, "Whose word counts for who is at the other end of a link?"),
        ("ST-1", "row 2", 3, "Who should check that a reader may read?"),
        ("ST-2", "row 2", 3, "Mallory has a certificate. Is that enough to write here?"),
        ("ST-3", "row 2", 3, "How does one sign that something is gone?"),
        ("TR-5", "row 3", 5, "The password is right and the line is encrypted. What is missing?"),
        ("ST-6", "row 4, 1", 4, "The certificate is genuine. Is the record?"),
        ("ST-7", "row 4, 2", 5, "Nothing here is forged. Who suffers, and who could have said no?"),
        ("ST-8", "row 5", 4, "A limit, but on what: on a peer, a name, or a person?"),
    ),
)

FIGURE_6 = Playlist(
    name="figure6",
    title="Figure 6: what hostile peers add",
    demos=_demos(
        "untrusted",
        ("ID-1", "row 1, 1", 5, "What can one do who chooses his place?"),
        ("ID-2", "row 1, 2", 5, "Would more replicas help?"),
        ("KB-10", "row 1, 3", 5, "Bob gets an answer. How does he know that it is the right peer's?"),
        ("KB-1", "row 2, 1", 4, "Every message is signed. Does that bring it to its end?"),
        ("KB-4", "row 2, 2", 4, "How does a peer notice that a message goes astray?"),
        ("KB-8", "row 2, 3", 4, "Every hop is encrypted. Who can change the message?"),
        ("RP-2", "row 3", 6, "The draft proposes a time stamp. What will bob read?"),
        ("RM-1", "row 4", 5, "A neighbor with a good certificate lies about his table. What would you check?"),
    ),
)

LESSON = Playlist(
    name="lesson",
    title="Fifty minutes: the three stories",
    demos=(
        Demo(threat="TR-1", base="trusted", row="minute 14", minutes=6, ask=FIGURE_4.demos[0].ask),
        Demo(threat="ST-7", base="trusted", row="minute 20", minutes=7, ask=FIGURE_4.demos[7].ask),
        Demo(threat="RP-2", base="untrusted", row="minute 27", minutes=19, ask=FIGURE_6.demos[6].ask),
    ),
)
"""What one lesson of fifty minutes shows."""

MINUTES: tuple[tuple[int, str, str], ...] = (
    (0, "Presenter mode", "p in any panel; ? lists the keys"),
    (3, "Figure 1 by one switch", "the same call: one server, then an open overlay, then without signatures"),
    (10, "A show of hands", "the question about the hotline, before anything has run"),
    (14, "Sniff a hop, then TLS", "TR-1: keys 2, then 3"),
    (20, "Certificates against a flood", "ST-7: keys 2, 4, then 3"),
    (
        27,
        "From the trusted to the untrusted base",
        "RP-2: the switch base is refused on the trusted one, with the reason",
    ),
    (35, "What if two work together?", "RP-2: Home, a few steps, click a second peer, Make hostile, End, c"),
    (42, "Recursive against iterative", "RP-2: Reset, End, the switch routing, then c"),
    (46, "Take it along", "Export, and read the card out"),
    (49, "Reset the room", "the last section"),
)
"""The lesson by its minutes: when, what, and how."""

PLAYLISTS: Mapping[str, Playlist] = {playlist.name: playlist for playlist in (FIGURE_4, FIGURE_6)}
"""By name, as the command line and the instructor's console know them."""


def playlist(name: str) -> Playlist:
    """The playlist of that name; LookupError lists the known ones."""
    try:
        return PLAYLISTS[name]
    except KeyError:
        raise LookupError(f"no playlist {name!r}; known: {', '.join(PLAYLISTS)}") from None
