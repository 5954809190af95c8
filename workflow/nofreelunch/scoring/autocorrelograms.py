"""Autocorrelograms of rate maps: the Pearson correlation of a map with itself at every lag.

Many maps are computed at once, in float64. Inside, maps lie along the last axis, and only the lags
with dy >= 0 are kept. An autocorrelogram is point symmetric, so these determine all others.
"""

from __future__ import annotations

import numpy as np
import scipy.fft
import xarray as xr
from numpy.typing import ArrayLike

from nofreelunch.scoring.maps import MapChunk, MapStack

# If the overlapping bins of a lag vary less than this share of the map's variance, only rounding is
# left. Such a lag has correlation 0 here; the published score divides by the rounding.
VARIANCE_FLOOR = 1e-13
# Below these, the rounding of a Fourier transform would show in a lag's correlation, so the lag is
# summed directly. Covariances always come from a transform, variances only around masked bins.
LEAST_SCALE = 1e-8  # product of the two standard deviations
LEAST_MASKED_VARIANCE = 1e-6
FIT_FROM = 0.5  # periods from the centre: nearer lags look alike in all smooth maps
FIT_OVERLAP = 0.25  # least share of the map that overlaps at a fitted lag: fewer bins are noisy
# Limits of the correction for white noise, so that a poor estimate of it cannot inflate a fit.
LEAST_SIGNAL = 0.05  # share of a map's variance that is not white noise
MOST_NOISE = 0.7  # share of the variance among the fitted lags that is noise


def autocorrelograms(rate_maps: ArrayLike, unvisited: str = "masked") -> xr.DataArray:
    """Pearson correlation of each rate map with itself at every lag.

    Each lag has its own means and variances, taken over the bins that overlap there. With
    `unvisited="masked"` these are bins visited in both copies. A lag whose overlap is empty or
    constant has correlation 0.

    A lattice with a period of 0.6 m, in bins of 0.05 m, correlates with itself 12 bins away:

        >>> import numpy as np
        >>> import nofreelunch as nfl
        >>> y, x = np.mgrid[:44, :44] * 0.05
        >>> angle = np.deg2rad([0, 60, 120])[:, None, None]
        >>> k = 4 * np.pi / (np.sqrt(3) * 0.6)  # rad/m, for a period of 0.6 m
        >>> waves = np.cos(k * (x * np.cos(angle) + y * np.sin(angle)))
        >>> grid_cell = np.maximum(waves.sum(axis=0), 0)
        >>> correlogram = nfl.autocorrelograms(grid_cell)
        >>> correlogram.dims, correlogram.shape
        (('lag_y', 'lag_x'), (87, 87))
        >>> round(correlogram.sel(lag_y=12, lag_x=0).item(), 2)
        1.0

    Args and errors as in `grid_scores`. Returns (..., lag_y, lag_x) with lags in bins from -(n - 1)
    to n - 1. A map without any visited bin has NaN.
    """
    stack = MapStack(rate_maps, unvisited, ("lag_y", "lag_x"))
    lags = np.arange(1 - stack.side, stack.side)
    correlations = np.empty((stack.count, lags.size, lags.size))
    for chunk in stack.chunks():
        correlations[chunk.where] = whole(half_autocorrelograms(chunk))
        correlations[chunk.where][~chunk.visited] = np.nan
    return stack.label(correlations, trailing={"lag_y": lags, "lag_x": lags})


def half_autocorrelograms(chunk: MapChunk) -> np.ndarray:
    """Correlations at the lags with dy >= 0: (n, 2n - 1, map). Lag (0, 0) is at [0, n - 1]."""
    if chunk.valid is None:
        covariance, first, second = _moments(chunk.maps)
        doubtful = first * second < LEAST_SCALE**2
    else:
        covariance, first, second = _moments_masked(chunk.maps, chunk.valid)
        doubtful = np.minimum(first, second) < LEAST_MASKED_VARIANCE
    flat = np.minimum(first, second) < VARIANCE_FLOOR
    first *= second
    first[flat] = np.inf
    correlation = np.divide(covariance, np.sqrt(first, out=first), out=covariance)
    doubtful &= ~flat
    if doubtful.any():
        _correlate_directly(correlation, doubtful, chunk)
    return correlation


def whole(half: np.ndarray) -> np.ndarray:
    """Values at all lags (map, 2n - 1, 2n - 1), from those at dy >= 0 (n, 2n - 1, map)."""
    half = np.moveaxis(half, -1, 0)
    return np.concatenate([half[:, :0:-1, ::-1], half], axis=1)


