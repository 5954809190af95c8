"""Spatial measures on cells whose values follow from their definitions."""

import numpy as np
import pytest
import xarray as xr
from nofreelunch.scoring import spatial_measures
from synthetic_maps import hexagonal_maps

pytestmark = pytest.mark.filterwarnings("error")
EVEN = np.ones((20, 20))


def wall(depth, bins=20):
    """A field along the whole of one wall, `depth` bins deep."""
    rates = np.zeros((bins, bins))
    rates[:, :depth] = 5.0
    return rates


def block(side, corner=8):
    rates = np.zeros((20, 20))
    rates[corner : corner + side, corner : corner + side] = 3.0
    return rates


@pytest.mark.parametrize(("side", "share"), [(1, 1 / 400), (2, 1 / 100), (10, 1 / 4)])
def test_a_unit_that_fires_alike_in_a_share_of_the_arena(side, share):
    """It gives log2(1 / share) bits per spike, and its sparsity is that share."""
    assert spatial_measures.spatial_information(block(side), EVEN) == pytest.approx(-np.log2(share))
    assert spatial_measures.sparsity(block(side), EVEN) == pytest.approx(share)


def test_information_and_sparsity_weigh_bins_by_time():
    """Skaggs' sums, written out, for random rates and times, a bin without time, and one without
    a rate; whatever the unit of either."""
    random = np.random.default_rng(0)
    rates, time = random.gamma(1.0, size=(3, 6, 9)), random.integers(0, 5, (6, 9))
    rates[1, 2, 3] = np.nan
    for rate, bits, sparsity in zip(
        rates,
        spatial_measures.spatial_information(1e9 * rates, time),
        spatial_measures.sparsity(rates, 1e6 * time),
        strict=True,
    ):
        visited = (time > 0) & ~np.isnan(rate)
        p = time[visited] / time[visited].sum()
        mean = (p * rate[visited]).sum()
        expected = (p * rate[visited] / mean * np.log2(rate[visited] / mean)).sum()
        assert bits == pytest.approx(expected)
        assert sparsity == pytest.approx(mean**2 / (p * rate[visited] ** 2).sum())


def test_a_map_that_varies_by_rounding_is_constant():
    rates = np.full((20, 20), 0.7, np.float32)
    rates[3:9, 2] = np.nextafter(np.float32(0.7), np.float32(1))
    assert spatial_measures.spatial_information(rates, EVEN) == 0
    assert spatial_measures.sparsity(rates, EVEN) == pytest.approx(1, abs=1e-12)
    assert np.isnan(spatial_measures.border_score(rates, 0.1)) and np.isnan(
        spatial_measures.stability(rates, rates)
    )
    rates[:, 19] = 0  # the same in the bins that count
    time, second = np.array(EVEN), rates.copy()
    time[:, 19], second[:, 19] = 0, np.nan
    assert spatial_measures.spatial_information(rates, time) == 0
    assert np.isnan(spatial_measures.stability(rates, second))


def test_maps_with_y_and_x_first():
    rates = xr.DataArray(np.stack([block(3), block(2), wall(2)]), dims=("unit", "y", "x"))
    for turned in (rates.transpose("y", "x", "unit"), rates.transpose("x", "unit", "y")):
        expected = spatial_measures.spatial_information(rates, EVEN)
        xr.testing.assert_allclose(spatial_measures.spatial_information(turned, EVEN), expected)
        assert spatial_measures.border_score(turned, 0.1).dims == ("unit",)


def test_occupancy_with_a_mask_or_axes_in_another_order():
    random = np.random.default_rng(5)
    rates = xr.DataArray(random.uniform(size=(8, 8)), dims=("y", "x"))
    time = random.integers(1, 5, (8, 8))
    expected = spatial_measures.spatial_information(rates, time)
    assert (
        spatial_measures.spatial_information(rates.T, xr.DataArray(time, dims=("y", "x")).T)
        == expected
    )
    hidden = np.ma.masked_array(time, time == 2)
    assert spatial_measures.spatial_information(
        rates, hidden
    ) == spatial_measures.spatial_information(rates, time * (time != 2))


