"""The sentences of Banino et al., tested on networks with and without dropout.

The paper calls a unit of the bottleneck grid-like if its gridness exceeds 0.37. The paper does not
give the inner radius of the rings; estimates by its measure are for 6.4 of 32 bins, that of the
released code. Gridness is the paper's here, with the extremes over angles.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import xarray as xr

from nofreelunch.errors import refused
from nofreelunch.findings import verdicts
from nofreelunch.findings.published.claim_parts import UPDATES
from nofreelunch.findings.published.groups_of_banino import of_banino
from nofreelunch.findings.published.model_measures import specs
from nofreelunch.findings.talks import Quantity
from nofreelunch.findings.verdicts import (
    Claim,
    Estimate,
    Evidence,
    Rule,
    counted,
    few_seeds,
    judge,
    mean_percent,
)
from nofreelunch.scoring.grid_modules import FEWEST
from nofreelunch.scoring.ring_radii import CRITERIA, FIXED, INNER_RADII
from nofreelunch.scoring.significance import LEVEL

BANINO = "Banino et al. (2018)"
REPLICATION = "a re-implementation (grid-cells-torch)"
KIND = "bottleneck_lstm"
RADIUS = 6.4  # bins; that of the released code
FACTOR = 1.5  # within which a share counts as the paper's
GRID_LIKE = Quantity(0.252, "25.2 % of 512 units, one network", BANINO)
NO_GRIDS = Quantity(0.252, "25.2 % with dropout, none without", BANINO)
ERRORS = Quantity(0.75, "16 cm trained, 91 cm untrained", BANINO)
RADII = Quantity(0.164, "4.3 % from 4 bins on, 20.7 % from 12, one network", REPLICATION)
MODULES = Quantity(3, "3 modules: 47, 70 and 106 cm", BANINO)
NAMES = {
    FIXED: "0.37",
    "phase": "their own 95 % of random maps of their spectrum",
    "shuffle": "their own 95 % of shuffled fields",
}


def share_grid_like(
    networks: xr.Dataset, criterion: str = FIXED, inner_radius: float = RADIUS
) -> np.ndarray:
    """Share (network,) of units that are grid-like by a criterion and an inner radius (bins).

    Raises ValueError, with one line, for one that was not measured.
    """
    found = networks["grid_like_by_radius"].sel(definition="min_max")
    for name, value in (("criterion", criterion), ("inner_radius", inner_radius)):
        if value not in found[name].values:
            allowed = ", ".join(map(str, found[name].values))
            raise refused(name, f"{value}", allowed)
    return found.sel(criterion=criterion, inner_radius=inner_radius).values


def error_at_end(networks: xr.Dataset) -> np.ndarray:
    """Position error (network,), m, in the last step of walks as long as those of training."""
    steps = {spec["sequence_length"] for spec in specs(networks)}
    return networks["error_by_step"].values[:, max(steps, default=1) - 1]


def errors_fall(summary: xr.Dataset) -> Claim:
    """Ba. Error at 15 s of untrained networks less that of trained ones; `contrast`."""
    groups = dict(of_banino(summary))
    trained, drawn = groups["dropout"], groups["untrained"]
    ends = [error_at_end(networks) for networks in (drawn, trained)]
    return judge(
        "Ba",
        "After 15 s, position is decoded better than in untrained networks.",
        ERRORS,
        f"{counted(ends[1].size)} and {ends[0].size} untrained",
        Evidence(verdicts.of_difference(*ends), "m", verdicts.contrast(ERRORS.value)),
        None,
        [few_seeds(min(end.size for end in ends))],
        f"Errors at 15 s: {100 * _known(ends[1]):.0f} cm trained, {100 * _known(ends[0]):.0f} cm "
        f"untrained, {100 * _known(error_at_end(groups['no dropout'])):.0f} cm without dropout, by "
        "the three most active place cells.",
        about_units=False,
    )


def a_quarter_is_grid_like(summary: xr.Dataset) -> Claim:
    """Bb. Share of grid-like units, within a factor of 1.5 of the paper's; and beyond chance.

    The first decides only where all inner radii agree. Second: share of units whose score at 60
    degrees has a p-value of at most 0.05, less 5 %.
    """
    found = dict(of_banino(summary))["dropout"]
    rule = _about(GRID_LIKE.value)
    by_radius = [rule(verdicts.over_seeds(share_grid_like(found, FIXED, r))) for r in INNER_RADII]
    agree = "" if len(set(by_radius)) == 1 else "The verdict depends on the inner radius."
    return judge(
        "Bb",
        "A quarter of the units of the bottleneck are grid-like.",
        GRID_LIKE,
        counted(found.sizes["network"]),
        Evidence(verdicts.over_seeds(share_grid_like(found)), "share", rule, agree),
        Evidence(_beyond_chance(found), "difference", verdicts.side(1)),
        [few_seeds(found.sizes["network"])],
        f"{_by_radius(found)} LSTM before the bottleneck, above 0.37: {_of_lstm(found)}.",
    )


def dropout_is_needed(summary: xr.Dataset) -> Claim:
    """Bc. Shares of networks without dropout: beyond untrained networks, and beyond chance.

    A share beyond these speaks against the claim, after any number of updates. It is reproduced
    where there is none, networks with dropout have more, and updates are as many as the paper's.
    """
    with_it, without, drawn = (networks for _, networks in of_banino(summary))
    shares = [share_grid_like(networks) for networks in (with_it, without, drawn)]
    chance = [networks["small_p_share"].values for networks in (with_it, without)]
    counts = [networks.sizes["network"] for networks in (with_it, without, drawn)]
    enough = min((spec["steps"] for spec in specs(without)), default=0) >= UPDATES[KIND]
    more, beyond = (verdicts.of_difference(*both[:2]).low > 0 for both in (shares, chance))
    return judge(
        "Bc",
        "Without dropout, no units are grid-like.",
        NO_GRIDS,
        f"{counts[0]} and {counts[1]} networks, and {counts[2]} untrained",
        Evidence(verdicts.of_difference(*shares[1:]), "difference", _none_without(enough and more)),
        Evidence(_beyond_chance(without), "difference", _none_without(enough and beyond)),
        [few_seeds(min(counts))],
        f"Above 0.37, from {RADIUS:g} bins on: {_text(shares[0])} with, "
        f"{_text(shares[1])} without dropout, {_text(shares[2])} untrained. With p ≤ 0.05: "
        f"{_text(chance[0])} with, {_text(chance[1])} without dropout; chance has 5 %. "
        + (
            "" if enough else f"That there are none shows nothing before {UPDATES[KIND]:,} updates."
        ),
    )


def _none_without(shown: bool) -> Rule:
    """Not reproduced if the estimate lies above zero; else reproduced if `shown`."""

    def rule(estimate: Estimate) -> str:
        if estimate.low > 0:
            return verdicts.NOT_REPRODUCED
        known = np.isfinite(estimate.low)
        return verdicts.REPRODUCED if shown and known else verdicts.UNTESTABLE

    return rule


def the_radius_decides(summary: xr.Dataset) -> Claim:
    """Bd. Share of grid-like units from 12 bins on, less that from 4, in a network; `contrast`.

    From 4 bins on there are seven rings, and from 12 on four, of which the best counts.
    """
    found = dict(of_banino(summary))["dropout"]
    ends = [share_grid_like(found, FIXED, radius) for radius in (INNER_RADII[-1], INNER_RADII[0])]
    return judge(
        "Bd",
        "The larger the inner radius, which the paper does not give, the more units are grid-like.",
        RADII,
        counted(found.sizes["network"]),
        Evidence(
            verdicts.over_seeds(ends[0] - ends[1]), "difference", verdicts.contrast(RADII.value)
        ),
        None,
        [few_seeds(found.sizes["network"])],
        _by_radius(found),
    )


def there_are_three_modules(summary: xr.Dataset) -> Claim:
    """Be. Share of networks whose significant units have three grid modules; more than half?

    A network counts if it has the 10 significant units that `count_modules` needs.
    """
    found = dict(of_banino(summary))["dropout"]
    units = found["modules_units"].values
    enough = units >= FEWEST
    three = found["modules"].values[enough] == MODULES.value
    few = few_seeds(int(enough.sum()))
    most = int(np.nanmax(units, initial=0))
    return judge(
        "Be",
        "The periods of the grid-like units form three discrete modules.",
        MODULES,
        counted(int(enough.sum())),
        None,
        Evidence(verdicts.of_share(three, np.zeros(three.size)), "share", verdicts.most),
        [
            few
            and f"{few} A module needs {FEWEST} units with significant lattices, and no network "
            f"has more than {most}."
            if most < FEWEST
            else few
        ],
    )


def _known(values: np.ndarray) -> float:
    return float(np.nanmean(values)) if np.isfinite(values).any() else float("nan")


def _text(share: np.ndarray) -> str:
    return mean_percent(share) or "unknown"


def _about(value: float) -> Rule:
    """Is a share the paper's `value`, within `FACTOR`?"""
    rule = verdicts.agreement(FACTOR)

    def of_share(e: Estimate) -> str:
        return rule(e._replace(value=e.value / value, low=e.low / value, high=e.high / value))

    return of_share


def _beyond_chance(networks: xr.Dataset) -> Estimate:
    return verdicts.over_seeds(networks["small_p_share"].values - LEVEL)


def _by_radius(networks: xr.Dataset) -> str:
    """Mean shares of grid-like units by each inner radius and criterion, as text."""
    radii = ", ".join(f"{radius:g}" for radius in INNER_RADII)
    shares = "; ".join(
        f"{', '.join(_text(share_grid_like(networks, name, radius)) for radius in INNER_RADII)} "
        f"above {NAMES[name]}"
        for name in CRITERIA
    )
    return f"With rings from {radii} bins on: {shares}."


def _of_lstm(networks: xr.Dataset) -> str:
    shares = networks["lstm_grid_like_by_radius"].sel(definition="min_max")
    return _text(shares.sel(inner_radius=RADIUS).values)


TESTS: tuple[Callable[[xr.Dataset], Claim], ...] = (
    errors_fall,
    a_quarter_is_grid_like,
    dropout_is_needed,
    the_radius_decides,
    there_are_three_modules,
)
