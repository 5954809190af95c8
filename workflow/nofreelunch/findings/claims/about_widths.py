"""Claims about the width of place cells: Results 3 and 4 of the talk.

The docstring of each function names the estimate and the rule of `verdicts` that judges it. For
claims of Result 3, the second estimate has grid fractions in place of shares of grid-like units.
"""

import math
from typing import Any

import numpy as np
import xarray as xr

from nofreelunch.findings import comparisons, intervals, network_measures, talks, verdicts
from nofreelunch.findings.claims.about_targets import Theory, fraction_differs, unlearnt
from nofreelunch.findings.verdicts import Claim, Estimate, Second, judge

NEIGHBOUR = 0.015  # m; just above the talk's small perturbation of the width, 0.01
FEWEST_WIDTHS = 3


def width_matters(summary: xr.Dataset, theory: Theory) -> Claim:
    """R3a. How much of the variance in shares of grid-like units is between widths; `most`.

    The rest is between seeds of one width.
    """
    shares, fractions = _by_width(summary)
    shares = {w: s for w, s in shares.items() if s.size >= verdicts.FEWEST_SEEDS}
    known = [fractions[w] for w in shares if np.isfinite(fractions[w]).all()]
    count = min((s.size for s in shares.values()), default=0)
    estimate = Estimate(*network_measures.variance_between(list(shares.values())), count)
    means = "; ".join(f"{w:g} m {verdicts.percent(s.mean())}" for w, s in shares.items())
    few = f"Needs {FEWEST_WIDTHS} widths of 3 networks each, found {len(shares)}."
    return judge(
        "R3a",
        "The share of grid-like units varies more from width to width than from seed to seed.",
        estimate,
        verdicts.most,
        talks.WIDTH_SEEDS,
        "share",
        f"{sum(s.size for s in shares.values())} networks, {len(shares)} widths",
        [few if len(shares) < FEWEST_WIDTHS else "", unlearnt(summary)],
        f"Share of units by place-cell width: {means}." if shares else "",
        ["" if math.isfinite(estimate.value) else "No unit is grid-like at any width."],
        Second(Estimate(*network_measures.variance_between(known), count), "share", verdicts.most),
    )


def width_is_tuned(summary: xr.Dataset, theory: Theory) -> Claim:
    """R3b. Share of grid-like units at the default width minus that at its neighbours; `contrast`.

    Neighbours are widths within 1.5 cm of the default; there must be some on both sides. The
    difference is compared with the talk's.
    """
    centre = _default_width(summary)
    by_width = _by_width(summary)
    near = [w for w in by_width[0] if 0 < abs(w - centre) < NEIGHBOUR]
    both = bool(near) and min(near) < centre < max(near)
    nothing = np.empty(0)
    (here, there), fractions = (
        (
            of_networks.get(centre, nothing),
            np.concatenate([of_networks[w] for w in near]) if both else nothing,
        )
        for of_networks in by_width
    )
    estimate = verdicts.of_difference(here, there)
    return judge(
        "R3b",
        "Place-cell widths 1 cm off the default one give fewer grid-like units.",
        estimate,
        verdicts.contrast(talks.WIDTH_PEAK.value),
        talks.WIDTH_PEAK,
        "difference",
        f"{here.size} and {there.size} networks",
        [
            "" if both else "The study has no widths 1 cm to both sides of the default one.",
            verdicts.few_seeds(estimate.count),
            unlearnt(summary),
        ],
        hindrances=[verdicts.no_grid_cells(here, there)],
        second=fraction_differs(*fractions, talks.WIDTH_PEAK),
    )


def _by_width(summary: xr.Dataset) -> tuple[dict[float, np.ndarray], dict[float, np.ndarray]]:
    """Place-cell width -> shares of grid-like units (network,), and the same of grid fractions."""
    threshold, widths = summary.attrs["grid_cell_threshold"], comparisons.widths(summary).items()
    shares = {w: network_measures.share_above(networks, threshold) for w, networks in widths}
    return shares, {w: network_measures.grid_fraction(networks) for w, networks in widths}


