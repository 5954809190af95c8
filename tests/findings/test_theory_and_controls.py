"""Claims about theory and controls, on studies of which the answer is known."""

import json

import numpy as np
import pytest
import synthetic_summary
import xarray as xr
from nofreelunch.findings import comparisons, intervals, network_measures, predictions
from nofreelunch.findings.claims import about_controls, about_theory, page
from nofreelunch.findings.verdicts import NOT_REPRODUCED, REPRODUCED, UNTESTABLE

DOS = "difference_of_softmaxes"


@pytest.fixture(scope="module")
def theory() -> list[xr.Dataset]:
    return synthetic_summary.theory("controls")


@pytest.fixture
def study() -> xr.Dataset:
    return synthetic_summary.make("controls")


def rows(summary: xr.Dataset, **keys) -> np.ndarray:
    specs = [json.loads(text) for text in summary["spec"].values]
    return np.array([all(spec[k] == v for k, v in keys.items()) for spec in specs])


def test_a_ring_is_predicted_for_centre_surround_targets(study, theory):
    found = predictions.predictions(study, theory)
    by_target = dict(zip(found.networks["target"].values.tolist(), found.ring, strict=True))
    assert by_target == {
        DOS: True,
        "general_difference_of_gaussians": True,
        "gaussian": False,
        "cartesian": False,
        "high_dim_cartesian": False,
        "polar": False,
        "softmax_of_differences": False,
    }
    wide = rows(found.networks, place_cell_width=0.20, target=DOS)
    narrow = rows(found.networks, place_cell_width=0.08, target=DOS)
    ratio = found.period[wide].mean() / found.period[narrow].mean()
    assert ratio == pytest.approx(2.5)  # the period is in proportion to the width
    assert np.isnan(found.period[~found.ring]).all()


def test_untrained_networks_and_other_cells_have_no_prediction(study, theory):
    other = study.assign_coords(
        spec=("network", [t.replace('"rnn"', '"gru"') for t in study["spec"].values])
    )
    other.attrs["defaults"] = study.attrs["defaults"]
    assert predictions.predictions(other, theory).networks.sizes["network"] == 0
    found = predictions.predictions(study, theory)
    assert all(spec["steps"] for spec in comparisons.specs(found.networks))


def test_a_lattice_that_does_not_fit_is_none(study, theory):
    small = study.assign_attrs(arena=1.0)
    found = predictions.predictions(small, theory)
    assert found.ring[rows(found.networks, place_cell_width=0.08, target=DOS)].all()
    assert not found.ring[rows(found.networks, place_cell_width=0.20, target=DOS)].any()


def test_rings_that_sort_the_networks_are_reproduced_and_rings_that_do_not_are_not(study, theory):
    claim = about_theory.rings_have_lattices(study, theory)
    assert (claim.first.verdict, claim.second.verdict) == (REPRODUCED, REPRODUCED)
    assert claim.n == "20 and 19 networks of 5 and 5 settings of targets"  # one has diverged
    ring = predictions.predictions(study, theory).ring
    networks = predictions.predictions(study, theory).networks["network"].values
    p_value = study["p_value"].copy(deep=True)
    for name, has_ring in zip(networks, ring, strict=True):
        p_value.loc[{"network": name}] = np.where(
            study["unit"] < 20, 0.9 if has_ring else 0.01, 0.5
        )
    turned = about_theory.rings_have_lattices(study.assign(p_value=p_value), theory)
    assert turned.second.verdict == NOT_REPRODUCED
    assert turned.second.estimate.value == 0


