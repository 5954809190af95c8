"""Claims about theory: whether the spectrum of a target says what its networks do.

The talk explains its results by such spectra, but sets them beside no trained network. The
docstring of each function names the estimates and the rules of `verdicts` that judge them.
"""

import numpy as np
import xarray as xr

from nofreelunch.findings import network_measures, predictions, talks, verdicts
from nofreelunch.findings.claims.about_targets import Theory, if_above_chance, unlearnt
from nofreelunch.findings.verdicts import Claim, Estimate, Evidence, judge, percent
from nofreelunch.theory.comparison import compare_periods

FEWEST_PREDICTIONS = 3  # distinct periods; with fewer, any line fits
NULLS = {
    "constant": "one period for all",
    "box": "the longest waves of the box",
    "shuffled": "predictions of other networks",
}


def rings_have_lattices(summary: xr.Dataset, theory: Theory) -> Claim:
    """Ta. Area below the ROC curve of "ring or none" against the networks' shares; `most`.

    The area is the chance that a target with a ring gives a larger share of grid-like units, less
    chance, than one without. A target counts once, with the mean of its networks. Second: the same
    of small p-values, if those of either kind are above chance at all.
    """
    found = predictions.predictions(summary, theory)
    small = network_measures.small_p_values(found.networks)
    first = predictions.sorted_by_ring(found, predictions.least_excess(found))
    sides = [found.networks.isel(network=np.flatnonzero(r)) for r in (found.ring, ~found.ring)]
    counts = [np.unique(found.target[side]).size for side in (found.ring, ~found.ring)]
    least = verdicts.FEWEST_SEEDS
    few = f"Needs {least} targets of each kind, found {min(counts)}." * (min(counts) < least)
    return judge(
        "Ta",
        "Targets whose spectrum has a ring give more grid-like units, less chance, than targets "
        "whose spectrum has none.",
        talks.PREDICTED_RING,
        f"{int(found.ring.sum())} and {int((~found.ring).sum())} networks of {counts[0]} and "
        f"{counts[1]} targets",
        Evidence(first, "area", verdicts.most),
        if_above_chance(
            Evidence(predictions.sorted_by_ring(found, small), "area", verdicts.most), *sides
        ),
        [few, unlearnt(summary)],
        "Area below a ROC curve: the chance that a target with a ring gives the larger share; 0.50 "
        "if the ring says nothing. A target counts once, with the mean of its networks."
        f"{_shares(small, found.ring)}",
    )


def periods_are_predicted(summary: xr.Dataset, theory: Theory) -> Claim:
    """Tb. How much nearer predictions are to measured periods than the best null is; `side`.

    The nulls are one period for all networks, the longest waves of the box, and the predictions of
    other networks. The estimate is the difference of mean absolute errors.
    """
    predicted, period = predictions.measured(predictions.predictions(summary, theory))
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
            f"{others}. The nearest rival is {NULLS[null]}."
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


def _shares(small: np.ndarray, ring: np.ndarray) -> str:
    """Mean shares of small p-values with a ring and without, in words; empty if none is known."""
    shares = [small[chosen & np.isfinite(small)] for chosen in (ring, ~ring)]
    if not all(share.size for share in shares):
        return ""
    means = [percent(share.mean()) for share in shares]
    return f" p ≤ 0.05 in {means[0]} of active units with a ring, in {means[1]} without."


TESTS = (rings_have_lattices, periods_are_predicted)
