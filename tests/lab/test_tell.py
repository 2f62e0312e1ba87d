"""What notebooks print: each table says what the overlay or the trace says, in text and in HTML."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab import tell
from lab.exercises import Wayside
from lab.playlists import FIGURE_4, FIGURE_6
from lab.progress import Progress
from lab.told import Told, told
from p2psip_min.ids import ResourceID
from p2psip_min.overlay import Overlay


@pytest.fixture(scope="module")
def overlay() -> Iterator[Overlay]:
    with Overlay(peers=16, clients=("alice", "bob"), seed=4) as made:
        made.register("alice")
        made.advance(5)
        yield made


@pytest.fixture(scope="module")
def attacked() -> Told:
    return told("RP-2")


def test_an_overview_is_a_table(overlay: Overlay) -> None:
    rows = dict(tell.overview(overlay).rows)
    assert (rows["peers"], rows["clients"], rows["servers"]) == ("16", "alice, bob", "enroll")
    assert "tls, link-auth" in rows["defences"]


def test_a_nodes_tables_name_its_neighbors(overlay: Overlay) -> None:
    table = tell.node_tables(overlay, "p00")
    lists = dict(table.rows)
    assert lists["successors"] == "p01, p02, p03"
    assert lists["predecessors"] == "p15, p14, p13"
    assert lists["fingers"]


def test_the_key_stands_before_the_peer_that_is_responsible(overlay: Overlay) -> None:
    key = ResourceID.of(overlay.aor("alice"))
    names = tell.around(overlay, key).column("clockwise")
    assert len(names) == 7
    assert names[names.index("the key") + 1] == overlay.root(key).name


def test_holders_in_their_roles(overlay: Overlay) -> None:
    table = tell.holders(overlay, "alice")
    assert table.column("as") == ("root", "replica 1", "replica 2")
    assert set(table.column("signed by")) == {"alice"}
    assert all(cell.startswith("via p") and cell.endswith(" then alice") for cell in table.column("alice is reached"))


def test_requests_of_a_node_in_order(overlay: Overlay) -> None:
    since = len(overlay.trace)
    overlay.call("bob", "alice")
    assert tell.asked(overlay, "bob", since) == ("FetchReq", "AppAttachReq")


def test_a_resent_message_is_valid(attacked: Told) -> None:
    resent = tell.open_resent(attacked)
    assert (resent.owner, resent.sender) == ("alice", "mallory")
    assert resent.same_contents
    assert resent.record_signature
    assert resent.message_signature
    assert 36 < resent.age < 37
    assert "✓ valid" in str(resent)
    assert "✓ valid" in resent._repr_html_()


def test_no_resent_message_without_an_attack() -> None:
    with pytest.raises(LookupError, match="nobody"):
        tell.open_resent(told("RP-2", attack=False))


def test_who_passed_a_put_on(attacked: Told) -> None:
    assert "mallory" in tell.passed_by(attacked)


def test_fixes_one_by_one() -> None:
    table = tell.try_fixes("time-stamp", "rising-time")
    assert table.column("bob reads") == ("v1", "v1", "v2")
    assert tell.price("rising-time")["hops"] == 0
    assert tell.price("read-quorum")["hops"] > 0


def test_an_enrollment_is_replayed_only_without_a_nonce() -> None:
    assert tell.enrollment_replay(nonce=False).column("answer").count("certificate") == 3
    assert tell.enrollment_replay(nonce=True).column("answer") == (
        "certificate",
        "refused: nonce already used",
        "refused: nonce already used",
        "refused: nonce expired",
    )


def test_a_table_in_text_and_html() -> None:
    table = tell.Table(("a", "b"), (("1", "x < y"), ("22", "z")))
    assert str(table) == repr(table) == "a   b\n1   x < y\n22  z"
    assert "x &lt; y" in table._repr_html_()
    assert list(table) == [("1", "x < y"), ("22", "z")]


def test_one_is_told_how_well_one_knows_what_one_knows() -> None:
    kept = Progress()
    kept.predicted("RP-2", "v2", "certain", right=False)
    kept.predicted("KB-9", "x", "certain", right=True)
    kept.chose("TR-1", "message-signature", right=False)
    kept.chose("TR-1", "tls", right=True)
    kept.chose("ST-7", "access-control", right=False)
    table = tell.calibrated(kept)
    assert table.column("share") == ("–", "–", "50%")
    assert table.column("predictions") == ("0", "0", "2")
    fixes = tell.choices("TR-1", "ST-7", "ST-8", kept=kept)
    assert fixes.column("the fix") == ("found at try 2", "not found yet", "not tried yet")


def test_fixes_side_by_side_for_any_threat() -> None:
    table = tell.runs("TR-1", ("message-signature",), ("tls",), base="trusted")
    assert table.column("verdict") == ("× READ", "× READ", "✓ HOLDS")
    assert table.column("fix")[0] == "none of them"


def test_a_figure_has_its_rows_and_the_drafts_doubts() -> None:
    figure = tell.figure_rows(FIGURE_4)
    assert figure.column("threat")[:2] == ("TR-1", "TR-4")
    assert len(tell.figure_rows(FIGURE_6).rows) == len(FIGURE_6.demos)


def test_connections_asked_of_a_victim_by_the_second() -> None:
    story = told("ST-7", base="trusted")
    table = tell.meter(story, "bob")
    assert max(map(int, table.column("connections asked of bob"))) == 6
    assert "██████" in table.column("")
    assert tell.meter(story, "heidi").rows == (("–", "0", ""),)


def test_a_walk_ends_with_a_suspect() -> None:
    ground = Wayside(seed=30, place=3, peers=24)
    table = tell.walk(ground)
    assert table.rows[-1][:2] == ("–", ground.bad)
    assert table.rows[-1][2].startswith("suspected: ")
    assert table.column("peer")[: len(ground.way)] == ground.way
    ground.close()
