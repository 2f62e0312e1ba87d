"""Requests whose answer takes a while, because others are asked first."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from p2psip_min.errors import DropReason, ErrorAnswer
from p2psip_min.exchange import Later, Received
from p2psip_min.peer import Peer
from p2psip_min.wire.messages import ErrorCode, MessageCode, PingAns
from tests.crafting import TRANSACTION, Scene, close_all, drops


@pytest.fixture(autouse=True)
def closing() -> Iterator[None]:
    """End the overlays of a test."""
    yield
    close_all()


class Slow(Scene):
    """The victim answers a Ping after ``seconds``, with a number that counts them, or refuses it."""

    def __init__(self, seconds: float, refuse: bool = False) -> None:
        super().__init__()
        self.asked = 0

        async def think(number: int) -> PingAns:
            await asyncio.sleep(seconds)
            if refuse:
                raise ErrorAnswer(ErrorCode.FORBIDDEN, b"on reflection")
            return PingAns(number, 0)

        def on_ping(peer: Peer, received: Received) -> Any:
            self.asked += 1
            return Later(think(self.asked))

        peer = self.victim.peer
        peer.handlers = {**peer.handlers, MessageCode.PING_REQ: on_ping}

    def answers(self) -> list[int]:
        return [message.body.response_id for message in self.hand.answers(TRANSACTION)]


def test_an_answer_may_take_a_while() -> None:
    scene = Slow(4.0)
    scene.hand.send(scene.victim, scene.ping(), 3.0)
    assert scene.answers() == []
    scene.overlay.advance(2.0)
    assert scene.answers() == [1]


def test_a_request_under_way_that_comes_again_is_not_asked_twice() -> None:
    scene = Slow(4.0)
    for _ in range(3):
        scene.hand.send(scene.victim, scene.ping(), 1.0)
    scene.overlay.advance(3.0)
    assert (scene.answers(), scene.asked) == ([1], 1)
    assert drops(scene.overlay, scene.victim, TRANSACTION) == [DropReason.DUPLICATE] * 2


def test_once_answered_it_is_judged_anew() -> None:
    scene = Slow(1.0)
    scene.hand.send(scene.victim, scene.ping(), 2.0)
    scene.hand.send(scene.victim, scene.ping(), 2.0)
    assert scene.answers() == [1, 2]


def test_a_refusal_may_take_a_while_too() -> None:
    scene = Slow(1.0, refuse=True)
    scene.hand.send(scene.victim, scene.ping(), 2.0)
    (answer,) = scene.hand.answers(TRANSACTION)
    assert (answer.code, answer.body.error_code) == (MessageCode.ERROR, ErrorCode.FORBIDDEN)


def test_who_stops_meanwhile_answers_nobody() -> None:
    scene = Slow(4.0)
    scene.hand.send(scene.victim, scene.ping(), 1.0)
    scene.overlay.crash(scene.victim.name)
    scene.overlay.advance(5.0)
    assert scene.answers() == []
    assert not [task for task in scene.overlay.loop.pending_tasks if task in scene.victim.peer.tasks]