def test_maps_without_spikes_to_share_out():
    maps = np.stack([EVEN, 0 * EVEN, block(3) - 0.1, np.nan * EVEN])
    for measure, constant in (
        (spatial_measures.spatial_information, 0.0),
        (spatial_measures.sparsity, 1.0),
    ):
        np.testing.assert_allclose(measure(maps, EVEN), [constant, *3 * [np.nan]], atol=1e-12)
    hidden = block(3)
    hidden[0, 0] = -1.0  # where no time was spent, a rate does not count
    time = EVEN.copy()
    time[0, 0] = 0
    assert np.isfinite(spatial_measures.spatial_information(hidden, time))


@pytest.mark.parametrize("turns", range(4))
def test_border_score_of_a_field_along_a_wall(turns):
    """c is 1; d of a field `depth` bins deep is its half, over half the side, but for the corners,
    where other walls are nearer."""
    distance = np.minimum(*np.meshgrid(*2 * [np.minimum(np.arange(20), np.arange(20)[::-1]) + 0.5]))
    for depth in (1, 2, 5):
        d = distance[:, :depth].mean() / 10
        found = spatial_measures.border_score(np.rot90(wall(depth), turns), 0.11)
        assert found == pytest.approx((1 - d) / (1 + d))
    assert spatial_measures.border_score(np.rot90(wall(1), turns), 0.11) == pytest.approx(
        0.9, abs=0.01
    )


def test_border_score_by_where_the_field_is():
    half_wall = wall(2)
    half_wall[10:] = 0
    centre, everywhere = block(4), 2 + block(2)
    scores = spatial_measures.border_score(
        np.stack([wall(2), half_wall, centre, everywhere]), 0.11
    ).values
    assert scores[0] > 0.8 > scores[1] > 0.5 > scores[3] > 0.3
    assert scores[2] == -1
    grids, _ = hexagonal_maps(20, 0.6, 20, np.random.default_rng(1), rectified=True)
    assert (spatial_measures.border_score(grids, 0.11) < 0.4).all()


def test_two_fields_at_a_wall_are_not_one():
    split = wall(2)
    split[9:11] = 0
    depth = 0.095  # about
    assert spatial_measures.border_score(split, 0.11) == pytest.approx(
        (0.45 - depth) / (0.45 + depth), abs=0.01
    )


def test_border_score_does_not_depend_on_bin_size():
    fine, coarse = wall(8, 80), wall(2, 20)
    scores = [
        float(spatial_measures.border_score(*of)) for of in ((fine, 2.2 / 80), (coarse, 0.11))
    ]
    assert scores[0] == pytest.approx(scores[1], abs=0.01)  # corners differ


def test_least_area_of_a_field():
    spot = block(1, corner=0)
    assert np.isnan(spatial_measures.border_score(spot, 0.11))
    assert np.isfinite(spatial_measures.border_score(spot, 0.11, least_area=0.11**2))
    assert np.isfinite(spatial_measures.border_score(spot, 0.2))
    both = wall(2)
    both[10, 10] = 5.0
    assert spatial_measures.border_score(both, 0.11) == spatial_measures.border_score(wall(2), 0.11)


def test_unvisited_bins_at_a_wall():
    rates = np.roll(wall(3), 2, axis=1)
    rates[:, :2] = np.nan
    assert spatial_measures.border_score(rates, 0.11) > 0.4
    assert spatial_measures.border_score(np.nan_to_num(rates), 0.11) < -0.2
    hole = wall(2)
    hole[:5, :11] = np.nan  # no visited bin in that half of a row, which then does not count
    assert spatial_measures.border_score(hole, 0.11) > 0.8
    hole[:5, :11] = 0
    assert spatial_measures.border_score(hole, 0.11) < 0.8


