"""Arrays that say in unlike ways where their bins are: names, orders, units, containers."""

import io

import netCDF4
import nofreelunch as nfl
import numpy as np
import pandas as pd
import pytest
import torch
import xarray as xr
from nofreelunch import __main__
from nofreelunch.scoring.map_files import read_maps
from nofreelunch.scoring.maps import labelled, plane
from nofreelunch.scoring.places import placed_as
from synthetic_maps import hexagonal_maps

SIDE, SIZE = 20, 0.11
CENTRES = (np.arange(SIDE) + 0.5) * SIZE
RATES = np.maximum(hexagonal_maps(SIDE, 0.7, 3, np.random.default_rng(0))[0], 0)
TIME = np.random.default_rng(1).random((SIDE, SIDE))
BITS = nfl.spatial_information(RATES, TIME).values
MAPS = xr.DataArray(RATES, dims=("unit", "y", "x"), coords={"y": CENTRES, "x": CENTRES})
OCCUPANCY = xr.DataArray(TIME, dims=("y", "x"), coords={"y": CENTRES, "x": CENTRES})
ACROSS = [MAPS[unit].transpose("x", "y") for unit in range(3)]


@pytest.mark.parametrize(
    ("dims", "expected"),
    [
        (("unit", "y", "x"), ("y", "x")),
        (("x", "y", "unit"), ("y", "x")),
        (("X", "Y", "unit"), ("Y", "X")),
        (("unit", "x", "z"), ("z", "x")),
        (("unit", "x_bin", "y_bin"), ("y_bin", "x_bin")),
        (("unit", "row", "column"), ("row", "column")),
        (("unit", "x_1", "x_2"), ("x_1", "x_2")),
        (("xenon", "y"), ("xenon", "y")),
        (("pos_x", "pos_y"), ("pos_y", "pos_x")),
        (("xbins", "ybins", "unit"), ("ybins", "xbins")),
        (("head_x", "head_y", "max", "key"), ("head_y", "head_x")),
        (("unit", "col", "row"), ("row", "col")),
        (("bins", "Y_centre", "X_centre"), ("Y_centre", "X_centre")),
        (("y",), ("y",)),
        ((), ()),
    ],
)
def test_which_dimensions_are_y_and_x(dims, expected):
    assert plane(dims) == expected


@pytest.mark.parametrize(
    "maps",
    [
        MAPS.transpose("unit", "x", "y").rename(y="z"),
        MAPS.transpose("unit", "x", "y").rename(x="X", y="Y"),
        MAPS.transpose("unit", "x", "y").variable,
        ACROSS,
        {"a": ACROSS[0], "b": ACROSS[1].variable, "c": RATES[2]},
    ],
)
def test_x_before_y_in_any_container_is_turned(maps):
    np.testing.assert_array_equal(labelled(maps).values, RATES)


def test_tables_and_open_files_keep_their_axes(tmp_path):
    expected = nfl.measure_lattices(MAPS[0], SIZE).orientation.item()
    table = pd.DataFrame(
        RATES[0].T, index=pd.Index(CENTRES, name="x"), columns=pd.Index(CENTRES, name="y")
    )
    assert nfl.measure_lattices(table, SIZE).orientation.item() == pytest.approx(expected)
    with pytest.raises(ValueError, match=r"and steps of 0\.11 of no unit along the coordinates"):
        nfl.measure_lattices(table, 0.05)
    MAPS[0].transpose("x", "y").to_dataset(name="rate").to_netcdf(tmp_path / "a.nc")
    with netCDF4.Dataset(tmp_path / "a.nc") as file:
        found = nfl.measure_lattices(file["rate"], SIZE).orientation.item()
        with pytest.raises(ValueError, match="and steps of"):
            nfl.measure_lattices(file["rate"], 0.05)
    assert found == pytest.approx(expected)


def test_gaps_of_dask_are_gaps():
    dask = pytest.importorskip("dask.array")
    hidden = np.ma.masked_less(RATES, 0.5)
    np.testing.assert_array_equal(
        labelled(dask.from_array(hidden, chunks=-1)).values, labelled(hidden).values
    )


