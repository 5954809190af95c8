"""Class of each rate map's lattice: hexagonal, square, stripe, or other.

Each class has its own statistic. All three are compared with those of the same surrogates, so no
threshold decides between the classes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

import numpy as np
import scipy.fft
import xarray as xr
from numpy.typing import ArrayLike

from nofreelunch import seeds
from nofreelunch.errors import check_whole, refused, shown
from nofreelunch.scoring import grid_scores
from nofreelunch.scoring.maps import MapStack, one_map
from nofreelunch.scoring.surrogates import noise, ranked

LATTICES = ("hexagonal", "square", "stripe")
OTHER = "other"
CLASSES = (OTHER, *LATTICES)  # files store the place in this list
LEAST_CYCLES = 1.5  # per side; fewer do not show that stripes repeat
BINS_PER_BLOCK = 2**20  # bounds memory
STATISTICS = ("score_60", "score_90", "stripe_score")
ROUNDS = 6  # in which the surrogates' spectrum is fitted; more change it little
FITTED = 25  # surrogates whose mean spectrum is compared in each round; bounds time
LARGEST_FACTOR = 2.0  # by which an amplitude may change in a round, so that none overshoots


def classify_lattices(
    rate_maps: ArrayLike, count: int, seed: int, level: float = 0.05, unvisited: str = "masked"
) -> xr.Dataset:
    """The class of each map's lattice: "hexagonal", "square", "stripe" or "other".

    Three statistics of a map are compared with those of its surrogates: `score_60` and `score_90`
    (min_max, as in `grid_scores`) and `stripe_score`. Each is expressed in standard deviations from
    its mean over the map and its surrogates. The largest of the three names the class. The p-value
    is (1 + surrogates whose own largest is at least as large) / (1 + surrogates), which allows for
    the three ways to pass (Westfall and Young 1993). A map is "other" if the p-value is above
    `level` or the winning score is not positive. If so many of the first quarter of the surrogates,
    or of the first half, are as large that the map fails without the others, these are not made.

    The null hypothesis is a random map with about the same spectrum and rates. docs/validation.md
    has how often noise passes. Sums of a few waves of one length in random directions pass more
    often than noise does: they nearly are lattices.

    Args:
        rate_maps: (..., y, x), numpy or xarray; NaN marks an unvisited bin.
        count: surrogates of each map; with fewer than 1 / `level` - 1 none can pass.
        seed: of the surrogates, 0 or more. What a map draws depends on the seed and on its place
            among the maps, and not on the other maps.
        level: largest p-value of a lattice.
        unvisited: as in `grid_scores`.

    Returns:
        A dataset over the leading dimensions: `lattice_class`; `p_value`; `lattice_p_value` of each
        statistic by itself, with a last dimension `lattice`; and the three scores. A constant map
        is "other", with p-values 1 and scores 0. A map without any visited bin is "other", with
        NaN.

    Raises:
        ValueError: for a count below 1, a negative seed, a level outside 0 to 1, and as
            `grid_scores` does.
    """
    check_whole("count", count, 1)
    check_whole("seed", seed, 0)
    if not 0 < level < 1:
        raise refused("level", shown(level), "a number > 0 and < 1")
    names = ("lattice_class", "p_value", "lattice_p_value", "lattice", *STATISTICS)
    stack = MapStack(rate_maps, unvisited, names)
    observed, varied = _statistics(stack.maps, unvisited)
    p_value = np.where(np.isnan(observed[0]), np.nan, 1.0)
    by_lattice = np.repeat(p_value[:, np.newaxis], len(LATTICES), axis=1)
    which_lattice = np.full(stack.count, OTHER, dtype=f"<U{max(map(len, LATTICES))}")
    varied = np.flatnonzero(varied)
    step = max(1, BINS_PER_BLOCK // (count * stack.side**2))
    for start in range(0, varied.size, step):
        block = varied[start : start + step]
        surrogates = [
            _matched_in_parts(
                stack.maps[index],
                _parts(count),
                seeds.generator(seed, seeds.LATTICE_CLASSES, index),
            )
            for index in block
        ]
        best, by_lattice[block], p_value[block] = _tested(
            observed[:, block], surrogates, count, level, unvisited
        )
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
    """Share of a map's power in waves of one direction: 1 for stripes, 0 for a hexagon or a square.

    With P the power spectrum of the map, after subtracting the mean and tapering by a Hann window,
    the score is |sum of P exp(2 i angle) over at least 1.5 cycles per side| / (sum of all P).
    Doubling the angle makes two waves at right angles cancel, as well as three at 60°. A ramp or a
    single large field has little power at 1.5 cycles and more, and so a low score. Unvisited bins
    count as the mean.

    Args, errors and leading dimensions as in `grid_scores`. A constant map scores 0, one without
    any visited bin NaN.
    """
    stack = MapStack(rate_maps, unvisited)
    scores = np.full(stack.count, np.nan)
    for chunk in stack.chunks():
        found = _stripe_scores(np.moveaxis(chunk.maps, -1, 0), chunk.valid)
        scores[chunk.where] = np.where(chunk.visited, found, np.nan)
    return stack.label(scores)


def spectrum_matched_maps(
    rate_map: ArrayLike, count: int, random: np.random.Generator
) -> np.ndarray:
    """Random maps (count, y, x) with the rates of a map (y, x) and, on average, its spectrum.

    Each is a Gaussian field with random phases, cut from a box of twice the side. Its values are
    replaced by the map's rates of the same rank. This replacement broadens the spectrum: surrogates
    of a map whose waves have one length would have waves of more lengths and directions, and too
    seldom resemble a lattice. The amplitudes are therefore fitted in a few rounds, which bring the
    surrogates' mean spectrum closer to the map's. Both are averaged over directions and tapered as
    in `stripe_score`.

    `surrogates.random_phase_maps` corrects the broadening by a formula. That is faster, but stripes
    of which only two fit the box are then often missed.
    """
    return next(_matched_in_parts(one_map(rate_map).astype(float), [count], random))


def _matched_in_parts(
    rate_map: np.ndarray, sizes: Sequence[int], random: np.random.Generator
) -> Iterator[np.ndarray]:
    """`spectrum_matched_maps` in parts of these sizes, each made when it is asked for."""
    visited, n = ~np.isnan(rate_map), len(rate_map)
    low, high = np.nanmin(rate_map), np.nanmax(rate_map)
    scaled = ((rate_map - low) / (high - low)).astype(np.float32)
    taper, wavenumber, number = _rings(n)
    weight = (taper * visited).astype(np.float32)
    white = noise(n, FITTED, random)

    def spectrum(maps: np.ndarray) -> np.ndarray:
        weighted = weight * np.where(visited, maps, 0)
        mean = weighted.sum(axis=(1, 2), keepdims=True) / weight.sum()
        rows = scipy.fft.rfft(weighted - mean * weight, 2 * n, workers=1)  # the others are zeros
        parts = scipy.fft.fft(rows, 2 * n, axis=1, workers=1).view(np.float32)
        power = np.einsum("myx,myx->yx", parts, parts).reshape(*wavenumber.shape, 2).sum(axis=-1)
        return np.bincount(wavenumber.ravel(), power.ravel()) / (len(maps) * number)

    def drawn(white: np.ndarray, rates: np.ndarray) -> np.ndarray:
        return ranked(white, amplitude[wavenumber].astype(np.float32), rates)

    target = spectrum(scaled[np.newaxis])
    amplitude = np.sqrt(target)
    for _ in range(ROUNDS):
        found = spectrum(drawn(white, scaled))
        factor = np.sqrt(np.divide(target, found, out=np.ones_like(target), where=found > 0))
        amplitude = amplitude * np.clip(factor, 1 / LARGEST_FACTOR, LARGEST_FACTOR)
    for size in sizes:
        more = noise(n, max(size - len(white), 0), random)
        white = np.concatenate([white, more])
        yield drawn(white[:size], rate_map)
        white = white[size:]


@lru_cache(maxsize=16)
def _rings(n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Taper (n, n), and rings of frequencies of maps padded to twice their side.

    A ring is half a cycle per side wide. The second result is the ring of each frequency of rfft2,
    the third the number of frequencies in each ring.
    """
    half_cycles = np.hypot(np.fft.fftfreq(2 * n, 1 / (2 * n))[:, np.newaxis], np.arange(n + 1))
    wavenumber = np.rint(half_cycles).astype(int)
    return _spectral_weights(n)[0], wavenumber, np.bincount(wavenumber.ravel())


