"""Scores of maps over the nodes of a graph, which are too few for the ring scores of rate maps.

A patch of a lattice with 4 to 13 nodes a side shows two things exactly: waves that are sampled at
the nodes, and what a rotation by the lattice's own angle (90 degrees, or 60) does to the map's
autocorrelogram, because it turns nodes onto nodes. Chance is a random map that has as much power as
the map at each spatial scale of the graph.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike
from scipy.sparse import coo_array, csr_array

from nofreelunch import seeds

STEPS = 24  # wave numbers from zero to the shortest resolved period, along each axis
SHORTEST = 2.0  # nodes; shorter periods cannot be told from longer ones
PEAK = 0.5  # of the strongest peak, from which another peak counts
LEAST_OVERLAP = 0.25  # share of the nodes that a lag must have pairs for
FLAT = 1e-3  # standard deviation over nodes below which a map says nothing
ANGLES = 3  # of peaks that are kept
SCALE = 0.5  # width of the bands of equal scale, in wave numbers of the longest wave


class Nodes(NamedTuple):
    """Where the nodes of a graph are.

    `position` (node, 2), in distances of neighbours; `cells` (node, 2), whole numbers; `turn`
    (2, 2), the lattice's rotation of whole numbers, `cells @ turn`; `degrees`, its angle;
    `neighbour` (node, action), -1 where an action leads nowhere.
    """

    position: np.ndarray
    cells: np.ndarray
    turn: np.ndarray
    degrees: int
    neighbour: np.ndarray


def waves(shortest: float = SHORTEST) -> np.ndarray:
    """Wave vectors (row, column, 2) in cycles per distance of neighbours, in a square of them."""
    axis = np.linspace(-1, 1, 2 * STEPS + 1) / shortest
    return np.stack(np.meshgrid(axis, axis, indexing="xy"), -1)


def periodogram(maps: ArrayLike, position: np.ndarray, wave: np.ndarray) -> np.ndarray:
    """Power (..., row, column) of maps (..., node) at wave vectors (row, column, 2).

    The share of a map's variance over nodes that a wave of that vector alone explains, roughly:
    |sum (m - mean) exp(-2 pi i k x)|^2 / (nodes * sum (m - mean)^2).
    """
    values = np.asarray(maps, float)
    values = values - values.mean(-1, keepdims=True)
    phases = np.exp(-2j * np.pi * np.einsum("yxd,nd->nyx", wave, position))
    size = values.shape[-1] * np.square(values).sum(-1)
    power = np.abs(np.tensordot(values, phases, 1)) ** 2
    return power / np.where(size > 0, size, np.nan)[..., None, None]


class Peaks(NamedTuple):
    """Peaks of a periodogram: the strongest wave number, how many waves, and their directions.

    `wave_number` is in cycles per distance of neighbours. `directions` counts those with a peak of
    at least half the strongest; opposite vectors are one direction. `angles` are those of the
    strongest ones, degrees from 0 to 180; NaN where there are fewer.
    """

    wave_number: float
    directions: int
    angles: np.ndarray


def peaks_of(power: np.ndarray, wave: np.ndarray) -> Peaks:
    """The peaks of a periodogram (row, column), from half a cycle per patch on."""
    length = np.linalg.norm(wave, axis=-1)
    angle = np.degrees(np.arctan2(wave[..., 1], wave[..., 0]))
    half = (angle >= 0) & (angle < 180) & (length > 0)  # a wave and its opposite are the same
    padded = np.pad(power, 1, constant_values=-np.inf)
    around = [np.roll(padded, (i, j), (0, 1))[1:-1, 1:-1] for i in (-1, 0, 1) for j in (-1, 0, 1)]
    highest = (power >= np.max(around, 0)) & half
    if not np.isfinite(power).all() or not highest.any():
        return Peaks(np.nan, 0, np.full(ANGLES, np.nan))
    order = np.argsort(-power[highest], kind="stable")
    strong = order[power[highest][order] >= PEAK * power[highest].max()]
    angles = np.full(ANGLES, np.nan)
    found = angle[highest][strong][:ANGLES]
    angles[: found.size] = found
    return Peaks(float(length[highest][order[0]]), len(strong), angles)


class Lags:
    """Autocorrelograms of maps over a graph's nodes, at the lags of its lattice."""

    def __init__(self, nodes: Nodes) -> None:
        count = len(nodes.cells)
        one, other = (part.ravel() for part in np.indices((count, count)))
        lag = nodes.cells[other] - nodes.cells[one]
        self.lags, number = np.unique(lag, axis=0, return_inverse=True)
        number = number.ravel()
        self.pairs = np.bincount(number)
        self.one, self.other = one, other
        pair = np.arange(one.size)
        self.sums: csr_array = coo_array((np.ones(one.size), (number, pair))).tocsr()
        place = {tuple(cell): k for k, cell in enumerate(self.lags.tolist())}
        enough = self.pairs >= LEAST_OVERLAP * count
        enough &= self.lags.any(1)  # the lag of zero says nothing
        self.turns = []
        turned = self.lags
        for _ in range(
            180 // nodes.degrees - 1
        ):  # half a turn maps every autocorrelogram on itself
            turned = turned @ nodes.turn
            to = np.array([place.get(tuple(cell), -1) for cell in turned.tolist()])
            both = enough & (to >= 0) & enough[to]
            self.turns.append((np.flatnonzero(both), to[both]))

    def correlations(self, maps: ArrayLike) -> np.ndarray:
        """Pearson correlations (map, lag) of maps (map, node) with themselves, moved by a lag."""
        values = np.asarray(maps, float)
        first, second = values[:, self.one].T, values[:, self.other].T

        def mean(x: np.ndarray) -> np.ndarray:
            return (self.sums @ x).T / self.pairs

        means = mean(first), mean(second)
        covariance = mean(first * second) - means[0] * means[1]
        spreads = [mean(x**2) - m**2 for x, m in zip((first, second), means, strict=True)]
        size = np.sqrt(np.maximum(spreads[0], 0) * np.maximum(spreads[1], 0))
        return np.where(size > 1e-12, covariance / np.where(size > 1e-12, size, 1), 0.0)

    def rotation_scores(self, maps: ArrayLike) -> np.ndarray:
        """How alike the autocorrelograms of maps (map, node) are to themselves when turned, (map,).

        The correlation over lags after a turn by the lattice's angle, without interpolation. On a
        triangular lattice it is the lower one of 60 and 120 degrees.
        """
        found = self.correlations(maps)
        scores = [_correlation(found[:, here], found[:, there]) for here, there in self.turns]
        return np.min(scores, 0)


