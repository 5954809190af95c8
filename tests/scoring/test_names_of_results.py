"""Maps whose coordinates have the name of a result are refused, by every scorer."""

from functools import partial

import numpy as np
import pytest
import xarray as xr
from nofreelunch.scoring import (
    autocorrelograms,
    expanding_ring,
    grid_scores,
    lattice_classes,
    lattices,
    published_periods,
    significance,
)


def test_leading_dimensions_named_as_those_of_results():
    rates = np.random.default_rng(0).uniform(size=(2, 8, 8))
    for name in ("definition", "ring"):
        maps = xr.DataArray(rates, dims=(name, "y", "x"))
        with pytest.raises(ValueError, match=f"rate_maps: found a dimension '{name}'"):
            grid_scores.ring_scores(maps)


SCORERS = {
    "score_60": grid_scores.published_score,
    "ring_90": grid_scores.grid_scores,
    "definition": grid_scores.ring_scores,
    "lag_x": autocorrelograms.autocorrelograms,
    "gridness": expanding_ring.expanding_ring_gridness,
    "reason": partial(lattices.measure_lattices, bin_size=0.1),
    "peaks": published_periods.nearest_six,
    "p_phase": partial(significance.significance, count=1, seed=0),
    "lattice": partial(lattice_classes.classify_lattices, count=1, seed=0),
}


@pytest.mark.parametrize("name", SCORERS)
def test_coordinates_named_as_results(name):
    """Of files that hold scores of an earlier time, say."""
    rates = np.random.default_rng(0).uniform(size=(2, 8, 8))
    maps = xr.DataArray(rates, dims=("unit", "y", "x"), coords={name: ("unit", [1.0, 2.0])})
    with pytest.raises(ValueError, match=f"rate_maps: found a coordinate '{name}'; allowed"):
        SCORERS[name](maps)
