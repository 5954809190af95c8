"""Gridness by the paper's formula and radii, and units that exceed a criterion."""

import numpy as np
import pytest
import scipy.ndimage
from nofreelunch.scoring import ring_radii
from nofreelunch.scoring.autocorrelograms import autocorrelograms
from nofreelunch.scoring.grid_scores import VARIANCE_OFFSET
from nofreelunch.scoring.ring_radii import (
    INNER_RADII,
    OUTER_RADII,
    SIDE,
    grid_like_units,
    radius_scores,
)


def lattice(period: float, angles=(0, 60, 120)) -> np.ndarray:
    """Map (32, 32) of plane waves whose lattice has a period, bins."""
    y, x = np.mgrid[:SIDE, :SIDE]
    turn = np.deg2rad(angles)[:, None, None] + 0.2
    k = 4 * np.pi / (np.sqrt(3) * period)
    return np.maximum(np.cos(k * (x * np.cos(turn) + y * np.sin(turn))).sum(0), 0)


def noise(count: int, seed: int = 0) -> np.ndarray:
    white = np.random.default_rng(seed).normal(size=(count, 64, 64))
    return scipy.ndimage.gaussian_filter(white, (0, 2, 2))[:, :SIDE, :SIDE]


def by_rotation(rate_map: np.ndarray, inner: float) -> tuple[float, float]:
    """Both gridnesses by turning the whole autocorrelogram, ring by ring."""
    found = autocorrelograms(rate_map).values
    y, x = np.mgrid[1 - SIDE : SIDE, 1 - SIDE : SIDE]
    radius, scores = np.hypot(y, x), []
    for outer in OUTER_RADII:
        if outer <= inner:
            continue
        ring = (radius > inner) & (radius <= outer)
        one, at = found[ring], {}
        for angle in (30, 60, 90, 120, 150):
            other = scipy.ndimage.rotate(found, angle, reshape=False)[ring]
            covariance = (one * other).mean() - one.mean() * other.mean()
            at[angle] = covariance / (one.var() + VARIANCE_OFFSET)
        like, unlike = [at[60], at[120]], [at[30], at[90], at[150]]
        scores.append((min(like) - max(unlike), np.mean(like) - np.mean(unlike)))
    return tuple(np.max(scores, axis=0))


@pytest.mark.parametrize("inner", INNER_RADII)
def test_gridness_is_that_of_turned_rings(inner):
    """Quarter turns of the spline are exact only up to its edges: hence the tolerance."""
    maps = [lattice(9.0), *noise(3)]
    found = radius_scores(np.array(maps), [inner])[:, 0]
    for place, rate_map in enumerate(maps):
        np.testing.assert_allclose(found[:, place], by_rotation(rate_map, inner), atol=0.01)


def test_each_radius_is_scored_by_itself_and_in_any_order():
    maps = noise(4)
    whole = radius_scores(maps)
    backwards = radius_scores(maps, INNER_RADII[::-1])
    np.testing.assert_allclose(backwards[:, ::-1], whole, atol=1e-9)
    np.testing.assert_allclose(radius_scores(maps, [9])[:, 0], whole[:, 2], atol=1e-9)


def test_a_hexagon_scores_high_and_a_square_low_at_every_radius():
    hexagon, square = lattice(9.0), lattice(9.0, (0, 90))
    scores = radius_scores(np.array([hexagon, square]))
    assert scores[..., 0].min() > 1.0 and scores[..., 1].max() < 0


def test_scores_do_not_depend_on_scale_offset_and_quarter_turns():
    (rate_map,) = noise(1)
    turned = np.rot90(rate_map)
    scores = radius_scores(np.array([rate_map, 3 * rate_map + 2, turned]))
    np.testing.assert_allclose(scores[..., 1:], scores[..., :1].repeat(2, -1), atol=1e-6)


def test_a_larger_inner_radius_calls_more_noise_grid_like():
    """What a replication found on one checkpoint, here on noise."""
    shares = (radius_scores(noise(300))[0] > ring_radii.FIXED_SCORE).mean(-1)
    assert shares[-1] > 2 * shares[0]


def test_lattices_exceed_every_criterion_and_noise_few():
    maps = np.array([lattice(9.0), lattice(7.0), *noise(20)])
    passed = grid_like_units(maps, seed=0)
    assert passed.shape == (2, 3, len(INNER_RADII), 22)
    assert passed[0, :, 1, :2].all()
    own = passed[:, 1:, :, 2:].mean(-1)
    assert own.max() <= 0.2 and own.mean() < 0.12  # 5 % of 20 units are expected


def test_a_units_surrogates_depend_on_seed_and_place_alone():
    maps = noise(5)
    whole = grid_like_units(maps, 3)
    np.testing.assert_array_equal(grid_like_units(maps[:3], 3), whole[..., :3])
    one = grid_like_units(maps, 3, ["shuffle"], [9.0])
    np.testing.assert_array_equal(one[:, 0, 0], whole[:, 2, 2])


def test_constant_and_unvisited_maps_and_single_fields_pass_nothing_they_cannot():
    y, x = np.mgrid[:SIDE, :SIDE]
    single = np.exp(-((y - 12.0) ** 2 + (x - 20.0) ** 2) / 50)
    maps = np.array([np.ones((SIDE, SIDE)), np.full((SIDE, SIDE), np.nan), single])
    passed = grid_like_units(maps, 0)
    assert not passed[..., :2].any() and not passed[:, 2, :, 2].any()
    scores = radius_scores(maps)
    assert (scores[..., 0] == 0).all() and np.isnan(scores[..., 1]).all()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"criteria": ["shuffled"]},
            "criterion: found 'shuffled'; allowed: fixed, phase, shuffle (did you mean shuffle?)",
        ),
        (
            {"inner_radii": [20.0]},
            "inner radius: found 20.0; allowed: 0 or more and below 20 bins, the largest outer "
            "radius",
        ),
        (
            {"inner_radii": [-1.0]},
            "inner radius: found -1.0; allowed: 0 or more and below 20 bins, the largest outer "
            "radius",
        ),
    ],
)
def test_what_is_not_there_is_one_line(change, said):
    with pytest.raises(ValueError) as caught:
        grid_like_units(noise(1), 0, **change)
    assert str(caught.value) == said