def _correlation(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    one, other = (x - x.mean(-1, keepdims=True) for x in (one, other))
    size = np.sqrt(np.square(one).sum(-1) * np.square(other).sum(-1))
    return (one * other).sum(-1) / np.where(size > 0, size, np.nan)


def harmonics(neighbour: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The waves of a graph (node, wave) and their scale (wave,), from its Laplacian.

    Waves of one scale have wave numbers that differ by less than half that of the longest wave.
    """
    count = len(neighbour)
    joined = np.zeros((count, count))
    here, action = np.nonzero((neighbour >= 0) & (neighbour != np.arange(count)[:, None]))
    joined[here, neighbour[here, action]] = 1
    values, modes = np.linalg.eigh(np.diag(joined.sum(1)) - joined)
    number = np.sqrt(np.maximum(values, 0))
    return modes, np.round((number / number[1]) / SCALE).astype(int)


def alike_at_every_scale(
    values: np.ndarray, neighbour: np.ndarray, count: int, random: np.random.Generator
) -> np.ndarray:
    """Random maps (map, node) with the mean of a map (node,) and its power at every scale.

    Within a scale, the power is spread anew over directions and phases.
    """
    modes, scale = harmonics(neighbour)
    size = values @ modes
    drawn = random.normal(size=(count, len(values)))
    for band in np.unique(scale):
        own = scale == band
        length = np.linalg.norm(drawn[:, own], axis=1, keepdims=True)
        drawn[:, own] *= np.linalg.norm(size[own]) / length
    drawn[:, 0] = size[0]  # the mean
    return drawn @ modes.T


def score_nodes(maps: np.ndarray, nodes: Nodes, surrogates: int, seed: int) -> xr.Dataset:
    """Scores of maps (unit, node) over the nodes of a graph.

    Args:
        maps: mean activity at each node; NaN at nodes that were never visited counts as the mean.
        nodes: where they are.
        surrogates: random maps per unit for the p-value.
        seed: of these.

    Returns:
        Over `unit`: `wave_number` (cycles per distance of neighbours), `peak_count` and
        `peak_angle` (unit, peak), degrees, see `Peaks`; `rotation_score`, see `Lags`; `rotation_p`,
        the share of surrogates with at least this score, with the unit itself; `active`, whether
        the map varies over nodes. Scores of other units are NaN.
    """
    filled = np.where(np.isfinite(maps), maps, np.nanmean(maps, 1, keepdims=True))
    active = filled.std(1) >= FLAT
    wave, lags = waves(), Lags(nodes)
    count = len(filled)
    number, score, p_value = (np.full(count, np.nan) for _ in range(3))
    peaks, angles = np.zeros(count, int), np.full((count, ANGLES), np.nan)
    for unit in np.flatnonzero(active):
        number[unit], peaks[unit], angles[unit] = peaks_of(
            periodogram(filled[unit], nodes.position, wave), wave
        )
        random = seeds.generator(seed, seeds.NODE_SURROGATES, int(unit))
        others = alike_at_every_scale(filled[unit], nodes.neighbour, surrogates, random)
        score[unit], *chance = lags.rotation_scores(np.vstack([filled[unit], others]))
        p_value[unit] = (1 + np.sum(np.array(chance) >= score[unit])) / (1 + surrogates)
    units = {"units": "cycles per distance of neighbours"}
    return xr.Dataset(
        {
            "wave_number": ("unit", number, units),
            "peak_count": ("unit", peaks),
            "peak_angle": (("unit", "peak"), angles, {"units": "degrees"}),
            "rotation_score": ("unit", score),
            "rotation_p": ("unit", p_value),
            "active": ("unit", active),
        }
    )
