"""Rate maps and errors of published models: maps of many walks, errors also on longer ones."""

from __future__ import annotations

import importlib
import json

import numpy as np
import torch
import xarray as xr

from nofreelunch.evaluation.rate_maps import BinnedActivity, Measured
from nofreelunch.scoring.own_bins import own_scores
from nofreelunch.task.arena import bin_count


def measure_published(
    trained: xr.Dataset,
    walks: xr.Dataset,
    longer: xr.Dataset,
    bin_size: float,
    own_bin_size: float,
) -> xr.Dataset:
    """What `measure_rate_maps` measures, of networks of a published model.

    Args:
        trained: from `train_published`.
        walks: many fresh walks as long as those of training, which maps are made of.
        longer: walks that begin alike and are several times longer, on which errors are measured.
        bin_size: side of a bin, m.
        own_bin_size: side of a bin in the paper, m.

    Returns:
        The dataset of `measure_rate_maps`, with `own_60` and `own_90` (network, unit): grid scores
        at both angles of maps with the paper's bins.

        `position_error` has two horizons: the length of training's walks, and that of the longer
        ones. So has `ridge_by_horizon`, m, the error of a ridge regression that was fitted to
        `walks`.

        Some kinds have more: see `further` of the modules of `evaluation.published`.
    """
    specs = [json.loads(text) for text in trained["spec"].values]
    kind = importlib.import_module(f"nofreelunch.evaluation.published.{specs[0]['kind']}")
    networks, arena = kind.RESTORED(specs, trained), float(walks.attrs["arena"])
    count, units = walks.sizes["trajectory"], specs[0]["units"]
    measured = Measured(len(specs), units, count, arena, bin_size, fitted_on=count)
    own = BinnedActivity(len(specs), units, bin_count(arena, own_bin_size), arena)
    errors = []
    with torch.no_grad():
        for first, path, activity in networks.activities(walks):
            measured.add(first, path, activity)
            own.add(path, activity)
        for first, path, activity in networks.activities(longer):
            measured.ridge.add(count + first, path, activity)
            apart = networks.decode(activity) - path[:, 1:].transpose(0, 1)
            errors.append(torch.linalg.vector_norm(apart, dim=-1))
        error = torch.cat(errors, 2)
        horizons = dict.fromkeys((walks.sizes["step"], longer.sizes["step"]))
        ridge = np.stack([measured.ridge.error(horizon) for horizon in horizons], 1)
        found = {
            "ridge_by_horizon": (("network", "horizon"), ridge, {"units": "m"}),
            **own_scores(own.mean(), own_bin_size),
            **networks.further(measured, longer, error),
        }
    means = {horizon: error[:, :horizon].mean((1, 2)).numpy() for horizon in horizons}
    return measured.dataset(trained, walks, means).assign(found)
