"""Claims about all networks of a study: Result 1 of the talk.

The docstring of each function names the estimates and the rules of `verdicts` that judge them.
"""

import math

import numpy as np
import xarray as xr

from nofreelunch.findings import comparisons, network_measures, talks, verdicts
from nofreelunch.findings.claims.about_targets import Theory, passing
from nofreelunch.findings.verdicts import Claim, Evidence, judge

NEGLIGIBLE = 0.01  # a grid fraction this small counts as none
DECIDED_BY_CHANCE = (
    0.5  # share of networks with a high score by chance, from which scores say nothing
)


def low_error(summary: xr.Dataset, theory: Theory) -> Claim:
    """R1a. Share of networks with low position error, judged by `most`.

    Untestable with fewer than 10 networks, or if no network has low error: then none has learnt.
    """
    networks = comparisons.trained(summary)
    low = networks["low_error"].values.astype(bool)
    limit, horizon = (summary.attrs[f"position_error_{k}"] for k in ("threshold", "horizon"))
    return judge(
        "R1a",
        f"Most networks learn to path-integrate (position error below {100 * limit:g} cm).",
        talks.LOW_ERROR,
        verdicts.counted(low.size),
        Evidence(
            verdicts.of_share(low, comparisons.configurations(networks)), "share", verdicts.most
        ),
        None,
        [verdicts.few_networks(low.size), "" if low.any() else "No network has low error."],
        f"Mean error over {horizon:g} steps of held-out walks, by each target's own decoder. The "
        f"share depends on which networks the study trains: {_composition(networks)}.",
        about_units=False,
    )


def few_have_grid_cells(summary: xr.Dataset, theory: Theory) -> Claim:
    """R1b. Share of low-error networks with grid cells, judged by `few`.

    A network has grid cells if its highest grid score reaches the threshold. Untestable with fewer
    than 10 networks, or if half of them would pass by chance. Second: share of networks with a
    significant unit. It can support the claim only if there are enough surrogates to detect a grid
    fraction of 1 %.
    """
    threshold = summary.attrs["grid_cell_threshold"]
    sentence = f"Few of those networks have grid cells (highest grid score at least {threshold:g})."
    return _few_of("R1b", sentence, comparisons.trained(summary))


def few_targets_have_grid_cells(summary: xr.Dataset, theory: Theory) -> Claim:
    """R1c. As R1b, for the networks that stand for each target, judged by `few`.

    A target with many networks thus does not decide the claim.
    """
    found = [
        comparisons.of_target(summary, target) for target in comparisons.compared_targets(summary)
    ]
    networks = (
        xr.concat(found, "network", data_vars="all") if found else comparisons.trained(summary)
    )
    sentence = "Counting only the networks that stand for each target, few have grid cells."
    return _few_of("R1c", sentence, networks)


def _few_of(label: str, sentence: str, networks: xr.Dataset) -> Claim:
    networks = networks.isel(network=np.flatnonzero(networks["low_error"].values))
    threshold = networks.attrs["grid_cell_threshold"]
    has = networks["has_grid_cells"].values.astype(bool)
    chance = _by_chance(networks, threshold)
    decided = chance >= DECIDED_BY_CHANCE
    fraction = network_measures.grid_fraction(networks)
    alike, known = np.array(comparisons.configurations(networks)), np.isfinite(fraction)
    some = verdicts.of_share(fraction[known] > 0, alike[known])
    fine = network_measures.least_fraction(networks) <= NEGLIGIBLE
    rule = verdicts.few if fine else verdicts.only_against(verdicts.few)
    return judge(
        label,
        sentence,
        talks.GRID_CELLS,
        verdicts.counted(has.size),
        Evidence(
            verdicts.of_share(has, alike),
            "share",
            verdicts.few,
            "By chance alone, most networks have a score as high." if decided else "",
        ),
        Evidence(some, "share", rule),
        [verdicts.few_networks(has.size)],
        f"{_scores(networks, threshold)} {_scores(networks, talks.GRID_CELL_SCORE)} Chance is that "
        "of the surrogates that score higher. The highest of many scores grows with the number of "
        "units. A significant unit is in at most 5 % of networks by chance.",
    )


def _scores(networks: xr.Dataset, threshold: float) -> str:
    """How many networks reach a score, how many would by chance, and of which targets."""
    reach = networks["max_score"].values >= threshold
    if not reach.size:
        return ""
    chance = _by_chance(networks, threshold)
    expected = f", {verdicts.percent(chance)} by chance" if math.isfinite(chance) else ""
    composition = _composition(networks, reach)
    return f"At {threshold:g}: {verdicts.percent(reach.mean())}{expected} ({composition})."


def _by_chance(networks: xr.Dataset, threshold: float) -> float:
    """Mean probability that a network has a score above the threshold by chance; NaN if unknown."""
    chance = network_measures.some_unit_by_chance(networks, threshold)
    known = chance[np.isfinite(chance)]
    return float(known.mean()) if known.size else math.nan


def _composition(networks: xr.Dataset, reach: np.ndarray | None = None) -> str:
    """Per target, how many networks meet the error criterion, or `reach` something, of how many."""
    parts = []
    for target in comparisons.compared_targets(networks):
        of_target = networks["target"].values == target
        count = (
            passing(networks.isel(network=np.flatnonzero(of_target)))
            if reach is None
            else f"{int(reach[of_target].sum())} of {int(of_target.sum())}"
        )
        parts.append(f"{comparisons.phrase(networks, target)} {count}")
    return ", ".join(parts)


TESTS = (low_error, few_have_grid_cells, few_targets_have_grid_cells)