def likeness_to_waves(half: np.ndarray, waves: np.ndarray) -> np.ndarray:
    """Correlation (map,) of autocorrelograms (n, 2n - 1, map) with those of hexagonal lattices.

    A hexagonal lattice is the sum of three plane waves. `waves` (map, 2, axis) holds two that are
    120° apart, in cycles per bin; the third is their sum.

    Lags count if they are more than half a period from the centre and if at least a quarter of the
    map overlaps there. They are weighted by the overlap.

    White noise in a map adds a variance of (1 - s^2) / (bins that overlap) to each lag, where s is
    the share of the map's variance that is signal. This is subtracted from the variance of the
    lags, so that noise does not lower the correlation.
    """
    n = len(half)
    overlap = _overlap(n)[..., 0].astype(float)
    dy, dx = np.mgrid[:n, 1 - n : n]
    chosen = (overlap >= FIT_OVERLAP * n**2) & ((dy > 0) | (dx > 0))
    lag, overlap, seen = np.stack([dy[chosen], dx[chosen]]), overlap[chosen], half[chosen].T
    phase = np.concatenate([waves, waves.sum(axis=1, keepdims=True)], axis=1) @ lag
    expected = np.cos(2 * np.pi * phase).sum(axis=1)
    # One period from the centre of a regular lattice, the squares of the three phases sum to 2.
    weight = overlap * (np.square(phase).sum(axis=1) > 2 * FIT_FROM**2)
    weight /= weight.sum(axis=1, keepdims=True)

    def covariance(first: np.ndarray, second: np.ndarray) -> np.ndarray:
        means = [(weight * values).sum(axis=1) for values in (first, second)]
        return (weight * first * second).sum(axis=1) - means[0] * means[1]

    variance = covariance(seen, seen)
    noise = (1 - _signal(half) ** 2) * (weight / overlap).sum(axis=1)
    variance -= np.minimum(noise, MOST_NOISE * variance)
    return np.minimum(
        covariance(seen, expected) / np.sqrt(variance * covariance(expected, expected)), 1
    )


def _signal(half: np.ndarray) -> np.ndarray:
    """Share of each map's variance that is not white noise (map,).

    White noise changes the correlation at lag 0 alone. Without it, that correlation would lie on
    the parabola through those at one and two bins, which is taken along y and along x.
    """
    centre = len(half) - 1
    one, two = (half[0, centre + step] + half[step, centre] for step in (1, 2))
    return np.clip((4 * one - two) / 6, LEAST_SIGNAL, 1)


def _moments(maps: np.ndarray) -> np.ndarray:
    """Covariance and two variances of each lag (3, n, 2n - 1, map), if every bin counts."""
    n = len(maps)
    products = lagged_products(maps) / _overlap(n)
    moments = np.empty((3, *products.shape))
    right, left = slice(n - 1, None), slice(n - 1, None, -1)
    for columns, seen in ((left, maps[:, ::-1]), (right, maps)):
        # At lags right and down, the first of the two overlapping rectangles starts at the top left
        # corner and the second ends at the bottom right one. Mirrored maps give lags to the left.
        first_mean, moments[1][:, columns] = _from_corner(seen)
        second_mean, moments[2][:, columns] = _from_corner(seen[::-1, ::-1])
        moments[0][:, columns] = products[:, columns] - first_mean * second_mean
    return moments


