"""Links that look safe: what each of them checks, and what passes all the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from p2psip_min.enrollment.authority import Authority
from p2psip_min.enrollment.certificates import Credential, pem
from p2psip_min.enrollment.keys import derive_key
from p2psip_min.enrollment.trust import TrustStore
from p2psip_min.errors import LinkReason, LinkRefused
from p2psip_min.ids import NodeID
from p2psip_min.transport.half_measures import HELLO_AGE, CheckedLinks, GreetedLinks, Hello, Papers, with_checksum
from p2psip_min.transport.plain import HELLO
from p2psip_min.transport.tls import TlsIdentity
from p2psip_min.transport.tls_links import TlsLinks
from p2psip_min.wire.codec import encode
from p2psip_min.wire.framing import frame_data
from tests.transport.world import HOSTS, IDS, Node, World

OVERLAY = "lab.example"


@pytest.fixture
def world() -> Iterator[World]:
    """Hosts without links yet."""
    made = World("plain")
    yield made
    for node in made.nodes:
        node.links.close_all()
    made.run(60)
    assert made.loop.idle
    made.loop.close()


def credentials() -> tuple[list[Credential], TrustStore]:
    """Papers of an overlay for all hosts."""
    root = Authority.create("Root", derive_key("half", "root"), serial=1, not_before=-1e6, not_after=1e9)
    made = []
    for number, node_id in enumerate(IDS):
        key = derive_key("half", f"node {number}")
        user = f"user{number}@{OVERLAY}"
        der = root.issue(
            key.public_key(), node_ids=[node_id], user=user, overlay=OVERLAY, serial=2 + number,
            not_before=-60, not_after=1e6,
        )  # fmt: skip
        made.append(Credential(node_ids=(node_id,), user=user, certificate=der, private_key=key))
    return made, TrustStore(OVERLAY, (root.certificate,))


PEOPLE, TRUST = credentials()


def add(world: World, make: Callable[..., Any], number: int, **options: Any) -> Node:
    """One node with links of one kind."""
    node = Node(make(world.network, HOSTS[number], IDS[number], trace=world.trace, **options))
    world.nodes.append(node)
    return node


def greeted(world: World, number: int, *, prove: bool = True, papers: Papers | None = None) -> Node:
    mine = papers or Papers(PEOPLE[number].certificate, PEOPLE[number].private_key, TRUST.refusal)
    return add(world, GreetedLinks, number, papers=mine, prove=prove)


def talk(world: World, one: Node, other: Node, number: int) -> bool:
    """Whether a message arrives and its answer too."""
    one.links.learn(IDS[number], HOSTS[number])
    one.links.send(IDS[number], b"question")
    world.run(2)
    if not other.messages:
        return False
    other.links.send(other.messages[-1][0], b"answer")
    world.run(2)
    return (IDS[number], b"answer") in one.messages


# --- bytes ------------------------------------------------------------------------------------------------------------


def test_a_check_sum_is_the_usual_crc_32_behind_the_packet() -> None:
    assert with_checksum(b"123456789").hex() == "313233343536373839" + "cbf43926"


def test_a_hello_is_spelled_out() -> None:
    hello = Hello(NodeID(b"\xaa" * 16), b"\x30\x82", 1_767_225_600_000, b"\x30\x44")
    assert encode(hello).hex() == "aa" * 16 + "0002" + "3082" + "0000019b76daa800" + "0002" + "3044"


# --- check sums -------------------------------------------------------------------------------------------------------


def test_checked_links_carry_messages_both_ways(world: World) -> None:
    one, other = add(world, CheckedLinks, 0), add(world, CheckedLinks, 1)
    assert talk(world, one, other, 1)
    for number in range(5):
        one.links.send(IDS[1], bytes((number,)))
    world.run()
    assert [message for _, message in other.messages] == [b"question", *[bytes((number,)) for number in range(5)]]
    assert world.loop.run_until_complete(other.links.connect(None, HOSTS[0])) == IDS[0]


def test_noise_is_noticed_and_sent_again(world: World) -> None:
    one, other = add(world, CheckedLinks, 0), add(world, CheckedLinks, 1)
    noise = iter([True, False, False, True])

    def flip(packet: bytes) -> list[tuple[float, bytes]]:
        return [(0.0, packet[:-1] + bytes((packet[-1] ^ 1,)) if next(noise, False) else packet)]

    world.network.on_path(HOSTS[0], HOSTS[1], flip)
    assert talk(world, one, other, 1)
    assert (IDS[1], b"", LinkReason.BAD_RECORD.value) in world.rejected()


def test_anybody_can_make_a_check_sum(world: World) -> None:
    one, other = add(world, CheckedLinks, 0), add(world, CheckedLinks, 1)

    def change(packet: bytes) -> list[tuple[float, bytes]]:
        return [(0.0, with_checksum(packet[:-4].replace(b"question", b"forgery!")))]

    world.network.on_path(HOSTS[0], HOSTS[1], change)
    talk(world, one, other, 1)
    assert other.messages == [(IDS[0], b"forgery!")]


# --- certificates on connecting ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("prove", [False, True])
def test_greeted_links_carry_messages_both_ways(world: World, prove: bool) -> None:
    one, other = (greeted(world, number, prove=prove) for number in (0, 1))
    assert talk(world, one, other, 1)
    third = greeted(world, 2, prove=prove)
    assert world.loop.run_until_complete(third.links.connect(None, HOSTS[0])) == IDS[0]
    assert world.rejected() == []


def rejected_hello(world: World, prove: bool, papers: Papers) -> str:
    """Why node 1 does not believe a node 0 with these papers."""
    one, other = greeted(world, 0, prove=prove, papers=papers), greeted(world, 1, prove=prove)
    assert not talk(world, one, other, 1)
    (reason,) = {reason for node, _, reason in world.rejected() if node == IDS[1]}
    return reason


@pytest.mark.parametrize("prove", [False, True])
def test_a_certificate_for_another_node_does_not_do(world: World, prove: bool) -> None:
    papers = Papers(PEOPLE[2].certificate, PEOPLE[2].private_key, TRUST.refusal)
    assert rejected_hello(world, prove, papers) == LinkReason.WRONG_NODE_ID


def test_a_copy_is_as_good_as_the_original_where_it_is_only_shown(world: World) -> None:
    thief = Papers(PEOPLE[0].certificate, ec.derive_private_key(99, ec.SECP256R1()), TRUST.refusal)
    one, other = greeted(world, 0, prove=False, papers=thief), greeted(world, 1, prove=False)
    assert talk(world, one, other, 1)


def test_a_copy_does_not_do_where_possession_is_proven(world: World) -> None:
    thief = Papers(PEOPLE[0].certificate, ec.derive_private_key(99, ec.SECP256R1()), TRUST.refusal)
    assert rejected_hello(world, True, thief) == LinkReason.NO_POSSESSION


def hello_of(world: World) -> bytes:
    """A hello that node 0 has made for node 1."""
    return greeted(world, 0).links.greeting(HELLO, HOSTS[1])


@pytest.mark.parametrize(
    ("wait", "to", "reason"),
    [(0.0, 1, None), (HELLO_AGE + 1, 1, LinkReason.STALE_HELLO), (0.0, 2, LinkReason.NO_POSSESSION)],
)
def test_a_hello_counts_for_a_while_and_for_its_addressee(
    world: World, wait: float, to: int, reason: LinkReason | None
) -> None:
    hello = hello_of(world)
    other = greeted(world, to)
    world.run(wait)
    world.network.inject(HOSTS[0], HOSTS[to], hello + frame_data(0, b"replayed"))
    world.run(1)
    assert [why for node, _, why in world.rejected() if node == IDS[to]] == ([] if reason is None else [reason.value])
    assert [message for _, message in other.messages] == ([b"replayed"] if reason is None else [])


def test_half_a_hello_is_malformed(world: World) -> None:
    hello = hello_of(world)
    greeted(world, 1)
    world.network.inject(HOSTS[0], HOSTS[1], hello[:40])
    world.run(1)
    assert [why for _, _, why in world.rejected()] == [LinkReason.MALFORMED.value]


def test_what_follows_a_proven_hello_is_anybodys(world: World) -> None:
    one, other = greeted(world, 0), greeted(world, 1)
    assert talk(world, one, other, 1)
    world.network.inject(HOSTS[0], HOSTS[1], frame_data(9, b"not from node 0"))
    world.run(1)
    assert other.messages[-1] == (IDS[0], b"not from node 0")


# --- a password in place of certificates ------------------------------------------------------------------------------


def password(world: World, number: int, secret: bytes = b"open sesame") -> Node:
    mine = PEOPLE[number]
    identity = TlsIdentity(certificate=mine.certificate_pem(), key=mine.key_pem(), mutual=False, verify=False)
    return add(world, TlsLinks, number, identity=identity, check=None, password=secret)


def test_who_knows_the_password_is_whoever_he_says(world: World) -> None:
    one, other = password(world, 0), password(world, 1)
    one.links.node_id = IDS[4]
    assert talk(world, one, other, 1)
    assert other.messages == [(IDS[4], b"question")]


@pytest.mark.parametrize("secret", [b"", b"open sesam", b"open sesame!"])
def test_who_does_not_know_it_is_told_so(world: World, secret: bytes) -> None:
    one, _ = password(world, 0, secret), password(world, 1)
    with pytest.raises(LinkRefused) as refusal:
        world.loop.run_until_complete(one.links.connect(IDS[1], HOSTS[1]))
    assert refusal.value.reason is LinkReason.WRONG_PASSWORD


def test_the_password_goes_to_whoever_answers(world: World) -> None:
    """Nobody looks at the accepting end's certificate: any will do."""
    one = password(world, 0)
    stranger = replace(PEOPLE[2], node_ids=(NodeID(b"\x77" * 16),))
    identity = TlsIdentity(certificate=stranger.certificate_pem(), key=stranger.key_pem(), mutual=False, verify=False)
    add(world, TlsLinks, 1, identity=identity, check=None, password=b"open sesame")
    assert world.loop.run_until_complete(one.links.connect(IDS[1], HOSTS[1])) == IDS[1]


# --- links that nobody watches ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("watched", [True, False])
def test_only_a_watched_link_dies_when_what_it_carries_disappears(world: World, watched: bool) -> None:
    ends = []
    for number in (0, 1):
        mine = PEOPLE[number]
        identity = TlsIdentity(roots=pem(TRUST.roots[0]), certificate=mine.certificate_pem(), key=mine.key_pem())
        ends.append(add(world, TlsLinks, number, identity=identity, check=TRUST.refusal, watched=watched))
    assert talk(world, *ends, 1)
    world.network.on_path(HOSTS[0], HOSTS[1], lambda packet: [(0.0, b"")])
    ends[0].links.send(IDS[1], b"swallowed")
    world.run(20)
    assert ends[0].failed == ([(IDS[1], LinkReason.NO_ACKNOWLEDGEMENT)] if watched else [])
    assert ends[0].undelivered == ([(IDS[1], b"swallowed")] if watched else [])
