"""Rate maps of Parquet, NWB, netCDF and numpy: they come back alike, or one line says why not."""

import pickle
import sys

import netCDF4
import numpy as np
import pandas as pd
import pytest
import scipy.io
import xarray as xr
from map_file_examples import BINS, COUNT, MAPS, SIZE, check, of_cells, refusal
from nofreelunch.errors import MissingLibrary
from nofreelunch.scoring import map_files, score_maps
from nofreelunch.scoring.map_files import read_maps
from synthetic_maps import BOX, hexagonal_maps, write_nwb


@pytest.fixture
def maps():
    return MAPS.copy()


# Parquet


def long_table(maps, **labels):
    """One row per visited bin."""
    made = xr.DataArray(maps, dims=("unit", "y", "x"), name="rate").to_dataframe().reset_index()
    return made.dropna().assign(**labels)


def write(table, path):
    pytest.importorskip("pyarrow", reason="needs the extra exchange")
    table.sample(frac=1, random_state=0).to_parquet(path)


def test_parquet(maps, tmp_path):
    """Rows in any order; a bin without a row was not visited."""
    path = tmp_path / "maps.parquet"
    table = long_table(maps, occupancy=1.5)
    table.attrs["bin_size"] = SIZE
    write(table, path)
    found, size = read_maps(path)
    check(found.sortby("unit"), maps)
    assert found.dims == ("unit", "y", "x") and size == pytest.approx(SIZE)


def test_parquet_with_centres_two_labels_and_an_empty_row(maps, tmp_path):
    path = tmp_path / "maps.parquet"
    table = long_table(maps, animal="a")
    table = table[table["y"] != 7]
    table[["x", "y"]] = (table[["x", "y"]] + 0.5) * SIZE
    write(table.rename(columns={"rate": "hz"}), path)
    found, size = read_maps(path, "hz")
    expected = maps.copy()
    expected[:, 7] = np.nan
    check(found.isel(map=np.argsort(found["unit"].values)), expected)
    assert size is None and list(found["animal"].values) == ["a"] * COUNT
    score_maps.score(found, SIZE)
    with pytest.raises(ValueError, match=r"bin_size: found 0\.05 m, and steps of 0\.11"):
        score_maps.score(found, 0.05)


def test_a_parquet_of_one_map(maps, tmp_path):
    path = tmp_path / "maps.parquet"
    write(long_table(maps[:1]).drop(columns="unit"), path)
    check(read_maps(path)[0], maps[0])


def test_parquets_that_are_refused(maps, tmp_path):
    path = tmp_path / "maps.parquet"
    table = long_table(maps)
    write(table.drop(columns="y"), path)
    assert "found columns unit, x, rate; allowed: one row per bin, with columns y, x" in refusal(
        path
    )
    write(table, path)
    assert "with columns y, x and hz" in refusal(path, "hz")
    write(table.drop(columns="unit"), path)
    assert "found two rows for y " in refusal(path)
    assert "allowed: one row per bin and map, and columns of whole numbers" in refusal(path)
    write(table.assign(x=np.exp(table["x"])), path)
    assert "found y or x that are not evenly spaced" in refusal(path)
    path.write_text("maps")
    assert "not a readable parquet file" in refusal(path)


# NWB


def test_nwb(maps, tmp_path):
    path = tmp_path / "maps.nwb"
    columns = {"rate_map": maps, "waveform": np.zeros((COUNT, 9, 9)), "id": [4, 5, 6]}
    write_nwb(path, columns | {"bin_size": np.full(COUNT, SIZE)})
    found, size = read_maps(path)
    check(found, maps)
    assert size == pytest.approx(SIZE) and list(found["unit"].values) == [4, 5, 6]
    assert read_maps(path, "acquisition/raw/data")[0].shape == (30, 30, 30)
    write_nwb(path, columns | {"bin_size": [SIZE, SIZE, 1.0]})
    with pytest.raises(ValueError, match="allowed: one size for all maps"):
        read_maps(path)


def test_edges_and_axes_of_ndx_rate_maps(maps, tmp_path):
    """There x comes first, and edges have a unit."""
    path = tmp_path / "maps.nwb"
    edges = 100 * SIZE * np.arange(BINS + 1)
    about = {"dim0_label": "x_position", "dim0_unit": "cm", "dim1_label": "y_position"}
    columns = {"bin_edges_dim0": edges, "bin_edges_dim1": edges, "rate_map": maps.swapaxes(1, 2)}
    write_nwb(path, columns, about | {"dim1_unit": "cm"})
    found, size = read_maps(path)
    check(found, maps)
    assert found.dims == ("unit", "y", "x") and size == pytest.approx(SIZE)


