"""The table of a study: thresholds, padding of networks of other sizes, chance, divergence."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from nofreelunch.evaluation import lesions
from nofreelunch.files import datasets
from nofreelunch.findings import network_measures, summary

NAN = np.nan
KINDS = ["phase", "shuffle"]
THRESHOLDS = {
    "position_error": 0.10,
    "position_error_horizon": 20,
    "grid_score": [0.3, 0.8],
    "grid_cells": 0.8,
}


def spec(**keys):
    return {
        "target": "gaussian",
        "cell": "rnn",
        "activation": "relu",
        "optimizer": "adam",
        "units": 3,
        "seed": 0,
        "learning_rate": 1e-3,
        "weight_decay": 1e-4,
        "place_cell_width": 0.12,
        **keys,
    }


def write(folder, name, specs, scores, active, errors, diverged=None, surrogates=None):
    """The three files of one cohort; `scores` (network, unit) of the min_max method."""
    count, units = np.shape(scores)
    coordinates = {
        "network": [f"{name}{k}" for k in range(count)],
        "spec": ("network", [json.dumps(s) for s in specs]),
    }
    curve = np.tile(np.arange(30, 0, -1.0), (count, 1))  # its last tenth is 3, 2, 1
    training = xr.Dataset(
        {
            "loss": (("network", "checkpoint"), curve),
            "position_error": (("network", "checkpoint"), curve),
            "diverged": ("network", diverged or [False] * count),
            "weight_recurrent": (("network", "a", "b"), np.zeros((count, units, units))),
        },
        coordinates | {"step": (("network", "checkpoint"), np.tile(np.arange(1, 31), (count, 1)))},
    )
    maps = xr.Dataset(
        {
            "position_error": (("network", "horizon"), errors, {"units": "m"}),
            "ridge_error": ("network", np.mean(errors, 1), {"units": "m"}),
            "rate_map": (("network", "unit", "y", "x"), np.zeros((count, units, 2, 2))),
            "occupancy": (("y", "x"), np.ones((2, 2))),
            "stability": (("network", "unit"), np.full((count, units), 0.8)),
        },
        coordinates | {"horizon": [20, 50]},
        {"arena": 2.2, "bin_size": 0.05},
    )
    by_method = np.stack([scores, np.add(scores, 0.5)])
    unit = ("network", "unit")
    kinds = np.where(np.greater(scores, 0.5), 1, np.where(np.greater(scores, 0.15), 3, 0))
    found = {
        "score_60": (("definition", "network", "unit"), by_method),
        "score_90": (("network", "unit"), np.negative(scores)),
        "period": (("network", "unit"), np.where(np.array(scores) > 0.5, 1.0, NAN), {"units": "m"}),
        "orientation": (("network", "unit"), np.zeros((count, units)), {"units": "rad"}),
        "ellipticity": (("network", "unit"), np.ones((count, units))),
        "active": (unit, active),
        "dead": (unit, ~np.array(active) & np.equal(scores, 0)),
        "constant": (unit, ~np.array(active) & np.not_equal(scores, 0) & np.isfinite(scores)),
        "gridness": (unit, np.add(scores, 0.1)),
        "field_count": (unit, np.full((count, units), 4)),
        "stability": (unit, np.full((count, units), 0.8)),
        "spatial_information": (unit, np.full((count, units), 1.5), {"units": "bits"}),
        "sparsity": (unit, np.full((count, units), 0.3)),
        "border_score": (unit, np.full((count, units), -0.2)),
    }
    if surrogates is not None:
        surrogates = np.stack([surrogates, np.add(surrogates, 0.2)], 2)
        surrogates[:, 0, 1] = NAN  # a unit with nothing to shuffle
        found["surrogate_score"] = (("network", "unit", "kind", "surrogate"), surrogates)
        made = np.resize([0.01, 0.03, 0.2, 0.5], (count, 3, 4))
        made[:, 0, 0], made[:, 2] = NAN, [[0.01, 0.04, 0.05, 0.2]]
        found["calibration_p_value"] = (("network", "made", "sample"), made)
        coordinates = coordinates | {"kind": KINDS, "made": [*KINDS, "lattice"]}
        found["p_value"] = (unit, np.where(active, 0.04, NAN))
        found["significant"] = (unit, np.array(active) & np.greater(scores, 0.5))
        found["lattice_class"] = (unit, np.where(active, kinds, 0).astype(np.int8))
        found["modules"] = ("network", np.full(count, 2))
        found["modules_low"] = ("network", np.full(count, 1.0))
        found["modules_high"] = ("network", np.full(count, 3.0))
        found["modules_units"] = ("network", np.arange(count) + 20)
    made = {"surrogates": 0 if surrogates is None else 40}
    scored = xr.Dataset(found, coordinates | {"definition": ["min_max", "mean"]}, made)
    stages = {"training": training, "rate_maps": maps, "scores": scored}
    paths = []
    for stage, dataset in stages.items():
        paths.append(folder / stage / f"{name}.nc")
        datasets.save(dataset, paths[-1], stage, "code")
    return tuple(map(str, paths))


@pytest.fixture
def stages(tmp_path):
    """Five networks of three and five units, one of which has diverged."""
    random = np.random.default_rng(0)
    small = write(
        tmp_path,
        "b",
        [spec(), spec(place_cell_width={"uniform": [0.06, 0.18]}, seed=1)],
        [[0.2, 0.5, 0.9], [0.1, 0.31, 0.0]],
        [[True, True, True], [True, True, False]],
        [[0.05, 0.2], [0.099, 0.3]],
        surrogates=random.uniform(-1, 1, (2, 3, 40)),
    )
    large = write(
        tmp_path,
        "a",
        [spec(units=5, target="cartesian", place_cell_width=None, seed=k) for k in range(3)],
        [[0.0] * 5, [0.8, 0.7, 0.0, 0.0, 0.0], [NAN] * 5],
        [[False] * 5, [True] * 5, [False] * 5],
        [[0.11, 0.2], [0.10, 0.2], [NAN, NAN]],
        diverged=[False, False, True],
        surrogates=np.concatenate([random.uniform(-1, 1, (2, 5, 40)), np.full((1, 5, 40), NAN)]),
    )
    return [small, large]


def collect(stages, **thresholds):
    silenced = Path(stages[0][0]).parent / "lesions.nc"
    made = xr.Dataset(
        {"lesion_error": (("lesion", "network"), [[0.05], [0.09], [0.07]])},
        {
            "lesion": list(lesions.KINDS),
            "network": ["b0"],
            "spec": ("network", [json.dumps(spec())]),
        },
    )
    datasets.save(made, silenced, "lesions", "code")
    run = {
        "study": "tiny",
        "sweeps": {"one": ("b0", "a1"), "other": ("a0", "a1", "a2", "b1")},
        "defaults": spec(),
        "arena": 2.2,
        "thresholds": THRESHOLDS | thresholds,
    }
    return summary.collect(stages, str(silenced), run)


def test_networks_of_all_cohorts_are_in_one_table(stages):
    table = collect(stages)
    assert table["network"].values.tolist() == ["a0", "a1", "a2", "b0", "b1"]
    assert table["cohort"].values.tolist() == ["a", "a", "a", "b", "b"]
    assert table["target"].values.tolist() == ["cartesian"] * 3 + ["gaussian"] * 2
    assert table["units"].values.tolist() == [5, 5, 5, 3, 3]
    assert table["seed"].values.tolist() == [0, 1, 2, 0, 1]
    assert json.loads(table["spec"].values[3]) == spec()
    np.testing.assert_array_equal(table["place_cell_width"], [NAN, NAN, NAN, 0.12, NAN])
    assert table["in_sweep"].sel(sweep="one").values.tolist() == [False, True, False, True, False]
    assert table["in_sweep"].sel(sweep="other").values.tolist() == [True, True, True, False, True]
    expected = {"study": "tiny", "arena": 2.2, "bin_size": 0.05, "grid_cell_threshold": 0.8}
    expected |= {"surrogates": 40}
    expected |= {"position_error_threshold": 0.1, "position_error_horizon": 20}
    assert expected.items() <= table.attrs.items()
    assert json.loads(table.attrs["defaults"]) == spec()


def test_values_are_those_of_the_files(stages):
    table = collect(stages)
    silenced = table["lesion_error"].sel(lesion="highest_scores")
    np.testing.assert_allclose(silenced, [NAN, NAN, NAN, 0.09, NAN])
    np.testing.assert_allclose(table["loss"], 2.0)  # the mean of the last tenth of the curve
    np.testing.assert_array_equal(table["diverged"], [False, False, True, False, False])
    one = table.sel(network="b0")
    np.testing.assert_allclose(one["position_error"].sel(horizon=[20, 50]), [0.05, 0.2], rtol=1e-6)
    assert one["ridge_error"].item() == pytest.approx(0.125)
    min_max, mean = one["score_60"].sel(definition=["min_max", "mean"]).values
    np.testing.assert_allclose(min_max, [0.2, 0.5, 0.9, NAN, NAN], rtol=1e-6)
    np.testing.assert_allclose(mean, [0.7, 1.0, 1.4, NAN, NAN], rtol=1e-6)
    np.testing.assert_allclose(one["score_90"], -min_max)
    np.testing.assert_array_equal(one["period"], [NAN, NAN, 1.0, NAN, NAN])
    np.testing.assert_allclose(one["gridness"], min_max + 0.1, rtol=1e-6)
    for name in ("stability", "spatial_information", "sparsity", "border_score", "p_value"):
        assert one[name].notnull().values.tolist() == [True] * 3 + [False] * 2, name
    assert table["field_count"].dtype.kind == "i" and table["lattice_class"].dtype == np.int8
    assert one["field_count"].values.tolist() == [4, 4, 4, 0, 0]
    assert one["lattice_class"].values.tolist() == [3, 3, 1, 0, 0]


def test_units_that_are_not_there_count_nowhere(stages):
    table = collect(stages)
    assert table["present"].dtype == table["active"].dtype == bool
    np.testing.assert_array_equal(table["present"].sum("unit"), [5, 5, 5, 3, 3])
    np.testing.assert_array_equal(table["units_present"], [5, 5, 5, 3, 3])
    np.testing.assert_array_equal(table["units_active"], [0, 5, 0, 3, 2])
    assert not table["active"].sel(network="b0", unit=[3, 4]).any()
    assert table["significant"].dtype == bool
    assert not table["significant"].sel(network="b0", unit=[3, 4]).any()
    np.testing.assert_array_equal(table["units_dead"], [5, 0, 0, 0, 1])
    np.testing.assert_array_equal(table["units_constant"], 0)


def test_constant_units_are_counted(tmp_path):
    paths = write(tmp_path, "c", [spec()], [[0.2, 0.1, 0.0]], [[True, False, False]], [[0.05, 0.2]])
    table = collect([paths])
    assert table["units_constant"].item() == table["units_dead"].item() == 1


def test_grid_fraction_has_both_denominators(stages):
    table = collect(stages)
    # Significant are the active units above 0.5; the third network has diverged.
    np.testing.assert_allclose(table["grid_fraction"], [NAN, 2 / 5, NAN, 1 / 3, 0])
    np.testing.assert_allclose(table["grid_fraction_present"], [0, 2 / 5, NAN, 1 / 3, 0])
    assert table["lattice_class_name"].values.tolist() == ["other", "hexagonal", "square", "stripe"]
    assert table["class_fraction"].dims == ("lattice_class_name", "network")
    share = table["class_fraction"].transpose()
    expected = [[0.6, 0.4, 0, 0], [0, 1 / 3, 0, 2 / 3], [0.5, 0, 0, 0.5]]
    np.testing.assert_allclose(share.sel(network=["a1", "b0", "b1"]), expected)
    assert share.sel(network=["a0", "a2"]).isnull().all()  # no active unit


def test_modules_are_those_of_the_scores(stages):
    table = collect(stages)
    assert table["modules"].dtype.kind == "i" and (table["modules"] == 2).all()
    np.testing.assert_array_equal(table["modules_units"], [20, 21, 22, 20, 21])
    assert (table["modules_low"] == 1).all() and (table["modules_high"] == 3).all()


def test_thresholds_judge(stages):
    table = collect(stages)
    # Below means below: 0.10 m is not, nor is the error of a network that has none.
    np.testing.assert_array_equal(table["low_error"], [False, False, False, True, True])
    np.testing.assert_allclose(table["max_score"], [0, 0.8, NAN, 0.9, 0.31], rtol=1e-6)
    np.testing.assert_array_equal(table["has_grid_cells"], [False, True, False, True, False])
    above = table["fraction_above"]
    # The third network has diverged.
    np.testing.assert_allclose(above.sel(threshold=0.3), [0, 2 / 5, NAN, 2 / 3, 1 / 3])
    np.testing.assert_allclose(above.sel(threshold=0.8)[3:], [1 / 3, 0])
    of_active = table["fraction_above_active"].sel(threshold=0.3)
    np.testing.assert_allclose(of_active, [NAN, 2 / 5, NAN, 2 / 3, 1 / 2])


def test_thresholds_of_the_config_are_used(stages):
    table = collect(stages, position_error=0.25, position_error_horizon=50, grid_cells=0.3)
    np.testing.assert_array_equal(table["low_error"], [True, True, False, True, False])
    np.testing.assert_array_equal(table["has_grid_cells"], [False, True, False, True, True])


def test_chance_is_known_at_a_threshold_of_grid_cells_that_is_not_reported(stages):
    table = collect(stages, grid_cells=0.5)
    assert table["threshold"].values.tolist() == [0.3, 0.5, 0.8, 1.2]
    assert table["reported"].values.tolist() == [True, False, True, False]
    chance = table["chance_fraction_above"].sel(threshold=0.5)
    assert np.isfinite(chance.sel(network=["b0", "b1"])).all()
    assert np.isfinite(network_measures.excess(table.sel(network=["b0", "b1"]))).all()


def test_units_are_those_of_what_was_measured_and_verdicts_have_none(stages):
    table = collect(stages)
    measured = ("period", "orientation", "position_error", "ridge_error")
    assert [table[name].attrs.get("units") for name in measured] == ["m", "rad", "m", "m"]
    judged = ("low_error", "max_score", "has_grid_cells", "fraction_above", "chance_fraction_above")
    assert not any(table[name].attrs for name in judged)


def test_horizon_that_was_not_measured_is_refused(stages):
    expected = "thresholds.position_error_horizon: found 30; allowed: 20, 50"
    with pytest.raises(ValueError, match=re.escape(expected)):
        collect(stages, position_error_horizon=30)


def test_chance_is_the_share_of_surrogates_above(stages):
    table = collect(stages)
    with datasets.load(stages[0][2], "scores") as scored:
        drawn = scored["surrogate_score"].values
    drawn[:, 0, 1] = drawn[:, 0, 0]  # what cannot be shuffled counts with its random phases
    expected = [[(drawn[k, :, i] > t).mean() for k in (0, 1)] for i in (0, 1) for t in (0.3, 0.8)]
    found = table["chance_fraction_above"].sel(network=["b0", "b1"], threshold=[0.3, 0.8])
    assert found.dims == ("kind", "threshold", "network")
    assert found["kind"].values.tolist() == KINDS
    np.testing.assert_allclose(found.values.reshape(4, 2), expected)
    assert table["chance_fraction_above"].sel(network="a2").isnull().all()  # it has diverged


def test_size_and_power_are_shares_of_what_is_known(stages):
    table = collect(stages)
    known = ["b0", "b1"]
    size = table["test_size"].sel(network=known)
    np.testing.assert_allclose(size.sel(kind="phase"), 1 / 3)  # of three, one is not known
    np.testing.assert_allclose(size.sel(kind="shuffle"), 2 / 4)
    np.testing.assert_allclose(table["test_power"].sel(network=known), 3 / 4)
    assert table["test_power"].sel(network="a2").isnull()  # it has diverged
    assert table.attrs["test_size"] == pytest.approx(0.5)  # of the kind that passes more often


def test_without_surrogates_chance_is_not_known(tmp_path):
    paths = write(tmp_path, "c", [spec()], [[0.2, 0.5, 0.9]], [[True] * 3], [[0.05, 0.2]])
    table = collect([paths])
    assert table["chance_fraction_above"].isnull().all()
    assert set(table["chance_fraction_above"].dims) == {"kind", "threshold", "network"}
    assert table["test_size"].isnull().all() and table["test_power"].isnull().all()
    assert np.isnan(table.attrs["test_size"])
    for name in ("p_value", "grid_fraction", "grid_fraction_present", "class_fraction"):
        assert table[name].isnull().all(), name
    assert not table["significant"].any() and not table["lattice_class"].any()
    assert table["modules"].item() == table["modules_units"].item() == 0
    assert np.isnan(table["modules_low"].item())
    assert table["fraction_above"].notnull().all()


def test_summary_and_spreadsheet_survive_a_round_trip(stages, tmp_path):
    table = collect(stages)
    networks, units = summary.split_units(table)
    assert "unit" not in networks.dims and "spec" not in units.variables
    datasets.save(networks, tmp_path / "summary.nc", "summary", "code")
    datasets.save(units, tmp_path / "units.nc", "units", "code")
    with (
        datasets.load(tmp_path / "summary.nc", "summary") as networks,
        datasets.load(tmp_path / "units.nc", "units") as units,
    ):
        found = summary.join_units(networks, units)
        xr.testing.assert_allclose(found.drop_attrs(deep=False), table.drop_attrs(deep=False))
        assert found.attrs["study"] == table.attrs["study"]
    rows = summary.network_table(table)
    assert len(rows) == 5 and rows.loc[3, "network"] == "b0"
    assert rows.loc[3, "position_error_20"] == pytest.approx(0.05)
    assert rows.loc[3, "fraction_above_0.3"] == pytest.approx(2 / 3)
    assert rows.loc[4, "units_active"] == 2 and rows.loc[4, "units_dead"] == 1
    assert rows.loc[3, "grid_fraction"] == pytest.approx(1 / 3)
    assert rows.loc[3, "modules"] == 2
    assert np.isnan(rows.loc[2, "fraction_above_0.3"])  # it has diverged


def test_files_of_another_stage_are_refused(stages):
    networks, rate_maps, scores = stages[0]
    with pytest.raises(datasets.DatasetError, match="found stage 'scores'"):
        collect([(networks, scores, rate_maps)])
