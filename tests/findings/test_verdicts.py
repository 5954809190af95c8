"""The rules by which a claim is called reproduced."""

import numpy as np
import pytest
from nofreelunch.findings import talks, verdicts
from nofreelunch.findings.verdicts import NOT_REPRODUCED, REPRODUCED, UNTESTABLE, Estimate

NAN = float("nan")


def judged(rule, low: float, high: float) -> str:
    return rule(Estimate((low + high) / 2, low, high, 4))


@pytest.mark.parametrize(
    ("effect", "low", "high", "verdict"),
    [
        (0.05, 0.01, 0.10, REPRODUCED),  # above zero, whether or not the talk's effect is inside
        (0.05, 0.20, 0.30, REPRODUCED),
        (0.05, -0.02, 0.04, NOT_REPRODUCED),  # holds zero and not the talk's effect
        (0.05, -0.30, -0.20, NOT_REPRODUCED),  # an effect the other way
        (0.05, -0.02, 0.06, UNTESTABLE),  # holds both
        (-0.05, -0.10, -0.01, REPRODUCED),
        (-0.05, -0.04, 0.02, NOT_REPRODUCED),
        (-0.05, -0.06, 0.02, UNTESTABLE),
        (0.05, NAN, NAN, UNTESTABLE),
    ],
)
def test_contrast(effect, low, high, verdict):
    assert judged(verdicts.contrast(effect), low, high) == verdict


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (-0.02, 0.005, REPRODUCED),
        (-0.03, -0.01, REPRODUCED),
        (0.001, 0.005, NOT_REPRODUCED),
        (-0.02, 0.03, UNTESTABLE),
        (NAN, NAN, UNTESTABLE),
    ],
)
def test_absence(low, high, verdict):
    assert judged(verdicts.absence(0.01), low, high) == verdict


@pytest.mark.parametrize(
    ("low", "high", "most", "few"),
    [
        (0.6, 0.9, REPRODUCED, NOT_REPRODUCED),
        (0.1, 0.4, NOT_REPRODUCED, REPRODUCED),
        (0.4, 0.6, UNTESTABLE, UNTESTABLE),
        (0.5, 0.9, UNTESTABLE, UNTESTABLE),
        (NAN, NAN, UNTESTABLE, UNTESTABLE),
    ],
)
def test_most_and_few(low, high, most, few):
    assert judged(verdicts.most, low, high) == most
    assert judged(verdicts.few, low, high) == few


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (0.9, 1.2, REPRODUCED),
        (1.3, 1.4, NOT_REPRODUCED),
        (1.1, 1.4, UNTESTABLE),
        (0.5, 0.7, NOT_REPRODUCED),
    ],
)
def test_agreement(low, high, verdict):
    assert judged(verdicts.agreement(1.25), low, high) == verdict


def test_below_is_never_evidence_against():
    assert judged(verdicts.below(1.4), 1.0, 1.3) == REPRODUCED
    assert judged(verdicts.below(1.4), 1.6, 1.8) == UNTESTABLE


@pytest.mark.parametrize(
    ("sign", "low", "high", "verdict"),
    [
        (1, 0.01, 0.10, REPRODUCED),
        (1, -0.10, -0.01, NOT_REPRODUCED),
        (1, 0.0, 0.0, UNTESTABLE),  # nothing was found in any network
        (1, -0.01, 0.20, UNTESTABLE),
        (-1, -0.10, -0.01, REPRODUCED),
        (-1, 0.01, 0.10, NOT_REPRODUCED),
        (-1, NAN, NAN, UNTESTABLE),
    ],
)
def test_side(sign, low, high, verdict):
    assert judged(verdicts.side(sign), low, high) == verdict


def test_what_is_no_evidence_for_may_be_evidence_against():
    rule = verdicts.only_against(verdicts.few)
    assert judged(rule, 0.1, 0.4) == judged(rule, 0.4, 0.6) == UNTESTABLE
    assert judged(rule, 0.6, 0.9) == NOT_REPRODUCED


def test_near_needs_no_interval():
    assert judged(verdicts.near(2.83, 0.5), 3.0, 3.0) == REPRODUCED
    assert judged(verdicts.near(2.83, 0.5), 1.0, 1.0) == NOT_REPRODUCED


def test_an_obstacle_decides_before_the_rule_and_is_the_reason():
    claim = verdicts.judge(
        *("R2a", "It holds.", Estimate(0.1, 0.09, 0.11, 2), verdicts.contrast(0.05)),
        *(talks.UNITS_DOS, "difference", "2 networks", ["", "Too few.", "Unlearnt."], "Why."),
    )
    assert (claim.verdict, claim.result, claim.reason) == (UNTESTABLE, 2, "Too few. Why.")


def judged_twice(low, high, second, obstacles=(), hindrances=(), count=4):
    """A claim of which the first estimate says `low` to `high`, and significant units `second`."""
    return verdicts.judge(
        *("R2a", "It holds.", Estimate(0.1, low, high, 4), verdicts.contrast(0.05)),
        *(talks.UNITS_DOS, "difference", "4 networks", obstacles, "Why.", hindrances),
        verdicts.Second(Estimate(0.1, *second, count), "share", verdicts.side(1)),
    )


def test_significant_units_decide_where_the_first_estimate_does_not_and_only_there():
    open_one = judged_twice(-0.1, 0.2, (0.02, 0.2))
    assert open_one.verdict == REPRODUCED
    assert open_one.reason.startswith("Units above the threshold leave it open. Significant units")
    assert judged_twice(0.01, 0.2, (0.02, 0.2)).reason == "Why."
    other = judged_twice(0.01, 0.2, (-0.2, -0.1))
    assert (other.verdict, other.second.estimate.low) == (REPRODUCED, -0.2)
    assert other.reason == f"Why. By significant units alone: {NOT_REPRODUCED}."
    both = judged_twice(-0.1, 0.2, (0.0, 0.0))
    assert (both.verdict, both.reason) == (UNTESTABLE, "Why.")


def test_significant_units_pass_what_hinders_the_first_estimate_but_no_obstacle():
    hindered = judged_twice(0.01, 0.2, (0.02, 0.2), hindrances=["", "No grid-like unit."])
    assert hindered.verdict == REPRODUCED
    assert hindered.reason == "No grid-like unit. Significant units decide. Why."
    stopped = judged_twice(-0.1, 0.2, (0.02, 0.2), obstacles=["Unlearnt."])
    assert (stopped.verdict, stopped.reason) == (UNTESTABLE, "Unlearnt. Why.")
    assert judged_twice(-0.1, 0.2, (0.02, 0.2), count=2).verdict == UNTESTABLE


def test_the_count_of_a_difference_is_that_of_its_smaller_side():
    estimate = verdicts.of_difference(np.array([1.0, 2.0, np.nan]), np.arange(5.0))
    assert estimate.count == 2
    assert verdicts.few_seeds(estimate.count)
    assert not verdicts.few_seeds(3)


def test_a_share_of_no_network_is_no_number():
    estimate = verdicts.of_share(np.zeros(0, bool))
    assert np.isnan(estimate.value)
    assert estimate.count == 0


@pytest.mark.parametrize(("value", "text"), [(0.0, "0.0 %"), (0.0151, "1.5 %"), (0.856, "86 %")])
def test_percent(value, text):
    assert verdicts.percent(value) == text


def test_a_mean_is_of_the_shares_that_are_known():
    assert verdicts.mean_percent(np.array([0.01, np.nan, 0.03])) == "2.0 %"
    assert verdicts.mean_percent(np.array([np.nan])) == ""
