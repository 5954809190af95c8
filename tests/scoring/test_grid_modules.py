"""Grid modules: found where there are several, and one broad module left whole."""

import numpy as np
import pytest
from nofreelunch.scoring import grid_modules

pytestmark = pytest.mark.filterwarnings("error")


def periods(number, units, spread, random, ratio=1.4):
    """Modules of equal probability at `ratio`, with log-normal jitter, from 0.5 m."""
    log_period = np.log(ratio) * random.integers(number, size=units)
    return 0.5 * np.exp(log_period + spread * random.standard_normal(units))


def numbers(x, random):
    """Number of modules in each sample of log periods (sample, unit)."""
    return np.array([grid_modules.quick_count(row[:, np.newaxis], random) for row in x])


@pytest.mark.parametrize(
    ("number", "spread", "units"),
    [(2, 0.05, 60), (3, 0.05, 90), (4, 0.05, 120), (2, 0.07, 120), (3, 0.07, 200), (4, 0.07, 300)],
)
def test_finds_modules(number, spread, units):
    """In nearly all networks with that many units."""
    random = np.random.default_rng(number)
    x = np.log([periods(number, units, spread, random) for _ in range(20)])
    assert (numbers(x, random) == number).mean() >= 0.9
    found = grid_modules.count_modules(np.exp(x[0]), seed=1, resamples=20)
    assert found.modules == number == found.bic.values.argmin() + 1
    centres = found.centres[:number].values
    np.testing.assert_allclose(centres, 0.5 * 1.4 ** np.arange(number), rtol=0.05)
    np.testing.assert_allclose(found.ratios[1:number], centres[1:] / centres[:-1])
    np.testing.assert_allclose(found.shares[:number].sum(), 1)
    assert np.isnan(found.centres[number:]).all() and np.isnan(found.ratios[0])
    assert found.modules_interval[0] <= number <= found.modules_interval[1]
    assert found.dip_p_value <= 0.05


def test_wide_modules_need_many_units():
    """At 10 % jitter two modules overlap; 600 units tell them apart, 60 mostly do not."""
    random = np.random.default_rng(5)
    many, few = (np.log([periods(2, units, 0.1, random) for _ in range(30)]) for units in (600, 60))
    assert (numbers(many, random) == 2).mean() > 0.8
    assert (numbers(few, random) == 2).mean() < 0.5


BROAD = {
    "lognormal": lambda random, size: 0.2 * random.standard_normal(size),
    "uniform": lambda random, size: np.log(random.uniform(0.5, 1.5, size)),
    "log-uniform": lambda random, size: random.uniform(0, 1, size),
    "skewed": lambda random, size: np.log(0.5 + 0.15 * random.gamma(2.0, size=size)),
    "exponential": lambda random, size: random.exponential(0.3, size),
    "tight": lambda random, size: 0.01 * random.standard_normal(size),
}


@pytest.mark.parametrize("kind", BROAD)
def test_one_broad_module_is_not_split(kind):
    """In 5 % of samples if log period is uniform, the worst case of the dip test, and in fewer
    otherwise: of 200, more than 9 % with probability 0.005."""
    random = np.random.default_rng(6)
    x = BROAD[kind](random, (200, 100))
    split = (numbers(x, random) > 1).mean()
    assert split <= (0.09 if "uniform" in kind else 0.02)


def test_a_mixture_alone_would_split_a_skewed_module():
    x = BROAD["skewed"](np.random.default_rng(7), 400)
    found = grid_modules.count_modules(np.exp(x), resamples=40)
    assert found.bic.values.argmin() > 0 and found.modules == 1
    np.testing.assert_array_equal(found.modules_interval, [1, 1])


def test_orientations():
    """Units of one orientation or of any do not hide modules; two orientations do not make two.

    Orientations are equal modulo 60°."""
    random = np.random.default_rng(8)
    label = random.integers(2, size=120)
    period = 0.5 * 1.4**label * np.exp(0.05 * random.standard_normal(120))
    one = 0.2 + 0.03 * random.standard_normal(120)
    for orientations in (one, one + 0.5 * label, random.uniform(0, np.pi / 3, 120)):
        assert grid_modules.count_modules(period, orientations, resamples=5).modules == 2
    single = 0.5 * np.exp(0.1 * random.standard_normal(120))
    turned = grid_modules.count_modules(single, one + 0.5 * label, resamples=5)
    assert turned.modules == 1 and turned.bic.values.argmin() == 1
    wrapped = grid_modules.count_modules(single, one + 0.5 * label + np.pi / 3 * label, resamples=5)
    np.testing.assert_allclose(wrapped.bic, turned.bic, rtol=1e-6)


def test_scale_order_and_missing_units_do_not_matter():
    random = np.random.default_rng(9)
    period = periods(3, 150, 0.05, random)
    expected = grid_modules.count_modules(period, seed=3, resamples=5)
    padded = np.concatenate([period[::-1] * 100, np.full(30, np.nan)]).reshape(6, 30)
    found = grid_modules.count_modules(padded, seed=3, resamples=5)
    assert found.modules == expected.modules and found.units == expected.units == 150
    np.testing.assert_allclose(found.centres, 100 * expected.centres)
    np.testing.assert_allclose(found.dip, expected.dip)
    np.testing.assert_allclose(found.bic, expected.bic)
    np.testing.assert_array_equal(found.modules_interval, expected.modules_interval)
    masked = np.ma.masked_array([*period, 7.0], [False] * 150 + [True])
    assert grid_modules.count_modules(masked, seed=3, resamples=5).identical(expected)
    assert grid_modules.count_modules(period, seed=3, resamples=5).identical(expected)


def test_equal_periods_are_one_module():
    found = grid_modules.count_modules(np.full(50, 0.7), resamples=10)
    assert found.modules == 1
    np.testing.assert_allclose(found.centres[0], 0.7)
    quantised = np.round(0.9 * np.exp(0.1 * np.random.default_rng(10).standard_normal(60)) / 0.05)
    assert grid_modules.count_modules(quantised, resamples=10).modules == 1


def test_few_units():
    for units in (0, 9):
        found = grid_modules.count_modules(np.linspace(0.5, 1, units))
        assert found.modules == 0 and found.units == units
        for name in ("dip", "dip_p_value", "bic", "centres", "ratios", "modules_interval"):
            assert np.isnan(found[name]).all()


def test_units_needed(monkeypatch):
    """More units for more modules."""
    two, three = (grid_modules.units_needed(number, spread=0.05, trials=60) for number in (2, 3))
    assert 15 <= two <= 31 < three <= 62
    monkeypatch.setattr(grid_modules, "UNITS_LOOKED_AT", grid_modules.UNITS_LOOKED_AT[:13])
    assert np.isnan(grid_modules.units_needed(2, ratio=1.02))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"periods": [0.5, -1.0]}, "periods: found -1.0; allowed: positive"),
        ({"periods": [0.5, np.inf]}, "periods: found inf; allowed: positive"),
        ({"orientations": [0.1]}, "orientations: found shape"),
        ({"seed": -1}, "seed: found -1"),
        ({"resamples": 0}, "resamples: found 0"),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        grid_modules.count_modules(**{"periods": [0.5, 0.6]} | arguments)


@pytest.mark.parametrize(
    "arguments", [{"modules": 1}, {"modules": 7}, {"ratio": 1.0}, {"spread": 0.0}, {"power": 1.0}]
)
def test_wrong_simulations(arguments):
    with pytest.raises(ValueError, match=f"{next(iter(arguments))}: found"):
        grid_modules.units_needed(**{"modules": 2} | arguments)
