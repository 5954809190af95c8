"""Claims: right where the answer is known, silent where nothing can be known."""

import numpy as np
import pytest
import synthetic_summary
import xarray as xr
from claim_examples import all_verdicts, evaluated, one_claim, with_share
from nofreelunch.findings import comparisons, network_measures, verdicts
from nofreelunch.findings.claims import page as claims_page
from nofreelunch.findings.verdicts import NOT_REPRODUCED, REPRODUCED, UNTESTABLE, Claim


@pytest.fixture(scope="module")
def theory() -> list[xr.Dataset]:
    return synthetic_summary.theory("full")


@pytest.fixture
def full() -> xr.Dataset:
    return synthetic_summary.make("full")


BY_SCORE = ["R2a", "R5b", "R6a", "Ta", "Cc"]
BY_P_VALUES = ["R2a", "R2b", "R2d", "R2h", "R4a", "R4c", "R5b", "R6a", "R6b", "Ta", "Cc"]


def test_a_study_that_learnt_what_the_talk_says_reproduces_it(full, theory):
    found = evaluated(full, theory)
    for name in ("R1a", "R6c", "R6d", *BY_SCORE):
        assert found[name].first.verdict == REPRODUCED, found[name]
    for name in BY_P_VALUES:
        assert found[name].second.verdict == REPRODUCED, found[name]
    slope = found["R4a"].second.estimate
    assert slope.low < 7.0 < slope.high  # the slope that the periods were drawn with


def test_spectra_of_the_talks_targets_need_no_network(full):
    """R6c, R6d. The ring and the longest mode, by any draw of 512 place cells."""
    found = evaluated(comparisons.of_target(full, "cartesian"), [])
    assert found["R6c"].first.estimate.value == pytest.approx(8**0.5)
    assert found["R6d"].first.estimate.value == 1
    assert {found[name].first.verdict for name in ("R6c", "R6d")} == {REPRODUCED}
    assert "4 of 4 draws" in found["R6c"].reason


def noise(summary: xr.Dataset) -> xr.Dataset:
    """The study in which every unit is one of its surrogates, and the rest is as it was.

    Scores above 0.8 are as frequent as chance, and have the periods that they had.
    """
    random = np.random.default_rng(1)
    shape = summary["p_value"].shape
    chance = summary["chance_fraction_above"].sel(threshold=0.8).max("kind").values
    score = np.where(random.random(shape) < chance[:, None], 0.9, -0.2)
    score = np.where(summary["present"], score, np.nan)
    score = np.where(summary["active"] | ~summary["present"], score, 0.0)
    p_value = np.where(summary["active"], random.uniform(0.01, 1, shape), np.nan)
    dims = summary["p_value"].dims
    highest = np.nan_to_num(score).max(1)
    return summary.assign(
        score_60=(("definition", *dims), np.stack([score, score])),
        period=summary["period"].fillna(1.0),
        p_value=(dims, p_value),
        significant=(dims, np.zeros(shape, bool)),
        grid_fraction=0 * summary["grid_fraction"],
        max_score=("network", highest),
        has_grid_cells=("network", highest >= 0.8),
    )


def test_noise_reproduces_nothing_about_grid_cells(full, theory):
    """Where every unit is a surrogate, no claim that there are grid cells is reproduced."""
    found = evaluated(noise(full), theory)
    names = ("R2a", "R3a", "R3b", "R4a", "R4b", "R4c", "R4d", "R5a", "R5b", "R6a", "R6b")
    for name in (*names, "Ta", "Tb", "Cc"):
        for evidence in (found[name].first, found[name].second):
            assert evidence is None or evidence.verdict != REPRODUCED, found[name]
    assert all(found[f"R2{c}"].second.verdict == REPRODUCED for c in "bdh")


def test_every_result_of_the_talk_has_claims_with_a_source(full, theory):
    found = claims_page.evaluate(full, theory)
    assert {claim.part for claim in found} == {"R1", "R2", "R3", "R4", "R5", "R6", "T", "C"}
    assert len({claim.id for claim in found}) == len(found)
    for claim in found:
        assert claim.sentence.endswith(".")
        assert claim.reason and (claim.first or claim.second)
        assert any(word in claim.reference.source for word in ("talk", "web summary", "et al."))


