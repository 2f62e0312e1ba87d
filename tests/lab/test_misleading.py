"""Threats by peers that lead requests astray: what helps, what only looks so, and half a defence."""

from __future__ import annotations

import pytest

from p2psip_min import trace as events
from tests.lab.test_discarding import outcome


@pytest.mark.parametrize("threat", ["KB-5", "KB-6"])
@pytest.mark.parametrize("name", ["progress-check", "message-signature", "other-way", "several-next-hops"])
def test_these_alone_leave_lookups_captured(threat: str, name: str) -> None:
    assert outcome(threat, name).figure == 1.0


def test_several_ways_bring_the_best_claim() -> None:
    for threat in ("KB-5", "KB-6"):
        assert outcome(threat, "message-signature", "disjoint-paths").figure == 0.0


def test_asking_each_step_oneself_is_no_help_against_who_names_its_own_kind() -> None:
    assert outcome("KB-5", "iterative-lookup").figure == 1.0
    assert outcome("KB-6", "iterative-lookup").figure == 1.0


@pytest.mark.parametrize("name", ["several-next-hops", "disjoint-paths"])
def test_each_helps_by_itself_against_names_of_nobody(name: str) -> None:
    assert outcome("KB-7", name).figure == 0.0


@pytest.mark.parametrize("name", ["same-way", "longer-timeout", "other-way", "message-signature", "iterative-lookup"])
def test_these_do_not(name: str) -> None:
    assert outcome("KB-7", name).figure == 1.0


def test_the_friend_is_no_holder_and_her_answer_is_the_first() -> None:
    from lab.scenarios import columns, scenario, setting

    chosen = scenario("KB-5")
    stage = chosen.stage(chosen, columns(chosen, setting(chosen))["defended"])
    with stage.overlay:
        stage.overlay.run(stage.story())
        kept = {stage.root.node_id, *stage.root.peer.topology.replicas(stage.subject, 2)}
        assert not kept & {node.node_id for node in stage.attackers()}
        answered: dict[int, list[bytes]] = {}
        for event in stage.trace.select(events.MessageDelivered, code=24):
            answered.setdefault(event.transaction_id, []).append(event.signer)
        misled = [signers for signers in answered.values() if stage.friend.node_id in signers]
        assert misled
        assert any(signers[0] == stage.friend.node_id for signers in misled)
        assert all(stage.root.node_id in signers for signers in misled)
