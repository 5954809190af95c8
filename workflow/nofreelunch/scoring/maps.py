"""Rate maps as checked arrays, cut into standardised chunks; results get the maps' own labels.

Maps are numpy, xarray, pandas, dask or torch, (..., y, x), or a list or dictionary of these. NaN or
a numpy mask marks a bin that was not visited.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from nofreelunch.errors import check_choice, refused

UNVISITED = ("masked", "zero")
CARRIERS = np.ma.MaskedArray, xr.DataArray  # of masks and axes, which numpy would drop
# Words in the name of a dimension that runs along x or y, as in pos_x, xbins or row.
WORDS = {"x": "x(bin|cent(er|re)|edge)?|col(umn)?", "y": "y(bin|cent(er|re)|edge)?|row"}
ALONG = {
    axis: re.compile(rf"(?<![a-z])({words})s?(?![a-z])", re.IGNORECASE)
    for axis, words in WORDS.items()
}
SMALLEST_SIDE = 4  # bins
ROUNDINGS = 16  # rounding errors by which a constant map may vary
BINS_PER_CHUNK = 2**16  # bounds memory, and lets a chunk fit the processor's cache
KEPT_BYTES = 2**25 - 2**16  # just below the largest block that the C library will reuse


class MapChunk(NamedTuple):
    """Some maps of a stack, standardised, with the maps along the last axis."""

    where: slice  # their place in the stack
    maps: np.ndarray  # (y, x, map): mean 0, variance 1; 0 in constant maps and unvisited bins
    valid: np.ndarray | None  # (y, x, map or 1) bool, or None where every bin counts
    visited: np.ndarray  # (map,) bool: has at least one visited bin


class MapStack:
    """Checked rate maps with any leading dimensions. Gives them in chunks, and labels results.

    `results` are the names of the variables and dimensions that the results will have. Maps with a
    dimension or coordinate of such a name are refused. Raises ValueError for this, for an unknown
    `unvisited`, and for maps that are not square or smaller than 4 x 4 bins.
    """

    def __init__(
        self, rate_maps: ArrayLike, unvisited: str = "masked", results: Iterable[str] = ()
    ) -> None:
        check_choice("unvisited", unvisited, UNVISITED)
        maps = labelled(rate_maps)
        if maps.ndim < 2 or maps.shape[-1] != maps.shape[-2] or maps.shape[-1] < SMALLEST_SIDE:
            raise refused(
                "rate_maps",
                f"shape {maps.shape}",
                f"square maps (..., y, x) of at least {SMALLEST_SIDE} x {SMALLEST_SIDE} bins; "
                "NaN can fill up an oblong one",
            )
        self.side = maps.shape[-1]
        self.leading = maps.isel({dim: 0 for dim in maps.dims[-2:]}, drop=True)
        if taken := {*results} & {*self.leading.dims, *self.leading.coords}:
            kind = "dimension" if min(taken) in self.leading.dims else "coordinate"
            raise refused(
                "rate_maps",
                f"a {kind} {min(taken)!r}",
                "another name, as the result has one of this name",
            )
        self.count = math.prod(self.leading.shape)
        self.maps = maps.values.reshape(self.count, self.side, self.side)
        self.masked = unvisited == "masked"

    def chunks(self, bins: int = BINS_PER_CHUNK) -> Iterator[MapChunk]:
        """The maps in order, about `bins` bins at a time. Raises ValueError for infinite rates."""
        step = max(1, bins // self.side**2)
        # Once it has freed a block this large, the C library keeps the memory of a chunk for the
        # next one. Otherwise the system clears fresh memory for each chunk, which is slow.
        np.empty(KEPT_BYTES, np.uint8)
        for start in range(0, self.count, step):
            where = slice(start, min(start + step, self.count))
            yield self._chunk(where)

    def _chunk(self, where: slice) -> MapChunk:
        maps = np.array(np.moveaxis(self.maps[where], 0, -1), dtype=float, order="C")
        if np.isinf(maps).any():
            raise refused("rate_maps", "an infinite rate", "finite rates and NaN")
        valid = ~np.isnan(maps)
        visited = valid.any(axis=(0, 1))
        maps[~valid] = 0
        valid |= ~visited  # a map without visited bins counts as constant
        if not self.masked or valid.all():
            valid = None
        elif (valid == valid[..., :1]).all():
            valid = valid[..., :1]
        standardised = _standardised(maps, valid, least_change(self.maps.dtype))
        return MapChunk(where, standardised, valid, visited)

    def label(
        self, values: np.ndarray, leading: dict | None = None, trailing: dict | None = None
    ) -> xr.DataArray:
        """`values` (*leading, map, *trailing), with `map` unfolded to the maps' own dimensions."""
        leading, trailing = leading or {}, trailing or {}
        own = self.leading
        shape = values.shape[: len(leading)], values.shape[len(leading) + 1 :]
        return xr.DataArray(
            values.reshape((*shape[0], *own.shape, *shape[1])),
            dims=(*leading, *own.dims, *trailing),
            coords={**own.coords, **leading, **trailing},
        )


