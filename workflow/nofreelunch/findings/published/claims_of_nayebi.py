"""The sentences of Nayebi et al. on how well networks predict cells, tested on their model.

Their measure, the first of a claim, takes all units as they are. The second takes principal
components of equally many units with one participation ratio. Networks are the unit of replication,
and each seed of these has populations of cells of its own.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr

from nofreelunch.findings import verdicts
from nofreelunch.findings.published.claim_parts import said
from nofreelunch.findings.published.groups_of_nayebi import (
    GATED,
    UNGATED,
    UNTRAINED,
    trained,
    untrained,
)
from nofreelunch.findings.published.model_measures import select
from nofreelunch.findings.talks import Quantity
from nofreelunch.findings.verdicts import Claim, Evidence, few_seeds, judge

NAYEBI = "Nayebi et al. (2021)"
LIKE_MEC = ("recorded", "mixed")  # populations that stand for the cortex; the first that is there
CONTROLS = {"noise": "noise", "fourier": "plane waves", "place_cells": "place cells"}
PUBLISHED, UNITS, DIMENSION = "published", "equal_units", "equal_dimension"


def trained_predict_better(summary: xr.Dataset) -> Claim:
    """Na. Predictivity of the cortex's cells by trained networks less untrained ones; `side`."""
    sides = trained(summary), untrained(summary)
    cells = _like_cortex(summary)
    return judge(
        "Na",
        "Trained networks predict the cells of entorhinal cortex better than untrained ones.",
        Quantity(0.12, "0.81 against 0.69 for UGRNN with ReLU", NAYEBI),
        _sizes(*sides),
        _differ(PUBLISHED, cells, *sides),
        _differ(DIMENSION, cells, *sides),
        [_few(*sides)],
        f"Trained: {_means(sides[0], cells)} Untrained: {_means(sides[1], cells)}",
        about_units=False,
    )


def gates_predict_untrained(summary: xr.Dataset) -> Claim:
    """Nb. Predictivity by untrained networks with gates less those without, ReLU; `side`."""
    drawn = select(summary, part=UNTRAINED, activation="relu")
    sides = select(drawn, cell=GATED), select(drawn, cell=UNGATED)
    cells = _like_cortex(summary)
    by_cell = " ".join(
        f"{cell.upper()}: {_means(select(drawn, cell=cell), cells)}" for cell in (*GATED, UNGATED)
    )
    return judge(
        "Nb",
        "Without training, networks with gates predict the cells better than those without.",
        Quantity(0.155, "0.66 and 0.69 against 0.52, with ReLU", NAYEBI),
        _sizes(*sides),
        _differ(PUBLISHED, cells, *sides),
        _differ(DIMENSION, cells, *sides),
        [_few(*sides)],
        by_cell,
        about_units=False,
    )


def grid_cells_need_trained_networks(summary: xr.Dataset) -> Claim:
    """Nc. Predictivity of grid cells by trained networks less the best control of each; `side`.

    Of the differences from noise, plane waves and place cells, the one that supports the claim
    least. First at equal units, second at equal dimension.
    """
    found = trained(summary)

    def least(footing: str) -> Evidence:
        own = _scores(found, footing, "grid")
        apart = {
            name: verdicts.over_seeds(own - _scores(found, footing, "grid", source))
            for source, name in CONTROLS.items()
        }
        return Evidence(verdicts.least_favourable(apart, 1)[1], "score", verdicts.side(1))

    return judge(
        "Nc",
        "Trained networks predict grid cells better than noise with their spectrum, plane waves "
        "and the place cells that they learned.",
        said("that predictivity follows being like the cortex", NAYEBI),
        _sizes(found),
        least(UNITS),
        least(DIMENSION),
        [_few(found), _without(summary, "grid")],
        " ".join(
            f"{name}: {_mean(found, UNITS, 'grid', source):.2f} at equal units, "
            f"{_mean(found, DIMENSION, 'grid', source):.2f} at equal dimension.".capitalize()
            for source, name in {"network": "networks", **CONTROLS}.items()
        ),
        about_units=False,
    )


