"""The sentences of Nayebi et al. on how well networks predict cells, tested on their model.

Their measure, the first of a claim, takes all units as they are, or equally many. The second takes
equally many principal components at equal variances. Seeds are the unit of replication, because
networks of one seed share populations of cells and controls: differences are averaged within seeds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import xarray as xr

from nofreelunch.findings import verdicts
from nofreelunch.findings.published.claim_parts import said
from nofreelunch.findings.published.groups_of_nayebi import (
    GATED,
    TRAINED,
    UNGATED,
    UNTRAINED,
    trained,
    untrained,
)
from nofreelunch.findings.published.model_measures import select, specs
from nofreelunch.findings.talks import Quantity
from nofreelunch.findings.verdicts import Claim, Estimate, Evidence, few_seeds, judge

NAYEBI = "Nayebi et al. (2021)"
UGRNN = (0.81, 0.69)  # predictivity by UGRNN with ReLU, trained and untrained
OURS = said("no such control", NAYEBI)
LIKE_MEC = ("recorded", "mixed")  # populations that stand for the cortex; the first that is there
CONTROLS = {"noise": "noise", "fourier": "plane waves", "place_cells": "place cells"}
FEWEST_NETWORKS = 6  # of a seed, for two slopes
PUBLISHED, UNITS, DIMENSION = "published", "equal_units", "equal_dimension"


def trained_predict_better(summary: xr.Dataset) -> Claim:
    """Na. Predictivity of the cortex's cells: trained less untrained networks; `side`.

    Of networks with the same cell, activation and seed.
    """
    cells = _like_cortex(summary)
    pairs = list(_pairs(summary))
    sides = [trained(summary), untrained(summary)]

    def gain(footing: str) -> Evidence:
        apart = [
            (seed, _scores(one, footing, cells)[0] - _scores(other, footing, cells)[0])
            for seed, one, other in pairs
        ]
        return _evidence(_of_seeds(apart))

    return judge(
        "Na",
        f"Trained networks predict {_named(cells)} better than untrained ones do.",
        Quantity(UGRNN[0] - UGRNN[1], "{} against {} for UGRNN with ReLU".format(*UGRNN), NAYEBI),
        f"{len(pairs)} pairs of {_seeds(*sides)} seeds",
        gain(PUBLISHED),
        gain(DIMENSION),
        [few_seeds(_seeds(*sides))],
        f"Trained: {_means(sides[0], cells)} Untrained: {_means(sides[1], cells)}",
        about_units=False,
    )


def gates_predict_untrained(summary: xr.Dataset) -> Claim:
    """Nb. Predictivity by untrained networks with gates less those without, ReLU; `side`."""
    drawn = select(summary, part=UNTRAINED, activation="relu")
    sides = select(drawn, cell=GATED), select(drawn, cell=UNGATED)
    cells = _like_cortex(summary)

    def gain(footing: str) -> Evidence:
        means = [_by_seed(side, lambda n: _scores(n, footing, cells)) for side in sides]
        shared = sorted(set(means[0]) & set(means[1]))
        return _evidence(np.array([means[0][seed] - means[1][seed] for seed in shared]))

    by_cell = " ".join(
        f"{cell.upper()}: {_means(networks, cells)}"
        for cell in (*GATED, UNGATED)
        if (networks := select(drawn, cell=cell)).sizes["network"]
    )
    return judge(
        "Nb",
        "Without training, networks with gates predict the cells better than those without.",
        Quantity(0.143, "GRU 0.66, LSTM 0.64, UGRNN 0.69, SRNN 0.52, with ReLU", NAYEBI),
        f"{_sizes(*sides)}, {_seeds(*sides)} seeds",
        gain(PUBLISHED),
        gain(DIMENSION),
        [few_seeds(_seeds(*sides))],
        by_cell,
        about_units=False,
    )


def grid_cells_need_trained_networks(summary: xr.Dataset) -> Claim:
    """Nc. Predictivity of grid cells by trained networks less that by each control; `side`.

    Of the differences from noise, plane waves and place cells, the one that supports the claim
    least. First at equal units, second at equal dimension.
    """
    found = trained(summary)

    def least(footing: str) -> Evidence:
        return _weakest(_apart(found, footing, "grid", source) for source in CONTROLS)

    return judge(
        "Nc",
        "Trained networks predict grid cells better than noise with their spectrum, plane waves "
        "and the place cells of their target.",
        OURS,
        f"{_sizes(found)}, {_seeds(found)} seeds",
        least(UNITS),
        least(DIMENSION),
        [few_seeds(_seeds(found)), _without(summary, "grid")],
        " ".join(
            f"{name}: {_mean(found, UNITS, 'grid', source):.2f} at equal units, "
            f"{_mean(found, DIMENSION, 'grid', source):.2f} at equal dimension.".capitalize()
            for source, name in {"network": "networks", **CONTROLS}.items()
        ),
        about_units=False,
    )


def grid_cells_are_predicted_best(summary: xr.Dataset) -> Claim:
    """Nd. Gain of grid cells over cells without grids, by itself and less noise's; `side`.

    Noise has the spectrum of the networks' maps. The weaker of the two decides. First at equal
    units, second at equal dimension.
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


