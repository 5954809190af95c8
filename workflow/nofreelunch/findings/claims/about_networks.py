"""Claims about all networks of a study: Result 1 of the talk.

The docstring of each function names the estimate and the rule of `verdicts` that judges it.
"""

import numpy as np
import xarray as xr

from nofreelunch.findings import comparisons, network_measures, talks, verdicts
from nofreelunch.findings.claims.about_targets import NEGLIGIBLE, WORKING, Theory
from nofreelunch.findings.verdicts import Claim, judge


def low_error(summary: xr.Dataset, theory: Theory) -> Claim:
    """R1a. Share of networks with low position error, judged by `most`.

    Untestable with fewer than 10 networks, or if no network has low error: then none has learnt.
    """
    low = comparisons.trained(summary)["low_error"].values.astype(bool)
    limit, horizon = (summary.attrs[f"position_error_{k}"] for k in ("threshold", "horizon"))
    return judge(
        "R1a",
        f"Most networks learn to path-integrate (position error below {100 * limit:g} cm).",
        verdicts.of_share(low),
        verdicts.most,
        talks.LOW_ERROR,
        "share",
        verdicts.counted(low.size),
        [verdicts.few_networks(low.size), "" if low.any() else "No network has low error."],
        f"Mean error over {horizon:g} steps of held-out walks, by each target's own decoder. The "
        "share depends on which networks the study trains.",
    )


def few_have_grid_cells(summary: xr.Dataset, theory: Theory) -> Claim:
    """R1b. Share of low-error networks with grid cells, judged by `few`.

    A network has grid cells if its highest grid score reaches the threshold. Untestable with fewer
    than 10 networks. The second estimate is the share of networks with a significant unit. It can
    support the claim only if there are enough surrogates to detect a grid fraction of 1 %.
    """
    networks = comparisons.trained(summary)
    threshold = summary.attrs["grid_cell_threshold"]
    sentence = f"Few of those networks have grid cells (highest grid score at least {threshold:g})."
    working = int((networks["target"].values == WORKING).sum())
    composition = (
        f"{working} of the study's {networks.sizes['network']} networks have "
        "difference-of-softmaxes targets, and the share depends on that."
    )
    return _few_of("R1b", sentence, networks, composition)


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
    return _few_of("R1c", sentence, networks, f"{len(found)} targets.")


def _few_of(label: str, sentence: str, networks: xr.Dataset, composition: str) -> Claim:
    networks = networks.isel(network=np.flatnonzero(networks["low_error"].values))
    has = networks["has_grid_cells"].values.astype(bool)
    fraction = network_measures.grid_fraction(networks)
    some = verdicts.of_share(fraction[np.isfinite(fraction)] > 0)
    fine = network_measures.least_fraction(networks) <= NEGLIGIBLE
    rule = verdicts.few if fine else verdicts.only_against(verdicts.few)
    chance = network_measures.some_unit_by_chance(networks)
    known = chance[np.isfinite(chance)]
    expected = (
        ", by chance too: if each unit were one of its surrogates, "
        f"{verdicts.percent(known.mean())} of these networks would pass"
        if known.size
        else ""
    )
    return judge(
        label,
        sentence,
        verdicts.of_share(has),
        verdicts.few,
        talks.GRID_CELLS,
        "share",
        verdicts.counted(has.size),
        [verdicts.few_networks(has.size)],
        f"{composition} The highest of many scores grows with the number of units{expected}. A "
        "significant unit is in at most 5 % of networks by chance.",
        second=verdicts.Second(some, "share", rule),
    )


TESTS = (low_error, few_have_grid_cells, few_targets_have_grid_cells)
