"""Claims: right where the answer is known, silent where nothing can be known."""

import numpy as np
import pytest
import synthetic_summary
import xarray as xr
from nofreelunch.findings import comparisons
from nofreelunch.findings.claims import page as claims_page
from nofreelunch.findings.verdicts import NOT_REPRODUCED, REPRODUCED, UNTESTABLE, Claim


@pytest.fixture(scope="module")
def theory() -> list[xr.Dataset]:
    return synthetic_summary.theory("full")


@pytest.fixture
def full() -> xr.Dataset:
    return synthetic_summary.make("full")


def evaluated(summary: xr.Dataset, theory=()) -> dict[str, Claim]:
    return {claim.id: claim for claim in claims_page.evaluate(summary, theory)}


def with_share(summary: xr.Dataset, networks: xr.Dataset, shares: list[float]) -> xr.Dataset:
    """The summary in which `networks` have the given shares of grid-like units, one each."""
    scores = summary["score_60"].copy(deep=True)
    for name, share in zip(networks["network"].values, shares, strict=True):
        units = int(summary["units_present"].sel(network=name))
        values = np.where(np.arange(summary.sizes["unit"]) < round(share * units), 1.0, -0.2)
        scores.loc[{"network": name}] = values
    return summary.assign(score_60=scores)


def test_a_study_that_learnt_what_the_talk_says_reproduces_it(full, theory):
    found = evaluated(full, theory)
    for name in (
        "R1a",
        "R1c",
        "R2a",
        "R2b",
        "R2d",
        "R2h",
        "R4a",
        "R4c",
        "R5b",
        "R6a",
        "R6c",
        "R6d",
    ):
        assert found[name].verdict == REPRODUCED, found[name]
    assert found["R4a"].low < 7.0 < found["R4a"].high  # the slope that the periods were drawn with
    assert found["R6c"].estimate == pytest.approx(2.83, abs=0.4)
    assert found["R6d"].estimate == 1


def test_every_result_of_the_talk_has_claims_with_a_source(full, theory):
    found = claims_page.evaluate(full, theory)
    assert {claim.result for claim in found} == {1, 2, 3, 4, 5, 6}
    assert len({claim.id for claim in found}) == len(found)
    for claim in found:
        assert claim.sentence.endswith(".")
        assert claim.reason
        assert "talk" in claim.reference.source or "web summary" in claim.reference.source


def test_a_study_that_learnt_nothing_tests_nothing():
    found = evaluated(
        synthetic_summary.make("tiny", learnt=False), synthetic_summary.theory("tiny")
    )
    assert {claim.verdict for claim in found.values()} == {UNTESTABLE}


def test_two_seeds_carry_no_verdict(full, theory):
    few = full.isel(network=np.flatnonzero(full["seed"].values < 2))
    found = evaluated(few, theory)
    for name in ("R2a", "R2b", "R3a", "R5a", "R5b", "R6a", "R6b"):
        assert found[name].verdict == UNTESTABLE
        assert "found 2" in found[name].reason or "found 0" in found[name].reason


def test_without_surrogates_chance_is_unknown_and_only_contrasts_are_tested(theory):
    found = evaluated(synthetic_summary.make("full", chance=False), theory)
    assert found["R2a"].verdict == found["R2b"].verdict == UNTESTABLE
    assert "surrogates" in found["R2a"].reason
    assert found["R6a"].verdict == REPRODUCED


def with_fraction(summary: xr.Dataset, networks: xr.Dataset, shares: list[float]) -> xr.Dataset:
    """The summary in which `networks` have the given grid fractions."""
    fraction = summary["grid_fraction"].copy(deep=True)
    fraction.loc[{"network": networks["network"].values}] = shares
    return summary.assign(grid_fraction=fraction)


SHARES_OF_UNITS = [f"R2{c}" for c in "abcdefgh"] + ["R3a", "R5a", "R5b", "R6a", "R6b"]


def test_every_claim_about_shares_of_units_has_a_grid_fraction(full, theory):
    found = evaluated(full, theory)
    for name in SHARES_OF_UNITS:
        assert np.isfinite(found[name].second.estimate.value), name
    fractions = comparisons.select(full)["grid_fraction"].values
    assert found["R2a"].second.estimate.value == pytest.approx(fractions.mean())
    none = evaluated(synthetic_summary.make("full", chance=False), theory)
    assert all(not np.isfinite(none[name].second.estimate.value) for name in SHARES_OF_UNITS)


