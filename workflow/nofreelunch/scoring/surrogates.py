"""Surrogates: random maps that resemble a unit's map in all but the arrangement of its fields.

There are two kinds, because each misses something. Random phases keep the spectrum and the rates
but not the fields, so fields that merely keep their distance beat them too often. Shuffled fields
keep the fields.

A kind is one function under `surrogate`, which gives its name (`p_<name>` is its p-value) and what
files call it. The function is given a map (y, x), its fields and a generator. It returns a
function that draws a number of surrogates (surrogate, y, x), or None for too few fields.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
import scipy.fft
import scipy.special
from numpy.typing import ArrayLike

from nofreelunch.errors import refused
from nofreelunch.scoring.firing_fields import SMOOTHING, Fields, find_fields
from nofreelunch.scoring.maps import one_map

LEAST_OVERLAP = 0.1  # share of the visited bins; correlations over fewer are noisy and count less
HERMITE_ORDERS = 24  # terms of the series in `_before_ranking`; more add little
LEAST_FIELDS = 2  # a single field has no arrangement to shuffle
IN_CACHE = 25  # fields that are transformed and sorted at once, which is fastest
PLACES = 64  # random places that each field of a shuffle tries

Draw = Callable[[int], np.ndarray]
Kind = Callable[[np.ndarray, Fields, np.random.Generator], Draw | None]
KINDS: dict[str, Kind] = {}
LABELS: dict[str, str] = {}


def surrogate(name: str, label: str) -> Callable[[Kind], Kind]:
    """Register the function below as the surrogate kind `name`.

    Its p-value is called `p_<name>`, and files call the kind `label`.
    """

    def register(kind: Kind) -> Kind:
        KINDS[name], LABELS[name] = kind, label
        return kind

    return register


@surrogate("phase", label="random phases")
def random_phases(rate_map: np.ndarray, found: Fields, random: np.random.Generator) -> Draw:
    """Random maps with the map's spectrum and rates; see `random_phase_maps`."""
    amplitude = _amplitude(rate_map)
    return lambda count: ranked(noise(len(rate_map), count, random), amplitude, rate_map)


@surrogate("shuffle", label="shuffled fields")
def shuffled_fields(
    rate_map: np.ndarray, found: Fields, random: np.random.Generator
) -> Draw | None:
    """The map's fields at other places; see `shuffled_field_maps`."""
    if len(found.peaks) < LEAST_FIELDS:
        return None
    return lambda count: shuffled_field_maps(found, count, random)


def random_phase_maps(rate_map: ArrayLike, count: int, random: np.random.Generator) -> np.ndarray:
    """Random maps (count, y, x) with the rates of a map (y, x) and about its spectrum.

    Each is a Gaussian field with random phases, whose values are replaced by the map's rates of the
    same rank. The field is cut from one twice as wide, because a map does not continue across its
    border. Unvisited bins (NaN) are left out of the spectrum and stay unvisited.

    Raises ValueError as `find_fields` does.
    """
    rate_map = one_map(rate_map)
    amplitude = _amplitude(rate_map)
    return ranked(noise(len(rate_map), count, random), amplitude, rate_map)


def noise(side: int, count: int, random: np.random.Generator) -> np.ndarray:
    """Transforms (count, 2 side, side + 1) of white noise on boxes twice as wide as a map."""
    # Single precision will do, because only the order of a field's values counts.
    white = np.empty((count, 2 * side, side + 1), np.complex64)
    for first in range(0, count, IN_CACHE):
        block = white[first : first + IN_CACHE]
        drawn = random.standard_normal((len(block), 2 * side, 2 * side), np.float32)
        block[:] = scipy.fft.rfft2(drawn, workers=1)
    return white


def ranked(white: np.ndarray, amplitude: np.ndarray, rate_map: np.ndarray) -> np.ndarray:
    """Maps (count, y, x) with the rates of a map, in the order of random fields.

    The fields have the transforms `white` (count, 2 side, side + 1), of white noise, times
    `amplitude`.
    """
    visited, n = ~np.isnan(rate_map), len(rate_map)
    rates, bins = np.sort(rate_map[visited]), np.flatnonzero(visited)
    filling = np.nan if rate_map.dtype.kind == "f" else 0
    maps = np.full((len(white), n * n), filling, rate_map.dtype)
    for first in range(0, len(maps), IN_CACHE):
        block = slice(first, first + IN_CACHE)
        # Only a quarter of each field is cut out, so other rows need not be transformed along x.
        rows = scipy.fft.ifft(white[block] * amplitude, axis=1, workers=1)[:, :n]
        field = scipy.fft.irfft(rows, 2 * n, workers=1)[:, :, :n]
        for one, order in zip(maps[block], _order(field[:, visited]), strict=True):
            one[bins[order]] = rates
    return maps.reshape(-1, n, n)


