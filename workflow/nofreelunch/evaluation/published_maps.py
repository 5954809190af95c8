"""Rate maps and errors of published models, on walks as long as training's and ten times longer."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from nofreelunch.evaluation.rate_maps import Measured, activities, decoding_errors
from nofreelunch.networks.network_stack import NetworkStack
from nofreelunch.networks.published import cueva_wei, sorscher
from nofreelunch.networks.shapes import weight_shapes
from nofreelunch.task import targets
from nofreelunch.task.trajectories import random_walk

LEAKY_WALKS = 10  # that are run at once, as they are long
AT_EVALUATION = 2**40  # number of the first block of noise, beyond those of training
WALL, BEYOND = 1.1, (2000, 50)  # how far a wall is moved, m; walks and steps there
SINCE_WALL = (0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)  # steps; edges of bins


def measure_published(trained: xr.Dataset, evaluation: xr.Dataset, bin_size: float) -> xr.Dataset:
    """What `measure_rate_maps` measures, of networks of a published model.

    Args:
        trained: from `train_published`.
        evaluation: walks that are several times longer than those of training.
        bin_size: side of a bin, m.

    Returns:
        The dataset of `measure_rate_maps`. `position_error` has two horizons: the length of
        training's walks, and that of the walks here, and so has `ridge_by_horizon`, m, the error of
        the ridge regression. Leaky networks also have `error_by_step`
        (network, step) and `error_since_wall` (network, since), m: the mean error so many steps
        after the start, and so many steps after a wall last turned the animal, from the lower edge
        of a bin on. Recurrent networks have `error_beyond` (network), m: the mean error at
        positions beyond a wall that is moved outwards by `WALL`, by the regression that was fitted
        inside.
    """
    specs = [json.loads(text) for text in trained["spec"].values]
    if specs[0]["kind"] == "leaky_tanh":
        return _measure_leaky(specs, trained, evaluation, bin_size)
    stack, target = _restored(specs, trained)
    position = evaluation["position"]
    arena, units = float(evaluation.attrs["arena"]), stack.weights["decoder"].shape[1]
    measured = Measured(len(specs), units, len(position), arena, bin_size)
    errors = []
    with torch.no_grad():
        for first, path, activity in activities(stack, target, position):
            measured.add(first, path, activity)
            errors.append(decoding_errors(stack, target, path, activity))
        error = torch.cat(errors, 2)
        horizons = (specs[0]["sequence_length"], error.shape[1])
        by_horizon = {horizon: error[:, :horizon].mean((1, 2)).numpy() for horizon in horizons}
        maps = _with_ridge(measured.dataset(trained, evaluation, by_horizon), measured, by_horizon)
        if specs[0]["kind"] == "rnn":
            seed = int(evaluation.attrs["seed"])
            beyond = _error_beyond(stack, target, measured, random_walk(*BEYOND, seed, arena, WALL))
            maps = maps.assign(error_beyond=("network", beyond, {"units": "m"}))
    return maps


def _with_ridge(maps: xr.Dataset, measured: Measured, horizons: Iterable[int]) -> xr.Dataset:
    errors = np.stack([measured.ridge.error(steps) for steps in horizons], 1)
    return maps.assign(ridge_by_horizon=(("network", "horizon"), errors, {"units": "m"}))


def _error_beyond(
    stack: NetworkStack, target: targets.Target, measured: Measured, walks: xr.Dataset
) -> np.ndarray:
    """Mean error (network,), m, of the ridge regression at positions beyond the removed wall."""
    apart, count = torch.zeros(len(target.cells_of)), 0
    for _, path, activity in activities(stack, target, walks["position"]):
        outside = path[:, 1:, 0].transpose(0, 1) > measured.arena / 2
        at = path[:, 1:].transpose(0, 1)[outside]
        found = measured.ridge.predict(activity[:, outside])
        apart += torch.linalg.vector_norm(found - at, dim=-1).sum(1)
        count += len(at)
    return (apart / count).numpy()


def _restored(specs: list[dict], trained: xr.Dataset) -> tuple[NetworkStack, targets.Target]:
    arena = float(trained.attrs["arena"])
    target = targets.build_targets(specs, [spec["seed"] for spec in specs], arena)
    layout = (
        sorscher.weight_shapes(specs[0], target.cells)
        if specs[0]["kind"] == "grid_layer_lstm"
        else weight_shapes(specs[0]["cell"], specs[0]["units"], target.cells)
    )
    weights = {name: torch.from_numpy(trained[f"weight_{name}"].values) for name in layout}
    scale = torch.tensor([float(spec["encoder_scale"]) for spec in specs])[:, None, None]
    stack = NetworkStack(specs[0]["cell"], specs[0]["activation"], weights, scale)
    return stack, target.to("cpu", torch.float32)


def _measure_leaky(
    specs: list[dict], trained: xr.Dataset, evaluation: xr.Dataset, bin_size: float
) -> xr.Dataset:
    arena, walks = float(evaluation.attrs["arena"]), evaluation.sizes["trajectory"]
    measured = Measured(len(specs), specs[0]["units"], walks, arena, bin_size)
    errors = []
    with torch.no_grad():
        for first, path, networks, activity in _leaky_activities(specs, trained, evaluation):
            measured.add(first, path, activity)
            apart = networks.read_out(activity) * arena / 2 - path[:, 1:].transpose(0, 1)
            errors.append(torch.linalg.vector_norm(apart, dim=-1).numpy())
    error = np.concatenate(errors, 2)  # (network, step, walk)
    horizons = (specs[0]["sequence_length"], error.shape[1])
    by_horizon = {horizon: error[:, :horizon].mean((1, 2)) for horizon in horizons}
    since = _since_wall(evaluation["wall"].values.T)
    bins = np.digitize(since, SINCE_WALL) - 1
    counted = [error[:, (since >= 0) & (bins == k)] for k in range(len(SINCE_WALL))]
    means = [e.mean(1) if e.shape[1] else np.full(len(specs), np.nan) for e in counted]
    variables = {
        "error_by_step": (("network", "step"), error.mean(2), {"units": "m"}),
        "error_since_wall": (("network", "since"), np.stack(means, 1), {"units": "m"}),
    }
    maps = measured.dataset(trained, evaluation, by_horizon).assign(variables)
    found = _with_ridge(maps, measured, by_horizon)
    return found.assign_coords(since=("since", list(SINCE_WALL), {"units": "steps"}))


def _leaky_activities(
    specs: list[dict], trained: xr.Dataset, evaluation: xr.Dataset
) -> Iterator[tuple[int, Tensor, cueva_wei.LeakyNetworks, Tensor]]:
    """As `activities`, with the networks; each chunk of walks has noise of its own."""
    layout = cueva_wei.weight_shapes(specs[0]["units"], specs[0]["angle"])
    weights = {name: torch.from_numpy(trained[f"weight_{name}"].values) for name in layout}
    noise = torch.tensor([float(spec["noise"]) for spec in specs])[:, None, None]
    networks = cueva_wei.LeakyNetworks(weights, noise)
    scale = float(evaluation.attrs["mean_step"])
    for first in range(0, evaluation.sizes["trajectory"], LEAKY_WALKS):
        chunk = evaluation.isel(trajectory=slice(first, first + LEAKY_WALKS))
        path = torch.from_numpy(chunk["position"].values)
        heading = torch.from_numpy(chunk["heading"].values)
        velocity = (path[:, 1:] - path[:, :-1]).transpose(0, 1)
        inputs = cueva_wei.inputs_of(velocity, heading.T, scale, specs[0]["angle"])
        inputs = inputs.expand(len(specs), -1, -1, -1).contiguous()
        drawn = cueva_wei.noise_of(specs, AT_EVALUATION + first, inputs)
        yield first, path, networks, networks.run(inputs, drawn)


def _since_wall(wall: np.ndarray) -> np.ndarray:
    """Steps (step, walk) since a wall last turned the animal; -1 before the first time."""
    since = np.full(wall.shape, -1)
    last = np.full(wall.shape[1], -1)
    for step, touched in enumerate(wall):
        last[touched] = step
        since[step] = np.where(last >= 0, step - last, -1)
    return since
