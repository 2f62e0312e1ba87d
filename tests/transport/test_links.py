"""What every kind of links must do."""

from __future__ import annotations

import asyncio

import pytest

from p2psip_min.errors import LinkReason, LinkRefused, PacketReason, Stalled
from p2psip_min.ids import NodeID
from p2psip_min.trace import LinkClosed, LinkOpened, PacketLost
from p2psip_min.transport.link import GIVE_UP, Links, OverlayLink
from tests.transport.world import HOSTS, IDS, STRANGER, World


def test_the_first_message_opens_the_link_and_both_ends_know_each_other(world: World) -> None:
    a, b = world.pair()
    links: Links = a.links
    assert links.connected(IDS[1])
    assert not b.links.connected(IDS[0])
    assert links.send(IDS[1], b"one")
    assert links.send(IDS[1], b"two")
    world.run()
    assert b.messages == [(IDS[0], b"one"), (IDS[0], b"two")]
    assert b.links.send(IDS[0], b"back")
    world.run()
    assert a.messages == [(IDS[1], b"back")]
    assert (a.opened, b.opened) == ([IDS[1]], [IDS[0]])
    opened = {(event.node, event.remote, event.protocol) for event in world.trace.select(LinkOpened)}
    assert opened == {(IDS[0], IDS[1], world.kind), (IDS[1], IDS[0], world.kind)}
    link: OverlayLink = a.links.table[IDS[1]]
    assert (link.local, link.remote, link.protocol) == (IDS[0], IDS[1], world.kind)
    assert (link.remote_certificate is None) == (world.kind == "plain")
    assert b.links.book[IDS[0]] == HOSTS[0]


def test_an_unknown_node_cannot_be_sent_to(world: World) -> None:
    a, _ = world.pair()
    assert not a.links.send(IDS[4], b"x")
    assert not a.links.connected(IDS[4])


def test_connect_waits_for_the_link_and_may_learn_the_name(world: World) -> None:
    a, b = world.pair()
    assert world.loop.run_until_complete(a.links.connect(None, HOSTS[1])) == IDS[1]
    assert world.loop.run_until_complete(a.links.connect(IDS[1], HOSTS[1])) == IDS[1]
    a.links.send(IDS[1], b"x")
    world.run()
    assert b.messages == [(IDS[0], b"x")]
    assert a.opened == [IDS[1]]


def test_two_who_wait_for_the_same_link_share_it(world: World) -> None:
    a, b = world.pair()

    async def both() -> list[NodeID]:
        return await asyncio.gather(a.links.connect(IDS[1], HOSTS[1]), a.links.connect(IDS[1], HOSTS[1]))

    assert world.loop.run_until_complete(both()) == [IDS[1], IDS[1]]
    assert (a.opened, b.opened) == ([IDS[1]], [IDS[0]])


def test_another_node_at_the_address_is_refused(world: World) -> None:
    a, _ = world.pair()
    with pytest.raises(LinkRefused) as refusal:
        world.loop.run_until_complete(a.links.connect(IDS[4], HOSTS[1]))
    assert refusal.value.reason is LinkReason.WRONG_NODE_ID
    assert IDS[4] not in a.links.table


def test_nobody_there_is_noticed_after_a_bounded_time(world: World) -> None:
    a, _ = world.pair()
    with pytest.raises(LinkRefused) as refusal:
        world.loop.run_until_complete(a.links.connect(IDS[4], STRANGER))
    assert refusal.value.reason is LinkReason.UNREACHABLE
    assert world.loop.time() <= GIVE_UP + 0.1
    a.links.learn(IDS[4], STRANGER)
    assert a.links.send(IDS[4], b"lost")
    world.run()
    assert a.failed == [(IDS[4], LinkReason.UNREACHABLE)]
    assert a.undelivered == [(IDS[4], b"lost")]
    assert not a.links.connected(IDS[4])
    assert world.rejected().count((IDS[0], IDS[4], LinkReason.UNREACHABLE.value)) == 2
    assert PacketReason.UNREACHABLE.value in {event.reason for event in world.trace.select(PacketLost)}


def test_a_crash_is_silent_and_shows_as_missing_acknowledgements(world: World) -> None:
    a, b = world.pair()
    a.links.send(IDS[1], b"x")
    world.run()
    b.links.crash()
    world.run(1000)
    assert a.failed == []
    start = world.loop.time()
    a.links.send(IDS[1], b"into the void")
    world.run()
    assert a.failed == [(IDS[1], LinkReason.NO_ACKNOWLEDGEMENT)]
    assert a.undelivered == [(IDS[1], b"into the void")]
    [event] = world.trace.select(LinkClosed)
    assert (event.node, event.reason) == (IDS[0], LinkReason.NO_ACKNOWLEDGEMENT.value)
    assert event.t - start == pytest.approx(GIVE_UP)
    assert b.failed == []


def test_a_node_that_restarts_is_reached_again(world: World) -> None:
    a, b = world.pair()
    a.links.send(IDS[1], b"before")
    world.run()
    b.links.crash()
    again = world.add(1)
    a.links.send(IDS[1], b"to somebody who forgot me")
    world.run()
    assert len(a.failed) == 1
    a.links.learn(IDS[1], HOSTS[1])
    a.links.send(IDS[1], b"after")
    world.run()
    assert again.messages == [(IDS[0], b"after")]


