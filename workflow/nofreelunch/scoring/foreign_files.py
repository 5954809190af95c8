"""Rate maps in the files of others: MATLAB, Parquet and NWB. Nothing in a file is ever run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from nofreelunch.errors import InvalidFile, refused, shown
from nofreelunch.files.extras import from_extra

Arrays = tuple[dict[str, xr.DataArray], Mapping[str, Any]]
SIZES = ("bin_size", "bin_size_units")
HDF5 = b"\x89HDF\r\n\x1a\n"
PLACE = ("y", "x")  # columns of a long table that say where a bin is
RATES = ("rate", "rate_map", "rate_maps")  # columns that may hold the rates
MOST_BINS = 2**28  # of a long table's maps, bins without a row included


def named_axes(values: np.ndarray) -> xr.DataArray:
    """An array whose last two axes are called y and x, and a third before them `map`."""
    leading = ["map"] if values.ndim == 3 else [f"map_{k}" for k in range(values.ndim - 2)]
    return xr.DataArray(values, dims=(*leading, "y", "x")[-values.ndim :] if values.ndim else ())


def open_matlab(path: Path, variable: str | None) -> Arrays:
    """The arrays of a MATLAB file of any version, those in structs as `struct.field`.

    A cell array of maps of one shape is one array. MATLAB stacks maps along the last axes, so y and
    x are the first two axes of an array, unless only its last two are equally long.
    """
    with open(path, "rb") as file:
        start = file.read(512 + len(HDF5))
    modern = HDF5 in (start[: len(HDF5)], start[512:])
    found = dict(_matlab_hdf5(path) if modern else _matlab_scipy(path))
    arrays = {k: _of_matlab(v) for k, v in found.items() if v.dtype.kind in "fiub"}
    return arrays, {key: found[key] for key in SIZES if key in found}


def _of_matlab(values: np.ndarray) -> xr.DataArray:
    """An array in MATLAB's order of axes, with the maps' own two axes last."""
    first, last = (len({*values.shape[part]}) == 1 for part in (slice(2), slice(-2, None)))
    if values.ndim > 2 and (first or not last):
        values = np.moveaxis(values, (0, 1), (-2, -1))
    return named_axes(values)


def _matlab_scipy(path: Path) -> Iterator[tuple[str, np.ndarray]]:
    import scipy.io

    for name, value in scipy.io.loadmat(path, simplify_cells=True).items():
        if not name.startswith("__"):
            yield from _unfolded(name, value)


def _unfolded(name: str, value: Any) -> Iterator[tuple[str, np.ndarray]]:
    """Arrays in a value of MATLAB, by name: a struct has several, a cell array of like ones one."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _unfolded(f"{name}.{key}", inner)
        return
    if isinstance(value, list) or (isinstance(value, np.ndarray) and value.dtype.kind == "O"):
        value = _stacked([np.asarray(item) for item in value])
    if value is not None:
        yield name, np.asarray(value)


def _stacked(items: list[np.ndarray]) -> np.ndarray | None:
    """Arrays of numbers of one shape along a new last axis; None if they are anything else."""
    alike = len({item.shape for item in items}) == 1
    if not alike or any(item.dtype.kind not in "fiub" for item in items):
        return None
    return np.stack(items, axis=-1)


def _matlab_hdf5(path: Path) -> Iterator[tuple[str, np.ndarray]]:
    with from_extra(path):
        import h5py
    with h5py.File(path, "r") as file:
        yield from _of_group(file, "")


def _of_group(group: Any, prefix: str) -> Iterator[tuple[str, np.ndarray]]:
    """Arrays of a MATLAB 7.3 group, in MATLAB's order of axes."""
    for name, item in group.items():
        if name.startswith("#"):  # where MATLAB keeps what cell arrays refer to
            continue
        if not hasattr(item, "shape"):
            yield from _of_group(item, f"{prefix}{name}.")
        elif item.dtype.kind == "O":
            referred = [group.file[reference] for reference in item[()].ravel(order="F")]
            if all(hasattr(one, "shape") for one in referred):
                stack = _stacked([one[()].T for one in referred])
                if stack is not None:
                    yield f"{prefix}{name}", stack
        elif item.attrs.get("MATLAB_class") == b"char":
            yield f"{prefix}{name}", np.array("".join(map(chr, item[()].ravel())))
        elif "MATLAB_empty" not in item.attrs:
            yield f"{prefix}{name}", item[()].T


def open_parquet(path: Path, variable: str | None) -> Arrays:
    """The maps of a long table: one row per bin, with columns y, x, the rate, and the map's labels.

    Every column of whole numbers or words is a label. A bin without a row is one that was not
    visited. Raises ValueError for columns that are missing, and for two rows of one bin.
    """
    with from_extra(path):
        import pyarrow  # noqa: F401
    table = pd.read_parquet(path, engine="pyarrow")
    rates = variable or next((name for name in RATES if name in table), None)
    if rates is None or not {*PLACE, rates} <= {*table.columns}:
        wanted = "y, x and " + (variable or "rate (or another one, named with --variable)")
        found = f"columns {', '.join(map(str, table.columns)) or 'none'}"
        allowed = f"one row per bin, with columns {wanted}, and labels of the map"
        raise refused(path, found, allowed, InvalidFile)
    general = {key: table.attrs[key] for key in SIZES if key in table.attrs}
    for name in SIZES:
        if name in table and table[name].nunique() == 1:
            general[name] = table[name].iloc[0]
    labels = [str(k) for k in table.columns if k not in (*PLACE, *SIZES, *RATES, rates)]
    labels = [k for k in labels if not pd.api.types.is_float_dtype(table[k])]
    return {rates: _unstacked(path, table, labels, rates)}, general


