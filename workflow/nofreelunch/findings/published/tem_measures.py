"""Networks that predict symbols on graphs, one row each: accuracies, and maps of cells g."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from nofreelunch.findings.published.model_measures import SHOWN
from nofreelunch.scoring.significance import LEVEL

KEPT = (
    *("accuracy", "link_accuracy", "link_steps", "accuracy_by_nodes", "accuracy_by_edges"),
    *("preserved", "diverged", "spec"),
)


def summarise(measured: Sequence[xr.Dataset], about: Mapping[str, Any]) -> xr.Dataset:
    """The networks of a model as one dataset.

    Args:
        measured: of each job, from `measure` of the kind's module in `evaluation.published`.
        about: as in `model_measures.summarise`.

    Returns:
        Over `network`, with `spec` (JSON): what `measure` says of accuracies and `preserved`.

        - `active_share` (network, size): cells g whose map is not flat; `turning_share`
          (network, size): active ones whose map resembles itself, turned by the lattice's angle,
          more than random maps do, at a level of 5 %.
        - `one_wave_share` (network, size): active cells g whose periodogram over the nodes has one
          direction with a peak of at least half the strongest, as that of a band has. Lattices have
          more.
        - `shown_unit` (network, shown): numbers of the cells g with the largest rotation scores in
          the largest environment; `shown_rotation`: these scores; `shown_map` (network, shown,
          node); `node_position` (network, node, axis).
    """
    rows = [_of_job(one) for one in measured]
    found = xr.concat(rows, "network", data_vars="all", coords="minimal", join="outer")
    said = {"deviations": json.dumps(about["deviations"]), "networks_are": about["title"]}
    return found.assign_attrs({**about, **said})


def _of_job(measured: xr.Dataset) -> xr.Dataset:
    active = measured["active"]
    count = active.sum("unit").where(active.any("unit"))
    turning = ((measured["rotation_p"] <= LEVEL) & active).sum("unit") / count
    one_wave = ((measured["peak_count"] == 1) & active).sum("unit") / count
    largest = measured.isel(size=-1)
    score = largest["rotation_score"].fillna(-np.inf).transpose("network", "unit").values
    order = np.argsort(-score, axis=1, kind="stable")
    order = np.stack([np.resize(of_network, SHOWN) for of_network in order])
    shown = xr.DataArray(order, dims=("network", "shown"))
    largest = largest.drop_vars("size")
    made = {
        "active_share": active.mean("unit"),
        "turning_share": turning,
        "one_wave_share": one_wave,
        "shown_unit": shown,
        "shown_rotation": largest["rotation_score"].isel(unit=shown),
        "shown_map": largest["node_map"].isel(unit=shown),
        "node_position": largest["node_position"].expand_dims(network=measured["network"]),
    }
    return measured[list(KEPT)].assign(made).transpose("network", ...)
