"""The hexagonal lattice of each rate map: period (m), orientation (rad), ellipticity.

A hexagonal map correlates with itself at six shifts of one period. They are found among the peaks
of its autocorrelogram. Three of them are independent; the others are their opposites.
"""

from __future__ import annotations

from collections.abc import Hashable
from functools import lru_cache

import numpy as np
import scipy.ndimage
import xarray as xr
from numpy.typing import ArrayLike
from scipy.interpolate import BSpline

from nofreelunch.errors import refused
from nofreelunch.scoring.autocorrelograms import (
    half_autocorrelograms,
    likeness_to_waves,
    whole,
)
from nofreelunch.scoring.bin_sizes import carriers, check_bin_size
from nofreelunch.scoring.grid_scores import score_60_of
from nofreelunch.scoring.maps import MapStack, plane

LEAST_OVERLAP = 0.1  # share of the map that overlaps at a peak; at less, noise makes peaks
GOOD_OVERLAP = 0.5  # the same at lattice points beyond the six nearest
LEAST_CORRELATION = 0.05  # at a peak; lower ones are noise
# At a period of p sides the least quality is 0.3 + 1.5 max(0, p - 0.5). A map with only a few
# fields often has six peaks around the centre by chance, but seldom good ones.
LEAST_QUALITY = 0.3
LONG_PERIOD = 0.5
QUALITY_PER_PERIOD = 1.5
# The fit plus a fifth of the 60° grid score has to reach 1.04 + 0.3 (min(p, 0.55) - 0.4) at a
# period of p sides. A few fields resemble a lattice by chance more easily than many do. The two are
# added because unequal field heights lower the fit more, and ellipticity lowers the score more.
SCORE_WEIGHT = 0.2
LEAST_EVIDENCE = 1.04
MIDDLE_PERIOD = 0.4
FEW_FIELDS = 0.55
EVIDENCE_PER_PERIOD = 0.3
SMOOTHING = (0, 1, 2)  # standard deviations in bins, tried in turn until a lattice is seen
ABOUT_BEST = 0.7  # of the best quality; among lattices above this, the shortest period wins
LARGEST_ELLIPTICITY = 1.5  # a square lattice, taken for a hexagonal one, has sqrt(3)
ANGLES = np.deg2rad([40, 80])  # allowed between two neighbouring peaks
LARGEST_RATIO = 1.5  # of the lengths of two neighbouring peaks
CANDIDATES = 20  # peaks looked at, nearest first; bounds time
FARTHEST = 0.2  # between a peak and its lattice point, in periods
OVERLAP_GAINED = 0.25  # how much more of the map may overlap at a peak than at its lattice point

# Lattice points as sums of two neighbouring ones. Of the six, 18 and 60 nearest points half are
# listed; the others are their opposites.
SIX = np.array([(1, 0), (0, 1), (-1, 1)])
EIGHTEEN = np.concatenate([SIX, [(1, 1), (2, -1), (-1, 2), (2, 0), (0, 2), (-2, 2)]])
_SUMS = np.array([(i, j) for j in range(5) for i in range(-4, 5) if j > 0 or i > 0])
_SQUARES = np.square(_SUMS).sum(axis=1) + _SUMS.prod(axis=1)  # of distances in periods
SIXTY = np.concatenate([EIGHTEEN, _SUMS[(_SQUARES > 4) & (_SQUARES <= 16)]])
# Troughs lie halfway to each of the six peaks, in the middle of triangles of lattice points, and
# between the six peaks at their distance. The last tell a lattice from noise of a single
# wavelength, which correlates with itself in every direction.
BETWEEN = np.array([(1, 1), (2, -1), (-1, 2)])
TROUGHS = np.concatenate([SIX / 2, BETWEEN[[0, 2]] / 3, BETWEEN / np.sqrt(3)])
LANDMARKS = np.concatenate([SIX, TROUGHS])
HEXAGON = np.array([(0, 1), (np.sqrt(3) / 2, 1 / 2)])  # two neighbouring peaks (y, x), period 1

_Y, _X = (axis.ravel() for axis in np.mgrid[-1:2, -1:2])
PARABOLOID = np.linalg.pinv(np.stack([_Y, _X, _Y**2, _X**2, _Y * _X, _Y**0], axis=1))[:5]

SPLINE_DEGREE = 5
MARGIN = SPLINE_DEGREE // 2 + 1
_SPLINE = BSpline.basis_element(np.arange(SPLINE_DEGREE + 2), extrapolate=False)
SPLINES = (_SPLINE, _SPLINE.derivative(1), _SPLINE.derivative(2))
CLIMBS = 5  # steps of Newton's method
LARGEST_STEP = 0.5  # bins

