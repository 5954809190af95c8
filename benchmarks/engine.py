"""The engine as the benchmarks run it: networks that take one training step at a time."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import cache
from typing import Any

import baseline
import xarray as xr
from by_hand import ByHand
from nofreelunch.compute import devices
from nofreelunch.task.trajectories import random_walk
from nofreelunch.training import loop
from nofreelunch.training.minibatches import Pool

LENGTH = 20  # time steps of a trajectory
WALKS = 20_000  # trajectories of the pool
STEPS = 200_000  # as in the published training


@cache
def walks() -> xr.Dataset:
    """The pool of trajectories that engine and baseline draw from."""
    return random_walk(WALKS, LENGTH, seed=0)


def spec(units: int, cells: int, seed: int = 0, **keys: Any) -> dict[str, Any]:
    """A ReLU RNN that learns the difference of softmaxes, as the baseline does."""
    made = {
        "target": "difference_of_softmaxes",
        "place_cells": cells,
        "place_cell_width": baseline.WIDTH,
        "surround": {"width_ratio": baseline.SURROUND / baseline.WIDTH},
        "amplitude_ratio": None,
        "fields_per_cell": 1,
        "cell": "rnn",
        "activation": "relu",
        "units": units,
        "initializer": "torch_default",
        "encoder_scale": float(cells),
        "dropout": {"readout": 0.0, "recurrent": 0.0},
        "optimizer": "adam",
        "learning_rate": baseline.LEARNING_RATE,
        "schedule": "constant",
        "weight_decay": baseline.WEIGHT_DECAY,
        "batch_size": baseline.BATCH,
        "sequence_length": LENGTH,
        "loss_steps": "all",
        "steps": STEPS,
        "seed": seed,
    }
    return made | keys


def stack(
    pool: xr.Dataset, specs: list[dict[str, Any]], device: str, precision: str = "float32"
) -> loop.TrainingStack:
    """The networks of `specs` on a device, before their first step."""
    where = devices.choose(device, precision)
    # A job moves its pool to the device only once, so the move is not timed.
    return loop.TrainingStack(range(len(specs)), specs, Pool(pool, specs, where), precision)


def stepper(networks: loop.TrainingStack | ByHand) -> Callable[[], object]:
    """A function that advances `networks` by one step."""
    steps = itertools.count()
    return lambda: networks.advance(next(steps))
