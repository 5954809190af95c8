"""Measures of trained networks, read from the summary: one number or one row per network.

Every function takes a selection of a study's summary (dimensions network, unit ...). As in the
talk, shares of units are shares of all units, including inactive ones, unless the name says
otherwise. The grid fraction is a share of active units.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import xarray as xr
from scipy import stats

from nofreelunch.findings import comparisons, intervals
from nofreelunch.scoring import calibration, grid_modules
from nofreelunch.scoring.significance import LEVEL

DEFINITION = "min_max"  # the talk's definition of the grid score
FEWEST_UNITS = 3  # a network with fewer units has no typical period
DISCOVERY_RATE = 0.05  # expected share of chance among the units that are called significant
RESAMPLES = 100  # behind the interval of a pool's number of modules
# Number of significant units needed to find this many modules with 80 % power, at the smallest
# period ratio seen in animals: `grid_modules.units_needed`, as in docs/validation.md.
UNITS_NEEDED = {2: 54, 3: 108, 4: 164}


class Unit(NamedTuple):
    """One unit: where its rate map is, its grid score, and whether that is significant."""

    cohort: str
    network: str
    unit: int
    score: float
    significant: bool = False


class Modules(NamedTuple):
    """Number of grid modules among some units, its 95 % interval, and the number of units."""

    count: int  # type: ignore[assignment]  # not the method of tuples
    low: float
    high: float
    units: int

    @property
    def resolved(self) -> bool:
        """Whether there are enough units to find two modules with 80 % power."""
        return self.units >= UNITS_NEEDED[2]


class UnitCounts(NamedTuple):
    """Numbers of units: all, active, dead (never fire) and constant (fire alike everywhere)."""

    present: int
    active: int
    dead: int
    constant: int


def scores(networks: xr.Dataset) -> np.ndarray:
    """Grid scores (network, unit) by the talk's definition; NaN where a network lacks the unit."""
    values = networks["score_60"].sel(definition=DEFINITION).transpose("network", "unit").values
    return np.where(networks["present"].transpose("network", "unit").values, values, np.nan)


def share_above(networks: xr.Dataset, threshold: float) -> np.ndarray:
    """Share of units (network,) with a grid score above `threshold`.

    NaN for a network that diverged or has no scores.
    """
    values = scores(networks)
    count = np.isfinite(values).sum(1)
    known = (count > 0) & ~networks["diverged"].values.astype(bool)
    return (values > threshold).sum(1) / np.where(known, count, np.nan)


def share_above_active(networks: xr.Dataset, threshold: float) -> np.ndarray:
    """As `share_above`, but a share of the active units.

    Active units are neither dead nor constant.
    """
    present, active = (networks[f"units_{which}"].values for which in ("present", "active"))
    return share_above(networks, threshold) * present / np.where(active > 0, active, np.nan)


def unit_counts(networks: xr.Dataset) -> UnitCounts:
    """Counts of the units of all `networks` together."""
    return UnitCounts(*(int(networks[f"units_{which}"].sum()) for which in UnitCounts._fields))


def significant(networks: xr.Dataset) -> np.ndarray:
    """Which units (network, unit) score higher than their surrogates.

    At most 5 % of a network's significant units are expected to be chance. All are False where no
    surrogates were scored.
    """
    return networks["significant"].transpose("network", "unit").values.astype(bool)


def grid_fraction(networks: xr.Dataset, of: str = "active") -> np.ndarray:
    """Share of active units (network,) that are significant; of all units with `of="present"`.

    NaN for a network that diverged, has no such units, or was not compared with surrogates.
    """
    name = "grid_fraction" if of == "active" else "grid_fraction_present"
    known = ~networks["diverged"].values.astype(bool)
    return np.where(known, networks[name].values.astype(float), np.nan)


def fraction_text(networks: xr.Dataset) -> str:
    """The mean grid fraction as text; where it is zero, the fraction that would have been found.

    Empty where no unit was compared with surrogates.
    """
    fraction = grid_fraction(networks)
    known = fraction[np.isfinite(fraction)]
    if not known.size:
        return ""
    if not known.any():
        return f"none found, {100 * least_fraction(networks):.2g} % would have been needed"
    return f"{100 * known.mean():.2g} % of active units"


def small_p_values(networks: xr.Dataset) -> np.ndarray:
    """Share of tested units (network,) whose own p-value is 0.05 or less.

    By chance, about one unit in twenty has such a p-value. NaN where no unit was tested.
    """
    p_value = networks["p_value"].transpose("network", "unit").values
    tested = np.isfinite(p_value).sum(1)
    return (p_value <= LEVEL).sum(1) / np.where(tested > 0, tested, np.nan)


