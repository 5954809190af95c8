"""Anyone's files: reads rate maps from netCDF, npz or npy; writes their scores to netCDF or CSV."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from nofreelunch.errors import refused, shown
from nofreelunch.files import access
from nofreelunch.scoring.bin_sizes import bin_size_of_file
from nofreelunch.scoring.score_maps import score_table

PREFERRED = ("rate_map", "rate_maps")  # names that are taken before other square maps
SUFFIXES = (".nc", ".csv")  # that can be written
OF_NUMPY = (".npz", ".npy")
# Suffixes of files that others write, and what reads them in Python.
ELSEWHERE = {
    ".mat": "scipy.io.loadmat (up to version 7) or h5py (7.3)",
    ".csv": "pandas.read_csv or numpy.loadtxt",
    ".tsv": "pandas.read_table or numpy.loadtxt",
    ".txt": "numpy.loadtxt",
    ".nwb": "pynwb",
    ".parquet": "pandas.read_parquet",
}
DAMAGE = (OSError, ValueError, RuntimeError, EOFError, zipfile.BadZipFile)  # of damaged files


def read_maps(
    path: str | Path, variable: str | None = None, bin_size: float | None = None
) -> tuple[xr.DataArray, float | None]:
    """Rate maps (..., y, x) from a netCDF, npz or npy file, and their bin size (m) or None.

    Args:
        path: of numpy if its suffix is .npz or .npy, netCDF otherwise. In a netCDF, dimensions
            named y and x may stand anywhere. In files of numpy, which name no dimensions, the last
            two axes are y and x.
        variable: name of the array with the maps. It may be left out if one array is called
            `rate_map` or `rate_maps`, or if only one array holds square maps.
        bin_size: m; replaces the file's own. That is the attribute `bin_size` of the maps, or else
            of the netCDF file, or the array `bin_size` of an npz; in m, or in the unit that an
            attribute `bin_size_units` names, or in that of the coordinates y and x if their steps
            are the same number. Without it, coordinates with a unit have one. An npy has none.

    Raises:
        ValueError: one line, for a file that cannot be read, a variable that is missing or
            unclear, and a bin size that is not a number.
        FileNotFoundError: if there is no such file.
    """
    path = Path(path)
    if not path.is_file():
        found = "found a folder; allowed: a file" if path.is_dir() else "no such file"
        raise FileNotFoundError(f"{path}: {found}")
    suffix = path.suffix.lower()
    if suffix in ELSEWHERE:
        allowed = f".nc, .npz, .npy ({ELSEWHERE[suffix]} reads it; nfl.score takes its arrays)"
        raise refused(f"{path}", f"suffix {shown(path.suffix)}", allowed)
    try:
        arrays, general = (_open_numpy if suffix in OF_NUMPY else _open_netcdf)(path)
    except DAMAGE as error:
        raise _unreadable(path, error) from error
    if variable is None:
        square = [k for k, v in arrays.items() if v.ndim > 1 and v.shape[-1] == v.shape[-2] > 1]
        named = [name for name in PREFERRED if name in arrays] or square
        if len(named) != 1:
            shapes = ", ".join(f"{name} {array.shape}" for name, array in arrays.items())
            found = ", ".join(named) or f"no square maps ({shapes or 'no arrays of numbers'})"
            raise refused(
                f"{path}",
                f"{found}",
                "one array of square maps (..., y, x), or one that is named with --variable",
            )
        variable = named[0]
    if variable not in arrays:
        raise refused(f"{path}", f"no {variable!r}", f"{', '.join(arrays) or 'none'}")
    try:
        maps = arrays[variable].load()
    except (OSError, RuntimeError, EOFError, zipfile.BadZipFile) as error:
        raise _unreadable(path, error) from error
    if bin_size is None:
        attributes = maps.attrs if "bin_size" in maps.attrs else general
        stated, unit = attributes.get("bin_size"), attributes.get("bin_size_units")
        bin_size = bin_size_of_file(maps, stated, unit, f"{path}: bin_size")
    return maps, bin_size


def _unreadable(path: Path, error: Exception) -> ValueError:
    """The error to raise for a file that is damaged, or that this process may not read."""
    if obstacle := access.obstacle_to_reading(path):
        return ValueError(f"{path}: cannot be read ({obstacle})")
    suffix = path.suffix.lower()
    kind = suffix[1:] if suffix in OF_NUMPY else "netCDF"
    return ValueError(f"{path}: not a readable {kind} file ({type(error).__name__})")


def _open_netcdf(path: Path) -> tuple[dict[str, xr.DataArray], Mapping[str, Any]]:
    """The arrays of a netCDF file, not loaded yet, and its attributes."""
    data = xr.open_dataset(path)
    if {"y", "x"} <= set(data.dims):
        data = data.transpose(..., "y", "x")
    arrays = {str(name): array for name, array in data.data_vars.items()}
    return arrays, data.attrs


def _open_numpy(path: Path) -> tuple[dict[str, xr.DataArray], Mapping[str, Any]]:
    """The arrays of an npz file and its `bin_size`; of an npy file, its one array as `rate_map`.

    Arrays of Python objects are left out, because loading them would run code.
    """
    arrays = {}
    if path.suffix.lower() == ".npy":
        return {"rate_map": _axes_named(np.load(path, allow_pickle=False))}, {}
    with np.load(path, allow_pickle=False) as data:
        for name in data.files:
            try:
                arrays[name] = _axes_named(data[name])
            except ValueError:
                continue
    keys = ("bin_size", "bin_size_units")
    return arrays, {key: arrays[key].values for key in keys if key in arrays}


def _axes_named(values: np.ndarray) -> xr.DataArray:
    leading = ["map"] if values.ndim == 3 else [f"map_{k}" for k in range(values.ndim - 2)]
    return xr.DataArray(values, dims=(*leading, "y", "x")[-values.ndim :] if values.ndim else ())


def check_output(path: str | Path) -> None:
    """Raise ValueError unless `write` can write to this path."""
    path = Path(path)
    if path.suffix not in SUFFIXES:
        raise refused(f"{path}", f"suffix {path.suffix!r}", f"{', '.join(SUFFIXES)}")
    if not path.parent.is_dir():
        raise ValueError(f"{path}: no such folder")


def write(scores: xr.Dataset, path: str | Path) -> None:
    """Write scores to .nc, or as a `score_table` to .csv. The file is written whole or not at all.

    Raises:
        ValueError: for another suffix, and if there is no such folder.
        OSError: if the disk refuses it.
    """
    check_output(path)
    path = Path(path)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        if path.suffix == ".nc":
            scores.to_netcdf(part)
        else:
            score_table(scores).to_csv(part, index=False)
        os.replace(part, path)
    except OSError as error:
        raise OSError(f"{path}: it cannot be written ({error.strerror or error})") from error
    finally:
        part.unlink(missing_ok=True)
