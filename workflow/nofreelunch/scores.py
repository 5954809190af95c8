"""Everything that is measured on the rate maps of a cohort: grid scores, lattices, chance."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence

import numpy as np
import xarray as xr

from nofreelunch import grid_scores, lattices, nulls

CONSTANT = 1e-6  # a unit whose rates differ by less than this share of the largest is constant

log = logging.getLogger(__name__)


def measure(rate_maps: xr.Dataset, surrogates: int) -> xr.Dataset:
    """Scores of every unit.

    Args:
        rate_maps: what `rate_maps.measure` returned.
        surrogates: random-phase maps per unit that its score is compared with; 0 makes none.

    Returns:
        `score_60`, `ring_60` (definition, network, unit), `score_90`, `ring_90`, `period` (m),
        `orientation` (rad), `ellipticity`, `quality` and `active` (network, unit): False for a unit
        that is dead or constant; with surrogates, `p_value`, `null_95` (network, unit) and
        `surrogate_score` (network, unit, surrogate), all for the min_max score. The maps of a
        diverged network are not finite: its units are not active and their scores NaN.
    """
    maps = rate_maps["rate_map"].load()
    active = is_active(maps)
    usable = maps.where(active, 0.0).where(rate_maps["occupancy"] > 0)
    usable = usable.transpose(*maps.dims)
    scored = grid_scores.score_by_method(usable)
    square = scored[["score_90", "ring_90"]].isel(definition=0, drop=True)  # one for both methods
    lattice = lattices.measure(usable, float(rate_maps.attrs["bin_size"]))
    parts = [scored[["score_60", "ring_60"]], square, lattice.where(active)]
    if surrogates:
        seeds = [json.loads(str(spec))["seed"] for spec in rate_maps["spec"].values]
        parts.append(chance(usable, surrogates, seeds))
    result = xr.merge(parts, compat="override", join="exact").assign(active=active)
    diverged = ~np.isfinite(maps.where(rate_maps["occupancy"] > 0, 0.0)).all(("unit", "y", "x"))
    floating = [k for k, v in result.data_vars.items() if v.dtype.kind == "f"]
    result = result.assign({k: result[k].where(~diverged) for k in floating})
    log.info("scored %d units, %d of them active", active.size, int(active.sum()))
    result = result.drop_vars(["x", "y"], errors="ignore").assign_coords(spec=rate_maps["spec"])
    return result.assign_attrs(bin_size=rate_maps.attrs["bin_size"], surrogates=surrogates)


def is_active(maps: xr.DataArray) -> xr.DataArray:
    """(…, unit): whether a unit's rates are finite and not all the same."""
    space = ("y", "x")
    visited = maps.notnull()
    largest = abs(maps).max(space)
    spread = maps.max(space) - maps.min(space)
    finite = np.isfinite(maps.where(visited, 0.0)).all(space) & visited.any(space)
    return finite & (spread > CONSTANT * largest)


def chance(maps: xr.DataArray, surrogates: int, seeds: Sequence[int]) -> xr.Dataset:
    """Significance of every unit's min_max score against `surrogates` random-phase maps.

    Each network draws them from its own seed, so they do not depend on its cohort.
    """
    found = [
        nulls.significance(maps.isel(network=[index]), surrogates, seed)
        for index, seed in enumerate(seeds)
    ]
    return xr.concat(found, "network").astype("float32")
