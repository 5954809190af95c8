"""What is left of a study's verdicts if its intervals have to hold all at once."""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from scipy import stats

from nofreelunch.findings.verdicts import UNTESTABLE, Claim, Estimate, Evidence

CONFIDENCE = 0.95
CRITERIA = ("by grid score", "by p-values")


class Together(NamedTuple):
    """Number of intervals that decide or could have; the verdicts they give alone, and together.

    Verdicts are named by claim and criterion, such as "R2a by p-values".
    """

    intervals: int
    alone: tuple[str, ...]
    together: tuple[str, ...]


def all_at_once(claims: Sequence[Claim]) -> Together:
    """The verdicts of a study, and those that stand if all its intervals hold at once at 95 %.

    Each of m intervals is widened to hold with a probability of 1 - 0.05 / m (Bonferroni), and the
    same rule judges it. A verdict stands if it is the same. Numbers that are computed without an
    interval are left out, and so are estimates that an obstacle keeps from deciding.
    """
    tested = [item for claim in claims for item in _tested(claim)]
    alone = [name for name, evidence in tested if evidence.verdict != UNTESTABLE]
    together = [
        name
        for name, evidence in tested
        if name in alone
        and evidence.rule(widened(evidence.estimate, len(tested))) == evidence.verdict
    ]
    return Together(len(tested), tuple(alone), tuple(together))


def widened(found: Estimate, intervals: int) -> Estimate:
    """The estimate with its interval at 95 % widened as one of so many.

    Student's interval is widened exactly. Others are widened as those of a normal distribution. An
    estimate at the end of its own interval, such as 0 of n units, has a bound that grows with the
    square.

    >>> wide = widened(Estimate(1.0, 0.0, 2.0, 10, 9), 10)
    >>> round(wide.high - wide.value, 3)
    1.631
    """
    tail = (1 - CONFIDENCE) / 2
    one, all_ = (float(stats.t.isf(p, found.freedom)) for p in (tail, tail / intervals))
    factor = all_ / one
    if found.value in (found.low, found.high) and math.isinf(found.freedom):
        factor *= factor
    low = found.value - factor * (found.value - found.low)
    high = found.value + factor * (found.high - found.value)
    return found._replace(low=low, high=high)


def _tested(claim: Claim) -> Iterator[tuple[str, Evidence]]:
    for criterion, evidence in zip(CRITERIA, (claim.first, claim.second), strict=True):
        if evidence is None or evidence.obstacle:
            continue
        name = f"{claim.id} {criterion}" if claim.about_units else claim.id
        if math.isfinite(evidence.estimate.low) and math.isfinite(evidence.estimate.high):
            yield name, evidence
