"""Predicted against measured: periods by regression, and the presence of lattices by ROC area.

Networks are what is replicated: every function takes one number per network.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike
from scipy import optimize, stats

from nofreelunch import seeds
from nofreelunch.errors import refused
from nofreelunch.theory.formulas import HEXAGONAL

RESAMPLES = 2000
FEWEST = 3  # networks; two points always lie on a line
NEAR = 1e-9  # an area that differs by less is the same
GUESSES = ("predicted", "constant", "box", "shuffled")


class RocArea(NamedTuple):
    """Area under a ROC curve, with its interval, and the number of networks of either kind."""

    area: float
    low: float
    high: float
    expected: int
    others: int


def compare_periods(
    predicted: ArrayLike, measured: ArrayLike, box: float, confidence: float = 0.95, seed: int = 0
) -> xr.Dataset:
    """How well predicted periods (network,) describe measured ones, against three nulls.

    The line is measured = intercept + slope predicted, by least squares. If theory holds the slope
    is 1 and the intercept 0. Errors are |guess - measured|, averaged over networks. The nulls are
    other guesses: `constant`, the median of the measured periods, which no constant beats; `box`,
    the lattice of the longest waves that fit, 2 / sqrt(3) times the side of the box; and
    `shuffled`, the predictions of other networks: the mean over all pairings. Theory fits nothing
    and the constant is fitted, so that beating it is the harder.

    Intervals are percentiles of a bootstrap that draws predictions with replacement, and then
    networks of each: networks of one target are alike. They are too short where networks are few,
    and where few predictions are distinct.

    Args:
        predicted: m. Pairs with a NaN are left out.
        measured: m, such as each network's median period of significant units.
        box: side of the arena, m.
        confidence: of the intervals.
        seed: of the bootstrap.

    Returns:
        A dataset with a dimension `bound`: "estimate", "low" and "high".
        `slope`, `intercept` (m) and `r_squared` (bound): of the line; NaN where fewer than three
        networks, or a single prediction, are left.
        `error` (guess, bound): mean absolute error, m, of "predicted" and of the nulls.
        `gain` (guess, bound): error of a null less that of the prediction, m; above zero where the
        prediction is better.
        The attribute `networks` counts the pairs. One network has estimates and no bounds.

    Raises:
        ValueError: for arrays of unequal shapes, and for lengths that are not above zero.
    """
    pairs = _pairs(predicted, measured)
    if not box > 0:
        raise refused("box", f"{box} m", "a side above 0 m")
    count = pairs.shape[1]
    values = np.full((3 + 2 * len(GUESSES), 3), np.nan)
    if count:
        chosen = np.arange(count)[np.newaxis]
        values[:, 0] = _described(pairs, chosen, box)[:, 0]
    if count > 1:
        random = seeds.generator(seed, seeds.RESAMPLES)
        chosen = _resampled(pairs[0], random)
        values[:, 1:] = _percentiles(_described(pairs, chosen, box), confidence)
    found = {
        "slope": ("bound", values[0], {"units": "1"}),
        "intercept": ("bound", values[1], {"units": "m"}),
        "r_squared": ("bound", values[2], {"units": "1"}),
        "error": (("guess", "bound"), values[3:7], {"units": "m"}),
        "gain": (("guess", "bound"), values[7:], {"units": "m"}),
    }
    coords = {"bound": ["estimate", "low", "high"], "guess": list(GUESSES)}
    return xr.Dataset(found, coords, {"networks": count, "confidence": confidence})


def roc_area(expected: ArrayLike, share: ArrayLike, confidence: float = 0.95) -> RocArea:
    """How well a prediction of lattices, yes or no, sorts networks by their share of such units.

    The area is the chance that a network whose target predicts a lattice has a larger share than
    one whose target predicts none; ties count half. It is 0.5 where the prediction says nothing.

    The interval is that of Newcombe (2006, method 5), a score interval. It stays honest where all
    networks are sorted perfectly, which leaves nothing for a bootstrap to vary.

    Args:
        expected: (network,) whether a lattice is predicted.
        share: (network,) of grid-like or significant units. Networks with NaN are left out.
        confidence: of the interval.

    Returns:
        A `RocArea`; NaN where all networks that are left are of one kind.

    Raises:
        ValueError: for arrays of unequal shapes.
    """
    expected, share = np.asarray(expected, bool).ravel(), np.asarray(share, float).ravel()
    _check_shapes("share", share, expected)
    known = np.isfinite(share)
    yes, no = share[known & expected], share[known & ~expected]
    if not (yes.size and no.size):
        return RocArea(np.nan, np.nan, np.nan, yes.size, no.size)
    apart = yes[:, np.newaxis] - no
    area = float(((apart > 0) + (apart == 0) / 2).mean())
    z = stats.norm.ppf(0.5 + confidence / 2)
    even = (yes.size + no.size) / 2 - 1

    def beyond(true: float) -> float:
        """How far the area lies from a true one, less the most that chance allows."""
        spread = 1 + even * (1 - true) / (2 - true) + even * true / (1 + true)
        variance = true * (1 - true) * spread / (yes.size * no.size)
        return abs(area - true) - z * np.sqrt(variance)

    # An area of 0 or 1 is a bound of its own interval, and no solution for the other one.
    low = optimize.brentq(beyond, 0, area - NEAR) if area > 0 else 0.0
    high = optimize.brentq(beyond, area + NEAR, 1) if area < 1 else 1.0
    return RocArea(area, float(low), float(high), yes.size, no.size)


def _described(pairs: np.ndarray, chosen: np.ndarray, box: float) -> np.ndarray:
    """Slope, intercept, R^2, then error and gain of each guess (quantity, resample).

    `pairs` (2, network) are predicted and measured; `chosen` (resample, network) has the networks
    in each resample.
    """
    predicted, measured = pairs
    x, y, count = predicted[chosen], measured[chosen], len(predicted)
    line = np.full((3, len(chosen)), np.nan)
    apart = (np.ptp(x, axis=1) > 0) & (count >= FEWEST)
    dx, dy = (values[apart] - values[apart].mean(axis=1, keepdims=True) for values in (x, y))
    shared = (dx * dy).sum(axis=1)
    slope = shared / np.square(dx).sum(axis=1)
    line[0, apart] = slope
    line[1, apart] = y[apart].mean(axis=1) - slope * x[apart].mean(axis=1)
    spread = np.square(dy).sum(axis=1)
    line[2, apart] = np.divide(
        slope * shared, spread, np.full_like(slope, np.nan), where=spread > 0
    )
    times = np.array([np.bincount(row, minlength=count) for row in chosen])  # in each resample
    pairings = times @ np.abs(predicted[:, np.newaxis] - measured)
    error = np.stack(
        [
            np.abs(x - y).mean(axis=1),
            np.abs(np.median(y, axis=1, keepdims=True) - y).mean(axis=1),
            np.abs(HEXAGONAL * box - y).mean(axis=1),
            (pairings * times).sum(axis=1) / count**2,
        ]
    )
    return np.concatenate([line, error, error - error[0]])


def _resampled(predicted: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Networks (resample, network), drawn from predictions that are drawn first."""
    order = np.argsort(predicted, kind="stable")
    _, first, sizes = np.unique(predicted[order], return_index=True, return_counts=True)
    drawn = random.choice(len(sizes), (RESAMPLES, len(sizes)), p=sizes / predicted.size)
    group = drawn[:, np.arange(predicted.size) % len(sizes)]
    chosen = order[first[group] + random.integers(sizes[group])]
    # Of a single prediction, none of the guesses could be the better one.
    several = np.ptp(predicted[chosen], axis=1) > 0
    return chosen[several] if several.any() else chosen


def _percentiles(values: np.ndarray, confidence: float) -> np.ndarray:
    """Bounds (quantity, 2) of the values (quantity, resample) that are not NaN."""
    found = np.full((len(values), 2), np.nan)
    tail = (1 - confidence) / 2
    for row, known in enumerate(np.isfinite(values)):
        if known.any():
            found[row] = np.quantile(values[row, known], [tail, 1 - tail])
    return found


def _pairs(predicted: ArrayLike, measured: ArrayLike) -> np.ndarray:
    """The pairs (2, network) without NaN. Raises ValueError as `compare_periods` does."""
    first, second = (np.asarray(values, float).ravel() for values in (predicted, measured))
    _check_shapes("measured", second, first)
    for name, values in (("predicted", first), ("measured", second)):
        if (values <= 0).any():
            raise refused(name, f"a period of {values[values <= 0][0]:g} m", "periods above 0 m")
    pairs = np.stack([first, second])
    return pairs[:, np.isfinite(pairs).all(axis=0)]


def _check_shapes(name: str, values: np.ndarray, others: np.ndarray) -> None:
    if values.shape != others.shape:
        raise refused(name, f"{values.size} networks", f"{others.size}, one for each prediction")