def one_map(rate_map: ArrayLike) -> np.ndarray:
    """A single map (y, x) with NaN in unvisited bins, checked as the maps of a `MapStack` are.

    Also raises ValueError for several maps, infinite rates, and a map without any visited bin.
    """
    stack = MapStack(rate_map)
    if stack.leading.ndim:
        raise refused("rate_map", f"{stack.leading.shape} maps", "one (y, x)")
    (rates,) = stack.maps
    if np.isinf(rates).any():
        raise refused("rate_map", "an infinite rate", "finite rates and NaN")
    if np.isnan(rates).all():
        raise refused("rate_map", "no visited bin", "one or more")
    return rates


def labelled(rate_maps: ArrayLike, name: str = "rate_maps") -> xr.DataArray:
    """Maps as an array (..., y, x) of real numbers, without coordinates along y and x.

    The dimensions of `plane` are moved to the end. Bins that a numpy mask hides become NaN.
    The masks, axes and labels of the items of a list count, and so do the names in a dictionary;
    both get the dimension `map`. Raises ValueError, which names the argument `name`, for values
    that are not real numbers, and for maps that do not fit together.
    """
    if isinstance(rate_maps, xr.Dataset):
        variables = ", ".join(map(str, rate_maps.data_vars))
        raise refused(name, "a Dataset", f"one of its variables ({variables})")
    rate_maps = opened(rate_maps)
    if isinstance(rate_maps, Mapping):
        plain = [key.item() if isinstance(key, np.generic) else key for key in rate_maps]
        keys = [key if isinstance(key, str | int | float) else str(key) for key in plain]
        together = _together(list(rate_maps.values()), name)
        return together.assign_coords({together.dims[0]: keys})
    if isinstance(rate_maps, (list, tuple)):
        if _carry(rate_maps):
            return _together(rate_maps, name)
        try:
            rate_maps = np.asarray(rate_maps)
        except ValueError as error:
            shapes = ", ".join(sorted({f"{np.shape(item)}" for item in rate_maps}))
            raise refused(name, f"maps of shapes {shapes}", "maps of one shape") from error
    if hasattr(rate_maps, "detach"):
        tensor: Any = rate_maps.detach().cpu()
        rate_maps = (tensor.float() if "bfloat16" in str(tensor.dtype) else tensor).numpy()
    maps = rate_maps if isinstance(rate_maps, xr.DataArray) else xr.DataArray(np.asarray(rate_maps))
    if maps.dtype.kind not in "fiub":
        raise refused(f"{name}", f"{maps.dtype} values", "real numbers")
    if isinstance(rate_maps, np.ma.MaskedArray):
        dtype = maps.dtype if maps.dtype.kind == "f" else float
        maps = xr.DataArray(np.ma.filled(rate_maps.astype(dtype), np.nan))
    if maps.dtype.itemsize > np.dtype(float).itemsize:
        maps = maps.astype(float)
    maps = distinct(maps)
    maps = maps.transpose(..., *plane(maps.dims))
    on_maps = [k for k, of in maps.coords.items() if {*of.dims} & {*maps.dims[-2:]}]
    return maps.drop_vars(on_maps)


def plane(dims: Sequence[Hashable]) -> tuple[Hashable, ...]:
    """The dimensions of single maps, y and x: those with these names, or else the last two.

    Names such as pos_y and pos_x count, too, where there is one of each. Of the last two, the first
    is x if it is called so.
    """
    named = {str(dim).lower(): dim for dim in dims}
    if {"y", "x"} <= {*named}:
        return named["y"], named["x"]
    along = {a: [d for d in dims if word.search(str(d))] for a, word in ALONG.items()}
    if len(along["x"]) == len(along["y"]) == 1 and along["x"] != along["y"]:
        return along["y"][0], along["x"][0]
    last = tuple(dims[-2:])
    return last[::-1] if last[:1] == tuple(along["x"]) else last


def distinct(maps: xr.DataArray) -> xr.DataArray:
    """The same array, its dimensions renamed if two have one name."""
    if len({*maps.dims}) == maps.ndim:
        return maps
    variable = maps.variable.copy(deep=False)
    numbers = [list(maps.dims[:k]).count(dim) for k, dim in enumerate(maps.dims)]
    variable.dims = [f"{d}_{k}" if k else d for d, k in zip(maps.dims, numbers, strict=True)]
    return xr.DataArray(variable, name=maps.name)


