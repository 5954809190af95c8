"""Rate maps in files of any origin, scored from the command line; and what it refuses."""

import io
import pickle
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import scipy.io
import xarray as xr
from nofreelunch import __main__
from nofreelunch.scoring import (
    expanding_ring,
    grid_scores,
    lattices,
    map_files,
    score_maps,
    significance,
)
from synthetic_maps import BOX, hexagonal_maps

BINS = 20
SIZE = BOX / BINS


@pytest.fixture
def maps():
    """Two animals of three cells: lattices of 0.7 m, and a silent one."""
    rates, _ = hexagonal_maps(BINS, 0.7, 6, np.random.default_rng(0), noise=0.2, rectified=True)
    rates[4] = 0
    return xr.DataArray(
        rates.reshape(2, 3, BINS, BINS),
        dims=("animal", "cell", "y", "x"),
        coords={"animal": ["a", "b"], "cell": [7, 8, 9], "x": SIZE * np.arange(BINS)},
        name="rates",
    )


def table_of(capsys):
    return pd.read_csv(io.StringIO(capsys.readouterr().out), keep_default_na=False)


def refusal(capsys, *arguments):
    """The line on stderr of a command that is refused."""
    with pytest.raises(SystemExit) as ending:
        __main__.main([str(argument) for argument in arguments])
    printed = capsys.readouterr()
    assert ending.value.code == 2 and printed.out == ""
    assert printed.err.endswith("\n") and printed.err.count("\n") == 1
    return printed.err


def test_netcdf_to_the_terminal(maps, tmp_path, capsys):
    path = tmp_path / "maps.nc"
    maps.to_netcdf(path)
    assert __main__.main(["score", str(path), "--bin-size", str(SIZE)]) == 0
    table = table_of(capsys)
    assert list(table.columns[:2]) == ["animal", "cell"]
    assert list(table["cell"]) == [7, 8, 9] * 2 and list(table["animal"]) == ["a"] * 3 + ["b"] * 3
    expected = grid_scores.grid_scores(maps)
    for method in grid_scores.DEFINITIONS:
        scores = expected.score_60.sel(definition=method).values.ravel()
        np.testing.assert_allclose(table[f"score_60_{method}"], scores)
    np.testing.assert_allclose(table["score_90"], expected.score_90[0].values.ravel())
    alive = table["reason"] == ""
    assert list(table["reason"][~alive]) == ["constant"] and not alive[4]
    periods = pd.to_numeric(table["period"][alive])
    np.testing.assert_allclose(periods, 0.7, rtol=0.02)
    assert list(table["period"][~alive]) == [""] and list(table["gridness"][~alive]) == [""]
    assert "p_value" not in table


def test_netcdf_to_netcdf_with_surrogates(maps, tmp_path):
    path, output = tmp_path / "maps.nc", tmp_path / "scores.nc"
    maps.transpose("y", "x", "cell", "animal").to_netcdf(path)
    arguments = ["score", path, "--bin-size", SIZE, "--surrogates", 5, "--seed", 3, "-o", output]
    assert __main__.main([str(argument) for argument in arguments]) == 0
    assert [file.name for file in tmp_path.iterdir() if "part" in file.name] == []
    found, flat = xr.load_dataset(output), maps.transpose("cell", "animal", "y", "x")
    assert found.attrs["bin_size"] == pytest.approx(SIZE)
    assert found.period.attrs["units"] == "m"
    expected = [
        grid_scores.grid_scores(flat)[["score_60", "ring_60"]],
        expanding_ring.expanding_ring_gridness(flat),
        lattices.measure_lattices(flat, SIZE),
        significance.significance(flat, 5, 3),
    ]
    for part in expected:
        for name, values in part.items():
            xr.testing.assert_allclose(found[name], values.drop_attrs())


def test_npz(maps, tmp_path, capsys):
    """Nothing is named there; bin size and maps may be, and other arrays may be beside them."""
    path = tmp_path / "maps.npz"
    rates = maps.values.reshape(6, BINS, BINS)
    np.savez(path, rate_maps=rates, bin_size=SIZE, names=np.array(list("abcdef")), other=rates[:2])
    assert __main__.main(["score", str(path)]) == 0
    table = table_of(capsys)
    assert list(table["map"]) == list(range(6))
    assert __main__.main(["score", str(path), "--variable", "other"]) == 0
    assert len(table_of(capsys)) == 2
    np.savez(path, one=rates[0])
    output = tmp_path / "scores.csv"
    assert __main__.main(["score", str(path), "--bin-size", "0.11", "-o", str(output)]) == 0
    assert len(pd.read_csv(output)) == 1


