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

    count = np.where(total > 0, total, np.nan)
    return _wilson(successes / count, count, confidence)


def share(
    holds: ArrayLike, configuration: ArrayLike, confidence: float = 0.95
) -> tuple[float, float, float]:
    """Share of networks for which something holds, and its interval: (share, low, high).

    Seeds of one configuration are alike, so they are worth fewer networks than they are. The
    interval is Wilson's at the number that they are worth (Korn & Graubard 1998): the one whose
    binomial variance is the variance between configurations, made smaller for having few of these.
    Where all networks agree, that variance is unknown, and each configuration counts once.

    >>> [round(x, 2) for x in share([1, 1, 1, 1, 0, 0, 0, 0], [1, 1, 1, 1, 2, 2, 2, 2])]
    [0.5, 0.02, 0.98]

    Args:
        holds: whether it does, (network,).
        configuration: what each network shares with its other seeds, (network,). If all are of one
            configuration, seeds are all that the interval is about, and each counts.
        confidence: of the interval.
    """
    holds = np.asarray(holds, bool)
    if not holds.size:
        return (float("nan"),) * 3
    _, groups = np.unique(np.asarray(configuration), return_inverse=True)
    value = float(holds.mean())
    worth = _worth(holds, groups, confidence)
    low, high = _wilson(np.array(value), np.array(worth), confidence)
    return value, float(low), float(high)


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


def effect_size(*sets: ArrayLike) -> float:
    """Mean of one set, or difference of the means of two, in standard deviations: Hedges' g.

    One value per network. The deviation is that between networks of a set, pooled over the sets,
    and Hedges' factor (1981) makes up for there being few. NaN values are not counted. NaN where
    there is no spread, and for fewer than two degrees of freedom.

    >>> round(effect_size([1, 2, 3], [0, 1, 2]), 2)
    0.8
    """
    known = [x[np.isfinite(x)] for x in (np.asarray(values, float).ravel() for values in sets)]
    freedom = sum(values.size - 1 for values in known)
    alike = all(np.unique(values).size < 2 for values in known)
    if alike or freedom < 2 or not all(values.size for values in known):
        return float("nan")
    squares = sum(np.square(values - values.mean()).sum() for values in known)
    means = [values.mean() for values in known]
    apart = means[0] - (means[1] if len(means) > 1 else 0.0)
    few = 1 - 3 / (4 * freedom - 1)
    return float(few * apart / np.sqrt(squares / freedom))


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


def _wilson(
    shares: np.ndarray, count: np.ndarray, confidence: float
) -> tuple[np.ndarray, np.ndarray]:
    """Wilson's interval of shares of `count` networks, which need not be whole."""
    # scipy.stats.binomtest has it for whole numbers alone.
    z = stats.norm.ppf(0.5 + confidence / 2)
    centre = (shares + z**2 / (2 * count)) / (1 + z**2 / count)
    half = z * np.sqrt(shares * (1 - shares) / count + (z / (2 * count)) ** 2) / (1 + z**2 / count)
    return np.where(shares == 0, 0, centre - half), np.where(shares == 1, 1, centre + half)


def _worth(holds: np.ndarray, groups: np.ndarray, confidence: float) -> float:
    """How many independent networks are as sure as these, in groups that are alike."""
    networks, configurations = holds.size, groups.max() + 1
    if configurations in (1, networks):
        return networks
    sizes, successes = np.bincount(groups), np.bincount(groups, holds)
    value = holds.mean()
    between = np.sum((successes - value * sizes) ** 2) / networks**2
    variance = between * configurations / (configurations - 1)
    if not 0 < value < 1:
        return configurations
    if not variance:
        return networks
    tail = 0.5 + confidence / 2
    few = stats.t.ppf(tail, networks - 1) / stats.t.ppf(tail, configurations - 1)
    return float(min(networks, value * (1 - value) / variance * few**2))


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
