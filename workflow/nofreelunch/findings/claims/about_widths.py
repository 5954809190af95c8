"""Claims about the width of place cells: Results 3 and 4 of the talk.

The docstring of each function names the estimates and the rules of `verdicts` that judge them.
Claims of Result 3 leave out widths at which most networks miss the error criterion. Claims of
Result 4 are about significant units alone: units that are only grid-like have periods that grow
with the width, too, because their random-phase surrogates have.
"""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from nofreelunch.findings import comparisons, intervals, network_measures, talks, verdicts
from nofreelunch.findings.claims.about_targets import (
    Theory,
    passing,
    shares_differ,
)
from nofreelunch.findings.claims.obstacles import if_above_chance, unlearnt
from nofreelunch.findings.verdicts import Claim, Estimate, Evidence, judge

NEIGHBOUR = 0.015  # m; just above the talk's small perturbation of the width, 0.01
FEWEST_WIDTHS = 3


def width_matters(summary: xr.Dataset, theory: Theory) -> Claim:
    """R3a. How much of the variance in shares of grid-like units is between widths; `most`.

    The rest is between seeds of one width. The shares are less chance. Second: the same of shares
    of small p-values.
    """
    widths, left_out = _learnt_widths(summary)
    widths = {w: n for w, n in widths.items() if n.sizes["network"] >= verdicts.FEWEST_SEEDS}
    count = min((n.sizes["network"] for n in widths.values()), default=0)

    def between(measure: Callable[[xr.Dataset], np.ndarray]) -> Estimate:
        values = [measure(networks) for networks in widths.values()]
        known = [v for v in values if np.isfinite(v).all()]
        return Estimate(*network_measures.variance_between(known), count)

    found = {
        kind: between(partial(network_measures.excess, kind=kind))
        for kind in network_measures.kinds(summary)
    }
    _, estimate = verdicts.least_favourable(found, 1)
    threshold = summary.attrs["grid_cell_threshold"]
    shares = {w: network_measures.share_above(n, threshold) for w, n in widths.items()}
    means = "; ".join(
        f"{w:g} m {verdicts.percent(s.mean())}, {passing(widths[w])} networks meet the criterion"
        for w, s in shares.items()
    )
    few = f"Needs {FEWEST_WIDTHS} widths of 3 networks each that have learnt, found {len(widths)}."
    return judge(
        "R3a",
        "The share of grid-like units varies more from width to width than from seed to seed.",
        talks.WIDTH_SEEDS,
        f"{sum(s.size for s in shares.values())} networks, {len(shares)} widths",
        Evidence(estimate, "share", verdicts.most, verdicts.no_grid_cells(*shares.values())),
        if_above_chance(
            Evidence(between(network_measures.small_p_values), "share", verdicts.most),
            *widths.values(),
        ),
        [few if len(widths) < FEWEST_WIDTHS else "", unlearnt(summary)],
        (f"Share of units by place-cell width: {means}." if shares else "") + left_out,
    )


def width_is_tuned(summary: xr.Dataset, theory: Theory) -> Claim:
    """R3b. Grid-like units less chance at the default width minus that at neighbours; `contrast`.

    Neighbours are widths within 1.5 cm of the default, trained for as many steps; there must be
    some on both sides. The difference is compared with the talk's. Second: the same of small
    p-values; `side`.
    """
    centre = _default_width(summary)
    steps = comparisons.defaults(summary)["steps"]
    learnt, _ = _learnt_widths(summary)
    widths = {w: n for w, n in learnt.items() if comparisons.specs(n)[0]["steps"] == steps}
    near = [w for w in widths if 0 < abs(w - centre) < NEIGHBOUR]
    both = bool(near) and min(near) < centre < max(near) and centre in widths
    nothing = comparisons.trained(summary).isel(network=[])
    here = widths[centre] if both else nothing
    there = (
        xr.concat([widths[w] for w in near], "network", data_vars="all") if both else nothing
    ).assign_attrs(summary.attrs)
    return shares_differ(
        "R3b",
        "Place-cell widths 1 cm off the default one give fewer grid-like units.",
        {"the default width": here, "its neighbours": there},
        talks.WIDTH_PEAK,
        summary,
        [
            ""
            if both
            else "The study has no networks that have learnt at widths 1 cm to both sides of the "
            "default one."
        ],
    )


def _learnt_widths(summary: xr.Dataset) -> tuple[dict[float, xr.Dataset], str]:
    """Networks of the widths that have learnt; which have not, or were trained for longer."""
    widths = comparisons.widths(summary)
    learnt = {w: n for w, n in widths.items() if comparisons.learnt(n)}
    left_out = ", ".join(f"{w:g} m" for w in widths if w not in learnt)
    said = f" Left out, because most networks miss the error criterion: {left_out}." * bool(
        left_out
    )
    default = comparisons.defaults(summary)["steps"]
    steps = {w: comparisons.specs(n)[0]["steps"] for w, n in learnt.items()}
    others = ", ".join(f"{w:g} m for {n:,}" for w, n in steps.items() if n != default)
    if others:
        said += f" Trained for other than {default:,} steps: {others}."
    return learnt, said