def test_no_maps(tmp_path, capsys):
    path = tmp_path / "maps.npz"
    np.savez(path, np.empty((0, 9, 9)))
    assert __main__.main(["score", str(path), "--bin-size", "0.1"]) == 0
    table = table_of(capsys)
    assert len(table) == 0 and "score_60_min_max" in table


def test_refused_arguments(maps, tmp_path, capsys):
    path = tmp_path / "maps.nc"
    maps.to_netcdf(path)
    size = "--bin-size", SIZE
    assert "--bin-size: found none" in refusal(capsys, "score", path)
    assert "bin_size: found -1.0" in refusal(capsys, "score", path, "--bin-size", -1)
    assert "surrogates: found -1" in refusal(capsys, "score", path, *size, "--surrogates", -1)
    assert "invalid int value: 'many'" in refusal(capsys, "score", path, "--surrogates", "many")
    assert "found no 'rate'; allowed: rates" in refusal(
        capsys, "score", path, *size, "--variable", "rate"
    )
    assert "allowed: .nc, .csv" in refusal(capsys, "score", path, *size, "-o", tmp_path / "a.txt")
    assert "no such folder" in refusal(capsys, "score", path, *size, "-o", tmp_path / "no" / "a.nc")
    assert "no such file" in refusal(capsys, "score", tmp_path / "none.nc", *size)
    assert "FILE" in refusal(capsys, "score")
    assert "COMMAND" in refusal(capsys)


def test_refused_files(maps, tmp_path, capsys):
    def refused(path):
        return refusal(capsys, "score", path, "--bin-size", SIZE)

    broken = tmp_path / "maps.nc"
    broken.write_text("maps")
    assert "maps.nc: not a readable netCDF file" in refused(broken)
    archive = tmp_path / "maps.npz"
    for content in (b"", b"maps", pickle.dumps([1.0])):
        archive.write_bytes(content)
        assert "maps.npz: not a readable npz file" in refused(archive)
    np.savez(archive, a=maps.values, b=maps.values)
    assert "found a, b; allowed: one array of square maps" in refused(archive)
    np.savez(archive, maps.values[..., :5])
    assert "found no square maps (arr_0 (2, 3, 20, 5)); allowed" in refused(archive)
    other = tmp_path / "maps.CSV"
    other.write_text("maps")
    said = refused(other)
    assert "found suffix '.CSV'; allowed: .nc, .npz, .npy, .mat, .parquet, .nwb (pandas" in said
    np.savez(archive, np.array([Harmful()], object))
    assert "found no square maps (arr_0: objects, or cells of unlike" in refused(archive)
    np.save(tmp_path / "maps.npy", np.array([Harmful()], object))
    assert "maps.npy: found Python objects, which are never" in refused(tmp_path / "maps.npy")
    assert f"{tmp_path}: found a folder; allowed: a file" in refused(tmp_path)
    np.savez(archive, maps.values, bin_size=np.array([SIZE]))
    assert __main__.main(["score", str(archive)]) == 0
    capsys.readouterr()
    np.savez(archive, np.full((2, 9, 9), np.inf))
    assert "found an infinite rate" in refused(archive)


@pytest.mark.parametrize("name", ["maps.npy", "maps.NPY", "maps.NPZ"])
def test_files_of_numpy(name, maps, tmp_path, capsys):
    with open(tmp_path / name, "wb") as file:  # np.save would add a suffix of its own
        np.savez(file, maps.values) if "NPZ" in name else np.save(file, maps.values)
    assert __main__.main(["score", str(tmp_path / name), "--bin-size", str(SIZE)]) == 0
    found = table_of(capsys)
    maps.drop_vars(list(maps.coords)).to_netcdf(tmp_path / "maps.nc")
    assert __main__.main(["score", str(tmp_path / "maps.nc"), "--bin-size", str(SIZE)]) == 0
    scores = ["score_60_min_max", "period"]
    pd.testing.assert_frame_equal(found[scores], table_of(capsys)[scores])


