"""Grid modules: do the periods of a set of units form one cluster or several?

Two tests have to agree, so that one broad module is not split. A Gaussian mixture of log periods
alone would fit several components to any module that is not itself Gaussian. A dip test alone
cannot count. Give it units whose lattice is significant, of one network or of several pooled.
Pooled networks that differ look like modules.

scikit-learn fits the mixtures and diptest measures the dip. The rule that joins the two is ours:
no library counts the modes of a mixture, or tests whether two neighbouring modes are one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import diptest
import numpy as np
import xarray as xr
from diptest.consts import Consts
from numpy.typing import ArrayLike
from scipy import stats

from nofreelunch import seeds
from nofreelunch.errors import check_whole, refused, shown

if TYPE_CHECKING:
    from sklearn.mixture import GaussianMixture

MOST = 6  # modules looked for
FEWEST = 10  # units; with fewer nothing is said
FEWEST_DIP = 4  # units; with fewer there is no dip test
LEVEL = 0.05  # of the dip test

# Added to the spread of every component, in log period: narrower ones would fit rounding errors.
LEAST_DEVIATION = 0.02
# The same for the orientation, in radians of six times it: 4° of a grid's own. Without it several
# components would share a ring of orientations, and none would be left for the periods.
LEAST_TURN = 0.4
STARTS = 4  # of each fit; it has one in resamples and simulations

UNITS_LOOKED_AT = np.unique(np.rint(10 * 1.15 ** np.arange(43)).astype(int))  # up to 3,545
STRIDE = 6  # divides their number less one


def count_modules(
    periods: ArrayLike, orientations: ArrayLike | None = None, seed: int = 0, resamples: int = 200
) -> xr.Dataset:
    """Number of grid modules among units, by their periods.

    There are several modules if two tests agree: the Bayesian information criterion (BIC) is least
    for a mixture of several components, and the dip test (Hartigan and Hartigan 1985) finds more
    than one mode in log period. Their number is the number of modes of the best mixture, where two
    neighbours count as one if the dip test on their units finds one mode. Orientations help to tell
    components apart, but units of one period are one module.

    Args:
        periods: of significant units, any shape, in any unit; units with NaN are left out.
        orientations: of the same units, rad, modulo pi/3.
        seed: of starts and resamples, 0 or more.
        resamples: of units, for the interval of the number of modules.

    Returns:
        `modules`, their number, 0 with fewer than 10 units; `units`, how many counted;
        `modules_interval` along `bound` (low, high), the middle 95 % of the numbers found in
        resampled units; `bic` along `components`, 1 to 6; `dip` of log period and `dip_p_value`, in
        which 0 stands for less than 0.00001; and along `module`, 1 to 6 from the least period and
        NaN beyond the last, `centres` in the unit of `periods`, `shares` of the units, and `ratios`
        of each centre to the one before.

        The interval says how steady the number is. No data exclude that there are more modules, of
        few units or close together.

    Raises:
        ValueError: for periods that are not positive and finite, other shapes, a negative seed, and
            fewer than one resample.

    Example:
        >>> periods = [0.48, 0.49, 0.5, 0.5, 0.51, 0.52] * 5 + [0.69, 0.7, 0.7, 0.71, 0.72] * 5  # m
        >>> count_modules(periods, resamples=10).modules.item()
        2
    """
    check_whole("seed", seed, 0)
    check_whole("resamples", resamples, 1)
    features = features_of(periods, orientations)
    x = features[:, 0]
    found = {"modules": 0, "units": x.size, "dip": np.nan, "dip_p_value": np.nan}
    bic, interval = np.full(MOST, np.nan), np.full(2, np.nan)
    parts = np.full((3, MOST), np.nan)
    if x.size >= FEWEST:
        random = seeds.generator(seed, seeds.GRID_MODULES)
        mixtures, bic = _fitted(features, random, STARTS)
        found["dip"], found["dip_p_value"] = diptest.diptest(x)
        several = found["dip_p_value"] <= LEVEL
        edges = _edges(x, mixtures[bic.argmin()]) if several else np.empty(0)
        found["modules"] = edges.size + 1
        module = np.searchsorted(edges, x)
        for index in range(edges.size + 1):
            parts[:2, index] = np.exp(x[module == index].mean()), (module == index).mean()
        parts[2, 1:] = parts[0, 1:] / parts[0, :-1]
        chosen = random.integers(x.size, size=(resamples, x.size))
        # A resample differs from the sample as much as the sample differs from all units, and
        # independently: the dip of a unimodal one is sqrt(2) times as large.
        numbers = [quick_count(features[units], random, noise=2**0.5) for units in chosen]
        interval = np.quantile(numbers, [0.025, 0.975], method="inverted_cdf")
    number = np.arange(1, MOST + 1)
    along_module = zip(("centres", "shares", "ratios"), parts, strict=True)
    return xr.Dataset(
        found
        | {"modules_interval": ("bound", interval), "bic": ("components", bic)}
        | {name: ("module", values) for name, values in along_module},
        coords={"bound": ["low", "high"], "components": number, "module": number},
    )


def units_needed(
    modules: int,
    ratio: float = 1.4,
    spread: float = 0.07,
    power: float = 0.8,
    seed: int = 0,
    trials: int = 200,
) -> float:
    """Fewest units with which `count_modules` finds exactly `modules` modules in `power` of cases.

    It simulates `trials` networks at each number of units, in steps of 15 %; the result may be off
    by one step. All modules are equally probable. Each period is `ratio` times the one before.
    Within a module, log period is normal with standard deviation `spread`. NaN where 3,500 units
    are not enough.

    Raises ValueError for a number of modules outside 2 to 6, a ratio of 1 or less, a spread that is
    not positive, and a power outside 0 to 1.
    """
    for name, value, allowed, holds in (
        ("modules", modules, f"2 to {MOST}", 2 <= modules <= MOST),
        ("ratio", ratio, "above 1", ratio > 1),
        ("spread", spread, "above 0", spread > 0),
        ("power", power, "between 0 and 1", 0 < power < 1),
    ):
        if not holds:
            raise refused(name, shown(value), allowed)

    def is_enough(index: int) -> bool:
        random = seeds.generator(seed, seeds.GRID_MODULES)
        x = spread * random.standard_normal((trials, UNITS_LOOKED_AT[index]))
        x += np.log(ratio) * random.integers(modules, size=x.shape)
        several = [sample for sample in x if _p_value(sample) <= LEVEL]  # the others have one
        needed, right, left = np.ceil(power * trials - 1e-9), 0, len(several)
        while right < needed <= right + left:
            left -= 1
            right += quick_count(several[left][:, np.newaxis], random) == modules
        return right >= needed

    # Many units cost much more than few: first upwards, then back between the last two.
    most = next(filter(is_enough, range(0, UNITS_LOOKED_AT.size, STRIDE)), None)
    if most is None:
        return float("nan")
    least = max(most - STRIDE, -1)  # too few
    while most - least > 1:
        middle = (least + most) // 2
        least, most = (least, middle) if is_enough(middle) else (middle, most)
    return float(UNITS_LOOKED_AT[most])


def quick_count(features: np.ndarray, random: np.random.Generator, noise: float = 1.0) -> int:
    """Number of modules alone, as in `count_modules`: faster for many samples.

    `features` is what `features_of` returns. `noise` is what dips are divided by.
    """
    x = features[:, 0]
    if _p_value(x, noise) > LEVEL:
        return 1
    mixtures, bic = _fitted(features, random)
    return _edges(x, mixtures[bic.argmin()], noise).size + 1


def features_of(periods: ArrayLike, orientations: ArrayLike | None = None) -> np.ndarray:
    """Log period (unit, 1) or, with orientations, also their cosine and sine (unit, 3).

    Args and errors as in `count_modules`. Units without one of them are left out. The others are
    sorted, because random numbers go to units by their order.
    """
    periods = np.ma.filled(np.ma.asarray(periods, float), np.nan)
    outside = periods[np.isinf(periods) | (periods <= 0)]
    if outside.size:
        raise refused("periods", shown(float(outside[0])), "positive finite numbers and NaN")
    columns = [np.log(periods)]
    if orientations is not None:
        angles: np.ndarray = 6 * np.ma.filled(np.ma.asarray(orientations, float), np.nan)
        if angles.shape != periods.shape:
            raise refused("orientations", f"shape {angles.shape}", f"{periods.shape}")
        if np.isinf(angles).any():
            raise refused("orientations", "an infinite angle", "finite numbers and NaN")
        # No library has mixtures on a circle, so a unit's place on it counts as two features.
        # scikit-learn adds one variance to all features, so the circle is scaled to suit it.
        scale = LEAST_DEVIATION / LEAST_TURN
        columns += [scale * np.cos(angles), scale * np.sin(angles)]
    features = np.stack([column.ravel() for column in columns], axis=1)
    features = features[~np.isnan(features).any(axis=1)]
    return features[np.lexsort(features.T[::-1])]


def _fitted(
    features: np.ndarray, random: np.random.Generator, starts: int = 1
) -> tuple[list[GaussianMixture], np.ndarray]:
    """The likeliest mixtures of 1 to `MOST` components, and their BIC."""
    import sklearn  # only here, because it takes half a second
    from sklearn.mixture import GaussianMixture

    settings = {
        "covariance_type": "diag",
        "reg_covar": LEAST_DEVIATION**2,
        "init_params": "k-means++",
        "n_init": starts,
        "random_state": int(random.integers(2**31)),
    }
    # Checks of the input take a quarter of the time, and the input has been checked.
    with sklearn.config_context(assume_finite=True, skip_parameter_validation=True):
        mixtures = [GaussianMixture(k, **settings).fit(features) for k in range(1, MOST + 1)]
        return mixtures, np.array([mixture.bic(features) for mixture in mixtures])


def _p_value(x: np.ndarray, noise: float = 1.0) -> float:
    """p-value of the dip of `x`, divided by `noise`."""
    if x.size < FEWEST_DIP:
        return 1.0
    # `diptest.diptest` takes a sample and no dip, so its table of p-values is read directly.
    return Consts.compute_pval_interpolation(x.size, diptest.dipstat(x) / noise)


def _edges(x: np.ndarray, mixture: GaussianMixture, noise: float = 1.0) -> np.ndarray:
    """Log periods between modules.

    They lie where the density of the mixture is least between two modes, if the dip test on the
    units of these two modes finds more than one. The dip test on all units is known to find several
    modes, so the last edge stays.
    """
    at = np.linspace(x.min(), x.max(), 500)[:, np.newaxis]
    components = stats.norm.pdf(at, mixture.means_[:, 0], np.sqrt(mixture.covariances_[:, 0]))
    density = components @ mixture.weights_
    inner = density[1:-1]
    edges = at[1:-1, 0][(inner < density[:-2]) & (inner <= density[2:])]
    edges = edges[np.diff(np.searchsorted(np.sort(x), edges), prepend=0) > 0]
    while edges.size > 1:
        ends = np.concatenate([[-np.inf], edges, [np.inf]])
        pairs = [x[(x > low) & (x < high)] for low, high in zip(ends[:-2], ends[2:], strict=True)]
        p_values = [_p_value(pair, noise) for pair in pairs]
        if max(p_values) <= LEVEL:
            break
        edges = np.delete(edges, np.argmax(p_values))
    return edges
