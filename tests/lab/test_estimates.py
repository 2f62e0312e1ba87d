"""Means and their intervals."""

from __future__ import annotations

import pytest

from lab.estimates import SHARE, Estimate, estimate


def test_one_figure_is_its_own_estimate() -> None:
    assert estimate([0.3]) == Estimate(0.3, 0.3, 0.3)
    assert str(estimate([0.3])) == "0.3"


def test_equal_figures_leave_no_doubt() -> None:
    assert estimate([2.0] * 20) == Estimate(2.0, 2.0, 2.0)


def test_the_interval_is_students() -> None:
    # Mean 3, sample variance 2.5, four degrees of freedom: 2.776 * sqrt(2.5 / 5).
    found = estimate([1.0, 2.0, 3.0, 4.0, 5.0])
    assert (found.mean, found.low, found.high) == (3.0, pytest.approx(1.037, abs=1e-3), pytest.approx(4.963, abs=1e-3))
    assert str(found) == "3 [1.04, 4.96]"


def test_many_figures_are_nearly_normal() -> None:
    found = estimate([0.0, 1.0] * 50)
    assert found.high - found.mean == pytest.approx(1.96 * 0.5 / 99**0.5, abs=1e-5)


def test_an_interval_ends_where_a_figure_can_not_be() -> None:
    assert estimate([1.0, 1.0, 0.9], SHARE).high == 1.0 < estimate([1.0, 1.0, 0.9]).high
    assert estimate([3.0, 0.0, 0.0], (3.0, 0.0)).low == 0.0 > estimate([3.0, 0.0, 0.0]).low
    assert estimate([1.2, 1.3], SHARE).high == 1.3, "what has been seen is possible"
