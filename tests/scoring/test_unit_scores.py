"""Scores of cohorts: which units count as active, and what dead or diverged ones get."""

import json

import numpy as np
import pytest
import xarray as xr
from nofreelunch.files import datasets
from nofreelunch.files.contract import Stage
from nofreelunch.scoring import (
    expanding_ring,
    firing_fields,
    grid_modules,
    grid_scores,
    lattice_classes,
    lattices,
    significance,
    spatial_measures,
    unit_scores,
)
from synthetic_maps import hexagonal_maps, smooth_noise

BINS, BIN_SIZE = 22, 0.1


def dataset(maps, unvisited=()):
    """Maps (network, unit, y, x) as `measure_rate_maps` returns them."""
    occupancy = np.random.default_rng(5).integers(5, 9, (BINS, BINS))
    for place in unvisited:
        occupancy[place] = 0
        maps[:, :, *place] = np.nan
    return xr.Dataset(
        {
            "rate_map": (("network", "unit", "y", "x"), maps.astype("f4")),
            "occupancy": (("y", "x"), occupancy),
            "stability": (
                ("network", "unit"),
                np.linspace(0, 1, maps[..., 0, 0].size).reshape(maps.shape[:2]),
            ),
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
    measured = unit_scores.score_units(dataset(maps.copy()), surrogates=10)
    alive = np.ones((2, 4), bool)
    alive[0, 1] = False
    np.testing.assert_array_equal(measured["active"], alive)
    # An ideal lattice scores 1.4; 10 % of noise and 22 bins cost little.
    assert measured["score_60"].sel(definition="min_max").values[alive].min() > 1.0
    np.testing.assert_allclose(measured["period"].values[alive], 0.9, rtol=0.03)
    assert (measured["p_value"].values[alive] < 0.3).all()
    assert (measured["score_60"][:, 0, 1] == 0).all() and np.isnan(measured["period"][0, 1])
    assert measured["surrogate_score"].dims == ("network", "unit", "kind", "surrogate")
    assert measured["surrogate_score"].shape == (2, 4, 2, 10)
    assert measured["calibration_p_value"].dims == ("network", "made", "sample")
    lattices_made = measured["calibration_p_value"].sel(made="lattice")
    # Three and four maps of a network can be chosen; such clean lattices all pass.
    assert (lattices_made <= 0.05).sum("sample").values.tolist() == [3, 4]
    assert lattices_made.notnull().sum("sample").values.tolist() == [3, 4]
    assert measured["score_60"].dims == ("definition", "network", "unit")
    assert measured["score_90"].dims == ("network", "unit")
    assert not {"x", "y"} & set(measured.variables)


def test_a_network_has_the_same_surrogates_alone_and_in_a_cohort(maps):
    both = dataset(maps.copy())
    together = unit_scores.score_units(both, surrogates=5)
    alone = unit_scores.score_units(both.isel(network=[1]), surrogates=5)
    # Batches of other sizes round differently in the last digits.
    xr.testing.assert_allclose(together.isel(network=[1]), alone, rtol=1e-5, atol=1e-6)
    first, second = together["surrogate_score"].sel(kind="phase").transpose("network", ...).values
    assert not np.array_equal(first, second)


def test_scores_are_those_of_the_maps(maps):
    """With a corner that was never visited, which is left out and not taken for zero."""
    given = dataset(maps.copy(), unvisited=[(0, 0), (0, 1), (1, 0)])
    measured = unit_scores.score_units(given, surrogates=0)
    for definition in grid_scores.DEFINITIONS:
        expected = grid_scores.published_score(given["rate_map"].values, definition)
        found = measured["score_60"].sel(definition=definition)
        np.testing.assert_allclose(found, expected["score_60"].values, atol=1e-9)
    assert "p_value" not in measured


def flag(array, meaning):
    """Where an array of flags has this meaning."""
    meanings = dict(
        zip(array.attrs["flag_meanings"].split(), array.attrs["flag_values"], strict=True)
    )
    return array.values == meanings[meaning]


def test_each_unit_has_what_the_library_says_of_its_map(maps):
    given = dataset(maps.copy())
    measured = unit_scores.score_units(given, surrogates=0)
    alive = measured["active"].values
    values = given["rate_map"].values
    lattice = lattices.measure_lattices(values, BIN_SIZE)
    expected = {
        "gridness": expanding_ring.expanding_ring_gridness(values)["gridness"],
        "quality": lattice["quality"],
        "spatial_information": spatial_measures.spatial_information(values, given["occupancy"]),
        "sparsity": spatial_measures.sparsity(values, given["occupancy"]),
        "border_score": spatial_measures.border_score(values, BIN_SIZE),
        "stability": given["stability"],
    }
    for name, of_maps in expected.items():
        assert measured[name].dims == ("network", "unit")
        np.testing.assert_allclose(measured[name].values[alive], of_maps.values[alive], 1e-9)
        assert np.isnan(measured[name].values[~alive]).all(), name
    np.testing.assert_array_equal(measured["field_count"], firing_fields.count_fields(values))
    assert measured["field_count"].dtype.kind == "i" and measured["field_count"].max() > 3
    assert measured["spatial_information"].attrs["units"] == "bits"
    by_chance = {"p_value", "significant", "surrogate_score", "lattice_class", "modules"}
    assert not by_chance & set(measured)


def test_why_there_is_no_lattice_is_a_flag(maps):
    given = np.concatenate([maps, np.random.default_rng(0).normal(size=(1, 4, BINS, BINS))])
    measured = unit_scores.score_units(dataset(given), surrogates=0)
    reason = measured["lattice_reason"]
    assert reason.dtype == np.int8
    np.testing.assert_array_equal(flag(reason, "lattice"), measured["period"].notnull())
    np.testing.assert_array_equal(flag(reason, "inactive"), ~measured["active"])
    found = lattices.measure_lattices(given.astype("f4"), BIN_SIZE)["reason"].values
    assert len(set(found[2])) > 1
    for why in set(found[2]):
        np.testing.assert_array_equal(flag(reason, why.replace(" ", "_"))[2], found[2] == why)


@pytest.fixture(scope="module")
def mixed():
    """A network of 12 lattices, 5 of smooth noise, stripes, a constant unit and 20 dead ones, and
    its scores. Were these tested, too, the p-values of 1/61 would not do for the lattices."""
    random = np.random.default_rng(1)
    grid, _ = hexagonal_maps(BINS, 0.5, 12, random, noise=0.2, rectified=True)
    x, y = np.meshgrid(*[np.arange(BINS) * BIN_SIZE] * 2)
    stripes = np.sin(2 * np.pi * (x + 0.4 * y) / 0.6) + 0.1 * random.normal(size=(BINS, BINS))
    flat = np.zeros((21, BINS, BINS))
    flat[0] = 2.0
    found = np.concatenate([grid, smooth_noise(BINS, 0.2, 5, random), stripes[None], flat])
    given = dataset(found[None])
    return given, unit_scores.score_units(given, surrogates=60)


def test_chance_is_that_of_each_map(mixed):
    given, measured = mixed
    expected = significance.significance(given["rate_map"].values, 60, seed=3)
    alive = measured["active"].values
    for name in ("p_value", "p_phase", "p_shuffle", "null_95"):
        np.testing.assert_allclose(measured[name].values[alive], expected[name].values[alive])
        assert np.isnan(measured[name].values[~alive]).all(), name
    assert measured["surrogate_score"].dtype == np.float32
    np.testing.assert_array_equal(
        measured["surrogate_score"].values[alive], expected["surrogate_score"].values[alive]
    )
    assert np.isnan(measured["surrogate_score"].values[~alive]).all()


def test_units_that_are_not_active_are_not_among_those_tested(mixed):
    _, measured = mixed
    alive = measured["active"].values[0]
    p_value = measured["p_value"].values[0]
    expected = significance.false_discovery(p_value[alive])
    np.testing.assert_array_equal(measured["significant"].values[0, alive], expected)
    assert not measured["significant"].values[0, ~alive].any()
    assert measured["significant"].values[0, :12].sum() >= 10
    assert measured["significant"].dtype == bool


def test_lattice_classes(mixed):
    given, measured = mixed
    kind, p_value = measured["lattice_class"], measured["lattice_p_value"].values[0]
    assert kind.dtype == np.int8
    assert flag(kind, "hexagonal")[0, :12].sum() >= 11 and flag(kind, "stripe")[0, 17]
    assert not flag(kind, "other")[0, 17] and flag(kind, "other")[0, 18:].all()
    expected = lattice_classes.classify_lattices(
        given["rate_map"].values[0], unit_scores.CLASS_SURROGATES, 3
    )
    tested = np.isfinite(p_value)
    assert tested[:12].all() and tested[17] and not tested[18:].any()
    np.testing.assert_allclose(p_value[tested], expected["p_value"].values[tested])
    names = np.array(kind.attrs["flag_meanings"].split())[kind.values[0]]
    np.testing.assert_array_equal(names[tested], expected["lattice_class"].values[tested])


def test_units_without_any_score_are_not_classified(mixed, monkeypatch):
    given, measured = mixed
    monkeypatch.setitem(unit_scores.LEAST_TO_CLASSIFY, "stripe_score", 2.0)
    without = unit_scores.score_units(given, surrogates=1)
    assert (
        np.isnan(without["lattice_p_value"][0, 17])
        and flag(without["lattice_class"], "other")[0, 17]
    )
    np.testing.assert_array_equal(
        without["lattice_p_value"][0, :12], measured["lattice_p_value"][0, :12]
    )


def test_modules_are_of_the_significant_units(mixed):
    _, measured = mixed
    chosen = measured["significant"].values & measured["period"].notnull().values
    periods, orientations = (measured[k].values[chosen] for k in ("period", "orientation"))
    expected = grid_modules.count_modules(periods, orientations, seed=3)
    assert measured["modules_units"].item() == chosen.sum() >= 10
    assert measured["modules"].item() == expected["modules"].item() == 1
    assert measured["modules_low"].item() <= 1 <= measured["modules_high"].item()
    few = unit_scores.score_units(mixed[0].isel(unit=slice(6)), surrogates=60)
    assert few["modules"].item() == 0 and few["modules_units"].item() == 6
    assert np.isnan(few["modules_low"].item())


def test_scores_survive_a_file(mixed, tmp_path):
    datasets.save(mixed[1], tmp_path / "scores.nc", "scores", "code")
    with datasets.load(tmp_path / "scores.nc", "scores") as found:
        assert found["lattice_class"].dtype == found["lattice_reason"].dtype == np.int8
        assert found["significant"].dtype == bool
        np.testing.assert_array_equal(flag(found["lattice_class"], "stripe").nonzero()[1], 17)
        xr.testing.assert_allclose(found, mixed[1], rtol=1e-6)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_diverged_network_has_no_scores_and_harms_no_other(value, maps):
    broken = np.concatenate([maps, maps[:1]])
    broken[1, :3] = value  # one unit of it is finite, and counts no more than the others
    measured = unit_scores.score_units(dataset(broken), surrogates=5)
    for name in ("active", "dead", "constant", "significant", "lattice_class", "modules"):
        assert not measured[name][1].any(), name
    assert flag(measured["lattice_reason"], "inactive")[1].all()
    floating = [name for name, array in measured.items() if array.dtype.kind == "f"]
    assert {"score_60", "score_90", "period", "p_value", "surrogate_score"} <= set(floating)
    for name in floating:
        assert measured[name].isel(network=1).isnull().all(), name
    expected = unit_scores.score_units(dataset(maps[:1].copy()), surrogates=5)
    assert measured["score_60"].isel(network=[0, 2]).notnull().all()
    np.testing.assert_allclose(measured["score_60"][:, 0], expected["score_60"][:, 0])


def test_dead_and_constant_units_are_told_apart():
    """Up to rounding of the mean of a constant in float32."""
    random = np.random.default_rng(0)
    values = np.stack(
        [
            np.full((BINS, BINS), 5.0),
            5.0 + 1e-7 * random.normal(size=(BINS, BINS)),
            5.0 + 1e-3 * random.normal(size=(BINS, BINS)),
            -1e-9 * random.random((BINS, BINS)),
            np.zeros((BINS, BINS)),
        ]
    )
    kinds = unit_scores.classify_activity(dataset(values[None])["rate_map"])
    assert kinds["active"].values.tolist() == [[False, False, True, True, False]]
    assert kinds["constant"].values.tolist() == [[True, True, False, False, False]]
    assert kinds["dead"].values.tolist() == [[False, False, False, False, True]]
    measured = unit_scores.score_units(dataset(values[None]), surrogates=2)
    for name in kinds:
        np.testing.assert_array_equal(measured[name], kinds[name])


def test_one_network_is_in_memory_at_a_time(maps, tmp_path, monkeypatch):
    datasets.save(dataset(maps.copy()), tmp_path / "maps.nc", "rate_maps", "code")
    monkeypatch.setitem(datasets.STAGES, "rate_maps", Stage("", ("rate_map", "stability")))
    sizes, of_network = [], unit_scores._of_network

    def watched(network, *others):
        sizes.append(dict(network.sizes))
        return of_network(network, *others)

    monkeypatch.setattr(unit_scores, "_of_network", watched)
    with datasets.load(tmp_path / "maps.nc", "rate_maps") as lazy:
        measured = unit_scores.score_units(lazy, surrogates=0)
        assert not lazy["rate_map"].variable._in_memory
    assert [size["network"] for size in sizes] == [1, 1]
    assert measured["spec"].values.tolist() == dataset(maps)["spec"].values.tolist()


def test_without_calibration_all_else_is_the_same():
    maps = dataset(smooth_noise(BINS, 0.25, 4, np.random.default_rng(0))[np.newaxis])
    full = unit_scores.score_units(maps, 25)
    xr.testing.assert_identical(
        unit_scores.score_units(maps, 25, calibrated=False), full.drop_dims(["made", "sample"])
    )
