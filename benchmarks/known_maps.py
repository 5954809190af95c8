"""Maps of which it is known whether they are lattices, for docs/validation.md.

Each kind has random numbers of its own, so adding a kind changes no other.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator

import numpy as np

SEED = 0
BOX = 2.2  # m
BINS = 20


def generator(kind: str) -> np.random.Generator:
    """The random numbers of one kind of maps."""
    return np.random.default_rng([SEED, zlib.crc32(kind.encode())])


# Maps without a lattice (map, y, x).


def spectral_noise(
    amplitude: Callable[[np.ndarray], np.ndarray], count: int, random: np.random.Generator
) -> np.ndarray:
    """Gaussian noise of unit variance, with an amplitude at each wavenumber (cycles per m).

    It is cut from a box twice as wide, so that it does not continue across the border.
    """
    frequency = np.fft.fftfreq(2 * BINS, BOX / BINS)
    weight = amplitude(np.hypot(frequency[:, np.newaxis], frequency))
    white = np.fft.fft2(random.standard_normal((count, 2 * BINS, 2 * BINS)))
    return np.fft.ifft2(white * weight).real[:, :BINS, :BINS] / np.sqrt(np.mean(weight**2))


def smooth(width: float, cut: float = -np.inf) -> Callable[..., np.ndarray]:
    """Makes white noise filtered by a Gaussian of a width in m."""

    def amplitude(wavenumber: np.ndarray) -> np.ndarray:
        return np.exp(-2 * (np.pi * width * wavenumber) ** 2)

    return lambda count, random: np.maximum(spectral_noise(amplitude, count, random), cut)


def band(
    wavelength: float, breadth: float = 0.15, cut: float = -np.inf
) -> Callable[..., np.ndarray]:
    """Makes noise of one wavelength, m, and of a relative breadth."""

    def amplitude(wavenumber: np.ndarray) -> np.ndarray:
        return np.exp(-(((wavenumber * wavelength - 1) / breadth) ** 2) / 2)

    return lambda count, random: np.maximum(spectral_noise(amplitude, count, random), cut)


def plane_waves(waves: int) -> Callable[..., np.ndarray]:
    """Makes sums of so many waves of one length in random directions."""

    def one(random: np.random.Generator) -> np.ndarray:
        length, angles = random.uniform(0.5, 1.0), random.uniform(0, np.pi, waves)
        return sum_of_waves(angles, length, random.uniform(0, 2 * np.pi, waves))

    return lambda count, random: np.stack([one(random) for _ in range(count)])


def scattered_bumps(least: int, most: int, apart: float) -> Callable[..., np.ndarray]:
    """Makes maps of Gaussian fields at random places at least `apart` m from each other."""

    def one(random: np.random.Generator) -> np.ndarray:
        number, chosen = random.integers(least, most + 1), np.empty((0, 2))
        for place in random.uniform(0, BOX, (400, 2)):
            if len(chosen) < number and (np.hypot(*(chosen - place).T) >= apart).all():
                chosen = np.vstack([chosen, place])
        return bumps(chosen, random.uniform(0.1, 0.16))

    return lambda count, random: np.stack([one(random) for _ in range(count)])


NOISE = {
    "white noise": smooth(0.0),
    "smooth noise, 0.1 m": smooth(0.1),
    "smooth noise, 0.2 m": smooth(0.2),
    "smooth noise, 0.3 m": smooth(0.3),
    "smooth noise, 0.2 m, rectified": smooth(0.2, cut=0),
    **{f"wavelength {length} m": band(length) for length in (0.5, 0.7, 1.0)},
    **{f"wavelength {length} m, rectified": band(length, cut=0) for length in (0.5, 0.7, 1.0)},
    "wavelength 0.7 m, narrow": band(0.7, 0.05),
    "wavelength 0.7 m, narrow, rectified": band(0.7, 0.05, cut=0),
    "wavelength 0.7 m, cut high": band(0.7, cut=1),
    "random bumps": scattered_bumps(2, 14, 0.0),
    "hard-core bumps": scattered_bumps(2, 7, 0.42),
    "packed bumps": scattered_bumps(40, 40, 0.8),
}
WAVES = {
    "two plane waves": plane_waves(2),
    "three plane waves": plane_waves(3),
    "six plane waves": plane_waves(6),
}


def noise(count: int) -> Iterator[tuple[str, np.ndarray]]:
    """Each kind of map without a lattice, and so many maps of it."""
    for kind, make in (NOISE | WAVES).items():
        yield kind, make(count, generator(kind))


# Maps of lattices (y, x).


def places(bins: int = BINS) -> list[np.ndarray]:
    """The middles of the bins, x and y (y, x), m."""
    middle = (np.arange(bins) + 0.5) / bins * BOX
    return np.meshgrid(middle, middle)


def bumps(centres: np.ndarray, width: float, bins: int = BINS) -> np.ndarray:
    """Gaussian fields at `centres` (field, x and y) of standard deviation `width`, m."""
    x, y = places(bins)
    away = np.hypot(x - centres[:, 0, None, None], y - centres[:, 1, None, None])
    return np.exp(-((away / width) ** 2) / 2).sum(axis=0)


def sum_of_waves(angles: np.ndarray, length: float, phases: np.ndarray) -> np.ndarray:
    """Plane waves in the directions `angles`, rad, of one length, m."""
    x, y = places()
    along = np.multiply.outer(np.cos(angles), x) + np.multiply.outer(np.sin(angles), y)
    return np.cos(2 * np.pi * along / length + phases[:, None, None]).sum(axis=0)


def hexagonal(
    period: float, random: np.random.Generator, bins: int = BINS, stretch: float = 1.0
) -> tuple[np.ndarray, float]:
    """A rectified sum of three plane waves at a random place and orientation, stretched along x;
    and the mean distance of its six peaks, m."""
    orientation, (a, b) = random.uniform(0, np.pi / 3), random.uniform(0, BOX, 2)
    x, y = places(bins)
    angles = orientation + np.deg2rad([30, 90, 150])
    along = np.multiply.outer(np.cos(angles), (x - a) / stretch)
    along += np.multiply.outer(np.sin(angles), y - b)
    rates = np.cos(4 * np.pi / np.sqrt(3) / period * along).sum(axis=0)
    peaks = orientation + np.deg2rad([0, 60, 120])
    distance = period * np.hypot(stretch * np.cos(peaks), np.sin(peaks)).mean()
    return np.maximum(rates, 0), float(distance)


def lattice(period: float, random: np.random.Generator) -> np.ndarray:
    """The map alone that `hexagonal` makes."""
    return hexagonal(period, random)[0]


def jittered(
    period: float, jitter: float, random: np.random.Generator, bins: int = BINS
) -> np.ndarray:
    """Gaussian fields, each displaced from a perfect lattice along x and along y by a normal number
    of standard deviation `jitter` periods."""
    steps = np.mgrid[-12:13, -12:13].reshape(2, -1).T
    angles = random.uniform(0, np.pi / 3) + np.array([0, np.pi / 3])
    centres = steps @ np.stack([np.cos(angles), np.sin(angles)], axis=1) * period
    centres += BOX * random.uniform(0, 1, 2)
    centres += jitter * period * random.standard_normal(centres.shape)
    near = (np.abs(centres - BOX / 2) < BOX).all(axis=1)
    return bumps(centres[near], 0.18 * period, bins)


def with_noise(maps: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Maps with as much white noise as signal."""
    return maps + maps.std(axis=(1, 2), keepdims=True) * random.standard_normal(maps.shape)


def stripes(number: float, random: np.random.Generator) -> np.ndarray:
    """A plane wave, `number` of which fit the side of the box."""
    return sum_of_waves(random.uniform(0, np.pi, 1), BOX / number, random.uniform(0, 2 * np.pi, 1))


def squares(period: float, random: np.random.Generator) -> np.ndarray:
    """A rectified sum of two plane waves at right angles."""
    angles = random.uniform(0, np.pi / 2) + np.array([0, np.pi / 2])
    return np.maximum(sum_of_waves(angles, period, random.uniform(0, 2 * np.pi, 2)), 0)
