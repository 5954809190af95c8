"""What a claim is, and the rules by which one is called reproduced.

Networks are the unit of replication: every interval is a 95 % interval over networks, taken one
claim at a time. A rule looks at the interval and at the talk's number only; what a rule cannot
decide is called untestable, whatever the estimate.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from nofreelunch import statistics
from nofreelunch.reference import Quantity

REPRODUCED = "reproduced"
NOT_REPRODUCED = "not reproduced"
UNTESTABLE = "cannot be tested at this scale"

FEWEST_SEEDS = 3  # with fewer networks than this an interval says nothing
FEWEST_NETWORKS = 10  # with fewer a share of networks is no finding


@dataclass(frozen=True)
class Claim:
    """One claim of the talk, tested on a study.

    `estimate`, `low` and `high` are in `unit`: "share", "difference" (of shares), "m per m",
    "ratio" or "cycles per box"; NaN where there is none. `n` says how many of what, `reason` how
    the verdict came about. `second` is what significant units say where units above a grid score
    are what the claim is about, else None.
    """

    id: str
    result: int
    sentence: str
    estimate: float
    low: float
    high: float
    unit: str
    n: str
    reference: Quantity
    verdict: str
    reason: str
    second: "Second | None" = None


class Estimate(NamedTuple):
    """A number, its interval, and the least number of networks on which a side of it rests."""

    value: float
    low: float
    high: float
    count: int


Rule = Callable[[Estimate], str]


class Second(NamedTuple):
    """The claim by significant units instead of those above a grid score: an estimate, its unit,
    and the rule for it."""

    estimate: Estimate
    unit: str
    rule: Rule


def over_seeds(values: np.ndarray) -> Estimate:
    """Mean over networks (NaN left out) and Student's interval."""
    mean, low, high = statistics.seed_interval(values)
    return Estimate(float(mean), float(low), float(high), int(np.isfinite(values).sum()))


def of_difference(first: np.ndarray, second: np.ndarray) -> Estimate:
    """Difference of the means of two sets of networks and Welch's interval."""
    counts = [int(np.isfinite(values).sum()) for values in (first, second)]
    return Estimate(*statistics.difference(first, second), min(counts))


def of_share(holds: np.ndarray) -> Estimate:
    """Share of networks for which something holds and Wilson's interval."""
    low, high = statistics.wilson(holds.sum(), holds.size)
    share = holds.mean() if holds.size else math.nan
    return Estimate(float(share), float(low), float(high), holds.size)


def judge(
    label: str,
    sentence: str,
    estimate: Estimate,
    rule: Rule,
    talk: Quantity,
    unit: str,
    n: str,
    obstacles: Sequence[str] = (),
    reason: str = "",
    hindrances: Sequence[str] = (),
    second: Second | None = None,
) -> Claim:
    """The claim `label` (its second character is the result), judged by `rule` unless an obstacle
    stands in the way: the first that is not empty is then the reason.

    Where that leaves the claim untestable, `second` may decide, unless there are `obstacles`;
    `hindrances` are obstacles to the first estimate alone. The reason then says so, and it says
    where the two estimates disagree.
    """
    obstacle = next(filter(None, (*obstacles, *hindrances)), "")
    verdict = UNTESTABLE if obstacle else rule(estimate)
    if second and not any(obstacles) and not few_seeds(second.estimate.count):
        other = second.rule(second.estimate)
        if verdict == UNTESTABLE and other != UNTESTABLE:
            undecided = obstacle or "Units above the threshold leave it open."
            verdict, obstacle = other, f"{undecided} Significant units decide."
        elif verdict != other:
            reason = f"{reason} By significant units alone: {other}.".lstrip()
    return Claim(
        id=label,
        result=int(label[1]),
        sentence=sentence,
        estimate=estimate.value,
        low=estimate.low,
        high=estimate.high,
        unit=unit,
        n=n,
        reference=talk,
        verdict=verdict,
        reason=" ".join(filter(None, (obstacle, reason))),
        second=second,
    )


def counted(count: int) -> str:
    """A number of networks in words."""
    return f"{count} network{'' if count == 1 else 's'}"


def few_networks(count: int) -> str:
    """The obstacle that a share of so few networks is no finding, or nothing."""
    least = FEWEST_NETWORKS
    return f"Needs {least} networks, found {count}." if count < least else ""