def test_kinds_of_maps_whose_chance_differs_are_no_finding(study, theory):
    """All units are chance, but those of Gaussians and coordinates have too few fields to pass."""
    chance = synthetic_summary.without_lattices(study)
    ring = study["target"].isin([DOS, "general_difference_of_gaussians"])
    other = 1 + 0.1 * study["seed"]  # seeds differ, which gives the differences an interval
    chance = chance.assign(p_value=(chance["p_value"] * other).where(ring, 0.5))
    area = predictions.sorted_by_ring(
        found := predictions.predictions(chance, theory),
        network_measures.small_p_values(found.networks),
    )
    assert area.value == 1  # as it would look without regard to chance
    claims = {claim.id: claim for claim in page.evaluate(chance, theory)}
    for name, why in (
        ("Ta", "By p-values, chance sorts 5 and 5 settings of targets as well as this"),
        ("Cc", "No share of small p-values is above chance"),
    ):
        assert claims[name].second.verdict == UNTESTABLE
        assert why in claims[name].reason


def test_an_order_of_few_targets_may_be_chance(study, theory):
    """Three against three are sorted in 20 ways, one of which is perfect, and one its reverse."""
    targets = study["target"].values
    few = np.isin(targets, ["gaussian", "cartesian", "polar"]) & (study["seed"].values >= 0)
    rings = rows(study, target=DOS, cell="rnn") & (
        rows(study, place_cell_width=0.08)
        | rows(study, place_cell_width=0.12)
        | rows(study, place_cell_width=0.20)
    )
    some = study.isel(network=np.flatnonzero(few | rings))
    claim = about_theory.rings_have_lattices(some, theory)
    assert claim.first.estimate.value == 1 and claim.first.verdict == UNTESTABLE
    assert "in 10.0 % of all orders" in claim.reason


def test_shares_below_chance_count_as_chance(study, theory):
    found = predictions.predictions(study, theory)
    names = found.networks["network"].values
    none, little = names[~found.ring], names[found.ring]
    p_value = study["p_value"].copy(deep=True)
    p_value.loc[{"network": none}] = 0.9
    p_value.loc[{"network": little}] = np.where(study["unit"] < 2, 0.01, 0.9)
    claim = about_theory.rings_have_lattices(study.assign(p_value=p_value), theory)
    assert claim.second.estimate.value == 0.5  # 2 of 64 are fewer than 5 %, as are none
    assert "p ≤ 0.05 in 1.5 % of active units with a ring, in 0.0 % without" in claim.reason
    chance = study["chance_fraction_above"] + xr.DataArray(
        np.where(np.isin(study["network"], none), 0.5, 0.9), dims="network"
    )
    below = study.assign(chance_fraction_above=chance)
    assert about_theory.rings_have_lattices(below, theory).first.estimate.value == 0.5


def test_targets_that_were_not_learnt_or_for_which_the_test_is_blind_are_left_out(study, theory):
    cartesian = xr.DataArray(rows(study, target="cartesian"), dims="network")
    unlearnt = study.assign(low_error=study["low_error"] & ~cartesian)
    claim = about_theory.rings_have_lattices(unlearnt, theory)
    assert claim.n.endswith("5 and 4 settings of targets")
    blind = study.assign(test_power=study["test_power"].where(~cartesian, 0.0))
    found = predictions.predictions(blind, theory)
    small = predictions.seen_small_p(found)
    assert np.isnan(small[found.networks["target"].values == "cartesian"]).all()
    assert np.isfinite(small[found.networks["target"].values == "gaussian"]).all()


def test_the_curve_has_the_area_that_is_told(study, theory):
    found = predictions.predictions(study, theory)
    for values in (
        predictions.least_excess(found),
        network_measures.small_p_values(found.networks),
    ):
        area = np.trapezoid(*predictions.roc_curve(found, values)[::-1])
        assert area == pytest.approx(predictions.sorted_by_ring(found, values).value)
    alone = found._replace(ring=found.ring | True)
    assert predictions.roc_curve(alone, values)[0].size == 0


