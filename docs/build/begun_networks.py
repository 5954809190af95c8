"""Networks that begin with a code, which has lattices or has not: a part of docs/conditions.md."""

from typing import NamedTuple

import codes
import numpy as np
import torch
from nofreelunch.evaluation.rate_maps import BinnedActivity, activities, decoding_errors
from nofreelunch.task.trajectories import ARENA, inside, random_walk
from nofreelunch.training.minibatches import Pool
from nofreelunch.training.training_stack import TrainingStack
from unit_spectra import REFERENCE

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


class Begun(TrainingStack):
    """Networks that begin with a code: its maps in the encoder, its readout in the decoder."""

    start = 1.0  # of the code

    def _draw(self, device):
        weights = super()._draw(device)
        codes.centres_on_squares(self.target)
        for k, spec in enumerate(self.specs):
            target = codes.place_cells(WIDTH, CELLS, True, spec["seed"])
            (code,) = codes.learnt(target, UNITS, self.start, SHARES[1:2], spec["seed"])
            scale = code.activity.std()
            cells = CELLS * codes.activity(target)
            begin = {
                "encoder": np.linalg.lstsq(cells, code.activity / scale, rcond=1e-4)[0],
                "input": np.zeros((2, UNITS)),
                "recurrent": np.eye(UNITS),
                "decoder": code.readout * scale * np.linalg.norm(CELLS * codes.centred(target), 2),
            }
            with torch.no_grad():
                for name, values in begin.items():
                    weights[name][k] = torch.from_numpy(values)
        return weights


class Learning(NamedTuple):
    """Position errors, m; shares of units with p <= 0.05; correlations with the maps at the start.

    All are (step, network).
    """

    error: np.ndarray
    share: np.ndarray
    kept: np.ndarray


def begin(arm: Arm) -> TrainingStack:
    """Networks that have not been trained yet."""
    specs = [KEYS | {"seed": seed, "learning_rate": arm.learning_rate} for seed in SEEDS]
    walks = random_walk(20_000, 20, seed=0, periodic=True)
    kind = type("Begun", (Begun,), {"start": 10.0**-arm.start})
    return kind(range(len(specs)), specs, Pool(walks, specs, torch.device("cpu")), "float32")


def train(arm: Arm) -> Learning:
    """Train networks that begin with a code, and measure their units on the way."""
    torch.set_num_threads(1)
    stack = begin(arm)
    walks = random_walk(2_000, 20, seed=1, periodic=True)["position"]
    first, found = np.empty(0), []
    for step in range(STEPS[-1] + 1):
        if step:
            stack.advance(step - 1)
        if step in STEPS:
            maps, error = measure(stack, walks)
            first = maps if step == 0 else first
            share = [codes.lattices(of_network).share for of_network in maps]
            kept = [correlation(*pair) for pair in zip(first, maps, strict=True)]
            found.append((error, share, kept))
    return Learning(*(np.array(values) for values in zip(*found, strict=True)))


def correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Mean over units of the correlation of two maps (unit, y, x); silent units are left out."""
    pairs = [(a.ravel(), b.ravel()) for a, b in zip(one, other, strict=True) if a.std() and b.std()]
    return float(np.mean([np.corrcoef(a, b)[0, 1] for a, b in pairs]))


def measure(stack: TrainingStack, walks) -> tuple[np.ndarray, np.ndarray]:
    """Rate maps (network, unit, y, x) and position errors (network,), m."""
    maps, errors = BinnedActivity(len(stack.specs), UNITS, codes.BINS, ARENA), []
    with torch.no_grad():
        for _, path, activity in activities(stack.networks, stack.target, walks):
            maps.add(inside(path, ARENA), activity)
            errors.append(decoding_errors(stack.networks, stack.target, path, activity))
    return maps.mean(), torch.cat(errors, -1).mean((1, 2)).numpy()
