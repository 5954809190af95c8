"""Claims about targets and their place cells: Results 2, 5 and 6 of the talk.

The docstring of each function names the estimate and the rule of `verdicts` that judges it.

Claims about grid cells cannot be tested if the networks with difference-of-softmaxes targets have
not learnt to path-integrate. Their second estimate is the grid fraction. Claims about spectra
involve no network.
"""

import json
import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from nofreelunch.findings import comparisons, network_measures, talks, verdicts
from nofreelunch.findings.talks import Quantity
from nofreelunch.findings.verdicts import Claim, Estimate, judge

NEGLIGIBLE = 0.01  # a share of units this small counts as none
WORKING = "difference_of_softmaxes"
PLACE_CELL_SETTINGS: dict[str, tuple[dict[str, Any], Quantity]] = {
    "R5a": (talks.MILD_SETTING, talks.MILD_LOSS),
    "R5b": (talks.STRONG_SETTING, talks.STRONG_LOSS),
}
PUBLISHED_PLACE_CELLS = {
    "place_cell_width": 0.12,
    "surround": {"width_ratio": 2.0},
    "fields_per_cell": 1,
}
# Error, m, of always answering with the start of a walk: the mean distance from there over the
# first 20 or 50 steps of random walks. A limit of 0.1 m would be too strict: the decoder of
# equal-amplitude DoG is further off even for the exact target.
STAYING_ERROR = {20: 0.194, 50: 0.415}
FEWEST_CELLS = 128  # with fewer place cells, the spectrum depends on where they happen to lie

Theory = Sequence[xr.Dataset]
Test = Callable[[xr.Dataset, Theory], Claim]


def gives_grid_cells(
    label: str, target: str, talk: Quantity, ending: str, summary: xr.Dataset, theory: Theory
) -> Claim:
    """R2a, R6b. Excess of grid-like units over their surrogates, for one target; `contrast`.

    The excess is the share of grid-like units minus that of their surrogates. It is compared with
    the talk's share minus the same chance, because the talk did not subtract chance.
    """
    networks = comparisons.of_target(summary, target)
    chance = network_measures.chance_above(networks, summary.attrs["grid_cell_threshold"])
    known = chance[np.isfinite(chance)]
    effect = talk.value - float(known.mean()) if known.size else math.nan
    return _above_chance(
        label,
        target,
        f"give more grid-like units than chance{ending}",
        verdicts.contrast(effect),
        talk,
        summary,
        verdicts.side(1),
        "Chance is as high here as the reference." if effect <= 0 else "",
        f" The reference less this chance is {verdicts.percent(effect)}." if known.size else "",
    )


def gives_none(label: str, target: str, summary: xr.Dataset, theory: Theory) -> Claim:
    """R2b to R2h. Excess of grid-like units over their surrogates, for one target; `absence`.

    An excess of up to 1 percentage point counts as none. The grid fraction is the second estimate.
    With too few surrogates to detect a fraction this small, it can only speak against the claim.
    """
    rule, holds = verdicts.absence(NEGLIGIBLE), "give no more grid-like units than chance"
    second = (
        rule
        if network_measures.least_fraction(summary) <= NEGLIGIBLE
        else verdicts.only_against(rule)
    )
    return _above_chance(label, target, holds, rule, talks.NO_UNITS, summary, second)


def realism_prevents(label: str, summary: xr.Dataset, theory: Theory) -> Claim:
    """R5a, R5b. Effect of realistic place cells on the share of grid-like units; `contrast`.

    The share with a place-cell setting of the talks minus that with homogeneous place cells,
    compared with the talk's difference.
    """
    setting, talk = PLACE_CELL_SETTINGS[label]
    kind, numbers = comparisons.place_cell_label(setting).split("\n")
    return _shares_differ(
        label,
        f"Place cells with {kind} ({numbers}) give fewer grid-like units than homogeneous ones.",
        {
            f"place cells with {kind}": comparisons.select(summary, **setting),
            "homogeneous place cells": comparisons.select(summary),
        },
        talk,
        summary,
    )


