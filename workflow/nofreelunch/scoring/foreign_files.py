"""Rate maps in the files of others: MATLAB, Parquet and NWB. Nothing in a file is ever run."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from nofreelunch.errors import InvalidFile, refused, shown
from nofreelunch.files.extras import from_extra

# Arrays by name, None for one that is there and cannot be read as numbers; and the bin size.
Arrays = tuple[Mapping[str, xr.DataArray | None], Mapping[str, Any]]
SIZES = ("bin_size", "bin_size_units")
HDF5 = b"\x89HDF\r\n\x1a\n"
PLACE = ("y", "x")  # columns of a long table that say where a bin is
RATES = ("rate", "rate_map", "rate_maps")  # columns that may hold the rates
MOST_BINS = 2**28  # of a long table's maps, bins without a row included

log = logging.getLogger(__name__)


def named_axes(values: np.ndarray) -> xr.DataArray:
    """An array whose last two axes are called y and x, and a third before them `map`."""
    leading = ["map"] if values.ndim == 3 else [f"map_{k}" for k in range(values.ndim - 2)]
    return xr.DataArray(values, dims=(*leading, "y", "x")[-values.ndim :] if values.ndim else ())


def open_matlab(path: Path, variable: str | None) -> Arrays:
    """The arrays of a MATLAB file of any version, those in structs as `struct.field`.

    A cell array of maps of one shape is one array, and so is a field of a struct array. MATLAB
    stacks maps along the last axes, so y and x are the first two axes of an array, unless only its
    last two are equally long.
    """
    with open(path, "rb") as file:
        start = file.read(512 + len(HDF5))
    modern = HDF5 in (start[: len(HDF5)], start[512:])
    found = dict(_matlab_hdf5(path) if modern else _matlab_scipy(path))
    arrays = {
        k: None if v is None else _of_matlab(v)
        for k, v in found.items()
        if v is None or v.dtype.kind in "fiub"
    }
    return arrays, {key: found[key] for key in SIZES if key in found}


def _of_matlab(values: np.ndarray) -> xr.DataArray:
    """An array in MATLAB's order of axes, with the maps' own two axes last."""
    first, last = (len({*values.shape[part]}) == 1 for part in (slice(2), slice(-2, None)))
    if values.ndim > 2 and (first or not last):
        values = np.moveaxis(values, (0, 1), (-2, -1))
    return named_axes(values)


def _matlab_scipy(path: Path) -> Iterator[tuple[str, np.ndarray | None]]:
    import scipy.io

    for name, value in scipy.io.loadmat(path, simplify_cells=True).items():
        if not name.startswith("__"):
            yield from _unfolded(name, value)


def _unfolded(name: str, value: Any) -> Iterator[tuple[str, np.ndarray | None]]:
    """Arrays in a value of MATLAB, by name: a struct has several, a cell array of like ones one.

    None stands for a cell array of anything else, such as of numbers of unlike shapes.
    """
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _unfolded(f"{name}.{key}", inner)
        return
    if isinstance(value, list) or (isinstance(value, np.ndarray) and value.dtype.kind == "O"):
        items = list(_cells(value))
        if items and all(isinstance(item, Mapping) for item in items):  # a struct array
            for key in items[0]:
                yield from _unfolded(f"{name}.{key}", [item.get(key) for item in items])
            return
        arrays = [np.asarray(item) for item in items]
        if all(array.dtype.kind in "US" for array in arrays):
            return  # words
        value = _stacked(arrays)
    yield name, None if value is None else np.asarray(value)


def _cells(values: Any) -> Iterator[Any]:
    """The cells of a cell array, whose rows may be lists, column by column."""
    if isinstance(values, np.ndarray) and values.dtype.kind == "O":
        values = values.ravel(order="F").tolist()
    for value in values:
        if isinstance(value, list) or (isinstance(value, np.ndarray) and value.dtype.kind == "O"):
            yield from _cells(value)
        elif hasattr(value, "_fieldnames"):  # a struct in a cell of a cell
            yield {name: getattr(value, name) for name in value._fieldnames}
        else:
            yield value


def _stacked(items: list[np.ndarray]) -> np.ndarray | None:
    """Arrays of numbers of one shape along a new last axis; None if they are anything else."""
    alike = len({item.shape for item in items}) == 1
    if not alike or any(item.dtype.kind not in "fiub" for item in items):
        return None
    return np.stack(items, axis=-1)


def _matlab_hdf5(path: Path) -> Iterator[tuple[str, np.ndarray | None]]:
    with from_extra(path):
        import h5py
    with h5py.File(path, "r") as file:
        yield from _of_group(file, "")


def _of_group(group: Any, prefix: str) -> Iterator[tuple[str, np.ndarray | None]]:
    """Arrays of a MATLAB 7.3 group, in MATLAB's order of axes."""
    for name, item in group.items():
        if name.startswith("#") or item is None:  # what cell arrays refer to; a broken link
            continue
        if not hasattr(item, "shape"):
            yield from _of_group(item, f"{prefix}{name}.")
        elif item.shape is not None and "MATLAB_empty" not in item.attrs:
            yield from _unfolded(f"{prefix}{name}", _of_matlab_73(item))


