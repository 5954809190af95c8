"""What a grid score is by chance, for each unit.

A smooth map scores high now and then, however it came about. The score of a unit is therefore set
against those of surrogate maps that are like its own in all but the arrangement of the fields. Two
kinds of them, as each misses something: random phases keep the spectrum and the rates but not the
fields, and so are beaten too often by fields that merely keep their distance (one in nine maps of
densely packed bumps at a level of 5 %); a shuffle keeps the fields.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import scipy.fft
import scipy.special
import scipy.stats
import xarray as xr
from numpy.typing import ArrayLike

from nofreelunch import fields
from nofreelunch.autocorrelograms import Stack, one_map
from nofreelunch.grid_scores import METHODS, best_rings, score

SURROGATE_STREAM = 4  # second seed word: surrogates share no draws with weights, trajectories ...
BATCH = 25  # surrogates of a map drawn at once: bounds memory, and part of what a seed stands for
ENOUGH = 10  # surrogates as high as the map: its p-value cannot become small any more
LEAST_OVERLAP = 0.1  # share of the visited bins that a correlation is divided by at least
HERMITE_ORDERS = 24
LEAST_FIELDS = 2  # what a shuffle needs
PLACES = 64  # tried for each field of a shuffle


def significance(
    rate_maps: ArrayLike,
    count: int,
    seed: int,
    method: str = "min_max",
    unvisited: str = "masked",
) -> xr.Dataset:
    """How each map's 60° grid score compares with those of its surrogates.

    A map is compared with `count` surrogates of each kind, in batches of 25, or fewer: once ten of
    one kind score as high, no more are made, and none of the other kind in that batch (sequential
    Monte Carlo test; Besag and Clifford 1991). Small p-values thus get many surrogates and large
    ones few. They stay valid at any level: where stopping early leaves a p-value at or below a
    level, the test with that fixed number would have passed, too.

    At a level of 5 % there pass, of 2000 maps of each of 32 kinds that nothing was chosen by (20
    bins, 99 surrogates; a standard error of 0.5 %; 150 maps of 44 bins alike): 2 to 4 % of smooth
    noise, 2 to 5 % of noise of a band of wavelengths, 2 to 6 % where that is rectified, the more
    the narrower the band is, and 3 to 7 % where it is cut higher; 1 to 3 % of up to 14 bumps, which
    may keep their distance, and 4 to 6 % of boxes packed with them as densely as can be, and beyond
    the border. More pass of sums of two plane waves of one length, 12 %, which is nearly a lattice
    without being noise. All noisy lattices pass (0.6 and 1 m, as much noise as signal), and of
    29 recorded grid cells in a box of 1 m 13 to 22 (12 seeds, 99 surrogates; 18 on average).

    Args:
        rate_maps: (..., y, x), numpy or xarray; NaN marks an unvisited bin.
        count: most surrogates of each kind for a map, 1 or more. A p-value is never below
            1 / (1 + count): for `false_discovery` to pass a share f of the units at a rate q,
            it takes a count of 1 / (f q) or more.
        seed: of the surrogates, 0 or more; each map has its own draws from it by its place among
            the maps, whatever the other maps are.
        method, unvisited: as in `grid_scores.score`.

    Returns:
        A dataset over the leading dimensions:

        - `p_phase`, `p_shuffle`: (1 + surrogates that score at least as high) / (1 + surrogates),
          for random phases (`surrogates`) and for the field shuffle (`shuffles`), which is NaN
          where the first batch of random phases was enough. The latter is 1 for maps of fewer than
          two fields: they have one arrangement only, and it may score higher than the several
          fields of random phases without being a lattice.
        - `p_value`: the larger of the two, or the one.
        - `null_95`: the score that 5 % of the surrogates exceed, of the kind with the larger
          p-value; where both are the same, the higher score.
        - `field_count`: as of `fields.count`.
        - `surrogate_count`: random-phase surrogates that were made.
        - `surrogate_score`: of the first random-phase surrogates, at most 25 of them, along a last
          dimension `surrogate`; so many whatever the map's score, and so a fair sample of chance.

        A constant map has p-values of 1, and 0 for all else; a map without any visited bin has NaN,
        no fields and no surrogates.

    Raises:
        ValueError: for a count below 1 or a negative seed, and as `grid_scores.score` does.
    """
    for name, found, least in (("count", count, 1), ("seed", seed, 0)):
        if not isinstance(found, int | np.integer) or found < least:
            raise ValueError(f"{name}: found {found!r}, allowed: an integer of at least {least}")
    names = (*_Chance._fields, "surrogate_score", "surrogate")
    stack = Stack(rate_maps, unvisited, names)
    observed = score(stack.maps, method, unvisited)
    nothing = 0 * observed.score_60.values  # NaN for a map without any visited bin
    result = {name: nothing + value for name, value in _Chance(1.0, 1.0, np.nan)._asdict().items()}
    first = np.repeat(nothing[:, np.newaxis].astype(np.float32), min(count, BATCH), axis=1)
    for name in ("field_count", "surrogate_count"):
        result[name] = np.zeros(stack.count, int)
    for index in np.flatnonzero(np.isfinite(observed.ring_60)):
        random = np.random.default_rng([seed, SURROGATE_STREAM, index])
        height = float(observed.score_60[index])
        chance, first[index] = _compare(stack.maps[index], height, count, random, method, unvisited)
        for name, value in chance._asdict().items():
            result[name][index] = value
    labelled = {name: stack.label(values) for name, values in result.items()}
    trailing = {"surrogate": np.arange(first.shape[1])}
    return xr.Dataset({**labelled, "surrogate_score": stack.label(first, trailing=trailing)})


class _Chance(NamedTuple):
    p_value: float
    p_phase: float
    p_shuffle: float
    null_95: float = 0.0
    field_count: int = 0
    surrogate_count: int = 0


def _compare(
    rate_map: np.ndarray,
    height: float,
    count: int,
    random: np.random.Generator,
    method: str,
    unvisited: str,
) -> tuple[_Chance, np.ndarray]:
    """What `significance` says of one map that scores `height`; its `surrogate_score`."""
    found = fields.find(rate_map)
    made: list[list[np.ndarray]] = [[], []]
    kinds = _kinds(rate_map, found, random)
    if len(kinds) == 1:
        count = min(count, BATCH)  # for `surrogate_score` alone
    enough = False
    for start in range(0, count, BATCH):
        for kind, draw in zip(made, kinds, strict=False):
            if not enough:
                kind.append(_scores_60(draw(min(BATCH, count - start)), method, unvisited))
                enough = sum((s >= height).sum() for s in kind) >= ENOUGH
    scores = [np.concatenate(kind) for kind in made if kind]
    p = [(1 + (kind >= height).sum()) / (1 + kind.size) for kind in scores]
    largest, null_95 = max(zip(p, (np.quantile(kind, 0.95) for kind in scores), strict=True))
    p_shuffle = p[1] if made[1] else np.nan
    if len(kinds) == 1:
        largest = p_shuffle = 1.0
    chance = _Chance(largest, p[0], p_shuffle, null_95, len(found.peaks), scores[0].size)
    return chance, scores[0][:BATCH]


def _kinds(
    rate_map: np.ndarray, found: fields.Fields, random: np.random.Generator
) -> list[Callable[[int], np.ndarray]]:
    """What draws so many `surrogates`, and `shuffles` of a map that has fields enough for them."""
    amplitude = _amplitude(rate_map)
    kinds = [lambda count: ranked(noise(len(rate_map), count, random) * amplitude, rate_map)]
    if len(found.peaks) >= LEAST_FIELDS:
        kinds.append(lambda count: shuffles(found, count, random))
    return kinds


def _scores_60(maps: np.ndarray, method: str, unvisited: str) -> np.ndarray:
    """`score_60` of maps, as of `grid_scores.score` without labels."""
    return best_rings(Stack(maps, unvisited))[0, 0, METHODS.index(method)]


def surrogates(rate_map: ArrayLike, count: int, random: np.random.Generator) -> np.ndarray:
    """Random maps (count, y, x) with the rates of a map (y, x) and about its spectrum.

    A Gaussian field with random phases is drawn, and its values are replaced by the map's rates of
    the same rank. It is cut from one twice as wide, as nothing makes a map go on across its border.
    Unvisited bins (NaN) are left out of the spectrum and stay unvisited.

    Raises ValueError as `fields.find` does.
    """
    rate_map = one_map(rate_map)
    amplitude = _amplitude(rate_map)
    return ranked(noise(len(rate_map), count, random) * amplitude, rate_map)


def noise(side: int, count: int, random: np.random.Generator) -> np.ndarray:
    """Transforms (count, 2 side, side + 1) of white noise on boxes twice as wide as a map."""
    # Only the order of a field's values counts, for which single precision will do.
    white = random.standard_normal((count, 2 * side, 2 * side), np.float32)
    return scipy.fft.rfft2(white, workers=1)


def ranked(transforms: np.ndarray, rate_map: np.ndarray) -> np.ndarray:
    """Maps (count, y, x) with the rates of a map, ordered as fields that have these transforms."""
    visited, n = ~np.isnan(rate_map), len(rate_map)
    field = scipy.fft.irfft2(transforms, (2 * n, 2 * n), workers=1)[:, :n, :n]
    order = field[:, visited].argsort(axis=1)
    rates = np.empty(order.shape, rate_map.dtype)
    np.put_along_axis(rates, order, np.sort(rate_map[visited])[np.newaxis], axis=1)
    maps = np.full(field.shape, np.nan if rate_map.dtype.kind == "f" else 0, rate_map.dtype)
    maps[:, visited] = rates
    return maps


def _amplitude(rate_map: np.ndarray) -> np.ndarray:
    """Amplitude (2 side, side + 1) of the field that takes on a map's spectrum with its rates.

    The map's correlation at each lag, of the bins that overlap, is averaged over directions as a
    spectrum; `_before_ranking` says which correlation of the field becomes this one.
    """
    visited, n = ~np.isnan(rate_map), len(rate_map)
    shape = 2 * n, 2 * n
    deviation = np.where(visited, rate_map - np.mean(rate_map, where=visited, dtype=float), 0)
    deviation /= np.abs(deviation).max() or 1.0
    power = np.abs(scipy.fft.rfft2([deviation, visited], shape, workers=1)) ** 2
    products, overlap = scipy.fft.irfft2(power, shape, workers=1)
    power = scipy.fft.fft2(products / np.maximum(overlap, LEAST_OVERLAP * visited.sum())).real
    radius, ring = _wavenumbers(len(power))
    mean = np.bincount(ring.ravel(), power.ravel()) / np.bincount(ring.ravel())
    round_power = np.interp(radius, np.arange(mean.size), mean)
    correlation = scipy.fft.ifft2(_without_negatives(round_power), workers=1).real
    correlation /= correlation[0, 0] or 1.0
    gaussian = _before_ranking(correlation, np.sort(deviation[visited]))
    power = _without_negatives(scipy.fft.fft2(gaussian, workers=1).real)
    return np.sqrt(power[:, : n + 1]).astype(np.float32)


def _without_negatives(power: np.ndarray) -> np.ndarray:
    """The nearest spectrum of the same sum that has no negative power: lowered, and cut at zero.

    Correlations that come from one map scatter, and what scatters below zero scatters above.
    """
    falling = np.sort(power, axis=None)[::-1]
    lowered = (np.cumsum(falling) - max(falling.sum(), 0)) / np.arange(1, falling.size + 1)
    return np.maximum(power - lowered[np.flatnonzero(falling > lowered)[-1:]].sum(), 0)


@lru_cache(maxsize=16)
def _wavenumbers(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Cycles per side of each two-dimensional frequency (n, n), and the same rounded."""
    cycles = np.fft.fftfreq(n, 1 / n)
    radius = np.hypot(cycles[:, np.newaxis], cycles)
    return radius, np.rint(radius).astype(int)


