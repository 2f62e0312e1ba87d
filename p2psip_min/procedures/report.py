"""Telling the configuration server of a node that behaves badly, and following what it decides (draft 7.2.12).

A node says what it can show: two messages of the accused, or one. Where only heads count it complains without. The
server answers with the configuration of the moment, which names who is excluded by now.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from p2psip_min.enrollment.conviction import Wanted
from p2psip_min.enrollment.docket import REPORTS
from p2psip_min.enrollment.evidence import Court, Proof
from p2psip_min.errors import P2PSIPError, ReadReason
from p2psip_min.exchange import Received
from p2psip_min.ids import NodeID, ResourceID
from p2psip_min.node import Promise
from p2psip_min.peer import Peer
from p2psip_min.procedures.configure import take
from p2psip_min.storage.reader import Refusal
from p2psip_min.wire.evidence import Exhibit, Plea, Report, seal_report
from p2psip_min.wire.message import encode_contents
from p2psip_min.wire.messages import FetchReq, StoreReq

PAUSE = 30.0
"""Seconds in which a node does not accuse the same one again."""

SUSPICIOUS = frozenset(
    {ReadReason.UNSIGNED, ReadReason.BAD_SIGNATURE, ReadReason.ACCESS_DENIED, ReadReason.ROLLED_BACK}
)
"""What a reader holds against the holder that gave him such a value, where complaints count."""


def promised(peer: Peer, place: ResourceID, kind: int, body: StoreReq, received: Received) -> None:
    """Keep what a storing peer has confirmed to us."""
    exhibit = Exhibit(encode_contents(body), received.envelope.data)
    peer.promises[place, kind] = Promise(received.signer, exhibit)


def court_of(peer: Peer) -> Court:
    """What a node judges evidence by itself, before it brings it to anybody."""
    around = peer.surroundings
    return Court(around.overlay, around.kinds, peer.defences, peer.trust, peer.topology.nearer)


def examine(peer: Peer, body: FetchReq, received: Received, refused: Collection[Refusal]) -> None:
    """Look at an answer to a Fetch, and accuse who gave it when there is something to say."""
    wants, accused = peer.defences.conviction.wants, received.signer
    if wants is Wanted.NOTHING or accused == peer.node_id:
        return
    if wants is Wanted.COMPLAINTS:
        if any(each.holder == accused and each.reason in SUSPICIOUS for each in refused):
            accuse(peer, accused, Plea.COMPLAINT)
        return
    shown = Exhibit(encode_contents(body), received.envelope.data)
    court = court_of(peer)
    cases: list[tuple[Exhibit, ...]] = []
    if any(each.holder == accused for each in refused):
        cases.append((shown,))
    for specifier in body.specifiers:
        promise = peer.promises.get((body.resource, specifier.kind))
        if promise is not None and promise.holder == accused:
            cases.append((promise.exhibit, shown))
    for exhibits in cases:
        if isinstance(court.judge(accused, exhibits, peer.now()), Proof):
            accuse(peer, accused, Plea.EVIDENCE, exhibits)
            return


def accuse(peer: Peer, accused: NodeID, plea: Plea, exhibits: Sequence[Exhibit] = ()) -> None:
    """Report a node, unless that was done a moment ago."""
    now = peer.now()
    if now - peer.accused.get(accused, -PAUSE) >= PAUSE:
        peer.accused[accused] = now
        peer.spawn(_report(peer, Report(accused, plea, tuple(exhibits))), "report")


async def _report(peer: Peer, report: Report) -> None:
    errand = peer.errand()
    if errand is None:
        return
    identity = peer.parts.identity
    data = seal_report(report, peer.surroundings.overlay, identity.certificate, peer.identity, identity.private_key)
    try:
        document = await errand.bring(REPORTS, data)
    except P2PSIPError:
        return  # no server is on: the overlay goes on, with its bad nodes (Req. 1)
    if document != peer.configuration.document:
        take(peer, document)
