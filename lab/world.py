"""What a picture needs beside the trace: the stage's world, with the enrollment servers, which are no nodes of it."""

from __future__ import annotations

from dataclasses import replace

from lab import text
from lab.frames import NodeKind, World
from lab.scenarios import Stage


def world_of(stage: Stage) -> World:
    """The stage's world; its servers have names, so that pictures and sentences show none by its number."""
    world, servers = stage.world(), stage.overlay.servers
    names: dict[bytes, str] = {
        server.node_id: text.server(place, len(servers)) for place, server in enumerate(servers.values(), 1)
    }
    return replace(
        world,
        names={**world.names, **names},
        kinds={**world.kinds, **dict.fromkeys(names, NodeKind.SERVER)},
        people={**{node: f"the {name}" for node, name in names.items()}, **world.people},
    )
