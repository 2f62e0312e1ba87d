"""The exercises: right answers pass, plausible wrong ones are told why, untouched ones stay open."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from lab import checks, exercises
from lab.checks import Check, State
from lab.exercises import Held, Put
from lab.exercises.comparison import CELLS
from lab.exercises.trusted import Quota
from lab.exercises.untrusted import Probe, Rule
from lab.told import Told
from p2psip_min import trace as events
from p2psip_min.ids import ResourceID
from p2psip_min.overlay import Overlay
from p2psip_min.wire.codes import MessageCode


@pytest.fixture(scope="module")
def overlay() -> Iterator[Overlay]:
    with Overlay(peers=16, clients=("alice", "bob"), seed=3) as made:
        yield made


def boom(*arguments: object) -> Any:
    raise ZeroDivisionError("no")


def silent(*arguments: object) -> None:
    return None


def test_who_stores(overlay: Overlay) -> None:
    key = ResourceID.of(overlay.aor("alice"))
    root = overlay.root(key)
    assert exercises.who_stores(overlay, "alice", None).state is State.OPEN
    assert exercises.who_stores(overlay, "alice", root.name)
    wrong = [node.name for node in overlay.peers() if node is not root]
    assert all(exercises.who_stores(overlay, "alice", name).state is State.FAILED for name in wrong)
    assert "No peer is called" in str(exercises.who_stores(overlay, "alice", "carol"))


def test_predicted_hops(overlay: Overlay) -> None:
    hops = len(overlay.route("bob", ResourceID.of(overlay.aor("alice"))))
    assert exercises.predicted_hops(overlay, "bob", "alice", None).state is State.OPEN
    assert exercises.predicted_hops(overlay, "bob", "alice", hops)
    assert exercises.predicted_hops(overlay, "bob", "alice", hops + 1).state is State.FAILED


@pytest.mark.parametrize("answer", ["3", True, float("nan"), [3]])
def test_what_is_no_number_is_told_so(overlay: Overlay, answer: Any) -> None:
    assert "a number" in str(exercises.predicted_hops(overlay, "bob", "alice", answer))
    assert "a number" in str(exercises.beats_time_stamp(answer))


@pytest.mark.parametrize("answer", [5, "mallory"])
def test_what_is_no_set_is_told_so(answer: Any) -> None:
    assert "Return a set" in str(exercises.captured(lambda run: answer))


def test_only_a_rule_that_forgot_the_first_put_is_told_of_it() -> None:
    assert "held is None" in str(exercises.accepts(lambda new, held, now: new.written > held.written))  # type: ignore[union-attr]
    assert "held" not in str(exercises.fresh_nonces(boom))


COUNTER = itertools.count()


def digest_of(seed: int) -> str:
    with Overlay(peers=4, seed=seed) as made:
        return made.digest()


@pytest.mark.parametrize(
    ("story", "state"),
    [
        (digest_of, State.PASSED),
        (silent, State.OPEN),
        (boom, State.FAILED),
        (lambda seed: digest_of(5), State.FAILED),
        (lambda seed: "abc", State.FAILED),
        (lambda seed: f"{next(COUNTER):064d}", State.FAILED),
    ],
)
def test_same_seed(story: Callable[[int], str | None], state: State) -> None:
    assert exercises.same_seed(story).state is state


def rising(new: Put, held: Held | None, now: float) -> bool:
    return held is None or new.written > held.written


def counted(new: Put, held: Held | None, now: float) -> bool:
    return held is None or new.replaces == held.version


@pytest.mark.parametrize("rule", [rising, counted])
def test_rules_that_refuse_replays_pass(rule: exercises.Accept) -> None:
    assert exercises.accepts(rule)


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (boom, "ZeroDivisionError"),
        (lambda new, held, now: False, "first PUT"),
        (lambda new, held, now: True, "was let in"),
        (lambda new, held, now: held is None, "later PUT"),
        (lambda new, held, now: now - new.written < 60, "was let in"),
        (lambda new, held, now: now - new.written < 5, "first PUT"),
        (lambda new, held, now: now - new.written < 29, "was let in"),
    ],
)
def test_rules_that_do_not_are_told_why(rule: exercises.Accept, words: str) -> None:
    result = exercises.accepts(rule)
    assert result.state is State.FAILED
    assert words in result.words


def test_a_rule_that_says_nothing_is_open() -> None:
    assert exercises.accepts(silent).state is State.OPEN


@pytest.mark.parametrize(
    ("delay", "state"),
    [(None, State.OPEN), (30.0, State.PASSED), (36.0, State.PASSED), (5.0, State.FAILED), (70.0, State.FAILED)],
)
def test_beats_time_stamp(delay: float | None, state: State) -> None:
    assert exercises.beats_time_stamp(delay).state is state


def forwarders(story: Told) -> set[str]:
    passed = story.trace.select(events.MessageForwarded, code=int(MessageCode.STORE_REQ))
    return {story.names[event.node] for event in passed}


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (forwarders, State.PASSED),
        (silent, State.OPEN),
        (boom, State.FAILED),
        (lambda story: set(), State.FAILED),
        (lambda story: set(story.names.values()), State.FAILED),
    ],
)
def test_captured(answer: Callable[[Told], set[str] | None], state: State) -> None:
    assert exercises.captured(answer).state is state


def fresh(nonce: str, issued: Mapping[str, float], used: set[str], now: float) -> bool:
    return nonce in issued and nonce not in used and now < issued[nonce] + 60


@pytest.mark.parametrize(
    ("rule", "state"),
    [
        (fresh, State.PASSED),
        (silent, State.OPEN),
        (boom, State.FAILED),
        (lambda nonce, issued, used, now: nonce in issued, State.FAILED),
        (lambda nonce, issued, used, now: nonce not in used, State.FAILED),
        (lambda nonce, issued, used, now: nonce in issued and nonce not in used, State.FAILED),
        (lambda nonce, issued, used, now: False, State.FAILED),
    ],
)
def test_fresh_nonces(rule: exercises.Fresh, state: State) -> None:
    assert exercises.fresh_nonces(rule).state is state


def test_a_result_says_the_same_in_text_and_html() -> None:
    result = Check("A < B", State.FAILED, "Look & see.")
    assert str(result) == repr(result) == "× NOT YET RIGHT: A < B – Look & see."
    html = result._repr_html_()
    assert "A &lt; B" in html
    assert "Look &amp; see." in html
    assert State.FAILED in html


def test_a_summary_counts_what_was_checked() -> None:
    checks.note("one", State.PASSED, "Yes.")
    done = checks.summary("one", "two never checked")
    assert not done.complete
    assert "1 of 2 solved" in str(done)
    assert "1 of 2 solved" in done._repr_html_()
    assert checks.summary("one").complete


# --- 01: client-server against peer-to-peer ---------------------------------------------------------------------------


def test_figure_1_is_filled_by_what_was_measured() -> None:
    right = dict(CELLS)
    assert exercises.figure_1(None).state is State.OPEN
    assert exercises.figure_1({row: (..., ...) for row in CELLS}).state is State.OPEN
    assert exercises.figure_1(right)
    for row, (server, overlay) in CELLS.items():
        for wrong in ((overlay, overlay), (server, server), (overlay, server)):
            found = exercises.figure_1(right | {row: wrong})
            assert found.state is State.FAILED
            assert row in found.words
        assert "nothing else" in exercises.figure_1(right | {row: ("x", overlay)}).words
        assert "two cells" in exercises.figure_1(right | {row: (server,)}).words  # type: ignore[dict-item]


def test_who_can_alter_a_call_is_counted_in_calls_that_nobody_has_seen() -> None:
    assert exercises.who_can_alter(lambda call, signed: None).state is State.OPEN
    assert exercises.who_can_alter(lambda call, signed: len(call.alterers))
    assert "TLS ends" in exercises.who_can_alter(lambda call, signed: 0).words
    assert "noticed" in exercises.who_can_alter(lambda call, signed: len(call.readers)).words
    unsigned = exercises.who_can_alter(lambda call, signed: 1 if call.deployment == "client-server" else 0)
    assert "in his hands" in unsigned.words
    assert "KeyError" in exercises.who_can_alter(lambda call, signed: {}["x"]).words


# --- 04: trusted base -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (lambda offer, here, everywhere: offer.own or offer.again or everywhere < 16, "lost nothing"),
        (lambda offer, here, everywhere: True, "100% of mallory's objects"),
        (lambda offer, here, everywhere: here < 16, "spread over all peers"),
        (lambda offer, here, everywhere: offer.own, "turned away"),
        (lambda offer, here, everywhere: offer.own or everywhere < 14, "refreshed"),
        (lambda offer, here, everywhere: everywhere < 14, "own registration"),
        (silent, "returns nothing yet"),
        (boom, "ZeroDivisionError"),
    ],
)
def test_a_quota_is_judged_by_what_it_does(rule: Quota, words: str) -> None:
    result = exercises.quota(rule)
    assert words in result.words
    assert bool(result) is (words == "lost nothing")
    assert (result.state is State.OPEN) is (rule is silent)


# --- 05: untrusted base -----------------------------------------------------------------------------------------------


def halving(way: list[str], probe: Callable[[str], bool]) -> str:
    low, high = 0, len(way) - 1
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (low, middle - 1) if probe(way[middle]) else (middle, high)
    return way[low]


def one_by_one(way: list[str], probe: Callable[[str], bool]) -> str:
    return [name for name in way if not probe(name)][-1]


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (halving, "Found on four ways"),
        (one_by_one, "It asked 5 times"),
        (lambda way, probe: way[-1], "passes everything on"),
        (lambda way, probe: "nobody", "no name from the way"),
        (lambda way, probe: probe("nobody"), "LookupError"),
        (silent, "returns nothing yet"),
        (boom, "ZeroDivisionError"),
    ],
)
def test_a_bad_peer_is_located_with_few_probes(rule: Callable[[list[str], Probe], str | None], words: str) -> None:
    result = exercises.locate(rule)
    assert words in result.words
    assert bool(result) is (rule is halving)
    assert (result.state is State.OPEN) is (rule is silent)


RING = 1 << 128


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (lambda key, heard, named: min(heard, key=lambda node: (node - key) % RING), "Twelve reads"),
        (lambda key, heard, named: min(named, key=lambda node: (node - key) % RING), "only others speak of"),
        (lambda key, heard, named: min(heard, key=lambda node: (key - node) % RING), "A liar was believed"),
        (lambda key, heard, named: min([n for n in heard if n >= key] or [max(heard)]), "past the last peer"),
        (lambda key, heard, named: sorted(heard, key=lambda node: (node - key) % RING)[1], "not responsible"),
        (lambda key, heard, named: 5, "neither heard nor named"),
        (silent, "returns nothing yet"),
        (boom, "ZeroDivisionError"),
    ],
)
def test_who_is_responsible_among_liars(rule: Rule, words: str) -> None:
    result = exercises.true_root(rule)
    assert words in result.words
    assert bool(result) is (words == "Twelve reads")
    assert (result.state is State.OPEN) is (rule is silent)


def test_a_card_is_read_by_its_letters() -> None:
    def right(card: str) -> tuple[str, str, int]:
        _, base, routing, _, seed, *_ = card.split("-")
        return {"U": "untrusted", "T": "trusted"}[base], {"R": "recursive", "I": "iterative"}[routing], int(seed)

    assert exercises.read_card(right)
    assert exercises.read_card(lambda card: ...).state is State.OPEN
    for wrong, words in (
        (lambda card: ("untrusted", "recursive", 7), "base of a card is not 'untrusted'"),
        (lambda card: (right(card)[0], right(card)[1], str(right(card)[2])), "seed of a card"),
        (lambda card: card, "three values"),
        (lambda card: card["x"], "TypeError"),
    ):
        failed = exercises.read_card(wrong)
        assert failed.state is State.FAILED
        assert words in failed.words


@pytest.mark.parametrize(
    ("rule", "state", "words"),
    [
        (lambda entry, table: entry.certificate == entry.says, State.PASSED, "nobody who does not exist"),
        (lambda entry, table: True, State.FAILED, "do not exist entered"),
        (lambda entry, table: entry.certificate is not None, State.FAILED, "do not exist entered"),
        (lambda entry, table: all(abs(entry.says - each) > 10 for each in table), State.FAILED, "do not exist entered"),
        (lambda entry, table: False, State.FAILED, "kept out"),
        (lambda entry, table: None, State.OPEN, "returns nothing yet"),
        (lambda entry, table: entry["x"], State.FAILED, "TypeError"),
    ],
)
def test_a_table_is_guarded_by_what_a_newcomer_shows(rule: Any, state: State, words: str) -> None:
    check = exercises.enters(rule)
    assert check.state is state
    assert words in check.words
