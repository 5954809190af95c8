"""How well networks and controls predict populations of cells, at unequal and at equal footing."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from nofreelunch import seeds
from nofreelunch.evaluation import populations
from nofreelunch.scoring import predictivity as scoring
from nofreelunch.scoring.surrogates import random_phase_maps
from nofreelunch.task import targets
from nofreelunch.task.arena import centres
from nofreelunch.task.target import DEFAULTS

SOURCES = ("network", "noise", "fourier", "place_cells")
OF_NETWORK = ("network", "noise")  # sources that each network has of its own
SHARED = ("units", "target", "place_cells", "place_cell_width", "surround")  # keys of the others
FOOTINGS = ("published", "equal_units", "equal_dimension")
EXAMPLES = 8  # cells of each population that figures show


def measure_predictivity(maps: Sequence[xr.Dataset], settings: Mapping[str, Any]) -> xr.Dataset:
    """Neural predictivity of populations by networks and by controls for each of these.

    The sources are a network's units, and three controls:

    - `noise`: a random map for each unit, with about its spectrum and exactly its rates.
    - `fourier`: as many random plane waves as units, whose sums have the similarity of Gaussian
      fields as wide as the place cells of the network's target.
    - `place_cells`: the cells of its target.

    They predict at three footings. `published` takes all units as they are. `equal_units` takes
    `units` units at random, of those that vary, and divides them by one number, so that their mean
    variance is 1. `equal_dimension` takes the first `components` principal components of these, at
    equal variances with the same sum.

    Synthetic populations are drawn anew for each seed of the networks, and so are plane waves.

    Args:
        maps: of each job of a model, from `measure_published`.
        settings: keys of the model's part of kind `predictivity`, as in the model's schema.

    Returns:
        `predictivity` (network, source, population, footing): the median over cells.
        `participation_ratio` (network, source), of the sources at equal units.
        `cell_map` (population, example, y, x), Hz, and `cell_kind` (population, example): cells of
        the populations of the first seed. Kinds take turns.

    Raises:
        ValueError: for recordings or populations as in `evaluation.populations`.
    """
    first = maps[0]
    bin_size, arena = float(first.attrs["bin_size"]), float(first.attrs["arena"])
    of_seed = _Populations(settings, bin_size, arena)
    kept: dict[str, tuple[np.ndarray, float]] = {}  # of controls that networks share
    found, ratios, rows = [], [], []
    for job in maps:
        for network in job["network"].values:
            one = job.sel(network=network)
            spec = json.loads(str(one["spec"].item()))
            predicted = []
            for number, source in enumerate(_sources(one["rate_map"].values, spec, arena)):
                what = repr([number, spec["seed"], *(spec[key] for key in SHARED)])
                if SOURCES[number] in OF_NETWORK or what not in kept:
                    random = seeds.generator(spec["seed"], seeds.PREDICTORS, 1 + number)
                    kept[what] = _predicted(source, random, of_seed(spec["seed"]), settings)
                predicted.append(kept[what])
            found.append([scores for scores, _ in predicted])
            ratios.append([ratio for _, ratio in predicted])
            rows.append(str(network))
    shown = {name: _examples(cells) for name, cells in of_seed(min(of_seed.made)).items()}
    return xr.Dataset(
        {
            "predictivity": (("network", "source", "population", "footing"), np.array(found)),
            "participation_ratio": (("network", "source"), np.array(ratios)),
            "cell_map": (
                ("population", "example", "y", "x"),
                np.array([cells.values for cells in shown.values()]),
            ),
            "cell_kind": (
                ("population", "example"),
                [cells["kind"].values.tolist() for cells in shown.values()],
            ),
        },
        coords={
            "network": rows,
            "source": list(SOURCES),
            "population": list(shown),
            "footing": list(FOOTINGS),
            "y": first["y"],
            "x": first["x"],
        },
        attrs={"arena": arena, "bin_size": bin_size},
    )


class _Populations:
    """The populations that networks of a seed predict: name -> maps (cell, y, x)."""

    def __init__(self, settings: Mapping[str, Any], bin_size: float, arena: float) -> None:
        self.settings, self.bin_size, self.arena = settings, bin_size, arena
        self.made: dict[int, dict[str, xr.DataArray]] = {}
        path = settings["recordings"]
        self.recorded = populations.recorded_cells(path, bin_size, arena) if path else None

    def __call__(self, seed: int) -> dict[str, xr.DataArray]:
        if seed not in self.made:
            self.made[seed] = self._of(seed)
        return self.made[seed]

    def _of(self, seed: int) -> dict[str, xr.DataArray]:
        if self.recorded is not None:
            return {"recorded": self.recorded}
        minutes, where = self.settings["minutes"], (self.bin_size, self.arena)
        return {
            name: populations.synthetic(cells, minutes, *where, seed)
            for name, cells in self.settings["populations"].items()
        }


def _sources(units: np.ndarray, spec: Mapping[str, Any], arena: float) -> list[np.ndarray]:
    """Maps (unit, y, x) of the sources, in the order of `SOURCES`."""
    random = seeds.generator(spec["seed"], seeds.PREDICTORS)
    bins = units.shape[-1]
    positions = centres(arena / bins, bins)
    width = spec["place_cell_width"] or DEFAULTS["place_cell_width"]
    waves = plane_waves(len(units), width, positions, random)
    target = targets.build_targets([spec], [spec["seed"]], arena)
    cells = np.moveaxis(target.encode(positions[None])[0], -1, 0)
    own = scoring.varying(units)
    noise = [random_phase_maps(unit, 1, random)[0] for unit in own]
    return [own, np.array(noise).reshape(own.shape), waves, cells]


def plane_waves(
    count: int, width: float, centres: np.ndarray, random: np.random.Generator
) -> np.ndarray:
    """Plane waves (wave, y, x) of random directions, lengths and phases (Rahimi and Recht 2007).

    Two places (y, x, axis), m, at a distance d are as alike in many of them as in Gaussian fields
    of that `width`, m, all over the plane: exp(-d^2 / 4 width^2).
    """
    wave = random.normal(0, 1 / (2**0.5 * width), (count, 2))
    phase = random.uniform(0, 2 * np.pi, (count, 1, 1))
    return np.cos(np.einsum("ka,yxa->kyx", wave, centres) + phase)


def _predicted(
    source: np.ndarray,
    random: np.random.Generator,
    cells: Mapping[str, xr.DataArray],
    settings: Mapping[str, Any],
) -> tuple[np.ndarray, float]:
    """Medians (population, footing) for a source, and its participation ratio."""
    equal = scoring.some_units(source, settings["units"], random)
    flat = None
    if equal is not None:
        equal = scoring.of_unit_variance(equal)
        flat = scoring.leading_components(equal, settings["components"])
    every = np.concatenate([maps.values for maps in cells.values()])
    ends = np.cumsum([len(maps) for maps in cells.values()])[:-1]
    scores = np.full((len(cells), len(FOOTINGS)), np.nan)
    for footing, maps in enumerate((source, equal, flat)):
        if maps is not None and len(maps):
            of_cells = scoring.predictivity(maps, every)
            scores[:, footing] = [_median(part) for part in np.split(of_cells, ends)]
    ratio = float("nan") if equal is None else scoring.participation_ratio(equal)
    return scores, ratio


def _median(scores: np.ndarray) -> float:
    known = scores[np.isfinite(scores)]
    return float(np.median(known)) if known.size else float("nan")


def _examples(cells: xr.DataArray) -> xr.DataArray:
    """`EXAMPLES` cells (example, y, x) whose kinds take turns; repeated if there are few."""
    _, kind = np.unique(cells["kind"].values, return_inverse=True)
    turn = np.array([(kind[:k] == kind[k]).sum() for k in range(len(kind))])
    order = np.lexsort((kind, turn))
    return cells.isel(cell=np.resize(order, EXAMPLES)).rename(cell="example")