def _before_ranking(correlation: np.ndarray, rates: np.ndarray) -> np.ndarray:
    """What correlation two Gaussian values have that become rates so correlated by their ranks.

    If the sorted `rates`, of mean 0, are f(z) at the normal quantiles z, and f = sum of c_k He_k /
    sqrt(k!), then a correlation r becomes sum of c_k^2 r^k over that of c_k^2 (Cario and Nelson
    1997); below 0 only the first term is taken, as the sum need not rise there. What rates that
    jump have beyond the terms that are summed counts at r = 1 alone.
    """
    z = scipy.special.ndtri((np.arange(rates.size) + 0.5) / rates.size)
    before, polynomial, powers = np.zeros_like(z), np.ones_like(z), []
    for order in range(1, HERMITE_ORDERS + 1):
        following = (z * polynomial - np.sqrt(order - 1) * before) / np.sqrt(order)
        before, polynomial = polynomial, following
        powers.append(np.mean(rates * polynomial) ** 2)
    shares = np.array(powers) / (max(np.mean(rates**2), sum(powers)) or 1.0)
    grid = np.linspace(-1, 1, 401)
    became = np.polynomial.polynomial.polyval(grid, [0, *shares])
    became = np.where(grid < 0, grid * shares[0], became)
    became[-1] = 1.0
    return np.interp(correlation, np.maximum.accumulate(became), grid)


