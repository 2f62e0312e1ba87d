"""What figures were made with: versions, and a digest of the source that decides what a run does."""

from __future__ import annotations

import hashlib
import platform
import ssl
from collections.abc import Iterator
from functools import cache
from importlib import metadata
from importlib.resources import files
from importlib.resources.abc import Traversable

DISTRIBUTION = "p2psip-lab"


def _python(folder: Traversable) -> Iterator[bytes]:
    for found in sorted(folder.iterdir(), key=lambda each: each.name):
        if found.is_dir():
            yield from _python(found)
        elif found.name.endswith(".py"):
            yield found.read_bytes()


@cache
def source() -> str:
    """The digest of the protocol's and the scenarios' source, 16 hex digits: equal source gives equal runs."""
    digest = hashlib.sha256()
    for folder in (files("p2psip_min"), files("lab") / "scenarios"):
        for content in _python(folder):
            digest.update(hashlib.sha256(content).digest())
    return digest.hexdigest()[:16]


def versions() -> dict[str, str]:
    """Versions by name; runs follow from the first two alone, and the others are for the record."""
    return {
        DISTRIBUTION: metadata.version(DISTRIBUTION),
        "source": source(),
        "python": platform.python_version(),
        "cryptography": metadata.version("cryptography"),
        "openssl": ssl.OPENSSL_VERSION.split()[1],
    }
