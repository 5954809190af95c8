"""Lattices of known period, orientation and ellipticity; and what is not a lattice."""

import numpy as np
import pytest
import scipy.signal
import xarray as xr
from nofreelunch import lattices
from synthetic_maps import BOX, SHARED, hexagonal, hexagonal_maps, smooth_noise

pytestmark = pytest.mark.filterwarnings("error")


def orientation_errors(found, expected):
    """Differences in rad, those of 60° being none."""
    return np.abs((found - expected + np.pi / 6) % (np.pi / 3) - np.pi / 6)


@pytest.mark.parametrize("rectified", [False, True])
@pytest.mark.parametrize(("bins", "tolerance"), [(20, 0.01), (44, 0.002)])
def test_clean_lattices(bins, tolerance, rectified):
    """From four bins of 11 cm up to 1.2 m, wherever the fields are."""
    random = np.random.default_rng(0)
    for period in (0.44, 0.6, 0.8, 1.0, 1.2):
        rates, orientations = hexagonal_maps(bins, period, 20, random, rectified=rectified)
        found = lattices.measure(rates, BOX / bins)
        np.testing.assert_allclose(found.period, period, rtol=tolerance)
        assert orientation_errors(found.orientation, orientations).max() < tolerance
        assert (found.orientation >= 0).all() and (found.orientation < np.pi / 3).all()
        assert found.ellipticity.max() < 1 + 3 * tolerance
        assert found.quality.min() > 1
        assert (found.reason == "").all()


@pytest.mark.parametrize(
    ("period", "noise"), [(0.45, 1.0), (0.8, 1.0), (1.07, 1.0), (1.2, 1.0), (1.5, 0.5)]
)
def test_noisy_lattices(period, noise):
    """With as much white noise as signal nearly all are found, and read within a tenth.

    At 1.5 m, of which two or three fields fit, half of it is as much as can be told from chance.
    """
    random = np.random.default_rng(1)
    rates, _ = hexagonal_maps(44, period, 30, random, noise=noise, rectified=True)
    found = lattices.measure(rates, BOX / 44).period
    error = np.abs(found / period - 1)
    assert found.isnull().mean() <= 0.1
    assert error.median() < 0.04
    assert (error < 0.1).sum() == found.notnull().sum()


def test_all_visible_peaks_are_used():
    """Noise is averaged over more than six peaks where more are seen: those alone err by 0.5 %."""
    rates, _ = hexagonal_maps(44, 0.44, 60, np.random.default_rng(1), noise=1.0, rectified=True)
    error = np.abs(lattices.measure(rates, BOX / 44).period / 0.44 - 1)
    assert error.median() < 0.0035


def test_elliptic_lattice():
    """A lattice stretched along x has the ellipticity and the mean period of its six peaks."""
    stretch, period, orientation = 1.2, 0.6, 0.2
    place = (np.arange(44) + 0.5) / 44 * BOX - BOX / 2
    x, y = np.meshgrid(place / stretch, place)
    angles = orientation + np.deg2rad([30, 90, 150])
    waves = np.multiply.outer(np.cos(angles), x) + np.multiply.outer(np.sin(angles), y)
    rates = np.cos(4 * np.pi / np.sqrt(3) / period * waves).sum(axis=0)
    peaks = orientation + np.deg2rad([0, 60, 120])
    expected = period * np.hypot(stretch * np.cos(peaks), np.sin(peaks)).mean()
    found = lattices.measure(rates, BOX / 44)
    assert float(found.ellipticity) == pytest.approx(stretch, rel=0.005)
    assert float(found.period) == pytest.approx(expected, rel=0.002)


def test_noise_has_no_lattice():
    """White noise never has one, smooth noise in less than 3 % of maps, for their few fields."""
    random = np.random.default_rng(2)
    white = random.standard_normal((200, 20, 20))
    for maps in (white, np.maximum(white, 0)):
        assert lattices.measure(maps, BOX / 20).period.isnull().all()
    for width in (0.05, 0.1, 0.15, 0.2, 0.3):
        rates = smooth_noise(20, width, 200, random)
        for maps in (rates, np.maximum(rates, 0)):
            found = lattices.measure(maps, BOX / 20)
            assert found.period.notnull().mean() <= 0.03
            for name in ("period", "orientation", "ellipticity", "quality"):
                assert (found[name].isnull() == (found.reason != "")).all()


def ring_noise(bins, period, count, random):
    """Waves of one length in all directions: a scale, and no lattice."""
    frequency = np.fft.fftfreq(3 * bins, BOX / bins)  # a window of a larger field: not periodic
    radius = np.hypot(frequency[:, np.newaxis], frequency) * period * np.sqrt(3) / 2
    waves = np.fft.fft2(random.standard_normal((count, 3 * bins, 3 * bins)))
    return np.fft.ifft2(waves * np.exp(-((radius - 1) ** 2) / 2 / 0.15**2)).real[:, :bins, :bins]


def test_a_scale_is_not_a_lattice():
    """Peaks around the centre at some distance, in all directions alike, make no hexagon.

    Without the troughs between the six peaks, 7 in 10 of these maps had one.
    """
    rates = ring_noise(20, 0.5, 200, np.random.default_rng(3))
    assert lattices.measure(rates, BOX / 20).period.notnull().mean() < 0.2


