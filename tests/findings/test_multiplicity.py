"""Intervals that hold at once: textbook widths, simulations, and which verdicts are left."""

import math

import numpy as np
import pytest
import synthetic_summary
from nofreelunch.findings import multiplicity, verdicts
from nofreelunch.findings.claims import page
from nofreelunch.findings.multiplicity import widened
from nofreelunch.findings.talks import Quantity
from nofreelunch.findings.verdicts import Estimate, Evidence
from scipy import stats


@pytest.mark.parametrize("intervals", [1, 5, 40])
@pytest.mark.parametrize("count", [3, 8])
def test_students_intervals_are_those_of_their_confidence(intervals, count):
    values = np.random.default_rng(0).normal(size=count)
    found = widened(verdicts.over_seeds(values), intervals)
    expected = stats.t.interval(1 - 0.05 / intervals, count - 1, values.mean(), stats.sem(values))
    np.testing.assert_allclose([found.low, found.high], expected)


def test_widened_intervals_hold_at_once():
    """Of families of ten means of four networks, 95 % have no interval that misses."""
    random = np.random.default_rng(1)
    held = [
        all(
            found.low < 0 < found.high
            for found in (widened(verdicts.over_seeds(v), 10) for v in random.normal(size=(10, 4)))
        )
        for _ in range(600)
    ]
    assert 0.93 < np.mean(held) < 0.98


def test_bounds_on_none_of_n_units_grow_like_those_of_wilson():
    for count, intervals in ((50, 10), (400, 25)):
        low, high = (float(v) for v in stats.binomtest(0, count).proportion_ci(0.95, "wilson"))
        found = widened(Estimate(0.0, low, high, count), intervals)
        exact = stats.binomtest(0, count).proportion_ci(1 - 0.05 / intervals, "wilson").high
        assert found.high == pytest.approx(exact, rel=0.12) and found.low == 0


def claim(name: str, low: float, high: float, **keys):
    estimate = Estimate((low + high) / 2, low, high, 8, 7)
    evidence = Evidence(estimate, "difference", verdicts.side(1))
    return verdicts.judge(name, "S.", Quantity(0.0, "0", "talk"), "8", second=evidence, **keys)


def test_verdicts_that_hang_on_a_thread_do_not_stand():
    claims = [claim("R2a", 0.5, 1.5), claim("R2b", 0.01, 1.01), claim("R2c", -0.5, 0.5)]
    found = multiplicity.all_at_once(claims)
    assert found.intervals == 3
    assert found.alone == ("R2a by p-values", "R2b by p-values")
    assert found.together == ("R2a by p-values",)
    assert "at once with 95 %, 1 of the 2 verdicts that they give stand: R2a by" in page.together(
        claims
    )


def test_a_verdict_that_turns_when_its_interval_is_widened_does_not_stand():
    """Less than the talk's effect, but not none: widened, it is no effect at all."""
    found = Evidence(Estimate(0.01, 0.002, 0.018, 8, 7), "difference", verdicts.contrast(0.049))
    quantity = Quantity(0.0, "0", "talk")
    claims = [verdicts.judge(f"R2{k}", "S.", quantity, "8", second=found) for k in "abc"]
    assert found.verdict == verdicts.REPRODUCED
    assert found.rule(widened(found.estimate, 3)) == verdicts.NOT_REPRODUCED
    assert multiplicity.all_at_once(claims).together == ()


def test_obstacles_and_numbers_without_an_interval_are_not_counted():
    stopped = claim("R2a", 0.5, 1.5, obstacles=["Needs more."])
    computed = claim("R6c", math.nan, math.nan)
    assert multiplicity.all_at_once([stopped, computed]) == (0, (), ())
    assert page.together([stopped]) == "No interval of this study decides a claim."


def test_the_page_of_a_study_says_what_stands():
    summary = synthetic_summary.make("full")
    claims = page.evaluate(summary, [])
    found = multiplicity.all_at_once(claims)
    assert set(found.together) < set(found.alone) and "R4a by p-values" in found.together
    assert page.together(claims) in page.to_markdown(claims, summary)