# Why a map has no lattice, in the order in which the tests come; "" if it has one.
REASONS = np.array(
    [
        *("", "unvisited", "constant", "no peaks", "no hexagon"),
        *("elliptic", "low quality", "few fields", "poor fit"),
    ]
)


def measure_lattices(
    rate_maps: ArrayLike, bin_size: float | None = None, unvisited: str = "masked"
) -> xr.Dataset:
    """Period, orientation and ellipticity of the hexagonal lattice in each rate map.

    A map that correlates with itself at six shifts by chance has a period, too. docs/validation.md
    has how often noise has one, how often noisy lattices have one, and how exact it is.

        >>> import numpy as np
        >>> import nofreelunch as nfl
        >>> y, x = np.mgrid[:44, :44] * 0.05
        >>> angle = np.deg2rad([0, 60, 120])[:, None, None]
        >>> k = 4 * np.pi / (np.sqrt(3) * 0.6)  # rad/m, for a period of 0.6 m
        >>> waves = np.cos(k * (x * np.cos(angle) + y * np.sin(angle)))
        >>> grid_cell = np.maximum(waves.sum(axis=0), 0)
        >>> noise = np.random.default_rng(0).normal(size=(44, 44))
        >>> nfl.measure_lattices([grid_cell, noise], bin_size=0.05)["period"].values.round(2)
        array([0.6, nan])

    Args:
        rate_maps: (..., y, x), numpy or xarray; NaN marks an unvisited bin.
        bin_size: side of a bin, m; needed.
        unvisited: what unvisited bins count as, as in `grid_scores`.

    Returns:
        A dataset over the leading dimensions. All but `reason` are NaN if a map has no lattice.

        - `period` (m): mean distance of the six nearest points of the lattice that best fits the
          peaks of the autocorrelogram. Peaks within four periods count, if enough of the map
          overlaps there. At an ellipticity e, the period is longer than that of a round lattice of
          the same area, by a share of about 3/16 (ln e)^2.
        - `orientation` (rad, 0 to pi/3): of the peaks, counter-clockwise from x. Coordinates that
          fall along y or along x say so; without coordinates both count as rising.
        - `ellipticity` (1 or more): ratio of the axes of the ellipse through the six peaks.
        - `quality`: lowest correlation at the six peaks less the highest at the troughs between
          them, and between them and the centre. It is about 4/3 for a clean lattice, and half of
          that if half of the map's variance is white noise.
        - `fit` (at most 1): correlation of the whole autocorrelogram, and not its peaks alone, with
          that of the lattice. It is corrected for white noise (`likeness_to_waves`). Require a fit
          of 0.95 to have fewer periods by chance.
        - `reason`: why there is no lattice, or "". Maps that are "unvisited" or "constant" have no
          autocorrelogram. "no peaks": there are none. "no hexagon": no two peaks are about as far
          from the centre and 60° apart. "elliptic": by more than 1.5. "low quality": below 0.3.
          "few fields": of such a long period that few fields fit the map, and of a quality that
          chance would reach. "poor fit": fit and 60° grid score together are what chance would
          reach.

    Raises:
        ValueError: for a bin size that is not a positive number, or contradicts the coordinates of
            the maps, and as `grid_scores` does.
    """
    size = check_bin_size(rate_maps, bin_size)
    names = ("period", "orientation", "ellipticity", "quality", "fit")
    stack = MapStack(rate_maps, unvisited, (*names, "reason"))
    measured = np.full((5, stack.count), np.nan)
    reason = np.zeros(stack.count, int)
    for chunk in stack.chunks():
        half = half_autocorrelograms(chunk)
        basis, quality, why = _bases(whole(half))
        fit = np.full(len(basis), np.nan)
        seen = np.flatnonzero(why == 0)
        if seen.size:
            waves = np.swapaxes(np.linalg.inv(basis[seen]), -1, -2)  # cycles per bin
            fit[seen] = likeness_to_waves(half[..., seen], waves)
            period = _describe(basis[seen])[0] / stack.side
            few = np.minimum(period, FEW_FIELDS) - MIDDLE_PERIOD
            evidence = fit[seen] + SCORE_WEIGHT * score_60_of(half[..., seen])
            poor = evidence < LEAST_EVIDENCE + EVIDENCE_PER_PERIOD * few
            why[seen[poor]] = _code("poor fit")
        measured[:, chunk.where] = *_describe(basis), quality, fit
        constant = np.where(chunk.visited, _code("constant"), _code("unvisited"))
        reason[chunk.where] = np.where(chunk.maps.any(axis=(0, 1)), why, constant)
    measured[0] *= size
    measured[:, reason > 0] = np.nan
    rows = dict(zip(names, measured, strict=True)) | {"reason": REASONS[reason]}
    found = xr.Dataset({name: stack.label(row) for name, row in rows.items()})
    if _mirrored(rate_maps):
        found["orientation"] = -found["orientation"] % (np.pi / 3)
    found["period"].attrs["units"], found["orientation"].attrs["units"] = "m", "rad"
    return found


