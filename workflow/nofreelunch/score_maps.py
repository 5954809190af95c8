"""Scores of rate maps in a file that no study made: read, score, write."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from nofreelunch import grid_scores, gridness, lattices, nulls

PREFERRED = ("rate_map", "rate_maps")  # where a file holds several arrays of square maps
SUFFIXES = (".nc", ".csv")  # of what is written
DAMAGE = (OSError, ValueError, RuntimeError, EOFError, zipfile.BadZipFile)


def read(
    path: str | Path, variable: str | None = None, bin_size: float | None = None
) -> tuple[xr.DataArray, float | None]:
    """The rate maps (..., y, x) in a netCDF or npz file, and their bin size (m) if it is known.

    Args:
        path: npz by its suffix, netCDF otherwise. Dimensions named y and x may stand anywhere; in
            an npz, where nothing is named, the last two axes are y and x.
        variable: the array with the maps; needed where several could be, none is named `rate_map`
            or `rate_maps`.
        bin_size: counts instead of the file's own, which is an attribute `bin_size` of the maps, or
            else of the netCDF, or an array of that name of an npz.

    Raises:
        ValueError: one line, for a file that cannot be read and a variable that is not there.
        FileNotFoundError: where there is no such file.
    """
    path = Path(path)
    if not path.is_file():
        found = "found a folder, allowed: a file" if path.is_dir() else "no such file"
        raise FileNotFoundError(f"{path}: {found}")
    if path.suffix == ".npy":
        raise ValueError(f"{path}: found suffix '.npy', allowed: .nc, .npz")
    try:
        arrays, size = (_open_npz if path.suffix == ".npz" else _open_netcdf)(path)
    except DAMAGE as error:
        raise _unreadable(path, error) from error
    if variable is None:
        square = [k for k, v in arrays.items() if v.ndim > 1 and v.shape[-1] == v.shape[-2] > 1]
        named = [name for name in PREFERRED if name in arrays] or square
        if len(named) != 1:
            shapes = ", ".join(f"{name} {array.shape}" for name, array in arrays.items())
            found = ", ".join(named) or f"no square maps ({shapes or 'no arrays'})"
            raise ValueError(
                f"{path}: found {found}, allowed: one array of square maps (..., y, x), or one "
                "that is named with --variable"
            )
        variable = named[0]
    if variable not in arrays:
        raise ValueError(f"{path}: found no {variable!r}, allowed: {', '.join(arrays) or 'none'}")
    size = arrays[variable].attrs.get("bin_size", size) if bin_size is None else bin_size
    try:
        return arrays[variable].load(), _metres(path, size)
    except (OSError, RuntimeError, EOFError, zipfile.BadZipFile) as error:
        raise _unreadable(path, error) from error


def _metres(path: Path, size: Any) -> float | None:
    """The bin size as a number, where the file has one."""
    try:
        return None if size is None else float(np.asarray(size).item())
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path}: bin_size: found {size!r}, allowed: one number, in m") from error


def _unreadable(path: Path, error: Exception) -> ValueError:
    kind = "npz" if path.suffix == ".npz" else "netCDF"
    return ValueError(f"{path}: not a readable {kind} file ({type(error).__name__})")


def _open_netcdf(path: Path) -> tuple[dict[str, xr.DataArray], Any]:
    """Its arrays, not yet read, and its attribute bin_size."""
    data = xr.open_dataset(path)
    if {"y", "x"} <= set(data.dims):
        data = data.transpose(..., "y", "x")
    return dict(data.data_vars), data.attrs.get("bin_size")


def _open_npz(path: Path) -> tuple[dict[str, xr.DataArray], Any]:
    """Its arrays, but for those of Python objects, as loading these runs code; and its bin_size."""
    arrays = {}
    with np.load(path, allow_pickle=False) as data:
        for name in data.files:
            try:
                values = data[name]
            except ValueError:
                continue
            leading = ["map"] if values.ndim == 3 else [f"map_{k}" for k in range(values.ndim - 2)]
            dims = (*leading, "y", "x")[-values.ndim :] if values.ndim else ()
            arrays[name] = xr.DataArray(values, dims=dims)
    size = arrays.get("bin_size")
    return arrays, None if size is None else size.values


def score(
    maps: xr.DataArray,
    bin_size: float | None,
    unvisited: str = "masked",
    surrogates: int = 0,
    seed: int = 0,
) -> xr.Dataset:
    """All that is measured on rate maps of any origin.

    Args:
        maps: (..., y, x), NaN where unvisited.
        bin_size: side of a bin, m.
        unvisited: as in `grid_scores.score`.
        surrogates: by chance, per map, that its score is compared with; 0 makes none.
        seed: of the surrogates.

    Returns:
        A dataset over the leading dimensions: what `grid_scores.score_by_method`,
        `gridness.expanding_ring` and `lattices.measure` return, and with surrogates what
        `nulls.significance` does. `score_90` and `ring_90` are the same by both definitions.

    Raises:
        ValueError: as these do, and for less than no surrogates.
    """
    if surrogates < 0:
        raise ValueError(f"surrogates: found {surrogates}, allowed: 0 or more")
    lattice = lattices.measure(maps, bin_size, unvisited)
    scores = grid_scores.score_by_method(maps, unvisited)
    square = scores[["score_90", "ring_90"]].isel(definition=0, drop=True)
    parts = [scores[["score_60", "ring_60"]], square]
    parts += [gridness.expanding_ring(maps, unvisited), lattice]
    if surrogates:
        parts.append(nulls.significance(maps, surrogates, seed, unvisited=unvisited))
    return xr.merge(parts, compat="override", join="exact").assign_attrs(bin_size=bin_size)


def to_table(scores: xr.Dataset) -> pd.DataFrame:
    """One row per map: its labels, then what was measured, but not each surrogate's score."""
    leading = scores["score_90"].dims
    columns = {}
    for name, values in scores.data_vars.items():
        if values.dims == leading:
            columns[name] = values
        elif values.dims == ("definition", *leading):
            for definition in values["definition"].values:
                columns[f"{name}_{definition}"] = values.sel(definition=definition, drop=True)
    if not leading:
        return pd.DataFrame({name: [values.item()] for name, values in columns.items()})
    table = xr.Dataset(columns).drop_vars("definition", errors="ignore")
    return table.to_dataframe(dim_order=leading).reset_index()


def check_output(path: str | Path) -> None:
    """Raises ValueError unless it is a place that `write` can write to."""
    path = Path(path)
    if path.suffix not in SUFFIXES:
        raise ValueError(f"{path}: found suffix {path.suffix!r}, allowed: {', '.join(SUFFIXES)}")
    if not path.parent.is_dir():
        raise ValueError(f"{path}: no such folder")


def write(scores: xr.Dataset, path: str | Path) -> None:
    """Write to .nc or, without the scores of each surrogate, to .csv; whole or not at all.

    Raises:
        ValueError: for another suffix, and where there is no such folder.
        OSError: where the disk refuses it.
    """
    check_output(path)
    path = Path(path)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        if path.suffix == ".nc":
            scores.to_netcdf(part)
        else:
            to_table(scores).to_csv(part, index=False)
        os.replace(part, path)
    except OSError as error:
        raise OSError(f"{path}: it cannot be written ({error.strerror or error})") from error
    finally:
        part.unlink(missing_ok=True)
