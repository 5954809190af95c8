"""Neural predictivity: how well the maps of one population predict those of another (Nayebi et al.
2021), and sources that are made equal in what may decide it.

All functions take maps (unit, y, x), where NaN marks a bin that was not visited.
"""

from __future__ import annotations

import warnings

import numpy as np
from sklearn.linear_model import Ridge

from nofreelunch import seeds
from nofreelunch.errors import refused

PENALTY = 1.0  # of the ridge regression
SHARE, SPLITS = 0.2, 10  # of the bins that a regression is fitted to; random splits
FEWEST_BINS = 20  # that sources and cells share; fewer leave nothing to fit


def predictivity(sources: np.ndarray, cells: np.ndarray) -> np.ndarray:
    """How well all sources together predict each cell: correlations (cell,).

    Ridge regression with a penalty of 1 and a constant is fitted to 20 % of the bins, drawn at
    random. The score of a cell is Pearson's correlation of its rates and the predicted ones in the
    other bins, averaged over ten splits. The splits are the same for all sources and cells with the
    same bins. Maps enter as they are, so that large sources are penalised less.

        >>> import numpy as np
        >>> from nofreelunch.scoring.predictivity import predictivity
        >>> maps = np.random.default_rng(0).normal(size=(20, 44, 44))
        >>> predictivity(maps, 3 * maps[:2] + 1).round(2)
        array([1., 1.])

    Args:
        sources: (unit, y, x).
        cells: (cell, y, x) of the same bins. Those that some source or the cell itself lacks (NaN)
            do not count.

    Returns:
        NaN for a cell whose rate does not vary, and for one that shares fewer than 20 bins with the
        sources.

    Raises:
        ValueError: for maps of other bins.
    """
    if sources.shape[1:] != cells.shape[1:]:
        ours, others = (" x ".join(map(str, maps.shape[1:])) for maps in (sources, cells))
        raise refused("cells", f"{others} bins", f"{ours}, as the sources have")
    x, y = (maps.reshape(len(maps), -1).T.astype(float) for maps in (sources, cells))
    visited = np.isfinite(y) & np.isfinite(x).all(1)[:, None]
    found = np.full(len(cells), np.nan)
    patterns, group = np.unique(visited, axis=1, return_inverse=True)
    for k, bins in enumerate(patterns.T):
        if bins.sum() >= FEWEST_BINS:
            alike = group.ravel() == k
            found[alike] = _by_regression(x[bins], y[bins][:, alike])
    return found


def _by_regression(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Scores (cell,) from x (bin, unit) and y (bin, cell); one factorisation serves all cells."""
    fitted_on = int(np.ceil(SHARE * len(x)))
    scores = []
    for split in range(SPLITS):
        order = seeds.generator(split, seeds.BIN_SPLITS).permutation(len(x))
        fit, test = order[:fitted_on], order[fitted_on:]
        ridge = Ridge(alpha=PENALTY, solver="cholesky").fit(x[fit], y[fit])
        scores.append(_correlations(ridge.predict(x[test]).reshape(len(test), -1), y[test]))
    with warnings.catch_warnings(action="ignore", category=RuntimeWarning):  # of constant cells
        return np.nanmean(scores, axis=0)


def _correlations(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Pearson's correlations (column,) of two arrays (row, column); NaN for a constant column."""
    varies = (np.ptp(first, axis=0) > 0) & (np.ptp(second, axis=0) > 0)
    first, second = first - first.mean(0), second - second.mean(0)
    scale = np.sqrt(np.square(first).sum(0) * np.square(second).sum(0))
    return np.where(varies, (first * second).sum(0) / np.where(varies, scale, 1), np.nan)


def varying(maps: np.ndarray) -> np.ndarray:
    """The maps whose rate varies; none of a network with rates that are not finite."""
    flat = maps.reshape(len(maps), -1)
    spread = np.fmax.reduce(flat, axis=1) - np.fmin.reduce(flat, axis=1)
    return maps[np.isfinite(spread) & (spread > 0)]


def some_units(maps: np.ndarray, count: int, random: np.random.Generator) -> np.ndarray | None:
    """So many maps, drawn at random without replacement; None if there are fewer."""
    if len(maps) < count:
        return None
    return maps[np.sort(random.permutation(len(maps))[:count])]


def of_unit_variance(maps: np.ndarray) -> np.ndarray:
    """The maps divided by one number, so that the mean of their variances over bins is 1.

    The penalty of the regression then has the same meaning for all sources; the weights of the
    units within a source stay.
    """
    return maps / np.sqrt(np.nanvar(maps, axis=(1, 2)).mean())


def participation_ratio(maps: np.ndarray) -> float:
    """Participation ratio of the maps, (sum of variances)^2 / sum of their squares.

    The variances are those along principal components over bins. It is the number of components
    where all are equal. NaN for fewer than two maps, and for maps without a common bin.
    """
    variances = _components(maps)[1]
    return _ratio(variances) if len(maps) > 1 and variances.size else float("nan")


def leading_components(maps: np.ndarray, count: int) -> np.ndarray | None:
    """The first `count` principal components (component, y, x) of the maps, at equal variances.

    Each has an equal part of the sum of the maps' variances. Sources made so have one dimension by
    every measure: as many components, and that participation ratio. None for maps with fewer
    components.
    """
    bins, variances, scores = _components(maps)
    if len(variances) < count:
        return None
    found = np.full((count, *maps.shape[1:]), np.nan)
    found[:, bins] = np.sqrt(variances.sum() / count) * scores[:count]
    return found


def _ratio(variances: np.ndarray) -> float:
    return float(variances.sum() ** 2 / np.square(variances).sum())


def _components(maps: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Bins (y, x) that all maps have, variances of components, and these with variance 1."""
    bins = np.isfinite(maps).all(0)
    flat = maps[:, bins].astype(float)
    if not flat.size:
        return bins, np.empty(0), np.empty((0, 0))
    flat -= flat.mean(1, keepdims=True)
    _, singular, components = np.linalg.svd(flat, full_matrices=False)
    positive = singular > singular[0] * 1e-7  # smaller ones are rounding of float32 maps
    count = flat.shape[1]
    return bins, singular[positive] ** 2 / count, components[positive] * np.sqrt(count)
