"""Everything that is measured on the rate maps of a cohort: scores, lattices, chance, modules."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence

import numpy as np
import xarray as xr

from nofreelunch import (
    fields,
    grid_scores,
    gridness,
    lattice_classes,
    lattices,
    modules,
    nulls,
    spatial,
)
from nofreelunch.autocorrelograms import least_change

REASONS = ("lattice", *lattices.REASONS[1:].tolist(), "inactive")
CLASSES = (lattice_classes.OTHER, *lattice_classes.LATTICES)

# Classes cost a third of all, most of it for units that are nothing. One without any of these
# scores is taken for "other": of 316 units of trained networks, none of the 22 that were
# significant was below.
CLASS_SURROGATES = 39
LEAST_TO_CLASSIFY = {"score_60": 0.3, "score_90": 0.3, "stripe_score": 0.2}

log = logging.getLogger(__name__)


def measure(rate_maps: xr.Dataset, surrogates: int) -> xr.Dataset:
    """Scores of every unit, one network in memory at a time.

    Args:
        rate_maps: what `rate_maps.measure` returned.
        surrogates: of each kind, at most, that a unit's score is compared with; 0 makes none.

    Returns:
        Of (network, unit) unless it says otherwise:

        - `active`, `dead` and `constant`: a unit is dead if its rate is 0 everywhere, constant if
          it varies by less than 1e-6 of it, and active otherwise. The maps of a diverged network
          are not finite: its units are none of the three and all their measures NaN.
        - `score_60` and `ring_60` (definition, network, unit), `score_90`, `ring_90` as
          `grid_scores.score` has them, 0 and NaN for a unit that is not active. All that follows is
          NaN for such a unit, or says so.
        - `gridness`, as of `gridness.expanding_ring`.
        - `period` (m), `orientation` (rad), `ellipticity`, `quality` and `fit`, as of
          `lattices.measure`, NaN where there is no lattice; `lattice_reason`, why, as a flag: 0 is
          a lattice.
        - `field_count`, 0 for a unit that is not active.
        - `spatial_information` (bits), `sparsity` and `border_score`, as of `spatial`; and
          `stability`, from the rate maps.

        With surrogates, each network's from its own seed, also

        - `p_value`, `p_phase`, `p_shuffle`, `null_95` and `surrogate_score` (network, unit,
          surrogate), as of `nulls.significance`, for the min_max score; `significant`, at a false
          discovery rate of 5 % among a network's active units.
        - `lattice_class`, as a flag, and its `lattice_p_value`, as of `lattice_classes.classify`
          with 39 surrogates. A unit with scores below 0.3 (60° and 90°) and 0.2 (stripes) is
          "other" without a p-value.
        - `modules`, `modules_low`, `modules_high` and `modules_units` (network): number of grid
          modules of the significant units that have a period, its 95 % interval, and how many units
          that are, as of `modules.count`; 0 and NaN where these are too few.
    """
    space = rate_maps["occupancy"].load(), float(rate_maps.attrs["bin_size"])
    found = []
    for index in range(rate_maps.sizes["network"]):
        network = rate_maps[["rate_map", "stability"]].isel(network=[index]).load()
        found.append(_of_network(network, *space, surrogates))
        counts = {k: int(found[-1][k].sum()) for k in ("active", "significant") if k in found[-1]}
        said = ", ".join(f"{count} {kind}" for kind, count in counts.items())
        log.info("%s: %d units, %s", network["network"].item(), network.sizes["unit"], said)
    result = xr.concat(found, "network", data_vars="all", join="exact")
    return result.assign_attrs(bin_size=rate_maps.attrs["bin_size"], surrogates=surrogates)


def activity(maps: xr.DataArray) -> xr.Dataset:
    """`active`, `dead` and `constant` (..., unit), as in `measure`; all False where not finite."""
    space = ("y", "x")
    visited = maps.notnull()
    largest = abs(maps).max(space)
    varies = maps.max(space) - maps.min(space) > least_change(maps.dtype) * largest
    finite = np.isfinite(maps.where(visited, 0.0)).all(space) & visited.any(space)
    dead = finite & (largest == 0)
    return xr.Dataset(
        {"active": finite & varies, "dead": dead, "constant": finite & ~varies & ~dead}
    )


def _of_network(
    network: xr.Dataset, occupancy: xr.DataArray, bin_size: float, surrogates: int
) -> xr.Dataset:
    """What `measure` returns of one network, which still is a dimension."""
    maps, visited = network["rate_map"], occupancy > 0
    diverged = not np.isfinite(maps.where(visited, 0.0)).all()
    kinds = activity(maps) & (not diverged)
    active = kinds["active"]
    # A unit that is not active is held as one that is 0, which is soon scored.
    usable = maps.where(active, 0.0).where(visited).transpose(*maps.dims)
    result = _shape(usable, occupancy, bin_size, active).assign(
        **kinds.data_vars, stability=network["stability"].where(active)
    )
    if surrogates:
        seed = json.loads(str(network["spec"].item()))["seed"]
        result = result.assign(_by_chance(usable, result, surrogates, seed))
    if diverged:
        floating = [k for k, v in result.data_vars.items() if v.dtype.kind == "f"]
        result = result.assign({k: xr.full_like(result[k], np.nan) for k in floating})
    return result


def _shape(
    maps: xr.DataArray, occupancy: xr.DataArray, bin_size: float, active: xr.DataArray
) -> xr.Dataset:
    """What maps are like by themselves."""
    scored = grid_scores.score_by_method(maps)
    square = scored[["score_90", "ring_90"]].isel(definition=0, drop=True)  # one for both methods
    lattice = lattices.measure(maps, bin_size)
    measured = {
        "gridness": gridness.expanding_ring(maps)["gridness"],
        **lattice.drop_vars("reason").data_vars,
        "spatial_information": spatial.information(maps, occupancy).assign_attrs(units="bits"),
        "sparsity": spatial.sparsity(maps, occupancy),
        "border_score": spatial.border_score(maps, bin_size),
    }
    reason = lattice["reason"].where(lattice["reason"] != "", "lattice")
    return scored[["score_60", "ring_60"]].assign(
        **square.data_vars,
        **{name: values.where(active) for name, values in measured.items()},
        lattice_reason=flags(reason.where(active, "inactive"), REASONS),
        field_count=fields.count(maps),
    )


def _by_chance(
    maps: xr.DataArray, found: xr.Dataset, surrogates: int, seed: int
) -> dict[str, xr.DataArray]:
    """How the units of one network compare with chance."""
    active = found["active"]
    names = ["p_value", "p_phase", "p_shuffle", "null_95", "surrogate_score"]
    chance = nulls.significance(maps, surrogates, seed)[names].where(active)
    significant = nulls.false_discovery(chance["p_value"])
    scores = found[["score_90"]].assign(
        score_60=found["score_60"].sel(definition="min_max"),
        stripe_score=lattice_classes.stripe_score(maps),
    )
    promising = active & np.logical_or.reduce(
        [scores[name] >= least for name, least in LEAST_TO_CLASSIFY.items()]
    )
    # The others are held as constant: so each unit has the same surrogates whatever they are.
    candidates = maps.where(promising | maps.isnull(), 0.0)
    lattice = lattice_classes.classify(candidates, CLASS_SURROGATES, seed)
    return {
        **chance.data_vars,
        "significant": significant,
        "lattice_class": flags(lattice["lattice_class"], CLASSES),
        "lattice_p_value": lattice["p_value"].where(promising),
        **_modules(found[["period", "orientation"]].where(significant), seed),
    }


def _modules(lattice: xr.Dataset, seed: int) -> dict[str, tuple[str, list]]:
    """Grid modules of one network, by the lattices of its significant units."""
    found = modules.count(lattice["period"].values, lattice["orientation"].values, seed)
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
