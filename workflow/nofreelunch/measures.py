"""What is read off trained networks: one number, or one row of numbers, per network.

Every function takes a selection of a study's summary (dimensions network, unit ...). Shares of
units above a score are of all units, those that are never active included, as in the talk, unless a
name says otherwise; the grid fraction is of active units.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import xarray as xr
from scipy import stats

from nofreelunch import modules, series

METHOD = "min_max"  # the talk's definition of the grid score
FEWEST_UNITS = 3  # with fewer units a network has no typical period
DISCOVERY_RATE = 0.05  # of chance among the units that are called significant
RESAMPLES = 100  # for the interval of a pool's number of modules
# Significant units with which so many modules, of periods in the least ratio of an animal, are
# found in 80 % of cases: `modules.units_needed(2)`, and of 3 and 4.
UNITS_NEEDED = {2: 54, 3: 108, 4: 164}


class Unit(NamedTuple):
    """One unit: where its rate map is, its grid score, and whether that is significant."""

    cohort: str
    network: str
    unit: int
    score: float
    significant: bool = False


class Modules(NamedTuple):
    """Number of grid modules among some units, its 95 % interval, and the units it rests on."""

    count: int
    low: float
    high: float
    units: int

    @property
    def resolved(self) -> bool:
        """Whether two modules would probably have been found."""
        return self.units >= UNITS_NEEDED[2]


class UnitCounts(NamedTuple):
    """How many units there are, and how many never fire or fire alike everywhere."""

    present: int
    active: int
    dead: int
    constant: int


def scores(networks: xr.Dataset) -> np.ndarray:
    """Grid scores (network, unit) by the talk's definition; NaN where there is no unit."""
    values = networks["score_60"].sel(definition=METHOD).transpose("network", "unit").values
    return np.where(networks["present"].transpose("network", "unit").values, values, np.nan)


def share_above(networks: xr.Dataset, threshold: float) -> np.ndarray:
    """Share of units (network,) whose grid score is above `threshold`; NaN for a network that
    diverged or has no scores."""
    values = scores(networks)
    count = np.isfinite(values).sum(1)
    known = (count > 0) & ~networks["diverged"].values.astype(bool)
    return (values > threshold).sum(1) / np.where(known, count, np.nan)


def share_above_active(networks: xr.Dataset, threshold: float) -> np.ndarray:
    """As `share_above`, but a share of the units that are neither dead nor constant."""
    present, active = (networks[f"units_{which}"].values for which in ("present", "active"))
    return share_above(networks, threshold) * present / np.where(active > 0, active, np.nan)


def unit_counts(networks: xr.Dataset) -> UnitCounts:
    """The units of all `networks` together."""
    return UnitCounts(*(int(networks[f"units_{which}"].sum()) for which in UnitCounts._fields))


def significant(networks: xr.Dataset) -> np.ndarray:
    """Which units (network, unit) score higher than their surrogates: at most 5 % of those of a
    network by chance. None where no surrogates were scored."""
    return networks["significant"].transpose("network", "unit").values.astype(bool)


def grid_fraction(networks: xr.Dataset, of: str = "active") -> np.ndarray:
    """Share of the active units (network,), or of all with `of="present"`, that are significant;
    NaN for a network that diverged, has no such units, or was not set against surrogates."""
    name = "grid_fraction" if of == "active" else "grid_fraction_present"
    known = ~networks["diverged"].values.astype(bool)
    return np.where(known, networks[name].values.astype(float), np.nan)


def small_p_values(networks: xr.Dataset) -> np.ndarray:
    """Share of the tested units (network,) whose own p-value is 0.05 or less, as by chance at most
    one in twenty is; NaN where none was tested."""
    p_value = networks["p_value"].transpose("network", "unit").values
    tested = np.isfinite(p_value).sum(1)
    return (p_value <= 0.05).sum(1) / np.where(tested > 0, tested, np.nan)


