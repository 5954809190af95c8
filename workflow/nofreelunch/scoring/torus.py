"""Whether the activity of a population lies on a torus, by persistent homology.

It needs ripser, which is not in the locked environment: `pip install -e '.[topology]'`.
"""

from __future__ import annotations

import logging

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from nofreelunch import seeds
from nofreelunch.errors import refused
from nofreelunch.files.extras import from_extra, installed_version
from nofreelunch.scoring.surrogates import random_phase_maps

COMPONENTS = 6  # principal components in which a torus of three phases lies
LANDMARKS = 100  # bins that stand for all, each as far as possible from the others
HOLES = ("torus_loops", "torus_void")  # a torus has two loops and one void
MEASURES = (*HOLES, "torus_z", "torus_p")
SURROGATES = 19  # random populations; none of them may come near for a p-value of 0.05
INSTALL = "pip install -e '.[topology]'"

log = logging.getLogger(__name__)


def measure_torus(rate_maps: NDArray, surrogates: int, seed: int) -> xr.Dataset:
    """How far a population's loops and void outlive those of populations of random maps.

    A bin of the arena is a point: the rates of all units there, in the six principal components of
    the population. If all units share one hexagonal lattice, these points lie on a torus, which
    has two loops and one void that persist over a wide range of distances. The null hypothesis is a
    population whose units have random maps, each with the spectrum and rates of one unit (Sorscher
    et al. 2023 compare with low-pass noise; Gardner et al. 2022 have the method).

    Args:
        rate_maps: (unit, y, x) of active units; NaN marks an unvisited bin, the same for all units.
        surrogates: number of random populations, 2 or more.
        seed: of the random maps.

    Returns:
        `torus_loops`, the lifetime of the second-longest loop, and `torus_void`, that of the
        longest void, in units of the mean distance of the points from their centre. `torus_z`: by
        how many standard deviations of the random populations these exceed their means, the smaller
        of both. `torus_p`: the larger p-value, each (1 + random populations with as long a
        lifetime) / (1 + random populations). All are NaN for fewer than seven units.

    Raises:
        ValueError: for fewer than two surrogates.
        MissingLibrary: where ripser is not installed.
    """
    if surrogates < 2:
        raise refused("surrogates", f"{surrogates}", "2 or more")
    if len(rate_maps) <= COMPONENTS:
        return xr.Dataset(dict.fromkeys(MEASURES, float("nan")))
    found = _lifetimes(rate_maps)
    generators = [seeds.generator(seed, seeds.TORUS, unit) for unit in range(len(rate_maps))]
    drawn = np.stack(
        [
            random_phase_maps(one, surrogates, random)
            for one, random in zip(rate_maps, generators, strict=True)
        ],
        1,
    )
    chance = np.array([_lifetimes(population) for population in drawn])
    away = (found - chance.mean(0)) / np.maximum(chance.std(0, ddof=1), 1e-12)
    p_values = (1 + (chance >= found).sum(0)) / (1 + surrogates)
    return xr.Dataset(dict(zip(MEASURES, (*found, away.min(), p_values.max()), strict=True)))


def tori(maps: xr.Dataset, scores: xr.Dataset) -> xr.Dataset:
    """`measure_torus` of the active units of each network, over `network`.

    Args:
        maps: with `rate_map` (network, unit, y, x) and `spec`.
        scores: of these maps, with `active` (network, unit).

    Returns:
        All are NaN where ripser is not installed, which the log says.
    """
    if installed_version("ripser") is None:
        log.warning("ripser is not installed, so no torus is looked for: %s", INSTALL)
        unknown = np.full(maps.sizes["network"], np.nan)
        found = xr.Dataset({name: ("network", unknown) for name in MEASURES})
    else:
        rows = [
            measure_torus(rates[active], SURROGATES, number)
            for number, (rates, active) in enumerate(
                zip(maps["rate_map"].values, scores["active"].values, strict=True)
            )
        ]
        found = xr.concat(rows, "network")
    return found.assign_coords(network=maps["network"], spec=maps["spec"])


def _lifetimes(maps: NDArray) -> NDArray:
    """Lifetimes of the second-longest loop and of the longest void, in mean distances."""
    with from_extra("the torus", "topology"):
        from ripser import ripser

    points = maps[:, ~np.isnan(maps).any(0)].T.astype(float)
    points -= points.mean(0)
    _, axes = np.linalg.eigh(points.T @ points)
    points = points @ axes[:, ::-1][:, :COMPONENTS]
    scale = np.linalg.norm(points, axis=1).mean()
    if not scale > 0:
        return np.zeros(len(HOLES))
    landmarks = min(LANDMARKS, len(points))
    loops, voids = ripser(points / scale, maxdim=2, n_perm=landmarks)["dgms"][1:]
    return np.array([_longest(loops, 2), _longest(voids, 1)])


def _longest(bars: NDArray, place: int) -> float:
    lifetimes = np.sort(bars[:, 1] - bars[:, 0])
    return float(lifetimes[-place]) if len(lifetimes) >= place else 0.0
