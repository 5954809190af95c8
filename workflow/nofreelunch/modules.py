"""Grid modules: are the periods of a set of units in one cluster or in several?

Two things have to agree, so that one broad module is not cut up. A Gaussian mixture of log periods
alone would fit any module that is not itself Gaussian with several components; a dip test alone
cannot count. Give it units whose lattice is significant, of one network or of a pooled set. The
modules of several networks pooled are those of the pool: networks that differ look like modules.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike
from scipy import special

MODULE_STREAM = 6  # second seed word: draws shared with nothing else
MOST = 6  # modules looked for
FEWEST = 10  # units; with fewer nothing is said
LEVEL = 0.05  # of the dip test

# A component narrower than this (in log period, 2 %) would be fitted to rounding of the periods.
LEAST_DEVIATION = 0.02
LARGEST_RESULTANT = 0.995  # of a component's orientations: they spread by 1°
STARTS = 4  # of each fit: at quantiles, and at random
STARTS_RESAMPLED = 2
ROUNDS = 60  # of expectation and maximisation
CLOSE = 1e-3  # gain in log likelihood at which they end
VALUES_PER_CHUNK = 2**21  # bounds memory

UNITS_LOOKED_AT = np.unique(np.rint(10 * 1.15 ** np.arange(43)).astype(int))  # up to 3,545
STRIDE = 6  # divides their number less one
TRIALS = 200

# sqrt(n) times the dip of n uniform numbers, at the probabilities of being exceeded: `dip` of
# 40,000 samples of each size.
SIZES = np.array([4, 6, 10, 20, 50, 100, 200, 500, 2000])
EXCEEDED = np.array([1, 0.75, 0.5, 0.25, 0.1, 0.05, 0.02, 0.01, 0.005, 0.001])
UNIFORM_DIPS = np.array(
    [
        [0.2500, 0.2500, 0.2500, 0.2892, 0.3750, 0.4141, 0.4476, 0.4632, 0.4736, 0.4873],
        [0.2041, 0.2412, 0.3013, 0.3547, 0.3899, 0.4036, 0.4386, 0.4725, 0.4977, 0.5365],
        [0.1581, 0.2783, 0.3094, 0.3626, 0.4135, 0.4422, 0.4761, 0.5042, 0.5282, 0.5691],
        [0.1622, 0.2863, 0.3284, 0.3808, 0.4352, 0.4704, 0.5111, 0.5372, 0.5640, 0.6106],
        [0.1558, 0.3005, 0.3463, 0.4022, 0.4606, 0.4987, 0.5469, 0.5766, 0.6068, 0.6679],
        [0.1782, 0.3088, 0.3552, 0.4108, 0.4697, 0.5095, 0.5559, 0.5887, 0.6186, 0.6708],
        [0.1767, 0.3146, 0.3621, 0.4202, 0.4818, 0.5235, 0.5719, 0.6083, 0.6410, 0.7073],
        [0.1890, 0.3202, 0.3682, 0.4262, 0.4893, 0.5303, 0.5810, 0.6167, 0.6500, 0.7211],
        [0.1832, 0.3252, 0.3734, 0.4337, 0.4965, 0.5369, 0.5861, 0.6208, 0.6556, 0.7421],
    ]
)


class Mixture(NamedTuple):
    """Mixtures (sample, component), in which log period is normal and, apart from it, six times
    the orientation is von Mises distributed."""

    weight: np.ndarray
    mean: np.ndarray
    deviation: np.ndarray
    direction: np.ndarray
    concentration: np.ndarray


def count(
    periods: ArrayLike, orientations: ArrayLike | None = None, seed: int = 0, resamples: int = 200
) -> xr.Dataset:
    """Number of grid modules among units, by their periods.

    There are several modules if the Bayesian information criterion (BIC) of mixtures of log period
    is least with several components, and the dip test (Hartigan and Hartigan 1985) finds more than
    one mode. How many is then the number of modes of the best mixture, less those that the dip test
    on the units of two neighbours does not tell apart. With orientations, each component has one
    too; that helps the mixture to tell components apart, but units of one period are one module.

    Args:
        periods: of significant units, any shape, in any unit; units with NaN are left out.
        orientations: of the same units, rad, modulo pi/3.
        seed: of starts and resamples, 0 or more.
        resamples: of units, for the interval of the number of modules.

    Returns:
        `modules`, their number, 0 with fewer than 10 units; `modules_interval` along `bound` (low,
        high), the middle 95 % of the numbers found in resampled units, where the dip test allows
        for the noise that resampling adds; `bic` along `components`, 1 to 6; `dip`, `dip_p_value`
        (0.001 stands for less); and along `module`, 1 to 6 from the least period and NaN beyond
        the last, `centres` in the unit of `periods`, `shares` of the units, and `ratios` of each
        centre to the one before; `units`, how many counted. The interval says how steady the number
        is: no data exclude that there are more modules, of few units or close together.

    Raises:
        ValueError: for periods that are not positive and finite, other shapes, a negative seed, and
            fewer than one resample.
    """
    for name, value, least in (("seed", seed, 0), ("resamples", resamples, 1)):
        if not isinstance(value, int | np.integer) or value < least:
            raise ValueError(f"{name}: found {value!r}, allowed: an integer of at least {least}")
    x, angles = _checked(periods, orientations)
    enough = x.size >= FEWEST
    found = {"modules": 0, "units": x.size, "dip": np.nan, "dip_p_value": np.nan}
    bic, interval = np.full(MOST, np.nan), np.full(2, np.nan)
    parts = np.full((3, MOST), np.nan)
    if enough:
        random = np.random.default_rng([seed, MODULE_STREAM])
        fits, of_k = _fitted(x[np.newaxis], _one(angles), random, STARTS)
        bic = of_k[:, 0]
        found["dip"] = dip(x)
        found["dip_p_value"] = dip_p_value(found["dip"], x.size)
        edges = np.array([])
        if found["dip_p_value"] <= LEVEL:
            edges = _edges(x, Mixture(*(part[0] for part in fits[bic.argmin()])))
        found["modules"] = edges.size + 1
        module = np.searchsorted(edges, x)
        for index in range(edges.size + 1):
            parts[:2, index] = np.exp(x[module == index].mean()), (module == index).mean()
        parts[2, 1:] = parts[0, 1:] / parts[0, :-1]
        numbers = _resampled(x, angles, resamples, random)
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
    modules: int, ratio: float = 1.4, spread: float = 0.07, power: float = 0.8, seed: int = 0
) -> float:
    """Fewest units with which `count` finds exactly `modules` modules in `power` of cases.

    By simulation of 200 networks at each number of units looked at, in steps of 15 %: modules of
    equal probability, each period `ratio` times the one before, and within a module a normal
    distribution of log period with standard deviation `spread`. An error of one step is usual. NaN
    where 3,500 units are not enough.

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
            raise ValueError(f"{name}: found {value!r}, allowed: {allowed}")

    def is_enough(index: int) -> bool:
        random = np.random.default_rng([seed, MODULE_STREAM])
        size = TRIALS, UNITS_LOOKED_AT[index]
        x = np.log(ratio) * random.integers(modules, size=size)
        x += spread * random.standard_normal(size)
        return np.mean(_numbers(x, None, random) == modules) >= power

    # Many units cost much more than few: first upwards, then back between the last two.
    most = next(filter(is_enough, range(0, UNITS_LOOKED_AT.size, STRIDE)), None)
    if most is None:
        return float("nan")
    least = max(most - STRIDE, -1)  # too few
    while most - least > 1:
        middle = (least + most) // 2
        least, most = (least, middle) if is_enough(middle) else (middle, most)
    return float(UNITS_LOOKED_AT[most])


