"""What a node does with each request: one function a method, named after it (RFC 6940 §6.4, §6.5, §7.4).

A handler answers at once. What takes longer, it starts as a procedure.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from p2psip_min.clock import milliseconds
from p2psip_min.errors import ErrorAnswer
from p2psip_min.exchange import Received, Reply
from p2psip_min.ids import NodeID
from p2psip_min.peer import Handler, Peer
from p2psip_min.procedures.attach import on_app_attach, on_attach
from p2psip_min.procedures.client import on_farewell
from p2psip_min.procedures.configure import on_config_update
from p2psip_min.procedures.custody import on_path_track
from p2psip_min.procedures.join import on_join
from p2psip_min.procedures.maintain import on_leave, on_update
from p2psip_min.procedures.storing import on_fetch, on_fetch_at_client, on_find, on_stat, on_store
from p2psip_min.routing.ways import choices, next_hop_on
from p2psip_min.wire.header import encode_destinations
from p2psip_min.wire.message import OTHER_NEXT_HOPS, MessageExtension
from p2psip_min.wire.messages import (
    ErrorCode,
    MessageCode,
    PingAns,
    ProbeAns,
    ProbeInformation,
    ProbeInformationType,
    RouteQueryAns,
    UpdateReq,
)
from p2psip_min.wire.options import wanted_way
from p2psip_min.wire.statements import EXP_PROBE, table_statement

BILLION = 1_000_000_000


def on_ping(peer: Peer, received: Received) -> PingAns:
    """Say that we are here, and what time it is (§6.5.2)."""
    return PingAns(peer.rng.getrandbits(64), milliseconds(peer.now()))


def on_probe(peer: Peer, received: Received) -> ProbeAns:
    """Tell what was asked of us and we know (§6.4.2.5)."""
    facts = []
    for wanted in received.body.requested_info:
        if wanted == ProbeInformationType.RESPONSIBLE_SET:
            facts.append(ProbeInformation(wanted, int(peer.topology.share() * BILLION)))
        elif wanted == ProbeInformationType.NUM_RESOURCES:
            facts.append(ProbeInformation(wanted, len(peer.store)))
        elif wanted == ProbeInformationType.UPTIME:
            facts.append(ProbeInformation(wanted, int(peer.now() - peer.joined_at)))
        elif wanted == EXP_PROBE:
            known = dict.fromkeys((*peer.topology.neighbors(), *peer.topology.table()))
            facts.append(table_statement(tuple(known)))
    return ProbeAns(tuple(facts))


def on_route_query(peer: Peer, received: Received) -> RouteQueryAns | Reply:
    """Name the node to which we would route (§6.4.2.4, §10.8); ourselves when we are responsible."""
    destination = received.body.destination
    if received.body.send_update and peer.joined and received.previous_hop == received.signer:
        peer.tell(received.signer, UpdateReq(peer.topology.make_full_update(peer.now())))
    if isinstance(destination, NodeID) and peer.links.connected(destination):
        return RouteQueryAns(destination)
    if not peer.joined:
        raise ErrorAnswer(ErrorCode.NOT_FOUND, b"not a peer")
    way, names = wanted_way(received.envelope.options), peer.defences.referral.names
    best = next_hop_on(peer.topology, destination, way) or peer.node_id
    others = choices(peer.topology, destination, names, (best,))[: names - 1] if best != peer.node_id else ()
    if not others:
        return RouteQueryAns(best)
    return Reply(
        RouteQueryAns(best), extensions=(MessageExtension(OTHER_NEXT_HOPS, False, encode_destinations(tuple(others))),)
    )


PEER_HANDLERS: Mapping[int, Handler] = MappingProxyType(
    {
        MessageCode.PING_REQ: on_ping,
        MessageCode.PROBE_REQ: on_probe,
        MessageCode.ATTACH_REQ: on_attach,
        MessageCode.APP_ATTACH_REQ: on_app_attach,
        MessageCode.JOIN_REQ: on_join,
        MessageCode.LEAVE_REQ: on_leave,
        MessageCode.UPDATE_REQ: on_update,
        MessageCode.ROUTE_QUERY_REQ: on_route_query,
        MessageCode.STORE_REQ: on_store,
        MessageCode.FETCH_REQ: on_fetch,
        MessageCode.STAT_REQ: on_stat,
        MessageCode.FIND_REQ: on_find,
        MessageCode.CONFIG_UPDATE_REQ: on_config_update,
        MessageCode.PATH_TRACK_REQ: on_path_track,
    }
)
"""The methods of a peer."""

CLIENT_HANDLERS: Mapping[int, Handler] = MappingProxyType(
    {
        MessageCode.PING_REQ: on_ping,
        MessageCode.ATTACH_REQ: on_attach,
        MessageCode.APP_ATTACH_REQ: on_app_attach,
        MessageCode.LEAVE_REQ: on_farewell,
        MessageCode.FETCH_REQ: on_fetch_at_client,
        MessageCode.CONFIG_UPDATE_REQ: on_config_update,
    }
)
"""The methods of a client: it routes and stores for nobody."""
