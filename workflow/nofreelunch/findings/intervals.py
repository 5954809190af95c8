"""Estimates and intervals over networks, which are what is replicated.

Units of one network share its weights, so they are not independent. Every interval over networks
takes one number per network.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from nofreelunch.errors import refused


class Trend(NamedTuple):
    """A straight line through points: y = slope x + intercept, with an interval of the slope."""

    slope: float
    low: float
    high: float
    intercept: float


def wilson(
    successes: ArrayLike, total: ArrayLike, confidence: float = 0.95
) -> tuple[np.ndarray, np.ndarray]:
    """Interval (low, high) of a proportion from counts (any shapes that broadcast).

    Wilson's score interval (1927) stays within 0 and 1, and it is honest at 0 and at `total`
    successes. NaN where `total` is 0. Raises ValueError for successes outside 0 to total.
    """
    successes, total = np.broadcast_arrays(successes, total)
    outside = (successes < 0) | (successes > total)
    if outside.any():
        found = f"{successes[outside][0]} of {total[outside][0]}"
        raise refused("successes", found, "0 to total")

    def interval(k: int, n: int) -> tuple[float, float]:
        if n == 0:
            return np.nan, np.nan
        return stats.binomtest(int(k), int(n)).proportion_ci(confidence, method="wilson")

    low, high = np.vectorize(interval, otypes=[float, float])(successes, total)
    return low, high


def seed_interval(
    values: ArrayLike, confidence: float = 0.95, axis: int = -1
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean over networks along `axis` and its interval: (mean, low, high).

    The interval is Student's t. A bootstrap of three networks redraws the same three numbers: its
    interval hardly exceeds their range and covers far less than it says.
    NaN values (networks left out) are not counted. Bounds are NaN with fewer than two networks.
    Bounds may exceed limits such as 0 for fractions; figures may clip them.
    """
    mean, error, count = _mean_and_error(np.asarray(values, float), axis)
    half = stats.t.ppf(0.5 + confidence / 2, count - 1) * error
    return mean, mean - half, mean + half


def difference(
    first: ArrayLike, second: ArrayLike, confidence: float = 0.95
) -> tuple[float, float, float]:
    """Mean of `first` less mean of `second`, one value per network, and its interval.

    Welch's interval: the two sets of networks may differ in number and in spread. NaN values are
    not counted. Bounds are NaN where a set has fewer than two networks. They are NaN where neither
    set has any spread, because equal values do not say how far others would lie.
    """
    # scipy.stats.ttest_ind has this interval, too. It warns of lost precision wherever one set has
    # no spread, which is common here: no network of a kind has a grid cell.
    sets = [np.asarray(values, float).ravel() for values in (first, second)]
    (mean1, error1, n1), (mean2, error2, n2) = (_mean_and_error(values, -1) for values in sets)
    mean, variance = mean1 - mean2, error1**2 + error2**2
    if all(np.unique(values[np.isfinite(values)]).size < 2 for values in sets):
        return float(mean), float("nan"), float("nan")
    freedom = _welch(error1, n1, error2, n2)
    half = stats.t.ppf(0.5 + confidence / 2, freedom) * np.sqrt(variance)
    return float(mean), float(mean - half), float(mean + half)


def welch_freedom(first: ArrayLike, second: ArrayLike) -> float:
    """Degrees of freedom of `difference` (Welch 1947); NaN where it has no interval."""
    sets = [np.asarray(values, float).ravel() for values in (first, second)]
    (_, error1, n1), (_, error2, n2) = (_mean_and_error(values, -1) for values in sets)
    if not error1**2 + error2**2 > 0:
        return float("nan")
    return float(_welch(error1, n1, error2, n2))


def trend(x: ArrayLike, y: ArrayLike, confidence: float = 0.95) -> Trend:
    """Least-squares line through one point per network, with Student's interval of its slope.

    `x` and `y` are (network,); pairs with a NaN are left out. All values are NaN where fewer than
    two different x remain. The bounds are NaN where fewer than three points remain.
    """
    x, y = np.asarray(x, float), np.asarray(y, float)
    known = np.isfinite(x) & np.isfinite(y)
    count = np.count_nonzero(known)
    if np.unique(x[known]).size < 2:
        return Trend(*[float("nan")] * 4)
    fit = stats.linregress(x[known], y[known])
    half = stats.t.ppf(0.5 + confidence / 2, count - 2) * fit.stderr if count > 2 else np.nan
    return Trend(*map(float, (fit.slope, fit.slope - half, fit.slope + half, fit.intercept)))


def kernel_density(values: ArrayLike, grid: ArrayLike, bandwidth: float) -> np.ndarray:
    """Density of `values` at each point of `grid`, per unit of theirs.

    Gaussian kernels of standard deviation `bandwidth`, in the units of `values`. NaN values are not
    counted; NaN where none is left.
    """
    # scipy.stats.gaussian_kde takes its width from the spread of the values, so two samples would
    # be smoothed differently, and a single value not at all.
    known = np.asarray(values, float)
    known = known[np.isfinite(known)]
    grid = np.asarray(grid, float)
    if known.size == 0:
        return np.full(grid.shape, np.nan)
    return stats.norm.pdf(grid[..., None], known, bandwidth).mean(axis=-1)


def _welch(error1: np.ndarray, n1: np.ndarray, error2: np.ndarray, n2: np.ndarray) -> np.ndarray:
    """Degrees of freedom of a difference, from the standard errors and sizes of its two sets."""
    return (error1**2 + error2**2) ** 2 / (error1**4 / (n1 - 1) + error2**4 / (n2 - 1))


def _mean_and_error(values: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean, standard error and count of the values that are not NaN."""
    known = np.isfinite(values)
    count = known.sum(axis=axis)
    some, several = np.where(count > 0, count, np.nan), np.where(count > 1, count, np.nan)
    mean = np.where(known, values, 0).sum(axis=axis) / some
    deviation = np.where(known, values - np.expand_dims(mean, axis), 0)
    error = np.sqrt((deviation**2).sum(axis=axis) / (several - 1) / several)
    return mean, error, count
