"""What a session takes from a stage beside its trace: the world of its pictures, and a clean end."""

from __future__ import annotations

from dataclasses import replace

from lab import text
from lab.frames import NodeKind, World
from lab.scenarios import Stage
from p2psip_min.ids import ResourceID
from p2psip_min.overlay import Overlay

EBB = 1000
"""The most steps that an overlay takes within the instant in which it is closed."""


def end(overlay: Overlay) -> None:
    """Close an overlay; in the middle of an instant, let begin what is about to: only then can it be cancelled."""
    loop, now = overlay.loop, overlay.loop.time()

    def ebb() -> None:
        for _ in range(EBB):
            if loop.time() > now or not loop.step():
                return

    overlay.driver.call(ebb)
    overlay.close()


def cast_of(overlay: Overlay) -> tuple[int, int, int]:
    """What changes when somebody comes or turns: how many are hostile, how many nodes there are, and strangers."""
    return len(overlay.roles.hostile), len(overlay.nodes), len(overlay.strangers)


def world_of(stage: Stage) -> World:
    """The stage's world, and the enrollment servers, which are no nodes of it: no picture shows them by a number."""
    overlay = stage.overlay
    world, servers = stage.world(), overlay.servers
    names: dict[bytes, str] = {
        server.node_id: text.server(place, len(servers)) for place, server in enumerate(servers.values(), 1)
    }
    known = {node: f"the {name}" for node, name in names.items()}
    known |= {node.node_id: node.name for node in overlay.strangers if node.node_id not in world.names}
    users = {node.user for node in overlay.nodes.values() if node.is_client}
    resources: dict[bytes, str] = {ResourceID.of(aor): aor for aor in (overlay.aor(user) for user in sorted(users))}
    return replace(
        world,
        names={**world.names, **names},
        kinds={**world.kinds, **dict.fromkeys(names, NodeKind.SERVER)},
        people={**known, **world.people},
        resources={**resources, **world.resources},
    )