def dimension_or_lattices(summary: xr.Dataset) -> Claim:
    """Nf. Which predictivity follows, over the networks of a seed: dimension or lattices; `side`.

    Predictivity at equal units is regressed on the logarithm of the participation ratio and on the
    share of units with small p-values, all standardised within the seed. The estimate is the size
    of the first slope less that of the second.
    """
    cells = _like_cortex(summary)
    networks = select(summary, part=(*TRAINED, UNTRAINED))
    seeds = sorted({spec["seed"] for spec in specs(networks)})
    slopes = [_slopes(select(networks, seed=seed), cells) for seed in seeds]
    known = np.array([pair for pair in slopes if pair is not None]).reshape(-1, 2)
    apart = np.abs(known[:, 0]) - np.abs(known[:, 1])
    means = known.mean(0) if len(known) else np.full(2, np.nan)
    dimension, lattices = (f"{slope:+.2f}".replace("-", "−") for slope in means)
    return judge(
        "Nf",
        "How well networks predict cells follows the dimension of their activity more than their "
        "share of units with p ≤ 0.05.",
        OURS,
        f"{_sizes(networks)}, {len(known)} seeds",
        Evidence(verdicts.over_seeds(apart), "score", verdicts.side(1)),
        None,
        [few_seeds(len(known))],
        f"Standardised slopes within seeds: {dimension} on the logarithm of the participation "
        f"ratio, {lattices} on the share of units with p ≤ 0.05."
        if len(known)
        else "",
        about_units=False,
    )


def _slopes(networks: xr.Dataset, cells: str) -> np.ndarray | None:
    """Slopes (2,) of predictivity on dimension and on lattices; None where they are not known."""
    values = np.stack(
        [
            np.log(networks["participation_ratio"].sel(source="network").values),
            networks["small_p_share"].values,
            _scores(networks, UNITS, cells),
        ],
        axis=1,
    )
    values = values[np.isfinite(values).all(axis=1)]
    if len(values) < FEWEST_NETWORKS or (np.ptp(values, axis=0) == 0).any():
        return None
    values = (values - values.mean(0)) / values.std(0)
    return np.linalg.lstsq(values[:, :2], values[:, 2], rcond=None)[0]


def _gain(summary: xr.Dataset, label: str, sentence: str, other: str) -> Claim:
    found, drawn = trained(summary), untrained(summary)

    def gain(networks: xr.Dataset, footing: str, source: str = "network") -> np.ndarray:
        return _scores(networks, footing, "grid", source) - _scores(
            networks, footing, other, source
        )

    def beyond(footing: str) -> Evidence:
        own = _by_seed(found, lambda n: gain(n, footing))
        apart = _by_seed(found, lambda n: gain(n, footing) - gain(n, footing, "noise"))
        return _weakest(np.array(list(values.values())) for values in (own, apart))

    gains = {
        "trained": gain(found, UNITS),
        "their noise": gain(found, UNITS, "noise"),
        "untrained": gain(drawn, UNITS),
    }
    return judge(
        label,
        sentence,
        OURS,
        f"{_sizes(found)}, {_seeds(found)} seeds",
        beyond(UNITS),
        beyond(DIMENSION),
        [few_seeds(_seeds(found)), _without(summary, "grid"), _without(summary, other)],
        f"Grid cells over the others at equal units: {_listed(gains)}.",
        about_units=False,
    )


