"""Rings of autocorrelograms and their values after a turn, prepared once for each size of map.

Turns interpolate with cubic splines as `scipy.ndimage.rotate` does, which the published score uses.
"""

from __future__ import annotations

import itertools
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import scipy.ndimage
import scipy.sparse


class Geometry(NamedTuple):
    """What it takes to turn the rings of autocorrelograms of one size."""

    prefilter: np.ndarray  # (2n - 1, 2n - 1): samples along an axis -> cubic-spline coefficients
    sampling: scipy.sparse.csr_array  # coefficients with dy >= 0 -> values at turned points
    points: np.ndarray  # flat indices of the rings' lags, one of each +-pair, sorted by ring
    quarter: np.ndarray  # number of the point that each point reaches in a quarter turn
    rings: list[slice]  # the points of each ring


@lru_cache(maxsize=16)
def geometry(n: int, edges: tuple[float, ...], angles: tuple[int, ...]) -> Geometry:
    """The geometry for maps of side `n` and turns by `angles` (degrees).

    Rings lie between successive radii `edges` (bins). A ring includes its outer radius and excludes
    its inner one. The centre, lag (0, 0), is in no ring.
    """
    dy, dx = np.mgrid[:n, 1 - n : n]
    radius = np.sqrt(dx**2.0 + dy**2.0)
    inside = (radius > edges[0]) & (radius <= edges[-1]) & ((dy > 0) | (dx > 0))
    ring = np.searchsorted(edges, radius[inside]) - 1
    order = np.argsort(ring, kind="stable")
    points = np.flatnonzero(inside)[order]
    dy, dx = dy.ravel()[points], dx.ravel()[points]
    number = np.empty(n * (2 * n - 1), int)
    number[points] = np.arange(points.size)
    turn = np.deg2rad(angles)[:, np.newaxis]
    cosine, sine = np.cos(turn), np.sin(turn)
    firsts = [*np.searchsorted(ring[order], np.arange(len(edges) - 1)), points.size]
    return Geometry(
        prefilter=scipy.ndimage.spline_filter1d(np.eye(2 * n - 1), 3, axis=0, mode="mirror"),
        sampling=_sampling((cosine * dy + sine * dx).ravel(), (cosine * dx - sine * dy).ravel(), n),
        points=points,
        quarter=number[_half_index(dx, -dy, n)],
        rings=[slice(*pair) for pair in itertools.pairwise(firsts)],
    )


def turned_points(half: np.ndarray, rings: Geometry) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Correlations at the rings' points: unturned, turned by 90°, and turned by each angle.

    `half` is (n, 2n - 1, map), as of `half_autocorrelograms`. The first two results are (point,
    map), the last is (angle, point, map).
    """
    n, count = half.shape[0], half.shape[-1]
    rows = np.matmul(rings.prefilter, half)
    rows = np.concatenate([rows[:0:-1, ::-1], rows]).reshape(2 * n - 1, -1)
    coefficients = (rings.prefilter[n - 1 :] @ rows).reshape(-1, count)
    plain = half.reshape(-1, count)[rings.points]
    turned = (rings.sampling @ coefficients).reshape(-1, *plain.shape)
    return plain, plain[rings.quarter], turned


def _half_index(dy: np.ndarray, dx: np.ndarray, n: int) -> np.ndarray:
    """Flat index of each lag among those with dy >= 0, or of its opposite if dy < 0."""
    sign = np.where((dy < 0) | ((dy == 0) & (dx < 0)), -1, 1)
    return sign * dy * (2 * n - 1) + sign * dx + n - 1


def _sampling(rows: np.ndarray, columns: np.ndarray, n: int) -> scipy.sparse.csr_array:
    """Matrix of cubic B-spline weights for values at lags (rows, columns), as in `rotate` of scipy.

    Coefficients are mirrored at the border of the autocorrelogram. Values beyond it are zero.
    """
    taps, weights = [], []
    for lag in (rows, columns):
        first = np.floor(lag).astype(int) - 1
        t = lag - first - 1
        weights.append([(1 - t) ** 3, 4 - 6 * t**2 + 3 * t**3, 1 + 3 * t * (1 + t - t**2), t**3])
        tap = first + np.arange(4)[:, np.newaxis]
        taps.append(np.where(np.abs(tap) < n, tap, np.sign(tap) * 2 * (n - 1) - tap))
    within = np.maximum(np.abs(rows), np.abs(columns)) <= n - 1
    weight = np.einsum("ip,jp->pij", *weights) / 36 * within[:, np.newaxis, np.newaxis]
    tap = _half_index(taps[0].T[:, :, np.newaxis], taps[1].T[:, np.newaxis, :], n)
    tap = np.where(within[:, np.newaxis, np.newaxis], tap, 0)
    shape = rows.size, n * (2 * n - 1)
    point = np.repeat(np.arange(rows.size), 16)
    matrix = scipy.sparse.coo_array((weight.ravel(), (point, tap.ravel())), shape=shape).tocsr()
    matrix.eliminate_zeros()
    return matrix