def test_a_file_of_matlab(maps, tmp_path, capsys):
    """It has the scores of the same maps in an npz; `explore` reads it, too."""
    path, page = tmp_path / "mes cartes.mat", tmp_path / "page.html"
    rates = maps.values.reshape(6, BINS, BINS)
    scipy.io.savemat(path, {"rates": np.moveaxis(rates, 0, -1), "bin_size": SIZE})
    assert __main__.main(["score", str(path)]) == 0
    found = table_of(capsys)
    np.savez(tmp_path / "maps.npz", rates, bin_size=SIZE)
    assert __main__.main(["score", str(tmp_path / "maps.npz")]) == 0
    pd.testing.assert_frame_equal(found, table_of(capsys))
    assert __main__.main(["explore", str(path), "-o", str(page)]) == 0
    assert '"title": "mes cartes"' in page.read_text(encoding="utf-8")


def test_bin_sizes_in_files(maps, tmp_path, capsys):
    """Of the file, of the maps in it, or of the command; the last of these counts."""
    archive, path = tmp_path / "maps.npz", tmp_path / "maps.nc"
    np.savez(archive, maps.values, bin_size=np.array(["x"]))
    expected = "bin_size: found array(['x'], dtype='<U1'); allowed: one number"
    assert expected in refusal(capsys, "score", archive)
    for wrong in ("0.11 m", [0.1, 0.1]):
        maps.to_dataset().assign_attrs(bin_size=wrong).to_netcdf(path)
        assert "bin_size: found" in refusal(capsys, "score", path)
        assert __main__.main(["score", str(path), "--bin-size", str(SIZE)]) == 0
        expected = table_of(capsys)
        maps.assign_attrs(bin_size=SIZE).to_dataset().assign_attrs(bin_size=wrong).to_netcdf(path)
        assert __main__.main(["score", str(path)]) == 0
        pd.testing.assert_frame_equal(table_of(capsys), expected)


def test_scores_do_not_replace_the_maps(maps, tmp_path, capsys):
    path, other = tmp_path / "maps.nc", tmp_path / "same.nc"
    maps.to_netcdf(path)
    other.symlink_to(path)
    content = path.read_bytes()
    for output in (path, other):
        said = refusal(capsys, "score", path, "--bin-size", SIZE, "-o", output)
        assert f"{output}: found the file of the maps; allowed: another one" in said
    assert path.read_bytes() == content


class Harmful:
    """Runs code where it is unpickled."""

    def __reduce__(self):
        return pytest.fail, ("an npz was unpickled",)


def test_objects_in_an_npz_are_not_unpickled(maps, tmp_path, capsys):
    path = tmp_path / "maps.npz"
    np.savez(path, rates=maps.values, harmful=np.array([[Harmful()] * 2] * 2, object))
    assert __main__.main(["score", str(path), "--bin-size", "0.11"]) == 0
    assert len(table_of(capsys)) == 6
    arguments = "score", path, "--bin-size", SIZE, "--variable", "harmful"
    assert "harmful: found objects, or cells of unlike sizes; allowed" in refusal(
        capsys, *arguments
    )


@pytest.mark.parametrize("kind", [OSError, RuntimeError])  # the second as HDF5 raises it
def test_written_whole_or_not_at_all(kind, maps, tmp_path, monkeypatch):
    scores, path = score_maps.score(maps, SIZE), tmp_path / "scores.nc"
    path.write_text("before")

    def full(*_, **__):
        raise kind("No space left on device")

    monkeypatch.setattr(xr.Dataset, "to_netcdf", full)
    with pytest.raises(OSError, match="No space left") as error:
        map_files.write(scores, path)
    assert str(error.value).startswith(f"{path}: ") and "part" not in str(error.value)
    assert [file.name for file in tmp_path.iterdir()] == ["scores.nc"]
    assert path.read_text() == "before"


