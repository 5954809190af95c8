"""Two arrays over the same places: the bins of one in the order of the other's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from nofreelunch.errors import refused
from nofreelunch.scoring.bin_sizes import METRES, carriers, unit_of
from nofreelunch.scoring.maps import labelled, opened, plane

CLOSENESS = 0.01  # of a bin, by which coordinates of one place may differ


def placed_as(like: Any, values: Any, name: str) -> Any:
    """`values` with their bins where those of `like` are, as far as both say where they are.

    Beside maps that name x before y, as those of pynapple do, an array without names has x first,
    too. Coordinates that run the other way are turned. Coordinates in other units are compared in
    metres. Those that only count bins say nothing.

    Args:
        like: maps, or a list or dictionary of maps, of which the first that names its axes counts.
        values: maps, or one array (y, x) for all of them.
        name: of the argument `values`, for errors.

    Raises ValueError for coordinates of other places.
    """
    example, values = next(carriers(like), None), opened(values)
    if example is None or example.ndim < 2 or isinstance(values, xr.Dataset):
        return values
    if isinstance(values, Mapping):
        return {key: placed_as(like, item, name) for key, item in values.items()}
    if isinstance(values, list | tuple) and next(carriers(values), None) is not None:
        return [placed_as(like, item, name) for item in values]
    if not isinstance(values, xr.DataArray):
        return _named_as(example, labelled(values, name))
    for axis in plane(example.dims):
        if axis in example.coords and axis in values.coords:
            values = _turned(values, axis, example[axis], name)
    return values


def _named_as(example: xr.DataArray, plain: xr.DataArray) -> xr.DataArray:
    """An array without names, with those of an example's axes, if it has its shape there."""
    own = plane(example.dims)
    dims = tuple(dim for dim in example.dims if dim in own)
    whole = example.dims if plain.shape == example.shape else dims
    sizes = tuple(example.sizes[dim] for dim in whole)
    if plain.shape[-len(whole) :] != sizes:
        return plain
    leading = (f"map_{k}" for k in range(plain.ndim - len(whole)))
    return xr.DataArray(plain.values, dims=(*leading, *whole))


def _turned(values: xr.DataArray, axis: Any, along: xr.DataArray, name: str) -> xr.DataArray:
    """`values` in the order of the coordinate `along`, which they may have in another order."""
    here, there = _metres(along), _metres(values[axis])
    if here is None or there is None or here.shape != there.shape:
        return values
    order = np.argsort(there)[np.argsort(np.argsort(here))]
    if (np.abs(there[order] - here) <= CLOSENESS * np.abs(np.diff(here)).min(initial=np.inf)).all():
        return values.isel({axis: order})
    counts = any(np.array_equal(one, np.arange(one.size)) for one in (here, there))
    if counts or bool(unit_of(along)) != bool(unit_of(values[axis])):
        return values
    raise refused(name, f"other places along {axis}", "those of the maps")


def _metres(along: xr.DataArray) -> np.ndarray | None:
    """A coordinate in metres, or as it is if it has no unit; None if it holds no numbers."""
    if along.ndim != 1 or along.dtype.kind not in "fiu":
        return None
    return along.values.astype(float) * METRES.get(unit_of(along), 1.0)
