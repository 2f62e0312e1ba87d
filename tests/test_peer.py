"""What a live peer does with messages that break a rule, and how its own requests end (RFC 6940 §6)."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from p2psip_min import procedures
from p2psip_min.enrollment.certificates import Credential
from p2psip_min.enrollment.keys import derive_key
from p2psip_min.enrollment.provider import Provider
from p2psip_min.errors import DropReason
from p2psip_min.ids import NodeID, OpaqueID, ResourceID, to_int
from p2psip_min.trace import MessageDropped, MessageSent
from p2psip_min.wire.message import MessageExtension, encode_contents
from p2psip_min.wire.messages import (
    AttachReq,
    ErrorCode,
    JoinReq,
    LeaveReq,
    MessageCode,
    PingAns,
    PingReq,
    ProbeReq,
    UpdateReq,
)
from p2psip_min.wire.options import DESTINATION_CRITICAL, FORWARD_CRITICAL, ForwardingOption, encode_options
from p2psip_min.wire.security import UNSIGNED, SecurityBlock, encode_security, identity_of
from tests.crafting import (
    TRANSACTION,
    Hand,
    Scene,
    Silent,
    close_all,
    drops,
    equip_forwarding,
    patched,
    small,
    trace_of,
)

CRITICAL = (MessageExtension(0xF00D, True, b""),)


@pytest.fixture(autouse=True)
def closing() -> Iterator[None]:
    """End the overlays of a test."""
    yield
    close_all()


@pytest.fixture
def scene() -> Scene:
    return Scene()


def elsewhere(*, overlay: str = "overlay.example.org") -> Credential:
    """Somebody enrolled with another authority."""
    return Provider(overlay, seed="elsewhere", rng=random.Random(9)).enroll("mallory", 0.0)


def with_two_ids(scene: Scene) -> Credential:
    """Somebody of this overlay whose certificate names the attacker's Node-ID and one more."""
    key = derive_key("test", "two")
    node_ids = (scene.attacker.node_id, NodeID(b"\x42" * 16))
    certificate = scene.overlay.provider.authority.issue(
        key.public_key(),
        node_ids=node_ids,
        user="two@overlay.example.org",
        overlay="overlay.example.org",
        serial=77,
        not_before=0.0,
        not_after=1e6,
    )
    return Credential(node_ids=node_ids, user="two@overlay.example.org", certificate=certificate, private_key=key)


def option(flags: int) -> bytes:
    """A forwarding option that nobody knows."""
    return encode_options((ForwardingOption(99, flags, b""),))


# --- why a peer drops a message ----------------------------------------------------------------------------------

CASES: dict[DropReason, Callable[[Scene], bytes]] = {
    DropReason.WRONG_OVERLAY: lambda s: s.ping(overlay=1),
    DropReason.WRONG_VERSION: lambda s: patched(s.ping(), 10, b"\x0b"),
    DropReason.BAD_FRAGMENT: lambda s: patched(s.ping(), 12, b"\0\0\0\0"),
    DropReason.TTL_EXCEEDED: lambda s: s.ping(s.third, ttl=0),
    DropReason.TOO_LARGE: lambda s: s.ping(contents=encode_contents(PingReq(bytes(5000)))),
    DropReason.UNSUPPORTED_OPTION: lambda s: s.ping(options=option(DESTINATION_CRITICAL)),
    DropReason.RESOURCE_NOT_LAST: lambda s: s.to(ResourceID(bytes(16)), s.third.node_id),
    DropReason.LOOP: lambda s: s.to(s.third.node_id, s.fourth.node_id, s.third.node_id),
    DropReason.OPAQUE_UNKNOWN: lambda s: s.to(OpaqueID(b"\x80\x01")),
    DropReason.NODE_ABSENT: lambda s: s.to(NodeID.from_int(to_int(s.victim.node_id) - 1)),
    DropReason.MALFORMED: lambda s: s.ping(contents=patched(encode_contents(PingReq()), 2, b"\0\0\0\x09")),
    DropReason.UNSIGNED: lambda s: s.ping(security=encode_security(SecurityBlock((), UNSIGNED))),
    DropReason.BAD_SIGNATURE: lambda s: patched(s.ping(), len(s.ping()) - 1, b"\xee"),
    DropReason.UNKNOWN_SIGNER: lambda s: s.ping(certificates=()),
    DropReason.CERTIFICATE_REFUSED: lambda s: Hand(s.overlay, s.attacker.name, elsewhere()).message(
        (s.victim.node_id,), PingReq(), transaction_id=TRANSACTION
    ),
    DropReason.UNSOLICITED: lambda s: s.hand.message((s.victim.node_id,), PingAns(1, 2), transaction_id=TRANSACTION),
    DropReason.NOT_ADJACENT: lambda s: s.hand.message(
        (s.victim.node_id,), JoinReq(s.third.node_id), transaction_id=TRANSACTION
    ),
}
"""One message for each reason, from a linked node."""