def test_a_study_that_learnt_nothing_tests_nothing():
    summary = synthetic_summary.make("tiny", learnt=False)
    found = claims_page.evaluate(summary, synthetic_summary.theory("tiny"))
    assert all_verdicts(of_networks(found)) == {UNTESTABLE}


def of_networks(claims: list[Claim]) -> list[Claim]:
    """Without the claims about spectra, which are computed from targets alone."""
    return [claim for claim in claims if claim.id not in ("R6c", "R6d", "Tc")]


def test_two_seeds_carry_no_verdict(full, theory):
    few = full.isel(network=np.flatnonzero(full["seed"].values < 2))
    found = evaluated(few, theory)
    for name in ("R2a", "R2b", "R3a", "R5a", "R5b", "R6a", "R6b"):
        assert all_verdicts([found[name]]) == {UNTESTABLE}
        assert "found 2" in found[name].reason or "found 0" in found[name].reason


def test_without_surrogates_chance_is_unknown_and_no_units_are_tested(theory):
    found = evaluated(synthetic_summary.make("full", chance=False), theory)
    for name in ("R2a", "R2b", "R5b", "R6a"):
        assert all_verdicts([found[name]]) == {UNTESTABLE}
        assert found[name].reason.startswith("No surrogates were scored")
    assert found["R6c"].first.verdict == REPRODUCED


def with_p_values(summary: xr.Dataset, networks: xr.Dataset, shares: list[float]) -> xr.Dataset:
    """The summary in which `networks` have these shares of active units with small p-values."""
    p_value = summary["p_value"].copy(deep=True)
    for name, share in zip(networks["network"].values, shares, strict=True):
        active = summary["active"].sel(network=name).values
        rank = np.cumsum(active) / active.sum()
        p_value.loc[{"network": name}] = np.where(
            active, np.where(rank <= share, 0.01, 0.5), np.nan
        )
    return summary.assign(p_value=p_value)


SHARES_OF_UNITS = [f"R2{c}" for c in "abcdefgh"] + ["R3a", "R5a", "R5b", "R6a", "R6b"]


def test_every_claim_about_shares_of_units_is_tested_by_p_values(full, theory):
    found = evaluated(full, theory)
    for name in SHARES_OF_UNITS:
        assert np.isfinite(found[name].second.estimate.value), name
    small = network_measures.small_p_values(comparisons.select(full))
    assert found["R2a"].second.estimate.value == pytest.approx(small.mean() - 0.05)


def test_both_denominators_silent_units_and_errors_are_named(full):
    reason = one_claim("R2a", full).reason
    assert "of active ones" in reason
    assert "512 units, 4 dead and 4 constant" in reason
    assert "4 of 4 networks meet the criterion" in reason
    assert "points [" in reason and "against random phases, " in reason
    page = claims_page.to_markdown(claims_page.evaluate(full, []), full)
    kept = comparisons.trained(full)
    present, active = (int(kept[f"units_{k}"].sum()) for k in ("present", "active"))
    dead = kept.sizes["network"]
    assert f"{present} units, {active} active, {dead} dead, {dead} constant" in page
    assert "| 512: 4, 4 |" in page


def test_the_heading_keeps_the_criteria_apart(full, theory):
    found = claims_page.evaluate(full, theory)
    line = claims_page.to_markdown(found, full).splitlines()[2]
    of_units = [claim for claim in found if claim.about_units]
    for name, evidence in (
        ("By grid score, less chance", [c.first for c in of_units if c.first]),
        ("By p-values", [c.second for c in found if c.second]),
        ("Claims that count no units", [c.first for c in found if not c.about_units]),
    ):
        count = sum(e.verdict == REPRODUCED for e in evidence)
        assert f"{name}: {count} reproduced" in line
    assert sum(not claim.about_units for claim in found) == 4  # R1a, R6c, R6d, Cf


def test_the_surrogates_that_are_harder_to_beat_decide(full):
    networks = comparisons.select(full)
    high = full["chance_fraction_above"].copy(deep=True)
    high.loc[{"kind": "shuffle"}] += 0.1
    claim = one_claim("R2a", full.assign(chance_fraction_above=high))
    expected = network_measures.share_above(networks, 0.8).mean() - 0.118
    assert claim.first.estimate.value == pytest.approx(expected)
    assert claim.first.verdict == UNTESTABLE
    assert "Chance is as high here as the reference." in claim.reason


