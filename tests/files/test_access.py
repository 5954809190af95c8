"""What keeps a process from a file is told by name, and never as damage."""

import errno
import os
import resource
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from nofreelunch.errors import DatasetError
from nofreelunch.files import access, datasets
from nofreelunch.scoring.map_files import read_maps
from nofreelunch.training.checkpoints import Checkpoints

HOLDS = """
import sys, netCDF4
with netCDF4.Dataset(sys.argv[1], "a"):
    print("open", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def good(tmp_path):
    """A whole file, on which any complaint of damage would be wrong."""
    path = tmp_path / "cohort.nc"
    noise = np.random.default_rng(0).normal(size=(1, 8, 8))
    datasets.save(xr.Dataset({"rate_map": (("map", "y", "x"), noise)}), path, "rate_maps", "code")
    return path


@pytest.fixture
def held(good):
    """The file, while another process has it open for writing."""
    command = [sys.executable, "-c", HOLDS, str(good)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"open\n"
        yield good
        process.stdin.close()


def complaint(path, read=lambda path: datasets.load(path, "rate_maps")):
    with pytest.raises(ValueError) as error:
        read(path)
    text = str(error.value)
    assert text.startswith(f"{path}: cannot be ") and "\n" not in text
    assert "delete" not in text and "damaged" not in text
    return text


@pytest.mark.parametrize("read", [lambda path: datasets.load(path, "rate_maps"), read_maps])
def test_a_file_that_another_program_writes(held, read):
    assert "another program has it open: close it there and run again" in complaint(held, read)


def test_values_that_become_unreadable(held):
    assert "another program has it open" in str(datasets.find_damage([held]))


@pytest.fixture
def no_locks(monkeypatch):
    def refuse(descriptor, how):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(access.fcntl, "flock", refuse)


def fail(*arguments, **keys):
    raise OSError(-101, "NetCDF: HDF error")


def test_a_file_system_without_locks(good, no_locks, monkeypatch):
    """Of what HDF5 does there, only its error is imitated: no such file system is at hand."""
    monkeypatch.setattr(xr, "open_dataset", fail)
    monkeypatch.setattr(xr.Dataset, "to_netcdf", fail)
    helps = "No locks available: this file system refuses locks; set HDF5_USE_FILE_LOCKING=FALSE"
    assert helps in complaint(good)
    assert helps in complaint(
        good, lambda path: datasets.save(xr.Dataset(), path, "rate_maps", "code")
    )
    monkeypatch.setenv("HDF5_USE_FILE_LOCKING", "FALSE")  # then locks are not to blame
    with pytest.raises(DatasetError, match="not a readable netCDF file"):
        datasets.load(good, "rate_maps")


@pytest.mark.skipif(os.getuid() == 0, reason="the superuser may read everything")
def test_no_permission(good):
    good.chmod(0)
    assert "Permission denied" in complaint(good)


def test_no_permission_as_the_system_says_it(good, monkeypatch):
    def refuse(*arguments, **keys):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(xr, "open_dataset", refuse)
    monkeypatch.setattr("builtins.open", refuse)
    assert "cannot be read (Permission denied)" in complaint(good)


@contextmanager
def no_descriptors():
    """This process may open no further file."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = os.open(os.devnull, os.O_RDONLY)
    os.close(free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_too_many_open_files(good):
    with no_descriptors():
        said = complaint(good)
    assert "Too many open files: allow more, as `ulimit -n 4096` does, and run again" in said


def test_a_good_checkpoint_is_not_thrown_away(tmp_path):
    """What cannot be read may hold hours of work."""
    saving = Checkpoints(tmp_path / "a.nc", 10, "code")
    saving.save("0", {}, {"x": np.zeros(3)})
    with no_descriptors():
        said = complaint(saving.path("0"), lambda path: saving.load("0", {}))
    assert "Too many open files" in said


def test_a_full_disk(tmp_path):
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    (tmp_path / "part").symlink_to("/dev/full")
    assert access.obstacle_to_writing(tmp_path / "part") == "No space left on device"


def test_no_obstacle(good):
    before = good.read_bytes()
    assert access.obstacle_to_reading(good) == "" == access.obstacle_to_writing(good)
    assert good.read_bytes().startswith(before)
