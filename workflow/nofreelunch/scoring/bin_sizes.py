"""The side of a bin in metres: what a user, a file and the coordinates of maps say about it."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from nofreelunch.errors import refused, shown

METRES = {"m": 1.0, "cm": 0.01, "mm": 0.001}
NAMES = {"metre": "m", "meter": "m", "centimetre": "cm", "centimeter": "cm"}
NAMES |= {"millimetre": "mm", "millimeter": "mm"}
LARGEST = 1.0  # m; a larger number in a file that names no unit will be of centimetres
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

    Coordinates without a unit may be numbers of bins, metres, centimetres or millimetres. Raises
    ValueError for a contradiction, and for what is not a positive number.
    """
    size = np.asarray(bin_size)
    if size.ndim or size.dtype.kind not in "fiu" or not 0 < size < np.inf:
        raise refused("bin_size", shown(bin_size), "a positive number of metres")
    steps = coordinate_steps(maps)
    if steps is None:
        return float(size)
    if steps.unit:
        allowed = [steps.metres]
    elif steps.size == 1:
        return float(size)
    else:
        allowed = [steps.size * metres for metres in METRES.values()]
    if not any(_equal(float(size), metres) for metres in allowed):
        values = " or ".join(f"{metres:.4g}" for metres in allowed)
        raise refused("bin_size", f"{size:.4g} m, and {steps}", f"{values} m")
    return float(size)


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
            coordinates, and more than 1 m where no unit is stated.
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
    elif size > LARGEST and not (steps and steps.unit):
        allowed = f"at most {LARGEST:g} (m) where no unit is stated; or give the size in m"
        raise refused(where, f"{size:g}", allowed)
    return check_bin_size(maps, size)


def coordinate_steps(maps: Any) -> Steps | None:
    """Distance of the bins by the coordinates of the last two axes; None if there are none.

    Axes called y and x may stand anywhere. Raises ValueError for bins that are not square.
    """
    if not isinstance(maps, xr.DataArray) or maps.ndim < 2:
        return None
    axes = ("y", "x") if {"y", "x"} <= set(maps.dims) else maps.dims[-2:]
    found = [_steps(maps[axis]) for axis in axes if axis in maps.coords]
    known = [steps for steps in found if steps is not None]
    if len(known) == 2 and known[0].unit == known[1].unit:
        if not _equal(known[0].size, known[1].size):
            sides = f"{known[0].size:.4g} by {known[1].size:.4g} {known[0].unit}".rstrip()
            raise refused("rate_maps", f"bins of {sides}", "square bins")
    return known[0] if known else None


def _steps(along: xr.DataArray) -> Steps | None:
    """Steps of one coordinate; None where it has no number for each bin, or unequal steps."""
    if along.ndim != 1 or along.size < 2 or along.dtype.kind not in "fiu":
        return None
    steps = np.abs(np.diff(along.values.astype(float)))
    if not np.isfinite(steps).all() or not _equal(steps.min(), steps.max()):
        return None
    unit = along.attrs.get("units") or along.attrs.get("unit")
    length = unit is not None and str(unit).strip().lower() not in ("", "1", "bin", "bins")
    return Steps(float(steps.mean()), _unit(unit, f"units of {along.name}") if length else "")


def _unit(text: Any, where: Any) -> str:
    word = str(text).strip()
    word = NAMES.get(word.lower().rstrip("s"), word)
    if word not in METRES:
        raise refused(where, shown(text), ", ".join(METRES))
    return word


def _equal(one: float, other: float) -> bool:
    return abs(one - other) <= EXACTNESS * max(abs(one), abs(other)) and one != 0
