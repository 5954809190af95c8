"""Corrections of rate maps and their scores: units, formulas, maxima and empty bins."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import scipy.ndimage
import xarray as xr
from numpy.typing import ArrayLike

from nofreelunch.errors import refused
from nofreelunch.findings import talks
from nofreelunch.findings.corrections.records import (
    SEED,
    STEPS,
    WIDTH,
    Correction,
    Number,
    listed,
    mean_of,
    share_of,
)
from nofreelunch.scoring.grid_scores import grid_scores
from nofreelunch.seeds import CORRECTIONS, generator
from nofreelunch.task.trajectories import ARENA, random_walk

BINS = round(ARENA / talks.PUBLISHED_BIN)
PERIOD = 0.9  # m; near what the talks' main target predicts
STRETCH = 1.2  # of the ellipse
FORMS = {"min_max": "extremes (the talks)", "mean": "means (earlier work)"}
UNITS = (64, 256, 512, 1024)  # of a network; the last is that of the NeurIPS talk
UNITS_WORKSHOP = 512
BATCHES = (30, 90, 200)  # walks; the last is the batch of the talks' main target
NOISE_WIDTHS = (1.5, 2.5, 4.0, 6.0)  # bins; standard deviations of the filter


def period_unit() -> Correction:
    """Periods that the talk labels cm, in cm, and the fields of such lattices in the box."""
    bins = talks.PERIOD_MODES[talks.WIDTHS.index(WIDTH)]
    period = bins * talks.PUBLISHED_BIN
    numbers = (
        Number("period on the slide, called cm", bins, "", decimals=2),
        Number("side of a bin", 100 * talks.PUBLISHED_BIN, "cm"),
        Number("period", 100 * period, "cm", decimals=0),
        Number("fields in the box at that period", fields_in_box(period), "", decimals=1),
        Number(
            "fields in the box, were the slide's cm right",
            fields_in_box(bins / 100),
            "",
            decimals=0,
        ),
    )
    _, _, measured, few, many = numbers
    return Correction(
        "Grid periods in bins, labelled cm",
        f"Slide 9 of the workshop talk gives a grid period of {bins:.1f} cm at a place-cell width "
        f"of {100 * WIDTH:g} cm.",
        f"Its numbers count bins of {100 * talks.PUBLISHED_BIN:g} cm, so the period is "
        f"{measured.text}. The box then holds {few.text} fields, as the talk's maps do; at "
        f"{bins:.1f} cm it would hold {many.text}.",
        "All lengths have their unit: periods are in m in files, and in cm or m in figures.",
        numbers,
    )


def score_definitions(maps: int = 24, noise: int = 500) -> Correction:
    """Both forms of the grid score on a hexagon, a stretched hexagon, squares and noise.

    Args:
        maps: maps of each lattice, at random places and orientations, 2 or more.
        noise: random maps of each smoothness.
    """
    random = generator(SEED, CORRECTIONS, 8)
    numbers = []
    for name, waves, stretch in (
        ("hexagon", 3, 1.0),
        (f"hexagon, stretched {STRETCH:g} times", 3, STRETCH),
        ("squares", 2, 1.0),
    ):
        place = bin_centres() / [stretch, 1.0]
        rates = [lattice_rates(place, PERIOD, *_placed(random), waves=waves) for _ in range(maps)]
        scores = grid_scores(np.stack(rates))["score_60"]
        for definition, words in FORMS.items():
            values = scores.sel(definition=definition).values
            numbers.append(mean_of(f"{name}: {words}", values, "", f"{maps} maps", 2))
    limit = talks.UNIT_THRESHOLD
    for definition, words in FORMS.items():
        above = noise_scores(noise).sel(definition=definition).values > limit
        label = f"smooth random maps above {limit:g}: {words}"
        numbers.append(share_of(label, above, f"{above.size:,} maps"))
    *_, least, mean, few, many = numbers
    return Correction(
        "Two grid scores under one name",
        f"The talks set thresholds on the grid score, {limit:g} and {talks.GRID_CELL_SCORE:g}.",
        "Earlier programs take the mean correlation at 60° and 120° less the mean at 30°, 90° and "
        f"150°; the talks' program takes the lower less the highest. Squares score {mean.text} by "
        f"the first and {least.text} by the second, and {many.text} and {few.text} of random maps "
        f"score above {limit:g}. So thresholds cannot be carried over.",
        "Every map has both scores, along `definition`.",
        tuple(numbers),
    )


def largest_of_many(noise: int = 500) -> Correction:
    """Chance that a network of smooth random maps has a unit above the talks' thresholds.

    Args:
        noise: random maps of each smoothness.
    """
    scores = noise_scores(noise).sel(definition="min_max").values
    low, high = talks.UNIT_THRESHOLD, talks.GRID_CELL_SCORE
    numbers = []
    for width, of_width in zip(NOISE_WIDTHS, scores, strict=True):
        label = f"maps above {low:g}, smoothed by {100 * talks.PUBLISHED_BIN * width:g} cm"
        numbers.append(share_of(label, of_width > low, f"{noise} maps"))
    pooled = share_of(f"maps above {low:g}, all", scores > low, f"{scores.size:,} maps")
    few, *_, many = networks = [_with_one_above(low, count, pooled) for count in UNITS]
    rare = share_of(f"maps above {high:g}, all", scores > high, pooled.basis, 2)
    workshop = _with_one_above(high, UNITS_WORKSHOP, rare)
    return Correction(
        "The highest of many units",
        "In the NeurIPS talk a network has possible grid cells if one of its units, of which "
        f"{UNITS[-1]:,} are scored, is above {low:g}. The workshop talk scores {UNITS_WORKSHOP} "
        f"and asks for {high:g}.",
        f"{pooled.text} of smooth random maps score above {low:g}. Of networks of {UNITS[-1]:,} "
        f"such units, {many.text.replace('>', 'more than')} have one, and of networks of "
        f"{UNITS[0]} units {few.text}. Above {high:g} it is {workshop.text} of networks of "
        f"{UNITS_WORKSHOP} ({workshop.interval}); the workshop talk finds "
        f"{100 * talks.GRID_CELLS.value:.1f} %. The criterion counts units more than lattices.",
        "Each unit is set against random versions of its own map, with a correction for the number "
        "of units.",
        (*numbers, pooled, *networks, rare, workshop),
    )


def empty_bins(batches: Sequence[int] = BATCHES, draws: int = 20) -> Correction:
    """Share of bins that one batch leaves empty, and what zeros there do to a lattice's score.

    Args:
        batches: walks in a batch.
        draws: batches of each size, each with a lattice of its own, 2 or more.
    """
    random = generator(SEED, CORRECTIONS, 10)
    numbers, basis = [], f"{draws} batches"
    for size in batches:
        seed = int(random.integers(2**31))
        walks = random_walk(size * draws, STEPS, seed)["position"].values[:, 1:].astype(float)
        parts = walks.reshape(draws, -1, 2)
        maps = np.stack([binned_means(part, *_placed(random)) for part in parts])
        left_out, zeros = (
            grid_scores(maps, unvisited)["score_60"].sel(definition="min_max").values
            for unvisited in ("masked", "zero")
        )
        empty = 100 * np.isnan(maps).mean(axis=(1, 2))
        numbers += [
            mean_of(f"{size} walks: empty bins", empty, "%", basis, 0),
            mean_of(f"{size} walks: score, empty bins left out", left_out, "", basis, 2),
            mean_of(f"{size} walks: score, empty bins as zeros", zeros, "", basis, 2),
            mean_of(f"{size} walks: change of the score", zeros - left_out, "", basis, 2),
        ]
    shares, changes = ([one.text for one in numbers[start::4]] for start in (0, 3))
    return Correction(
        "Maps from one batch, with holes",
        f"The talks' maps come from one batch of walks of {STEPS} steps, as large as the batches "
        f"of training: {batches[-1]} walks for the difference of softmaxes, as few as {batches[0]} "
        "for some others.",
        f"Batches of {listed([f'{size}' for size in batches])} walks leave {listed(shares)} of the "
        "bins empty. The program counts these as zeros. This changes the score of a perfect "
        f"lattice by {listed(changes)}.",
        "All networks of a study are mapped on the same walks, and empty bins are left out.",
        tuple(numbers),
    )


def fields_in_box(period: float, arena: float = ARENA) -> float:
    """Fields of a hexagonal lattice per box: its area over that of a cell, sqrt(3) / 2 period^2.

    Args:
        period: m.
        arena: side of the box, m.
    """
    if not period > 0:
        raise refused("period", f"{period} m", "a period above 0 m")
    return arena**2 / (math.sqrt(3) / 2 * period**2)


def lattice_rates(
    place: np.ndarray,
    period: float,
    orientation: float = 0.0,
    peak: ArrayLike = (0.0, 0.0),
    waves: int = 3,
) -> np.ndarray:
    """Rates (...) at `place` (..., 2): plane waves at equal angles, summed and cut at zero.

    Args:
        place: positions, m.
        period: distance of neighbouring peaks, m.
        orientation: direction of the first wave, rad.
        peak: position of a peak, m.
        waves: 3 for a hexagonal lattice, 2 for a square one.
    """
    angles = orientation + np.pi / waves * np.arange(waves)
    along = (np.asarray(place) - np.asarray(peak)) @ np.stack([np.cos(angles), np.sin(angles)])
    wavelength = period * math.sin(math.pi / waves)
    return np.maximum(np.cos(2 * np.pi / wavelength * along).sum(axis=-1), 0)


@lru_cache
def noise_scores(count: int) -> xr.DataArray:
    """60° scores (definition, width, map) of `count` random maps for each of `NOISE_WIDTHS`."""
    random = generator(SEED, CORRECTIONS, 9)
    maps = np.stack([noise_maps(width, count, random) for width in NOISE_WIDTHS])
    return grid_scores(xr.DataArray(maps, dims=("width", "map", "y", "x")))["score_60"]


def noise_maps(width: float, count: int, random: np.random.Generator) -> np.ndarray:
    """Uniform noise after a Gaussian filter of `width` bins, cut at zero: (count, y, x)."""
    white = random.uniform(-1, 1, (count, BINS, BINS))
    return np.maximum(scipy.ndimage.gaussian_filter(white, (0, width, width)), 0)


def binned_means(place: np.ndarray, orientation: float, peak: ArrayLike) -> np.ndarray:
    """Mean rate of a lattice in each bin (y, x) at `place` (sample, 2), m; NaN in empty bins."""
    inside = place[(np.abs(place) < ARENA / 2).all(axis=1)]
    column, row = ((inside + ARENA / 2) / talks.PUBLISHED_BIN).astype(int).clip(0, BINS - 1).T
    index, rates = row * BINS + column, lattice_rates(inside, PERIOD, orientation, peak)
    count = np.bincount(index, minlength=BINS**2)
    total = np.bincount(index, rates, minlength=BINS**2)
    means = np.divide(total, count, out=np.full(BINS**2, np.nan), where=count > 0)
    return means.reshape(BINS, BINS)


def bin_centres() -> np.ndarray:
    """Middles of the bins (y, x, 2), m."""
    middle = (np.arange(BINS) + 0.5) * talks.PUBLISHED_BIN - ARENA / 2
    return np.stack(np.meshgrid(middle, middle), axis=-1)


def _placed(random: np.random.Generator) -> tuple[float, np.ndarray]:
    """A random orientation, rad, and a peak, m."""
    return random.uniform(0, np.pi), random.uniform(-PERIOD, PERIOD, 2)


def _with_one_above(limit: float, units: int, of_maps: Number) -> Number:
    """Share of networks of `units` maps with one above `limit`, if `of_maps` are."""
    shares = np.array([of_maps.value, of_maps.low, of_maps.high]) / 100
    chance, low, high = (100 * (1 - (1 - shares) ** units)).tolist()
    label = f"networks of {units:,} such units with one above {limit:g}"
    return Number(label, chance, "%", of_maps.basis, low, high)
