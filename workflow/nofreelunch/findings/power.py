"""How many networks it would take to decide a claim, from the spread that a study has seen."""

import math

from scipy import stats

from nofreelunch.findings.verdicts import UNTESTABLE, Claim, Estimate, Evidence

POWER = 0.8
MOST = 10_000  # more networks than this are no plan


def networks_needed(evidence: Evidence, power: float = POWER) -> int | None:
    """Networks of each kind with which a claim that is open would be decided.

    A rule decides where the 95 % interval lies beyond one of its limits. If further networks are
    like these, the estimate of n networks scatters around today's with s / √n. It then has to lie
    (t_0.975 + t_power) s / √n from the limit for the rule to decide with probability `power`: the
    usual approximation for a comparison of means, here with Student's quantiles. An estimate at the
    end of its own interval, such as 0 of n units, has a bound that shrinks about as 1 / n.

    None where the claim is decided, where something other than the number of networks stands in its
    way, where the spread is not known, or where `MOST` networks would not do.

    >>> from nofreelunch.findings.verdicts import side
    >>> networks_needed(Evidence(Estimate(0.5, -2.68, 3.68, 4, 3), "difference", side(1)))
    128
    """
    if not _is_open(evidence) or not _decides(evidence, MOST, power):
        return None
    few, enough = evidence.estimate.count, MOST
    while enough - few > 1:
        middle = (few + enough) // 2
        few, enough = (few, middle) if _decides(evidence, middle, power) else (middle, enough)
    return enough


def reason_text(claim: Claim) -> str:
    """The reason of a claim and, where an interval leaves it open, how many networks decide it."""
    open_ = [e for e in (claim.first, claim.second) if e and _is_open(e)]
    if not open_:
        return claim.reason
    needed = [networks_needed(evidence) or 0 for evidence in open_]
    evidence = open_[needed.index(max(needed))]
    what = "settings of targets" if evidence.unit == "area" else "networks"
    more = f"Not even {MOST:,} {what} like these would decide it."
    if max(needed):
        there = evidence.estimate.count
        more = f"About {max(needed):,} {what} of each kind would decide it; there are {there}."
    return f"{claim.reason} {more}".strip()


def _is_open(evidence: Evidence) -> bool:
    """Whether only its interval keeps an estimate from deciding."""
    found = evidence.estimate
    known = all(map(math.isfinite, found[:3])) and found.count > 1 and found.freedom > 0
    return known and not evidence.obstacle and evidence.verdict == UNTESTABLE


def _decides(evidence: Evidence, count: int, power: float) -> bool:
    return evidence.rule(_reach(evidence.estimate, count, power)) != UNTESTABLE


def _reach(found: Estimate, count: int, power: float) -> Estimate:
    """The interval of `count` networks, widened by the scatter of their estimate."""
    freedom = found.freedom * (count - 1) / (found.count - 1)
    sides = [float(stats.t.ppf(p, freedom)) for p in (0.975, power)]
    width = sum(sides) / float(stats.t.ppf(0.975, found.freedom)) * math.sqrt(found.count / count)
    if found.value in (found.low, found.high) and math.isinf(found.freedom):
        width = found.count / count
    low = found.value - width * (found.value - found.low)
    high = found.value + width * (found.high - found.value)
    return Estimate(found.value, low, high, count, freedom)
