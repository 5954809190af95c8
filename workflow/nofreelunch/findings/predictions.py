"""What theory predicts for each network of a study, beside what was measured."""

import json
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import xarray as xr
from scipy import stats

from nofreelunch.findings import comparisons, network_measures
from nofreelunch.findings.verdicts import Estimate
from nofreelunch.scoring.significance import LEVEL
from nofreelunch.task.catalogue import KEYS
from nofreelunch.theory.comparison import roc_area

RARE = 0.01  # how often chance gives so many patterns


class Predictions(NamedTuple):
    """Networks of a study, and what the spectra of their targets predict.

    `ring` (network,) says whether the power peaks on a ring, so that a lattice is predicted.
    `period` (network,) is that of the lattice, m; NaN where none is predicted. `target` (network,)
    has the keys of each network's target, as JSON.
    """

    networks: xr.Dataset
    ring: np.ndarray
    period: np.ndarray
    target: np.ndarray


class Patterns(NamedTuple):
    """What grows from each setting of a target without a network, with a ReLU.

    `ring` (setting,) as in `Predictions`. `share` (setting,) is the share of its patterns with a
    p-value of 0.05 or less. `small` (setting,) is the same less chance, and `excess` (setting,) the
    share above a grid score less that of their surrogates, by kind of these. Both are 0 where
    chance would give as many patterns in more than one case of a hundred.
    """

    ring: np.ndarray
    share: np.ndarray
    small: np.ndarray
    excess: dict[str, np.ndarray]


def patterns(theory: Sequence[xr.Dataset], arena: float, threshold: float) -> Patterns:
    """The patterns of the targets in `theory`, as `open_spectra` returns them.

    Targets that differ in the number of place cells alone are one setting.
    """
    settings: dict[str, list[xr.Dataset]] = {}
    for one in theory:
        if "p_value" in one:
            spec = json.loads(one.attrs["spec"]) | {"place_cells": None}
            settings.setdefault(json.dumps(spec), []).append(one.sel(activation="relu"))
    ring, share, small = [], [], []
    excess: dict[str, list[float]] = {}
    for alike in settings.values():
        ring.append(any(float(one["predicted_period"]) <= arena for one in alike))
        low = _joined([one["p_value"] for one in alike]) <= LEVEL
        share.append(low.mean())
        small.append(_beyond(low, LEVEL))
        above = _joined([one["score_60"] for one in alike]) > threshold
        for kind in alike[0]["kind"].values.tolist():
            scores = _joined([one["surrogate_score"].sel(kind=kind) for one in alike])
            scores = scores[np.isfinite(scores)]  # a map with nothing to shuffle has none
            chance = float((scores > threshold).mean()) if scores.size else 0.0
            excess.setdefault(kind, []).append(_beyond(above, chance))
    by_kind = {kind: np.array(values) for kind, values in excess.items()}
    return Patterns(np.array(ring, bool), np.array(share), np.array(small), by_kind)


def _joined(each: Sequence[xr.DataArray]) -> np.ndarray:
    return np.concatenate([values.values.ravel() for values in each])


def _beyond(passed: np.ndarray, chance: float) -> float:
    """Share of patterns that pass, less chance; 0 where chance could well give as many."""
    p = stats.binomtest(int(passed.sum()), passed.size, chance, alternative="greater").pvalue
    return float(passed.mean() - chance) if p <= RARE else 0.0


def small_p(found: xr.Dataset) -> float:
    """Share of the patterns (unit,) of a target and an activation with p ≤ 0.05."""
    return float(np.mean(found["p_value"].values <= LEVEL))


