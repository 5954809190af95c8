"""Numbers of the study that the story's fixed texts use, and what the study leaves open."""

import math
from collections.abc import Iterator, Sequence

import numpy as np
import xarray as xr

from nofreelunch.findings import comparisons, network_measures, verdicts
from nofreelunch.findings.claims import page
from nofreelunch.findings.power import POWER
from nofreelunch.findings.verdicts import Claim, percent


def facts(summary: xr.Dataset, claims: int) -> dict[str, str]:
    """Numbers of the study, by the names that the page's template has for them."""
    values, networks = summary.attrs, comparisons.trained(summary)
    units = network_measures.unit_counts(networks)
    chance = network_measures.chance_of_small_p(summary)
    targets = len(comparisons.compared_targets(summary))
    return {
        "networks": verdicts.counted(summary.sizes["network"]),
        "targets": f"{targets} target{'' if targets == 1 else 's'}",
        "units": f"{units.present:,}",
        "chance": percent(chance) if math.isfinite(chance) else "",
        "claims": f"{claims}",
        "arena": f"{values['arena']:g} m",
        "bin": f"{100 * values['bin_size']:g} cm",
        "threshold": f"{values['grid_cell_threshold']:g}",
        "error": f"{100 * values['position_error_threshold']:g} cm",
        "horizon": f"{values['position_error_horizon']}",
        "surrogates": f"{values['surrogates']:,}",
        "discoveries": percent(network_measures.DISCOVERY_RATE),
        "power": percent(POWER),
        "beta": f"{POWER:g}",
    }


def limits(summary: xr.Dataset, claims: Sequence[Claim]) -> Iterator[str]:
    """What the numbers of this study leave open, apart from its single claims: one text each."""
    networks, diverged = comparisons.trained(summary), int(summary["diverged"].sum())
    if diverged == summary.sizes["network"]:
        yield "Every network diverged, so nothing was measured."
        return
    if diverged:
        yield f"{verdicts.counted(diverged)} diverged: left out of every number."
    if not networks.sizes["network"]:
        yield "No network was trained to path-integrate, so no claim could be tested."
        return
    yield from _power(summary)
    yield from _unlearnt(summary)
    sizes = _range(networks["units_present"].values)
    steps = _range(np.array([spec["steps"] for spec in comparisons.specs(networks)]))
    yield (
        f"The networks have {sizes} units and were trained for {steps} steps. Larger networks that "
        "are trained for longer may do something else."
    )
    yield page.together(claims)
    yield "Nothing here was measured in an animal. The networks are models of path integration."


def _power(summary: xr.Dataset) -> Iterator[str]:
    """How many lattices of the default target the test may have missed."""
    target = comparisons.defaults(summary)["target"]
    networks = comparisons.of_target(summary, target)
    if not math.isfinite(summary.attrs["test_size"]):
        yield "No surrogates were scored, so no unit could be compared with chance."
    elif networks.sizes["network"]:
        found = network_measures.lattices(networks)
        if math.isfinite(found.power):
            bound = f"at most {percent(found.high)}" if found.high < 1 else "any number"
            yield (
                f"{comparisons.phrase(networks, target)} targets: the test finds "
                f"{percent(found.power)} of perfect lattices made of their units’ own fields. "
                f"With what it misses, {bound} of these units may be perfect lattices. Lattices "
                "with jitter pass less often, so more of them may be hidden."
            )


def _unlearnt(summary: xr.Dataset) -> Iterator[str]:
    """Which targets most networks have not learnt."""
    names = [
        comparisons.phrase(networks, target)
        for target, networks in comparisons.networks_by_target(summary).items()
        if not comparisons.learnt(networks)
    ]
    limit = 100 * summary.attrs["position_error_threshold"]
    if names:
        yield (
            f"Most networks of these targets miss the position error of {limit:g} cm, so their "
            f"units say little about networks that path-integrate: {', '.join(names)}."
        )


def _range(values: np.ndarray) -> str:
    low, high = int(values.min()), int(values.max())
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"
