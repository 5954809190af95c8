"""Decoders by brute force, and known decoding errors and entropies of exact codes.

Known values are for 512 cells; they scatter over the draw of field centres.
"""

import itertools
import math

import numpy as np
import pytest
from nofreelunch.task.trajectories import random_walk
from scipy import stats
from target_examples import (
    DOG,
    DOS,
    GAUSSIAN,
    SOD,
    build,
    fields,
    parameters,
)


def plain_decoding(p, output, lowest):
    """Mean of the tightest combination of one field of each of the three chosen cells."""
    chosen = sorted(range(len(output)), key=lambda i: output[i] if lowest else -output[i])[:3]
    centres = [[centre for centre, _, _ in fields(p, cell)] for cell in chosen]
    combinations = [np.array(c) for c in itertools.product(*centres)]
    return min(combinations, key=lambda c: c.var(axis=0).sum()).mean(axis=0)


@pytest.fixture(scope="module")
def positions():
    """All over the arena."""
    return np.random.default_rng(0).uniform(-1.1, 1.1, (3000, 2))


@pytest.fixture(scope="module")
def walked():
    """Where walks of 50 steps pass, and that is near walls more often than chance."""
    walks = random_walk(1000, 50, seed=0)["position"].values[:, ::10]
    return walks.reshape(-1, 2).astype(float)


def floor(target, positions):
    """Mean decoding error (cm) of the exact code."""
    decoded = target.decode(target.encode(positions))
    return 100 * np.linalg.norm(decoded - positions, axis=-1).mean()


def entropy(target, positions):
    code = target.encode(positions)
    return stats.entropy(code, axis=-1).mean()


@pytest.mark.parametrize("name", ["cartesian", "high_dim_cartesian", "polar"])
def test_exact_decoders(name):
    position = np.random.default_rng(0).uniform(-1.1, 1.1, (100, 2))
    target = build(name, cells=32)
    np.testing.assert_allclose(target.decode(target.encode(position)), position, atol=1e-12)


def test_high_dim_polar_decodes_radius_exactly_and_angle_to_the_nearest_preferred():
    position = np.random.default_rng(0).uniform(-1.1, 1.1, (100, 2))
    target = build("high_dim_polar", cells=64)
    decoded = target.decode(target.encode(position))
    np.testing.assert_allclose(np.hypot(*decoded.T), np.hypot(*position.T), atol=1e-12)
    preferred = parameters(target)["preferred"][0, 32:]
    true, found = np.arctan2(*position.T[::-1]), np.arctan2(*decoded.T[::-1])
    apart = abs(np.angle(np.exp(1j * (true[:, None] - preferred))))
    np.testing.assert_allclose(abs(np.angle(np.exp(1j * (true - found)))), apart.min(1), atol=1e-12)


@pytest.mark.parametrize("name", ["polar", "high_dim_polar"])
def test_polar_tells_opposite_positions_apart(name):
    position = np.array([[0.3, 0.4], [-0.3, -0.4], [0.3, -0.4], [-0.3, 0.4]])
    target = build(name, cells=256)
    code = target.encode(position)
    assert abs(code[0] - code[1]).max() > 1
    # With 128 preferred angles the nearest is 0.025 rad away on average, 1.2 cm at 0.5 m.
    assert np.linalg.norm(target.decode(code) - position, axis=1).max() < 0.1


@pytest.mark.parametrize("name", [DOS, DOG])
@pytest.mark.parametrize("fields_per_cell", [1, {"poisson": 0.7}, {"poisson": 2}])
def test_decoding_by_brute_force(name, fields_per_cell):
    target = build(name, cells=20, fields_per_cell=fields_per_cell, seed=1)
    # Random outputs choose cells that lie apart, which codes do not; both are decoded alike.
    output = np.random.default_rng(0).normal(size=(40, 20))
    p = parameters(target)
    expected = [plain_decoding(p, row, lowest=name == DOG) for row in output]
    np.testing.assert_allclose(target.decode(output), expected, atol=1e-12)


@pytest.mark.parametrize("name", [GAUSSIAN, DOS, SOD])
def test_decode_floor_of_three_highest(name, walked):
    """4.08 to 4.27 cm is known; the mean of three draws of centres is within 0.15 cm of that."""
    floors = [floor(build(name, seed=seed), walked) for seed in range(3)]
    assert 3.93 < np.mean(floors) < 4.42


@pytest.mark.parametrize(
    ("width", "ratio", "known"),
    [
        (0.05, 1.5, 5.5),
        (0.05, 6, 8.2),
        (0.10, 1.5, 10.3),
        (0.10, 2, 11.4),
        (0.12, 2, 13.2),
        (0.15, 2, 17.8),
        (0.20, 2, 24.6),
        (0.20, 6, 37.1),
    ],
)
def test_decode_floor_of_three_lowest(width, ratio, known, walked):
    """Within 7 %: what draws of centres and of positions (share near walls) make of it."""
    floors = [floor(build(DOG, width, ratio, seed=seed), walked) for seed in range(2)]
    assert np.mean(floors) == pytest.approx(known, rel=0.07)


def test_entropy_tells_the_conventions_of_the_surround_apart(positions):
    """6.083-6.089 nats by widths, 6.141-6.144 by variances; draws of centres add 0.005."""
    by_width = [entropy(build(DOS, seed=s), positions) for s in range(3)]
    by_variance = [
        entropy(build(DOS, convention="variance_ratio", seed=s), positions) for s in range(3)
    ]
    assert 6.083 - 0.005 < np.mean(by_width) < 6.089 + 0.005
    assert 6.141 - 0.005 < np.mean(by_variance) < 6.144 + 0.005


@pytest.mark.parametrize(
    ("width", "known"),
    [
        (0.08, 2.34),
        (0.10, 2.76),
        (0.12, 3.10),
        (0.14, 3.38),
        (0.16, 3.63),
        (0.20, 4.03),
        (0.24, 4.35),
        (0.28, 4.60),
    ],
)
def test_entropy_of_gaussians(width, known, positions):
    """Known to 0.015 nats over draws of centres."""
    found = np.mean([entropy(build(GAUSSIAN, width, seed=s), positions) for s in range(2)])
    assert found == pytest.approx(known, abs=0.02)


def test_entropy_of_the_equal_amplitude_difference(positions):
    """0.05 nats below the logarithm of the number of cells."""
    assert math.log(512) - entropy(build(DOG), positions) == pytest.approx(0.05, abs=0.006)
