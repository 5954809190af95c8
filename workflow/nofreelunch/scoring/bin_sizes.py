"""The side of a bin in metres: what a user, a file and the coordinates of maps say about it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from nofreelunch.errors import refused, shown
from nofreelunch.scoring.maps import opened, plane

METRES = {"m": 1.0, "cm": 0.01, "mm": 0.001, "um": 1e-6, "in": 0.0254, "ft": 0.3048}
NAMES = {"metre": "m", "meter": "m", "centimetre": "cm", "centimeter": "cm"}
NAMES |= {"millimetre": "mm", "millimeter": "mm", "micrometre": "um", "micrometer": "um"}
NAMES |= {"micron": "um", "µm": "um", "inch": "in", "inche": "in", "foot": "ft", "feet": "ft"}
UNSTATED = ("m", "cm", "mm")  # what coordinates without a unit may be in
COUNTS = ("", "1", "bin", "bins")  # units of coordinates that count bins
LARGEST = 1.0  # m; as large a number where no unit is named will be of centimetres
EXACTNESS = 0.01  # by which two statements of one length may differ


class Steps(NamedTuple):
    """Distance of the bins by their coordinates, and its unit ("" if that is not stated)."""

    size: float
    unit: str

    @property
    def metres(self) -> float:
        return self.size * METRES[self.unit]

    def __str__(self) -> str:
        return f"steps of {self.size:.4g} {self.unit or 'of no unit'} along the coordinates"


def check_bin_size(maps: Any, bin_size: Any) -> float:
    """The bin size (m) that a user gave, if the coordinates of the maps do not contradict it.

    A quantity with a unit is taken in that unit. Coordinates without a unit may be numbers of bins,
    metres, centimetres or millimetres. The maps of a list or dictionary are looked at one by one.
    Raises ValueError for a contradiction, for what is not a positive number, and for 1 m or more
    unless the coordinates have a unit.
    """
    size = np.asarray(_in_metres(bin_size))
    if size.ndim or size.dtype.kind not in "fiu" or not 0 < size < np.inf:
        raise refused("bin_size", shown(bin_size), "a positive number of metres")
    for steps in [*map(coordinate_steps, carriers(maps))] or [None]:
        if size >= LARGEST and not (steps and steps.unit):
            allowed = f"below {LARGEST:g} m, unless coordinates y and x have the attribute units"
            raise refused("bin_size", f"{size:g} m", allowed)
        _compared(float(size), steps)
    return float(size)


def _in_metres(bin_size: Any) -> Any:
    """A quantity of astropy or pint as a number of metres; anything else as it is."""
    unit = getattr(bin_size, "unit", None) or getattr(bin_size, "units", None)
    if unit is None or isinstance(bin_size, xr.DataArray):
        return bin_size
    number = getattr(bin_size, "value", None)
    number = getattr(bin_size, "magnitude", bin_size) if number is None else number
    return float(np.asarray(number)) * METRES[_unit(str(unit), "bin_size")]


def carriers(maps: Any) -> Iterator[xr.DataArray]:
    """The arrays with coordinates in a list or dictionary of maps, at any depth."""
    maps = opened(maps)
    if isinstance(maps, xr.DataArray):
        yield maps
    elif isinstance(maps, list | tuple | Mapping):
        for item in maps.values() if isinstance(maps, Mapping) else maps:
            yield from carriers(item)


def _compared(size: float, steps: Steps | None) -> float:
    """A bin size (m) that does not contradict the coordinates' steps; ValueError if it does."""
    if steps is None or (not steps.unit and steps.size == 1):
        return size
    allowed = [steps.metres] if steps.unit else [steps.size * METRES[u] for u in UNSTATED]
    if not any(_equal(size, metres) for metres in allowed):
        values = " or ".join(f"{metres:.4g}" for metres in allowed)
        raise refused("bin_size", f"{size:.4g} m, and {steps}", f"{values} m")
    return size


