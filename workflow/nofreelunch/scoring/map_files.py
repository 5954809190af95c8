"""Anyone's files: reads rate maps, whatever wrote them; writes their scores to netCDF or CSV."""

from __future__ import annotations

import logging
import math
import os
import re
import warnings
import zipfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from nofreelunch.errors import InvalidFile, MissingLibrary, refused, shown
from nofreelunch.files import access
from nofreelunch.scoring.bin_sizes import EXACTNESS, bin_size_of_file
from nofreelunch.scoring.foreign_files import (
    HDF5,
    SIZES,
    Arrays,
    named_axes,
    open_matlab,
    open_nwb,
    open_parquet,
)
from nofreelunch.scoring.maps import distinct, plane
from nofreelunch.scoring.score_maps import score_table

PREFERRED = ("rate_map", "rate_maps")  # names that are taken before other square maps
SUFFIXES = (".nc", ".csv")  # that can be written
NETCDF = ("", ".nc", ".nc4", ".cdf", ".h5", ".hdf5", ".netcdf")  # suffixes of what is read as such
# Suffixes of text, which has no axes, and what reads it in Python.
ELSEWHERE = {
    ".csv": "pandas.read_csv or numpy.loadtxt",
    ".tsv": "pandas.read_table or numpy.loadtxt",
    ".txt": "numpy.loadtxt",
    ".pkl": "nothing safe: a pickle can run any code",
    ".pickle": "nothing safe: a pickle can run any code",
}
UNUSABLE = "objects, or cells of unlike sizes"
UNWRITTEN = 9.969209968386869e36  # what the netCDF library puts where no number was written
LONGEST = 3  # times as long as wide: beyond it, a table of flattened maps, or a track
DAMAGE = (OSError, RuntimeError, EOFError, zipfile.BadZipFile)  # of values that are read late

log = logging.getLogger(__name__)


def read_maps(
    path: str | Path,
    variable: str | None = None,
    bin_size: float | None = None,
    unvisited: str = "masked",
) -> tuple[xr.DataArray, float | None]:
    """Rate maps (..., y, x) from a file of any of the kinds in `READERS`, and their bin size.

    Maps of an oblong arena are filled up with unvisited bins to a square, with a line in the log.

    Args:
        path: its suffix says what it is, and netCDF is all that has none of `READERS`. In a netCDF,
            dimensions named y and x may stand anywhere. In files of numpy, which name no
            dimensions, the last two axes are y and x. For the others see `foreign_files`.
        variable: name of the array with the maps. It may be left out if one array is called
            `rate_map` or `rate_maps`, or if only one array holds square maps.
        bin_size: m; replaces the file's own. That is the attribute `bin_size` of the maps, or else
            of the netCDF file, or the array or column `bin_size`; in m, or in the unit that an
            attribute `bin_size_units` names, or in that of the coordinates y and x if their steps
            are the same number. Without it, coordinates with a unit have one. An npy has none.
        unvisited: "zero" gives bins of an oblong map that were not visited a rate of 0, but not
            those that it is filled up with. Such maps have the attribute `filled_up`.

    Returns:
        Maps, and the bin size in m, or None if neither the file nor the caller states it.

    Raises:
        ValueError: one line, for a file that cannot be read, a library that is missing, a variable
            that is missing or unclear, and a bin size that is not a number.
        FileNotFoundError: if there is no such file.
    """
    path = Path(path)
    if not path.is_file():
        found = "found a folder; allowed: a file" if path.is_dir() else "no such file"
        raise FileNotFoundError(f"{path}: {found}")
    suffix = path.suffix.lower()
    if suffix in ELSEWHERE:
        allowed = (
            f".nc, {', '.join(READERS)} ({ELSEWHERE[suffix]} reads it; nfl.score takes arrays)"
        )
        raise refused(f"{path}", f"suffix {shown(path.suffix)}", allowed)
    try:
        arrays, general = READERS.get(suffix, _open_netcdf)(path, variable)
    except (InvalidFile, MissingLibrary):
        raise
    except Exception as error:  # the libraries that read such files raise errors of any class
        raise _unreadable(path, error) from error
    given = variable.strip("/") if variable and suffix == ".nwb" else variable
    maps = _chosen(path, arrays, given)
    try:
        maps = maps.load()
    except DAMAGE as error:
        raise _unreadable(path, error) from error
    if suffix not in READERS:
        maps = _without_fill(maps)
    if bin_size is None:
        attributes = maps.attrs if "bin_size" in maps.attrs else general
        stated, unit = attributes.get("bin_size"), attributes.get("bin_size_units")
        bin_size = bin_size_of_file(maps, stated, unit, f"{path}: bin_size")
    if suffix in (".npy", ".npz") or [str(d).lower() for d in maps.dims[-2:]] != ["y", "x"]:
        _check_order(path, maps.shape)
    if unvisited == "zero" and maps.ndim > 1 and maps.shape[-1] != maps.shape[-2]:
        visited = maps.notnull()
        maps = maps.where(visited | ~visited.any(maps.dims[-2:]), 0)
    return _squared(path, maps), bin_size


