"""Autocorrelograms of rate maps: the Pearson correlation of a map with itself at every lag.

Many maps at once, in float64. Inside, a batch has its maps on the last axis, and only half of each
autocorrelogram is held: it is point symmetric, so the lags with dy >= 0 say it all.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
import scipy.fft
import scipy.ndimage
import xarray as xr
from numpy.typing import ArrayLike

UNVISITED = ("masked", "zero")
SMALLEST_SIDE = 4  # bins

ROUNDINGS = 16  # a map that varies by no more, relative to its rates, is constant

# Where the overlapping bins of a lag vary less than this share of the map's variance, what is left
# is rounding: the published score divides by it, here such a lag has no correlation.
VARIANCE_FLOOR = 1e-13
# Below these, the rounding of a Fourier transform would show in a lag's correlation, and the lag is
# summed directly: the covariance comes from a transform always, variances only around masked bins.
LEAST_SCALE = 1e-8  # product of the two standard deviations
LEAST_MASKED_VARIANCE = 1e-6
FIT_FROM = 0.5  # periods from the centre: nearer lags are alike in all maps
FIT_OVERLAP = 0.25  # share of the map that overlaps at the lags that are fitted
LEAST_SIGNAL = 0.05  # share of a map's variance that is not white noise
MOST_NOISE = 0.7  # share of the variance among the fitted lags
BINS_PER_CHUNK = 2**16  # bounds memory, and keeps a chunk near the processor's cache
KEPT_BYTES = 2**25 - 2**16


def autocorrelogram(rate_maps: ArrayLike, unvisited: str = "masked") -> xr.DataArray:
    """Pearson correlation of each rate map with itself at every lag.

    Each lag has its own means and variances, over the bins that overlap there (both visited, with
    `unvisited="masked"`). Lags whose overlap is empty or constant have correlation 0.

    Args and errors as in `grid_scores.score`. Returns (..., lag_y, lag_x), with lags in bins from
    -(n - 1) to n - 1; NaN for a map without any visited bin.
    """
    stack = Stack(rate_maps, unvisited, ("lag_y", "lag_x"))
    lags = np.arange(1 - stack.side, stack.side)
    correlations = np.empty((stack.count, lags.size, lags.size))
    for chunk in stack.chunks():
        correlations[chunk.where] = whole(half_autocorrelograms(chunk))
        correlations[chunk.where][~chunk.visited] = np.nan
    return stack.label(correlations, trailing={"lag_y": lags, "lag_x": lags})


class Chunk(NamedTuple):
    """Some maps of a stack, standardised, the maps on the last axis."""

    where: slice  # in the stack
    maps: np.ndarray  # (y, x, map): mean 0, variance 1; 0 in constant maps and unvisited bins
    valid: np.ndarray | None  # (y, x, map or 1) bool, or None where every bin counts
    visited: np.ndarray  # (map,) bool: has at least one visited bin


class Stack:
    """Rate maps of any leading dimensions, checked, as chunks; and results in those dimensions.

    `results` are the names of results and of the dimensions that they have besides.
    """

    def __init__(
        self, rate_maps: ArrayLike, unvisited: str = "masked", results: Iterable[str] = ()
    ) -> None:
        check_choice("unvisited", unvisited, UNVISITED)
        maps = labelled(rate_maps)
        if maps.ndim < 2 or maps.shape[-1] != maps.shape[-2] or maps.shape[-1] < SMALLEST_SIDE:
            raise ValueError(
                f"rate_maps: found shape {maps.shape}, allowed: square maps (..., y, x) "
                f"of at least {SMALLEST_SIDE} x {SMALLEST_SIDE} bins"
            )
        self.side = maps.shape[-1]
        self.leading = maps.isel({dim: 0 for dim in maps.dims[-2:]}, drop=True)
        if taken := {*results} & {*self.leading.dims, *self.leading.coords}:
            kind = "dimension" if min(taken) in self.leading.dims else "coordinate"
            raise ValueError(
                f"rate_maps: found a {kind} {min(taken)!r}, allowed: another name, as the "
                "result has one of this name"
            )
        self.count = math.prod(self.leading.shape)
        self.maps = maps.values.reshape(self.count, self.side, self.side)
        self.masked = unvisited == "masked"

    def chunks(self, bins: int = BINS_PER_CHUNK) -> Iterator[Chunk]:
        """The maps in order, about `bins` at a time. Raises ValueError for infinite rates."""
        step = max(1, bins // self.side**2)
        # A C library that has seen a block this large come and go keeps what a chunk frees for the
        # next one. Else a quarter of the time goes into having the system clear the same memory.
        np.empty(KEPT_BYTES, np.uint8)
        for start in range(0, self.count, step):
            where = slice(start, min(start + step, self.count))
            yield self._chunk(where)

    def _chunk(self, where: slice) -> Chunk:
        maps = np.array(np.moveaxis(self.maps[where], 0, -1), dtype=float, order="C")
        if np.isinf(maps).any():
            raise ValueError("rate_maps: found an infinite rate, allowed: finite rates and NaN")
        valid = ~np.isnan(maps)
        visited = valid.any(axis=(0, 1))
        maps[~valid] = 0
        valid |= ~visited  # a map without visited bins is held as a constant one
        if not self.masked or valid.all():
            valid = None
        elif (valid == valid[..., :1]).all():
            valid = valid[..., :1]
        standardised = _standardised(maps, valid, least_change(self.maps.dtype))
        return Chunk(where, standardised, valid, visited)

    def label(
        self, values: np.ndarray, leading: dict | None = None, trailing: dict | None = None
    ) -> xr.DataArray:
        """`values` (*leading, map, *trailing) as an array over the maps' own leading dimensions."""
        leading, trailing = leading or {}, trailing or {}
        own = self.leading
        shape = values.shape[: len(leading)], values.shape[len(leading) + 1 :]
        return xr.DataArray(
            values.reshape((*shape[0], *own.shape, *shape[1])),
            dims=(*leading, *own.dims, *trailing),
            coords={**own.coords, **leading, **trailing},
        )