def test_a_restarted_node_may_speak_first(world: World) -> None:
    a, b = world.pair()
    for _ in range(40):
        b.links.learn(IDS[0], HOSTS[0])
        b.links.send(IDS[0], b"old")
    world.run(60)
    b.links.crash()
    again = world.add(1)
    again.links.learn(IDS[0], HOSTS[0])
    again.links.send(IDS[0], b"new")
    world.run()
    assert a.messages[-1] == (IDS[1], b"new")
    a.links.send(IDS[1], b"answer")
    world.run()
    assert again.messages == [(IDS[0], b"answer")]


def test_forgetting_and_closing_end_links_on_purpose(world: World) -> None:
    a, b = world.pair()
    a.links.send(IDS[1], b"x")
    world.run()
    a.links.forget(IDS[1], LinkReason.CLOSED)
    a.links.forget(IDS[1])
    world.run()
    assert (IDS[0], IDS[1], LinkReason.CLOSED.value) in world.closed()
    assert not a.links.connected(IDS[1])
    assert a.failed == []
    b.links.close_all()
    world.run()
    assert not world.network.attached(HOSTS[1])


def test_a_link_can_be_closed_itself_and_reopened(world: World) -> None:
    a, b = world.pair()
    a.links.send(IDS[1], b"x")
    world.run()
    a.links.table[IDS[1]].close()
    world.run()
    assert IDS[1] not in a.links.table
    a.links.learn(IDS[1], HOSTS[1])
    a.links.send(IDS[1], b"y")
    world.run()
    assert [message for _, message in b.messages] == [b"x", b"y"]


def test_both_opening_at_once_leaves_one_link_and_loses_nothing(world: World) -> None:
    a, b = world.pair()
    b.links.learn(IDS[0], HOSTS[0])
    for number in range(3):
        a.links.send(IDS[1], b"a%d" % number)
        b.links.send(IDS[0], b"b%d" % number)
    world.run()
    assert [message for _, message in b.messages] == [b"a0", b"a1", b"a2"]
    assert [message for _, message in a.messages] == [b"b0", b"b1", b"b2"]
    assert (a.opened, b.opened) == ([IDS[1]], [IDS[0]])
    assert world.rejected() == world.closed() == []


def test_messages_survive_loss_and_reordering(world: World) -> None:
    a, b = world.pair()
    world.network.loss, world.network.reorder, world.network.jitter = 0.1, 0.1, 0.01
    sent = [b"%d" % number for number in range(100)]
    for message in sent:
        a.links.send(IDS[1], message)
    world.run(300)
    arrived = [message for _, message in b.messages]
    assert a.failed == []
    assert list(dict.fromkeys(arrived)) == sent
    if world.kind == "tls":
        assert arrived == sent


def test_a_lasting_partition_ends_the_link_at_both_ends(world: World) -> None:
    a, b = world.pair()
    a.links.send(IDS[1], b"x")
    world.run()
    world.network.partition([[HOSTS[0]], [HOSTS[1]]])
    a.links.send(IDS[1], b"y")
    b.links.send(IDS[0], b"z")
    world.run()
    assert [remote for remote, _ in a.failed] == [IDS[1]]
    assert [remote for remote, _ in b.failed] == [IDS[0]]
    assert a.undelivered == [(IDS[1], b"y")]
    world.network.heal()
    a.links.learn(IDS[1], HOSTS[1])
    a.links.send(IDS[1], b"again")
    world.run()
    assert b.messages[-1] == (IDS[0], b"again")


def test_a_large_message_passes_and_a_too_large_one_is_refused(world: World) -> None:
    a, b = world.pair()
    a.links.send(IDS[1], bytes(20_000))
    world.run()
    assert b.messages == [(IDS[0], bytes(20_000))]
    a.links.send(IDS[1], bytes(20_001))
    world.run()
    assert len(b.messages) == 1
    seen = {reason for node, _, reason in world.rejected() + world.closed() if node == IDS[1]}
    assert seen == {LinkReason.TOO_LARGE.value}


def test_the_same_run_twice_is_the_same_trace(world: World) -> None:
    def digest() -> str:
        again = World(world.kind)
        a, b = again.pair()
        again.add(2)
        again.network.loss, again.network.jitter = 0.2, 0.02
        b.links.learn(IDS[0], HOSTS[0])
        for number in range(20):
            a.links.send(IDS[1], bytes(number))
            b.links.send(IDS[0], bytes(number))
        again.run(60)
        again.nodes[2].links.crash()
        a.links.learn(IDS[2], HOSTS[2])
        a.links.send(IDS[2], b"x")
        again.run(60)
        again.loop.close()
        assert len(again.trace) > 5
        return again.trace.digest()

    assert digest() == digest()


def test_a_crash_while_opening_refuses_those_who_wait(world: World) -> None:
    a, _ = world.pair()

    async def crash() -> None:
        task = asyncio.ensure_future(a.links.connect(IDS[1], HOSTS[1]))
        await asyncio.sleep(0.001)
        a.links.crash()
        with pytest.raises(LinkRefused):
            await task

    world.loop.run_until_complete(crash())
    world.run()
    assert a.opened == []
    with pytest.raises(Stalled):
        world.loop.run_forever()
