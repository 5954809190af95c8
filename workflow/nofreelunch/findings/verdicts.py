"""The record of a claim, and the rules that turn its estimate into a verdict.

Networks are the unit of replication: every interval is a 95 % interval over networks, for one claim
at a time. A rule looks only at the interval and the talk's number. If it cannot decide, the claim
is untestable, whatever the estimate.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from nofreelunch.findings import intervals
from nofreelunch.findings.talks import Quantity

REPRODUCED = "reproduced"
NOT_REPRODUCED = "not reproduced"
UNTESTABLE = "cannot be tested at this scale"

ROUNDING = 1e-12  # width of an interval of equal values
FEWEST_SEEDS = 3  # an interval over fewer networks says nothing
FEWEST_NETWORKS = 10  # a share of fewer networks is no finding


class Estimate(NamedTuple):
    """A number, its interval, and the number of networks behind it (on the smaller side).

    `freedom` is the degrees of freedom of an interval by Student's t; infinite for other intervals.
    `effect` is a mean or difference in standard deviations between networks, Hedges' g.
    """

    value: float
    low: float
    high: float
    count: int  # type: ignore[assignment]  # not the method of tuples
    freedom: float = math.inf
    effect: float = math.nan


Rule = Callable[[Estimate], str]


class Evidence(NamedTuple):
    """An estimate by one criterion, its unit, and the rule that judges it.

    `unit` is "share", "difference" (of shares), "m", "m per m", "ratio", "score", "deviations"
    (standard ones), "area" (below a ROC curve) or "cycles per box". `obstacle` says why the
    estimate decides nothing; it is empty if nothing stands in the way.
    """

    estimate: Estimate
    unit: str
    rule: Rule
    obstacle: str = ""

    @property
    def verdict(self) -> str:
        """What the rule says, or untestable."""
        return UNTESTABLE if self.obstacle else self.rule(self.estimate)


@dataclass(frozen=True)
class Claim:
    """One claim of the talk, tested on a study.

    `n` says how many of what were counted. `first` counts units above a grid score, less chance,
    or has nothing to do with units; `second` tests the claim by the calibrated test of single
    units. Either may be None. No verdict of one criterion replaces that of the other.
    """

    id: str
    sentence: str
    reference: Quantity
    n: str
    first: Evidence | None
    second: Evidence | None
    about_units: bool
    reason: str

    @property
    def part(self) -> str:
        """What the claim belongs to: a result of the talk ("R1" to "R6"), or "T" or "C"."""
        return self.id[:-1]


def over_seeds(values: np.ndarray) -> Estimate:
    """Mean over networks with Student's interval; NaN values are left out."""
    mean, low, high = intervals.seed_interval(values)
    count = int(np.isfinite(values).sum())
    effect = intervals.effect_size(values)
    return Estimate(float(mean), float(low), float(high), count, count - 1, effect)


def of_difference(first: np.ndarray, second: np.ndarray) -> Estimate:
    """Difference of the means of two sets of networks, with Welch's interval."""
    counts = [int(np.isfinite(values).sum()) for values in (first, second)]
    freedom = intervals.welch_freedom(first, second)
    effect = intervals.effect_size(first, second)
    return Estimate(*intervals.difference(first, second), min(counts), freedom, effect)


def of_share(holds: np.ndarray, configuration: ArrayLike) -> Estimate:
    """Share of networks for which something holds, with Wilson's interval of `intervals.share`."""
    return Estimate(*intervals.share(holds, configuration), holds.size)


def judge(
    label: str,
    sentence: str,
    talk: Quantity,
    n: str,
    first: Evidence | None = None,
    second: Evidence | None = None,
    obstacles: Sequence[str] = (),
    reason: str = "",
    about_units: bool = True,
) -> Claim:
    """Judge the claim `label`, such as "R2a", by one criterion or two.

    The rule of each decides, unless something stands in its way. The first text in `obstacles` that
    is not empty stands in the way of both.
    """
    obstacle = next(filter(None, obstacles), "")
    if first:
        first = first._replace(obstacle=obstacle or first.obstacle)
    if second:
        second = second._replace(obstacle=obstacle or second.obstacle)
    stops = dict.fromkeys(evidence.obstacle for evidence in (first, second) if evidence)
    text = " ".join(filter(None, (*stops, reason.strip())))
    return Claim(label, sentence, talk, n, first, second, about_units, text)


def counted(count: int) -> str:
    """A number of networks as text, such as "3 networks"."""
    return f"{count} network{'' if count == 1 else 's'}"


def few_networks(count: int) -> str:
    """Why a share of so few networks is no finding; empty if there are enough."""
    least = FEWEST_NETWORKS
    return f"Needs {least} networks, found {count}." if count < least else ""


def few_seeds(count: int) -> str:
    """Why so few networks have no interval; empty if there are enough."""
    least = FEWEST_SEEDS
    return f"Needs {least} networks of each kind, found {count}." if count < least else ""


