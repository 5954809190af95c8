"""The networks of a published model, one row each: shares of units, scores and errors."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from nofreelunch.scoring.lattice_classes import CLASSES, LATTICES
from nofreelunch.scoring.significance import LEVEL

BORDER = 0.5  # border score (Solstad et al. 2008) from which a unit counts as a border cell
# What some kinds of networks have, and the dimension beside `network`; NaN for the others.
EXTRAS: dict[str, dict[str, list[Any]]] = {
    "error_by_step": {"step": [0]},
    "error_since_wall": {"since": [0]},
    "error_beyond": {},
    "torus_z": {},
    "torus_p": {},
    "grid_like_by_radius": {"definition": ["min_max"], "criterion": ["fixed"], "inner_radius": [0]},
    "lstm_grid_like_by_radius": {"definition": ["min_max"], "inner_radius": [0]},
    "modules": {},
    "modules_units": {},
}
WORDS = {"hexagonal": "hexagonal", "square": "square", "stripe": "striped"}  # lattice -> adjective
Groups = list[tuple[str, xr.Dataset]]  # of networks, with their labels
SHOWN = 8  # units of a network that figures may show


def summarise(
    maps: Sequence[xr.Dataset],
    scores: Sequence[xr.Dataset],
    about: Mapping[str, Any],
    threshold: float,
) -> xr.Dataset:
    """The networks of a model as one dataset.

    Args:
        maps: of each job, from `measure_published` or `factorised_maps`.
        scores: of each job, from `score_units`.
        about: the model's `paper`, `title`, `bin_size`, `budget` and `deviations`, as `load_models`
            gives them.
        threshold: grid score above which a unit is grid-like.

    Returns:
        Over `network`, with `spec` (JSON). Shares are of active units.

        - `lattice_share` (network, lattice): units whose map is hexagonal, square or striped at a
          level of 5 %, as in `classify_lattices`.
        - `mean_60`, `mean_90`: mean scores at 60 and 90 degrees.
        - `own_mean_60`, `own_mean_90`, `own_grid_like_share`: the same of maps with the paper's
          bins, and the share of units above `threshold`.
        - `grid_like_share`: units above `threshold`; `chance_share`: the same of their surrogates,
          of the kind that reaches it more often.
        - `small_p_share`: units with p-values of at most 0.05, and `border_share`.
        - `position_error` (network, walks), m: on walks as long as training's ("trained") and on
          longer ones ("longer"), by the network's own outputs; `ridge_error` (network, walks), m,
          by ridge regression from all units.
        - `error_by_step` (network, step), `error_since_wall` (network, since), `error_beyond`
          (network): as in `measure_published`; `torus_z` and `torus_p`: as in `measure_torus`;
          `grid_like_by_radius` and `lstm_grid_like_by_radius`: as networks of Banino et al. have
          them; `modules` and `modules_units`: as in `score_units`. NaN for networks that lack them.
        - `shown_unit` (network, shown): numbers of the active units with the largest scores at 60
          or 90 degrees; `shown_60` and `shown_90`: these scores.
    """
    rows = [_of_job(*both, threshold) for both in zip(maps, scores, strict=True)]
    found = xr.concat(rows, "network", data_vars="all", coords="minimal", join="outer")
    said = {"deviations": json.dumps(about["deviations"]), "grid_cell_threshold": threshold}
    said["networks_are"] = about["title"]  # files have titles of their own
    return found.assign_attrs({**about, **said})


def _of_job(maps: xr.Dataset, scores: xr.Dataset, threshold: float) -> xr.Dataset:
    active = scores["active"]
    count = active.sum("unit")
    count = count.where(count > 0).astype(float)

    def share(holds: xr.DataArray) -> xr.DataArray:
        return (holds & active).sum("unit") / count

    score = scores["score_60"].sel(definition="min_max", drop=True)
    lattices = [share(scores["lattice_class"] == CLASSES.index(name)) for name in LATTICES]
    chance = (scores["surrogate_score"] > threshold).where(active).mean(("unit", "surrogate"))
    away = xr.where(score > scores["score_90"], score, scores["score_90"]).where(active, -np.inf)
    shown = _first(away)
    errors = maps[["position_error", "ridge_by_horizon"]].isel(horizon=[0, -1])
    errors = errors.rename(horizon="walks").assign_coords(walks=["trained", "longer"])
    found = {
        "lattice_share": xr.concat(lattices, "lattice").assign_coords(lattice=list(LATTICES)),
        "mean_60": score.where(active).mean("unit"),
        "mean_90": scores["score_90"].where(active).mean("unit"),
        "own_mean_60": maps["own_60"].where(active).mean("unit"),
        "own_mean_90": maps["own_90"].where(active).mean("unit"),
        "own_grid_like_share": share(maps["own_60"] > threshold),
        "grid_like_share": share(score > threshold),
        "chance_share": chance.max("kind"),
        "small_p_share": share(scores["p_value"] <= LEVEL),
        "border_share": share(scores["border_score"] > BORDER),
        "position_error": errors["position_error"],
        "ridge_error": errors["ridge_by_horizon"],
        "shown_unit": shown,
        "shown_60": score.isel(unit=shown),
        "shown_90": scores["score_90"].isel(unit=shown),
    }
    measured = {**scores.data_vars, **maps.data_vars}
    unknown = xr.full_like(maps["ridge_error"], np.nan, dtype=float)
    extras = {
        name: measured.get(name, unknown.expand_dims(dims).transpose("network", ...))
        for name, dims in EXTRAS.items()
    }
    return xr.Dataset({**found, **extras}, {"spec": maps["spec"]}).drop_vars(
        "kind", errors="ignore"
    )


def _first(values: xr.DataArray) -> xr.DataArray:
    """Numbers (network, shown) of the units with the largest values; repeated if there are few."""
    order = np.argsort(-values.transpose("network", "unit").values, axis=1, kind="stable")
    order = np.resize(order, (len(order), max(SHOWN, order.shape[1])))[:, :SHOWN]
    return xr.DataArray(order, dims=("network", "shown"))


def specs(summary: xr.Dataset) -> list[dict[str, Any]]:
    """The specs of the networks."""
    return [json.loads(str(text)) for text in summary["spec"].values]


def select(summary: xr.Dataset, **keys: Any) -> xr.Dataset:
    """The networks whose specs have these values of keys; a tuple stands for any of its values."""
    chosen = [
        all(spec.get(k) in (v if isinstance(v, tuple) else (v,)) for k, v in keys.items())
        for spec in specs(summary)
    ]
    return summary.isel(network=np.flatnonzero(chosen))


def mean(values: xr.DataArray) -> float:
    """Mean of the known values; NaN if none is."""
    return float(values.mean(skipna=True)) if values.notnull().any() else float("nan")


def lattice_share(networks: xr.Dataset, *lattices: str) -> np.ndarray:
    """Share (network,) of active units with one of these lattices, or with any."""
    chosen = networks["lattice_share"].sel(lattice=list(lattices or LATTICES))
    return chosen.sum("lattice", skipna=False).values