def gaussians_prevent(summary: xr.Dataset, theory: Theory) -> Claim:
    """R6a. Effect of Gaussians instead of softmaxes on the share of grid-like units; `contrast`.

    The share with an equal-amplitude difference of Gaussians minus that with a difference of
    softmaxes, compared with the talk's difference.
    """
    return _shares_differ(
        "R6a",
        "An equal-amplitude difference of Gaussians gives fewer grid-like units than a difference "
        "of softmaxes.",
        {
            f"{comparisons.phrase(summary, target)} targets": comparisons.of_target(summary, target)
            for target in ("difference_of_gaussians", WORKING)
        },
        talks.DOG_LOSS,
        summary,
    )


def spectrum_peaks(
    label: str, target: str, talk: Quantity, summary: xr.Dataset, theory: Theory
) -> Claim:
    """R6c, R6d. Spatial frequency at which the target's power is largest; `near` the talk's.

    The tolerance is half a cycle per box. Untestable without a target that has the talk's place
    cells (0.12 m, width ratio 2), or with fewer than 128 of them.
    """
    found = comparisons.theory_of(theory, {"target": target, **PUBLISHED_PLACE_CELLS})
    cells = 0 if found is None else json.loads(found.attrs["spec"])["place_cells"]
    peak = math.nan if found is None else float(found["peak_mode"])
    where = "on a ring" if talk.value > 1 else "at the longest mode of the box, so not on a ring"
    return judge(
        label,
        f"{comparisons.phrase(summary, target)} targets have their largest spectral power {where}.",
        Estimate(peak, math.nan, math.nan, 1),
        verdicts.near(talk.value, tolerance=0.5),
        talk,
        "cycles per box",
        f"{cells} place cells",
        [
            ""
            if found is not None
            else "The study has no such target with the talk's place cells.",
            "" if cells >= FEWEST_CELLS else f"A spectrum needs {FEWEST_CELLS} place cells.",
        ],
        "Computed from the target alone; no network is involved.",
    )


def _above_chance(
    label: str,
    target: str,
    holds: str,
    rule: verdicts.Rule,
    talk: Quantity,
    summary: xr.Dataset,
    second: verdicts.Rule,
    hindrance: str = "",
    reason: str = "",
) -> Claim:
    """The claim that a target does what the words in `holds` say.

    `rule` judges the excess over surrogates; `second` judges the grid fraction.
    """
    networks = comparisons.of_target(summary, target)
    targets = f"{comparisons.phrase(summary, target)} targets"
    estimate = verdicts.over_seeds(network_measures.excess(networks))
    return judge(
        label,
        f"{targets} {holds}.",
        estimate,
        rule,
        talk,
        "difference",
        verdicts.counted(estimate.count),
        [
            _no_chance(networks),
            verdicts.few_seeds(estimate.count),
            unlearnt(summary),
            _stays(targets, networks),
        ],
        _levels(networks) + reason,
        [hindrance],
        verdicts.Second(
            verdicts.over_seeds(network_measures.grid_fraction(networks)), "share", second
        ),
    )


def _shares_differ(
    label: str, sentence: str, sides: dict[str, xr.Dataset], talk: Quantity, summary: xr.Dataset
) -> Claim:
    threshold = summary.attrs["grid_cell_threshold"]
    first, second = (
        network_measures.share_above(networks, threshold) for networks in sides.values()
    )
    estimate = verdicts.of_difference(first, second)
    means = [verdicts.percent(values.mean()) for values in (first, second) if values.size]
    fractions = [network_measures.grid_fraction(networks) for networks in sides.values()]
    return judge(
        label,
        sentence,
        estimate,
        verdicts.contrast(talk.value),
        talk,
        "difference",
        f"{first.size} and {second.size} networks",
        [
            verdicts.few_seeds(estimate.count),
            unlearnt(summary),
            *(_stays(name, networks) for name, networks in sides.items()),
        ],
        f"{means[0]} of units against {means[1]}{_against(fractions)}." if len(means) == 2 else "",
        [verdicts.no_grid_cells(first, second)],
        fraction_differs(fractions[0], fractions[1], talk),
    )