@pytest.mark.parametrize(
    ("maps", "time"),
    [
        (MAPS, OCCUPANCY),
        (MAPS, OCCUPANCY[::-1, ::-1]),
        (MAPS[:, ::-1], OCCUPANCY),
        (MAPS, OCCUPANCY[::-1].assign_coords(y=np.linspace(2.145, 0.055, SIDE))),
        (MAPS, OCCUPANCY[::-1].assign_coords(y=("y", CENTRES[::-1] * 100, {"units": "cm"}))),
        (MAPS, OCCUPANCY.drop_vars(["y", "x"])),
        (MAPS, OCCUPANCY.assign_coords(y=np.arange(SIDE))),
        (list(MAPS), OCCUPANCY[::-1]),
        ([MAPS[0], MAPS[1][::-1], MAPS[2][:, ::-1]], OCCUPANCY),
        (ACROSS, TIME.T),
        ({"a": ACROSS[0], "b": ACROSS[1], "c": ACROSS[2]}, TIME.T),
        (MAPS.transpose("unit", "x", "y").rename(y="z"), TIME.T),
        (RATES, TIME),
        (  # centimetres, but they do not say so
            MAPS.assign_coords(y=100 * CENTRES),
            OCCUPANCY.assign_coords(y=("y", CENTRES, {"units": "m"})),
        ),
    ],
)
def test_time_is_laid_where_the_maps_are(maps, time):
    np.testing.assert_allclose(nfl.spatial_information(maps, time).values, BITS)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (MAPS, MAPS[:, ::-1]),
        (list(MAPS), list(MAPS[:, ::-1])),
        (ACROSS, np.array(ACROSS)),
        (np.array(ACROSS), ACROSS),
        (MAPS[:, ::-1], MAPS.drop_vars(["y", "x"])[:, ::-1]),
        ([xr.DataArray(rates) for rates in RATES], RATES),
        (RATES, [pd.DataFrame(rates) for rates in RATES]),
        ([MAPS[0], MAPS[1][::-1], MAPS[2]], MAPS),
    ],
)
def test_halves_are_compared_place_by_place(first, second):
    np.testing.assert_allclose(nfl.stability(first, second).values, 1)


def test_other_places_are_refused():
    elsewhere = OCCUPANCY.assign_coords(y=CENTRES + 0.03)
    with pytest.raises(ValueError, match="occupancy: found other places along y; allowed: those"):
        nfl.spatial_information(MAPS, elsewhere)
    with pytest.raises(ValueError, match="second_half: found other places along x"):
        nfl.stability(MAPS, MAPS.assign_coords(x=2 * CENTRES))
    assert placed_as(RATES, TIME, "occupancy") is TIME
    with pytest.raises(ValueError, match="second_half: found a Dataset; allowed: one of its"):
        nfl.stability(MAPS, MAPS.to_dataset("unit"))


def test_maps_whose_axes_run_in_unlike_directions_have_no_common_orientation():
    with pytest.raises(ValueError, match="coordinates that rise in some maps and fall in others"):
        nfl.measure_lattices([MAPS[0], MAPS[1][::-1]], SIZE)


def test_the_unit_of_an_array_bin_size_counts(tmp_path):
    for value, unit in ((11.0, "cm"), (0.11, "m"), (0.11, None)):
        size = xr.DataArray(value, attrs={} if unit is None else {"units": unit})
        MAPS.drop_vars(["y", "x"]).to_dataset(name="rate_map").assign(bin_size=size).to_netcdf(
            tmp_path / "maps.nc"
        )
        assert read_maps(tmp_path / "maps.nc")[1] == pytest.approx(SIZE)


@pytest.mark.parametrize("rows", [13, 20])
@pytest.mark.parametrize("step", [1, -1])
def test_an_oblong_arena_keeps_its_directions(tmp_path, rows, step):
    oblong = MAPS[:, :rows, : 33 - rows][:, ::step]
    oblong.to_dataset(name="rate_map").to_netcdf(tmp_path / "maps.nc")
    padded, _ = read_maps(tmp_path / "maps.nc", bin_size=SIZE)
    assert padded.shape == (3, 20, 20)
    assert (np.sign(np.diff(padded["y"])) == step).all()
    found = nfl.measure_lattices(padded, SIZE).orientation.values
    expected = nfl.measure_lattices(MAPS, SIZE).orientation.values
    np.testing.assert_allclose(np.angle(np.exp(6j * (found - expected))) / 6, 0, atol=0.05)


