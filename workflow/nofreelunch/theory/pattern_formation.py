"""Maps that grow from a target's covariance alone: no network, no path integration."""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy import fft

from nofreelunch import seeds
from nofreelunch.errors import check_choice, refused

ACTIVATIONS = ("linear", "tanh", "relu")
STEP = 0.3  # growth of the fastest wave in a step
START = 1e-8  # standard deviation of the noise at the start, as published


def form_patterns(
    spectrum: xr.Dataset, activation: str = "relu", count: int = 32, steps: int = 500, seed: int = 0
) -> xr.DataArray:
    """Grow `count` maps from noise, by the dynamics that the spectrum of a target sets.

    >>> import nofreelunch as nfl
    >>> from nofreelunch.theory.pattern_formation import form_patterns
    >>> spectrum = nfl.spectrum(nfl.build_target("difference_of_softmaxes", seed=0))
    >>> maps = form_patterns(spectrum, "relu", count=4)
    >>> dict(maps.sizes)
    {'unit': 4, 'y': 55, 'x': 55}
    >>> scores = nfl.score(maps, bin_size=maps.attrs["bin_size"])

    This is the pattern-formation analysis of Sorscher et al. (2019). A map g grows from noise by
    g <- phi(g + h C g), where C is the target's covariance, which acts by convolution in a periodic
    arena, divided by its largest power. phi is the activation. With "linear" the strongest waves
    win; "relu" favours sums of three of them, 60 degrees apart, where such waves fit the box, and
    "tanh" stripes and squares. The published equation also has a decay, -h g, which is left out: it
    slows all waves alike, and for "linear" and "relu" it changes only the scale of a map and the
    size of a step.

    Args:
        spectrum: from `spectrum`, with a periodic arena.
        activation: "linear", "tanh" or "relu".
        count: number of maps, which do not see each other.
        steps: of the dynamics.
        seed: of the noise.

    Returns:
        Maps (unit, y, x) with coordinates in m, and their `bin_size` as an attribute. Linear and
        rectified maps have a standard deviation of one, because their scale only grows.

    Raises:
        ValueError: for another activation, a number below 1, or a spectrum that is not periodic.
    """
    check_choice("activation", activation, ACTIVATIONS)
    for name, value in (("count", count), ("steps", steps)):
        if value < 1:
            raise refused(name, f"{value}", "a whole number >= 1")
    power = spectrum["power"].values
    size = len(power)
    bin_size = float(spectrum["dx"][1] - spectrum["dx"][0])
    if not np.isclose(size * bin_size, spectrum.attrs["box"]):
        raise refused("spectrum", "one of a bounded arena", "one of a periodic arena")
    gain = STEP * np.fft.ifftshift(power / power.max())[:, : size // 2 + 1]
    maps = seeds.generator(seed, seeds.PATTERNS).normal(0, START, (count, size, size))
    if activation == "linear":  # all steps at once
        gain, steps = ((1 + gain) / (1 + STEP)) ** steps - 1, 1
    for _ in range(steps):
        maps = maps + fft.irfft2(gain * fft.rfft2(maps), s=(size, size))
        maps = np.tanh(maps) if activation == "tanh" else _scaled(maps, activation)
    side = bin_size * (np.arange(size) - (size - 1) / 2)
    axes = {axis: (axis, side, {"units": "m"}) for axis in ("y", "x")}
    about = {"bin_size": bin_size, "activation": activation, "seed": seed}
    return xr.DataArray(maps, axes, ("unit", "y", "x"), "rate_map", about)


def _scaled(maps: NDArray, activation: str) -> NDArray:
    maps = np.maximum(maps, 0) if activation == "relu" else maps
    return maps / maps.std(axis=(1, 2), keepdims=True)
