"""Claims about targets and place cells: Results 2, 5 and 6 of the talk.

A function's docstring says what is estimated and by which rule of `verdicts` it is judged. All
claims but those of spectra rest on networks with difference-of-softmaxes targets; where those
have not learnt to path-integrate, nothing about grid cells can be tested. The second estimate of
all claims but those of spectra is the grid fraction.
"""

import json
import math
from collections.abc import Sequence
from functools import partial

import numpy as np
import xarray as xr

from nofreelunch import measures, reference, series, verdicts
from nofreelunch.reference import Quantity
from nofreelunch.verdicts import Claim, Estimate, judge

NEGLIGIBLE = 0.01  # share of units above chance that is called none
WORKING = "difference_of_softmaxes"
PLACE_CELL_SETTINGS = {
    "R5a": (reference.MILD_SETTING, reference.MILD_LOSS),
    "R5b": (reference.STRONG_SETTING, reference.STRONG_LOSS),
}
PUBLISHED_PLACE_CELLS = {
    "place_cell_width": 0.12,
    "surround": {"width_ratio": 2.0},
    "fields_per_cell": 1,
}
# Error, m, of always answering where a walk started: its mean distance from there over the first 20
# or 50 steps of the random walks. A tenth of a metre would ask too much of equal-amplitude DoG,
# whose decoder is 0.13 m off even for the exact target.
STAYING_ERROR = {20: 0.194, 50: 0.415}
FEWEST_CELLS = 128  # place cells below which the spectrum is that of where they happen to lie

Theory = Sequence[xr.Dataset]


def gives_grid_cells(
    label: str, target: str, talk: Quantity, ending: str, summary: xr.Dataset, theory: Theory
) -> Claim:
    """R2a, R6b. Share of grid-like units less that of their surrogates, for one target; `contrast`
    with the talk's share less the same chance, which the talk did not take off."""
    networks = series.of_target(summary, target)
    chance = measures.chance_above(networks, summary.attrs["grid_cell_threshold"])
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
    """R2b to R2h. Share of grid-like units less that of their surrogates, for one target; `absence`
    with a tolerance of 1 percentage point. The grid fraction can only speak against it where it is
    too coarse to be so small and not zero."""
    rule, holds = verdicts.absence(NEGLIGIBLE), "give no more grid-like units than chance"
    second = rule if measures.least_fraction(summary) <= NEGLIGIBLE else verdicts.only_against(rule)
    return _above_chance(label, target, holds, rule, reference.NO_UNITS, summary, second)


def realism_prevents(label: str, summary: xr.Dataset, theory: Theory) -> Claim:
    """R5a, R5b. Share of grid-like units with a setting of the talks less that with homogeneous
    place cells; `contrast` with the talk's difference."""
    setting, talk = PLACE_CELL_SETTINGS[label]
    kind, numbers = series.place_cell_label(setting).split("\n")
    return _shares_differ(
        label,
        f"Place cells with {kind} ({numbers}) give fewer grid-like units than homogeneous ones.",
        {
            f"place cells with {kind}": series.select(summary, **setting),
            "homogeneous place cells": series.select(summary),
        },
        talk,
        summary,
    )


def gaussians_prevent(summary: xr.Dataset, theory: Theory) -> Claim:
    """R6a. Share of grid-like units, equal-amplitude difference of Gaussians less difference of
    softmaxes; `contrast` with the talk's difference."""
    return _shares_differ(
        "R6a",
        "An equal-amplitude difference of Gaussians gives fewer grid-like units than a difference "
        "of softmaxes.",
        {
            f"{series.phrase(summary, target)} targets": series.of_target(summary, target)
            for target in ("difference_of_gaussians", WORKING)
        },
        reference.DOG_LOSS,
        summary,
    )


def spectrum_peaks(
    label: str, target: str, talk: Quantity, summary: xr.Dataset, theory: Theory
) -> Claim:
    """R6c, R6d. Radius at which the target's spectrum is largest; `near` the talk's, within half a
    cycle per box. Untestable without the talk's place cells (0.12 m, width ratio 2), or with
    fewer than 128 of them."""
    found = series.theory_of(theory, {"target": target, **PUBLISHED_PLACE_CELLS})
    cells = 0 if found is None else json.loads(found.attrs["spec"])["place_cells"]
    peak = math.nan if found is None else float(found["peak_mode"])
    where = "on a ring" if talk.value > 1 else "at the longest mode of the box, so not on a ring"
    return judge(
        label,
        f"{series.phrase(summary, target)} targets have their largest spectral power {where}.",
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
    """The claim that targets do what `holds` says, judged by the excess over surrogates, or else by
    the grid fraction and the rule `second`."""
    networks = series.of_target(summary, target)
    targets = f"{series.phrase(summary, target)} targets"
    estimate = verdicts.over_seeds(measures.excess(networks))
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
        verdicts.Second(verdicts.over_seeds(measures.grid_fraction(networks)), "share", second),
    )


