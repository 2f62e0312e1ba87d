"""The sink for overlays that are too large to keep every event."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from typing import ClassVar

from p2psip_min.trace import Event


class CountingTrace:
    """The counting sink for large overlays: how many of each class, and nothing else."""

    __slots__ = ("_counts",)

    keeps: ClassVar[bool] = False

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def emit(self, event: Event) -> None:
        self._counts[type(event).__name__] += 1

    def __len__(self) -> int:
        return self._counts.total()

    def counts(self) -> dict[str, int]:
        """How many events of each class, by class name."""
        return dict(sorted(self._counts.items()))

    def digest(self) -> str:
        """SHA-256 of the counts, in hex."""
        return hashlib.sha256(json.dumps(self.counts()).encode()).hexdigest()
