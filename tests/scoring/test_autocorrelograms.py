"""Autocorrelograms against the correlation of the overlapping bins, lag by lag."""

import numpy as np
import pytest
import xarray as xr
from nofreelunch.scoring import autocorrelograms
from synthetic_maps import smooth_noise

pytestmark = pytest.mark.filterwarnings("error")


def lag_by_lag(rates):
    """Pearson correlation of all pairs of visited bins, for each lag of one map."""
    n = len(rates)
    result = np.zeros((2 * n - 1, 2 * n - 1))
    for dy in range(1 - n, n):
        for dx in range(1 - n, n):
            here = rates[max(0, -dy) : n - max(0, dy), max(0, -dx) : n - max(0, dx)].ravel()
            there = rates[max(0, dy) : n - max(0, -dy), max(0, dx) : n - max(0, -dx)].ravel()
            both = ~np.isnan(here) & ~np.isnan(there)
            here, there = here[both], there[both]
            if here.size > 1 and np.ptp(here) > 0 and np.ptp(there) > 0:
                result[dy + n - 1, dx + n - 1] = np.corrcoef(here, there)[0, 1]
    return result


@pytest.mark.parametrize("bins", [7, 12])
@pytest.mark.parametrize("unvisited", ["none", "one mask", "own masks"])
def test_each_lag(bins, unvisited):
    random = np.random.default_rng(0)
    rates = np.concatenate(
        [random.uniform(size=(2, bins, bins)), smooth_noise(bins, 0.4, 3, random)]
    )
    rates[-1] = np.maximum(rates[-1], 0.5)  # flat patches
    if unvisited == "one mask":
        rates[:, random.uniform(size=(bins, bins)) < 0.2] = np.nan
    if unvisited == "own masks":
        rates[random.uniform(size=rates.shape) < 0.2] = np.nan
    found = autocorrelograms.autocorrelograms(rates)
    for correlogram, rate_map in zip(found.values, rates, strict=True):
        np.testing.assert_allclose(correlogram, lag_by_lag(rate_map), atol=1e-9)


def test_small_rates_beside_a_large_field():
    """Where both overlapping patches hardly vary, beside the map's field, no digits are lost."""
    random = np.random.default_rng(1)
    rates = 1e-4 * random.uniform(size=(2, 10, 10))
    rates[:, 4:6, 4:6] += 1
    rates[1, 8, 2] = np.nan
    for correlogram, rate_map in zip(
        autocorrelograms.autocorrelograms(rates).values, rates, strict=True
    ):
        np.testing.assert_allclose(correlogram, lag_by_lag(rate_map), atol=1e-6)


def test_labels_and_symmetry():
    rates = np.random.default_rng(2).uniform(size=(2, 3, 6, 6))
    found = autocorrelograms.autocorrelograms(rates)
    assert found.dims[-2:] == ("lag_y", "lag_x")
    assert found.shape == (2, 3, 11, 11)
    np.testing.assert_array_equal(found.lag_y, np.arange(-5, 6))
    np.testing.assert_allclose(found, found.values[..., ::-1, ::-1], atol=1e-12)
    np.testing.assert_allclose(found.sel(lag_y=0, lag_x=0), 1)


def test_masks_axes_and_coordinates_of_maps():
    """A numpy mask hides what NaN hides; y and x may stand anywhere; labels of bins are dropped."""
    random = np.random.default_rng(3)
    rates = random.uniform(size=(3, 9, 9))
    rates[:, 2, 3] = np.nan
    expected = autocorrelograms.autocorrelograms(rates)
    hidden = np.ma.masked_invalid(rates)
    hidden.data[:, 2, 3] = 99.0
    np.testing.assert_array_equal(autocorrelograms.autocorrelograms(hidden), expected)
    whole = np.ma.masked_array(np.arange(81).reshape(9, 9) % 7, np.arange(81).reshape(9, 9) == 5)
    filled = whole.astype(float).filled(np.nan)
    found, same = (autocorrelograms.autocorrelograms(maps) for maps in (whole, filled))
    np.testing.assert_array_equal(found, same)
    labels = {"unit": [4, 5, 6], "edge": (("unit", "y"), random.uniform(size=(3, 9)))}
    units = xr.DataArray(rates, dims=("unit", "y", "x"), coords=labels)
    found = autocorrelograms.autocorrelograms(units.transpose("y", "x", "unit"))
    np.testing.assert_array_equal(found, expected)
    assert set(found.coords) == {"unit", "lag_y", "lag_x"}
    with pytest.raises(ValueError, match="found complex128 values"):
        autocorrelograms.autocorrelograms(hidden.astype(complex))
    with pytest.raises(ValueError, match="found a dimension 'lag_y'"):
        autocorrelograms.autocorrelograms(units.rename(unit="lag_y"))


def test_zeros_for_unvisited_bins():
    rates = np.random.default_rng(3).uniform(size=(8, 8))
    rates[2, 3] = np.nan
    found = autocorrelograms.autocorrelograms(rates, unvisited="zero")
    np.testing.assert_allclose(found, lag_by_lag(np.nan_to_num(rates)), atol=1e-9)


def test_maps_without_structure():
    rates = np.stack([np.full((5, 5), 3.0), np.full((5, 5), np.nan)])
    found = autocorrelograms.autocorrelograms(rates)
    assert (found[0] == 0).all()
    assert found[1].isnull().all()
