"""Factorisations of targets as rate maps, beside those of published models' networks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from nofreelunch.scoring.own_bins import own_scores
from nofreelunch.task import targets
from nofreelunch.task.arena import bin_count
from nofreelunch.task.target import ARENA
from nofreelunch.theory.factorisation import factorise


def factorised_maps(
    specs: Mapping[str, Mapping[str, Any]], bin_size: float, own_bin_size: float
) -> xr.Dataset:
    """Maps of factorisations, by the id of each, as a dataset that can be scored like rate maps.

    Maps are interpolated at the centres of bins of `bin_size` (m), and for the scores `own_60` and
    `own_90` of `own_bin_size`. Each bin has the same `occupancy`. `stability` is one, because
    nothing is sampled; there are no errors.
    """
    centres, own = (_centres(size) for size in (bin_size, own_bin_size))
    bins, maps, own_maps = len(centres), [], []
    for spec in specs.values():
        target = targets.build_targets([spec], [spec["seed"]])
        fine = factorise(target, spec["method"], spec["units"], spec["seed"])
        maps.append(_interpolated(fine, centres))
        own_maps.append(_interpolated(fine, own))
    found = np.array(maps, np.float32)
    unknown = np.full(len(specs), np.nan)
    return xr.Dataset(
        {
            "rate_map": (("network", "unit", "y", "x"), found),
            "occupancy": (("y", "x"), np.ones((bins, bins), np.int64)),
            "stability": (("network", "unit"), np.ones(found.shape[:2])),
            "position_error": (("network", "horizon"), unknown[:, None], {"units": "m"}),
            "ridge_error": ("network", unknown, {"units": "m"}),
            "ridge_by_horizon": (("network", "horizon"), unknown[:, None], {"units": "m"}),
            **own_scores(np.array(own_maps, np.float32), own_bin_size),
        },
        coords={
            "network": list(specs),
            "spec": ("network", [json.dumps(dict(s), sort_keys=True) for s in specs.values()]),
            "horizon": ("horizon", [0], {"units": "steps"}),
            "x": ("x", centres, {"units": "m"}),
            "y": ("y", centres, {"units": "m"}),
        },
        attrs={"arena": ARENA, "bin_size": bin_size, "device": "cpu"},
    )


def _centres(bin_size: float) -> NDArray:
    bins = bin_count(ARENA, bin_size)
    return (np.arange(bins) + 0.5) * bin_size - ARENA / 2


def _interpolated(maps: xr.DataArray, centres: NDArray) -> NDArray:
    """Periodic maps (unit, y, x) at other positions (m) along both axes."""
    around = maps.pad(y=1, x=1, mode="wrap")
    side = maps["x"].values
    step = side[1] - side[0]
    side = np.concatenate([side[:1] - step, side, side[-1:] + step])
    return around.assign_coords(y=side, x=side).interp(y=centres, x=centres).values
