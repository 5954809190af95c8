"""Spatial measures other than grid scores: information, sparsity, border score, stability.

None depends on the scale of the rates. All take maps (..., y, x), square or not, and give one
number per map. It is finite, or NaN if the measure has no meaning for that map.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import scipy.ndimage
import scipy.special
import xarray as xr
from numpy.typing import ArrayLike

from nofreelunch.errors import refused, shown
from nofreelunch.scoring.bin_sizes import check_bin_size
from nofreelunch.scoring.maps import labelled, least_change
from nofreelunch.scoring.places import placed_as

BINS_PER_CHUNK = 2**20  # bounds memory
FIELD_THRESHOLD = 0.3  # of the peak rate (Solstad et al. 2008)
LEAST_FIELD_AREA = 0.02  # m² (Solstad et al. 2008: 200 cm²)
SAME_MAP = np.zeros((3, 3, 3), int)  # bins that touch, also at corners, within a map
SAME_MAP[1] = 1


def spatial_information(rate_maps: ArrayLike, occupancy: ArrayLike) -> xr.DataArray:
    """Spatial information in bits per spike (Skaggs et al. 1993).

    It is the sum over bins of p r log2(r), where p is the share of time in a bin and r is its rate
    over the mean rate. A constant map has 0. A unit that fires in one of n equally visited bins has
    log2(n). Estimates from spike counts are biased upwards, more so for fewer spikes; the units of
    a network have no such noise.

        >>> import numpy as np
        >>> import nofreelunch as nfl
        >>> y, x = np.mgrid[:44, :44] * 0.05
        >>> angle = np.deg2rad([0, 60, 120])[:, None, None]
        >>> k = 4 * np.pi / (np.sqrt(3) * 0.6)  # rad/m, for a period of 0.6 m
        >>> waves = np.cos(k * (x * np.cos(angle) + y * np.sin(angle)))
        >>> grid_cell = np.maximum(waves.sum(axis=0), 0)
        >>> occupancy = np.ones((44, 44))
        >>> round(nfl.spatial_information(grid_cell, occupancy).item(), 2)
        1.65

    Args:
        rate_maps: (..., y, x), numpy or xarray, 0 or more; NaN marks an unvisited bin.
        occupancy: (y, x), time or samples per bin; bins with 0 or NaN, or masked, do not count.

    Returns:
        An array over the leading dimensions. NaN for a map with a negative rate (there are no
        spikes to share out), for a silent one, and for one without any visited bin.

    Raises:
        ValueError: for infinite or non-numeric maps, and for an occupancy of another shape,
            negative, not finite, or 0 everywhere.
    """

    def bits(maps: np.ndarray, weight: np.ndarray) -> np.ndarray:
        ratio = maps / _nonzero((weight * maps).sum(axis=(1, 2), keepdims=True))
        found = (weight * scipy.special.xlogy(ratio, ratio)).sum(axis=(1, 2)) / math.log(2)
        varies = _varies(np.where(weight > 0, maps, np.nan))
        return np.where(varies, found, 0 * found)  # exactly 0, without rounding

    return _occupied(bits, rate_maps, occupancy)


def sparsity(rate_maps: ArrayLike, occupancy: ArrayLike) -> xr.DataArray:
    """Sparsity (Skaggs et al. 1996, after Treves and Rolls): share of the arena where a unit fires.

    It is (sum of p r)^2 / (sum of p r^2), where p is the share of time in a bin and r its rate. It
    goes from near 0 for one small field to 1 for a constant map.

    Args, NaN and errors as in `spatial_information`.
    """

    def share(maps: np.ndarray, weight: np.ndarray) -> np.ndarray:
        mean, square = ((weight * rates).sum(axis=(1, 2)) for rates in (maps, maps**2))
        return mean**2 / _nonzero(square)

    return _occupied(share, rate_maps, occupancy)


def border_score(
    rate_maps: ArrayLike, bin_size: float, least_area: float = LEAST_FIELD_AREA
) -> xr.DataArray:
    """Border score (Solstad et al. 2008): (c - d) / (c + d), from -1 to 1.

    A field is a set of bins that touch, also at corners, with rates above 0.3 of the map's peak and
    a total area of at least `least_area`. c is the largest share of a wall that one field covers. d
    is the mean distance from the nearest wall of all bins in fields, weighted by rate, over half
    the shorter side.

    Distances are those of the bins' centres, so that d does not depend on the size of the bins.
    Some toolboxes take the farther side of a bin, which lowers the score. If a bin at a wall was
    not visited, the nearest visited one in that half of the row or column stands for it.

    The measure is made for boxes. Where the visited region is a disc, each side of the square
    around it stands for a wall: a unit along a quarter of a round wall scores 0.48 to 0.68,
    depending on its direction and depth, and thus about the threshold.

    The published threshold is 0.5. A unit that fires nearly everywhere in a square box has c = 1
    and d = 1/3, and thus 0.5 as well.

        >>> import numpy as np
        >>> import nofreelunch as nfl
        >>> y, x = np.mgrid[:44, :44] * 0.05
        >>> angle = np.deg2rad([0, 60, 120])[:, None, None]
        >>> k = 4 * np.pi / (np.sqrt(3) * 0.6)  # rad/m, for a period of 0.6 m
        >>> waves = np.cos(k * (x * np.cos(angle) + y * np.sin(angle)))
        >>> grid_cell = np.maximum(waves.sum(axis=0), 0)
        >>> border_cell = np.where(x < 0.15, 1.0, 0.0)
        >>> nfl.border_score([grid_cell, border_cell], bin_size=0.05).values.round(1)
        array([-0.3,  0.9])

    Args:
        rate_maps: (..., y, x), numpy or xarray; NaN marks an unvisited bin.
        bin_size: side of a bin, m.
        least_area: of a field, m². The published one, 0.02 m², is for boxes of 1 to 1.5 m.

    Returns:
        An array over the leading dimensions. NaN for a map without any field: one that is constant,
        nowhere above 0, or above threshold only in smaller spots. Negative rates lie outside
        fields, so a map and its negative have different scores.

    Raises:
        ValueError: for infinite or non-numeric maps, a bin size that is not a positive number or
            contradicts the coordinates of the maps, and a negative area.
    """
    size, area = check_bin_size(rate_maps, bin_size), np.asarray(least_area)
    if area.ndim or area.dtype.kind not in "fiu" or not 0 <= area < np.inf:
        raise refused("least_area", shown(least_area), "a number of m², 0 or more")
    least_bins = least_area / size**2 * (1 - 1e-9)  # rounding may make equal areas differ
    return _measure(lambda maps: _border_scores(maps, least_bins), rate_maps)


def stability(first_half: ArrayLike, second_half: ArrayLike) -> xr.DataArray:
    """Pearson correlation of two maps of each unit, one from each half of the data.

        >>> import numpy as np
        >>> import nofreelunch as nfl
        >>> y, x = np.mgrid[:44, :44] * 0.05
        >>> angle = np.deg2rad([0, 60, 120])[:, None, None]
        >>> k = 4 * np.pi / (np.sqrt(3) * 0.6)  # rad/m, for a period of 0.6 m
        >>> waves = np.cos(k * (x * np.cos(angle) + y * np.sin(angle)))
        >>> grid_cell = np.maximum(waves.sum(axis=0), 0)
        >>> noise = np.random.default_rng(0).normal(size=(2, 44, 44))
        >>> first_half, second_half = grid_cell + 0.4 * noise
        >>> round(nfl.stability(first_half, second_half).item(), 1)
        0.8

    Args:
        first_half, second_half: (..., y, x), numpy or xarray, of one shape. NaN marks an unvisited
            bin. Only bins visited in both halves count. Where both name their axes or label their
            units, units are paired by these.

    Returns:
        An array over the leading dimensions of `first_half`. NaN if fewer than two bins were
        visited in both, or if one of the maps is constant there.

    Raises:
        ValueError: for infinite or non-numeric maps, and for maps of different shapes.
    """

    def correlation(first: np.ndarray, second: np.ndarray) -> np.ndarray:
        both = ~np.isnan(first)
        varied, deviations = _varies(first) & _varies(second), []
        for maps in (first, second):
            mean = np.where(both, maps, 0).sum(axis=(1, 2)) / _nonzero(both.sum(axis=(1, 2)))
            deviations.append(np.where(both, maps - mean[:, None, None], 0))
        covariance = np.prod(deviations, axis=0).sum(axis=(1, 2))
        scale = np.prod([np.sqrt((d**2).sum(axis=(1, 2))) for d in deviations], axis=0)
        return np.clip(covariance / np.where(varied, _nonzero(scale), np.nan), -1, 1)

    second_half = placed_as(first_half, second_half, "second_half")
    first = labelled(placed_as(second_half, first_half, "first_half"), "first_half")
    second = labelled(second_half, "second_half")
    return _measure(correlation, first, _aligned(first, second))


def _aligned(first: xr.DataArray, second: xr.DataArray) -> xr.DataArray:
    """`second` with the axes and labels of `first`, in its order.

    Raises ValueError for other labels, and for maps of another shape.
    """
    if {*first.dims} == {*second.dims}:
        second = second.transpose(*first.dims)
    if first.shape != second.shape:
        raise refused("second_half", f"shape {second.shape}", f"that of first_half, {first.shape}")
    for dim in {*first.dims} & {*first.indexes} & {*second.indexes}:
        here, there = first.indexes[dim], second.indexes[dim]
        if not here.equals(there):
            if not (here.is_unique and here.sort_values().equals(there.sort_values())):
                raise refused("second_half", f"other labels along {dim}", "those of first_half")
            second = second.sel({dim: here})
    return second


def _measure(
    function: Callable[..., np.ndarray], *rate_maps: ArrayLike, counted: ArrayLike = True
) -> xr.DataArray:
    """`function` of maps (map, y, x), some at a time, over their leading dimensions.

    It gets the maps in float64, each divided by its largest absolute rate. Bins that are not
    `counted`, or not visited in all maps of a unit, are NaN. A map that varies by no more than
    rounding is made constant.
    """
    arrays = [labelled(maps) for maps in rate_maps]
    for maps in arrays:
        if maps.ndim < 2 or 0 in maps.shape[-2:]:
            raise refused("rate_maps", f"shape {maps.shape}", "(..., y, x) of at least one bin")
    first = arrays[0]
    leading = first.isel({dim: 0 for dim in first.dims[-2:]}, drop=True)
    stacks = [maps.values.reshape(-1, *first.shape[-2:]) for maps in arrays]
    values = np.full(math.prod(leading.shape), np.nan)
    step = max(1, BINS_PER_CHUNK // math.prod(first.shape[-2:]))
    for start in range(0, values.size, step):
        where = slice(start, start + step)
        chosen = [stack[where] for stack in stacks]
        seen = counted & ~np.any([np.isnan(maps) for maps in chosen], axis=0)
        values[where] = function(*(_scaled(maps, seen) for maps in chosen))
    coords = {name: leading.coords[name] for name in leading.coords}
    return xr.DataArray(values.reshape(leading.shape), dims=leading.dims, coords=coords)


def _scaled(maps: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Maps (map, y, x) as `_measure` hands them on; `seen` are the bins that count."""
    least = least_change(maps.dtype)
    if np.isinf(maps).any():
        raise refused("rate_maps", "an infinite rate", "finite rates and NaN")
    maps = np.where(seen, maps.astype(float), np.nan)
    largest = np.max(np.abs(maps), axis=(1, 2), keepdims=True, initial=0, where=seen)
    maps /= np.where(largest > 0, largest, 1)
    low = maps.min(axis=(1, 2), keepdims=True, initial=np.inf, where=seen)
    high = maps.max(axis=(1, 2), keepdims=True, initial=-np.inf, where=seen)
    return np.where(seen & (high - low <= least), low, maps)


