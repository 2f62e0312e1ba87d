"""What stands before the registrar: puzzles, limits, a desk with a queue."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2psip_min.defences import Defences
from p2psip_min.enrollment.client import post
from p2psip_min.enrollment.desk import Desk
from p2psip_min.enrollment.doors import NoLimit, RateLimit, turned_away
from p2psip_min.enrollment.http import NONCE, REQUEST, Message, Part
from p2psip_min.enrollment.keys import derive_key
from p2psip_min.enrollment.ledger import Nonce
from p2psip_min.enrollment.pkcs10 import certificate_request
from p2psip_min.enrollment.puzzles import PARTS, TRY, ClientPuzzle, NoPuzzle, solve, solved
from p2psip_min.enrollment.session import Session
from p2psip_min.errors import EnrollmentReason, EnrollmentRefused
from p2psip_min.overlay import Overlay
from p2psip_min.trace import EnrollmentRejected
from p2psip_min.transport.loop import VirtualLoop

CHALLENGE = b"0" * 32


# --- puzzles ----------------------------------------------------------------------------------------------------------


@given(st.binary(min_size=1, max_size=40), st.integers(0, 5))
def test_a_solution_solves_its_own_puzzle(challenge: bytes, bits: int) -> None:
    solution, tries = solve(challenge, bits)
    assert solved(challenge, solution, bits)
    assert tries >= (PARTS if bits else 0)


def test_no_other_solution_does() -> None:
    solution, _ = solve(CHALLENGE, 8)
    assert not solved(CHALLENGE, b"", 8)
    assert not solved(CHALLENGE, solution + b"\0", 8)
    assert not solved(CHALLENGE, solution[4:] + solution[:4], 8)
    assert not solved(b"1" * 32, solution, 8)
    assert not solved(CHALLENGE, solution, 12)


def test_a_bit_more_is_twice_the_work() -> None:
    work = [sum(solve(b"%d" % number, bits)[1] for number in range(60)) / 60 for bits in (3, 4, 5)]
    assert 1.6 < work[1] / work[0] < 2.4
    assert 1.6 < work[2] / work[1] < 2.4


def test_only_a_crowd_is_asked_to_solve_one() -> None:
    assert [ClientPuzzle(7, 4).bits(waiting) for waiting in (0, 4, 5, 60)] == [0, 0, 7, 7]
    assert NoPuzzle().bits(60) == 0


# --- limits -----------------------------------------------------------------------------------------------------------


def test_a_host_is_heard_once_in_a_while() -> None:
    meter = RateLimit(20.0).start()
    heard = [(host, now) for now in (0.0, 5.0, 19.9, 20.0, 39.9, 40.0) for host in "ab" if meter.admits(host, now)]
    assert heard == [(host, now) for now in (0.0, 20.0, 40.0) for host in "ab"]
    assert all(NoLimit().start().admits("a", 0.0) for _ in range(9))


@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 5)), max_size=60))
def test_no_host_is_ever_heard_twice_within_the_time(asked: list[tuple[str, float]]) -> None:
    meter, now = RateLimit(10.0).start(), 0.0
    heard: dict[str, float] = {}
    for host, pause in asked:
        now += pause
        if meter.admits(host, now):
            assert now - heard.get(host, -100.0) >= 10.0
            heard[host] = now


def away(nonce: Nonce | None, solution: bytes = b"", waiting: int = 9, now: float = 0.0) -> EnrollmentReason | None:
    return turned_away(NoLimit().start(), ClientPuzzle(5, 4), "a", nonce, CHALLENGE, solution, waiting, now)


def test_who_brings_no_solution_is_turned_away() -> None:
    solution, _ = solve(CHALLENGE, 5)
    assert away(Nonce(0.0, bits=5), solution) is None
    assert away(None, solution) is EnrollmentReason.PUZZLE_UNSOLVED
    assert away(Nonce(0.0, bits=5)) is EnrollmentReason.PUZZLE_UNSOLVED
    assert away(Nonce(0.0, used=True, bits=5), solution) is EnrollmentReason.PUZZLE_UNSOLVED
    # A challenge that was kept from better times.
    assert away(Nonce(0.0, bits=0), solution) is EnrollmentReason.PUZZLE_UNSOLVED
    assert away(Nonce(0.0, bits=0), waiting=4) is None


# --- the desk ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def loop() -> Iterator[VirtualLoop]:
    made = VirtualLoop()
    yield made
    made.close()


def test_a_desk_works_in_order_and_one_after_the_other(loop: VirtualLoop) -> None:
    desk, done = Desk(loop, 0.5, 3), list[tuple[int, float]]()

    def note(number: int) -> None:
        done.append((number, loop.time()))

    async def come() -> list[bool]:
        return [desk.take(partial(note, number)) for number in range(5)]

    taken = loop.run_until_complete(come())
    assert taken == [True, True, True, False, False]
    assert desk.waiting == 3
    later = loop.create_future()
    loop.call_later(2.0, later.set_result, None)
    loop.run_until_complete(later)
    assert [number for number, _ in done] == [0, 1, 2]
    assert [when for _, when in done] == pytest.approx([0.5, 1.0, 1.5])
    assert desk.waiting == 0


def test_a_desk_without_a_service_time_is_never_full(loop: VirtualLoop) -> None:
    done: list[int] = []
    desk = Desk(loop, 0.0, 1)
    assert all(desk.take(lambda: done.append(1)) for _ in range(9))
    assert (len(done), desk.waiting) == (9, 0)


# --- over the network -------------------------------------------------------------------------------------------------


async def crowd(overlay: Overlay, count: int) -> list[EnrollmentReason | float]:
    """What comes of it when so many enroll at once: the reason of a refusal, or the time that it took."""
    outcomes: list[EnrollmentReason | float] = []
    start = overlay.now

    async def one(number: int) -> None:
        try:
            await overlay.operations.enroll(f"user{number}", (f"10.9.9.{number}", 1))
        except EnrollmentRefused as refused:
            outcomes.append(EnrollmentReason(refused.reason))
        else:
            outcomes.append(overlay.now - start)

    tasks = [overlay.loop.create_task(one(number)) for number in range(count)]
    for task in tasks:
        await task
    return outcomes


def times(outcomes: list[EnrollmentReason | float]) -> list[float]:
    return sorted(each for each in outcomes if isinstance(each, float))


def test_a_crowd_queues_and_the_last_find_the_desk_full() -> None:
    with Overlay(peers=1, defences="none", service_time=0.1) as overlay:
        outcomes = overlay.run(crowd(overlay, 80))
        busy = outcomes.count(EnrollmentReason.BUSY)
        assert 10 <= busy <= 16
        assert times(outcomes)[-1] == pytest.approx(0.1 * (80 - busy), abs=0.5)
        reasons = [event.reason for event in overlay.events if isinstance(event, EnrollmentRejected)]
        assert reasons == [EnrollmentReason.BUSY] * busy


def test_a_second_server_does_not_make_the_desk_work_faster() -> None:
    with Overlay(peers=1, defences=Defences().having("second-server"), service_time=0.1) as overlay:
        assert len(overlay.servers) == 2
        outcomes = overlay.run(crowd(overlay, 80))
        assert outcomes.count(EnrollmentReason.BUSY) >= 8


def test_a_crowd_solves_puzzles_and_spreads() -> None:
    with Overlay(peers=1, defences=Defences().having("client-puzzle"), service_time=0.1) as overlay:
        outcomes = overlay.run(crowd(overlay, 12))
        assert len(times(outcomes)) == 12
        # Those who came before the crowd was one needed none; the others took the time of their tries.
        assert times(outcomes)[-1] > PARTS * 2**6 * TRY


def test_who_solves_no_puzzle_is_refused_while_many_wait() -> None:
    with Overlay(peers=1, defences=Defences().having("client-puzzle"), service_time=1.0) as overlay:
        account, password = overlay.provider.open_account("lazy")

        async def lazy(session: Session) -> Message:
            nonce = (await session.ask("GET", NONCE)).body
            csr = Part(certificate_request(derive_key(1, "lazy"), account, nonce), REQUEST)
            return await post(
                session, {"csr": csr, "username": Part(account.encode()), "password": Part(password.encode())}
            )

        async def story() -> None:
            rest = overlay.loop.create_task(crowd(overlay, 12))
            await asyncio.sleep(0.8)
            with pytest.raises(EnrollmentRefused) as refused:
                await overlay.operations.errand(("10.9.9.99", 1)).visit(lazy)
            assert refused.value.reason is EnrollmentReason.PUZZLE_UNSOLVED
            await rest
            assert (await overlay.operations.errand(("10.9.9.99", 1)).visit(lazy)).status == 200

        overlay.run(story())


def test_an_address_that_asks_too_often_is_refused() -> None:
    with Overlay(peers=1, defences=Defences().having("enrollment-rate")) as overlay:
        errand = overlay.operations.errand(("10.9.9.9", 1))
        for number, reason in enumerate((None, EnrollmentReason.RATE_LIMITED)):
            account, password = overlay.provider.open_account(f"user{number}")
            enrolling = errand.enroll(derive_key(1, account), account, password, overlay.provider.configuration)
            if reason is None:
                assert overlay.run(enrolling).user == account
                continue
            with pytest.raises(EnrollmentRefused) as refused:
                overlay.run(enrolling)
            assert refused.value.reason is reason