def _unstacked(path: Path, table: pd.DataFrame, labels: list[str], rates: str) -> xr.DataArray:
    """The column `rates` of a long table as (label or map, y, x)."""
    axes = {axis: _regular(table[axis].to_numpy(float)) for axis in PLACE}
    if not all(len(steps) for steps in axes.values()):
        found = "y or x that are not evenly spaced"
        raise refused(path, found, "indices or centres of equal bins", InvalidFile)
    keys = table[labels].drop_duplicates() if labels else pd.DataFrame(index=[0])
    shape = len(keys), *(len(steps) for steps in axes.values())
    if np.prod(shape, dtype=float) > MOST_BINS:
        found = f"{shape[0]:,} maps of {shape[1]} x {shape[2]} bins"
        raise refused(path, found, f"{MOST_BINS:,} bins in all: split the file", InvalidFile)
    place = [np.abs(table[a].to_numpy(float)[:, None] - s).argmin(1) for a, s in axes.items()]
    which = table.groupby(labels, sort=False, dropna=False).ngroup() if labels else 0
    index = np.ravel_multi_index((np.broadcast_to(which, len(table)), *place), shape)
    if np.unique(index).size < index.size:
        twice = int(np.flatnonzero(pd.Series(index).duplicated())[0])
        found = ", ".join(f"{key} {table[key].iloc[twice]}" for key in (*labels, *PLACE))
        allowed = "one row per bin and map, and columns of whole numbers or words that name the map"
        raise refused(path, f"two rows for {found}", allowed, InvalidFile)
    maps = np.full(np.prod(shape), np.nan)
    maps[index] = table[rates].to_numpy(float, na_value=np.nan)
    made = xr.DataArray(maps.reshape(shape), dims=("map", *PLACE), coords=dict(axes.items()))
    if not labels:
        return made.isel(map=0, drop=True)
    if len(labels) == 1:
        return made.rename(map=labels[0]).assign_coords({labels[0]: keys[labels[0]].to_numpy()})
    return made.assign_coords({name: ("map", keys[name].to_numpy()) for name in labels})


def _regular(values: np.ndarray) -> np.ndarray:
    """Evenly spaced places that contain all of `values`, gaps filled up; empty if none do."""
    places = np.unique(np.round(values, 9))
    if places.size < 2 or not np.isfinite(places).all():
        return np.empty(0)
    step = np.diff(places).min()
    count = round((places[-1] - places[0]) / step) + 1
    if count > MOST_BINS**0.5:
        return np.empty(0)
    steps = np.linspace(places[0], places[-1], count)
    nearest = np.abs(places[:, None] - steps).min(axis=1)
    return steps if nearest.max() < 0.01 * step else np.empty(0)


def open_nwb(path: Path, variable: str | None) -> Arrays:
    """The columns of an NWB file's tables that may hold maps, by their paths in the file.

    Those are columns called `rate_map`, among them the ones of ndx-rate-maps, and other columns
    with three axes. Raw recordings are not read.
    """
    with from_extra(path):
        import h5py
    with h5py.File(path, "r") as file:
        columns: dict[str, Any] = {}

        def collect(name: str, item: Any) -> None:
            if isinstance(item, h5py.Dataset) and item.dtype.kind in "fiub":
                column = _text(item.attrs.get("neurodata_type")) == "VectorData"
                if item.ndim > 1 and (column or name == variable):
                    columns[name] = item

        file.visititems(collect)
        chosen = _chosen(columns, variable)
        arrays = {name: _of_table(columns[name]) for name in chosen}
        stated = {_stated_size(columns[name].parent) for name in chosen} - {None}
    if not arrays:
        found = "no table with maps" if variable is None else f"no {variable!r}"
        allowed = "a column rate_map (unit, y, x), or an array whose path --variable names"
        raise refused(path, found, allowed, InvalidFile)
    return arrays, {"bin_size": stated.pop()} if len(stated) == 1 else {}


def _chosen(columns: Mapping[str, Any], variable: str | None) -> list[str]:
    """Paths of the columns that are named so, or that are maps by name, or of all with 3 axes."""
    if variable is not None:
        return [k for k in columns if variable in (k, k.rpartition("/")[2])]
    named = [k for k in columns if k.rpartition("/")[2] in RATES]
    return named or [k for k, v in columns.items() if v.ndim > 2]


def _of_table(column: Any) -> xr.DataArray:
    """A column of maps with the axes that its table names; (row, y, x) if it names none."""
    about = {str(key): _text(value) for key, value in column.parent.attrs.items()}
    labels = [about.get(f"dim{k}_label", "") for k in (0, 1)]
    maps = named_axes(column[()])
    if column.ndim != 3:
        return maps
    across = labels[0].lower().startswith("x")
    maps = xr.DataArray(maps.values, dims=("unit", *(("x", "y") if across else PLACE)))
    if "id" in column.parent and column.parent["id"].shape == (len(maps),):
        maps = maps.assign_coords(unit=column.parent["id"][()])
    for k, axis in enumerate(maps.dims[1:]):
        edges = column.parent.get(f"bin_edges_dim{k}")
        if edges is not None and edges.shape == (maps.sizes[axis] + 1,):
            centres = (edges[:-1] + edges[1:]) / 2
            maps = maps.assign_coords({axis: (axis, centres, {"units": about[f"dim{k}_unit"]})})
    return maps.transpose("unit", *PLACE)


def _stated_size(table: Any) -> float | None:
    """The one value of a table's column `bin_size`, m."""
    if "bin_size" not in table or not table["bin_size"].shape:
        return None
    sizes = np.unique(table["bin_size"][()])
    if sizes.size != 1:
        where = f"{table.name}/bin_size"
        raise refused(where, shown(sizes.tolist()), "one size for all maps", InvalidFile)
    return float(sizes[0])


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
