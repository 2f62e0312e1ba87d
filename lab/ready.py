"""The first cell of a lesson: does everything that it needs work here?"""

from __future__ import annotations

import platform
from importlib import metadata

from lab import progress, provenance
from lab.tell import Table
from p2psip_min.overlay import Overlay


def ready() -> Table:
    """Versions, one small overlay twice, and where progress is kept; an exception where something is missing."""
    digests = []
    for _ in range(2):
        with Overlay(peers=8, clients=("alice", "bob"), seed=7) as overlay:
            overlay.register("alice")
            overlay.call("bob", "alice")
            digests.append(overlay.digest())
    same = digests[0] == digests[1]
    kept = progress.here()
    rows = (
        ("✓ versions", f"Python {platform.python_version()}, lab {metadata.version(provenance.DISTRIBUTION)}"),
        (f"{'✓' if same else '×'} one seed, one run", f"a call among 8 peers, twice: {digests[0][:16]}…"),
        ("✓ progress" if kept.path else "× progress", str(kept.path) if kept.path else kept.problem),
    )
    return Table(("ready", ""), rows)
