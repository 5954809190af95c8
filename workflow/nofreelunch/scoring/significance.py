"""Is a grid score more than chance? p-values of maps against surrogates, and false discoveries.

Smooth maps sometimes score high without being a lattice. So the score of a map is compared with
those of random maps like it. There are two kinds of these, and a map has to beat both; `surrogates`
says why.
"""

from __future__ import annotations

import numpy as np
import scipy.stats
import xarray as xr
from numpy.typing import ArrayLike
from tqdm import tqdm

from nofreelunch import seeds
from nofreelunch.errors import check_whole, refused, shown
from nofreelunch.scoring.firing_fields import find_fields
from nofreelunch.scoring.grid_scores import DEFINITIONS, best_rings, published_score
from nofreelunch.scoring.maps import MapStack
from nofreelunch.scoring.surrogates import KINDS, LABELS

P_VALUES = ("p_value", *(f"p_{kind}" for kind in KINDS))  # over all kinds, and of each
COUNTS = ("field_count", "surrogate_count")
MEASURED = (*P_VALUES, "null_95", *COUNTS)
BATCH = 25  # surrogates of a map drawn at once; bounds memory, and decides what a seed draws
LEVEL = 0.05  # p-value at or below which one map passes when it is tested alone
ENOUGH = 10  # surrogates as high as the map, after which its p-value cannot become small


def significance(
    rate_maps: ArrayLike,
    count: int,
    seed: int,
    definition: str = "min_max",
    unvisited: str = "masked",
    progress: bool = False,
) -> xr.Dataset:
    """How the 60° grid score of each map compares with chance: p-values against its surrogates.

    Surrogates are made in batches of 25 of each kind, up to `count` of each. Once ten of one kind
    score at least as high as the map, no more are made (sequential Monte Carlo test; Besag and
    Clifford 1991). Promising maps thus get many surrogates, and others few. The p-values remain
    valid: a map that passes some level would also have passed it with a number of surrogates fixed
    in advance.

    docs/validation.md has how often noise and lattices pass. Sums of two plane waves of one length
    pass more often than noise does: they nearly are lattices.

        >>> import numpy as np
        >>> import nofreelunch as nfl
        >>> y, x = np.mgrid[:44, :44] * 0.05
        >>> angle = np.deg2rad([0, 60, 120])[:, None, None]
        >>> k = 4 * np.pi / (np.sqrt(3) * 0.6)  # rad/m, for a period of 0.6 m
        >>> waves = np.cos(k * (x * np.cos(angle) + y * np.sin(angle)))
        >>> grid_cell = np.maximum(waves.sum(axis=0), 0)
        >>> noise = np.random.default_rng(0).normal(size=(44, 44))
        >>> chance = nfl.significance([grid_cell, noise], count=99, seed=0)
        >>> (chance["p_value"] <= 0.05).values.tolist()
        [True, False]

    Args:
        rate_maps: (..., y, x), numpy or xarray; NaN marks an unvisited bin.
        count: most surrogates of each kind for a map, 1 or more. No p-value is below
            1 / (1 + count). For `false_discovery` to pass a share f of the units at a rate q, a
            count of 1 / (f q) is needed.
        seed: of the surrogates, 0 or more. What a map draws depends on the seed and on its place
            among the maps, and not on the other maps.
        definition: of the score, "min_max" or "mean", as in `grid_scores`.
        unvisited: as in `grid_scores`.
        progress: whether to draw a progress bar if the output is a terminal.

    Returns:
        A dataset over the leading dimensions:

        - `p_phase`, `p_shuffle`: (1 + surrogates that score at least as high) / (1 + surrogates),
          for random phases and for shuffled fields. `p_shuffle` is 1 for maps with fewer than two
          fields, which have nothing to shuffle: a single field may score higher than the several
          fields of random phases without being a lattice.
        - `p_value`: the larger of the two.
        - `null_95`: the score that 5 % of the surrogates exceed, of the kind with the larger
          p-value; of both kinds the higher score if the p-values are equal.
        - `field_count`: as in `count_fields`.
        - `surrogate_count`: number of surrogates of each kind that were made.
        - `surrogate_score`: scores of the first surrogates of each kind, at most 25, along two last
          dimensions, `kind` ("phase", "shuffle") and `surrogate`. Their number does not depend on
          the map's score, so they are a fair sample of chance. NaN where there is nothing to
          shuffle.

        A constant map has p-values of 1 and zeros elsewhere. A map without any visited bin has NaN,
        no fields and no surrogates.

    Raises:
        ValueError: for a count below 1, a negative seed, and as `grid_scores` does.
    """
    check_whole("count", count, 1)
    check_whole("seed", seed, 0)
    stack = MapStack(rate_maps, unvisited, (*MEASURED, "surrogate_score", "kind", "surrogate"))
    observed = published_score(stack.maps, definition, unvisited)
    nothing = 0 * observed.score_60.values  # NaN for a map without any visited bin
    result = {name: nothing.copy() for name in MEASURED}
    for name in P_VALUES:
        result[name] += 1.0
    for name in COUNTS:
        result[name] = np.zeros(stack.count, int)
    first = np.empty((stack.count, len(KINDS), min(count, BATCH)), np.float32)
    first[:] = nothing[:, np.newaxis, np.newaxis]
    tested = np.flatnonzero(np.isfinite(observed.ring_60))
    for index in tqdm(tested, "testing", unit="map", disable=not progress or None):
        random = seeds.generator(seed, seeds.SURROGATES, index)
        height = float(observed.score_60[index])
        of_map, first[index] = _compare(
            stack.maps[index], height, count, random, definition, unvisited
        )
        for name, value in of_map.items():
            result[name][index] = value
    labelled = {name: stack.label(values) for name, values in result.items()}
    for kind, label in LABELS.items():
        labelled[f"p_{kind}"].attrs["long_name"] = f"p-value against {label}"
    trailing = {"kind": list(KINDS), "surrogate": np.arange(first.shape[2])}
    return xr.Dataset({**labelled, "surrogate_score": stack.label(first, trailing=trailing)})