def _of_matlab_73(item: Any) -> Any:
    """A value as scipy has those of MATLAB 5: an array, a list of cells, or a struct."""
    if not hasattr(item, "shape"):
        return dict(_of_group(item, ""))
    if item.dtype.kind == "O":
        return [_of_matlab_73(item.file[cell]) for cell in item[()].ravel(order="F")]
    if item.attrs.get("MATLAB_class") == b"char":
        return np.array("".join(map(chr, item[()].ravel())))
    return item[()].T


def open_parquet(path: Path, variable: str | None) -> Arrays:
    """The maps of a long table: one row per bin, with columns y, x, the rate, and the map's labels.

    Every column of whole numbers or words is a label, unless it varies within the maps that the
    other labels name, as a count of spikes does. A bin without a row is one that was not visited.
    Raises ValueError for columns that are missing, and for two rows of one bin.
    """
    with from_extra(path):
        import pyarrow  # noqa: F401
    table = pd.read_parquet(path, engine="pyarrow")
    if any(name is not None for name in table.index.names):
        table = table.reset_index()
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
    for name in reversed(labels):
        others = [k for k in labels if k != name]
        if _measured(table, name, others):
            log.warning("%s: column %s varies within maps, so it names none of them", path, name)
            labels = others
    return {rates: _unstacked(path, table, labels, rates)}, general


def _measured(table: pd.DataFrame, name: str, labels: list[str]) -> bool:
    """Whether a column is one of values in bins: without it, labels and place tell rows apart."""
    if table.duplicated([*labels, *PLACE]).any():
        return False
    maps = table.groupby(labels, dropna=False)[name] if labels else table[name]
    return bool(np.max(maps.nunique(dropna=False)) > 1)


def _unstacked(path: Path, table: pd.DataFrame, labels: list[str], rates: str) -> xr.DataArray:
    """The column `rates` of a long table as (label or map, y, x)."""
    for axis in PLACE:
        if table[axis].isna().any():
            raise refused(path, f"a row without {axis}", "a number in each row", InvalidFile)
    places = {axis: _numbers(path, table, axis) for axis in PLACE}
    axes = {axis: _regular(values) for axis, values in places.items()}
    if not all(len(steps) for steps in axes.values()):
        found = "y or x that are not evenly spaced"
        raise refused(path, found, "indices or centres of equal bins", InvalidFile)
    keys = table[labels].drop_duplicates() if labels else pd.DataFrame(index=[0])
    shape = len(keys), *(len(steps) for steps in axes.values())
    if np.prod(shape, dtype=float) > MOST_BINS:
        found = f"{shape[0]:,} maps of {shape[1]} x {shape[2]} bins"
        raise refused(path, found, f"{MOST_BINS:,} bins in all: split the file", InvalidFile)
    place = [np.abs(places[a][:, None] - steps).argmin(1) for a, steps in axes.items()]
    which = table.groupby(labels, sort=False, dropna=False).ngroup() if labels else 0
    index = np.ravel_multi_index((np.broadcast_to(which, len(table)), *place), shape)
    if np.unique(index).size < index.size:
        twice = int(np.flatnonzero(pd.Series(index).duplicated())[0])
        found = ", ".join(f"{key} {table[key].iloc[twice]}" for key in (*labels, *PLACE))
        allowed = "one row per bin and map, and columns of whole numbers or words that name the map"
        raise refused(path, f"two rows for {found}", allowed, InvalidFile)
    maps = np.full(np.prod(shape), np.nan)
    maps[index] = _numbers(path, table, rates)
    made = xr.DataArray(maps.reshape(shape), dims=("map", *PLACE), coords=dict(axes.items()))
    if not labels:
        return made.isel(map=0, drop=True)
    named = {name: _label(keys[name]) for name in labels}
    if len(labels) == 1:
        return made.rename(map=labels[0]).assign_coords(named)
    return made.assign_coords({name: ("map", values) for name, values in named.items()})


def _numbers(path: Path, table: pd.DataFrame, name: str) -> np.ndarray:
    """A column as numbers, NaN where there is none. Raises ValueError for words."""
    try:
        return table[name].to_numpy(float, na_value=np.nan)
    except (ValueError, TypeError) as error:
        words = next((v for v in table[name] if not isinstance(v, int | float | np.number)), "")
        found = f"{name} {shown(words)}"
        raise refused(path, found, f"a number in each row of {name}", InvalidFile) from error


def _label(values: pd.Series) -> np.ndarray:
    """Labels as numbers, or as text where netCDF has no type for them."""
    found = values.to_numpy()
    return found if found.dtype.kind in "fiub" else values.astype(str).to_numpy(str)


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
    path_of = variable and variable.strip("/")  # as other programs print paths
    with h5py.File(path, "r") as file:
        columns: dict[str, Any] = {}

        def collect(name: str, item: Any) -> None:
            if isinstance(item, h5py.Dataset) and item.dtype.kind in "fiub":
                column = _text(item.attrs.get("neurodata_type")) == "VectorData"
                if item.ndim > 1 and (column or name == path_of):
                    columns[name] = item

        file.visititems(collect)
        chosen = _chosen(columns, path_of)
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
            centres, unit = (edges[:-1] + edges[1:]) / 2, about.get(f"dim{k}_unit")
            maps = maps.assign_coords({axis: (axis, centres, {"units": unit} if unit else {})})
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
