"""Size and power of the test for grid cells, measured on maps made from a network's own units."""

from __future__ import annotations

import numpy as np
import xarray as xr

from nofreelunch import seeds
from nofreelunch.scoring.firing_fields import find_fields
from nofreelunch.scoring.significance import significance
from nofreelunch.scoring.surrogates import KINDS, lattice_maps

UNITS = 8  # of a network; networks are pooled afterwards
SURROGATES = 39  # enough for p-values of 0.05
LATTICE = "lattice"


def calibrate(rate_maps: np.ndarray, seed: int, count: int = UNITS) -> xr.DataArray:
    """p-values of maps of which it is known whether they are grid cells.

    At most `count` maps are chosen at random. From each are made: one surrogate of each kind, which
    is tested as if it were a unit, and one perfect grid cell with the map's own fields (see
    `lattice_maps`). The period of these is the median distance between the closest two fields of
    the chosen maps.

    The share of surrogates with a p-value of at most 0.05 is the size of the test, and the share of
    grid cells is its power.

    Args:
        rate_maps: maps (unit, y, x) of the active units of one network; NaN marks unvisited bins.
        seed: of the choice, the maps made and their own surrogates.
        count: of maps.

    Returns:
        (made, sample): `made` is "phase", "shuffle" or "lattice". NaN where a map has too few
        fields to make a surrogate of, and beyond the number of maps. A map without fields counts as
        a grid cell that does not pass.
    """
    random = seeds.generator(seed, seeds.CALIBRATION)
    chosen = random.permutation(len(rate_maps))[:count]
    fields = [find_fields(rate_maps[index]) for index in chosen]
    distances = [found.least_distance for found in fields if np.isfinite(found.least_distance)]
    maps, places = [], []
    for sample, (index, found) in enumerate(zip(chosen, fields, strict=True)):
        for made, kind in enumerate(KINDS.values()):
            if draw := kind(rate_maps[index], found, random):
                maps.append(draw(1)[0])
                places.append((made, sample))
        if len(found.peaks) and distances:
            period = float(np.median(distances))
            maps.append(lattice_maps(rate_maps[index], period, 1, random)[0])
            places.append((len(KINDS), sample))
    values = np.full((len(KINDS) + 1, count), np.nan)
    values[-1, : len(chosen)] = 1.0
    if maps:
        tested = significance(np.array(maps), SURROGATES, seed)
        values[tuple(np.transpose(places))] = tested["p_value"].values
    return xr.DataArray(
        values, dims=("made", "sample"), coords={"made": [*KINDS, LATTICE], "sample": range(count)}
    )
