"""Lattice classes: right for each lattice, and "other" for what is none."""

import numpy as np
import pytest
import xarray as xr
from nofreelunch.scoring import lattice_classes
from nofreelunch.scoring.grid_scores import published_score
from synthetic_maps import BOX, hexagonal_maps, smooth_noise

pytestmark = pytest.mark.filterwarnings("error")
BINS, COUNT = 20, 59
PLACE = (np.arange(BINS) + 0.5) / BINS * BOX - BOX / 2
X, Y = np.meshgrid(PLACE, PLACE)


def wave(period, angle, phase):
    return np.cos(2 * np.pi / period * (np.cos(angle) * X + np.sin(angle) * Y) + phase)


def stripes(period, count, random):
    return np.stack([wave(period, *random.uniform(0, 2 * np.pi, 2)) for _ in range(count)])


def squares(period, count, random):
    angles, *phases = random.uniform(0, 2 * np.pi, (3, count))
    return np.stack(
        [
            wave(period, angle, first) + wave(period, angle + np.pi / 2, second)
            for angle, first, second in zip(angles, *phases, strict=True)
        ]
    )


def ring_noise(cycles, width, count, random):
    """Waves of about one length in all directions, not periodic in the box."""
    noise = random.standard_normal((count, 2 * BINS, 2 * BINS))
    frequency = np.fft.fftfreq(2 * BINS, 1 / BINS)
    ring = np.exp(-(((np.hypot(frequency[:, None], frequency) - cycles) / width) ** 2) / 2)
    return np.fft.ifft2(np.fft.fft2(noise) * ring).real[:, :BINS, :BINS]


def noisy(maps, random):
    """With white noise of half the maps' standard deviation."""
    deviation = maps.std(axis=(1, 2), keepdims=True)
    return maps + deviation / 2 * random.standard_normal(maps.shape)


@pytest.mark.parametrize("rectified", [False, True])
@pytest.mark.parametrize("period", [0.5, 0.8])
def test_lattices_are_told_apart(period, rectified):
    """All of 60 maps of each kind were in prototypes; the 95 % bound of 0 of 12 wrong is 25 %."""
    random = np.random.default_rng(0)
    kinds = {
        "hexagonal": hexagonal_maps(BINS, period, 12, random)[0],
        "square": squares(period, 12, random),
        "stripe": stripes(period, 12, random),
    }
    for name, maps in kinds.items():
        maps = noisy(np.maximum(maps, 0) if rectified else maps, random)
        found = lattice_classes.classify_lattices(maps, COUNT, seed=1)
        assert (found.lattice_class == name).sum() >= 11
        assert (found.lattice_p_value.sel(lattice=name) <= 0.05).sum() >= 11


@pytest.mark.parametrize(
    ("name", "most"),
    [("white", 0.12), ("smooth", 0.12), ("rectified", 0.12), ("ring", 0.15), ("plain_ring", 0.15)],
)
def test_noise_is_other(name, most):
    """At 5 %, of 80 maps more than 12 % are chosen with probability 0.003; rings, of which 5 to 8 %
    are (see the next test), are allowed 15 %."""
    random = np.random.default_rng(2)
    maps = {
        "white": lambda: smooth_noise(BINS, 0.01, 80, random),
        "smooth": lambda: smooth_noise(BINS, 0.15, 80, random),
        "rectified": lambda: np.maximum(smooth_noise(BINS, 0.15, 80, random), 0),
        "ring": lambda: np.maximum(ring_noise(3.5, 0.7, 80, random), 0),
        "plain_ring": lambda: ring_noise(3.5, 0.5, 80, random),
    }[name]()
    found = lattice_classes.classify_lattices(maps, COUNT, seed=3)
    assert (found.lattice_class != "other").mean() <= most
    assert ((found.p_value <= 0.05) >= (found.lattice_class != "other")).all()


def test_surrogates_are_as_directed_as_ring_noise():
    """Stripe scores of maps and of their surrogates are alike on average, to the mean's error of
    60 maps (0.02); surrogates whose spectrum is not fitted score 0.07 lower."""
    random = np.random.default_rng(4)
    maps = np.maximum(ring_noise(3.5, 0.5, 60, random), 0)
    expected = lattice_classes.stripe_score(maps).mean()
    made = [lattice_classes.spectrum_matched_maps(rates, 20, random) for rates in maps]
    found = lattice_classes.stripe_score(np.concatenate(made)).mean()
    assert abs(found - expected) < 0.04


def test_surrogates_keep_rates_and_unvisited_bins():
    rates = np.maximum(smooth_noise(BINS, 0.2, 1, np.random.default_rng(5))[0], 0)
    rates[3:5, 7] = np.nan
    maps = lattice_classes.spectrum_matched_maps(rates, 4, np.random.default_rng(6))
    assert maps.shape == (4, BINS, BINS)
    for surrogate in maps:
        np.testing.assert_array_equal(np.isnan(surrogate), np.isnan(rates))
        np.testing.assert_array_equal(np.sort(surrogate, None), np.sort(rates, None))
    assert not np.array_equal(maps[0], maps[1], equal_nan=True)


def test_one_field_a_border_and_a_ramp_are_other():
    random = np.random.default_rng(7)
    field = np.exp(-((X - 0.4) ** 2 + (Y + 0.2) ** 2) / 0.08)
    maps = np.stack([field, np.exp(-(X + 1.1) / 0.2), X + Y, X])
    maps = maps + 0.02 * random.standard_normal(maps.shape)
    found = lattice_classes.classify_lattices(maps, COUNT, seed=8)
    assert found.lattice_class.values.tolist() == ["other"] * 4
    assert (found.stripe_score < 0.2).all()