def dip(values: ArrayLike) -> float:
    """The dip of a sample (Hartigan and Hartigan 1985): how far its distribution is from unimodal.

    The least, over distributions that rise convexly up to a mode and concavely from there, of the
    largest difference from that of the sample; 1 / (2 n) or more. By their algorithm, in which the
    interval where the mode can be shrinks from both sides.

    Raises ValueError for an empty sample, and for values that are not finite.
    """
    x, counts = np.unique(np.asarray(values, dtype=float), return_counts=True)
    if not x.size or not np.isfinite(x).all():
        found = x[~np.isfinite(x)][0] if x.size else "none"
        raise ValueError(f"values: found {found}, allowed: one or more finite numbers")
    upto = np.cumsum(counts)
    below = upto - counts
    n = upto[-1]
    before = _hull(x, below)  # of each point in the convex minorant of all before it
    after = x.size - 1 - _hull(-x[::-1], (n - upto)[::-1])[::-1]
    low, high, largest = 0, x.size - 1, 1.0
    while low < high:
        minorant, majorant = [high], [low]
        while minorant[-1] > low:
            minorant.append(int(before[minorant[-1]]))
        while majorant[-1] < high:
            majorant.append(int(after[majorant[-1]]))
        minorant.reverse()
        under = np.interp(x[low : high + 1], x[minorant], below[minorant])
        over = np.interp(x[low : high + 1], x[majorant], upto[majorant])
        ends = np.union1d(minorant, majorant)
        gap = (over - under)[ends - low]
        widest = ends[gap.argmax()]
        if gap.max() <= largest:
            break
        new_low = minorant[np.searchsorted(minorant, widest, side="right") - 1]
        new_high = majorant[np.searchsorted(majorant, widest)]
        left, right = slice(low, new_low + 1), slice(new_high, high + 1)
        largest = max(
            largest,
            (upto[left] - under[: new_low - low + 1]).max(),
            (over[new_high - low :] - below[right]).max(),
        )
        if (new_low, new_high) == (low, high):
            break
        low, high = new_low, new_high
    return float(largest / (2 * n))


