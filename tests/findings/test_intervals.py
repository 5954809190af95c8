"""Intervals against published and tabulated values, and their coverage."""

import warnings

import numpy as np
import pytest
from nofreelunch.findings import intervals
from scipy import stats


@pytest.fixture(autouse=True)
def no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def test_wilson_of_the_published_fractions():
    """The workshop's two pies: 362 of 415 networks, and 53 of these 362."""
    low, high = intervals.wilson([362, 53], [415, 362])
    np.testing.assert_allclose(low, [0.837, 0.114], atol=5e-4)
    np.testing.assert_allclose(high, [0.901, 0.187], atol=5e-4)


@pytest.mark.parametrize("confidence", [0.8, 0.95])
def test_wilson_is_the_published_formula(confidence):
    """The p at which (k / n - p)^2 = z^2 p (1 - p) / n, for arrays that broadcast."""
    successes, total = np.array([0, 1, 5, 9, 10]), np.array([[10], [37]])
    z = stats.norm.ppf(0.5 + confidence / 2)
    for p in intervals.wilson(successes, total, confidence):
        assert p.shape == (2, 5)
        expected = z**2 * p * (1 - p) / total
        np.testing.assert_allclose((successes / total - p) ** 2, expected, atol=1e-12)


def test_wilson_edges():
    low, high = intervals.wilson([0, 7, 0], [7, 7, 0])
    assert low[0] == 0 and 0 < high[0] < 0.5
    assert 0.5 < low[1] < 1 and high[1] <= 1
    assert np.isnan(low[2]) and np.isnan(high[2])
    with pytest.raises(ValueError, match="successes: found 3 of 2; allowed: 0 to total"):
        intervals.wilson(3, 2)


def test_a_share_of_networks_of_different_configurations_is_wilsons():
    for holds in ([1, 0, 0, 1, 1, 1, 0], [1] * 7, [0] * 7):
        low, high = intervals.wilson(sum(holds), 7)
        for configuration in (range(7), ["one"] * 7):
            found = intervals.share(holds, configuration)
            np.testing.assert_allclose(found, (np.mean(holds), low, high))
    assert np.isnan(intervals.share([], [])).all()


def test_seeds_that_always_agree_count_once():
    """Ten configurations then have nine degrees of freedom, and Student's quantile with nine."""
    holds = np.repeat([1, 1, 1, 0, 0, 0, 0, 0, 0, 0], 4)
    worth = 9 * (stats.t.ppf(0.975, 39) / stats.t.ppf(0.975, 9)) ** 2
    for p in intervals.share(holds, np.repeat(range(10), 4))[1:]:
        assert (0.3 - p) ** 2 == pytest.approx(stats.norm.ppf(0.975) ** 2 * p * (1 - p) / worth)
    all_pass = intervals.share(np.ones(40), np.repeat(range(10), 4))
    assert all_pass == pytest.approx((1, *map(float, intervals.wilson(10, 10))))


def test_an_interval_of_alike_seeds_covers_what_it_says():
    """Configurations pass with a chance of their own. Wilson's own interval covers far less."""
    random, covered = np.random.default_rng(0), {"nested": 0, "plain": 0}
    configuration, draws = np.repeat(range(12), 4), 600
    for _ in range(draws):
        chance = random.beta(0.5, 0.5, 12)
        holds = random.random(48) < chance[configuration]
        _, low, high = intervals.share(holds, configuration)
        covered["nested"] += low <= 0.5 <= high
        low, high = intervals.wilson(holds.sum(), 48)
        covered["plain"] += low <= 0.5 <= high
    assert covered["nested"] / draws == pytest.approx(0.95, abs=0.025)
    assert covered["plain"] / draws < 0.85


def test_seed_interval_is_students():
    # Of 1, 2, 3 the standard error is 1 / sqrt(3); Student's 97.5 % point with 2 degrees is 4.3027.
    mean, low, high = intervals.seed_interval([1.0, 2.0, 3.0])
    assert mean == 2
    assert high - mean == pytest.approx(4.3027 / np.sqrt(3), rel=1e-4)
    assert mean - low == pytest.approx(high - mean)