def test_periods_are_compared_with_the_best_null(study, theory):
    known = predictions.predictions(study, theory)
    period = xr.full_like(study["seed"], np.nan, float)
    period.loc[{"network": known.networks["network"].values}] = known.period
    near = period + 0.05 * np.random.default_rng(0).normal(size=study["period"].shape).mean(1)
    study = study.assign(period=near.broadcast_like(study["period"]).where(study["period"] > 0))
    claim = about_theory.periods_are_predicted(study, theory)
    assert claim.second.verdict == REPRODUCED
    predicted, period = predictions.measured(predictions.predictions(study, theory))
    error = np.abs(predicted - period).mean()
    constant = np.abs(np.median(period) - period).mean()
    assert claim.second.estimate.value == pytest.approx(constant - error)
    assert "The nearest rival is one period for all." in claim.reason
    same = study.assign(period=0 * study["period"] + 1.0)
    assert about_theory.periods_are_predicted(same, theory).second.verdict == NOT_REPRODUCED


def test_periods_of_few_predictions_decide_nothing(study, theory):
    one_width = study.isel(network=np.flatnonzero(rows(study, place_cell_width=0.12, steps=3500)))
    claim = about_theory.periods_are_predicted(one_width, theory)
    assert claim.second.verdict == UNTESTABLE
    assert claim.reason.startswith("Needs periods of significant units at 3 predicted periods, ")


def test_without_theory_nothing_is_told(study):
    for claim in (test(study, []) for test in about_theory.TESTS):
        assert {e.verdict for e in (claim.first, claim.second) if e} == {UNTESTABLE}


def test_controls_are_told_from_the_reference(study):
    chance = synthetic_summary.without_lattices(study)["p_value"]
    even = chance * (1 + 0.3 * study["seed"])  # about 4 % pass, and seeds differ
    without = rows(study, steps=0) | rows(study, target="cartesian")
    without = xr.DataArray(without, dims="network")
    study = study.assign(p_value=xr.where(without, even, study["p_value"]))
    found = {claim.id: claim for claim in (test(study, []) for test in about_controls.TESTS)}
    assert found["Ca"].second.verdict == REPRODUCED
    for name in ("Cb", "Cc"):
        assert found[name].first.verdict == found[name].second.verdict == REPRODUCED, name
    assert found["Cb"].n == found["Cc"].n == "4 and 4 networks"


def test_a_kind_below_chance_counts_as_at_chance(study):
    """Told networks whose maps have too few fields to pass at all make the difference no larger."""
    told = xr.DataArray(rows(study, cell="feedforward"), dims="network")
    summary = study.assign(p_value=xr.where(told, 1.0, study["p_value"]))
    found = about_controls.integration_adds_some(summary, []).second.estimate
    above = network_measures.calibrated_share(comparisons.select(summary))
    assert found[:3] == pytest.approx(intervals.seed_interval(above))
    assert np.allclose(network_measures.small_p_values(comparisons.told_position(summary)), 0)
    none = study.assign(score_60=xr.where(told, -1.0, study["score_60"]))
    found = about_controls.integration_adds_some(none, []).first.estimate
    above = network_measures.excess(comparisons.select(none), "shuffle")  # the harder kind here
    assert found[:3] == pytest.approx(intervals.seed_interval(above))


def test_few_small_p_values_say_nothing_where_the_test_is_blind(study):
    told = xr.DataArray(rows(study, cell="feedforward"), dims="network")
    none = study.assign(p_value=xr.where(told & (study["unit"] >= 1), 0.9, study["p_value"]))
    blind = none.assign(test_power=xr.where(told, 0.0, none["test_power"]))
    names = ("position_is_enough", "integration_adds_some")
    for summary, expected in (
        (none, (NOT_REPRODUCED, REPRODUCED)),
        (blind, (UNTESTABLE, UNTESTABLE)),
    ):
        found = {t.__name__: t(summary, []) for t in about_controls.TESTS}
        assert tuple(found[name].second.verdict for name in names) == expected
    for name, what in zip(names, ("these networks", "networks that are told"), strict=True):
        assert f"With {what}" in found[name].reason
        assert "perfect lattices of the units' fields would not pass" in found[name].reason


