"""Members that ask the operator about each other: when, and what comes of his word."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from p2psip_min import procedures
from p2psip_min.defences import Defences
from p2psip_min.enrollment.standing import GOOD, REVOKED, CheckPolicy, Offline, OnEveryUse, OnReading
from p2psip_min.errors import JoinReason, JoinRefused, RemoteFault, RequestTimedOut
from p2psip_min.ids import NodeID
from p2psip_min.overlay import Overlay
from p2psip_min.procedures.standing import confirm
from p2psip_min.wire.codes import MessageCode

ASKED = (
    MessageCode.JOIN_REQ,
    MessageCode.LEAVE_REQ,
    MessageCode.STORE_REQ,
    MessageCode.FETCH_REQ,
    MessageCode.PING_REQ,
)


@pytest.fixture
def overlay() -> Iterator[Overlay]:
    with Overlay(peers=6, defences="none", checks_online=True) as made:
        yield made


@pytest.mark.parametrize(
    ("policy", "asks"), [(OnEveryUse(), ASKED), (OnReading(), (MessageCode.FETCH_REQ,)), (Offline(), ())]
)
def test_when_the_operator_is_asked(policy: CheckPolicy, asks: tuple[MessageCode, ...]) -> None:
    assert tuple(code for code in ASKED if policy.asks(code)) == asks


def test_the_operator_knows_whom_he_enrolled_and_whom_he_withdrew(overlay: Overlay) -> None:
    one, other = overlay.peers()[:2]
    registrar = overlay.provider.registrar
    registrar.revoke(other.node_id)
    assert [registrar.standing(node) for node in (one.node_id, other.node_id, b"nobody")] == [GOOD, REVOKED, None]


def test_his_word_decides(overlay: Overlay) -> None:
    one, good, bad = overlay.peers()[:3]
    overlay.provider.registrar.revoke(bad.node_id)
    overlay.run(confirm(one.peer, good.node_id, MessageCode.PING_REQ))
    for node in (bad.node_id, NodeID(b"\x05" * 16)):
        with pytest.raises(RemoteFault):
            overlay.run(confirm(one.peer, node, MessageCode.PING_REQ))
    overlay.servers_off()
    overlay.run(confirm(one.peer, one.node_id, MessageCode.PING_REQ))  # nobody asks about himself
    with pytest.raises(RequestTimedOut):
        overlay.run(confirm(one.peer, good.node_id, MessageCode.PING_REQ))


def test_without_his_word_nobody_comes_or_goes(overlay: Overlay) -> None:
    joining, leaving = overlay.new_peer("dora"), overlay.peers()[2]
    overlay.servers_off()
    with pytest.raises(JoinRefused) as refused:
        overlay.run(overlay.join(joining))
    assert refused.value.reason is JoinReason.TIMED_OUT
    with pytest.raises(RemoteFault):
        overlay.run(procedures.leave(leaving.peer))
    assert leaving in overlay.peers()


def test_an_overlay_without_servers_has_nobody_to_ask() -> None:
    with Overlay(peers=3, defences="none", servers=0, checks_online=True) as overlay:
        one, other, _ = overlay.peers()
        with pytest.raises(RequestTimedOut):
            overlay.run(confirm(one.peer, other.node_id, MessageCode.PING_REQ))


@pytest.mark.parametrize(("name", "online"), [("offline-certificates", True), (None, False)])
def test_nobody_is_asked_where_certificates_verify_offline_or_he_does_not_want_it(
    name: str | None, online: bool
) -> None:
    defences = Defences().having(name) if name else Defences()
    with Overlay(peers=4, defences=defences, checks_online=online) as overlay:
        overlay.servers_off()
        one, other, *_ = overlay.peers()
        assert overlay.run(procedures.ping(one.peer, other.node_id)) == other.node_id
