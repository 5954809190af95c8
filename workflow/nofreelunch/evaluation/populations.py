"""Populations of cells for networks to predict: synthetic ones, and recordings that a user has.

A kind of cells is one function under `cells_of`, which draws rate maps (cell, y, x) between 0 and 1
at the positions of bins.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import scipy.ndimage
import xarray as xr

from nofreelunch import seeds
from nofreelunch.errors import InvalidFile, refused
from nofreelunch.scoring.map_files import read_maps
from nofreelunch.scoring.predictivity import SPLITS, varying
from nofreelunch.scoring.surrogates import random_phase_maps
from nofreelunch.task.arena import bin_count, centres

SMALLEST_PERIOD, RATIO, MODULES = 0.4, 1.4, 4  # m, from one module of grid cells to the next
SHARPNESS = 3.0  # of the fields of grid cells
DEPTHS = 0.05, 0.15  # m, over which the rate of a border cell falls to 1 / e
GRAINS = 0.1, 0.25  # m, to which the noise of irregular cells is smoothed
PEAKS = 5.0, 20.0  # Hz

Draw = Callable[[int, float, int, np.random.Generator], np.ndarray]
KINDS: dict[str, Draw] = {}


def cells_of(kind: str) -> Callable[[Draw], Draw]:
    """Register the function below as the cells of this kind.

    It is given the number of cells, the side of a bin (m), the number of bins along a side, and a
    generator.
    """

    def register(draw: Draw) -> Draw:
        KINDS[kind] = draw
        return draw

    return register


@cells_of("grid")
def grid_cells(count: int, size: float, bins: int, random: np.random.Generator) -> np.ndarray:
    """Grid cells of four modules, each with a period and an orientation, at random phases."""
    module = random.integers(MODULES, size=count)
    period = SMALLEST_PERIOD * RATIO**module
    turn = random.uniform(0, math.pi / 3, MODULES)[module]
    angle = turn[:, None] + np.deg2rad([0, 60, 120])
    wave = 4 * math.pi / (math.sqrt(3) * period[:, None, None]) * _directions(angle)
    phase = random.uniform(0, 2 * math.pi, (count, 2))
    phases = np.column_stack([phase, phase[:, 1] - phase[:, 0]])  # the third wave joins the two
    inside = np.einsum("cka,yxa->ckyx", wave, centres(size, bins)) + phases[..., None, None]
    peak = np.cos(inside).mean(1)
    return np.exp(SHARPNESS * (peak - 1))


@cells_of("border")
def border_cells(count: int, size: float, bins: int, random: np.random.Generator) -> np.ndarray:
    """Border cells, each along one of the four walls."""
    wall, depth = random.integers(4, size=count), random.uniform(DEPTHS[0], DEPTHS[1], count)
    from_wall = centres(size, bins) + bins * size / 2
    walls = np.concatenate([from_wall, bins * size - from_wall], -1)
    return np.exp(-np.moveaxis(walls, -1, 0)[wall] / depth[:, None, None])


@cells_of("head_direction")
def head_direction_cells(
    count: int, size: float, bins: int, random: np.random.Generator
) -> np.ndarray:
    """Cells that fire everywhere alike, as those tuned to head direction alone do on average."""
    return np.full((count, bins, bins), 0.5)


@cells_of("irregular")
def irregular_cells(count: int, size: float, bins: int, random: np.random.Generator) -> np.ndarray:
    """Spatial cells without order: smoothed noise, cut below its mean."""
    grains = random.uniform(GRAINS[0], GRAINS[1], count) / size
    noise = [
        scipy.ndimage.gaussian_filter(random.normal(size=(bins, bins)), grain) for grain in grains
    ]
    fields = np.maximum([field - field.mean() for field in noise], 0)
    return fields / fields.max((1, 2), keepdims=True)


@cells_of("like_grid")
def like_grid_cells(count: int, size: float, bins: int, random: np.random.Generator) -> np.ndarray:
    """Grid cells whose phases are random: about their spectrum and exactly their rates."""
    return np.concatenate(
        [random_phase_maps(one, 1, random) for one in grid_cells(count, size, bins, random)]
    )


def synthetic(
    composition: Mapping[str, int], minutes: float, bin_size: float, arena: float, seed: int
) -> xr.DataArray:
    """Rate maps (cell, y, x), Hz, of a synthetic population, with the `kind` of each cell.

    The animal spends equal times in all bins, and spikes are Poisson-distributed.

    Args:
        composition: number of cells of each of the `KINDS`.
        minutes: length of the recording.
        bin_size: side of a bin, m.
        arena: side of the square, m.
        seed: 0 or more.

    Raises:
        ValueError: for fewer cells than splits of the bins.
    """
    check_count("cells", sum(composition.values()))
    bins = bin_count(arena, bin_size)
    dwell = 60 * minutes / bins**2
    found, kinds = [], []
    for number, (kind, draw) in enumerate(KINDS.items()):
        if kind in composition:
            random = seeds.generator(seed, seeds.PREDICTED_CELLS, number)
            maps = draw(composition[kind], bin_size, bins, random)
            low, high = np.log(PEAKS)
            peak = np.exp(random.uniform(low, high, len(maps)))[:, None, None]
            found.append(random.poisson(dwell * peak * maps) / dwell)
            kinds += [kind] * len(maps)
    return xr.DataArray(
        np.concatenate(found), dims=("cell", "y", "x"), coords={"kind": ("cell", kinds)}
    )


def recorded_cells(path: str, bin_size: float, arena: float) -> xr.DataArray:
    """Rate maps (cell, y, x) of recorded cells from a file, in bins of `bin_size` (m).

    Files are those of `read_maps`, such as npz and NWB. Smaller bins are averaged in blocks where
    whole ones fill a bin. Cells whose rate does not vary are left out.

    Raises:
        ValueError: one line, for a file without bin size, with bins that do not fit the arena of
            the models, or with fewer cells than splits of the bins.
    """
    maps, size = read_maps(path)
    bins = bin_count(arena, bin_size)
    allowed = f"{bins} x {bins} bins of {bin_size:g} m, as the models' maps, or whole parts of them"
    if size is None:
        raise refused(f"{path}: bin_size", "nothing", "a bin size, m", InvalidFile)
    parts, sides = max(1, round(bin_size / size)), maps.shape[-2:]
    if abs(parts * size - bin_size) > 1e-6 or sides != (parts * bins, parts * bins):
        other = f"{sides[0]} x {sides[1]} bins of {size:g} m"
        raise refused(path, other, allowed, InvalidFile)
    stack = maps.values.reshape(-1, bins, parts, bins, parts).astype(float)
    visited = np.isfinite(stack)
    sums = np.where(visited, stack, 0).sum((2, 4))
    counts = visited.sum((2, 4))
    found = varying(np.where(counts, sums / np.maximum(counts, 1), np.nan))
    check_count(f"{path}: cells whose rate varies", len(found))
    return xr.DataArray(
        found, dims=("cell", "y", "x"), coords={"kind": ("cell", ["recorded"] * len(found))}
    )


def unpredictable(
    models: Mapping[str, Mapping[str, Any]], bin_size: float, arena: float
) -> list[str]:
    """One line for each of the published `models` whose networks could not predict its cells.

    `bin_size` and `arena` are those of the models' maps, m.
    """
    lines = []
    for name, model in models.items():
        if not (settings := model["predictivity"]):
            continue
        try:
            for population, cells in settings["populations"].items():
                where = f"workflow/models/{name}.yaml: populations.{population}: cells"
                check_count(where, sum(cells.values()))
            if settings["recordings"]:
                recorded_cells(settings["recordings"], bin_size, arena)
        except (ValueError, OSError) as error:
            lines.append(str(error))
    return lines


def check_count(where: str, count: int) -> None:
    """Raise ValueError for fewer cells than splits of the bins."""
    if count < SPLITS:
        raise refused(where, f"{count}", f"{SPLITS} or more, the number of splits", InvalidFile)


def _directions(angle: np.ndarray) -> np.ndarray:
    return np.stack([np.cos(angle), np.sin(angle)], -1)
