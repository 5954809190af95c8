"""Claims about targets and their place cells: Results 2, 5 and 6 of the talk.

The docstring of each function names the estimates and the rules of `verdicts` that judge them. The
first is by units above a grid score, less the share of their surrogates; it is made for each kind
of surrogates, and the one that supports the claim least counts. The second is by p-values.

Claims about grid cells cannot be tested if the networks with difference-of-softmaxes targets have
not learnt to path-integrate. Claims about spectra involve no network.
"""

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cache, partial
from typing import Any

import numpy as np
import xarray as xr

from nofreelunch.findings import comparisons, network_measures, talks, verdicts
from nofreelunch.findings.claims.obstacles import (
    WORKING,
    blind,
    if_beyond_chance,
    if_seen,
    no_chance,
    of_networks,
    stays,
    unlearnt,
)
from nofreelunch.findings.talks import Quantity
from nofreelunch.findings.verdicts import Claim, Estimate, Evidence, judge
from nofreelunch.scoring.surrogates import LABELS
from nofreelunch.task.targets import build_target
from nofreelunch.theory.spectra import spectrum

PLACE_CELL_SETTINGS: dict[str, tuple[dict[str, Any], Quantity]] = {
    "R5a": (talks.MILD_SETTING, talks.MILD_LOSS),
    "R5b": (talks.STRONG_SETTING, talks.STRONG_LOSS),
}
TALK_CELLS = 512
DRAWS = 4  # of the positions of place cells; with as many cells all agree

Theory = Sequence[xr.Dataset]
Test = Callable[[xr.Dataset, Theory], Claim]


def gives_grid_cells(
    label: str, target: str, talk: Quantity, ending: str, summary: xr.Dataset, theory: Theory
) -> Claim:
    """R2a, R6b. Excess of grid-like units over their surrogates, for one target; `contrast`.

    The excess is compared with the talk's share less the same chance, because the talk did not
    subtract chance. Second: share of active units with small p-values less the test's size; `side`.
    """
    networks = comparisons.of_target(summary, target)
    name = f"{comparisons.phrase(networks, target)} targets"
    sentence = f"{name} give more grid-like units than chance{ending}."
    return beats_chance(label, sentence, talk, networks, of_networks(summary, target, networks))


def beats_chance(
    label: str, sentence: str, talk: Quantity, networks: xr.Dataset, obstacles: Sequence[str]
) -> Claim:
    """The claim that some networks have more grid-like units than chance, as R2a tests it."""
    kind, estimate = verdicts.least_favourable(excess_by_kind(networks), 1)
    chance = network_measures.chance_above(networks, networks.attrs["grid_cell_threshold"], kind)
    known = chance[np.isfinite(chance)]
    effect = talk.value - float(known.mean()) if known.size else math.nan
    high = "Chance is as high here as the reference." if effect <= 0 else ""
    share = verdicts.over_seeds(network_measures.calibrated_share(networks))
    calibrated = Evidence(share, "difference", verdicts.side(1))
    if calibrated.verdict != verdicts.REPRODUCED:
        calibrated = calibrated._replace(obstacle=blind("these networks", networks))
    levels = f"{_levels(networks)}{_by_kind(excess_by_kind(networks))}"
    if known.size:
        beyond = f"{100 * effect:+.1f}".replace("-", "−")
        levels += f" The reference less this chance is {beyond} points."
    return judge(
        label,
        sentence,
        talk,
        verdicts.counted(estimate.count),
        Evidence(estimate, "difference", verdicts.contrast(effect), high),
        calibrated,
        obstacles,
        levels,
    )


def gives_none(label: str, target: str, summary: xr.Dataset, theory: Theory) -> Claim:
    """R2b to R2h. Share of active units that may be lattices, for one target; `absence`.

    Its upper bound allows for the lattices that the test misses. It has to stay below the talk's
    share of grid-like units in networks that have grid cells. There is no first estimate: to be
    below chance is easy for maps of one or two fields, whose surrogates score high.
    """
    networks = comparisons.of_target(summary, target)
    limit = verdicts.percent(talks.UNITS_DOS.value)
    name = comparisons.phrase(networks, target)
    sentence = f"{name} targets give no grid cells: fewer than {limit} of the units."
    return has_none(
        label, sentence, talks.NO_UNITS, networks, of_networks(summary, target, networks)
    )


