"""What the page says of a study: the numbers of its files, and what is not in the page."""

import json
import shutil

import numpy as np
import pytest
import small_study
import xarray as xr
from nofreelunch.errors import DatasetError
from nofreelunch.explorer import study_data
from nofreelunch.explorer.blocks import packed_size
from nofreelunch.files import datasets
from nofreelunch.findings.summary import join_units
from test_blocks import unpack

pytest_plugins = "page_fixtures"

LATTICE = {"target": "difference_of_softmaxes", "place_cell_width": 0.12, "cell": "rnn"}


def summary_of(results):
    return join_units(
        *(datasets.load(results / f"{stage}.nc", stage) for stage in ("summary", "units"))
    )


def network_of(data, **spec):
    (found,) = [n for n in data["networks"] if spec.items() <= n["spec"].items()]
    return found


@pytest.fixture(scope="module")
def collected(results):
    return study_data.collect_results(results)


def test_networks_have_the_numbers_of_the_summary(collected, results):
    data, blocks = collected
    summary = summary_of(results)
    assert [network["id"] for network in data["networks"]] == list(summary["network"].values)
    assert {*blocks} == {network["id"] for network in data["networks"]}
    lattices = network_of(data, **LATTICE)
    units = small_study.UNITS
    # All units but the dead one are lattices, which no surrogate beats.
    assert lattices["share"] == pytest.approx((units - 1) / units)
    assert (lattices["active"], lattices["significant"], lattices["present"]) == (
        units - 1,
        units - 1,
        units,
    )
    assert lattices["grid_fraction"] == lattices["small_p"] == 1 and lattices["chance"] < 0.1
    assert lattices["errors"] == pytest.approx([0.05, 0.10]) and not lattices["diverged"]
    noise = network_of(data, target="gaussian")
    assert noise["share"] == 0 and noise["significant"] == 0
    assert data["sweeps"] == list(small_study.SWEEPS) and lattices["sweeps"] == [0]
    assert (data["horizons"], data["horizon"], data["criterion"]) == ([20, 50], 0, 0.10)
    json.dumps(data, allow_nan=False)


def test_units_have_the_maps_and_scores_of_the_files(collected, results):
    data, blocks = collected
    network = network_of(data, **LATTICE)
    assert (network["units"], network["side"]) == (small_study.UNITS, small_study.BINS)
    packed = blocks[network["id"]], network["columns"]
    shades, columns, drawn = unpack(packed, network["units"], network["side"])
    path = results / "scores" / f"{network['cohort']}.nc"
    scores = datasets.load(path, "scores").sel(network=network["id"])
    own = scores["score_60"].sel(definition="min_max").values
    np.testing.assert_allclose(columns["score_60"], own, rtol=1e-6)
    np.testing.assert_allclose(columns["p_value"], scores["p_value"].values, rtol=1e-6)
    angle = np.degrees(scores["orientation"].values)
    np.testing.assert_allclose(columns["orientation"], angle, rtol=1e-6)
    np.testing.assert_allclose(columns["period"][1:], small_study.PERIOD, rtol=0.02)
    assert columns["activity"].tolist() == [1.0] + [0.0] * (network["units"] - 1)
    drawn = drawn.reshape(network["units"], 2, network["surrogates"])
    expected = scores["surrogate_score"].transpose("unit", "kind", "surrogate").values[1:]
    np.testing.assert_allclose(drawn[1:] / 1000, expected, atol=0.0006)
    maps = datasets.load(results / "rate_maps" / path.name, "rate_maps")["rate_map"]
    highest = np.nanmax(maps.sel(network=network["id"]).values, axis=(1, 2))
    np.testing.assert_allclose(columns["highest"], highest, rtol=1e-6)
    assert (shades[:, 0, 0] == 255).all() and (shades[0].ravel()[1:] == 0).all()


def test_the_learning_curve_ends_where_training_did(collected):
    curve = network_of(collected[0], **LATTICE)["curve"]
    assert curve["step"] == [0, 5, 10, 15, 20, 25, 30, 40]
    assert curve["position_error"][0] == 1 and len(curve["loss"]) == 8


def test_a_diverged_network_is_listed_and_said(collected):
    data, _ = collected
    lost = network_of(data, place_cell_width=0.2)
    assert lost["diverged"] and lost["errors"] == [None, None]
    assert lost["share"] is None and lost["max_score"] is None
    assert data["notes"] == ["1 of 4 networks diverged. They have no error and no dot."]


