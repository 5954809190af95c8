"""Random walks: the motion model against a plain loop, and its known statistics."""

import math

import numpy as np
import pytest
import torch
from nofreelunch.task import trajectories
from scipy import stats


def plain_walk(start, heading, turn, speed, half):
    """One animal, one step at a time, written from the description of the motion model."""
    (x, y), path = start, [tuple(start)]
    for turn_now, speed_now in zip(turn, speed, strict=True):
        distance_to_wall = {0.0: half - x, 0.5: half - y, 1.0: x + half, 1.5: y + half}
        wall = min(distance_to_wall, key=distance_to_wall.get)  # the first of equals, as drawn
        angle = (heading - wall * math.pi + math.pi) % (2 * math.pi) - math.pi
        sharp = 0.0
        if distance_to_wall[wall] < 0.03 and abs(angle) < math.pi / 2:
            speed_now *= 0.25
            sharp = (angle > 0) * (math.pi / 2 - angle) - (angle < 0) * (math.pi / 2 + angle)
        x += 0.02 * speed_now * math.cos(heading)
        y += 0.02 * speed_now * math.sin(heading)
        heading += sharp + 0.02 * turn_now
        path.append((x, y))
    return np.array(path)


def one_step(x, y, heading, arena=2.2):
    """Displacement of a step at 1 m/s, and the heading of the one after it, without turn noise."""
    walked = trajectories.simulate(
        np.array([[x, y]]), np.array([heading]), np.zeros((1, 2)), np.ones((1, 2)), arena
    )[0]
    first, second = np.diff(walked, axis=0)
    return np.hypot(*first), math.atan2(second[1], second[0])


@pytest.fixture(scope="module")
def walks():
    """20,000 walks: means over them are known to better than 0.1 cm and 0.1 percentage points."""
    return {steps: trajectories.random_walk(20_000, steps, seed=1) for steps in (20, 50)}


def test_simulation_is_the_plain_loop():
    random = np.random.default_rng(0)
    count, steps, arena = 200, 60, 1.0  # a small arena, so that walls and corners are met often
    start = random.uniform(-0.55, 0.55, (count, 2))  # some start outside
    heading = random.uniform(0, 2 * np.pi, count)
    turn = random.normal(0, 11.52, (count, steps))
    speed = random.rayleigh(0.81681, (count, steps))
    walked = trajectories.simulate(start, heading, turn, speed, arena)
    for i in range(count):
        expected = plain_walk(start[i], heading[i], turn[i], speed[i], arena / 2)
        # Only the last bits of sine and cosine may differ.
        np.testing.assert_allclose(walked[i], expected, rtol=0, atol=1e-11)


def test_in_a_periodic_arena_no_wall_slows_or_turns_an_animal():
    """Steps have the lengths that were drawn, and walks are those of a wide arena until a wall."""
    walks = trajectories.random_walk(2000, 50, seed=1, periodic=True)
    length = np.linalg.norm(walks["velocity"].values, axis=-1)
    scale = trajectories.TIME_STEP * trajectories.SPEED_SCALE
    assert stats.kstest(length.ravel()[::7], stats.rayleigh(scale=scale).cdf).pvalue > 1e-3
    assert (abs(walks["position"]) > 1.1).mean() > 0.05
    assert walks.attrs["periodic"] == 1
    walled = trajectories.random_walk(2000, 50, seed=1)
    free = (abs(walled["position"]) < 1.1 - trajectories.WALL_REGION).all(["axis", "moment"])
    np.testing.assert_allclose(walks["position"][free], walled["position"][free], atol=1e-6)
    assert free.sum() > 500


@pytest.mark.parametrize("kind", [np.array, torch.tensor])
def test_positions_are_taken_into_a_periodic_arena(kind):
    taken = trajectories.inside(kind([[1.0, -1.2], [1.1, 3.4], [0.3, -5.5]]), 2.2)
    np.testing.assert_allclose(taken, [[1.0, 1.0], [-1.1, -1.0], [0.3, -1.1]], atol=1e-6)


