"""Worlds of each kind of links."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.transport.world import World


def worlds(kind: str) -> Iterator[World]:
    """A world of one kind, cleaned up and checked to leave nothing running."""
    world = World(kind)
    yield world
    for node in world.nodes:
        node.links.close_all()
    world.run(60)
    assert world.loop.idle
    world.loop.close()


@pytest.fixture(params=["plain", "tls"])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """Every kind in turn."""
    yield from worlds(request.param)


@pytest.fixture
def plain() -> Iterator[World]:
    yield from worlds("plain")


@pytest.fixture
def tls() -> Iterator[World]:
    yield from worlds("tls")
