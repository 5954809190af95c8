"""Grid scores of rate maps: 60° and 90° scores of many maps at once.

The score is the published DeepMind one (Banino et al. 2018), used by Sorscher et al. 2019 ("mean")
and, with extremes in place of means, by Schaeffer et al. 2022 ("min_max").
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import scipy.ndimage
import scipy.sparse
import xarray as xr
from numpy.typing import ArrayLike

from nofreelunch.autocorrelograms import (
    BINS_PER_CHUNK,
    LEAST_SCALE,
    VARIANCE_FLOOR,
    Chunk,
    Stack,
    autocorrelogram,
    check_choice,
    half_autocorrelograms,
)

if TYPE_CHECKING:
    import torch

__all__ = ["METHODS", "OUTER_RADII", "autocorrelogram", "score", "score_by_method", "score_rings"]

METHODS = ("min_max", "mean")
SCORES = (60, 90)  # degrees, the turns that they look for
INNER_RADIUS = 0.2  # of the map's side, for every ring (Banino et al.)
OUTER_RADII = np.linspace(0.4, 1.0, 10)  # of the map's side, one per ring (Banino et al.)
VARIANCE_OFFSET = 1e-5  # added to a ring's variance (Banino et al.)
SAMPLED_ANGLES = (30, 45, 60)  # degrees
ANGLES = (90, 30, 120, 45, 135, 60, 150)  # a quarter turn, and of each of the above
DEVICES = ("cpu", "cuda", "auto")
DEVICE_BINS = 2**22  # in a chunk that another device scores: there, few large products are fast


def score(
    rate_maps: ArrayLike,
    method: str = "min_max",
    unvisited: str = "masked",
    device: str = "cpu",
) -> xr.Dataset:
    """Grid scores of square rate maps, whatever their scale and offset.

    A ring of the autocorrelogram is correlated with itself turned by multiples of 30° and 45°:

    - `score_60`: the least (`min_max`) or mean (`mean`) correlation at 60° and 120°, less the
      greatest or mean one at 30°, 90° and 150°.
    - `score_90`: the correlation at 90° less the mean of those at 45° and 135°, in both methods.
    - `ring_60`, `ring_90`: where each of these was largest, which it is taken at: the outer radius
      of the ring as a fraction of the map's side.

    Args:
        rate_maps: (..., y, x), numpy or xarray, in any unit; NaN marks an unvisited bin, as does
            a numpy mask; dimensions named y and x may stand anywhere. Of float32 maps with an
            offset, what rounding left of nearly flat parts is scored, too: of narrow fields that
            rise by a hundredth of it, one score in ten moves by 0.03 or more, one in a hundred by
            0.3. Compute such maps in float64, or without the offset.
        method: "min_max" (Schaeffer et al. 2022) or "mean" (Banino et al. 2018).
        unvisited: "masked" leaves unvisited bins out of the autocorrelogram; "zero" takes them for
            rates of zero, as the published code does.
        device: "cpu" scores with numpy; "cuda" with torch on a GPU, or "auto" where there is one.
            There, too, maps with unvisited bins or almost flat patches are scored with numpy, which
            takes the care that these need. The torch code agrees with numpy's within 1e-12 on a
            processor; it has not run on a GPU.

    Returns:
        A dataset over the leading dimensions. A constant map scores 0 and no ring wins (NaN); a map
        without any visited bin has NaN everywhere.

    Raises:
        ValueError: for maps that are not square, smaller than 4 bins, infinite or not real numbers,
            for an unknown option, and for "cuda" where torch sees no GPU.
    """
    check_choice("method", method, METHODS)
    return score_by_method(rate_maps, unvisited, device).sel(definition=method, drop=True)


def score_by_method(
    rate_maps: ArrayLike, unvisited: str = "masked", device: str = "cpu"
) -> xr.Dataset:
    """`score` by both methods in one pass, along a first dimension `definition`."""
    names = [f"{kind}_{angle}" for kind in ("score", "ring") for angle in SCORES]
    stack = Stack(rate_maps, unvisited, (*names, "definition"))
    best = best_rings(stack, device)
    coords = {"definition": list(METHODS)}
    values = best.reshape(len(names), len(METHODS), stack.count)
    return xr.Dataset({k: stack.label(v, coords) for k, v in zip(names, values, strict=True)})


def best_rings(stack: Stack, device: str = "cpu") -> np.ndarray:
    """What `score` returns, without labels: (score or ring, angle of `SCORES`, method, map)."""
    best = np.full((2, len(SCORES), len(METHODS), stack.count), np.nan)
    for where, scores in _scored(stack, _torch_device(device)):
        # NaN in every ring where there is no visited bin, 0 where the map is constant.
        varied = scores.any(axis=(0, 1, 2)) & ~np.isnan(scores[0, 0, 0])
        best[0, :, :, where] = scores.max(axis=2)
        best[1, :, :, where] = np.where(varied, OUTER_RADII[scores.argmax(axis=2)], np.nan)
    return best


def score_rings(rate_maps: ArrayLike, unvisited: str = "masked") -> xr.Dataset:
    """The scores in each of the ten rings, of which `score_by_method` has the largest.

    Returns `score_60` and `score_90` along `definition`, the leading dimensions and a last one
    `ring`, which is labelled by the rings' outer radii as fractions of the map's side. Args and
    errors as in `score`.
    """
    names = [f"score_{angle}" for angle in SCORES]
    stack = Stack(rate_maps, unvisited, (*names, "definition", "ring"))
    found = np.full((len(SCORES), len(METHODS), stack.count, OUTER_RADII.size), np.nan)
    for where, scores in _scored(stack):
        found[:, :, where] = np.swapaxes(scores, -1, -2)
    labels = {"definition": list(METHODS)}, {"ring": OUTER_RADII}
    return xr.Dataset(
        {name: stack.label(values, *labels) for name, values in zip(names, found, strict=True)}
    )


def _torch_device(device: str) -> str | None:
    """Where torch scores; None where numpy does."""
    check_choice("device", device, DEVICES)
    if device == "cpu":
        return None
    import torch  # only here: it takes seconds

    there = torch.cuda.is_available()
    if device == "cuda" and not there:
        raise ValueError("device: found 'cuda' and no GPU that torch sees, allowed here: cpu, auto")
    return "cuda" if there else None


def _scored(stack: Stack, device: str | None = None) -> Iterator[tuple[slice, np.ndarray]]:
    """Chunk by chunk, where in the stack it is and its scores: (score, method, ring, map)."""
    for chunk in stack.chunks(DEVICE_BINS if device else BINS_PER_CHUNK):
        if device and chunk.valid is None:
            correlations = _ring_correlations_on(device, chunk)
        else:
            correlations = _ring_correlations(half_autocorrelograms(chunk))
        scores = np.stack([_scores_of_rings(correlations, method) for method in METHODS], axis=1)
        scores[..., ~chunk.visited] = np.nan
        yield chunk.where, scores


class Geometry(NamedTuple):
    """What turning the rings of autocorrelograms of one size needs."""

    prefilter: np.ndarray  # (2n - 1, 2n - 1): samples along an axis -> cubic-spline coefficients
    sampling: scipy.sparse.csr_array  # coefficients with dy >= 0 -> values at turned points
    points: np.ndarray  # flat indices of the lags in the rings, one of each +-pair, by ring
    quarter: np.ndarray  # number of the point at which each of them arrives in a quarter turn
    rings: list[slice]  # the points of each ring


@lru_cache(maxsize=16)
def geometry(n: int, edges: tuple[float, ...], angles: tuple[int, ...]) -> Geometry:
    """For maps of side `n`, rings between radii `edges` (bins, not with the inner one), `angles`°.

    The centre, lag (0, 0), is in no ring.
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
    """Correlations at the rings' points (point, map): as they are, turned by 90°, and by `angles`.

    The last has the angle as its first axis.
    """
    n, count = half.shape[0], half.shape[-1]
    rows = np.matmul(rings.prefilter, half)
    rows = np.concatenate([rows[:0:-1, ::-1], rows]).reshape(2 * n - 1, -1)
    coefficients = (rings.prefilter[n - 1 :] @ rows).reshape(-1, count)
    plain = half.reshape(-1, count)[rings.points]
    turned = (rings.sampling @ coefficients).reshape(-1, *plain.shape)
    return plain, plain[rings.quarter], turned