def calibrated_share(networks: xr.Dataset) -> np.ndarray:
    """Share of active units (network,) with a p-value of at most 0.05, less `chance_of_small_p`.

    What is left is above zero only where units have lattices.
    """
    return small_p_values(networks) - chance_of_small_p(networks)


def chance_of_small_p(networks: xr.Dataset) -> float:
    """Share of units that have a p-value of at most 0.05 by chance: 5 %, or the size if larger.

    The size is the share of surrogates that pass when they are tested as if they were units, over
    all networks of the study. It is smaller where units have few fields, and larger where they have
    many. A test is valid if its size is at most its level, and then the level is a safe bound for
    each kind of network. NaN where no surrogates were scored.
    """
    return float(np.maximum(LEVEL, networks.attrs["test_size"]))


class Lattices(NamedTuple):
    """Share of active units that are lattices, with bounds over networks, and the test's power."""

    share: float
    low: float
    high: float
    power: float


def lattices(networks: xr.Dataset) -> Lattices:
    """How many of the active units may be lattices, given that the test misses some.

    If a share f of the units are lattices, f power + (1 - f) size of them pass. The power is that
    for perfect lattices of these networks' own fields, of all networks together. The bounds are
    those of the share that pass, with the least and the greatest power that go with them: the lower
    end of Wilson's interval, and one. If fewer pass than the size says, the size of these networks
    is smaller: the upper bound takes the smaller of the two. It is one where lattices cannot be
    told from chance. Networks in which no unit passes do not differ, and their interval has no
    width: the share that pass is then bounded by what the units of one network can show.
    """
    mean, low, high = intervals.seed_interval(small_p_values(networks))
    if mean == 0:
        tested = np.isfinite(networks["p_value"].transpose("network", "unit").values).sum(1)
        high = intervals.wilson(0, tested[tested > 0].min())[1]
    size = networks.attrs["test_size"]
    power, least = _power(networks)
    if math.isnan(power) or not np.isfinite(size):
        return Lattices(math.nan, math.nan, math.nan, math.nan)
    share = (mean - size) / (power - size) if power > size else float("nan")
    smaller = min(size, float(mean))
    upper = (high - smaller) / (least - smaller) if least > size else 1.0
    bounds = (low - size) / (1 - size), upper
    share, low, high = np.clip([share, *bounds], 0, 1).tolist()
    return Lattices(share, low, high, power)


def blind(networks: xr.Dataset) -> bool:
    """Whether perfect lattices of these networks' fields pass no more often than chance does.

    Few small p-values then do not say that there are few lattices.
    """
    return _power(networks)[1] <= networks.attrs["test_size"]


def _power(networks: xr.Dataset) -> tuple[float, float]:
    """The test's power over all networks, and the lower end of its interval; NaN if not known."""
    powers = networks["test_power"].values.astype(float)
    powers = powers[np.isfinite(powers)]
    if not powers.size:
        return math.nan, math.nan
    power, made = float(powers.mean()), powers.size * calibration.UNITS
    return power, float(intervals.wilson(round(power * made), made)[0])


def least_fraction(networks: xr.Dataset) -> float:
    """The smallest grid fraction above zero that can be detected.

    It is about 20 / surrogates. P-values are bounded below by 1 / (1 + surrogates), and the
    correction (Benjamini and Hochberg 1995) passes no unit if too few reach that bound. NaN without
    surrogates.
    """
    count = networks.attrs["surrogates"]
    return min(1.0, 1 / (1 + count) / DISCOVERY_RATE) if count else float("nan")


def kinds(networks: xr.Dataset) -> list[str]:
    """Names of the kinds of surrogates."""
    return [str(name) for name in networks["kind"].values]


def chance_above(networks: xr.Dataset, threshold: float, kind: str | None = None) -> np.ndarray:
    """Share of the units' surrogates (network,) with a grid score above `threshold`.

    The surrogates are of one `kind`, or of the kind that scores higher in these networks together.
    NaN where none were scored. Raises KeyError for a threshold that the summary does not have.
    """
    if kind is None:
        shares = {name: chance_above(networks, threshold, name) for name in kinds(networks)}
        return max(shares.values(), key=lambda of_kind: np.nan_to_num(of_kind).sum())
    chance = networks["chance_fraction_above"].sel(threshold=threshold, kind=kind)
    return chance.values.astype(float)


def excess(networks: xr.Dataset, kind: str | None = None) -> np.ndarray:
    """Share of grid-like units minus that of their surrogates (network,).

    Grid-like units score above the study's threshold for grid cells. Surrogates are as in
    `chance_above`. NaN where none were scored.
    """
    threshold = networks.attrs["grid_cell_threshold"]
    return share_above(networks, threshold) - chance_above(networks, threshold, kind)