def _from_corner(maps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance of the rectangle at [0, 0] that overlaps at each lag: (n, n, map).

    Rates are counted from the corner's, which every rectangle contains. So a flat rectangle sums to
    exactly zero.
    """
    corner, overlap = maps[0, 0], _overlap(len(maps))[:, len(maps) - 1 :]
    above = maps - corner
    squares = _summed(np.square(above))[::-1, ::-1] / overlap
    mean = _summed(above)[::-1, ::-1] / overlap
    return mean + corner, squares - mean**2


def _summed(values: np.ndarray) -> np.ndarray:
    """Sums over all rectangles that start at [0, 0], in place."""
    for row in range(1, len(values)):
        values[row] += values[row - 1]
    for column in range(1, len(values)):
        values[:, column] += values[:, column - 1]
    return values


def _overlap(n: int) -> np.ndarray:
    """Number of bins that overlap at each lag with dy >= 0: (n, 2n - 1, 1)."""
    return np.multiply.outer(n - np.arange(n), n - np.abs(np.arange(1 - n, n)))[..., np.newaxis]


def _moments_masked(maps: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Covariance and two variances of each lag (3, n, 2n - 1, map), over pairs of valid bins.

    A variance is 0 where it is known to be 0, and at least `VARIANCE_FLOOR` elsewhere.
    """
    n = len(maps)
    weights, rates, squares = map(_transform, (valid.astype(float), maps, maps**2))
    pairs = np.maximum(np.rint(_lagged(weights, weights, n)), 1)

    def average(first: np.ndarray, second: np.ndarray) -> np.ndarray:
        return _lagged(first, second, n) / pairs

    means = average(rates, weights), average(weights, rates)
    variances = [
        average(squares, weights) - means[0] ** 2,
        average(weights, squares) - means[1] ** 2,
    ]
    # Units are silent in large patches, which are flat and need no direct sums: where no bin of an
    # overlap is above the least rate of the map.
    least = np.where(valid, maps, np.inf).min(axis=(0, 1))
    raised = _transform((valid & (maps > least)).astype(float))
    above = _lagged(raised, weights, n), _lagged(weights, raised, n)
    for variance, number in zip(variances, above, strict=True):
        silent = (np.rint(number) == 0) | (pairs < 2)
        np.copyto(variance, np.where(silent, 0, np.maximum(variance, VARIANCE_FLOOR)))
    return np.stack([average(rates, rates) - means[0] * means[1], *variances])


def lagged_products(maps: np.ndarray) -> np.ndarray:
    """Sums over x of f(x) f(x + lag) at the lags with dy >= 0: (n, 2n - 1, map)."""
    transform = _transform(maps)
    return _lagged(transform, transform, len(maps))


def _transform(maps: np.ndarray) -> np.ndarray:
    """Fourier transforms of maps (y, x, map), padded so that no lag wraps around."""
    length = scipy.fft.next_fast_len(2 * len(maps) - 1, real=True)
    rows = scipy.fft.rfft(maps, length, axis=1, workers=1)
    return scipy.fft.fft(rows, length, axis=0, workers=1)


def _lagged(first: np.ndarray, second: np.ndarray, n: int) -> np.ndarray:
    """Sums over x of f(x) g(x + lag), (n, 2n - 1, map), from the transforms of f and g."""
    rows = scipy.fft.ifft(first.conj() * second, axis=0, overwrite_x=True, workers=1)[:n]
    sums = scipy.fft.irfft(rows, len(first), axis=1, workers=1)
    return np.concatenate([sums[:, 1 - n :], sums[:, :n]], axis=1)


def _correlate_directly(correlation: np.ndarray, doubtful: np.ndarray, chunk: MapChunk) -> None:
    """Replace doubtful correlations, in place, by sums over the overlapping bins.

    Each of the two copies is summed about its own mean. All doubtful lags of one dy are summed
    together.
    """
    for dy in np.flatnonzero(doubtful.any(axis=(1, 2))).tolist():
        wanted = doubtful[dy]
        y, x, column, which = _overlapping_bins(dy, wanted, chunk.valid)
        at = column * wanted.shape[1] + which

        def summed(values: np.ndarray, at: np.ndarray = at, size: int = wanted.size) -> np.ndarray:
            return np.bincount(at, values, size)

        count = np.maximum(np.bincount(at, minlength=wanted.size), 1)
        pair = [
            chunk.maps[y, x, which],
            chunk.maps[y + dy, x + column - (len(correlation) - 1), which],
        ]
        for _ in range(2):
            pair = [rates - (summed(rates) / count)[at] for rates in pair]
        first, second = (summed(rates**2) / count for rates in pair)
        varies = np.minimum(first, second) >= VARIANCE_FLOOR
        scale = np.sqrt(np.where(varies, first * second, np.inf))
        found = summed(pair[0] * pair[1]) / count / scale
        correlation[dy][wanted] = found.reshape(wanted.shape)[wanted]


def _overlapping_bins(dy: int, wanted: np.ndarray, valid: np.ndarray | None) -> tuple:
    """Bins that overlap with a valid bin dy rows down, at the lags that maps want.

    `wanted` (2n - 1, map) says which. Returns y, x, the lag's column and the map, one of each for
    each bin.
    """
    n = (len(wanted) + 1) // 2
    seen: np.ndarray = np.ones((n, n), bool) if valid is None else np.any(valid, axis=-1)
    columns = np.flatnonzero(wanted.any(axis=-1))
    below = np.pad(seen[dy:], ((0, 0), (n - 1, n - 1)))
    pairs = seen[: n - dy, np.newaxis] & below[:, columns[:, np.newaxis] + np.arange(n)]
    y, lag, x = np.nonzero(pairs)
    column = columns[lag]
    counts = wanted[column]
    if valid is not None and valid.shape[-1] > 1:
        counts &= valid[y, x] & valid[y + dy, x + column - (n - 1)]
    pair, which = np.nonzero(counts)
    return y[pair], x[pair], column[pair], which
