"""The alarm of a storing peer: it takes what it saw to the operator, who judges it himself (draft 7.2.6)."""

from __future__ import annotations

from p2psip_min.enrollment.archive import pack
from p2psip_min.enrollment.certificates import Certificate
from p2psip_min.enrollment.provider import ALARM
from p2psip_min.errors import P2PSIPError
from p2psip_min.ids import ResourceID
from p2psip_min.peer import Peer
from p2psip_min.storage.policies import CertificateFor
from p2psip_min.storage.sightings import WATCHED, Trio
from p2psip_min.storage.values import key_of
from p2psip_min.wire.data import StoreKindData
from p2psip_min.wire.messages import StoreReq


def watch(peer: Peer, request: StoreReq, certificates: CertificateFor) -> None:
    """Look at what an owner has stored here, and raise the alarm if it shows that there are two of him."""
    watching = peer.sightings
    if watching is None or request.replica_number != 0:
        return
    for group in request.kind_data:
        for stored in group.values if group.kind == WATCHED else ():
            trio = watching.note(request.resource, key_of(stored.value), stored)
            signer = certificates(stored.signature.identity) if trio else None
            if trio and isinstance(signer, Certificate):
                peer.spawn(raise_alarm(peer, request.resource, trio, signer.der), "raise alarm")


async def raise_alarm(peer: Peer, resource: ResourceID, trio: Trio, certificate: bytes) -> None:
    """Take the evidence to a server; without one it is lost."""
    errand = peer.errand()
    if errand is None:
        return
    try:
        await errand.bring(ALARM, pack(StoreReq(resource, 0, (StoreKindData(WATCHED, 0, trio),)), certificate))
    except P2PSIPError:
        return
