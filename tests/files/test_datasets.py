"""netCDF files: written whole or not at all, read back with their origin, refused in one line."""

import errno
import importlib.metadata
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import netCDF4
import nofreelunch
import numpy as np
import pytest
import xarray as xr
from nofreelunch.files import datasets
from nofreelunch.files.contract import STAGES, Stage

CODE = "0123456789ab"


@pytest.fixture(autouse=True)
def any_variables(monkeypatch):
    """What is saved here stands for any stage's files."""
    monkeypatch.setattr(datasets, "STAGES", dict.fromkeys(datasets.STAGES, Stage("", ())))


@pytest.fixture
def example():
    random = np.random.default_rng(0)
    return xr.Dataset(
        {
            "rate_map": (
                ("network", "unit", "y", "x"),
                random.normal(size=(3, 4, 8, 8)).astype("f4"),
            ),
            "error": (("network", "horizon"), random.normal(size=(3, 2)), {"units": "m"}),
            "loss": ("network", random.normal(size=3)),
            "diverged": ("network", [False, True, False]),
            "occupancy": (("y", "x"), random.integers(0, 2**40, (8, 8))),
            "total": ((), 2.5),
        },
        coords={"network": ["a", "b", "c"], "spec": ("network", ['{"σ": 0.12}'] * 3)},
        attrs={"arena": 2.2},
    )


@pytest.fixture
def path(tmp_path):
    return tmp_path / "new" / "cohort.nc"


@pytest.fixture
def saved(example, path):
    datasets.save(example, path, "rate_maps", CODE)
    return path


def fails(match, path, stage="rate_maps"):
    """`load` refuses the file in one line that names it; returns the line."""
    with pytest.raises(datasets.DatasetError, match=match) as error:
        datasets.load(path, stage)
    text = str(error.value)
    assert "\n" not in text and str(path) in text
    return text


def test_plain_xarray_reads_back_what_was_saved(example, saved):
    with xr.open_dataset(saved) as found:
        # Matrices of float64 are stored as float32.
        xr.testing.assert_allclose(found.load(), example, rtol=1e-7)
        assert found["diverged"].dtype == bool
        assert found["loss"].dtype == np.float64
        assert found["error"].attrs["units"] == "m"
        np.testing.assert_array_equal(found["occupancy"], example["occupancy"])
    with datasets.load(saved, "rate_maps") as found:
        xr.testing.assert_allclose(found, example, rtol=1e-7)
    assert os.listdir(saved.parent) == ["cohort.nc"]


def test_nan_survives(example, path):
    example["rate_map"][0, 0, 0, 0] = np.nan
    datasets.save(example, path, "rate_maps", CODE)
    with datasets.load(path, "rate_maps") as found:
        np.testing.assert_array_equal(np.isnan(found["rate_map"]), np.isnan(example["rate_map"]))


def test_origin_is_recorded(saved):
    with datasets.load(saved, "rate_maps") as found:
        assert found.attrs["arena"] == 2.2
        assert found.attrs["stage"] == "rate_maps"
        assert found.attrs["layout"] == datasets.LAYOUT
        assert found.attrs["code_fingerprint"] == CODE
        versions = json.loads(found.attrs["versions"])
        revision = found.attrs["git_revision"]
    for library in ("torch", "numpy", "snakemake"):
        assert versions[library] == importlib.metadata.version(library)
    assert versions["python"].startswith("3.")
    assert versions["nofreelunch"] == nofreelunch.__version__
    assert re.fullmatch(r"[0-9a-f]{7,40}(-dirty)?|unknown", revision)


def test_revision_is_unknown_outside_a_checkout(monkeypatch, tmp_path):
    assert re.fullmatch(r"[0-9a-f]{12}(-dirty)?|unknown", datasets.git_revision())
    monkeypatch.setattr(datasets, "__file__", str(tmp_path / "datasets.py"))
    assert datasets.git_revision() == "unknown"
    monkeypatch.setenv("PATH", str(tmp_path))  # where git is not installed
    assert datasets.git_revision() == "unknown"


def test_files_hold_numbers_and_text_only(saved):
    """Nothing in them is run when they are read: no pickles, no opaque types."""
    with netCDF4.Dataset(saved) as file:
        assert not file.vltypes and not file.cmptypes
        for variable in file.variables.values():
            assert variable.dtype is str or variable.dtype.kind in "fiuS"
        assert all(
            isinstance(file.getncattr(k), str | int | float | np.number) for k in file.ncattrs()
        )
    assert b"pickle" not in saved.read_bytes()


