"""What requirements say beyond single threats, measured: servers, sizes, mechanisms, topologies, the ease of enrolling.

An experiment runs on one seed and returns figures; each says what is wanted of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

from cryptography import x509

from lab.scenarios import scenario, setting, verdict
from p2psip_min import trace as events
from p2psip_min.construction import TopologyFactory
from p2psip_min.defences import Defences, preset
from p2psip_min.deployments import ad_hoc
from p2psip_min.enrollment.certificates import Certificate, build
from p2psip_min.enrollment.keys import derive_key
from p2psip_min.errors import P2PSIPError
from p2psip_min.ids import ResourceID
from p2psip_min.overlay import Overlay
from p2psip_min.routing.topology.buckets import Buckets
from p2psip_min.trace import Trace
from p2psip_min.transport.driver import driver_here
from p2psip_min.transport.tls_link import TlsLink
from p2psip_min.transport.tls_links import TlsLinks
from p2psip_min.wire.address import IpAddressPort
from p2psip_min.wire.codec import encode
from p2psip_min.wire.kinds import TURN_SERVICE, TurnServer
from p2psip_min.wire.messages import PingReq


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number, what is wanted of it, and whether that is so."""

    name: str
    value: float
    wanted: str
    met: bool


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


def _lookups(
    peers: int, seed: int, defences: Defences, topology: TopologyFactory | None = None
) -> tuple[float, float, float, float]:
    """The share of lookups answered, their mean hops and signatures, and the mean size of a table."""
    with Overlay(
        peers=peers, seed=seed, links="plain", defences=defences, maintenance=False, topology=topology,
        driver=driver_here(),
    ) as overlay:  # fmt: skip
        dice, nodes = overlay.rng("lookups"), overlay.peers()
        trace = overlay.trace
        assert isinstance(trace, Trace)
        start, good = len(trace), 0
        for _ in range(LOOKUPS):
            key = ResourceID(dice.getrandbits(128).to_bytes(16, "big"))
            asking = nodes[int(dice.random() * len(nodes))].name
            good += _works(partial(overlay.lookup, asking, key))
        pings = [event for event in trace.events[start:] if isinstance(event, events.LookupCompleted)]
        sent = sum(isinstance(event, events.MessageSent) for event in trace.events[start:])
        hops = sum(event.hops for event in pings) / max(1, len(pings))
        tables = sum(len(node.peer.topology.table()) for node in nodes) / peers
        signed = sent / LOOKUPS if defences.message_authentication.signed else 0.0
        return good / LOOKUPS, hops, signed, tables


def small(seed: int) -> tuple[Figure, ...]:
    """Three people with nobody to enroll them, without and with a password that they agreed on (draft 7.2.2)."""
    figures = []
    for name, secret in (("self-signed certificates", False), ("a shared secret", True)):
        with ad_hoc(secret=secret, seed=seed, driver=driver_here()) as overlay:
            users = [node.name for node in overlay.peers()]
            pairs = [(caller, callee) for caller in users for callee in users if caller != callee]
            done = [_works(partial(overlay.register, user)) for user in users]
            done += [_works(partial(overlay.call, *pair)) for pair in pairs]
            figures.append(exactly(f"registrations and calls of three with {name}", sum(done) / len(done), 1.0))
            if secret:
                figures.append(exactly("links of a stranger who guesses the secret", _guessed(overlay), 0.0))
            else:
                figures.append(exactly("answers to a stranger who takes a member's Node-ID", _posed(overlay), 0.0))
    return tuple(figures)


def _guessed(overlay: Overlay) -> float:
    """Whether a wrong password gets a link."""
    host, stranger = overlay.peers()[0], overlay.new_peer("stranger").peer
    assert isinstance(stranger.links, TlsLinks)
    stranger.links.password = b"guessed"
    return float(_works(lambda: overlay.run(stranger.links.connect(host.node_id, host.address))))


def _posed(overlay: Overlay) -> float:
    """Whether a Node-ID without its key is answered: in place of one who is off, under a certificate made for it."""
    host, absent, *_ = overlay.peers()
    key = derive_key(overlay.seed, "stranger")
    made = build(
        key=key, issuer=x509.Name([]), public_key=key.public_key(), node_ids=(absent.node_id,),
        user=overlay.aor(absent.user), overlay=overlay.name, serial=1, not_before=0.0, not_after=1e6,
    )  # fmt: skip
    shown = replace(absent.peer.parts.identity, certificate=made, private_key=key)
    overlay.crash(absent.name)
    stranger = overlay.new_peer("stranger", credential=shown).peer
    stranger.links.learn(host.node_id, host.address)
    return float(_works(lambda: overlay.run(stranger.request((host.node_id,), PingReq(), next_hop=host.node_id))))


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


TOPOLOGIES: Mapping[str, TopologyFactory | None] = {"Chord": None, "XOR buckets": Buckets}
"""Overlay algorithms by name: the overlay's own ring, and one that is no ring."""

CARRIED = ("KB-1", "RP-2", "ST-12")
"""Threats whose verdicts are compared: to what is forwarded, to what is written, to what is held."""


def undisturbed(seed: int) -> tuple[Figure, ...]:
    """Whether protection costs the algorithm anything, and protects, whichever algorithm it is (draft 7.2.4)."""
    figures: list[Figure] = []
    for name, topology in TOPOLOGIES.items():
        bare, all_on = (_lookups(64, seed, defences, topology) for defences in (Defences(), preset("reload")))
        figures += [
            exactly(f"lookups answered on {name}, unprotected", bare[0], 1.0),
            exactly(f"lookups answered on {name}, protected", all_on[0], 1.0),
            exactly(f"hops that protection adds to a lookup on {name}", all_on[1] - bare[1], 0.0),
            exactly(f"links that protection adds to a peer on {name}", all_on[3] - bare[3], 0.0),
        ]
        for threat in CARRIED:
            chosen = scenario(threat)
            found = verdict(chosen, setting(chosen, links="plain", seed=seed), topology=topology)
            wanted = f"at most {chosen.bounds.defence:g}"
            figures.append(Figure(f"{threat} on {name}: harm that is left", found.share_left, wanted, found.holds))
    return tuple(figures)


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
