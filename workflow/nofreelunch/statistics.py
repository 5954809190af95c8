"""Estimates and intervals; networks, not units, are what is replicated.

Units of one network share its weights and its fate, so they are not independent. Every interval
over networks takes one number per network.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats


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

    Wilson's score interval (1927), which stays within 0 and 1 and is honest at 0 and at `total`
    successes. NaN where `total` is 0. Raises ValueError for successes outside 0 to total.
    """
    successes, total = np.broadcast_arrays(np.asarray(successes, float), np.asarray(total, float))
    if np.any((successes < 0) | (successes > total)):
        raise ValueError("successes must lie between 0 and total")
    z2 = stats.norm.ppf(0.5 + confidence / 2) ** 2
    n = np.where(total > 0, total, np.nan)
    centre = (successes + z2 / 2) / (n + z2)
    half = np.sqrt(z2 * (successes * (n - successes) / n + z2 / 4)) / (n + z2)
    return np.clip(centre - half, 0, 1), np.clip(centre + half, 0, 1)


def seed_interval(
    values: ArrayLike, confidence: float = 0.95, axis: int = -1
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean over networks along `axis` and its interval: (mean, low, high).

    The interval is Student's t. A bootstrap of n networks redraws the same n numbers: of three it
    is little more than their least and greatest, and covers far less than it says.
    NaN values (networks left out) are not counted; bounds are NaN with fewer than two networks.
    The interval knows no limits such as 0 for fractions: what draws it may clip it.
    """
    mean, error, count = _mean_and_error(np.asarray(values, float), axis)
    half = stats.t.ppf(0.5 + confidence / 2, count - 1) * error
    return mean, mean - half, mean + half


def difference(
    first: ArrayLike, second: ArrayLike, confidence: float = 0.95
) -> tuple[float, float, float]:
    """Mean of `first` less mean of `second`, one value per network, and its interval.

    Welch's interval: the two sets of networks may differ in number and in spread. NaN values are
    not counted; bounds are NaN where a set has fewer than two networks, and where neither set has
    any spread, because values that are all alike do not say how far others would lie.
    """
    (mean1, error1, n1), (mean2, error2, n2) = (
        _mean_and_error(np.asarray(values, float).ravel(), -1) for values in (first, second)
    )
    mean, variance = mean1 - mean2, error1**2 + error2**2
    if variance == 0:  # as when no network of either set has a grid cell
        return float(mean), float("nan"), float("nan")
    freedom = variance**2 / (error1**4 / (n1 - 1) + error2**4 / (n2 - 1))
    half = stats.t.ppf(0.5 + confidence / 2, freedom) * np.sqrt(variance)
    return float(mean), float(mean - half), float(mean + half)


def trend(x: ArrayLike, y: ArrayLike, confidence: float = 0.95) -> Trend:
    """Least-squares line through one point per network, with Student's interval of its slope.

    `x` and `y` are (network,); pairs with a NaN are left out. All are NaN where fewer than two
    different x remain, and the bounds are where fewer than three points do.
    """
    x, y = np.asarray(x, float), np.asarray(y, float)
    known = np.isfinite(x) & np.isfinite(y)
    x, y = x[known], y[known]
    if np.unique(x).size < 2:
        return Trend(*[float("nan")] * 4)
    fit = stats.linregress(x, y)
    half = stats.t.ppf(0.5 + confidence / 2, x.size - 2) * fit.stderr if x.size > 2 else np.nan
    return Trend(*map(float, (fit.slope, fit.slope - half, fit.slope + half, fit.intercept)))


def kernel_density(values: ArrayLike, grid: ArrayLike, bandwidth: float) -> np.ndarray:
    """Density of `values` at each point of `grid`, per unit of theirs.

    Gaussian kernels of standard deviation `bandwidth`, in the units of `values`: fixed, so that
    one value or many, close together or far apart, are drawn alike. NaN values are not counted;
    NaN where none is left.
    """
    values = np.asarray(values, float)
    values = values[np.isfinite(values)]
    grid = np.asarray(grid, float)
    if values.size == 0:
        return np.full(grid.shape, np.nan)
    return stats.norm.pdf(grid[..., None], values, bandwidth).mean(axis=-1)


def _mean_and_error(values: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean, standard error and count of the values that are not NaN."""
    known = np.isfinite(values)
    count = known.sum(axis=axis)
    some, several = np.where(count > 0, count, np.nan), np.where(count > 1, count, np.nan)
    mean = np.where(known, values, 0).sum(axis=axis) / some
    deviation = np.where(known, values - np.expand_dims(mean, axis), 0)
    error = np.sqrt((deviation**2).sum(axis=axis) / (several - 1) / several)
    return mean, error, count
