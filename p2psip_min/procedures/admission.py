"""Join control at work: asking for a permit, giving one, wanting to see one (draft 5.2)."""

from __future__ import annotations

from collections.abc import Iterable

from p2psip_min.clock import milliseconds, virtual
from p2psip_min.enrollment.joincontrol import PERMIT_LIFETIME, Deferred, Place, keeper, permitted, state
from p2psip_min.errors import ErrorAnswer, JoinDeferred, JoinReason, JoinRefused, Rejected, RemoteFault
from p2psip_min.exchange import Received
from p2psip_min.ids import Destination, NodeID
from p2psip_min.peer import Peer
from p2psip_min.wire.codec import encode
from p2psip_min.wire.messages import ErrorCode, JoinAns, JoinReq
from p2psip_min.wire.permits import read_refusal, refusal

LONGEST = 3600.0
"""Seconds that a joining node lets itself be put off for."""


async def get_permit(peer: Peer, bootstrap: NodeID) -> bytes:
    """What to show to the admitting peer, empty where nobody asks for it; raises JoinDeferred or JoinRefused.

    A permit is asked for once and kept until the node is in: each one counts as a join.
    """
    entities = peer.configuration.join_controls
    if not entities or peer.now() < peer.permit[1]:
        return peer.permit[0] if entities else b""
    try:
        permit = await _ask(peer, bootstrap, keeper(peer.node_id, entities))
    except ErrorAnswer as error:
        raise deferral(peer, error.info) or JoinRefused(reason_of(error)) from None
    except JoinDeferred:
        raise
    except (RemoteFault, Rejected):
        raise JoinRefused(JoinReason.NO_PERMIT) from None
    peer.permit = permit, peer.now() + PERMIT_LIFETIME
    return permit


async def _ask(peer: Peer, bootstrap: NodeID, entity: NodeID | None) -> bytes:
    if peer.defences.join_control.place is Place.ENROLLMENT_SERVER:
        plea = state(peer.parts.identity, peer.node_id, peer.surroundings.overlay, peer.now())
        answer = await peer.on_plea(encode(plea))
        if (put_off := deferral(peer, answer)) is not None:
            raise put_off
        return answer
    assert entity is not None
    way: tuple[Destination, ...] = (bootstrap,) if entity == bootstrap else (bootstrap, entity)
    received = await peer.request(way, JoinReq(peer.node_id), next_hop=bootstrap)
    permit: bytes = received.body.overlay_specific_data
    return permit


def deferral(peer: Peer, info: bytes) -> JoinDeferred | None:
    """A refusal that ends some time, as who is refused hears it; nobody is put off for ever."""
    found = read_refusal(info)
    return None if found is None else JoinDeferred(found[0], min(virtual(found[1]), peer.now() + LONGEST))


def reason_of(error: ErrorAnswer) -> JoinReason:
    """Why a Join was answered by an error."""
    if error.code == ErrorCode.IN_PROGRESS:
        return JoinReason.BUSY
    told = {reason.encode(): reason for reason in (JoinReason.BLACK_LISTED, JoinReason.NO_PERMIT)}
    return told.get(error.info, JoinReason.FORBIDDEN)


def give_permit(peer: Peer, received: Received) -> JoinAns:
    """The join control entity's answer to a Join without a permit."""
    joining, now = received.signer, peer.now()
    refuse_listed(peer, joining)
    # Where messages are signed, all Node-IDs of one user count together.
    put_off = peer.history.ask(received.certificate.user if received.certificate else joining, now)
    if put_off is not None:
        refuse(put_off)
    permit = state(peer.parts.identity, joining, peer.surroundings.overlay, now + PERMIT_LIFETIME)
    return JoinAns(encode(permit))


def refuse(put_off: Deferred) -> None:
    """Say no, and until when."""
    raise ErrorAnswer(ErrorCode.FORBIDDEN, refusal(put_off.reason, milliseconds(put_off.until)))


def refuse_listed(peer: Peer, node: NodeID) -> None:
    """Say no to a node on the black list."""
    if peer.defences.black_list.covers(node, peer.configuration.bad_nodes):
        raise ErrorAnswer(ErrorCode.FORBIDDEN, JoinReason.BLACK_LISTED.encode())


def check_permit(peer: Peer, joining: NodeID, permit: bytes) -> None:
    """The admitting peer's look at a joining node: on the list, known to come and go, without a permit."""
    refuse_listed(peer, joining)
    control, now = peer.defences.join_control, peer.now()
    if control.place is Place.NEIGHBORS and (put_off := peer.history.look(joining, now)) is not None:
        refuse(put_off)
    entities = peer.configuration.join_controls
    if entities and not permitted(permit, joining, entities, peer.surroundings.overlay, peer.trust, now):
        raise ErrorAnswer(ErrorCode.FORBIDDEN, JoinReason.NO_PERMIT.encode())


def know(peer: Peer, members: Iterable[tuple[NodeID, str]]) -> None:
    """Members since before anybody counted are no newcomers: to the entity, by Node-ID or user, and to neighbors."""
    for each in (*(name for member in members for name in member), *peer.topology.neighbors()):
        peer.history.know(each)


def note_departure(peer: Peer, node: NodeID) -> None:
    """A neighbor or acquaintance has gone."""
    if peer.defences.join_control.place is Place.NEIGHBORS:
        peer.history.gone(node, peer.now())


def may_return(peer: Peer, node: NodeID) -> bool:
    """Whether one that is in no table may get in by its mere Update: not on the list, nor gone too often."""
    if peer.defences.black_list.covers(node, peer.configuration.bad_nodes):
        return False
    return peer.defences.join_control.place is not Place.NEIGHBORS or peer.history.too_often(node, peer.now()) is None
