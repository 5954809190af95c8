"""Random walks in a square arena, which the networks integrate, and symmetries of the square."""

import logging

import numpy as np
import xarray as xr

from nofreelunch.errors import check_whole, refused
from nofreelunch.seeds import TRAJECTORIES, generator

log = logging.getLogger(__name__)

ARENA = 2.2  # side of the square, m

# The constants of the published generator.
TIME_STEP = 0.02  # s
TURN_NOISE = 2 * 5.76  # standard deviation of the angular velocity, rad/s
SPEED_SCALE = 2 * np.pi * 0.13  # Rayleigh scale of the forward speed, m/s; the mean is 1.02 m/s
WALL_REGION = 0.03  # distance at which a wall is felt, m
WALL_SLOWING = 0.25  # factor on the speed of an animal that heads for a wall and feels it

CHUNK = 4096  # trajectories drawn and simulated at once, to bound memory


def random_walk(
    count: int,
    steps: int,
    seed: int,
    arena: float = ARENA,
    beyond: float = 0.0,
    periodic: bool = False,
) -> xr.Dataset:
    """Draw `count` random walks of `steps` steps in a square of side `arena` (m), centred at 0.

    >>> import nofreelunch as nfl
    >>> walks = nfl.random_walk(count=10, steps=20, seed=0)
    >>> dict(walks["position"].sizes)
    {'trajectory': 10, 'moment': 21, 'axis': 2}

    The motion model is the trajectory generator of Sorscher et al. (2019), which Schaeffer et al.
    (2022) use unchanged. Speed is drawn anew at every step, and heading is a random walk. An animal
    that runs into a wall slows down and turns along it. Positions are not clipped: fewer than one
    sample in a hundred lies slightly outside the arena.

    In a `periodic` arena opposite walls are joined, and nothing slows or turns an animal. Positions
    go on beyond the wall that was passed; `inside` takes them back into the arena.

    Each walk starts anywhere in the arena with any heading. As in the published generator, a first
    step is made and dropped, so `position` starts where that step ended. A walk depends only on
    `seed`, `arena`, `periodic` and its index: asking for more walks appends walks, and asking for
    more steps appends steps to each.

    Returns:
        `position` (trajectory, moment, axis), m, float32, at `steps` + 1 times, s; and `velocity`
        (trajectory, step, axis), m, float32: the displacement `position[j + 1] - position[j]` in
        each step, not a speed in m/s.

    Raises:
        ValueError: where `count` or `steps` is below 1, `seed` is negative, or `arena` is not
            positive and finite.
    """
    for name, value, least in (("count", count, 1), ("steps", steps, 1), ("seed", seed, 0)):
        check_whole(name, value, least)
    if not isinstance(arena, int | float | np.number) or not 0 < arena < np.inf:
        raise refused("arena", f"{arena} m", "a side > 0 m")
    position = np.empty((count, steps + 1, 2), dtype=np.float32)
    velocity = np.empty((count, steps, 2), dtype=np.float32)
    for block, first in enumerate(range(0, count, CHUNK)):
        chunk = slice(first, min(first + CHUNK, count))
        # One generator per block, read step by step: more or longer walks then begin the same way.
        starts, turns, speeds = generator(seed, TRAJECTORIES, block).spawn(3)
        size = chunk.stop - first
        start = starts.random((CHUNK, 3))[:size]
        walked = simulate(
            (start[:, :2] - 0.5) * arena,
            start[:, 2] * 2 * np.pi,
            turns.normal(0.0, TURN_NOISE, (steps + 1, CHUNK)).T[:size],
            speeds.rayleigh(SPEED_SCALE, (steps + 1, CHUNK)).T[:size],
            arena,
            beyond,
            periodic,
        )
        position[chunk] = walked[:, 1:]
        velocity[chunk] = np.diff(walked[:, 1:], axis=1)
    log.debug("walked %d trajectories of %d steps in %g m", count, steps, arena)
    return _labelled(position, velocity, seed, arena, periodic)


