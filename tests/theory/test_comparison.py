"""Predicted against measured: exact answers, noise, and intervals that cover what they should."""

import numpy as np
import pytest
from nofreelunch.theory.comparison import compare_periods, roc_area

BOX = 2.2
WIDTHS = np.repeat(np.linspace(0.6, 1.5, 8), 4)  # eight predictions, four networks each


def estimate(values):
    return values.sel(bound="estimate").item()


def inside(values, truth):
    return float(values.sel(bound="low")) <= truth <= float(values.sel(bound="high"))


def test_a_perfect_prediction():
    found = compare_periods(WIDTHS, WIDTHS, BOX)
    assert estimate(found.slope) == pytest.approx(1)
    assert estimate(found.intercept) == pytest.approx(0, abs=1e-12)
    assert estimate(found.r_squared) == pytest.approx(1)
    error = found.error.sel(bound="estimate")
    assert error.sel(guess="predicted") == 0
    assert error.sel(guess="constant") == pytest.approx(np.abs(WIDTHS - np.median(WIDTHS)).mean())
    assert error.sel(guess="box") == pytest.approx(np.abs(WIDTHS - 2 * BOX / np.sqrt(3)).mean())
    assert (found.gain.sel(guess=["constant", "box", "shuffled"], bound="low") > 0).all()


def test_shuffled_pairings_are_all_of_them():
    predicted, measured = [1.0, 2.0, 4.0], [1.5, 2.0, 3.0]
    found = compare_periods(predicted, measured, BOX).error.sel(guess="shuffled")
    expected = np.mean([abs(p - m) for p in predicted for m in measured])
    assert estimate(found) == pytest.approx(expected)


def test_a_line_through_noise():
    """Measured periods 15 % longer than predicted, with noise: the interval holds the truth."""
    noise = np.random.default_rng(0).normal(0, 0.05, WIDTHS.size)
    found = compare_periods(WIDTHS, 1.15 * WIDTHS + noise, BOX)
    assert inside(found.slope, 1.15) and not inside(found.slope, 1.0)
    assert inside(found.intercept, 0.0)
    low, high = (float(found.r_squared.sel(bound=b)) for b in ("low", "high"))
    assert 0.8 < low < estimate(found.r_squared) < high < 1
    assert found.gain.sel(guess="shuffled", bound="low") > 0
    assert found.gain.sel(guess="constant", bound="estimate") > 0  # of eight predictions, two are
    # about as long as the median, and some resamples have little else.


def test_noise_is_not_predicted():
    """Periods that have nothing to do with the prediction, which then loses to a constant."""
    measured = np.random.default_rng(1).uniform(0.8, 1.2, WIDTHS.size)
    found = compare_periods(WIDTHS, measured, BOX)
    assert inside(found.slope, 0.0) and estimate(found.r_squared) < 0.2
    assert found.gain.sel(guess="constant", bound="high") < 0
    assert inside(found.gain.sel(guess="shuffled"), 0.0)


def test_networks_of_one_prediction_do_not_count_as_independent():
    """The box shifts all networks of a target alike: of 100 intervals about 90 hold the slope."""
    random, predicted, held = np.random.default_rng(5), np.repeat(np.linspace(0.6, 1.4, 8), 4), 0
    for _ in range(100):
        shifts = np.repeat(random.normal(0, 0.05, 8), 4)
        measured = 1.1 * predicted + shifts + random.normal(0, 0.005, 32)
        held += inside(compare_periods(predicted, measured, BOX).slope, 1.1)
    assert held >= 83  # networks drawn one by one would hold it in about 60


def test_intervals_are_about_the_estimate_where_predictions_have_unlike_numbers_of_networks():
    predicted = np.repeat([0.6, 0.8, 1.0, 1.2, 1.4], [20, 1, 1, 1, 1])
    measured = predicted + 0.3 * (predicted > 0.6)
    error = compare_periods(predicted, measured, BOX).error.sel(guess="predicted")
    assert estimate(error) == pytest.approx(0.05)
    assert error.sel(bound="low") < 0.051 and error.sel(bound="high") < 0.25


