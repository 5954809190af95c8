"""Spectra of targets, and what they predict: whether a lattice grows, and with which period."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from nofreelunch.errors import refused, shown
from nofreelunch.task.catalogue import facts_of

RESOLUTION = 55  # positions along a side, as in the published pattern-formation analysis
HEXAGONAL = 2 / np.sqrt(3)  # spacing of a hexagonal lattice over the wavelength of its waves


def spectrum(target, resolution: int = RESOLUTION) -> xr.Dataset:
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
    both ends included. The grid is taken as periodic. The covariance for a shift is the product of
    a cell's activity at positions this shift apart, averaged over the grid and summed over cells.
    Each cell's mean over the arena is subtracted first. This changes the mode (0, 0) alone, as
    would subtracting the mean over cells where the cells sum to one.

    Returns:
        A dataset in which modes count cycles per periodic box, whose side is `attrs["box"]` (m):
        one grid spacing more than the arena.
        `covariance` (dy, dx): for each shift in m; zero shift is in the middle.
        `power` (ky, kx): power of each mode, summed over cells: the Fourier transform of the
        covariance. Its sum is the covariance at zero shift.
        `radial_power` (radius): mean power of the modes (i, j) with sqrt(i^2 + j^2) = radius.
        `peak_mode`: radius of the largest `radial_power`; it is 1 if there is no annulus.
        `annulus_contrast`: the largest `radial_power` over that at radius 1.
        `predicted_period`: spacing of the predicted hexagonal lattice, m; see `predicted_period`.

    Raises:
        ValueError: for a resolution below 5, or a stack of several networks' targets.
    """
    if not hasattr(target, "encode"):
        raise refused("target", shown(target), "a target that `build_target` made")
    if resolution < 5:
        raise refused("resolution", shown(resolution), "a whole number >= 5")
    if target.networks != 1:
        raise refused("target", f"a stack of {target.networks}", "one target")
    side = np.linspace(-target.arena / 2, target.arena / 2, resolution)
    cells = target.encode(np.stack(np.meshgrid(side, side), axis=-1))
    power = np.square(np.abs(np.fft.fft2(cells, axes=(0, 1), norm="forward"))).sum(axis=-1)
    power[0, 0] = 0.0
    covariance = np.fft.ifft2(power, norm="forward").real

    modes = np.rint(np.fft.fftshift(np.fft.fftfreq(resolution, 1 / resolution))).astype(int)
    shift = modes * (side[1] - side[0])
    box = resolution * (side[1] - side[0])
    power = np.fft.fftshift(power)
    radius, radial = _radial_mean(power, modes)
    return xr.Dataset(
        {
            "covariance": (("dy", "dx"), np.fft.fftshift(covariance)),
            "power": (("ky", "kx"), power),
            "radial_power": ("radius", radial),
            "peak_mode": radius[np.argmax(radial)],
            "annulus_contrast": radial.max() / radial[0],
            "predicted_period": ((), _period(target.spec, radius, radial, box), {"units": "m"}),
        },
        coords={
            "dy": ("dy", shift, {"units": "m"}),
            "dx": ("dx", shift, {"units": "m"}),
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


def ring(width: float, width_ratio: float, amplitude_ratio: float) -> float:
    """Wave number k > 0 (rad/m) at which the power of a centre-surround target is stationary.

    Take a centre of amplitude a and width w (m), less a surround of amplitude 1 and width s w. In
    the plane its transform is 2 pi w^2 [a exp(-w^2 k^2 / 2) - s^2 exp(-s^2 w^2 k^2 / 2)], which is
    stationary at k^2 = 2 ln(s^4 / a) / ((s^2 - 1) w^2). At equal areas, a = s^2, the transform
    vanishes at k = 0 and has its maximum at the stationary point, k^2 = 4 ln s / ((s^2 - 1) w^2).
    If a >= s^4 the transform only falls with k, and the result is NaN.

    Args:
        width: w, m.
        width_ratio: s.
        amplitude_ratio: a.
    """
    if amplitude_ratio >= width_ratio**4:
        return float("nan")
    squared = 2 * np.log(width_ratio**4 / amplitude_ratio) / ((width_ratio**2 - 1) * width**2)
    return float(np.sqrt(squared))


def _period(spec: Mapping[str, Any], radius: np.ndarray, radial: np.ndarray, box: float) -> float:
    """Lattice spacing (m) from a target's spec and its radial power; NaN without an annulus.

    The spectrum decides whether there is an annulus. The formula of `ring` cannot: it ignores walls
    and which waves fit, and has a stationary point even where power is larger near zero.
    """
    amplitude_ratio = facts_of(spec["target"]).centre_surround
    if amplitude_ratio is None or np.argmax(radial) == 0:
        return float("nan")
    if amplitude_ratio == "amplitude_ratio":
        amplitude_ratio = spec["amplitude_ratio"]
    [(convention, surround)] = spec["surround"].items()
    width = spec["place_cell_width"]
    if isinstance(width, Mapping) or isinstance(surround, Mapping) or spec["fields_per_cell"] != 1:
        return HEXAGONAL * box / _vertex(radius, radial)
    width_ratio = np.sqrt(surround) if convention == "variance_ratio" else surround
    if amplitude_ratio == "equal_area":
        amplitude_ratio = width_ratio**2
    return HEXAGONAL * 2 * np.pi / ring(width, width_ratio, float(amplitude_ratio))


def _radial_mean(power: np.ndarray, modes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Radii of modes, up to the largest whole circle on the grid, and the mean power on each."""
    squared = modes[:, None] ** 2 + modes**2
    whole = (squared > 0) & (squared <= modes.max() ** 2)
    values, index = np.unique(squared[whole], return_inverse=True)
    return np.sqrt(values), np.bincount(index, power[whole]) / np.bincount(index)


def _vertex(radius: np.ndarray, radial: np.ndarray) -> float:
    """Radius of the largest radial power, interpolated between the radii of modes."""
    peak = int(np.argmax(radial))
    if peak == len(radius) - 1:
        return float(radius[peak])
    near = slice(peak - 1, peak + 2)
    curvature, slope, _ = np.polyfit(radius[near] - radius[peak], radial[near], 2)
    return float(radius[peak] - slope / (2 * curvature))