@pytest.mark.parametrize(
    ("shares", "power", "verdict"),
    [
        ([0.03, 0.04, 0.05, 0.04], 0.8, REPRODUCED),
        ([0.03, 0.04, 0.05, 0.04], 0.1, UNTESTABLE),  # the test would miss most lattices
        ([0.00, 0.09, 0.00, 0.10], 0.8, UNTESTABLE),
        ([0.20, 0.22, 0.25, 0.21], 0.8, NOT_REPRODUCED),
    ],
)
def test_absence_is_shown_by_an_upper_bound(full, shares, power, verdict):
    some = with_p_values(full, comparisons.of_target(full, "cartesian"), shares)
    some = some.assign(test_power=0 * full["test_power"] + power)
    claim = one_claim("R2b", some)
    assert claim.first is None and claim.second.verdict == verdict


def test_scores_that_chance_reaches_in_most_networks_say_nothing(full):
    high = full.assign(chance_fraction_above=0 * full["chance_fraction_above"] + 0.02)
    claim = one_claim("R1b", high)
    assert claim.first.verdict == UNTESTABLE
    assert claim.reason.startswith("By chance alone, most networks have a score as high.")
    assert "At 1.2: " in claim.reason and "Cartesian 0 of 4" in claim.reason
    rare = full.assign(
        chance_fraction_above=0 * full["chance_fraction_above"] + 1e-4,
        has_grid_cells=full["has_grid_cells"] & (full["target"] == "gaussian"),
    )
    assert one_claim("R1c", rare).first.verdict == REPRODUCED


def test_few_networks_without_a_significant_unit_are_known_only_by_many_surrogates(full):
    none = full.assign(grid_fraction=0 * full["grid_fraction"])
    assert one_claim("R1c", none).second.verdict == REPRODUCED
    coarse = none.assign_attrs(surrogates=200)
    assert one_claim("R1c", coarse).second.verdict == UNTESTABLE


@pytest.mark.parametrize(
    ("target", "claims_about_it"),
    [
        ("cartesian", ["R2b"]),
        ("difference_of_gaussians", ["R2h", "R6a"]),
        ("general_difference_of_gaussians", ["R6b"]),
    ],
)
def test_a_target_that_learnt_nothing_tests_nothing(full, target, claims_about_it):
    error = full["position_error"].where(full["target"] != target, 0.2)
    found = evaluated(full.assign(position_error=error))
    for name in claims_about_it:
        assert all_verdicts([found[name]]) == {UNTESTABLE}
        assert "20.0 cm over 20 steps" in found[name].reason
        assert comparisons.phrase(full, target) in found[name].reason


def test_place_cells_that_teach_nothing_test_nothing(full):
    strong = comparisons.realism(full)[-1].networks["network"]
    error = full["position_error"].where(~full["network"].isin(strong), 0.3)
    reason = one_claim("R5b", full.assign(position_error=error)).reason
    assert reason.startswith("Place cells with mixed widths and 1 + Poisson(3) fields: nothing")


def test_shares_that_are_zero_on_both_sides_tell_nothing(full):
    for setting in comparisons.realism(full)[:2]:
        full = with_share(full, setting.networks, [0.0] * 4)
    claim = one_claim("R5a", full)
    assert claim.first.verdict == UNTESTABLE
    assert claim.reason.startswith("No grid-like unit on either side.")


def test_chance_is_taken_off_the_talks_share_too(full):
    # 4.9 % of units in the talk, less 1.8 % by chance, is 3.1 %.
    networks = comparisons.select(full)
    claim = one_claim("R2a", with_share(full, networks, [0.0, 0.08, 0.0, 0.0]))
    assert "The reference less this chance is +3.1 points." in claim.reason