def _shares_differ(
    label: str, sentence: str, sides: dict[str, xr.Dataset], talk: Quantity, summary: xr.Dataset
) -> Claim:
    threshold = summary.attrs["grid_cell_threshold"]
    first, second = (measures.share_above(networks, threshold) for networks in sides.values())
    estimate = verdicts.of_difference(first, second)
    means = [verdicts.percent(values.mean()) for values in (first, second) if values.size]
    fractions = [measures.grid_fraction(networks) for networks in sides.values()]
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
        fraction_differs(*fractions, talk),
    )


def fraction_differs(first: np.ndarray, second: np.ndarray, talk: Quantity) -> verdicts.Second:
    """The difference of two sets of grid fractions, judged by the `side` of the talk's effect."""
    rule = verdicts.side(1 if talk.value > 0 else -1)
    return verdicts.Second(verdicts.of_difference(first, second), "difference", rule)


def _against(fractions: Sequence[np.ndarray]) -> str:
    known = [values[np.isfinite(values)] for values in fractions]
    if not all(values.size for values in known):
        return ""
    first, second = (verdicts.percent(values.mean()) for values in known)
    return f"; {first} of active units significant against {second}"


def unlearnt(summary: xr.Dataset) -> str:
    """The obstacle that the networks which should have grid cells did not learn, or nothing."""
    networks = series.of_target(summary, WORKING)
    if not networks.sizes["network"]:
        return "The study has no reference networks with difference-of-softmaxes targets."
    return _stays("reference networks with difference-of-softmaxes targets", networks)


def _stays(name: str, networks: xr.Dataset) -> str:
    """The obstacle that networks do no better than to answer where the walk started, or nothing."""
    horizon = networks.attrs["position_error_horizon"]
    error = networks["position_error"].sel(horizon=horizon).values
    error, staying = np.median(error) if error.size else math.nan, STAYING_ERROR[horizon]
    if error < staying or math.isnan(error):
        return ""
    return (
        f"{name[0].upper()}{name[1:]}: nothing was learnt, the median position error of "
        f"{100 * error:.1f} cm over {horizon} steps is not below the {100 * staying:.1f} cm of "
        "always answering the start."
    )


def _no_chance(networks: xr.Dataset) -> str:
    known = np.isfinite(measures.excess(networks))
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
    share = verdicts.percent(measures.share_above(networks, threshold).mean())
    active = verdicts.mean_percent(measures.share_above_active(networks, threshold))
    chance = verdicts.mean_percent(measures.chance_above(networks, threshold))
    against = f", surrogates {chance}" if chance else ""
    fractions = (measures.grid_fraction(networks, of) for of in ("active", "present"))
    of_active, of_all = (verdicts.mean_percent(values) for values in fractions)
    small = verdicts.mean_percent(measures.small_p_values(networks))
    significant = f"significant {of_active} of active units, {of_all} of all; " if of_active else ""
    significant += f"p ≤ 0.05 in {small} of active units; " if small else ""
    counts = measures.unit_counts(networks)
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

TESTS = (
    partial(gives_grid_cells, "R2a", WORKING, reference.UNITS_DOS, ""),
    *(partial(gives_none, f"R2{c}", t) for c, t in zip("bcdefgh", _WITHOUT_RING, strict=True)),
    partial(realism_prevents, "R5a"),
    partial(realism_prevents, "R5b"),
    gaussians_prevent,
    partial(
        gives_grid_cells,
        "R6b",
        "general_difference_of_gaussians",
        reference.EQUAL_AREA,
        ", though no softmax is involved",
    ),
    partial(spectrum_peaks, "R6c", WORKING, reference.SPECTRUM_DOS),
    partial(spectrum_peaks, "R6d", "difference_of_gaussians", reference.SPECTRUM_DOG),
)
