"""Walks of a foraging rat: speeds, turns and walls of the paper, stored every 0.15 s."""

import numpy as np
import pytest
from nofreelunch.task.foraging_walks import SPEED_SCALE, STORED, TURN_NOISE, foraging_walk
from nofreelunch.task.trajectories import ARENA, TIME_STEP


@pytest.fixture(scope="module")
def walks():
    return foraging_walk(count=300, steps=100, seed=0)


def far_from_walls(walks) -> np.ndarray:
    """Steps (trajectory, step) that begin 0.1 m or more from every wall."""
    return (np.abs(walks["position"].values[:, :-1]) < ARENA / 2 - 0.1).all(-1)


def test_animals_stay_in_the_arena_and_begin_anywhere_in_it(walks):
    position = walks["position"].values
    assert np.abs(position).max() < ARENA / 2 + 0.01  # a wall stops them within a step or two
    assert np.abs(position[:, 0].mean(0)).max() < 0.15  # four standard errors of 300 starts
    assert position[:, 0].std(0).min() > 0.9 * ARENA / 12**0.5
    np.testing.assert_array_equal(walks["velocity"].values, np.diff(position, axis=1))
    assert walks.attrs["arena"] == ARENA and walks.attrs["time_step"] == STORED


def test_speed_is_the_papers(walks):
    """Displacements are a little shorter than paths, which bend: by a hundredth or two."""
    speed = np.linalg.norm(walks["velocity"].values, axis=-1)[far_from_walls(walks)] / STORED
    assert speed.mean() == pytest.approx(0.98 * SPEED_SCALE * (np.pi / 2) ** 0.5, rel=0.02)


def test_turns_are_the_papers(walks):
    """Between stored moments lie seven turns and half of an eighth: 7.25 variances of a turn."""
    turn = np.diff(walks["heading"].values, axis=1)[far_from_walls(walks)]
    assert turn.std() == pytest.approx(7.25**0.5 * TIME_STEP * TURN_NOISE, rel=0.02)
    assert abs(turn.mean()) < 0.01


def test_headings_are_directions_of_movement(walks):
    """The movement of a step lies halfway between the headings at its ends."""
    velocity, heading = walks["velocity"].values, walks["heading"].values
    along = np.arctan2(velocity[..., 1], velocity[..., 0])
    halfway = (heading[:, 1:] + heading[:, :-1]) / 2
    apart = np.abs(np.angle(np.exp(1j * (along - halfway))))[far_from_walls(walks)]
    assert apart.mean() < 0.15  # half of a turn's deviation is 0.16


def test_more_and_longer_walks_begin_alike(walks):
    for more in (foraging_walk(400, 100, 0), foraging_walk(300, 150, 0)):
        for name in ("position", "heading"):
            values = more[name].values[:300, :101]
            np.testing.assert_allclose(values, walks[name].values, atol=1e-5)
    assert not np.allclose(foraging_walk(300, 100, 1)["position"], walks["position"])


@pytest.mark.parametrize(
    ("key", "value", "least"), [("count", 0, 1), ("steps", 0, 1), ("seed", -1, 0)]
)
def test_what_is_not_allowed_is_one_line(key, value, least):
    keys = {"count": 2, "steps": 3, "seed": 0, key: value}
    with pytest.raises(ValueError) as caught:
        foraging_walk(**keys)
    assert str(caught.value) == f"{key}: found {value}; allowed: a whole number >= {least}"
