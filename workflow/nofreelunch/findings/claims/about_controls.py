"""Claims about controls: networks that differ in one thing from the reference networks.

The talk has no such networks, except those without place-cell targets. The docstring of each
function names the estimates and the rules of `verdicts` that judge them.
"""

import numpy as np
import xarray as xr

from nofreelunch.findings import comparisons, talks, verdicts
from nofreelunch.findings.claims.about_targets import (
    Theory,
    beats_chance,
    has_none,
    shares_differ,
)
from nofreelunch.findings.claims.obstacles import STAYING_ERROR, WORKING, no_chance, unlearnt
from nofreelunch.findings.verdicts import Claim, Evidence, judge, percent

UNTRAINED = "untrained networks"
REFERENCE = "reference networks"


def untrained_have_none(summary: xr.Dataset, theory: Theory) -> Claim:
    """Ca. Share of active units of untrained networks that may be lattices; `absence`, as R2b."""
    networks, limit = comparisons.untrained(summary), percent(talks.UNITS_DOS.value)
    return has_none(
        "Ca",
        f"Untrained networks have no grid cells: fewer than {limit} of the units.",
        talks.NO_CONTROL,
        networks,
        [no_chance(networks), verdicts.few_seeds(networks.sizes["network"])],
    )


def training_makes_them(summary: xr.Dataset, theory: Theory) -> Claim:
    """Cb. Grid-like units less chance of reference networks minus untrained ones; `contrast`."""
    return shares_differ(
        "Cb",
        "Trained networks have more grid-like units than untrained ones.",
        {REFERENCE: comparisons.select(summary), UNTRAINED: comparisons.untrained(summary)},
        talks.FROM_NOTHING,
        summary,
        as_drawn=[UNTRAINED],
    )


def coordinates_prevent_them(summary: xr.Dataset, theory: Theory) -> Claim:
    """Cc. Grid-like units less chance with coordinates as targets minus DoS; `contrast`."""
    return shares_differ(
        "Cc",
        "Path integration without place-cell targets gives fewer grid-like units: Cartesian "
        "against difference-of-softmaxes targets.",
        {
            "Cartesian targets": comparisons.of_target(summary, "cartesian"),
            REFERENCE: comparisons.of_target(summary, WORKING),
        },
        talks.FROM_COORDINATES,
        summary,
    )


def position_is_enough(summary: xr.Dataset, theory: Theory) -> Claim:
    """Cd. Grid-like units less chance of networks that are told the position; `contrast`.

    They have the reference networks' target and cannot path-integrate. Second: share of small
    p-values less the test's size; `side`.
    """
    networks = comparisons.told_position(summary)
    return beats_chance(
        "Cd",
        "Networks that are told the position, and only report it in the form of the target, have "
        "more grid-like units than chance.",
        talks.WITHOUT_INTEGRATION,
        networks,
        [no_chance(networks), verdicts.few_seeds(networks.sizes["network"]), unlearnt(summary)],
    )


def integration_adds_some(summary: xr.Dataset, theory: Theory) -> Claim:
    """Ce. Grid-like units less chance of reference networks minus those of Cd; `contrast`."""
    return shares_differ(
        "Ce",
        "Networks that path-integrate have more grid-like units than networks that are told the "
        "position.",
        {
            REFERENCE: comparisons.select(summary),
            "networks that are told the position": comparisons.told_position(summary),
        },
        talks.WITHOUT_INTEGRATION,
        summary,
    )


def grid_like_units_matter(summary: xr.Dataset, theory: Theory) -> Claim:
    """Cf. Position error without the units of the highest scores, less that without others; `side`.

    A tenth of the active units is silenced, and as many at random.
    """
    networks = comparisons.select(summary)
    error = networks["lesion_error"].transpose("lesion", "network")
    intact, highest, others = error.sel(lesion=["none", "highest_scores", "random"]).values
    words = ("intact", "without them", "without others")
    shown = ", ".join(
        f"{100 * np.mean(values):.1f} cm {said}"
        for said, values in zip(words, (intact, highest, others), strict=True)
        if values.size and np.isfinite(values).all()
    )
    return judge(
        "Cf",
        "Path integration suffers more when the units with the highest grid scores are silenced "
        "than when as many others are.",
        talks.NO_CONTROL,
        verdicts.counted(networks.sizes["network"]),
        Evidence(verdicts.over_seeds(highest - others), "m", verdicts.side(1)),
        None,
        [
            verdicts.few_seeds(networks.sizes["network"]),
            unlearnt(summary),
            _nothing_left(np.array([highest, others]), networks),
        ],
        f"A tenth of the active units of each reference network. Mean position error: {shown}."
        if shown
        else "",
        about_units=False,
    )


def rasters_give_more(summary: xr.Dataset, theory: Theory) -> Claim:
    """Cg. Grid-like units less chance with place cells on a raster minus the reference; `contrast`.

    The networks differ in the positions of their place cells, and perhaps in their number.
    """
    return shares_differ(
        "Cg",
        "Place cells on a raster give more grid-like units than place cells at random positions.",
        {
            "networks with place cells on a raster": comparisons.on_raster(summary),
            REFERENCE: comparisons.select(summary),
        },
        talks.AT_RANDOM,
        summary,
    )


def _nothing_left(errors: np.ndarray, networks: xr.Dataset) -> str:
    """Why lesions that both destroy path integration decide nothing; empty where one does not."""
    staying = STAYING_ERROR[networks.attrs["position_error_horizon"]]
    if not errors.size or not errors.mean(1).min() > staying:
        return ""
    return (
        f"Both lesions destroy path integration: errors are above the {100 * staying:.1f} cm of "
        "always answering the start."
    )


TESTS = (
    untrained_have_none,
    training_makes_them,
    coordinates_prevent_them,
    position_is_enough,
    integration_adds_some,
    grid_like_units_matter,
    rasters_give_more,
)
