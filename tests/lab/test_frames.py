"""Frames of the hand-written story: what each moment shows."""

from __future__ import annotations

import pytest

from lab import text
from lab.clauses import gathered
from lab.frames import Outcome, Strand
from lab.session import Session
from lab.text import Word
from tests.lab.story import Story


@pytest.fixture(scope="module")
def story() -> Story:
    return Story().tell()


@pytest.fixture(scope="module")
def refused() -> Story:
    return Story(refused=True).tell()


def test_before_the_first_moment_nothing_has_run(story: Story) -> None:
    frame = story.film().frame(0)
    assert frame.word is Word.NOT_RUN
    assert frame.caption.startswith("32 peers are up.")
    assert (frame.rows, frame.hops, frame.storage) == ((), (), ())


def test_ring_is_in_order_of_node_id_with_equal_spacing(story: Story) -> None:
    frame = story.film().frame(0)
    ring = [node for node in frame.nodes if node.name.startswith("p")]
    assert [node.name for node in ring] == [f"p{place:02}" for place in range(32)]
    assert [round(node.turn * 32) for node in ring] == list(range(32))
    assert frame.key_turn == pytest.approx(6.5 / 32)


def test_a_message_in_flight_is_one_hop_and_its_way(story: Story) -> None:
    film = story.film()
    frame = film.frame(3)
    assert frame.caption == "At 0.07 s mallory forwards alice’s StoreReq to p07 and keeps a copy."
    assert [hop.strand for hop in frame.hops] == [Strand.TRAVELLED, Strand.TRAVELLED, Strand.CURRENT]
    row = frame.row(frame.current)
    assert row is not None
    assert (row.method, row.version, row.outcome) == ("StoreReq", 1, Outcome.FLIGHT)
    assert frame.rows[1].kept


def test_copies_to_replicas_are_one_row_and_their_answers_fold_into_it(story: Story) -> None:
    frame = story.film().frame(9)
    copies = frame.rows[3]
    assert [frame.world.name(node) for node in copies.receivers] == ["p08", "p09"]
    assert copies.outcome is Outcome.STORED
    assert [row.method for row in frame.rows] == ["StoreReq"] * 4 + ["StoreAns"]
    assert len(frame.rows[4].hops) == 4


def test_a_replay_that_works_is_named_rolled_back(story: Story) -> None:
    film = story.film()
    frame = film.frame(film.length)
    assert frame.word is Word.ROLLED_BACK
    assert "mallory resent alice’s v1, and p07, p08 and p09 put v1 over v2." in frame.caption
    assert frame.caption.endswith("Now bob has the FetchAns and reads v1.")
    assert [(one.holder, one.version, one.word) for one in frame.storage] == [
        ("p07", 1, Word.ROLLED_BACK),
        ("p08", 1, Word.ROLLED_BACK),
        ("p09", 1, Word.ROLLED_BACK),
        ("p27", 1, Word.KEPT_COPY),
        ("bob", 1, Word.STALE),
        ("alice", 2, Word.NEWEST),
    ]
    resent = [row for row in frame.rows if row.resent]
    assert [(row.number, row.outcome) for row in resent] == [(11, Outcome.ROLLED_BACK)]
    assert Strand.RESENT in {hop.strand for hop in frame.hops}


def test_a_replay_that_fails_is_named_refused_with_its_reason(refused: Story) -> None:
    film = refused.film()
    frame = film.frame(film.length)
    assert frame.word is Word.REFUSED
    assert "p07 refused it: storage time not above the stored one." in frame.caption
    assert {one.word for one in frame.storage} == {Word.HOLDS, Word.KEPT_COPY, Word.NEWEST}
    assert frame.rows[11].error == "Data_Too_Old"


def test_scrubbing_back_shows_equal_frames(story: Story) -> None:
    film = story.film()
    before = [film.frame(n) for n in range(film.length + 1)]
    assert [film.frame(n) for n in reversed(range(film.length + 1))] == before[::-1]


def test_a_growing_trace_gives_the_frames_of_the_whole_one(story: Story) -> None:
    from lab.film import Film

    events = story.events[:20]
    film = Film(story.world, events)
    early = [film.frame(n) for n in range(film.length - 1)]
    events.extend(story.events[20:])
    film.extend()
    whole = story.film()
    assert film.length == whole.length
    for n, frame in enumerate(early):
        grown = whole.frame(n)
        assert (frame.caption, frame.rows, frame.hops, frame.storage) == (
            grown.caption, grown.rows, grown.hops, grown.storage,
        )  # fmt: skip


def test_a_client_that_moves_leaves_its_earlier_place(story: Story) -> None:
    film = story.film()
    frame = film.frame(12)
    alice = next(node for node in frame.nodes if node.name == "alice")
    assert (frame.world.name(alice.at), frame.world.name(alice.before), alice.until) == ("p23", "p13", 29.0)
    assert [note.text for note in frame.notes] == ["alice moves to p23"]


def test_the_timeline_names_what_counts(story: Story) -> None:
    frame = story.film().frame(0)
    assert [(tick.label, tick.hot) for tick in frame.ticks if tick.label] == [
        ("PUT v1", False),
        ("PUT v2", False),
        ("resent", True),
        ("GET", False),
    ]
    assert [(span.version, span.again) for span in frame.track] == [(1, False), (2, False), (1, True)]


def test_quiet_codes_are_left_out(story: Story) -> None:
    from lab.film import Film

    film = Film(story.world, story.events, quiet=frozenset(range(1, 50)) | {0xFFFF})
    assert film.frame(film.length).rows == ()
    assert film.frame(film.length).storage


def test_clauses_that_say_the_same_are_gathered() -> None:
    clauses = [
        "takes the PingReq",
        *["sends PingReq towards p01"] * 3,
        "sends PingReq towards p02",
        "takes the PingReq",
    ]
    assert text.together(gathered(clauses)) == "takes the PingReq twice, and sends PingReq towards p01 3 times and p02"


def test_nobody_is_called_by_a_number_who_has_a_name() -> None:
    for threat, said in (("EN-9", "the enrollment server issues"), ("ID-1", "answers carol with AttachAns")):
        session = Session(threat)
        end = session.run().length
        assert any(said in session.frame(cursor).caption for cursor in range(end + 1)), threat
        session.close()


@pytest.mark.parametrize(
    ("threat", "bad"),
    [
        ("ST-13", [("nobody", "holds it", Word.LOST)]),
        ("ST-9", [("p17", "root", Word.FORGED), ("erin", "read it", Word.FORGED)]),
        ("KB-9", [("p20", "read it", Word.FORGED)]),
        ("ST-11", [("p22", "root", Word.STALE), ("p20", "read it", Word.STALE)]),
        ("DT-2", []),
    ],
)
def test_loss_forgery_and_staleness_stand_in_the_storage_table(threat: str, bad: list[tuple[str, str, Word]]) -> None:
    session = Session(threat)
    rows = session.run().storage
    good = (Word.HOLDS, Word.NEWEST)
    assert [(one.holder, one.role, one.word) for one in rows if one.word not in good] == bad
    assert (rows[-1].role, rows[-1].word, rows[-1].owner) == ("owner", Word.NEWEST, True), "where the truth is"
    session.close()


def test_without_an_attack_nothing_is_called_forged_or_lost() -> None:
    for threat in ("TR-5", "EN-10", "ID-2", "ST-5", "RM-3"):
        session = Session(threat, attack=False)
        assert all(one.word not in (Word.FORGED, Word.LOST) for one in session.run().storage), threat
        session.close()
