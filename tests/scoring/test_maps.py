"""Maps in whatever holds them: masks, axes and names of items count."""

import netCDF4
import nofreelunch as nfl
import numpy as np
import pandas as pd
import pytest
import torch
import xarray as xr
from nofreelunch.scoring import grid_scores, spatial_measures
from nofreelunch.scoring.maps import labelled
from synthetic_maps import hexagonal_maps

RANDOM = np.random.default_rng(0)
RATES = RANDOM.uniform(size=(2, 8, 8))
HIDDEN = RANDOM.uniform(size=(2, 8, 8)) < 0.2
EXPECTED = np.where(HIDDEN, np.nan, RATES)
MASKED = [np.ma.masked_array(*pair) for pair in zip(RATES, HIDDEN, strict=True)]
NAMED = [xr.DataArray(rates, dims=("y", "x")) for rates in EXPECTED]


@pytest.mark.parametrize(
    "maps",
    [
        MASKED,
        tuple(MASKED),
        [MASKED[0], EXPECTED[1]],
        np.ma.stack(MASKED),
        NAMED,
        [NAMED[0].T, NAMED[1]],
        [NAMED[0].astype("float32").astype(float).copy(data=EXPECTED[0]), NAMED[1].T],
        {"a": MASKED[0], "b": NAMED[1].T},
        torch.from_numpy(EXPECTED),
        torch.from_numpy(EXPECTED).requires_grad_(),
        list(EXPECTED),
    ],
)
def test_masks_and_axes_of_items_count(maps):
    np.testing.assert_array_equal(labelled(maps).values, EXPECTED)
    one_by_one = [grid_scores.grid_scores(rates).score_60.values for rates in EXPECTED]
    found = grid_scores.grid_scores(maps).score_60.values
    np.testing.assert_allclose(found, np.stack(one_by_one, axis=1), atol=1e-12)  # rounding


def test_names_of_a_dictionary_are_kept():
    scores = grid_scores.grid_scores({"cell 1": MASKED[0], "cell 2": EXPECTED[1]})
    assert scores["map"].values.tolist() == ["cell 1", "cell 2"]


def test_masked_integers_become_numbers_with_gaps():
    counts = np.ma.masked_array(np.arange(16).reshape(4, 4), np.eye(4, dtype=bool))
    expected = np.where(np.eye(4), np.nan, np.arange(16).reshape(4, 4))
    np.testing.assert_array_equal(labelled([counts, counts]).values, [expected, expected])


@pytest.mark.parametrize(
    ("maps", "expected"),
    [
        (
            xr.Dataset({"rate": NAMED[0]}),
            r"found a Dataset; allowed: one of its variables \(rate\)",
        ),
        (
            [MASKED[0], MASKED[1][1:]],
            r"found maps of shapes \(7, 8\), \(8, 8\); allowed: maps of one",
        ),
        ([MASKED[0], np.full((8, 8), "a")], "found <U1 values; allowed: real numbers"),
    ],
)
def test_items_that_do_not_fit_together(maps, expected):
    with pytest.raises(ValueError, match=f"rate_maps: {expected}") as error:
        grid_scores.grid_scores(maps)
    assert "\n" not in str(error.value)


def test_an_oblong_map_is_refused_with_advice():
    with pytest.raises(ValueError, match=r"found shape \(8, 4\).* NaN can fill up an oblong one"):
        grid_scores.grid_scores(RATES[0, :, :4])


def test_time_that_is_nan_was_not_spent():
    time = RANDOM.integers(1, 5, (8, 8)).astype(float)
    gaps = np.where(HIDDEN[0], np.nan, time)
    for measure in (spatial_measures.spatial_information, spatial_measures.sparsity):
        assert measure(RATES[0], gaps) == measure(RATES[0], np.where(HIDDEN[0], 0, time))
        with pytest.raises(ValueError, match="occupancy: found times from -1 to 3; allowed: "):
            measure(RATES[0], np.where(HIDDEN[0], -1, 3))


