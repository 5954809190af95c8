"""Chance levels: what surrogates keep, how often noise passes, and how often a lattice does."""

import numpy as np
import pytest
import scipy.special
import xarray as xr
from nofreelunch import seeds
from nofreelunch.scoring import firing_fields, significance, surrogates
from nofreelunch.scoring.grid_scores import published_score
from synthetic_maps import BOX, SHARED, bumps, hexagonal, hexagonal_maps, smooth_noise

pytestmark = pytest.mark.filterwarnings("error")


def scattered(most, apart, random):
    """Up to `most` random places, as many as fit, no two closer than `apart` m."""
    places = []
    for place in random.uniform(0, BOX, (400, 2)):
        if len(places) < most and all(np.hypot(*(place - other)) >= apart for other in places):
            places.append(place)
    return places


def ring_noise(bins, period, random):
    """Gaussian noise of the wavenumbers of a lattice of `period` m, 15 % about, not periodic."""
    frequency = np.fft.fftfreq(2 * bins, BOX / bins)
    radius = np.hypot(frequency[:, np.newaxis], frequency)
    centre = 2 / np.sqrt(3) / period
    weight = np.exp(-(((radius / centre - 1) / 0.15) ** 2) / 2)
    white = np.fft.fft2(random.standard_normal(radius.shape))
    return np.fft.ifft2(white * weight).real[:bins, :bins]


def test_surrogates_keep_rates_and_unvisited_bins():
    rates = np.maximum(smooth_noise(20, 0.2, 1, np.random.default_rng(0))[0], 0)
    rates[3:5, 7] = np.nan
    maps = surrogates.random_phase_maps(rates, 5, np.random.default_rng(1))
    assert maps.shape == (5, 20, 20)
    np.testing.assert_array_equal(np.isnan(maps), np.broadcast_to(np.isnan(rates), maps.shape))
    for surrogate in maps:
        np.testing.assert_array_equal(np.sort(surrogate, None), np.sort(rates, None))
    assert not np.array_equal(maps[0], maps[1], equal_nan=True)


@pytest.mark.parametrize("scale", [1e-3, 5.0, 1e200])
def test_surrogates_do_not_depend_on_units(scale):
    """Nor on an offset far above what the map varies by; what a numpy mask hides is unvisited."""
    rates = np.maximum(smooth_noise(20, 0.2, 1, np.random.default_rng(0))[0], 0)
    hidden = rates > 0.9 * rates.max()
    masked = np.ma.masked_array(scale * (rates + 100), hidden)
    rates = np.where(hidden, np.nan, rates)
    maps = surrogates.random_phase_maps(masked, 5, np.random.default_rng(1))
    expected = surrogates.random_phase_maps(rates, 5, np.random.default_rng(1))
    np.testing.assert_allclose(maps / scale - 100, expected, atol=1e-10)


@pytest.mark.parametrize("cut", [-9.0, 0.0, 1.0])
def test_surrogates_keep_the_correlation(cut):
    """Noise, whole, rectified and cut higher: what ranks do to a spectrum is undone beforehand.

    By lag, in directions and maps averaged; maps drawn once more differ by 0.05.
    """
    random = np.random.default_rng(20)
    maps = np.stack([ring_noise(32, 0.6, random) for _ in range(40)])
    maps = np.maximum(maps / maps.std(), cut)
    made = np.concatenate([surrogates.random_phase_maps(rates, 10, random) for rates in maps])

    def correlation(maps, lag):
        maps = maps - maps.mean(axis=(1, 2), keepdims=True)
        down, right = maps[:, lag:] * maps[:, :-lag], maps[..., lag:] * maps[..., :-lag]
        return (down.mean() + right.mean()) / 2 / np.square(maps).mean()

    for lag in (1, 2, 4, 6, 8, 10, 13, 16):
        assert correlation(made, lag) == pytest.approx(correlation(maps, lag), abs=0.1), lag


def test_what_ranking_does_to_a_correlation():
    """Known for signs, by the arcsine law, and for exponentials of Gaussian values."""
    z = scipy.special.ndtri((np.arange(1600) + 0.5) / 1600)
    before, wanted = np.array([0.0, 0.2, 0.4, 0.6, 1.0]), np.array([0.0, 0.1, 0.3, 0.5, 1.0])
    found = surrogates._before_ranking(wanted, np.sign(z))
    np.testing.assert_allclose(found, np.sin(np.pi / 2 * wanted), atol=0.01)
    rates = np.exp(z) - np.exp(z).mean()
    became = np.expm1(before) / np.expm1(1)
    np.testing.assert_allclose(surrogates._before_ranking(became, rates), before, atol=0.02)