def test_nwbs_that_are_refused(maps, tmp_path):
    path = tmp_path / "maps.nwb"
    write_nwb(path, {"spike_count": [1, 2, 3]})
    assert "found no table with maps; allowed: a column rate_map (unit, y, x)" in refusal(path)
    assert "found no 'other'" in refusal(path, "other")
    write_nwb(path, {"early": maps, "late": maps})
    assert "maps/early, processing/behavior/maps/late; allowed: one array" in refusal(path)
    check(read_maps(path, "late")[0], maps)
    path.write_text("maps")
    assert "not a readable nwb file" in refusal(path)


# Shapes, masks and pickles


def test_a_circular_arena(maps, tmp_path):
    """NaN outside; the scores are those of the same maps in an array."""
    y, x = np.mgrid[:BINS, :BINS] - (BINS - 1) / 2
    round_maps = np.where(np.hypot(x, y) < BINS / 2, maps, np.nan)
    np.save(tmp_path / "maps.npy", round_maps)
    found, _ = read_maps(tmp_path / "maps.npy")
    scores = score_maps.score(found, SIZE)
    np.testing.assert_allclose(scores["period"], 0.7, rtol=0.05)
    masked = score_maps.score(np.ma.masked_invalid(round_maps), SIZE)
    np.testing.assert_array_equal(masked["score_60"], scores["score_60"])


@pytest.mark.parametrize("rows", [14, 26])
def test_an_oblong_arena(rows, tmp_path, caplog):
    """Filled up with unvisited bins where the maps are named, which the log says."""
    square = hexagonal_maps(26, 0.5, 2, np.random.default_rng(1))[0]
    oblong = square[:, :rows] if rows < 26 else square[:, :, :14]
    np.savez(tmp_path / "maps.npz", rate_maps=oblong, bin_size=BOX / 26)
    found, size = read_maps(tmp_path / "maps.npz")
    assert found.shape == (2, 26, 26) and "filled up with unvisited ones" in caplog.text
    assert np.isnan(found.values).sum() == 2 * 26 * 12
    np.testing.assert_allclose(score_maps.score(found, size)["period"], 0.5, rtol=0.05)


def test_a_table_of_flat_maps_is_refused(maps, tmp_path):
    """It is no oblong arena."""
    np.savez(tmp_path / "maps.npz", rate_maps=maps.reshape(COUNT, -1))
    with pytest.raises(ValueError, match=r"found shape \(3, 400\); allowed: square maps"):
        score_maps.score(read_maps(tmp_path / "maps.npz")[0], SIZE)


def test_pickles_are_never_loaded(maps, tmp_path):
    path = tmp_path / "maps.npy"
    np.save(path, np.array([maps, None], object), allow_pickle=True)
    assert "found Python objects, which are never loaded" in refusal(path)
    path.write_bytes(pickle.dumps(maps))
    assert "not a readable npy file" in refusal(path)
    other = path.rename(tmp_path / "maps.pkl")
    assert "found suffix '.pkl'; allowed: .nc, .npz" in refusal(other)


@pytest.mark.parametrize(("suffix", "library"), [(".parquet", "pyarrow"), (".nwb", "h5py")])
def test_a_library_that_is_not_installed(suffix, library, tmp_path, monkeypatch):
    path = tmp_path / f"maps{suffix}"
    path.write_text("maps")
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(MissingLibrary) as error:
        read_maps(path)
    assert str(error.value) == (
        f"{path}: found no library {library}; allowed: it, from the extra exchange: "
        "`pip install -e '.[exchange]'`"
    )


# Arrays that stand beside the maps, and files of other kinds


def test_occupancy_is_not_taken_for_maps_that_cannot_be_read(maps, tmp_path):
    unlike, time = of_cells(maps[0], maps[1, :9, :9]), np.ones((BINS, BINS))
    np.savez(tmp_path / "a.npz", rate_maps=unlike, occupancy=time)
    scipy.io.savemat(tmp_path / "a.mat", {"rate_maps": unlike, "occupancy": time})
    for name in ("a.npz", "a.mat"):
        said = refusal(tmp_path / name)
        assert said.endswith(
            "rate_maps: found objects, or cells of unlike sizes; allowed: numbers, as maps of one "
            "size"
        )
        assert refusal(tmp_path / name, "rate_maps") == said
        assert read_maps(tmp_path / name, "occupancy")[0].shape == time.shape
    scipy.io.savemat(tmp_path / "b.mat", {"cells": unlike, "occupancy": time})
    scipy.io.savemat(tmp_path / "c.mat", {"names": of_cells("a", "b")})
    assert "(no arrays of numbers)" in refusal(tmp_path / "c.mat")
    said = refusal(tmp_path / "b.mat")
    assert "no square maps (occupancy (20, 20), cells: objects, or cells of unlike sizes)" in said