def _order(values: np.ndarray) -> np.ndarray:
    """`values.argsort(axis=1)` of single-precision numbers (row, column), in half the time.

    Sorted are integers that hold a number's bits and, below them, its column.
    """
    bits = values.view(np.int32)
    rising = bits ^ ((bits >> 31) & 0x7FFFFFFF)  # bits of negative numbers fall as they rise
    keys = rising.astype(np.int64) << 32 | np.arange(values.shape[1])
    keys.sort(axis=1)
    return keys & 0xFFFFFFFF


def _amplitude(rate_map: np.ndarray) -> np.ndarray:
    """Amplitude (2 side, side + 1) of fields that have a map's spectrum once they have its rates.

    The map's correlation at each lag is taken over the bins that overlap, and its spectrum is
    averaged over directions. `_before_ranking` then says which correlation a field needs.
    """
    visited, n = ~np.isnan(rate_map), len(rate_map)
    shape = 2 * n, 2 * n
    deviation = np.where(visited, rate_map - np.mean(rate_map, where=visited, dtype=float), 0)
    deviation /= np.abs(deviation).max() or 1.0
    power = np.abs(scipy.fft.rfft2([deviation, visited], shape, workers=1)) ** 2
    products, overlap = scipy.fft.irfft2(power, shape, workers=1)
    power = scipy.fft.fft2(products / np.maximum(overlap, LEAST_OVERLAP * visited.sum())).real
    radius, ring = _wavenumbers(len(power))
    mean = np.bincount(ring.ravel(), power.ravel()) / np.bincount(ring.ravel())
    round_power = np.interp(radius, np.arange(mean.size), mean)
    correlation = scipy.fft.ifft2(_without_negatives(round_power), workers=1).real
    correlation /= correlation[0, 0] or 1.0
    gaussian = _before_ranking(correlation, np.sort(deviation[visited]))
    power = _without_negatives(scipy.fft.fft2(gaussian, workers=1).real)
    return np.sqrt(power[:, : n + 1]).astype(np.float32)


def _without_negatives(power: np.ndarray) -> np.ndarray:
    """The nearest spectrum with the same sum and no negative power: lowered, then cut at zero.

    Correlations estimated from one map scatter. What scatters below zero is made up for by what
    scatters above.
    """
    falling = np.sort(power, axis=None)[::-1]
    lowered = (np.cumsum(falling) - max(falling.sum(), 0)) / np.arange(1, falling.size + 1)
    return np.maximum(power - lowered[np.flatnonzero(falling > lowered)[-1:]].sum(), 0)