def one_map(rate_map: ArrayLike) -> np.ndarray:
    """A single map (y, x), with NaN in unvisited bins, checked as those of a `Stack` are.

    Raises ValueError, besides, for several maps and for one without any visited bin.
    """
    stack = Stack(rate_map)
    if stack.leading.ndim:
        raise ValueError(f"rate_map: found {stack.leading.shape} maps, allowed: one (y, x)")
    (rates,) = stack.maps
    if np.isinf(rates).any():
        raise ValueError("rate_map: found an infinite rate, allowed: finite rates and NaN")
    if np.isnan(rates).all():
        raise ValueError("rate_map: found no visited bin, allowed: one or more")
    return rates


def labelled(rate_maps: ArrayLike, name: str = "rate_maps") -> xr.DataArray:
    """Maps as an array (..., y, x) of real numbers, unlabelled along y and x.

    Dimensions that are named y and x come last, and what a numpy mask hides is NaN. Raises
    ValueError, with the argument's `name`, for what is no real numbers.
    """
    maps = rate_maps if isinstance(rate_maps, xr.DataArray) else xr.DataArray(np.asarray(rate_maps))
    if maps.dtype.kind not in "fiub":
        raise ValueError(f"{name}: found {maps.dtype} values, allowed: real numbers")
    if isinstance(rate_maps, np.ma.MaskedArray):
        dtype = maps.dtype if maps.dtype.kind == "f" else float
        maps = xr.DataArray(rate_maps.astype(dtype).filled(np.nan))
    if maps.dtype.itemsize > np.dtype(float).itemsize:
        maps = maps.astype(float)
    if {"y", "x"} <= set(maps.dims):
        maps = maps.transpose(..., "y", "x")
    on_maps = [k for k, of in maps.coords.items() if {*of.dims} & {*maps.dims[-2:]}]
    return maps.drop_vars(on_maps)


def least_change(dtype: np.dtype) -> float:
    """By how much more rates, relative to the largest, have to differ for a map not to be constant,
    given the `dtype` that they came in."""
    return ROUNDINGS * float(np.finfo(dtype if dtype.kind == "f" else float).eps)


def check_choice(name: str, found: str, allowed: tuple[str, ...]) -> None:
    """Raises ValueError unless `found` is one of `allowed`."""
    if found not in allowed:
        raise ValueError(f"{name}: found {found!r}, allowed: {', '.join(allowed)}")