def test_stacked_labels_stay(recwarn):
    """Units of several sessions in one dimension; without a warning, which would be an error."""
    random = np.random.default_rng(0)
    labels = {"session": ["a", "b"], "cell": [1, 2, 3]}
    maps = xr.DataArray(random.normal(size=(2, 3, 12, 12)), labels, ("session", "cell", "y", "x"))
    stacked = maps.stack(unit=("session", "cell"))
    found = nfl.score(stacked, bin_size=0.05, surrogates=3)
    assert [*found["unit"].to_index().names] == ["session", "cell"]
    xr.testing.assert_allclose(
        found.unstack("unit")[["score_60", "period"]],
        nfl.score(maps, bin_size=0.05, surrogates=3)[["score_60", "period"]],
    )
    assert not [w for w in recwarn if issubclass(w.category, FutureWarning)]


GRID = hexagonal_maps(20, 0.7, 1, np.random.default_rng(0))[0][0]


def test_masks_count_at_any_depth():
    masked = np.ma.masked_greater(GRID, 1.0)
    found = nfl.grid_scores([[masked, GRID], [GRID, masked]])["score_60"].isel(definition=0)
    alone = [nfl.grid_scores(one)["score_60"].values[0] for one in (masked, GRID)]
    np.testing.assert_allclose(found.values, [alone, alone[::-1]])
    assert found.dims == ("group", "map")


def test_labels_of_items_are_gathered():
    cells = xr.DataArray(np.stack([GRID] * 3), dims=("unit", "y", "x"), coords={"unit": [7, 8, 9]})
    found = nfl.grid_scores(list(cells))
    assert found["unit"].dims == ("map",) and found["unit"].values.tolist() == [7, 8, 9]


def test_a_dictionary_of_stacks_and_of_pairs():
    stack = xr.DataArray(np.stack([GRID] * 2), dims=("map", "y", "x"))
    assert labelled({"day 1": stack, "day 2": stack}).dims == ("group", "map", "y", "x")
    assert labelled({("rat", 1): GRID})["map"].values.tolist() == ["('rat', 1)"]


def test_half_precision_of_torch():
    tensor = torch.from_numpy(GRID).to(torch.bfloat16)
    assert nfl.grid_scores([tensor])["score_60"][0, 0] > 1


def test_a_column_of_a_table_and_keys_of_numpy():
    column = pd.Series(list(EXPECTED), index=[4, 7])
    found = labelled(column)
    assert list(found["map"].values) == [4, 7] and found.dims[0] == "map"
    np.testing.assert_array_equal(found.values, EXPECTED)
    items = np.empty(2, object)
    items[:] = list(EXPECTED)
    np.testing.assert_array_equal(labelled(items).values, EXPECTED)
    twice = pd.Series(list(EXPECTED), index=[4, 4])  # no names, but maps
    np.testing.assert_array_equal(labelled(twice).values, EXPECTED)
    assert labelled({np.int64(7): EXPECTED[0]}).sel(map=7).shape == (8, 8)


def test_animals_days_sessions_and_units():
    units = {"a": RATES[0], "b": RATES[1]}
    found = labelled({"animal": {"day": {"session": {"tetrode": units}}}})
    assert found.shape == (1, 1, 1, 1, 2, 8, 8) and len({*found.dims}) == 7


def test_fill_values_of_an_open_netcdf_file_are_gaps(tmp_path):
    with netCDF4.Dataset(tmp_path / "maps.nc", "w") as file:
        for dim in ("y", "x"):
            file.createDimension(dim, 8)
        variable = file.createVariable("rate_map", "f8", ("y", "x"), fill_value=-9999.0)
        variable[:] = MASKED[0]
        for found in (labelled(variable), labelled([variable])[0]):
            np.testing.assert_array_equal(found.values, EXPECTED[0])
