"""The nine figures: what is measured, against which floor, and what else there is to say about it."""

from __future__ import annotations

import asyncio
import gc
import random
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from lab.bench import floors
from lab.bench.overlays import SEED, Work, live_pairs, open_all, updates_a_join, use_all
from lab.bench.rival import KSIZE, Rival
from lab.bench.rows import Row, at_least, at_most, compare, cpu, middle, no_collection
from p2psip_min import procedures
from p2psip_min.enrollment.provider import Provider
from p2psip_min.invariants import ideal_ring
from p2psip_min.overlay import Overlay
from p2psip_min.trace import Trace
from p2psip_min.transport.loop import VirtualLoop
from p2psip_min.transport.network import Network

SECURED = {"tls_1000", "secured_lookup", "store"}
RIVALS = {"kademlia_get", "join_1000"}

MEGABYTE = 2**20
MEMORY_LIMIT = 700
"""MiB of the whole process."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much is measured."""

    peers: int = 1000
    rounds: int = 7
    lookups: int = 150
    stores: int = 30
    gets: int = 150
    rival_gets: int = 40
    records: int = 40
    enrollments: int = 60
    events: int = 200_000
    ready: int = 5


FULL = Size()
QUICK = Size(
    peers=40, rounds=1, lookups=10, stores=3, gets=10, rival_gets=5, records=5, enrollments=3, events=20_000, ready=1
)


def measure(names: Iterable[str], size: Size, say: Callable[[str], None]) -> Iterator[Row]:
    """The rows of ``names``, small ones first, then in the order in which the least has to be built."""
    wanted = set(names)
    # Large overlays leave a heap full of holes, which these would feel and their floors would not.
    for name, figure in (("enroll", _enroll), ("ready_32", _ready), ("loop", _loop)):
        if name in wanted:
            say(name)
            yield figure(size)
    gc.collect()
    secured_get = 0.0
    if wanted & (SECURED | {"kademlia_get"}):
        say(f"opening the links of {size.peers} peers with TLS")
        reset_peak()
        work, opened = _secured(size)
        if "tls_1000" in wanted:
            yield opened
        if "secured_lookup" in wanted:
            yield _secured_lookup(work, size)
        if "store" in wanted:
            yield _store(work, size)
        if "kademlia_get" in wanted:
            secured_get = _get(work, size)
        work.close()
        del work
        gc.collect()
    plain_get = 0.0
    if wanted & {"plain_lookup", "kademlia_get"}:
        say(f"looking up in {size.peers} peers with plain links")
        work = Work(size.peers, links="plain", defences="none")
        use_all(work)
        if "plain_lookup" in wanted:
            yield _plain_lookup(work, size)
        if "kademlia_get" in wanted:
            plain_get = _get(work, size)
        work.close()
        del work
        gc.collect()
    if wanted & RIVALS:
        say(f"building {size.peers} nodes of kademlia on real sockets")
        yield from _against_rival(wanted, size, plain_get, secured_get, say)


# --- with everything secured ------------------------------------------------------------------------------------------


def _secured(size: Size) -> tuple[Work, Row]:
    building, work = cpu(lambda: Work(size.peers, links="tls", defences="reload"))
    opening, bare, links = open_all(work, at_once=50, sample=3)
    memory = peak()
    return work, at_most(
        "tls_1000",
        building + opening,
        "s",
        bare * links,
        1.5,
        f"{size.peers} peers built in {building:.2f} s, {links} links opened in {opening:.2f} s",
        f"floor: as many bare handshakes of {1e3 * bare:.2f} ms; contexts are the nodes' own and not in it",
        f"peak memory of the process {memory:.0f} MiB, at most {MEMORY_LIMIT}",
        also=memory < MEMORY_LIMIT,
    )


def _floor(work: Work) -> floors.Secured:
    keys = [node.peer.parts.identity.private_key for node in work.nodes]
    return floors.Secured(work.overlay.loop, work.message, live_pairs(work), keys, random.Random(SEED))


