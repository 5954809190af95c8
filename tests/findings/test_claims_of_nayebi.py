"""The sentences of Nayebi et al., judged on networks of known predictivity."""

import json

import numpy as np
import pytest
import xarray as xr
from nayebi_examples import SEEDS, summary
from nofreelunch.findings.published import paper_claims
from nofreelunch.findings.published.claims_of_nayebi import TESTS, dimension_or_lattices
from nofreelunch.findings.published.groups_of_nayebi import of_nayebi, untrained
from nofreelunch.findings.published.model_measures import specs
from nofreelunch.findings.verdicts import NOT_REPRODUCED, REPRODUCED, UNTESTABLE


def judged(found) -> dict[str, tuple[str, str]]:
    claims = [test(found) for test in TESTS]
    return {
        claim.id: (claim.first.verdict, claim.second.verdict) for claim in claims if claim.second
    }


def test_without_differences_no_claim_is_reproduced():
    for verdicts in judged(summary()).values():
        assert REPRODUCED not in verdicts


@pytest.mark.parametrize(
    ("label", "kinds", "opposite"),
    [
        ("Na", {"trained": {"mixed": 0.6}}, {"trained": {"mixed": 0.4}}),
        ("Nb", {"untrained_srnn": {"mixed": 0.4}}, {"untrained_srnn": {"mixed": 0.6}}),
        ("Nc", {"trained": {"grid": 0.6}}, {"trained": {"grid": 0.6}, "fourier": {"grid": 0.7}}),
        ("Nd", {"trained": {"grid": 0.6}}, {"trained": {"no_grid": 0.6}}),
        # Better than noise's, and yet worse than the other cells.
        ("Nd", {"trained": {"grid": 0.6}}, {"trained": {"grid": 0.4}, "noise": {"grid": 0.3}}),
        ("Ne", {"trained": {"grid": 0.6}}, {"noise": {"grid": 0.6}}),
    ],
)
def test_a_claim_follows_its_networks_and_no_other_number(label, kinds, opposite):
    assert judged(summary(**kinds))[label] == (REPRODUCED, REPRODUCED)
    assert judged(summary(**opposite))[label] == (NOT_REPRODUCED, NOT_REPRODUCED)


def test_a_gain_that_noise_has_as_well_is_none():
    both = {"trained": {"grid": 0.7}, "noise": {"grid": 0.7}}
    for label in ("Nd", "Ne"):
        assert REPRODUCED not in judged(summary(**both))[label]


def test_the_second_estimate_is_that_of_equal_dimension():
    at = {"trained": {("mixed", "equal_dimension"): 0.4, ("mixed", "published"): 0.6}}
    assert judged(summary(**at))["Na"] == (REPRODUCED, NOT_REPRODUCED)


def test_pairs_without_a_value_are_left_out():
    none = {"untrained_srnn": {("mixed", "equal_dimension"): np.nan}}
    found = judged(summary(trained={"mixed": 0.6}, trained_srnn={"mixed": 0.0}, **none))
    assert found["Na"][1] == REPRODUCED  # by the cells with a pair
    assert found["Nb"][1] == UNTESTABLE


def test_seeds_are_the_unit_and_not_the_networks_of_a_seed():
    """Differences that one seed has and the others have not, in all its networks alike."""
    found = summary(trained={"mixed": 0.6})
    one = np.array([spec["seed"] == SEEDS[0] for spec in specs(found)])
    shifted = found["predictivity"] + 5 * xr.DataArray(one, dims="network") * (
        found["predictivity"] > 0.55
    )
    assert judged(found.assign(predictivity=shifted))["Na"] == (UNTESTABLE, UNTESTABLE)


def test_untrained_lstms_are_not_compared_where_none_is_trained():
    cells = {spec["cell"] for spec in specs(untrained(summary()))}
    assert cells == {"ugrnn", "gru", "srnn"}


def test_recordings_stand_for_the_cortex_and_leave_the_rest_open():
    found = summary(("recorded",), trained={"recorded": 0.6})
    assert judged(found)["Na"] == (REPRODUCED, REPRODUCED)
    claims = [test(found) for test in TESTS]
    for claim in (claim for claim in claims if claim.id in ("Nc", "Nd", "Ne")):
        assert claim.first.verdict == claim.second.verdict == UNTESTABLE
        assert "There is no population grid." in claim.reason


def test_two_networks_decide_nothing():
    found = judged(summary(seeds=SEEDS[:1], trained={"mixed": 0.6}))
    assert found["Nb"] == (UNTESTABLE, UNTESTABLE)


def test_groups_name_cell_activation_and_training_once():
    groups = of_nayebi(summary())
    labels = [label for label, _ in groups]
    assert len(set(labels)) == len(labels)
    assert "UGRNN, ReLU" in labels and "SRNN, ReLU,\nuntrained" in labels
    sizes = [networks.sizes["network"] for label, networks in groups if "ReLU" in label]
    assert sizes == [3] * 7


@pytest.mark.parametrize(
    ("follows", "verdict"),
    [("participation_ratio", REPRODUCED), ("small_p_share", NOT_REPRODUCED)],
)
def test_predictivity_follows_what_it_is_made_of(follows, verdict):
    found = summary()
    values = found[follows]
    if follows == "participation_ratio":
        values = np.log(values.sel(source="network"))
    made = found["predictivity"] + (values - values.mean()) / values.std()
    claim = dimension_or_lattices(
        found.assign(predictivity=made.transpose(*found["predictivity"].dims))
    )
    assert claim.first.verdict == verdict
    assert claim.first.estimate.value == pytest.approx(1 if verdict == REPRODUCED else -1, abs=0.1)


def test_what_predictivity_follows_leaves_out_networks_with_cues_and_rewards():
    found = summary()
    cues = np.array([spec["cell"] == "lstm" for spec in specs(found)])
    named = [
        json.dumps(spec | {"part": "cue"} if cue else spec)
        for spec, cue in zip(specs(found), cues, strict=True)
    ]
    marked = found.assign_coords(spec=("network", named))
    some, without, every = (
        dimension_or_lattices(networks).first.estimate
        for networks in (marked, found.isel(network=~cues), found)
    )
    assert some == without and some != every


def test_few_updates_do_not_excuse_untrained_networks():
    kinds = {"trained": {"mixed": 0.4}, "untrained_srnn": {"mixed": 0.6}}
    claims = paper_claims.evaluate({"nayebi_2021": summary(**kinds)})["nayebi_2021"]
    found = {claim.id: claim.first.verdict for claim in claims}
    assert found["Na"] == UNTESTABLE and found["Nb"] == NOT_REPRODUCED


def test_networks_of_one_dimension_say_nothing_of_what_predictivity_follows():
    found = summary()
    flat = found.assign(participation_ratio=0 * found["participation_ratio"] + 7)
    assert dimension_or_lattices(flat).first.verdict == UNTESTABLE