@lru_cache(maxsize=16)
def _wavenumbers(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Cycles per side of each two-dimensional frequency (n, n), and the same rounded."""
    cycles = np.fft.fftfreq(n, 1 / n)
    radius = np.hypot(cycles[:, np.newaxis], cycles)
    return radius, np.rint(radius).astype(int)


def _before_ranking(correlation: np.ndarray, rates: np.ndarray) -> np.ndarray:
    """Correlations of Gaussian values that become `correlation` when ranks turn them into `rates`.

    The sorted `rates`, of mean 0, are f(z) at the normal quantiles z, with f = sum of c_k He_k /
    sqrt(k!). A correlation r of Gaussian values then becomes sum of c_k^2 r^k / sum of c_k^2 (Cario
    and Nelson 1997). Below 0 only the first term is taken, as the sum need not rise there. For
    discontinuous rates, variance beyond the truncated series is assigned to r = 1.
    """
    z = scipy.special.ndtri((np.arange(rates.size) + 0.5) / rates.size)
    before, polynomial, powers = np.zeros_like(z), np.ones_like(z), []
    for order in range(1, HERMITE_ORDERS + 1):
        following = (z * polynomial - np.sqrt(order - 1) * before) / np.sqrt(order)
        before, polynomial = polynomial, following
        powers.append(np.mean(rates * polynomial) ** 2)
    shares = np.array(powers) / (max(np.mean(rates**2), sum(powers)) or 1.0)
    grid = np.linspace(-1, 1, 401)
    became = np.polynomial.polynomial.polyval(grid, [0, *shares])
    became = np.where(grid < 0, grid * shares[0], became)
    became[-1] = 1.0
    return np.interp(correlation, np.maximum.accumulate(became), grid)


def shuffled_field_maps(found: Fields, count: int, random: np.random.Generator) -> np.ndarray:
    """Random maps (count, y, x) with the fields of a map at other places.

    The piece of each field is turned by a multiple of 90°, mirrored or not, and put on the
    background. Where pieces overlap the highest rate counts, and none counts below the background.

    Peaks may be at any visited bin. The border cuts what reaches beyond it, as it cuts the fields
    of a unit; this is why `find_fields` makes pieces whole. No two peaks are closer than the
    closest two of the map, as far as these are known and as far as there is room (see `_places`).
    """
    places = _places(found, count, random)
    fields = np.broadcast_to(np.arange(len(found.pieces)), places.shape[:2])
    return _put(found, fields, places, random)


def lattice_maps(
    rate_map: ArrayLike, period: float, count: int, random: np.random.Generator
) -> np.ndarray:
    """Maps (count, y, x) of perfect grid cells with the fields of a map (y, x).

    The fields are put on the points of a triangular lattice of random orientation and phase, whose
    `period` is given in bins. Where the lattice has more points than the map has fields, fields are
    used again. How many of these maps pass `significance` is the power of that test for grid cells
    with such fields.

    Raises ValueError as `find_fields` does, and for a map without fields.
    """
    found = find_fields(rate_map)
    number = len(found.pieces)
    if not number:
        raise refused("rate_map", "no fields", "one or more")
    visited = np.isfinite(found.background)
    made = np.empty((count, *visited.shape))
    for index in range(count):
        points = _triangular(len(visited), period, random)
        points = points[visited[tuple(points.T)]]
        repeats = -(-len(points) // number)
        order = random.permuted(np.tile(np.arange(number), (repeats, 1)), axis=1)
        fields = order.ravel()[: len(points)]
        made[index] = _put(found, fields[np.newaxis], points[np.newaxis], random)[0]
    return made


def _triangular(side: int, period: float, random: np.random.Generator) -> np.ndarray:
    """Points y, x (point, 2) of a random triangular lattice in a map, rounded to bins."""
    reach = int(np.ceil(2 * side / period)) + 1
    steps = np.mgrid[-reach : reach + 1, -reach : reach + 1].reshape(2, -1).T
    basis = period * np.array([[0, 1], [np.sqrt(3) / 2, 0.5]])
    angle = random.uniform(0, np.pi / 3)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    points = (steps + random.uniform(size=2)) @ basis @ turn + side / 2
    points = np.floor(points).astype(int)
    return points[((points >= 0) & (points < side)).all(axis=1)]


def _put(found: Fields, fields: np.ndarray, places: np.ndarray, random) -> np.ndarray:
    """Maps (count, y, x) with fields at places: numbers (count, place) and y, x (count, place, 2).

    Each piece is turned by a random multiple of 90°, mirrored or not. Where pieces overlap the
    highest rate counts.
    """
    turns = random.integers(8, size=places.shape[:2])
    side = len(found.background)
    margin = max(len(piece) // 2 for piece in found.pieces)
    rates = np.zeros((len(places), *2 * [side + 2 * margin]))
    turned = [
        [np.rot90(way, k) for way in (piece, piece.T) for k in range(4)] for piece in found.pieces
    ]
    for one, numbers, where, ways in zip(rates, fields, places, turns, strict=True):
        for number, (y, x), way in zip(numbers, where + margin, ways, strict=True):
            piece = turned[number][way]
            y, x = y - len(piece) // 2, x - len(piece) // 2
            covered = one[y : y + len(piece), x : x + len(piece)]
            np.maximum(covered, piece, out=covered)
    inside = slice(margin, margin + side)
    return rates[:, inside, inside] + found.background


def _places(found: Fields, count: int, random: np.random.Generator) -> np.ndarray:
    """Random y, x of peaks (count, field, 2), in bins, chosen one after another.

    Each peak tries some random places. It takes the first that keeps the least distance from all
    earlier peaks, or the farthest if none does.

    The least distance is that of the map's closest two peaks, plus twice the width of the
    smoothing. Noise and the border move peaks by about that width, so the two may be so much
    farther apart than they seem. Of all distances they may have, the largest makes the most regular
    surrogates. Its p-value therefore holds whichever is true (Berger and Boos 1994).
    """
    allowed = np.argwhere(np.isfinite(found.background))
    least = (found.least_distance + 2 * SMOOTHING * len(found.background)) ** 2
    every = np.arange(count)
    taken = np.empty((count, len(found.peaks), 2), int)
    for number in range(len(found.peaks)):
        tried = allowed[random.integers(len(allowed), size=(count, PLACES))]
        apart = np.square(tried[:, :, np.newaxis] - taken[:, np.newaxis, :number]).sum(axis=-1)
        gap = apart.min(axis=2, initial=np.iinfo(int).max)
        pick = np.minimum(gap, least).argmax(axis=1)
        taken[:, number] = tried[every, pick]
    order = random.permuted(np.tile(np.arange(len(found.peaks)), (count, 1)), axis=1)
    return np.take_along_axis(taken, order[:, :, np.newaxis], axis=1)
