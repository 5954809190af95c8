"""Scores of cohorts: which units count as active, and what dead or diverged ones get."""

import json

import numpy as np
import pytest
import xarray as xr
from nofreelunch import grid_scores, scores
from synthetic_maps import hexagonal_maps

BINS, BIN_SIZE = 22, 0.1


def dataset(maps, unvisited=()):
    """Maps (network, unit, y, x) as `rate_maps.measure` returns them."""
    occupancy = np.full((BINS, BINS), 7)
    for place in unvisited:
        occupancy[place] = 0
        maps[:, :, *place] = np.nan
    return xr.Dataset(
        {
            "rate_map": (("network", "unit", "y", "x"), maps.astype("f4")),
            "occupancy": (("y", "x"), occupancy),
        },
        coords={
            "network": [f"network {k}" for k in range(len(maps))],
            "spec": ("network", [json.dumps({"seed": 3 + k}) for k in range(len(maps))]),
            "x": np.arange(BINS) * BIN_SIZE,
            "y": np.arange(BINS) * BIN_SIZE,
        },
        attrs={"arena": 2.2, "bin_size": BIN_SIZE},
    )


@pytest.fixture(scope="module")
def maps():
    """Two networks of four units: lattices of 0.9 m, a dead unit in the first."""
    random = np.random.default_rng(0)
    found, _ = hexagonal_maps(BINS, 0.9, 8, random, noise=0.1, rectified=True)
    found = found.reshape(2, 4, BINS, BINS)
    found[0, 1] = 0.0
    return found


def test_lattices_score_and_dead_units_do_not(maps):
    measured = scores.measure(dataset(maps.copy()), surrogates=10)
    alive = np.ones((2, 4), bool)
    alive[0, 1] = False
    np.testing.assert_array_equal(measured["active"], alive)
    # An ideal lattice scores 1.4; 10 % of noise and 22 bins cost little.
    assert measured["score_60"].sel(definition="min_max").values[alive].min() > 1.0
    np.testing.assert_allclose(measured["period"].values[alive], 0.9, rtol=0.03)
    assert (measured["p_value"].values[alive] < 0.3).all()
    assert (measured["score_60"][:, 0, 1] == 0).all() and np.isnan(measured["period"][0, 1])
    assert measured["surrogate_score"].dims == ("network", "unit", "surrogate")
    assert measured["surrogate_score"].shape == (2, 4, 10)
    assert measured["score_60"].dims == ("definition", "network", "unit")
    assert measured["score_90"].dims == ("network", "unit")
    assert not {"x", "y"} & set(measured.variables)


def test_a_network_has_the_same_surrogates_alone_and_in_a_cohort(maps):
    both = dataset(maps.copy())
    together = scores.measure(both, surrogates=5)
    alone = scores.measure(both.isel(network=[1]), surrogates=5)
    # Batches of other sizes round differently in the last digits.
    xr.testing.assert_allclose(together.isel(network=[1]), alone, rtol=1e-5, atol=1e-6)
    first, second = together["surrogate_score"].transpose("network", ...).values
    assert not np.array_equal(first, second)


def test_scores_are_those_of_the_maps(maps):
    """With a corner that was never visited, which is left out and not taken for zero."""
    given = dataset(maps.copy(), unvisited=[(0, 0), (0, 1), (1, 0)])
    measured = scores.measure(given, surrogates=0)
    for method in grid_scores.METHODS:
        expected = grid_scores.score(given["rate_map"].values, method)
        found = measured["score_60"].sel(definition=method)
        np.testing.assert_allclose(found, expected["score_60"].values, atol=1e-9)
    assert "p_value" not in measured


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_diverged_network_has_no_scores_and_harms_no_other(value, maps):
    broken = np.concatenate([maps, maps[:1]])
    broken[1] = value
    measured = scores.measure(dataset(broken), surrogates=5)
    assert not measured["active"][1].any()
    for name in ("score_60", "score_90", "period", "p_value", "surrogate_score"):
        assert measured[name].isel(network=1).isnull().all(), name
    expected = scores.measure(dataset(maps[:1].copy()), surrogates=5)
    assert measured["score_60"].isel(network=[0, 2]).notnull().all()
    np.testing.assert_allclose(measured["score_60"][:, 0], expected["score_60"][:, 0])


def test_constant_units_are_not_active():
    """Up to rounding of the mean of a constant in float32."""
    random = np.random.default_rng(0)
    values = np.stack(
        [
            np.full((BINS, BINS), 5.0),
            5.0 + 1e-7 * random.normal(size=(BINS, BINS)),
            5.0 + 1e-3 * random.normal(size=(BINS, BINS)),
            -1e-9 * random.random((BINS, BINS)),
        ]
    )
    active = scores.is_active(dataset(values[None])["rate_map"])
    assert active.values.tolist() == [[False, False, True, True]]
