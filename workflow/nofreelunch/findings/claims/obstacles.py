"""What stands in the way of claims about units, in words; empty texts where nothing does.

Networks may have learnt nothing, chance may not be known, or the test could not find lattices.
"""

import math
from collections.abc import Iterable, Mapping

import numpy as np
import xarray as xr

from nofreelunch.findings import comparisons, network_measures, verdicts
from nofreelunch.findings.verdicts import Evidence

WORKING = "difference_of_softmaxes"
# Error, m, of always answering with the start of a walk: the mean distance from there over the
# first 20 or 50 steps of random walks. A limit of 0.1 m would be too strict: the decoder of
# equal-amplitude DoG is further off even for the exact target.
STAYING_ERROR = {20: 0.194, 50: 0.415}
NO_SMALL_P = "No share of small p-values is above chance, and chance differs between kinds of maps."
NO_GRID_LIKE = "Neither side has more grid-like units than chance."


def if_above_chance(evidence: Evidence, *groups: xr.Dataset) -> Evidence:
    """A comparison of small p-values, which decides only if some group has more than chance.

    About 5 % of units without a lattice pass, and fewer where maps have few fields. Kinds of
    networks without any lattice therefore differ, too.
    """
    shares = map(network_measures.calibrated_share, groups)
    return _if_some_above(evidence, shares, NO_SMALL_P)


def if_beyond_chance(evidence: Evidence, kind: str, *groups: xr.Dataset) -> Evidence:
    """A comparison of grid-like units less chance, which decides only if some group has more.

    Otherwise it would compare nothing with nothing. Chance is that of one kind of surrogates.
    """
    shares = (network_measures.excess(networks, kind) for networks in groups)
    return _if_some_above(evidence, shares, NO_GRID_LIKE)


def _if_some_above(evidence: Evidence, shares: Iterable[np.ndarray], why: str) -> Evidence:
    """The evidence; stopped by `why` if it would decide though no mean share is above zero."""
    above = any(verdicts.over_seeds(share).low > 0 for share in shares)
    if above or evidence.verdict == verdicts.UNTESTABLE:
        return evidence
    return evidence._replace(obstacle=why)


def if_seen(evidence: Evidence, sides: Mapping[str, xr.Dataset], sign: int) -> Evidence:
    """A comparison of small p-values, which decides only if the test could find lattices.

    On some side the share must be above chance. On the side with fewer, the test must not be blind.
    `sign` is the direction of the claim, the first side less the second.
    """
    evidence = if_above_chance(evidence, *sides.values())
    if evidence.obstacle:
        return evidence
    second_has_fewer = (sign > 0) != (evidence.verdict == verdicts.NOT_REPRODUCED)
    return evidence._replace(obstacle=blind(*list(sides.items())[second_has_fewer]))


def blind(name: str, networks: xr.Dataset) -> str:
    """Why few small p-values of some networks say nothing; empty where they say something."""
    if not network_measures.blind(networks):
        return ""
    return (
        f"With {name}, perfect lattices of the units' fields would not pass the test either, so "
        "few p ≤ 0.05 say nothing."
    )


def unlearnt(summary: xr.Dataset) -> str:
    """Why claims about grid cells cannot be tested if the reference networks learnt nothing.

    Empty if they learnt something.
    """
    networks = comparisons.of_target(summary, WORKING)
    if not networks.sizes["network"]:
        return "The study has no reference networks with difference-of-softmaxes targets."
    return stays("reference networks with difference-of-softmaxes targets", networks)


def of_networks(summary: xr.Dataset, target: str, networks: xr.Dataset) -> list[str]:
    """Why nothing can be said about the units of a target; empty texts where something can."""
    return [
        no_chance(networks),
        verdicts.few_seeds(networks.sizes["network"]),
        unlearnt(summary),
        stays(f"{comparisons.phrase(networks, target)} targets", networks),
    ]


def stays(name: str, networks: xr.Dataset) -> str:
    """Why networks that do no better than answering with the start decide nothing; else empty."""
    horizon = networks.attrs["position_error_horizon"]
    errors = networks["position_error"].sel(horizon=horizon).values
    error, staying = np.median(errors) if errors.size else math.nan, STAYING_ERROR[horizon]
    if error < staying or math.isnan(error):
        return ""
    return (
        f"{name[0].upper()}{name[1:]}: nothing was learnt, the median position error of "
        f"{100 * error:.1f} cm over {horizon} steps is not below the {100 * staying:.1f} cm of "
        "always answering the start."
    )


def no_chance(networks: xr.Dataset) -> str:
    """Why networks whose units were not set against surrogates decide nothing; else empty."""
    known = np.isfinite(network_measures.excess(networks))
    if networks.sizes["network"] and not known.any():
        return "No surrogates were scored, so chance is not known."
    return ""
