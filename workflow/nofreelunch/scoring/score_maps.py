"""Scores of rate maps from anywhere, as one dataset (`score`) or one table (`score_table`)."""

from __future__ import annotations

import pandas as pd
import xarray as xr
from numpy.typing import ArrayLike

from nofreelunch.errors import check_whole
from nofreelunch.scoring import expanding_ring, grid_scores, lattices, significance
from nofreelunch.scoring.bin_sizes import check_bin_size


def score(
    rate_maps: ArrayLike,
    bin_size: float | None,
    unvisited: str = "masked",
    surrogates: int = 0,
    seed: int = 0,
    progress: bool = False,
) -> xr.Dataset:
    """Grid scores, gridness and lattice of each rate map, and p-values if surrogates are asked for.

    In the simplest case, one map of a unit whose fields lie on a lattice with a period of 0.6 m:

        >>> import numpy as np
        >>> import nofreelunch as nfl
        >>> y, x = np.mgrid[:44, :44] * 0.05
        >>> angle = np.deg2rad([0, 60, 120])[:, None, None]
        >>> k = 4 * np.pi / (np.sqrt(3) * 0.6)  # rad/m, for a period of 0.6 m
        >>> waves = np.cos(k * (x * np.cos(angle) + y * np.sin(angle)))
        >>> grid_cell = np.maximum(waves.sum(axis=0), 0)
        >>> scores = nfl.score(grid_cell, bin_size=0.05, surrogates=99)
        >>> round(scores["period"].item(), 2), scores["p_value"].item()
        (0.6, 0.01)

    Args:
        rate_maps: (..., y, x), numpy or xarray; NaN marks a bin that the animal never visited.
        bin_size: side of a bin, m.
        unvisited: what unvisited bins count as, as in `grid_scores`.
        surrogates: most surrogates of each kind that a map's score is compared with; 0 makes none.
        seed: of the surrogates.
        progress: whether to draw a progress bar if the output is a terminal.

    Returns:
        A dataset over the leading dimensions: the results of `grid_scores`,
        `expanding_ring_gridness`, `measure_lattices` and, with surrogates, `significance`.
        `score_60` and `ring_60` have a dimension `definition`. `score_90` and `ring_90` have none,
        because they are the same by both definitions.

    Raises:
        ValueError: as these functions do, and for a negative number of surrogates.
    """
    check_whole("surrogates", surrogates, 0)
    size = check_bin_size(rate_maps, bin_size)
    lattice = lattices.measure_lattices(rate_maps, size, unvisited)
    scores = grid_scores.grid_scores(rate_maps, unvisited)
    square = scores[["score_90", "ring_90"]].isel(definition=0, drop=True)
    parts = [scores[["score_60", "ring_60"]], square]
    parts += [expanding_ring.expanding_ring_gridness(rate_maps, unvisited), lattice]
    if surrogates:
        parts.append(
            significance.significance(
                rate_maps, surrogates, seed, unvisited=unvisited, progress=progress
            )
        )
    return xr.merge(parts, compat="override", join="exact").assign_attrs(bin_size=size)


def score_table(scores: xr.Dataset) -> pd.DataFrame:
    """One row per map: its labels, then its scores. Scores of single surrogates are left out.

    A score with two definitions has two columns, such as `score_60_min_max` and `score_60_mean`.
    """
    leading = scores["score_90"].dims
    columns = {}
    for name, values in scores.data_vars.items():
        if values.dims == leading:
            columns[name] = values
        elif values.dims == ("definition", *leading):
            for definition in values["definition"].values:
                columns[f"{name}_{definition}"] = values.sel(definition=definition, drop=True)
    if not leading:
        return pd.DataFrame({name: [values.item()] for name, values in columns.items()})
    table = xr.Dataset(columns).drop_vars("definition", errors="ignore")
    return table.to_dataframe(dim_order=leading).reset_index()
