"""Firing fields of rate maps: how many a map has, and which bins belong to each.

A field is a peak of the smoothed map that stands out from all higher peaks. Its prominence is its
height above the saddle towards them, or above the background if that is higher. The prominence has
to be a certain share of the map's rise from the background to the highest peak. The basin of a peak
holds all bins from which the way uphill ends there.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import scipy.ndimage
import xarray as xr
from numpy.typing import ArrayLike

from nofreelunch.scoring.maps import MapStack, one_map

FIELDS_OF_A_HEXAGON = 7  # a field and its six neighbours
SMOOTHING = 0.035  # standard deviation of a Gaussian, in sides: 1.5 of 44 bins, less than a field
PROMINENCE = 0.3  # of the map's rise; a lower peak is part of a neighbour's field
BACKGROUND = 0.2  # quantile of the smoothed rates, taken for the rate outside fields
FOOT = 0.1  # of a field's rise; bins of its basin below this lie outside the field


class Fields(NamedTuple):
    """The fields of one map, highest peak first, and the map without them."""

    peaks: np.ndarray  # (field, 2) int: y, x of each peak, bins
    label: np.ndarray  # (y, x) int: the field that a bin belongs to, -1 outside fields
    pieces: list[np.ndarray]  # a square (2 r + 1, 2 r + 1) per field; see `find_fields`
    background: np.ndarray  # (y, x): the map with its fields levelled; NaN where unvisited
    least_distance: float  # between the peaks of two fields, bins; infinite below two fields


def count_fields(rate_maps: ArrayLike) -> xr.DataArray:
    """Number of separate firing fields of each map (..., y, x), over the leading dimensions.

    Fields that the border cuts count. Maps that are constant or have no visited bin have no fields.

    A hexagon needs seven fields (`FIELDS_OF_A_HEXAGON`): only a field with its six neighbours shows
    that the angles repeat. With fewer, a hexagon can hardly be told from chance.

    Raises ValueError as `grid_scores` does.
    """
    stack = MapStack(rate_maps)
    counts = np.zeros(stack.count, int)
    for chunk in stack.chunks():
        for index in np.flatnonzero(chunk.maps.any(axis=(0, 1))) + chunk.where.start:
            counts[index] = len(find_fields(stack.maps[index]).peaks)
    return stack.label(counts)


def find_fields(rate_map: ArrayLike) -> Fields:
    """The firing fields of one map (y, x), in which NaN or a numpy mask marks an unvisited bin.

    The piece of a field is a square centred on its peak. It holds the unsmoothed rates of the
    field, less the background, and zeros around them. If the border or unvisited bins cut the
    field, the missing part is copied from the other side of the peak.

    Raises ValueError for several maps, for one without any visited bin, and as `count_fields` does.
    """
    rates = one_map(rate_map).astype(float)
    visited = ~np.isnan(rates)
    least = rates[visited].min()
    rates = rates - least  # smoothing then leaves a constant map exactly constant
    smooth = _smoothed(rates, visited)
    level = np.quantile(smooth[visited], BACKGROUND)
    rise = smooth.max() - level
    none = np.full(rates.shape, -1)
    if not rise > 0:
        return Fields(np.empty((0, 2), int), none, [], rates + least, np.inf)
    basin, peaks = _basins(smooth, level, PROMINENCE * rise)
    foot = level + FOOT * (smooth[tuple(peaks.T)] - level)
    label = np.where((basin >= 0) & (smooth > foot[basin]), basin, none)
    pieces = [_piece(rates - level, label, number, peak) for number, peak in enumerate(peaks)]
    apart = np.hypot(*(peaks[:, np.newaxis] - peaks).T.astype(float))
    np.fill_diagonal(apart, np.inf)
    background = np.where(label < 0, rates, level) + least
    return Fields(peaks, label, pieces, background, float(apart.min()))


def _smoothed(rates: np.ndarray, visited: np.ndarray) -> np.ndarray:
    """Gaussian mean of the visited bins around each bin; -inf in unvisited bins."""
    pair = np.stack([np.where(visited, rates, 0), visited])
    sums = scipy.ndimage.gaussian_filter(pair, (0, *2 * [SMOOTHING * len(rates)]), mode="constant")
    return np.where(visited, sums[0] / np.where(visited, sums[1], 1), -np.inf)


def _piece(above: np.ndarray, label: np.ndarray, number: int, peak: np.ndarray) -> np.ndarray:
    """The piece of field `number`, whose peak is at `peak` (y, x).

    `above` (y, x) are the rates less the background, NaN where unvisited.
    """
    own = np.nonzero(label == number)
    reach = max(np.abs(own[axis] - peak[axis]).max() for axis in (0, 1))
    window = tuple(slice(place, place + 2 * reach + 1) for place in peak)
    seen = np.pad(np.isfinite(above), reach)[window]
    piece = np.pad(np.where(label == number, above, np.nan), reach, constant_values=np.nan)[window]
    visible = piece.copy()
    # Mirroring through the peak comes first, because it keeps a field's elongation. In corners the
    # opposite side is cut as well, and mirroring along one axis has to do.
    for mirrored in (visible[::-1, ::-1], visible[:, ::-1], visible[::-1]):
        piece = np.where(seen | np.isfinite(piece), piece, mirrored)
    return np.nan_to_num(piece)


def _basins(smooth: np.ndarray, level: float, prominence: float) -> tuple[np.ndarray, np.ndarray]:
    """Number of the peak that each bin belongs to (y, x), and the peaks (peak, 2), highest first.

    Basins are joined over the saddles between them, highest saddle first. Two basins stay apart if
    both rise by `prominence` above the saddle and above `level`. A basin that rises less and that
    unvisited bins part from all others has no peak: its bins have -1.
    """
    flat = smooth.ravel()
    rank = np.empty(flat.size, int)
    rank[flat.argsort(kind="stable")] = np.arange(flat.size)  # ties are broken by place
    summit, saddles = _climbed(flat, rank, len(smooth))
    connected: dict[int, int] = {}  # summit -> a higher one that it is connected with
    owner: dict[int, int] = {}  # summit that is no peak -> the one across the saddle

    def end(links: dict[int, int], place: int) -> int:
        while place in links:
            place = links[place]
        return place

    for height, *sides in saddles:
        low, high = sorted((end(connected, side) for side in sides), key=rank.__getitem__)
        if low == high:
            continue
        connected[low] = high
        if flat[low] - max(height, level) < prominence:
            owners = [end(owner, side) for side in sides]
            owner[low] = owners[owners[0] == low]
    summits, which = np.unique(summit, return_inverse=True)
    ends = np.array([end(owner, place) for place in summits.tolist()])
    peaks = np.unique(ends[flat[ends] - level >= prominence])
    peaks = peaks[rank[peaks].argsort()[::-1]]
    number = np.full(flat.size, -1)
    number[peaks] = np.arange(peaks.size)
    return number[ends][which].reshape(smooth.shape), np.stack(divmod(peaks, len(smooth)), axis=1)


def _climbed(flat: np.ndarray, rank: np.ndarray, n: int) -> tuple[np.ndarray, list]:
    """The summit above each bin (bin,), and each saddle as [height, two summits], highest first.

    Each step uphill goes to the highest of the eight bins around. Saddles lie between visited bins
    only.
    """
    index = np.full((n + 2, n + 2), n * n)
    index[1:-1, 1:-1] = np.arange(n * n).reshape(n, n)
    around = np.stack([index[y : y + n, x : x + n].ravel() for y in range(3) for x in range(3)])
    highest = np.append(rank, -1)[around].argmax(axis=0)
    uphill = around[highest, np.arange(n * n)]
    while (uphill[uphill] != uphill).any():
        uphill = uphill[uphill]
    here = np.broadcast_to(np.arange(n * n), around.shape)[around < n * n]
    there = around[around < n * n]
    height = np.minimum(flat[here], flat[there])
    kept = (uphill[here] < uphill[there]) & np.isfinite(height)
    order = height[kept].argsort(kind="stable")[::-1]
    columns = (height[kept], uphill[here][kept], uphill[there][kept])
    return uphill, list(zip(*(column[order].tolist() for column in columns), strict=True))