def typical(found: xr.Dataset) -> xr.Dataset:
    """Of the patterns (unit,) of a target and an activation, the one with the median score."""
    order = np.argsort(found["score_60"].values, kind="stable")
    return found.isel(unit=order[len(order) // 2])


def predictions(summary: xr.Dataset, theory: Sequence[xr.Dataset]) -> Predictions:
    """Predictions for all networks with the default cell and activation.

    Their targets and their recipes may be any. Networks whose targets have no spectrum in `theory`
    are left out. A ring whose lattice does not fit in the arena predicts none.
    """
    networks, wanted = comparisons.trained(summary), comparisons.defaults(summary)
    predicted: dict[str, float | None] = {}
    rows, targets = [], []
    for index, spec in enumerate(comparisons.specs(networks)):
        if any(spec[key] != wanted[key] for key in ("cell", "activation")):
            continue
        target = json.dumps({key: spec.get(key) for key in ("target", *KEYS)})
        if target not in predicted:
            dataset = comparisons.theory_of(theory, spec)
            predicted[target] = None if dataset is None else float(dataset["predicted_period"])
        if predicted[target] is not None:
            rows.append(index)
            targets.append(target)
    period = np.array([predicted[target] for target in targets], float)
    period = np.where(period <= summary.attrs["arena"], period, np.nan)
    chosen = networks.isel(network=rows)
    return Predictions(chosen, np.isfinite(period), period, np.array(targets, str))


def learnt(found: Predictions) -> Predictions:
    """What is left without the settings of targets that fewer than half of the networks learnt."""
    kept = np.zeros(found.target.size, bool)
    for target in np.unique(found.target):
        rows = np.flatnonzero(found.target == target)
        kept[rows] = comparisons.learnt(found.networks.isel(network=rows))
    networks = found.networks.isel(network=np.flatnonzero(kept))
    return Predictions(networks, *(values[kept] for values in found[1:]))


def seen_small_p(found: Predictions) -> np.ndarray:
    """Shares of small p-values (network,), or chance if that is larger.

    NaN without a ring where the test is blind.
    """
    chance = network_measures.chance_of_small_p(found.networks)
    small = np.maximum(network_measures.small_p_values(found.networks), chance)
    for target in np.unique(found.target[~found.ring]):
        rows = np.flatnonzero(found.target == target)
        if network_measures.blind(found.networks.isel(network=rows)):
            small[rows] = np.nan
    return small


def by_target(found: Predictions, share: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each distinct target: whether it has a ring, and the mean `share` of its networks.

    A target makes one prediction, and its networks are alike. NaN values are left out.
    """
    known = np.isfinite(share)
    groups = [known & (found.target == target) for target in np.unique(found.target[known])]
    ring = np.array([found.ring[rows].any() for rows in groups], bool)
    # Equal shares must stay equal, whatever the number of networks that they are the mean of.
    return ring, np.array([share[rows].mean() for rows in groups], float).round(12)


def sorted_by_ring(found: Predictions, share: np.ndarray) -> Estimate:
    """Area below the ROC curve with which a ring sorts targets by their mean `share` (network,).

    The count is that of the kind with fewer targets.
    """
    area, low, high, *counts = roc_area(*by_target(found, share))
    return Estimate(area, low, high, min(counts))


def roc_curve(found: Predictions, share: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Shares of targets without a ring, and with one, whose mean `share` is as high as each limit.

    The limits fall from above all means to the lowest one. Both are empty if a kind has no target.
    """
    ring, means = by_target(found, share)
    if ring.all() or not ring.any():
        return np.empty(0), np.empty(0)
    limits = np.append(np.inf, np.unique(means)[::-1])
    high = means[:, np.newaxis] >= limits
    return high[~ring].mean(0), high[ring].mean(0)


def least_excess(found: Predictions) -> np.ndarray:
    """Excess of grid-like units (network,) over the surrogates that support a ring least.

    What is below chance counts as chance, and is 0.
    """
    kinds = network_measures.kinds(found.networks)
    each = [np.maximum(network_measures.excess(found.networks, kind), 0) for kind in kinds]
    return min(each, key=lambda excess: np.nan_to_num(sorted_by_ring(found, excess).value))


def measured(found: Predictions) -> tuple[np.ndarray, np.ndarray]:
    """Predicted and measured periods, m, of networks that have both.

    Measured is the median over a network's significant units, where it has three or more.
    """
    rows = network_measures.significant_periods(found.networks)
    period = network_measures.typical_period(rows)
    known = found.ring & np.isfinite(period)
    return found.period[known], period[known]
