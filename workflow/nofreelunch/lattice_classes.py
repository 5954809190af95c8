"""Which lattice a rate map has, if any: hexagonal, square, or stripes.

Each of the three has its own statistic, and all are compared with those of the same surrogates of
the map, so that the class is not a matter of thresholds.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import scipy.fft
import xarray as xr
from numpy.typing import ArrayLike

from nofreelunch import grid_scores
from nofreelunch.autocorrelograms import Stack, one_map
from nofreelunch.nulls import SURROGATE_STREAM, noise, ranked

LATTICES = ("hexagonal", "square", "stripe")
OTHER = "other"
LEAST_CYCLES = 1.5  # per side: fewer do not show that stripes repeat
BINS_PER_BLOCK = 2**20  # bounds memory
STATISTICS = ("score_60", "score_90", "stripe_score")
ROUNDS = 6  # in which the spectrum of surrogates is fitted
FITTED = 25  # surrogates whose mean spectrum is looked at in each
LARGEST_FACTOR = 2.0  # by which an amplitude changes in a round


def classify(
    rate_maps: ArrayLike, count: int, seed: int, level: float = 0.05, unvisited: str = "masked"
) -> xr.Dataset:
    """The lattice of each map: "hexagonal", "square", "stripe" or "other".

    `score_60` and `score_90` (min_max, as in `grid_scores.score`) and `stripe_score` (as in the
    function) of a map and of its random-phase surrogates are each counted in standard deviations
    from their mean. The largest of the three says which lattice it would be; the share of
    surrogates whose own largest is as large is the p-value, which thereby allows for there having
    been three ways to pass (Westfall and Young 1993). A map is "other" when the p-value is above
    `level`, or the winning score is not positive.

    The null is a map of about the same spectrum and rates, otherwise random. At a level of 5 %
    there pass as lattices (200 maps of each kind, 20 bins, 99 surrogates): 1 to 4 % of maps of
    white or smooth noise, 3 to 9 % of noise of a band of wavelengths, whole or rectified, and up to
    12 % where the band is a twentieth wide or the noise is cut higher; 4 to 6 % of separate bumps.
    Sums of six and of three waves of one length in random directions, which nearly are lattices,
    pass in a quarter and a half. Of stripes of which two fit the box, one map in eight is missed.

    Args:
        rate_maps: (..., y, x), numpy or xarray; NaN marks an unvisited bin.
        count: surrogates of each map, at least 1 / `level` - 1 for any to be significant.
        seed: of the surrogates, 0 or more; each map has its own draws from it by its place among
            the maps, whatever the other maps are.
        level: largest p-value of a lattice.
        unvisited: as in `grid_scores.score`.

    Returns:
        A dataset over the leading dimensions: `lattice_class`; `p_value`; `lattice_p_value` along a
        last dimension `lattice`, of each statistic by itself; and the three scores. A constant map
        is "other" with p-values 1 and scores 0; a map without any visited bin is "other" with NaN.

    Raises:
        ValueError: for a count below 1, a negative seed, a level outside 0 to 1, and as
            `grid_scores.score` does.
    """
    for name, found, least in (("count", count, 1), ("seed", seed, 0)):
        if not isinstance(found, int | np.integer) or found < least:
            raise ValueError(f"{name}: found {found!r}, allowed: an integer of at least {least}")
    if not 0 < level < 1:
        raise ValueError(f"level: found {level!r}, allowed: between 0 and 1")
    names = ("lattice_class", "p_value", "lattice_p_value", "lattice", *STATISTICS)
    stack = Stack(rate_maps, unvisited, names)
    observed, varied = _statistics(stack.maps, unvisited)
    p_value = np.where(np.isnan(observed[0]), np.nan, 1.0)
    by_lattice = np.repeat(p_value[:, np.newaxis], len(LATTICES), axis=1)
    which_lattice = np.full(stack.count, OTHER, dtype=f"<U{max(map(len, LATTICES))}")
    varied = np.flatnonzero(varied)
    step = max(1, BINS_PER_BLOCK // (count * stack.side**2))
    for start in range(0, varied.size, step):
        block = varied[start : start + step]
        maps = np.stack(
            [
                surrogates(
                    stack.maps[index], count, np.random.default_rng([seed, SURROGATE_STREAM, index])
                )
                for index in block
            ]
        )
        chance = _statistics(maps.reshape(-1, *maps.shape[2:]), unvisited)[0]
        chance = chance.reshape(len(LATTICES), block.size, count)
        best, by_lattice[block], p_value[block] = _compared(observed[:, block], chance)
        passes = (p_value[block] <= level) & (observed[best, block] > 0)
        which_lattice[block[passes]] = np.array(LATTICES)[best[passes]]
    found = {
        "lattice_class": stack.label(which_lattice),
        "p_value": stack.label(p_value),
        "lattice_p_value": stack.label(by_lattice, trailing={"lattice": list(LATTICES)}),
    }
    scores = zip(STATISTICS, observed, strict=True)
    return xr.Dataset(found | {name: stack.label(score) for name, score in scores})


def stripe_score(rate_maps: ArrayLike, unvisited: str = "masked") -> xr.DataArray:
    """How much of a map is waves of one direction: 1 for stripes, 0 for a hexagon or a square.

    The power of the map (mean subtracted, tapered by a Hann window) at 1.5 cycles per side or more
    is summed with the sign of twice its direction, exp(2 i angle); the length of the sum is divided
    by all power. Two waves at right angles cancel, as do three at 60°, and a ramp or one large
    field has little power there at all. Unvisited bins count as the mean.

    Args, errors and leading dimensions as in `grid_scores.score`. A constant map scores 0, one
    without any visited bin NaN.
    """
    stack = Stack(rate_maps, unvisited)
    scores = np.full(stack.count, np.nan)
    for chunk in stack.chunks():
        found = _stripe_scores(np.moveaxis(chunk.maps, -1, 0), chunk.valid)
        scores[chunk.where] = np.where(chunk.visited, found, np.nan)
    return stack.label(scores)


def surrogates(rate_map: ArrayLike, count: int, random: np.random.Generator) -> np.ndarray:
    """Random maps (count, y, x) with the rates of a map (y, x) and, on average, its spectrum.

    They are Gaussian fields with random phases, cut from a box of twice the side, whose values are
    replaced by the map's rates of the same rank. That replacement broadens a spectrum: a map whose
    waves are all of one length would get surrogates of more lengths and directions, less often like
    a lattice than chance would have them. So the amplitudes are fitted in a few rounds until the
    surrogates' own mean spectrum, averaged over directions and tapered as in `stripe_score`, is the
    map's. (`nulls.surrogates` undo the replacement by a formula, which is quicker, but miss two
    in five of the stripes of which two fit the box.)
    """
    rate_map = one_map(rate_map).astype(float)
    visited, n = ~np.isnan(rate_map), len(rate_map)
    low, high = np.nanmin(rate_map), np.nanmax(rate_map)
    taper, wavenumber, number = _rings(n)
    weight = taper * visited
    white = noise(n, max(count, FITTED), random)

    def spectrum(maps: np.ndarray) -> np.ndarray:
        maps = (np.where(visited, maps, low) - low) / (high - low)
        mean = (weight * maps).sum(axis=(1, 2), keepdims=True) / weight.sum()
        tapered = (weight * (maps - mean)).astype(np.float32)
        power = np.abs(scipy.fft.rfft2(tapered, (2 * n, 2 * n), workers=1)) ** 2
        return np.bincount(wavenumber.ravel(), power.mean(axis=0).ravel()) / number

    def drawn(transforms: np.ndarray) -> np.ndarray:
        return ranked(transforms * amplitude[wavenumber].astype(np.float32), rate_map)

    target = spectrum(rate_map[np.newaxis])
    amplitude = np.sqrt(target)
    for _ in range(ROUNDS):
        found = spectrum(drawn(white[:FITTED]))
        factor = np.sqrt(np.divide(target, found, out=np.ones_like(target), where=found > 0))
        amplitude = amplitude * np.clip(factor, 1 / LARGEST_FACTOR, LARGEST_FACTOR)
    return drawn(white[:count])


@lru_cache(maxsize=16)
def _rings(n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Taper (n, n); for maps padded to twice their side the number of each frequency's ring, which
    is half a cycle per side wide, and how many frequencies of rfft2 each ring has."""
    half_cycles = np.hypot(np.fft.fftfreq(2 * n, 1 / (2 * n))[:, np.newaxis], np.arange(n + 1))
    wavenumber = np.rint(half_cycles).astype(int)
    return _spectral_weights(n)[0], wavenumber, np.bincount(wavenumber.ravel())