def test_files_are_compressed_and_read_by_network(saved):
    with netCDF4.Dataset(saved) as file:
        assert file["rate_map"].filters()["zlib"]
        assert file["rate_map"].chunking() == [1, 4, 8, 8]


def test_how_a_file_was_stored_does_not_bind_the_next(tmp_path):
    """Names as long as the longest of all files, numbers of another type, other chunks."""
    names = ("short", "a longer name")
    for name in names:
        one = xr.Dataset({"rate": (("network", "y"), np.ones((1, 9)))}, {"network": [name]})
        one = one.assign_coords(step=("y", np.arange(9)), spec=("network", [2 * name]))
        datasets.save(one, tmp_path / f"{name}.nc", "training", CODE)
    opened = [datasets.load(tmp_path / f"{name}.nc", "training") for name in names]
    both = xr.concat(opened, "network", data_vars="all").isel(y=slice(4))
    both["step"].data = both["step"].values + 0.5
    datasets.save(both, tmp_path / "both.nc", "scores", CODE)
    with datasets.load(tmp_path / "both.nc", "scores") as found:
        assert found["network"].values.tolist() == list(names)
        assert found["spec"].values.tolist() == [2 * name for name in names]
        assert found["step"].values.tolist() == [0.5, 1.5, 2.5, 3.5]
        np.testing.assert_array_equal(found["rate"], np.ones((2, 4)))
    for dataset in opened:
        dataset.close()


@pytest.mark.parametrize(
    "raised", [OSError(errno.ENOSPC, "No space left on device"), RuntimeError("NetCDF: HDF error")]
)
@pytest.mark.parametrize("existing", [False, True])
def test_a_full_disk_leaves_what_was_there(example, path, raised, existing, monkeypatch):
    if existing:
        datasets.save(example, path, "rate_maps", CODE)
        before = path.read_bytes()

    def write_some(self, file, **keys):
        Path(file).write_bytes(b"half a file")
        raise raised

    monkeypatch.setattr(xr.Dataset, "to_netcdf", write_some)
    refused = pytest.raises(datasets.DatasetError, match=r"be written .*(No space|HDF error)")
    with refused as error:
        datasets.save(example, path, "rate_maps", CODE)
    assert str(path) in str(error.value) and "\n" not in str(error.value)
    assert os.listdir(path.parent) == (["cohort.nc"] if existing else [])
    if existing:
        assert path.read_bytes() == before


def test_an_interruption_leaves_nothing(example, path, monkeypatch):
    def interrupted(self, file, **keys):
        Path(file).write_bytes(b"half a file")
        raise KeyboardInterrupt

    monkeypatch.setattr(xr.Dataset, "to_netcdf", interrupted)
    with pytest.raises(KeyboardInterrupt):
        datasets.save(example, path, "rate_maps", CODE)
    assert os.listdir(path.parent) == []


