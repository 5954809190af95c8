"""Groups of networks of Cueva & Wei that the figure and the tables compare."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import xarray as xr

from nofreelunch.findings.published.model_measures import Groups, lattice_share, select

WITH_ALL = {"stillness": 0.9, "noise": 0.5, "metabolic_cost": 0.1}
SHAPES = ("square", "hexagon", "triangle")
PARTS = ("ingredients", "ingredients_elsewhere", "arenas")  # all that are trained


def trained(summary: xr.Dataset, **keys: Any) -> xr.Dataset:
    """The trained networks whose specs have these values of keys, as in `select`."""
    return select(summary, part=PARTS, **keys)


def of_cueva_wei(summary: xr.Dataset) -> Groups:
    """Networks of Cueva & Wei with all ingredients, without each, and in each arena."""
    square = trained(summary, shape="square")

    def without(key: str) -> xr.Dataset:
        return select(square, **{**WITH_ALL, key: 0.0})

    return [
        ("all three,\nsquare", select(square, **WITH_ALL)),
        ("without\nnoise", without("noise")),
        ("without\nstill periods", without("stillness")),
        ("without\nthe cost", without("metabolic_cost")),
        ("all three,\nhexagon", trained(summary, shape="hexagon", **WITH_ALL)),
        ("all three,\ntriangle", trained(summary, shape="triangle", **WITH_ALL)),
        ("untrained,\nsquare", select(summary, part="untrained", shape="square")),
    ]


def combinations() -> list[dict[str, float]]:
    """Every combination of the three ingredients, all three first and none last."""
    with_or_without = [(value, 0.0) for value in WITH_ALL.values()]
    return [dict(zip(WITH_ALL, c, strict=True)) for c in itertools.product(*with_or_without)]


def factorial(summary: xr.Dataset) -> list[list[xr.Dataset]]:
    """The networks of each of the `combinations` in each of the `SHAPES`."""
    return [[trained(summary, shape=shape, **keys) for shape in SHAPES] for keys in combinations()]


def factorial_shares(summary: xr.Dataset) -> np.ndarray:
    """Mean share of units with lattices or bands (combination, shape); NaN without networks."""
    shares = [[lattice_share(networks) for networks in row] for row in factorial(summary)]
    return np.array([[s.mean() if s.size else np.nan for s in row] for row in shares])


def effects(summary: xr.Dataset, key: str) -> np.ndarray:
    """Share of units with lattices or bands with an ingredient, less that without it.

    One mean over seeds for each arena and each combination of the other two ingredients that was
    trained with and without it.
    """
    shares, rows = factorial_shares(summary), combinations()
    pairs = [(k, rows.index({**row, key: 0.0})) for k, row in enumerate(rows) if row[key]]
    apart = np.concatenate([shares[with_it] - shares[without] for with_it, without in pairs])
    return apart[np.isfinite(apart)]