def opened(rate_maps: Any) -> Any:
    """Arrays of other libraries as arrays of xarray or numpy that keep axes and masks.

    A column of maps becomes a list or, if it has labels, a dictionary.
    """
    library = type(rate_maps).__module__.partition(".")[0]
    if library == "dask":
        return opened(rate_maps.compute())
    if library == "pandas" and rate_maps.ndim == 2:
        return xr.DataArray(_without_extensions(rate_maps))
    if isinstance(rate_maps, xr.Variable):
        return xr.DataArray(rate_maps)
    if hasattr(rate_maps, "unmasked") and hasattr(rate_maps, "mask"):  # of astropy
        return np.ma.masked_array(np.asarray(rate_maps.unmasked), np.asarray(rate_maps.mask))
    if library == "torch" and hasattr(rate_maps, "get_mask"):
        kept = rate_maps.get_mask().detach().cpu().numpy()
        return np.ma.masked_array(rate_maps.get_data().detach().cpu().numpy(), ~kept)
    if _is_of_file(rate_maps):
        there = rate_maps.group().variables
        axes = {d: there[d] for d in rate_maps.dimensions if d in there and there[d].ndim == 1}
        coords = {dim: (dim, axis[...], axis.__dict__) for dim, axis in axes.items()}
        return xr.DataArray(rate_maps[...], coords, rate_maps.dimensions)
    dtype = getattr(rate_maps, "dtype", None)
    if getattr(dtype, "kind", "") != "O" or rate_maps.ndim != 1:
        return rate_maps
    named = dict(rate_maps.items()) if hasattr(rate_maps, "items") else {}
    return named if len(named) == len(rate_maps) else list(rate_maps)


def _without_extensions(table: Any) -> Any:
    """A pandas table whose columns of numbers with pandas.NA are floats with NaN."""
    if not any(hasattr(dtype, "na_value") for dtype in table.dtypes):
        return table
    try:
        values = table.to_numpy(float, na_value=np.nan)
    except (TypeError, ValueError):
        return table
    return type(table)(values, table.index, table.columns)


def _is_of_file(values: Any) -> bool:
    """Whether values are a variable of an open netCDF file, as that library has them."""
    return type(values).__module__.startswith("netCDF4") and hasattr(values, "shape")


def _carry(items: Iterable[Any]) -> bool:
    """Whether items, at any depth, carry what numpy would drop: masks, axes, keys or gradients."""
    return any(
        isinstance(item, (*CARRIERS, Mapping))
        or hasattr(item, "detach")
        or (isinstance(item, (list, tuple)) and _carry(item))
        for item in map(opened, items)
    )


def _together(items: Sequence[ArrayLike], name: str) -> xr.DataArray:
    """Items of a list or dictionary along a new first dimension: `map`, or `group` of such."""
    arrays = [labelled(item, name) for item in items]
    if not arrays or any(not array.ndim for array in arrays):
        raise refused(name, "single numbers" if arrays else "no maps", "one or more maps (y, x)")
    arrays = [x.rename(dict(zip(x.dims[-2:], ("y", "x")[-x.ndim :], strict=True))) for x in arrays]
    if len({(array.dims, array.shape) for array in arrays}) != 1:
        found = ", ".join(sorted({f"{array.shape}" for array in arrays}))
        raise refused(name, f"maps of shapes {found}", "maps of one shape and with the same axes")
    shared = set.intersection(*({*array.coords} for array in arrays))
    arrays = [array.drop_vars({*array.coords} - shared) for array in arrays]
    names = itertools.chain(("map", "group", "groups"), map("groups_{}".format, itertools.count(2)))
    dim = next(name for name in names if name not in arrays[0].dims)
    try:
        return xr.concat(arrays, dim, coords="different", compat="equals", join="exact")
    except ValueError as error:
        raise refused(name, "maps with unlike labels", "the same labels along an axis") from error


def least_change(dtype: np.dtype) -> float:
    """Relative variation below which a map counts as constant, for rates of this dtype."""
    return ROUNDINGS * float(np.finfo(dtype if dtype.kind == "f" else float).eps)


def _standardised(maps: np.ndarray, valid: np.ndarray | None, least: float) -> np.ndarray:
    """Scale maps (y, x, map) in place to mean 0 and variance 1 in valid bins, and 0 in the others.

    A map that varies by no more than `least` of its largest rate is constant: it becomes zeros.
    """
    largest = np.abs(maps).max(axis=(0, 1))
    maps /= np.where(largest > 0, largest, 1)
    inside = True if valid is None else np.broadcast_to(valid, maps.shape)
    low = maps.min(axis=(0, 1), where=inside, initial=np.inf)
    high = maps.max(axis=(0, 1), where=inside, initial=-np.inf)
    # The least rate is subtracted first, because a large offset would cost digits of the mean.
    maps -= low
    varies = high - low > least
    count = maps.shape[0] * maps.shape[1] if valid is None else valid.sum(axis=(0, 1))
    for _ in range(2):
        maps -= (maps if valid is None else maps * valid).sum(axis=(0, 1)) / count
    if valid is not None:
        maps *= valid
    deviation = np.sqrt(np.square(maps).sum(axis=(0, 1)) / count)
    maps *= np.where(varies, 1 / np.where(varies, deviation, 1), 0)
    return maps