def least_fraction(networks: xr.Dataset) -> float:
    """The smallest grid fraction other than zero that could have been found: p-values end at
    1 / (1 + surrogates), and where fewer units than this have the smallest of them, none passes
    (Benjamini and Hochberg 1995). NaN where no surrogates were made."""
    count = networks.attrs["surrogates"]
    return min(1.0, 1 / (1 + count) / DISCOVERY_RATE) if count else float("nan")


def chance_above(networks: xr.Dataset, threshold: float) -> np.ndarray:
    """Share of the units' surrogates (network,) above `threshold`; NaN where none were scored.
    Raises KeyError for a threshold that the summary does not have."""
    return networks["chance_fraction_above"].sel(threshold=threshold).values.astype(float)


def excess(networks: xr.Dataset) -> np.ndarray:
    """Share of grid-like units less that of their surrogates (network,), at the study's threshold
    for grid cells; NaN where no surrogates were scored."""
    threshold = networks.attrs["grid_cell_threshold"]
    return share_above(networks, threshold) - chance_above(networks, threshold)


def some_unit_by_chance(networks: xr.Dataset) -> np.ndarray:
    """Probability (network,) that the highest of a network's scores reaches the threshold for grid
    cells if every unit were one of its surrogates, and units independent, at least: that of units
    alike, 1 - (1 - p)^units, which is less than that of units of unequal p."""
    chance = chance_above(networks, networks.attrs["grid_cell_threshold"])
    return 1 - (1 - chance) ** networks["units_present"].values


def survival(networks: xr.Dataset, grid: np.ndarray) -> np.ndarray:
    """Share of units (network, score) with a grid score above each value of `grid`."""
    return np.stack([share_above(networks, value) for value in grid], axis=1)


def periods(networks: xr.Dataset, threshold: float) -> list[np.ndarray]:
    """For each network the periods, m, of its units with a grid score above `threshold`."""
    period = networks["period"].transpose("network", "unit").values
    chosen = np.isfinite(period) & (scores(networks) > threshold)
    return [row[keep] for row, keep in zip(period, chosen, strict=True)]


def significant_periods(networks: xr.Dataset) -> list[np.ndarray]:
    """For each network the periods, m, of its significant units that have one."""
    period = networks["period"].transpose("network", "unit").values
    chosen = np.isfinite(period) & significant(networks)
    return [row[keep] for row, keep in zip(period, chosen, strict=True)]


def network_modules(networks: xr.Dataset) -> list[Modules]:
    """For each network its grid modules among significant units; 0 where these are too few."""
    names = ("modules", "modules_low", "modules_high", "modules_units")
    columns = [np.nan_to_num(networks[name].values) for name in names]
    return [
        Modules(int(c), float(a), float(b), int(n)) for c, a, b, n in zip(*columns, strict=True)
    ]


def pooled_modules(networks: xr.Dataset) -> Modules:
    """Grid modules among the significant units of all `networks` together. Networks whose periods
    differ look like modules."""
    pool = np.concatenate([*significant_periods(networks), np.empty(0)])
    found = modules.count(pool, resamples=RESAMPLES)
    low, high = found["modules_interval"].values.tolist()
    return Modules(int(found["modules"]), low, high, int(found["units"]))


def typical_period(networks: xr.Dataset, threshold: float) -> np.ndarray:
    """Median period (network,), m, of the units above `threshold`; NaN with fewer than three."""
    rows = periods(networks, threshold)
    return np.array([np.median(r) if r.size >= FEWEST_UNITS else np.nan for r in rows], float)


def period_spread(networks: xr.Dataset, threshold: float) -> np.ndarray:
    """Ninetieth over tenth percentile (network,) of the periods of the units above `threshold`; NaN
    with fewer than six. Two modules whose periods differ by a ratio give at least that, if each has
    more than a tenth of the units."""
    rows = periods(networks, threshold)
    enough = [r.size >= 2 * FEWEST_UNITS for r in rows]
    spread = [
        np.divide(*np.percentile(r, [90, 10])) if e else np.nan
        for r, e in zip(rows, enough, strict=True)
    ]
    return np.array(spread, float)