def _nonzero(values: np.ndarray) -> np.ndarray:
    """NaN in place of 0, for what is divided by."""
    return np.where(values == 0, np.nan, values)


def _occupied(
    function: Callable[[np.ndarray, np.ndarray], np.ndarray],
    rate_maps: ArrayLike,
    occupancy: ArrayLike,
) -> xr.DataArray:
    """`function` of maps without NaN and each bin's share of the time (map, y, x)."""
    rate_maps = placed_as(rate_maps, rate_maps, "rate_maps")  # each as the first of a list
    time = labelled(placed_as(rate_maps, occupancy, "occupancy"), "occupancy").values.astype(float)
    time[np.isnan(time)] = 0
    maps = labelled(rate_maps)
    if maps.ndim < 2:
        raise refused("rate_maps", f"shape {maps.shape}", "(..., y, x) of at least one bin")
    if time.shape != maps.shape[-2:]:
        raise refused("occupancy", f"shape {time.shape}", f"{maps.shape[-2:]}")
    if np.isinf(time).any() or time.min(initial=0) < 0 or not time.any():
        found = f"times from {time.min(initial=0):g} to {time.max(initial=0):g}"
        raise refused("occupancy", found, "finite times, 0 or more, and more than 0 somewhere")

    def measured(maps: np.ndarray) -> np.ndarray:
        visited = ~np.isnan(maps)
        weight = np.where(visited, time / time.max(), 0)
        weight /= _nonzero(weight.sum(axis=(1, 2), keepdims=True))
        negative = (visited & (maps < 0)).any(axis=(1, 2))
        return np.where(negative, np.nan, function(np.where(visited, maps, 0), weight))

    return _measure(measured, rate_maps, counted=time > 0)