def _check_order(path: Path, shape: tuple[int, ...]) -> None:
    """Raise ValueError for arrays that seem to have the maps along the last axis."""
    if len(shape) > 2 and shape[-3] == shape[-2] != shape[-1]:
        leading = "map" if len(shape) == 3 else "..."
        allowed = (
            f"({leading}, y, x), which np.moveaxis(maps, -1, 0) makes, or maps padded to squares"
        )
        raise refused(f"{path}", f"shape {shape}", allowed)


def _chosen(
    path: Path, there: Mapping[str, xr.DataArray | None], variable: str | None
) -> xr.DataArray:
    """The array with the maps. Raises ValueError where that is none or not clear."""
    arrays = {name: array for name, array in there.items() if array is not None}
    unusable = [name for name, array in there.items() if array is None]
    wanted = PREFERRED if variable is None else (variable,)
    for name in unusable:
        if {name, re.split(r"[./]", name)[-1]} & {*wanted}:
            raise refused(f"{path}: {name}", UNUSABLE, "numbers, as maps of one size")
    ends = {name: re.split(r"[./]", name)[-1] for name in arrays}
    if variable is not None:
        named = [name for name in arrays if name == variable] or [
            name for name, end in ends.items() if end == variable
        ]
        if not named:
            raise refused(f"{path}", f"no {variable!r}", f"{', '.join(arrays) or 'none'}")
    else:
        square = [
            name
            for name, array in arrays.items()
            if array.ndim > 1 and array.shape[-1] == array.shape[-2] > 1
            if ends[name] != "occupancy"
        ]
        named = [name for name, end in ends.items() if end in PREFERRED] or square
        if not named and path.suffix.lower() in TABLES and len(arrays) == 1:
            named = list(arrays)
    if len(named) != 1:
        shapes = ", ".join(
            [f"{name} {array.shape}" for name, array in arrays.items()]
            + [f"{name}: {UNUSABLE}" for name in unusable]
        )
        found = ", ".join(named) or f"no square maps ({shapes or 'no arrays of numbers'})"
        allowed = "one array of square maps (..., y, x), or one that is named with --variable"
        raise refused(f"{path}", f"{found}", allowed)
    return arrays[named[0]]


def _squared(path: Path, maps: xr.DataArray) -> xr.DataArray:
    """Maps of an oblong arena, filled up with unvisited bins (NaN) along their shorter axis."""
    if maps.ndim < 2 or maps.shape[-1] == maps.shape[-2] or not maps.size:
        return maps
    sides = dict(zip(maps.dims[-2:], maps.shape[-2:], strict=True))
    shorter, longest = min(sides, key=lambda dim: sides[dim]), max(sides.values())
    if maps.dtype.kind not in "fiub" or longest > LONGEST * sides[shorter]:
        return maps
    number = math.prod(maps.shape[:-2])
    log.warning(
        "%s: read as %d map%s of %d x %d bins, filled up with unvisited ones to a square",
        *(path, number, "s" * (number != 1), *sides.values()),
    )
    more = {shorter: (0, longest - sides[shorter])}
    floating = maps if maps.dtype.kind == "f" else maps.astype(float)
    padded = floating.drop_vars([shorter], errors="ignore").pad(more, constant_values=np.nan)
    along = _continued(maps.coords.get(shorter), longest)
    padded = padded if along is None else padded.assign_coords({shorter: along})
    return padded.assign_attrs(filled_up=1)


def _continued(along: xr.DataArray | None, size: int) -> xr.DataArray | None:
    """A coordinate of equal steps that goes on to `size` bins; None without such a coordinate."""
    if along is None or along.ndim != 1 or along.size < 2 or along.dtype.kind not in "fiu":
        return None
    values = along.values.astype(float)
    steps = np.diff(values)
    if not np.allclose(steps, steps[0], rtol=EXACTNESS):
        return None
    more = values[0] + steps.mean() * np.arange(size)
    return xr.DataArray(more, dims=along.dims, attrs=along.attrs)


def _unreadable(path: Path, error: Exception) -> ValueError:
    """The error to raise for a file that is damaged, or that this process may not read."""
    if obstacle := access.obstacle_to_reading(path):
        return ValueError(f"{path}: cannot be read ({obstacle})")
    suffix = path.suffix.lower()
    kind = suffix[1:] if suffix in READERS else "netCDF"
    return ValueError(f"{path}: not a readable {kind} file ({type(error).__name__})")