def _hull(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """For each point the one before it on the convex minorant of the points up to it."""
    x, y, before = x.tolist(), y.tolist(), [0] * len(x)
    for j in range(1, len(x)):
        i = j - 1
        while i > 0:
            h = before[i]
            if (y[i] - y[h]) * (x[j] - x[i]) < (y[j] - y[i]) * (x[i] - x[h]):
                break
            i = h
        before[j] = i
    return np.array(before)


def dip_p_value(dip: float, n: int) -> float:
    """Probability that the dip of `n` uniform numbers is as large: 1 down to 0.001, which stands
    for less. No unimodal distribution has larger dips than the uniform one, for many numbers."""
    size = np.interp(n, SIZES, np.arange(SIZES.size))
    first = min(int(size), SIZES.size - 2)
    quantiles = (
        UNIFORM_DIPS[first] + (size - first) * np.diff(UNIFORM_DIPS[first : first + 2], axis=0)[0]
    )
    return float(np.exp(np.interp(np.sqrt(n) * dip, quantiles, np.log(EXCEEDED))))


def _checked(
    periods: ArrayLike, orientations: ArrayLike | None
) -> tuple[np.ndarray, np.ndarray | None]:
    """Log periods and six times the orientations (unit,) of units that have both, by period.

    Their order decides where mixtures start.
    """
    periods = np.ma.filled(np.ma.asarray(periods, float), np.nan)
    if np.isinf(periods).any() or (periods <= 0).any():
        raise ValueError("periods: allowed: positive finite numbers and NaN")
    known = ~np.isnan(periods)
    if orientations is None:
        return np.log(np.sort(periods[known])), None
    angles = 6 * np.ma.filled(np.ma.asarray(orientations, float), np.nan)
    if angles.shape != periods.shape or np.isinf(angles).any():
        raise ValueError(
            f"orientations: found shape {angles.shape}, allowed: finite or NaN, {periods.shape}"
        )
    known &= ~np.isnan(angles)
    order = np.lexsort((angles[known], periods[known]))
    return np.log(periods[known][order]), angles[known][order]


def _one(values: np.ndarray | None) -> np.ndarray | None:
    return None if values is None else values[np.newaxis]


def _resampled(
    x: np.ndarray, angles: np.ndarray | None, resamples: int, random: np.random.Generator
) -> np.ndarray:
    """Numbers of modules in resampled units (resample,)."""
    chosen = random.integers(x.size, size=(resamples, x.size))
    # The distribution of a resample differs from that of the sample as much as this does from that
    # of all units, independently: the dip of a unimodal one is sqrt(2) times as large.
    return _numbers(x[chosen], None if angles is None else angles[chosen], random, 2**0.5)


def _numbers(
    x: np.ndarray, angles: np.ndarray | None, random: np.random.Generator, noise: float = 1.0
) -> np.ndarray:
    """Number of modules in each sample of log periods (sample, unit), as in `count`.

    `noise` is what dips are divided by.
    """
    numbers = np.ones(len(x), int)
    several = np.flatnonzero([_p_value(sample, noise) <= LEVEL for sample in x])
    step = max(1, VALUES_PER_CHUNK // (STARTS_RESAMPLED * MOST * x.shape[1]))
    for start in range(0, several.size, step):
        chosen = several[start : start + step]
        turned = None if angles is None else angles[chosen]
        fits, bic = _fitted(x[chosen], turned, random, STARTS_RESAMPLED)
        for row, best in enumerate(bic.argmin(axis=0)):
            mixture = Mixture(*(part[row] for part in fits[best]))
            numbers[chosen[row]] = _edges(x[chosen[row]], mixture, noise).size + 1
    return numbers


def _p_value(x: np.ndarray, noise: float) -> float:
    return dip_p_value(dip(x) / noise, x.size) if x.size >= SIZES[0] else 1.0


def _edges(x: np.ndarray, mixture: Mixture, noise: float = 1.0) -> np.ndarray:
    """Log periods between modules: where the density of a mixture (component,) is least between
    two modes, and the dip test on the units of these two finds more than one.

    It is known that there are several modules: the last edge stays.
    """
    at = np.linspace(x.min(), x.max(), 500)
    away = (at[:, np.newaxis] - mixture.mean) / mixture.deviation
    density = (np.exp(-(away**2) / 2) * mixture.weight / mixture.deviation).sum(axis=1)
    inner = density[1:-1]
    edges = at[1:-1][(inner < density[:-2]) & (inner <= density[2:])]
    edges = edges[np.diff(np.searchsorted(np.sort(x), edges), prepend=0) > 0]
    while edges.size > 1:
        ends = np.concatenate([[-np.inf], edges, [np.inf]])
        pairs = [x[(x > low) & (x < high)] for low, high in zip(ends[:-2], ends[2:], strict=True)]
        p_values = [_p_value(pair, noise) for pair in pairs]
        if max(p_values) <= LEVEL:
            break
        edges = np.delete(edges, np.argmax(p_values))
    return edges


def _fitted(
    x: np.ndarray, angles: np.ndarray | None, random: np.random.Generator, starts: int
) -> tuple[list[Mixture], np.ndarray]:
    """The likeliest mixtures (sample, component) of 1 to `MOST` components, and their BIC
    (components, sample)."""
    samples, units = x.shape
    values = np.repeat(x, starts, axis=0)[:, np.newaxis]
    turns = None if angles is None else np.repeat(angles, starts, axis=0)[:, np.newaxis]
    fits, bic = [], np.empty((MOST, samples))
    for components in range(1, MOST + 1):
        shape = samples, starts, components
        mean = np.take_along_axis(
            x[:, np.newaxis], random.integers(units, size=shape).reshape(samples, 1, -1), axis=2
        ).reshape(shape)
        mean[:, 0] = np.quantile(x, (np.arange(components) + 0.5) / components, axis=1).T
        mixture, likelihood = _climbed(values, turns, mean.reshape(-1, components))
        likelihood = likelihood.reshape(samples, starts)
        best = np.arange(samples) * starts + likelihood.argmax(axis=1)
        fits.append(Mixture(*(part[best] for part in mixture)))
        numbers = (2 if angles is None else 4) * components + components - 1
        bic[components - 1] = numbers * np.log(units) - 2 * likelihood.max(axis=1)
    return fits, bic


def _climbed(
    x: np.ndarray, angles: np.ndarray | None, mean: np.ndarray
) -> tuple[Mixture, np.ndarray]:
    """Mixtures reached by expectation maximisation from means (sample, component), and the log
    likelihoods (sample,) of `x` and `angles` (sample, 1, unit).

    Deviations and the concentration of orientations are bounded, so that no component is ever of
    one unit.
    """
    spread = np.maximum(x.std(axis=2) / mean.shape[1], LEAST_DEVIATION)
    none = np.zeros(mean.shape)
    mixture = Mixture(none + 1 / mean.shape[1], mean, none + spread, none, none)
    likelihood = np.full(len(x), -np.inf)
    for _ in range(ROUNDS):
        joint = _log_density(mixture, x, angles)
        highest = joint.max(axis=1, keepdims=True)
        share = np.exp(joint - highest)
        total = share.sum(axis=1, keepdims=True)
        before, likelihood = likelihood, (highest + np.log(total)).sum(axis=(1, 2))
        if (likelihood - before < CLOSE).all():
            break
        mixture = _maximised(share / total, x, angles)
    return mixture, likelihood


def _log_density(mixture: Mixture, x: np.ndarray, angles: np.ndarray | None) -> np.ndarray:
    """Log of weight times density (sample, component, unit), without constants."""
    weight, mean, deviation, direction, concentration = (part[..., np.newaxis] for part in mixture)
    joint = np.log(weight / deviation) - ((x - mean) / deviation) ** 2 / 2 - np.log(2 * np.pi) / 2
    if angles is None:
        return joint
    scale = np.log(2 * np.pi * special.i0e(concentration)) + concentration
    return joint + concentration * np.cos(angles - direction) - scale


def _maximised(share: np.ndarray, x: np.ndarray, angles: np.ndarray | None) -> Mixture:
    """The likeliest mixture, given each component's share in each unit."""
    units = share.sum(axis=2) + 1e-12
    mean = (share * x).sum(axis=2) / units
    variance = (share * (x - mean[..., np.newaxis]) ** 2).sum(axis=2) / units
    deviation = np.maximum(np.sqrt(variance), LEAST_DEVIATION)
    weight = units / units.sum(axis=1, keepdims=True)
    if angles is None:
        return Mixture(weight, mean, deviation, 0 * mean, 0 * mean)
    resultant = (share * np.exp(1j * angles)).sum(axis=2) / units
    length = np.minimum(np.abs(resultant), LARGEST_RESULTANT)
    concentration = length * (2 - length**2) / (1 - length**2)  # Banerjee et al. 2005, for a circle
    return Mixture(weight, mean, deviation, np.angle(resultant), concentration)