def has_none(
    label: str, sentence: str, talk: Quantity, networks: xr.Dataset, obstacles: Sequence[str]
) -> Claim:
    """The claim that some networks have no grid cells, as R2b tests it."""
    found = network_measures.lattices(networks)
    passed = network_measures.small_p_values(networks)
    count = int(np.isfinite(passed).sum())
    # Where no unit passes, the bound is that of a share of units, and not Student's.
    freedom = count - 1 if np.nansum(passed) else math.inf
    rule = verdicts.absence(talks.UNITS_DOS.value)
    return judge(
        label,
        sentence,
        talk,
        verdicts.counted(count),
        None,
        Evidence(Estimate(*found[:3], count, freedom), "share", rule),
        obstacles,
        f"{_levels(networks)}{_by_kind(excess_by_kind(networks))} The limit is the talk's share of "
        "grid-like units with difference-of-softmaxes targets.",
    )


def realism_prevents(label: str, summary: xr.Dataset, theory: Theory) -> Claim:
    """R5a, R5b. Effect of realistic place cells on grid-like units less chance; `contrast`.

    The excess with a place-cell setting of the talks minus that with homogeneous place cells,
    compared with the talk's difference. Second: the same of small p-values; `side`.
    """
    setting, talk = PLACE_CELL_SETTINGS[label]
    kind, numbers = comparisons.place_cell_label(setting).split("\n")
    return shares_differ(
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
    """R6a. Effect of Gaussians instead of softmaxes on grid-like units less chance; `contrast`.

    The excess with an equal-amplitude difference of Gaussians minus that with a difference of
    softmaxes, compared with the talk's difference. Second: the same of small p-values; `side`.
    """
    return shares_differ(
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

    The median over draws of where the talk's place cells lie. The tolerance is half a cycle per
    box. A study need not train the target.
    """
    peaks = _peak_modes(target)
    value = float(np.median(peaks))
    where = "on a ring" if talk.value > 1 else "at the longest mode of the box, so not on a ring"
    return judge(
        label,
        f"{comparisons.phrase(summary, target)} targets have their largest spectral power {where}.",
        talk,
        f"{TALK_CELLS} place cells",
        Evidence(
            Estimate(value, math.nan, math.nan, 1),
            "cycles per box",
            verdicts.near(talk.value, tolerance=0.5),
        ),
        None,
        [],
        "Computed from the target alone, with the talk's place cells (0.12 m, width ratio 2); no "
        f"network is involved. {peaks.count(value)} of {len(peaks)} draws of their places agree.",
        about_units=False,
    )


@cache
def _peak_modes(target: str) -> list[float]:
    """Radius of the largest power, cycles per box, for each draw of the talk's place cells."""
    spec = {"target": target, "place_cells": TALK_CELLS, **talks.PUBLISHED_SETTING}
    drawn = [spectrum(build_target(spec, seed)) for seed in range(DRAWS)]
    return [float(found["peak_mode"]) for found in drawn]


def shares_differ(
    label: str,
    sentence: str,
    sides: dict[str, xr.Dataset],
    talk: Quantity,
    summary: xr.Dataset,
    obstacles: Sequence[str] = (),
    as_drawn: Collection[str] = (),
) -> Claim:
    """The claim that networks of the first side have another share of grid cells than the second.

    The direction is that of the talk's difference. By grid score, both sides are taken less chance,
    and one must be above it (`if_beyond_chance`).
    By p-values, one side must be above chance, and the test must be able to find lattices on the
    side that turns out to have fewer (`if_seen`). By both, a network of the side that should have
    fewer counts as at chance where it is below: how far below says only how few fields its maps
    have. Sides in `as_drawn` were never trained; the others must have learnt something.
    """
    first, second = sides.values()
    sign = 1 if talk.value > 0 else -1
    found = {
        kind: _difference(
            [network_measures.excess(side, kind) for side in (first, second)], sign, 0
        )
        for kind in network_measures.kinds(summary)
    }
    kind, estimate = verdicts.least_favourable(found, sign)
    threshold = summary.attrs["grid_cell_threshold"]
    shares = [network_measures.share_above(networks, threshold) for networks in (first, second)]
    none = verdicts.no_grid_cells(*shares)
    by_score = Evidence(estimate, "difference", verdicts.contrast(talk.value), none)
    small = [network_measures.small_p_values(networks) for networks in (first, second)]
    small_p = _difference(small, sign, network_measures.chance_of_small_p(summary))
    known = all(share.size for share in shares)
    return judge(
        label,
        sentence,
        talk,
        f"{first.sizes['network']} and {second.sizes['network']} networks",
        if_beyond_chance(by_score, kind, first, second),
        if_seen(Evidence(small_p, "difference", verdicts.side(sign)), sides, sign),
        [
            *obstacles,
            *(no_chance(networks) for networks in sides.values()),
            verdicts.few_seeds(min(first.sizes["network"], second.sizes["network"])),
            unlearnt(summary),
            *(stays(name, networks) for name, networks in sides.items() if name not in as_drawn),
        ],
        f"{_sides(sides)}{_by_kind(found)}" if known else "",
    )


def _difference(shares: list[np.ndarray], sign: int, chance: float) -> Estimate:
    """The first shares less the second; those that should be smaller are `chance` at least."""
    first, second = shares
    if sign > 0:
        return verdicts.of_difference(first, np.maximum(second, chance))
    return verdicts.of_difference(np.maximum(first, chance), second)


def excess_by_kind(networks: xr.Dataset) -> dict[str, Estimate]:
    """Mean excess of grid-like units over each kind of surrogates."""
    return {
        kind: verdicts.over_seeds(network_measures.excess(networks, kind))
        for kind in network_measures.kinds(networks)
    }


def passing(networks: xr.Dataset) -> str:
    """How many networks meet the error criterion, as text, such as "3 of 4"."""
    return f"{int(networks['low_error'].sum())} of {networks.sizes['network']}"


def _by_kind(found: Mapping[str, Estimate]) -> str:
    """The estimates against each kind of surrogates, in words; empty if none is known."""
    known = {kind: e for kind, e in found.items() if math.isfinite(e.value)}
    against = (
        f"{verdicts.points(e.value, e.low, e.high)} against {LABELS.get(kind, kind)}"
        for kind, e in known.items()
    )
    return f" Less chance: {', '.join(against)}." if known else ""


def _sides(sides: Mapping[str, xr.Dataset]) -> str:
    """Share of grid-like units, small p-values and error criterion of two sides, in words."""
    parts = []
    for name, networks in sides.items():
        share = network_measures.share_above(networks, networks.attrs["grid_cell_threshold"])
        small = verdicts.mean_percent(network_measures.small_p_values(networks))
        parts.append(
            f"{name}: {verdicts.percent(share.mean())} of units, "
            + (f"p ≤ 0.05 in {small} of active ones{_power_text(networks)}, " if small else "")
            + f"{passing(networks)} networks meet the error criterion"
        )
    return f"{'; '.join(parts)}."


def _power_text(networks: xr.Dataset) -> str:
    power = network_measures.lattices(networks).power
    return f" ({verdicts.percent(power)} of perfect lattices would)" if math.isfinite(power) else ""


def _levels(networks: xr.Dataset) -> str:
    """Share of units, grid fraction, small p-values and errors of some networks, in words."""
    if not networks.sizes["network"]:
        return ""
    threshold, horizon = (
        networks.attrs[k] for k in ("grid_cell_threshold", "position_error_horizon")
    )
    share = verdicts.percent(network_measures.share_above(networks, threshold).mean())
    active = verdicts.mean_percent(network_measures.share_above_active(networks, threshold))
    small = verdicts.mean_percent(network_measures.small_p_values(networks))
    tested = ""
    if small:
        found = network_measures.lattices(networks)
        size = verdicts.percent(network_measures.chance_of_small_p(networks))
        tested = (
            f"p ≤ 0.05 in {small} of active ones, where chance has about {size} and perfect "
            f"lattices would have {verdicts.percent(found.power)}; "
            f"significant: {network_measures.fraction_text(networks)}; "
        )
    counts = network_measures.unit_counts(networks)
    error = float(networks["position_error"].sel(horizon=horizon).mean())
    return (
        f"{share} of units above {threshold:g} ({active} of active ones); {tested}"
        f"{counts.present} units, {counts.dead} dead and {counts.constant} constant; position "
        f"error {100 * error:.1f} cm, {passing(networks)} networks meet the criterion."
    )


TARGETS_WITHOUT_RING = {
    "R2b": "cartesian",
    "R2c": "high_dim_cartesian",
    "R2d": "polar",
    "R2e": "high_dim_polar",
    "R2f": "gaussian",
    "R2g": "softmax_of_differences",
    "R2h": "difference_of_gaussians",
}

TESTS: tuple[Test, ...] = (
    partial(gives_grid_cells, "R2a", WORKING, talks.UNITS_DOS, ""),
    *(partial(gives_none, label, target) for label, target in TARGETS_WITHOUT_RING.items()),
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