def _half_index(dy: np.ndarray, dx: np.ndarray, n: int) -> np.ndarray:
    """Flat index, among the lags with dy >= 0, of a lag or else of the opposite one."""
    sign = np.where((dy < 0) | ((dy == 0) & (dx < 0)), -1, 1)
    return sign * dy * (2 * n - 1) + sign * dx + n - 1


def _sampling(rows: np.ndarray, columns: np.ndarray, n: int) -> scipy.sparse.csr_array:
    """Cubic B-spline interpolation at lags (rows, columns), as `scipy.ndimage.rotate` does it.

    Coefficients are mirrored at the border of the autocorrelogram, and beyond it all is zero.
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


def _ring_correlations(half: np.ndarray) -> np.ndarray:
    """Each ring's correlation with itself turned by `ANGLES`: (angle, ring, map)."""
    n = len(half)
    rings = geometry(n, (INNER_RADIUS * n, *(OUTER_RADII * n)), SAMPLED_ANGLES)
    plain, quarter, turned = turned_points(half, rings)

    def mean_over_rings(index: str, *values: np.ndarray) -> np.ndarray:
        sums = [np.einsum(index, *(value[ring] for value in values)) for ring in rings.rings]
        area = [ring.stop for ring in rings.rings]  # each holds those before it
        return np.cumsum(sums, axis=0) / np.array(area)[:, np.newaxis]

    mean = mean_over_rings("pm->m", plain)
    variance = mean_over_rings("pm,pm->m", plain, plain) - mean**2 + VARIANCE_OFFSET
    correlations = [mean_over_rings("pm,pm->m", plain, quarter) - mean**2]
    for other in turned:
        other_mean = mean_over_rings("pm->m", other)
        # Quarter turns are exact: the other side turned by 90° serves for this one turned further.
        for side in (plain, quarter):
            correlations.append(mean_over_rings("pm,pm->m", side, other) - mean * other_mean)
    return np.stack(correlations) / variance


