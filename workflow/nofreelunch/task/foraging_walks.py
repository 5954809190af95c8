"""Walks of a foraging rat in a square, as in Banino et al. (2018), stored every 0.15 s."""

from __future__ import annotations

import numpy as np
import xarray as xr

from nofreelunch.errors import refused
from nofreelunch.seeds import TRAJECTORIES, generator
from nofreelunch.task.trajectories import ARENA, TIME_STEP, simulate

STORED = 0.15  # s between two stored moments
TURN_NOISE = np.deg2rad(330)  # standard deviation of the angular velocity, rad/s
SPEED_SCALE = 0.13  # Rayleigh scale of the speed, m/s; the mean is 0.16 m/s
CHUNK = 512  # walks simulated at once, to bound memory: they have 7.5 times as many steps


def foraging_walk(count: int, steps: int, seed: int) -> xr.Dataset:
    """Draw `count` walks of `steps` stored steps in the square of the other studies.

    >>> from nofreelunch.task.foraging_walks import foraging_walk
    >>> walks = foraging_walk(count=10, steps=100, seed=0)
    >>> dict(walks["heading"].sizes)
    {'trajectory': 10, 'moment': 101}

    The motion model is that of `random_walk` with other constants, those of the paper's
    supplementary table 1. It is simulated in steps of 0.02 s. Positions and headings at the stored
    moments are interpolated, because 0.15 s is no whole number of such steps.

    Args:
        count: number of walks.
        steps: of each walk, of 0.15 s.
        seed: 0 or more.

    Returns:
        `position` (trajectory, moment, axis) and `velocity` (trajectory, step, axis), m, as in
        `random_walk`; and `heading` (trajectory, moment), rad, unwrapped: the difference of two
        moments is the turn between them.

    Raises:
        ValueError: for numbers below 1, and a negative seed.
    """
    for name, value, least in (("count", count, 1), ("steps", steps, 1), ("seed", seed, 0)):
        if value < least:
            raise refused(name, f"{value}", f"a whole number >= {least}")
    position = np.empty((count, steps + 1, 2), dtype=np.float32)
    heading = np.empty((count, steps + 1), dtype=np.float32)
    moments = np.arange(steps + 1) * STORED / TIME_STEP  # in simulated steps
    for block, first in enumerate(range(0, count, CHUNK)):
        chunk = slice(first, min(first + CHUNK, count))
        walked, turned = _simulated(int(np.ceil(moments[-1])), generator(seed, TRAJECTORIES, block))
        size = chunk.stop - first
        position[chunk] = _at(walked, moments)[:size]
        heading[chunk] = _at(turned[..., np.newaxis], moments)[:size, :, 0]
    return _labelled(position, heading, seed)


def _simulated(steps: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Positions (walk, step + 1, 2), m, and unwrapped headings (walk, step + 1), rad.

    A heading is the direction of the step that begins at its moment.
    """
    starts, turns, speeds = random.spawn(3)
    start = starts.random((CHUNK, 3))
    walked = simulate(
        (start[:, :2] - 0.5) * ARENA,
        start[:, 2] * 2 * np.pi,
        turns.normal(0.0, TURN_NOISE, (steps + 1, CHUNK)).T,
        speeds.rayleigh(SPEED_SCALE, (steps + 1, CHUNK)).T,
        ARENA,
    )
    moved = np.diff(walked, axis=1)
    return walked[:, :-1], np.unwrap(np.arctan2(moved[..., 1], moved[..., 0]), axis=1)


def _at(values: np.ndarray, moments: np.ndarray) -> np.ndarray:
    """Values (walk, moment, ...) at fractions of steps, between those (walk, step, ...)."""
    before = np.minimum(moments.astype(int), values.shape[1] - 2)
    share = (moments - before)[:, np.newaxis]
    return (1 - share) * values[:, before] + share * values[:, before + 1]


def _labelled(position: np.ndarray, heading: np.ndarray, seed: int) -> xr.Dataset:
    moved = {"units": "m", "long_name": f"displacement in a step of {STORED} s"}
    variables = {
        "position": (("trajectory", "moment", "axis"), position, {"units": "m"}),
        "velocity": (("trajectory", "step", "axis"), np.diff(position, axis=1), moved),
        "heading": (("trajectory", "moment"), heading, {"units": "rad"}),
    }
    attributes = {"arena": ARENA, "time_step": STORED, "seed": int(seed)}
    return xr.Dataset(variables, {"axis": ["x", "y"]}, attributes)