def period_threshold(summary: xr.Dataset) -> float:
    """The grid score above which the periods of the width series are read: that of grid cells, or
    the study's lowest threshold where fewer than half of the networks have three such units."""
    threshold = float(summary.attrs["grid_cell_threshold"])
    networks = series.select(summary, free=["place_cell_width"])
    enough = [row.size >= FEWEST_UNITS for row in periods(networks, threshold)]
    if enough and np.mean(enough) >= 0.5:
        return threshold
    return float(summary["threshold"].min())


def width_and_period(summary: xr.Dataset) -> tuple[np.ndarray, np.ndarray, float]:
    """Place-cell width and median period, m, of each network of the width series that has one, and
    the grid score above which periods count."""
    threshold = period_threshold(summary)
    networks = series.select(summary, free=["place_cell_width"])
    period = typical_period(networks, threshold)
    width = networks["place_cell_width"].values.astype(float)
    known = np.isfinite(period) & np.isfinite(width)
    return width[known], period[known], threshold


def predicted_periods(summary: xr.Dataset, theory: Sequence[xr.Dataset]) -> dict[float, float]:
    """The period, m, that theory predicts for each width of the width series that it covers."""
    found = {}
    for width, networks in series.widths(summary).items():
        dataset = series.theory_of(theory, series.specs(networks)[0])
        if dataset is not None and np.isfinite(dataset["predicted_period"]):
            found[width] = float(dataset["predicted_period"])
    return found


def best_units(networks: xr.Dataset, count: int, among: np.ndarray | None = None) -> list[Unit]:
    """The `count` units of highest grid score, the same number from each network as far as the
    count allows, in descending order of score. `among` (network, unit) says which may be chosen."""
    values = np.nan_to_num(scores(networks), nan=-np.inf)
    values = values if among is None else np.where(among, values, -np.inf)
    passed = significant(networks)
    order = np.argsort(-values, axis=1, kind="stable")
    cohort, name = networks["cohort"].values, networks["network"].values
    found: list[Unit] = []
    for rank in range(values.shape[1] if len(values) else 0):
        row = [
            Unit(str(cohort[n]), str(name[n]), int(u), float(values[n, u]), bool(passed[n, u]))
            for n, u in enumerate(order[:, rank])
        ]
        row = sorted((u for u in row if np.isfinite(u.score)), key=lambda u: -u.score)
        found += row[: count - len(found)]
    return sorted(found, key=lambda u: -u.score)


def variance_between(
    groups: Sequence[np.ndarray], confidence: float = 0.95
) -> tuple[float, float, float]:
    """Share of the variance of single values that lies between groups: (estimate, low, high).

    The intraclass correlation of a one-way random-effects analysis of variance, with its interval
    from the F distribution (Shrout & Fleiss 1979), for groups of about equal size. NaN with fewer
    than two groups or where no value differs from any other.
    """
    groups = [np.asarray(g, float) for g in groups if len(g)]
    count, total = len(groups), sum(g.size for g in groups)
    if count < 2 or total <= count:
        return (float("nan"),) * 3
    mean = np.concatenate(groups).mean()
    between = sum(g.size * (g.mean() - mean) ** 2 for g in groups) / (count - 1)
    within = sum(((g - g.mean()) ** 2).sum() for g in groups) / (total - count)
    if between == 0 and within == 0:
        return (float("nan"),) * 3
    size = (total - sum(g.size**2 for g in groups) / total) / (count - 1)
    ratio = between / within if within else np.inf
    bounds = stats.f.ppf([0.5 + confidence / 2, 0.5 - confidence / 2], count - 1, total - count)
    shares = [
        1.0 if np.isinf(r) else float(np.clip((r - 1) / (r + size - 1), 0, 1))
        for r in (ratio, *(ratio / bounds))
    ]
    return shares[0], shares[1], shares[2]