def few_seeds(count: int) -> str:
    """The obstacle that so few networks carry no interval, or nothing."""
    least = FEWEST_SEEDS
    return f"Needs {least} networks of each kind, found {count}." if count < least else ""


def no_grid_cells(*sides: np.ndarray) -> str:
    """The obstacle that shares of units are zero in every network compared, or nothing."""
    return "" if any((share > 0).any() for share in sides) else "No grid-like unit on either side."


def percent(value: float) -> str:
    """A share as text, with a decimal where it is small."""
    return f"{100 * value:.{0 if abs(value) >= 0.2 else 1}f} %"


def mean_percent(values: np.ndarray) -> str:
    """Mean of the shares that are known as text, or nothing."""
    known = values[np.isfinite(values)]
    return percent(known.mean()) if known.size else ""


def contrast(effect: float) -> Rule:
    """Is there an effect in the direction of the talk's `effect`?

    Reproduced: the interval lies on that side of zero. Not reproduced: it does not, and falls short
    of the talk's effect. Untestable: it holds both zero and the talk's effect, so this study could
    not have told them apart.
    """
    sign = math.copysign(1.0, effect)

    def rule(estimate: Estimate) -> str:
        low, high = sorted((sign * estimate.low, sign * estimate.high))
        if low > 0:
            return REPRODUCED
        return NOT_REPRODUCED if high < abs(effect) else UNTESTABLE

    return _with_interval(rule)


def side(sign: int) -> Rule:
    """Does the interval lie on the side of zero that `sign` says? Not reproduced: on the other.
    Untestable: it holds zero, and the talk has no number that it could fall short of."""

    def rule(estimate: Estimate) -> str:
        low, high = sorted((sign * estimate.low, sign * estimate.high))
        return REPRODUCED if low > 0 else NOT_REPRODUCED if high < 0 else UNTESTABLE

    return _with_interval(rule)


def absence(tolerance: float) -> Rule:
    """Is there nothing? Reproduced: the interval ends below `tolerance`, which is called nothing.
    Not reproduced: it begins above zero. Untestable: it holds both nothing and something."""

    def rule(estimate: Estimate) -> str:
        if estimate.low > 0:
            return NOT_REPRODUCED
        return REPRODUCED if estimate.high <= tolerance else UNTESTABLE

    return _with_interval(rule)


def most(estimate: Estimate) -> str:
    """Is it more than one half? Untestable where the interval holds one half."""
    if estimate.low > 0.5:
        return REPRODUCED
    return NOT_REPRODUCED if estimate.high < 0.5 else UNTESTABLE


def few(estimate: Estimate) -> str:
    """Is it less than one half? Untestable where the interval holds one half."""
    opposite = {REPRODUCED: NOT_REPRODUCED, NOT_REPRODUCED: REPRODUCED}
    return opposite.get(most(estimate), UNTESTABLE)


def only_against(rule: Rule) -> Rule:
    """`rule` where the estimate would be no evidence for the claim, however it came out."""
    return lambda e: UNTESTABLE if rule(e) == REPRODUCED else rule(e)


def agreement(factor: float) -> Rule:
    """Is a ratio one, within `factor`? Untestable where the interval holds both answers."""

    def rule(estimate: Estimate) -> str:
        if 1 / factor < estimate.low and estimate.high < factor:
            return REPRODUCED
        outside = estimate.high < 1 / factor or estimate.low > factor
        return NOT_REPRODUCED if outside else UNTESTABLE

    return _with_interval(rule)


def below(limit: float) -> Rule:
    """Is it below `limit`? What is not may have causes other than the one in question, so it is
    untestable and never counts against the claim."""
    return _with_interval(lambda e: REPRODUCED if e.high < limit else UNTESTABLE)


def near(value: float, tolerance: float) -> Rule:
    """Is a computed number, which has no interval, within `tolerance` of the talk's?"""
    return lambda e: REPRODUCED if abs(e.value - value) <= tolerance else NOT_REPRODUCED


def _with_interval(rule: Rule) -> Rule:
    return lambda e: rule(e) if math.isfinite(e.low) and math.isfinite(e.high) else UNTESTABLE