def fraction_differs(first: np.ndarray, second: np.ndarray, talk: Quantity) -> verdicts.Second:
    """Second estimate of a contrast: the difference between two sets of grid fractions.

    It is judged by `side`: does it have the sign of the talk's difference?
    """
    rule = verdicts.side(1 if talk.value > 0 else -1)
    return verdicts.Second(verdicts.of_difference(first, second), "difference", rule)


def _against(fractions: Sequence[np.ndarray]) -> str:
    known = [values[np.isfinite(values)] for values in fractions]
    if not all(values.size for values in known):
        return ""
    first, second = (verdicts.percent(values.mean()) for values in known)
    return f"; {first} of active units significant against {second}"


def unlearnt(summary: xr.Dataset) -> str:
    """Why claims about grid cells cannot be tested if the reference networks learnt nothing.

    Empty if they learnt something.
    """
    networks = comparisons.of_target(summary, WORKING)
    if not networks.sizes["network"]:
        return "The study has no reference networks with difference-of-softmaxes targets."
    return _stays("reference networks with difference-of-softmaxes targets", networks)


def _stays(name: str, networks: xr.Dataset) -> str:
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


def _no_chance(networks: xr.Dataset) -> str:
    known = np.isfinite(network_measures.excess(networks))
    if networks.sizes["network"] and not known.any():
        return "No surrogates were scored, so chance is not known."
    return ""


def _levels(networks: xr.Dataset) -> str:
    """Share of units, chance, grid fraction and position error, in words."""
    if not networks.sizes["network"]:
        return ""
    threshold, horizon = (
        networks.attrs[k] for k in ("grid_cell_threshold", "position_error_horizon")
    )
    share = verdicts.percent(network_measures.share_above(networks, threshold).mean())
    active = verdicts.mean_percent(network_measures.share_above_active(networks, threshold))
    chance = verdicts.mean_percent(network_measures.chance_above(networks, threshold))
    against = f", surrogates {chance}" if chance else ""
    fractions = (network_measures.grid_fraction(networks, of) for of in ("active", "present"))
    of_active, of_all = (verdicts.mean_percent(values) for values in fractions)
    small = verdicts.mean_percent(network_measures.small_p_values(networks))
    significant = f"significant {of_active} of active units, {of_all} of all; " if of_active else ""
    significant += f"p ≤ 0.05 in {small} of active units; " if small else ""
    counts = network_measures.unit_counts(networks)
    error = float(networks["position_error"].sel(horizon=horizon).mean())
    return (
        f"{share} of units ({active} of active ones){against}; {significant}{counts.present} units,"
        f" {counts.dead} dead and {counts.constant} constant; position error {100 * error:.1f} cm."
    )


_WITHOUT_RING = (
    "cartesian",
    "high_dim_cartesian",
    "polar",
    "high_dim_polar",
    "gaussian",
    "softmax_of_differences",
    "difference_of_gaussians",
)

TESTS: tuple[Test, ...] = (
    partial(gives_grid_cells, "R2a", WORKING, talks.UNITS_DOS, ""),
    *(partial(gives_none, f"R2{c}", t) for c, t in zip("bcdefgh", _WITHOUT_RING, strict=True)),
    partial(realism_prevents, "R5a"),
    partial(realism_prevents, "R5b"),
    gaussians_prevent,
    partial(
        gives_grid_cells,
        "R6b",
        "general_difference_of_gaussians",
        talks.EQUAL_AREA,
        ", though no softmax is involved",
    ),
    partial(spectrum_peaks, "R6c", WORKING, talks.SPECTRUM_DOS),
    partial(spectrum_peaks, "R6d", "difference_of_gaussians", talks.SPECTRUM_DOG),
)
