"""Quantities per network."""

import numpy as np
import pytest
import synthetic_summary
import xarray as xr
from nofreelunch.findings import comparisons, network_measures, talks
from nofreelunch.scoring import grid_modules, significance
from synthetic_summary import KINDS, POWER, SIZE


@pytest.fixture
def networks() -> xr.Dataset:
    return comparisons.select(synthetic_summary.make("full"))


def with_units(networks: xr.Dataset, score: float, period: np.ndarray) -> xr.Dataset:
    """The networks with significant units of one grid score and these periods, and no others."""
    scores = np.full(networks["score_60"].shape, -0.5)
    scores[..., : len(period)] = score
    periods = np.full(networks["period"].shape, np.nan)
    periods[:, : len(period)] = period
    return networks.assign(
        score_60=(networks["score_60"].dims, scores),
        period=(networks["period"].dims, periods),
        significant=(networks["significant"].dims, np.isfinite(periods)),
    )


def test_padding_is_no_unit(networks):
    scores = network_measures.scores(networks)
    assert np.isfinite(scores).sum(1).tolist() == networks["units_present"].values.tolist()
    assert np.isnan(scores[:, -synthetic_summary.PADDING :]).all()


def test_scores_are_those_of_the_talk_and_not_of_the_other_definition(networks):
    talk = networks["score_60"].sel(definition="min_max").values
    known = np.isfinite(network_measures.scores(networks))
    np.testing.assert_array_equal(network_measures.scores(networks)[known], talk[known])


@pytest.mark.parametrize("threshold", synthetic_summary.THRESHOLDS)
def test_shares_are_of_all_units(networks, threshold):
    expected = networks["fraction_above"].sel(threshold=threshold)
    np.testing.assert_allclose(network_measures.share_above(networks, threshold), expected)


def test_chance_at_a_threshold_that_the_summary_lacks_is_refused(networks):
    assert np.isfinite(network_measures.chance_above(networks, 0.8)).all()
    with pytest.raises(KeyError, match="threshold"):
        network_measures.chance_above(networks, 0.77)


def test_a_diverged_network_has_no_share(networks):
    diverged = np.arange(networks.sizes["network"]) == 1
    shares = network_measures.share_above(networks.assign(diverged=("network", diverged)), 0.8)
    np.testing.assert_array_equal(np.isnan(shares), diverged)


def test_a_highest_score_by_chance_grows_with_units(networks):
    chance = network_measures.some_unit_by_chance(networks, 0.8)
    np.testing.assert_allclose(chance, 1 - (1 - 0.018) ** 128)  # of the kind that scores higher


def test_chance_is_that_of_one_kind_or_of_the_higher_one(networks):
    of_phase, of_shuffle = (network_measures.chance_above(networks, 0.8, k) for k in KINDS)
    np.testing.assert_allclose(of_phase, 0.015)
    np.testing.assert_allclose(of_shuffle, 0.018)
    np.testing.assert_array_equal(network_measures.chance_above(networks, 0.8), of_shuffle)
    share = network_measures.share_above(networks, 0.8)
    np.testing.assert_allclose(network_measures.excess(networks, "phase"), share - 0.015)


def with_p_values(networks, share):
    """The networks in which this share of the active units has a small p-value."""
    active = networks["active"].transpose("network", "unit").values
    rank = np.cumsum(active, 1) / active.sum(1, keepdims=True)
    p_value = np.where(active, np.where(rank <= share, 0.01, 0.5), np.nan)
    return networks.assign(p_value=(("network", "unit"), p_value))


def test_the_share_of_lattices_follows_from_size_and_power(networks):
    """A share f of lattices passes at f power + (1 - f) size."""
    lattice = 0.3
    networks = with_p_values(networks, lattice * POWER + (1 - lattice) * SIZE)
    np.testing.assert_allclose(network_measures.calibrated_share(networks), 0.218, atol=0.01)
    found = network_measures.lattices(networks)
    assert found.share == pytest.approx(lattice, abs=0.012)
    assert found.low < found.share < found.high
    assert found.power == POWER


def test_chance_is_the_level_or_the_size_if_that_is_larger(networks):
    assert network_measures.chance_of_small_p(networks) == 0.05
    assert network_measures.chance_of_small_p(networks.assign_attrs(test_size=0.08)) == 0.08
    assert np.isnan(network_measures.chance_of_small_p(networks.assign_attrs(test_size=np.nan)))


def test_lattices_cannot_be_excluded_without_power(networks):
    few = with_p_values(networks, 0.02)
    sharp = network_measures.lattices(few)
    assert sharp.share == 0 and sharp.high < 0.05
    none = with_p_values(networks, 0.0)
    assert network_measures.lattices(none).high > 0
    weak = none.assign(test_power=0 * none["test_power"] + 0.1).assign_attrs(test_size=0.01)
    assert network_measures.lattices(weak).high > 0.05
    blunt = few.assign(test_power=0 * few["test_power"] + SIZE)
    assert network_measures.lattices(blunt).high == 1
    unknown = few.assign(test_power=np.nan * few["test_power"])
    assert np.isnan(network_measures.lattices(unknown)).all()


