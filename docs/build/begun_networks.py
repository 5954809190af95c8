"""Networks that begin with a code, which has lattices or has not: a part of docs/conditions.md."""

from typing import NamedTuple

import codes
import numpy as np
import torch
from nofreelunch.scoring.spatial_measures import stability
from nofreelunch.task.trajectories import random_walk
from nofreelunch.training.minibatches import Pool
from nofreelunch.training.training_stack import TrainingStack
from unit_spectra import REFERENCE, measure

WIDTH = 0.11  # m; where all patterns of an averaged covariance are lattices
UNITS, CELLS = 128, 256
STARTS = (2, 7, 28, 57)  # decades below one
SHARES = (0.1, 0.5, 0.9)
CODE_DRAWS = 2
SEEDS = (10, 11, 12, 13)
STEPS = (0, 100, 300, 1000, 4000)
KEYS = REFERENCE | {
    "place_cell_width": WIDTH,
    "place_cells": CELLS,
    "units": UNITS,
    "encoder_scale": float(CELLS),
    "learning_rate": 0.005,
    "steps": STEPS[-1],
    "periodic": True,
    "place_cell_centres": "raster",
}


class Arm(NamedTuple):
    """Networks that begin with a code from 10^-start."""

    start: int
    learning_rate: float = KEYS["learning_rate"]


ARMS = {
    "lattices": Arm(STARTS[-1]),
    "no lattices": Arm(STARTS[0]),
    "lattices, a tenth of the learning rate": Arm(STARTS[-1], KEYS["learning_rate"] / 10),
}


class Learning(NamedTuple):
    """Position errors, m; shares of units with p <= 0.05; correlations with the maps at the start.

    All are (step, network); correlations are means over units.
    """

    error: np.ndarray
    share: np.ndarray
    kept: np.ndarray


def begin(arm: Arm) -> TrainingStack:
    """Networks before training: a code's maps are in the encoder, its readout in the decoder."""
    specs = [KEYS | {"seed": seed, "learning_rate": arm.learning_rate} for seed in SEEDS]
    walks = random_walk(20_000, 20, seed=0, periodic=True)
    pool = Pool(walks, specs, torch.device("cpu"))
    stack = TrainingStack(range(len(specs)), specs, pool, "float32")
    for k, seed in enumerate(SEEDS):
        target = codes.place_cells(WIDTH, CELLS, True, seed)
        (code,) = codes.learnt(target, UNITS, 10.0**-arm.start, SHARES[1:2], seed)
        scale = code.activity.std()
        cells = CELLS * codes.activity(target)
        first = {
            "encoder": np.linalg.lstsq(cells, code.activity / scale, rcond=1e-4)[0],
            "input": np.zeros((2, UNITS)),
            "recurrent": np.eye(UNITS),
            "decoder": code.readout * scale * np.linalg.norm(CELLS * codes.centred(target), 2),
        }
        with torch.no_grad():
            for name, values in first.items():
                stack.weights[name][k] = torch.from_numpy(values)
    return stack


def train(arm: Arm) -> Learning:
    """Train networks that begin with a code, and measure their units on the way."""
    torch.set_num_threads(1)
    stack = begin(arm)
    walks = random_walk(2_000, 20, seed=1, periodic=True)["position"]
    first, found = None, []
    for step in range(STEPS[-1] + 1):
        if step:
            stack.advance(step - 1)
        if step in STEPS:
            maps, error = measure(stack, walks)
            first = maps if first is None else first
            share = [codes.lattices(of_network).share for of_network in maps]
            kept = np.nanmean(stability(first, maps), axis=1)  # NaN where a unit is silent
            found.append((error, share, kept))
    return Learning(*(np.array(values) for values in zip(*found, strict=True)))