def period_grows(summary: xr.Dataset, theory: Theory) -> Claim:
    """R4a. Slope of the networks' median periods against place-cell width; `contrast`.

    The slope is compared with the talk's.
    """
    width, period, threshold = network_measures.width_and_period(summary)
    slope, low, high, _ = intervals.trend(width, period)
    predicted = network_measures.predicted_periods(summary, theory)
    expected = intervals.trend(list(predicted), list(predicted.values())).slope
    compared = [
        f"the {whose} slope, {value:.2f}, is {'in' if low <= value <= high else 'out'}side"
        for whose, value in (("talk's", talks.PERIOD_SLOPE.value), ("theory's", expected))
        if math.isfinite(value) and math.isfinite(low)
    ]
    count = np.unique(width).size
    return judge(
        "R4a",
        "The period of grid-like units grows with the place-cell width.",
        Estimate(slope, low, high, width.size),
        verdicts.contrast(talks.PERIOD_SLOPE.value),
        talks.PERIOD_SLOPE,
        "m per m",
        f"{width.size} networks, {count} widths",
        [
            f"Needs periods at {FEWEST_WIDTHS} widths, found {count}." * (count < FEWEST_WIDTHS),
            unlearnt(summary),
        ],
        f"Units with a grid score above {threshold:g}" + "".join(f"; {c}" for c in compared) + ".",
    )


def period_is_predicted(summary: xr.Dataset, theory: Theory) -> Claim:
    """R4b. Median period of a network divided by the predicted one; `agreement` within a quarter.

    The prediction comes from the spectrum of the network's target.
    """
    width, period, threshold = network_measures.width_and_period(summary)
    predicted = network_measures.predicted_periods(summary, theory)
    ratio = period / np.array([predicted.get(w, np.nan) for w in width.tolist()])
    estimate = verdicts.over_seeds(ratio)
    return judge(
        "R4b",
        "The period is, within a quarter, the one that the target's spectrum predicts.",
        estimate,
        verdicts.agreement(1.25),
        talks.THEORY_RATIO,
        "ratio",
        verdicts.counted(estimate.count),
        [verdicts.few_seeds(estimate.count), unlearnt(summary)],
        f"Units with a grid score above {threshold:g}; measured over predicted.",
    )


def one_module(summary: xr.Dataset, theory: Theory) -> Claim:
    """R4c. Ratio of the 90th to the 10th percentile of a network's periods; `below`.

    The limit is the smallest ratio of two modules of one animal.
    """
    threshold, limit = network_measures.period_threshold(summary), talks.MODULE_RATIOS[0]
    networks = comparisons.select(summary, free=["place_cell_width"])
    estimate = verdicts.over_seeds(network_measures.period_spread(networks, threshold))
    return judge(
        "R4c",
        "The grid-like units of one network form one module.",
        estimate,
        verdicts.below(limit),
        talks.ONE_MODULE,
        "ratio",
        verdicts.counted(estimate.count),
        [verdicts.few_seeds(estimate.count), unlearnt(summary)],
        f"90th over 10th percentile of the periods of units with a grid score above {threshold:g}, "
        f"in networks with 6 or more. Two modules of an animal differ by {limit:g} or more; "
        "a spread as wide as that may also be noise, and would prove nothing.",
    )


def few_modules(summary: xr.Dataset, theory: Theory) -> Claim:
    """R4d. Share of resolved networks whose significant units form one grid module; `most`.

    The networks are those of the width series. A network is resolved if it has enough significant
    units to find two modules with 80 % power. Untestable with fewer than 10 resolved networks.
    """
    networks = comparisons.select(summary, free=["place_cell_width"])
    found = network_measures.network_modules(networks)
    resolved = [m for m in found if m.resolved]
    two, three, four = network_measures.UNITS_NEEDED.values()
    others = [m.count for m in found if not m.resolved]
    known = np.isfinite(network_measures.grid_fraction(networks)).any()
    return judge(
        "R4d",
        "The significant units of most networks form one grid module.",
        verdicts.of_share(np.array([m.count == 1 for m in resolved], bool)),
        verdicts.most,
        talks.ONE_MODULE,
        "share",
        f"{len(resolved)} resolved of {verdicts.counted(len(found))}",
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
