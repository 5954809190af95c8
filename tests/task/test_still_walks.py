"""Walks with still periods: they stay in their arena, stand still as often as asked, and turn."""

import numpy as np
import pytest
from nofreelunch.task.still_walks import (
    MEAN_STEP,
    SHAPES,
    bounding_side,
    corners,
    inside,
    still_walk,
)


def area_of(found: np.ndarray) -> float:
    x, y = found.T
    return 0.5 * abs((x * np.roll(y, -1) - y * np.roll(x, -1)).sum())


@pytest.mark.parametrize("shape", SHAPES)
def test_arenas_are_regular_have_one_area_and_fit_the_square_that_is_binned(shape):
    found = corners(shape)
    assert area_of(found) == pytest.approx(2.2**2)
    sides = np.linalg.norm(found - np.roll(found, 1, 0), axis=1)
    np.testing.assert_allclose(sides, sides[0])
    assert abs(found).max() <= bounding_side(shape) / 2 + 1e-9
    assert bounding_side(shape) / 0.2 == pytest.approx(round(bounding_side(shape) / 0.2))


@pytest.mark.parametrize("shape", SHAPES)
def test_what_is_inside_is_what_corners_enclose(shape):
    found = corners(shape)
    middle = found.mean(0)
    between = (found + np.roll(found, 1, 0)) / 2
    for points in (found, between):
        assert inside(middle + 0.999 * (points - middle), shape).all()
        assert not inside(middle + 1.001 * (points - middle), shape).any()


@pytest.mark.parametrize("shape", SHAPES)
def test_animals_stay_in_the_arena_and_begin_at_its_centre(shape):
    walks = still_walk(count=200, steps=300, seed=0, shape=shape, stillness=0.5)
    position = walks["position"].values
    np.testing.assert_allclose(position[:, 0], np.tile(corners(shape).mean(0), (200, 1)), atol=1e-6)
    shrunk = corners(shape).mean(0) + (position - corners(shape).mean(0)) * (1 - 1e-5)  # float32
    assert inside(shrunk, shape).all()
    assert walks.attrs["arena"] == bounding_side(shape)


def test_a_still_animal_keeps_its_place_and_heading():
    walks = still_walk(count=300, steps=200, seed=0, shape="square", stillness=0.9)
    length = np.linalg.norm(walks["velocity"].values, axis=-1)
    still = length == 0
    assert still.mean() == pytest.approx(0.9, abs=0.01)  # of 60,000 steps
    assert length[~still].mean() == pytest.approx(MEAN_STEP, rel=0.03)
    heading = walks["heading"].values
    assert (np.diff(heading, axis=1)[still[:, 1:]] == 0).all()
    assert not walks["wall"].values[still].any()


def test_steps_follow_the_heading_and_walls_turn_the_animal():
    walks = still_walk(count=300, steps=200, seed=0, shape="triangle", stillness=0.0)
    velocity, heading = walks["velocity"].values, walks["heading"].values
    moved = np.linalg.norm(velocity, axis=-1) > 1e-3
    along = np.arctan2(velocity[..., 1], velocity[..., 0])
    assert np.abs(np.angle(np.exp(1j * (along - heading))))[moved].max() < 0.01
    turn = np.abs(np.angle(np.exp(1j * np.diff(heading, axis=1))))
    wall = walks["wall"].values[:, 1:]
    assert 0.02 < wall.mean() < 0.5
    assert turn[~wall].mean() == pytest.approx(0.3 * (2 / np.pi) ** 0.5, rel=0.05)
    assert turn[wall].mean() > 1


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("shape", "circle", "shape: found 'circle'; allowed: square, hexagon, triangle"),
        ("stillness", 1.0, "stillness: found 1.0; allowed: a probability >= 0 and < 1"),
        ("count", 0, "count: found 0; allowed: a whole number >= 1"),
        ("seed", -1, "seed: found -1; allowed: a whole number >= 0"),
    ],
)
def test_what_is_not_allowed_is_one_line(key, value, said):
    keys = {"count": 2, "steps": 3, "seed": 0, "shape": "square", "stillness": 0.5}
    with pytest.raises(ValueError, match=said.split(";")[0]) as caught:
        still_walk(**keys | {key: value})
    assert str(caught.value) == said
