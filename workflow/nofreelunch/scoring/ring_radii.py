"""Gridness as Banino et al. (2018) define it, and how many units it calls grid-like.

A ring of the autocorrelogram is correlated with itself turned by multiples of 30°. The score is the
largest over rings with outer radii of 8 to 20 of 32 bins. The rings leave out the central peak, but
the paper does not say up to which inner radius. The share of grid-like units depends on it, and on
what a score has to exceed.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from nofreelunch import seeds
from nofreelunch.errors import check_choice, refused, shown
from nofreelunch.scoring.autocorrelograms import half_autocorrelograms
from nofreelunch.scoring.firing_fields import find_fields
from nofreelunch.scoring.grid_scores import DEFINITIONS, VARIANCE_OFFSET
from nofreelunch.scoring.maps import MapStack
from nofreelunch.scoring.ring_geometry import geometry, turned_points
from nofreelunch.scoring.surrogates import KINDS

SIDE = 32  # bins of a map's side
INNER_RADII = (4.0, 6.4, 9.0, 12.0)  # bins; the released code takes 0.2 of the side
OUTER_RADII = (8, 10, 12, 14, 16, 18, 20)  # bins
FIXED, FIXED_SCORE = "fixed", 0.37  # mean over units of their thresholds by shuffled fields
CRITERIA = (FIXED, *KINDS)  # what a score has to exceed
SURROGATES = 39  # of each kind and unit: two of them in forty exceed the threshold, 5 %
QUANTILE = 0.95
TURNS = (30, 60)  # degrees that need interpolation; a quarter turn more gives 120 and 150


def radius_scores(rate_maps: ArrayLike, inner_radii: Sequence[float] = INNER_RADII) -> np.ndarray:
    """Gridness (definition, inner radius, map) of maps (map, y, x), for each inner radius.

    The definitions are "min_max", the paper's, and "mean", that of the released code, as in
    `grid_scores`.

    Args:
        rate_maps: square maps with sides longer than 20 bins; NaN marks an unvisited bin.
        inner_radii: bins, not included in a ring.

    Raises:
        ValueError: for an inner radius that no outer radius exceeds, or maps as `grid_scores`
            refuses.
    """
    _check_radii(inner_radii)
    stack = MapStack(rate_maps)
    found = np.full((len(DEFINITIONS), len(inner_radii), stack.count), np.nan)
    for chunk in stack.chunks():
        sums, edges = _ring_sums(half_autocorrelograms(chunk), inner_radii)
        for place, inner in enumerate(inner_radii):
            first = edges.index(inner)
            outer = [edges.index(radius) for radius in OUTER_RADII if radius > inner]
            scores = _scores(sums[:, outer] - sums[:, first, np.newaxis])
            found[:, place, chunk.where] = scores.max(axis=1)
        found[:, :, chunk.where][..., ~chunk.visited] = np.nan
    return found


def grid_like_units(
    rate_maps: np.ndarray,
    seed: int,
    criteria: Sequence[str] = CRITERIA,
    inner_radii: Sequence[float] = INNER_RADII,
) -> np.ndarray:
    """Which units are grid-like: booleans (definition, criterion, inner radius, unit).

    A unit's gridness has to exceed 0.37 ("fixed"), or the 95th percentile of the unit's own
    surrogates: random maps with its spectrum and rates ("phase"), or its fields at other places
    ("shuffle"). A map with fewer than two fields, which have nothing to shuffle, never passes the
    last. A constant map passes none.

    Args:
        rate_maps: maps (unit, y, x) of one network, as in `radius_scores`.
        seed: of the surrogates. What a unit draws depends on the seed and its place alone.
        criteria: some of `CRITERIA`.
        inner_radii: bins.

    Raises:
        ValueError: for a criterion that is not there, and as `radius_scores` does.
    """
    for name in criteria:
        check_choice("criterion", name, CRITERIA)
    scores = radius_scores(rate_maps, inner_radii)
    needed = np.full((len(DEFINITIONS), len(criteria), *scores.shape[1:]), np.inf)
    if FIXED in criteria:
        needed[:, criteria.index(FIXED)] = FIXED_SCORE
    kinds = [name for name in criteria if name != FIXED]
    tested = np.flatnonzero(np.nan_to_num(scores).any(axis=(0, 1)))
    for unit in map(int, tested if kinds else ()):
        found = find_fields(rate_maps[unit])
        for name in kinds:
            random = seeds.generator(seed, seeds.SURROGATES, unit, CRITERIA.index(name))
            if draw := KINDS[name](rate_maps[unit], found, random):
                chance = radius_scores(draw(SURROGATES), inner_radii)
                height = np.quantile(chance, QUANTILE, axis=-1, method="weibull")
                needed[:, criteria.index(name), :, unit] = height
    return scores[:, np.newaxis] > needed


def _check_radii(inner_radii: Sequence[float]) -> None:
    for radius in inner_radii:
        if not 0 <= radius < OUTER_RADII[-1]:
            allowed = f"0 or more and below {OUTER_RADII[-1]} bins, the largest outer radius"
            raise refused("inner radius", shown(radius), allowed)


def _ring_sums(half: np.ndarray, inner_radii: Sequence[float]) -> tuple[np.ndarray, list[float]]:
    """Sums over the lags within each radius but the smallest: (term, edge, map), and the edges.

    The terms are the number of lags; correlations; their squares; their products with themselves
    turned by 90°; and for each of `TURNS` the turned correlations, and their products with the
    correlations and with those turned by 90°.
    """
    edges = sorted({*map(float, inner_radii), *map(float, OUTER_RADII)})
    rings = geometry(len(half), tuple(edges), TURNS)
    plain, quarter, turned = turned_points(half, rings)
    terms = [np.ones_like(plain), plain, plain**2, plain * quarter]
    for other in turned:
        terms += [other, plain * other, quarter * other]
    sums = np.zeros((len(terms), len(edges), half.shape[-1]))
    for place, ring in enumerate(rings.rings, 1):
        sums[:, place] = [term[ring].sum(axis=0) for term in terms]
    return sums.cumsum(axis=1), edges


def _scores(sums: np.ndarray) -> np.ndarray:
    """Gridness (definition, ring, map) from the sums (term, ring, map) over rings."""
    mean, square, by_90, *of_turns = sums[1:] / sums[0]
    correlations = {90: by_90 - mean**2}
    for place, angle in enumerate(TURNS):
        other, product, by_quarter = of_turns[3 * place : 3 * place + 3]
        correlations[angle] = product - mean * other
        correlations[angle + 90] = by_quarter - mean * other
    variance = square - mean**2 + VARIANCE_OFFSET
    like = np.stack([correlations[angle] for angle in (60, 120)]) / variance
    unlike = np.stack([correlations[angle] for angle in (30, 90, 150)]) / variance
    by_definition = {
        "min_max": like.min(axis=0) - unlike.max(axis=0),
        "mean": like.mean(axis=0) - unlike.mean(axis=0),
    }
    return np.stack([by_definition[name] for name in DEFINITIONS])