def test_intervals_cover_the_slope():
    """Of 100 made-up studies of 32 networks, about 95 intervals hold the true slope."""
    random, held = np.random.default_rng(2), 0
    for seed in range(100):
        measured = 0.2 + 1.1 * WIDTHS + random.normal(0, 0.1, WIDTHS.size)
        held += inside(compare_periods(WIDTHS, measured, BOX, seed=seed).slope, 1.1)
    assert 86 <= held <= 100


def test_pairs_with_a_gap_are_left_out():
    measured = WIDTHS * 1.1
    measured[:3] = np.nan
    found = compare_periods(WIDTHS, measured, BOX)
    assert found.attrs["networks"] == WIDTHS.size - 3
    assert estimate(found.slope) == pytest.approx(1.1)


@pytest.mark.parametrize("count", [0, 1, 2])
def test_too_few_networks_have_no_line(count):
    found = compare_periods([0.9] * count, [1.0] * count, BOX)
    assert np.isnan(found.slope).all() and np.isnan(found.r_squared).all()
    assert np.isnan(found.error.sel(bound="estimate")).all() == (count == 0)
    assert np.isnan(found.error.sel(bound="low")).all() == (count < 2)


def test_one_prediction_has_no_line():
    found = compare_periods([0.9] * 5, [1.0, 1.1, 1.0, 1.2, 0.9], BOX)
    assert np.isnan(found.slope).all()
    assert estimate(found.error.sel(guess="predicted")) == pytest.approx(0.14)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1, 2], [1], BOX), r"^measured: found 1 networks; allowed: 2, one for each prediction$"),
        (([1, 0], [1, 1], BOX), r"^predicted: found a period of 0 m; allowed: periods above 0 m$"),
        (([1, 1], [1, -1], BOX), r"^measured: found a period of -1 m; allowed: periods above 0 m"),
        (([1, 1], [1, 1], 0), r"^box: found 0 m; allowed: a side above 0 m$"),
    ],
)
def test_refused_periods(arguments, message):
    with pytest.raises(ValueError, match=message):
        compare_periods(*arguments)


def test_roc_area_counts_ordered_pairs():
    found = roc_area([True, True, False, False], [0.3, 0.1, 0.1, 0.0])
    assert found.area == pytest.approx(3.5 / 4)
    assert (found.expected, found.others) == (2, 2)
    assert roc_area([False, False, True, True], [0.3, 0.1, 0.1, 0.0]).area == pytest.approx(0.125)


def test_a_perfect_order_has_an_interval_below_one():
    few, many = (roc_area([True] * n + [False] * n, [1.0] * n + [0.0] * n) for n in (3, 30))
    assert few.area == many.area == few.high == many.high == 1
    assert 0.3 < few.low < many.low < 1
    worst = roc_area([True] * 3 + [False] * 3, [0.0] * 3 + [1.0] * 3)
    assert (worst.area, worst.low, worst.high) == pytest.approx((0, 0, 1 - few.low))


def test_equal_shares_say_nothing():
    found = roc_area([True] * 6 + [False] * 9, np.zeros(15))
    assert found.area == 0.5 and found.low < 0.3 and found.high > 0.7


def test_roc_intervals_cover_the_area():
    """Of 300 made-up studies, at least nine in ten intervals hold the true area."""
    random, held = np.random.default_rng(3), 0
    expected, truth = np.arange(30) < 12, 0.7602  # Phi(1 / sqrt 2)
    for _ in range(300):
        found = roc_area(expected, random.normal(expected, 1.0))
        held += found.low <= truth <= found.high
    assert 0.91 <= held / 300 <= 0.995


def test_networks_without_a_share_are_left_out():
    found = roc_area([True, True, False], [0.2, np.nan, 0.1])
    assert (found.area, found.expected, found.others) == (1, 1, 1)
    assert np.isnan(roc_area([True, True], [0.2, 0.1]).area)
    with pytest.raises(ValueError, match=r"^share: found 1 networks; allowed: 2, one for each"):
        roc_area([True, False], [0.1])