def score_60_of(half: np.ndarray) -> np.ndarray:
    """The 60° score (map,), min_max, from autocorrelograms as of `half_autocorrelograms`."""
    return _scores_of_rings(_ring_correlations(half), "min_max")[0].max(axis=0)


def _ring_correlations_on(device: str, chunk: Chunk) -> np.ndarray:
    """`_ring_correlations` of maps without unvisited bins, by torch on a device."""
    import torch

    maps = torch.as_tensor(np.moveaxis(chunk.maps, -1, 0), device=device)
    half, doubtful = _half_on(maps)
    n, count = half.shape[1], len(half)
    rings = geometry(n, (INNER_RADIUS * n, *(OUTER_RADII * n)), SAMPLED_ANGLES)

    def on(array: np.ndarray) -> torch.Tensor:
        return torch.as_tensor(array, device=device)

    table = rings.sampling.tocoo()
    sampling = torch.sparse_coo_tensor(
        on(np.stack(table.coords)), on(table.data), table.shape, check_invariants=False
    )
    prefilter = on(rings.prefilter)
    rows = half @ prefilter.T
    rows = torch.cat([rows[:, 1:].flip(1, 2), rows], dim=1)
    coefficients = (prefilter[n - 1 :] @ rows).reshape(count, -1).T
    plain = half.reshape(count, -1).T[on(rings.points)]
    quarter = plain[on(rings.quarter)]
    ends = [ring.stop for ring in rings.rings]
    within = np.arange(len(rings.points)) < np.array(ends)[:, np.newaxis]
    mean_over = on(within / np.array(ends)[:, np.newaxis])
    mean = mean_over @ plain
    variance = mean_over @ plain**2 - mean**2 + VARIANCE_OFFSET
    found = [mean_over @ (plain * quarter) - mean**2]
    for other in (sampling @ coefficients).reshape(-1, *plain.shape):
        other_mean = mean_over @ other
        found += [mean_over @ (side * other) - mean * other_mean for side in (plain, quarter)]
    correlations = (torch.stack(found) / variance).cpu().numpy()
    again = np.flatnonzero(doubtful.cpu().numpy())
    step = max(1, BINS_PER_CHUNK // n**2)
    for which in (again[start : start + step] for start in range(0, again.size, step)):
        few = chunk._replace(maps=np.ascontiguousarray(chunk.maps[..., which]))
        correlations[..., which] = _ring_correlations(half_autocorrelograms(few))
    return correlations


def _half_on(maps: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """`half_autocorrelograms` (map, n, 2n - 1) of maps (map, y, x), by torch on their device; and
    of which maps (map,) some lags need the care that they have not had."""
    import torch

    n = maps.shape[-1]
    power = torch.fft.rfft2(maps, (2 * n, 2 * n)).abs() ** 2
    products = torch.fft.irfft2(power, (2 * n, 2 * n))[:, :n]
    products = torch.cat([products[:, :, n + 1 :], products[:, :, :n]], dim=2)
    length = torch.arange(n, 0, -1, dtype=maps.dtype, device=maps.device)
    overlap = torch.outer(length, torch.cat([length[1:].flip(0), length]))

    def from_corner(seen: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        corner = seen[:, :1, :1]
        sums = torch.stack([seen - corner, (seen - corner) ** 2]).cumsum(-1).cumsum(-2)
        mean, squares = sums.flip(-1, -2) / overlap[:, n - 1 :]
        return mean + corner, squares - mean**2

    sides = []
    for seen in (maps.flip(2), maps):  # lags to the left, then to the right, as in `_moments`
        first, second = from_corner(seen), from_corner(seen.flip(1, 2))
        sides.append(torch.stack([first[0] * second[0], first[1], second[1]]))
    means, first, second = torch.cat([sides[0][..., 1:].flip(-1), sides[1]], dim=-1)
    flat = torch.minimum(first, second) < VARIANCE_FLOOR
    scale = torch.where(flat, torch.inf, first * second)
    doubtful = (scale < LEAST_SCALE**2).flatten(1).any(dim=1)
    scale = torch.where(doubtful[:, None, None], 1.0, scale)
    return (products / overlap - means) / scale.sqrt(), doubtful


def _scores_of_rings(correlations: np.ndarray, method: str) -> tuple[np.ndarray, np.ndarray]:
    """60° and 90° scores (ring, map) from the correlations at `ANGLES`."""
    at = dict(zip(ANGLES, correlations, strict=True))
    like, unlike = np.stack([at[60], at[120]]), np.stack([at[30], at[90], at[150]])
    if method == "min_max":
        score_60 = like.min(axis=0) - unlike.max(axis=0)
    else:
        score_60 = like.mean(axis=0) - unlike.mean(axis=0)
    return score_60, at[90] - (at[45] + at[135]) / 2
