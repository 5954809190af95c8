"""Gridness as experimenters measure it, from a ring around the autocorrelogram's centre field.

Sargolini et al. 2006 take the centre field out of the autocorrelogram and correlate a ring around
it with itself turned by multiples of 30°. Langston et al. 2010 let the ring grow and keep the best.
"""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from nofreelunch.scoring.autocorrelograms import half_autocorrelograms
from nofreelunch.scoring.maps import MapStack
from nofreelunch.scoring.ring_geometry import geometry, turned_points

LEAST_CORRELATION = 0.2  # the centre field ends where the mean over directions is lower
ROUNDING = 1e-9  # a minimum is lower than its neighbours by more than this
# Langston et al.: rings are at least 10 cm wide and end 10 cm before the side of a box of 1 m.
MARGIN = 0.1  # of the map's side
RADII_AVERAGED = 3  # one bin apart; the labs' toolboxes smooth gridness over the radius like this
SAMPLED_ANGLES = (30, 60)  # degrees; quarter turns of these make 120 and 150
LEAST_VARIANCE = 1e-12  # of the correlations in a ring; below it the ring counts as flat


def expanding_ring_gridness(rate_maps: ArrayLike, unvisited: str = "masked") -> xr.Dataset:
    """Gridness of square rate maps by the expanding ring of Langston et al. 2010.

    The ring begins where the centre field of the autocorrelogram ends. There the correlation,
    averaged over directions, first falls below 0.2 or has its first minimum. The ring's outer
    radius grows by one bin at a time. The gridness of a ring is its lowest Pearson correlation with
    itself turned by 60° and 120°, less the highest at 30°, 90° and 150°. The gridness of the map is
    the largest mean over three successive rings.

        >>> import numpy as np
        >>> import nofreelunch as nfl
        >>> y, x = np.mgrid[:44, :44] * 0.05
        >>> angle = np.deg2rad([0, 60, 120])[:, None, None]
        >>> k = 4 * np.pi / (np.sqrt(3) * 0.6)  # rad/m, for a period of 0.6 m
        >>> waves = np.cos(k * (x * np.cos(angle) + y * np.sin(angle)))
        >>> grid_cell = np.maximum(waves.sum(axis=0), 0)
        >>> round(nfl.expanding_ring_gridness(grid_cell)["gridness"].item(), 1)
        1.4

    Args and errors as in `grid_scores`.

    Returns:
        A dataset over the leading dimensions: `gridness` (-2 to 2); `centre_radius` of the field
        taken out and `outer_radius` of the middle one of the three rings, both as fractions of the
        map's side. `gridness` and `outer_radius` are NaN if the centre field has no end, and if it
        leaves no three successive rings that are not flat. Constant maps and maps without visited
        bins are such cases. `centre_radius` is NaN if the centre field has no end.
    """
    names = ("gridness", "centre_radius", "outer_radius")
    stack = MapStack(rate_maps, unvisited, names)
    found = np.full((3, stack.count), np.nan)
    for chunk in stack.chunks():
        half = half_autocorrelograms(chunk)
        centre = _centre_radius(half)
        scores = _averaged(_scores(half, centre))
        best = np.nan_to_num(scores, nan=-np.inf).argmax(axis=0)
        gridness = np.take_along_axis(scores, best[np.newaxis], axis=0)[0]
        outer = np.where(np.isnan(gridness), np.nan, best + 1)
        found[:, chunk.where] = gridness, centre / stack.side, outer / stack.side
    return xr.Dataset({name: stack.label(row) for name, row in zip(names, found, strict=True)})


def _centre_radius(half: np.ndarray) -> np.ndarray:
    """Radius in whole bins (map,) at which the centre field ends; NaN if it has no end."""
    n = len(half)
    dy, dx = np.mgrid[:n, 1 - n : n]
    once = (dy > 0) | (dx >= 0)  # one lag of each opposite pair; the row dy = 0 holds both
    distance = np.where(once, np.rint(np.hypot(dy, dx)), -1)
    profile = np.stack([half[distance == radius].mean(axis=0) for radius in range(n)])
    ends = profile[1:-1] < LEAST_CORRELATION
    lower = profile[1:-1] + ROUNDING
    ends |= (lower < profile[:-2]) & (lower < profile[2:])
    ends &= profile[0] > LEAST_CORRELATION  # not in constant maps, whose correlations are 0
    return np.where(ends.any(axis=0), ends.argmax(axis=0) + 1, np.nan)


def _scores(half: np.ndarray, centre: np.ndarray) -> np.ndarray:
    """Gridness (outer radius, map) of the rings that end at 1, 2, ... n bins.

    NaN if a ring is too narrow, too wide or flat. Sums over a ring are those within its outer
    circle less those within the centre field.
    """
    n = len(half)
    rings = geometry(n, tuple(range(n + 1)), SAMPLED_ANGLES)
    plain, quarter, turned = turned_points(half, rings)
    inner = np.nan_to_num(centre, nan=n).astype(int) - 1
    outer = np.arange(1, n + 1)[:, np.newaxis]
    allowed = (outer >= centre + MARGIN * n) & (outer <= (1 - MARGIN) * n)
    area = np.array([ring.stop for ring in rings.rings])
    area = np.maximum(area[:, np.newaxis] - area[inner], 1)

    def mean(*values: np.ndarray) -> np.ndarray:
        index = ",".join(["pm"] * len(values)) + "->m"
        sums = [np.einsum(index, *(value[ring] for value in values)) for ring in rings.rings]
        within = np.cumsum(sums, axis=0)
        return (within - np.take_along_axis(within, inner[np.newaxis], axis=0)) / area

    own_mean = mean(plain)
    own_variance = mean(plain, plain) - own_mean**2
    correlations = [(mean(plain, quarter) - own_mean**2, own_variance)]
    for other in turned:
        other_mean = mean(other)
        scale = np.sqrt(np.maximum(own_variance * (mean(other, other) - other_mean**2), 0))
        for side in (plain, quarter):
            correlations.append((mean(side, other) - own_mean * other_mean, scale))
    for _, scale in correlations:
        allowed &= scale > LEAST_VARIANCE
    at_90, at_30, at_120, at_60, at_150 = (
        covariance / np.where(allowed, scale, np.inf) for covariance, scale in correlations
    )
    score = np.minimum(at_60, at_120) - np.maximum(np.maximum(at_30, at_90), at_150)
    return np.where(allowed, score, np.nan)


def _averaged(scores: np.ndarray) -> np.ndarray:
    """Means over `RADII_AVERAGED` successive radii, at the middle one; NaN if one is missing."""
    averaged = np.full_like(scores, np.nan)
    side = RADII_AVERAGED // 2
    windows = np.lib.stride_tricks.sliding_window_view(scores, RADII_AVERAGED, axis=0)
    averaged[side:-side] = windows.mean(axis=-1)
    return averaged