def _varies(maps: np.ndarray) -> np.ndarray:
    """Whether the rates of each map (map, y, x) differ between its visited bins."""
    visited = ~np.isnan(maps)
    low = maps.min(axis=(1, 2), initial=np.inf, where=visited)
    high = maps.max(axis=(1, 2), initial=-np.inf, where=visited)
    return high > low


def _border_scores(maps: np.ndarray, least_bins: float) -> np.ndarray:
    """Border scores (map,) of maps (map, y, x); fields have at least `least_bins` bins.

    Walls are around the visited bins, whatever margin a map has beyond them.
    """
    scores = np.empty(len(maps))
    boxes: dict[tuple[int, ...], list[int]] = {}
    for place, visited in enumerate(~np.isnan(maps)):
        sides = [np.flatnonzero(visited.any(axis)) for axis in (1, 0)]
        box = [end for i in sides for end in ((i[0], i[-1] + 1) if i.size else (0, len(visited)))]
        boxes.setdefault(tuple(box), []).append(place)
    for (top, bottom, left, right), places in boxes.items():
        scores[places] = _scores_in_box(maps[places, top:bottom, left:right], least_bins)
    return scores


def _scores_in_box(maps: np.ndarray, least_bins: float) -> np.ndarray:
    visited = ~np.isnan(maps)
    rates = np.where(visited, maps, 0)
    peak = rates.max(axis=(1, 2), keepdims=True)
    inside = (rates > FIELD_THRESHOLD * peak) & (peak > 0) & _varies(maps)[:, None, None]
    fields, number = scipy.ndimage.label(inside, SAME_MAP)
    large = np.bincount(fields.ravel(), minlength=number + 1) >= least_bins
    large[0] = False
    fields = np.where(large[fields], fields, 0)
    y, x = (np.minimum(i, i[::-1]) + 0.5 for i in map(np.arange, maps.shape[1:]))
    distance = np.minimum(y[:, None], x) / (min(maps.shape[1:]) / 2)
    weight = np.where(fields > 0, rates, 0)
    total = _nonzero(weight.sum(axis=(1, 2)))
    depth = (weight * distance).sum(axis=(1, 2)) / total
    covered = _wall_coverage(fields, visited, number)
    return (covered - depth) / (covered + depth)


def _wall_coverage(fields: np.ndarray, visited: np.ndarray, number: int) -> np.ndarray:
    """The largest share of a wall that one field covers, of each map (map,).

    `fields` (map, y, x) holds the number of the field that each bin is in, 0 outside. No two maps
    share a number.
    """
    owner = np.zeros(number + 1, int)
    owner[fields] = np.arange(len(fields))[:, None, None]
    share = np.zeros(number + 1)
    for turns in range(4):
        wall = np.rot90(fields, turns, axes=(1, 2))
        seen = np.rot90(visited, turns, axes=(1, 2))[:, :, : (wall.shape[2] + 1) // 2]
        nearest = seen.argmax(axis=2)[:, :, None]  # visited bin of each row, counted from the wall
        found = seen.any(axis=2)
        at_wall = np.where(found, np.take_along_axis(wall, nearest, axis=2)[:, :, 0], 0)
        bins = np.maximum(found.sum(axis=1), 1)
        count = np.bincount(at_wall.ravel(), minlength=number + 1)
        share = np.maximum(share, count / bins[owner])
    largest = np.zeros(len(fields))
    np.maximum.at(largest, owner[1:], share[1:])
    return largest
