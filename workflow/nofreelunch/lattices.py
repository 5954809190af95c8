"""Lattices in rate maps: period, orientation and ellipticity, in metres and radians.

A hexagonal map is alike to itself at six shifts around zero, a period away. They are sought among
the peaks of its autocorrelogram; three of them are independent, the others are their opposites.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import scipy.ndimage
import xarray as xr
from numpy.typing import ArrayLike
from scipy.interpolate import BSpline

from nofreelunch.autocorrelograms import (
    Stack,
    half_autocorrelograms,
    lagged_products,
    likeness_to_waves,
    whole,
)
from nofreelunch.grid_scores import score_60_of

LEAST_OVERLAP = 0.1  # share of the map that overlaps at a peak that is looked at
GOOD_OVERLAP = 0.5  # the same at the lattice points beyond the six nearest
LEAST_CORRELATION = 0.05  # at a peak
# At a period of p sides the least quality is 0.3 + 1.5 max(0, p - 0.5): a map that holds only a few
# fields has six peaks around the centre by chance, if seldom good ones.
LEAST_QUALITY = 0.3
LONG_PERIOD = 0.5
QUALITY_PER_PERIOD = 1.5
# Fit and a fifth of the 60° grid score make at least 1.04 + 0.3 (p - 0.4) at a period of p sides,
# or as much as at 0.55: few fields are like a lattice more easily than many are. Fields of unequal
# heights cost the fit more than the score, ellipticity costs the score more than the fit.
SCORE_WEIGHT = 0.2
LEAST_EVIDENCE = 1.04
MIDDLE_PERIOD = 0.4
FEW_FIELDS = 0.55
EVIDENCE_PER_PERIOD = 0.3
SMOOTHING = (0, 1, 2)  # standard deviations in bins, tried in turn
ABOUT_BEST = 0.7  # of the best quality, where the lesser period decides
LARGEST_ELLIPTICITY = 1.5  # a square lattice, taken for a hexagonal one, has sqrt(3)
ANGLES = np.deg2rad([40, 80])  # allowed between two neighbouring peaks
LARGEST_RATIO = 1.5  # of the lengths of two neighbouring peaks
CANDIDATES = 20  # peaks looked at, nearest first
FARTHEST = 0.2  # of the period, between a peak and its lattice point
OVERLAP_GAINED = 0.25  # at most, between a lattice point and its peak

# Lattice points as sums of two neighbouring ones: half of the six, 18 and 60 that are nearest.
SIX = np.array([(1, 0), (0, 1), (-1, 1)])
EIGHTEEN = np.concatenate([SIX, [(1, 1), (2, -1), (-1, 2), (2, 0), (0, 2), (-2, 2)]])
_SUMS = np.array([(i, j) for j in range(5) for i in range(-4, 5) if j > 0 or i > 0])
_SQUARES = np.square(_SUMS).sum(axis=1) + _SUMS.prod(axis=1)  # of distances, in periods
SIXTY = np.concatenate([EIGHTEEN, _SUMS[(_SQUARES > 4) & (_SQUARES <= 16)]])
# Halfway from the centre to each of the six, the middles of triangles of lattice points, and as far
# as the six but between them: what only has a scale, as a ring of frequencies, is alike there too.
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
CLIMBS = 5
LARGEST_STEP = 0.5  # bins

# Why a map has no lattice, from what fails first to what fails last; no reason where it has one.
REASONS = np.array(
    [
        *("", "unvisited", "constant", "no peaks", "no hexagon"),
        *("elliptic", "low quality", "few fields", "poor fit"),
    ]
)


def measure(
    rate_maps: ArrayLike, bin_size: float | None = None, unvisited: str = "masked"
) -> xr.Dataset:
    """Period, orientation and ellipticity of the hexagonal lattice in each rate map.

    Where chance makes a map alike to itself at six shifts, it has a period, too. In a box of 2.2 m,
    of 20 or 44 bins, these are (300 maps of each kind, most of kinds that no threshold was chosen
    by): none of white or smooth noise, stripes or squares; up to 3 % of noise of a narrow band of
    wavelengths, 11 % where it is rectified and 13 % where it is cut higher, most at 1 to 1.4 m (1,
    6 and 2 % have a `fit` of 0.95 as well); 4 % of sums of a few plane waves; 1 % of random bumps,
    but 4 to 9 % of boxes packed with bumps as densely as can be, which leaves them nearly in a
    lattice. Of clean lattices of 0.3 to 1.4 m 99 % or more have one, of an ellipticity of up to 1.2
    90 % or more, as have 93 % or more up to 1.2 m with as much white noise as signal (half at 1.4 m
    and 20 bins); of those with fields off by a twentieth of the period 93 % or more, by a tenth 40
    to 80 %; of those whose heights vary by two fifths 73 to 100 %.

    Args:
        rate_maps: (..., y, x), numpy or xarray; NaN marks an unvisited bin.
        bin_size: side of a bin, m; needed.
        unvisited: what unvisited bins count as, as in `grid_scores.score`.

    Returns:
        A dataset over the leading dimensions. The first five are NaN where a map has no lattice:

        - `period` (m): mean distance of the six nearest peaks of the autocorrelogram, from the
          lattice that fits these and, where enough of the map overlaps, all within four periods. Of
          clean maps of 44 bins within 0.2 % from four bins (0.2 m; rectified below 0.24 m within
          0.25 %); of 20 bins within 1 % from four bins; of fields with a standard deviation of a
          tenth of it within 2 %. By its definition 0.6 or 1.3 % longer at an ellipticity of 1.2 or
          1.3 than that of a round lattice of the same area.
        - `orientation` (rad, 0 to pi/3): of the peaks, counter-clockwise from x.
        - `ellipticity` (1 or more): ratio of the axes of the ellipse through the six peaks.
        - `quality` (0.3 to about 1.3): lowest correlation at the six peaks less the highest at the
          troughs between them, and between them and the centre. Near 1.3 for a clean lattice; white
          noise of the lattice's own variance halves it.
        - `fit` (at most 1): how far all of the autocorrelogram, not its peaks alone, is that of the
          lattice, whatever white noise the map has (`autocorrelograms.likeness_to_waves`). 0.97 or
          more for clean lattices. Ask for 0.95 to have periods still less often by chance.
        - `reason`: why there is no lattice, or "". "unvisited" and "constant" maps have no
          autocorrelogram; "no peaks", or none of which two are about as far and 60° apart ("no
          hexagon"); "elliptic", by more than 1.5; "low quality", below 0.3; "few fields", a
          quality that chance would reach at this period, of which so little fits the map; or "poor
          fit", where fit and 60° grid score together are what chance would reach.

    Raises:
        ValueError: for a bin size that is not a positive number, and for maps as in `score`.
    """
    size = np.asarray(bin_size)
    if size.ndim or size.dtype.kind not in "fiu" or not 0 < size < np.inf:
        raise ValueError(f"bin_size: found {bin_size!r}, allowed: a positive number of metres")
    names = ("period", "orientation", "ellipticity", "quality", "fit")
    stack = Stack(rate_maps, unvisited, (*names, "reason"))
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
    found = xr.Dataset({name: stack.label(row) for name, row in zip(names, measured, strict=True)})
    found["reason"] = stack.label(REASONS[reason])
    found["period"].attrs["units"], found["orientation"].attrs["units"] = "m", "rad"
    return found


def nearest_six(rate_maps: ArrayLike) -> xr.Dataset:
    """The lattice period in bins as Schaeffer et al. 2022 estimate it: short by up to a quarter.

    Peaks are local maxima of the raw autocorrelation, in which the mean is not subtracted, overlap
    not accounted for, and an unvisited bin counts as zero.

    `rate_maps` and errors as in `measure`. Returns a dataset over the leading dimensions: `period`,
    mean distance of the (up to) six peaks nearest to the centre; `period_spread`, its standard
    deviation; `peaks`, their number. The first two are NaN where there is none.
    """
    names = ("period", "period_spread", "peaks")
    stack = Stack(rate_maps, "zero", names)
    found = np.full((3, stack.count), np.nan)
    for chunk in stack.chunks():
        rates = np.nan_to_num(np.moveaxis(stack.maps[chunk.where], 0, -1).astype(float))
        largest = np.abs(rates).max(axis=(0, 1))
        rates /= np.where(largest > 0, largest, 1)  # whose squares may be too large, or too small
        distances = _peak_distances(whole(lagged_products(rates)))[:, 1:7]  # 0: the centre itself
        nearest = np.ma.masked_invalid(distances)
        for row, value in enumerate((nearest.mean(-1), nearest.std(-1), nearest.count(-1))):
            found[row, chunk.where] = np.ma.filled(value, np.nan)
    return xr.Dataset({name: stack.label(row) for name, row in zip(names, found, strict=True)})


def _peak_distances(products: np.ndarray) -> np.ndarray:
    """Distances in bins from the centre to local maxima (3 x 3, none at the border), ascending.

    (map, lag), infinite where there are no more.
    """
    # Sums that are equal but for the rounding of a transform must not make peaks.
    highest = products.max(axis=(1, 2), keepdims=True)
    products = (products / np.where(highest > 0, highest, 1)).round(12)
    peaks = products == scipy.ndimage.maximum_filter(products, (1, 3, 3), mode="nearest")
    peaks &= products > products.min(axis=(1, 2), keepdims=True)
    lag = np.arange(products.shape[-1])[1:-1] - products.shape[-1] // 2
    distance = np.where(peaks[:, 1:-1, 1:-1], np.hypot(lag[:, np.newaxis], lag), np.inf)
    return np.sort(distance.reshape(len(distance), -1), axis=-1)


def _describe(basis: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean length, orientation and ellipticity of lattices with two neighbouring peaks `basis`."""
    peaks = SIX @ basis
    y, x = peaks[..., 0], peaks[..., 1]
    sixfold = np.exp(6j * np.arctan2(y, x)).sum(axis=-1)
    orientation = np.angle(sixfold) % (2 * np.pi) / 6 % (np.pi / 3)
    # The ellipse is the circle seen by the linear map that takes a regular hexagon to these peaks;
    # its axes are the singular values of that map, here from their squared sum and their product.
    stretch = np.linalg.solve(HEXAGON, basis)
    half_sum = np.square(stretch).sum(axis=(-1, -2)) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.maximum(half_sum / np.abs(np.linalg.det(stretch)), 1)
    return np.hypot(y, x).mean(axis=-1), orientation, ratio + np.sqrt(ratio**2 - 1)


def _bases(correlations: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two neighbouring peaks (map, 2, axis) of each autocorrelogram, in bins; quality; reason code.

    Autocorrelograms are smoothed only where no lattice is seen otherwise: noise hides peaks among
    its own, and smoothing moves those near the edge. The reason is that of the best attempt.
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
    """The same from these correlations as they are."""
    smooth = correlations
    for axis in (-1, -2):  # less of the finest noise, which makes peaks of its own
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
    return int(np.flatnonzero(REASONS == reason)[0])


def _prefiltered(correlations: np.ndarray) -> np.ndarray:
    """Spline coefficients of the autocorrelogram, with a border for points at its edge."""
    prefilter = _prefilter(correlations.shape[-1])
    coefficients = prefilter @ correlations @ prefilter.T
    return np.pad(coefficients, ((0, 0), (MARGIN, MARGIN), (MARGIN, MARGIN)), mode="reflect")


@lru_cache(maxsize=16)
def _prefilter(length: int) -> np.ndarray:
    return scipy.ndimage.spline_filter1d(np.eye(length), SPLINE_DEGREE, axis=0, mode="mirror")


def _interpolated(coefficients: np.ndarray, which: np.ndarray, lags: np.ndarray) -> np.ndarray:
    """Value and derivatives of splines at lags (point, axis): [point, order in y, order in x].

    `which` (point) says which autocorrelogram each lag is in. Lags outside are taken at the border.
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

    Filled up with NaN. Each is the vertex of a paraboloid through the 3 x 3 bins around it.
    """
    n = (smooth.shape[-1] + 1) // 2
    lag = np.stack(np.mgrid[1 - n : n, 1 - n : n], axis=-1)
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
    """The two neighbouring peaks (map, 2, axis) that span the best lattice; NaN where none do.

    Of lattices of about the best quality the one of the least period: any lattice has others in it.
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
    good = good[np.argsort(-period)]  # the least period last, where it overwrites the others
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

    A point counts when enough of the map overlaps there and its peak is not far.
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