@pytest.mark.parametrize("depth", [2, 3, 4])
def test_a_border_cell_at_a_round_wall_scores_about_the_threshold(depth):
    """As its docstring says: a quarter of the wall, from any direction, bins of 2.5 cm."""
    y, x = np.mgrid[:44, :44] - 21.5
    radius, angle = np.hypot(x, y), np.arctan2(y, x)
    for direction in np.deg2rad(np.arange(0, 360, 15)):
        away = np.abs((angle - direction + np.pi) % (2 * np.pi) - np.pi)
        rates = np.where((radius > 22 - depth) & (away < np.pi / 4), 1.0, 0.0)
        rates[radius > 22] = np.nan
        assert 0.475 < spatial_measures.border_score(rates, 0.025) < 0.685


def test_no_field_no_border_score():
    maps = np.stack([EVEN, 0 * EVEN, -wall(2), np.nan * EVEN])
    assert np.isnan(spatial_measures.border_score(maps, 0.11)).all()


def test_stability():
    random = np.random.default_rng(2)
    first, second = random.standard_normal((2, 5, 7, 6))
    expected = [np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(first, second, strict=True)]
    np.testing.assert_allclose(spatial_measures.stability(first, second), expected, atol=1e-12)
    np.testing.assert_allclose(spatial_measures.stability(first, 1e5 - 3 * first), -1)
    first[0, 0, :3], second[0, 1, 1] = np.nan, np.nan
    both = ~np.isnan(first[0]) & ~np.isnan(second[0])
    expected = np.corrcoef(first[0][both], second[0][both])[0, 1]
    assert spatial_measures.stability(first, second)[0] == pytest.approx(expected)


def test_stability_is_nan_where_nothing_varies():
    random = np.random.default_rng(3)
    one = np.full((4, 4), np.nan)
    one[1, 1] = 2.0
    first = np.stack(
        [np.full((4, 4), 7.3), random.standard_normal((4, 4)), np.full((4, 4), np.nan)]
    )
    assert np.isnan(spatial_measures.stability(first, np.stack([first[1], one, first[1]]))).all()


def measures(maps):
    return {
        "information": spatial_measures.spatial_information(maps, np.ones(maps.shape[-2:])),
        "sparsity": spatial_measures.sparsity(maps, np.ones(maps.shape[-2:])),
        "border_score": spatial_measures.border_score(maps, 0.11),
        "stability": spatial_measures.stability(maps, maps),
    }


def test_dimensions_chunks_and_types(monkeypatch):
    random = np.random.default_rng(4)
    maps = xr.DataArray(
        random.integers(0, 9, (2, 3, 12, 8)).astype(float),
        dims=("network", "unit", "y", "x"),
        coords={"network": ["a", "b"], "x": np.arange(8)},
    )
    expected = measures(maps)
    monkeypatch.setattr(spatial_measures, "BINS_PER_CHUNK", 200)
    for name, found in measures(maps).items():
        assert found.dims == ("network", "unit") and set(found.coords) == {"network"}
        xr.testing.assert_allclose(found, expected[name])
    for dtype in (np.float16, np.uint8, np.float32):
        for name, found in measures(maps.values.astype(dtype)).items():
            np.testing.assert_allclose(found, expected[name], atol=1e-6)
    for shape, leading in (((0, 5, 5), (0,)), ((1, 1), ())):
        for found in measures(np.zeros(shape)).values():
            assert found.shape == leading and np.isnan(found).all()


@pytest.mark.parametrize("maps", [np.full((4, 4), np.inf), np.ones(4), np.full((2, 2), "a")])
def test_wrong_maps(maps):
    with pytest.raises(ValueError, match="rate_maps: found"):
        spatial_measures.border_score(maps, 0.11)
    with pytest.raises(ValueError, match=r"(rate_maps|occupancy): found"):
        spatial_measures.spatial_information(maps, np.ones(np.shape(maps)[-2:]))