def test_both_denominators_and_silent_units_are_named(full):
    reason = evaluated(full)["R2a"].reason
    assert "of active ones" in reason
    assert "512 units, 4 dead and 4 constant" in reason
    page = claims_page.to_markdown(claims_page.evaluate(full, []), full)
    kept = comparisons.trained(full)
    present, active = (int(kept[f"units_{k}"].sum()) for k in ("present", "active"))
    dead = kept.sizes["network"]
    assert f"{present} units, {active} active, {dead} dead, {dead} constant" in page
    assert "| 512: 4, 4 |" in page


def test_significant_units_make_testable_what_chance_makes_untestable(full):
    networks = comparisons.select(full)
    high = full.assign(chance_fraction_above=full["chance_fraction_above"] + 0.05)
    claim = evaluated(with_fraction(high, networks, [0.2, 0.22, 0.25, 0.21]))["R2a"]
    assert claim.verdict == REPRODUCED
    assert "Chance is as high here as the reference. Significant units decide." in claim.reason
    claim = evaluated(with_fraction(high, networks, [0.0, 0.22, 0.0, 0.0]))["R2a"]
    assert claim.verdict == UNTESTABLE


def test_a_verdict_that_significant_units_do_not_share_says_so(full):
    claim = evaluated(with_fraction(full, comparisons.select(full), [0.0] * 4))["R2a"]
    assert claim.verdict == REPRODUCED
    assert claim.reason.endswith(f"By significant units alone: {UNTESTABLE}.")


def test_few_surrogates_cannot_show_that_no_unit_is_significant(full):
    noisy = with_share(full, comparisons.of_target(full, "cartesian"), [0.0, 0.09, 0.0, 0.0])
    assert evaluated(noisy)["R2b"].verdict == REPRODUCED  # significant units decide
    coarse = noisy.assign_attrs(surrogates=200)
    assert evaluated(coarse)["R2b"].verdict == UNTESTABLE
    some = with_fraction(coarse, comparisons.of_target(full, "cartesian"), [0.2, 0.22, 0.25, 0.21])
    assert evaluated(some)["R2b"].verdict == NOT_REPRODUCED


def test_few_networks_without_a_significant_unit_are_known_only_by_many_surrogates(full):
    low = full.assign(
        has_grid_cells=full["low_error"] & (np.arange(full.sizes["network"]) % 2 == 0)
    )
    none = with_fraction(low, full, np.where(full["diverged"], np.nan, 0.0))
    assert evaluated(none)["R1c"].verdict == REPRODUCED
    coarse = none.assign_attrs(surrogates=200)
    assert evaluated(coarse)["R1c"].verdict == UNTESTABLE


def with_modules(summary: xr.Dataset, counts: list[int], units: int) -> xr.Dataset:
    """The summary in which networks have these numbers of modules, in turn, among `units`."""
    modules = np.resize(counts, summary.sizes["network"])
    found = dict.fromkeys(("modules", "modules_low", "modules_high"), modules)
    found["modules_units"] = np.full(modules.size, units)
    return summary.assign({name: ("network", values) for name, values in found.items()})


@pytest.mark.parametrize(
    ("counts", "units", "verdict"),
    [
        ([1], 60, REPRODUCED),
        ([2], 60, NOT_REPRODUCED),
        ([1, 2], 60, UNTESTABLE),
        ([1], 53, UNTESTABLE),  # two modules would have been missed
        ([0], 5, UNTESTABLE),
    ],
)
def test_modules_are_counted_in_the_networks_that_resolve_them(full, counts, units, verdict):
    claim = evaluated(with_modules(full, counts, units))["R4d"]
    assert claim.verdict == verdict
    resolved = 20 if units >= 54 else 0
    assert claim.n == f"{resolved} resolved of 20 networks"
    assert "need 54 significant units with a period for 80 % power" in claim.reason
    missed = f"{20 * (counts == [0])} have too few units for any count"
    assert missed in claim.reason


def test_the_page_lists_the_modules_of_each_network(full):
    page = claims_page.to_markdown([], with_modules(full, [2], 60))
    row = next(line for line in page.splitlines() if line.startswith("| 0.12 m |"))
    assert row.count("2 [2, 2], 60 units") == 4
    assert "| 4 of 4 |" in row


def test_grid_cells_where_the_talk_has_none_count_against_it(full):
    cartesian = comparisons.of_target(full, "cartesian")
    found = evaluated(with_share(full, cartesian, [0.10, 0.12, 0.11, 0.09]))
    assert found["R2b"].verdict == NOT_REPRODUCED
    assert found["R2b"].estimate == pytest.approx(0.105 - 0.015, abs=0.003)


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
        assert found[name].verdict == UNTESTABLE
        assert "20.0 cm over 20 steps" in found[name].reason
        assert comparisons.phrase(full, target) in found[name].reason