def _mirrored(rate_maps: ArrayLike) -> bool:
    """Whether coordinates rise along one of y and x and fall along the other, in all maps."""
    arrays = [maps for maps in carriers(rate_maps) if maps.ndim > 1]
    found = {_falls(a, plane(a.dims)[0]) != _falls(a, plane(a.dims)[1]) for a in arrays}
    if len(found) > 1:
        allowed = "coordinates y and x that rise in all maps, as sortby(['y', 'x']) makes them"
        raise refused("rate_maps", "coordinates that rise in some maps and fall in others", allowed)
    return found == {True}


def _falls(maps: xr.DataArray, axis: Hashable) -> bool:
    along = maps.coords.get(axis)
    if along is None or along.dims != (axis,) or along.dtype.kind not in "fiu":
        return False
    return bool((np.diff(along.values.astype(float)) < 0).all()) and along.size > 1


def _describe(basis: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean length, orientation and ellipticity of lattices with two neighbouring peaks `basis`."""
    peaks = SIX @ basis
    y, x = peaks[..., 0], peaks[..., 1]
    sixfold = np.exp(6j * np.arctan2(y, x)).sum(axis=-1)
    orientation = np.angle(sixfold) % (2 * np.pi) / 6 % (np.pi / 3)
    # A linear map takes a regular hexagon to these peaks, and a circle to the ellipse through them.
    # Its singular values are the ellipse's axes, here from the sum of their squares and product.
    stretch = np.linalg.solve(HEXAGON, basis)
    half_sum = np.square(stretch).sum(axis=(-1, -2)) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.maximum(half_sum / np.abs(np.linalg.det(stretch)), 1)
    return np.hypot(y, x).mean(axis=-1), orientation, ratio + np.sqrt(ratio**2 - 1)


def _bases(correlations: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two neighbouring peaks (map, 2, axis) of each autocorrelogram, in bins; quality; reason code.

    Autocorrelograms are smoothed only if no lattice is seen otherwise. Smoothing removes peaks of
    noise, but moves peaks near the edge. The reason is that of the attempt that got farthest.
    """
    basis, quality = np.full((len(correlations), 2, 2), np.nan), np.full(len(correlations), np.nan)
    reason = np.full(len(correlations), _code("no peaks"))
    missing = np.arange(len(correlations))
    for width in SMOOTHING:
        seen = scipy.ndimage.gaussian_filter(correlations[missing], (0, width, width))
        basis[missing], quality[missing], why = _bases_seen(seen)
        reason[missing] = np.where(why == 0, 0, np.maximum(reason[missing], why))
        missing = np.flatnonzero(reason)
    return basis, quality, reason


def _bases_seen(correlations: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """`_bases` from one attempt, on these correlations as they are."""
    smooth = correlations
    for axis in (-1, -2):  # the finest noise would make peaks of its own
        smooth = scipy.ndimage.correlate1d(smooth, [1 / 6, 2 / 3, 1 / 6], axis=axis)
    peaks = _peaks(smooth)
    basis = _best_pairs(smooth, peaks)
    coefficients = _prefiltered(correlations)
    for points in (SIX, EIGHTEEN, SIXTY):
        found = np.flatnonzero(np.isfinite(basis).all(axis=(-1, -2)))
        basis[found] = _fitted(coefficients, found, basis[found], points)
    lags = LANDMARKS @ basis
    which = np.repeat(np.arange(len(basis)), len(LANDMARKS))
    correlation = _interpolated(coefficients, which, lags.reshape(-1, 2))[:, 0, 0]
    quality = _quality(correlation.reshape(lags.shape[:-1]))
    period, _, ellipticity = _describe(basis)
    excess = period / ((correlations.shape[-1] + 1) // 2) - LONG_PERIOD
    failures = {
        "no peaks": np.isnan(peaks).all(axis=(-1, -2)),
        "no hexagon": np.isnan(period),
        "elliptic": ellipticity > LARGEST_ELLIPTICITY,
        "low quality": quality < LEAST_QUALITY,
        "few fields": quality < LEAST_QUALITY + QUALITY_PER_PERIOD * excess,
    }
    reason = np.select(list(failures.values()), [_code(name) for name in failures], 0)
    return basis, quality, reason


def _code(reason: str) -> int:
    """The number of a reason in `REASONS`."""
    return int(np.flatnonzero(REASONS == reason)[0])


def _prefiltered(correlations: np.ndarray) -> np.ndarray:
    """Spline coefficients of autocorrelograms, with a border for points at their edge."""
    prefilter = _prefilter(correlations.shape[-1])
    coefficients = prefilter @ correlations @ prefilter.T
    return np.pad(coefficients, ((0, 0), (MARGIN, MARGIN), (MARGIN, MARGIN)), mode="reflect")


@lru_cache(maxsize=16)
def _prefilter(length: int) -> np.ndarray:
    """Matrix (length, length) that turns samples along an axis into spline coefficients."""
    return scipy.ndimage.spline_filter1d(np.eye(length), SPLINE_DEGREE, axis=0, mode="mirror")


def _interpolated(coefficients: np.ndarray, which: np.ndarray, lags: np.ndarray) -> np.ndarray:
    """Values and derivatives of splines at lags (point, axis): [point, order in y, order in x].

    `which` (point,) is the autocorrelogram that each lag is in. Lags outside move to the border.
    """
    n = (coefficients.shape[-1] - 2 * MARGIN + 1) // 2
    lags = np.clip(np.nan_to_num(lags), 1 - n, n - 1)
    first = np.floor(lags).astype(int)
    taps = np.arange(SPLINE_DEGREE + 1) - SPLINE_DEGREE // 2
    offsets = (lags - first)[..., np.newaxis] - taps + (SPLINE_DEGREE + 1) / 2
    weights = np.stack([spline(offsets) for spline in SPLINES], axis=-2)
    index = first[..., np.newaxis] + taps + n - 1 + MARGIN
    patch = coefficients[which[:, None, None], index[:, 0, :, None], index[:, 1, None, :]]
    return weights[:, 0] @ patch @ np.swapaxes(weights[:, 1], -1, -2)


def _overlap(lags: np.ndarray, n: int) -> np.ndarray:
    """Share of the map that overlaps at lags (..., axis)."""
    return np.clip(1 - np.abs(lags) / n, 0, 1).prod(axis=-1)


def _peaks(smooth: np.ndarray) -> np.ndarray:
    """The nearest peaks of each autocorrelogram, one of each pair: (map, candidate, axis), bins.

    Each is the vertex of a paraboloid through the 3 x 3 bins around it. Missing ones are NaN.
    """
    n = (smooth.shape[-1] + 1) // 2
    lag = np.stack([*np.mgrid[1 - n : n, 1 - n : n]], axis=-1)
    allowed = (lag[..., 0] > 0) | ((lag[..., 0] == 0) & (lag[..., 1] > 0))
    allowed &= (np.abs(lag) < n - 1).all(axis=-1) & (_overlap(lag, n) >= LEAST_OVERLAP)
    highest = scipy.ndimage.maximum_filter1d(smooth, 3, axis=-1)
    highest = scipy.ndimage.maximum_filter1d(highest, 3, axis=-2)
    found = (smooth == highest) & (smooth > LEAST_CORRELATION) & allowed
    which, y, x = np.nonzero(found)
    order = np.lexsort((np.hypot(*(lag[y, x].T)), which))
    which, y, x = which[order], y[order], x[order]
    rank = np.arange(which.size) - np.searchsorted(which, which)
    which, y, x, rank = (values[rank < CANDIDATES] for values in (which, y, x, rank))
    peaks = np.full((len(smooth), CANDIDATES, 2), np.nan)
    patch = np.stack([smooth[which, y + j, x + i] for j, i in zip(_Y, _X, strict=True)], axis=-1)
    peaks[which, rank] = lag[y, x] + _vertex(patch)
    return peaks


def _vertex(patch: np.ndarray) -> np.ndarray:
    """Top of the least-squares paraboloid through 3 x 3 values (point, 9), at most a bin away."""
    slope_y, slope_x, curve_y, curve_x, twist = PARABOLOID @ patch.T
    determinant = 4 * curve_y * curve_x - twist**2
    determinant = np.where(determinant > 0, determinant, np.inf)
    top = np.stack(
        [twist * slope_x - 2 * curve_x * slope_y, twist * slope_y - 2 * curve_y * slope_x]
    )
    return np.clip(top / determinant, -1, 1).T


def _best_pairs(smooth: np.ndarray, peaks: np.ndarray) -> np.ndarray:
    """The two neighbouring peaks (map, 2, axis) that span the best lattice; NaN if none do.

    Every lattice contains coarser ones. So of lattices of about the best quality, the one with the
    shortest period is taken.
    """
    both = np.concatenate([peaks, -peaks], axis=1)
    length = np.hypot(both[..., 0], both[..., 1])
    angle = np.arctan2(both[..., 0], both[..., 1])
    between = (angle[:, np.newaxis, :] - angle[:, : peaks.shape[1], np.newaxis]) % (2 * np.pi)
    ratio = length[:, np.newaxis, :] / length[:, : peaks.shape[1], np.newaxis]
    near = (between > ANGLES[0]) & (between < ANGLES[1])
    near &= (ratio < LARGEST_RATIO) & (ratio > 1 / LARGEST_RATIO)
    which, first, second = np.nonzero(near)
    pairs = np.stack([both[which, first], both[which, second]], axis=1)
    lags = LANDMARKS @ pairs + smooth.shape[-1] // 2
    places = np.broadcast_to(which[:, np.newaxis], lags.shape[:-1]), lags[..., 0], lags[..., 1]
    quality = _quality(scipy.ndimage.map_coordinates(smooth, places, order=1, mode="nearest"))
    best = np.zeros(len(smooth))
    np.maximum.at(best, which, quality)
    good = np.flatnonzero((quality >= ABOUT_BEST * best[which]) & (quality > 0))
    period = np.hypot(*np.moveaxis(SIX @ pairs[good], -1, 0)).sum(axis=-1)
    good = good[np.argsort(-period)]  # the shortest period last, to overwrite the others
    chosen = np.full((len(smooth), 2, 2), np.nan)
    chosen[which[good]] = pairs[good]
    return chosen


def _quality(correlations: np.ndarray) -> np.ndarray:
    """Lowest peak less highest trough, from the correlations at `LANDMARKS` (..., landmark)."""
    return correlations[..., : len(SIX)].min(axis=-1) - correlations[..., len(SIX) :].max(axis=-1)


def _fitted(
    coefficients: np.ndarray, which: np.ndarray, basis: np.ndarray, points: np.ndarray
) -> np.ndarray:
    """The lattices (map, 2, axis) that best fit the peaks found near `points` of lattices `basis`.

    A point counts if its peak is near and enough of the map overlaps there.
    """
    n = (coefficients.shape[-1] - 2 * MARGIN + 1) // 2
    expected = points @ basis
    least = np.where(np.arange(len(points)) < len(SIX), LEAST_OVERLAP, GOOD_OVERLAP)
    near = _overlap(expected, n) > least - OVERLAP_GAINED
    lags, is_peak = expected.copy(), near.copy()
    which = np.repeat(which, near.sum(axis=1))
    lags[near], is_peak[near] = _climbed(coefficients, which, expected[near])
    distance = np.hypot(*np.moveaxis(lags - expected, -1, 0))
    period = np.hypot(*np.moveaxis(basis, -1, 0)).mean(axis=-1, keepdims=True)
    counts = is_peak & (distance < FARTHEST * period) & (_overlap(lags, n) >= least)
    normal = np.einsum("mp,pi,pj->mij", counts, points, points, dtype=float)
    target = np.einsum("mp,pi,mpa->mia", counts, points, lags)
    solvable = np.linalg.det(normal) > 0.5  # an integer: at least two independent points
    fitted = np.full_like(basis, np.nan)
    fitted[solvable] = np.linalg.solve(normal[solvable], target[solvable])
    return fitted


def _climbed(
    coefficients: np.ndarray, which: np.ndarray, lags: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Tops (point, axis) reached from `lags` by Newton's method, and whether each is a peak."""
    for _ in range(CLIMBS):
        surface = _interpolated(coefficients, which, lags)
        slope = surface[:, [1, 0], [0, 1]]
        curve = surface[:, [[2, 1], [1, 0]], [[0, 1], [1, 2]]]
        is_peak = (curve[:, 0, 0] < 0) & (np.linalg.det(curve) > 0)
        curve[~is_peak] = -np.eye(2)
        step = np.linalg.solve(curve, -slope[..., np.newaxis])[..., 0]
        lags = lags + np.clip(step, -LARGEST_STEP, LARGEST_STEP)
    return lags, is_peak & (np.abs(step) < 0.01).all(axis=-1)
