"""Predictivity of populations by networks and controls: what each source and footing gives."""

import json

import numpy as np
import pytest
import xarray as xr
from nofreelunch import seeds
from nofreelunch.evaluation import populations
from nofreelunch.evaluation.measure_predictivity import (
    EXAMPLES,
    FOOTINGS,
    measure_predictivity,
    plane_waves,
)
from nofreelunch.study.published_models import complete
from published_examples import THREE_LAYER

SETTINGS = {
    "recordings": None,
    "populations": {"grid": {"grid": 12}, "mixed": {"border": 6, "irregular": 6}},
    "minutes": 100,
    "units": 20,
    "components": 4,
}


def job(maps: np.ndarray, *seeds: int) -> xr.Dataset:
    """A job of networks that all have these maps (unit, y, x)."""
    keys = THREE_LAYER | {"place_cells": 30, "units": len(maps)}
    specs = [json.dumps(complete(keys | {"seed": seed})) for seed in seeds]
    centres = (np.arange(44) - 21.5) * 0.05
    every = np.repeat(maps[None], len(seeds), 0)
    return xr.Dataset(
        {"rate_map": (("network", "unit", "y", "x"), every)},
        {
            "network": [f"{len(maps)}_{seed}" for seed in seeds],
            "spec": ("network", specs),
            "y": centres,
            "x": centres,
        },
        {"arena": 2.2, "bin_size": 0.05},
    )


def grid_maps(count: int) -> np.ndarray:
    return populations.grid_cells(count, 0.05, 44, np.random.default_rng(3))


@pytest.fixture(scope="module")
def found() -> xr.Dataset:
    few = grid_maps(40)[:12]
    return measure_predictivity([job(grid_maps(40), 0, 1), job(few, 0)], SETTINGS)


def test_each_network_has_each_source_population_and_footing(found):
    assert found["network"].values.tolist() == ["40_0", "40_1", "12_0"]
    assert found["population"].values.tolist() == ["grid", "mixed"]
    known = found["predictivity"].sel(network=["40_0", "40_1"])
    assert known.notnull().all()
    assert found["cell_map"].shape == (2, EXAMPLES, 44, 44)
    assert set(found["cell_kind"].values[1, :2]) == {"border", "irregular"}


def test_too_few_units_have_no_score_at_equal_footing(found):
    few = found["predictivity"].sel(network="12_0")
    assert few.sel(footing="published").notnull().all()
    own = few.sel(footing=list(FOOTINGS[1:]), source=["network", "noise", "fourier"])
    assert own.isnull().all()
    assert few.sel(source="place_cells").notnull().all()  # the target has 30 cells
    ratio = found["participation_ratio"]
    assert np.isnan(ratio.sel(network="12_0", source="network"))
    assert (ratio.sel(network="40_0") > 1).all()


def test_controls_that_networks_of_a_seed_share_are_the_same(found):
    scores = found["predictivity"].sel(source="place_cells")
    assert (scores.sel(network="40_0") != scores.sel(network="40_1")).any()
    again = measure_predictivity([job(grid_maps(40)[::-1], 0)], SETTINGS)["predictivity"]
    for source in ("fourier", "place_cells"):
        np.testing.assert_array_equal(
            again.sel(source=source)[0], found["predictivity"].sel(source=source, network="40_0")
        )


def test_units_that_are_the_grid_cells_predict_these_and_their_noise_does_not():
    """Units are the cells without spikes; other cells gain nothing from that."""
    settings = SETTINGS | {"populations": SETTINGS["populations"] | {"grid": {"grid": 24}}}
    random = seeds.generator(5, seeds.PREDICTED_CELLS, 0)
    own = job(populations.grid_cells(24, 0.05, 44, random), 5)
    scores = measure_predictivity([own], settings)["predictivity"][0]
    gain = scores.sel(source="network") - scores.sel(source="noise")
    for footing in ("published", "equal_units"):
        grid, mixed = (gain.sel(population=name, footing=footing) for name in ("grid", "mixed"))
        assert grid > 0.3 and grid > mixed + 0.2


def test_a_diverged_network_has_no_scores_and_stops_no_other():
    broken = job(np.full((40, 44, 44), np.nan), 0)
    found = measure_predictivity([broken, job(grid_maps(40), 1)], SETTINGS)["predictivity"]
    assert found.sel(source=["network", "noise"])[0].isnull().all()
    assert found[1].notnull().all()


def test_recordings_take_the_place_of_synthetic_cells(tmp_path):
    path = tmp_path / "mine.npz"
    np.savez(path, rate_map=grid_maps(40)[:15], bin_size=0.05)
    found = measure_predictivity([job(grid_maps(40), 0)], SETTINGS | {"recordings": str(path)})
    assert found["population"].values.tolist() == ["recorded"]
    own = found["predictivity"].sel(source="network", footing="published").item()
    assert own > 0.95  # the cells are units of the network
    assert set(found["cell_kind"].values[0]) == {"recorded"}


@pytest.mark.parametrize("apart", [0.1, 0.25])
def test_plane_waves_are_as_alike_as_gaussian_fields(apart):
    width, random = 0.12, np.random.default_rng(0)
    places = np.array([[[0.0, 0.0], [0.6 * apart, 0.8 * apart]]])
    one, other = plane_waves(200_000, width, places, random)[:, 0].T
    fields = np.linspace(-2, 2, 801)  # along the line between the two places
    both = [np.exp(-((fields - at) ** 2) / (2 * width**2)) for at in (0, apart)]
    expected = (both[0] * both[1]).sum() / (both[0] ** 2).sum()
    assert 2 * np.mean(one * other) == pytest.approx(expected, abs=0.01)  # 4 standard errors