def _standardised(maps: np.ndarray, valid: np.ndarray | None, least: float) -> np.ndarray:
    """Maps (y, x, map) with mean 0 and variance 1 in their valid bins, in place, 0 elsewhere.

    A map that varies by no more than `least` of its largest rate is constant: zeros.
    """
    largest = np.abs(maps).max(axis=(0, 1))
    maps /= np.where(largest > 0, largest, 1)
    inside = True if valid is None else np.broadcast_to(valid, maps.shape)
    low = maps.min(axis=(0, 1), where=inside, initial=np.inf)
    high = maps.max(axis=(0, 1), where=inside, initial=-np.inf)
    # Without its least rate first, a large offset would cost digits in the mean.
    maps -= low
    varies = high - low > least
    count = maps.shape[0] * maps.shape[1] if valid is None else valid.sum(axis=(0, 1))
    for _ in range(2):
        maps -= (maps if valid is None else maps * valid).sum(axis=(0, 1)) / count
    if valid is not None:
        maps *= valid
    deviation = np.sqrt(np.square(maps).sum(axis=(0, 1)) / count)
    maps *= np.where(varies, 1 / np.where(varies, deviation, 1), 0)
    return maps


def half_autocorrelograms(chunk: Chunk) -> np.ndarray:
    """Correlations at the lags with dy >= 0: (n, 2n - 1, map), lag (0, 0) at [0, n - 1]."""
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
    """Values at all lags (map, 2n - 1, 2n - 1) from those at dy >= 0, (n, 2n - 1, map)."""
    half = np.moveaxis(half, -1, 0)
    return np.concatenate([half[:, :0:-1, ::-1], half], axis=1)


def likeness_to_waves(half: np.ndarray, waves: np.ndarray) -> np.ndarray:
    """Correlation (map,) of autocorrelograms (n, 2n - 1, map) with those of hexagonal lattices.

    A lattice is the sum of three waves, of which `waves` (map, 2, axis) are two that are 120°
    apart, in cycles per bin; the third is their sum. The correlation is over the lags beyond half a
    period at which a quarter of the map overlaps, weighted by the overlap. White noise in a map
    adds to each lag a variance of (1 - s^2) / (bins that overlap), s the share of the map's
    variance that is no such noise; so much is taken from the variance of the lags.
    """
    n = len(half)
    overlap = _overlap(n)[..., 0].astype(float)
    dy, dx = np.mgrid[:n, 1 - n : n]
    chosen = (overlap >= FIT_OVERLAP * n**2) & ((dy > 0) | (dx > 0))
    lag, overlap, seen = np.stack([dy[chosen], dx[chosen]]), overlap[chosen], half[chosen].T
    phase = np.concatenate([waves, waves.sum(axis=1, keepdims=True)], axis=1) @ lag
    expected = np.cos(2 * np.pi * phase).sum(axis=1)
    # In a regular lattice, the squares of the three phases sum up to 2 a period away.
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
    """Share of each map's variance that is not white noise (map,): the correlation at lag 0, as
    the parabola through those at one and two bins, along y and x, would have it."""
    centre = len(half) - 1
    one, two = (half[0, centre + step] + half[step, centre] for step in (1, 2))
    return np.clip((4 * one - two) / 6, LEAST_SIGNAL, 1)


def _moments(maps: np.ndarray) -> np.ndarray:
    """Covariance and two variances of each lag (3, n, 2n - 1, map) where every bin counts."""
    n = len(maps)
    products = lagged_products(maps) / _overlap(n)
    moments = np.empty((3, *products.shape))
    right, left = slice(n - 1, None), slice(n - 1, None, -1)
    for columns, seen in ((left, maps[:, ::-1]), (right, maps)):
        # At lags right and down the first of the two overlapping rectangles starts at the top left
        # corner, the second ends at the bottom right one; mirrored maps give the lags to the left.
        first_mean, moments[1][:, columns] = _from_corner(seen)
        second_mean, moments[2][:, columns] = _from_corner(seen[::-1, ::-1])
        moments[0][:, columns] = products[:, columns] - first_mean * second_mean
    return moments