def _pairs(summary: xr.Dataset) -> Iterator[tuple[int, xr.Dataset, xr.Dataset]]:
    """Each trained network with the untrained one of its cell, activation and seed."""
    found, drawn = trained(summary), untrained(summary)
    for number, spec in enumerate(specs(found)):
        keys = {key: spec[key] for key in ("cell", "activation", "seed")}
        other = select(drawn, **keys)
        if other.sizes["network"]:
            yield spec["seed"], found.isel(network=[number]), other


def _of_seeds(values: list[tuple[int, float]]) -> np.ndarray:
    """Means (seed,) of the known values of each seed."""
    seeds = sorted({seed for seed, value in values if np.isfinite(value)})
    return np.array(
        [np.mean([v for s, v in values if s == seed and np.isfinite(v)]) for seed in seeds]
    )


def _by_seed(networks: xr.Dataset, measure: Callable[[xr.Dataset], np.ndarray]) -> dict[int, float]:
    """Mean of a measure (network,) over the networks of each seed that have it."""
    values = measure(networks)
    pairs = [(spec["seed"], value) for spec, value in zip(specs(networks), values, strict=True)]
    seeds = sorted({seed for seed, value in pairs if np.isfinite(value)})
    return dict(zip(seeds, _of_seeds(pairs), strict=True))


def _apart(networks: xr.Dataset, footing: str, population: str, source: str) -> np.ndarray:
    """Predictivity (seed,) by networks less that by one of their controls."""
    found = _by_seed(
        networks,
        lambda n: _scores(n, footing, population) - _scores(n, footing, population, source),
    )
    return np.array(list(found.values()))


def _evidence(values: np.ndarray) -> Evidence:
    return Evidence(verdicts.over_seeds(values), "score", verdicts.side(1))


def _weakest(differences: Iterator[np.ndarray]) -> Evidence:
    """Evidence that all differences (seed,) are positive: of that which supports it least.

    A difference below zero decides against it, whatever the others are.
    """
    found: list[Estimate] = [verdicts.over_seeds(values) for values in differences]
    against = [estimate for estimate in found if estimate.high < 0]
    shown = min(against or found, key=lambda e: np.nan_to_num(e.low, nan=-np.inf))
    return Evidence(shown, "score", verdicts.side(1))


def _scores(
    networks: xr.Dataset, footing: str, population: str, source: str = "network"
) -> np.ndarray:
    """Predictivity (network,); NaN for a population that is not there."""
    found = networks["predictivity"].sel(footing=footing, source=source)
    if population not in found["population"]:
        return np.full(found.sizes["network"], np.nan)
    return found.sel(population=population).values


def _named(population: str) -> str:
    """What a sentence calls the cells that stand for the cortex."""
    recorded = population == "recorded"
    return "the recorded cells" if recorded else "synthetic cells, mixed as in entorhinal cortex,"


def _like_cortex(summary: xr.Dataset) -> str:
    return next((name for name in LIKE_MEC if name in summary["population"]), LIKE_MEC[0])


def _without(summary: xr.Dataset, population: str) -> str:
    there = population in summary["population"]
    return "" if there else f"There is no population {population.replace('_', ' ')}."


def _seeds(*sides: xr.Dataset) -> int:
    """Number of seeds that all sides have."""
    return len(set.intersection(*({spec["seed"] for spec in specs(side)} for side in sides)))


def _sizes(*sides: xr.Dataset) -> str:
    return " and ".join(str(side.sizes["network"]) for side in sides) + " networks"


def _mean(networks: xr.Dataset, footing: str, population: str, source: str = "network") -> float:
    scores = _scores(networks, footing, population, source)
    return float(np.nanmean(scores)) if np.isfinite(scores).any() else float("nan")


def _means(networks: xr.Dataset, population: str) -> str:
    return (
        f"{_mean(networks, PUBLISHED, population):.2f}, "
        f"{_mean(networks, UNITS, population):.2f} at equal units, "
        f"{_mean(networks, DIMENSION, population):.2f} at equal dimension."
    )


def _listed(gains: dict[str, np.ndarray]) -> str:
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
    dimension_or_lattices,
)