def test_first_step_is_made_and_dropped():
    count, steps, seed = 5, 7, 3
    walk = trajectories.random_walk(count, steps, seed)
    starts, turns, speeds = np.random.default_rng([seed, 5, 0]).spawn(3)
    block = trajectories.CHUNK  # walks whose draws are made together, one step after the other
    start = starts.random((block, 3))
    turn = turns.normal(0, 2 * 5.76, (steps + 1, block)).T
    speed = speeds.rayleigh(0.13 * 2 * np.pi, (steps + 1, block)).T
    for i in range(count):
        origin = (start[i, :2] - 0.5) * 2.2
        path = plain_walk(origin, start[i, 2] * 2 * np.pi, turn[i], speed[i], 1.1)
        # float32 holds positions of about 1 m to 6e-8 m, displacements of 2 cm to 1e-9 m.
        np.testing.assert_allclose(walk.position[i], path[1:], rtol=0, atol=1e-7)
        np.testing.assert_allclose(walk.velocity[i], np.diff(path[1:], axis=0), atol=3e-9)


@pytest.mark.parametrize("wall", range(4))
def test_wall_slows_and_turns_along_it(wall):
    normal = wall * np.pi / 2
    x, y = 1.08 * np.cos(normal), 1.08 * np.sin(normal)  # 2 cm from the wall
    for side in (-1, 1):
        length, heading = one_step(x, y, normal + side * 0.3)
        assert length == pytest.approx(0.02 * 0.25)
        assert np.cos(heading - normal) == pytest.approx(0, abs=1e-9)
        assert np.sin(heading - normal) == pytest.approx(side)


@pytest.mark.parametrize(
    ("x", "y", "heading", "length", "after"),
    [
        (1.06, 0.0, 0.3, 0.02, 0.3),  # 4 cm away: not felt
        (1.08, 0.0, 2.0, 0.02, 2.0),  # heading away from the wall: not felt
        (1.15, 0.0, 0.3, 0.005, np.pi / 2),  # outside: felt
        (1.08, 0.0, 0.0, 0.005, 0.0),  # straight at the wall: slowed, and no side to turn to
        (1.08, 1.09, 0.3, 0.005, 0.0),  # in a corner the nearest wall alone, here that at +y
    ],
)
def test_wall_rule_cases(x, y, heading, length, after):
    assert one_step(x, y, heading) == (pytest.approx(length), pytest.approx(after, abs=1e-9))


def test_labels_units_and_displacement_per_step(walks):
    walk = walks[20]
    assert walk.position.dims == ("trajectory", "moment", "axis")
    np.testing.assert_allclose(
        walk.moment, trajectories.TIME_STEP * np.arange(walk.sizes["moment"])
    )
    assert walk.position.shape == (20_000, 21, 2)
    assert walk.velocity.dims == ("trajectory", "step", "axis")
    assert walk.velocity.shape == (20_000, 20, 2)
    assert list(walk.axis.values) == ["x", "y"]
    assert {v.attrs["units"] for v in walk.values()} == {"m"}
    assert {v.dtype for v in walk.values()} == {np.dtype("float32")}
    # Positions are rounded to 6e-8 m each.
    difference = np.diff(walk.position.values, axis=1) - walk.velocity.values
    assert np.abs(difference).max() < 2.5e-7


def test_speed_away_from_walls():
    walk = trajectories.random_walk(5_000, 40, seed=0, arena=1e3)
    steps = np.linalg.norm(walk.velocity, axis=-1)
    # Rayleigh: mean b sqrt(pi/2), sd b sqrt(2 - pi/2); 200,000 draws: a standard error of 0.1 %.
    assert steps.mean() == pytest.approx(1.0237 * 0.02, rel=5e-3)
    assert steps.std() == pytest.approx(0.81681 * np.sqrt(2 - np.pi / 2) * 0.02, rel=1e-2)


@pytest.mark.parametrize(
    ("steps", "path", "net", "chance"), [(20, 0.40, 0.35, 0.194), (50, 0.99, 0.73, 0.415)]
)
def test_lengths(walks, steps, path, net, chance):
    """Known to two or three figures from a few hundred walks, whence the 1 cm."""
    position = walks[steps].position.values.astype(float)
    length = np.linalg.norm(walks[steps].velocity, axis=-1).sum(axis=1)
    away = np.linalg.norm(position[:, 1:] - position[:, :1], axis=-1)
    assert length.mean() == pytest.approx(path, abs=0.01)
    assert away[:, -1].mean() == pytest.approx(net, abs=0.01)
    # The error of a network that always answers the start.
    assert away.mean() == pytest.approx(chance, abs=0.005)