def test_a_fraction_of_zero_says_what_would_have_been_found(networks):
    none = networks.assign(grid_fraction=0 * networks["grid_fraction"]).assign_attrs(surrogates=400)
    assert network_measures.fraction_text(none) == "none found, 5 % would have been needed"
    some = networks.assign(grid_fraction=0 * networks["grid_fraction"] + 0.12)
    assert network_measures.fraction_text(some) == "12 % of active units"
    unknown = networks.assign(grid_fraction=np.nan * networks["grid_fraction"])
    assert network_measures.fraction_text(unknown) == ""


def test_survival_starts_at_all_units_and_never_rises(networks):
    curves = network_measures.survival(networks, np.linspace(-3, 2, 60))
    np.testing.assert_array_equal(curves[:, 0], 1)
    np.testing.assert_array_equal(curves[:, -1], 0)
    assert (np.diff(curves, axis=1) <= 0).all()


def typical_period(networks):
    return network_measures.typical_period(network_measures.significant_periods(networks))


def test_periods_count_only_for_significant_units(networks):
    few = with_units(networks, 0.9, np.array([1.0, 1.1]))
    assert np.isnan(typical_period(few)).all()
    enough = with_units(networks, 0.9, np.array([1.0, 1.1, 1.3]))
    np.testing.assert_allclose(typical_period(enough), 1.1)
    chance = enough.assign(significant=enough["significant"] & False)
    assert np.isnan(typical_period(chance)).all()
    assert [row.size for row in network_measures.periods(chance, 0.8)] == [3] * 4


def test_two_modules_show_as_a_spread_of_their_ratio_and_one_does_not(networks):
    random = np.random.default_rng(0)
    noise = random.normal(1, 0.01, 40)
    one, two = 1.0 * noise, np.repeat([0.8, 1.2], 20) * noise
    assert (network_measures.period_spread(with_units(networks, 0.9, one)) < 1.05).all()
    assert (network_measures.period_spread(with_units(networks, 0.9, two)) > 1.45).all()
    assert np.isnan(network_measures.period_spread(with_units(networks, 0.9, two[:5]))).all()


def test_both_denominators_are_given(networks):
    threshold = 0.8
    active = networks["fraction_above_active"].sel(threshold=threshold)
    np.testing.assert_allclose(network_measures.share_above_active(networks, threshold), active)
    above = network_measures.share_above(networks, threshold)
    assert (network_measures.share_above_active(networks, threshold) > above).all()
    passed = network_measures.significant(networks).sum(1)
    np.testing.assert_allclose(network_measures.grid_fraction(networks), passed / 126)
    np.testing.assert_allclose(network_measures.grid_fraction(networks, of="present"), passed / 128)


def test_dead_and_constant_units_are_counted(networks):
    counts = network_measures.unit_counts(networks)
    assert counts._asdict() == {"present": 512, "active": 504, "dead": 4, "constant": 4}
    assert sum(counts[1:]) == counts.present
    assert network_measures.unit_counts(networks.isel(network=[])).present == 0


def test_a_network_without_active_units_has_no_share_of_them(networks):
    networks = networks.assign(units_active=0 * networks["units_active"])
    assert np.isnan(network_measures.share_above_active(networks, 0.8)).all()


def test_without_surrogates_no_unit_is_significant_and_no_fraction_known():
    networks = comparisons.select(synthetic_summary.make("full", chance=False))
    assert not network_measures.significant(networks).any()
    assert np.isnan(network_measures.grid_fraction(networks)).all()
    assert np.isnan(network_measures.least_fraction(networks))
    assert {m.count for m in network_measures.network_modules(networks)} == {0}
    assert not any(unit.significant for unit in network_measures.best_units(networks, 8))


def test_a_diverged_network_has_no_grid_fraction(networks):
    diverged = np.arange(networks.sizes["network"]) == 1
    fractions = network_measures.grid_fraction(networks.assign(diverged=("network", diverged)))
    np.testing.assert_array_equal(np.isnan(fractions), diverged)


def test_small_p_values_are_counted_among_the_units_tested():
    p_value = np.array([[0.05, 0.01, 0.06, np.nan], [np.nan] * 4])
    found = network_measures.small_p_values(xr.Dataset({"p_value": (("network", "unit"), p_value)}))
    np.testing.assert_allclose(found, [2 / 3, np.nan])


def test_the_least_grid_fraction_is_what_the_surrogates_can_resolve():
    # of 128 units whose p-values cannot be below 1 / 201, none passes unless 13 have that one
    for number, passes in ((12, False), (13, True)):
        p_value = np.where(np.arange(128) < number, 1 / 201, 0.9)
        assert (
            significance.false_discovery(p_value, network_measures.DISCOVERY_RATE).any() == passes
        )
    least = network_measures.least_fraction(xr.Dataset(attrs={"surrogates": 200}))
    assert 12 / 128 < least <= 13 / 128
    assert least == pytest.approx(20 / 201, rel=1e-6)


