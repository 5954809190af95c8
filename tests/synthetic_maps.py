"""Rate maps (map, y, x) of known structure in a box of 2.2 m, and where the reference maps are."""

from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

BOX = 2.2  # m
SHARED = Path(__file__).parents[1].parent / "shared" / "data"


def hexagonal(bins, period, orientation=0.0, centre=(0.0, 0.0)):
    """Three plane waves, between -1.5 and 3, with a peak at `centre` (x, y) m: (y, x)."""
    place = (np.arange(bins) + 0.5) / bins * BOX - BOX / 2
    x, y = np.meshgrid(place - centre[0], place - centre[1])
    angles = orientation + np.deg2rad([30, 90, 150])
    phase = np.multiply.outer(np.cos(angles), x) + np.multiply.outer(np.sin(angles), y)
    return np.cos(4 * np.pi / np.sqrt(3) / period * phase).sum(axis=0)


def hexagonal_maps(bins, period, count, random, noise=0.0, rectified=False):
    """Lattices at random positions and orientations, the latter also returned.

    White noise has a standard deviation of `noise` times the map's.
    """
    orientations = random.uniform(0, np.pi / 3, count)
    centres = random.uniform(-period, period, (count, 2))
    maps = [hexagonal(bins, period, *place) for place in zip(orientations, centres, strict=True)]
    maps = np.maximum(maps, 0 if rectified else -np.inf)
    deviation = maps.std(axis=(1, 2), keepdims=True)
    return maps + noise * deviation * random.standard_normal(maps.shape), orientations


def smooth_noise(bins, width, count, random):
    """Gaussian-filtered white noise, `width` in m."""
    filtered = gaussian_filter(
        random.standard_normal((count, bins, bins)), (0, *2 * [width / BOX * bins])
    )
    return filtered / filtered.std(axis=(1, 2), keepdims=True)


def bumps(bins, places, width, heights=None):
    """Gaussians at `places` (x, y) in m, of a standard deviation `width` in m: (y, x)."""
    centres = (np.arange(bins) + 0.5) / bins * BOX
    x, y = np.meshgrid(centres, centres)
    heights = np.ones(len(places)) if heights is None else heights
    squares = [(x - a) ** 2 + (y - b) ** 2 for a, b in places]
    return np.tensordot(heights, np.exp(-np.stack(squares) / (2 * width**2)), 1)


def write_nwb(path, columns, attributes=None, name="processing/behavior/maps") -> None:
    """A file as NWB lays out a table, by h5py alone."""
    h5py = pytest.importorskip("h5py", reason="needs the extra exchange")
    with h5py.File(path, "w") as file:
        table = file.create_group(name)
        table.attrs.update({"neurodata_type": "DynamicTable"} | (attributes or {}))
        for column, values in columns.items():
            table[column] = values
            table[column].attrs["neurodata_type"] = "VectorData"
        file["acquisition/raw/data"] = np.zeros((30, 30, 30))