def test_lesions_that_destroy_path_integration_are_not_compared(study):
    far = study.assign(lesion_error=study["lesion_error"] + 0.5)
    claim = about_controls.grid_like_units_matter(far, [])
    assert claim.first.verdict == UNTESTABLE
    assert claim.reason.startswith("Both lesions destroy path integration: errors are above the")
    one = study["lesion_error"] + 0.5 * (study["lesion"] == "highest_scores")
    claim = about_controls.grid_like_units_matter(study.assign(lesion_error=one), [])
    assert claim.first.verdict == REPRODUCED


def test_lesions_of_the_highest_scores_are_set_against_others(study):
    claim = about_controls.grid_like_units_matter(study, [])
    expected = 0.3 * comparisons.select(study)["position_error"].sel(horizon=20).mean()
    assert claim.first.verdict == REPRODUCED and claim.n == "4 networks"
    assert claim.first.estimate.value == pytest.approx(float(expected))
    assert "cm intact" in claim.reason and "cm without others" in claim.reason
    even = study["lesion_error"] * 0 + study["lesion_error"].sel(lesion="none")
    claim = about_controls.grid_like_units_matter(study.assign(lesion_error=even), [])
    assert claim.first.verdict == UNTESTABLE
    lost = about_controls.grid_like_units_matter(study.isel(network=[]), [])
    assert (
        lost.first.verdict == UNTESTABLE
        and lost.reason == "Needs 3 networks of each kind, found 0."
    )


def test_what_a_network_has_without_path_integration_is_no_part_of_the_reference(study):
    found = {claim.id: claim for claim in (test(study, []) for test in about_controls.TESTS)}
    assert found["Cd"].second.verdict == REPRODUCED and found["Cd"].n == "4 networks"
    assert found["Ce"].second.verdict != REPRODUCED and found["Ce"].n == "4 and 4 networks"
    cells = {spec["cell"] for spec in comparisons.specs(comparisons.trained(study))}
    assert cells == {"rnn"}
    told = rows(study, cell="feedforward")[:, np.newaxis]
    some = study["unit"].values < study["seed"].values[:, np.newaxis] % 2  # seeds differ
    none = xr.where(told, np.where(some, 0.01, 0.5), study["p_value"])
    found = {t.__name__: t(study.assign(p_value=none), []) for t in about_controls.TESTS}
    assert found["position_is_enough"].second.verdict == NOT_REPRODUCED
    assert found["integration_adds_some"].second.verdict == REPRODUCED


def test_place_cells_on_a_raster_are_set_against_those_at_random(study):
    """Networks that lack the lattices of the reference, or have more of them."""
    told = rows(study, cell="feedforward")
    texts = [
        json.dumps(
            json.loads(text) | {"cell": "rnn", "place_cell_centres": "raster"}
            if there
            else json.loads(text)
        )
        for text, there in zip(study["spec"].values, told, strict=True)
    ]
    raster = xr.DataArray(told, dims="network")
    study = study.assign_coords(spec=("network", texts))
    assert comparisons.on_raster(study).sizes["network"] == told.sum() == 4
    names = {*comparisons.on_raster(study)["network"].values}
    assert not names & {*comparisons.trained(study)["network"].values}
    more = raster & (study["unit"] < 60)
    few = raster & (study["unit"] >= 1)
    for changed, p_value, score, verdict in (
        (more, 0.001, 1.2, REPRODUCED),
        (few, 0.9, -0.2, NOT_REPRODUCED),
    ):
        summary = study.assign(
            p_value=xr.where(changed, p_value, study["p_value"]),
            score_60=xr.where(changed, score, study["score_60"]),
        )
        claim = about_controls.rasters_give_more(summary, [])
        assert (claim.first.verdict, claim.second.verdict) == (verdict, verdict)
        assert claim.n == "4 and 4 networks"


