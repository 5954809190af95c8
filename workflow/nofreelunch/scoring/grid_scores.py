"""Published grid scores of rate maps: how hexagonal (60°) and how square (90°) they are.

The score comes from the code of Banino et al. 2018, and Sorscher et al. 2019 use the same ("mean").
Schaeffer et al. 2022 take extremes over angles in place of means ("min_max").
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from nofreelunch.errors import check_choice, refused
from nofreelunch.scoring.autocorrelograms import LEAST_SCALE, VARIANCE_FLOOR, half_autocorrelograms
from nofreelunch.scoring.maps import BINS_PER_CHUNK, MapChunk, MapStack
from nofreelunch.scoring.ring_geometry import geometry, turned_points

if TYPE_CHECKING:
    import torch

DEFINITIONS = ("min_max", "mean")
SCORES = (60, 90)  # degrees: the symmetry that each score looks for
INNER_RADIUS = 0.2  # of the map's side, for every ring (Banino et al.)
OUTER_RADII = np.linspace(0.4, 1.0, 10)  # of the map's side, one per ring (Banino et al.)
VARIANCE_OFFSET = 1e-5  # added to a ring's variance (Banino et al.)
SAMPLED_ANGLES = (30, 45, 60)  # degrees that need interpolation
ANGLES = (90, 30, 120, 45, 135, 60, 150)  # a quarter turn; each sampled angle, and 90° more
DEVICES = ("cpu", "cuda", "auto")
DEVICE_BINS = 2**22  # in a chunk on a GPU, where a few large products are faster than many small


def published_score(
    rate_maps: ArrayLike,
    definition: str = "min_max",
    unvisited: str = "masked",
    device: str = "cpu",
) -> xr.Dataset:
    """The published grid scores by one definition, "min_max" or "mean".

    Args:
        rate_maps: as in `grid_scores`.
        definition: "min_max" (Schaeffer et al. 2022) or "mean" (Banino et al. 2018).
        unvisited, device: as in `grid_scores`.

    Returns:
        What `grid_scores` returns, without the dimension `definition`.

    Raises:
        ValueError: as `grid_scores` does, and for an unknown definition.
    """
    check_choice("definition", definition, DEFINITIONS)
    return grid_scores(rate_maps, unvisited, device).sel(definition=definition, drop=True)


def grid_scores(rate_maps: ArrayLike, unvisited: str = "masked", device: str = "cpu") -> xr.Dataset:
    """Published grid scores of square rate maps, by both definitions.

    A ring of the autocorrelogram is correlated with itself turned by multiples of 30° and 45°:

    - `score_60` by "min_max" (Schaeffer et al. 2022): the lowest correlation at 60° and 120° less
      the highest at 30°, 90° and 150°.
    - `score_60` by "mean" (Banino et al. 2018): the same with means in place of the extremes.
    - `score_90`, by both: the correlation at 90° less the mean of those at 45° and 135°.

    Each is the largest over ten rings. Scores do not depend on the scale and offset of the rates.
    docs/validation.md has how often noise scores high.

        >>> import numpy as np
        >>> import nofreelunch as nfl
        >>> y, x = np.mgrid[:44, :44] * 0.05
        >>> angle = np.deg2rad([0, 60, 120])[:, None, None]
        >>> k = 4 * np.pi / (np.sqrt(3) * 0.6)  # rad/m, for a period of 0.6 m
        >>> waves = np.cos(k * (x * np.cos(angle) + y * np.sin(angle)))
        >>> grid_cell = np.maximum(waves.sum(axis=0), 0)
        >>> scores = nfl.grid_scores(grid_cell)
        >>> round(scores["score_60"].sel(definition="min_max").item(), 1)
        1.4

    Args:
        rate_maps: (..., y, x), numpy or xarray, in any unit. NaN or a numpy mask marks an unvisited
            bin. Dimensions named y and x may stand anywhere. In float32, a large offset leaves
            rounding errors in flat parts of a map, and these are scored too: give such maps in
            float64 or subtract the offset.
        unvisited: "masked" leaves unvisited bins out of the autocorrelogram. "zero" gives them a
            rate of zero, as the published code does.
        device: "cpu" scores with numpy, "cuda" with torch on a GPU, and "auto" on a GPU if there is
            one. Maps with unvisited bins or nearly flat patches are always scored with numpy, which
            sums these with more care. The torch code is tested on a processor; it has not run on a
            GPU.

    Returns:
        A dataset over `definition` and the leading dimensions: `score_60`, `score_90`, and
        `ring_60`, `ring_90`, the outer radius of the ring with the largest score as a fraction of
        the map's side. A constant map has scores 0 and rings NaN. A map without any visited bin has
        NaN everywhere.

    Raises:
        ValueError: for maps that are not square, smaller than 4 bins, infinite or not real numbers,
            for an unknown option, and for "cuda" if torch sees no GPU.
    """
    names = [f"{kind}_{angle}" for kind in ("score", "ring") for angle in SCORES]
    stack = MapStack(rate_maps, unvisited, (*names, "definition"))
    best = best_rings(stack, device)
    coords = {"definition": list(DEFINITIONS)}
    values = best.reshape(len(names), len(DEFINITIONS), stack.count)
    return xr.Dataset({k: stack.label(v, coords) for k, v in zip(names, values, strict=True)})


def best_rings(stack: MapStack, device: str = "cpu") -> np.ndarray:
    """`grid_scores` without labels: (score or ring, angle of `SCORES`, definition, map)."""
    best = np.full((2, len(SCORES), len(DEFINITIONS), stack.count), np.nan)
    for where, scores in _scored(stack, _torch_device(device)):
        # A map without visited bins scores NaN in every ring, a constant map 0 in every ring.
        varied = scores.any(axis=(0, 1, 2)) & ~np.isnan(scores[0, 0, 0])
        best[0, :, :, where] = scores.max(axis=2)
        best[1, :, :, where] = np.where(varied, OUTER_RADII[scores.argmax(axis=2)], np.nan)
    return best


def ring_scores(rate_maps: ArrayLike, unvisited: str = "masked") -> xr.Dataset:
    """The published scores in each of the ten rings; `grid_scores` takes the largest.

    Args and errors as in `grid_scores`. Returns `score_60` and `score_90` over `definition`, the
    leading dimensions, and `ring`, labelled by outer radii as fractions of the map's side.
    """
    names = [f"score_{angle}" for angle in SCORES]
    stack = MapStack(rate_maps, unvisited, (*names, "definition", "ring"))
    found = np.full((len(SCORES), len(DEFINITIONS), stack.count, OUTER_RADII.size), np.nan)
    for where, scores in _scored(stack):
        found[:, :, where] = np.swapaxes(scores, -1, -2)
    labels = {"definition": list(DEFINITIONS)}, {"ring": OUTER_RADII}
    return xr.Dataset(
        {name: stack.label(values, *labels) for name, values in zip(names, found, strict=True)}
    )


def _torch_device(device: str) -> str | None:
    """The device on which torch scores; None if numpy does."""
    check_choice("device", device, DEVICES)
    if device == "cpu":
        return None
    import torch  # only here, because it takes seconds

    there = torch.cuda.is_available()
    if device == "cuda" and not there:
        raise refused("device", "'cuda', but torch sees no GPU", "cpu, auto")
    return "cuda" if there else None


def _scored(stack: MapStack, device: str | None = None) -> Iterator[tuple[slice, np.ndarray]]:
    """For each chunk, its place in the stack and its scores (score, definition, ring, map)."""
    for chunk in stack.chunks(DEVICE_BINS if device else BINS_PER_CHUNK):
        if device and chunk.valid is None:
            correlations = _ring_correlations_on(device, chunk)
        else:
            correlations = _ring_correlations(half_autocorrelograms(chunk))
        scores = np.stack(
            [_scores_of_rings(correlations, definition) for definition in DEFINITIONS], axis=1
        )
        scores[..., ~chunk.visited] = np.nan
        yield chunk.where, scores


def _ring_correlations(half: np.ndarray) -> np.ndarray:
    """Correlation of each ring with itself turned by `ANGLES`: (angle, ring, map)."""
    n = len(half)
    rings = geometry(n, (INNER_RADIUS * n, *(OUTER_RADII * n)), SAMPLED_ANGLES)
    plain, quarter, turned = turned_points(half, rings)

    def mean_over_rings(index: str, *values: np.ndarray) -> np.ndarray:
        sums = [np.einsum(index, *(value[ring] for value in values)) for ring in rings.rings]
        area = [ring.stop for ring in rings.rings]  # each ring contains those before it
        return np.cumsum(sums, axis=0) / np.array(area)[:, np.newaxis]

    mean = mean_over_rings("pm->m", plain)
    variance = mean_over_rings("pm,pm->m", plain, plain) - mean**2 + VARIANCE_OFFSET
    correlations = [mean_over_rings("pm,pm->m", plain, quarter) - mean**2]
    for other in turned:
        other_mean = mean_over_rings("pm->m", other)
        # Quarter turns are exact. Against the ring turned by 90°, an angle counts as 90° more.
        for side in (plain, quarter):
            correlations.append(mean_over_rings("pm,pm->m", side, other) - mean * other_mean)
    return np.stack(correlations) / variance


def score_60_of(half: np.ndarray) -> np.ndarray:
    """The min_max 60° score (map,) of autocorrelograms as of `half_autocorrelograms`."""
    return _scores_of_rings(_ring_correlations(half), "min_max")[0].max(axis=0)


def _ring_correlations_on(device: str, chunk: MapChunk) -> np.ndarray:
    """`_ring_correlations` of maps without unvisited bins, by torch on a device.

    Maps with nearly flat patches are done again with numpy.
    """
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
    """`half_autocorrelograms` of maps (map, y, x) by torch, on their device: (map, n, 2n - 1).

    Also returns which maps (map,) have lags that numpy would sum directly.
    """
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
    for seen in (maps.flip(2), maps):  # lags to the left, then right, as in `_moments`
        first, second = from_corner(seen), from_corner(seen.flip(1, 2))
        sides.append(torch.stack([first[0] * second[0], first[1], second[1]]))
    means, first, second = torch.cat([sides[0][..., 1:].flip(-1), sides[1]], dim=-1)
    flat = torch.minimum(first, second) < VARIANCE_FLOOR
    scale = torch.where(flat, torch.inf, first * second)
    doubtful = (scale < LEAST_SCALE**2).flatten(1).any(dim=1)
    scale = torch.where(doubtful[:, None, None], 1.0, scale)
    return (products / overlap - means) / scale.sqrt(), doubtful


def _scores_of_rings(correlations: np.ndarray, definition: str) -> tuple[np.ndarray, np.ndarray]:
    """60° and 90° scores (ring, map), from the correlations at `ANGLES`."""
    at = dict(zip(ANGLES, correlations, strict=True))
    like, unlike = np.stack([at[60], at[120]]), np.stack([at[30], at[90], at[150]])
    if definition == "min_max":
        score_60 = like.min(axis=0) - unlike.max(axis=0)
    else:
        score_60 = like.mean(axis=0) - unlike.mean(axis=0)
    return score_60, at[90] - (at[45] + at[135]) / 2
