"""The index of a study says which files hold a network, and in what it differs from the others."""

import json

import pandas as pd
import pytest
import small_study
import xarray as xr
from nofreelunch.findings import network_index
from nofreelunch.findings.summary import open_summary


def made(folder, **options):
    results = small_study.make(folder, surrogates=0, **options)
    summary = open_summary(results / "summary.nc", results / "units.nc").load()
    return results, summary, network_index.index_table(summary).set_index("network")


def test_files_and_settings_of_each_network(tmp_path):
    results, summary, index = made(tmp_path)
    assert list(index.index) == list(summary["network"].values)
    varying = {"target", "cell", "place_cell_width", "seed"}
    assert {*index} - {"cohort", "sweeps", *network_index.FILES} - varying <= {
        "surround.width_ratio"
    }
    for name, row in index.iterrows():
        for column in network_index.FILES:
            with xr.open_dataset(results / row[column]) as opened:
                spec = json.loads(opened["spec"].sel(network=name).item())
        assert row["target"] == spec["target"] and row["seed"] == spec["seed"]
    assert list(index["sweeps"][index["cell"] == "gru"]) == ["cells"]
    assert list(index["sweeps"][index["place_cell_width"] == 0.2]) == ["wide"]


def test_one_network(tmp_path):
    """It differs from no other, and the index still says what it is."""
    _, _, index = made(tmp_path, alone={"seed": [10]})
    (row,) = index.to_dict("records")
    assert row["target"] == "difference_of_softmaxes" and row["seed"] == 10
    assert "place_cell_width" not in row


@pytest.mark.parametrize(
    ("values", "expected"),
    [([4, "all"], ["4", "all"]), ([4, 2.5], [4, 2.5]), (["a", None], ["a", None])],
)
def test_a_column_has_one_type(values, expected):
    found = network_index._one_type(pd.Series(values, dtype=object))
    assert [None if value is None else value for value in found] == expected


def test_whole_numbers_with_gaps_stay_whole():
    found = network_index._one_type(pd.Series([32.0, None]))
    assert found.to_csv(index=False, header=False).split() == ["32", '""']
    assert network_index._one_type(pd.Series([0.5, None])).dtype == float