def no_grid_cells(*sides: np.ndarray) -> str:
    """Why the claim cannot be tested if no compared network has a grid-like unit; else empty."""
    return "" if any((share > 0).any() for share in sides) else "No grid-like unit on either side."


def least_favourable(found: Mapping[str, Estimate], sign: int) -> tuple[str, Estimate]:
    """Of the estimates against each kind of surrogates, the one that supports the claim least.

    `sign` is the direction of the claim's effect: 1 if it says more, -1 if it says less.
    """
    return min(found.items(), key=lambda item: sign * np.nan_to_num(item[1].value))


def percent(value: float) -> str:
    """A share in % as text, with one decimal below 20 %."""
    return f"{100 * value:.{0 if abs(value) >= 0.2 else 1}f} %"


def points(value: float, low: float, high: float) -> str:
    """A difference of shares in percentage points as text, with its interval if there is one."""
    shown = [f"{100 * v:+.1f}".replace("-", "−") for v in (value, low, high)]
    interval = f" [{shown[1]}, {shown[2]}]" if math.isfinite(low) and math.isfinite(high) else ""
    return f"{shown[0]} points{interval}"


def mean_percent(values: np.ndarray) -> str:
    """Mean of the known shares as text; empty if none is known."""
    known = values[np.isfinite(values)]
    return percent(known.mean()) if known.size else ""


def contrast(effect: float) -> Rule:
    """Is there an effect in the direction of the talk's `effect`?

    Reproduced: the interval lies on that side of zero. Not reproduced: it does not, and it ends
    before the talk's effect. Untestable: it holds both zero and the talk's effect, so this study
    cannot tell them apart.
    """
    sign = math.copysign(1.0, effect)

    def rule(estimate: Estimate) -> str:
        low, high = sorted((sign * estimate.low, sign * estimate.high))
        if low > 0:
            return REPRODUCED
        return NOT_REPRODUCED if high < abs(effect) else UNTESTABLE

    return _with_interval(rule)


def side(sign: int) -> Rule:
    """Does the interval lie on the side of zero that `sign` gives?

    Not reproduced: it lies on the other side. Untestable: it holds zero. This rule serves claims
    for which the talk gives no size of the effect.
    """

    def rule(estimate: Estimate) -> str:
        low, high = sorted((sign * estimate.low, sign * estimate.high))
        return REPRODUCED if low > 0 else NOT_REPRODUCED if high < 0 else UNTESTABLE

    return _with_interval(rule)


def absence(tolerance: float) -> Rule:
    """Is there nothing, to within `tolerance`?

    Not reproduced: the interval begins above zero. Reproduced: it does not, and it ends at
    `tolerance` or below. Untestable: it holds both zero and more than `tolerance`.
    """

    def rule(estimate: Estimate) -> str:
        if estimate.low > 0:
            return NOT_REPRODUCED
        return REPRODUCED if estimate.high <= tolerance else UNTESTABLE

    return _with_interval(rule)


def most(estimate: Estimate) -> str:
    """Is a share more than one half? Untestable where the interval holds one half."""
    if estimate.low > 0.5:
        return REPRODUCED
    return NOT_REPRODUCED if estimate.high < 0.5 else UNTESTABLE


def few(estimate: Estimate) -> str:
    """Is a share less than one half? Untestable where the interval holds one half."""
    opposite = {REPRODUCED: NOT_REPRODUCED, NOT_REPRODUCED: REPRODUCED}
    return opposite.get(most(estimate), UNTESTABLE)


def only_against(rule: Rule) -> Rule:
    """`rule`, for an estimate that can only speak against the claim.

    Where `rule` says reproduced, the claim is untestable.
    """
    return lambda e: UNTESTABLE if rule(e) == REPRODUCED else rule(e)


def only_for(rule: Rule) -> Rule:
    """`rule`, for an estimate that can only speak for the claim.

    Where `rule` says not reproduced, the claim is untestable.
    """
    return lambda e: UNTESTABLE if rule(e) == NOT_REPRODUCED else rule(e)


def agreement(factor: float) -> Rule:
    """Is a ratio one, within `factor`? Untestable where the interval holds both answers."""

    def rule(estimate: Estimate) -> str:
        if 1 / factor < estimate.low and estimate.high < factor:
            return REPRODUCED
        outside = estimate.high < 1 / factor or estimate.low > factor
        return NOT_REPRODUCED if outside else UNTESTABLE

    return _with_interval(rule)


def below(limit: float) -> Rule:
    """Is it below `limit`? Never decides against the claim.

    A value above the limit may have other causes than the one in question, so it is untestable.
    """
    return _with_interval(lambda e: REPRODUCED if e.high < limit else UNTESTABLE)


def near(value: float, tolerance: float) -> Rule:
    """Is a computed number, which has no interval, within `tolerance` of the talk's?"""
    return lambda e: REPRODUCED if abs(e.value - value) <= tolerance else NOT_REPRODUCED


def _with_interval(rule: Rule) -> Rule:
    """`rule` where the interval has a width: equal values do not say how far others would lie."""
    return lambda e: rule(e) if ROUNDING < e.high - e.low < math.inf else UNTESTABLE