def test_place_cells_that_teach_nothing_test_nothing(full):
    strong = comparisons.realism(full)[-1].networks["network"]
    error = full["position_error"].where(~full["network"].isin(strong), 0.3)
    reason = evaluated(full.assign(position_error=error))["R5b"].reason
    assert reason.startswith("Place cells with mixed widths and 1 + Poisson(3) fields: nothing")


def test_shares_that_are_zero_on_both_sides_tell_nothing(full):
    for setting in comparisons.realism(full)[:2]:
        full = with_share(full, setting.networks, [0.0] * 4)
    claim = evaluated(full)["R5a"]
    assert claim.verdict == UNTESTABLE
    assert claim.reason.startswith("No grid-like unit on either side.")


def test_chance_is_taken_off_the_talks_share_too(full):
    # 4.9 % of units in the talk, less 1.5 % by chance, is 3.4 %.
    networks = comparisons.select(full)
    weak = with_share(full, networks, [0.0, 0.08, 0.0, 0.0])
    claim = evaluated(weak)["R2a"]
    assert "The reference less this chance is 3.4 %." in claim.reason
    high = weak.assign(chance_fraction_above=weak["chance_fraction_above"] + 0.05)
    high = with_fraction(high, networks, [0.0] * 4)
    assert evaluated(high)["R2a"].verdict == UNTESTABLE
    assert "Chance is as high here" in evaluated(high)["R2a"].reason


def test_heterogeneity_that_changes_nothing_counts_against_the_talk_if_measured_well(full):
    homogeneous, mild = (s.networks for s in comparisons.realism(full)[:2])
    exact = with_share(with_share(full, homogeneous, [0.08] * 4), mild, [0.08, 0.08, 0.09, 0.08])
    assert evaluated(exact)["R5a"].verdict == NOT_REPRODUCED
    noisy = with_share(with_share(full, homogeneous, [0.08] * 4), mild, [0.00, 0.15, 0.02, 0.10])
    assert evaluated(noisy)["R5a"].verdict == UNTESTABLE


def test_widths_that_matter_more_than_seeds_are_told_from_seeds_that_matter_more(full):
    peaked, noisy = full, full
    for row, networks in enumerate(comparisons.widths(full).values()):
        level = 0.1 if row % 2 else 0.0
        peaked = with_share(peaked, networks, [level, level + 0.01, level, level + 0.01])
        noisy = with_share(noisy, networks, [0.0, 0.15, 0.05, 0.1])
    assert evaluated(peaked)["R3a"].verdict == REPRODUCED
    assert evaluated(noisy)["R3a"].verdict == NOT_REPRODUCED


def test_a_tuned_width_needs_neighbours_as_close_as_the_talks(full):
    assert evaluated(full)["R3b"].verdict == UNTESTABLE
    for old, new in ((0.10, 0.11), (0.15, 0.13)):
        moved = np.where(full["place_cell_width"] == old, new, full["place_cell_width"])
        specs = [
            str(s).replace(f'"place_cell_width": {old},', f'"place_cell_width": {new},')
            for s in full["spec"].values
        ]
        full = full.assign_coords(place_cell_width=("network", moved), spec=("network", specs))
    widths = comparisons.widths(full)
    for width, share in ((0.11, 0.01), (0.12, 0.10), (0.13, 0.01)):
        full = with_share(full, widths[width], [share, share + 0.01] * 2)
    assert evaluated(full)["R3b"].verdict == REPRODUCED


def test_diverged_networks_change_no_number_and_are_counted(full, theory):
    before = evaluated(full, theory)
    scores = full["score_60"].copy(deep=True)
    scores[:, -1] = 1.4  # the network that is marked diverged
    after = evaluated(full.assign(score_60=scores), theory)
    assert [c.estimate for c in before.values()] == pytest.approx(
        [c.estimate for c in after.values()], nan_ok=True
    )
    page = claims_page.to_markdown(list(before.values()), full)
    assert "1 of them diverged and left out of every number" in page


@pytest.mark.parametrize("left", [0, 1])
def test_a_study_of_which_little_is_left_tests_nothing(full, left):
    diverged = np.arange(full.sizes["network"]) >= left
    summary = full.assign(diverged=("network", diverged))
    found = claims_page.evaluate(summary, [])
    assert {claim.verdict for claim in found} == {UNTESTABLE}
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