def some_unit_by_chance(networks: xr.Dataset, threshold: float) -> np.ndarray:
    """Lower bound (network,) on the probability that some unit passes `threshold` by chance alone.

    If each unit is replaced by one of its surrogates, units are independent, and each passes with
    the same probability p, the highest score passes with probability 1 - (1 - p)^units. It passes
    more often if p differs between units.
    """
    chance = chance_above(networks, threshold)
    return 1 - (1 - chance) ** networks["units_present"].values


def survival(networks: xr.Dataset, grid: np.ndarray) -> np.ndarray:
    """Share of units (network, score) with a grid score above each value of `grid`."""
    return np.stack([share_above(networks, value) for value in grid], axis=1)


def periods(networks: xr.Dataset, threshold: float) -> list[np.ndarray]:
    """Periods, m, of each network's units with a grid score above `threshold`.

    Random maps that score as high have such periods, too.
    """
    period = networks["period"].transpose("network", "unit").values
    chosen = np.isfinite(period) & (scores(networks) > threshold)
    return [row[keep] for row, keep in zip(period, chosen, strict=True)]


def significant_periods(networks: xr.Dataset) -> list[np.ndarray]:
    """Periods, m, of each network's significant units; units without a period are left out."""
    period = networks["period"].transpose("network", "unit").values
    chosen = np.isfinite(period) & significant(networks)
    return [row[keep] for row, keep in zip(period, chosen, strict=True)]


def network_modules(networks: xr.Dataset) -> list[Modules]:
    """Grid modules among each network's significant units; 0 where these are too few."""
    names = ("modules", "modules_low", "modules_high", "modules_units")
    columns = [np.nan_to_num(networks[name].values) for name in names]
    return [
        Modules(int(c), float(a), float(b), int(n)) for c, a, b, n in zip(*columns, strict=True)
    ]


def pooled_modules(networks: xr.Dataset) -> Modules:
    """Grid modules among the significant units of all `networks` together.

    Networks with different periods look like modules.
    """
    pool = np.concatenate([*significant_periods(networks), np.empty(0)])
    found = grid_modules.count_modules(pool, resamples=RESAMPLES)
    low, high = found["modules_interval"].values.tolist()
    return Modules(int(found["modules"]), low, high, int(found["units"]))


def typical_period(rows: Sequence[np.ndarray]) -> np.ndarray:
    """Median (network,), m, of each network's `periods`; NaN with fewer than three."""
    return np.array([np.median(r) if r.size >= FEWEST_UNITS else np.nan for r in rows], float)


def period_spread(networks: xr.Dataset) -> np.ndarray:
    """Spread of the periods in each network (network,): 90th over 10th percentile.

    Of significant units; NaN with fewer than six. In a network of two modules, the spread is at
    least the ratio of their periods if each module has more than a tenth of the units.
    """
    rows = significant_periods(networks)
    enough = [r.size >= 2 * FEWEST_UNITS for r in rows]
    spread = [
        np.divide(*np.percentile(r, [90, 10])) if e else np.nan
        for r, e in zip(rows, enough, strict=True)
    ]
    return np.array(spread, float)


def width_and_period(summary: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Place-cell width and median period, m, of the networks of the widths that have learnt.

    The period is that of significant units. Networks with fewer than three of these are left out.
    """
    networks = comparisons.learnt_widths(summary)
    period = typical_period(significant_periods(networks))
    width = networks["place_cell_width"].values.astype(float)
    known = np.isfinite(period) & np.isfinite(width)
    return width[known], period[known]


def period_by_width(summary: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Widths of `width_and_period` and the mean period of the networks of each, m."""
    width, period = width_and_period(summary)
    distinct = np.unique(width)
    return distinct, np.array([period[width == value].mean() for value in distinct], float)


def predicted_periods(summary: xr.Dataset, theory: Sequence[xr.Dataset]) -> dict[float, float]:
    """The period, m, that theory predicts at each width of the width series.

    Widths that the theory datasets do not cover are left out.
    """
    found = {}
    for width, networks in comparisons.widths(summary).items():
        dataset = comparisons.theory_of(theory, comparisons.specs(networks)[0])
        if dataset is not None and np.isfinite(dataset["predicted_period"]):
            found[width] = float(dataset["predicted_period"])
    return found


def best_units(networks: xr.Dataset, count: int, among: np.ndarray | None = None) -> list[Unit]:
    """The `count` units with the highest grid scores, in descending order.

    Each network gives the same number, as far as the count allows. `among` (network, unit) says
    which units may be chosen.
    """
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
    than two groups, with one value in each, or if all values are equal.
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
