"""The units of a network as one string: maps in shades, scores and surrogates, compressed.

The page unpacks a block when its network is opened; `maps.js` reads what this module writes.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping

import numpy as np

from nofreelunch.explorer.columns import COLUMNS

SHADES = 254  # the shade of a map's highest rate; its lowest has 0
UNVISITED = 255
THOUSANDTHS = 1000  # surrogates' scores are kept to three decimals
UNKNOWN = int(np.iinfo(np.int16).min)  # stands for NaN among them
COMPRESSION = 6


def pack_units(
    maps: np.ndarray, scores: Mapping[str, np.ndarray], surrogates: np.ndarray | None
) -> tuple[str, list[str]]:
    """Units as a string of base64, and the names of the columns in it.

    The bytes are compressed by zlib. They hold the shades (unit, y, x) as uint8, the columns
    (column, unit) as float32, and the scores of surrogates (unit, kind, surrogate) in thousandths
    as int16. A shade is the rate between the map's lowest and highest in 254 steps, and 255 stands
    for an unvisited bin, so a rate is off by at most 1/508 of the map's range. Numbers are
    little-endian.

    Args:
        maps: (unit, y, x); NaN marks an unvisited bin, and infinite rates count as such.
        scores: names of `COLUMNS` -> (unit,). Columns without any number are left out.
        surrogates: (unit, kind, surrogate), or None.
    """
    shades, lowest, highest = shade(maps)
    given = {**scores, "lowest": lowest, "highest": highest}
    names = [c.name for c in COLUMNS if c.name in given and np.isfinite(given[c.name]).any()]
    table = np.array([given[name] for name in names], "<f4").reshape(len(names), len(maps))
    parts = [shades.tobytes(), table.tobytes()]
    if surrogates is not None:
        known = np.nan_to_num(np.round(surrogates * THOUSANDTHS), nan=UNKNOWN)
        parts.append(known.astype("<i2").tobytes())
    return base64.b64encode(zlib.compress(b"".join(parts), COMPRESSION)).decode("ascii"), names


def shade(maps: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Shades of maps (unit, y, x) as uint8, and the lowest and highest rate of each (unit,)."""
    rates = np.asarray(maps, float)
    known = np.isfinite(rates)
    some = known.any(axis=(1, 2))
    lowest = np.where(some, np.min(rates, axis=(1, 2), where=known, initial=np.inf), np.nan)
    highest = np.where(some, np.max(rates, axis=(1, 2), where=known, initial=-np.inf), np.nan)
    span = np.where(highest > lowest, highest - lowest, 1)[:, np.newaxis, np.newaxis]
    above = np.where(known, rates, 0) - np.where(some, lowest, 0)[:, np.newaxis, np.newaxis]
    shades = np.round(SHADES * above / span)
    return np.where(known, shades, UNVISITED).astype(np.uint8), lowest, highest


def packed_size(units: int, side: int, surrogates: int) -> int:
    """Characters that a block of so many units takes at most, about."""
    return units * (side**2 + 4 * len(COLUMNS) + 2 * surrogates) * 4 // 3
