"""A copy of each record at an enrollment server, for comparison: normal use should not depend on one (draft Req. 1)."""

from __future__ import annotations

from p2psip_min.enrollment.archive import FIND, KEEP, pack, place, unpack
from p2psip_min.errors import Malformed, P2PSIPError
from p2psip_min.ids import INVALID, ResourceID
from p2psip_min.peer import Peer
from p2psip_min.storage.reader import Answer
from p2psip_min.wire.messages import StoreReq


async def keep_backup(peer: Peer, body: StoreReq, proof: tuple[bytes, ...]) -> None:
    """Bring what was stored to a server too; without one nothing is kept, and nobody minds."""
    errand = peer.errand()
    if errand is None:
        return
    try:
        await errand.bring(KEEP, pack(body, b"".join(proof)))
    except P2PSIPError:
        return


async def find_backup(peer: Peer, resource: ResourceID, kind: int) -> Answer | None:
    """What a server has under ``resource``; None when nothing, or when none can be reached."""
    errand = peer.errand()
    if errand is None:
        return None
    try:
        request, certificate = unpack(await errand.bring(FIND, place(resource, kind)), peer.surroundings.kinds)
    except (P2PSIPError, Malformed):
        return None
    values = tuple(value for group in request.kind_data if group.kind == kind for value in group.values)
    return Answer(INVALID, values, lambda identity: peer.certificate_for(identity, (certificate,)))
