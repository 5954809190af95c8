"""Maps that grow from the place cells of a target, alone and with a readout that they share.

A part of docs/conditions.md. The patterns of `theory.pattern_formation` grow from a covariance that
is averaged over the arena. Here it is that of the place cells as they lie.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import xarray as xr
from nofreelunch.errors import refused
from nofreelunch.scoring.grid_scores import grid_scores
from nofreelunch.scoring.significance import LEVEL, significance
from nofreelunch.task.arena import centres
from nofreelunch.task.target import Target
from nofreelunch.task.targets import build_target

BINS = 22  # of 10 cm along a side, as in the studies
SURROGATES = 99  # of each kind
STEP = 0.3  # growth of the fastest pattern in a step, as in `form_patterns`
DECAY = 1.0  # of the readout; a code saturates where its units' squares sum to about this
SAME = 0.99  # correlation of maps that are one lattice
LONGEST = 4000  # steps of a code that never explains enough


class Lattices(NamedTuple):
    """Of active maps: their grid scores, and which have p <= 0.05."""

    score: np.ndarray
    small: np.ndarray

    @property
    def share(self) -> float:
        """Share of maps with p <= 0.05."""
        return float(self.small.mean())


def lattices(maps: np.ndarray, seed: int = 0) -> Lattices:
    """Scores and p-values of maps (unit, y, x); silent ones are left out."""
    active = maps[maps.std(axis=(1, 2)) > 0]
    data = xr.DataArray((active / active.max(axis=(1, 2), keepdims=True)).astype(np.float32))
    data = data.rename(dict(zip(data.dims, ("unit", "y", "x"), strict=True)))
    p_value = significance(data, SURROGATES, seed)["p_value"]
    score = grid_scores(data)["score_60"].sel(definition="min_max").values
    return Lattices(score, p_value.values <= LEVEL)


def place_cells(
    width: float, cells: int, regular: bool, seed: int, periodic: bool = True
) -> Target:
    """Differences of softmaxes of one width, at random positions or on a square raster."""
    keys = {"target": "difference_of_softmaxes", "place_cell_width": width, "place_cells": cells}
    keys["place_cell_centres"] = "raster" if regular else "random"
    return build_target(keys, seed, periodic=periodic)


def activity(target: Target) -> np.ndarray:
    """Activity (bin, cell) of place cells in the middle of each bin."""
    return target.encode(centres(target.arena / BINS, BINS).reshape(-1, 2))


def centred(target: Target) -> np.ndarray:
    """The same, less each cell's mean."""
    found = activity(target)
    return found - found.mean(axis=0)


def grown(
    target: Target, decades: Sequence[float], count: int, seed: int, equal: bool = False
) -> Iterator[np.ndarray]:
    """Maps (map, y, x) that grow independently, after growth by each 10^decades.

    They follow g <- relu(g + h C g), as in `form_patterns`, where C is the covariance of these
    place cells. Growth is that of the maps' standard deviation, the geometric mean over maps.

    Args:
        target: the place cells.
        decades: of growth, in rising order.
        count: number of maps.
        seed: of the start.
        equal: whether C is divided so that the place cells have equal power at every position.
    """
    cells = centred(target)
    if equal:
        cells = cells / np.linalg.norm(cells, axis=1, keepdims=True)
    covariance = cells @ cells.T
    covariance /= np.linalg.eigvalsh(covariance)[-1]
    maps, growth = np.random.default_rng(seed).standard_normal((BINS**2, count)), 0.0
    for wanted in decades:
        while growth < wanted:
            maps = np.maximum(0, maps + STEP * covariance @ maps)
            size = maps.std(axis=0)
            maps /= size
            growth += np.log10(size).mean()
        yield maps.T.reshape(-1, BINS, BINS)


def alike(maps: np.ndarray) -> np.ndarray:
    """Which maps (map, y, x) of joined walls are the first, moved, turned by 90° or mirrored."""
    spectra = np.fft.fft2(maps - maps.mean((1, 2), keepdims=True))
    best = np.zeros(len(maps))
    for turns in range(4):
        for one in (maps[0], maps[0].T):
            turned = np.rot90(one, turns)
            product = spectra * np.conj(np.fft.fft2(turned - turned.mean()))
            best = np.maximum(best, np.fft.ifft2(product).real.max((1, 2)))
    return best / (maps[0].size * maps.std((1, 2)) * maps[0].std()) > SAME


class Code(NamedTuple):
    """Units' activity (bin, unit), their readout (unit, cell), and what the readout explains."""

    activity: np.ndarray
    readout: np.ndarray
    explained: float

    @property
    def maps(self) -> np.ndarray:
        return self.activity.T.reshape(-1, BINS, BINS)


def learnt(
    target: Target, units: int, start: float, shares: Sequence[float], seed: int
) -> Iterator[Code]:
    """A rectified code that learns place cells by gradient descent, without any network.

    Each unit is free to have any non-negative map. One linear readout of all units, which always is
    the best with decay, predicts the activity of the place cells; the squared error is descended.
    While the units are small none explains anything, and each grows as in `grown`. "Explained" is
    over what as many principal components explain.

    Args:
        target: the place cells.
        units: number of units.
        start: standard deviation of their activity at the start.
        shares: explained; yields the code when it first explains each.
        seed: of the start.
    """
    cells = centred(target)
    strengths = np.linalg.svd(cells, compute_uv=False)
    cells, strengths = cells / strengths[0], np.square(strengths / strengths[0])
    best = strengths[:units].sum() / strengths.sum()
    code = start * np.random.default_rng(seed).standard_normal((BINS**2, units))
    waiting = list(shares)
    for _ in range(LONGEST):
        readout = np.linalg.solve(code.T @ code + DECAY * np.eye(units), code.T @ cells)
        error = cells - code @ readout
        explained = (1 - np.square(error).sum() / strengths.sum()) / best
        while waiting and explained > waiting[0]:
            waiting.pop(0)
            yield Code(code, readout, explained)
        if not waiting:
            return
        code = np.maximum(0, code + STEP * DECAY * error @ readout.T)
    raise refused("units", f"a code that explains {explained:.2f}", f"{waiting[0]}")