def _statistics(maps: np.ndarray, unvisited: str) -> tuple[np.ndarray, np.ndarray]:
    """The three statistics (lattice, map), and whether each map varies (map,)."""
    scored = grid_scores.published_score(maps, "min_max", unvisited)
    stripes = stripe_score(maps, unvisited).values
    return np.stack([scored.score_60, scored.score_90, stripes]), np.isfinite(scored.ring_60.values)


def _parts(count: int) -> list[int]:
    """Sizes of the parts in which surrogates are made: up to a quarter, half, and all of them."""
    until = sorted({-(-count // 4), -(-count // 2), count})
    return np.diff(until, prepend=0).tolist()


def _tested(
    observed: np.ndarray,
    surrogates: Sequence[Iterator[np.ndarray]],
    count: int,
    level: float,
    unvisited: str,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """As `_compared`, of maps with statistics (lattice, map), and their surrogates in parts.

    A map needs no further part once it has failed: once more than `level` * (1 + `count`) of the
    map and its surrogates are at least as large as the map.
    """
    maps = len(surrogates)
    best, by_lattice, p_value = np.zeros(maps, int), np.ones((maps, len(LATTICES))), np.ones(maps)
    left, chance = np.arange(maps), np.empty((len(LATTICES), maps, 0))
    for _ in _parts(count):
        part = np.concatenate([next(surrogates[k]) for k in left.tolist()])
        found = _statistics(part, unvisited)[0].reshape(len(LATTICES), left.size, -1)
        chance = np.concatenate([chance, found], axis=-1)
        best[left], by_lattice[left], p_value[left] = _compared(observed[:, left], chance)
        as_large = np.rint(p_value[left] * (1 + chance.shape[-1]))
        undecided = as_large <= level * (1 + count)
        left, chance = left[undecided], chance[:, undecided]
        if not left.size:
            break
    return best, by_lattice, p_value


def _compared(
    observed: np.ndarray, chance: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Winning lattice (map,), p-value of each lattice (map, lattice), p-value of the winner (map,).

    `observed` are the statistics (lattice, map) of maps, `chance` those of their surrogates
    (lattice, map, surrogate).
    """
    # Under the null hypothesis the map is one draw among its surrogates. It is counted like them in
    # the mean and the deviation, so that p-values are exact for any number of surrogates.
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
    """`stripe_score` of maps (map, y, x), 0 in bins that are not `valid` (y, x, map or 1)."""
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
    """Taper (n, n), and two weights of each frequency of rfft2.

    The first is how many frequencies it stands for. The second is the same times exp(2 i angle),
    and 0 where directions do not count.
    """
    window = np.sin(np.pi * (np.arange(n) + 0.5) / n) ** 2
    y, x = np.fft.fftfreq(n, 1 / n)[:, np.newaxis], np.fft.rfftfreq(n, 1 / n)
    number = np.where((x == 0) | (x == n / 2), 1.0, 2.0) * np.ones_like(y)
    # The highest frequency of an even number of bins has no sign and hence no direction.
    repeats = (np.hypot(x, y) >= LEAST_CYCLES) & (np.maximum(np.abs(y), x) < n / 2)
    return np.outer(window, window), number, number * repeats * np.exp(2j * np.arctan2(y, x))