def test_seed_interval_of_few_networks():
    values = [[1.0, np.nan, 3.0], [5.0, np.nan, np.nan], [np.nan] * 3, [4.0, 4.0, 4.0]]
    mean, low, high = intervals.seed_interval(values)
    np.testing.assert_array_equal(mean, [2, 5, np.nan, 4])
    assert np.array_equal(np.isnan(low), [False, True, True, False])
    assert high[0] == pytest.approx(2 + 12.706, abs=1e-3)  # one degree of freedom
    assert low[3] == high[3] == 4


def test_seed_interval_along_an_axis():
    values = np.random.default_rng(0).normal(size=(4, 3))
    for by_axis, by_row in zip(
        intervals.seed_interval(values, axis=0), intervals.seed_interval(values.T), strict=True
    ):
        np.testing.assert_array_equal(by_axis, by_row)


def test_seed_interval_covers_as_it_says():
    """4,000 studies of four networks: coverage 95 %, with a standard error of 0.35 points."""
    values = np.random.default_rng(0).normal(size=(4_000, 4))
    _, low, high = intervals.seed_interval(values)
    assert np.mean((low < 0) & (high > 0)) == pytest.approx(0.95, abs=0.0105)


def test_difference_is_welchs():
    first, second = [7.8, 7.8, 11.3, 12.1], [7.4, 5.9, 7.4, np.nan]
    expected = stats.ttest_ind(first, second[:3], equal_var=False).confidence_interval()
    difference, low, high = intervals.difference(first, second)
    assert difference == pytest.approx(np.mean(first) - np.mean(second[:3]))
    assert (low, high) == (pytest.approx(expected.low), pytest.approx(expected.high))


def test_difference_without_spread():
    value, low, high = intervals.difference([0.0, 0.0], [0.0, 0.0, 0.0])
    assert value == 0 and np.isnan([low, high]).all()
    value, low, high = intervals.difference([0.7] * 3, [0.1] * 3)  # whose means are rounded
    assert value == pytest.approx(0.6) and np.isnan([low, high]).all()
    value, low, high = intervals.difference([1.0, 2.0], [0.0, 0.0])
    assert value == 1.5 and low < 0 < high  # one degree of freedom
    value, low, high = intervals.difference([1.0], [2.0, 3.0])
    assert value == -1.5 and np.isnan([low, high]).all()


def test_trend_of_a_known_line():
    x = np.array([0.08, 0.10, 0.12, 0.15, 0.20, np.nan])
    y = 7.5 * x + 0.1 + np.array([0.01, -0.01, 0.0, -0.01, 0.01, 0.0])
    fit = intervals.trend(x, y)
    assert fit.slope == pytest.approx(7.5, abs=0.3)
    assert fit.low < 7.5 < fit.high
    # The textbook formula: residual variance over the spread of x, three degrees of freedom.
    residual = y[:5] - fit.slope * x[:5] - fit.intercept
    error = np.sqrt((residual**2).sum() / 3 / ((x[:5] - x[:5].mean()) ** 2).sum())
    assert fit.high - fit.slope == pytest.approx(3.1824 * error, rel=1e-4)


def test_trend_of_too_few_points():
    fit = intervals.trend([0.1, 0.2], [1.0, 3.0])
    assert (fit.slope, fit.intercept) == (pytest.approx(20), pytest.approx(-1))
    assert np.isnan([fit.low, fit.high]).all()
    assert np.isnan(intervals.trend([0.1, 0.1, np.nan], [1.0, 2.0, 3.0])).all()


def test_kernel_density():
    grid = np.linspace(0, 2, 2001)
    values = [0.7, 0.9, 1.3, np.nan]
    density = intervals.kernel_density(values, grid, 0.05)
    assert np.trapezoid(density, grid) == pytest.approx(1, abs=1e-6)
    known = np.array(values[:3])
    expected = stats.gaussian_kde(known, 0.05 / known.std(ddof=1))(grid)
    np.testing.assert_allclose(density, expected, atol=1e-12)
    assert np.isnan(intervals.kernel_density([np.nan], grid, 0.05)).all()