def _from_corner(maps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance of the rectangle at [0, 0] that overlaps at each lag: (n, n, map).

    Rates are counted from the corner's, which every rectangle holds: a flat one sums exact zeros.
    """
    corner, overlap = maps[0, 0], _overlap(len(maps))[:, len(maps) - 1 :]
    above = maps - corner
    squares = _summed(np.square(above))[::-1, ::-1] / overlap
    mean = _summed(above)[::-1, ::-1] / overlap
    return mean + corner, squares - mean**2


def _summed(values: np.ndarray) -> np.ndarray:
    """Sums over all rectangles from [0, 0], in place."""
    for row in range(1, len(values)):
        values[row] += values[row - 1]
    for column in range(1, len(values)):
        values[:, column] += values[:, column - 1]
    return values


def _overlap(n: int) -> np.ndarray:
    """Number of bins that overlap at each lag with dy >= 0: (n, 2n - 1, 1)."""
    return np.multiply.outer(n - np.arange(n), n - np.abs(np.arange(1 - n, n)))[..., np.newaxis]


def _moments_masked(maps: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Covariance and two variances of each lag (3, n, 2n - 1, map) over pairs of valid bins.

    A variance is 0 where it is known to be, and at least `VARIANCE_FLOOR` elsewhere.
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
    # Flat patches are common (silent units) and need no sums: what is flat with its unvisited bins
    # filled in from their neighbours is flat without them.
    for variance, filled in zip(variances, _moments(_filled(maps, valid))[1:], strict=True):
        flat = (filled * _overlap(n) < VARIANCE_FLOOR * pairs) | (pairs < 2)
        np.copyto(variance, np.where(flat, 0, np.maximum(variance, VARIANCE_FLOOR)))
    return np.stack([average(rates, rates) - means[0] * means[1], *variances])


def _filled(maps: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Maps (y, x, map) with the nearest valid rate in each bin that is not valid."""
    filled = np.empty_like(maps)
    shared = valid.shape[-1] == 1
    for which in [slice(None)] if shared else range(maps.shape[-1]):
        missing = ~valid[..., 0 if shared else which]
        nearest = scipy.ndimage.distance_transform_edt(
            missing, return_distances=False, return_indices=True
        )
        filled[..., which] = maps[..., which][tuple(nearest)]
    return filled


def lagged_products(maps: np.ndarray) -> np.ndarray:
    """Sums over x of f(x) f(x + lag), at the lags with dy >= 0: (n, 2n - 1, map)."""
    transform = _transform(maps)
    return _lagged(transform, transform, len(maps))


def _transform(maps: np.ndarray) -> np.ndarray:
    length = scipy.fft.next_fast_len(2 * len(maps) - 1, real=True)
    rows = scipy.fft.rfft(maps, length, axis=1, workers=1)
    return scipy.fft.fft(rows, length, axis=0, workers=1)


def _lagged(first: np.ndarray, second: np.ndarray, n: int) -> np.ndarray:
    """Sums over x of f(x) g(x + lag), (n, 2n - 1, map), from the transforms of f and g."""
    rows = scipy.fft.ifft(first.conj() * second, axis=0, overwrite_x=True, workers=1)[:n]
    sums = scipy.fft.irfft(rows, len(first), axis=1, workers=1)
    return np.concatenate([sums[:, 1 - n :], sums[:, :n]], axis=1)


def _correlate_directly(correlation: np.ndarray, doubtful: np.ndarray, chunk: Chunk) -> None:
    """Replace doubtful correlations by sums over the overlapping bins, each about its own mean."""
    n = len(correlation)
    for dy, column in np.argwhere(doubtful.any(axis=-1)):
        dx, which = column - (n - 1), np.flatnonzero(doubtful[dy, column])
        here = slice(n - dy), slice(max(0, -dx), n - max(0, dx))
        there = slice(dy, None), slice(max(0, dx), n - max(0, -dx))
        weight = 1.0
        if chunk.valid is not None:
            every = which if chunk.valid.shape[-1] > 1 else [0]
            weight = (chunk.valid[(*here, every)] & chunk.valid[(*there, every)]).astype(float)
        pair = np.stack([chunk.maps[(*here, which)], chunk.maps[(*there, which)]])
        count = np.maximum(np.broadcast_to(weight, pair.shape[1:]).sum(axis=(0, 1)), 1)
        for _ in range(2):
            pair = (pair - ((pair * weight).sum(axis=(1, 2)) / count)[:, None, None]) * weight
        first, second = np.square(pair).sum(axis=(1, 2)) / count
        covariance = pair.prod(axis=0).sum(axis=(0, 1)) / count
        varies = np.minimum(first, second) >= VARIANCE_FLOOR
        scale = np.sqrt(np.where(varies, first * second, np.inf))
        correlation[dy, column, which] = covariance / scale
