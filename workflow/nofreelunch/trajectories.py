"""Random walks in a square arena: what the networks integrate.

The motion model is the published trajectory generator of Sorscher et al. (2019), used unchanged by
Schaeffer et al. (2022): speed is drawn anew at every step, heading is a random walk, and an animal
that runs into a wall slows down and turns along it. Nothing clips the position, so a little under
one sample in a hundred lies up to a few centimetres outside the arena.
"""

import logging

import numpy as np
import xarray as xr

log = logging.getLogger(__name__)

STREAM = 5  # what separates these draws from the others made with the same seed

ARENA = 2.2  # side of the square, m

# The constants of the published generator.
TIME_STEP = 0.02  # s
TURN_NOISE = 2 * 5.76  # standard deviation of the angular velocity, rad/s
SPEED_SCALE = 2 * np.pi * 0.13  # Rayleigh scale of the forward speed, m/s; the mean is 1.02 m/s
WALL_REGION = 0.03  # how close to a wall it is felt, m
WALL_SLOWING = 0.25  # factor on the speed of an animal that heads for a wall it feels

CHUNK = 4096  # trajectories drawn and simulated at once, which bounds the memory


def random_walk(count: int, steps: int, seed: int, arena: float = ARENA) -> xr.Dataset:
    """Draw `count` random walks of `steps` steps in a square of side `arena` (m) centred at 0.

    Each walk starts anywhere in the arena with any heading. A first step is made and dropped, as
    in the published generator, so `position` starts where that step ended.

    Returns `position` (trajectory, time, axis), float32, m, with `steps` + 1 times, and `velocity`
    (trajectory, step, axis), float32: the displacement in each step, m, which is
    `position[j + 1] - position[j]` (and not a speed in m/s).
    A walk depends on `seed`, `arena` and its index alone: asking for more walks appends walks, and
    asking for more steps appends steps to each.
    Raises ValueError where `count` or `steps` is below 1 or `arena` is not positive.
    """
    for name, value in (("count", count), ("steps", steps)):
        if value < 1:
            raise ValueError(f"{name} is {value}; it must be at least 1")
    if seed < 0:
        raise ValueError(f"seed is {seed}; it must be 0 or more")
    if not 0 < arena < np.inf:
        raise ValueError(f"arena is {arena} m; it must be positive")
    position = np.empty((count, steps + 1, 2), dtype=np.float32)
    velocity = np.empty((count, steps, 2), dtype=np.float32)
    for block, first in enumerate(range(0, count, CHUNK)):
        chunk = slice(first, min(first + CHUNK, count))
        # A generator per block, read step by step, so that more or longer walks begin alike.
        starts, turns, speeds = np.random.default_rng([seed, STREAM, block]).spawn(3)
        size = chunk.stop - first
        start = starts.random((CHUNK, 3))[:size]
        walked = simulate(
            (start[:, :2] - 0.5) * arena,
            start[:, 2] * 2 * np.pi,
            turns.normal(0.0, TURN_NOISE, (steps + 1, CHUNK)).T[:size],
            speeds.rayleigh(SPEED_SCALE, (steps + 1, CHUNK)).T[:size],
            arena,
        )
        position[chunk] = walked[:, 1:]
        velocity[chunk] = np.diff(walked[:, 1:], axis=1)
    log.debug("walked %d trajectories of %d steps in %g m", count, steps, arena)
    return _labelled(position, velocity, seed, arena)


def simulate(
    start: np.ndarray, heading: np.ndarray, turn: np.ndarray, speed: np.ndarray, arena: float
) -> np.ndarray:
    """Walk from `start` (trajectory, 2) m along `heading` (trajectory,) rad with given draws.

    `turn` (trajectory, step) is the angular velocity in rad/s, `speed` (trajectory, step) in m/s.
    Returns positions (trajectory, step + 1, 2), m, `start` included.

    Only the nearest wall is felt, and only by an animal that heads for it (within 90 degrees of
    its outward normal): it slows down and turns until it runs along the wall. Outside the arena
    the distance to that wall is negative, so the wall is felt there too. A step is made along the
    heading before the turn.
    """
    count, steps = turn.shape
    half = arena / 2
    position = np.empty((steps + 1, 2, count))  # one contiguous row per coordinate and time
    position[0] = start.T
    heading = heading.astype(float)
    for t in range(steps):
        x, y = position[t]
        distances = np.stack([half - x, half - y, x + half, y + half])
        normal = np.argmin(distances, axis=0) * (np.pi / 2)
        angle = np.mod(heading - normal + np.pi, 2 * np.pi) - np.pi
        felt = (distances.min(axis=0) < WALL_REGION) & (np.abs(angle) < np.pi / 2)
        length = TIME_STEP * np.where(felt, WALL_SLOWING, 1.0) * speed[:, t]
        position[t + 1, 0] = x + length * np.cos(heading)
        position[t + 1, 1] = y + length * np.sin(heading)
        along_wall = np.sign(angle) * (np.pi / 2 - np.abs(angle))
        heading = heading + np.where(felt, along_wall, 0.0) + TIME_STEP * turn[:, t]
    return position.transpose(2, 0, 1)


def apply_symmetry(vectors, index):
    """Apply symmetries of the square to `vectors` (..., 2): positions or displacements.

    `index` holds integers 0 to 7 and broadcasts against the leading axes of `vectors`. Odd numbers
    mirror x, 2, 3, 6 and 7 mirror y, and 4 to 7 first exchange x and y; 0 changes nothing. The
    motion model has these symmetries, so a walk they are applied to (position and velocity alike)
    is as likely as the walk itself. Takes numpy arrays or torch tensors, and returns the same,
    as a copy of the same type. Raises ValueError where `vectors` does not end in an axis of 2.
    """
    if vectors.shape[-1] != 2:
        raise ValueError(f"vectors end in an axis of {vectors.shape[-1]}; it must be 2, x and y")
    x, y = vectors[..., 0], vectors[..., 1]
    kept, exchanged = index < 4, index >= 4
    moved = vectors + 0
    # Comparisons keep the signs signed where `index` is of an unsigned type.
    moved[..., 0] = (x * kept + y * exchanged) * (1 - 2 * (index % 2 == 1))
    moved[..., 1] = (y * kept + x * exchanged) * (1 - 2 * (index % 4 >= 2))
    return moved


def _labelled(position: np.ndarray, velocity: np.ndarray, seed: int, arena: float) -> xr.Dataset:
    """Name the axes and units of simulated walks."""
    return xr.Dataset(
        {
            "position": (
                ("trajectory", "time", "axis"),
                position,
                {"units": "m", "long_name": "position, the arena being centred at 0"},
            ),
            "velocity": (
                ("trajectory", "step", "axis"),
                velocity,
                {"units": "m", "long_name": f"displacement in a step of {TIME_STEP} s"},
            ),
        },
        coords={"axis": ["x", "y"]},
        attrs={"arena": float(arena), "time_step": TIME_STEP, "seed": int(seed)},
    )
