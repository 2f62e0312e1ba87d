"""The alarm of a storing peer: it takes what it saw to the operator, who judges it himself (draft 7.2.6).

Somebody may go to and fro. So before it raises the alarm, the peer asks at both places for a call, as a caller would:
one machine has one address for it, two have two. A thief who names the owner's, or does not answer, takes no calls
either. The operator can't verify that part: a lying peer makes somebody enroll anew who goes to and fro.
"""

from __future__ import annotations

from p2psip_min.enrollment.archive import pack
from p2psip_min.enrollment.certificates import Certificate
from p2psip_min.enrollment.provider import ALARM
from p2psip_min.errors import P2PSIPError
from p2psip_min.ids import ResourceID
from p2psip_min.peer import Peer
from p2psip_min.procedures.attach import app_attach
from p2psip_min.storage.policies import CertificateFor
from p2psip_min.storage.sightings import WATCHED, Trio
from p2psip_min.storage.values import key_of
from p2psip_min.wire.codec import decode
from p2psip_min.wire.data import StoreKindData
from p2psip_min.wire.kinds import SipRegistration
from p2psip_min.wire.messages import StoreReq

SIP = 5060
"""The application id of calls (RFC 6940 §14.5)."""


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


async def in_two_places(peer: Peer, trio: Trio) -> bool:
    """Whether two machines answer as the registered node, at the place that it left and at the one it came back to."""
    found = set()
    for stored in trio[1:]:
        try:
            route = decode(SipRegistration, stored.value.value).destination_list
            received, address = await app_attach(peer, route, SIP, peer.address)
        except P2PSIPError:
            return False
        if received.signer == key_of(stored.value):
            found.add(address)
    return len(found) > 1


async def raise_alarm(peer: Peer, resource: ResourceID, trio: Trio, certificate: bytes) -> None:
    """Take the evidence to a server, if the user is in both places at once; without a server it is lost."""
    errand = peer.errand()
    if errand is None or not await in_two_places(peer, trio):
        return
    try:
        await errand.bring(ALARM, pack(StoreReq(resource, 0, (StoreKindData(WATCHED, 0, trio),)), certificate))
    except P2PSIPError:
        return