def simulate(
    start: np.ndarray,
    heading: np.ndarray,
    turn: np.ndarray,
    speed: np.ndarray,
    arena: float,
    beyond: float = 0.0,
    periodic: bool = False,
) -> np.ndarray:
    """Walk with given starts, turns and speeds.

    An animal feels only the nearest wall, and only when it heads for it (within 90 degrees of the
    outward normal). It then slows down and turns parallel to the wall. Outside the arena the
    distance to the nearest wall is negative, so the wall is felt there too. Each step follows the
    heading before the turn.

    Args:
        start: (trajectory, 2), m.
        heading: (trajectory,), rad.
        turn: angular velocity (trajectory, step), rad/s.
        speed: (trajectory, step), m/s.
        arena: side of the square, m.
        beyond: how far the wall at the largest x is moved outwards, m.
        periodic: whether there are no walls to feel.

    Returns:
        Positions (trajectory, step + 1, 2), m; the first is `start`.
    """
    count, steps = turn.shape
    half = arena / 2
    position = np.empty((steps + 1, 2, count))  # one contiguous row per coordinate and time
    position[0] = start.T
    heading = heading.astype(float)
    for t in range(steps):
        x, y = position[t]
        distances = np.stack([half + beyond - x, half - y, x + half, y + half])
        normal = np.argmin(distances, axis=0) * (np.pi / 2)
        angle = np.mod(heading - normal + np.pi, 2 * np.pi) - np.pi
        felt = (distances.min(axis=0) < WALL_REGION) & (np.abs(angle) < np.pi / 2) & (not periodic)
        length = TIME_STEP * np.where(felt, WALL_SLOWING, 1.0) * speed[:, t]
        position[t + 1, 0] = x + length * np.cos(heading)
        position[t + 1, 1] = y + length * np.sin(heading)
        along_wall = np.sign(angle) * (np.pi / 2 - np.abs(angle))
        heading = heading + np.where(felt, along_wall, 0.0) + TIME_STEP * turn[:, t]
    return position.transpose(2, 0, 1)


def inside(vectors, arena: float):
    """Positions or displacements (..., 2), m, taken into a periodic arena of side `arena`.

    Each coordinate is then in [-arena / 2, arena / 2), so a displacement is the shortest one. Takes
    numpy arrays or torch tensors, and returns the same type.
    """
    return (vectors + arena / 2) % arena - arena / 2


def apply_symmetry(vectors, index):
    """Apply symmetries of the square to `vectors` (..., 2): positions or displacements.

    `index` holds integers from 0 to 7 and broadcasts against the leading axes of `vectors`. 0
    changes nothing. Odd numbers mirror x; 2, 3, 6 and 7 mirror y; 4 to 7 first exchange x and y.
    The motion model has these symmetries, so a transformed walk is as likely as the walk itself.

    Takes numpy arrays or torch tensors, and returns a copy of the same type. Raises ValueError
    where the last axis of `vectors` is not 2.
    """
    if vectors.shape[-1] != 2:
        raise refused("vectors", f"a last axis of {vectors.shape[-1]}", "2, x and y")
    x, y = vectors[..., 0], vectors[..., 1]
    kept, exchanged = index < 4, index >= 4
    moved = vectors + 0
    # Comparing first keeps the signs: 1 - 2 * (index % 2) would wrap around for unsigned `index`.
    moved[..., 0] = (x * kept + y * exchanged) * (1 - 2 * (index % 2 == 1))
    moved[..., 1] = (y * kept + x * exchanged) * (1 - 2 * (index % 4 >= 2))
    return moved


def _labelled(
    position: np.ndarray, velocity: np.ndarray, seed: int, arena: float, periodic: bool
) -> xr.Dataset:
    """Simulated walks as a dataset with names of axes, and units."""
    return xr.Dataset(
        {
            "position": (
                ("trajectory", "moment", "axis"),
                position,
                {"units": "m", "long_name": "position, the arena being centred at 0"},
            ),
            "velocity": (
                ("trajectory", "step", "axis"),
                velocity,
                {"units": "m", "long_name": f"displacement in a step of {TIME_STEP} s"},
            ),
        },
        coords={
            "moment": (
                "moment",
                np.arange(position.shape[1]) * TIME_STEP,
                {"units": "s", "long_name": "time since the start of the walk"},
            ),
            "axis": ["x", "y"],
        },
        attrs={
            "arena": float(arena),
            "periodic": int(periodic),
            "time_step": TIME_STEP,
            "seed": int(seed),
        },
    )