TOLD = {
    DropReason.TTL_EXCEEDED: ErrorCode.TTL_EXCEEDED,
    DropReason.TOO_LARGE: ErrorCode.MESSAGE_TOO_LARGE,
    DropReason.UNSUPPORTED_OPTION: ErrorCode.UNSUPPORTED_FORWARDING_OPTION,
    DropReason.LOOP: ErrorCode.INVALID_MESSAGE,
}
"""What the sender of a request is told."""


@pytest.mark.parametrize("reason", CASES, ids=lambda reason: reason.name)
def test_what_breaks_a_rule_is_dropped_for_its_reason(scene: Scene, reason: DropReason) -> None:
    assert scene.dropped(CASES[reason](scene)) == [reason]
    told = [answer.body.error_code for answer in scene.hand.answers(TRANSACTION)]
    assert told == ([TOLD[reason]] if reason in TOLD else [])


def test_a_header_that_cannot_be_read_belongs_to_no_transaction(scene: Scene) -> None:
    scene.hand.send(scene.victim, b"RELO?")
    (event,) = trace_of(scene.overlay).select(MessageDropped, node=scene.victim.node_id)
    assert (event.reason, event.transaction_id, event.message) == (DropReason.MALFORMED, 0, b"RELO?")


@pytest.mark.parametrize("header", [{"ttl": 101}, {"options": option(FORWARD_CRITICAL)}])
def test_who_cannot_be_told_is_not(scene: Scene, header: dict[str, Any]) -> None:
    """A refusal goes back along the via list; when that cannot be read, nobody hears of it."""
    data = scene.ping(scene.third, via=b"\x01\x10short", **header)
    assert len(scene.dropped(data)) == 1
    assert not scene.hand.answers(TRANSACTION)


def test_an_answer_that_breaks_a_rule_is_dropped_without_a_word(scene: Scene) -> None:
    data = scene.hand.message((scene.third.node_id,), PingAns(1, 2), transaction_id=TRANSACTION, ttl=0)
    assert scene.dropped(data) == [DropReason.TTL_EXCEEDED]
    assert not scene.hand.answers(TRANSACTION)


def test_a_client_without_a_peer_knows_no_way() -> None:
    overlay = small(1)
    (only,) = overlay.peers()
    client = overlay.add_client("bob", at=only.name)
    client.peer.topology.peers.clear()  # type: ignore[attr-defined]
    hand = Hand(overlay, only.name)
    hand.send(client, hand.message((NodeID(b"\x09" * 16),), PingReq(), transaction_id=TRANSACTION))
    assert drops(overlay, client, TRANSACTION) == [DropReason.NO_ROUTE]