def test_without_surrogates_there_is_no_chance(tmp_path):
    results = small_study.make(tmp_path, surrogates=0, diverged="")
    data, blocks = study_data.collect_results(results)
    assert data["notes"] == ["No surrogates were scored, so chance is not known."]
    for network in data["networks"]:
        assert network["chance"] is network["small_p"] is None and network["surrogates"] == 0
        assert "p_value" not in network["columns"] and network["share"] is not None
    assert data["level_chance"] is None and len(blocks) == 4


def test_one_network_and_all_diverged(tmp_path):
    sweep = {"only": {"seed": [10]}}
    results = small_study.make(tmp_path, surrogates=0, diverged="all", **sweep)
    data, blocks = study_data.collect_results(results)
    (network,) = data["networks"]
    assert network["diverged"] and "score_60" not in network["columns"]
    assert {*blocks} == {network["id"]}


def test_missing_files_are_said_and_damaged_ones_refused(results, tmp_path, collected):
    copy = shutil.copytree(results, tmp_path / "copy")
    gone = network_of(collected[0], target="gaussian")
    (copy / "rate_maps" / f"{gone['cohort']}.nc").unlink()
    data, blocks = study_data.collect_results(copy)
    assert gone["id"] not in blocks and len(blocks) == 3
    assert data["notes"][0] == "1 of 4 networks have no units here: their files are missing."
    assert network_of(data, target="gaussian")["share"] == 0  # which the summary knows
    (copy / "scores" / f"{network_of(data, cell='gru')['cohort']}.nc").write_bytes(b"CDF")
    with pytest.raises(DatasetError, match=r"gru.*not a readable netCDF file"):
        study_data.collect_results(copy)
    shutil.rmtree(copy / "scores")
    assert study_data.collect_results(copy)[1] == {}


def test_results_without_a_summary_are_refused(tmp_path):
    with pytest.raises(DatasetError, match=r"summary\.nc: no such file; `snakemake` makes it"):
        study_data.collect_results(tmp_path)


def many(configurations, seeds):
    """A summary of as many networks as asked for, of 256 units; the last seed is the best."""
    specs = [{"learning_rate": k, "seed": s} for k in range(configurations) for s in range(seeds)]
    score = [spec["learning_rate"] / 1000 + spec["seed"] / 100 for spec in specs]
    return xr.Dataset(
        {
            "max_score": ("network", score),
            "units_present": ("network", np.full(len(specs), 256)),
        },
        {
            "network": [f"{k:05}" for k in range(len(specs))],
            "spec": ("network", [json.dumps(spec) for spec in specs]),
        },
        {"arena": 2.2, "bin_size": 0.1, "surrogates": 400},
    )


def test_of_12_000_networks_the_best_and_a_random_sample_fit():
    summary = many(120, 100)
    one = packed_size(256, 22, 50)
    chosen = study_data.choose_networks(summary, 300 * one)
    assert len(chosen) == 300
    best = {f"{100 * k + 99:05}" for k in range(120)}
    assert best < chosen
    others = np.array(sorted(map(int, chosen - best)))
    per_configuration = np.bincount(others // 100, minlength=120)
    assert per_configuration.min() == 1 and per_configuration.max() == 2
    assert len({*(others % 100)}) > 50  # any seed
    assert chosen == study_data.choose_networks(summary, 300 * one)
    few = study_data.choose_networks(summary, 3 * one)
    assert "11999" in few  # the highest score
    assert len({int(name) // 100 for name in few - {"11999"}}) == 2  # of any configurations
    assert len(study_data.choose_networks(summary, 10)) == 1
    assert len(study_data.choose_networks(summary, 12_000 * one)) == 12_000


def test_what_does_not_fit_is_said(results):
    summary = summary_of(results)
    size = packed_size(small_study.UNITS, small_study.BINS, 50)
    data, blocks = study_data.collect_study(summary, results, 2 * size)
    assert len(blocks) == 2 and len(data["networks"]) == 4
    assert data["notes"][0].startswith("All 4 networks are listed. The page has room for the units")
    assert "of 2: the best of each configuration by grid score" in data["notes"][0]