def _secured_lookup(work: Work, size: Size) -> Row:
    work.lookups(size.lookups)
    floor = _floor(work)
    figure, bare = compare(
        size.rounds,
        lambda: work.lookups(size.lookups),
        lambda: floor.run(signs=2 * size.lookups, verifies=2 * size.lookups, hops=work.hops),
    )
    hops = work.hops / size.lookups
    return at_most(
        "secured_lookup",
        1e6 * figure / size.lookups,
        "us",
        1e6 * bare / size.lookups,
        2.0,
        f"{size.lookups} lookups a round, one at a time, {hops:.2f} hops there and back",
        "floor: 2 signs, 2 verifies; a hop: 2 records written and read, 2 callbacks, 1 header patch; the goal is 1.5",
    )


def _store(work: Work, size: Size) -> Row:
    owners = iter(work.nodes)
    counted: list[str] = []

    def figure() -> float:
        return work.stores([next(owners) for _ in range(size.stores)])

    figure()
    floor = _floor(work)

    def bare() -> float:
        counted[:] = [
            f"recounted from the trace: {work.signs / size.stores:g} signs, {work.verifies / size.stores:g} verifies, "
            f"{work.hops / size.stores:.2f} hops a store",
            "floor: as many; signs: value, request, answer, 2 replica stores, their 2 answers; verifies: at the root "
            "request and value, at each replica request and value, the 3 answers",
        ]
        return floor.run(signs=work.signs, verifies=work.verifies, hops=work.hops)

    took, least = compare(min(size.rounds, (len(work.nodes) // 2) // size.stores), figure, bare)
    return at_most("store", 1e6 * took / size.stores, "us", 1e6 * least / size.stores, 2.0, *counted)


def _get(work: Work, size: Size) -> float:
    """CPU seconds of one fetch, the middle one of the rounds."""
    owners = work.nodes[-size.records :]
    work.stores(owners)
    work.gets(size.gets, owners)
    return middle(size.rounds, lambda: work.gets(size.gets, owners)) / size.gets


# --- plain ------------------------------------------------------------------------------------------------------------


def _plain_lookup(work: Work, size: Size) -> Row:
    work.lookups(size.lookups)
    floor = floors.Plain(work.overlay.loop, work.message)
    figure, bare = compare(size.rounds, lambda: work.lookups(size.lookups), lambda: floor.run(work.hops))
    return at_most(
        "plain_lookup",
        1e6 * figure / size.lookups,
        "us",
        1e6 * bare / size.lookups,
        4.0,
        f"{size.lookups} lookups a round, one at a time, {work.hops / size.lookups:.2f} hops there and back",
        "floor, a hop: 2 callbacks, 1 timer set and cancelled, 1 header patch",
    )


def _against_rival(
    wanted: set[str], size: Size, plain: float, secured: float, say: Callable[[str], None]
) -> Iterator[Row]:
    with no_collection():
        rival = Rival(size.peers, SEED)
    if "kademlia_get" in wanted:
        rival.put(size.records)
        theirs = middle(min(size.rounds, 3), lambda: rival.get(size.rival_gets, size.records))
        yield at_least(
            "kademlia_get",
            1e6 * plain,
            "us",
            1e6 * theirs,
            theirs / plain,
            40.0,
            f"kademlia, k = {KSIZE}, {size.peers} nodes: {1e3 * theirs:.1f} ms a get, one at a time after a warm-up, "
            f"{rival.failed} failed; its sockets are real (loopback), ours are simulated",
            f"secured, {1e6 * secured:.0f} us: {theirs / secured:.1f} times, at least 10",
            also=theirs / secured >= 10.0,
        )
    base = rival.seconds_a_node
    rival.close()
    gc.collect()
    if "join_1000" in wanted:
        say(f"growing {size.peers} peers by joins")
        with no_collection():
            took, overlay = cpu(
                lambda: Overlay(peers=size.peers, grown=True, links="plain", defences="none", seed=SEED)
            )
        overlay.advance(10.0)  # what the last joins caused is still on its way
        updates, wrong = updates_a_join(overlay), len(ideal_ring(overlay.snapshot()))
        overlay.close()
        yield at_most(
            "join_1000",
            1e3 * took / size.peers,
            "ms/node",
            1e3 * base,
            2.0,
            f"{updates:.1f} Updates a join, the periodic ones of all who have joined among them",
            f"afterwards {wrong} neighbor tables differ from the ideal ring's; more than none misses the limit",
            "floor: kademlia's CPU a node for building an overlay of as many, on real sockets",
            also=not wrong,
        )


# --- small ones -------------------------------------------------------------------------------------------------------


def _ready(size: Size) -> Row:
    async def answer_all(overlay: Overlay) -> None:
        first, *others = overlay.peers()
        for node in others:
            await procedures.ping(first.peer, node.node_id)

    def build() -> None:
        with Overlay(peers=32, links="tls", defences="reload", seed=SEED) as overlay:
            overlay.run(answer_all(overlay))

    return at_most(
        "ready_32",
        middle(size.ready, lambda: cpu(build)[0]),
        "s",
        1.0,
        0.3,
        "32 peers enrolled and settled with TLS, and each has answered a Ping; the floor is one CPU second",
    )


def _enroll(size: Size) -> Row:
    loop = VirtualLoop()
    trace = Trace()
    network = Network(loop, random.Random(SEED), trace)
    provider = Provider("bench.example.org", seed=SEED, rng=random.Random(f"enroll:{SEED}"), trace=trace)
    server = provider.serve(network, ("10.255.0.1", 443))
    configuration = provider.configuration
    number = 0

    async def enroll(first: int) -> None:
        for index in range(first, first + size.enrollments):
            client = provider.client(network, ("10.1.0.1", 20_000 + index), [server.address])
            name, password = f"user{index}@{provider.overlay}", f"password{index}"
            await client.enroll(provider.key(f"user{index}"), name, password, configuration)

    def figure() -> float:
        nonlocal number
        first, number = number, number + size.enrollments
        for index in range(first, number):
            provider.registrar.open_account(f"user{index}@{provider.overlay}", f"password{index}")
        return cpu(lambda: loop.run_until_complete(enroll(first)))[0]

    made: list[bytes] = []

    def bare() -> float:
        return sum(floors.enrollment(provider, f"user{index}", index, made) for index in range(size.enrollments))

    figure()
    took, least = compare(size.rounds, figure, bare)
    with no_collection():
        checked = least + floors.certificate_checks(provider, made) * size.enrollments / len(made)
    server.close()
    loop.run_until_complete(asyncio.sleep(60.0))
    loop.close()
    return at_most(
        "enroll",
        1e6 * took / size.enrollments,
        "us",
        1e6 * least / size.enrollments,
        1.5,
        "one node over the network: nonce and certificate, one connection",
        "floor: keygen, request, its signature checked, certificate, one server-authenticated handshake",
        f"the applicant checks its certificate's signature too; a floor with that would make it {took / checked:.2f}",
    )


def _loop(size: Size) -> Row:
    def figure() -> float:
        loop = VirtualLoop()
        took = floors.loop_events(loop, size.events)
        loop.close()
        return took

    took, bare = compare(size.rounds, figure, lambda: floors.heap_events(size.events))
    return at_least(
        "loop",
        size.events / took,
        "events/s",
        size.events / bare,
        bare / took,
        0.22,
        "1000 timers pending; floor: a bare heap of (when, sequence, callback)",
    )


# --- memory -----------------------------------------------------------------------------------------------------------


def reset_peak() -> None:
    """Forget the process's peak memory where the system allows it (Linux)."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return


def peak() -> float:
    """Peak memory of the process in MiB."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        status = ""
    for line in status.splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024 / MEGABYTE
    if sys.platform == "win32":
        return 0.0
    import resource

    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return used / MEGABYTE if sys.platform == "darwin" else used * 1024 / MEGABYTE