@pytest.mark.parametrize(
    ("names_its_digest", "reason"),
    [(True, DropReason.CERTIFICATE_REFUSED), (False, DropReason.UNKNOWN_SIGNER)],
)
def test_a_certificate_of_another_overlay_counts_for_nothing(
    scene: Scene, names_its_digest: bool, reason: DropReason
) -> None:
    foreign = elsewhere(overlay="other.example.org")
    identity = identity_of(foreign.certificate if names_its_digest else scene.third.peer.parts.identity.certificate)
    hand = Hand(scene.overlay, scene.attacker.name, foreign)
    data = hand.message((scene.victim.node_id,), PingReq(), transaction_id=TRANSACTION, identity=identity)
    assert scene.dropped(data) == [reason]


def test_a_certificate_that_ran_out_is_refused(scene: Scene) -> None:
    scene.overlay.advance(40 * 86_400.0)
    assert scene.dropped(scene.ping()) == [DropReason.CERTIFICATE_REFUSED]


def test_one_of_several_node_ids_is_named_by_its_own_digest(scene: Scene) -> None:
    """A certificate of two Node-IDs does not say which of them signed (§6.3.4)."""
    hand = Hand(scene.overlay, scene.attacker.name, with_two_ids(scene))
    data = hand.message((scene.victim.node_id,), PingReq(), transaction_id=TRANSACTION)
    assert scene.dropped(data) == [DropReason.UNKNOWN_SIGNER]


@pytest.mark.parametrize(
    ("body", "refused"),
    [
        (PingReq(), False),
        (AttachReq(b"", b"", b"passive", (), False), False),
        (ProbeReq((3,)), True),
        (UpdateReq(b""), True),
    ],
)
def test_a_second_node_id_has_to_attach_first(scene: Scene, body: Any, refused: bool) -> None:
    """§6.1.2: who signs by the second Node-ID of a certificate, and is linked by the first, may Ping and Attach."""
    credential = with_two_ids(scene)
    hand = Hand(scene.overlay, scene.attacker.name, credential)
    second = identity_of(credential.certificate, credential.node_ids[1])
    (answer,) = hand.ask(scene.victim, body, identity=second)
    forbidden = answer.code == MessageCode.ERROR and answer.body.error_code == ErrorCode.FORBIDDEN
    assert forbidden == refused
    first = identity_of(credential.certificate, credential.node_ids[0])
    (answer,) = hand.ask(scene.victim, ProbeReq((3,)), identity=first)
    assert answer.code == MessageCode.PROBE_ANS


@pytest.mark.parametrize("body", [LeaveReq, JoinReq, UpdateReq], ids=lambda body: body.__name__)
def test_what_binds_to_a_link_is_ignored_over_another(scene: Scene, body: Any) -> None:
    """Join, Leave and Update come from the node at the other end of the link itself (§6.4.2)."""
    before = scene.victim.peer.topology.snapshot()
    third = Hand(scene.overlay, scene.third.name)
    content = (
        UpdateReq(scene.third.peer.topology.make_full_update(0.0)) if body is UpdateReq else body(scene.third.node_id)
    )
    data = third.message((scene.victim.node_id,), content, transaction_id=TRANSACTION)
    assert scene.dropped(data) == [DropReason.NOT_ADJACENT]
    assert scene.victim.peer.topology.snapshot() == before


def test_nobody_reads_what_only_the_overlay_algorithm_understands(scene: Scene) -> None:
    for body in (UpdateReq(b"\0\0\0\0\x09"), LeaveReq(scene.attacker.node_id, b"\x01\xff")):
        assert scene.hand.error(scene.victim, body) == ErrorCode.INVALID_MESSAGE


def test_a_method_that_nobody_knows_is_an_invalid_message(scene: Scene) -> None:
    assert scene.hand.error(scene.victim, PingReq(), code=0x7001) == ErrorCode.INVALID_MESSAGE