LIMITED = """
import resource, signal, sys
import numpy as np, xarray as xr
from nofreelunch.files import datasets
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
noise = np.random.default_rng(0).normal(size=(300, 300)).astype("f4")
try:
    datasets.save(xr.Dataset({"noise": (("y", "x"), noise)}), sys.argv[1], "rate_maps", "code")
except datasets.DatasetError as error:
    sys.exit(str(error))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="file size limits are a matter of POSIX")
def test_a_disk_that_really_refuses(saved):
    """A file may grow to 100 kB here, which the library meets in the middle of a write."""
    environment = os.environ | {"PYTHONPATH": str(Path(datasets.__file__).parents[2])}
    command = [sys.executable, "-c", LIMITED, str(saved)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 1
    assert re.search(r"cohort\.nc: cannot be written \(File too large\)\n$", done.stderr)
    assert os.listdir(saved.parent) == ["cohort.nc"]
    datasets.load(saved, "rate_maps").close()


def test_missing_file(tmp_path):
    fails("no such file", tmp_path / "absent.nc")


@pytest.mark.parametrize("share", [0.0, 0.001, 0.1, 0.5, 0.99])
def test_truncated_file(saved, share):
    content = saved.read_bytes()
    saved.write_bytes(content[: int(share * len(content))])
    fails("not a readable netCDF file .*delete it and run again", saved)


def test_other_content(path):
    path.parent.mkdir()
    path.write_text("not a netCDF file\n" * 100)
    fails("not a readable netCDF file", path)


def test_other_stage_and_layout(saved, monkeypatch):
    assert "allowed: 'scores' of layout" in fails("found stage 'rate_maps'", saved, "scores")
    monkeypatch.setattr(datasets, "LAYOUT", datasets.LAYOUT + 1)
    fails("move the results of another version away", saved)


def test_netcdf_of_another_program(example, path):
    path.parent.mkdir()
    example.to_netcdf(path)
    fails("found stage None of layout None", path)


def test_damage_inside_a_file_is_found(tmp_path):
    """The header is whole, so that the file opens; its values do not decompress."""
    paths = [tmp_path / f"{name}.nc" for name in "abc"]
    noise = xr.Dataset({"noise": (("y", "x"), np.random.default_rng(0).random((200, 200)))})
    for path in paths:
        datasets.save(noise, path, "rate_maps", CODE)
    assert datasets.find_damage(paths) is None
    content = bytearray(paths[1].read_bytes())
    middle = len(content) // 2
    content[middle : middle + 50] = bytes(50)
    paths[1].write_bytes(content)
    datasets.load(paths[1], "rate_maps").close()
    error = datasets.find_damage(paths)
    assert isinstance(error, datasets.DatasetError)
    assert re.search(r"b\.nc: not a readable netCDF file", str(error)) and "\n" not in str(error)


def test_a_file_without_what_its_readers_need_is_named(saved, monkeypatch):
    monkeypatch.setattr(datasets, "STAGES", {"rate_maps": Stage("", ("rate_map", "another"))})
    fails("no another; delete it and run again", saved)


def test_text_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "claims.md"
    datasets.write_text(path, "first")

    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(datasets.os, "replace", full)
    with pytest.raises(datasets.DatasetError, match=r"claims\.md: cannot be written.*No space"):
        datasets.write_text(path, "second")
    assert path.read_text() == "first"
    assert [file.name for file in tmp_path.iterdir()] == ["claims.md"]


@pytest.mark.parametrize("edit", ["value", "name", "dropped"])
def test_a_file_edited_by_hand_is_refused(saved, edit):
    with datasets.load(saved, "rate_maps") as whole:
        assert datasets.verify(whole) is whole
    with netCDF4.Dataset(saved, "a") as file:
        if edit == "value":
            file["rate_map"][0, 0, 0, 0] += 1
        elif edit == "name":
            file.renameVariable("rate_map", "rate_maps")
        else:
            file.delncattr("content")
    with xr.open_dataset(saved) as edited:
        with pytest.raises(
            datasets.DatasetError, match="found other values than were written"
        ) as e:
            datasets.verify(edited)
        assert str(saved) in str(e.value) and "\n" not in str(e.value)


def test_the_same_values_in_another_file_are_the_same_content(saved, tmp_path):
    with datasets.load(saved, "rate_maps") as whole:
        whole.load().to_netcdf(tmp_path / "uncompressed.nc")
    with xr.open_dataset(tmp_path / "uncompressed.nc") as copied:
        assert datasets.verify(copied) is copied


def test_a_file_of_other_networks_or_code_is_refused_with_the_reason(tmp_path):
    scores = xr.Dataset({name: ("network", [0.0, 1.0]) for name in STAGES["scores"].variables})
    path = tmp_path / "copied.nc"
    datasets.save(scores.assign_coords(network=["a", "b"]), path, "scores", "code")
    with datasets.load(path, "scores") as copied:
        assert datasets.expect(copied, ["a", "b"], "code") is copied
        for networks, code, reason in (
            (["a", "c"], "code", "found networks a, b ...; allowed: a, c ..."),
            (["b", "a"], "code", "found networks a, b ...; allowed: b, a ..."),
            (["a", "b"], "newer", "found code code; allowed: newer; it was made by other code"),
        ):
            with pytest.raises(datasets.DatasetError, match=re.escape(reason)) as refused:
                datasets.expect(copied, networks, code)
            assert str(path) in str(refused.value) and "\n" not in str(refused.value)