def test_p_values_from_surrogate_score():
    rates = smooth_noise(12, 0.2, 8, np.random.default_rng(3))
    found = significance.significance(rates, 9, seed=0)
    observed = published_score(rates).score_60
    higher = (found.surrogate_score >= observed).sum("surrogate")
    for kind in ("phase", "shuffle"):
        tested = found.surrogate_score.sel(kind=kind).notnull().all("surrogate")
        expected = np.where(tested, (1 + higher.sel(kind=kind)) / 10, 1.0)
        np.testing.assert_allclose(found[f"p_{kind}"], expected)
    assert tested.all()
    np.testing.assert_array_equal(found.p_value, np.fmax(found.p_phase, found.p_shuffle))
    expected = np.quantile(found.surrogate_score.sel(kind="phase"), 0.95, axis=-1)
    by_phase = (found.p_phase > found.p_shuffle).values
    assert by_phase.any()  # scores are kept in float32
    np.testing.assert_allclose(found.null_95[by_phase], expected[by_phase], atol=1e-6)
    assert found.surrogate_score.dtype == np.float32
    np.testing.assert_array_equal(found.field_count, firing_fields.count_fields(rates))


@pytest.mark.parametrize("definition", ["min_max", "mean"])
@pytest.mark.parametrize("unvisited", ["masked", "zero"])
def test_surrogates_are_scored_as_the_map_is(definition, unvisited):
    rates = smooth_noise(12, 0.2, 1, np.random.default_rng(3))
    rates[0, 3:6, 4:8] = np.nan
    found = significance.significance(rates, 9, 0, definition, unvisited).surrogate_score[0, 0]
    drawn = surrogates.random_phase_maps(rates[0], 9, seeds.generator(0, seeds.SURROGATES, 0))
    expected = published_score(drawn, definition, unvisited).score_60
    np.testing.assert_allclose(found, expected, atol=1e-6)  # kept in float32


def test_a_single_field_is_no_lattice():
    """Nor is a ramp: alike to itself at every shift it scores 0, and its random phases less."""
    ramp = np.add.outer(2.0 * np.arange(20), np.arange(20))
    found = significance.significance([bumps(20, [(0.8, 1.1)], 0.2), ramp], 99, seed=0)
    assert (found.field_count == 1).all() and (found.surrogate_count == 25).all()
    assert found.p_phase[1] < 0.05
    assert (found.p_shuffle == 1).all() and (found.p_value == 1).all()
    assert found.surrogate_score.sel(kind="shuffle").isnull().all()
    assert np.isfinite(found.surrogate_score.sel(kind="phase")).all()


def test_shuffles_move_whole_fields():
    """Three bumps of different height in a corner: each is found again, as far from the others."""
    places = [(0.4, 0.5), (0.4, 1.2), (1.1, 0.8)]
    rates = bumps(40, places, 0.1, heights=[1.0, 1.5, 2.0])
    rates[30:33, 20:24] = np.nan
    found = firing_fields.find_fields(rates)
    maps = surrogates.shuffled_field_maps(found, 50, np.random.default_rng(0))
    assert np.isnan(maps).sum() == 50 * np.isnan(rates).sum()
    peaks = []
    for surrogate in maps:
        again = firing_fields.find_fields(surrogate)
        assert again.least_distance >= found.least_distance - 2  # noise-free peaks shift by a bin
        peaks += again.peaks.tolist()
        assert np.nanmax(surrogate) <= 1.1 * np.nanmax(rates)  # tails below a tenth stay behind
        assert np.nanmin(surrogate) >= np.nanmin(rates)
    assert len(peaks) >= 0.9 * 150  # a peak may hide in unvisited bins or behind the border
    assert np.ptp(peaks, axis=0).min() > 35


def test_shuffles_of_a_crowded_map():
    """A perfect lattice leaves no room for any other order: it is shuffled all the same."""
    found = firing_fields.find_fields(np.maximum(hexagonal(40, 0.5), 0))
    scores = published_score(
        surrogates.shuffled_field_maps(found, 30, np.random.default_rng(0))
    ).score_60
    assert scores.median() < 0.5