def grid_cells_are_predicted_best(summary: xr.Dataset) -> Claim:
    """Nd. Gain of grid cells over cells without grids: trained networks' less noise's; `side`.

    Noise has the spectrum of the networks' maps. First at equal units, second at equal dimension.
    """
    return _gain(
        summary,
        "Nd",
        "Trained networks predict grid cells better than border and irregular cells, and more so "
        "than noise does.",
        "no_grid",
    )


def lattices_are_predicted_best(summary: xr.Dataset) -> Claim:
    """Ne. As Nd, of grid cells over cells with their spectrum and rates but without a lattice."""
    return _gain(
        summary,
        "Ne",
        "Trained networks predict grid cells better than cells of the same spectrum without a "
        "lattice, and more so than noise does.",
        "like_grid",
    )


def _gain(summary: xr.Dataset, label: str, sentence: str, other: str) -> Claim:
    found, drawn = trained(summary), untrained(summary)

    def gain(networks: xr.Dataset, footing: str, source: str = "network") -> np.ndarray:
        return _scores(networks, footing, "grid", source) - _scores(
            networks, footing, other, source
        )

    def beyond(footing: str) -> Evidence:
        apart = gain(found, footing) - gain(found, footing, "noise")
        return Evidence(verdicts.over_seeds(apart), "score", verdicts.side(1))

    gains = {
        "trained": gain(found, UNITS),
        "their noise": gain(found, UNITS, "noise"),
        "untrained": gain(drawn, UNITS),
    }
    return judge(
        label,
        sentence,
        said("that grid cells are among the cells that networks explain", NAYEBI),
        _sizes(found),
        beyond(UNITS),
        beyond(DIMENSION),
        [_few(found), _without(summary, "grid"), _without(summary, other)],
        f"Grid cells over the others at equal units: {_listed(gains)}.",
        about_units=False,
    )


def _scores(
    networks: xr.Dataset, footing: str, population: str, source: str = "network"
) -> np.ndarray:
    """Predictivity (network,); NaN for a population that is not there."""
    found = networks["predictivity"].sel(footing=footing, source=source)
    if population not in found["population"]:
        return np.full(found.sizes["network"], np.nan)
    return found.sel(population=population).values


def _differ(footing: str, population: str, *sides: xr.Dataset) -> Evidence:
    scores = [_scores(side, footing, population) for side in sides]
    return Evidence(verdicts.of_difference(*scores), "score", verdicts.side(1))


def _like_cortex(summary: xr.Dataset) -> str:
    return next((name for name in LIKE_MEC if name in summary["population"]), LIKE_MEC[0])


def _without(summary: xr.Dataset, population: str) -> str:
    there = population in summary["population"]
    return "" if there else f"There is no population {population.replace('_', ' ')}."


def _few(*sides: xr.Dataset) -> str:
    return few_seeds(min(side.sizes["network"] for side in sides))


def _sizes(*sides: xr.Dataset) -> str:
    return " and ".join(str(side.sizes["network"]) for side in sides) + " networks"


def _mean(networks: xr.Dataset, footing: str, population: str, source: str = "network") -> float:
    scores = _scores(networks, footing, population, source)
    return float(np.nanmean(scores)) if np.isfinite(scores).any() else float("nan")


def _means(networks: xr.Dataset, population: str) -> str:
    return (
        f"{_mean(networks, PUBLISHED, population):.2f}, at equal dimension "
        f"{_mean(networks, DIMENSION, population):.2f}."
    )


def _listed(gains: Mapping[str, np.ndarray]) -> str:
    known = {name: values[np.isfinite(values)] for name, values in gains.items()}
    return ", ".join(
        f"{name} {values.mean() if values.size else np.nan:+.2f}".replace("-", "−")
        for name, values in known.items()
    )


TESTS = (
    trained_predict_better,
    gates_predict_untrained,
    grid_cells_need_trained_networks,
    grid_cells_are_predicted_best,
    lattices_are_predicted_best,
)
