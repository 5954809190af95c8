"""Spectra of targets, and what they predict: whether a lattice grows, and with which period."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import xarray as xr
from scipy import fft

from nofreelunch.errors import refused, shown
from nofreelunch.files import datasets
from nofreelunch.task.catalogue import facts_of
from nofreelunch.theory import formulas
from nofreelunch.theory.formulas import HEXAGONAL

RESOLUTION = 55  # positions along a side, as in the published pattern-formation analysis


def spectrum(target, resolution: int = RESOLUTION, periodic: bool = True) -> xr.Dataset:
    """Covariance of a built target between positions, its power spectrum, and what it predicts.

    >>> import nofreelunch as nfl
    >>> found = nfl.spectrum(nfl.build_target("difference_of_softmaxes", seed=0))
    >>> dict(found["power"].sizes)
    {'ky': 55, 'kx': 55}
    >>> bool(found["annulus_contrast"] > 1)
    True

    Near its initial weights a network learns linearly: the spatial patterns of its units grow at
    rates given by the covariance of the target between positions (Sorscher et al. 2019). In a
    periodic arena the patterns are plane waves, and each grows with the target's power at its wave
    vector. The strongest waves win. A target whose power peaks on a ring away from zero therefore
    predicts lattices of the ring's wavelength. A target whose strongest wave is the longest that
    fits the arena predicts patterns as large as the arena.

    The cells are read on a regular grid of `resolution` positions along each side of the arena,
    both ends included unless the target's own walls are joined. Each cell's mean over the arena is
    subtracted first. In a periodic arena this changes the mode (0, 0) alone, as would subtracting
    the mean over cells where the cells sum to one. The covariance for a shift is the product of a
    cell's activity at positions this shift apart, averaged over the grid and summed over cells.

    With `periodic`, as published, a shift across a wall goes on at the opposite wall. Without, only
    pairs of positions inside the arena count, and there are modes at every half cycle, too.

    Args:
        target: as `build_target` makes it.
        resolution: positions along a side.
        periodic: whether opposite walls are joined.

    Returns:
        A dataset in which modes count cycles per box, whose side is `attrs["box"]` (m): one grid
        spacing more than the arena.
        `covariance` (dy, dx): for each shift in m; zero shift is in the middle.
        `power` (ky, kx): power of each mode, summed over cells. In a periodic arena it is the
        Fourier transform of the covariance, and its sum is the covariance at zero shift. Otherwise
        the covariance is first multiplied by the share of positions that a shift keeps inside.
        `radial_power` (radius): mean power of the modes (i, j) with sqrt(i^2 + j^2) = radius.
        `peak_mode`: radius >= 1 of the largest `radial_power`; it is 1 if there is no annulus.
        `annulus_contrast`: the power there over that at radius 1.
        `predicted_period`: spacing of the predicted hexagonal lattice, m; see `predicted_period`.

    Raises:
        ValueError: for a resolution below 5, or a stack of several networks' targets.
    """
    if not hasattr(target, "networks"):
        raise refused("target", shown(target), "a target that `build_target` made")
    if resolution < 5:
        raise refused("resolution", shown(resolution), "a whole number >= 5")
    if target.networks != 1:
        raise refused("target", f"a stack of {target.networks}", "one target")
    step = target.arena / (resolution if target.periodic else resolution - 1)
    box = resolution * step
    power, covariance = _power_and_covariance(target, resolution, periodic)
    number = np.arange(len(power)) - len(power) // 2
    modes = number if periodic else number / 2
    radius, radial = _radial_mean(power, modes)
    peak = peak_of(radius, radial)
    return xr.Dataset(
        {
            "covariance": (("dy", "dx"), covariance),
            "power": (("ky", "kx"), power),
            "radial_power": ("radius", radial),
            "peak_mode": radius[peak],
            "annulus_contrast": radial[peak] / radial[radius == 1].item(),
            "predicted_period": ((), _period(target.spec, radius, radial, box), {"units": "m"}),
        },
        coords={
            "dy": ("dy", number * step, {"units": "m"}),
            "dx": ("dx", number * step, {"units": "m"}),
            "ky": ("ky", modes, {"units": "cycles/box"}),
            "kx": ("kx", modes, {"units": "cycles/box"}),
            "radius": ("radius", radius, {"units": "cycles/box"}),
        },
        attrs={"spec": json.dumps(target.spec), "arena": float(target.arena), "box": float(box)},
    )


def spectra(targets: Sequence) -> xr.Dataset:
    """The `spectrum` of several built targets of one arena, in one dataset.

    It has the variables of `spectrum` with a leading dimension `target`, and the coordinate `spec`
    (target), JSON.
    """
    each = [spectrum(target) for target in targets]
    specs = [one.attrs.pop("spec") for one in each]
    together = xr.concat(each, "target", combine_attrs="identical", join="exact")
    return together.assign_coords(spec=("target", specs))


def split_spectra(spectra: xr.Dataset) -> list[xr.Dataset]:
    """One dataset per target, as `spectrum` returned it, from the dataset that `spectra` made."""
    return [
        spectra.isel(target=number).drop_vars("spec").assign_attrs(spec=str(spec))
        for number, spec in enumerate(spectra["spec"].values)
    ]


def open_spectra(
    paths: Iterable[str | Path], patterns: Iterable[str | Path] = ()
) -> list[xr.Dataset]:
    """The spectra of all targets in files of a study, one dataset each.

    With `patterns`, the files of that stage, each also has the scores of its target's patterns.
    Raises DatasetError as `datasets.load` does.
    """
    spectra = [one for path in paths for one in split_spectra(datasets.load(path, "theory"))]
    grown: dict[str, xr.Dataset] = {}
    for path in patterns:
        scores = datasets.load(path, "patterns").drop_dims(("y", "x"))
        for number, spec in enumerate(scores["spec"].values):
            grown[str(spec)] = scores.isel(target=number).drop_vars("spec")
    return [one.merge(grown.get(one.attrs["spec"], xr.Dataset())) for one in spectra]


def predicted_period(target) -> float:
    """Spacing (m) of the hexagonal lattice that a built target predicts; NaN if it predicts none.

    >>> import nofreelunch as nfl
    >>> round(nfl.predicted_period(nfl.build_target("difference_of_softmaxes", seed=0)), 2)
    0.91
    >>> nfl.predicted_period(nfl.build_target("gaussian", seed=0))
    nan

    If all cells have one field of equal width and surround, the wave number is that of `ring`.
    Otherwise it is read off `spectrum`, at the vertex of the parabola through the largest radial
    power and its two neighbours. A target predicts no lattice if it has no surround, or if the
    strongest mode of its spectrum is the longest that fits the box.
    """
    return float(spectrum(target).predicted_period)


def peak_of(radius: np.ndarray, radial: np.ndarray) -> int:
    """Index of the largest radial power among the waves that fit the box, of radius 1 or more."""
    return int(np.argmax(np.where(radius >= 1, radial, -np.inf)))


def vertex(radius: np.ndarray, radial: np.ndarray) -> float:
    """Radius of the largest radial power, interpolated between the radii of modes.

    The vertex of the parabola through the largest power and its two neighbours.
    """
    peak = peak_of(radius, radial)
    if peak in (0, len(radius) - 1):
        return float(radius[peak])
    near = slice(peak - 1, peak + 2)
    curvature, slope, _ = np.polyfit(radius[near] - radius[peak], radial[near], 2)
    return float(radius[peak] - slope / (2 * curvature))


def _power_and_covariance(target, resolution: int, periodic: bool) -> tuple[np.ndarray, np.ndarray]:
    """Power of each mode and covariance for each shift, with zero in the middle of both."""
    half = target.arena / 2
    side = np.linspace(-half, half, resolution, endpoint=not target.periodic)
    cells = target.encode(np.stack(np.meshgrid(side, side), axis=-1))
    cells = cells - cells.mean(axis=(0, 1))
    size = resolution if periodic else 2 * resolution  # zeros keep opposite walls apart
    waves = fft.fft2(cells, s=(size, size), axes=(0, 1)) / resolution**2
    power = np.square(np.abs(waves)).sum(axis=-1)
    power[0, 0] = 0.0
    covariance = fft.fftshift(fft.ifft2(power, norm="forward").real)
    power = fft.fftshift(power)
    if periodic:
        return power, covariance
    # The first row and column, of a shift as long as the grid, have no partner of opposite sign.
    inside = 1 - np.abs(np.arange(1, size) - resolution) / resolution
    covariance = covariance[1:, 1:] / (inside[:, np.newaxis] * inside)
    return power[1:, 1:], covariance * (resolution / size) ** 2


def _period(spec: dict, radius: np.ndarray, radial: np.ndarray, box: float) -> float:
    """Lattice spacing (m) from a target's spec and its radial power; NaN without an annulus.

    The spectrum decides whether there is an annulus. The formula cannot: it ignores walls and which
    waves fit, and has a stationary point even where power is larger near zero.
    """
    annulus = radius[peak_of(radius, radial)] > 1
    if facts_of(spec["target"]).centre_surround is None or not annulus:
        return float("nan")
    field = formulas.field_of(spec)
    if field is None:
        return HEXAGONAL * box / vertex(radius, radial)
    return HEXAGONAL * 2 * np.pi / formulas.ring(*field)


def _radial_mean(power: np.ndarray, modes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Radii of modes, up to the largest whole circle on the grid, and the mean power on each."""
    squared = modes[:, None] ** 2 + modes**2
    whole = (squared > 0) & (squared <= modes.max() ** 2)
    values, index = np.unique(squared[whole], return_inverse=True)
    return np.sqrt(values), np.bincount(index, power[whole]) / np.bincount(index)
