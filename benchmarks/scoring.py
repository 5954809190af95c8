"""Time that grid scores take, against the published way to compute them.

The published scorer (Banino et al. 2018), written out here from its equations, takes one map at a
time. It sums six two-dimensional correlations directly for the autocorrelogram, rotates that seven
times by cubic splines, and correlates each of ten rings with each rotation. Both scorers run in one
process, in turn. Processor time is measured, so a second thread gains nothing.

`python benchmarks/scoring.py` prints the table; `run` returns it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

import numpy as np
import scipy.ndimage
import scipy.signal
from nofreelunch.scoring import grid_scores

ROTATIONS = (30, 45, 60, 90, 120, 135, 150)  # degrees
# Bins -> number of maps on which the published and the batched scorer are timed.
MAPS = {20: (20, 1024), 32: (6, 512), 44: (3, 256)}
REPEATS = 9
TOLERANCE = 1e-6  # by which their scores may differ, checked before they are timed

log = logging.getLogger("benchmarks")


def plain_scores(rates: np.ndarray) -> dict[str, np.ndarray]:
    """The published scores of one map (y, x) without NaN: {definition: (ring, 60° and 90°)}."""
    correlogram = _plain_autocorrelogram(rates)
    n = len(rates)
    turned = {angle: scipy.ndimage.rotate(correlogram, angle, reshape=False) for angle in ROTATIONS}
    radius = np.hypot(*np.mgrid[1 - n : n, 1 - n : n])
    scores = {"min_max": [], "mean": []}
    for outer in np.linspace(0.4, 1, 10):
        ring = (radius > 0.2 * n) & (radius <= outer * n)
        area = ring.sum()
        mean = (correlogram * ring).sum() / area
        centred = (correlogram - mean) * ring
        variance = (centred**2).sum() / area + 1e-5
        at = {
            angle: (centred * ((other - mean) * ring)).sum() / area / variance
            for angle, other in turned.items()
        }
        like, unlike = [at[60], at[120]], [at[30], at[90], at[150]]
        score_90 = at[90] - (at[45] + at[135]) / 2
        scores["min_max"].append((min(like) - max(unlike), score_90))
        scores["mean"].append((np.mean(like) - np.mean(unlike), score_90))
    return {method: np.array(by_ring) for method, by_ring in scores.items()}


def _plain_autocorrelogram(rates: np.ndarray) -> np.ndarray:
    """Pearson correlation at every lag, 0 where it is not finite."""
    ones = np.ones_like(rates)

    def summed(first: np.ndarray, second: np.ndarray) -> np.ndarray:
        return scipy.signal.correlate2d(first, second)

    overlap = summed(ones, ones)
    first, second = summed(rates, ones) / overlap, summed(ones, rates) / overlap
    first_variance = summed(rates**2, ones) / overlap - first**2
    second_variance = summed(ones, rates**2) / overlap - second**2
    covariance = summed(rates, rates) / overlap - first * second
    with np.errstate(all="ignore"):
        correlogram = covariance / np.sqrt(first_variance) / np.sqrt(second_variance)
    correlogram[~np.isfinite(correlogram)] = 0
    return correlogram


def run() -> dict[str, dict[str, float]]:
    """Milliseconds per map of both scorers, and their ratio: median, smallest and largest.

    Raises:
        RuntimeError: if their scores differ.
    """
    results = {}
    for bins, (few, many) in MAPS.items():
        maps = np.random.default_rng(0).uniform(size=(many, bins, bins))
        _check(maps[:2])
        spent = np.array([_both(maps, few) for _ in range(REPEATS)]) * 1000
        ratio = spent[:, 0] / spent[:, 1]
        published, batched = np.median(spent, axis=0)
        results[f"{bins} bins"] = {
            "published_ms": published,
            "batched_ms": batched,
            "ratio": np.median(ratio),
            "ratio_least": ratio.min(),
            "ratio_greatest": ratio.max(),
        }
    return {bins: {k: float(v) for k, v in row.items()} for bins, row in results.items()}


def _both(maps: np.ndarray, few: int) -> tuple[float, float]:
    """Seconds per map of the published scorer and of the batched one."""
    published = _seconds(lambda: [plain_scores(rates) for rates in maps[:few]]) / few
    return published, _seconds(lambda: grid_scores.grid_scores(maps)) / len(maps)


def _seconds(function: Callable[[], object]) -> float:
    start = time.process_time()
    function()
    return time.process_time() - start


def _check(maps: np.ndarray) -> None:
    found = grid_scores.grid_scores(maps)
    for index, rates in enumerate(maps):
        for method, expected in plain_scores(rates).items():
            ours = found.isel({found.score_60.dims[1]: index}).sel(definition=method)
            for best, name in zip(expected.max(axis=0), ("score_60", "score_90"), strict=True):
                error = abs(float(ours[name]) - best)
                if not error <= TOLERANCE:
                    raise RuntimeError(f"{name} by {method}: off the published score by {error:g}")


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    log.info("grid scores: published ms/map, batched ms/map, ratio (least to greatest)")
    for size, row in run().items():
        log.info(
            "%s  %8.2f  %8.4f  %5.0f (%.0f to %.0f)",
            *(size, row["published_ms"], row["batched_ms"], row["ratio"]),
            *(row["ratio_least"], row["ratio_greatest"]),
        )