def test_crowding_at_the_walls(walks):
    """15.7 % within 5 cm of a wall or beyond it (uniform: 8.9 %), 0.65-0.9 % outside, at T = 50."""
    reach = np.abs(walks[50].position.values).max(axis=-1)
    assert np.mean(reach > 1.05) == pytest.approx(0.157, abs=0.01)
    # The reference spans a few small samples; the standard error here is 0.03 points.
    assert 0.006 < np.mean(reach > 1.1) < 0.009
    assert reach.max() < 1.1 + 0.15


@pytest.fixture
def blocks_of_seven(monkeypatch):
    monkeypatch.setattr(trajectories, "CHUNK", 7)


@pytest.mark.parametrize("fewer", [1, 6, 7, 8, 20])
def test_more_walks_append(fewer, blocks_of_seven):
    many, few = (trajectories.random_walk(count, 9, seed=4) for count in (50, fewer))
    assert many.isel(trajectory=slice(fewer)).identical(few)
    assert len(np.unique(many.position[:, 0], axis=0)) == 50  # no block repeats another


@pytest.mark.parametrize("shorter", [1, 5, 39])
def test_longer_walks_begin_as_shorter_ones(shorter, blocks_of_seven):
    """So a network of short sequences sees the same walks beside one of long sequences."""
    long, short = (trajectories.random_walk(20, steps, seed=4) for steps in (40, shorter))
    begun = long.isel(moment=slice(shorter + 1), step=slice(shorter))
    assert begun.identical(short)


def test_seeds_make_other_walks():
    one, other = (trajectories.random_walk(50, 9, seed=seed).position for seed in (4, 5))
    assert not np.isin(one, other).any()


@pytest.mark.parametrize("arena", [1.1, 3.3])
def test_arena_scales_the_box(arena):
    reach = np.abs(trajectories.random_walk(2_000, 5, seed=0, arena=arena).position).max()
    assert arena / 2 < reach < arena / 2 + 0.15


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"count": 0}, "count: found 0; allowed: a whole number >= 1"),
        ({"steps": 0}, "steps: found 0; allowed: a whole number >= 1"),
        ({"arena": 0.0}, "arena: found 0.0 m; allowed: a side > 0 m"),
        ({"arena": -1.0}, "arena: found -1.0 m; allowed: a side > 0 m"),
        ({"arena": math.nan}, "arena: found nan m; allowed: a side > 0 m"),
        ({"arena": "2.2"}, "arena: found 2.2 m; allowed: a side > 0 m"),
        ({"count": 1e4}, "count: found 10000.0; allowed: a whole number >= 1"),
        ({"seed": None}, "seed: found nothing; allowed: a whole number >= 0"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        trajectories.random_walk(**{"count": 1, "steps": 1, "seed": 0, **arguments})


def test_symmetries_are_the_eight_of_the_square():
    images = trajectories.apply_symmetry(np.tile([0.3, -0.5], (8, 1)), np.arange(8))
    signs = np.array([(1, 1), (-1, 1), (1, -1), (-1, -1)])
    expected = np.concatenate([signs * [0.3, -0.5], signs * [-0.5, 0.3]])
    np.testing.assert_array_equal(images, expected)


@pytest.mark.parametrize("kind", [np.uint8, np.int64])
def test_symmetries_broadcast_and_keep_the_type(kind):
    walk = trajectories.random_walk(8, 4, seed=0)
    index = np.arange(8, dtype=kind)[:, None]
    position = trajectories.apply_symmetry(walk.position.values, index)
    velocity = trajectories.apply_symmetry(walk.velocity.values, index)
    assert position.dtype == np.float32
    np.testing.assert_allclose(np.diff(position, axis=1), velocity, atol=2.5e-7)
    for i in range(8):
        alone = trajectories.apply_symmetry(walk.position.values[i], i)
        np.testing.assert_array_equal(position[i], alone)


def test_symmetries_of_tensors():
    vectors = np.random.default_rng(0).normal(size=(3, 8, 2)).astype(np.float32)
    given = torch.from_numpy(vectors.copy())
    moved = trajectories.apply_symmetry(given, torch.arange(8))
    assert moved.dtype == torch.float32
    np.testing.assert_array_equal(given.numpy(), vectors)
    np.testing.assert_array_equal(moved.numpy(), trajectories.apply_symmetry(vectors, np.arange(8)))


def test_symmetries_want_two_axes():
    with pytest.raises(ValueError, match="axis of 3"):
        trajectories.apply_symmetry(np.zeros((4, 3)), 0)