def _compare(
    rate_map: np.ndarray,
    height: float,
    count: int,
    random: np.random.Generator,
    definition: str,
    unvisited: str,
) -> tuple[dict[str, float], np.ndarray]:
    """What `significance` says of one map that scores `height`, and its `surrogate_score`."""
    found = find_fields(rate_map)
    draws = {name: kind(rate_map, found, random) for name, kind in KINDS.items()}
    possible = {name: draw for name, draw in draws.items() if draw}
    testable = len(possible) == len(draws)
    if not testable:
        count = min(count, BATCH)  # no test, only `surrogate_score`
    scored = {name: np.empty(0) for name in possible}
    for start in range(0, count, BATCH):
        for name, scores in scored.items():
            maps = possible[name](min(BATCH, count - start))
            scored[name] = np.append(scores, _scores_60(maps, definition, unvisited))
        if any((scores >= height).sum() >= ENOUGH for scores in scored.values()):
            break
    p = {name: (1 + (s >= height).sum()) / (1 + s.size) for name, s in scored.items()}
    largest, null_95 = max((p[name], np.quantile(s, 0.95)) for name, s in scored.items())
    chance = {
        "p_value": largest if testable else 1.0,
        **{f"p_{name}": p.get(name, 1.0) for name in draws},
        "null_95": null_95,
        "field_count": len(found.peaks),
        "surrogate_count": max(scores.size for scores in scored.values()),
    }
    unknown = np.full(min(count, BATCH), np.nan)
    return chance, np.array([scored.get(name, unknown)[:BATCH] for name in draws])


def _scores_60(maps: np.ndarray, definition: str, unvisited: str) -> np.ndarray:
    """`score_60` of maps by one definition, without labels."""
    return best_rings(MapStack(maps, unvisited))[0, 0, DEFINITIONS.index(definition)]


def false_discovery(p_values: ArrayLike, rate: float = 0.05) -> xr.DataArray | np.ndarray:
    """Which units are significant when many units of a network are tested.

    Of the units that pass, the expected share that are chance is at most `rate` (Benjamini and
    Hochberg 1995). The third of these four would pass if it were tested alone:

        >>> import nofreelunch as nfl
        >>> nfl.false_discovery([0.001, 0.01, 0.04, 0.5])
        array([ True,  True, False, False])

    Args:
        p_values: (..., unit), numpy or xarray, whatever the dimensions are called. Each row is a
            network of its own. NaN or a numpy mask marks a unit that was not tested: it is not
            significant, and the others are not corrected for it.
        rate: above 0 and at most 1.

    Returns:
        Booleans of the shape and kind of `p_values`.

    Raises:
        ValueError: for a rate or a p-value out of range, and for a single p-value.
    """
    if isinstance(p_values, xr.Dataset):
        raise refused("p_values", "a Dataset", 'one of its variables, such as "p_value"')
    values: np.ndarray = np.ma.filled(np.ma.asarray(p_values, float), np.nan)
    if not values.ndim:
        raise refused("p_values", f"{values}", "(..., unit)")
    outside = values[(values < 0) | (values > 1)]
    if not isinstance(rate, int | float | np.number) or not 0 < rate <= 1:
        raise refused("rate", shown(rate), "above 0, at most 1")
    if outside.size:
        raise refused("p_values", f"{outside[0]}", "0 to 1, or NaN")
    passed = np.zeros(values.shape, bool)
    for row in np.ndindex(values.shape[:-1]):
        tested = ~np.isnan(values[row])
        if tested.any():
            passed[row][tested] = scipy.stats.false_discovery_control(values[row][tested]) <= rate
    return p_values.copy(data=passed) if isinstance(p_values, xr.DataArray) else passed