def test_only_promising_maps_get_many_surrogates():
    random = np.random.default_rng(1)
    lattice, _ = hexagonal_maps(16, 0.9, 1, random, noise=0.3, rectified=True)
    stripes = np.sin(np.arange(16)) + random.standard_normal((1, 16, 16))
    rates = np.concatenate([lattice, stripes, np.full((1, 16, 16), 2.0)])
    found = significance.significance(rates, 250, seed=0)
    np.testing.assert_array_equal(found.surrogate_count, [250, 25, 0])
    assert found.p_value[0] == pytest.approx(1 / 251)
    assert found.p_value[1] > 10 / 26
    assert found.field_count[1] > 1 and np.isfinite(found.p_shuffle[1])
    assert found.surrogate_score.dims == ("dim_0", "kind", "surrogate")
    assert found.surrogate_score.shape == (3, 2, 25)
    assert np.isfinite(found.surrogate_score).all()  # of both kinds, also where one was enough


@pytest.mark.parametrize("count", [99, 499])
def test_early_stopping_is_valid(count, monkeypatch):
    """Of 4000 maps whose scores are draws from one kind of surrogate, while they beat all of the
    other kind, at most a share of a have a p-value of a or less, whichever kind it is, but for 3
    standard errors of that share."""
    chances = np.array([0.01, 0.05, 0.1])
    random = np.random.default_rng(10)

    def beaten(size):
        return np.full(size, -99.0)

    two = firing_fields.find_fields(bumps(20, [(0.5, 0.5), (1.5, 1.5)], 0.15))
    monkeypatch.setattr(significance, "find_fields", lambda _: two)
    monkeypatch.setattr(significance, "_scores_60", lambda drawn, *_: drawn)
    for kinds in ([random.standard_normal, beaten], [beaten, random.standard_normal]):
        named = {name: lambda *_, draw=draw: draw for name, draw in zip("ab", kinds, strict=True)}
        monkeypatch.setattr(significance, "KINDS", named)
        p = [
            significance._compare(
                None, random.standard_normal(), count, random, "min_max", "masked"
            )[0]
            for _ in range(4000)
        ]
        p = np.array([chance["p_value"] for chance in p])
        share = (p[:, np.newaxis] <= chances).mean(axis=0)
        assert (share <= chances + 3 * np.sqrt(chances * (1 - chances) / p.size)).all()
        assert (share >= 0.7 * chances).all()  # and little is given away


def test_reproducible():
    """The same call gives the same numbers, whatever maps come after; another seed does not."""
    rates = smooth_noise(10, 0.3, 7, np.random.default_rng(4))
    first = significance.significance(rates, 6, seed=1)
    xr.testing.assert_identical(first, significance.significance(rates, 6, seed=1))
    xr.testing.assert_allclose(
        first[{"dim_0": [0, 1]}], significance.significance(rates[:2], 6, seed=1)
    )
    other = significance.significance(rates, 6, seed=2)
    phase = (of.surrogate_score.sel(kind="phase") for of in (other, first))
    assert np.not_equal(*phase).mean() > 0.9


def noise(kind, count, random):
    """Maps (count, 20, 20) without a lattice."""
    if kind == "white":
        return random.standard_normal((count, 20, 20))
    if kind == "smooth":
        return smooth_noise(20, 0.15, count, random)
    if kind == "ring":
        return np.stack([ring_noise(20, random.uniform(0.5, 1.1), random) for _ in range(count)])
    apart, widths = {"bumps": (0.42, (2, 8)), "packed bumps": (0.8, (40, 41))}[kind]
    places = [scattered(random.integers(*widths), apart, random) for _ in range(count)]
    return np.stack([bumps(20, place, random.uniform(0.1, 0.16)) for place in places])


@pytest.mark.parametrize(
    ("kind", "rectified"),
    [
        *(("white", False), ("smooth", False), ("smooth", True)),
        *(("ring", False), ("ring", True), ("bumps", False), ("packed bumps", False)),
    ],
)
def test_false_positives(kind, rectified):
    """At 5 %, at most 6 % of maps without a lattice pass: 6 of 100 are expected at that rate, and
    more than 14 come by chance once in 1000 times."""
    maps = noise(kind, 100, np.random.default_rng(5))
    found = significance.significance(np.maximum(maps, 0) if rectified else maps, 39, seed=6)
    assert (found.p_value <= 0.05).sum() <= 14
    assert 0.35 < found.p_phase.mean() < 0.65
    if kind == "packed bumps":  # one in nine by random phases alone
        assert (found.p_phase <= 0.05).sum() > (found.p_value <= 0.05).sum() + 4


@pytest.mark.parametrize("period", [0.6, 1.07])
def test_power(period):
    """A lattice with as much noise as signal nearly always passes: of 40, two or fewer do not."""
    random = np.random.default_rng(8)
    rates, _ = hexagonal_maps(20, period, 40, random, noise=1.0, rectified=True)
    found = significance.significance(rates, 39, seed=7)
    assert (found.p_value <= 0.05).sum() >= 38


