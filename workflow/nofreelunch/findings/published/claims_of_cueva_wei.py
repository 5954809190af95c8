"""The sentences of Cueva & Wei on what leaky networks need for lattices, and on walls."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import xarray as xr

from nofreelunch.findings import verdicts
from nofreelunch.findings.published.claim_parts import (
    angles_apart,
    both_counted,
    by_lattice,
    errors_text,
    lattices_differ,
    means_by_seed,
    more_lattices,
    of_seeds,
    said,
    shares_beyond,
)
from nofreelunch.findings.published.groups_of_cueva_wei import SHAPES, WITH_ALL, effects, trained
from nofreelunch.findings.published.model_measures import BORDER, lattice_share, mean, select
from nofreelunch.findings.verdicts import Claim, Evidence, counted, few_seeds, judge

CUEVA_WEI = "Cueva & Wei (2018)"
STABLE = 1.25  # ratio of errors below which the longer walk's counts as the same


def integrate_for_long(summary: xr.Dataset) -> Claim:
    """Wa. Error on walks ten times as long as training's, over that on such; `agreement`.

    A seed has the same first weights in every arena, so it counts once.
    """
    found = trained(summary, **WITH_ALL)
    error = found["position_error"]
    ratio = (error.sel(walks="longer") / error.sel(walks="trained")).values
    ratio = means_by_seed(found, ratio)
    return judge(
        "Wa",
        "The error stays as small on walks ten times as long as those of training.",
        said("stable for paths of 10,000 times the length", CUEVA_WEI),
        of_seeds(found),
        Evidence(verdicts.over_seeds(ratio), "ratio", verdicts.agreement(STABLE)),
        None,
        [few_seeds(ratio.size)],
        errors_text(found),
        about_units=False,
    )


def walls_correct(summary: xr.Dataset) -> Claim:
    """Wb. Error 20 to 50 steps after the last wall, less that in the step of a wall; `side`."""
    found = trained(summary, shape="square", **WITH_ALL)
    since = found["error_since_wall"]
    gain = (since.sel(since=20) - since.sel(since=0)).values
    return judge(
        "Wb",
        "Contact with a wall lowers the error.",
        said("lower after contact, by a plot", CUEVA_WEI),
        counted(gain.size),
        Evidence(verdicts.over_seeds(gain), "m", verdicts.side(1)),
        None,
        [few_seeds(gain.size)],
        "Error 20 to 50 steps after the last contact, less that in the step of the contact. "
        "Contacts are at walls and the other steps mostly elsewhere, so that the place may matter "
        "as well.",
        about_units=False,
    )


def all_three_give_lattices(summary: xr.Dataset) -> Claim:
    """Wc. Share of units with any lattice or bands, with all ingredients; `side`.

    Less that of untrained networks, or less 5 % if that is larger.
    """
    found = trained(summary, shape="square", **WITH_ALL)
    drawn = select(summary, part="untrained", shape="square")
    share, untrained = lattice_share(found), lattice_share(drawn)
    return judge(
        "Wc",
        "With noise, still periods and a cost of activity, more units have lattices or bands than "
        "in untrained networks.",
        said("some grid-like and band-like units, by eye", CUEVA_WEI),
        both_counted([share, untrained]),
        None,
        more_lattices(share, untrained),
        [few_seeds(min(share.size, untrained.size))],
        f"{by_lattice(found)} Untrained: {by_lattice(drawn)} {errors_text(found)}",
    )


def _ingredient(label: str, name: str, key: str) -> Callable[[xr.Dataset], Claim]:
    """Wd to Wf. Share of lattices with all ingredients less that without one; `side`.

    The square decides, as in the paper's figures; the reason adds the effect in all arenas.
    """

    def test(summary: xr.Dataset) -> Claim:
        found = trained(summary, shape="square")
        sides = [select(found, **{**WITH_ALL, key: value}) for value in (WITH_ALL[key], 0.0)]
        shares = [lattice_share(networks) for networks in sides]
        return judge(
            label,
            f"Without {name}, fewer units have lattices or bands.",
            said(f"none without {name}", CUEVA_WEI),
            both_counted(shares),
            None,
            lattices_differ(shares_beyond(*shares), shares[0], "With all ingredients"),
            [few_seeds(min(share.size for share in shares))],
            f"With it: {by_lattice(sides[0])} Without it: {by_lattice(sides[1])} "
            f"{_effect_text(effects(summary, key))}",
        )

    return test


def _effect_text(apart: np.ndarray) -> str:
    """An ingredient's `effects` in words, with their mean."""
    if apart.size < 2:
        return ""
    mean, low, high = verdicts.over_seeds(apart)[:3]
    return (
        f"On average over {apart.size} combinations of the arena and the other two ingredients, it "
        f"changes the share of units with lattices or bands by {verdicts.points(mean, low, high)} "
        "(the interval is over combinations)."
    )


def borders_without_cost(summary: xr.Dataset) -> Claim:
    """Wg. Share of border cells without the cost of activity, less that with it; `side`."""
    found = trained(summary, shape="square")
    shares = [
        select(found, **{**WITH_ALL, "metabolic_cost": cost})["border_share"].values
        for cost in (0.0, WITH_ALL["metabolic_cost"])
    ]
    return judge(
        "Wg",
        "Without the cost of activity, more units are like border cells.",
        said("mostly border-like units, by eye", CUEVA_WEI),
        both_counted(shares),
        Evidence(verdicts.of_difference(*shares), "difference", verdicts.side(1)),
        None,
        [few_seeds(min(share.size for share in shares))],
        f"Border score above {BORDER}: {verdicts.mean_percent(shares[0])} of active units without, "
        f"{verdicts.mean_percent(shares[1])} with it.",
    )


def lattices_follow_the_arena(summary: xr.Dataset) -> Claim:
    """Wh. Square lattices in the square less those in hexagon and triangle, and scores; `side`.

    First: score at 90 degrees less that at 60, less the mean of untrained networks in the arena. A
    seed counts once on each side.
    """
    square = trained(summary, shape="square", **WITH_ALL)
    others = trained(summary, shape=SHAPES[1:], **WITH_ALL)
    drawn = [select(summary, part="untrained", shape=shape) for shape in ("square", SHAPES[1:])]
    apart = [
        means_by_seed(side, angles_apart(side) - mean(untrained["mean_90"] - untrained["mean_60"]))
        for side, untrained in zip((square, others), drawn, strict=True)
    ]
    shares = [means_by_seed(side, lattice_share(side, "square")) for side in (square, others)]
    return judge(
        "Wh",
        "Lattices follow the arena: square ones are more frequent in the square than in the "
        "hexagon and the triangle.",
        said("rectangular in the square, more hexagonal in the others, by eye", CUEVA_WEI),
        of_seeds(square, others),
        Evidence(verdicts.of_difference(*apart), "score", verdicts.side(1)),
        lattices_differ(shares_beyond(*shares), shares[0], "In the square"),
        [few_seeds(min(share.size for share in shares))],
        f"Square: {by_lattice(square)} Hexagon and triangle: {by_lattice(others)} Scores depend "
        "on an arena's outline: those of untrained networks there are taken off.",
    )


TESTS = (
    integrate_for_long,
    walls_correct,
    all_three_give_lattices,
    _ingredient("Wd", "noise", "noise"),
    _ingredient("We", "still periods", "stillness"),
    _ingredient("Wf", "the cost of activity", "metabolic_cost"),
    borders_without_cost,
    lattices_follow_the_arena,
)