def test_untrained_networks_that_have_lattices_are_found_out(study):
    untrained = rows(study, steps=0)[:, np.newaxis]
    passes = untrained & (study["unit"].values < 40)
    p_value = study["p_value"].transpose("network", "unit")
    claim = about_controls.untrained_have_none(
        study.assign(p_value=p_value.where(~passes, 0.001)), []
    )
    assert claim.second.verdict == NOT_REPRODUCED


def test_a_study_without_untrained_networks_is_told_what_it_lacks(study):
    trained = study.isel(network=np.flatnonzero(~rows(study, steps=0)))
    found = {claim.id: claim for claim in page.evaluate(trained, [])}
    for name in ("Ca", "Cb"):
        assert found[name].second.verdict == UNTESTABLE
        assert "Needs 3 networks" in found[name].reason and "found 0" in found[name].reason


def test_untrained_networks_stand_for_no_target(study):
    """They count neither as networks that learn nor as those of their target."""
    assert comparisons.untrained(study).sizes["network"] == 4
    assert comparisons.of_target(study, DOS).sizes["network"] == 4
    assert all(spec["steps"] for spec in comparisons.specs(comparisons.trained(study)))


def test_the_controls_of_a_study_are_named_after_the_reference(study):
    labels = [setting.label for setting in comparisons.controls(study)]
    assert labels[:3] == ["reference", "untrained", "told the position"]
    assert len(labels) == 6


def test_each_amplitude_ratio_of_a_target_is_a_control(study):
    """In rising order, equal areas last."""
    general = rows(study, target="general_difference_of_gaussians")
    texts = study["spec"].values.astype(object)
    ratios = [2.5, 6.3, 10.0]
    for place, ratio in zip(np.flatnonzero(general)[:3], ratios, strict=True):
        texts[place] = json.dumps(json.loads(texts[place]) | {"amplitude_ratio": ratio})
    several = study.assign_coords(spec=("network", texts.astype(str)))
    labels = [setting.label for setting in comparisons.controls(several)]
    found = [label for label in labels if label.startswith(("Ratio", "Equal"))]
    expected = [f"Ratio-{ratio:g} DoG targets" for ratio in ratios]
    assert found == [*expected, "Equal-area DoG targets"]


def test_arenas_have_a_table_with_their_periods(study, theory):
    """Beside the reference; a study of one arena has no such table."""
    assert "Networks by arena" not in page.to_markdown(page.evaluate(study, theory), study)
    texts = study["spec"].values.astype(object)
    trained = rows(study, target=DOS, cell="rnn", steps=comparisons.defaults(study)["steps"])
    for place in np.flatnonzero(trained)[:2]:
        own = {"arena": 3.3, "place_cells": 576}
        texts[place] = json.dumps(json.loads(texts[place]) | own)
    summary = study.assign_coords(spec=("network", texts.astype(str)))
    text = page.to_markdown(page.evaluate(summary, theory), summary)
    table = text[text.index("## Networks by arena") :].split("\n\n")[1].splitlines()
    assert [row.split(" | ")[0].strip("| ") for row in table[2:]] == [
        "2.2 m, the study's",
        "arena of 3.3 m",
    ]
    assert [row.split(" | ")[-1].strip(" |") for row in table[2:]] == ["0.91 m", "0.91 m"]
    found = comparisons.arenas(summary)[0].networks
    period = np.median(np.concatenate(network_measures.periods(found, 0.8)))
    assert table[3].split(" | ")[-2] == f"{period:.2f} m"
    assert f" {found.sizes['network']} (" in table[3]


def test_the_page_names_the_sweep_that_a_claim_lacks(study, theory):
    text = page.to_markdown(page.evaluate(study, theory), study)
    [line] = [line for line in text.splitlines() if line.startswith("- R2h:")]
    assert "`{seed: [0, 1, 2], target: difference_of_gaussians}`" in line