def test_real_grid_cells():
    """With three to nine fields a recorded lattice often scores no higher than bumps do that keep
    its least distance: of 29 cells, 18 pass on average over seeds (standard deviation 2), 23 by
    random phases alone (1)."""
    if not SHARED.exists():
        pytest.skip("the recorded cells are not in this checkout")
    rates = np.load(SHARED / "real_grid_cells.npz")["rate_maps"]
    found = [significance.significance(rates, 99, seed=seed) for seed in range(2)]
    assert np.mean([(of_seed.p_value <= 0.05).sum() for of_seed in found]) >= 15
    assert np.mean([(of_seed.p_phase <= 0.05).sum() for of_seed in found]) >= 21


def test_constant_unvisited_and_no_maps():
    rates = np.stack(
        [np.ones((8, 8)), np.full((8, 8), np.nan), np.random.default_rng(8).uniform(size=(8, 8))]
    )
    found = significance.significance(rates, 5, seed=0)
    np.testing.assert_array_equal(found.p_value[:2], [1, np.nan])
    np.testing.assert_array_equal(found.null_95[:2], [0, np.nan])
    np.testing.assert_array_equal(found.p_phase[:2], [1, np.nan])
    np.testing.assert_array_equal(found.p_shuffle[:2], [1, np.nan])
    np.testing.assert_array_equal(found.field_count[:2], 0)
    np.testing.assert_array_equal(found.surrogate_score[0], 0)
    assert found.surrogate_score[1].isnull().all()
    assert found.p_value[2] > 0
    none = significance.significance(rates[:0], 5, seed=0)
    assert none.p_value.shape == (0,) and none.surrogate_score.shape == (0, 2, 5)


def test_labels_and_unvisited_bins():
    rates = hexagonal(12, 0.8) + np.random.default_rng(9).standard_normal((2, 3, 12, 12))
    rates[..., 5, 5] = np.nan
    labelled = xr.DataArray(
        rates.astype(np.float32), dims=("network", "unit", "y", "x"), coords={"unit": [1, 4, 6]}
    )
    found = significance.significance(labelled, 4, seed=0)
    assert found.surrogate_score.dims == ("network", "unit", "kind", "surrogate")
    np.testing.assert_array_equal(found.unit, [1, 4, 6])
    assert found.drop_vars("p_shuffle").to_array().notnull().all()
    assert (found.p_shuffle.isnull() == (found.field_count < 2)).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"count": 0, "seed": 0}, "count: found 0; allowed: a whole number >= 1"),
        ({"count": 2.5, "seed": 0}, "count: found 2.5"),
        ({"count": 5, "seed": -1}, "seed: found -1; allowed: a whole number >= 0"),
        ({"count": 5, "seed": 0, "definition": "max"}, "definition: found 'max'"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        significance.significance(np.ones((5, 5)), **arguments)


def test_false_discovery():
    """By hand: of five, the third smallest is the last below its line of k / 5 of 5 %."""
    p = np.array([[0.02, 0.03, 0.9, 0.001, 0.045], [0.04, np.nan, 0.04, np.nan, np.nan]])
    passed = significance.false_discovery(p)
    np.testing.assert_array_equal(passed, [[1, 1, 0, 1, 0], [1, 0, 1, 0, 0]])
    np.testing.assert_array_equal(significance.false_discovery(p[0], rate=0.01), [0, 0, 0, 1, 0])
    table = xr.DataArray(p, dims=("network", "unit"), coords={"network": ["a", "b"]})
    labelled = significance.false_discovery(table)
    xr.testing.assert_identical(labelled, table.copy(data=passed))
    assert labelled.dtype == bool
    np.testing.assert_array_equal(significance.false_discovery(np.ma.masked_invalid(p)), passed)
    hidden = np.ma.masked_array([0.001, 0.9, 0.02], [True, False, False])
    np.testing.assert_array_equal(significance.false_discovery(hidden), [0, 0, 1])
    assert not significance.false_discovery(np.full(3, np.nan)).any()
    assert significance.false_discovery(np.empty((2, 0))).shape == (2, 0)


def test_false_discovery_of_chance():
    """Of networks of chance alone, no more than 5 % have any unit that passes: 10 of 200."""
    p = np.random.default_rng(0).uniform(size=(200, 50))
    assert significance.false_discovery(p).any(axis=1).sum() <= 20


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([0.1], 0), "rate: found 0; allowed: above 0, at most 1"),
        (([0.1, 1.5],), "p_values: found 1.5; allowed: 0 to 1, or NaN"),
    ],
)
def test_bad_p_values(arguments, message):
    with pytest.raises(ValueError, match=message):
        significance.false_discovery(*arguments)