def test_a_contrast_is_taken_less_chance(full):
    """Place cells whose surrogates score high have no grid cells by scoring high themselves."""
    homogeneous, mild = (s.networks for s in comparisons.realism(full)[:2])
    alike = with_share(with_share(full, homogeneous, [0.08] * 4), mild, [0.08, 0.08, 0.09, 0.08])
    chance = alike["chance_fraction_above"].copy(deep=True)
    chance.loc[{"network": mild["network"].values}] += 0.06
    claim = one_claim("R5a", alike.assign(chance_fraction_above=chance))
    assert claim.first.estimate.value == pytest.approx(-0.06, abs=0.01)
    assert claim.first.verdict == REPRODUCED
    assert "4 of 4 networks meet the error criterion" in claim.reason


def test_heterogeneity_that_changes_nothing_counts_against_the_talk_if_measured_well(full):
    homogeneous, mild = (s.networks for s in comparisons.realism(full)[:2])
    exact = with_share(with_share(full, homogeneous, [0.08] * 4), mild, [0.08, 0.08, 0.09, 0.08])
    assert one_claim("R5a", exact).first.verdict == NOT_REPRODUCED
    noisy = with_share(with_share(full, homogeneous, [0.08] * 4), mild, [0.00, 0.15, 0.02, 0.10])
    assert one_claim("R5a", noisy).first.verdict == UNTESTABLE


def test_sides_that_are_no_better_than_chance_are_not_compared(full):
    """Nothing is compared with nothing, however well it is measured."""
    homogeneous, mild = (s.networks for s in comparisons.realism(full)[:2])
    exact = with_share(with_share(full, homogeneous, [0.06, 0.08, 0.07, 0.09]), mild, [0.08] * 4)
    claim = one_claim("R5a", exact)
    assert claim.first.verdict != UNTESTABLE
    high = exact.assign(chance_fraction_above=exact["chance_fraction_above"] + 0.2)
    claim = one_claim("R5a", high)
    assert claim.first.verdict == UNTESTABLE
    assert claim.reason.startswith("Neither side has more grid-like units than chance.")


def test_diverged_networks_change_no_number_and_are_counted(full, theory):
    before = evaluated(full, theory)
    scores = full["score_60"].copy(deep=True)
    scores[:, -1] = 1.4  # the network that is marked diverged
    after = evaluated(full.assign(score_60=scores), theory)
    for name, claim in before.items():
        for one, other in ((claim.first, after[name].first), (claim.second, after[name].second)):
            assert one == other or one.estimate == pytest.approx(other.estimate, nan_ok=True)
    page = claims_page.to_markdown(list(before.values()), full)
    assert "1 of them diverged and left out of every number" in page


def test_comparisons_say_their_effect_size_and_shares_do_not():
    values = np.array([0.1, 0.2, 0.3])
    over_seeds = verdicts.over_seeds(values)
    compared = verdicts.Evidence(over_seeds, "difference", verdicts.side(1))
    assert f", d {over_seeds.effect:+.1f}: **" in claims_page.verdict_text(compared)
    below = compared._replace(estimate=verdicts.over_seeds(-values))
    assert f", d −{over_seeds.effect:.1f}: **" in claims_page.verdict_text(below)
    assert ", d " not in claims_page.verdict_text(compared._replace(unit="share"))


@pytest.mark.parametrize("left", [0, 1])
def test_a_study_of_which_little_is_left_tests_nothing(full, left):
    diverged = np.arange(full.sizes["network"]) >= left
    summary = full.assign(diverged=("network", diverged))
    found = claims_page.evaluate(summary, [])
    assert all_verdicts(of_networks(found)) == {UNTESTABLE}
    assert f"{diverged.sum()} of them diverged" in claims_page.to_markdown(found, summary)


@pytest.mark.parametrize("name", ["full", "tiny"])
def test_the_page_holds_every_claim_in_tables_of_even_rows(name):
    summary = synthetic_summary.make(name)
    found = claims_page.evaluate(summary, [])
    page = claims_page.to_markdown(found, summary)
    for claim in found:
        assert page.count(f"**{claim.id}.** {claim.sentence}") == 1
    columns = None
    for line in page.splitlines():
        if not line.startswith("|"):
            columns = None
            continue
        columns = columns or line.count("|")
        assert line.count("|") == columns, line
    architectures = list(comparisons.architectures(summary))
    assert all(f"\n| {cell} | {activation} |" in page for cell, activation in architectures)
    assert "below 10 cm" in page
    assert "above 0.8" in page
    assert "nan" not in page.lower()
