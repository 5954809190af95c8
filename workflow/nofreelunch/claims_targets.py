"""Claims about targets and place cells: Results 1, 2, 5 and 6 of the talk.

A function's docstring says what is estimated and by which rule of `verdicts` it is judged. All
claims beyond the first result rest on networks with difference-of-softmaxes targets; where those
have not learnt to path-integrate, nothing about grid cells can be tested.
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
FEWEST_CELLS = 128  # place cells below which the spectrum is that of where they happen to lie

Theory = Sequence[xr.Dataset]


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
    `few`. Untestable with fewer than 10 networks."""
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


def gives_grid_cells(
    label: str, target: str, talk: Quantity, ending: str, summary: xr.Dataset, theory: Theory
) -> Claim:
    """R2a, R6b. Share of grid-like units less that of their surrogates, for one target; `contrast`
    with the share in the talk."""
    networks = series.of_target(summary, target)
    estimate = verdicts.over_seeds(measures.excess(networks))
    return judge(
        label,
        f"{series.TARGETS[target]} targets give more grid-like units than chance{ending}.",
        estimate,
        verdicts.contrast(talk.value),
        talk,
        "difference",
        verdicts.counted(estimate.count),
        [_no_chance(networks), verdicts.few_seeds(estimate.count), unlearnt(summary)],
        _levels(networks),
    )


def gives_none(label: str, target: str, summary: xr.Dataset, theory: Theory) -> Claim:
    """R2b to R2h. Share of grid-like units less that of their surrogates, for one target; `absence`
    with a tolerance of 1 percentage point."""
    networks = series.of_target(summary, target)
    estimate = verdicts.over_seeds(measures.excess(networks))
    return judge(
        label,
        f"{series.TARGETS[target]} targets give no more grid-like units than chance.",
        estimate,
        verdicts.absence(NEGLIGIBLE),
        reference.NO_UNITS,
        "difference",
        verdicts.counted(estimate.count),
        [_no_chance(networks), verdicts.few_seeds(estimate.count), unlearnt(summary)],
        _levels(networks),
    )


def realism_prevents(label: str, summary: xr.Dataset, theory: Theory) -> Claim:
    """R5a, R5b. Share of grid-like units with a setting of the talks less that with homogeneous
    place cells; `contrast` with the talk's difference."""
    setting, talk = PLACE_CELL_SETTINGS[label]
    kind, numbers = series.place_cell_label(setting).split("\n")
    return _shares_differ(
        label,
        f"Place cells with {kind} ({numbers}) give fewer grid-like units than homogeneous ones.",
        (series.select(summary, **setting), series.select(summary)),
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
        (series.of_target(summary, "difference_of_gaussians"), series.of_target(summary, WORKING)),
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
        f"{series.TARGETS[target]} targets have their largest spectral power {where}.",
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


def _few_of(label: str, sentence: str, networks: xr.Dataset, composition: str) -> Claim:
    networks = networks.isel(network=np.flatnonzero(networks["low_error"].values))
    has = networks["has_grid_cells"].values.astype(bool)
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
        f"{composition} The highest of many scores grows with the number of units{expected}.",
    )


def _shares_differ(
    label: str, sentence: str, sides: Sequence[xr.Dataset], talk: Quantity, summary: xr.Dataset
) -> Claim:
    threshold = summary.attrs["grid_cell_threshold"]
    first, second = (measures.share_above(networks, threshold) for networks in sides)
    estimate = verdicts.of_difference(first, second)
    means = [verdicts.percent(values.mean()) for values in (first, second) if values.size]
    return judge(
        label,
        sentence,
        estimate,
        verdicts.contrast(talk.value),
        talk,
        "difference",
        f"{first.size} and {second.size} networks",
        [verdicts.few_seeds(estimate.count), unlearnt(summary)],
        f"{means[0]} of units against {means[1]}." if len(means) == 2 else "",
    )


def unlearnt(summary: xr.Dataset) -> str:
    """The obstacle that the networks which should have grid cells did not learn, or nothing."""
    low = series.of_target(summary, WORKING)["low_error"].values.astype(bool)
    if not low.size:
        return "The study has no reference networks with difference-of-softmaxes targets."
    if low.mean() >= 0.5:
        return ""
    return (
        f"Only {low.sum()} of {low.size} reference networks with difference-of-softmaxes targets "
        "have low position error: too little was learnt."
    )


def _no_chance(networks: xr.Dataset) -> str:
    known = np.isfinite(measures.excess(networks))
    if networks.sizes["network"] and not known.any():
        return "No surrogates were scored at this threshold, so chance is not known."
    return ""


def _levels(networks: xr.Dataset) -> str:
    """Share of units, chance and position error, in words."""
    if not networks.sizes["network"]:
        return ""
    threshold, horizon = (
        networks.attrs[k] for k in ("grid_cell_threshold", "position_error_horizon")
    )
    share = verdicts.percent(measures.share_above(networks, threshold).mean())
    chance = measures.chance_above(networks, threshold)
    known = chance[np.isfinite(chance)]
    against = f", surrogates {verdicts.percent(known.mean())}" if known.size else ""
    error = float(networks["position_error"].sel(horizon=horizon).mean())
    return f"{share} of units{against}; position error {100 * error:.1f} cm."


_WITHOUT_RING = [t for t in series.TARGETS if t not in (WORKING, "general_difference_of_gaussians")]

TESTS = (
    low_error,
    few_have_grid_cells,
    few_targets_have_grid_cells,
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
