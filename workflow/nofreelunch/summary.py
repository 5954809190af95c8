"""One table of a study: every network with its errors, scores and the verdict of the thresholds."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from nofreelunch import datasets

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
UNIT_VARIABLES = ("score_60", "score_90", "period", "orientation", "ellipticity", "p_value")


def collect(stages: Iterable[tuple[str, str, str]], run: Mapping[str, Any]) -> xr.Dataset:
    """The summary of a study.

    Args:
        stages: for each cohort the paths of its networks, rate maps and scores.
        run: `study` (name), `sweeps` (name -> network ids), `defaults` (spec of the reference
            configuration) and `thresholds` (the section of the config).

    Returns:
        Per network its spec, final `loss` (mean of the last tenth of the curve), `position_error`
        (network, horizon) and `ridge_error` in m, `diverged`, and what the thresholds make of it;
        per unit the scores, NaN where a network has fewer units than the largest. Shares of units
        and of surrogates are at every threshold of grid cells or of `grid_score`, and `reported`
        (threshold) is True at the latter; they are NaN for networks that diverged.
    """
    thresholds = run["thresholds"]
    levels = sorted({*thresholds["grid_score"], thresholds["grid_cells"]})
    table = xr.concat(
        [_cohort(*paths, levels) for paths in stages],
        "network",
        join="outer",
        fill_value={"active": False, "present": False},
        combine_attrs="drop_conflicts",
        coords="minimal",
        compat="override",
        data_vars="all",
    ).sortby("network")
    table = _judged(table, thresholds)
    members = [np.isin(table["network"].values, ids) for ids in run["sweeps"].values()]
    table = table.assign(in_sweep=(("sweep", "network"), np.array(members)))
    attributes = {
        "study": run["study"],
        "defaults": json.dumps(run["defaults"], sort_keys=True),
        "position_error_threshold": thresholds["position_error"],
        "position_error_horizon": thresholds["position_error_horizon"],
        "grid_cell_threshold": thresholds["grid_cells"],
    }
    reported = [level in thresholds["grid_score"] for level in levels]
    table = table.assign_coords(sweep=list(run["sweeps"]), reported=("threshold", reported))
    return table.assign_attrs(attributes)


def to_table(summary: xr.Dataset) -> pd.DataFrame:
    """The summary without its units, one row per network, for a spreadsheet."""
    rows = {name: summary[name].values for name in ("network", "cohort", *SPEC_COLUMNS)}
    for name in ("loss", "ridge_error", "diverged", "low_error", "units_active", "max_score"):
        rows[name] = summary[name].values
    for horizon in summary["horizon"].values:
        rows[f"position_error_{horizon}"] = summary["position_error"].sel(horizon=horizon).values
    for threshold in summary["threshold"].values:
        share = summary["fraction_above"].sel(threshold=threshold).values
        rows[f"fraction_above_{threshold:g}"] = share
    rows["spec"] = summary["spec"].values
    return pd.DataFrame(rows)


def _cohort(networks: str, rate_maps: str, scores: str, thresholds: list[float]) -> xr.Dataset:
    """What the summary keeps of one cohort."""
    with (
        datasets.load(networks, "training") as trained,
        datasets.load(rate_maps, "rate_maps") as maps,
        datasets.load(scores, "scores") as scored,
    ):
        kept = [name for name in UNIT_VARIABLES if name in scored]
        table = scored[[*kept, "active"]].load()
        table = table.assign(
            loss=_final_loss(trained),
            diverged=trained["diverged"].astype(bool).load(),
            position_error=maps["position_error"].load(),
            ridge_error=maps["ridge_error"].load(),
            present=xr.ones_like(scored["active"], dtype=bool),
            chance_fraction_above=_chance(scored, thresholds),
        )
        table.attrs = {key: maps.attrs[key] for key in ("arena", "bin_size")}
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


def _final_loss(trained: xr.Dataset) -> xr.DataArray:
    """Mean loss over the last tenth of each network's curve."""
    points = (trained["step"] > 0).sum("checkpoint")
    point = xr.DataArray(np.arange(trained.sizes["checkpoint"]), dims="checkpoint")
    last = (point < points) & (point >= points - np.maximum(1, points // 10))
    return trained["loss"].where(last).mean("checkpoint").load()


def _chance(scored: xr.Dataset, thresholds: list[float]) -> xr.DataArray:
    """Share of each network's surrogates above each threshold (threshold, network)."""
    levels = xr.DataArray(thresholds, dims="threshold", coords={"threshold": thresholds})
    if "surrogate_score" not in scored:
        return xr.full_like(levels * scored["active"].isel(unit=0, drop=True), np.nan, dtype=float)
    surrogates = scored["surrogate_score"].load()
    above = (surrogates > levels).mean(("unit", "surrogate"))
    return above.where(surrogates.notnull().any(("unit", "surrogate"))).drop_attrs()


def _judged(table: xr.Dataset, thresholds: Mapping[str, Any]) -> xr.Dataset:
    """What the thresholds of the config make of errors and scores."""
    horizon = thresholds["position_error_horizon"]
    if horizon not in table["horizon"].values:
        allowed = ", ".join(str(h) for h in table["horizon"].values)
        raise ValueError(f"thresholds.position_error_horizon: found {horizon}, allowed: {allowed}")
    error = table["position_error"].sel(horizon=horizon, drop=True)
    score = table["score_60"].sel(definition="min_max", drop=True)
    levels = table["threshold"]
    present, active = table["present"].sum("unit"), table["active"].sum("unit")
    highest = score.max("unit")
    above = (score > levels).sum("unit").where(score.notnull().any("unit") & ~table["diverged"])
    judged = {
        "low_error": error < thresholds["position_error"],
        "max_score": highest,
        "has_grid_cells": highest >= thresholds["grid_cells"],
        "units_present": present,
        "units_active": active,
        "fraction_above": above / present,
        "fraction_above_active": above / active,
    }
    # A verdict or a share has no unit, whatever it is made from.
    return table.assign({name: values.drop_attrs() for name, values in judged.items()})


def _number(width: Any) -> float:
    return float(width) if isinstance(width, int | float) else np.nan