def period_grows(summary: xr.Dataset, theory: Theory) -> Claim:
    """R4a. Slope of the median periods against place-cell width; `contrast` with the talk's.

    A width counts once, with the mean of its networks, because the box shifts the periods of all
    networks of a width alike.
    """
    width, _ = network_measures.width_and_period(summary)
    distinct, means = network_measures.period_by_width(summary)
    slope, low, high, _ = intervals.trend(distinct, means)
    predicted = network_measures.predicted_periods(summary, theory)
    expected = intervals.trend(list(predicted), list(predicted.values())).slope
    compared = [
        f"The {whose} slope, {value:.2f}, is {'in' if low <= value <= high else 'out'}side."
        for whose, value in (("talk's", talks.PERIOD_SLOPE.value), ("theory's", expected))
        if math.isfinite(value) and math.isfinite(low)
    ]
    count = distinct.size
    return judge(
        "R4a",
        "The period of grid cells grows with the place-cell width.",
        talks.PERIOD_SLOPE,
        f"{width.size} networks, {count} widths",
        None,
        Evidence(
            Estimate(slope, low, high, count, count - 2),
            "m per m",
            verdicts.contrast(talks.PERIOD_SLOPE.value),
        ),
        [_few_with_periods(count), unlearnt(summary)],
        " ".join(
            ["Significant units, in networks with three or more; a width counts once.", *compared]
        ),
    )


def period_is_predicted(summary: xr.Dataset, theory: Theory) -> Claim:
    """R4b. Mean period of a width divided by the predicted one; `agreement` within a quarter.

    The prediction comes from the spectrum of the width's target.
    """
    width, _ = network_measures.width_and_period(summary)
    distinct, means = network_measures.period_by_width(summary)
    predicted = network_measures.predicted_periods(summary, theory)
    ratio = means / np.array([predicted.get(w, np.nan) for w in distinct.tolist()])
    estimate = verdicts.over_seeds(ratio)
    return judge(
        "R4b",
        "The period is, within a quarter, the one that the target's spectrum predicts.",
        talks.THEORY_RATIO,
        f"{width.size} networks, {estimate.count} widths",
        None,
        Evidence(estimate, "ratio", verdicts.agreement(1.25)),
        [_few_with_periods(estimate.count), unlearnt(summary)],
        "Significant units, in networks with three or more; measured over predicted. A width "
        "counts once.",
    )


def one_module(summary: xr.Dataset, theory: Theory) -> Claim:
    """R4c. Ratio of the 90th to the 10th percentile of a network's periods; `below`.

    A width counts once, with the mean of its networks. The limit is the smallest ratio of two
    modules of one animal.
    """
    limit = talks.MODULE_RATIOS[0]
    networks = comparisons.learnt_widths(summary)
    spread = network_measures.period_spread(networks)
    width = networks["place_cell_width"].values.astype(float)
    known = np.isfinite(spread) & np.isfinite(width)
    means = [spread[known & (width == value)].mean() for value in np.unique(width[known])]
    estimate = verdicts.over_seeds(np.array(means, float))
    return judge(
        "R4c",
        "The grid cells of one network form one module.",
        talks.ONE_MODULE,
        f"{known.sum()} networks, {estimate.count} widths",
        None,
        Evidence(estimate, "ratio", verdicts.below(limit)),
        [_few_with_periods(estimate.count), unlearnt(summary)],
        "90th over 10th percentile of the periods of significant units, in networks with 6 or "
        f"more; a width counts once. Two modules of an animal differ by {limit:g} or more; a "
        "spread as wide as that may also be noise, and would prove nothing.",
    )


def _few_with_periods(count: int) -> str:
    if count >= FEWEST_WIDTHS:
        return ""
    return f"Needs periods of significant units at {FEWEST_WIDTHS} widths, found {count}."


def few_modules(summary: xr.Dataset, theory: Theory) -> Claim:
    """R4d. Share of resolved networks whose significant units form one grid module; `most`.

    The networks are those of the width series. A network is resolved if it has enough significant
    units to find two modules with 80 % power. Untestable with fewer than 10 resolved networks.
    """
    networks = comparisons.learnt_widths(summary)
    found = network_measures.network_modules(networks)
    resolved = [m for m in found if m.resolved]
    named = zip(comparisons.configurations(networks), found, strict=True)
    alike = [configuration for configuration, modules in named if modules.resolved]
    two, three, four = network_measures.UNITS_NEEDED.values()
    others = [m.count for m in found if not m.resolved]
    known = np.isfinite(network_measures.grid_fraction(networks)).any()
    return judge(
        "R4d",
        "The significant units of most networks form one grid module.",
        talks.ONE_MODULE,
        f"{len(resolved)} resolved of {verdicts.counted(len(found))}",
        None,
        Evidence(
            verdicts.of_share(np.array([m.count == 1 for m in resolved], bool), alike),
            "share",
            verdicts.most,
        ),
        [
            "" if known or not found else "No surrogates were scored, so no unit is significant.",
            unlearnt(summary),
            verdicts.few_networks(len(resolved)),
        ],
        f"{len(resolved)} of {verdicts.counted(len(found))} resolved: two modules at a ratio of "
        f"{talks.MODULE_RATIOS[0]:g} need {two} significant units with a period for 80 % power "
        f"(three {three}, four {four}). Of the others {others.count(1)} show one module, "
        f"{sum(k > 1 for k in others)} several, and {others.count(0)} have too few units for any "
        "count. The table of modules has each network.",
    )


def _default_width(summary: xr.Dataset) -> float:
    width: Any = comparisons.defaults(summary).get("place_cell_width")
    return width if isinstance(width, float) else math.nan


TESTS = (width_matters, width_is_tuned, period_grows, period_is_predicted, one_module, few_modules)
