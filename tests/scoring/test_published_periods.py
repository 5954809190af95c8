"""The period as the published program estimates it, against the same spelt out."""

import numpy as np
import pytest
import scipy.signal
import xarray as xr
from nofreelunch.scoring import published_periods
from synthetic_maps import hexagonal, hexagonal_maps, smooth_noise


def published_period(rates):
    """Spelt out: raw correlation, 3 x 3 maxima off the border, six nearest but for the centre."""
    products = scipy.signal.correlate2d(np.nan_to_num(rates), np.nan_to_num(rates))
    distances = []
    for y in range(1, len(products) - 1):
        for x in range(1, len(products) - 1):
            around = products[y - 1 : y + 2, x - 1 : x + 2]
            if products[y, x] == around.max() and products[y, x] > products.min():
                distances.append(np.hypot(y - len(rates) + 1, x - len(rates) + 1))
    return np.sort(distances)[1:7]


def test_nearest_six_is_the_published_estimate():
    random = np.random.default_rng(4)
    rates = np.concatenate(
        [hexagonal_maps(16, 0.9, 3, random)[0], smooth_noise(16, 0.2, 3, random)]
    )
    rates = np.maximum(rates, 0)
    rates[0, 3, 4] = np.nan
    found = published_periods.nearest_six(rates)
    for index, rate_map in enumerate(rates):
        distances = published_period(rate_map)
        assert found.peaks[index] == distances.size
        assert float(found.period[index]) == pytest.approx(distances.mean())
        assert float(found.period_spread[index]) == pytest.approx(distances.std())


def test_nearest_six_reads_short():
    """Known readings of one lattice between 0 and 1: 0.586, 0.945 and 1.088 m."""
    for period, expected in ((0.6, 0.586), (1.0, 0.945), (1.4, 1.088)):
        rates = (hexagonal(44, period, np.deg2rad(7.5), (0.07, -0.05)) + 1.5) / 4.5
        found = published_periods.nearest_six(rates).period
        assert 0.05 * float(found) == pytest.approx(expected, abs=5e-4)


@pytest.mark.parametrize("scale", [1e-300, 1e300])
def test_nearest_six_of_any_scale(scale):
    rates = hexagonal(20, 0.8) + 1.5
    expected = published_periods.nearest_six(rates)
    assert expected.peaks == 6
    xr.testing.assert_allclose(published_periods.nearest_six(scale * rates), expected)


def test_nearest_six_without_peaks():
    found = published_periods.nearest_six(np.stack([np.ones((8, 8)), np.full((8, 8), np.nan)]))
    assert found.period.isnull().all() and found.period_spread.isnull().all()
    np.testing.assert_array_equal(found.peaks, 0)