def test_a_critical_extension_is_refused_in_a_request_and_dropped_in_an_answer(scene: Scene) -> None:
    assert scene.hand.error(scene.victim, PingReq(), extensions=CRITICAL) == ErrorCode.UNKNOWN_EXTENSION
    (answer,) = scene.hand.ask(scene.victim, PingReq(), extensions=(MessageExtension(0xF00D, False, b"?"),))
    assert answer.code == MessageCode.PING_ANS
    # An honest request of the victim gets its answer, but with an extension that it must not pass over.
    asking = scene.victim.peer.spawn(procedures.ping(scene.victim.peer, scene.attacker.node_id), "ping")
    assert asking is not None
    scene.overlay.turn(scene.attacker.name, equip_forwarding(lambda inner: Silent(inner, 1)))
    scene.overlay.advance(1)
    (sent,) = trace_of(scene.overlay).select(MessageSent, node=scene.victim.node_id, code=MessageCode.PING_REQ)
    data = scene.hand.message(
        (scene.victim.node_id,), PingAns(1, 2), transaction_id=sent.transaction_id, extensions=CRITICAL
    )
    scene.hand.send(scene.victim, data, 1.0)
    assert drops(scene.overlay, scene.victim, sent.transaction_id) == [DropReason.UNKNOWN_EXTENSION]
    assert not asking.done()
    scene.overlay.advance(3)  # asked again, the attacker's own peer answers
    assert asking.result() == scene.attacker.node_id


@pytest.mark.parametrize(
    ("sequence", "error"),
    [(0, ErrorCode.CONFIG_TOO_OLD), (2, ErrorCode.CONFIG_TOO_NEW), (0xFFFF, ErrorCode.CONFIG_TOO_OLD)],
)
def test_another_configuration_is_refused(scene: Scene, sequence: int, error: ErrorCode) -> None:
    assert scene.hand.error(scene.victim, PingReq(), configuration_sequence=sequence) == error


def test_a_node_without_a_link_cannot_be_sent_to(scene: Scene) -> None:
    """The table names it, but the connection table does not any more."""
    scene.victim.peer.links.forget(scene.third.node_id)
    far = ResourceID(scene.third.node_id)
    assert scene.dropped(scene.hand.message((far,), PingReq(), transaction_id=TRANSACTION)) == [DropReason.LINK_LOST]


def test_what_a_dead_link_did_not_deliver_is_in_the_trace(scene: Scene) -> None:
    scene.overlay.crash(scene.third.name)
    scene.hand.send(scene.victim, scene.ping(scene.third), 20.0)
    assert drops(scene.overlay, scene.victim, TRANSACTION) == [DropReason.LINK_LOST]


@pytest.mark.parametrize("links", ["plain", "tls"])
def test_rubbish_that_a_dead_link_did_not_deliver_hurts_nobody(links: str) -> None:
    scene = Scene(links=links)
    scene.overlay.crash(scene.victim.name)
    scene.hand.send(scene.victim, b"rubbish", 30.0)
    assert scene.attacker.alive


def test_a_request_that_changes_something_is_answered_from_memory_for_15_s(scene: Scene) -> None:
    body = UpdateReq(scene.attacker.peer.topology.make_full_update(0.0))
    data = scene.hand.message((scene.victim.node_id,), body, transaction_id=TRANSACTION)
    scene.hand.send(scene.victim, data, 13.0)
    scene.hand.send(scene.victim, data, 1.5)
    first, second = scene.hand.answers(TRANSACTION)
    assert first.contents == second.contents
    assert first.security == second.security
    assert drops(scene.overlay, scene.victim, TRANSACTION) == [DropReason.DUPLICATE]
    scene.hand.send(scene.victim, data, 2.0)  # 14.5 s after the first
    scene.hand.send(scene.victim, data, 2.0)
    assert drops(scene.overlay, scene.victim, TRANSACTION) == [DropReason.DUPLICATE] * 2
    assert len(scene.hand.answers(TRANSACTION)) == 4


def test_an_attackers_part_that_decides_nothing_is_told_what_to_decide(scene: Scene) -> None:
    class Undecided:
        def decide(self, *_: object) -> Any:
            return None

    scene.overlay.turn(scene.victim.name, equip_forwarding(lambda inner: Undecided()), "forgets to return")
    with pytest.raises(TypeError, match="forwarding decides Deliver, Forward or Drop, not None"):
        scene.dropped(scene.ping())