def test_measured_columns_and_an_index_of_a_parquet(maps, tmp_path, caplog):
    pytest.importorskip("pyarrow", reason="needs the extra exchange")
    path, random = tmp_path / "maps.parquet", np.random.default_rng(1)
    named = xr.DataArray(maps, dims=("unit", "y", "x"), coords={"unit": [4, 5, 6]}, name="rate")
    table = named.to_dataframe()
    table.to_parquet(path)
    found, _ = read_maps(path)
    check(found, maps)
    assert found["unit"].values.tolist() == [4, 5, 6]
    table = table.reset_index()
    table["spikes"], table["in_field"] = random.integers(0, 9, len(table)), table["rate"] > 1
    table.to_parquet(path)
    check(read_maps(path)[0], maps)
    assert "column spikes varies within maps, so it names none of them" in caplog.text
    table.loc[0, "y"] = np.nan
    table.to_parquet(path)
    assert "found a row without y; allowed: a number in each row" in refusal(path)


def test_maps_along_the_last_axis_of_numpy(maps, tmp_path):
    path = tmp_path / "maps.npy"
    np.save(path, np.moveaxis(maps, 0, -1))
    assert "found shape (20, 20, 3); allowed: (map, y, x), which np.moveaxis(maps," in refusal(path)


def test_groups_and_times_of_netcdf(maps, tmp_path):
    data = xr.Dataset({"rate_map": (("unit", "y", "x"), maps)})
    data["unit"] = ("unit", np.arange(COUNT), {"units": "days since recording"})
    for path, group in ((tmp_path / "a.nc", None), (tmp_path / "b.h5", "cells/left")):
        data.to_netcdf(path, group=group)
        check(read_maps(path)[0], maps)
    check(read_maps(tmp_path / "b.h5", "rate_map")[0], maps)


@pytest.mark.parametrize("name", ["maps.json", "maps.xlsx", "maps.pt", "maps.csv.gz"])
def test_files_that_nothing_here_reads(name, tmp_path):
    (tmp_path / name).write_bytes(b"PK\3\4")
    suffix = name[name.rindex(".") :]
    assert f"found suffix '{suffix}'; allowed: .nc, .npz, .npy, .mat, " in refusal(tmp_path / name)


def test_units_along_the_last_axis_are_refused(maps, tmp_path):
    """They would be taken for an oblong arena, and filled up. Names of axes say what they are."""
    last = np.moveaxis(np.concatenate([maps] * 5), 0, -1)
    named = xr.DataArray(last, dims=("row", "col", "unit"), name="rate_map")
    named.to_netcdf(tmp_path / "named.nc")
    np.testing.assert_array_equal(read_maps(tmp_path / "named.nc")[0], np.moveaxis(last, -1, 0))
    named.rename(row="i", col="j").to_netcdf(tmp_path / "a.nc")
    np.savez(tmp_path / "a.npz", rate_map=np.stack([last, last]))
    for name in ("a.nc", "a.npz"):
        assert ", y, x), which np.moveaxis(maps, -1, 0) makes" in refusal(tmp_path / name)


def test_a_bin_size_that_is_an_array_or_of_a_group(maps, tmp_path):
    named = xr.DataArray(maps, dims=("unit", "y", "x"), name="rate_map").to_dataset()
    named.assign(bin_size=SIZE).to_netcdf(tmp_path / "a.nc")
    named.assign_attrs(bin_size=SIZE).to_netcdf(tmp_path / "b.nc", group="cells/left")
    xr.Dataset({"note": 1.0}).to_netcdf(tmp_path / "b.nc", mode="a")
    for name, variable in (("a.nc", None), ("b.nc", "cells/left/rate_map")):
        found, size = read_maps(tmp_path / name, variable)
        check(found, maps)
        assert size == pytest.approx(SIZE)