def test_as_a_module(maps, tmp_path):
    """`python -m nofreelunch` prints a table and imports no torch; `| head` is no error."""
    path = tmp_path / "maps.nc"
    maps.to_netcdf(path)
    arguments = ["nofreelunch", "score", str(path), "--bin-size", str(SIZE)]
    done = subprocess.run([sys.executable, "-m", *arguments], capture_output=True, text=True)
    assert done.returncode == 0 and done.stderr == ""
    assert len(done.stdout.splitlines()) == 7
    script = (
        "import sys; from nofreelunch.__main__ import main; main(sys.argv[2:]); "
        "sys.exit('torch' in sys.modules)"
    )
    command = [sys.executable, "-c", script, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0


def test_forecast_of_a_study(tmp_path, capsys):
    """A table with a row for each sweep, then a sentence for each."""
    study = tmp_path / "mine.yaml"
    study.write_text(
        "defaults: {place_cells: 64}\n"
        "sweeps:\n"
        "  widths: {place_cell_width: [0.10, 0.12], seed: [0, 1]}\n"
        "  gaussian: {target: gaussian}\n"
    )
    assert __main__.main(["forecast", str(study)]) == 0
    said = capsys.readouterr()
    lines = said.out.splitlines()
    heads = "sweep targets lattice radius (cycles/box) contrast period (m)"
    assert said.err == "" and lines[0].split() == heads.split()
    assert lines[1].split()[:3] == ["widths", "2", "2"] and "0.75–0.91" in lines[1]
    assert lines[2].split() == ["gaussian", "1", "0", "1.00", "1.00", "-"]
    assert lines[4:] == [
        "widths: 2 of 2 targets predict a lattice, with periods of 0.75–0.91 m.",
        "gaussian: Gaussian targets predict no lattice: their power is highest for "
        "waves as long as the box, as their fields have no surround.",
    ]


def test_forecasts_that_are_refused(tmp_path, capsys):
    assert "laptop" in refusal(capsys, "forecast", "lapto")
    study = tmp_path / "mine.yaml"
    study.write_text("sweeps: {narrow: {place_cell_width: 0.005}}")
    said = refusal(capsys, "forecast", study)
    assert "place_cell_width: found 0.005 m; allowed: at least 0.02 m in an arena of 2.2 m" in said
    study.write_text("sweeps: {wide: {place_cell_width: 3}}")
    assert "place_cell_width: found 3" in refusal(capsys, "forecast", study)


def test_a_sweep_that_is_not_forecast_leaves_the_others(tmp_path, capsys):
    study = tmp_path / "mine.yaml"
    study.write_text(
        "defaults: {place_cells: 64}\n"
        "sweeps:\n"
        "  narrow: {place_cell_width: 0.005}\n"
        "  both: {place_cell_width: [0.005, 0.12]}\n"
    )
    assert __main__.main(["forecast", str(study)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split() == ["narrow", "1", "0", "-", "-", "-"]
    assert lines[2].split()[:3] == ["both", "2", "1"]
    refused = "not forecast: place_cell_width: found 0.005 m; allowed: at least 0.02 m"
    assert lines[4].startswith(f"narrow: {refused}")
    assert lines[5].startswith("both: 1 of 2 targets predict a lattice") and refused in lines[5]


def test_a_page_of_maps(maps, tmp_path):
    path, page = tmp_path / "cartes de l'été.nc", tmp_path / "une page.html"
    maps.to_netcdf(path)
    assert __main__.main(["explore", str(path), "--bin-size", str(SIZE), "-o", str(page)]) == 0
    text = page.read_text(encoding="utf-8")
    assert '"title": "cartes de l\'été"' in text and '"animal a, cell 7"' in text


def test_refused_pages(maps, tmp_path, capsys):
    path = tmp_path / "maps.nc"
    maps.to_netcdf(path)
    page = tmp_path / "page.html"
    assert "found suffix '.nc'; allowed: .html" in refusal(capsys, "explore", path, "-o", path)
    assert "no such folder" in refusal(capsys, "explore", path, "-o", tmp_path / "no" / "a.html")
    assert "--bin-size: found none" in refusal(capsys, "explore", path, "-o", page)
    assert "no such file" in refusal(capsys, "explore", tmp_path / "none.nc", "-o", page)
    assert "summary.nc: no such file" in refusal(capsys, "explore", tmp_path, "-o", page)
    said = refusal(capsys, "explore", tmp_path, "--surrogates", 9, "-o", page)
    assert f"--surrogates: found 9, for the folder {tmp_path}; allowed: it with a file" in said
    assert "-o/--output" in refusal(capsys, "explore", path)
    assert not page.exists()
