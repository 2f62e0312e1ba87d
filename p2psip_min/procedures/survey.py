"""Looking around a key: who is responsible, asked of those who live there, each over a link of our own."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from p2psip_min import trace as events
from p2psip_min.errors import LinkRefused, Malformed, RemoteFault, RequestTimedOut, RootReason
from p2psip_min.exchange import Received
from p2psip_min.ids import NodeID, ResourceID
from p2psip_min.procedures.attach import attach
from p2psip_min.routing.iterative import Ask
from p2psip_min.routing.survey import Survey
from p2psip_min.wire.messages import ProbeReq
from p2psip_min.wire.statements import EXP_PROBE, stated_table

if TYPE_CHECKING:
    from p2psip_min.peer import Peer

WITNESSES = 3
"""How many of the nearest are asked by who has no policy about it."""


async def survey(peer: Peer, key: ResourceID, claimed: Iterable[NodeID] = (), *, witnesses: int = WITNESSES) -> Survey:
    """Hear those who live around ``key``; ``claimed`` are others' words about who that is."""
    known = dict.fromkeys((*peer.topology.table(), *claimed))
    around = Survey(peer.topology, key, known, witnesses=witnesses)
    while questions := around.questions():
        statements = await asyncio.gather(*[_statement(peer, question) for question in questions])
        for question, named in zip(questions, statements, strict=True):
            if named is None:
                around.failed(question.node)
            else:
                around.stated(question.node, named)
    return around


async def _statement(peer: Peer, question: Ask) -> tuple[NodeID, ...] | None:
    """Whom a node knows; None where it can't be asked."""
    node = question.node
    try:
        if not peer.links.connected(node):
            way = (node,) if question.via is None else (question.via, node)
            await attach(peer, way, next_hop=question.via)
        answer = await peer.request((node,), ProbeReq((EXP_PROBE,)), next_hop=node)
        return stated_table(answer.body)
    except (RemoteFault, LinkRefused, Malformed):
        return None


async def proven(
    peer: Peer, key: ResourceID, body: Any, answer: Received, certificates: tuple[bytes, ...] = ()
) -> Received:
    """``answer`` if the responsible node gave it, else that node's own; raises RequestTimedOut when nobody knows."""
    around = await survey(peer, key, (answer.signer,), witnesses=peer.defences.root_proof.witnesses)
    owner = around.owner()
    if owner == answer.signer:
        return answer
    reason = RootReason.NO_WITNESS if owner is None else RootReason.BETTER_CLAIM
    peer.emit(
        events.ResponderRejected(
            peer.now(), peer.node_id, answer.envelope.transaction_id, key, answer.signer, reason.value
        )
    )
    if owner is None:
        raise RequestTimedOut(reason.value)
    return await peer.request((owner,), body, next_hop=owner, certificates=certificates)


async def ask_root_set(peer: Peer, key: ResourceID, body: Any, members: int) -> list[Received]:
    """What the ``members`` with the best claims to ``key`` answer; raises RequestTimedOut when none of them does."""
    around = await survey(peer, key)
    first, answers = around.owner(), list[Received]()
    for member in around.root_set(members):
        way = (member,) if peer.links.connected(member) or first is None else (first, member)
        try:
            answers.append(await peer.request(way, body, next_hop=way[0]))
        except RemoteFault:
            continue
    if not answers:
        raise RequestTimedOut("none of the root set answered")
    return answers