def _open_netcdf(path: Path, variable: str | None) -> Arrays:
    """The arrays of a netCDF file, not loaded yet, and its attributes."""
    with open(path, "rb") as file:
        start = file.read(len(HDF5))
    if path.suffix.lower() not in NETCDF and not start.startswith((b"CDF", HDF5)):
        kinds = f".nc, {', '.join(READERS)}"
        raise refused(f"{path}", f"suffix {shown(path.suffix)}", kinds, InvalidFile)
    halves = _by_h5py(path, lambda item: item.dtype == np.float16) if start == HDF5 else {}
    options: dict[str, Any] = {
        "decode_times": False,
        "drop_variables": [name.split("/")[-1] for name in halves],
    }
    with warnings.catch_warnings():  # of arrays with two axes of one name, which are told apart
        warnings.filterwarnings("ignore", "Duplicate dimension names")
        try:
            groups = {"/": xr.open_dataset(path, **options)}
        except OSError:  # as for a file with a broken link, or an array without any value
            arrays = _by_h5py(path, lambda item: item.dtype.kind in "fiub") if start == HDF5 else {}
            if not arrays:
                raise
            return arrays, {}
        if not groups["/"].data_vars or "/" in (variable or ""):
            groups = xr.open_groups(path, **options)
        there = [(g, name, distinct(a)) for g, data in groups.items() for name, a in data.items()]
    arrays = halves
    for group, name, array in there:
        array = array.transpose(..., *plane(array.dims))
        own = array.attrs if "bin_size" in array.attrs else _sizes_of(groups[group])
        arrays[f"{group}/{name}".lstrip("/")] = array.assign_attrs(own)
    return arrays, _sizes_of(groups["/"])


def _by_h5py(path: Path, chosen: Callable[[Any], bool]) -> dict[str, xr.DataArray | None]:
    """The `chosen` arrays of an HDF5 file, by name, with the bin size that it states.

    Numbers of half precision become single: the netCDF library takes them for text, and reading
    them ends its process. Empty where h5py, which reads them, is not installed.
    """
    found: dict[str, xr.DataArray | None] = {}
    with suppress(ImportError):
        import h5py

        def look(name: str, item: Any) -> None:
            if isinstance(item, h5py.Dataset) and item.shape and chosen(item):
                values = item[...]
                half = values.dtype == np.float16
                own = {key: item.attrs[key] for key in SIZES if key in item.attrs}
                array = named_axes(values.astype(np.float32) if half else values)
                found[name] = array.assign_attrs(own or general)

        with h5py.File(path, "r") as file:
            general = {key: file.attrs[key] for key in SIZES if key in file.attrs}
            general |= {key: file[key][()] for key in SIZES if key in file}
            file.visititems(look)
    return found


def _without_fill(maps: xr.DataArray) -> xr.DataArray:
    """Maps of a netCDF file with NaN where nothing was written, or where values are not valid.

    Without the attribute `_FillValue`, the netCDF library writes a number of its own.
    """
    if maps.dtype.kind != "f":
        return maps
    own = maps.attrs
    ends = own.get("valid_min", -math.inf), own.get("valid_max", math.inf)
    low, high = map(float, own.get("valid_range", ends))
    written = maps != maps.dtype.type(UNWRITTEN)
    return maps.where(written & (maps >= low) & (maps <= high))


def _sizes_of(data: xr.Dataset) -> dict[str, Any]:
    """The bin size that a dataset states as an attribute or as an array, and its unit."""
    arrays = {key: data[key].values for key in SIZES if key in data.data_vars}
    if "bin_size" in arrays and "units" in data["bin_size"].attrs:
        arrays = {"bin_size_units": data["bin_size"].attrs["units"]} | arrays
    return arrays | {key: data.attrs[key] for key in SIZES if key in data.attrs}


def _open_npy(path: Path, variable: str | None) -> Arrays:
    """The one array of an npy file, as `rate_map`."""
    try:
        return {"rate_map": named_axes(np.load(path, allow_pickle=False))}, {}
    except ValueError as error:
        if "Object arrays" not in str(error):
            raise
        found = "Python objects, which are never loaded, as a pickle can run any code"
        raise refused(path, found, "an array of numbers", InvalidFile) from error


def _open_npz(path: Path, variable: str | None) -> Arrays:
    """The arrays of an npz file and its `bin_size`.

    Arrays of Python objects are not loaded, because that would run code.
    """
    arrays: dict[str, xr.DataArray | None] = {}
    with np.load(path, allow_pickle=False) as data:
        for name in data.files:
            try:
                arrays[name] = named_axes(data[name])
            except ValueError:
                arrays[name] = None
    return arrays, {key: data.values for key in SIZES if (data := arrays.get(key)) is not None}


READERS = {  # by suffix; all other files are read as netCDF
    ".npz": _open_npz,
    ".npy": _open_npy,
    ".mat": open_matlab,
    ".parquet": open_parquet,
    ".nwb": open_nwb,
}
TABLES = (".parquet", ".nwb")  # whose reader gives maps alone


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
    except (OSError, RuntimeError) as error:  # HDF5 tells a full disk or a lock as something else
        obstacle = access.obstacle_to_writing(part) if path.suffix == ".nc" else ""
        why = obstacle or getattr(error, "strerror", None) or error
        raise OSError(f"{path}: it cannot be written ({why})") from error
    finally:
        part.unlink(missing_ok=True)
