"""What requirements say beyond single threats, measured: servers, sizes, mechanisms, topologies, the ease of enrolling.

An experiment runs on one seed and returns figures; each says what is wanted of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from p2psip_min import trace as events
from p2psip_min.defences import Defences, preset
from p2psip_min.enrollment.certificates import Certificate
from p2psip_min.errors import P2PSIPError
from p2psip_min.ids import ResourceID
from p2psip_min.overlay import Overlay
from p2psip_min.trace import Trace
from p2psip_min.transport.driver import driver_here
from p2psip_min.transport.tls_link import TlsLink
from p2psip_min.wire.address import IpAddressPort
from p2psip_min.wire.codec import encode
from p2psip_min.wire.kinds import TURN_SERVICE, TurnServer


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number, what is wanted of it, and whether that is so; ``left`` says what stays open all the same."""

    name: str
    value: float
    wanted: str
    met: bool
    left: str = ""


def exactly(name: str, value: float, wanted: float) -> Figure:
    """A figure that has to be what it should be."""
    return Figure(name, round(value, 6), f"{wanted:g}", value == wanted)


def at_most(name: str, value: float, limit: float) -> Figure:
    """A figure with an upper limit."""
    return Figure(name, round(value, 6), f"at most {limit:g}", value <= limit)


Experiment = Callable[[int], tuple[Figure, ...]]

TURN = encode(TurnServer(1, IpAddressPort("192.0.2.1", 3478)))


def _works(what: Callable[[], object]) -> bool:
    try:
        what()
    except P2PSIPError:
        return False
    return True


def without_servers(seed: int) -> tuple[Figure, ...]:
    """What members and enrolled nodes do while every enrollment server is off (draft 7.2.1)."""
    with Overlay(peers=16, clients=("alice", "bob"), seed=seed, links="plain", driver=driver_here()) as overlay:
        enrolled = overlay.new_peer("late")
        overlay.servers_off()
        owner, reader, leaver = (node.name for node in overlay.peers()[3:6])
        done = [
            _works(lambda: overlay.run(overlay.join(enrolled))),
            _works(lambda: overlay.put(owner, TURN_SERVICE, TURN)),
            _works(lambda: overlay.get(reader, owner, TURN_SERVICE)),
            _works(lambda: overlay.remove(owner, TURN_SERVICE)),
            _works(lambda: overlay.register("alice")),
            _works(lambda: overlay.call("bob", "alice")),
            _works(lambda: overlay.leave(leaver)),
        ]
    return (exactly("operations that work with every server off", sum(done) / len(done), 1.0),)


SIZES = (3, 32, 256)
LOOKUPS = 60


def growing(seed: int) -> tuple[Figure, ...]:
    """Lookups with everything signed, from a handful of nodes to hundreds (draft 7.2.2)."""
    figures = []
    for peers in SIZES:
        answered, hops, signed, tables = _lookups(peers, seed, preset("reload"))
        figures += [
            exactly(f"lookups answered among {peers}", answered, 1.0),
            at_most(f"signatures a lookup among {peers}", signed, 2.0),
            at_most(f"hops among {peers}", hops, max(1.0, math.log2(peers))),
            at_most(f"links a peer keeps among {peers}", tables, 2 * math.log2(peers) + 6),
        ]
    return tuple(figures)


def _lookups(peers: int, seed: int, defences: Defences) -> tuple[float, float, float, float]:
    """The share of lookups answered, their mean hops and signatures, and the mean size of a table."""
    with Overlay(
        peers=peers, seed=seed, links="plain", defences=defences, maintenance=False, driver=driver_here()
    ) as overlay:
        dice, nodes = overlay.rng("lookups"), overlay.peers()
        trace = overlay.trace
        assert isinstance(trace, Trace)
        start, good = len(trace), 0
        for _ in range(LOOKUPS):
            key = ResourceID(dice.getrandbits(128).to_bytes(16, "big"))
            asking = nodes[int(dice.random() * len(nodes))].name
            good += _works(lambda asking=asking, key=key: overlay.lookup(asking, key))  # type: ignore[misc]
        pings = [event for event in trace.events[start:] if isinstance(event, events.LookupCompleted)]
        sent = sum(isinstance(event, events.MessageSent) for event in trace.events[start:])
        hops = sum(event.hops for event in pings) / max(1, len(pings))
        tables = sum(len(node.peer.topology.table()) for node in nodes) / peers
        signed = sent / LOOKUPS if defences.message_authentication.signed else 0.0
        return good / LOOKUPS, hops, signed, tables


def mechanisms(seed: int) -> tuple[Figure, ...]:
    """Whether what protects the overlay is what others specified and check (draft 7.2.3)."""
    with Overlay(peers=8, clients=("alice", "bob"), seed=seed, links="tls", driver=driver_here()) as overlay:
        overlay.register("alice")
        overlay.call("bob", "alice")
        links = [link for node in overlay.peers() for link in node.peer.parts.links.table.values()]
        modern = [isinstance(link, TlsLink) and link.version == "TLSv1.3" for link in links]
        nodes = list(overlay.nodes.values())
        trusted = [
            isinstance(node.peer.trust.check(node.peer.parts.identity.certificate, now=overlay.now), Certificate)
            for node in nodes
        ]
    return (
        exactly("links that speak TLS 1.3", sum(modern) / max(1, len(modern)), 1.0),
        exactly("certificates that X.509 path validation accepts", sum(trusted) / len(trusted), 1.0),
    )


def undisturbed(seed: int) -> tuple[Figure, ...]:
    """Whether signing and checking everything makes the way to a key longer or the tables larger (draft 7.2.4)."""
    bare, all_on = _lookups(64, seed, Defences()), _lookups(64, seed, preset("reload"))
    return (
        exactly("hops that protection adds to a lookup", all_on[1] - bare[1], 0.0),
        exactly("links that protection adds to a peer", all_on[3] - bare[3], 0.0),
    )


def ease(seed: int) -> tuple[Figure, ...]:
    """What a user goes through to enroll (draft 7.1)."""
    with Overlay(peers=8, seed=seed, links="plain", driver=driver_here()) as overlay:
        began = overlay.now
        worked = _works(lambda: overlay.enroll("carol"))
        taken = overlay.now - began
    return (
        exactly("users who enroll at the first try", float(worked), 1.0),
        at_most("seconds that enrolling takes", taken, 5.0),
    )
