"""The page of anyone's maps: their scores, names and bad input."""

import numpy as np
import pytest
import xarray as xr
from nofreelunch.explorer import maps_data
from nofreelunch.scoring.score_maps import score
from synthetic_maps import BOX, hexagonal_maps
from test_blocks import unpack

BINS = 16
SIZE = BOX / BINS


@pytest.fixture
def maps():
    """Two animals of two cells: lattices of 0.7 m, and a silent one."""
    rates, _ = hexagonal_maps(BINS, 0.7, 4, np.random.default_rng(0), noise=0.2, rectified=True)
    rates[3], rates[:, 0, 0] = 0, np.nan
    return xr.DataArray(
        rates.reshape(2, 2, BINS, BINS),
        dims=("animal", "cell", "y", "x"),
        coords={"animal": ["Zoë", "b"], "cell": [7, 8]},
    )


def test_scores_and_names(maps):
    data, blocks = maps_data.collect_maps(maps, SIZE, "été", surrogates=20, seed=3)
    (network,) = data["networks"]
    assert network["labels"] == [f"animal {a}, cell {c}" for a in ("Zoë", "b") for c in (7, 8)]
    assert (data["title"], data["bin_size"], network["units"]) == ("été", SIZE, 4)
    packed = blocks[network["id"]], network["columns"]
    _, columns, drawn = unpack(packed, 4, BINS)
    expected = score(maps, SIZE, surrogates=20, seed=3)
    for name in ("score_90", "gridness", "period", "p_value", "null_95", "field_count"):
        np.testing.assert_allclose(columns[name], expected[name].values.ravel(), rtol=1e-6)
    own = expected["score_60"].sel(definition="min_max").values.ravel()
    np.testing.assert_allclose(columns["score_60"], own, rtol=1e-6)
    assert columns["activity"].tolist() == [0, 0, 0, 1]
    assert columns["significant"].tolist() == [1, 1, 1, 0]
    assert columns["lattice_reason"].tolist() == [0, 0, 0, 2]  # constant
    assert drawn.size == 4 * 2 * 20


def test_one_map_without_a_name_and_without_surrogates(maps):
    data, _ = maps_data.collect_maps(maps[0, 0].drop_vars(["animal", "cell"]), SIZE, "one")
    (network,) = data["networks"]
    assert network["labels"] == ["map"] and network["surrogates"] == 0
    assert data["notes"] == ["No surrogates were scored, so chance is not known."]


def test_axes_may_stand_anywhere(maps):
    moved = maps_data.collect_maps(maps.transpose("y", "cell", "x", "animal"), SIZE, "")[0]
    labels = moved["networks"][0]["labels"]
    assert labels == [
        f"animal {a}, cell {c}".split(", ")[1] + f", animal {a}"
        for c in (7, 8)
        for a in ("Zoë", "b")
    ]


def test_no_map_is_refused(maps):
    with pytest.raises(ValueError, match=r"rate_maps: found shape .*; allowed: one map or more"):
        maps_data.collect_maps(maps[:0], SIZE, "none")
    with pytest.raises(ValueError, match="bin_size: found -1"):
        maps_data.collect_maps(maps, -1, "none")
