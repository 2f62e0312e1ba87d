"""Random schedules on plain links: even seeds."""

from __future__ import annotations

import pytest

from tests.soak.schedules import SEEDS, hold

pytestmark = [pytest.mark.soak, pytest.mark.timeout(1200)]


@pytest.mark.parametrize("seed", range(0, SEEDS, 2))
def test_a_schedule_of_faults_breaks_nothing(seed: int) -> None:
    hold(seed, "plain")
