"""How many networks decide a claim: textbook sizes, simulations, and where no number is given."""

import math

import numpy as np
import pytest
from nofreelunch.findings import intervals, power, verdicts
from nofreelunch.findings.verdicts import REPRODUCED, UNTESTABLE, Estimate, Evidence
from scipy import stats


def evidence(value: float, error: float, count: int, freedom: float, rule) -> Evidence:
    """Student's interval of `count` networks whose estimate has a standard error."""
    half = stats.t.ppf(0.975, freedom) * error
    estimate = Estimate(value, value - half, value + half, count, freedom)
    return Evidence(estimate, "difference", rule)


@pytest.mark.parametrize(("effect", "count"), [(0.5, 34), (0.4, 52), (0.3, 90)])
def test_one_sample_sizes_are_those_of_textbooks(effect, count):
    """Two-sided t test at 5 %, power 80 %, effect in standard deviations; from 10 networks."""
    open_ = evidence(effect, 1 / math.sqrt(10), 10, 9, verdicts.side(1))
    assert power.networks_needed(open_) == count


@pytest.mark.parametrize(("effect", "count"), [(1.0, 17), (0.8, 26), (0.5, 64), (0.2, 394)])
def test_two_sample_sizes_are_those_of_textbooks(effect, count):
    """Per side, from a pilot of four against four (Cohen 1988: 17, 26, 64, 393)."""
    open_ = evidence(effect, math.sqrt(2 / 4), 4, 6, verdicts.side(1))
    assert open_.verdict == UNTESTABLE
    assert power.networks_needed(open_) == count


def test_that_many_networks_decide_four_times_in_five():
    """By simulation of a contrast with the talk's effect, one side with half the spread."""
    random, effect, spread = np.random.default_rng(0), 1.2, (1.0, 0.5)
    error = math.sqrt((spread[0] ** 2 + spread[1] ** 2) / 4)
    freedom = error**4 / sum((s**2 / 4) ** 2 / 3 for s in spread)
    rule = verdicts.side(1)
    count = power.networks_needed(evidence(effect, error, 4, freedom, rule))
    assert count is not None and 4 < count < 20
    draws = 1500
    sides = [
        random.normal(m, s, (draws, count)) for m, s in zip((effect, 0.0), spread, strict=True)
    ]
    found = [rule(verdicts.of_difference(*pair)) for pair in zip(*sides, strict=True)]
    assert np.mean([verdict == REPRODUCED for verdict in found]) == pytest.approx(0.8, abs=0.05)


def test_a_share_of_networks_takes_what_the_binomial_says():
    few = verdicts.of_share(np.repeat([True, False], [7, 3]), range(10))
    count = power.networks_needed(Evidence(few, "share", verdicts.most))
    assert count is not None
    successes = np.arange(count + 1)
    decided = intervals.wilson(successes, count)[0] > 0.5
    assert stats.binom.pmf(successes, count, 0.7)[decided].sum() == pytest.approx(0.8, abs=0.08)


@pytest.mark.parametrize(("seen", "limit"), [(60, 0.05), (60, 0.02), (400, 0.005)])
def test_a_bound_on_nothing_shrinks_with_the_number(seen, limit):
    """None of n networks: the bound of the number that is named is about the limit."""
    none = verdicts.of_share(np.zeros(seen, bool), range(seen))
    count = power.networks_needed(Evidence(none, "share", verdicts.absence(limit)))
    assert count is not None
    assert intervals.wilson(0, count)[1] == pytest.approx(limit, rel=0.06)


def test_freedom_is_what_student_and_welch_say():
    random = np.random.default_rng(1)
    first, second = random.normal(0, 1, 5), random.normal(0, 3, 9)
    found = verdicts.of_difference(first, second)
    known = stats.ttest_ind(first, second, equal_var=False)
    assert found.freedom == pytest.approx(known.df)
    assert verdicts.over_seeds(np.append(first, np.nan)).freedom == 4
    assert math.isinf(verdicts.of_share(np.array([True, False]), range(2)).freedom)


CLOSED = evidence(1.0, 0.1, 4, 3, verdicts.side(1))
NOTHING = Estimate(math.nan, math.nan, math.nan, 0, -1)


@pytest.mark.parametrize(
    "given",
    [
        CLOSED,  # decided
        evidence(0.5, 1.0, 4, 3, verdicts.side(1))._replace(obstacle="Nothing was learnt."),
        Evidence(NOTHING, "difference", verdicts.side(1)),
        Evidence(verdicts.over_seeds(np.array([0.3])), "difference", verdicts.side(1)),
        Evidence(verdicts.of_difference(np.zeros(4), np.zeros(4)), "difference", verdicts.side(1)),
        evidence(0.0, 1.0, 4, 3, verdicts.side(1)),  # no effect is seen
        evidence(0.001, 1.0, 4, 3, verdicts.side(1)),  # millions of networks
        evidence(2.0, 0.5, 4, 3, verdicts.below(1.4)),  # a rule that cannot decide this way
    ],
)
def test_no_number_where_none_can_be_given(given):
    assert power.networks_needed(given) is None


def test_an_interval_that_nearly_decides_takes_few_more():
    assert power.networks_needed(evidence(2.0, 0.64, 4, 3, verdicts.side(1))) == 6


def test_a_claim_that_is_open_says_how_many_networks_would_decide_it():
    def claim(value):
        found = evidence(value, 0.5, 4, 3, verdicts.side(1))
        return verdicts.judge("X", "More.", None, "4 networks", found, None, reason="A reason.")

    needed = power.networks_needed(claim(0.5).first)
    expected = f"A reason. About {needed} networks of each kind would decide it; there are 4."
    assert power.reason_text(claim(0.5)) == expected
    assert power.reason_text(claim(5.0)) == "A reason.", "it is decided"


def test_what_no_number_of_networks_would_decide_is_said():
    nothing = evidence(0.0, 1.0, 4, 3, verdicts.side(1))
    claim = verdicts.judge("X", "More.", None, "4 networks", nothing, None, reason="A reason.")
    assert (
        power.reason_text(claim) == "A reason. Not even 10,000 networks like these would decide it."
    )
    stopped = verdicts.judge("X", "More.", None, "4 networks", nothing, None, ["Few."])
    assert power.reason_text(stopped) == "Few."


def test_areas_count_settings_of_targets():
    area = Evidence(Estimate(0.8, 0.4, 0.95, 4), "area", verdicts.most)
    claim = verdicts.judge("Ta", "More.", None, "8 networks", area, None)
    assert "settings of targets of each kind would decide it; there are 4." in power.reason_text(
        claim
    )


def test_of_two_open_estimates_the_one_that_needs_more_networks_counts():
    few, many = (evidence(value, 0.5, 4, 3, verdicts.side(1)) for value in (0.9, 0.5))
    needed = power.networks_needed(many)
    assert needed > power.networks_needed(few)
    for pair in ((few, many), (many, few)):
        claim = verdicts.judge("X", "More.", None, "4 networks", *pair)
        assert f"About {needed} networks" in power.reason_text(claim)
