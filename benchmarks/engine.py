"""The engine as the benchmarks run it: networks, advanced one training step at a time."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import baseline
import xarray as xr
from by_hand import ByHand
from nofreelunch import devices, training
from nofreelunch.minibatches import Pool
from nofreelunch.trajectories import random_walk

LENGTH = 20  # time steps of a trajectory
WALKS = 20_000  # trajectories of the pool
STEPS = 200_000  # of the published training


def walks() -> xr.Dataset:
    """The pool of trajectories that both trainers draw from."""
    return random_walk(WALKS, LENGTH, seed=0)


def spec(units: int, cells: int, seed: int = 0, **keys: Any) -> dict[str, Any]:
    """A ReLU RNN that learns the difference of softmaxes, as the baseline trains it."""
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
        "steps": STEPS,
        "seed": seed,
    }
    return made | keys


def stack(
    pool: xr.Dataset, specs: list[dict[str, Any]], device: str, precision: str = "float32"
) -> training.Stack:
    """The networks of `specs` on a device, before their first step."""
    where = devices.choose(device, precision)
    # On a GPU what is timed includes no transfer of the pool, which a job makes once.
    return training.Stack(range(len(specs)), specs, Pool(pool, specs, where), precision)


def stepper(networks: training.Stack | ByHand) -> Callable[[], object]:
    """A function that advances `networks` by one step."""
    steps = itertools.count()
    return lambda: networks.advance(next(steps))
