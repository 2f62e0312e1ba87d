"""Asking the operator about another node, in overlays whose operator wants that (draft 7.2.1)."""

from __future__ import annotations

from p2psip_min.enrollment.standing import GOOD, STANDING
from p2psip_min.errors import LinkRefused, RemoteFault, RequestTimedOut
from p2psip_min.ids import NodeID
from p2psip_min.peer import Peer


async def confirm(peer: Peer, node: NodeID, code: int) -> None:
    """Rely on ``node`` for a request of this code only with the operator's word, where he wants to be asked.

    Raises RequestTimedOut when no server answers, RemoteFault when the word is not good.
    """
    asks = peer.surroundings.checks_online and node != peer.node_id and peer.defences.certificate_check.asks(code)
    if not asks:
        return
    errand = peer.errand()
    try:
        word = b"" if errand is None else await errand.bring(STANDING, bytes(node))
    except (LinkRefused, RequestTimedOut):
        word = b""
    if not word:
        raise RequestTimedOut("nobody can be asked whether a certificate is good")
    if word != GOOD:
        raise RemoteFault(f"{node!r} is {word.decode(errors='replace')}")
