"""Maps that a target's covariance alone gives, by the factorisations of Sorscher et al. (2019).

A network with one layer, from grid cells to place cells, minimises |P - G W|, where P (position,
cell) is the target and G (position, map) are the maps. No path integration is involved.
"""

from __future__ import annotations

import warnings

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from sklearn.decomposition import NMF
from sklearn.exceptions import ConvergenceWarning

from nofreelunch import seeds
from nofreelunch.errors import check_choice, refused
from nofreelunch.task.target import Target
from nofreelunch.theory.pattern_formation import form_patterns
from nofreelunch.theory.spectra import spectrum

GROWTH = {"ascent": "linear", "non_negative_ascent": "relu"}  # method -> activation of the growth
METHODS = ("svd", "nmf", *GROWTH)
SIDE = 45  # positions along a side of the arena
STEPS = 400  # of the updates of "nmf"


def factorise(target: Target, method: str, count: int, seed: int = 0) -> xr.DataArray:
    """`count` maps that factorise a target in a periodic arena, by one of `METHODS`.

    >>> import nofreelunch as nfl
    >>> from nofreelunch.theory.factorisation import factorise
    >>> target = nfl.build_target("difference_of_softmaxes", seed=0)
    >>> maps = factorise(target, "svd", count=4)
    >>> dict(maps.sizes)
    {'unit': 4, 'y': 45, 'x': 45}
    >>> scores = nfl.score(maps, bin_size=maps.attrs["bin_size"])

    P stands for infinitely many cells with the covariance of the target: P P' is the covariance.

    - "svd": the singular vectors of P with the largest singular values, which are the best G
      without a constraint. They are waves. Waves of one length have equal singular values, so any
      mixture of them is as good; here each is a random one.
    - "nmf": neither G nor W is negative, nor is P, to which a constant is added. The fewer the
      maps, the more of the arena each has to cover: 9 or 16 do it by lattices, 32 by patches.
    - "ascent": each map climbs g' P P' g at a fixed length of g, from noise of its own. The longest
      climb would end in one wave; here it ends in a mixture of the strongest.
    - "non_negative_ascent": the same with negative rates set to zero in every step.

    Args:
        target: the encoding of position, of one network.
        method: one of `METHODS`.
        count: number of maps.
        seed: of the mixtures, or of the noise.

    Returns:
        Maps (unit, y, x) with coordinates in m, and their `bin_size` as an attribute.

    Raises:
        ValueError: for another method, or a count below 1 or above the number of waves.
    """
    check_choice("method", method, METHODS)
    if not 1 <= count <= SIDE**2 // 4:
        raise refused("count", f"{count}", f"1 to {SIDE**2 // 4}")
    found = spectrum(target, SIDE)
    if method in GROWTH:
        return form_patterns(found, GROWTH[method], count, seed=seed).assign_attrs(method=method)
    power = np.fft.ifftshift(found["power"].values)
    random = seeds.generator(seed, seeds.PATTERNS)
    maps = _mixed_waves(power, count, random) if method == "svd" else _parts(power, count, random)
    bin_size = float(found["dx"][1] - found["dx"][0])
    side = bin_size * (np.arange(SIDE) - (SIDE - 1) / 2)
    axes = {axis: (axis, side, {"units": "m"}) for axis in ("y", "x")}
    about = {"bin_size": bin_size, "method": method, "seed": seed}
    return xr.DataArray(maps, axes, ("unit", "y", "x"), "rate_map", about)


def _mixed_waves(power: NDArray, count: int, random: np.random.Generator) -> NDArray:
    """Random mixtures (map, y, x) of waves of one length, the strongest lengths first."""
    cycles = np.fft.fftfreq(SIDE, 1 / SIDE)
    squared = np.rint(cycles[:, None] ** 2 + cycles**2).astype(int)
    number = np.bincount(squared.ravel())
    mean = np.bincount(squared.ravel(), power.ravel()) / np.maximum(number, 1)
    inside = np.arange(mean.size) <= (SIDE // 2) ** 2  # whole circles of waves
    order = np.argsort(np.where(inside & (number > 0), mean, -1))[::-1]
    found: list[NDArray] = []
    for length in order:
        # Random phases and amplitudes of all waves of a length are a random direction among them.
        noise = random.normal(size=(int(number[length]), SIDE, SIDE))
        waves = np.fft.ifft2(np.fft.fft2(noise) * (squared == length)).real.reshape(len(noise), -1)
        found += list(np.linalg.svd(waves, full_matrices=False)[2]) if length else []
        if len(found) >= count:
            break
    return np.array(found[:count]).reshape(count, SIDE, SIDE)


def _parts(power: NDArray, count: int, random: np.random.Generator) -> NDArray:
    """Non-negative maps (map, y, x) by coordinate descent from random ones.

    Multiplicative updates would end too early: they improve the fit so slowly that it counts as
    converged before lattices form.
    """
    kernel = np.fft.ifft2(np.sqrt(np.maximum(power, 0))).real
    place = np.arange(SIDE)
    apart = (place[:, None] - place) % SIDE
    cells = kernel[apart[:, None, :, None], apart[None, :, None, :]].reshape(SIDE**2, SIDE**2)
    state = int(random.integers(2**31))
    model = NMF(count, init="random", max_iter=STEPS, random_state=state)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the number of updates is fixed
        return model.fit_transform(cells - cells.min()).T.reshape(count, SIDE, SIDE)
