"""Random schedules with TLS on every link: odd seeds."""

from __future__ import annotations

import pytest

from tests.soak.schedules import SEEDS, hold

pytestmark = [pytest.mark.soak, pytest.mark.timeout(1200)]


@pytest.mark.parametrize("seed", range(1, SEEDS, 2))
def test_a_schedule_of_faults_breaks_nothing(seed: int) -> None:
    hold(seed, "tls")
