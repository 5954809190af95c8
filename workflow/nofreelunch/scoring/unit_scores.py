"""Every score of every unit of a cohort: what the workflow's scoring stage computes.

`score_maps` has the shorter list of scores for rate maps from anywhere.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import xarray as xr

from nofreelunch.scoring import (
    calibration,
    expanding_ring,
    firing_fields,
    grid_modules,
    grid_scores,
    lattice_classes,
    lattices,
    significance,
    spatial_measures,
)
from nofreelunch.scoring.maps import least_change

REASONS = ("lattice", *lattices.REASONS[1:].tolist(), "inactive")

CLASS_SURROGATES = 39  # p-values go down to 1 / 40, enough for a level of 5 %
# Classifying is slow, and most units have no lattice: a unit below all of these is "other" at once.
LEAST_TO_CLASSIFY = {"score_60": 0.3, "score_90": 0.3, "stripe_score": 0.2}

log = logging.getLogger(__name__)


def score_units(rate_maps: xr.Dataset, surrogates: int, calibrated: bool = True) -> xr.Dataset:
    """Every score of every unit. One network is in memory at a time.

    Args:
        rate_maps: the dataset that `measure_rate_maps` returns.
        surrogates: most surrogates of each kind that a unit is compared with; 0 makes none.
        calibrated: whether to measure the size and the power of the test, which takes as long as
            some twenty units of each network.

    Returns:
        A dataset over (network, unit), except where another shape is given.

        - `active`, `dead`, `constant`: a unit is dead if its rate is 0 everywhere, constant if its
          rate varies by no more than rounding, and active otherwise. The rates of a diverged
          network are not finite: its units are none of the three, and all scores that are real
          numbers are NaN.
        - `score_60`, `ring_60` (definition, network, unit), `score_90`, `ring_90`: as in
          `grid_scores`. Inactive units have scores 0 and rings NaN. The scores below are NaN for
          inactive units unless stated.
        - `gridness`: as in `expanding_ring_gridness`.
        - `period` (m), `orientation` (rad), `ellipticity`, `quality`, `fit`: as in
          `measure_lattices`, NaN without a lattice. `lattice_reason`: why there is none, as a flag;
          0 stands for a lattice.
        - `field_count`: as in `count_fields`, 0 for inactive units.
        - `spatial_information` (bits per spike), `sparsity`, `border_score`: as in
          `spatial_measures`. `stability`: copied from the rate maps.

        With surrogates, which are drawn from each network's own seed, also:

        - `p_value`, `p_phase`, `p_shuffle`, `null_95` and `surrogate_score` (network, unit, kind,
          surrogate): as in `significance`, for the min_max score. `significant`: passes at a false
          discovery rate of 5 % among the network's active units.
        - `calibration_p_value` (network, made, sample): as in `calibrate`, from active units; only
          if `calibrated`.
        - `lattice_class`, as a flag, and `lattice_p_value`: as in `classify_lattices` with
          `CLASS_SURROGATES`. Units below all of `LEAST_TO_CLASSIFY` are "other" and have no
          p-value.
        - `modules`, `modules_low`, `modules_high`, `modules_units` (network): number of grid
          modules, its 95 % interval, and the number of units it rests on, as in `count_modules`.
          These units are significant and have a period. With too few of them the number is 0 and
          the interval NaN.
    """
    space = rate_maps["occupancy"].load(), float(rate_maps.attrs["bin_size"])
    found = []
    for index in range(rate_maps.sizes["network"]):
        network = rate_maps[["rate_map", "stability"]].isel(network=[index]).load()
        found.append(_of_network(network, *space, surrogates, calibrated))
        counts = {k: int(found[-1][k].sum()) for k in ("active", "significant") if k in found[-1]}
        said = ", ".join(f"{count} {kind}" for kind, count in counts.items())
        log.info("%s: %d units, %s", network["network"].item(), network.sizes["unit"], said)
    result = xr.concat(found, "network", data_vars="all", join="exact")
    return result.assign_attrs(bin_size=rate_maps.attrs["bin_size"], surrogates=surrogates)


def classify_activity(maps: xr.DataArray) -> xr.Dataset:
    """`active`, `dead` and `constant` (..., unit), as in `score_units`; all False if not finite."""
    space = ("y", "x")
    visited = maps.notnull()
    largest = abs(maps).max(space)
    varies = maps.max(space) - maps.min(space) > least_change(maps.dtype) * largest
    finite = cast(xr.DataArray, np.isfinite(maps.where(visited, 0.0)))
    finite = finite.all(space) & visited.any(space)
    dead = finite & (largest == 0)
    return xr.Dataset(
        {"active": finite & varies, "dead": dead, "constant": finite & ~varies & ~dead}
    )


def _of_network(
    network: xr.Dataset,
    occupancy: xr.DataArray,
    bin_size: float,
    surrogates: int,
    calibrated: bool,
) -> xr.Dataset:
    """`score_units` of one network. The dimension `network` is kept."""
    maps, visited = network["rate_map"], occupancy > 0
    diverged = not np.isfinite(maps.where(visited, 0.0)).all()
    kinds = classify_activity(maps) & (not diverged)
    active = kinds["active"]
    # Inactive units become zero maps, which are cheap to score.
    usable = maps.where(active, 0.0).where(visited).transpose(*maps.dims)
    result = _shape(usable, occupancy, bin_size, active).assign(
        {**kinds.data_vars, "stability": network["stability"].where(active)}
    )
    if surrogates:
        seed = json.loads(str(network["spec"].item()))["seed"]
        result = result.assign(_by_chance(usable, result, surrogates, seed))
        if calibrated:
            known = calibration.calibrate(usable.values[active.values], seed)
            made = known.expand_dims(network=usable["network"])
            result = result.assign(calibration_p_value=made)
    if diverged:
        floating = [k for k, v in result.data_vars.items() if v.dtype.kind == "f"]
        result = result.assign({k: xr.full_like(result[k], np.nan) for k in floating})
    return result


def _shape(
    maps: xr.DataArray, occupancy: xr.DataArray, bin_size: float, active: xr.DataArray
) -> xr.Dataset:
    """Scores that need no surrogates."""
    scored = grid_scores.grid_scores(maps)
    square = scored[["score_90", "ring_90"]].isel(definition=0, drop=True)  # same for both
    lattice = lattices.measure_lattices(maps, bin_size)
    measured = {
        "gridness": expanding_ring.expanding_ring_gridness(maps)["gridness"],
        **lattice.drop_vars("reason").data_vars,
        "spatial_information": spatial_measures.spatial_information(maps, occupancy).assign_attrs(
            units="bits"
        ),
        "sparsity": spatial_measures.sparsity(maps, occupancy),
        "border_score": spatial_measures.border_score(maps, bin_size),
    }
    reason = lattice["reason"].where(lattice["reason"] != "", "lattice")
    return scored[["score_60", "ring_60"]].assign(
        {
            **square.data_vars,
            **{name: values.where(active) for name, values in measured.items()},
            "lattice_reason": flags(reason.where(active, "inactive"), REASONS),
            "field_count": firing_fields.count_fields(maps),
        }
    )


def _by_chance(maps: xr.DataArray, found: xr.Dataset, surrogates: int, seed: int) -> dict[Any, Any]:
    """Scores that compare the units of one network with chance: p-values, classes, modules."""
    active = found["active"]
    names = [*significance.P_VALUES, "null_95", "surrogate_score"]
    chance = significance.significance(maps, surrogates, seed)[names].where(active)
    significant = significance.false_discovery(chance["p_value"])
    scores = found[["score_90"]].assign(
        score_60=found["score_60"].sel(definition="min_max"),
        stripe_score=lattice_classes.stripe_score(maps),
    )
    promising = active & np.logical_or.reduce(
        [scores[name] >= least for name, least in LEAST_TO_CLASSIFY.items()]
    )
    # Other units stay, as constant maps, because a unit's place decides which surrogates it gets.
    candidates = maps.where(promising | maps.isnull(), 0.0)
    lattice = lattice_classes.classify_lattices(candidates, CLASS_SURROGATES, seed)
    return {
        **chance.data_vars,
        "significant": significant,
        "lattice_class": flags(lattice["lattice_class"], lattice_classes.CLASSES),
        "lattice_p_value": lattice["p_value"].where(promising),
        **_modules(found["period"].where(significant), seed),
    }


def _modules(periods: xr.DataArray, seed: int) -> dict[str, tuple[str, list]]:
    """Grid modules of one network, counted from the periods of its significant units."""
    found = grid_modules.count_modules(periods.values, seed=seed)
    low, high = found["modules_interval"].values
    numbers = {
        "modules": int(found["modules"]),
        "modules_low": low,
        "modules_high": high,
        "modules_units": int(found["units"]),
    }
    return {name: ("network", [number]) for name, number in numbers.items()}


def flags(values: xr.DataArray, meanings: Sequence[str]) -> xr.DataArray:
    """Words as numbers of one byte, with the attributes that the CF conventions give to flags."""
    codes = (values.values[..., np.newaxis] == np.array(meanings)).argmax(axis=-1)
    attributes = {
        "flag_values": np.arange(len(meanings), dtype=np.int8),
        "flag_meanings": " ".join(meaning.replace(" ", "_") for meaning in meanings),
    }
    return values.copy(data=codes.astype(np.int8)).assign_attrs(attributes)