def test_significant_periods_are_those_of_significant_units_that_have_one(networks):
    period = networks["period"].copy(deep=True)
    first = np.flatnonzero(network_measures.significant(networks)[0])[0]
    period[0, first] = np.nan
    before, after = (
        network_measures.significant_periods(n) for n in (networks, networks.assign(period=period))
    )
    assert [p.size for p in before] == network_measures.significant(networks).sum(1).tolist()
    assert after[0].size == before[0].size - 1


def test_modules_of_a_network_are_resolved_by_enough_units(networks):
    units = np.array([9, 53, 54, 300])
    found = networks.assign(
        modules=("network", [0, 1, 1, 2]),
        modules_low=("network", [np.nan, 1, 1, 2]),
        modules_high=("network", [np.nan, 1, 2, 2]),
        modules_units=("network", units),
    )
    of_networks = network_measures.network_modules(found)
    assert [m.resolved for m in of_networks] == [False, False, True, True]
    assert of_networks[2] == (1, 1, 2, 54)


@pytest.mark.parametrize("modules_there", [1, 2])
def test_networks_are_pooled_for_their_modules(networks, modules_there):
    random = np.random.default_rng(0)
    shape = networks["period"].shape
    period = 1.4 ** random.integers(modules_there, size=shape) * random.normal(0.8, 0.03, shape)
    pooled = networks.assign(period=(("network", "unit"), period))
    found = network_measures.pooled_modules(pooled)
    assert found.count == modules_there
    assert found.units == network_measures.significant(networks).sum()
    assert network_measures.pooled_modules(networks.isel(network=[])).count == 0


def test_so_many_units_are_needed_to_tell_two_modules():
    ratio = talks.MODULE_RATIOS[0]
    assert grid_modules.units_needed(2, ratio) == network_measures.UNITS_NEEDED[2]


def test_best_units_come_from_every_network_in_order_of_score(networks):
    units = network_measures.best_units(networks, 8)
    assert [u.score for u in units] == sorted([u.score for u in units], reverse=True)
    names = [u.network for u in units]
    assert {names.count(n) for n in networks["network"].values} == {2}
    scores = network_measures.scores(networks)
    row = list(networks["network"].values).index(units[0].network)
    assert units[0].score == scores[row, units[0].unit] == np.nanmax(scores)


def test_best_units_say_which_are_significant_and_may_be_chosen_among_them(networks):
    passed = network_measures.significant(networks)
    names = networks["network"].values.tolist()
    for unit in network_measures.best_units(networks, 60):
        assert unit.significant == passed[names.index(unit.network), unit.unit]
    chosen = network_measures.best_units(networks, 10**6, passed)
    assert len(chosen) == passed.sum()
    assert all(unit.significant for unit in chosen)


def test_best_units_of_a_network_without_scores_are_none(networks):
    empty = networks.assign(score_60=networks["score_60"] * np.nan)
    assert network_measures.best_units(empty, 8) == []
    assert network_measures.best_units(networks.isel(network=[]), 8) == []
    assert len(network_measures.best_units(networks.isel(network=[0]), 10**6)) == 128


def test_variance_between_agrees_with_the_published_example():
    # Shrout & Fleiss (1979), table 2: six targets rated by four judges; ICC(1, 1) = 0.17.
    ratings = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
    estimate, low, high = network_measures.variance_between([np.array(r) for r in ratings])
    assert estimate == pytest.approx(0.166, abs=0.001)
    assert low == 0  # -0.133, below the least that a share can be
    assert high == pytest.approx(0.723, abs=0.001)


def test_variance_between_at_its_ends():
    apart = network_measures.variance_between(
        [np.array([1.0, 1.0, 1.0]), np.array([2.0, 2.0, 2.0])]
    )
    assert apart == (1.0, 1.0, 1.0)
    assert np.isnan(network_measures.variance_between([np.zeros(3), np.zeros(3)])).all()
    assert np.isnan(network_measures.variance_between([np.arange(3.0)])).all()


def test_the_test_is_blind_where_lattices_pass_no_more_often_than_chance(networks):
    for power, expected in ((0.0, True), (0.06, True), (0.8, False)):
        some = networks.assign(test_power=0 * networks["test_power"] + power)
        assert network_measures.blind(some) == expected
    unknown = networks.assign(test_power=networks["test_power"] * np.nan)
    assert not network_measures.blind(unknown)


def test_no_small_p_value_is_no_more_than_the_units_of_one_network_can_show(networks):
    none = with_p_values(networks, 0.0)
    few, many = (network_measures.lattices(n).high for n in (none.isel(network=[0, 1]), none))
    assert 0 < many <= few < 1.3 * many  # twice as many networks make it only a little narrower