def _statistics(maps: np.ndarray, unvisited: str) -> tuple[np.ndarray, np.ndarray]:
    """The three statistics (lattice, map), and whether each map varies (map,)."""
    scored = grid_scores.score(maps, "min_max", unvisited)
    stripes = stripe_score(maps, unvisited).values
    return np.stack([scored.score_60, scored.score_90, stripes]), np.isfinite(scored.ring_60.values)


def _compared(
    observed: np.ndarray, chance: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Most outstanding lattice (map,), p-values of each (map, lattice), and of the largest (map,).

    From statistics `observed` (lattice, map) and of surrogates, `chance` (lattice, map, surrogate).
    """
    # The map is one of its null's draws: with it among those that set the mean and deviation, all
    # are treated alike, and the p-values are exact whatever the number of surrogates.
    everyone = np.concatenate([observed[..., np.newaxis], chance], axis=-1)
    deviation = everyone.std(axis=-1, keepdims=True)
    away = everyone - everyone.mean(axis=-1, keepdims=True)
    outstanding = np.divide(away, deviation, out=np.zeros_like(away), where=deviation > 1e-12)
    largest = outstanding.max(axis=0)
    return (
        outstanding[..., 0].argmax(axis=0),
        (everyone >= observed[..., np.newaxis]).mean(axis=-1).T,
        (largest >= largest[:, :1]).mean(axis=-1),
    )


def _stripe_scores(maps: np.ndarray, valid: np.ndarray | None) -> np.ndarray:
    """`stripe_score` of maps (map, y, x), 0 in bins that are not valid (y, x, map or 1)."""
    taper, every, directed = _spectral_weights(maps.shape[-1])
    weight = taper if valid is None else taper * np.moveaxis(valid, -1, 0)
    mean = (weight * maps).sum(axis=(1, 2)) / weight.sum(axis=(-1, -2))
    tapered = weight * (maps - mean[:, np.newaxis, np.newaxis])
    power = np.abs(scipy.fft.rfft2(tapered, workers=1)) ** 2
    total = np.einsum("mij,ij->m", power, every)
    score = np.abs(np.einsum("mij,ij->m", power, directed))
    return np.divide(score, total, out=np.zeros_like(score), where=total > 0)


@lru_cache(maxsize=16)
def _spectral_weights(n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Taper (n, n), and for each frequency of rfft2 how many it stands for, and their sum of
    exp(2 i angle) where they count."""
    window = np.sin(np.pi * (np.arange(n) + 0.5) / n) ** 2
    y, x = np.fft.fftfreq(n, 1 / n)[:, np.newaxis], np.fft.rfftfreq(n, 1 / n)
    number = np.where((x == 0) | (x == n / 2), 1.0, 2.0) * np.ones_like(y)
    # The highest frequency of an even number of bins has no sign, so no direction.
    repeats = (np.hypot(x, y) >= LEAST_CYCLES) & (np.maximum(np.abs(y), x) < n / 2)
    return np.outer(window, window), number, number * repeats * np.exp(2j * np.arctan2(y, x))
