"""Virtual time on the wire: virtual second 0 is the start of 2026, so certificates and stores carry plausible dates."""

from __future__ import annotations

EPOCH = 1_767_225_600
"""Unix second of virtual second 0 (2026-01-01T00:00:00Z)."""


def milliseconds(now: float) -> int:
    """Milliseconds since 1970 at ``now`` seconds of virtual time, as storage_time carries them (RFC 6940 §7)."""
    return EPOCH * 1000 + round(now * 1000)


def virtual(unix_ms: int) -> float:
    """Seconds of virtual time of a wire time in milliseconds since 1970."""
    return (unix_ms - EPOCH * 1000) / 1000
