"""Groups of networks of Cueva & Wei that the figure and the table compare."""

from __future__ import annotations

import xarray as xr

from nofreelunch.findings.published.model_measures import Groups, select

WITH_ALL = {"stillness": 0.9, "noise": 0.5, "metabolic_cost": 0.1}


def of_cueva_wei(summary: xr.Dataset) -> Groups:
    """Networks of Cueva & Wei with all ingredients, without each, and in each arena."""
    square, arenas = select(summary, part="ingredients"), select(summary, part="arenas")

    def without(key: str) -> xr.Dataset:
        return select(square, **{**WITH_ALL, key: 0.0})

    return [
        ("all three,\nsquare", select(square, **WITH_ALL)),
        ("without\nnoise", without("noise")),
        ("without\nstill periods", without("stillness")),
        ("without\nthe cost", without("metabolic_cost")),
        ("all three,\nhexagon", select(arenas, shape="hexagon")),
        ("all three,\ntriangle", select(arenas, shape="triangle")),
        ("untrained,\nsquare", select(summary, part="untrained", shape="square")),
    ]