def test_other_patterns_have_no_hexagonal_lattice():
    """Each with the reason."""
    place = np.arange(44) * 0.05
    wave = np.cos(2 * np.pi * place / 0.7)
    random = np.random.default_rng(4)
    none = {
        "elliptic": np.add.outer(wave, wave),
        "no hexagon": np.add.outer(wave, 0 * wave),
        "no peaks": np.exp(-np.add.outer((place - 1) ** 2, (place - 0.8) ** 2) / 2 / 0.15**2),
        "constant": np.full((44, 44), 3.1),
        "unvisited": np.full((44, 44), np.nan),
        "low quality": hexagonal_maps(44, 0.5, 1, random, noise=2.5)[0][0],
        "few fields": hexagonal_maps(44, 1.6, 1, random, noise=1.0)[0][0],
    }
    found = lattices.measure(np.stack(list(none.values())), 0.05)
    np.testing.assert_array_equal(found.reason, list(none))
    assert set(none) | {""} == set(lattices.REASONS)
    for name in ("period", "orientation", "ellipticity", "quality"):
        assert found[name].isnull().all()
    oblique = np.cos(2 * np.pi * np.add.outer(place / 0.7, place / 0.5))
    border = np.exp(-(np.add.outer(0 * place, place) ** 2) / 2 / 0.1**2)
    assert lattices.measure(np.stack([oblique, border]), 0.05).period.isnull().all()


@pytest.mark.parametrize("dtype", [np.float16, np.float32, int])
def test_number_types_and_negative_rates(dtype):
    rates = np.rint(100 * hexagonal(20, 0.7, 0.2)).astype(dtype)
    assert rates.min() < 0
    found = lattices.measure(rates, 0.11)
    xr.testing.assert_allclose(found, lattices.measure(rates.astype(float), 0.11))
    assert float(found.period) == pytest.approx(0.7, rel=0.01)


def test_unvisited_bins_and_labels():
    rates, _ = hexagonal_maps(20, 0.7, 6, np.random.default_rng(3))
    rates[:, 4:6, 10] = np.nan
    labelled = xr.DataArray(
        rates.reshape(2, 3, 20, 20), dims=("network", "unit", "y", "x"), coords={"network": [7, 8]}
    )
    found = lattices.measure(labelled, BOX / 20)
    assert found.period.dims == ("network", "unit")
    np.testing.assert_array_equal(found.network, [7, 8])
    np.testing.assert_allclose(found.period, 0.7, rtol=0.01)
    assert lattices.measure(labelled[0, 0], np.array(BOX / 20)).period.dims == ()
    assert lattices.measure(labelled[:0], BOX / 20).period.shape == (0, 3)


def test_units():
    """Half the bin size, half the period; nothing else changes."""
    rates = hexagonal(20, 0.7, 0.3)
    coarse, fine = lattices.measure(rates, 0.11), lattices.measure(rates, 0.055)
    assert float(fine.period) == pytest.approx(float(coarse.period) / 2)
    xr.testing.assert_identical(fine.drop_vars("period"), coarse.drop_vars("period"))


@pytest.mark.parametrize("bin_size", [None, 0, -0.1, np.nan, np.inf, "0.05", [0.05]])
def test_bad_bin_size(bin_size):
    with pytest.raises(
        ValueError, match=r"bin_size: found .* allowed: a positive number of metres"
    ):
        lattices.measure(np.ones((5, 5)), bin_size)


def test_missing_bin_size():
    with pytest.raises(ValueError, match="bin_size: found None, allowed: a positive number of"):
        lattices.measure(np.ones((5, 5)))


@pytest.mark.parametrize(
    "function", [lambda maps: lattices.measure(maps, 0.1), lattices.nearest_six]
)
def test_bad_maps(function):
    for maps, message in (
        (np.ones((2, 5, 6)), "allowed: square maps"),
        (np.ones((1, 1)), "at least 4 x 4 bins"),
        (np.full((5, 5), np.inf), "found an infinite rate"),
    ):
        with pytest.raises(ValueError, match=message):
            function(maps)
    assert function(np.empty((0, 3, 9, 9))).period.shape == (0, 3)


def test_real_grid_cells():
    """Most of 29 recorded cells have a lattice, of 0.3 to 0.8 m, in a box of 1 m.

    Those without are poor ones (four of the five lowest scores) or of large periods.
    """
    if not SHARED.exists():
        pytest.skip("the recorded cells are not in this checkout")
    cells = np.load(SHARED / "real_grid_cells.npz")
    found = lattices.measure(cells["rate_maps"], cells["bin_size_m"])
    assert found.period.notnull().sum() >= 22
    assert found.period.min() > 0.3 and found.period.max() < 0.8


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
    found = lattices.nearest_six(rates)
    for index, rate_map in enumerate(rates):
        distances = published_period(rate_map)
        assert found.peaks[index] == distances.size
        assert float(found.period[index]) == pytest.approx(distances.mean())
        assert float(found.period_spread[index]) == pytest.approx(distances.std())


def test_nearest_six_reads_short():
    """Known readings of one lattice between 0 and 1: 0.586, 0.945 and 1.088 m."""
    for period, expected in ((0.6, 0.586), (1.0, 0.945), (1.4, 1.088)):
        rates = (hexagonal(44, period, np.deg2rad(7.5), (0.07, -0.05)) + 1.5) / 4.5
        found = lattices.nearest_six(rates).period
        assert 0.05 * float(found) == pytest.approx(expected, abs=5e-4)


def test_nearest_six_without_peaks():
    found = lattices.nearest_six(np.stack([np.ones((8, 8)), np.full((8, 8), np.nan)]))
    assert found.period.isnull().all() and found.period_spread.isnull().all()
    np.testing.assert_array_equal(found.peaks, 0)
