"""The rules by which a claim is called reproduced."""

import math

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


def test_an_interval_without_width_decides_nothing():
    """Equal values do not say how far others would lie."""
    alike = verdicts.over_seeds(np.full(4, -0.05))
    assert alike.low == alike.high == pytest.approx(-0.05)
    for rule in (verdicts.side(-1), verdicts.contrast(-0.1), verdicts.absence(0.1)):
        assert rule(alike) == UNTESTABLE


def test_what_is_no_evidence_for_may_be_evidence_against():
    rule = verdicts.only_against(verdicts.few)
    assert judged(rule, 0.1, 0.4) == judged(rule, 0.4, 0.6) == UNTESTABLE
    assert judged(rule, 0.6, 0.9) == NOT_REPRODUCED


def test_near_needs_no_interval():
    assert judged(verdicts.near(2.83, 0.5), 3.0, 3.0) == REPRODUCED
    assert judged(verdicts.near(2.83, 0.5), 1.0, 1.0) == NOT_REPRODUCED


def judged_twice(first, second, obstacles=(), obstacle=""):
    """A claim with these intervals by grid score and by p-values."""
    estimates = [Estimate(0.1, *interval, 4) for interval in (first, second)]
    return verdicts.judge(
        *("R2a", "It holds.", talks.UNITS_DOS, "4 networks"),
        verdicts.Evidence(estimates[0], "difference", verdicts.contrast(0.05), obstacle),
        verdicts.Evidence(estimates[1], "share", verdicts.side(1)),
        obstacles,
        "Why.",
    )


def test_neither_criterion_decides_for_the_other():
    claim = judged_twice((-0.1, 0.2), (0.02, 0.2))
    assert (claim.first.verdict, claim.second.verdict) == (UNTESTABLE, REPRODUCED)
    claim = judged_twice((0.01, 0.2), (-0.2, -0.1))
    assert (claim.first.verdict, claim.second.verdict) == (REPRODUCED, NOT_REPRODUCED)
    assert (claim.part, claim.reason) == ("R2", "Why.")


def test_an_obstacle_decides_before_the_rules_and_is_the_reason():
    claim = judged_twice((0.01, 0.2), (0.02, 0.2), ["", "Too few.", "Unlearnt."])
    assert claim.first.verdict == claim.second.verdict == UNTESTABLE
    assert claim.reason == "Too few. Why."


def test_the_obstacle_of_one_criterion_leaves_the_other():
    claim = judged_twice((0.01, 0.2), (0.02, 0.2), obstacle="No grid-like unit.")
    assert (claim.first.verdict, claim.second.verdict) == (UNTESTABLE, REPRODUCED)
    assert claim.reason == "No grid-like unit. Why."


def test_the_surrogates_that_support_a_claim_least_count():
    found = {"phase": Estimate(0.06, 0.03, 0.09, 4), "shuffle": Estimate(0.03, -0.01, 0.06, 4)}
    assert verdicts.least_favourable(found, 1)[0] == "shuffle"
    assert verdicts.least_favourable(found, -1)[0] == "phase"


def test_the_count_of_a_difference_is_that_of_its_smaller_side():
    estimate = verdicts.of_difference(np.array([1.0, 2.0, np.nan]), np.arange(5.0))
    assert estimate.count == 2
    assert verdicts.few_seeds(estimate.count)
    assert not verdicts.few_seeds(3)


def test_a_share_of_no_network_is_no_number():
    estimate = verdicts.of_share(np.zeros(0, bool), [])
    assert np.isnan(estimate.value)
    assert estimate.count == 0


def test_points():
    assert verdicts.points(0.027, -0.008, 0.062) == "+2.7 points [−0.8, +6.2]"
    assert verdicts.points(-0.01, NAN, NAN) == "−1.0 points"


@pytest.mark.parametrize(("value", "text"), [(0.0, "0.0 %"), (0.0151, "1.5 %"), (0.856, "86 %")])
def test_percent(value, text):
    assert verdicts.percent(value) == text


def test_a_mean_is_of_the_shares_that_are_known():
    assert verdicts.mean_percent(np.array([0.01, np.nan, 0.03])) == "2.0 %"
    assert verdicts.mean_percent(np.array([np.nan])) == ""


def test_effect_sizes_are_in_deviations_between_networks():
    found = verdicts.of_difference(np.array([1.0, 2, 3, np.nan]), np.array([0.0, 1, 2]))
    assert found.effect == pytest.approx(0.8)  # 1 deviation, times 1 - 3 / (4 * 4 - 1)
    one = verdicts.over_seeds(np.array([1.0, 2, 3]))
    assert one.effect == pytest.approx(2 * (1 - 3 / 7))
    assert math.isnan(verdicts.over_seeds(np.array([-0.05] * 3)).effect)  # rounding is no spread
    assert math.isnan(verdicts.over_seeds(np.array([1.0, 2])).effect)
    assert math.isnan(verdicts.of_difference(np.array([1.0]), np.array([1.0, 2])).effect)
    uneven = verdicts.of_difference(np.array([0.0, 2]), np.array([0.0, 1, 2, 3, 4]))
    assert uneven.effect == pytest.approx(-1 / (12 / 5) ** 0.5 * (1 - 3 / 19))  # pooled by size
