"""Claims about theory: whether the spectrum of a target says what its networks do.

The talk explains its results by such spectra, but sets them beside no trained network. The
docstring of each function names the estimates and the rules of `verdicts` that judge them.
"""

import numpy as np
import xarray as xr
from scipy import stats

from nofreelunch.findings import network_measures, predictions, talks, verdicts
from nofreelunch.findings.claims.about_targets import Theory
from nofreelunch.findings.claims.obstacles import if_above_chance, unlearnt
from nofreelunch.findings.predictions import Predictions
from nofreelunch.findings.verdicts import Claim, Estimate, Evidence, judge, percent
from nofreelunch.scoring.significance import LEVEL
from nofreelunch.theory.comparison import compare_periods, roc_area

FEWEST_PREDICTIONS = 3  # distinct periods; with fewer, any line fits
NULLS = {
    "constant": "one period for all",
    "box": "the longest waves of the box",
    "shuffled": "predictions of other networks",
}


def rings_have_lattices(summary: xr.Dataset, theory: Theory) -> Claim:
    """Ta. Area below the ROC curve of "ring or none" against the networks' shares; `most`.

    The area is the chance that a target with a ring gives a larger share of grid-like units, less
    chance, than one without. A setting of a target counts once, with the mean of its networks that
    path-integrate. Second: the same of small p-values, if those of either kind are above chance at
    all; settings for whose maps the test is blind are left out. A share below chance counts as
    chance. Both need an exact test of the order (Mann and Whitney 1947).
    """
    found = predictions.learnt(predictions.predictions(summary, theory))
    small, excess = predictions.seen_small_p(found), predictions.least_excess(found)
    sides = [found.networks.isel(network=np.flatnonzero(r)) for r in (found.ring, ~found.ring)]
    counts = [np.unique(found.target[side]).size for side in (found.ring, ~found.ring)]

    def evidence(share: np.ndarray, criterion: str) -> Evidence:
        area = Evidence(predictions.sorted_by_ring(found, share), "area", verdicts.most)
        obstacle = _by_chance(*predictions.by_target(found, share), criterion, " that have learnt")
        return area._replace(obstacle=obstacle)

    by_p_values = evidence(small, "p-values")
    return judge(
        "Ta",
        "Targets whose spectrum has a ring give more grid-like units, less chance, than targets "
        "whose spectrum has none.",
        talks.PREDICTED_RING,
        f"{int(found.ring.sum())} and {int((~found.ring).sum())} networks of {counts[0]} and "
        f"{counts[1]} settings of targets",
        evidence(excess, "grid scores"),
        by_p_values if by_p_values.obstacle else if_above_chance(by_p_values, *sides),
        [unlearnt(summary)],
        "Area below a ROC curve: the chance that a target with a ring gives the larger share; 0.50 "
        "if the ring says nothing. A setting of a target counts once, with the mean of its "
        f"networks that meet the error criterion by half.{_shares(found)}",
    )


def _by_chance(ring: np.ndarray, means: np.ndarray, criterion: str, which: str = "") -> str:
    """Why chance may have sorted the settings of targets as they are; empty where it hardly can."""
    if not ring.any() or ring.all():
        return f"Needs targets with a ring and targets without one{which}."
    p = stats.mannwhitneyu(means[ring], means[~ring], method="exact").pvalue
    if p <= LEVEL:
        return ""
    return (
        f"By {criterion}, chance sorts {ring.sum()} and {(~ring).sum()} settings of targets as "
        f"well as this, or better, in {percent(p)} of all orders."
    )


