"""Claims about all of a study's networks: Result 1 of the talk.

A function's docstring says what is estimated and by which rule of `verdicts` it is judged.
"""

import numpy as np
import xarray as xr

from nofreelunch import measures, reference, series, verdicts
from nofreelunch.claims_targets import NEGLIGIBLE, WORKING, Theory
from nofreelunch.verdicts import Claim, judge


def low_error(summary: xr.Dataset, theory: Theory) -> Claim:
    """R1a. Share of networks with low position error; `most`. Untestable with fewer than 10
    networks, or where none has low error, because then nothing was learnt."""
    low = series.trained(summary)["low_error"].values.astype(bool)
    limit, horizon = (summary.attrs[f"position_error_{k}"] for k in ("threshold", "horizon"))
    return judge(
        "R1a",
        f"Most networks learn to path-integrate (position error below {100 * limit:g} cm).",
        verdicts.of_share(low),
        verdicts.most,
        reference.LOW_ERROR,
        "share",
        verdicts.counted(low.size),
        [verdicts.few_networks(low.size), "" if low.any() else "No network has low error."],
        f"Mean error over {horizon:g} steps of held-out walks, by each target's own decoder. The "
        "share depends on which networks the study trains.",
    )


def few_have_grid_cells(summary: xr.Dataset, theory: Theory) -> Claim:
    """R1b. Share of the networks with low error whose highest grid score reaches the threshold;
    `few`. Untestable with fewer than 10 networks. Second: of those with a significant unit, which
    is evidence for few only where the surrogates could show a unit in a hundred."""
    networks = series.trained(summary)
    threshold = summary.attrs["grid_cell_threshold"]
    sentence = f"Few of those networks have grid cells (highest grid score at least {threshold:g})."
    working = int((networks["target"].values == WORKING).sum())
    composition = (
        f"{working} of the study's {networks.sizes['network']} networks have "
        "difference-of-softmaxes targets, and the share depends on that."
    )
    return _few_of("R1b", sentence, networks, composition)


def few_targets_have_grid_cells(summary: xr.Dataset, theory: Theory) -> Claim:
    """R1c. As R1b, of the networks that stand for each target, so that a study with many networks
    of one target does not decide it; `few`."""
    found = [series.of_target(summary, target) for target in series.targets(summary)]
    networks = xr.concat(found, "network", data_vars="all") if found else series.trained(summary)
    sentence = "Counting only the networks that stand for each target, few have grid cells."
    return _few_of("R1c", sentence, networks, f"{len(found)} targets.")


def _few_of(label: str, sentence: str, networks: xr.Dataset, composition: str) -> Claim:
    networks = networks.isel(network=np.flatnonzero(networks["low_error"].values))
    has = networks["has_grid_cells"].values.astype(bool)
    fraction = measures.grid_fraction(networks)
    some = verdicts.of_share(fraction[np.isfinite(fraction)] > 0)
    fine = measures.least_fraction(networks) <= NEGLIGIBLE
    rule = verdicts.few if fine else verdicts.only_against(verdicts.few)
    chance = measures.some_unit_by_chance(networks)
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
        reference.GRID_CELLS,
        "share",
        verdicts.counted(has.size),
        [verdicts.few_networks(has.size)],
        f"{composition} The highest of many scores grows with the number of units{expected}. A "
        "significant unit is in at most 5 % of networks by chance.",
        second=verdicts.Second(some, "share", rule),
    )


TESTS = (low_error, few_have_grid_cells, few_targets_have_grid_cells)