def test_bins_that_were_never_written_are_unvisited(tmp_path):
    """netCDF puts a number of its own there, without an attribute; and values may be not valid."""
    hidden = np.zeros(MAPS.shape, bool)
    hidden[:, :2, 1:] = True
    for kind, attributes in (("f8", {}), ("f4", {}), ("f8", {"valid_min": -50.0})):
        with netCDF4.Dataset(tmp_path / "maps.nc", "w") as file:
            for name, size in zip(("unit", "y", "x"), MAPS.shape, strict=True):
                file.createDimension(name, size)
            made = file.createVariable("rate_map", kind, ("unit", "y", "x"))
            made.setncatts(attributes)
            if attributes:
                made[:] = np.where(hidden, -99.0, MAPS)
            else:
                made[:] = np.ma.masked_array(MAPS, hidden)
        found, _ = read_maps(tmp_path / "maps.nc")
        np.testing.assert_array_equal(np.isnan(found), hidden | np.isnan(MAPS))


def test_half_precision_is_read_and_does_not_end_the_process(tmp_path):
    """Of the maps, or of another array in the file. The netCDF library takes it for text."""
    h5py = pytest.importorskip("h5py")
    whole = np.nan_to_num(MAPS)
    for name, kind in (("half.h5", "f2"), ("whole.h5", "f8")):
        with h5py.File(tmp_path / name, "w") as file:
            file["rate_map"] = whole.astype(kind)
            file["other"] = np.zeros(3, "f2")
        found, _ = read_maps(tmp_path / name)
        np.testing.assert_allclose(found, whole.astype(kind), rtol=1e-6)


@pytest.mark.parametrize(
    ("name", "stated"),
    [("maps.mat", "array"), ("maps.h5", "array"), ("maps.h5", "file"), ("maps.h5", "maps")],
)
def test_broken_links_and_arrays_without_values_are_passed_over(tmp_path, name, stated):
    """The netCDF library refuses such a file as a whole. Its bin size may stand in three places."""
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / name, "w") as file:
        file["rate_map"] = np.nan_to_num(MAPS)
        file["nothing"] = h5py.Empty("f4")
        file["link"] = h5py.SoftLink("/not/there")
        file["elsewhere"] = h5py.ExternalLink("no.h5", "/maps")
        if stated == "array":
            file["bin_size"] = 0.05
        else:
            (file if stated == "file" else file["rate_map"]).attrs["bin_size"] = 0.05
    found, size = read_maps(tmp_path / name)
    assert found.sizes["map"] == len(MAPS) and size == 0.05
    with h5py.File(tmp_path / name, "a") as file:
        del file["rate_map"]
    with pytest.raises(ValueError, match=r"no square maps|not a readable"):
        read_maps(tmp_path / name)


def test_words_in_a_table_are_named(tmp_path):
    pytest.importorskip("pyarrow")
    y, x = np.mgrid[:5, :5].reshape(2, -1)
    table = pd.DataFrame({"y": y, "x": x, "rate": y + 0.5})
    for column, words in (("y", "3 cm"), ("rate", "low")):
        path = tmp_path / f"{column}.parquet"
        table.assign(**{column: words}).to_parquet(path)
        with pytest.raises(ValueError, match=f"found {column} '{words}'; allowed: a number in"):
            read_maps(path)


def test_an_array_with_two_axes_of_one_name_is_no_fault_of_the_file(tmp_path):
    matrix = xr.DataArray(np.eye(len(MAPS)), dims=("unit", "unit_too"))
    maps = xr.DataArray(MAPS, dims=("unit", "y", "x"))
    xr.Dataset({"rate_map": maps, "correlation": matrix}).to_netcdf(tmp_path / "maps.nc")
    with netCDF4.Dataset(tmp_path / "maps.nc", "a") as file:
        file.createVariable("noise_correlation", "f8", ("unit", "unit"))[:] = np.eye(len(MAPS))
    found, _ = read_maps(tmp_path / "maps.nc")
    np.testing.assert_array_equal(found, MAPS)


def test_a_lock_that_is_refused_is_named_when_scores_are_written(tmp_path, monkeypatch):
    """netCDF tells it as a missing permission."""
    monkeypatch.setattr(map_files.access, "obstacle_to_writing", lambda path: "it refuses locks")

    def refuse(*arguments, **options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(xr.Dataset, "to_netcdf", refuse)
    with pytest.raises(OSError, match=r"scores\.nc: it cannot be written \(it refuses locks\)"):
        map_files.write(xr.Dataset(), tmp_path / "scores.nc")