def patterns_have_lattices(summary: xr.Dataset, theory: Theory) -> Claim:
    """Tc. As Ta, of the patterns that grow from each target with a ReLU, without a network.

    Every setting of a target in the study counts, also where no network has learnt it. Those in
    which chance could well give as many patterns count as chance.
    """
    threshold = summary.attrs["grid_cell_threshold"]
    found = predictions.patterns(theory, summary.attrs["arena"], threshold)
    counts = int(found.ring.sum()), int((~found.ring).sum())

    def evidence(share: np.ndarray, criterion: str) -> Evidence:
        area, low, high, *sides = roc_area(found.ring, share)
        by_chance = _by_chance(found.ring, share, criterion)
        return Evidence(Estimate(area, low, high, min(sides)), "area", verdicts.most, by_chance)

    by_kind = [evidence(share, "grid scores") for share in found.excess.values()]
    by_scores = min(by_kind, key=lambda e: np.nan_to_num(e.estimate.value), default=None)
    shares = [found.share[side] for side in (found.ring, ~found.ring)]
    said = " and ".join(percent(share.mean()) if share.size else "none" for share in shares)
    return judge(
        "Tc",
        "Even without a network, patterns that grow from the covariance of a target form more "
        "lattices, less chance, if its spectrum has a ring than if it has none.",
        talks.PATTERNS,
        f"{counts[0]} and {counts[1]} settings of targets",
        by_scores or evidence(found.small, "grid scores"),
        evidence(found.small, "p-values"),
        ["No patterns were grown." * (not found.ring.size)],
        "Patterns grow from noise by the dynamics that the covariance sets, with a ReLU, in an "
        "arena whose opposite walls are joined. Area below a ROC curve, as in Ta. Settings with "
        "nearly the same spectrum count as several, so the interval is too short. p ≤ 0.05 in "
        f"{said} of the patterns with a ring and without.",
    )


def periods_are_predicted(summary: xr.Dataset, theory: Theory) -> Claim:
    """Tb. How much nearer predictions are to measured periods than the best null is; `side`.

    The nulls are one period for all networks, the longest waves of the box, and the predictions of
    other networks. The estimate is the difference of mean absolute errors.
    """
    known = predictions.learnt(predictions.predictions(summary, theory))
    predicted, period = predictions.measured(known)
    found = compare_periods(predicted, period, summary.attrs["arena"])
    gains = {}
    for null in NULLS:
        value, low, high = found["gain"].sel(guess=null).values.tolist()
        gains[null] = Estimate(value, low, high, period.size)
    null, estimate = verdicts.least_favourable(gains, 1)
    distinct = np.unique(predicted).size
    few = (
        f"Needs periods of significant units at {FEWEST_PREDICTIONS} predicted periods, found "
        f"{distinct}."
    )
    errors = found["error"].sel(bound="estimate")
    said = ""
    if period.size:
        others = ", ".join(
            f"{words} {100 * float(errors.sel(guess=name)):.1f} cm" for name, words in NULLS.items()
        )
        said = (
            f" Mean absolute error: {100 * float(errors.sel(guess='predicted')):.1f} cm; of "
            f"{others}. The nearest rival is {NULLS[null]}. {_line(found)}"
        )
    return judge(
        "Tb",
        "The spectrum predicts the period of a network's grid cells better than one period for "
        "all, the longest waves of the box, or the predictions of other networks.",
        talks.PREDICTED_PERIOD,
        verdicts.counted(period.size),
        None,
        Evidence(estimate, "m", verdicts.side(1)),
        [few * (distinct < FEWEST_PREDICTIONS), unlearnt(summary)],
        f"Medians of significant units, in networks with three or more.{said}",
    )


def _line(found: xr.Dataset) -> str:
    """Slope, intercept and R² of measured on predicted periods with their intervals, in words."""
    names = {"slope": "Slope", "intercept": "intercept", "r_squared": "R²"}
    parts = []
    for name, words in names.items():
        value, low, high = found[name].values.tolist()
        unit = " m" * (name == "intercept")
        parts.append(f"{words} {value:.2f}{unit} [{low:.2f}, {high:.2f}]".replace("-", "−"))
    return f"{', '.join(parts)}."


def _shares(found: Predictions) -> str:
    """Mean shares of small p-values with a ring and without, in words; empty if none is known."""
    small = network_measures.small_p_values(found.networks)
    shares = [small[chosen & np.isfinite(small)] for chosen in (found.ring, ~found.ring)]
    if not all(share.size for share in shares):
        return ""
    means = [percent(share.mean()) for share in shares]
    return f" p ≤ 0.05 in {means[0]} of active units with a ring, in {means[1]} without."


TESTS = (rings_have_lattices, periods_are_predicted, patterns_have_lattices)