@pytest.mark.parametrize(
    "time", [np.ones((3, 4)), np.zeros((4, 4)), -np.ones((4, 4)), np.full((4, 4), np.nan)]
)
def test_wrong_occupancy(time):
    with pytest.raises(ValueError, match="occupancy: "):
        spatial_measures.spatial_information(np.ones((4, 4)), time)


def test_wrong_sizes():
    for size in (0, -1, np.nan, np.inf, "a", [0.1]):
        with pytest.raises(ValueError, match="bin_size: found"):
            spatial_measures.border_score(EVEN, size)
    with pytest.raises(ValueError, match="least_area: found"):
        spatial_measures.border_score(EVEN, 0.1, -1)
    with pytest.raises(ValueError, match="second_half: found shape"):
        spatial_measures.stability(EVEN, EVEN[1:])


def test_units_of_two_halves_are_paired_by_their_labels():
    halves = np.random.default_rng(3).normal(size=(3, 20, 20))
    first = xr.DataArray(halves, dims=("unit", "y", "x"), coords={"unit": [4, 5, 6]})
    assert spatial_measures.stability(first, first[::-1]).values == pytest.approx(1)
    assert (
        spatial_measures.stability(
            {"a": halves[0], "b": halves[1]}, {"b": halves[1], "a": halves[0]}
        ).min()
        > 0.99
    )
    both = xr.DataArray(halves[None].repeat(3, 0), dims=("session", "unit", "y", "x"))
    assert spatial_measures.stability(
        both, both.transpose("unit", "session", "y", "x")
    ).values == pytest.approx(1)
    with pytest.raises(ValueError, match="second_half: found other labels along unit; allowed:"):
        spatial_measures.stability(first, first.assign_coords(unit=[4, 5, 7]))


def test_occupancy_is_laid_on_the_maps_by_its_coordinates():
    random, side = np.random.default_rng(4), np.arange(20)
    rates = xr.DataArray(random.random((20, 20)), dims=("y", "x"), coords={"y": side})
    time = xr.DataArray(random.random((20, 20)), dims=("y", "x"), coords={"y": side})
    right = spatial_measures.spatial_information(rates, time)
    assert spatial_measures.spatial_information(rates, time[::-1]) == right
    assert spatial_measures.spatial_information(rates, time.values[::-1]) != right


def test_an_occupancy_without_names_lies_as_the_maps_do():
    """That of pynapple is numpy, (x, y), beside maps that name x before y."""
    random = np.random.default_rng(5)
    rates, time = random.random((3, 20, 20)), random.random((20, 20))
    right = spatial_measures.spatial_information(rates, time).values
    across = xr.DataArray(rates.swapaxes(1, 2), dims=("unit", "x", "y"))
    found = spatial_measures.spatial_information(across, time.T)
    np.testing.assert_allclose(found.values, right)
    oblong = xr.DataArray(rates[:, :15], dims=("unit", "y", "x"))
    information = spatial_measures.spatial_information
    np.testing.assert_allclose(
        information(oblong.transpose("unit", "x", "y"), time[:15].T),
        information(oblong, time[:15]),
    )
    np.testing.assert_allclose(spatial_measures.stability(across, across.values), 1)
    np.testing.assert_allclose(spatial_measures.stability(across.values, across), 1)


@pytest.mark.parametrize("turns", range(4))
def test_walls_are_around_the_visited_bins(turns):
    """A margin that was never visited, as of a box inside a larger map, changes nothing."""
    oblong = np.zeros((20, 40))
    oblong[-3:] = 1
    for rates in (np.rot90(wall(3), turns), np.rot90(oblong, turns)):
        side = max(rates.shape)
        padded = np.full((side + 8, side + 8), np.nan)
        padded[3 : 3 + rates.shape[0], 5 : 5 + rates.shape[1]] = rates
        both = np.stack([padded, np.roll(padded, 2, axis=0)])
        own = spatial_measures._scores_in_box(rates[np.newaxis], 1.0)[0]
        found = spatial_measures.border_score(both, 0.11)
        np.testing.assert_allclose(found, own)
