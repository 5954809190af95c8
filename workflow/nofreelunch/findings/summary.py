"""The summary of a study: one table of all networks and units, judged by the thresholds."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from nofreelunch.errors import refused
from nofreelunch.files import datasets
from nofreelunch.findings.talks import GRID_CELL_SCORE
from nofreelunch.scoring.calibration import LATTICE
from nofreelunch.scoring.lattice_classes import CLASSES
from nofreelunch.scoring.significance import LEVEL
from nofreelunch.scoring.surrogates import KINDS

SPEC_COLUMNS = (
    "target",
    "cell",
    "activation",
    "optimizer",
    "units",
    "seed",
    "learning_rate",
    "weight_decay",
)
UNIT_VARIABLES = (
    "score_60",
    "score_90",
    "gridness",
    "period",
    "orientation",
    "ellipticity",
    "field_count",
    "stability",
    "spatial_information",
    "sparsity",
    "border_score",
)
# Variables of the scores that come from the comparison with surrogates, per unit and per network,
# and the values that stand for them where no surrogates were scored.
BY_CHANCE = {"p_value": np.nan, "significant": False, "lattice_class": np.int8(0)}
MODULES = {"modules": 0, "modules_low": np.nan, "modules_high": np.nan, "modules_units": 0}
PADDING = {  # for units that a network does not have; NaN in all other variables
    "active": False,
    "present": False,
    "significant": False,
    "field_count": 0,
    "lattice_class": np.int8(0),
}
UNIT_COUNTS = ("units_present", "units_active", "units_dead", "units_constant")


def collect(
    stages: Iterable[tuple[str, str, str]], lesions: str, run: Mapping[str, Any]
) -> xr.Dataset:
    """Collect the summary of a study.

    Args:
        stages: for each cohort the paths of its networks, rate maps and scores.
        lesions: path of the lesions.
        run: `study` (name), `sweeps` (name -> network ids), `defaults` (spec of the reference
            configuration), `arena` (side of its arena, m) and `thresholds` (the section of the
            config).

    Returns:
        A dataset over `network`, `unit`, `threshold` and `kind` (of surrogates). The thresholds are
        the config's `grid_score` and `grid_cells`, and the talk's; `reported` (threshold) is True
        for those of `grid_score`.

        Per network: its spec; final `loss` (mean of the last tenth of the curve);
        `position_error` (network, horizon) and `ridge_error` in m; `diverged`; `low_error`,
        `max_score` and `has_grid_cells`, judged by the thresholds; the number of its units,
        `units_present`, and how many of these are active, dead and constant: `units_active`,
        `units_dead` and `units_constant`; its grid modules, as in the scores; and its
        `lesion_error` (lesion, network) in m, NaN but for networks with the study's defaults.

        Per unit: the variables of the scores. Networks with fewer units than the largest are padded
        with NaN (False, 0): `present` says which units are real. `active` says which are neither
        dead nor constant.

        Shares of units, NaN for networks that diverged: `fraction_above` (threshold, network) of
        all units, and `fraction_above_active` of the active ones.

        With surrogates, else NaN: `chance_fraction_above` (kind, threshold, network), the share of
        the surrogates of all units. The surrogates of an inactive unit count as below. A unit with
        nothing to shuffle counts with its random phases in both kinds. `grid_fraction` (network),
        the share of the active units that are `significant`; `grid_fraction_present`, of all units;
        and `class_fraction` (lattice_class_name, network), the share of the active units of each
        lattice class. `test_size` (kind, network) and `test_power` (network): shares of surrogates,
        and of grid cells made from the network's fields, with a p-value of at most 0.05; see
        `calibrate`.

        Attributes: the thresholds, and `test_size`, the size of the test over all networks: the
        larger one of the two kinds.

    Raises:
        ValueError: if position errors were not measured at the thresholds' horizon.
    """
    thresholds = run["thresholds"]
    levels = sorted({*thresholds["grid_score"], thresholds["grid_cells"], GRID_CELL_SCORE})
    table = xr.concat(
        [_cohort(*paths, levels) for paths in stages],
        "network",
        join="outer",
        fill_value=PADDING,
        combine_attrs="drop_conflicts",
        coords="minimal",
        compat="override",
        data_vars="all",
    ).sortby("network")
    with datasets.load(lesions, "lesions") as silenced:
        error = silenced["lesion_error"].reset_coords(drop=True).load()
    table = _judged(table, thresholds).assign(lesion_error=error.reindex(network=table["network"]))
    members = [np.isin(table["network"].values, ids) for ids in run["sweeps"].values()]
    table = table.assign(in_sweep=(("sweep", "network"), np.array(members)))
    attributes = {
        "study": run["study"],
        "defaults": json.dumps(run["defaults"], sort_keys=True),
        "arena": float(run["arena"]),
        "position_error_threshold": thresholds["position_error"],
        "position_error_horizon": thresholds["position_error_horizon"],
        "grid_cell_threshold": thresholds["grid_cells"],
        "test_size": float(table["test_size"].where(~table["diverged"]).mean("network").max()),
    }
    reported = [level in thresholds["grid_score"] for level in levels]
    table = table.assign_coords(sweep=list(run["sweeps"]), reported=("threshold", reported))
    return table.assign_attrs(attributes)


def split_units(summary: xr.Dataset) -> tuple[xr.Dataset, xr.Dataset]:
    """Split a summary into what is known of each network and what of each unit.

    The first part stays small, however many units there are.
    """
    by_unit = [name for name, array in summary.data_vars.items() if "unit" in array.dims]
    return summary.drop_dims("unit"), summary[by_unit].reset_coords(drop=True)


def join_units(networks: xr.Dataset, units: xr.Dataset) -> xr.Dataset:
    """The summary that `split_units` took apart."""
    return networks.merge(units, join="exact", combine_attrs="override")


def open_summary(networks: str | Path, units: str | Path) -> xr.Dataset:
    """The summary of a study from its two files. Raises DatasetError as `datasets.load` does."""
    return join_units(datasets.load(networks, "summary"), datasets.load(units, "units"))


def network_table(summary: xr.Dataset) -> pd.DataFrame:
    """The networks of a summary, one per row and without their units, for a spreadsheet."""
    rows = {name: summary[name].values for name in ("network", "cohort", *SPEC_COLUMNS)}
    for name in ("loss", "ridge_error", "diverged", "low_error", *UNIT_COUNTS, "max_score"):
        rows[name] = summary[name].values
    for horizon in summary["horizon"].values:
        rows[f"position_error_{horizon}"] = summary["position_error"].sel(horizon=horizon).values
    for threshold in summary["threshold"].values:
        share = summary["fraction_above"].sel(threshold=threshold).values
        rows[f"fraction_above_{threshold:g}"] = share
    for name in ("grid_fraction", "grid_fraction_present", "test_power", *MODULES):
        rows[name] = summary[name].values
    rows["spec"] = summary["spec"].values
    return pd.DataFrame(rows)


def _cohort(networks: str, rate_maps: str, scores: str, thresholds: list[float]) -> xr.Dataset:
    """The part of the summary that comes from one cohort."""
    with (
        datasets.load(networks, "training") as trained,
        datasets.load(rate_maps, "rate_maps") as maps,
        datasets.load(scores, "scores") as scored,
    ):
        kept = [name for name in (*BY_CHANCE, *MODULES) if name in scored]
        datasets.verify(scored)
        table = scored[[*UNIT_VARIABLES, "active", *kept]].load()
        table = table.assign(
            **_without_chance(table),
            units_dead=scored["dead"].sum("unit").load(),
            units_constant=scored["constant"].sum("unit").load(),
            loss=_final_loss(trained),
            diverged=trained["diverged"].astype(bool).load(),
            position_error=maps["position_error"].load(),
            ridge_error=maps["ridge_error"].load(),
            present=xr.ones_like(scored["active"], dtype=bool),
            chance_fraction_above=_chance(scored, thresholds),
            **_calibration(scored),
        )
        table.attrs = {"bin_size": maps.attrs["bin_size"]}
        table.attrs["surrogates"] = int(scored.attrs["surrogates"])
        specs = [json.loads(text) for text in table["spec"].values]
    table = table.assign(active=table["active"].astype(bool))
    columns = {key: ("network", [spec[key] for spec in specs]) for key in SPEC_COLUMNS}
    widths = [_number(spec["place_cell_width"]) for spec in specs]
    name = trained.encoding["source"].rsplit("/", 1)[-1].removesuffix(".nc")
    return table.assign_coords(
        {
            **columns,
            "place_cell_width": ("network", widths, {"units": "m"}),
            "cohort": ("network", [name] * len(specs)),
            "unit": np.arange(table.sizes["unit"]),
        }
    )


def _without_chance(table: xr.Dataset) -> dict[str, Any]:
    """Placeholders for the variables that a cohort scored without surrogates lacks."""
    unit, network = table["active"], table["active"].isel(unit=0, drop=True)
    absent = {k: (unit, v) for k, v in BY_CHANCE.items()}
    absent |= {k: (network, v) for k, v in MODULES.items()}
    return {
        name: xr.full_like(like, value, dtype=np.asarray(value).dtype)
        for name, (like, value) in absent.items()
        if name not in table
    }


def _final_loss(trained: xr.Dataset) -> xr.DataArray:
    """Mean loss over the last tenth of each network's curve."""
    points = (trained["step"] > 0).sum("checkpoint")
    point = xr.DataArray(np.arange(trained.sizes["checkpoint"]), dims="checkpoint")
    last = (point < points) & (point >= points - np.maximum(1, points // 10))
    return trained["loss"].where(last).mean("checkpoint").load()


def _chance(scored: xr.Dataset, thresholds: list[float]) -> xr.DataArray:
    """Share of each network's surrogates above each threshold (kind, threshold, network).

    NaN without surrogates, and for a network without scores.
    """
    levels = xr.DataArray(thresholds, dims="threshold", coords={"threshold": thresholds})
    if "surrogate_score" not in scored:
        kinds = xr.DataArray(np.ones(len(KINDS)), dims="kind", coords={"kind": list(KINDS)})
        of_network = scored["active"].isel(unit=0, drop=True)
        return xr.full_like(kinds * levels * of_network, np.nan, dtype=float)
    surrogates = scored["surrogate_score"].load()
    surrogates = surrogates.fillna(surrogates.sel(kind="phase", drop=True))
    # One threshold at a time, because the surrogates of many units take much memory.
    above = [(surrogates > level).mean(("unit", "surrogate")) for level in thresholds]
    known = scored["score_90"].notnull().any("unit")
    shares = xr.concat(above, levels).where(known).drop_attrs()
    return shares.transpose("kind", "threshold", "network")


def _calibration(scored: xr.Dataset) -> dict[str, Any]:
    """Size (kind, network) and power (network) of the test; NaN without surrogates."""
    if "calibration_p_value" not in scored:
        chance = _chance(scored, [0.0]).isel(threshold=0, drop=True)
        return {"test_size": chance, "test_power": chance.isel(kind=0, drop=True)}
    p_value = scored["calibration_p_value"].load()
    share = (p_value <= LEVEL).where(p_value.notnull()).mean("sample")
    share = share.where(scored["score_90"].notnull().any("unit"))
    size = share.sel(made=list(KINDS)).rename(made="kind")
    return {"test_size": size, "test_power": share.sel(made=LATTICE, drop=True)}


def _judged(table: xr.Dataset, thresholds: Mapping[str, Any]) -> xr.Dataset:
    """Add what follows from errors and scores by the thresholds of the config."""
    horizon = thresholds["position_error_horizon"]
    if horizon not in table["horizon"].values:
        allowed = ", ".join(str(h) for h in table["horizon"].values)
        raise refused("thresholds.position_error_horizon", f"{horizon}", f"{allowed}")
    error = table["position_error"].sel(horizon=horizon, drop=True)
    score = table["score_60"].sel(definition="min_max", drop=True)
    levels = table["threshold"]
    present, active = table["present"].sum("unit"), table["active"].sum("unit")
    highest = score.max("unit")
    known = score.notnull().any("unit") & ~table["diverged"]
    above = (score > levels).sum("unit").where(known)
    compared = known & table["chance_fraction_above"].notnull().any(("kind", "threshold"))
    significant = table["significant"].sum("unit").where(compared)
    of_class = _by_class(table["lattice_class"].where(table["active"])).where(compared)
    judged = {
        "low_error": error < thresholds["position_error"],
        "max_score": highest,
        "has_grid_cells": highest >= thresholds["grid_cells"],
        "units_present": present,
        "units_active": active,
        "fraction_above": above / present,
        "fraction_above_active": above / active,
        "grid_fraction": significant / active,
        "grid_fraction_present": significant / present,
        "class_fraction": of_class / active,
    }
    # Verdicts and shares have no unit, though the values they come from may have one.
    return table.assign({name: values.drop_attrs() for name, values in judged.items()})


def _by_class(kinds: xr.DataArray) -> xr.DataArray:
    """Number of units (lattice_class_name, network) of each class, from flags (network, unit)."""
    names = {"lattice_class_name": list(CLASSES)}
    counts = [(kinds == flag).sum("unit") for flag in range(len(CLASSES))]
    return xr.concat(counts, "lattice_class_name").assign_coords(names)


def _number(width: Any) -> float:
    return float(width) if isinstance(width, int | float) else np.nan
