"""Walks to a reward zone and within it, as in Nayebi et al. (2021)."""

from __future__ import annotations

import numpy as np
import xarray as xr

from nofreelunch import seeds
from nofreelunch.errors import refused, shown
from nofreelunch.task.trajectories import SPEED_SCALE, TURN_NOISE, random_walk, simulate

CENTRE, SIDE = (0.75, 0.75), 0.2  # of the reward zone, m
STRAIGHT = 7  # steps from the start to the centre of the zone


def reward_walk(count: int, steps: int, seed: int, to_zone: float) -> xr.Dataset:
    """Draw `count` walks of `steps` steps, a share of which go to a reward zone.

    >>> from nofreelunch.task.reward_walks import reward_walk
    >>> walks = reward_walk(count=100, steps=20, seed=0, to_zone=0.625)
    >>> dict(walks["position"].sizes)
    {'trajectory': 100, 'moment': 21, 'axis': 2}

    Each walk starts as in `random_walk`. Those to the zone reach its centre in a straight line and
    seven equal steps, and then walk at random in it, with its sides as walls. The others are walks
    of `random_walk`.

    Args:
        count: number of walks.
        steps: of each walk.
        seed: 0 or more.
        to_zone: probability that a walk goes to the zone, from 0 to 1.

    Returns:
        `position` and `velocity`, m, as in `random_walk`. The attribute `symmetries` is 0, because
        the zone lies in one corner.

    Raises:
        ValueError: as `random_walk`, and for what is no probability.
    """
    if not 0 <= to_zone <= 1:
        raise refused("to_zone", shown(to_zone), "a probability from 0 to 1")
    walks = random_walk(count, steps, seed)
    random = seeds.generator(seed, seeds.REWARD_WALKS)
    goes = random.random(count) < to_zone
    position = walks["position"].values
    position[goes] = _to_zone(position[goes, 0], steps, random)
    walks["velocity"].values = np.diff(position, axis=1)
    return walks.assign_attrs(symmetries=0, to_zone=float(to_zone))


def _to_zone(start: np.ndarray, steps: int, random: np.random.Generator) -> np.ndarray:
    """Walks (walk, step + 1, axis) from starts (walk, axis) to the zone, m."""
    straight, size = np.linspace(0, 1, STRAIGHT + 1), len(start)
    there = start[:, None] + straight[:, None] * (np.array(CENTRE) - start)[:, None]
    inside = simulate(
        np.zeros((size, 2)),
        random.uniform(0, 2 * np.pi, size),
        random.normal(0, TURN_NOISE, (size, steps)),
        random.rayleigh(SPEED_SCALE, (size, steps)),
        SIDE,
    )
    return np.concatenate([there, inside[:, 1:] + CENTRE], 1)[:, : steps + 1]