def bin_size_of_file(maps: xr.DataArray, stated: Any, unit: Any, where: Any) -> float | None:
    """The bin size (m) that a file states, by itself or by coordinates with a unit; or None.

    Args:
        maps: with the coordinates of the file.
        stated: its bin size, or None.
        unit: of `stated`; where it is None, that of the coordinates if these have the same number,
            and metres if not.
        where: file and key, for messages.

    Raises:
        ValueError: for what is not a positive number, an unknown unit, a contradiction to the
            coordinates, and 1 m or more where no unit is stated.
    """
    steps = coordinate_steps(maps)
    if stated is None:
        return steps.metres if steps and steps.unit else None
    try:
        size = float(np.asarray(stated).item())
    except (ValueError, TypeError) as error:
        raise refused(where, shown(stated), "one number") from error
    if unit is not None:
        size *= METRES[_unit(unit, where)]
    elif steps and steps.unit and _equal(size, steps.size):
        size = steps.metres
    elif size >= LARGEST and not (steps and steps.unit):
        allowed = f"below {LARGEST:g} (m) where no unit is stated; or give the size in m"
        raise refused(where, f"{size:g}", allowed)
    if not 0 < size < np.inf:
        raise refused(where, shown(stated), "a positive number of metres")
    return _compared(size, steps)


def coordinate_steps(maps: Any) -> Steps | None:
    """Distance of the bins by the coordinates of the maps' own axes; None if there are none.

    These are the axes of `plane`. Raises ValueError for bins that are not square.
    """
    maps = opened(maps)
    if not isinstance(maps, xr.DataArray) or maps.ndim < 2:
        return None
    found = [_steps(maps[axis]) for axis in plane(maps.dims) if axis in maps.coords]
    known = [steps for steps in found if steps is not None]
    if len(known) == 2 and bool(known[0].unit) == bool(known[1].unit):
        sides = [steps.metres if steps.unit else steps.size for steps in known]
        if not _equal(*sides):
            by = " by ".join(f"{steps.size:.4g} {steps.unit}".rstrip() for steps in known)
            raise refused("rate_maps", f"bins of {by}", "square bins")
    return known[0] if known else None


def _steps(along: xr.DataArray) -> Steps | None:
    """Steps of one coordinate; None where it has no number for each bin, or unequal steps.

    Also None where its unit is no length: pixels, of which there may be several in a bin, degrees.
    """
    if along.ndim != 1 or along.size < 2 or along.dtype.kind not in "fiu":
        return None
    steps = np.abs(np.diff(along.values.astype(float)))
    if not np.isfinite(steps).all() or not _equal(steps.min(), steps.max()):
        return None
    word = unit_of(along)
    if word not in (*COUNTS, *METRES):
        return None
    return Steps(float(steps.mean()), "" if word in COUNTS else word)


def unit_of(along: xr.DataArray) -> str:
    """The unit that a coordinate states, as in `METRES` if it is one of these; "" without one."""
    unit = along.attrs.get("units") or along.attrs.get("unit")
    return "" if unit is None else _plain(unit)


def _plain(text: Any) -> str:
    """A unit's short name, or its text in small letters if it is none of `METRES`."""
    word = _word(text).lower()
    return NAMES.get(word.rstrip("s"), word)


def _unit(text: Any, where: Any) -> str:
    word = _plain(text)
    if word not in METRES:
        raise refused(where, shown(_word(text)), ", ".join(METRES))
    return word


def _word(text: Any) -> str:
    """A unit as text, whether a file has it as text, bytes or an array of one."""
    (first, *_) = np.ravel(np.asarray(text)).tolist() or [""]
    return (first.decode() if isinstance(first, bytes) else str(first)).strip()


def _equal(one: float, other: float) -> bool:
    return abs(one - other) <= EXACTNESS * max(abs(one), abs(other)) and one != 0