def test_axes_of_files_are_those_of_arrays(tmp_path):
    turned = MAPS.drop_vars(["y", "x"]).transpose("x", "y", "unit").rename(x="X", y="Y")
    turned.to_dataset(name="rate_map").to_netcdf(tmp_path / "maps.nc")
    found, _ = read_maps(tmp_path / "maps.nc", bin_size=SIZE)
    np.testing.assert_array_equal(labelled(found).values, RATES)


def test_bins_of_an_oblong_arena_that_are_not_square_are_refused(tmp_path):
    oblong = MAPS[:, :13].assign_coords(y=2 * CENTRES[:13])
    oblong.to_dataset(name="rate_map").to_netcdf(tmp_path / "maps.nc")
    padded, _ = read_maps(tmp_path / "maps.nc", bin_size=SIZE)
    with pytest.raises(ValueError, match="square bins"):
        nfl.score(padded, SIZE)


def test_zero_counts_inside_an_oblong_arena_and_not_beside_it(tmp_path, caplog):
    oblong = RATES[:, :14].copy()
    np.savez(tmp_path / "maps.npz", rate_maps=oblong)
    assert "read as 3 maps of 14 x 20 bins" in (read_maps(tmp_path / "maps.npz"), caplog.text)[1]
    oblong[0, 3:5] = np.nan
    oblong[1] = np.nan
    np.savez(tmp_path / "maps.npz", rate_maps=oblong)
    maps, _ = read_maps(tmp_path / "maps.npz", unvisited="zero")
    assert (maps.values[0, 3:5] == 0).all() and np.isnan(maps.values[:, 14:]).all()
    assert np.isnan(maps.values[1]).all()  # a map without any visited bin has no rates at all


def test_zero_on_the_command_line_counts_inside_alone(tmp_path, capsys):
    oblong = RATES[:1, :14].copy()
    oblong[0, 3:5, 4:9] = np.nan
    np.savez(tmp_path / "maps.npz", rate_maps=oblong)
    path, size = str(tmp_path / "maps.npz"), str(SIZE)
    assert __main__.main(["score", path, "--bin-size", size, "--unvisited", "zero"]) == 0
    found = pd.read_csv(io.StringIO(capsys.readouterr().out))
    filled = np.pad(np.nan_to_num(oblong), ((0, 0), (0, 6), (0, 0)), constant_values=np.nan)
    expected = nfl.score(filled, SIZE)
    outside = nfl.score(filled, SIZE, "zero")
    assert found["score_90"].item() == pytest.approx(expected["score_90"].item())
    assert found["score_90"].item() != pytest.approx(outside["score_90"].item())


class OfAstropy:
    """What astropy's masked arrays have."""

    def __init__(self, unmasked, mask):
        self.unmasked, self.mask = unmasked, mask


@pytest.mark.parametrize("kind", ["astropy", "torch", "Float64", "Int64"])
@pytest.mark.parametrize("several", [False, True])
@pytest.mark.filterwarnings("ignore:The PyTorch API of MaskedTensors")
def test_masks_of_other_libraries_count(kind, several):
    hidden = np.zeros(RATES[0].shape, bool)
    hidden[:2, 1:] = True
    rates = np.round(100 * RATES[0])
    with_gaps = np.where(hidden, np.nan, rates)
    if kind == "astropy":
        given = OfAstropy(np.where(hidden, 99.0, rates), hidden)
    elif kind == "torch":
        tensor = torch.from_numpy(np.where(hidden, 99.0, rates))
        given = torch.masked.masked_tensor(tensor, torch.from_numpy(~hidden))
    else:
        given = pd.DataFrame(with_gaps).astype(kind)
    found = labelled([given, given] if several else given)
    np.testing.assert_array_equal(found.values, [with_gaps] * 2 if several else with_gaps)


@pytest.mark.filterwarnings("ignore:Duplicate dimension names")
def test_two_axes_of_one_name_are_told_apart():
    found = labelled(xr.DataArray(RATES, dims=("unit", "bin", "bin")))
    np.testing.assert_array_equal(found.values, RATES)
    assert found.dims == ("unit", "bin", "bin_1")
