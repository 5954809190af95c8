"""Lesions: what path integration loses when units of a trained network are silenced."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from nofreelunch.evaluation.rate_maps import activities, decoding_errors, restore_networks
from nofreelunch.networks.network_stack import NetworkStack
from nofreelunch.networks.shapes import cells
from nofreelunch.seeds import LESIONS, generator
from nofreelunch.task.targets import Target

SHARE = 0.1  # of the active units of a network, silenced at once
DRAWS = 20  # random lesions of a network, over which the error is averaged
TRAJECTORIES = 500
KINDS = ("none", "highest_scores", "random")


def measure_lesions(
    trained: xr.Dataset, scored: xr.Dataset, evaluation: xr.Dataset, horizon: int
) -> xr.Dataset:
    """Position errors of a trained cohort with units silenced.

    A tenth of the active units of each network is silenced: those with the highest grid scores, or
    as many at random. A silenced unit has no effect, because the weights that lead from it are
    zero: those to the output, and for `rnn`, whose units are the recurrent state, those to other
    units, too.

    Args:
        trained: what `train` returned.
        scored: what `score_units` returned for the rate maps of the cohort.
        evaluation: trajectories that were not trained on, as for `measure_rate_maps`.
        horizon: number of steps that errors are averaged over.

    Returns:
        `lesion_error` (lesion, network), m: mean error of the target's own decoder over the first
        `horizon` steps, with no lesion, with that of the units with the highest scores, and with
        random ones (mean of 20). NaN with a lesion where no unit is active.

    Raises:
        DatasetError: where the weights are missing, as after pruning.
    """
    specs, stack, target = restore_networks(trained)
    position = evaluation["position"][:TRAJECTORIES, : horizon + 1]
    active = scored["active"].transpose("network", "unit").values.astype(bool)
    score = scored["score_60"].sel(definition="min_max").transpose("network", "unit").values
    best = [_highest(*pair) for pair in zip(score, active, strict=True)]
    errors = [_error(stack, target, position), _error(silence(stack, best), target, position)]
    drawn = []
    for draw in range(DRAWS):
        units = [_random(*pair, draw) for pair in zip(specs, active, strict=True)]
        drawn.append(_error(silence(stack, units), target, position))
    found = np.stack([*errors, np.mean(drawn, axis=0)])
    found[1:, ~active.any(1)] = np.nan
    return xr.Dataset(
        {"lesion_error": (("lesion", "network"), found, {"units": "m"})},
        coords={"lesion": list(KINDS), "network": trained["network"], "spec": trained["spec"]},
    )


def joined(found: Sequence[xr.Dataset], networks: Sequence[str]) -> xr.Dataset:
    """One dataset of these `networks`, by id, from those of several cohorts, or of none."""
    empty = xr.Dataset(
        {"lesion_error": (("lesion", "network"), np.empty((len(KINDS), 0)), {"units": "m"})},
        coords={"lesion": list(KINDS), "network": np.array([], str)},
    ).assign_coords(spec=("network", np.array([], str)))
    return xr.concat(found, "network").sel(network=list(networks)) if found else empty


def silence(stack: NetworkStack, units: list[np.ndarray]) -> NetworkStack:
    """The same networks without the effect of some units, by number, of each network."""
    kept = torch.ones(stack.weights["decoder"].shape[:2], dtype=stack.dtype)
    for row, chosen in zip(kept, units, strict=True):
        row[torch.from_numpy(chosen)] = 0
    outgoing = ["decoder", "recurrent"] if cells()[stack.cell].bare else ["decoder"]
    without = {name: stack.weights[name] * kept[:, :, None] for name in outgoing}
    return NetworkStack(stack.cell, stack.activation, stack.weights | without, stack.encoder_scale)


def _count(active: np.ndarray) -> int:
    return min(int(active.sum()), max(1, round(SHARE * int(active.sum()))))


def _highest(score: np.ndarray, active: np.ndarray) -> np.ndarray:
    """Numbers of the active units with the highest scores."""
    order = np.argsort(np.where(active, -np.nan_to_num(score, nan=-np.inf), np.inf), kind="stable")
    return order[: _count(active)]


def _random(spec: Mapping[str, Any], active: np.ndarray, draw: int) -> np.ndarray:
    """Numbers of as many active units, drawn at random."""
    random = generator(spec["seed"], LESIONS, draw)
    return random.choice(np.flatnonzero(active), _count(active), replace=False)


def _error(stack: NetworkStack, target: Target, position: xr.DataArray) -> np.ndarray:
    """Mean distance (network,), m, between decoded and true positions."""
    with torch.no_grad():
        errors: list[Tensor] = [
            decoding_errors(stack, target, path, activity)
            for _, path, activity in activities(stack, target, position)
        ]
    return torch.cat(errors, 2).mean((1, 2)).numpy()
