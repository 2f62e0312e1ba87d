"""A compact, complete implementation of the layered secure overlay of draft-matuszewski-p2psip-security-requirements,
in one process, on plain asyncio; it speaks RELOAD (RFC 6940).

Reading order
 1. ``ids``, ``errors``, ``trace``, ``clock``: the values that every layer shares.
 2. ``wire``: RELOAD's bytes. ``wire.header`` is what forwarders touch, ``wire.messages`` has every method.
 3. The layers of the draft's Figure 2, each rule a function that decides and waits for nothing: ``enrollment`` (who
    may take part), ``transport`` (links and the simulated network), ``routing`` (whose a key is, and the way there),
    ``storage`` (who may store what where, and what a reader believes).
 4. ``defences``: every protection as a value; ``seams``: the parts of a node, and where an attacker may put his own.
 5. ``peer``: receive, dispatch, request; ``handlers``: what a node does with each method; ``procedures``: join, leave,
    look up, store, replicate, follow a configuration, as coroutines.
 6. ``application``: SIP on top, and the registrar-proxy that takes the overlay's place in client/server.
 7. ``world``, ``construction``, ``operations``, ``overlay``: many nodes, a network, a clock and a seed.
 8. ``deployments``: the draft's scenarios and the comparison; ``attacks``: the adversaries; ``invariants``: what must
    hold of an overlay as a whole.

Begin with ``Overlay(peers=32, clients=("alice", "bob"))``, ``register("alice")`` and ``call("bob", "alice")``.
"""

from p2psip_min.counting import CountingTrace
from p2psip_min.defences import CATALOGUE, PRESETS, Defences, preset
from p2psip_min.deployments import CallFigures, ClientServer, measure_call, open_global, public_provider
from p2psip_min.errors import (
    EnrollmentRefused,
    ErrorAnswer,
    JoinRefused,
    LinkRefused,
    Malformed,
    NotFound,
    P2PSIPError,
    RequestTimedOut,
    TrustedBase,
)
from p2psip_min.ids import NodeID, ResourceID
from p2psip_min.overlay import Node, Overlay
from p2psip_min.seams import Agent, Coalition, Equip, PeerParts
from p2psip_min.trace import Trace
from p2psip_min.transport.driver import Driver

__all__ = [
    "CATALOGUE",
    "PRESETS",
    "Agent",
    "CallFigures",
    "ClientServer",
    "Coalition",
    "CountingTrace",
    "Defences",
    "Driver",
    "EnrollmentRefused",
    "Equip",
    "ErrorAnswer",
    "JoinRefused",
    "LinkRefused",
    "Malformed",
    "Node",
    "NodeID",
    "NotFound",
    "Overlay",
    "P2PSIPError",
    "PeerParts",
    "RequestTimedOut",
    "ResourceID",
    "Trace",
    "TrustedBase",
    "measure_call",
    "open_global",
    "preset",
    "public_provider",
]
