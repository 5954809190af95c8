"""Chance levels: what surrogates keep, how often noise passes, and how often a lattice does."""

import numpy as np
import pytest
import xarray as xr
from nofreelunch import nulls
from nofreelunch.grid_scores import score
from synthetic_maps import hexagonal, hexagonal_maps, smooth_noise

pytestmark = pytest.mark.filterwarnings("error")


def test_surrogates_keep_rates_and_unvisited_bins():
    rates = np.maximum(smooth_noise(20, 0.2, 1, np.random.default_rng(0))[0], 0)
    rates[3:5, 7] = np.nan
    maps = nulls.surrogates(rates, 5, np.random.default_rng(1))
    assert maps.shape == (5, 20, 20)
    np.testing.assert_array_equal(np.isnan(maps), np.broadcast_to(np.isnan(rates), maps.shape))
    for surrogate in maps:
        np.testing.assert_array_equal(np.sort(surrogate, None), np.sort(rates, None))
    assert not np.array_equal(maps[0], maps[1], equal_nan=True)


def test_surrogates_keep_the_radial_spectrum():
    """Of a field with Gaussian rates, where ranks change little; averaged over surrogates."""
    random = np.random.default_rng(2)
    rates = smooth_noise(32, 0.15, 1, random)[0]
    cycles = np.fft.fftfreq(32, 1 / 32)
    wavenumber = np.rint(np.hypot(cycles[:, np.newaxis], cycles)).astype(int).ravel()

    def spectrum(maps):
        power = (np.abs(np.fft.fft2(maps)) ** 2).reshape(-1, 32 * 32).mean(axis=0)
        return np.bincount(wavenumber, power) / np.bincount(wavenumber)

    expected = spectrum(rates - rates.mean())[1:8]
    found = spectrum(nulls.surrogates(rates, 400, random))[1:8]
    np.testing.assert_allclose(found, expected, rtol=0.25)


def test_p_values_from_surrogate_score():
    rates, _ = hexagonal_maps(12, 0.9, 3, np.random.default_rng(3), noise=2.0)
    found = nulls.significance(rates, 9, seed=0)
    observed = score(rates).score_60
    higher = (found.surrogate_score >= observed).sum("surrogate")
    np.testing.assert_allclose(found.p_value, (1 + higher) / 10)
    expected = np.quantile(found.surrogate_score, 0.95, axis=-1)
    np.testing.assert_allclose(found.null_95, expected, atol=1e-6)  # scores are kept in float32
    assert found.surrogate_score.dtype == np.float32
    mean = nulls.significance(rates, 9, seed=0, method="mean")
    assert (mean.surrogate_score >= found.surrogate_score - 1e-6).all()


def test_reproducible(monkeypatch):
    """The same call gives the same numbers, whatever the memory allowed; another seed does not."""
    rates = smooth_noise(10, 0.3, 7, np.random.default_rng(4))
    first = nulls.significance(rates, 6, seed=1)
    xr.testing.assert_identical(first, nulls.significance(rates, 6, seed=1))
    monkeypatch.setattr(nulls, "BINS_PER_BLOCK", 1300)
    xr.testing.assert_allclose(first, nulls.significance(rates, 6, seed=1), atol=1e-6)
    other = nulls.significance(rates, 6, seed=2)
    assert (other.surrogate_score != first.surrogate_score).mean() > 0.9


def test_false_positives_and_power():
    """At 5 %, noise passes about as often: 6 of 120 are expected, more than 15 come by chance once
    in 2000 times. A lattice with as much noise as signal nearly always passes."""
    random = np.random.default_rng(5)
    noise = smooth_noise(20, 0.15, 60, random)
    noise = np.concatenate([noise, random.standard_normal((60, 20, 20))])
    for maps in (noise, np.maximum(noise, 0)):
        found = nulls.significance(maps, 39, seed=6)
        assert (found.p_value <= 0.05).sum() <= 15
        assert 0.35 < found.p_value.mean() < 0.65
    for period in (0.6, 1.07):
        rates, _ = hexagonal_maps(20, period, 30, random, noise=1.0, rectified=True)
        found = nulls.significance(rates, 39, seed=7)
        assert (found.p_value <= 0.05).mean() >= 0.9


def test_constant_unvisited_and_no_maps():
    rates = np.stack(
        [np.ones((8, 8)), np.full((8, 8), np.nan), np.random.default_rng(8).uniform(size=(8, 8))]
    )
    found = nulls.significance(rates, 5, seed=0)
    np.testing.assert_array_equal(found.p_value[:2], [1, np.nan])
    np.testing.assert_array_equal(found.null_95[:2], [0, np.nan])
    np.testing.assert_array_equal(found.surrogate_score[0], 0)
    assert found.surrogate_score[1].isnull().all()
    assert found.p_value[2] > 0
    none = nulls.significance(rates[:0], 5, seed=0)
    assert none.p_value.shape == (0,) and none.surrogate_score.shape == (0, 5)


def test_labels_and_unvisited_bins():
    rates = hexagonal(12, 0.8) + np.random.default_rng(9).standard_normal((2, 3, 12, 12))
    rates[..., 5, 5] = np.nan
    labelled = xr.DataArray(
        rates.astype(np.float32), dims=("network", "unit", "y", "x"), coords={"unit": [1, 4, 6]}
    )
    found = nulls.significance(labelled, 4, seed=0)
    assert found.surrogate_score.dims == ("network", "unit", "surrogate")
    np.testing.assert_array_equal(found.unit, [1, 4, 6])
    assert found.to_array().notnull().all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"count": 0, "seed": 0}, "count: found 0, allowed: an integer of at least 1"),
        ({"count": 2.5, "seed": 0}, "count: found 2.5"),
        ({"count": 5, "seed": -1}, "seed: found -1, allowed: an integer of at least 0"),
        ({"count": 5, "seed": 0, "method": "max"}, "method: found 'max'"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        nulls.significance(np.ones((5, 5)), **arguments)
