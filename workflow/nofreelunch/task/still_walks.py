"""Walks with long still periods in a square, a hexagon or a triangle, as in Cueva & Wei (2018)."""

from __future__ import annotations

import math

import numpy as np
import xarray as xr

from nofreelunch.errors import check_choice, refused
from nofreelunch.seeds import TRAJECTORIES, generator
from nofreelunch.task.trajectories import ARENA

SHAPES = {"square": 4, "hexagon": 6, "triangle": 3}  # regular, all of the square's area; corners
MEAN_STEP = 0.1  # m; the paper gives no length of steps
TURN = 0.3  # standard deviation of the turn in a step, rad; the paper gives none
GRAIN = 0.2  # m; the square around a shape is a whole number of these, so that bins fit


def corners(shape: str, area: float = ARENA**2) -> np.ndarray:
    """Corners (corner, axis) of a regular arena, m, whose bounding box is centred at 0."""
    check_choice("shape", shape, SHAPES)
    count = SHAPES[shape]
    radius = math.sqrt(2 * area / (count * math.sin(2 * math.pi / count)))
    first = {"square": math.pi / 4, "hexagon": 0.0, "triangle": -math.pi / 6}[shape]
    angle = first + 2 * math.pi * np.arange(count) / count
    found = radius * np.stack([np.cos(angle), np.sin(angle)], 1)
    return found - (found.max(0) + found.min(0)) / 2


def bounding_side(shape: str) -> float:
    """Side of the square around an arena in which maps are binned, m."""
    found = corners(shape)
    extent = (found.max(0) - found.min(0)).max()
    return round(math.ceil(extent / GRAIN - 1e-9) * GRAIN, 6)


def inside(position: np.ndarray, shape: str) -> np.ndarray:
    """Whether positions (..., 2), m, lie in the arena: booleans (...)."""
    found = corners(shape)
    middle, edge = found.mean(0), np.roll(found, -1, 0) - found
    outward = np.stack([edge[:, 1], -edge[:, 0]], 1)
    outward /= np.linalg.norm(outward, axis=1, keepdims=True)
    reach = ((found[0] - middle) * outward[0]).sum()
    return ((position - middle) @ outward.T <= reach).all(-1)


def still_walk(count: int, steps: int, seed: int, shape: str, stillness: float) -> xr.Dataset:
    """Draw `count` walks of `steps` steps that begin at the arena's centre and often stand still.

    >>> from nofreelunch.task.still_walks import still_walk
    >>> walks = still_walk(count=100, steps=50, seed=0, shape="hexagon", stillness=0.9)
    >>> dict(walks["position"].sizes)
    {'trajectory': 100, 'moment': 51, 'axis': 2}

    In each step the animal stands still with probability `stillness`. Otherwise it turns by a
    normal angle, and takes a step with a Rayleigh-distributed length in the direction of its new
    heading. Where the step would leave the arena, the heading is drawn anew, evenly, until it does
    not. A still animal keeps its heading.

    Args:
        count: number of walks.
        steps: of each walk.
        seed: 0 or more.
        shape: "square", "hexagon" or "triangle", all of one area.
        stillness: probability of standing still, 0 or more and below 1.

    Returns:
        `position` (trajectory, moment, axis) and `velocity` (trajectory, step, axis), m, as in
        `random_walk`; `heading` (trajectory, step), rad; and `wall` (trajectory, step), whether a
        wall turned the animal. The attribute `arena` is the side of the square around the arena.

    Raises:
        ValueError: for another shape, numbers below 1, a negative seed, or a stillness of 1.
    """
    check_choice("shape", shape, SHAPES)
    for name, value in (("count", count), ("steps", steps)):
        if value < 1:
            raise refused(name, f"{value}", "a whole number >= 1")
    if seed < 0:
        raise refused("seed", f"{seed}", "a whole number >= 0")
    if not 0 <= stillness < 1:
        raise refused("stillness", f"{stillness}", "a probability >= 0 and < 1")
    random = generator(seed, TRAJECTORIES)
    position = np.empty((steps + 1, count, 2))
    position[0] = corners(shape).mean(0)
    heading, touched = np.empty((steps, count)), np.zeros((steps, count), bool)
    now = random.uniform(0, 2 * np.pi, count)
    for t in range(steps):
        moves = random.random(count) >= stillness
        length = random.rayleigh(MEAN_STEP / math.sqrt(np.pi / 2), count) * moves
        now = now + random.normal(0, TURN, count) * moves
        ahead = _ahead(position[t], length, now)
        stopped = moves & ~inside(ahead, shape)
        touched[t] = stopped
        while stopped.any():
            now[stopped] = random.uniform(0, 2 * np.pi, stopped.sum())
            ahead[stopped] = _ahead(position[t, stopped], length[stopped], now[stopped])
            stopped[stopped] = ~inside(ahead[stopped], shape)
        position[t + 1], heading[t] = ahead, now
    return _labelled(position, heading, touched, seed, shape, stillness)


def _ahead(position: np.ndarray, length: np.ndarray, heading: np.ndarray) -> np.ndarray:
    return position + length[:, None] * np.stack([np.cos(heading), np.sin(heading)], 1)


def _labelled(
    position: np.ndarray,
    heading: np.ndarray,
    touched: np.ndarray,
    seed: int,
    shape: str,
    stillness: float,
) -> xr.Dataset:
    position = position.transpose(1, 0, 2).astype(np.float32)
    moved = {"units": "m", "long_name": "displacement in a step"}
    variables = {
        "position": (("trajectory", "moment", "axis"), position, {"units": "m"}),
        "velocity": (("trajectory", "step", "axis"), np.diff(position, axis=1), moved),
        "heading": (("trajectory", "step"), heading.T.astype(np.float32), {"units": "rad"}),
        "wall": (("trajectory", "step"), touched.T),
    }
    attributes = {
        "arena": bounding_side(shape),
        "shape": shape,
        "stillness": float(stillness),
        "mean_step": MEAN_STEP,
        "seed": int(seed),
    }
    return xr.Dataset(variables, {"axis": ["x", "y"]}, attributes)
