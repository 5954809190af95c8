"""Grid periods as the published program estimates them, to compare with its numbers."""

from __future__ import annotations

import numpy as np
import scipy.ndimage
import xarray as xr
from numpy.typing import ArrayLike

from nofreelunch.scoring.autocorrelograms import lagged_products, whole
from nofreelunch.scoring.maps import MapStack


def nearest_six(rate_maps: ArrayLike) -> xr.Dataset:
    """The lattice period in bins as Schaeffer et al. 2022 estimate it, which is biased short.

    Peaks are local maxima of the raw autocorrelation. The mean is not subtracted and the overlap is
    not accounted for, which pulls peaks towards the centre. An unvisited bin counts as zero.

    `rate_maps` and errors as in `measure_lattices`. Returns a dataset over the leading dimensions:
    `period`, mean distance of the (up to) six peaks nearest to the centre; `period_spread`, its
    standard deviation; `peaks`, their number. Without peaks the first two are NaN.
    """
    names = ("period", "period_spread", "peaks")
    stack = MapStack(rate_maps, "zero", names)
    found = np.full((3, stack.count), np.nan)
    for chunk in stack.chunks():
        rates = np.nan_to_num(np.moveaxis(stack.maps[chunk.where], 0, -1).astype(float))
        largest = np.abs(rates).max(axis=(0, 1))
        rates /= np.where(largest > 0, largest, 1)  # squares may overflow otherwise, or underflow
        distances = _peak_distances(whole(lagged_products(rates)))[:, 1:7]  # 0: the centre itself
        nearest = np.ma.masked_invalid(distances)
        for row, value in enumerate((nearest.mean(-1), nearest.std(-1), nearest.count(-1))):
            found[row, chunk.where] = np.ma.filled(value, np.nan)
    return xr.Dataset({name: stack.label(row) for name, row in zip(names, found, strict=True)})


def _peak_distances(products: np.ndarray) -> np.ndarray:
    """Distances in bins from the centre to local maxima (map, lag), ascending, then infinite.

    A maximum is the highest of 3 x 3 bins and not at the border.
    """
    # Sums that differ only by the rounding of a transform must not make peaks.
    highest = products.max(axis=(1, 2), keepdims=True)
    products = (products / np.where(highest > 0, highest, 1)).round(12)
    peaks = products == scipy.ndimage.maximum_filter(products, (1, 3, 3), mode="nearest")
    peaks &= products > products.min(axis=(1, 2), keepdims=True)
    lag = np.arange(products.shape[-1])[1:-1] - products.shape[-1] // 2
    distance = np.where(peaks[:, 1:-1, 1:-1], np.hypot(lag[:, np.newaxis], lag), np.inf)
    return np.sort(distance.reshape(len(distance), -1), axis=-1)
