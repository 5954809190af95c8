"""What a grid score is by chance, for each unit.

A smooth map scores high now and then, however it came about. The score of a unit is therefore set
against those of surrogate maps that are like its own in all but the arrangement of the fields.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
import scipy.fft
import xarray as xr
from numpy.typing import ArrayLike

from nofreelunch.autocorrelograms import Stack
from nofreelunch.grid_scores import score

SURROGATE_STREAM = 4  # second seed word: surrogates share no draws with weights, trajectories ...
BINS_PER_BLOCK = 2**20  # bounds memory


def significance(
    rate_maps: ArrayLike,
    count: int,
    seed: int,
    method: str = "min_max",
    unvisited: str = "masked",
) -> xr.Dataset:
    """How each map's 60° grid score compares with those of its surrogates.

    Args:
        rate_maps: (..., y, x), numpy or xarray; NaN marks an unvisited bin.
        count: surrogates of each map, 1 or more.
        seed: of the surrogates, 0 or more; the same call gives the same numbers.
        method, unvisited: as in `grid_scores.score`.

    Returns:
        A dataset over the leading dimensions: `p_value`, (1 + surrogates that score at least as
        high) / (1 + count); `null_95`, the score that 5 % of the surrogates exceed; and
        `surrogate_score`, along a last dimension `surrogate`. A constant map has 1, 0 and zeros; a
        map without any visited bin has NaN.

    Raises:
        ValueError: for a count below 1 or a negative seed, and as `grid_scores.score` does.
    """
    for name, found, least in (("count", count, 1), ("seed", seed, 0)):
        if not isinstance(found, int | np.integer) or found < least:
            raise ValueError(f"{name}: found {found!r}, allowed: an integer of at least {least}")
    stack = Stack(rate_maps, unvisited)
    observed = score(stack.maps, method, unvisited)
    random = np.random.default_rng([seed, SURROGATE_STREAM])
    p_value = np.where(np.isnan(observed.score_60), np.nan, 1.0)
    null_95 = 0 * p_value
    scores = np.repeat(null_95[:, np.newaxis].astype(np.float32), count, axis=1)
    for which in _blocks(np.flatnonzero(np.isfinite(observed.ring_60)), count * stack.side**2):
        maps = np.stack([surrogates(stack.maps[index], count, random) for index in which])
        chance = score(maps, method, unvisited).score_60.values
        higher = (chance >= observed.score_60.values[which, np.newaxis]).sum(axis=1)
        p_value[which] = (1 + higher) / (1 + count)
        null_95[which] = np.quantile(chance, 0.95, axis=1)
        scores[which] = chance
    return xr.Dataset(
        {
            "p_value": stack.label(p_value),
            "null_95": stack.label(null_95),
            "surrogate_score": stack.label(scores, trailing={"surrogate": np.arange(count)}),
        }
    )


def surrogates(rate_map: np.ndarray, count: int, random: np.random.Generator) -> np.ndarray:
    """Random maps (count, y, x) with the rates of a map (y, x) and about its spectrum.

    A Gaussian field with random phases is drawn with the map's own power spectrum, averaged over
    directions, and its values are replaced by the map's rates of the same rank. Unvisited bins
    (NaN) count as the mean rate in the spectrum and stay unvisited.
    """
    visited = ~np.isnan(rate_map)
    deviation = np.where(visited, rate_map - np.mean(rate_map, where=visited, dtype=float), 0)
    deviation /= np.abs(deviation).max() or 1.0
    wavenumber = _wavenumbers(len(rate_map))
    power = np.abs(scipy.fft.fft2(deviation, workers=1)) ** 2
    by_wavenumber = np.bincount(wavenumber.ravel(), power.ravel()) / np.bincount(wavenumber.ravel())
    amplitude = np.sqrt(by_wavenumber)[wavenumber[:, : len(rate_map) // 2 + 1]]
    noise = scipy.fft.rfft2(random.standard_normal((count, *rate_map.shape)), workers=1)
    field = scipy.fft.irfft2(noise * amplitude, rate_map.shape, workers=1)
    order = field[:, visited].argsort(axis=1)
    rates = np.empty(order.shape, rate_map.dtype)
    np.put_along_axis(rates, order, np.sort(rate_map[visited])[np.newaxis], axis=1)
    maps = np.full(field.shape, np.nan if rate_map.dtype.kind == "f" else 0, rate_map.dtype)
    maps[:, visited] = rates
    return maps


@lru_cache(maxsize=16)
def _wavenumbers(n: int) -> np.ndarray:
    """Whole cycles per side, rounded, of each two-dimensional frequency (n, n)."""
    cycles = np.fft.fftfreq(n, 1 / n)
    return np.rint(np.hypot(cycles[:, np.newaxis], cycles)).astype(int)


def _blocks(which: np.ndarray, bins_of_one: int) -> Iterator[np.ndarray]:
    step = max(1, BINS_PER_BLOCK // bins_of_one)
    for start in range(0, which.size, step):
        yield which[start : start + step]
