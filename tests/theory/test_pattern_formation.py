"""Maps that grow from a covariance: hexagons where they cannot be negative, no others."""

import numpy as np
import pytest
from nofreelunch.scoring.score_maps import score
from nofreelunch.theory import spectra
from nofreelunch.theory.pattern_formation import START, STEP, form_patterns
from target_examples import build


@pytest.fixture(scope="module")
def spectrum():
    """Of fields so narrow that several waves fit the arena in every direction."""
    return spectra.spectrum(build("difference_of_softmaxes", width=0.08, cells=256), 45)


def scores(spectrum, activation, count=4):
    maps = form_patterns(spectrum, activation, count)
    return maps, score(maps, maps.attrs["bin_size"]).sel(definition="min_max")


def test_rectified_maps_are_hexagonal(spectrum):
    maps, found = scores(spectrum, "relu")
    assert maps.dims == ("unit", "y", "x") and maps.min() == 0
    assert (found.score_60 > 1).all() and (found.score_60 > found.score_90).all()
    # The waves of a box are discrete, and a rectified sum has longer ones besides.
    np.testing.assert_allclose(found.period, spectrum.predicted_period, rtol=0.12)


@pytest.mark.parametrize("activation", ["linear", "tanh"])
def test_maps_that_may_be_negative_are_not_hexagonal(spectrum, activation):
    maps, found = scores(spectrum, activation)
    assert maps.min() < 0 < maps.max()
    assert (found.score_60 < 0.5).all()


def test_waves_grow_at_the_rate_of_their_power(spectrum):
    """Before tanh saturates: against the growth of each wave by itself."""
    start, end = (form_patterns(spectrum, "tanh", 1, steps, seed=3) for steps in (1, 11))
    before, after = (np.abs(np.fft.fftshift(np.fft.fft2(maps[0]))) for maps in (start, end))
    power = spectrum.power.values / spectrum.power.values.max()
    np.testing.assert_allclose(after, before * (1 + STEP * power) ** 10, rtol=1e-6)
    assert float(start.std()) == pytest.approx(START, rel=0.2)


def test_linear_maps_end_as_the_strongest_waves(spectrum):
    maps = form_patterns(spectrum, "linear", 2, 3000)
    strongest = spectrum.power.values > 0.98 * spectrum.power.values.max()
    power = np.abs(np.fft.fftshift(np.fft.fft2(maps), axes=(1, 2))) ** 2
    assert (power[:, strongest].sum(axis=1) > 0.9 * power.sum(axis=(1, 2))).all()


def test_linear_steps_are_taken_at_once(spectrum):
    """As one by one: tanh is linear as long as maps are small."""
    linear, small = (form_patterns(spectrum, name, 2, 20, seed=3) for name in ("linear", "tanh"))
    np.testing.assert_allclose(linear, small / small.std(("y", "x")), rtol=1e-5, atol=1e-9)


def test_a_seed_gives_the_same_maps(spectrum):
    first, again, other = (form_patterns(spectrum, "relu", 1, 5, seed=s) for s in (0, 0, 1))
    assert first.identical(again) and not np.allclose(first, other)
    assert float(first.y[1] - first.y[0]) == pytest.approx(first.attrs["bin_size"])
    assert float(first.x.mean()) == pytest.approx(0, abs=1e-12)


def test_bad_arguments(spectrum):
    with pytest.raises(ValueError, match=r"^activation: found 'sigmoid'; allowed: linear, tanh"):
        form_patterns(spectrum, "sigmoid")
    with pytest.raises(ValueError, match=r"^count: found 0; allowed: a whole number >= 1$"):
        form_patterns(spectrum, "relu", 0)
    bounded = spectra.spectrum(build("gaussian", cells=8), 9, periodic=False)
    with pytest.raises(ValueError, match=r"^spectrum: found one of a bounded arena; allowed: one"):
        form_patterns(bounded)