def shuffles(found: fields.Fields, count: int, random: np.random.Generator) -> np.ndarray:
    """Random maps (count, y, x) with the fields of a map at other places.

    The pieces of the fields are turned by a multiple of 90°, perhaps mirrored, and put upon the
    background; where they overlap, the higher rate counts, as it does where noise is below the
    background. Their peaks are anywhere among the visited bins, and the border cuts what reaches
    beyond it, as it cuts the fields of a unit: hence the pieces are whole (`fields.find`). No two
    peaks are closer than the closest two of the map, as far as these are known and as there is room
    for them all (see `_places`).
    """
    places = _places(found, count, random)
    turns = random.integers(8, size=places.shape[:2])
    side = len(found.background)
    margin = max(len(piece) // 2 for piece in found.pieces)
    rates = np.zeros((count, *2 * [side + 2 * margin]))
    for number, piece in enumerate(found.pieces):
        turned = [np.rot90(way, k) for way in (piece, piece.T) for k in range(4)]
        corners = (places[:, number] + margin - len(piece) // 2).tolist()
        for one, (y, x), turn in zip(rates, corners, turns[:, number].tolist(), strict=True):
            covered = one[y : y + len(piece), x : x + len(piece)]
            np.maximum(covered, turned[turn], out=covered)
    inside = slice(margin, margin + side)
    return rates[:, inside, inside] + found.background


def _places(found: fields.Fields, count: int, random: np.random.Generator) -> np.ndarray:
    """Random y, x of peaks (count, field, 2), put down one after another, in bins.

    Of some random places, each peak takes the first that is as far from all peaks before it as the
    map's closest two are; or else, where they are too crowded, the place that is farthest.

    Where noise or the border moves peaks, two of them soon seem nearer than their fields are. Each
    is known to about the width of the smoothing, so the closest two may be twice that farther
    apart. Of all distances that they may have, this one makes the most regular maps, and so the
    p-value that holds whichever is true (Berger and Boos 1994).
    """
    allowed = np.argwhere(np.isfinite(found.background))
    least = (found.least_distance + 2 * fields.SMOOTHING * len(found.background)) ** 2
    every = np.arange(count)
    taken = np.empty((count, len(found.peaks), 2), int)
    for number in range(len(found.peaks)):
        tried = allowed[random.integers(len(allowed), size=(count, PLACES))]
        apart = np.square(tried[:, :, np.newaxis] - taken[:, np.newaxis, :number]).sum(axis=-1)
        gap = apart.min(axis=2, initial=np.iinfo(int).max)
        pick = np.minimum(gap, least).argmax(axis=1)
        taken[:, number] = tried[every, pick]
    order = random.permuted(np.tile(np.arange(len(found.peaks)), (count, 1)), axis=1)
    return np.take_along_axis(taken, order[:, :, np.newaxis], axis=1)


def false_discovery(p_values: ArrayLike, rate: float = 0.05) -> xr.DataArray | np.ndarray:
    """Which units are significant when many of a network are tested.

    Of the units that pass, no more than `rate` are expected to be chance (Benjamini and Hochberg
    1995).

    Args:
        p_values: (..., unit), numpy or xarray, whatever its dimensions are called; each row a
            network of its own, NaN or a numpy mask a unit that was not tested, which counts neither
            as one of many nor as significant.
        rate: above 0 and at most 1.

    Returns: bool, as `p_values` in shape and kind.

    Raises:
        ValueError: for a rate or a p-value out of range, and for a single one.
    """
    values = np.ma.filled(np.ma.asarray(p_values, float), np.nan)
    if not values.ndim:
        raise ValueError(f"p_values: found {values}, allowed: (..., unit)")
    outside = values[(values < 0) | (values > 1)]
    if not 0 < rate <= 1:
        raise ValueError(f"rate: found {rate!r}, allowed: above 0, at most 1")
    if outside.size:
        raise ValueError(f"p_values: found {outside[0]}, allowed: 0 to 1, or NaN")
    passed = np.zeros(values.shape, bool)
    for row in np.ndindex(values.shape[:-1]):
        tested = ~np.isnan(values[row])
        if tested.any():
            passed[row][tested] = scipy.stats.false_discovery_control(values[row][tested]) <= rate
    return p_values.copy(data=passed) if isinstance(p_values, xr.DataArray) else passed
