"""Rate maps and errors of published models, on walks as long as training's and ten times longer."""

from __future__ import annotations

import json
from collections.abc import Iterator

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
        the ridge regression.

        Leaky networks also have `error_by_step` (network, step), m, the mean error so many steps
        after the start, and `error_since_wall` (network, since), m, the mean error so many steps or
        more after a wall last turned the animal. Networks of the kind "rnn" have `error_beyond`
        (network), m: the mean error at positions beyond a wall that is moved outwards by `WALL`, by
        the regression that was fitted inside.
    """
    specs = [json.loads(text) for text in trained["spec"].values]
    kind, walks = specs[0]["kind"], evaluation.sizes["trajectory"]
    arena = float(evaluation.attrs["arena"])
    measured = Measured(len(specs), specs[0]["units"], walks, arena, bin_size)
    errors = []
    with torch.no_grad():
        run = _run_leaky if kind == "leaky_tanh" else _run_encoding
        for first, path, activity, error in run(specs, trained, evaluation):
            measured.add(first, path, activity)
            errors.append(error)
        error = torch.cat(errors, 2)
        horizons = dict.fromkeys((specs[0]["sequence_length"], error.shape[1]))
        means = {horizon: error[:, :horizon].mean((1, 2)).numpy() for horizon in horizons}
        ridge = np.stack([measured.ridge.error(horizon) for horizon in horizons], 1)
        found: dict[str, tuple] = {
            "ridge_by_horizon": (("network", "horizon"), ridge, {"units": "m"})
        }
        if kind == "leaky_tanh":
            found |= _errors_in_time(error.numpy(), evaluation["wall"].values.T)
        if kind == "rnn":
            moved = random_walk(*BEYOND, int(evaluation.attrs["seed"]), arena, WALL)
            beyond = _error_beyond(*_restored(specs, trained), measured, moved)
            found["error_beyond"] = ("network", beyond, {"units": "m"})
    return measured.dataset(trained, evaluation, means).assign(found)


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


def _errors_in_time(error: np.ndarray, wall: np.ndarray) -> dict[str, tuple]:
    """`error_by_step` and `error_since_wall` of errors (network, step, walk), m.

    `wall` (step, walk) says whether a wall turned the animal.
    """
    bins = np.digitize(_since_wall(wall), SINCE_WALL) - 1  # -1 before the first wall
    chosen = [error[:, bins == k] for k in range(len(SINCE_WALL))]
    means = [e.mean(1) if e.shape[1] else np.full(len(error), np.nan) for e in chosen]
    return {
        "error_by_step": (("network", "step"), error.mean(2), {"units": "m"}),
        "error_since_wall": (("network", "since"), np.stack(means, 1), {"units": "m"}),
        "since": ("since", list(SINCE_WALL), {"units": "steps"}),
    }


def _run_encoding(
    specs: list[dict], trained: xr.Dataset, evaluation: xr.Dataset
) -> Iterator[tuple[int, Tensor, Tensor, Tensor]]:
    """As `activities`, with the errors (network, time, sample), m."""
    stack, target = _restored(specs, trained)
    for first, path, activity in activities(stack, target, evaluation["position"]):
        yield first, path, activity, decoding_errors(stack, target, path, activity)


def _run_leaky(
    specs: list[dict], trained: xr.Dataset, evaluation: xr.Dataset
) -> Iterator[tuple[int, Tensor, Tensor, Tensor]]:
    """As `_run_encoding`; each chunk of walks has noise of its own."""
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
        activity = networks.run(inputs, drawn)
        found = networks.read_out(activity) * float(evaluation.attrs["arena"]) / 2
        apart = found - path[:, 1:].transpose(0, 1)
        yield first, path, activity, torch.linalg.vector_norm(apart, dim=-1)


def _since_wall(wall: np.ndarray) -> np.ndarray:
    """Steps (step, walk) since a wall last turned the animal; -1 before the first time."""
    since = np.full(wall.shape, -1)
    last = np.full(wall.shape[1], -1)
    for step, touched in enumerate(wall):
        last[touched] = step
        since[step] = np.where(last >= 0, step - last, -1)
    return since