def test_stripe_score():
    random = np.random.default_rng(9)
    score_of = lattice_classes.stripe_score
    assert (score_of(stripes(0.5, 5, random)) > 0.95).all()
    assert (score_of(squares(0.5, 5, random)) < 0.05).all()
    assert (score_of(hexagonal_maps(BINS, 0.5, 5, random)[0]) < 0.05).all()
    maps = smooth_noise(BINS, 0.1, 3, random)
    np.testing.assert_allclose(score_of(1e6 - 5 * maps), score_of(maps), atol=1e-9)
    np.testing.assert_allclose(score_of(np.rot90(maps, axes=(1, 2))), score_of(maps), atol=1e-9)
    maps[0], maps[1] = np.nan, 4.2
    np.testing.assert_array_equal(score_of(maps)[:2], [np.nan, 0])


def test_p_values_are_ranks_among_surrogates():
    """The map counts among its surrogates, and the largest of three deviations decides."""
    random = np.random.default_rng(10)
    observed, chance = random.standard_normal((3, 2)), random.standard_normal((3, 2, 9))
    best, by_lattice, p_value = lattice_classes._compared(observed, chance)
    everyone = np.concatenate([observed[..., None], chance], axis=-1)
    z = (everyone - everyone.mean(-1, keepdims=True)) / everyone.std(-1, keepdims=True)
    np.testing.assert_array_equal(best, z[..., 0].argmax(axis=0))
    np.testing.assert_allclose(by_lattice, (1 + (chance >= observed[..., None]).sum(-1).T) / 10)
    assert (p_value >= by_lattice.min(axis=1) - 1e-12).all() or (p_value >= 0.1).all()
    np.testing.assert_allclose(p_value, (z.max(0) >= z.max(0)[:, :1]).mean(-1))


def test_dimensions_and_reproducibility(monkeypatch):
    maps = xr.DataArray(
        smooth_noise(10, 0.3, 6, np.random.default_rng(11)).reshape(2, 3, 10, 10),
        dims=("network", "unit", "y", "x"),
        coords={"network": ["a", "b"]},
    )
    maps[0, 0], maps[0, 1], maps[1, 1, 2, 3] = np.nan, 1.5, np.nan
    found = lattice_classes.classify_lattices(maps, 9, seed=1)
    assert found.lattice_class.dims == ("network", "unit")
    assert found.lattice_p_value.dims == ("network", "unit", "lattice")
    assert found.lattice_class[0, :2].values.tolist() == ["other", "other"]
    np.testing.assert_array_equal(found.p_value[0, :2], [np.nan, 1])
    xr.testing.assert_allclose(found.score_60, published_score(maps).score_60)
    monkeypatch.setattr(lattice_classes, "BINS_PER_BLOCK", 1000)
    xr.testing.assert_identical(found, lattice_classes.classify_lattices(maps, 9, seed=1))
    alone = maps.copy()
    alone[0, 2] = 0.0
    found_alone = lattice_classes.classify_lattices(alone, 9, seed=1)
    xr.testing.assert_identical(found.isel(network=1), found_alone.isel(network=1))
    other = lattice_classes.classify_lattices(maps, 9, seed=2)
    assert not other.lattice_p_value.equals(found.lattice_p_value)
    assert lattice_classes.classify_lattices(np.zeros((0, 8, 8)), 9, seed=1).p_value.shape == (0,)


def test_units_and_types_do_not_matter():
    maps = np.rint(100 + 40 * squares(0.7, 2, np.random.default_rng(12))).astype(int)
    expected = lattice_classes.classify_lattices(maps, 19, seed=1)
    for same in (maps.astype(np.float32), maps.astype(np.uint8)):
        found = lattice_classes.classify_lattices(same, 19, seed=1)
        assert found.lattice_class.equals(expected.lattice_class)
        np.testing.assert_allclose(found.p_value, expected.p_value, atol=0.051)  # ties round apart


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"count": 0}, "count: found 0"),
        ({"seed": -1}, "seed: found -1"),
        ({"level": 1.5}, "level: found 1.5"),
        ({"rate_maps": np.ones((4, 5))}, "rate_maps: found shape"),
        ({"rate_maps": np.full((5, 5), np.inf)}, "infinite"),
    ],
)
def test_wrong_arguments(arguments, message):
    right = {"rate_maps": np.ones((5, 5)), "count": 9, "seed": 0}
    with pytest.raises(ValueError, match=message):
        lattice_classes.classify_lattices(**right | arguments)


def test_a_settled_p_value_rests_on_the_first_surrogates_and_passes_none():
    """Of 39 surrogates 10 or 20 are enough where two or more of them are as far above chance."""
    noise = smooth_noise(BINS, 0.2, 30, np.random.default_rng(0))
    lattices = hexagonal_maps(BINS, 0.6, 4, np.random.default_rng(1))[0]
    found = lattice_classes.classify_lattices(np.concatenate([noise, lattices]), 39, seed=2)
    p = found["p_value"].values
    quarter, half, every = (
        np.isclose(p * (1 + n), np.rint(p * (1 + n)), atol=1e-9) for n in (10, 20, 39)
    )
    assert (quarter | half | every).all() and (quarter & ~every).sum() > 15
    assert (half & ~quarter & ~every).any()
    settled = quarter | half
    assert p[settled].min() > 2 / 21 + 1e-9
    assert (found["lattice_class"][settled] == "other").all()
    assert (p[30:] <= 2 / 40).all() and every[30:].all()


@pytest.mark.parametrize("count", [1, 2, 5, 18])
def test_with_few_surrogates_no_lattice_passes(count):
    lattices = hexagonal_maps(BINS, 0.6, 2, np.random.default_rng(1))[0]
    found = lattice_classes.classify_lattices(lattices, count, seed=2)
    assert (found["p_value"] > 0.05).all() and (found["lattice_class"] == "other").all()
